"""Has what comes in, or what is found, changed? Control charts over studies against a reference, for each value.

A value is ranked among those of the reference, ties at random, and the rank becomes a normal score. As long as nothing
changes, that score has the same distribution whatever the value's own is, so the limits of the charts, and the chance
of a false alarm, come from simulation alone and hold for any scanner, also with a short reference. Two charts
(exponentially weighted moving averages, EWMA) follow each number: one its place, one its spread. Words are ranked by
how rare they are in the reference, which one chart follows.

They suppose that studies are independent of each other. Where a scanner is used in the mornings only, they are not
quite, and false alarms are more frequent than is said.

References
----------
Roberts, "Control chart tests based on geometric moving averages", Technometrics 1 (1959). Hackl and Ledolter, "A
control chart based on ranks", J Qual Technol 23 (1991). Jensen et al., "Effects of parameter estimation on control
chart properties", J Qual Technol 38 (2006). Hinkley, "Inference about the change-point in a sequence of random
variables", Biometrika 57 (1970): when it began.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_lesion.support.errors import OptionError

Value = float | str | None
"""None: it is not known."""
Floats = npt.NDArray[np.float64]
Of = Literal["place", "spread", "rarity"]

LEAST_REFERENCE = 30
RECENT = 30
"""Studies at the end that are described beside the reference."""
_RUNS = 5000
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


@dataclass(frozen=True)
class Study:
    """What is known of one study.

    Attributes
    ----------
    when : str
        YYYYMMDD, or ISO 8601.
    values : mapping of str to float, str or None
        By name. A value that is None is not known; a name that is absent was not asked for.
    """

    when: str
    values: Mapping[str, Value]


@dataclass(frozen=True)
class ChartSettings:
    """How sharp the charts are.

    Attributes
    ----------
    weight : float
        Of the newest study in the moving average.
    horizon : int
        Studies over which ``false_alarms`` holds.
    false_alarms : float
        Chance of any false alarm, in any chart, over the horizon.
    """

    weight: float = 0.05
    horizon: int = 500
    false_alarms: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what makes no chart."""
        if not (0 < self.weight <= 1 and self.horizon >= 1 and 0 < self.false_alarms < 1):
            raise OptionError(
                "The weight lies over 0 and up to 1, the chance of a false alarm between 0 and 1, and the horizon is "
                "at least one study."
            )


@dataclass(frozen=True)
class Chart:
    """One control chart.

    Attributes
    ----------
    of : {"place", "spread", "rarity"}
        Whether it follows how large numbers are, how far they lie apart, or how rare words are.
    line : (n,)
        Moving average in its own standard deviations, for each study.
    limit : float
    alarm : int, optional
        Index of the first study at which it is out of its limits.
    begun : int, optional
        Index at which what led to the alarm began, by the chart.
    """

    of: Of
    line: Floats = field(repr=False)
    limit: float
    alarm: int | None = None
    begun: int | None = None

    @property
    def is_out(self) -> bool:
        """Whether it is out of its limits at the last study."""
        return bool(len(self.line) and abs(self.line[-1]) > self.limit)


@dataclass(frozen=True)
class Followed:
    """One value over time.

    Attributes
    ----------
    name : str
    when : tuple of str
        Dates of the studies that it was asked of.
    charts : tuple of Chart
    reference, recent : str
        In words: what it was, and what it was in the last studies.
    """

    name: str
    when: tuple[str, ...]
    charts: tuple[Chart, ...]
    reference: str
    recent: str

    @property
    def alarm(self) -> Chart | None:
        """The chart that was out of its limits first; None where none was."""
        told = [chart for chart in self.charts if chart.alarm is not None]
        return min(told, key=lambda one: one.alarm or 0, default=None)


@dataclass(frozen=True)
class Drift:
    """What the charts say.

    Attributes
    ----------
    values : tuple of Followed
    reference : int
        Studies of it.
    studies : int
    limit : float
        Of all charts, in standard deviations of the moving average.
    false_alarm_rate : float
        As simulated apart from that by which the limit was set.
    settings : ChartSettings
    left_out : tuple of str
        Names of values that could not be followed.
    """

    values: tuple[Followed, ...]
    reference: int
    studies: int
    limit: float
    false_alarm_rate: float
    settings: ChartSettings
    left_out: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[Followed, ...]:
        """Values with an alarm, the first alarm first."""
        told = [one for one in self.values if one.alarm is not None]
        return tuple(sorted(told, key=lambda one: (one.alarm.alarm or 0) if one.alarm else 0))


def watch(
    reference: Mapping[str, Sequence[Value]], studies: Sequence[Study], settings: ChartSettings | None = None
) -> Drift:
    """Follow every value of the studies against the reference.

    Parameters
    ----------
    reference : mapping of str to sequence
        Values by name.
    studies : sequence of Study
        In the order of time.
    settings : ChartSettings, optional

    Raises
    ------
    OptionError
        If the reference has fewer than 30 studies for every value, or no study is left.
    """
    settings = settings or ChartSettings()
    asked = {name: values for name, values in reference.items() if any(name in one.values for one in studies)}
    enough = {name: values for name, values in asked.items() if len(values) >= LEAST_REFERENCE}
    if not studies or not enough:
        most = max(map(len, asked.values()), default=0)
        raise OptionError(
            f"There are {most} studies in the reference and {len(studies)} after it; a reference needs "
            f"{LEAST_REFERENCE} at least, and there has to be a study to compare."
        )
    least = min(map(len, enough.values()))
    limit = control_limit(least, len(enough), settings)
    return Drift(
        values=tuple(_followed(name, values, studies, limit, settings) for name, values in enough.items()),
        reference=max(map(len, enough.values())),
        studies=len(studies),
        limit=limit,
        false_alarm_rate=false_alarm_rate(least, len(enough), limit, settings),
        settings=settings,
        left_out=tuple(sorted(set(asked) - set(enough))),
    )


def _followed(
    name: str, reference: Sequence[Value], studies: Sequence[Study], limit: float, settings: ChartSettings
) -> Followed:
    asked = [one for one in studies if name in one.values]
    values = [one.values[name] for one in asked]
    rank = ranks(reference, values, seed=zlib.crc32(name.encode()))
    kinds: tuple[Of, ...] = ("rarity",) if has_words((*reference, *values)) else ("place", "spread")
    scores = normal_scores(rank)
    return Followed(
        name=name,
        when=tuple(one.when for one in asked),
        charts=tuple(_chart(kind, score, limit, settings.weight) for kind, score in zip(kinds, scores, strict=False)),
        reference=in_words(reference),
        recent=in_words(values[-RECENT:]),
    )


def _chart(of: Of, scores: Floats, limit: float, weight: float) -> Chart:
    line = moving_average(scores, weight)
    out = np.flatnonzero(np.abs(line) > limit)
    if not len(out):
        return Chart(of, line, limit)
    first = int(out[0])
    backwards = np.cumsum(scores[first::-1])
    length = int(np.argmax(backwards**2 / np.arange(1, len(backwards) + 1))) + 1
    return Chart(of, line, limit, first, first + 1 - length)


def ranks(reference: Sequence[Value], values: Sequence[Value], seed: int = 0) -> Floats:
    """Rank each value among the reference and itself, ties at random, as a number between 0 and 1.

    It is uniform where value and reference are exchangeable. Of numbers, one that is not known comes before all others.
    Words are ranked by how rare they are in the reference (nearly uniform, as the reference itself gives the order);
    one that was never there comes last.
    """
    codes = _codes(reference, values)
    known = np.sort(codes[: len(reference)])
    below, upto = (np.searchsorted(known, codes[len(reference) :], side) for side in _SIDES)
    by_chance = np.random.default_rng(seed).random(len(values))
    result: Floats = (below + by_chance * (upto - below + 1)) / (len(reference) + 1)
    return result


def has_words(values: Sequence[Value]) -> bool:
    """Whether any of the values is a word."""
    return any(isinstance(one, str) for one in values)


def _codes(reference: Sequence[Value], values: Sequence[Value]) -> Floats:
    """Turn values into numbers in the order that they are ranked in."""
    every = (*reference, *values)
    if not has_words(every):
        return np.array([-np.inf if one is None else float(one) for one in every])
    counts = Counter(reference)
    common = sorted(counts, key=lambda word: (-counts[word], str(word)))
    place = {word: float(n) for n, word in enumerate(common)}
    return np.array([place.get(one, float(len(common))) for one in every])


def normal_scores(rank: Floats) -> tuple[Floats, Floats]:
    """Turn ranks into normal scores of the place of values, and of how far out they lie; any shape."""
    from scipy.special import ndtri

    inside = np.clip(rank, 1e-9, 1 - 1e-9)
    return ndtri(inside), ndtri(np.clip(np.abs(2 * inside - 1), 1e-9, 1 - 1e-9))


def moving_average(scores: Floats, weight: float) -> Floats:
    """Average exponentially along the last axis, in its own standard deviations where nothing changes."""
    line = np.empty_like(scores)
    now = np.zeros(scores.shape[:-1])
    for n in range(scores.shape[-1]):
        now = (1 - weight) * now + weight * scores[..., n]
        line[..., n] = now
    after = 1 - (1 - weight) ** (2 * np.arange(1, scores.shape[-1] + 1))
    result: Floats = line / np.sqrt(weight / (2 - weight) * after)
    return result


def control_limit(reference: int, values: int, settings: ChartSettings) -> float:
    """Find the limit at which the chance of any false alarm is what was asked for, by simulation.

    Parameters
    ----------
    reference : int
        Studies of it: of a short one little is known, so its limits are wider.
    values : int
        How many are followed, taken as independent of each other: where they are not, alarms are rarer.
    settings : ChartSettings
    """
    furthest = _furthest(reference, settings.weight, settings.horizon, 0)
    return float(np.quantile(furthest, (1 - settings.false_alarms) ** (1 / values)))


def false_alarm_rate(reference: int, values: int, limit: float, settings: ChartSettings) -> float:
    """Simulate how often there is any alarm over the horizon where nothing changes, apart from `control_limit`."""
    furthest = _furthest(reference, settings.weight, settings.horizon, 1)
    return float(1 - np.mean(furthest <= limit) ** values)


@lru_cache(maxsize=8)
def _furthest(reference: int, weight: float, horizon: int, seed: int) -> Floats:
    """How far the charts of one value go in each of many streams in which nothing changes."""
    rng = np.random.default_rng([seed, 20])
    known = np.sort(rng.random((_RUNS, reference)), axis=1)
    stream = rng.random((_RUNS, horizon))
    below = np.array([np.searchsorted(one, other) for one, other in zip(known, stream, strict=True)])
    scores = normal_scores((below + rng.random(below.shape)) / (reference + 1))
    lines = [np.abs(moving_average(score, weight)).max(axis=1) for score in scores]
    furthest: Floats = np.maximum(*lines)
    return furthest


def in_words(values: Sequence[Value]) -> str:
    """Describe what values are: their median and the middle nine tenths, or the commonest words."""
    known = [one for one in values if one is not None]
    absent = f", not known in {100 * (1 - len(known) / len(values)):.0f} %" if len(known) < len(values) else ""
    if not known:
        return "not known"
    if any(isinstance(one, str) for one in known):
        common = Counter(map(str, known)).most_common(3)
        return ", ".join(f"{word} {100 * n / len(known):.0f} %" for word, n in common) + absent
    numbers = np.array(known, dtype=np.float64)
    low, middle, high = np.quantile(numbers, (0.05, 0.5, 0.95))
    return f"{middle:.4g} ({low:.4g} to {high:.4g}){absent}"
