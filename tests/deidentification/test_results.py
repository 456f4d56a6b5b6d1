"""Results are de-identified with the key of their scan, and given back by who holds it."""

from __future__ import annotations

import base64
import csv
import gzip
import re
import shutil
import zlib
from contextlib import suppress
from pathlib import Path

import canary_case
import nibabel as nib
import numpy as np
import pytest
from dicom_findings import case_of
from fake_scan import make_heatmap
from pydicom import dcmread
from typer.testing import CliRunner

from napari_lesion.annotation.annotations import Annotation, AnnotationSet
from napari_lesion.cli.main import app
from napari_lesion.deidentification import pages, verify
from napari_lesion.deidentification.crosswalk import place_of, read_crosswalk
from napari_lesion.deidentification.keys import Key, read_key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.reidentify import reidentify
from napari_lesion.deidentification.release import KeyFile, Request, release
from napari_lesion.deidentification.run import Outcome, deidentify
from napari_lesion.deidentification.scans import Scans
from napari_lesion.deidentification.verify_sources import CheckOptions
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.findings import Candidate, Report
from napari_lesion.model.volume import Volume
from napari_lesion.reading_study.journal import Journal as BlindJournal
from napari_lesion.reading_study.journal import load
from napari_lesion.report.json import load_report, save_report
from napari_lesion.report.nifti import save_heatmap
from napari_lesion.review import edits
from napari_lesion.review.journal import Journal, journal_path
from napari_lesion.review.review import Provenance, Review

KEY = Key(bytes(range(32)))
WHEN = "2026-02-03T09:00:00+00:00"


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
    save_heatmap(make_heatmap(case.volume, (Candidate((0.0, 0.0, 0.0), 9.0, 0.9),)), case.volume, folder / "map.nii.gz")
    image = nib.load(folder / "map.nii.gz", mmap=False)
    image.header["descrip"] = b"Phantom Asymmetric"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Phantom^Asymmetric"))
    nib.save(image, folder / "out" / "heatmap.nii.gz")
    (folder / "map.nii.gz").unlink()
    for name in ("report.html", "report.pdf", "findings.csv", "measurements.csv", "overview.png", "notes.html"):
        (folder / "out" / name).write_text("Phantom Asymmetric")
    _journals(folder, report, case.volume)
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
    whys = {file.source.name: file.why for file in outcome.files if file.what not in ("written", "masked")}
    assert {whys.pop(name) for name in list(whys) if name.endswith(".head")} == {
        "a part of a journal, which is made anew with it"
    }
    assert whys == {
        "notes.html": "no DICOM; if it is a result, make it anew from what is de-identified",
        "of nobody.jsonl": "its scan is not among what is de-identified, so that it is not clear whose it is",
    }
    for path in out.rglob("*.*"):
        data = path.read_bytes() if path.is_file() else b""
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        data += _readable(data, path.suffix)
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


def test_pages_are_made_anew_with_pictures_of_the_de_identified_scan(run: tuple[Outcome, Path]) -> None:
    [findings] = run[1].rglob("findings.json")
    report = load_report(findings)
    page = (findings.parent / "report.html").read_text()
    assert report.series.patient_id in page
    assert "data:image/" in page
    assert (findings.parent / "report.pdf").read_bytes().startswith(b"%PDF")
    assert (findings.parent / "overview.png").read_bytes().startswith(b"\x89PNG")
    with (findings.parent / "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["series_uid"] for row in rows] == [report.series_uid] * len(report.findings)


@pytest.mark.parametrize("name", ["report.html", "report.pdf", "findings.csv"])
def test_a_page_that_still_names_somebody_is_found(results: Path, tmp_path: Path, name: str) -> None:
    source = results / "out" / "findings.json"
    pages.make(load_report(source), Scans(tmp_path / "nothing"), tmp_path / name, source)
    leaks = verify.search([(source, tmp_path / "x")], tmp_path, CheckOptions(frozenset()), lambda *_: None).leaks
    assert {leak.file for leak in leaks} == {name}
    assert "patient_id" in {leak.attribute for leak in leaks}


def test_journals_open_on_the_de_identified_scan(results: Path, run: tuple[Outcome, Path]) -> None:
    [series] = [one for one in find_series(run[1]) if one.kind == "volume"]
    volume = read_series(series)
    [path] = run[1].rglob(journal_path(volume).name)
    journal = Journal(path, volume.series)
    review = journal.recover()
    journal.close()
    assert journal.warning == ""
    assert [change.what for change in review.changes] == ["reject", "comment"]
    before = load_report(results / "out" / "findings.json")
    now = {one.number: one for one in review.findings}
    assert now[before.findings[0].number].status == "rejected"
    assert now[before.findings[1].number].comment == "[...] larger nodule"
    after = load_report(next(run[1].rglob("findings.json")))
    assert {one.lesion_uid for one in review.findings} == {one.lesion_uid for one in after.findings}
    [blind] = [one for one in run[1].rglob("*.jsonl") if one != path]
    reading = load(blind)
    assert reading.started.series_uid == volume.series.series_uid
    assert reading.started.stack == volume.stack
    assert "Zhivago" not in reading.started.reader
    assert [mark.center_mm for mark in reading.marks] == [(1.0, 2.0, 3.0)]


def test_a_journal_that_would_not_come_back_whole_does_not_leave(results: Path, tmp_path: Path) -> None:
    shutil.copytree(results, tmp_path / "in")
    [path] = (tmp_path / "in" / "reviews").glob("1.*.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], lines[-1].replace('"before": [', '"before": [{"id": "gone"},')]))
    outcome = deidentify([tmp_path / "in"], tmp_path / "out", options_of((), ()), KEY)
    [file] = [one for one in outcome.files if one.source == path]
    assert (file.what, "cannot be made anew whole" in file.why) == ("left out", True)
    assert not list((tmp_path / "out").rglob(f"*{path.stem.rpartition('-')[2]}*"))


def test_all_results_are_given_back(results: Path, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "a.key", "correct horse")
    options = options_of(["dates-shifted"], ["descriptors"])
    release(Request((results,), options, file), tmp_path / "out")
    crosswalk = read_crosswalk(place_of(file.path), read_key(file.path, file.passphrase))
    returned = reidentify([tmp_path / "out"], tmp_path / "back", crosswalk)
    assert [path.name for path, _ in returned.left_out] == ["deidentification.json"]
    before, after = (
        load_report(results / "out" / "findings.json"),
        load_report(next((tmp_path / "back").rglob("findings.json"))),
    )
    for name in ("series_uid", "study_uid", "patient_id", "patient_name", "study_date"):
        assert getattr(after.series, name) == getattr(before.series, name), name
    assert {one.lesion_uid for one in after.findings} == {one.lesion_uid for one in before.findings}
    assert "Asymmetric" in next((tmp_path / "back").rglob("report.html")).read_text()
    [series] = [one for one in find_series(tmp_path / "back") if one.kind == "volume"]
    volume = read_series(series)
    [path] = (tmp_path / "back").rglob(journal_path(volume).name)
    journal = Journal(path, volume.series)
    review = journal.recover()
    journal.close()
    assert [change.time for change in review.changes] == [WHEN, WHEN]
    [marks] = (tmp_path / "back").rglob("*.annotations.json")
    back = AnnotationSet.model_validate_json(marks.read_text())
    assert (back.patient_id, back.series_uid, back.stack) == ("ASYM-1", before.series_uid, volume.stack)


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


def _journals(folder: Path, report: Report, volume: Volume) -> None:
    """A review of the findings, a blind read of the scan, and a review of a scan that is not here."""
    by = Provenance("Zhivago", WHEN)
    review = Review(report)
    first, second = (one.id for one in report.findings[:2])
    for name, series in ((journal_path(volume).name, report.series), ("of nobody.jsonl", None)):
        start = review if series else Review(report.model_copy(update={"series_uid": "1.2.3.4"}))
        journal = Journal(folder / "reviews" / name, series or report.series)
        journal.begin(start, by)
        if series:
            rejected = edits.reject(start, [first], by)
            journal.record(start, rejected, by)
            journal.record(rejected, edits.comment(rejected, second, "Asymmetric's larger nodule", by), by)
        journal.close()
    for lock in (folder / "reviews").glob("*.lock"):
        lock.unlink()
    blind = BlindJournal.start(
        folder / "readings" / "Zhivago" / "a.jsonl",
        "Zhivago",
        volume.series.series_uid,
        volume.stack,
        seen_before=False,
    )
    blind.mark((1.0, 2.0, 3.0), 4)
    for head in folder.rglob("*.head"):
        assert head.is_file()


def _readable(data: bytes, suffix: str) -> bytes:
    """What is packed in a PDF."""
    if suffix != ".pdf":
        return b""
    found = []
    for one in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        with suppress(ValueError, zlib.error):
            found.append(zlib.decompress(base64.a85decode(one.strip().removesuffix(b"~>"))))
    assert found
    return b"\n".join(found)


def _measured(finding):
    return finding.center_mm, finding.diameter_mm, finding.score, finding.status, finding.mask, finding.number
