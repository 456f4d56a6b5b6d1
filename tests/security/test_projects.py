"""An encrypted folder works as any other, names nobody on the disk, and opens to who has a key, and to nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyrage
import pytest
from fake_scan import make_heatmap, make_volume
from review_scan import CANDIDATES, a_review
from typer.testing import CliRunner

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.annotation.store import Store
from napari_lesion.cli.main import app
from napari_lesion.report.json import load_report, save_report
from napari_lesion.report.ledger import Ledger, LedgerEntry, read_ledgers, read_thumbnails
from napari_lesion.report.nifti import load_heatmap, save_heatmap
from napari_lesion.review import edits
from napari_lesion.review.journal import Journal
from napari_lesion.review.kept_heatmap import keep_heatmap, kept_heatmap
from napari_lesion.review.review import Review, provenance, undo
from napari_lesion.security import packing, projects
from napari_lesion.support import vault
from napari_lesion.support.atomic import whole_file, whole_folder
from napari_lesion.support.errors import Cancelled, ConfigError, LesionError, ReviewError, SecurityError
from napari_lesion.worklist.store import Worklist

HELPERS = Path(__file__).parents[1] / "helpers"
CANARY = "Kanarienvogel"


@pytest.fixture
def identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The recipient of an identity that this program opens with."""
    path, public = projects.make_identity(tmp_path / "keys" / "identity")
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(path))
    return public


@pytest.fixture
def project(tmp_path: Path, identity: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An encrypted folder with a note in it; reviews are kept below it."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "note.txt").write_text(CANARY)
    projects.encrypt(folder, [identity])
    monkeypatch.setenv("NAPARI_LESION_STATE", str(folder))
    return folder


def names_nobody(folder: Path) -> bool:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return bool(files) and not any(CANARY.encode() in path.read_bytes() for path in files)


def reviewed(path: Path, count: int = 3) -> Review:
    """A review with some changes, written to a journal."""
    scan = make_volume()
    review = a_review(scan)
    journal = Journal(path, scan.series)
    journal.begin(review, provenance("A"))
    for number in range(count):
        new = edits.comment(review, review.findings[0].id, f"{CANARY} {number}", provenance("A"))
        journal.record(review, new, provenance("A"))
        review = new
    journal.close()
    return review


def recovered(path: Path) -> tuple[Review | None, str]:
    journal = Journal(path, make_volume().series)
    try:
        return journal.recover(), journal.warning
    finally:
        journal.close()


# -- working in it ----------------------------------------------------------------------------------------------------


def test_a_review_comes_back_and_goes_on(project: Path) -> None:
    path = project / "reviews" / "1.jsonl"
    review = reviewed(path)
    assert names_nobody(project)
    assert recovered(path) == (review, "")
    journal = Journal(path, make_volume().series)
    undone = undo(review)
    journal.record(review, undone, provenance("B"))
    journal.close()
    assert recovered(path) == (undone, "")
    assert names_nobody(project)


def test_a_line_that_was_changed_takes_the_review_back_to_before_it(project: Path) -> None:
    path = project / "1.jsonl"
    reviewed(path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:40] + (b"A" if lines[2][40:41] != b"A" else b"B") + lines[2][41:]
    path.write_bytes(b"".join(lines))
    review, told = recovered(path)
    assert review is not None
    assert len(review.changes) == 1
    assert "line 3 is damaged" in told
    assert recovered(path) == (review, "")
    assert names_nobody(project)
    projects.rotate(project)
    projects.decrypt(project)
    assert recovered(path) == (review, "")


def test_killed_at_any_time_what_was_said_to_be_safe_is_there(project: Path) -> None:
    path = project / "1.jsonl"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(HELPERS), os.environ.get("PYTHONPATH", "")])}
    child = subprocess.Popen(
        [sys.executable, str(HELPERS / "review_driver.py"), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert child.stdout is not None
    safe = 0
    for line in child.stdout:
        if (safe := int(line)) >= 8:
            child.send_signal(signal.SIGKILL)
            break
    child.communicate()
    review, _ = recovered(path)
    assert review is not None
    assert len(review.changes) >= safe
    assert b"words" not in path.read_bytes()


def test_annotations_results_and_heatmaps_are_written_and_read(project: Path) -> None:
    scan = make_volume()
    saved = Store(project / "annotations").save(AnnotationSet.empty(scan, CANARY.lower(), "lung nodules"))
    assert Store(project / "annotations").load(saved.series_uid, saved.stack, saved.reader) == saved
    report = a_review(scan).report
    report = report.model_copy(update={"series": report.series.model_copy(update={"patient_name": CANARY})})
    save_report(report, project / "findings.json")
    assert load_report(project / "findings.json") == report
    heatmap = make_heatmap(scan, CANDIDATES)
    keep_heatmap(scan, report, heatmap)
    kept = kept_heatmap(scan, report)
    assert kept is not None
    assert np.abs(kept.values - heatmap.values).max() < 0.01
    save_heatmap(heatmap, scan, project / "heatmap.nii.gz")
    assert vault.lies_sealed(project / "heatmap.nii.gz")
    assert load_heatmap(project / "heatmap.nii.gz").values.size
    assert names_nobody(project)


def test_what_is_being_written_never_lies_in_the_folder_unencrypted(project: Path) -> None:
    with whole_file(project / "new.txt") as temporary:
        temporary.write_text(CANARY)
        assert not temporary.resolve().is_relative_to(project)
        assert names_nobody(project)
    with whole_folder(project / "new") as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "file").write_text(CANARY)
        assert names_nobody(project)
    assert names_nobody(project)
    assert vault.read_text(project / "new" / "inner" / "file") == CANARY
    assert not (project / "new.txt").stat().st_mode & 0o077


def test_ledger_and_worklist_are_encrypted_there(project: Path) -> None:
    pytest.importorskip("sqlcipher3", reason="an extra: encrypted-databases")
    ledger, worklist = Ledger(project), Worklist(project / "worklist.sqlite")
    entry = LedgerEntry("1", "1.2", "1.2.3", "queued", reason=CANARY)
    ledger.settle(entry, thumbnail=CANARY.encode())
    with pytest.raises(LesionError):
        worklist.add(project / CANARY)
    (project / "results").mkdir()
    worklist.add(project / "results")
    assert names_nobody(project)
    assert read_ledgers(project) == (entry,)  # while it is open, too
    ledger.close()
    worklist.close()
    assert names_nobody(project)
    assert read_ledgers(project) == (entry,)
    assert read_thumbnails(project) == {"1": CANARY.encode()}
    again = Worklist(project / "worklist.sqlite")
    assert again.places() == [project / "results"]
    again.close()


def test_a_database_that_is_open_is_not_encrypted(tmp_path: Path, identity: str) -> None:
    pytest.importorskip("sqlcipher3", reason="an extra: encrypted-databases")
    code = (
        "import pathlib, sys; from napari_lesion.report.ledger import Ledger; "
        "ledger = Ledger(pathlib.Path(sys.argv[1])); ledger.begin(); print('open', flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(SecurityError, match="End the program that works with it"):
            projects.encrypt(tmp_path, [identity])
        holder.kill()
    projects.encrypt(tmp_path, [])
    Ledger(tmp_path).close()


def test_without_the_engine_a_database_is_refused_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlcipher3.dbapi2", None)
    with pytest.raises(ConfigError, match="need the package sqlcipher3"):
        Ledger(project)
    assert not any(path.stat().st_size for path in project.glob("*.sqlite*"))


# -- keys -------------------------------------------------------------------------------------------------------------


def test_without_a_key_nothing_opens_and_nothing_is_changed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = project / "1.jsonl"
    reviewed(path)
    before = {one: one.read_bytes() for one in project.rglob("*") if one.is_file()}
    monkeypatch.setenv("XDG_CONFIG_HOME", str(project.parent / "nothing"))
    monkeypatch.setattr(vault, "from_keyring", lambda name: None)
    monkeypatch.delenv(vault.IDENTITY_VARIABLE)
    for act in (
        lambda: vault.read_bytes(project / "note.txt"),
        lambda: recovered(path),
        lambda: save_report(a_review(make_volume()).report, project / "findings.json"),
        lambda: projects.decrypt(project),
    ):
        with pytest.raises(SecurityError, match="is encrypted and does not open: there is no identity"):
            act()
    assert {one: one.read_bytes() for one in project.rglob("*") if one.is_file()} == before


def test_another_identity_opens_nothing(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = projects.make_identity(tmp_path / "other")
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(path))
    with pytest.raises(SecurityError, match="your identity is not one of its recipients"):
        vault.read_bytes(project / "note.txt")


def test_every_byte_of_the_file_with_the_keys_counts(project: Path) -> None:
    path = project / vault.FILE
    content = path.read_bytes()
    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with suppress(SecurityError):
            assert vault.read_text(project / "note.txt") == CANARY
    path.write_bytes(content)
    assert vault.read_text(project / "note.txt") == CANARY


def test_a_file_that_was_changed_is_refused_with_its_name(project: Path) -> None:
    path = project / "note.txt"
    content = path.read_bytes()
    for place in range(len(content) - 1, len(content) - 40, -7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(SecurityError, match=r"note.txt does not open: it was changed"):
            vault.read_bytes(path)


def test_a_file_without_its_folder_says_so(project: Path, tmp_path: Path) -> None:
    (tmp_path / "alone").write_bytes((project / "note.txt").read_bytes())
    with pytest.raises(SecurityError, match="is encrypted, and there is no"):
        vault.read_bytes(tmp_path / "alone")


def test_a_second_recipient_opens_it_and_after_being_removed_does_not(
    project: Path, identity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = os.environ[vault.IDENTITY_VARIABLE]
    other, public = projects.make_identity(tmp_path / "other")
    assert projects.change_recipients(project, add=[public]).recipients == (identity, public)
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(other))
    assert vault.read_text(project / "note.txt") == CANARY
    keys = dict(vault.vault_of(project).keys)  # type: ignore[union-attr]
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, own)
    projects.change_recipients(project, remove=[public])
    assert vault.read_text(project / "note.txt") == CANARY
    with pytest.raises(vault.sealed.UnsealError):  # the keys that they knew open nothing any more
        vault.sealed.unseal((project / "note.txt").read_bytes(), keys)
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(other))
    with pytest.raises(SecurityError, match="not one of its recipients"):
        vault.read_bytes(project / "note.txt")


def test_the_last_recipient_stays(project: Path, identity: str) -> None:
    with pytest.raises(SecurityError, match="nobody could open it"):
        projects.change_recipients(project, remove=[identity])


def test_a_passphrase_opens_it_too(tmp_path: Path, identity: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "_SCRYPT_N", 2**10)
    folder, file = tmp_path / "folder", tmp_path / "passphrase"
    folder.mkdir()
    (folder / "note.txt").write_text(CANARY)
    file.write_text("a long passphrase\n")
    file.chmod(0o600)
    projects.encrypt(folder, [], passphrase="a long passphrase")
    monkeypatch.setattr(vault, "from_keyring", lambda name: None)
    with pytest.raises(SecurityError, match="does not open"):
        vault.read_bytes(folder / "note.txt")
    monkeypatch.setenv(vault.PASSPHRASE_VARIABLE, str(file))
    assert vault.read_text(folder / "note.txt") == CANARY
    projects.rotate(folder)
    assert vault.read_text(folder / "note.txt") == CANARY
    file.write_text("another one\n")
    vault._opened.cache_clear()
    with pytest.raises(SecurityError, match="your passphrase is another one"):
        vault.read_bytes(folder / "note.txt")
    file.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        vault.read_bytes(folder / "note.txt")


# -- encrypting, rotating, decrypting ---------------------------------------------------------------------------------


def filled(folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.bin").write_bytes(f"{CANARY} {number}".encode() * number)
    reviewed(folder / "1.jsonl")
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != vault.FILE
    }


def stopping_at(number: int):
    def progress(done: int, total: int, what: str) -> None:
        if done == number:
            raise Cancelled

    return progress


def test_decrypted_it_is_what_it_was(tmp_path: Path, identity: str) -> None:
    before = filled(tmp_path / "folder")
    projects.encrypt(tmp_path / "folder", [identity])
    assert names_nobody(tmp_path / "folder")
    projects.rotate(tmp_path / "folder")
    projects.decrypt(tmp_path / "folder")
    assert contents(tmp_path / "folder") == before
    assert not (tmp_path / "folder" / vault.FILE).exists()


@pytest.mark.parametrize("number", [1, 3])
def test_stopped_in_the_middle_all_can_be_read_and_the_next_run_goes_on(
    tmp_path: Path, identity: str, number: int
) -> None:
    folder = tmp_path / "folder"
    before = filled(folder)
    with pytest.raises(Cancelled):
        projects.encrypt(folder, [identity], progress=stopping_at(number))
    assert vault.read_bytes(folder / "3.bin") == before["3.bin"]
    projects.encrypt(folder, [])
    assert names_nobody(folder)
    with pytest.raises(Cancelled):
        projects.rotate(folder, progress=stopping_at(number))
    assert [vault.read_bytes(folder / f"{n}.bin") for n in range(4)] == [before[f"{n}.bin"] for n in range(4)]
    assert recovered(folder / "1.jsonl")[1] == ""
    projects.rotate(folder)
    assert len(vault.vault_of(folder).keys) == 1  # type: ignore[union-attr]
    with pytest.raises(Cancelled):
        projects.decrypt(folder, progress=stopping_at(number))
    assert vault.read_bytes(folder / "3.bin") == before["3.bin"]
    projects.decrypt(folder)
    assert {name: content for name, content in contents(folder).items() if name in before} == before


def test_a_journal_that_is_open_is_left_alone(tmp_path: Path, identity: str) -> None:
    filled(tmp_path / "folder")
    journal = Journal(tmp_path / "folder" / "1.jsonl", make_volume().series)
    with pytest.raises(SecurityError, match="open in another window"):
        projects.encrypt(tmp_path / "folder", [identity])
    journal.close()
    projects.encrypt(tmp_path / "folder", [])
    assert names_nobody(tmp_path / "folder")


def test_nobody_locks_themselves_out(tmp_path: Path, identity: str) -> None:
    before = filled(tmp_path / "folder")
    with pytest.raises(SecurityError, match="you could not open it yourself"):
        projects.encrypt(tmp_path / "folder", [str(pyrage.x25519.Identity.generate().to_public())])
    assert contents(tmp_path / "folder") == before
    assert not (tmp_path / "folder" / vault.FILE).exists()


def test_an_identity_is_never_overwritten(tmp_path: Path) -> None:
    projects.make_identity(tmp_path / "identity")
    with pytest.raises(ConfigError, match="No key is overwritten"):
        projects.make_identity(tmp_path / "identity")


# -- for others -------------------------------------------------------------------------------------------------------


def test_what_is_packed_opens_for_who_it_is_for(project: Path, identity: str, tmp_path: Path) -> None:
    reviewed(project / "1.jsonl")
    assert packing.pack([project], tmp_path / "all.age", [identity]) == 2
    assert CANARY.encode() not in (tmp_path / "all.age").read_bytes()
    assert packing.unpack(tmp_path / "all.age", tmp_path / "out") == 2
    assert (tmp_path / "out" / "project" / "note.txt").read_text() == CANARY
    assert b'{"journal"' in (tmp_path / "out" / "project" / "1.jsonl").read_bytes()
    plain = pyrage.decrypt(
        (tmp_path / "all.age").read_bytes(), [vault.own_identity()]
    )  # any program that knows age opens it
    assert CANARY.encode() in plain


def test_what_was_changed_or_is_for_others_is_not_unpacked(project: Path, identity: str, tmp_path: Path) -> None:
    packing.pack([project], tmp_path / "all.age", [identity])
    content = (tmp_path / "all.age").read_bytes()
    broken = tmp_path / "broken.age"
    for place in range(3, len(content), 97):
        broken.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(SecurityError, match="Nothing was unpacked"):
            packing.unpack(broken, tmp_path / "out")
    for length in range(0, len(content), 97):
        broken.write_bytes(content[:length])
        with pytest.raises(SecurityError, match="Nothing was unpacked"):
            packing.unpack(broken, tmp_path / "out")
    packing.pack([project], tmp_path / "theirs.age", [str(pyrage.x25519.Identity.generate().to_public())])
    with pytest.raises(SecurityError, match="Nothing was unpacked"):
        packing.unpack(tmp_path / "theirs.age", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_from_the_command_line(tmp_path: Path, identity: str) -> None:
    folder = tmp_path / "folder"
    filled(folder)
    run = CliRunner().invoke

    def said(*words: object, status: int = 0) -> str:
        result = run(app, ["project", *map(str, words)])
        assert result.exit_code == status, result.output
        return result.output

    assert "5 files were encrypted" in said("encrypt", folder, "--recipient", identity)
    assert said("recipients", folder).splitlines() == [identity]
    assert "5 files were encrypted anew" in said("rotate", folder)
    said("decrypt", folder / "3.bin", "-o", tmp_path / "3.bin")
    assert CANARY in (tmp_path / "3.bin").read_text()
    assert "5 files are in" in said("pack", folder, "-o", tmp_path / "x.age", "--recipient", identity)
    assert "5 files are in" in said("unpack", tmp_path / "x.age", "-o", tmp_path / "x")
    assert "5 files were decrypted" in said("decrypt", folder)
    result = run(app, ["project", "encrypt", str(folder), "--recipient", "nobody"])
    assert isinstance(result.exception, SecurityError)
    assert "'nobody' is no recipient" in str(result.exception)
    assert not (folder / vault.FILE).exists()


def test_a_damaged_journal_of_an_encrypted_folder_is_a_sentence(project: Path) -> None:
    path = project / "1.jsonl"
    reviewed(path)
    path.write_bytes(b"~" + path.read_bytes()[9:])
    with pytest.raises(ReviewError, match="line 1 is damaged"):
        recovered(path)
