"""The service: what it acknowledged it has, whatever happens; what the rules choose is analysed once, and sent once."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import dicom_factory as factory
import psutil
import pydicom
import pytest
import yaml
from listener_case import (
    PATIENCE_S,
    PROGRAM,
    RETRY_S,
    RULE,
    STABLE_S,
    Time,
    forwarding,
    listening,
    port_answers,
    settings,
    store,
    wait_for,
)
from orthanc import Orthanc
from pacs_studies import slices
from ports import free_port
from pydicom.filebase import DicomBytesIO
from pydicom.uid import ExplicitVRLittleEndian

from napari_lesion.pacs import analysis, engines
from napari_lesion.pacs.listener import Listener
from napari_lesion.pacs.nodes import Nodes
from napari_lesion.pacs.queue import FILE_NAME, Queue
from napari_lesion.pacs.rules import Arrived, Rule, load_listening
from napari_lesion.pacs.storage import Storage, describe, instances_below
from napari_lesion.support.errors import ConfigError, PacsError


@pytest.fixture
def study(tmp_path: Path) -> list[Path]:
    return factory.write(slices("ct"), tmp_path / "source")


#: A-ABORT, whatever the source and the reason.
ABORTS = [bytes([7, 0, 0, 0, 0, 4, 0, 0, source, reason]) for source in (0, 2) for reason in range(7)]


def test_a_study_comes_back_with_its_report(
    study: list[Path], orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "_PROGRAM", PROGRAM)
    orthanc.put(study)
    listener, time_there = settings(tmp_path, rules=[RULE]), Time()
    with listening(listener, orthanc.nodes(), time_there) as said:
        assert store(listener.port, study[:4]) == study[:4]
        time_there.pass_by(STABLE_S)
        wait_for(lambda: any("1 results are in orthanc" in line for line in said))
        store(listener.port, study[4:])  # late slices
        time_there.pass_by(STABLE_S)
        wait_for(lambda: sum("1 results are in orthanc" in line for line in said) == 2)
        store(listener.port, study)  # the same once more is nothing new
        time_there.pass_by(STABLE_S)
        other = factory.write(slices("other", StudyInstanceUID="2.25.9"), tmp_path / "other")
        store(listener.port, other)  # looked at after it, so that is over by then
        time_there.pass_by(STABLE_S)
        wait_for(lambda: any("Study 2.25.9: 6 instances for rule" in line for line in said))
    reports = [pydicom.dcmread(DicomBytesIO(content)) for content in orthanc.files().values()]
    reports = [one for one in reports if one.Modality == "SR"]
    assert len(reports) == 2
    [later] = [one for one in reports if "PredecessorDocumentsSequence" in one]
    [earlier] = [one for one in reports if one is not later]
    before = later.PredecessorDocumentsSequence[0]
    assert before.StudyInstanceUID == earlier.StudyInstanceUID == factory.uid("study")
    reference = before.ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert reference.ReferencedSOPInstanceUID == earlier.SOPInstanceUID
    assert len([line for line in said if "instances for rule" in line and "2.25.9" not in line]) == 2


def test_an_archive_that_is_down_for_half_an_hour_loses_nothing(
    study: list[Path], orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried after one minute, two, four, up to fifteen; a sentence says that it is away, another that it is back."""
    monkeypatch.setattr(analysis, "_PROGRAM", PROGRAM)
    orthanc.put(study)
    listener, time_there = settings(tmp_path, rules=[RULE]), Time()
    away = free_port()

    def tries() -> int:
        with closing(sqlite3.connect(listener.folder / FILE_NAME, timeout=PATIENCE_S)) as queue:
            return sum(row[0] for row in queue.execute("SELECT attempts FROM sends"))

    with listening(listener, orthanc.nodes(port=away), time_there) as said:
        store(listener.port, study)
        time_there.pass_by(STABLE_S)
        wait_for(lambda: any("takes no results" in line for line in said))
        for number, seconds in enumerate((60, 120, 240, 480, 900), start=1):
            wait_for(lambda number=number: tries() == number)
            time_there.pass_by(seconds)
        wait_for(lambda: tries() == 6)
        assert sum("takes no results" in line for line in said) == 1
        assert len(orthanc.rest("instances")) == 6
        with forwarding(away, orthanc.dicom_port):
            time_there.pass_by(900)
            wait_for(lambda: any("takes results again, after 2700 s" in line for line in said))
    assert sum("1 results are in orthanc" in line for line in said) == 1
    assert len(orthanc.rest("instances")) == 7


def test_what_waits_when_it_stops_goes_on_at_the_next_start(
    study: list[Path], orthanc: Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "_PROGRAM", PROGRAM)
    listener, time_there = settings(tmp_path, rules=[RULE]), Time()
    with listening(listener, orthanc.nodes(port=free_port()), time_there) as said:
        store(listener.port, study)
        time_there.pass_by(STABLE_S)
        wait_for(lambda: any("takes no results" in line for line in said))
    orthanc.put(study)
    time_there.pass_by(RETRY_S)
    with listening(listener, orthanc.nodes(), time_there) as said:
        wait_for(lambda: any("1 results are in orthanc" in line for line in said))
        assert not any("instances for rule" in line for line in said)  # analysed already
    assert len(orthanc.rest("instances")) == 7


def test_an_analysis_ends_with_the_listener(tmp_path: Path) -> None:
    """Killed, too: at its next start the analysis begins again, and two would work in one folder."""
    sleeper = f"import os, time, pathlib; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(f'{{os.getpid()}} '); "
    code = (
        "import pathlib, threading; from napari_lesion.pacs import analysis; "
        f"analysis._PROGRAM = {sleeper + 'time.sleep(3600)'!r}; here = pathlib.Path({str(tmp_path)!r}); "
        "analysis.analyse(here, [], here, kinds=['sr'], model=None, limit_s=3600, stop=threading.Event())"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        wait_for(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text().endswith(" "))
    finally:
        parent.kill()
        parent.wait()
    child = int((tmp_path / "pid").read_text())
    wait_for(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_a_series_without_results_is_said(study: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a scan without a lung: nothing goes anywhere, and the log says why."""
    monkeypatch.setattr(analysis, "_PROGRAM", "print('no lung is in view')")
    listener, time_there = settings(tmp_path, rules=[{**RULE, "send": {}}]), Time()
    with listening(listener, None, time_there) as said:
        store(listener.port, study)
        time_there.pass_by(STABLE_S)
        wait_for(lambda: any("no results; see" in line for line in said))
    [log] = listener.folder.rglob(analysis.LOG)
    assert "no lung" in log.read_text()


def test_what_crashes_is_left_alone_after_three_times(
    study: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "_PROGRAM", PROGRAM)
    listener, time_there = settings(tmp_path, rules=[{**RULE, "send": {}}]), Time()
    listener.folder.mkdir()
    (listener.folder / "crash").touch()
    with listening(listener, None, time_there) as said:
        store(listener.port, study)
        time_there.pass_by(STABLE_S)
        for tries in (1, 2):
            wait_for(lambda tries=tries: sum("is tried again" in line for line in said) == tries)
            time_there.pass_by(RETRY_S * tries)
        wait_for(lambda: any("left alone" in line for line in said))
    queue = Queue(listener.folder)
    assert queue.counts() == {"failed": 1, "results to send": 0}
    assert "signal" in queue.job(1).reason
    queue.close()


@pytest.mark.parametrize(("caller", "called"), [("STRANGER", "LESION"), ("SENDER", "OTHER")])
def test_strangers_are_refused(caller: str, called: str, study: list[Path], tmp_path: Path) -> None:
    listener = settings(tmp_path)
    with listening(listener):
        assert store(listener.port, study, caller, called) == []
        assert store(listener.port, study) == study


def test_what_is_too_large_or_has_no_room_is_not_acknowledged(study: list[Path], tmp_path: Path) -> None:
    with listening(small := settings(tmp_path, instance_mb=0.0005)):
        assert store(small.port, study, patience_s=2) == []  # a sender of pynetdicom's waits, though we hung up
    with listening(full := settings(tmp_path, free_gb=10**9)):
        assert store(full.port, study) == []


def test_what_is_no_instance_is_not_acknowledged(tmp_path: Path) -> None:
    [path] = factory.write(slices()[:1], tmp_path / "odd")
    odd = pydicom.dcmread(path)
    del odd.StudyInstanceUID
    odd.save_as(path)
    listener = settings(tmp_path)
    pynetdicom = engines.pynetdicom()
    with listening(listener):
        entity = pynetdicom.AE(ae_title="SENDER")
        entity.add_requested_context(odd.SOPClassUID, odd.file_meta.TransferSyntaxUID)
        association = entity.associate("127.0.0.1", listener.port, ae_title="LESION")
        assert association.send_c_store(path).Status == 0xC000
        association.release()
    with pytest.raises(PacsError):
        instances_below([listener.folder / "inbox"])


def test_bytes_that_are_no_dicom_do_not_end_it(study: list[Path], tmp_path: Path) -> None:
    """Malformed PDUs: each ends its own connection, and the next sender is served."""
    chance = random.Random(5)
    listener = settings(tmp_path)
    with listening(listener):
        for length in (1, 6, 10, 200, 70_000):
            for kind in (0, 1, 4, 5, 7, 255):
                with socket.create_connection(("127.0.0.1", listener.port)) as one:
                    one.sendall(bytes([kind, 0]) + length.to_bytes(4, "big") + chance.randbytes(min(length, 4096)))
        # As a sender does that finds us busy; places that nobody has any more would be kept for half a minute.
        wait_for(lambda: store(listener.port, study) == study)


def ends(port: int, sent: bytes) -> bool:
    """Whether the listener ends a connection that begins so and then says nothing more."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as one:
        one.sendall(sent)
        with suppress(ConnectionResetError):
            return one.recv(100) in (b"", *ABORTS)
    return True


def test_a_pdu_without_end_is_not_waited_for(study: list[Path], tmp_path: Path) -> None:
    """One that says that it has 4 GB ends its connection at once; one that stops in the middle after a while."""
    with listening(slow := settings(tmp_path, timeout_s=10 * PATIENCE_S)):
        assert ends(slow.port, b"\x01\x00\xff\xff\xff\xf0half of it")
        assert store(slow.port, study) == study
    with listening(quick := settings(tmp_path, timeout_s=1)):
        assert ends(quick.port, b"\x01\x00\x00\x00\x10\x00half of it")
        wait_for(lambda: port_answers(quick.port))


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_it_stops_though_somebody_is_connected_and_says_nothing(tmp_path: Path) -> None:
    listener = settings(tmp_path)
    with listening(listener):
        silent = socket.create_connection(("127.0.0.1", listener.port), timeout=PATIENCE_S)
        wait_for(lambda: any(one.name.startswith("AcceptorThread") for one in threading.enumerate()))
    with silent, suppress(ConnectionResetError):
        assert silent.recv(100) == b""


def test_the_same_instance_twice_is_one_and_another_is_kept_too(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    [path] = factory.write(slices()[:1], tmp_path / "one")
    assert storage.keep(path.read_bytes())[1]
    assert not storage.keep(path.read_bytes())[1]
    other = pydicom.dcmread(path)
    other.SeriesDescription = "changed"
    other.save_as(path)
    assert storage.keep(path.read_bytes())[1]
    assert len(list((tmp_path / factory.uid("study")).rglob("*.dcm"))) == 2


def test_rules_choose_by_what_they_say() -> None:
    rule = Rule(name="x", modality=("CT",), body_part=("chest", "thorax"), description=("*lung*",), sender=("CT1",))
    chest = Arrived("CT", "CHEST", "Lung 1.0", "Thorax nativ")
    assert rule.fits(chest, {"CT1", "PACS"})
    assert not rule.fits(chest, {"PACS"})
    assert not rule.fits(Arrived("MR", "CHEST", "Lung", ""), {"CT1"})
    assert not rule.fits(Arrived("CT", "ABDOMEN", "Lung", ""), {"CT1"})
    assert not rule.fits(Arrived("CT", "CHEST", "Soft", "Thorax"), {"CT1"})
    assert rule.fits(Arrived("CT", "THORAX", "Soft", "LUNG SCREENING"), {"CT1"})
    # A structured report brings the outlines along that it refers to.
    assert Rule(name="x", send={"a": ("sr",), "b": ("key-images",)}).kinds == ("seg", "sr", "key-images")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"callers": []}, "who may send"),
        ({"rules": [{"name": "a", "send": {"nowhere": ["sr"]}}]}, "nowhere"),
        ({"rules": [{"name": "a", "send": {"pacs": ["pdf"]}}]}, "cannot be sent"),
        ({"rules": [{"name": "a"}, {"name": "a"}]}, "one name"),
        ({"ports": 1}, "ports"),
    ],
)
def test_a_wrong_file_is_refused(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    path = tmp_path / "listen.yaml"
    path.write_text(yaml.safe_dump({"callers": ["A"], "folder": "x", **changes}))
    with pytest.raises(ConfigError, match=said):
        load_listening(path, Nodes())


def test_a_folder_has_one_listener(tmp_path: Path) -> None:
    one = settings(tmp_path)
    with listening(one), pytest.raises(ConfigError, match="another listener"):
        Listener(settings(tmp_path), Nodes(), print).run()


# -- the program, killed ----------------------------------------------------------------------------------------------


def start(file: Path) -> subprocess.Popen[bytes]:
    code = "from napari_lesion.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "listen", str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def small_study(folder: Path, number: int) -> list[Path]:
    made = slices(f"study {number}", ExplicitVRLittleEndian, StudyInstanceUID=factory.uid("killed", number))
    return factory.write(made[:4], folder / str(number))


def test_killed_at_any_moment_it_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    kills = int(os.environ.get("NAPARI_LESION_LISTENER_KILLS", "2"))
    listener = settings(tmp_path, free_gb=0)
    file = tmp_path / "listen.yaml"
    file.write_text(yaml.safe_dump(json.loads(listener.model_dump_json(exclude={"tls"}))))
    left = [path for number in range(12 * kills) for path in small_study(tmp_path / "source", number)]
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
            done = store(listener.port, some, patience_s=10)  # pynetdicom waits for an answer though nobody is there
            with lock:
                acknowledged.extend(done)
                left.extend(path for path in some if path not in done)
            time.sleep(0.05)

    process = start(file)
    try:
        wait_for(lambda: port_answers(listener.port))
        senders = [threading.Thread(target=send_some) for _ in range(3)]
        for sender in senders:
            sender.start()
        for _ in range(kills):
            time.sleep(chance.uniform(0.1, 1.0))
            process.kill()
            process.wait()
            process = start(file)
            wait_for(lambda: port_answers(listener.port))
        for sender in senders:
            sender.join(600)
        assert not left
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        assert b"Stopped" in said
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    there = {one.sop_uid: one.path for one in instances_below([listener.folder / "inbox"])}
    assert set(there) >= {describe(path).sop_uid for path in acknowledged}
    assert len(acknowledged) == len(sources)
    for uid, path in there.items():
        assert pydicom.dcmread(path).PixelData == pydicom.dcmread(sources[uid]).PixelData
