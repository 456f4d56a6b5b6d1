"""How fast a lesion grows between two dates, or over many, and whether that can be told from the noise of measuring.

Volumes are compared by the logarithm of their ratio, for growth is exponential, and measuring errs by a share of the
volume. With standard deviations s1 and s2 of the volumes V1 and V2 that logarithm has the standard deviation
sqrt((s1/V1)² + (s2/V2)²), to the first order.

References
----------
Schwartz, Cancer 14 (1961), 1272-1294: the doubling time. Callister et al., Thorax 70 Suppl 2 (2015), ii1-ii54 (BTS):
a change of volume of 25 % or more is growth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_lesion.assessment.guidelines.bts import GROWTH

Z95 = 1.959964


@dataclass(frozen=True)
class Growth:
    """What became of a volume.

    Attributes
    ----------
    change : float
        (now - before) / before.
    exceeds_noise : bool or None
        Whether it is more than the noise of measuring (95 %); None where no standard deviations are known.
    doubling_days : float or None
        Volume doubling time; negative where it shrank; None without days, or where it can't be told from noise.
    low_days, high_days : float or None
        95 % interval of the doubling time; None where it is open on that side. Where the change can't be told from
        noise, ``low_days`` is the shortest doubling time that still fits.
    """

    change: float
    exceeds_noise: bool | None
    doubling_days: float | None = None
    low_days: float | None = None
    high_days: float | None = None

    @property
    def grown(self) -> bool:
        """Whether it is larger by 25 % or more."""
        return self.change >= GROWTH - 1e-9

    @property
    def shrunk(self) -> bool:
        """Whether it is smaller by 25 % or more."""
        return self.change <= -GROWTH + 1e-9


def doubling_days(before_mm3: float, now_mm3: float, days: float) -> float | None:
    """Volume doubling time, days: days × ln 2 / ln(now / before); None where nothing changed or no time passed."""
    if days <= 0 or before_mm3 <= 0 or now_mm3 <= 0 or before_mm3 == now_mm3:
        return None
    return float(days * np.log(2) / np.log(now_mm3 / before_mm3))


def growth(
    before_mm3: float,
    now_mm3: float,
    days: float | None,
    *,
    before_sd_mm3: float | None = None,
    now_sd_mm3: float | None = None,
) -> Growth:
    """Compare two volumes of one lesion.

    Parameters
    ----------
    before_mm3, now_mm3 : float
        More than 0.
    days : float or None
        Between them; without, there is no doubling time.
    before_sd_mm3, now_sd_mm3 : float, optional
        Standard deviations of the volumes. If one is missing, nothing is said about noise.
    """
    ratio = float(np.log(now_mm3 / before_mm3))
    change = now_mm3 / before_mm3 - 1
    if before_sd_mm3 is None or now_sd_mm3 is None:
        doubling = doubling_days(before_mm3, now_mm3, days) if days is not None else None
        return Growth(change, None, doubling)
    half = Z95 * float(np.hypot(before_sd_mm3 / before_mm3, now_sd_mm3 / now_mm3))
    return _with_interval(change, ratio, half, days)


@dataclass(frozen=True)
class Size:
    """A volume at a time."""

    days: float
    """From any first date on."""
    volume_mm3: float
    sd_mm3: float | None = None


def trend(sizes: Sequence[Size]) -> Growth | None:
    """Fit one doubling time to volumes at any number of dates: a line through their logarithms.

    Each counts by its standard deviation where all have one, else all count alike and the interval rests on how far
    they lie from the line, which takes three dates.

    Returns
    -------
    Growth or None
        None with fewer than two dates. ``change`` is that of the line from the first to the last date.
    """
    if len({size.days for size in sizes}) < 2:
        return None
    days = np.array([size.days for size in sizes], dtype=np.float64)
    logs = np.log([size.volume_mm3 for size in sizes])
    known = [size.sd_mm3 / size.volume_mm3 for size in sizes if size.sd_mm3]
    weights = 1 / np.square(known) if len(known) == len(sizes) else np.ones(len(sizes))
    middle = np.average(days, weights=weights)
    spread = float(np.sum(weights * (days - middle) ** 2))
    rate = float(np.sum(weights * (days - middle) * (logs - np.average(logs, weights=weights))) / spread)
    span = float(days.max() - days.min())
    ratio = rate * span
    change = float(np.exp(ratio)) - 1
    if len(known) == len(sizes):
        return _with_interval(change, ratio, Z95 * span / spread**0.5, span)
    if len(sizes) < 3:
        return Growth(change, None, span * float(np.log(2)) / ratio if ratio else None)
    from scipy.stats import t

    left = logs - np.average(logs) - rate * (days - middle)
    free = len(sizes) - 2
    half = float(t.ppf(0.975, free)) * (float(np.sum(left**2)) / free / spread) ** 0.5 * span
    return _with_interval(change, ratio, half, span)


def _with_interval(change: float, ratio: float, half: float, days: float | None) -> Growth:
    """Turn the interval of a logarithm of a ratio, over some days, into that of the doubling time."""
    exceeds_noise = abs(ratio) > half
    if days is None or days <= 0:
        return Growth(change, exceeds_noise)
    per_log = days * float(np.log(2))
    low, high = ratio - half, ratio + half
    if exceeds_noise:
        return Growth(change, True, per_log / ratio, per_log / high, per_log / low)
    return Growth(change, False, None, per_log / high if high > 0 else None, None)
