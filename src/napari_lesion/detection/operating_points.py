"""Thresholds that a user can judge: expected false positives a scan in place of a score.

A model's operating points say how many false positives a scan it made at which score on its validation scans. Between
them the score is interpolated along the logarithm of the rate; beyond them nothing was measured, and nothing is said.
"""

from __future__ import annotations

import math

import numpy as np

from napari_lesion.models.card import Card
from napari_lesion.support.errors import OptionError

_TOLERANCE = 1e-9


def rates_of(card: Card) -> tuple[float, float] | None:
    """Smallest and largest rate (false positives a scan) that a model can be set to, None where it knows none."""
    points = _points(card)
    return (points[0][0], points[-1][0]) if len(points) > 1 else None


def lowest_score(card: Card) -> float:
    """Lowest score of which a model knows how many false positives a scan it makes; 0 where it knows of none."""
    reach = rates_of(card)
    return score_at(card, reach[1]) if reach else 0.0


def score_at(card: Card, false_positives: float) -> float:
    """Score from which on a model makes so many false positives a scan.

    Parameters
    ----------
    card : Card
    false_positives : float
        Expected a scan.

    Returns
    -------
    float
        In [0, 1]; it falls where ``false_positives`` rises.

    Raises
    ------
    OptionError
        If the model has no operating points, or they do not reach so far.
    """
    reach = rates_of(card)
    if reach is None:
        raise OptionError(
            f"model {card.id} {card.version}: which score means how many false positives a scan was not measured. "
            "Give a score instead (--threshold)."
        )
    low, high = reach
    if not low * (1 - _TOLERANCE) <= false_positives <= high * (1 + _TOLERANCE):
        raise OptionError(
            f"model {card.id} {card.version}: {false_positives:g} false positives a scan is out of what was measured, "
            f"{low:g} to {high:g}. Choose a rate in between, or give a score (--threshold)."
        )
    rates, scores = zip(*_points(card), strict=True)
    return float(np.interp(math.log(false_positives), np.log(rates), scores))


def false_positives_at(card: Card, score: float) -> float | None:
    """Give the false positives a scan to expect from a score on; None where the operating points do not say."""
    points = _points(card)
    if len(points) < 2 or not points[-1][1] - _TOLERANCE <= score <= points[0][1] + _TOLERANCE:
        return None
    # Of points with the same score the last one counts: all that reach the score are reported.
    at_point = [rate for rate, known in points if abs(known - score) <= _TOLERANCE]
    if at_point:
        return max(at_point)
    rates, scores = zip(*reversed(points), strict=True)
    return math.exp(float(np.interp(score, scores, np.log(rates))))


def in_words(false_positives: float) -> str:
    """Put a rate as people say it: "about 2 false findings a scan", "about 1 false finding in 8 scans"."""
    if f"{false_positives:.2g}" == "1":
        return "about 1 false finding a scan"
    if false_positives > 1:
        return f"about {false_positives:.2g} false findings a scan"
    return f"about 1 false finding in {1 / false_positives:.2g} scans"


def _points(card: Card) -> list[tuple[float, float]]:
    return [(rate, score) for rate, score in card.operating_points if rate > 0]
