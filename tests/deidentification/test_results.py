"""Results are de-identified with the key of their scan, and given back by who holds it."""

from __future__ import annotations

import gzip
from pathlib import Path

import canary_case
import nibabel as nib
import numpy as np
import pytest
from dicom_findings import case_of
from pydicom import dcmread
from typer.testing import CliRunner

from napari_lesion.annotation.annotations import Annotation, AnnotationSet
from napari_lesion.cli.main import app
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.run import Outcome, deidentify
from napari_lesion.report.json import load_report, save_report

KEY = Key(bytes(range(32)))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan, its findings, heatmap, report and annotations, with what a reader wrote."""
    folder = tmp_path_factory.mktemp("results")
    case = case_of("axial", folder / "scan")
    identity = case.report.series
    named = identity.model_copy(update={"patient_name": "Phantom^Asymmetric", "patient_birth_date": "19600131"})
    findings = (
        case.report.findings[0].model_copy(update={"comment": "Larger nodule, told Dr Zhivago"}),
        *case.report.findings[1:],
    )
    report = case.report.model_copy(update={"series": named, "findings": findings})
    (folder / "out").mkdir()
    save_report(report, folder / "out" / "findings.json")
    image = nib.Nifti1Image(np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.diag([1.0, 2.0, 3.0, 1.0]))
    image.header["descrip"] = b"Phantom Asymmetric"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Phantom^Asymmetric"))
    nib.save(image, folder / "out" / "heatmap.nii.gz")
    (folder / "out" / "report.html").write_text("Phantom Asymmetric")
    marks = AnnotationSet.empty(case.volume, "Zhivago", "lung")
    one = Annotation(
        id="a1", label="nodule", center_mm=(1, 2, 3), diameter_mm=5, reader="Zhivago", time="2026-02-03T09:00:00+00:00",
        comment="as Asymmetric said",
    )  # fmt: skip
    marks = marks.model_copy(update={"annotations": (one,)})
    (folder / "marks.annotations.json").write_text(marks.model_dump_json(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(results: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """All of it, dates moved and descriptions cleaned."""
    out = tmp_path_factory.mktemp("run") / "out"
    return deidentify([results], out, options_of(["dates-shifted"], ["descriptors"]), KEY), out


def test_findings_are_those_of_the_de_identified_scan(results: Path, run: tuple[Outcome, Path]) -> None:
    _, out = run
    before, after = load_report(results / "out" / "findings.json"), load_report(next(out.rglob("findings.json")))
    scan = dcmread(next(out.rglob("*.dcm")))
    assert (after.series_uid, after.series.study_uid) == (scan.SeriesInstanceUID, scan.StudyInstanceUID)
    assert after.series.patient_id == after.series.patient_name == scan.PatientID
    assert after.series.study_date == scan.StudyDate != before.series.study_date
    known = {dcmread(path).SOPInstanceUID for path in out.rglob("*.dcm")}
    assert {finding.sop_instance_uid for finding in after.findings} <= known
    assert [_measured(one) for one in after.findings] == [_measured(one) for one in before.findings]
    assert after.findings[0].comment == "Larger nodule, [...]"
    assert {entry.reader for one in after.findings for entry in one.history} & {"Grün, Åsa", "Dr^Who"} == set()
    assert after.model == before.model


def test_nothing_else_names_anybody(run: tuple[Outcome, Path]) -> None:
    outcome, out = run
    whys = {fate.source.name: fate.why for fate in outcome.fates if fate.what == "left out"}
    assert whys == {"report.html": "no DICOM; if it is a result, make it anew from what is de-identified"}
    for path in out.rglob("*.*"):
        data = path.read_bytes() if path.is_file() else b""
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        for word in ("phantom", "asymmetric", "zhivago", "åsa", "asym-1", "19600131"):
            assert word.encode() not in data.lower(), path
            assert word not in str(path.relative_to(out)).lower()


def test_the_heatmap_has_the_same_voxels_in_the_same_place(results: Path, run: tuple[Outcome, Path]) -> None:
    before, after = nib.load(results / "out" / "heatmap.nii.gz"), nib.load(next(run[1].rglob("heatmap.nii.gz")))
    assert np.array_equal(before.get_fdata(), after.get_fdata())
    assert np.array_equal(before.affine, after.affine)
    assert len(after.header.extensions) == 0


def test_annotations_keep_their_marks(run: tuple[Outcome, Path]) -> None:
    [path] = run[1].rglob("*.annotations.json")
    marks = AnnotationSet.model_validate_json(path.read_text())
    assert marks.annotations[0].center_mm == (1, 2, 3)
    assert marks.annotations[0].label == "nodule"
    assert marks.reader == marks.annotations[0].reader != "Zhivago"


def test_who_holds_the_key_gives_results_back(tmp_path: Path) -> None:
    paths = canary_case.study(tmp_path / "in")
    secret = {"NAPARI_LESION_PASSPHRASE": "correct horse"}
    key = ["--key", str(tmp_path / "a.key")]
    command = ["deidentify", str(tmp_path / "in"), *key, "-o", str(tmp_path / "out"), "--retain", "dates-shifted"]
    assert CliRunner().invoke(app, command, env=secret).exit_code == 0
    back = ["deidentify", str(tmp_path / "out"), *key, "-o", str(tmp_path / "back"), "--reidentify"]
    assert CliRunner().invoke(app, back, env=secret).exit_code == 1  # the record of the run is no result
    was = {
        dcmread(path).SOPInstanceUID: dcmread(path) for path in (*paths.values(), *(tmp_path / "in" / "CT").iterdir())
    }
    now = [dcmread(path) for path in (tmp_path / "back").rglob("*.dcm")]
    assert {one.SOPInstanceUID for one in now} == set(was)
    for one in now:
        before = was[one.SOPInstanceUID]
        for keyword in (
            "PatientID",
            "PatientName",
            "StudyInstanceUID",
            "SeriesInstanceUID",
            "StudyDate",
            "ContentDate",
        ):
            assert one[keyword].value == before[keyword].value, keyword
        assert "PatientIdentityRemoved" not in one
    wrong = CliRunner().invoke(app, back, env={"NAPARI_LESION_PASSPHRASE": "wrong horse"})
    assert wrong.exit_code != 0


def _measured(finding):
    return finding.center_mm, finding.diameter_mm, finding.score, finding.status, finding.mask, finding.number
