"""Which study is read next, and why: the terms of its points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from napari_lesion.worklist.rule import Priority, Rule
from napari_lesion.worklist.study_findings import Found

TEXTS = {
    "lung_rads": "Lung-RADS {category}",
    "if_screening": "Lung-RADS {category}, if this is screening",
    "grown": "a finding has grown",
    "doubling": "a finding has grown, its volume doubles in {days} days",
    "new": "a finding is new",
    "unclear": "a change that cannot be told",
    "size": "the largest finding is {mm} mm",
    "uncertain": "the model is unsure of a finding",
    "not_searched": "not searched in {count} of {series} series",
    "warnings": "the analysis has warnings",
    "priority": "requested as {priority}",
    "waiting": "waiting for {hours} h",
}
"""What a term says, with its values."""


@dataclass(frozen=True)
class Term:
    """One reason for a study's place.

    Attributes
    ----------
    kind : str
        One of `TEXTS`.
    points : float
    values : dict of str
        That are filled into the text.
    """

    kind: str
    points: float
    values: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.points:+.1f} {TEXTS[self.kind].format(**self.values)}"


def terms(found: Found, priority: Priority, waited_h: float, rule: Rule) -> tuple[Term, ...]:
    """List the terms of a study's points, the largest first.

    Parameters
    ----------
    found : Found
    priority : str
    waited_h : float
        Since it came, hours.
    rule : Rule
    """
    told: list[Term] = []
    if found.lung_rads:
        kind = "lung_rads" if found.is_screening else "if_screening"
        told.append(Term(kind, rule.lung_rads.get(found.lung_rads, 0.0), {"category": found.lung_rads}))
    if found.course == "grown" and found.doubling_days is not None:
        told.append(Term("doubling", rule.grown, {"days": f"{found.doubling_days:.0f}"}))
    elif found.course:
        told.append(Term(found.course, getattr(rule, found.course)))
    if found.largest_mm:
        points = rule.per_mm * min(found.largest_mm, rule.largest_mm)
        told.append(Term("size", points, {"mm": f"{found.largest_mm:.1f}"}))
    told.append(Term("uncertain", rule.uncertain * found.uncertainty))
    if found.unsearched:
        values = {"count": str(found.unsearched), "series": str(found.series)}
        told.append(Term("not_searched", rule.not_searched, values))
    if found.warnings:
        told.append(Term("warnings", rule.warnings))
    told.append(Term("priority", rule.priority.get(priority, 0.0), {"priority": priority}))
    waited_h = max(waited_h, 0.0)  # a clock that was set back
    told.append(Term("waiting", rule.per_hour * waited_h, {"hours": f"{waited_h:.1f}"}))
    return tuple(sorted((one for one in told if one.points > 0), key=lambda one: -one.points))


def points(terms: Iterable[Term]) -> float:
    """Sum up."""
    return sum(one.points for one in terms)
