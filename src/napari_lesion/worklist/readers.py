"""How long studies wait for readers: a queue played through, and Erlang's formula where that holds."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from napari_lesion.worklist.forecast import Forecast

Hours = npt.NDArray[np.float64]
_WEEKS = 12
_MOST_READERS = 200
_SHIFT_H = 24.0


@dataclass(frozen=True)
class Duty:
    """When readers read.

    Attributes
    ----------
    first, last : float
        Hours of the day between which a reading is begun; one that is begun is ended.
    free_days : frozenset of int
        Days since the beginning on which nobody reads.
    """

    first: float = 0.0
    last: float = 24.0
    free_days: frozenset[int] = frozenset()

    def next(self, hour: float) -> float:
        """Give the first hour on duty that is not before an hour, both counted from the midnight of day 0."""
        while True:
            day = math.floor(hour / _SHIFT_H)
            begin = day * _SHIFT_H + self.first
            if day not in self.free_days and hour < day * _SHIFT_H + self.last:
                return max(hour, begin)
            hour = (day + 1) * _SHIFT_H


def play(
    arrived: Hours,
    takes: Hours,
    readers: int,
    duty: Duty | None = None,
    keys: Sequence[float] | Hours | None = None,
) -> Hours:
    """Play a queue through: when the reading of each study begins, hours.

    Parameters
    ----------
    arrived : (n,)
        Hours, rising.
    takes : (n,)
        How long each is read, hours.
    readers : int
    duty : Duty, optional
        By default they always read.
    keys : (n,), optional
        The lowest that waits is read first; by default who came first.
    """
    duty = duty or Duty()
    order = arrived if keys is None else keys
    begins = np.zeros(len(arrived))
    free = [duty.next(0.0)] * readers
    waiting: list[tuple[float, int]] = []
    came = 0
    for _ in range(len(arrived)):
        now = heapq.heappop(free)
        if not waiting:
            now = max(now, duty.next(float(arrived[came])))
        now = duty.next(now)
        while came < len(arrived) and arrived[came] <= now:
            heapq.heappush(waiting, (float(order[came]), came))
            came += 1
        _, one = heapq.heappop(waiting)
        begins[one] = now
        heapq.heappush(free, now + float(takes[one]))
    return begins


def erlang_wait_h(per_hour: float, takes_h: float, readers: int) -> float:
    """Mean time to the begin of a reading, hours, where studies come evenly and readers always read (Erlang C).

    Infinite where there are too few readers.

    References
    ----------
    A. K. Erlang, "Solution of some problems in the theory of probabilities of significance in automatic telephone
    exchanges" (1917): Poisson arrivals, exponential times of service.
    """
    load = per_hour * takes_h
    if load >= readers:
        return math.inf
    blocked = 1.0
    for number in range(1, readers + 1):
        blocked = load * blocked / (number + load * blocked)
    waits = blocked / (1 - load / readers * (1 - blocked))
    return waits * takes_h / (readers - load)


@dataclass(frozen=True)
class Staffing:
    """How many studies are read in time, by number of readers.

    Attributes
    ----------
    shares : tuple of float
        For 1, 2, … readers.
    needed : int, optional
        The fewest that reach what is wanted; None where no number does, since studies wait for the next duty.
    """

    shares: tuple[float, ...]
    needed: int | None


def readers_needed(
    expected: Forecast,
    *,
    minutes: float,
    turnaround_h: float,
    share: float = 0.9,
    first: float = 0.0,
    last: float = 24.0,
    is_free: Callable[[datetime], bool] = lambda _day: False,
    seed: int = 0,
) -> Staffing:
    """Find how many readers are needed for a share of studies to be read in time.

    The forecast week is played through twelve times in a row, with counts and times of reading at random: counts as
    scattered as the forecast says, times exponential. The first week, which begins with nothing, does not count.

    Parameters
    ----------
    expected : Forecast
        Of a week.
    minutes : float
        A reading takes on average.
    turnaround_h : float
        From arrival to the end of the reading, by the clock.
    share : float
    first, last : float
        Hours of the day between which readings are begun.
    is_free : callable
        Whether nobody reads on a day.
    seed : int
    """
    random = np.random.default_rng(seed)
    hours = len(expected.mean)
    arrived: list[float] = []
    for week in range(_WEEKS):
        means = expected.mean
        if expected.dispersion > 1.001:
            means = random.gamma(means / (expected.dispersion - 1) + 1e-12, expected.dispersion - 1)
        for hour, count in enumerate(random.poisson(means)):
            arrived += (week * hours + hour + random.random(count)).tolist()
    came = np.sort(np.asarray(arrived))
    takes = random.exponential(minutes / 60, len(came))
    days = hours // 24
    off = {day for day in range(days) if is_free(expected.times[day * 24])}
    duty = Duty(first, last, frozenset(day + week * days for week in range(_WEEKS + 52) for day in off))
    counts = came >= hours
    shares: list[float] = []
    for readers in range(1, _MOST_READERS + 1):
        ended = play(came, takes, readers, duty) + takes
        shares.append(float(np.mean((ended - came)[counts] <= turnaround_h)))
        if shares[-1] >= share:
            return Staffing(tuple(shares), readers)
        if len(shares) > 5 and shares[-1] - shares[-5] < 1e-4 and shares[-1] > 0.02:
            break  # more readers bring nothing: studies wait for the next duty
    return Staffing(tuple(shares), None)
