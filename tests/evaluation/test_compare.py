"""Two models on the same scans: cases worked out by hand."""

from __future__ import annotations

import pytest

from napari_lesion.evaluation.compare import compare_models
from napari_lesion.evaluation.froc import Mark, ScoredPoint, evaluate
from napari_lesion.support.errors import ConfigError

SCANS = [f"1.{n}" for n in range(10)]
TRUTH = [Mark(uid, (0.0, 0.0, 0.0), 10.0) for uid in SCANS]
HIT, FALSE = ScoredPoint((1.0, 0.0, 0.0), 0.9), ScoredPoint((50.0, 0.0, 0.0), 0.8)


def test_a_model_does_not_differ_from_itself():
    points = {uid: [HIT, FALSE] if n % 2 else [FALSE] for n, uid in enumerate(SCANS)}
    result = compare_models(TRUTH, points, points, bootstraps=200)
    for one in result.differences:
        assert one.difference == 0
        assert one.interval == (0, 0)
        assert one.p_value == 1
    assert (result.only_a, result.only_b) == (0, 0)


def test_a_model_that_finds_all_beats_one_that_finds_none():
    result = compare_models(TRUTH, dict.fromkeys(SCANS, ()), dict.fromkeys(SCANS, (HIT,)), bootstraps=200)
    cpm = result.differences[0]
    assert (cpm.name, cpm.a, cpm.b, cpm.difference) == ("CPM", 0, 1, 1)
    assert cpm.interval == (1, 1)
    # No resample is on the other side of zero: 2 · (0 + 1) / (200 + 1).
    assert cpm.p_value == pytest.approx(2 / 201)
    assert (result.only_a, result.only_b) == (0, 10)


def test_pairing_makes_the_interval_narrower_than_two_independent_ones():
    """A finds 5 of 10; B finds the same and one more: the difference in a resample is the share of that scan."""
    a = {uid: [HIT] if n < 5 else [] for n, uid in enumerate(SCANS)}
    b = {uid: [HIT] if n < 6 else [] for n, uid in enumerate(SCANS)}
    cpm = compare_models(TRUTH, a, b, bootstraps=2000).differences[0]
    assert cpm.difference == pytest.approx(0.1)
    # The scan is drawn k of 10 times, k binomial (10, 0.1): 2.5 % and 97.5 % quantiles are 0 and 3.
    assert cpm.interval == (0, pytest.approx(0.3))
    # Not at all in 0.9^10 = 0.349 of the resamples: p = 2 · 0.349.
    assert cpm.p_value == pytest.approx(0.697, abs=0.06)
    low, high = evaluate(TRUTH, a, bootstraps=2000).overall.cpm_interval
    assert high - low > 0.5


def test_results_of_different_scans_are_not_compared():
    with pytest.raises(ConfigError, match=r"1\.9"):
        compare_models(TRUTH, dict.fromkeys(SCANS, ()), dict.fromkeys(SCANS[:-1], ()))
