"""Files that earlier versions wrote, and the words that they use, are read as they were meant.

`older_files` was written by the last version before packages, provenance and change status got these names.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from fake_scan import make_volume

from napari_lesion.annotation.store import Store
from napari_lesion.models import packages
from napari_lesion.report.json import load_report
from napari_lesion.review.journal import Journal
from napari_lesion.review.review import Provenance, undo
from napari_lesion.training.config.detector import LossConfig

OLD = Path(__file__).with_name("older_files")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old"


@pytest.mark.parametrize("word", ["heat", "heatmap"])
def test_a_training_configuration_may_name_its_loss_as_before(word: str) -> None:
    assert LossConfig.model_validate({word: "dice"}).heatmap == "dice"


def test_a_model_package_of_before_is_opened_with_all_that_it_says(old: Path) -> None:
    package = packages.find_package(old / "model")
    stage = package.metadata.false_positive_reduction
    assert stage is not None
    assert (stage.model, stage.intercept, stage.first, stage.second) == ("nodule-2d", -1.0, 1.0, 0.5)
    assert package.metadata.calibration is not None
    assert package.metadata.calibration.points == ((0, 0), (0.5, 0.4), (1, 0.9))
    assert not packages.load_network(package).training
    assert packages.find_package("nodule-3d-planes").metadata.reduces_false_positives


def test_a_model_package_keeps_the_names_that_earlier_versions_read(old: Path, tmp_path: Path) -> None:
    package = packages.find_package(old / "model")
    new = packages.write_package(tmp_path / "copy", package.weights.read_bytes(), package.metadata, "# A card\n")
    before, after = (yaml.safe_load((one.folder / packages.DESCRIPTION).read_text("utf-8")) for one in (package, new))
    assert after == before
    assert after["second_stage"]["model"] == "nodule-2d"


def test_results_of_before_say_what_they_said(old: Path) -> None:
    report = load_report(old / "findings.json")
    assert [finding.status for finding in report.findings].count("rejected") == 1
    assert len(report.active) == len(report.findings) - 1
    [change] = report.comparisons[0].changes
    assert (change.fate, change.finding_id in {finding.id for finding in report.findings}) == ("grown", True)
    assert report.patient.age_years is not None
    assert (report.patient.age_years.value, report.patient.age_years.detail) == (61.0, "typed")


def test_a_review_of_before_comes_back_whole_and_goes_on(old: Path) -> None:
    volume = make_volume()
    journal = Journal(old / "review.jsonl", volume.series)
    try:
        review = journal.recover()
        assert review is not None
        assert journal.warning == "", "nothing is damaged"
        first = next(finding for finding in review.report.findings if finding.comment == "spiculated")
        assert first.diameter_mm == 18.0
        assert [action.what for action in first.history][:2] == ["accepted", "resized"]
        assert {action.reader for action in first.history} == {"Dr. Röntgen"}
        assert first.appearance.spiculated is not None
        assert first.appearance.spiculated.value
        assert review.report.comparisons[0].changes[0].fate == "grown"
        back = undo(review)
        journal.record(review, back, Provenance("B", "2026-12-01T12:00:00.000+00:00"))
    finally:
        journal.close()
    again = Journal(old / "review.jsonl", volume.series)
    try:
        assert again.recover() == back
    finally:
        again.close()


def test_annotations_of_before_are_there(old: Path) -> None:
    volume = make_volume()
    found = Store(old / "annotations").load(volume.series.series_uid, volume.stack, "Ann")
    assert found is not None
    assert [(one.label, one.center_mm, one.diameter_mm) for one in found.annotations] == [
        ("nodule", (52.0, -20.0, -240.0), 9.0)
    ]
