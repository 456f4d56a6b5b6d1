"""Patients drawn, flipped and exchanged: against what can be counted by hand, and against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from napari_lesion.evaluation.resampling import drawn_scans, exchange_p, holm, interval, share, sign_flip_p


def test_scans_of_a_patient_are_drawn_together():
    drawn = drawn_scans(["b", "a", "b", "c"], 500, seed=1)
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert set((drawn[:, 0] + drawn[:, 1] + drawn[:, 3]).tolist()) == {3}
    assert len(np.unique(drawn, axis=0)) == 10, "three patients can be drawn in ten ways"


def test_a_share_of_nothing_is_not_a_number():
    drawn = np.array([[1, 1], [2, 0], [0, 2]])
    np.testing.assert_equal(share(np.array([1, 0]), np.array([2, 0]), drawn), [0.5, 0.5, math.nan])
    assert interval(np.full(3, math.nan)) == pytest.approx((math.nan, math.nan), nan_ok=True)


def test_signs_are_flipped_in_every_way():
    assert sign_flip_p(np.array([-1.0, -1, -2, -1])) == 2 / 16
    assert sign_flip_p(np.array([-1.0, 1, 0])) == 1.0
    assert sign_flip_p(np.zeros(5)) == 1.0
    values = np.random.default_rng(3).normal(0.4, 1, 11)
    exact = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=10**5)
    assert sign_flip_p(values) == pytest.approx(exact.pvalue, abs=1e-9)
    many = np.random.default_rng(4).normal(0.3, 1, 60)
    drawn = stats.permutation_test((many,), np.mean, permutation_type="samples", n_resamples=9999, rng=5)
    assert sign_flip_p(many) == pytest.approx(drawn.pvalue, abs=0.015)


def test_groups_that_are_alike_are_told_apart_as_often_as_the_level_says():
    rng = np.random.default_rng(2)
    p = []
    for _ in range(40):
        nodules = rng.integers(0, 4, 30).astype(float)
        p.append(exchange_p(rng.binomial(nodules.astype(int), 0.7).astype(float), nodules, np.arange(30) < 12))
    assert 0.25 < np.mean(np.array(p) < 0.5) < 0.75
    assert np.mean(np.array(p) < 0.05) < 0.2


def test_a_group_in_which_nothing_is_found_is_told_apart():
    nodules, inside = np.full(24, 2.0), np.arange(24) < 12
    assert exchange_p(np.where(inside, 0.0, 2.0), nodules, inside) < 0.001


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []
