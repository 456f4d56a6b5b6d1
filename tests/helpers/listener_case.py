"""A listener on a thread, what is sent to it, and a time that is set forward."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ports import free_port

from napari_lesion.pacs import engines
from napari_lesion.pacs.association import mended
from napari_lesion.pacs.clock import Clock
from napari_lesion.pacs.listener import Listener
from napari_lesion.pacs.nodes import Nodes
from napari_lesion.pacs.rules import Listening
from napari_lesion.pacs.storage import describe

#: Of the time that tests set forward; none of them waits for that long.
STABLE_S, RETRY_S = 600.0, 60.0
#: Only a machine that hangs is so slow: no test fails because others work beside it.
PATIENCE_S = 120.0
#: In place of `napari-lesion analyse`: an SR for each series, whose UID is made of the images.
PROGRAM = """
import sys, hashlib, pathlib, pydicom
scan, out = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[4])
if (scan.parent.parent.parent / "crash").exists():
    import os
    os.abort()
for folder in scan.iterdir():
    files = sorted(folder.glob("*.dcm"))
    one = pydicom.dcmread(files[0], stop_before_pixels=True)
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.34"
    uid = "2.25." + str(int(hashlib.sha256("".join(f.name for f in files).encode()).hexdigest()[:30], 16))
    one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = uid
    one.SeriesInstanceUID, one.Modality = uid + ".1", "SR"
    one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    target = out / folder.name / "structured_report.dcm"
    target.parent.mkdir(parents=True)
    pydicom.dcmwrite(target, one, enforce_file_format=True, implicit_vr=False, little_endian=True)
"""
RULE = {"name": "chest", "modality": ["CT"], "body_part": ["chest"], "send": {"orthanc": ["sr"]}}


class Time:
    """A clock that stands still until it is set forward: what takes long under load is never taken for an end."""

    def __init__(self) -> None:
        self._now = 1_000_000.0

    def __call__(self) -> float:
        return self._now

    def pass_by(self, seconds: float) -> None:
        self._now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(self, self)


def settings(folder: Path, **changes: object) -> Listening:
    made = {
        "ae_title": "LESION",
        "port": free_port(),
        "callers": ["SENDER", "ORTHANC"],
        "folder": folder / "service",
        "stable_s": STABLE_S,
        "retry_s": RETRY_S,
        "free_gb": 0,
        "timeout_s": PATIENCE_S,
        **changes,
    }
    return Listening.model_validate(made)


@contextmanager
def listening(listening: Listening, nodes: Nodes | None = None, time_there: Time | None = None) -> Iterator[list[str]]:
    """A listener on a thread, and what it says."""
    said: list[str] = []
    service = Listener(listening, nodes or Nodes(), said.append, time_there.clock if time_there else Clock())
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        wait_for(lambda: port_answers(listening.port))
        yield said
    finally:
        service.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def wait_for(what: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def port_answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def store(
    port: int, files: list[Path], caller: str = "SENDER", called: str = "LESION", patience_s: float = PATIENCE_S
) -> list[Path]:
    """Send files; those that were acknowledged."""
    pynetdicom = engines.pynetdicom()
    entity = pynetdicom.AE(ae_title=caller)
    entity.acse_timeout = entity.network_timeout = entity.dimse_timeout = patience_s
    kinds = {(one.sop_class_uid, one.transfer_syntax) for one in map(describe, files)}
    contexts = [pynetdicom.build_context(kind, [syntax]) for kind, syntax in kinds]
    opened = [(pynetdicom.evt.EVT_CONN_OPEN, mended, [patience_s])]
    association = entity.associate("127.0.0.1", port, contexts=contexts, ae_title=called, evt_handlers=opened)
    if not association.is_established:
        return []
    acknowledged = []
    for path in files:
        try:
            status = association.send_c_store(path)
        except (RuntimeError, OSError):  # the association is gone
            break
        if status.get("Status") == 0:
            acknowledged.append(path)
    if association.is_established:
        association.release()
    return acknowledged


@contextmanager
def forwarding(port: int, to: int) -> Iterator[None]:
    """An archive that is there again: connections to a port of loopback go to another one."""

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", to), timeout=PATIENCE_S) as there:
                ends = {self.request: there, there: self.request}
                while True:
                    for one in select.select(list(ends), [], [])[0]:
                        content = one.recv(65536)
                        if not content:
                            return
                        ends[one].sendall(content)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

    with Server(("127.0.0.1", port), Forward) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
