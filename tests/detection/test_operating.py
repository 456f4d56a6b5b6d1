from __future__ import annotations

import pytest

from napari_lesion.detection.operating_points import false_positives_at, in_words, lowest_score, rates_of, score_at
from napari_lesion.models.card import Card
from napari_lesion.support.errors import ConfigError

POINTS = ((0.125, 0.9), (0.5, 0.7), (1.0, 0.4), (4.0, 0.2), (8.0, 0.2))


def card(points=POINTS) -> Card:
    return Card(
        id="m", version="1", task="test", licence="none", sha256="0" * 64, threshold=0.4, operating_points=points
    )


def test_a_rate_becomes_the_score_that_was_measured_there():
    assert [score_at(card(), rate) for rate, _ in POINTS] == pytest.approx([score for _, score in POINTS])
    assert score_at(card(), 2.0) == pytest.approx(0.3), "half-way on the logarithmic scale"
    assert rates_of(card()) == (0.125, 8.0)


def test_the_lowest_score_is_that_of_the_most_false_positives():
    assert lowest_score(card()) == pytest.approx(0.2)
    assert lowest_score(card(())) == 0.0, "nothing is left out where nothing was measured"


def test_more_false_positives_never_need_a_higher_score():
    scores = [score_at(card(), 0.125 * 64 ** (n / 50)) for n in range(51)]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("rate", [0.125, 0.2, 1.0, 3.0])
def test_the_way_back_from_a_score_gives_the_same_rate(rate):
    assert false_positives_at(card(), score_at(card(), rate)) == pytest.approx(rate)


def test_of_points_with_one_score_the_rate_of_all_that_is_reported_counts():
    assert false_positives_at(card(), 0.2) == pytest.approx(8.0)


@pytest.mark.parametrize("score", [0.95, 0.19, 0.0])
def test_nothing_is_said_of_scores_beyond_what_was_measured(score):
    assert false_positives_at(card(), score) is None


@pytest.mark.parametrize("rate", [0.1, 9.0])
def test_a_rate_beyond_what_was_measured_is_refused(rate):
    with pytest.raises(ConfigError, match=r"0\.125 to 8"):
        score_at(card(), rate)


def test_a_model_without_operating_points_says_so():
    assert rates_of(card(())) is None
    assert false_positives_at(card(()), 0.5) is None
    with pytest.raises(ConfigError, match="was not measured"):
        score_at(card(()), 1.0)


def test_rates_in_words():
    assert in_words(1.0) == in_words(0.999) == "about 1 false finding a scan"
    assert in_words(0.125) == "about 1 false finding in 8 scans"
    assert in_words(2.83) == "about 2.8 false findings a scan"
