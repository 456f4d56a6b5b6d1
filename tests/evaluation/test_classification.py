"""A classifier's measures: cases worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesion.evaluation.classification import classify, load_scores
from napari_lesion.support.errors import ConfigError

LABEL = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
SCORE = np.array([0.9, 0.8, 0.3, 0.7, 0.4, 0.2, 0.1, 0.0])


def test_the_measures_are_those_of_pencil_and_paper():
    """From 0.5 on: two true, one false; one positive missed, four negatives right."""
    result = classify(LABEL, SCORE, threshold=0.5, bootstraps=50)
    assert result.confusion == ((4, 1), (1, 2))
    assert result["accuracy"] == pytest.approx(6 / 8)
    assert result["precision"] == pytest.approx(2 / 3)
    assert result["recall"] == pytest.approx(2 / 3)
    assert result["specificity"] == pytest.approx(4 / 5)
    assert result["F1"] == pytest.approx(2 / 3)
    # Of 15 pairs of a positive and a negative, 0.3 loses against 0.7 and 0.4: 13 are in order.
    assert result["ROC AUC"] == pytest.approx(13 / 15)
    # Precision where each positive comes in: 1/1, 2/2, 3/5, each for a third of the recall.
    assert result["PR AUC"] == pytest.approx((1 + 1 + 3 / 5) / 3)
    for measure in result.measures:
        low, high = measure.interval
        assert low <= measure.value <= high


def test_a_score_of_exactly_the_threshold_is_called_positive():
    assert classify(LABEL, SCORE, threshold=0.7, bootstraps=0).confusion == ((4, 1), (1, 2))


def test_calibration_error_is_the_weighted_distance_from_the_diagonal():
    """Ten cases of score 0.25 with 5 true, ten of 0.75 with 8 true: (10·0.25 + 10·0.05) / 20."""
    score = np.repeat([0.25, 0.75], 10)
    label = np.array([1] * 5 + [0] * 5 + [1] * 8 + [0] * 2, bool)
    result = classify(label, score, bootstraps=0)
    assert result.reliability.ece == pytest.approx(0.15)
    assert [b.share_true for b in result.reliability.bins] == [0.5, 0.8]


def test_patients_are_resampled_whole():
    """Two patients whose cases are all alike: resampling patients must give wider intervals than resampling cases."""
    label = np.tile([True, False], 40)
    score = np.where(label, 0.9, 0.1)
    score[:40] = 1 - score[:40]  # the first patient is called all wrong
    group = np.repeat(["a", "b"], 40)
    by_case = next(m for m in classify(label, score, bootstraps=300).measures if m.name == "accuracy").interval
    by_patient = next(m for m in classify(label, score, group=group, bootstraps=300).measures if m.name == "accuracy")
    assert by_patient.interval == (0, 1)
    assert by_case[1] - by_case[0] < 0.3


def test_one_class_alone_is_refused():
    with pytest.raises(ConfigError, match="both classes"):
        classify(np.ones(3, bool), np.ones(3))


@pytest.mark.parametrize(
    ("text", "message"),
    [("label\n1\n", "no column score"), ("label,score\n1,0.5\n2,0.5\n", "line 3"), ("label,score\n1,1.5\n", "line 2")],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_scores(tmp_path / "s.csv")


def test_a_table_is_read(tmp_path: Path):
    (tmp_path / "s.csv").write_text("group,label,score\nx,1,0.5\ny,0,0.25\n")
    label, score, group = load_scores(tmp_path / "s.csv")
    assert label.tolist() == [True, False]
    assert score.tolist() == [0.5, 0.25]
    assert group is not None
    assert group.tolist() == ["x", "y"]
