"""A finding as models and guidelines ask for it.

What a reader says of it goes before what was measured, and where the reader has said nothing, what a network estimates
of its look (`measured.Looks`) counts as far as it is certain: `CERTAIN` and more is taken, with less anything that is
possible stays possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property

from napari_lesion.assessment.measure.looks import PART_SOLID
from napari_lesion.model.assessed import NoduleType, Source, SourcedValue
from napari_lesion.model.findings import Finding
from napari_lesion.model.measured import Measurement

TYPES: tuple[NoduleType, ...] = ("solid", "part-solid", "non-solid")
CERTAIN = 0.8
"""From this certainty on, an estimate is taken where nobody has said anything."""
_TO_TENTH = Decimal("0.1")
_TO_WHOLE = Decimal("1")


@dataclass(frozen=True)
class Nodule:
    """A measured finding."""

    finding: Finding
    measurement: Measurement

    @property
    def types(self) -> tuple[NoduleType, ...]:
        """All that it may be, the most probable first."""
        return self._known_type[0]

    @property
    def type_source(self) -> Source | None:
        """Where the type comes from; None where it is unknown."""
        return self._known_type[1]

    @cached_property
    def _known_type(self) -> tuple[tuple[NoduleType, ...], Source | None]:
        read, measured, looks = self.finding.appearance.type, self.measurement.type, self.measurement.looks
        if read is not None:
            return (read.value,), read.source
        if looks is None:
            return (TYPES, None) if measured == "unknown" else ((measured,), "measured")
        chances = {"solid": looks.solid, "part-solid": looks.part_solid, "non-solid": looks.non_solid}
        possible = {looks.type} | ({"part-solid"} if looks.part_solid >= PART_SOLID else set())
        if len(possible) == 1 and measured == looks.type:
            return (measured,), "measured"
        if len(possible) == 1 and looks.type_certainty >= CERTAIN:
            return (looks.type,), "estimated"
        if measured == "unknown":
            possible |= {kind for kind in TYPES if chances[kind] >= 1 - CERTAIN}
        else:
            possible.add(measured)
        if len(possible) == 1:
            return (looks.type,), None
        return tuple(sorted((kind for kind in TYPES if kind in possible), key=lambda kind: -chances[kind])), None

    @property
    def spiculated(self) -> tuple[bool, ...]:
        """Whether it is spiculated: yes, no, or either."""
        read, looks = self.finding.appearance.spiculated, self.measurement.looks
        if read is not None:
            return (read.value,)
        if looks is not None and looks.spiculated.certainty >= CERTAIN:
            return (looks.spiculated.value,)
        return (False, True)

    @property
    def patterns(self) -> tuple[bool, ...]:
        """Whether it is calcified as in category 1 of Lung-RADS (or contains fat): yes, no, or either."""
        read = self.finding.appearance.category_1_pattern
        if read is not None:
            return (read.value,)
        if self.measurement.calcification == "complete":
            return (True,)
        if self.measurement.calcification == "none" or self.types == ("non-solid",):
            looks = self.measurement.looks
            seen = looks is not None and looks.calcified.value and looks.calcified.certainty >= CERTAIN
            return (False, True) if seen else (False,)
        return (False, True)

    @property
    def upper_lobe(self) -> bool | None:
        """Whether it lies in an upper lobe; None where no reader and no lobe mask says so: a zone does not tell."""
        lobe = self.finding.appearance.lobe
        name = lobe.value if lobe is not None else self.measurement.lobe.lower()
        if "upper" in name or "lingula" in name:
            return True
        return False if "middle" in name or "lower" in name else None

    @property
    def mean_mm(self) -> float:
        """Mean diameter, to 0.1 mm."""
        return to_tenth(self.measurement.mean_diameter_mm)

    @property
    def solid_mm(self) -> float | None:
        """Mean diameter of the solid part, to 0.1 mm; None where it is not known."""
        if self.types == ("solid",):
            return self.mean_mm
        if self.types == ("non-solid",):
            return 0.0
        solid = self.measurement.solid_mean_diameter_mm
        return None if solid is None else to_tenth(solid)

    @property
    def size(self) -> str:
        """How large it is, in words."""
        m = self.measurement
        words = f"mean diameter {self.mean_mm:.1f} mm ({m.long_axis.length_mm:.1f} × {m.short_axis.length_mm:.1f} mm)"
        if "part-solid" in self.types and self.solid_mm is not None:
            words += f", solid part {self.solid_mm:.1f} mm"
        return words

    @property
    def kind(self) -> str:
        """Its type and where that comes from, in words."""
        looks = self.measurement.looks
        if self.type_source == "estimated" and looks is not None:
            return f"{self.types[0].capitalize()} (estimated, {percent(looks.type_certainty)})"
        if self.type_source is None:
            if looks is None or self.finding.appearance.type is not None:
                return "Type unknown"
            measured = self.measurement.type
            said = "not to be told from the density" if measured == "unknown" else f"{measured} (measured)"
            words = f"Type unknown: {said}, {looks.type} (estimated, {percent(looks.type_certainty)})"
            also = looks.type != "part-solid" and looks.part_solid >= PART_SOLID
            return f"{words}, perhaps part-solid ({percent(looks.part_solid)})" if also else words
        return f"{self.types[0].capitalize()} ({self.type_source})"


def nodule_of(finding: Finding) -> Nodule | None:
    """Look at a finding as a nodule; None where it was not measured."""
    return None if finding.measurement is None else Nodule(finding, finding.measurement)


def unmeasured(finding: Finding) -> str:
    """Why nothing can be said of a finding that has no measurement."""
    return f"It was not measured: {finding.unmeasured}" if finding.unmeasured else "It was not measured."


def active(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Take the findings that no reader rejected."""
    return tuple(finding for finding in findings if finding.status != "rejected")


def unread(findings: Sequence[Finding]) -> int:
    """Count the findings that no reader has confirmed."""
    return sum(finding.status == "candidate" for finding in findings)


def is_true(value: SourcedValue[bool] | None) -> bool:
    """Whether something is known to be so."""
    return value is not None and value.value


def to_tenth(mm: float) -> float:
    """Round to 0.1 mm, halves up: as a reader would, not as binary numbers do."""
    return float(Decimal(str(mm)).quantize(_TO_TENTH, ROUND_HALF_UP))


def to_whole(mm: float) -> int:
    """Round to whole mm, halves up."""
    return int(Decimal(str(mm)).quantize(_TO_WHOLE, ROUND_HALF_UP))


def percent(share: float) -> str:
    """Write a share as per cent; never 100, for no estimate is that sure."""
    return f"{min(round(100 * share), 99)} %"


def either(words: Sequence[str]) -> str:
    """Join alternatives: ``2, 3 or 4A``."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
