"""The service in an encrypted folder: as any other, killed or not, and nothing of a patient in any byte on the disk."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import dicom_factory as factory
import pydicom
import pytest
import yaml
from listener_case import PATIENCE_S, PROGRAM, RULE, STABLE_S, Time, listening, port_answers, settings, store, wait_for
from orthanc import Orthanc
from pacs_studies import slices
from ports import free_port
from pydicom.uid import ExplicitVRLittleEndian

from napari_lesion.pacs import analysis
from napari_lesion.pacs.queue import FILE_NAME, Queue
from napari_lesion.pacs.queue_rows import Task
from napari_lesion.pacs.storage import Storage, describe, instances_below
from napari_lesion.security import projects
from napari_lesion.support import vault
from napari_lesion.support.errors import LesionError, SecurityError
from napari_lesion.support.vault import open_file

pytest.importorskip("sqlcipher3", reason="an extra: encrypted-databases")

CANARY = "Kanarienvogel"
WHO = {"PatientName": f"{CANARY}^Anna", "PatientID": f"{CANARY}-17", "ReferringPhysicianName": f"{CANARY}^Doctor"}
#: As `PROGRAM`, through what reads and writes in encrypted folders; it prints a name.
SEALED_PROGRAM = """
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.vault import open_file
""" + PROGRAM.replace("dcmread(files[0]", "dcmread(open_file(files[0])[0]").replace(
    "pydicom.dcmwrite(target, ", "print(one.PatientName)\n    with whole_file(target) as t: pydicom.dcmwrite(t, "
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An encrypted folder for a listener, whose key is a file of mode 0600."""
    path, public = projects.make_identity(tmp_path / "keys" / "identity")
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(path))
    service = tmp_path / "service"
    service.mkdir()
    projects.encrypt(service, [public])
    return service


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def named_in(folder: Path, *more: str) -> set[str]:
    """Which values that lead to a patient are in the bytes of files, and in which files."""
    values = [CANARY.encode(), CANARY.encode("utf-16-le"), *(one.encode() for one in more)]
    found = {path: path.read_bytes() for path in files_of(folder)}
    return {f"{one!r} in {path.name}" for one in values for path, content in found.items() if one in content}


def test_a_study_comes_is_analysed_and_goes_back(
    folder: Path, tmp_path: Path, orthanc: Orthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the archive, which gets the report as it is; the image, the report and the log lie sealed."""
    monkeypatch.setattr(analysis, "_PROGRAM", SEALED_PROGRAM)
    study = factory.write(slices("ct", **WHO), tmp_path / "source")
    orthanc.put(study)
    listener, time_there = settings(tmp_path, rules=[RULE]), Time()
    with listening(listener, orthanc.nodes(), time_there) as said:
        assert store(listener.port, study) == study
        assert named_in(folder) == set()  # with the journals of SQLite beside it
        time_there.pass_by(STABLE_S)
        wait_for(lambda: any("1 results are in orthanc" in line for line in said))
    assert len(orthanc.rest("instances")) == 7
    assert {path.suffix for path in files_of(folder)} >= {".dcm", ".log", ".sqlite"}
    assert named_in(folder, "STUDIES", "SENDER", "chest") == set()
    [log] = folder.rglob(analysis.LOG)
    assert CANARY in vault.read_text(log)


def test_the_same_instance_twice_is_one_there_too(folder: Path, tmp_path: Path) -> None:
    [path] = factory.write(slices(**WHO)[:1], tmp_path / "one")
    storage = Storage(folder / "inbox")
    one, new = storage.keep(path.read_bytes())
    assert new
    assert not storage.keep(path.read_bytes())[1]
    with open_file(one.path)[0] as file:
        assert file.read() == path.read_bytes()
    assert describe(one.path).patient_id == WHO["PatientID"]
    assert named_in(folder) == set()


def test_a_workitem_of_a_patient_is_encrypted(folder: Path) -> None:
    queue = Queue(folder)
    task = Task("pacs", "2.25.7777777", "2.25.8888888", "chest", f"{CANARY}-17", ("2.25.9999999",))
    queue.add_task(task)
    assert named_in(folder, "2.25.7777777", "2.25.9999999", "tasks", "patient_id") == set()
    queue.close()
    assert named_in(folder, "2.25.7777777", "2.25.9999999", "tasks", "patient_id") == set()
    again = Queue(folder)
    assert again.tasks("pacs")[0].patient_id == f"{CANARY}-17"
    again.close()


def test_a_byte_that_is_flipped_in_the_queue_is_noticed(folder: Path) -> None:
    queue = Queue(folder)
    queue.note_sender("1.2.3", "SENDER")
    queue.close()
    path, whole = folder / FILE_NAME, (folder / FILE_NAME).read_bytes()
    chance = random.Random(4)
    read = 0
    for at in [0, 20, len(whole) - 1, *chance.sample(range(len(whole)), 30)]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with suppress(LesionError, sqlite3.DatabaseError):
            changed = Queue(folder)
            assert changed.senders("1.2.3") == {"SENDER"}
            read += 1  # it is in a page that was not looked at
            changed.close()
    assert read < 30
    path.write_bytes(whole)
    again = Queue(folder)
    assert again.senders("1.2.3") == {"SENDER"}
    again.close()


def test_without_its_key_it_does_not_start(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Queue(folder).close()
    before = {path: path.read_bytes() for path in files_of(folder)}
    other, _ = projects.make_identity(tmp_path / "keys" / "other")
    monkeypatch.setenv(vault.IDENTITY_VARIABLE, str(other))
    with pytest.raises(SecurityError, match="does not open"):
        Queue(folder)
    with pytest.raises(SecurityError, match="does not open"):
        Storage(folder / "inbox").keep(factory.write(slices()[:1], tmp_path / "one")[0].read_bytes())
    assert before == {path: path.read_bytes() for path in files_of(folder)}


def test_a_queue_that_is_there_is_encrypted_with_its_folder_and_gets_new_keys(tmp_path: Path, folder: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    queue = Queue(plain)
    queue.note_sender("1.2.3", CANARY)
    queue.close()
    assert named_in(plain)
    [public] = vault.vault_of(folder).recipients  # type: ignore[union-attr]
    projects.encrypt(plain, [public])
    for change in (projects.rotate, projects.rotate, lambda there: projects.encrypt(there, [])):
        assert named_in(plain) == set()
        queue = Queue(plain)
        assert queue.senders("1.2.3") == {CANARY}
        queue.close()
        change(plain)
    projects.decrypt(plain)
    assert named_in(plain)
    queue = Queue(plain)
    assert queue.senders("1.2.3") == {CANARY}
    queue.close()


# -- the program, killed ----------------------------------------------------------------------------------------------


def start(file: Path) -> subprocess.Popen[bytes]:
    code = "from napari_lesion.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "listen", str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def test_killed_at_any_moment_it_loses_nothing_and_names_nobody(folder: Path, tmp_path: Path) -> None:
    kills, studies = 2, 24
    listener = settings(tmp_path, free_gb=0, port=free_port())
    file = tmp_path / "listen.yaml"
    file.write_text(yaml.safe_dump(json.loads(listener.model_dump_json(exclude={"tls"}))))
    left = [path for number in range(studies) for path in small_study(tmp_path / "source", number)]
    sources = {describe(path).sop_uid: path for path in left}
    acknowledged: list[Path] = []
    lock = threading.Lock()
    chance = random.Random(11)

    def send_some() -> None:
        while True:
            with lock:
                some = [left.pop() for _ in range(min(4, len(left)))]
            if not some:
                return
            done = store(listener.port, some, patience_s=10)
            with lock:
                acknowledged.extend(done)
                left.extend(path for path in some if path not in done)
            time.sleep(0.05)

    process = start(file)
    said = b""
    try:
        wait_for(lambda: port_answers(listener.port))
        senders = [threading.Thread(target=send_some) for _ in range(2)]
        for sender in senders:
            sender.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 1.0))
            process.kill()
            said += process.communicate()[0]
            assert named_in(folder) == set()  # as it lies then, with what was half-written
            process = start(file)
            wait_for(lambda: port_answers(listener.port))
        for sender in senders:
            sender.join(600)
        assert not left
        process.send_signal(signal.SIGTERM)
        said += process.communicate(timeout=PATIENCE_S)[0]
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert named_in(folder) == set()
    assert CANARY.encode() not in said
    there = {one.sop_uid: one.path for one in instances_below([folder / "inbox"])}
    assert set(there) >= {describe(path).sop_uid for path in acknowledged}
    assert len(acknowledged) == len(sources)
    for uid, path in there.items():
        with open_file(path)[0] as sealed:
            assert pydicom.dcmread(sealed).PixelData == pydicom.dcmread(sources[uid]).PixelData


def small_study(folder: Path, number: int) -> list[Path]:
    made = slices(f"study {number}", ExplicitVRLittleEndian, StudyInstanceUID=factory.uid("killed", number), **WHO)
    return factory.write(made[:4], folder / str(number))
