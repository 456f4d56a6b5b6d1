"""How many studies will come in the next week, hour by hour, from those that came so far.

A Poisson regression on the hour (on working and on free days), the weekday and holidays, by statsmodels; its dispersion
is estimated, so that intervals are as wide as the counts scatter. How good it is, is measured on weeks that were held
out, against what came in the same hours of the week before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesion.support.errors import ConfigError, InputFileError, WorklistError
from napari_lesion.support.tables import read_table

Counts = npt.NDArray[np.float64]
WEEK_H = 168
LEAST_WEEKS = 4
"""To learn from, before the first week that is forecast."""
_ORIGIN = "origin"
_SIMULATED = "simulated"
_DRAWS = 2000
_NARROW, _WIDE = 0.8, 0.95


@dataclass(frozen=True)
class Arrivals:
    """Studies an hour.

    Attributes
    ----------
    start : datetime
        A midnight, local time.
    counts : (hours,)
        For whole days.
    holidays : frozenset of date
    simulated : bool
        They never came: a program made them up.
    """

    start: datetime
    counts: Counts
    holidays: frozenset[date] = frozenset()
    simulated: bool = False

    @property
    def weeks(self) -> float:
        """How long it is."""
        return len(self.counts) / WEEK_H

    def first(self, hours: int) -> Arrivals:
        """Give its beginning."""
        return Arrivals(self.start, self.counts[:hours], self.holidays, self.simulated)

    def times(self, first: int, last: int) -> list[datetime]:
        """List the hours from one number to another, which may lie beyond its end."""
        return [self.start + timedelta(hours=hour) for hour in range(first, last)]


@dataclass(frozen=True)
class Forecast:
    """Studies to be expected an hour.

    Attributes
    ----------
    times : tuple of datetime
    mean : (hours,)
    narrow, wide : ((hours,), (hours,))
        Lowest and highest count of the intervals of 80 % and 95 %.
    dispersion : float
        Variance over mean: 1 as of Poisson.
    """

    times: tuple[datetime, ...]
    mean: Counts
    narrow: tuple[Counts, Counts]
    wide: tuple[Counts, Counts]
    dispersion: float


@dataclass(frozen=True)
class Quality:
    """How good forecasts of a week were, on weeks that were held out, each forecast from all before it.

    Attributes
    ----------
    weeks : int
    mae, naive_mae : float
        Mean absolute error an hour, of the forecast and of "as in the week before".
    mase : float
        ``mae`` over the error of "as in the week before" on the weeks that were learned from: under 1 is better.
    naive_mase : float
        The same of "as in the week before".
    covered_80, covered_95 : float
        Share of hours whose count was within the interval.
    """

    weeks: int
    mae: float
    naive_mae: float
    mase: float
    naive_mase: float
    covered_80: float
    covered_95: float


def read_arrivals(path: Path, column: str = "arrived", holidays: Iterable[date] = ()) -> Arrivals:
    """Read when studies came: a CSV with a row a study, as a RIS exports it.

    Parameters
    ----------
    path : Path
        Where a column ``origin`` says ``simulated``, the arrivals are taken as such.
    column : str
        With date and time, ISO 8601; a time zone is left out of account.
    holidays : iterable of date

    Raises
    ------
    InputFileError
        If a time cannot be read.
    """
    table = read_table(path, (column,))
    times, simulated = [], False
    for number, row in table.rows():
        simulated |= row.get(_ORIGIN, "").lower() == _SIMULATED
        try:
            times.append(datetime.fromisoformat(row[column]).replace(tzinfo=None))
        except ValueError as error:
            raise InputFileError(
                f"{path}, line {number}: {row[column]!r} is no date and time such as 2026-01-31T14:05."
            ) from error
    return counted(times, holidays, simulated=simulated)


def read_holidays(path: Path) -> frozenset[date]:
    """Read a text file with a date a line (2026-12-25); what follows it on the line is left out of account.

    Raises
    ------
    InputFileError
        If it cannot be read, or a line begins with no date.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise InputFileError(f"{path}: cannot be read ({error}).") from error
    found = set()
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            found.add(date.fromisoformat(line.split()[0]))
        except ValueError as error:
            raise InputFileError(f"{path}, line {number}: begins with no date such as 2026-12-25.") from error
    return frozenset(found)


def counted(times: Sequence[datetime], holidays: Iterable[date] = (), *, simulated: bool = False) -> Arrivals:
    """Count arrivals an hour, from the first midnight to the last: days of which only a part is known are left out.

    Raises
    ------
    WorklistError
        If there is not one whole day.
    """
    midnight = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}
    if len(times) < 2 or (max(times) - min(times)) < timedelta(days=2):
        raise WorklistError("There are arrivals of less than two days: nothing can be forecast from them.")
    start = min(times).replace(**midnight) + timedelta(days=1)  # type: ignore[arg-type]
    end = max(times).replace(**midnight)  # type: ignore[arg-type]
    hours = round((end - start).total_seconds() / 3600)
    counts = np.zeros(hours)
    for one in times:
        hour = int((one - start).total_seconds() // 3600)
        if 0 <= hour < hours:
            counts[hour] += 1
    return Arrivals(start, counts, frozenset(holidays), simulated)


def forecast(arrivals: Arrivals, hours: int = WEEK_H) -> Forecast:
    """Forecast the hours after the arrivals; the same arrivals always give the same.

    Raises
    ------
    WorklistError
        If there are too few weeks to learn from.
    ConfigError
        If statsmodels is not installed.
    """
    known = len(arrivals.counts)
    if known < LEAST_WEEKS * WEEK_H:
        raise WorklistError(
            f"There are arrivals of {arrivals.weeks:.1f} weeks, and at least {LEAST_WEEKS} are needed to forecast from."
        )
    engine = _statsmodels()
    before, after = arrivals.times(0, known), arrivals.times(known, known + hours)
    design = _design([*before, *after], arrivals.holidays)
    used = design[:known].any(axis=0)
    design = design[:, used]
    model = engine.GLM(arrivals.counts, design[:known], family=engine.families.Poisson())
    fitted = model.fit(scale="X2")  # the dispersion, from Pearson's chi²
    predicted = fitted.get_prediction(design[known:])
    mean = np.asarray(predicted.predicted_mean, dtype=np.float64)
    error = np.asarray(predicted.se, dtype=np.float64) / np.maximum(mean, 1e-9)
    dispersion = max(float(fitted.scale), 1.0)
    lowest, low, high, highest = _quantiles(mean, np.minimum(error, 2.0), dispersion)
    return Forecast(tuple(after), mean, (low, high), (lowest, highest), dispersion)


def quality(arrivals: Arrivals, weeks: int = 4) -> Quality:
    """Measure forecasts of the last weeks, each from all that came before it.

    Raises
    ------
    WorklistError
        If there are too few weeks to learn from.
    """
    whole = len(arrivals.counts)
    errors, naive_errors, scaled, naive_scaled = [], [], [], []
    inside_80, inside_95 = [], []
    for week in range(weeks, 0, -1):
        begin = whole - week * WEEK_H
        known = arrivals.first(max(begin, 0))
        said = forecast(known)
        came = arrivals.counts[begin : begin + WEEK_H]
        past = known.counts
        usual = float(np.abs(past[WEEK_H:] - past[:-WEEK_H]).mean()) or 1.0
        error, naive = np.abs(came - said.mean), np.abs(came - past[-WEEK_H:])
        errors.append(error)
        naive_errors.append(naive)
        scaled.append(error / usual)
        naive_scaled.append(naive / usual)
        inside_80.append((said.narrow[0] <= came) & (came <= said.narrow[1]))
        inside_95.append((said.wide[0] <= came) & (came <= said.wide[1]))
    means = [float(np.mean(one)) for one in (errors, naive_errors, scaled, naive_scaled, inside_80, inside_95)]
    return Quality(weeks, *means)


def _design(times: Sequence[datetime], holidays: frozenset[date]) -> Counts:
    """Make a column for each hour of working and of free days, for all weekdays but Monday and Sunday, for holidays."""
    rows = np.zeros((len(times), 48 + 7 + 1))
    for row, time in zip(rows, times, strict=True):
        holiday = time.date() in holidays
        free = holiday or time.weekday() >= 5
        row[time.hour + 24 * free] = 1
        if not holiday and time.weekday() not in (0, 6):
            row[48 + time.weekday()] = 1
        row[55] = holiday
    return rows


def _quantiles(mean: Counts, error: Counts, dispersion: float) -> tuple[Counts, ...]:
    """Quantiles of counts whose mean is known with a relative error, and whose variance is ``dispersion`` times it."""
    random = np.random.default_rng(0)
    means = np.exp(np.log(np.maximum(mean, 1e-9)) + error * random.standard_normal((_DRAWS, len(mean))))
    if dispersion > 1.001:  # a negative binomial is a Poisson whose mean scatters
        means = random.gamma(means / (dispersion - 1), dispersion - 1)
    draws = random.poisson(np.minimum(means, 1e6))
    levels = [(1 - _WIDE) / 2, (1 - _NARROW) / 2, (1 + _NARROW) / 2, (1 + _WIDE) / 2]
    return tuple(np.asarray(np.quantile(draws, level, axis=0, method="higher"), np.float64) for level in levels)


def _statsmodels() -> Any:
    try:
        return import_module("statsmodels.api")
    except ImportError as error:
        raise ConfigError(
            "Forecasts are made with the package statsmodels, which is not here: pip install 'napari-lesion[worklist]'."
        ) from error
