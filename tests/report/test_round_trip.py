"""Everything that is exported of a series, read in another process; and made again after a review."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import datetime

import pytest
from dicom_findings import same
from fake_scan import FakeDetector, make_volume
from typer.testing import CliRunner

from napari_lesion.batch import analyse_folder
from napari_lesion.cli.main import app
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate, Report
from napari_lesion.report.json import load_report, save_report
from napari_lesion.report.summary import load_summary
from napari_lesion.report.write import FILE_NAMES, KINDS, kinds_of
from napari_lesion.review import edits
from napari_lesion.review.review import Review, provenance

UID = "1.2.826.1"
NODULES = (((52.0, -15.0, -250.0), 14.0), ((-46.0, -15.0, -240.0), 12.0), ((-40.0, -30.0, -260.0), 10.0))
FRESH = """
import json, sys
from pathlib import Path
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom_objects.segmentation_reader import masks_from_seg
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom_objects.structured_report_reader import report_from_sr
from napari_lesion.report.json import load_report

scans, folder = map(Path, sys.argv[1:])
volume = read_series(find_series(scans)[0])
masks, notes = masks_from_seg(folder / "segmentation.dcm", volume)
print(json.dumps({
    "json": load_report(folder / "findings.json").model_dump(mode="json"),
    "sr": report_from_sr(folder / "structured_report.dcm", volume)[0].model_dump(mode="json"),
    "seg": {one.segment.tracking_uid: one.mask.model_dump(mode="json") for one in masks},
    "notes": notes,
}))
"""


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    """A scan with three nodules of which two were found, and its results with every report."""
    root = tmp_path_factory.mktemp("round trip")
    write_ct_series(make_volume(nodules=NODULES), root / "scans", series_uid=UID)
    found = tuple(Candidate(*nodule, score) for nodule, score in zip(NODULES[:2], (0.9, 0.6), strict=True))
    result = analyse_folder([root / "scans"], root / "out", detector=FakeDetector(found), reports=KINDS)
    return root, result


def invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def reviewed(root):
    """What a reader made of it: one accepted, one rejected with a comment, one added that has not been measured."""
    path = root / "out" / UID / "findings.json"
    volume = read_series(find_series(root / "scans")[0])
    review = Review(load_report(path))
    first, second = review.findings
    review = edits.accept(review, [first.id], provenance("Ann"))
    review = edits.reject(
        edits.comment(review, second.id, "a vessel", provenance("Ann")), [second.id], provenance("Ann")
    )
    save_report(edits.add(review, *NODULES[2], provenance("Bob"), volume).report, path)
    return path


def told(report):
    """What a structured report with its segmentation tells of findings: the active ones have a segment."""
    findings = []
    for finding in report.findings:
        moments = [datetime.fromisoformat(action.time).isoformat() for action in finding.history]
        history = tuple(
            action.model_copy(update={"time": time}) for action, time in zip(finding.history, moments, strict=True)
        )
        mask = None if finding.status == "rejected" else finding.mask
        update = {"mask": mask, "tracking_uid": finding.lesion_uid, "history": history}
        findings.append(finding.model_copy(update=update))
    return report.model_copy(update={"findings": tuple(findings)})


def test_all_kinds_are_written_and_the_summary_names_them(analysed):
    root, result = analysed
    [row] = result.outcomes
    assert (row.status, row.reports, row.reports_failed) == ("done", tuple(KINDS), ())
    assert {path.name for path in (root / "out" / UID).iterdir()} >= set(FILE_NAMES.values())


def test_after_a_review_all_is_made_again_and_a_fresh_process_reads_the_same(analysed):
    root, _ = analysed
    path = reviewed(root)
    before = load_report(path)
    made = invoke("report", root / "out", "--format", "json,sr,seg,html,pdf,csv")
    assert made.exit_code == 0, made.output
    now = load_report(path)
    added = next(finding for finding in now.findings if finding.status == "added")
    assert added.measurement is not None
    assert [(f.id, f.status, f.comment, f.history) for f in now.findings] == [
        (f.id, f.status, f.comment, f.history) for f in before.findings
    ]

    process = subprocess.run(
        [sys.executable, "-c", FRESH, root / "scans", path.parent], capture_output=True, text=True, check=True
    )
    fresh, written = json.loads(process.stdout), now.model_dump(mode="json")
    assert fresh["json"] == written
    same(told(Report.model_validate(fresh["sr"])), told(now))
    assert fresh["seg"] == {f.tracking_uid: f.mask.model_dump(mode="json") for f in now.active}
    assert fresh["notes"] == []
    with (path.parent / "findings.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert {id_: row["status"] for id_, row in rows.items()} == {f.id: f.status for f in now.findings}
    assert "a vessel" in (path.parent / "report.html").read_text(encoding="utf-8")

    assert invoke("report", root / "out", "--format", "json").exit_code == 0
    assert load_report(path) == now, "a report that is made again changes nothing"


def test_without_the_scan_pages_are_written_and_dicom_objects_say_what_they_miss(analysed):
    root, _ = analysed
    written = (root / "out" / UID / "structured_report.dcm").read_bytes()
    (root / "scans").rename(root / "moved")
    try:
        made = invoke("report", root / "out", "--format", "html,csv")
        assert made.exit_code == 0, made.output
        assert "say where it is with --scans" in made.output
        failed = invoke("report", root / "out", "--format", "sr,html")
        assert failed.exit_code == 1
        assert "not at hand" in failed.output
        assert "is of an earlier run" in failed.output
        assert (root / "out" / UID / "structured_report.dcm").read_bytes() == written
        outlines = root / "out" / UID / "segmentation.dcm"
        outlines.unlink()
        there = invoke("report", root / "out" / UID, "--format", "sr", "--scans", root / "moved")
        assert there.exit_code == 0, there.output
        assert outlines.exists(), "a structured report brings along the outlines that it refers to"
        assert "warning" not in there.output
    finally:
        (root / "moved").rename(root / "scans")


def test_a_folder_without_results_and_an_unknown_kind_are_wrong_usage(analysed, tmp_path):
    from napari_lesion.support.errors import ConfigError

    for arguments, words in (((tmp_path,), "no results"), ((analysed[0] / "out", "--format", "docx"), "docx")):
        result = invoke("report", *arguments)
        assert isinstance(result.exception, ConfigError)
        assert words in str(result.exception)


def test_a_report_that_cannot_be_written_is_named_with_its_reason_and_stops_no_other(analysed, tmp_path, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("napari_lesion.report.pdf.save_pdf", full)
    monkeypatch.setattr(
        "napari_lesion.detection.registry.load_detector", lambda name: FakeDetector((Candidate(*NODULES[0], 0.9),))
    )
    result = invoke("analyse", analysed[0] / "scans", "-o", tmp_path / "out", "--report", "pdf,csv")
    assert result.exit_code == 1
    assert "could not be written" in result.output
    [row] = load_summary(tmp_path / "out" / "summary.csv")
    assert (row["status"], row["reports"], row["reports_failed"]) == ("done", "csv", "pdf")
    assert "Report pdf could not be written: No space left on device" in row["warnings"]
    assert not (tmp_path / "out" / UID / "report.pdf").exists()


def test_kinds_are_written_in_an_order_in_which_they_can_refer_to_each_other():
    assert kinds_of(" SR, seg ,html") == ("html", "seg", "sr")
