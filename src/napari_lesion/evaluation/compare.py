"""Is one model better than another? The difference of their FROC on the same scans, by paired bootstrap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from napari_lesion.evaluation.froc import FP_RATES, Curve, FloatArray, Mark, ScoredPoint, evaluate
from napari_lesion.support.errors import ConfigError


@dataclass(frozen=True)
class Difference:
    """B minus A of one measure."""

    name: str
    """``CPM``, or ``sensitivity at 0.125`` and so on."""
    a: float
    b: float
    difference: float
    interval: tuple[float, float]
    """95 % interval of the difference."""
    p_value: float
    """Two-sided: twice the share of resamples on the rarer side of zero."""


@dataclass(frozen=True)
class ModelComparison:
    """Two models on the same scans."""

    nodules: int
    scans: int
    differences: tuple[Difference, ...]
    """The CPM first, then the seven rates."""
    only_a: int
    """Nodules that only A finds at any score."""
    only_b: int
    curves: tuple[Curve, Curve]

    def __repr__(self) -> str:
        cpm = self.differences[0]
        return f"ModelComparison(CPM {cpm.a:.3f} and {cpm.b:.3f}: {self.nodules} nodules in {self.scans} scans)"


def compare_models(
    truth: Iterable[Mark],
    a: Mapping[str, Sequence[ScoredPoint]],
    b: Mapping[str, Sequence[ScoredPoint]],
    *,
    excluded: Iterable[Mark] = (),
    bootstraps: int = 1000,
    seed: int = 0,
) -> ModelComparison:
    """Score two sets of results on the same resamples of the same scans.

    Scans differ more than models do; in a resample both models see the same scans, so that cancels out.

    Raises
    ------
    ConfigError
        If the two were not searched on the same scans, or as for ``froc.evaluate``.

    References
    ----------
    Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 8 and 16.
    """
    if set(a) != set(b):
        only = sorted(set(a) ^ set(b))
        raise ConfigError(
            f"The two results are not of the same scans: {len(only)} are only in one of them, the first is {only[0]}. "
            "Analyse the same scans with both models."
        )
    nodules, places = tuple(truth), tuple(excluded)
    first, second = (evaluate(nodules, points, excluded=places, bootstraps=bootstraps, seed=seed) for points in (a, b))
    one, other = first.overall, second.overall
    names = ("CPM", *(f"sensitivity at {rate:g}" for rate in FP_RATES))
    found = [(x is not None, y is not None) for (_, x), (_, y) in zip(first.outcomes, second.outcomes, strict=True)]
    return ModelComparison(
        nodules=len(nodules),
        scans=one.scans,
        differences=tuple(
            difference(name, x, y, drawn)
            for name, x, y, drawn in zip(
                names, _values(one), _values(other), (_drawn(other) - _drawn(one)).T, strict=True
            )
        ),
        only_a=sum(x and not y for x, y in found),
        only_b=sum(y and not x for x, y in found),
        curves=(one, other),
    )


def _values(curve: Curve) -> tuple[float, ...]:
    return curve.cpm, *curve.at_rates


def _drawn(curve: Curve) -> FloatArray:
    """CPM and sensitivities of every resample: (n, 8)."""
    return np.column_stack([curve.drawn.mean(axis=1), curve.drawn])


def difference(name: str, a: float, b: float, drawn: FloatArray) -> Difference:
    """How sure B minus A is.

    Parameters
    ----------
    name : str
        Of the measure.
    a, b : float
        Its values.
    drawn : (n,)
        B minus A in every resample of the scans, NaN where a resample has no nodule.
    """
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return Difference(name, a, b, b - a, (math.nan, math.nan), math.nan)
    low, high = np.percentile(drawn, (2.5, 97.5))
    # One is added to both counts, so that no finite number of resamples claims certainty.
    rarer = min((drawn <= 0).sum(), (drawn >= 0).sum())
    return Difference(name, a, b, b - a, (float(low), float(high)), float(min(1.0, 2 * (rarer + 1) / (len(drawn) + 1))))
