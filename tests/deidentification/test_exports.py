"""Exports that are de-identified on the way: reports, annotations, training sets; checked, or not there."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml
from dicom_findings import Case, case_of
from pydicom import dcmread
from typer.testing import CliRunner

from napari_lesion.annotation.annotations import AnnotationSet, new_annotation
from napari_lesion.annotation.store import Store
from napari_lesion.cli.main import app
from napari_lesion.deidentification import exports
from napari_lesion.deidentification.verify import Found, Leak
from napari_lesion.dicom.index.series import find_series
from napari_lesion.report.json import load_report, save_report

SECRETS = ("asym-1", "zhivago", "phantom", "asymmetric")
SECRET = {"NAPARI_LESION_PASSPHRASE": "correct horse"}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_of("axial", tmp_path_factory.mktemp("case") / "scan")


@pytest.fixture(scope="module")
def folder(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results and annotations of a scan, and the scan."""
    folder = tmp_path_factory.mktemp("exports")
    save_report(case.report, folder / "out" / "one" / "findings.json")
    mark = new_annotation(
        case.volume, label="nodule", reader="Zhivago", center_mm=case.report.findings[0].center_mm, diameter_mm=8.0
    )
    marks = AnnotationSet.empty(case.volume, "Zhivago", "lung nodules").put(mark).finished(True)
    Store(folder / "marks").save(marks)
    return folder


def scan_of(case: Case) -> Path:
    return case.source.frames[0].file.path.parent


def names_nobody(out: Path, uids: set[str]) -> None:
    files = [path for path in out.rglob("*") if path.is_file()]
    assert files
    for path in files:
        data = path.read_bytes().lower() + str(path.relative_to(out)).encode().lower()
        for word in (*SECRETS, *uids):
            assert word.encode() not in data, (path.name, word)


def old_uids(case: Case) -> set[str]:
    series = case.report.series
    return {series.series_uid, series.study_uid, *(one.sop_instance_uid for one in case.volume.instances)}


@pytest.mark.parametrize("form", ["luna16", "coco", "nifti", "training"])
def test_annotations_leave_de_identified_in_every_form(form: str, folder: Path, case: Case, tmp_path: Path) -> None:
    out, key = tmp_path / "out", tmp_path / "a.key"
    words = ["annotations", "export", str(folder / "marks"), "--to", form, "-o", str(out), "--deidentified"]
    words += ["--key", str(key), *(("--scans", str(scan_of(case))) if form == "training" else ())]
    done = CliRunner().invoke(app, words, env=SECRET)
    assert done.exit_code == 0, done.output + str(done.exception)
    names_nobody(out, old_uids(case))
    assert key.exists()
    if form == "coco":
        [image, *_] = json.loads((out / "coco.json").read_text())["images"]
        assert image["series_uid"].startswith("2.25.")
    if form in ("luna16", "training"):
        [row] = csv.DictReader((out / "annotations.csv").open(newline=""))
        assert row["seriesuid"].startswith("2.25.")
        x, y, z = case.report.findings[0].center_mm
        assert [float(row[axis]) for axis in ("coordX", "coordY", "coordZ")] == pytest.approx([x, y, z], abs=1e-3)
    if form == "training":
        places = yaml.safe_load((out / "training.yaml").read_text())["data"]["annotated"]["scans"]
        found = {one.identity.series_uid for place in places for one in find_series(out / place)}
        assert found == {row["seriesuid"]}, "as seen from where the configuration is"


def test_reports_leave_de_identified_from_the_command_line(folder: Path, case: Case, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["report", str(folder / "out"), "--scans", str(scan_of(case)), "--format", "html,csv,sr,seg,key-images"]
    done = CliRunner().invoke(app, [*words, "--deidentified", str(out)])
    assert done.exit_code == 0, done.output + str(done.exception)
    names_nobody(out, old_uids(case))
    assert {dcmread(path).Modality for path in out.rglob("*.dcm")} == {"SR", "SEG", "KO"}
    [page] = out.rglob("report.html")
    assert "data:image/" in page.read_text()
    [findings] = out.rglob("findings.json")
    assert len(load_report(findings).findings) == len(case.report.findings)
    assert [path.name for path in (folder / "out" / "one").iterdir()] == ["findings.json"], "OUT stays as it is"


def test_what_cannot_be_proven_does_not_leave(
    folder: Path, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    leak = Leak("reader", tmp_path / "x", "annotations.csv")
    monkeypatch.setattr(exports.verify, "search", lambda *_, **__: Found((leak,)))
    words = ["annotations", "export", str(folder / "marks"), "--to", "luna16", "-o", str(out), "--deidentified"]
    done = CliRunner().invoke(app, words)
    assert "Nothing was kept" in str(done.exception)
    monkeypatch.undo()
    nobody = Store(folder / "marks").load_all()[0].model_copy(update={"patient_id": "", "revision": 0})
    Store(tmp_path / "of nobody").save(nobody)
    words[2] = str(tmp_path / "of nobody")
    done = CliRunner().invoke(app, words)
    assert "not clear whose it is" in str(done.exception)
    assert not out.exists()


def test_options_of_de_identification_need_it(folder: Path, tmp_path: Path) -> None:
    words = ["annotations", "export", str(folder / "marks"), "--to", "luna16", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*words, "--retain", "device"])
    assert "need --deidentified" in str(done.exception)
    assert not (tmp_path / "out").exists()
