"""The table of ACR Lung-RADS v2022: which category a nodule of some type and size has, and what is advised.

References
----------
ACR, Lung-RADS v2022: assessment categories and notes. Christensen et al., Chest 165 (2024), 738-753.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from napari_lesion.assessment.measure.nodule import either
from napari_lesion.model.assessed import Category, NoduleType

GUIDELINE = "Lung-RADS v2022"
When = Literal["baseline", "new", "growing", "slowly growing", "stable"]
ORDER: tuple[Category, ...] = get_args(Category)
_SOLID_PET_MM = 8.0

MANAGEMENT: dict[str, str] = {
    "0": "LDCT in 1 to 3 months",
    "1": "screening LDCT in 12 months",
    "2": "screening LDCT in 12 months",
    "3": "LDCT in 6 months",
    "4A": "LDCT in 3 months",
    "4B": "diagnostic chest CT with or without contrast, tissue sampling, or referral for further clinical evaluation",
    "4X": "diagnostic chest CT with or without contrast, tissue sampling, or referral for further clinical evaluation",
}
_PET = "; PET/CT may be considered, as there is a solid nodule or solid part of 8 mm or more"


@dataclass(frozen=True)
class Entry:
    """A category, and the entry of the table that gives it, in words."""

    category: Category
    words: str
    stepped: bool = False
    """Whether it is by the category that the nodule had before."""

    @property
    def rests_on(self) -> str:
        """Where the guideline says so."""
        return f"{GUIDELINE}, {'stepped management' if self.stepped else f'category {self.category}'}"


def by_table(type_: NoduleType, mean_mm: float, solid_mm: float, when: When) -> Entry:
    """Look up the category of a nodule that is not stable.

    Parameters
    ----------
    type_ : NoduleType
    mean_mm, solid_mm : float
        Mean diameter of all of it and of its solid part, to 0.1 mm.
    when : When
        For ``stable`` the entry of its size at baseline is looked up: what stepped management starts from.
    """
    first = "at baseline" if when in {"baseline", "stable"} else when
    if type_ == "non-solid":
        return _non_solid(mean_mm, when, first)
    if when == "slowly growing":
        return Entry("4B", f"{type_.capitalize()}, slowly growing over several exams")
    if type_ == "solid":
        return _solid(mean_mm, when, first)
    return _part_solid(mean_mm, solid_mm, when, first)


def _solid(mm: float, when: When, first: str) -> Entry:
    if when == "growing":
        limits: Sequence[tuple[float, Category]] = ((8.0, "4A"), (float("inf"), "4B"))
    elif when == "new":
        limits = ((4.0, "2"), (6.0, "3"), (8.0, "4A"), (float("inf"), "4B"))
    else:
        limits = ((6.0, "2"), (8.0, "3"), (15.0, "4A"), (float("inf"), "4B"))
    category, span = _within(mm, limits)
    return Entry(category, f"Solid, {span}, {first}")


def _part_solid(mm: float, solid_mm: float, when: When, first: str) -> Entry:
    if when in {"new", "growing"}:
        if when == "new" and mm < 6.0:
            return Entry("3", "Part-solid, under 6 mm, new")
        category, span = _within(solid_mm, ((4.0, "4A"), (float("inf"), "4B")))
        return Entry(category, f"Part-solid, {when}, solid part {span}")
    if mm < 6.0:
        return Entry("2", f"Part-solid, under 6 mm, {first}")
    category, span = _within(solid_mm, ((6.0, "3"), (8.0, "4A"), (float("inf"), "4B")))
    return Entry(category, f"Part-solid, 6 mm or more, solid part {span}, {first}")


def _non_solid(mm: float, when: When, first: str) -> Entry:
    if mm < 30.0:
        return Entry("2", f"Non-solid, under 30 mm, {first}")
    if when == "slowly growing":
        return Entry("2", "Non-solid, 30 mm or more, slowly growing")
    if when == "growing":
        return Entry("3", "Non-solid, 30 mm or more; the table has no entry for one that grows, so as for a new one")
    return Entry("3", f"Non-solid, 30 mm or more, {first}")


def _within(mm: float, limits: Sequence[tuple[float, Category]]) -> tuple[Category, str]:
    """Find the first limit (mm) that a size is under, and say between which limits it is."""
    low = 0.0
    for high, category in limits:
        if mm < high:
            if high == float("inf"):
                return category, f"{low:g} mm or more"
            return category, f"under {high:g} mm" if low == 0 else f"{low:g} to under {high:g} mm"
        low = high
    raise ValueError(f"{mm} mm is no size.")


def stepped(category: Category, months: float | None) -> Iterator[Entry]:
    """Describe what becomes of the category of a nodule that is stable or smaller, after some months.

    Each that is possible where it is not known after how many.
    """
    follow_up: dict[Category, tuple[int, Category]] = {"3": (6, "2"), "4A": (3, "3")}
    if category in {"1", "2"}:
        yield Entry("2", f"Stable, category {category} before", stepped=True)
    elif category in follow_up:
        after, lower = follow_up[category]
        if months is None or whole(months) >= after:
            yield Entry(
                lower, f"Category {category} before, stable or smaller at {after} months or later", stepped=True
            )
        if months is None or whole(months) < after:
            yield Entry(
                category, f"Category {category} before, stable, but seen again before {after} months", stepped=True
            )
    else:
        yield Entry(category, f"Category {category} before; being stable does not step it down", stepped=True)


def ordered(categories: Iterable[Category]) -> tuple[Category, ...]:
    """Sort categories, each once."""
    return tuple(sorted(set(categories), key=ORDER.index))


def management(categories: Sequence[Category], solid_mm: float) -> str:
    """Describe what the guideline advises for a category; for each, where several are possible."""
    said: dict[str, list[str]] = {}
    for category in categories:
        pet = category in {"4A", "4B", "4X"} and solid_mm >= _SOLID_PET_MM
        said.setdefault(MANAGEMENT[category] + (_PET if pet else ""), []).append(category)
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{either(names)}: {words}" for words, names in said.items())


def whole(months: float) -> int:
    """Round months, halves up: a scan two weeks early or late is still the 6-month one."""
    return math.floor(months + 0.5)
