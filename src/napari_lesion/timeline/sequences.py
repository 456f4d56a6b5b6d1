"""A lesion's visits as numbers for a network: what grows apart from all else, what is unknown marked as such.

What grows (size, growth since the last volume, growth through all dates) is kept apart, for the risk must never fall
when a lesion grows faster; gaps between dates, look, place and person are the context in which it is seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesion.timeline.baselines import last_said
from napari_lesion.timeline.course import (
    OUTCOMES,
    YEAR,
    Course,
    Outcome,
    Prefix,
    last_volume,
    slope,
)

GROWING = 3
CONTEXT = 16
BINS = 6
"""Half-years for each of which a hazard is told."""
BIN_YEARS = 0.5
_TYPICAL = math.log(150.0)
Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sequences:
    """n lesions of up to t visits.

    Attributes
    ----------
    growing : (n, t, GROWING) float32
    context : (n, t, CONTEXT) float32
    event, at_risk : (n, t, 2, BINS) float32
        After each visit, for cancer and growth: whether it happened in a half-year, and whether that is known. All 0
        where there is no visit, or no end is known.
    """

    growing: Array
    context: Array
    event: Array
    at_risk: Array

    def __getitem__(self, which: npt.NDArray[np.int64]) -> Sequences:
        """Take some lesions."""
        return Sequences(self.growing[which], self.context[which], self.event[which], self.at_risk[which])


def sequences_of(courses: tuple[Course, ...]) -> Sequences:
    """Make sequences of lesions, with what came after each visit where that is known."""
    n, t = len(courses), max(len(one.visits) for one in courses)
    growing, context = np.zeros((n, t, GROWING), np.float32), np.zeros((n, t, CONTEXT), np.float32)
    event, at_risk = (np.zeros((n, t, len(OUTCOMES), BINS), np.float32) for _ in range(2))
    for row, course in enumerate(courses):
        seen = [Prefix(course, m + 1) for m in range(len(course.visits))]
        for m, known in enumerate(seen):
            growing[row, m], context[row, m] = _growing(known), _context(known)
        watched = tuple(one for one in seen if course.end is not None and one.visits[-1].day < course.end.day)
        for about, outcome_after in enumerate(OUTCOMES.values()):
            if watched:
                event[row, : len(watched), about], at_risk[row, : len(watched), about] = _bins(outcome_after(watched))
    return Sequences(growing, context, event, at_risk)


def _growing(known: Prefix) -> list[float]:
    volume, line = last_volume(known.visits), slope(known.visits)
    measured = [one.log_volume for one in known.visits if not math.isnan(one.log_volume)]
    since = measured[-1] - measured[-2] if len(measured) > 1 else 0.0
    return [
        0.0 if math.isnan(volume) else (volume - _TYPICAL) / 1.5,
        float(np.clip(since, -2, 2)),
        0.0 if math.isnan(line) else float(np.clip(line, -3, 3)),
    ]


def _context(known: Prefix) -> list[float]:
    course, person, visits = known.course, known.course.person, known.visits
    measured = [one.day for one in visits if not math.isnan(one.log_volume)]
    gap = (measured[-1] - measured[-2]) / YEAR if len(measured) > 1 else 0.0
    kind = last_said(visits, "type")
    return [
        min(gap, 3.0),
        float(len(measured) > 1),
        min((visits[-1].day - visits[0].day) / YEAR, 6.0) / 3,
        min((visits[-1].day - measured[-1]) / YEAR, 3.0) if measured else 0.0,
        float(bool(measured)),
        len(visits) / 5,
        *(float(kind == one) for one in ("solid", "part-solid", "non-solid")),
        *(
            0.0 if said is None else 1.0 if said else -1.0
            for said in (
                last_said(visits, "spiculated"),
                course.upper_lobe,
                person.female,
                person.family_history,
                person.emphysema,
            )
        ),
        ((person.age_years or 62) - 62) / 10,
        min(course.count or 1, 8) / 4,
    ]


def _bins(outcome: Outcome) -> tuple[Array, Array]:
    """Cut times into half-years, each (n, BINS)."""
    end = np.arange(1, BINS + 1) * BIN_YEARS
    years = np.where(outcome.never, np.inf, outcome.years)[:, None]
    event = outcome.event[:, None] & (years > end - BIN_YEARS) & (years <= end)
    return event.astype(np.float32), (event | (years >= end)).astype(np.float32)
