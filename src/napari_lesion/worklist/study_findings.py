"""What was found in a study, as far as its place on a worklist depends on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_lesion.model.findings import Report

Course = Literal["", "unclear", "new", "grown"]
_COURSES: tuple[Course, ...] = ("", "unclear", "new", "grown")
CATEGORIES = ("1", "2", "0", "3", "4A", "4B", "4X")
"""Of Lung-RADS, the most urgent last; 0 is an exam that says too little."""
_CATEGORY = re.compile(r"\b(4[ABX]|[0123])S?\b")


class Found(BaseModel):
    """What was found in a series, or in all series of a study.

    Attributes
    ----------
    series : int
    unsearched : int
        How many of them no model has searched.
    reason : str
        Why not, of the first of them, as a sentence.
    findings : int
        That no reader rejected.
    largest_mm : float
        Diameter of the largest of them.
    lung_rads : str
        The highest category that the exam may have; "" where nothing says one.
    is_screening : bool
        False: the category holds only if this is screening, which is not known.
    course : str
        Of the finding that changed most against a prior.
    doubling_days : float, optional
        The shortest volume doubling time of those that grew.
    uncertainty : float
        In [0, 1], of the finding of which the model is least sure: 1 where its score is 0.5, 0 at 0 and 1.
    warnings : int
        Of the analysis.
    """

    model_config = ConfigDict(frozen=True)

    series: int = 1
    unsearched: int = 0
    reason: str = ""
    findings: int = 0
    largest_mm: float = 0.0
    lung_rads: str = ""
    is_screening: bool = True
    course: Course = ""
    doubling_days: float | None = None
    uncertainty: float = 0.0
    warnings: int = 0


def found_in(report: Report) -> Found:
    """Summarise a report."""
    active = report.active
    ids = {finding.id for finding in active}
    changes = [
        change
        for comparison in report.comparisons[:1]
        if comparison.alignment.accepted
        for change in comparison.changes
        if change.finding_id in ids
    ]
    courses = [one for one in _COURSES if any(change.fate == one for change in changes)]
    doubling = [c.doubling_days for c in changes if c.fate == "grown" and c.doubling_days and c.doubling_days > 0]
    unsure = [4 * one.score * (1 - one.score) for one in active if one.status == "candidate"]
    lung_rads = report.judgement.lung_rads if report.judgement is not None else None
    said = (lung_rads.category or lung_rads.would_be) if lung_rads is not None else ""
    possible = [one for one in CATEGORIES if one in _CATEGORY.findall(said)]
    return Found(
        unsearched=0 if report.is_searched else 1,
        reason="" if report.is_searched else "No model has searched it.",
        findings=len(active),
        largest_mm=max((one.size_mm for one in active), default=0.0),
        lung_rads=possible[-1] if possible else "",
        is_screening=lung_rads is None or lung_rads.applies,
        course=courses[-1] if courses else "",
        doubling_days=min(doubling, default=None),
        uncertainty=max(unsure, default=0.0),
        warnings=len(report.warnings),
    )


def merged(parts: Sequence[Found]) -> Found:
    """Put together what was found in the series of a study: of each thing the most urgent."""
    rated = max(parts, key=lambda one: CATEGORIES.index(one.lung_rads) if one.lung_rads else -1)
    return Found(
        series=sum(one.series for one in parts),
        unsearched=sum(one.unsearched for one in parts),
        reason=next((one.reason for one in parts if one.reason), ""),
        findings=max(one.findings for one in parts),
        largest_mm=max(one.largest_mm for one in parts),
        lung_rads=rated.lung_rads,
        is_screening=rated.is_screening,
        course=max((one.course for one in parts), key=_COURSES.index),
        doubling_days=min((one.doubling_days for one in parts if one.doubling_days is not None), default=None),
        uncertainty=max(one.uncertainty for one in parts),
        warnings=max(one.warnings for one in parts),
    )
