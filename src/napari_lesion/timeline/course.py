"""A lesion over the years, as models of risk see it: visits at any dates, whose patient, and how it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_lesion.model.assessed import NoduleType

SIMULATED = (
    "Made on simulated patients, not on people: numbers of this model say nothing about any patient. For research only."
)
YEAR = 365.25
GROWN = math.log(1.25)
"""Of the volume: BTS 2015 calls 25 % and more growth."""

Floats = npt.NDArray[np.float64]
Ending = Literal["cancer", "other", "censored"]


@dataclass(frozen=True)
class Visit:
    """What was seen of a lesion at one date; None is unknown.

    Attributes
    ----------
    day : int
        From the first visit on.
    volume_mm3 : float, optional
    long_mm, short_mm : float, optional
        Axes on an axial slice.
    type : str, optional
    spiculated : bool, optional
    """

    day: int
    volume_mm3: float | None = None
    long_mm: float | None = None
    short_mm: float | None = None
    type: NoduleType | None = None
    spiculated: bool | None = None

    @property
    def log_volume(self) -> float:
        """Logarithm of the volume (mm³), or of a ball of the mean diameter; NaN where nothing was measured."""
        if self.volume_mm3:
            return math.log(self.volume_mm3)
        if not self.long_mm:
            return math.nan
        return math.log(math.pi / 6) + 3 * math.log((self.long_mm + (self.short_mm or self.long_mm)) / 2)

    @property
    def longest_mm(self) -> float | None:
        """Long axis, mm; without one, the diameter of a ball of the volume."""
        return self.long_mm or ((6 * self.volume_mm3 / math.pi) ** (1 / 3) if self.volume_mm3 else None)


@dataclass(frozen=True)
class Person:
    """Whose lesion it is; None is unknown.

    Attributes
    ----------
    id : str
        Lesions of one person are never parted between training and testing.
    age_years : float, optional
        At the first visit.
    female, family_history, emphysema : bool, optional
    pack_years : float, optional
    """

    id: str
    age_years: float | None = None
    female: bool | None = None
    family_history: bool | None = None
    emphysema: bool | None = None
    pack_years: float | None = None


@dataclass(frozen=True)
class End:
    """How watching a lesion ended.

    Attributes
    ----------
    day : int
        From the first visit on.
    how : str
        ``cancer``: diagnosed in this lesion. ``other``: it cannot be any more: dead of something else, removed and
        benign, or gone. ``censored``: nobody knows further.
    """

    day: int
    how: Ending


@dataclass(frozen=True)
class Course:
    """A lesion over the years.

    Attributes
    ----------
    lesion : str
    person : Person
    visits : tuple of Visit
        In the order of their days; at least one.
    upper_lobe : bool, optional
    count : int, optional
        Nodules of the person at the first visit.
    end : End, optional
        None where it is still watched.
    """

    lesion: str
    person: Person
    visits: tuple[Visit, ...]
    upper_lobe: bool | None = None
    count: int | None = None
    end: End | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of n lesions after as many visits.

    Attributes
    ----------
    years : (n,) float
        From the visit to the event, or to where nobody knows further.
    event : (n,) bool
        It happened.
    never : (n,) bool
        It can not happen any more since ``years``.
    """

    years: Floats
    event: npt.NDArray[np.bool_]
    never: npt.NDArray[np.bool_]

    def __getitem__(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Outcome:
        """Take some of them."""
        return Outcome(self.years[which], self.event[which], self.never[which])


@dataclass(frozen=True)
class Prefix:
    """A lesion as it was known after a visit: of later ones nothing may be seen.

    Attributes
    ----------
    course : Course
    seen : int
        Visits that count.
    """

    course: Course
    seen: int

    @property
    def visits(self) -> tuple[Visit, ...]:
        """The visits that count."""
        return self.course.visits[: self.seen]


def prefixes(courses: tuple[Course, ...], visit: int = 0) -> tuple[Prefix, ...]:
    """List lesions after each visit, or after that of a number (1 is the first), while they were still watched."""
    return tuple(
        Prefix(one, n)
        for one in courses
        if one.end is not None
        for n in range(1, len(one.visits) + 1)
        if (not visit or n == visit) and one.visits[n - 1].day < one.end.day
    )


def cancer_after(known: tuple[Prefix, ...]) -> Outcome:
    """Say when cancer was diagnosed after what was known; courses without an end are refused by `prefixes`."""
    ends = [(one.visits[-1].day, one.course.end) for one in known]
    return Outcome(
        np.array([(end.day - day) / YEAR if end else 0.0 for day, end in ends]),
        np.array([end is not None and end.how == "cancer" for _, end in ends], dtype=np.bool_),
        np.array([end is not None and end.how == "other" for _, end in ends], dtype=np.bool_),
    )


def growth_after(known: tuple[Prefix, ...]) -> Outcome:
    """Say when the volume was first measured to be 25 % larger or more than at the last visit with a volume."""
    years, event = np.zeros(len(known)), np.zeros(len(known), dtype=np.bool_)
    for n, one in enumerate(known):
        now = last_volume(one.visits)
        later = [visit for visit in one.course.visits[one.seen :] if not math.isnan(visit.log_volume)]
        grown = next((visit for visit in later if visit.log_volume - now >= GROWN), None)
        last = grown or (later[-1] if later else one.visits[-1])
        years[n], event[n] = (last.day - one.visits[-1].day) / YEAR, grown is not None
    return Outcome(years, event, np.zeros(len(known), dtype=np.bool_))


OUTCOMES: Mapping[str, Callable[[tuple[Prefix, ...]], Outcome]] = MappingProxyType(
    {"cancer": cancer_after, "growth": growth_after}
)
"""What a risk is told of."""


def last_volume(visits: tuple[Visit, ...]) -> float:
    """Logarithm of the last volume that was measured; NaN where none was."""
    return next((one.log_volume for one in reversed(visits) if not math.isnan(one.log_volume)), math.nan)


def slope(visits: tuple[Visit, ...]) -> float:
    """Growth of the logarithm of the volume a year: a line through all dates with a volume; NaN with fewer than two.

    With the same dates, it never falls when the growth between any two neighbouring dates rises.
    """
    known = [(one.day / YEAR, one.log_volume) for one in visits if not math.isnan(one.log_volume)]
    if len({day for day, _ in known}) < 2:
        return math.nan
    days, logs = np.array(known).T
    days = days - days.mean()
    return float(np.sum(days * logs) / np.sum(days * days))
