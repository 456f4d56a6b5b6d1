"""A made cohort: persons, nodules, how they grow, when they are scanned, what is measured, and how it ends.

Nobody in it exists. What is known of nodules sets how fast they grow and how well they are measured (each number of
`Settings` says by whom); how readers decide, who stays away and how the parts depend on each other is made up. So it
shows whether the method works where the truth is known, and nothing about patients.

References
----------
Hasegawa et al., Br J Radiol 73 (2000), 1252-1259: volume doubling times of 149 ± 125 (solid), 457 ± 260 (part-solid)
and 813 ± 375 days (non-solid). Pan et al., J Thorac Dis 10 (2018), PMC5945695: 267, 598 and 848 days. Wilson et al., Am
J Respir Crit Care Med 185 (2012), 85-89: median 357 days, quartiles 236 and 630. Henschke et al., Radiology 263 (2012),
578-583: median 98 days of cancers found at annual repeat scans. Marchianò et al., Radiology 251 (2009), 919-925:
volumes measured again differ by up to 27 % (95 %). PMC4747473: diameters of subsolid nodules by 14.4 %. Zhao et al.,
Radiology 270 (2014), 872-879: a tenth of indeterminate nodules of NELSON resolved. McWilliams et al., N Engl J Med 369
(2013), 910-919: what goes with cancer, and how much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from napari_lesion.assessment.guidelines import brock
from napari_lesion.model.assessed import NoduleType
from napari_lesion.timeline.course import GROWN, YEAR, Course, End, Ending, Person, Visit

_TYPES: tuple[NoduleType, ...] = ("solid", "part-solid", "non-solid")
T = TypeVar("T")
_LN2 = math.log(2)
_GONE_MM = 2.5


class Settings(BaseModel):
    """What a cohort is made by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    persons: int = Field(default=3000, gt=0)
    seed: int = 1
    years: float = 6.0
    """For which the study goes on; persons enter during the first third."""
    more_nodules: float = 0.8
    """Mean number of nodules beside the first."""
    age_years: float = 63.0
    """Mean; NLST and PanCan: 61 to 62."""
    prevalence_logit: float = 1.4
    """Added to Brock's: cancers are far more frequent than among people, so that there are enough of them."""
    unseen_sd: float = 0.8
    """Of what makes cancer more or less likely and is in no table, on the logit."""
    doubling_days: tuple[float, float, float] = (200.0, 430.0, 720.0)
    """Median of cancers: solid, part-solid, non-solid; between Hasegawa's and Pan's, solid ones towards Wilson's."""
    doubling_sd: float = 0.6
    """Of its logarithm; the ratio of Wilson's quartiles says 0.73, Hasegawa's deviations 0.7, 0.5 and 0.4."""
    slow_share: float = 0.22
    """Of benign nodules: grow slowly, doubling in 900 days (median)."""
    flare_share: float = 0.15
    """Of benign nodules: inflamed; they grow fast for some months, doubling in 120 days (median), then shrink."""
    resolving_share: float = 0.10
    """Of benign nodules: shrink and vanish (Zhao: a tenth)."""
    volume_error: tuple[float, float] = (0.10, 0.16)
    """Standard deviation of the volume's logarithm, solid and subsolid (Marchianò; PMC4747473)."""
    diameter_error_mm: float = 0.5
    type_error: float = 0.08
    no_volume: float = 0.12
    """Visits of which only axes are known."""
    unknown: float = 0.15
    """Chance that a fact about person or look is unknown."""
    skipped: float = 0.12
    """Chance that a visit does not take place."""
    lost: float = 0.05
    """Chance, at each visit, never to come again."""
    late_days: float = 40.0
    """Mean delay of a visit; a few are much later."""
    deaths: float = 0.010
    """A year at 62 years of age, of anything but this; doubles in 9 years (NLST: about one per cent a year)."""
    work_up: float = 0.75
    """Chance that a nodule that doubles in less than 400 days, or whose diameter is 15 mm, is worked up at once."""
    symptoms: float = 0.02
    """A year, of a cancer of 10 mm, with its volume: diagnosed between visits."""


COHORTS: dict[str, Settings] = {
    "usual": Settings(),
    "other": Settings(
        age_years=68.0, prevalence_logit=0.6, unseen_sd=1.2, doubling_days=(320.0, 600.0, 900.0), slow_share=0.30,
        flare_share=0.28, volume_error=(0.17, 0.26), diameter_error_mm=0.9, type_error=0.16, no_volume=0.35,
        unknown=0.35, skipped=0.25, lost=0.10, late_days=80.0, deaths=0.02, work_up=0.5,
    ),
}  # fmt: skip
"""By name: ``usual``, and ``other``, with patients, scanners and readers that a model has not learned from."""

_Kind = Literal["cancer", "stable", "slow", "flare", "resolving"]


@dataclass(frozen=True)
class _Nodule:
    """What is true of a nodule, seen by nobody."""

    kind: _Kind
    type: NoduleType
    spiculated: bool
    upper: bool
    log_volume: float
    rate: float
    """Of the logarithm of the volume, a year."""
    turn: float
    """Years after which an inflamed one shrinks."""

    def at(self, years: float) -> float:
        """Logarithm of the volume, mm³."""
        if self.kind == "flare" and years > self.turn:
            return self.log_volume + self.rate * self.turn - 3.0 * (years - self.turn)
        return self.log_volume + self.rate * years


def simulate(settings: Settings) -> tuple[Course, ...]:
    """Make a cohort; the same settings give the same one."""
    rng = np.random.default_rng(settings.seed)
    made: list[Course] = []
    for number in range(settings.persons):
        made += _person(number, settings, rng)
    return tuple(made)


def _person(number: int, s: Settings, rng: np.random.Generator) -> list[Course]:
    true = Person(
        f"S{s.seed}-{number:05d}",
        float(np.clip(rng.normal(s.age_years, 6), 50, 85)),
        bool(rng.random() < 0.42),
        bool(rng.random() < 0.22),
        bool(rng.random() < 0.4),
        float(np.clip(rng.lognormal(math.log(42), 0.45), 10, 150)),
    )
    count = 1 + min(int(rng.poisson(s.more_nodules)), 7)
    nodules = [_nodule(true, count, s, rng) for _ in range(count)]
    age = true.age_years or s.age_years
    death = float(rng.exponential(1 / (s.deaths * 2 ** ((age - 62) / 9))))
    until = s.years - float(rng.uniform(0, s.years / 3))
    days = _visit_days(nodules, until, s, rng)
    known = replace(
        true,
        family_history=_perhaps(true.family_history, s, rng),
        emphysema=_perhaps(true.emphysema, s, rng),
        pack_years=_perhaps(true.pack_years, s, rng),
    )
    upper = [_perhaps(one.upper, s, rng) for one in nodules]
    made = []
    for n, one in enumerate(nodules):
        visits, end = _watch(one, days, (death, until), s, rng)
        made.append(Course(f"{true.id}-{n + 1}", known, visits, upper[n], count, end))
    return made


def _perhaps(value: T, s: Settings, rng: np.random.Generator) -> T | None:
    """Forget a fact, now and then."""
    return None if rng.random() < s.unknown else value


def _nodule(person: Person, count: int, s: Settings, rng: np.random.Generator) -> _Nodule:
    kind_of = _TYPES[int(rng.choice(3, p=(0.78, 0.08, 0.14)))]
    diameter = float(np.clip(4 + rng.gamma(1.6, 2.2), 4, 28))
    spiculated, upper = bool(rng.random() < 0.06 + 0.012 * (diameter - 4)), bool(rng.random() < 0.5)
    logit = brock_logit(diameter, kind_of, spiculated, upper, count, person) + s.prevalence_logit
    logit += float(rng.normal(0, s.unseen_sd))
    log_volume = math.log(math.pi / 6 * diameter**3)
    if rng.random() < brock.probability(logit):
        median = s.doubling_days[_TYPES.index(kind_of)]
        rate = _LN2 * YEAR / float(rng.lognormal(math.log(median), s.doubling_sd))
        return _Nodule("cancer", kind_of, spiculated, upper, log_volume, rate, 0.0)
    chance = rng.random()
    turn = float(rng.uniform(0.1, 0.7))
    if chance < s.slow_share:
        rate = _LN2 * YEAR / float(rng.lognormal(math.log(900), 0.4))
        return _Nodule("slow", kind_of, spiculated, upper, log_volume, rate, turn)
    if chance < s.slow_share + s.flare_share:
        rate = _LN2 * YEAR / float(rng.lognormal(math.log(120), 0.4))
        return _Nodule("flare", kind_of, spiculated, upper, log_volume, rate, turn)
    if chance < s.slow_share + s.flare_share + s.resolving_share:
        return _Nodule("resolving", kind_of, spiculated, upper, log_volume, -float(rng.uniform(1.5, 5)), turn)
    return _Nodule("stable", kind_of, spiculated, upper, log_volume, float(rng.normal(0, 0.03)), turn)


def brock_logit(
    long_mm: float,
    kind: NoduleType | None,
    spiculated: bool | None,
    upper: bool | None,
    count: int | None,
    person: Person,
) -> float:
    """Sum of the Brock model (`guidelines.brock`); what is unknown counts as absent, an unknown age as 62."""
    return (
        brock.INTERCEPT
        + brock.AGE * ((person.age_years or 62) - 62)
        + brock.FEMALE * bool(person.female)
        + brock.FAMILY_HISTORY * bool(person.family_history)
        + brock.EMPHYSEMA * bool(person.emphysema)
        + brock.size_term(long_mm)
        + brock.TYPE[kind or "solid"]
        + brock.UPPER_LOBE * bool(upper)
        + brock.COUNT * ((count or 4) - 4)
        + brock.SPICULATION * bool(spiculated)
    )


def _visit_days(nodules: list[_Nodule], until: float, s: Settings, rng: np.random.Generator) -> list[int]:
    """Say on which days a person is scanned: 3, 6 or 12 months apart by size at first, later a year; late, or not."""
    largest = max(math.exp(one.log_volume) for one in nodules)
    step = 0.25 if largest > 250 else 0.5 if largest > 100 else 1.0
    days, due = [0], step
    while due < until:
        delay = float(rng.exponential(s.late_days)) / YEAR
        if rng.random() >= s.skipped and due + delay < until:
            days.append(max(round((due + delay) * YEAR), days[-1] + 14))
        step = min(1.0, step * 2)
        due = max(due, days[-1] / YEAR) + step
        if rng.random() < s.lost:
            break
    return days


def _watch(
    nodule: _Nodule, days: list[int], ends: tuple[float, float], s: Settings, rng: np.random.Generator
) -> tuple[tuple[Visit, ...], End]:
    """Follow a nodule from visit to visit until it is diagnosed, removed, gone, or nobody knows further."""
    death, until = ends
    bound = float(rng.exponential())
    spent, visits = 0.0, list[Visit]()
    for n, day in enumerate(days):
        now = day / YEAR
        if death < now:
            return tuple(visits), _end(death, "other", visits)
        visit = _seen(nodule, day, s, rng)
        if n and nodule.at(now) < math.log(math.pi / 6 * _GONE_MM**3):
            return tuple(visits), _end(now, "other", visits)
        visits.append(visit)
        delay = 0.08 + float(rng.exponential(0.1))
        if now + delay < min(death, until) and _worked_up(visits, s, rng):
            if nodule.kind == "cancer":
                return tuple(visits), _end(now + delay, "cancer", visits)
            if nodule.kind != "flare" and rng.random() < 0.4:
                return tuple(visits), _end(now + delay, "other", visits)
        # Between visits a cancer may be found by what it does, the larger the more.
        further = days[n + 1] / YEAR if n + 1 < len(days) else min(now + 1.0, until)
        if nodule.kind == "cancer":
            size = math.exp(nodule.at((now + further) / 2)) / (math.pi / 6 * 1000)
            risk = s.symptoms * size
            if spent + risk * (further - now) > bound:
                found = now + (bound - spent) / risk
                how: Ending = "cancer" if found < death else "other"
                return tuple(visits), _end(min(found, death), how, visits)
            spent += risk * (further - now)
        last = further
    # Registries tell of cancer and death a while longer than scans go on.
    return tuple(visits), _end(min(death, last), "other" if death < last else "censored", visits)


def _end(years: float, how: Ending, visits: list[Visit]) -> End:
    return End(max(round(years * YEAR), visits[-1].day + 1), how)


def _seen(nodule: _Nodule, day: int, s: Settings, rng: np.random.Generator) -> Visit:
    """Measure it, with errors."""
    true = nodule.at(day / YEAR)
    mm = (6 * math.exp(true) / math.pi) ** (1 / 3)
    error = s.volume_error[nodule.type != "solid"]
    long_mm, short_mm = (
        max(round(mm * share + float(rng.normal(0, s.diameter_error_mm)), 1), 1.5) for share in (1.12, 0.9)
    )
    volume = math.exp(true + float(rng.normal(0, error)))
    said = _TYPES[int(rng.integers(3))] if rng.random() < s.type_error else nodule.type
    spiculated = nodule.spiculated != (rng.random() < s.type_error)
    return Visit(
        day,
        None if rng.random() < s.no_volume else round(volume, 1),
        max(long_mm, short_mm),
        min(long_mm, short_mm),
        None if rng.random() < s.unknown else said,
        None if rng.random() < s.unknown else spiculated,
    )


def _worked_up(visits: list[Visit], s: Settings, rng: np.random.Generator) -> bool:
    """Whether a reader has it looked into: by what was measured, growth and size; else rarely."""
    last = visits[-1]
    mm = last.longest_mm or 0.0
    chance = 0.02 + 0.3 * (mm >= 15) + 0.05 * bool(last.spiculated)
    if len(visits) > 1:
        more, years = last.log_volume - visits[-2].log_volume, (last.day - visits[-2].day) / YEAR
        if more >= GROWN and _LN2 * years / more < 400 / YEAR and mm >= 6:
            chance = s.work_up
    return bool(rng.random() < chance)
