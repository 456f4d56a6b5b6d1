from __future__ import annotations

import csv

import pytest
from fake_scan import FakeDetector, make_volume

from napari_lesion.assessment.measure.nodule import percent
from napari_lesion.model.findings import RESEARCH_USE, Candidate
from napari_lesion.pipeline import analyse
from napari_lesion.report.write import FILE_NAMES, kinds_of, write_reports
from napari_lesion.support.errors import ConfigError

NODULE = ((52.0, -15.0, -250.0), 14.0)


@pytest.fixture(scope="module")
def analysis():
    volume = make_volume(nodules=(NODULE,))
    return analyse(
        volume, detector=FakeDetector((Candidate(*NODULE, 0.9), Candidate((-46.0, -15.0, -240.0), 6.0, 0.6)))
    )


def test_pages_hold_pictures_and_the_research_use_and_escape_what_headers_say(analysis, tmp_path):
    series = analysis.report.series.model_copy(update={"patient_name": "<b>Li</b>^李"})
    report = analysis.report.model_copy(update={"series": series})
    written = write_reports(report, tmp_path, kinds_of("html,pdf,csv"), volume=analysis.volume)
    assert not written.problems
    page = (tmp_path / FILE_NAMES["html"]).read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 3 * len(report.active)
    assert page.count(RESEARCH_USE) == 1
    assert "<b>Li" not in page
    assert (tmp_path / FILE_NAMES["pdf"]).read_bytes().startswith(b"%PDF")
    with (tmp_path / FILE_NAMES["csv"]).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [finding.id for finding in report.findings]
    assert all(row["measured_by"] or row["unmeasured"] for row in rows)
    looks = report.findings[0].measurement.looks
    assert "Estimated by nodule-looks 1.0.0, as readers would rate it" in page
    assert f"{looks.type}, {percent(looks.type_certainty)} certain" in page
    assert rows[0]["estimated_type"] == looks.type
    assert float(rows[0]["estimated_spiculated_certainty"]) == looks.spiculated.certainty


def test_a_kind_that_needs_the_scan_says_so_and_stops_no_other(analysis, tmp_path):
    written = write_reports(analysis.report, tmp_path, kinds_of("sr,html"))
    assert written.kinds == ("html",)
    assert "not at hand" in written.problems["sr"]
    assert {path.name for path in tmp_path.iterdir()} == {"report.html"}


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="docx"):
        kinds_of("html,docx")
