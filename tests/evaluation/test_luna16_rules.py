"""LUNA16's rules once more, written plainly from its paper, and the scores of both held against each other.

Nothing here is shared with ``napari_lesion.evaluation``: one list of marks that falls as marks are used up, thresholds
tried one by one, scans drawn and concatenated one by one.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lesion.evaluation.froc import FP_RATES, Mark, ScoredPoint, evaluate

SCANS = ("1.1", "1.2", "1.3")


def plain_scores(truth, results, excluded):
    """For each scan: the best score on each of its nodules (None where missed), and the scores of its false marks."""
    scored = {}
    for uid, points in results.items():
        left = list(points)
        best = []
        for nodule in (mark for mark in truth if mark.series_uid == uid):
            hits = [p for p in points if near(p, nodule)]
            best.append(max((p.score for p in hits), default=None))
            left = [p for p in left if p not in hits]
        for place in (mark for mark in excluded if mark.series_uid == uid):
            left = [p for p in left if not near(p, place)]
        scored[uid] = best, [p.score for p in left]
    return scored


def near(point, mark):
    diameter = 10.0 if mark.diameter_mm < 0 else mark.diameter_mm
    squared = sum((a - b) ** 2 for a, b in zip(point.center_mm, mark.center_mm, strict=True))
    return squared < (diameter / 2) ** 2


def plain_sensitivities(scored):
    """Sensitivity at the seven rates of a list of (best, false) of scans; None if they hold no nodule."""
    best = [score for nodules, _ in scored for score in nodules]
    false = [score for _, others in scored for score in others]
    if not best:
        return None
    hits = np.array([score for score in best if score is not None])
    fp, sensitivity = [0.0], [0.0]
    for threshold in sorted({*hits, *false}, reverse=True):
        fp.append((np.array(false) >= threshold).sum() / len(scored))
        sensitivity.append((hits >= threshold).sum() / len(best))
    return np.interp(FP_RATES, fp, sensitivity)


def marks(diameters, *, least, most):
    place = st.tuples(st.integers(0, 30), st.integers(0, 3), st.just(0))
    return st.lists(st.builds(Mark, st.sampled_from(SCANS), place, diameters), min_size=least, max_size=most)


def findings():
    place = st.tuples(st.integers(0, 30), st.integers(0, 3), st.just(0))
    # Few different scores, so that ties are common; few places, so that marks overlap.
    found = st.builds(ScoredPoint, place, st.sampled_from([0.1, 0.2, 0.4, 0.6, 0.9]))
    return st.fixed_dictionaries({uid: st.lists(found, max_size=15, unique=True) for uid in SCANS})


@settings(max_examples=60, deadline=None)
@given(
    truth=marks(st.integers(3, 20), least=1, most=6),
    excluded=marks(st.sampled_from([-1, 4, 12]), least=0, most=4),
    results=findings(),
)
def test_any_case_with_excluded_places_scores_as_the_plain_rules_say(truth, excluded, results):
    ours = evaluate(truth, results, excluded=excluded, bootstraps=2).overall
    scored = plain_scores(truth, results, excluded)
    assert ours.at_rates == pytest.approx(plain_sensitivities(list(scored.values())))
    assert ours.found == sum(score is not None for best, _ in scored.values() for score in best)
    assert ours.end == pytest.approx(
        # The curve ends where the last hit or false mark comes in, so all false marks are on it.
        sum(len(false) for _, false in scored.values()) / len(SCANS)
    )


def test_the_interval_is_that_of_scans_drawn_one_by_one():
    rng = np.random.default_rng(11)
    scans = [f"1.{n}" for n in range(12)]
    truth = [Mark(uid, (100.0 * k, 0.0, 0.0), 10.0) for uid in scans for k in range(int(rng.integers(0, 4)))]
    results = {
        uid: [ScoredPoint((float(x), float(y), 0.0), float(s)) for x, y, s in rng.random((8, 3)) * (300, 2, 1)]
        for uid in scans
    }
    ours = evaluate(truth, results, bootstraps=1000, seed=2).overall

    scored = list(plain_scores(truth, results, []).values())
    drawn = []
    for _ in range(400):
        drawn.append(plain_sensitivities([scored[n] for n in rng.integers(len(scored), size=len(scored))]))
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    # Two samples of draws: their quantiles agree within a few hundredths.
    assert [a for a, _ in ours.at_rates_interval] == pytest.approx(low, abs=0.04)
    assert [b for _, b in ours.at_rates_interval] == pytest.approx(high, abs=0.04)
    means = np.mean(drawn, axis=1)
    assert ours.cpm_interval == pytest.approx(tuple(np.percentile(means, (2.5, 97.5))), abs=0.03)
