"""Scores that mean something: from the network's probability to the measured share of true findings.

Everything here is fitted on validation scans and measured with each scan left out of the fit in its turn. scikit-learn
is needed for fitting only; what is fitted are a few points (``packages.Calibration``), and operating points on a card.

References
----------
Platt, "Probabilistic outputs for support vector machines" (1999).
Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates" (KDD 2002).
Oron and Flournoy, "Centered isotonic regression" (Statistics in Biopharmaceutical Research 2017): strictly rising.
Naeini et al., "Obtaining well calibrated probabilities using Bayesian binning" (AAAI 2015): the expected calibration
error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_lesion.models.package_metadata import Calibration
from napari_lesion.support.errors import ConfigError

Method = Literal["isotonic", "platt"]
METHODS: tuple[Method, ...] = ("isotonic", "platt")

RATES = tuple(2.0 ** (n / 2) for n in range(-6, 7))
"""False positives a scan of the operating points: 1/8 to 8, two steps an octave."""

_LOGIT_LIMIT = 7.0
_KNOTS = 29
_LEAST_HITS = 10
"""With fewer true findings (or fewer others) there is nothing to fit."""
_DIGITS = 6

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """Findings of validation scans of which it is known whether they are true.

    Attributes
    ----------
    probability : (n,)
        What the network said, in [0, 1], before any calibration.
    hit : (n,) bool
        Whether it hit a lesion of the truth.
    scan : (n,)
        Which scan it is of.
    scans : int
        How many scans were searched, also those without findings.
    """

    probability: Floats
    hit: Flags
    scan: npt.NDArray[np.int64]
    scans: int


@dataclass(frozen=True)
class Bin:
    """Findings of similar scores."""

    low: float
    high: float
    findings: int
    mean_score: float
    share_true: float


@dataclass(frozen=True)
class Reliability:
    """How well scores say the share of true findings."""

    bins: tuple[Bin, ...]
    ece: float
    """Expected calibration error: mean distance of score and share of true findings, weighted by the bins' findings."""
    log_loss: float
    brier: float


def fit(sample: Sample, method: Method) -> Calibration:
    """Fit the map from probability to score.

    Parameters
    ----------
    sample : Sample
    method : str
        ``isotonic`` (centred, so that it rises strictly) or ``platt`` (logistic in the logit of the probability).

    Raises
    ------
    ConfigError
        If there are too few true or too few false findings, or more probability does not mean more true findings.
    """
    hits = int(sample.hit.sum())
    if min(hits, len(sample.hit) - hits) < _LEAST_HITS:
        raise ConfigError(
            f"{hits} true and {len(sample.hit) - hits} false findings are too few to calibrate scores with; "
            f"{_LEAST_HITS} of each are needed. Analyse more scans, with a low --threshold."
        )
    points = _isotonic(sample) if method == "isotonic" else _platt(sample)
    return Calibration(points=_rising(points))


def left_out_scores(sample: Sample, method: Method) -> Floats:
    """Scores of all findings, each by a fit to the other scans: (n,).

    Raises
    ------
    ConfigError
        If the findings are too few to leave a scan out.
    """
    score = np.empty(len(sample.probability))
    for scan in np.unique(sample.scan):
        out = sample.scan == scan
        rest = Sample(sample.probability[~out], sample.hit[~out], sample.scan[~out], sample.scans - 1)
        score[out] = fit(rest, method)(sample.probability[out].astype(np.float32))
    return score


def reliability(score: Floats, hit: Flags, *, bins: int = 10) -> Reliability:
    """Compare scores with the share of true findings, in bins of equal width; empty bins are left out."""
    number = np.minimum((score * bins).astype(int), bins - 1)
    found = [
        Bin(
            low=n / bins,
            high=(n + 1) / bins,
            findings=int((number == n).sum()),
            mean_score=float(score[number == n].mean()),
            share_true=float(hit[number == n].mean()),
        )
        for n in np.unique(number)
    ]
    clipped = np.clip(score, 1e-6, 1 - 1e-6)
    return Reliability(
        bins=tuple(found),
        ece=sum(b.findings * abs(b.mean_score - b.share_true) for b in found) / max(len(score), 1),
        log_loss=float(-np.where(hit, np.log(clipped), np.log(1 - clipped)).mean()) if len(score) else math.nan,
        brier=float(((score - hit) ** 2).mean()) if len(score) else math.nan,
    )


def operating_points(
    false_positives: Floats, scans: int, rates: Sequence[float] = RATES
) -> tuple[tuple[float, float], ...]:
    """Give the scores at which a model makes so many false positives a scan.

    Parameters
    ----------
    false_positives : (n,)
        Scores of all false positives.
    scans : int
        On so many scans.
    rates : sequence of float
        Wanted rates, rising. Those below one false positive in all scans together, and those above all of them, were
        not measured and are left out.

    Returns
    -------
    tuple of (rate, score)
        As ``Card.operating_points`` wants them. At a rate of k false positives in all, the score is that of the k-th.
    """
    scores = np.sort(false_positives)[::-1]
    count = np.array([rate * scans for rate in rates])
    measured = (count >= 1 - 1e-9) & (count <= len(scores) + 1e-9)
    points: list[tuple[float, float]] = []
    for rate, k in zip(np.asarray(rates)[measured], count[measured], strict=True):
        score = float(np.interp(k, np.arange(1, len(scores) + 1), scores))
        score = math.floor(score * 10**_DIGITS) / 10**_DIGITS  # never above the k-th, which must be reported
        if not points or score < points[-1][1]:
            points.append((round(float(rate), _DIGITS), score))
    return tuple(points)


def _isotonic(sample: Sample) -> list[tuple[float, float]]:
    """Centres of the blocks of an isotonic regression, with half a hit and half a miss added to each end."""
    from sklearn.isotonic import IsotonicRegression

    value = IsotonicRegression(y_min=0, y_max=1).fit_transform(sample.probability, sample.hit.astype(float))
    points = []
    for level in np.unique(value):
        block = value == level
        hits, n = int(sample.hit[block].sum()), int(block.sum())
        points.append((float(sample.probability[block].mean()), (hits + 0.5) / (n + 1)))
    return points


def _platt(sample: Sample) -> list[tuple[float, float]]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(_logit(sample.probability)[:, None], sample.hit)
    slope = float(model.coef_[0, 0])
    if slope <= 0:
        raise ConfigError(
            "Where this model is surer, fewer of its findings are true, so its scores cannot be calibrated. "
            "Is it the right truth for these results?"
        )
    logit = np.linspace(-_LOGIT_LIMIT, _LOGIT_LIMIT, _KNOTS)
    score = model.predict_proba(logit[:, None])[:, 1]
    return [(float(1 / (1 + math.exp(-x))), float(y)) for x, y in zip(logit, score, strict=True)]


def _logit(probability: Floats) -> Floats:
    edge = 1 / (1 + math.exp(_LOGIT_LIMIT))
    inside = np.clip(probability, edge, 1 - edge)
    result: Floats = np.log(inside / (1 - inside))
    return result


def _rising(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Add the ends, and leave out what does not rise strictly."""
    step = 10.0**-_DIGITS
    result = [(0.0, 0.0)]
    for probability, score in points:
        probability, score = round(probability, _DIGITS), round(score, _DIGITS)
        if probability > result[-1][0] and score > result[-1][1] and probability < 1 - step and score < 1 - step:
            result.append((probability, score))
    return (*result, (1.0, round(result[-1][1] + step, _DIGITS)))
