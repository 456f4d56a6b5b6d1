"""Scores that are calibrated say the share of true findings; checked on findings whose probabilities are known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesion.detection.calibration import (
    METHODS,
    RATES,
    Sample,
    fit,
    left_out_scores,
    operating_points,
    reliability,
)
from napari_lesion.support.errors import ConfigError


def sample(n=6000, scans=10, seed=0) -> tuple[Sample, np.ndarray]:
    """Findings that are true with probability probability², and that probability: the probability is too sure."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.6, 1.5, n)
    truth = probability**2
    return Sample(probability, rng.random(n) < truth, rng.integers(0, scans, n), scans), truth


@pytest.mark.parametrize("method", METHODS)
def test_a_calibrated_score_is_the_probability_of_a_true_finding(method):
    data, truth = sample()
    score = fit(data, method)(data.probability.astype(np.float32))
    assert np.abs(score - truth).mean() < 0.02
    assert reliability(data.probability, data.hit).ece > 0.1


@pytest.mark.parametrize("method", METHODS)
def test_scores_of_scans_left_out_of_the_fit_are_calibrated_too(method):
    data, _ = sample()
    predicted = reliability(left_out_scores(data, method), data.hit)
    before = reliability(data.probability, data.hit)
    assert predicted.ece < 0.03 < before.ece
    assert predicted.log_loss < before.log_loss
    assert predicted.brier < before.brier


def test_a_scan_left_out_has_no_part_in_its_own_scores():
    data, _ = sample(800, scans=4)
    turned = Sample(data.probability, np.where(data.scan == 2, ~data.hit, data.hit), data.scan, data.scans)
    same = left_out_scores(data, "isotonic") == left_out_scores(turned, "isotonic")
    assert same[data.scan == 2].all()
    assert not same[data.scan != 2].all()


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_findings_stays(method):
    data, _ = sample(500)
    probability = np.linspace(0, 1, 400, dtype=np.float32)
    assert (np.diff(fit(data, method)(probability).astype(float)) >= 0).all()
    curve = np.array(fit(data, method).points)
    assert (np.diff(curve, axis=0) > 0).all()


def test_the_way_back_gives_the_heat():
    data, _ = sample(500)
    curve = fit(data, "platt")
    probability = np.linspace(0.01, 0.98, 30)
    np.testing.assert_allclose(
        curve.probability(curve(probability.astype(np.float32)).astype(float)), probability, atol=1e-4
    )


def test_too_few_true_findings_are_refused():
    data, _ = sample(2000)
    none = Sample(data.probability, np.zeros_like(data.hit), data.scan, data.scans)
    with pytest.raises(ConfigError, match="0 true and 2000 false findings are too few"):
        fit(none, "isotonic")


def test_a_model_that_is_wrong_where_it_is_sure_is_refused():
    data, _ = sample()
    with pytest.raises(ConfigError, match="surer"):
        fit(Sample(1 - data.probability, data.hit, data.scan, data.scans), "platt")


def test_reliability_and_ece_by_hand():
    score = np.array([0.1, 0.1, 0.1, 0.1, 0.9, 0.9])
    hit = np.array([True, False, False, False, True, True])
    result = reliability(score, hit)
    assert [(b.findings, b.mean_score, b.share_true) for b in result.bins] == [
        (4, pytest.approx(0.1), 0.25),
        (2, pytest.approx(0.9), 1.0),
    ]
    assert result.ece == pytest.approx((4 * 0.15 + 2 * 0.1) / 6)
    assert result.brier == pytest.approx((0.81 + 3 * 0.01 + 2 * 0.01) / 6)


def test_operating_points_count_the_false_positives():
    false = np.array([0.9, 0.8, 0.6, 0.5, 0.3, 0.2, 0.15, 0.1])
    points = operating_points(false, scans=4, rates=(0.125, 0.25, 0.5, 1.0, 2.0, 4.0))
    assert points == ((0.25, 0.9), (0.5, 0.8), (1.0, 0.5), (2.0, 0.1))
    for rate, score in points:
        assert (false >= score).sum() == rate * 4


def test_operating_points_are_what_a_card_takes():
    false = np.random.default_rng(0).random(500).astype(np.float32).astype(float)
    points = operating_points(false, scans=8)
    assert [rate for rate, _ in points] == pytest.approx(RATES, rel=1e-5)
    assert [score for _, score in points] == sorted({score for _, score in points}, reverse=True)
