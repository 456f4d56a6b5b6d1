"""Key, crosswalk, roles and audit log of a de-identification, whoever asks for it; and what lies encrypted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import dicom_factory as factory
import pytest
from dicom_findings import case_of
from pydicom import dcmread

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.annotation.store import Store
from napari_lesion.deidentification.crosswalk import Crosswalk, place_of, read_crosswalk, write_crosswalk
from napari_lesion.deidentification.keys import Key, read_key, write_key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.reidentify import reidentify
from napari_lesion.deidentification.release import KeyFile, Request, release
from napari_lesion.deidentification.run import deidentify
from napari_lesion.report.json import save_report
from napari_lesion.security import projects, roles, signing
from napari_lesion.security.audit import open_log
from napari_lesion.security.roles import Member, NotAllowedError, Role
from napari_lesion.support import vault
from napari_lesion.support.errors import AuditError, InputFileError, OptionError, OutputError, SecurityError

KEY = Key(bytes(range(32)))
NOTHING = options_of((), ())
PASSPHRASE = "correct horse"


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """Three images of a person."""
    made = factory.ct_slices(factory.asymmetric_phantom(), "some")[:3]
    for one in made:
        one.PatientName, one.PatientID = "Doe^Jane", "MRN-90210"
    factory.write(made, tmp_path / "in")
    return tmp_path / "in"


@pytest.fixture
def encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An encrypted folder that opens here."""
    path, public = projects.make_identity(tmp_path / "keys" / "identity")
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(path))
    folder = tmp_path / "project"
    folder.mkdir()
    projects.encrypt(folder, [public])
    return folder


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "security.yaml").write_text("{}\n", encoding="utf-8")
    monkeypatch.setenv("NAPARI_LESION_SECURITY", str(tmp_path / "config" / "security.yaml"))
    monkeypatch.setenv("NAPARI_LESION_AUDIT", str(tmp_path / "audit.jsonl"))
    return tmp_path / "audit.jsonl"


def share(folder: Path, keys: Path) -> None:
    """Make a folder one in which anna may read, and dora de-identify."""
    if not keys.exists():
        signing.trust(signing.make_key(keys))
    members = {"root": Role.ADMIN, "rita": Role.RESEARCHER, "dora": Role.DATA_MANAGER}
    roles.change_members(folder, keys, {name: Member(role) for name, role in members.items()})


def said() -> list[tuple[str, str]]:
    return [(entry.fields["what"], entry.fields.get("detail", "")) for entry in open_log().entries()]


# -- what lies encrypted ----------------------------------------------------------------------------------------------


def test_key_and_crosswalk_in_an_encrypted_folder_open(encrypted: Path, scan: Path, tmp_path: Path) -> None:
    file = KeyFile(encrypted / "a.key", PASSPHRASE)
    first = release(Request((scan,), NOTHING, file), tmp_path / "one")
    again = release(Request((scan,), NOTHING, file), tmp_path / "two")
    assert [file.written for file in first.files] == [file.written for file in again.files]
    for path in (file.path, place_of(file.path)):
        assert vault.lies_sealed(path)
    known = read_crosswalk(place_of(file.path), read_key(file.path, PASSPHRASE))
    assert [one["patient_id"] for one in known.patients.values()] == ["MRN-90210"]
    with pytest.raises(InputFileError, match="passphrase does not open"):
        read_key(file.path, "wrong horse")


def test_a_key_that_was_there_before_the_folder_was_encrypted_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    write_key(folder / "a.key", KEY, PASSPHRASE)
    write_crosswalk(place_of(folder / "a.key"), KEY, Crosswalk({"P1": {"patient_id": "7"}}, {"2.25.1": "1.2.3"}))
    identity, public = projects.make_identity(tmp_path / "keys" / "identity")
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(identity))
    projects.encrypt(folder, [public])
    assert read_key(folder / "a.key", PASSPHRASE) == KEY
    assert read_crosswalk(place_of(folder / "a.key"), KEY).uids == {"2.25.1": "1.2.3"}
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(projects.make_identity(tmp_path / "keys" / "other")[0]))
    with pytest.raises(SecurityError, match="is encrypted and does not open"):
        read_key(folder / "a.key", PASSPHRASE)


def test_results_that_lie_encrypted_are_de_identified_and_checked(encrypted: Path, tmp_path: Path) -> None:
    case = case_of("axial", tmp_path / "scan")
    save_report(case.report, encrypted / "out" / "findings.json")
    Store(encrypted / "marks").save(AnnotationSet.empty(case.volume, "Zhivago", "lung nodules"))
    shutil.copy(next((tmp_path / "scan").glob("*")), encrypted / "one.dcm")
    projects.encrypt(encrypted, [])
    assert all(vault.lies_sealed(path) for path in (encrypted / "out" / "findings.json", encrypted / "one.dcm"))
    outcome = deidentify([encrypted], tmp_path / "made", NOTHING, KEY)
    kinds = {Path(file.written).suffixes[-1] for file in outcome.files if file.what == "written"}
    assert kinds == {".json", ".dcm"}
    assert outcome.count("written") == 3
    assert dcmread(next((tmp_path / "made").rglob("*.dcm"))).PatientIdentityRemoved == "YES"


# -- roles and log, where files are written ---------------------------------------------------------------------------


def test_who_may_not_de_identify_does_not_from_python_either(
    log: Path, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles, "login", lambda: "root")
    share(scan, tmp_path / "admin.pem")
    for name, allowed in (("rita", False), ("dora", True)):
        monkeypatch.setattr(roles, "login", lambda name=name: name)
        for sources in ([scan], [scan.parent / "in"], sorted(scan.glob("*.dcm"))):
            out = tmp_path / f"{name} {len(sources)}"
            shutil.rmtree(out, ignore_errors=True)
            if allowed:
                assert deidentify(sources, out, NOTHING, KEY).count("written") == 3
                continue
            for place in (out, None):
                with pytest.raises(NotAllowedError, match="may not de-identify"):
                    deidentify(sources, place, NOTHING, KEY)
            assert not out.exists()
    assert ("refuse", "rita is researcher there, and may not de-identify, or use that key") in said()


def test_a_shared_folder_within_what_was_named_counts(
    log: Path, scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "all").mkdir()
    shutil.copytree(scan, tmp_path / "all" / "shared")
    monkeypatch.setattr(roles, "login", lambda: "root")
    share(tmp_path / "all" / "shared", tmp_path / "admin.pem")
    monkeypatch.setattr(roles, "login", lambda: "rita")
    with pytest.raises(NotAllowedError, match="may not de-identify"):
        deidentify([tmp_path / "all"], tmp_path / "out", NOTHING, KEY)
    assert not (tmp_path / "out").exists()


def test_a_key_in_a_shared_folder_opens_to_who_may(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "login", lambda: "root")
    (tmp_path / "shared").mkdir()
    write_key(tmp_path / "shared" / "a.key", KEY, PASSPHRASE)
    share(tmp_path / "shared", tmp_path / "admin.pem")
    monkeypatch.setattr(roles, "login", lambda: "rita")
    with pytest.raises(NotAllowedError):
        read_key(tmp_path / "shared" / "a.key", PASSPHRASE)
    with pytest.raises(NotAllowedError):
        write_key(tmp_path / "shared" / "b.key", KEY, PASSPHRASE)
    with pytest.raises(NotAllowedError):
        reidentify([tmp_path / "shared"], tmp_path / "back", Crosswalk())
    assert not (tmp_path / "back").exists()


def test_use_of_the_key_and_both_ways_are_logged_by_hash(log: Path, scan: Path, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "a.key", PASSPHRASE)
    release(Request((scan,), options_of(("device",), ()), file), tmp_path / "out")
    key = read_key(file.path, PASSPHRASE)
    reidentify([tmp_path / "out"], tmp_path / "back", read_crosswalk(place_of(file.path), key))
    with pytest.raises(InputFileError):
        read_key(file.path, "wrong horse")
    assert said() == [
        ("key use", "a new key of de-identifications"),
        ("de-identify", "basic profile, retain device"),
        ("key use", "the key of de-identifications"),
        ("key use", "given back to the patient"),
        ("key use", "the key of de-identifications did not open"),
    ]
    _, left, _, back, _ = list(open_log().entries())
    assert left.fields["patient"] == back.fields["patient"]
    assert "MRN-90210" not in log.read_text()
    assert open_log().check().problems == ()


def test_where_the_log_cannot_be_written_nothing_leaves(log: Path, scan: Path, tmp_path: Path) -> None:
    log.mkdir()
    with pytest.raises(AuditError):
        deidentify([scan], tmp_path / "out", NOTHING, KEY)
    with pytest.raises(AuditError):
        release(Request((scan,), NOTHING, KeyFile(tmp_path / "a.key", PASSPHRASE)), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "a.key").exists()


# -- the key ----------------------------------------------------------------------------------------------------------


def test_the_key_does_not_leave_with_the_data(scan: Path, tmp_path: Path) -> None:
    for place in (tmp_path / "out" / "a.key", tmp_path / "out" / "deep" / "a.key"):
        with pytest.raises(OptionError, match="must not lie in"):
            release(Request((scan,), NOTHING, KeyFile(place, PASSPHRASE)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_key_and_crosswalk_on_the_disk_nothing_leaves(scan: Path, tmp_path: Path) -> None:
    (tmp_path / "no folder").write_text("")
    with pytest.raises(OutputError, match="so nothing leaves"):
        release(Request((scan,), NOTHING, KeyFile(tmp_path / "no folder" / "a.key", PASSPHRASE)), tmp_path / "out")
    with pytest.raises(OptionError, match="at least 8"):
        release(Request((scan,), NOTHING, KeyFile(tmp_path / "a.key", "short")), tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"in", "no folder"}


def test_the_record_names_nobody(scan: Path, tmp_path: Path) -> None:
    release(Request((scan,), NOTHING, KeyFile(tmp_path / "a.key", PASSPHRASE)), tmp_path / "out")
    record = json.loads((tmp_path / "out" / "deidentification.json").read_text())
    assert record["files"]["written"] == 3
    assert "MRN" not in json.dumps(record)
