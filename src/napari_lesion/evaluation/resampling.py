"""Scans drawn again, by patient, and tests that need no distribution: sign flips, labels exchanged, Holm.

What is measured on several scans of one patient is not independent, so it is patients that are drawn, flipped and
exchanged.

References
----------
Efron and Tibshirani, "An Introduction to the Bootstrap" (1993). Good, "Permutation, Parametric, and Bootstrap Tests of
Hypotheses" (2005). Holm, "A simple sequentially rejective multiple test procedure", Scand J Statist 6 (1979): it holds
for tests that depend on each other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_EXACT = 12
"""Up to so many patients all sign flips are tried."""
_PERMUTATIONS = 9999
_AT_ONCE = 909
"""Permutations that are held in memory together."""


def drawn_scans(patients: Sequence[str], times: int, seed: int = 0) -> Counts:
    """Draw patients with replacement, as many as there are, with all of their scans.

    Parameters
    ----------
    patients : sequence of str
        Of each scan.
    times : int
        Resamples.
    seed : int

    Returns
    -------
    (times, scans)
        How often each scan is there.
    """
    names, of_scan = np.unique(patients, return_inverse=True)
    by_patient = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=times)
    drawn: Counts = by_patient[:, of_scan]
    return drawn


def share(parts: Counts, wholes: Counts, drawn: Counts) -> Floats:
    """Give the sum of the parts over that of the wholes in each resample, NaN where there is no whole.

    Parameters
    ----------
    parts, wholes : (scans,)
    drawn : (times, scans)
    """
    total = drawn @ wholes
    result: Floats = np.divide(drawn @ parts, total, out=np.full(len(drawn), np.nan), where=total > 0)
    return result


def interval(values: Floats) -> tuple[float, float]:
    """95 % interval of what was drawn, by its percentiles; NaN where nothing was."""
    values = values[~np.isnan(values)]
    if not len(values):
        return math.nan, math.nan
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def sign_flip_p(differences: Floats, seed: int = 0) -> float:
    """Two-sided p of paired differences whose signs chance might as well have flipped, one for each patient.

    With n patients it is at least 2 / 2^n: four that all lost something prove little.
    """
    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    if len(differences) <= _EXACT:
        bits = np.arange(2 ** len(differences))[:, None] >> np.arange(len(differences)) & 1
        flipped = np.abs((1 - 2 * bits) @ differences)
        return float(np.mean(flipped >= abs(differences.sum()) - 1e-9))
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (_PERMUTATIONS, len(differences)))
    as_far = np.sum(np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9)
    return float((as_far + 1) / (_PERMUTATIONS + 1))


def exchange_p(parts: Floats, wholes: Floats, is_in: npt.NDArray[np.bool_], seed: int = 0) -> float:
    """Two-sided p of the difference of a share between a group and the rest, if patients might as well be in either.

    Parameters
    ----------
    parts, wholes : (patients,)
        What is found, and of how much.
    is_in : (patients,) bool
        Who is in the group.
    """
    rng = np.random.default_rng(seed)
    seen = abs(_difference(parts, wholes, is_in[None])[0])
    told = as_far = 0
    for _ in range(_PERMUTATIONS // _AT_ONCE):
        drawn = np.abs(_difference(parts, wholes, rng.permuted(np.tile(is_in, (_AT_ONCE, 1)), axis=1)))
        told += int(np.sum(~np.isnan(drawn)))
        as_far += int(np.sum(drawn >= seen - 1e-12))
    return (as_far + 1) / (told + 1)


def _difference(parts: Floats, wholes: Floats, members: npt.NDArray[np.bool_]) -> Floats:
    inside, outside = members.astype(np.float64), (~members).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Floats = (inside @ parts) / (inside @ wholes) - (outside @ parts) / (outside @ wholes)
    return result


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p values for their number by Holm's method: the chance of any false alarm among them stays what it is."""
    order = np.argsort(p_values)
    corrected = np.empty(len(p_values))
    highest = 0.0
    for rank, n in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[n]))
        corrected[n] = highest
    return [float(one) for one in corrected]
