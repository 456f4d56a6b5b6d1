"""Hand-made cases whose answer follows from the rules of LUNA16 with pencil and paper."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lesion.evaluation.froc import FP_RATES, Mark, ScoredPoint, evaluate, load_marks
from napari_lesion.support.errors import ConfigError

A, B = "1.2.3", "1.2.4"


def nodule(x: float, diameter: float = 10.0, uid: str = A, kind: str = "") -> Mark:
    return Mark(uid, (x, 0.0, 0.0), diameter, kind)


def point(x: float, score: float) -> ScoredPoint:
    return ScoredPoint((x, 0.0, 0.0), score)


def overall(truth, results, **options):
    return evaluate(truth, results, bootstraps=20, **options).overall


def test_all_nodules_found_without_a_false_positive_is_perfect():
    curve = overall([nodule(0), nodule(100)], {A: [point(0, 0.9), point(101, 0.3)]})
    assert curve.at_rates == (1.0,) * 7
    assert curve.cpm == 1.0
    assert curve.cpm_interval == (1.0, 1.0)


def test_nothing_found_is_nothing():
    curve = overall([nodule(0)], {A: [], B: []})
    assert curve.cpm == 0
    assert curve.found == 0


def test_a_hit_is_closer_than_the_radius_and_the_radius_itself_is_not():
    assert overall([nodule(0, 10)], {A: [point(4.999, 0.5)]}).found == 1
    at_the_radius = overall([nodule(0, 10)], {A: [point(5.0, 0.5)]})
    assert at_the_radius.found == 0
    assert at_the_radius.end == 1  # it is a false positive instead


def test_the_best_of_several_hits_counts_and_the_others_are_no_false_positives():
    curve = overall([nodule(0)], {A: [point(1, 0.3), point(0, 0.8), point(-1, 0.5)]})
    assert curve.end == 0
    assert curve.threshold.tolist() == [math.inf, 0.8]


def test_a_finding_in_a_place_that_is_excluded_does_not_count():
    results = {A: [point(0, 0.5), point(50, 0.9)]}
    assert overall([nodule(0)], results).end == 1
    assert overall([nodule(0)], results, excluded=[nodule(53)]).end == 0
    assert overall([nodule(0)], results, excluded=[nodule(53, uid=B)]).end == 1


def test_an_excluded_place_of_unknown_size_reaches_5_mm():
    results = {A: [point(0, 0.5), point(54.9, 0.9), point(60, 0.8)]}
    assert overall([nodule(0)], results, excluded=[nodule(50, -1)]).end == 1


def test_a_nodule_inside_an_excluded_place_is_still_found():
    curve = overall([nodule(0)], {A: [point(0, 0.5)]}, excluded=[nodule(0)])
    assert curve.found == 1


def test_sensitivity_is_read_between_the_operating_points():
    # Falling score: hit, false, hit, false, false, hit over 2 scans: points (0, 1/3), (0.5, 2/3), (1.5, 1).
    results = {
        A: [point(0, 0.9), point(300, 0.8), point(100, 0.7), point(320, 0.6)],
        B: [point(300, 0.5), point(0, 0.4)],
    }
    curve = overall([nodule(0), nodule(100), nodule(0, uid=B)], results)

    assert curve.fp_per_scan.tolist() == [0, 0, 0.5, 0.5, 1.0, 1.5, 1.5]
    assert np.allclose(curve.sensitivity, [0, 1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 1])
    # At 1/8 and 1/4 still 1/3; at 1/2 and 1, 2/3; from 2 on, 1.
    assert np.allclose(curve.at_rates, [1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1])
    assert curve.cpm == pytest.approx((2 / 3 + 4 / 3 + 3) / 7)


def test_between_two_points_sensitivity_rises_linearly():
    # One operating point for both: (0, 0), then 2 false and 1 hit at the same score: (2, 1).
    results = {A: [point(0, 0.5), point(200, 0.5), point(300, 0.5)]}
    assert np.allclose(overall([nodule(0)], results).at_rates, [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 1, 1])


def test_a_scan_without_nodules_counts_for_the_false_positives():
    results = {A: [point(0, 0.5), point(200, 0.9)], B: []}
    assert overall([nodule(0)], {A: results[A]}).end == 1
    assert overall([nodule(0)], results).end == 0.5


def test_a_finding_that_hits_two_nodules_finds_both():
    assert overall([nodule(0, 20), nodule(5, 20)], {A: [point(2, 0.5)]}).found == 2


def test_beyond_the_end_of_the_curve_sensitivity_stays():
    curve = overall([nodule(0), nodule(100)], {A: [point(0, 0.9), point(300, 0.8)]})
    assert curve.at_rates == (0.5,) * 7


def test_the_hundred_best_findings_of_a_scan_count():
    # 100 false positives, then the hit as 101st: left out. Among the first 100, it counts, and one false positive less.
    false = [point(300 + n, 0.9 - n / 1000) for n in range(100)]
    assert overall([nodule(0)], {A: [*false, point(0, 0.5)]}).found == 0
    curve = overall([nodule(0)], {A: [point(0, 0.85), *false]})
    assert (curve.found, curve.end) == (1, 99)


def test_equal_scores_at_the_limit_of_findings_are_all_left_out():
    # LUNA16's script keeps what scores higher than the 101st: here the hit alone.
    same = [point(300 + n, 0.5) for n in range(101)]
    curve = overall([nodule(0)], {A: [*same, point(0, 0.9)]})
    assert (curve.found, curve.end) == (1, 0)


def test_the_order_of_findings_and_scans_does_not_matter():
    rng = np.random.default_rng(3)
    truth = [nodule(float(x), uid=uid) for uid in (A, B) for x in (0, 50, 100)]
    points = {uid: [point(float(x), float(s)) for x, s in rng.random((30, 2)) * (150, 1)] for uid in (A, B)}
    one = evaluate(truth, points, bootstraps=50)
    other = evaluate(truth[::-1], {uid: points[uid][::-1] for uid in (B, A)}, bootstraps=50)
    assert one.overall.at_rates == other.overall.at_rates
    assert one.overall.cpm_interval == other.overall.cpm_interval


def test_sizes_are_scored_apart_with_the_false_positives_of_all():
    truth = [nodule(0, 4), nodule(50, 6), nodule(100, 10), nodule(150, 20), nodule(200, 21)]
    results = {A: [point(50, 0.9), point(400, 0.8), point(150, 0.7), point(200, 0.6)]}
    curves = {curve.name: curve for curve in evaluate(truth, results, bootstraps=5).by_size}

    assert {name: (curve.nodules, curve.found) for name, curve in curves.items()} == {
        "< 6 mm": (1, 0),
        "6 to < 10 mm": (1, 1),
        "10 to 20 mm": (2, 1),
        "> 20 mm": (1, 1),
        "≥ 6 mm": (4, 3),
    }
    assert curves["6 to < 10 mm"].fp_per_scan.tolist() == [0, 0, 1]
    assert curves["> 20 mm"].fp_per_scan.tolist() == [0, 1, 1]


def test_types_are_scored_apart():
    truth = [nodule(0, kind="solid"), nodule(50, kind="ground-glass"), nodule(100, kind="solid")]
    curves = evaluate(truth, {A: [point(0, 0.9), point(50, 0.8)]}, bootstraps=5).by_type
    assert [(curve.name, curve.nodules, curve.found) for curve in curves] == [("ground-glass", 1, 1), ("solid", 2, 1)]


def test_each_nodule_is_told_with_its_best_hit():
    truth = [nodule(0), nodule(100)]
    outcomes = evaluate(truth, {A: [point(0, 0.25), point(1, 0.75)]}, bootstraps=1).outcomes
    assert outcomes == ((truth[0], 0.75), (truth[1], None))


def test_the_interval_is_that_of_the_resampled_scans():
    # 40 scans with a nodule each, every other found, no false positive: the CPM of a resample is a binomial share.
    truth = [nodule(0, uid=f"1.{n}") for n in range(40)]
    results = {f"1.{n}": [point(0, 0.5)] if n % 2 else [] for n in range(40)}
    curve = evaluate(truth, results, bootstraps=4000, seed=1).overall
    low, high = curve.cpm_interval
    spread = 1.96 * math.sqrt(0.25 / 40)
    assert curve.cpm == 0.5
    assert low == pytest.approx(0.5 - spread, abs=0.03)
    assert high == pytest.approx(0.5 + spread, abs=0.03)


def test_the_same_seed_gives_the_same_interval():
    truth = [nodule(0, uid=f"1.{n}") for n in range(10)]
    results = {f"1.{n}": [point(0, 0.5)] if n % 3 else [] for n in range(10)}
    assert (
        evaluate(truth, results, seed=7).overall.cpm_interval == evaluate(truth, results, seed=7).overall.cpm_interval
    )


def reference(truth, results):
    """Sensitivity at the rates by brute force over all thresholds, scan by scan."""
    scores = sorted({p.score for points in results.values() for p in points}, reverse=True)
    fps, sens = [0.0], [0.0]
    for threshold in scores:
        hit = sum(
            any(
                p.score >= threshold and math.dist(p.center_mm, n.center_mm) < n.diameter_mm / 2
                for p in results[n.series_uid]
            )
            for n in truth
        )
        false = sum(
            p.score >= threshold
            and not any(n.series_uid == uid and math.dist(p.center_mm, n.center_mm) < n.diameter_mm / 2 for n in truth)
            for uid, points in results.items()
            for p in points
        )
        fps.append(false / len(results))
        sens.append(hit / len(truth))
    return np.interp(FP_RATES, fps, sens)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_case_agrees_with_brute_force_over_thresholds(data):
    place = st.integers(0, 60)
    points = st.lists(st.builds(point, place, st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])), max_size=12)
    results = {A: data.draw(points), B: data.draw(points)}
    truth = data.draw(
        st.lists(st.builds(nodule, place, st.integers(3, 20), st.sampled_from([A, B])), min_size=1, max_size=6)
    )
    assert np.allclose(overall(truth, results).at_rates, reference(truth, results))


@pytest.mark.parametrize(
    ("truth", "results", "words"),
    [
        ([nodule(0)], {}, "no results"),
        ([], {A: []}, "no nodules"),
        ([nodule(0, uid=B)], {A: []}, "without results"),
        ([nodule(0, 0)], {A: []}, "diameter"),
    ],
)
def test_what_cannot_be_scored_is_refused(truth, results, words):
    with pytest.raises(ConfigError, match=words):
        evaluate(truth, results)


@pytest.mark.parametrize("column", ["type", "texture"])
def test_marks_are_read_in_the_form_of_luna16(tmp_path, column):
    path = tmp_path / "annotations.csv"
    path.write_text(f"seriesuid,coordX,coordY,coordZ,diameter_mm,{column}\n1.2.3,-1.5,2,3e1,4.25,solid\n")
    assert load_marks(path) == (Mark("1.2.3", (-1.5, 2.0, 30.0), 4.25, "solid"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seriesuid,coordX,coordY,coordZ\n1,2,3,4\n", "no column diameter_mm"),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\n1,2,3,4,5\n1,2,x,4,5\n", "line 3"),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\n1,2,3,4,nan\n", "line 2"),
        ("seriesuid,coordX,coordY,coordZ,diameter_mm\n1,2,3\n", "line 2"),
        ("", "is empty"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(text, words, tmp_path):
    path = tmp_path / "annotations.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_marks(path)
