"""``analyse`` with what is known of patients, and with their earlier scans."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fake_scan import FakeDetector, make_volume
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate
from napari_lesion.report.json import load_report
from napari_lesion.report.summary import load_summary

NODULE = ((52.0, -15.0, -250.0), 14.0)
NOW, BEFORE, OTHER = "1.2.826.10", "1.2.826.11", "1.2.826.12"


class NoduleDetector(FakeDetector):
    """One for lung nodules, so that guidelines are asked."""

    @property
    def card(self):
        return super().card.model_copy(update={"task": "lung nodules"})


@pytest.fixture(scope="module")
def scans(tmp_path_factory):
    """A patient with two dates, and another one."""
    root = tmp_path_factory.mktemp("scans")
    for uid, patient, date, diameter in (
        (NOW, "P-17", "20240229", 14.0),
        (BEFORE, "P-17", "20230228", 10.0),
        (OTHER, "P-18", "20240301", 14.0),
    ):
        volume = make_volume(nodules=((NODULE[0], diameter),))
        for end in (volume.voxels[:6], volume.voxels[-6:]):  # lungs that end, so that scans can be told to be shifted
            end[end == -850] = 30
        known = {"patient_id": patient, "study_date": date, "study_uid": f"{uid}.1"}
        volume = replace(volume, series=volume.series.model_copy(update=known))
        write_ct_series(volume, root / uid, series_uid=uid)
    return root


@pytest.fixture
def run(monkeypatch):
    monkeypatch.setattr(
        "napari_lesion.detection.registry.load_detector", lambda name: NoduleDetector((Candidate(*NODULE, 0.9),))
    )
    return lambda *arguments: CliRunner().invoke(app, ["analyse", *map(str, arguments)])


def test_a_bad_row_is_named_and_a_patient_without_a_row_stays_unknown(scans, tmp_path, run):
    table = tmp_path / "patients.csv"
    table.write_text(
        "patient_id,age_years,smoking,context,prior_cancer\nP-17,61,former,screening,no\nP-18,sixty,former,,\n",
        encoding="utf-8",
    )
    result = run(scans / NOW, scans / OTHER, "-o", tmp_path / "out", "--clinical", table)
    assert result.exit_code == 0, result.output
    assert re.search(r"patients\.csv, line 3: age_years 'sixty'", " ".join(result.output.split()))
    known, unknown = (load_report(tmp_path / "out" / uid / "findings.json") for uid in (NOW, OTHER))
    assert (known.patient.age_years.value, known.patient.age_years.source) == (61, "entered")
    assert "patients.csv, line 2" in known.patient.age_years.detail
    assert known.judgement.lung_rads.applies
    assert not any("line 3" in warning for warning in known.warnings)
    assert unknown.patient.smoking is None
    assert unknown.patient.age_years is None
    assert not unknown.judgement.lung_rads.applies
    assert any("line 3" in warning for warning in unknown.warnings)


def test_an_earlier_scan_of_the_patient_is_analysed_first_and_compared_with(scans, tmp_path, run):
    out = tmp_path / "out"
    result = run(scans / NOW, "-o", out, "--prior", scans)
    assert result.exit_code == 0, result.output
    now, before = (load_report(out / uid / "findings.json") for uid in (NOW, BEFORE))
    [comparison] = now.comparisons
    assert (comparison.prior_series_uid, comparison.days) == (BEFORE, 366)
    assert comparison.alignment.accepted
    [change] = comparison.changes
    assert (change.finding_id, change.prior_finding_id) == (now.findings[0].id, before.findings[0].id)
    assert change.volume_change > 0.5
    assert now.findings[0].tracking_uid == before.findings[0].tracking_uid
    rows = {row["series_uid"]: row for row in load_summary(out / "summary.csv")}
    assert set(rows) == {NOW, BEFORE}, "another patient's scan is no prior"
    assert rows[BEFORE]["reason"] == f"analysed as a prior of {NOW}."
    assert rows[NOW]["priors"] == "20230228"
    assert "compared with 20230228" in result.output
