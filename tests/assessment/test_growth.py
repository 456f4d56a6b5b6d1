"""Volume doubling times and their intervals, against numbers computed by hand and against simulated measuring."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from napari_lesion.assessment.guidelines.growth import Size, doubling_days, growth, trend


@pytest.mark.parametrize(
    ("before", "now", "days", "expected"),
    [
        (100.0, 200.0, 90, 90.0),  # doubled in 90 days
        (100.0, 800.0, 90, 30.0),  # three doublings
        (200.0, 100.0, 90, -90.0),  # halved
        (113.1, 268.1, 90, 72.3),  # 6 to 8 mm: 90 ln 2 / (3 ln (8 / 6)) = 62.383 / 0.86305
        (100.0, 125.0, 365, 1133.8),  # the least growth of BTS in a year: 365 x 0.693147 / 0.223144
    ],
)
def test_doubling_times_are_those_of_schwartz(before: float, now: float, days: float, expected: float) -> None:
    assert doubling_days(before, now, days) == pytest.approx(expected, abs=0.06)


def test_no_change_or_no_time_has_no_doubling_time() -> None:
    assert doubling_days(100, 100, 90) is None
    assert doubling_days(100, 200, 0) is None


def test_the_interval_is_that_of_the_logarithm_of_the_ratio() -> None:
    # ln 2 = 0.6931, sd = sqrt(0.05² + 0.05²) = 0.07071, 1.96 sd = 0.13859: 90 ln 2 / (0.6931 ± 0.1386)
    found = growth(100, 200, 90, before_sd_mm3=5, now_sd_mm3=10)
    assert found.exceeds_noise
    assert found.doubling_days == pytest.approx(90.0)
    assert found.low_days == pytest.approx(75.0, abs=0.05)
    assert found.high_days == pytest.approx(112.49, abs=0.05)


def test_a_change_within_noise_has_no_doubling_time_but_the_shortest_that_fits() -> None:
    # ln 1.3 = 0.26236, sd = 0.2, half = 0.39199: not told; at the fastest 100 ln 2 / 0.65436
    found = growth(100, 130, 100, before_sd_mm3=100 * 0.2 / 2**0.5, now_sd_mm3=130 * 0.2 / 2**0.5)
    assert found.grown
    assert found.exceeds_noise is False
    assert (found.doubling_days, found.high_days) == (None, None)
    assert found.low_days == pytest.approx(105.93, abs=0.05)


def test_what_shrank_has_negative_times_the_nearest_to_zero_last() -> None:
    found = growth(200, 100, 90, before_sd_mm3=10, now_sd_mm3=5)
    assert found.shrunk
    assert found.low_days == pytest.approx(-112.49, abs=0.05)
    assert found.high_days == pytest.approx(-75.0, abs=0.05)


def test_without_standard_deviations_nothing_is_said_of_noise() -> None:
    found = growth(100, 200, 90)
    assert found.exceeds_noise is None
    assert (found.doubling_days, found.low_days, found.high_days) == (pytest.approx(90.0), None, None)


@pytest.mark.parametrize("share", [0.03, 0.10, 0.15])
def test_95_of_100_intervals_hold_the_truth(share: float) -> None:
    # Growth rate per day; the doubling time's interval is that of the rate, seen the other way round.
    rng = np.random.default_rng(3)
    days, truth, count = 200.0, 300.0, 2000
    ends = 250.0, 250.0 * 2 ** (days / truth)
    measured = [np.maximum(v * (1 + share * rng.standard_normal(count)), 1.0) for v in ends]
    held = 0
    for before, now in zip(*measured, strict=True):
        found = growth(before, now, days, before_sd_mm3=share * before, now_sd_mm3=share * now)
        # An open end above is one of no growth at all, or of shrinking: it holds every slow growth.
        low = found.low_days if found.low_days is not None else np.inf
        high = found.high_days if found.high_days is not None else np.inf
        held += low <= truth <= high if not found.exceeds_noise or found.change > 0 else False
    assert 0.93 <= held / count <= 0.975


def test_one_line_through_all_dates_of_steady_growth() -> None:
    sizes = [Size(day, 100 * 2 ** (day / 150), 3.0 * 2 ** (day / 150)) for day in (0, 90, 180, 400)]
    found = trend(sizes)
    assert found is not None
    assert found.exceeds_noise
    assert found.doubling_days == pytest.approx(150.0)
    two = growth(sizes[0].volume_mm3, sizes[-1].volume_mm3, 400, before_sd_mm3=3.0, now_sd_mm3=sizes[-1].sd_mm3)
    assert two.high_days is not None
    assert found.high_days is not None
    assert found.high_days < two.high_days  # more dates tell more


def test_a_line_through_two_dates_is_their_growth() -> None:
    found = trend([Size(0, 100, 5), Size(90, 200, 10)])
    two = growth(100, 200, 90, before_sd_mm3=5, now_sd_mm3=10)
    assert found is not None
    assert astuple(found) == pytest.approx(astuple(two))
    assert trend([Size(0, 100, 5)]) is None


def test_without_standard_deviations_the_scatter_about_the_line_gives_the_interval() -> None:
    found = trend([Size(0, 100), Size(100, 130), Size(200, 95), Size(300, 120)])
    assert found is not None
    assert found.exceeds_noise is False
