"""What was measured by hand is in tables and pages, with its image and what is to be known about it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from fake_scan import FIRST, UID, make_volume
from review_scan import READER, a_report

from napari_lesion.model.findings import Report
from napari_lesion.report.impression import impression
from napari_lesion.report.json import load_report, save_report
from napari_lesion.report.measurements import in_words
from napari_lesion.report.withheld import Withheld
from napari_lesion.report.write import FILE_NAMES, kinds_of, write_reports
from napari_lesion.review import drawing
from napari_lesion.review.review import Review, reported, unsearched

SCAN = make_volume(nodules=(((52.0, -20.0, -250.0), 30.0),))
HERE = np.array([52.0, -20.0, -250.0])
X, Y, Z = np.eye(3)


def measured(review: Review) -> Review:
    add = lambda tool, points, normal, **more: drawing.draw(review, tool, points, normal, READER, SCAN, **more)  # noqa: E731
    review = add("ruler", [HERE - 15 * X, HERE + 15 * X], Z)
    review = add("ellipse", [HERE - 6 * X, HERE + 6 * X, HERE - 5 * Y, HERE + 5 * Y], Z)
    review = add("ruler", [HERE, HERE + 12 * Z], Y)
    return add("arrow", [HERE, HERE + 20 * X], Z, text="=cmd|' /C calc'!A0 <b>P-17</b>")


@pytest.fixture(scope="module")
def report() -> Report:
    return reported(measured(Review(a_report(SCAN))), 0.5)


def test_tables_and_pages_name_the_number_and_the_image(report: Report, tmp_path: Path) -> None:
    written = write_reports(report, tmp_path, kinds_of("measurements,html,pdf"), volume=SCAN)
    assert not written.problems
    with (tmp_path / FILE_NAMES["measurements"]).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["M1", "M2", "M3", "M4"]
    assert (rows[0]["length"], rows[0]["length_unit"], rows[0]["image"]) == ("30", "mm", f"Se 4, Im {FIRST + 20}")
    assert (rows[1]["mean"], rows[1]["sd"], rows[1]["unit"], rows[1]["area"]) == ("40", "0", "HU", "94.2478")
    assert (rows[1]["sop_instance_uid"], rows[1]["on_image"]) == (f"{UID}.21", "yes")
    assert (rows[2]["plane"], rows[2]["on_image"]) == ("coronal", "no")
    assert "made of several images" in rows[2]["notes"]
    assert not rows[3]["text"].startswith("="), "a spreadsheet must not compute what a reader wrote"
    page = (tmp_path / FILE_NAMES["html"]).read_text(encoding="utf-8")
    for text in (
        "Measured by hand",
        "30.0 mm",
        f"Se 4, Im {FIRST + 20}",
        "mean 40 HU, SD 0",
        "coronal, of several images",
    ):
        assert text in page
    assert "<b>P-17" not in page


def test_findings_json_gives_the_drawings_back(report: Report, tmp_path: Path) -> None:
    save_report(report, tmp_path / "findings.json")
    assert load_report(tmp_path / "findings.json") == report


def test_what_a_reader_wrote_names_no_patient_where_names_are_withheld(report: Report) -> None:
    withheld = Withheld()
    withheld.learn(report.series)
    assert "P-17" not in withheld.report(report).drawings[3].text


def test_a_scan_that_was_only_measured_in_is_reported_as_not_searched(tmp_path: Path) -> None:
    report = reported(measured(Review(unsearched(SCAN))), 0.0)
    assert impression(report) == ("Not searched for findings.",)
    assert report.judgement is None, "no finding does not mean that there is none"
    write_reports(report, tmp_path, kinds_of("html"), volume=SCAN)
    page = (tmp_path / FILE_NAMES["html"]).read_text(encoding="utf-8")
    assert "Nobody searched this scan for findings." in page
    assert "a reader searched" not in page


def test_what_is_not_hu_is_written_without_it() -> None:
    scan = make_volume(unit="", modality="MR")
    review = drawing.draw(Review(unsearched(scan)), "pin", [HERE], Z, READER, scan)
    assert in_words(review.drawings[0]) == "value −850"


def test_without_measurements_the_table_has_its_header_alone(tmp_path: Path) -> None:
    write_reports(a_report(SCAN), tmp_path, kinds_of("measurements"))
    assert len((tmp_path / FILE_NAMES["measurements"]).read_text(encoding="utf-8").splitlines()) == 1
