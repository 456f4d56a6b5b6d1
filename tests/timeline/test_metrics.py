"""AUC, C-index and Brier score with lost patients: against scikit-learn, statsmodels, loops, and the whole truth."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score
from statsmodels.duration.survfunc import SurvfuncRight

from napari_lesion.timeline import metrics
from napari_lesion.timeline.course import Floats, Outcome


def watched_lesions(n: int, *, lost: float, never: float = 0.0, seed: int = 0) -> tuple[Outcome, Outcome, Floats]:
    """What nobody lost would have shown, what was seen, and risks that say something of it."""
    rng = np.random.default_rng(seed)
    risk = rng.random(n)
    event = rng.exponential(4 * np.exp(-2 * risk))
    other = rng.exponential(1 / never, n) if never else np.full(n, np.inf)
    end = np.round(np.minimum(event, other), 2)  # ties, too
    truth = Outcome(end, event <= other, other < event)
    leaves = np.round(rng.exponential(1 / lost, n), 2) if lost else np.full(n, np.inf)
    seen = leaves >= end
    return truth, Outcome(np.minimum(end, leaves), truth.event & seen, truth.never & seen), risk


def test_with_nobody_lost_they_are_those_of_scikit_learn() -> None:
    truth, _, risk = watched_lesions(500, lost=0)
    risk = np.round(risk, 1)
    for horizon in (0.5, 2.0):
        event = truth.years <= horizon
        assert metrics.auc(truth, risk, horizon) == pytest.approx(roc_auc_score(event, risk), abs=1e-12)
        assert metrics.brier(truth, risk, horizon) == pytest.approx(brier_score_loss(event, risk), abs=1e-12)
        assert metrics.observed(truth, horizon) == pytest.approx(event.mean())


def test_the_chance_of_being_watched_is_statsmodels() -> None:
    _, seen, _ = watched_lesions(300, lost=0.4)
    # A little later than events at the same time, so that those are not at risk of being lost any more.
    lost = ~(seen.event | seen.never)
    curve = SurvfuncRight(seen.years + 1e-6 * lost, lost.astype(int))
    at = np.array([0.1, 0.5, 1.0, 2.0, 3.0])
    reference = [np.prod(1 - curve.n_events[curve.surv_times < t] / curve.n_risk[curve.surv_times < t]) for t in at]
    assert metrics.watched(seen, np.ones(300), at) == pytest.approx(reference, abs=1e-9)


@pytest.mark.parametrize("never", [0.0, 0.3])
def test_those_lost_do_not_bend_the_result(never: float) -> None:
    """A third and more of 20,000 are lost: the same comes out as with nobody lost; without weights it would not."""
    truth, seen, risk = watched_lesions(20_000, lost=0.45, never=never)
    assert (~(seen.event | seen.never)).mean() > 0.3
    for measure in (metrics.auc, metrics.brier):
        assert measure(seen, risk, 2.0) == pytest.approx(measure(truth, risk, 2.0), abs=0.006)
    assert metrics.observed(seen, 2.0) == pytest.approx(metrics.observed(truth, 2.0), abs=0.01)
    few = np.arange(5000)
    whole = metrics.c_index(truth[few], risk[few], 3.0)
    assert metrics.c_index(seen[few], risk[few], 3.0) == pytest.approx(whole, abs=0.012)
    naive = float((seen.event & (seen.years <= 2)).mean())
    assert abs(naive - metrics.observed(truth, 2.0)) > 0.05


def test_the_c_index_is_that_of_all_pairs() -> None:
    _, seen, risk = watched_lesions(80, lost=0.3, never=0.2)
    risk = np.round(risk, 1)
    g = metrics.watched(seen, np.ones(80), seen.years)
    right = total = 0.0
    for i in range(80):
        if not seen.event[i] or seen.years[i] > 3:
            continue
        for j in range(80):
            if seen.years[j] > seen.years[i]:
                weight = 1 / g[i] ** 2
            elif seen.never[j]:
                weight = 1 / (g[i] * g[j])
            else:
                continue
            total += weight
            right += weight * (1.0 if risk[j] < risk[i] else 0.5 if risk[j] == risk[i] else 0.0)
    assert metrics.c_index(seen, risk, 3.0) == pytest.approx(right / total, abs=1e-12)


def test_drawn_twice_is_the_same_as_being_there_twice() -> None:
    _, seen, risk = watched_lesions(120, lost=0.3, never=0.1)
    counts = np.random.default_rng(1).integers(0, 4, 120)
    rows = np.repeat(np.arange(120), counts)
    for measure in (metrics.auc, metrics.brier, metrics.c_index):
        weighted = measure(seen, risk, 2.0, counts.astype(np.float64))
        assert weighted == pytest.approx(measure(seen[rows], risk[rows], 2.0), abs=1e-12)


def test_nothing_to_tell_is_no_number() -> None:
    nobody = Outcome(np.array([1.0, 2.0]), np.array([False, False]), np.array([False, True]))
    assert np.isnan(metrics.auc(nobody, np.array([0.1, 0.2]), 2.0))
    assert np.isnan(metrics.c_index(nobody, np.array([0.1, 0.2]), 2.0))
