from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from batch_case import FOUND, ONE, TWO, rows_of, write
from fake_scan import FakeDetector, make_volume

from napari_lesion import batch
from napari_lesion.batch import analyse_folder
from napari_lesion.model.drawn import Drawing
from napari_lesion.report.json import load_report, save_report
from napari_lesion.report.summary import cells, load_summary
from napari_lesion.review import edits
from napari_lesion.review.review import Review, provenance
from napari_lesion.support.errors import Cancelled, ConfigError, LungsNotFoundError, ModelError

FILES = {"findings.json", "heatmap.nii.gz", "overview.png"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Two good series, and one of each kind that is not analysed."""
    root = tmp_path_factory.mktemp("tree")
    write(root / "a" / "good", ONE)
    write(root / "b" / "also good", TWO)
    write(root / "b" / "mr", "1.2.826.3", Modality="MR")
    for file in write(root / "c" / "gap", "1.2.826.4")[4:6]:
        file.unlink()
    for file in write(root / "c" / "single", "1.2.826.5")[1:]:
        file.unlink()
    (root / "c" / "notes.txt").write_text("not an image")
    return root


def hidden(folder):
    return list(folder.rglob(".*"))


def test_every_series_gets_a_row_and_a_bad_one_stops_nothing(tree, tmp_path):
    result = analyse_folder([tree], tmp_path / "out", detector=FakeDetector(FOUND))
    rows = rows_of(result)

    assert {uid: row.status for uid, row in rows.items()} == {
        ONE: "done",
        TWO: "done",
        "1.2.826.3": "skipped",
        "1.2.826.4": "failed",
        "1.2.826.5": "skipped",
    }
    assert "not CT but MR" in rows["1.2.826.3"].reason
    assert "2 slices" in rows["1.2.826.4"].reason
    assert "single image" in rows["1.2.826.5"].reason
    assert load_summary(tmp_path / "out" / "summary.csv") == tuple(map(cells, result.outcomes))


def test_a_model_for_single_images_gets_them(tree, tmp_path):
    result = analyse_folder([tree], tmp_path / "out", detector=FakeDetector(single_images=True))
    row = rows_of(result)["1.2.826.5"]
    assert (row.status, row.images) == ("done", 1)


def test_a_series_that_was_analysed_has_its_files_in_a_folder_named_by_its_uid(tree, tmp_path):
    analyse_folder([tree / "a"], tmp_path / "out", detector=FakeDetector(FOUND))
    assert {path.name for path in (tmp_path / "out" / ONE).iterdir()} == FILES
    report = load_report(tmp_path / "out" / ONE / "findings.json")
    assert report.series_uid == ONE
    assert [finding.center_mm for finding in report.findings] == [candidate.center_mm for candidate in FOUND]
    assert not hidden(tmp_path)


def test_the_summary_tells_the_best_finding(tree, tmp_path):
    row = rows_of(analyse_folder([tree / "a"], tmp_path / "out", detector=FakeDetector(FOUND)))[ONE]
    assert (row.folder, row.findings, row.best_score, row.best_diameter_mm) == (ONE, 2, 0.9, 9.0)
    assert (row.patient_id, row.modality, row.images) == ("P-17", "CT", 12)
    assert row.warnings == ("The fake detector looked at nothing.",)


def test_a_file_that_is_no_image_is_named_with_the_reason(tree, tmp_path):
    result = analyse_folder([tree / "c"], tmp_path / "out", detector=FakeDetector())
    assert [path.name for path, _ in result.skipped_files] == ["notes.txt"]
    assert "notes.txt" in (tmp_path / "out" / "skipped_files.csv").read_text()


def test_gaps_are_interpolated_only_where_that_was_allowed(tree, tmp_path):
    result = analyse_folder([tree / "c"], tmp_path / "out", detector=FakeDetector(), allow_gaps=True)
    row = rows_of(result)["1.2.826.4"]
    assert row.status == "done"
    assert any("2 of 12 slices were not acquired" in warning for warning in row.warnings)


def test_no_lungs_in_view_is_skipped_without_a_result_that_could_be_taken_for_a_negative(tree, tmp_path):
    detector = FakeDetector(error=LungsNotFoundError(f"series {ONE}: no lungs in view."))
    row = rows_of(analyse_folder([tree / "a"], tmp_path / "out", detector=detector))[ONE]
    assert (row.status, row.reason) == ("skipped", "no lungs in view.")
    assert not (tmp_path / "out" / ONE).exists()


def test_a_bug_in_one_series_is_a_failed_row_and_a_trace_in_the_log(tree, tmp_path, caplog):
    result = analyse_folder([tree / "a"], tmp_path / "out", detector=FakeDetector(error=ZeroDivisionError("oops")))
    assert rows_of(result)[ONE].status == "failed"
    assert "ZeroDivisionError at " in rows_of(result)[ONE].reason
    assert "Traceback" in caplog.text


def test_a_path_without_images_is_a_failure_with_its_reason(tmp_path):
    (tmp_path / "empty").mkdir()
    result = analyse_folder([tmp_path / "empty", tmp_path / "absent"], tmp_path / "out", detector=FakeDetector())
    assert [row.status for row in result.outcomes] == ["failed", "failed"]
    assert "no image series" in result.outcomes[0].reason
    assert "absent" in result.outcomes[1].reason


def test_only_the_series_asked_for_is_analysed(tree, tmp_path):
    detector = FakeDetector(FOUND)
    result = analyse_folder([tree], tmp_path / "out", detector=detector, series_uids=[TWO, "1.9"])
    assert detector.calls == [TWO]
    assert {uid: row.status for uid, row in rows_of(result).items()} == {TWO: "done", "1.9": "failed"}
    assert "no such series" in rows_of(result)["1.9"].reason


def test_a_series_given_twice_is_analysed_once(tree, tmp_path):
    detector = FakeDetector(FOUND)
    result = analyse_folder([tree / "a", tree / "a" / "good"], tmp_path / "out", detector=detector)
    assert detector.calls == [ONE]
    assert [row.status for row in result.outcomes] == ["skipped", "done"]
    assert "already" in result.outcomes[0].reason


def test_results_are_replaced_by_default_and_kept_on_resume(tree, tmp_path):
    out = tmp_path / "out"
    analyse_folder([tree / "a"], out, detector=FakeDetector(FOUND))
    again = FakeDetector(FOUND[:1])
    kept = analyse_folder([tree / "a"], out, detector=again, resume=True)
    assert not again.calls
    assert rows_of(kept)[ONE].findings == 2
    assert "earlier run" in rows_of(kept)[ONE].reason

    replaced = analyse_folder([tree / "a"], out, detector=again)
    assert rows_of(replaced)[ONE].findings == 1
    assert len(load_report(out / ONE / "findings.json").findings) == 1
    assert not hidden(out)


def test_what_a_reader_judged_is_never_written_over(tree, tmp_path):
    out = tmp_path / "out"
    analyse_folder([tree / "a"], out, detector=FakeDetector(FOUND))
    path = out / ONE / "findings.json"
    report = load_report(path)
    by = provenance("A")
    reviewed = edits.reject(Review(report), [report.findings[0].id], by).report
    save_report(reviewed, path)
    again = FakeDetector(FOUND)
    kept = rows_of(analyse_folder([tree / "a"], out, detector=again))[ONE]
    assert not again.calls
    assert (kept.findings, kept.status) == (1, "done"), "a rejected finding is none"
    assert "a reader judged" in kept.reason
    assert load_report(path) == reviewed


def test_what_a_reader_measured_is_never_written_over(tree, tmp_path):
    out = tmp_path / "out"
    analyse_folder([tree / "a"], out, detector=FakeDetector(FOUND))
    path = out / ONE / "findings.json"
    pin = Drawing(id="a", number=1, tool="pin", points_mm=((0.0, 0.0, 0.0),), normal=(0.0, 0.0, 1.0))
    save_report(load_report(path).model_copy(update={"drawings": (pin,), "last_drawing": 1}), path)
    again = FakeDetector(FOUND)
    kept = rows_of(analyse_folder([tree / "a"], out, detector=again))[ONE]
    assert not again.calls
    assert "measured in it" in kept.reason
    assert load_report(path).drawings == (pin,)


@pytest.mark.parametrize("change", [{"version": "2.0"}, {"threshold": 0.1}], ids=["another model", "another threshold"])
def test_resuming_does_again_what_another_model_or_threshold_made(tree, tmp_path, change):
    analyse_folder([tree / "a"], tmp_path / "out", detector=FakeDetector(FOUND))
    other = replace(FakeDetector(FOUND), **change)
    analyse_folder([tree / "a"], tmp_path / "out", detector=other, resume=True)
    assert other.calls == [ONE]


def test_resuming_does_again_what_is_damaged(tree, tmp_path):
    out = tmp_path / "out"
    analyse_folder([tree / "a"], out, detector=FakeDetector(FOUND))
    (out / ONE / "findings.json").write_text("{")
    detector = FakeDetector(FOUND)
    analyse_folder([tree / "a"], out, detector=detector, resume=True)
    assert detector.calls == [ONE]


def test_a_failure_leaves_earlier_results_and_says_so(tree, tmp_path):
    out = tmp_path / "out"
    analyse_folder([tree / "a"], out, detector=FakeDetector(FOUND))
    result = analyse_folder([tree / "a"], out, detector=FakeDetector(error=MemoryError()))
    assert rows_of(result)[ONE].status == "failed"
    assert "earlier run" in rows_of(result)[ONE].reason
    assert len(load_report(out / ONE / "findings.json").findings) == 2


def test_a_second_run_into_the_same_folder_keeps_the_rows_of_other_results(tree, tmp_path):
    out = tmp_path / "out"
    analyse_folder([tree / "a"], out, detector=FakeDetector(FOUND))
    analyse_folder([tree / "b"], out, detector=FakeDetector(FOUND))
    summary = {row["series_uid"]: row["status"] for row in load_summary(out / "summary.csv")}
    assert summary == {ONE: "done", TWO: "done", "1.2.826.3": "skipped"}


@pytest.mark.parametrize("moment", ["searching", "drawing the overview", "writing the findings"])
def test_cancelling_leaves_nothing_half_written(tree, tmp_path, moment):
    out = tmp_path / "out"

    def cancel(done: int, total: int, what: str) -> None:
        if what.startswith("series 2/2") and moment in what:
            raise Cancelled

    with pytest.raises(Cancelled):
        analyse_folder([tree / "a", tree / "b" / "also good"], out, detector=FakeDetector(FOUND), progress=cancel)
    assert {path.name for path in out.iterdir()} == {
        ONE,
        "ledger.sqlite",
        "index.html",
        "summary.csv",
        "skipped_files.csv",
    }
    assert {path.name for path in (out / ONE).iterdir()} == FILES
    assert [row["series_uid"] for row in load_summary(out / "summary.csv")] == [ONE]


def test_a_writer_that_fails_leaves_no_folder(tree, tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_lesion.report.overview.save_overview", full)
    result = analyse_folder([tree / "a"], tmp_path / "out", detector=FakeDetector(FOUND))
    assert "No space left" in rows_of(result)[ONE].reason
    assert not (tmp_path / "out" / ONE).exists()
    assert not hidden(tmp_path)


def test_progress_is_one_scale_that_only_grows(tree, tmp_path):
    seen = []
    analyse_folder([tree], tmp_path / "out", detector=FakeDetector(FOUND), progress=lambda *step: seen.append(step))
    done = [step[0] for step in seen]
    assert done == sorted(done)
    assert len({total for _, total, _ in seen}) == 1
    assert done[-1] == seen[-1][1]
    assert any("series 2/3" in what for _, _, what in seen)


def test_rows_are_told_as_they_come(tree, tmp_path):
    told = []
    result = analyse_folder([tree], tmp_path / "out", detector=FakeDetector(FOUND), on_outcome=told.append)
    assert tuple(told) == result.outcomes


def test_the_threshold_may_be_given_as_false_positives_a_scan(tree, tmp_path):
    detector = FakeDetector(FOUND, operating_points=((0.5, 0.8), (2.0, 0.4)))
    analyse_folder([tree / "a"], tmp_path / "out", detector=detector, false_positives=0.5)
    report = load_report(tmp_path / "out" / ONE / "findings.json")
    assert [finding.score for finding in report.findings] == [0.9]
    assert report.model.threshold == pytest.approx(0.8)
    assert report.model.false_positives_per_scan == pytest.approx(0.5)
    kept = analyse_folder([tree / "a"], tmp_path / "out", detector=detector, false_positives=0.5, resume=True)
    assert detector.calls == [ONE], "the same rate is the same threshold, so it was done already"
    assert kept.count("done") == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 2.0},
        {"device": "abacus"},
        {"false_positives": 0.0},
        {"false_positives": 1.0},  # the fake detector has no operating points
        {"false_positives": 1.0, "threshold": 0.5},
    ],
)
def test_a_wrong_setting_is_refused_before_the_first_series(tree, tmp_path, settings):
    detector = FakeDetector()
    with pytest.raises(ConfigError):
        analyse_folder([tree], tmp_path / "out", detector=detector, **settings)
    assert not detector.calls


def test_an_unknown_model_is_refused(tree, tmp_path):
    with pytest.raises(ModelError, match="no model"):
        analyse_folder([tree], tmp_path / "out", detector="no-such-model")


def test_an_output_folder_that_cannot_be_made_is_refused(tree, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        analyse_folder([tree], tmp_path / "file" / "out", detector=FakeDetector())


def test_the_heatmap_lies_on_the_scan_that_was_read_from_dicom(tree, tmp_path):
    import SimpleITK as sitk  # noqa: N813

    analyse_folder([tree / "a"], tmp_path / "out", detector=FakeDetector(FOUND))
    heatmap = sitk.ReadImage(str(tmp_path / "out" / ONE / "heatmap.nii.gz"))
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tree / "a" / "good"))
    scan = sitk.ReadImage(files)
    assert heatmap.GetSize() == scan.GetSize()
    for name in ("GetOrigin", "GetSpacing", "GetDirection"):
        assert np.allclose(getattr(heatmap, name)(), getattr(scan, name)(), atol=1e-3)
    assert heatmap[heatmap.TransformPhysicalPointToIndex(FOUND[0].center_mm)] > 0.7


def test_findings_refer_to_images_that_exist(tree, tmp_path):
    analyse_folder([tree / "a"], tmp_path / "out", detector=FakeDetector(FOUND))
    content = json.loads((tmp_path / "out" / ONE / "findings.json").read_text(encoding="utf-8"))
    places = {}
    for file in (tree / "a" / "good").iterdir():
        dataset = pydicom.dcmread(file, stop_before_pixels=True)
        places[dataset.SOPInstanceUID] = dataset.ImagePositionPatient[2]
    for finding in content["findings"]:
        assert abs(places[finding["sop_instance_uid"]] - finding["center_mm"][2]) <= 1.25


def test_saving_an_analysis_in_place_of_another_is_all_or_nothing(tmp_path, monkeypatch):
    from napari_lesion.pipeline import analyse

    analysis = analyse(make_volume(shape=(12, 100, 150)), detector=FakeDetector(FOUND))
    batch.save_analysis(analysis, tmp_path / "result")
    before = {path.name: path.read_bytes() for path in (tmp_path / "result").iterdir()}

    def broken(*args):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("napari_lesion.report.json.save_report", broken)
    with pytest.raises(OSError, match="Input/output"):
        batch.save_analysis(analysis, tmp_path / "result")
    assert {path.name: path.read_bytes() for path in (tmp_path / "result").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
