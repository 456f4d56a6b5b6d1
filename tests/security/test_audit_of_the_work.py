"""Opening, searching, exporting, changing, asking and sending write their lines, and no line names a patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_scan import FakeDetector, make_volume
from typer.testing import CliRunner

from napari_lesion import pipeline
from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.annotation.export import save_luna16
from napari_lesion.annotation.labels import LUNG_NODULES
from napari_lesion.annotation.store import Store
from napari_lesion.cli.main import app
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.progressive import ProgressiveLoading
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate
from napari_lesion.model.volume import Volume
from napari_lesion.pacs.audited import AuditedArchive
from napari_lesion.pacs.records import Instance, Query, Sent
from napari_lesion.report.write import write_reports
from napari_lesion.review.edits import reject
from napari_lesion.review.journal import Journal, journal_path
from napari_lesion.review.review import Provenance, Review
from napari_lesion.security import roles, signing
from napari_lesion.security.audit import open_log
from napari_lesion.security.roles import Member, Role
from napari_lesion.support.errors import AuditError

FOUND = Candidate((40.0, -15.0, -289.0), 9.0, 0.9)
CANARY = "Kanarienvogel"
UID = "1.2.826.5"


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "security.yaml").write_text("{}\n", encoding="utf-8")
    monkeypatch.setenv("NAPARI_LESION_SECURITY", str(tmp_path / "config" / "security.yaml"))
    monkeypatch.setenv("NAPARI_LESION_AUDIT", str(tmp_path / "audit.jsonl"))
    monkeypatch.setenv("NAPARI_LESION_STATE", str(tmp_path / "state"))
    return tmp_path / "audit.jsonl"


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    import pydicom

    for file in write_ct_series(make_volume(shape=(12, 100, 150)), tmp_path / "ct", series_uid=UID):
        ds = pydicom.dcmread(file)
        ds.PatientID, ds.PatientName = CANARY, f"{CANARY}^Anna"
        ds.ImageType, ds.BurnedInAnnotation = (
            ["ORIGINAL", "PRIMARY", "AXIAL"],
            "NO",
        )  # so that nobody looks for text in it
        ds.save_as(file)
    return read_series(tmp_path / "ct")


def said() -> list[tuple[str, str, str]]:
    assert open_log().check().problems == ()
    return [
        (entry.fields["what"], entry.fields.get("detail", ""), entry.fields.get("reader", ""))
        for entry in open_log().entries()
    ]


def test_a_scan_that_is_opened_searched_and_reported(log: Path, volume: Volume, tmp_path: Path) -> None:
    analysis = pipeline.analyse(volume, detector=FakeDetector((FOUND,)), measure=False)
    write_reports(analysis.report, tmp_path / "out", ("json", "csv"), volume=volume)
    assert [what for what, _, _ in said()] == ["open", "search", "export"]
    assert said()[2][1] == "json, csv"
    entries = list(open_log().entries())
    assert len({entry.fields["patient"] for entry in entries}) == 1
    assert {tuple(entry.fields["objects"]) for entry in entries} == {(UID,)}
    assert CANARY not in log.read_text()


def test_the_viewer_that_shows_slices_as_they_come_opens_too(log: Path, volume: Volume, tmp_path: Path) -> None:
    before = len(said())
    (series,) = find_series(tmp_path / "ct")
    ProgressiveLoading(series).finish()
    assert said()[before:] == [("open", "", "")]


def test_what_a_reader_changes(log: Path, volume: Volume) -> None:
    report = pipeline.analyse(volume, detector=FakeDetector((FOUND,)), measure=False).report
    by = Provenance(time="2026-11-30T12:00:00+00:00", reader="Reader")
    journal, review = Journal(journal_path(volume), volume.series), Review(report)
    journal.begin(review, by)
    journal.record(review, reject(review, [report.findings[0].id], by), by)
    journal.close()
    assert said()[2:] == [("change", "review: begins", "Reader"), ("change", "review: 1 changes", "Reader")]
    assert CANARY not in log.read_text()


def test_annotations_that_are_saved_and_leave(log: Path, volume: Volume, tmp_path: Path) -> None:
    saved = Store(tmp_path / "annotations").save(AnnotationSet.empty(volume, "Reader", "lung nodules"))
    save_luna16([saved], LUNG_NODULES, tmp_path / "tables")
    assert said()[1:] == [
        ("change", "annotations, revision 1", "Reader"),
        ("export", "annotations as LUNA16", "Reader"),
    ]
    assert CANARY not in log.read_text()


def test_where_the_log_cannot_be_written_nothing_is_exported(log: Path, volume: Volume, tmp_path: Path) -> None:
    report = pipeline.analyse(volume, detector=FakeDetector((FOUND,)), measure=False).report
    log.unlink()
    log.mkdir()
    with pytest.raises(AuditError, match="nothing was done"):
        write_reports(report, tmp_path / "out", ("json",), volume=volume)
    assert not list((tmp_path / "out").iterdir())


def test_a_de_identification_names_whom_by_hash_and_its_key(
    log: Path, volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_LESION_PASSPHRASE", "a long passphrase")
    words = ["deidentify", str(tmp_path / "ct"), "-o", str(tmp_path / "out"), "--key", str(tmp_path / "key")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    opened, key, left = list(open_log().entries())
    assert [entry.fields["what"] for entry in (key, left)] == ["key use", "de-identify"]
    assert left.fields["patient"] == opened.fields["patient"]
    assert CANARY not in log.read_text()


def test_who_may_not_de_identify_does_not(
    log: Path, volume: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing.trust(signing.make_key(tmp_path / "admin.pem"))
    members = {"root": Member(Role.ADMIN), "anna": Member(Role.READER, "Reader")}
    monkeypatch.setattr(roles, "login", lambda: "root")
    roles.change_members(tmp_path / "ct", tmp_path / "admin.pem", members)
    monkeypatch.setattr(roles, "login", lambda: "anna")
    result = CliRunner().invoke(app, ["deidentify", str(tmp_path / "ct"), "-o", str(tmp_path / "out")])
    assert isinstance(result.exception, roles.NotAllowedError)
    assert not (tmp_path / "out").exists()


class NoArchive:
    """An archive that has nothing and takes half of what it is sent."""

    name = "pacs"

    def studies(self, query: Query, most: int = 0) -> list[object]:
        return []

    def fetch(self, *_: object) -> list[str]:
        return []

    def store(self, instances: list[Instance], progress: object = None) -> Sent:
        return Sent(confirmed=(), failed={instances[0].sop_uid: "full"})


def test_what_an_archive_is_asked_and_sent(log: Path) -> None:
    archive = AuditedArchive(NoArchive())  # type: ignore[arg-type]
    archive.studies(Query(patient_id=CANARY, modality="CT"))
    list(archive.fetch("1.2", "1.2.3", None, lambda _: True))
    archive.store([Instance(Path("x.dcm"), "1", sop, "1", "1.2", "1.2.3", CANARY) for sop in ("1.2.3.4", "1.2.3.5")])
    assert [(what, detail) for what, detail, _ in said()] == [
        ("query", "pacs: studies by patient_id, modality"),
        ("receive", "pacs"),
        ("send", "pacs"),
        ("send", "pacs: did not arrive"),
    ]
    assert [entry.fields["outcome"] for entry in open_log().entries()] == ["done", "done", "done", "failed"]
    assert CANARY not in log.read_text()
