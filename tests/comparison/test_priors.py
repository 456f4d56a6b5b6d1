from __future__ import annotations

from types import SimpleNamespace

import pytest

from napari_lesion.comparison.priors import choose_priors
from napari_lesion.model.volume import SeriesIdentity


def series(uid, date, *, patient="P", description="Chest", modality="CT", kind="volume", n=150, step=2.0, kernel="B"):
    """What the rule looks at of a `Series`."""
    identity = SeriesIdentity(
        series_uid=uid,
        patient_id=patient,
        study_date=date,
        series_description=description,
        modality=modality,
        kernel=kernel,
    )
    return SimpleNamespace(
        identity=identity, kind=kind, key=uid, n_slices=n, spacing=(step, 0.7, 0.7), label=description
    )


NOW = series("1", "20240601")


def test_only_earlier_ct_volumes_of_the_same_patient_are_priors_the_latest_first():
    chosen = choose_priors(
        NOW,
        [
            NOW,
            series("2", "20220601"),
            series("3", "20230601"),
            series("4", "20230701", patient="Q"),
            series("5", "20230701", modality="MR"),
            series("6", "20230701", kind="localizer"),
            series("7", "20240601"),
            series("8", "20250601"),
            series("9", ""),
        ],
    )
    assert [one.key for one in chosen.priors] == ["3", "2"]
    assert chosen.notes == ()


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({}, {"description": "Abdomen", "n": 400}),
        ({"n": 100}, {"n": 99, "step": 1.0}),
        ({"step": 3.0, "n": 80}, {"step": 5.0, "n": 300}),
        ({"n": 120}, {"kernel": "sharp", "n": 300}),
        ({"n": 151}, {}),
    ],
    ids=["chest", "covers it", "thin", "same kernel", "most slices"],
)
def test_of_several_on_one_date_one_is_chosen_by_the_rule_and_named(better, worse):
    pair = [series("good", "20230601", **better), series("also", "20230601", **worse)]
    for candidates in (pair, pair[::-1]):
        chosen = choose_priors(NOW, candidates)
        assert [one.key for one in chosen.priors] == ["good"]
        assert "series good was chosen of 2" in chosen.notes[0]


def test_older_ones_beyond_the_limit_are_named():
    chosen = choose_priors(NOW, [series(year, f"{year}0601") for year in ("2019", "2020", "2021", "2022")])
    assert [one.key for one in chosen.priors] == ["2022", "2021", "2020"]
    assert chosen.notes == ("Not compared with older priors, of 20190601.",)


@pytest.mark.parametrize(
    ("scan", "words"),
    [
        (series("1", "20240601", patient=" "), "no patient ID"),
        (series("1", ""), "no study date"),
        (series("1", "20200101"), "none of the 1 other series"),
        (series("1", "20240601", patient="R"), "there is no other series"),
    ],
)
def test_why_there_is_no_prior_is_said(scan, words):
    chosen = choose_priors(scan, [series("2", "20230601")])
    assert chosen.priors == ()
    assert words in chosen.notes[0]
