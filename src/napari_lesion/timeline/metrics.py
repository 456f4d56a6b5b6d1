"""How good predictions of a time are, where some were not watched long enough: AUC, C-index and Brier score.

Who was lost before the horizon does not count; who was not stands in for those that were, by the inverse of the chance
of having been watched so long (IPCW), from the Kaplan-Meier curve of being lost. Who cannot have the event any more
(dead of something else, removed and benign) is one without it, from then on.

References
----------
Uno et al., J Am Stat Assoc 102 (2007), 527-537 (AUC at a time) and Stat Med 30 (2011), 1105-1117 (C-index). Blanche et
al., Stat Med 32 (2013), 5381-5397 (competing events, their second definition of controls). Graf et al., Stat Med 18
(1999), 2529-2545 (Brier score).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_lesion.timeline.course import Floats, Outcome


def watched(outcome: Outcome, weights: Floats, at: Floats) -> Floats:
    """Chance of being watched just up to times: Kaplan-Meier of being lost, before each time.

    Parameters
    ----------
    outcome : Outcome
    weights : (n,)
        How often each counts.
    at : (m,)
        Years.
    """
    order = np.argsort(outcome.years, kind="stable")
    years, lost = outcome.years[order], ~(outcome.event | outcome.never)[order]
    counts = weights[order]
    at_risk = np.cumsum(counts[::-1])[::-1]
    times, first = np.unique(years, return_index=True)
    # Of those lost at a time, all that have an event at the same time are no longer at risk.
    gone = np.add.reduceat(counts * lost, first)
    ended = np.add.reduceat(counts * ~lost, first)
    left = at_risk[first] - ended
    factors = 1 - np.divide(gone, left, out=np.zeros(len(times)), where=left > 0)
    curve = np.concatenate([[1.0], np.cumprod(factors)])
    result: Floats = curve[np.searchsorted(times, at, side="left")]
    return result


def weights_at(outcome: Outcome, horizon: float, counts: Floats | None = None) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Give each the weight with which it counts at a horizon (years), and whether it had the event by then."""
    counts = np.ones(len(outcome.years)) if counts is None else counts
    by_then = outcome.years <= horizon
    told = ~by_then | outcome.event | outcome.never
    chance = watched(outcome, counts, np.minimum(outcome.years, np.nextafter(horizon, np.inf)))
    weights = np.divide(counts * told, chance, out=np.zeros(len(counts)), where=told & (chance > 0))
    return weights, outcome.event & by_then


def auc(outcome: Outcome, risk: Floats, horizon: float, counts: Floats | None = None) -> float:
    """Chance that one with the event by the horizon (years) had a higher risk than one without; NaN without both."""
    weights, event = weights_at(outcome, horizon, counts)
    order = np.argsort(risk, kind="stable")
    _, group = np.unique(risk[order], return_inverse=True)
    cases = np.bincount(group, (weights * event)[order])
    controls = np.bincount(group, (weights * ~event)[order])
    total = cases.sum() * controls.sum()
    if not total > 0:
        return float("nan")
    below = np.cumsum(controls) - controls
    return float(np.sum(cases * (below + controls / 2)) / total)


def brier(outcome: Outcome, risk: Floats, horizon: float, counts: Floats | None = None) -> float:
    """Mean squared error of the risk of the event by the horizon (years); less is better."""
    weights, event = weights_at(outcome, horizon, counts)
    return float(np.sum(weights * (event - risk) ** 2) / weights.sum()) if weights.sum() > 0 else float("nan")


def observed(outcome: Outcome, horizon: float, counts: Floats | None = None) -> float:
    """Share with the event by the horizon (years)."""
    weights, event = weights_at(outcome, horizon, counts)
    return float(np.sum(weights * event) / weights.sum()) if weights.sum() > 0 else float("nan")


def c_index(outcome: Outcome, risk: Floats, until: float, counts: Floats | None = None) -> float:
    """Chance that of two lesions the one with the earlier event, up to some years, had the higher risk (Uno's)."""
    order = np.argsort(outcome.years, kind="stable")
    outcome, risk = outcome[order], risk[order]
    counts = np.ones(len(risk)) if counts is None else counts[order]
    chance = watched(outcome, counts, outcome.years)
    after = np.searchsorted(outcome.years, outcome.years, side="right")
    ended = np.flatnonzero(outcome.never & (chance > 0))
    ended_weight, before = counts[ended] / chance[ended], np.searchsorted(ended, after)
    right = total = 0.0
    for n in np.flatnonzero(outcome.event & (outcome.years <= until) & (counts > 0)):
        # Those with a later end, and those that ended otherwise before: these never get the event.
        own, later, never = counts[n] / chance[n], slice(after[n], None), slice(before[n])
        for weights, others in (
            (counts[later] / chance[n], risk[later]),
            (ended_weight[never], risk[ended[never]]),
        ):
            right += own * float(weights @ (1 + np.sign(risk[n] - others))) / 2
            total += own * float(weights.sum())
    return right / total if total else float("nan")
