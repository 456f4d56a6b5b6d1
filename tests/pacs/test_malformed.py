"""What is no DICOM any more, or never was: recorded associations with bytes that are changed, gone, doubled, moved.

NAPARI_LESION_MALFORMED makes it more than CI has time for, NAPARI_LESION_MALFORMED_SEED other ones.
"""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dicom_factory as factory
import pytest
from listener_case import PATIENCE_S, listening, settings, store, wait_for
from pacs_studies import slices

from napari_lesion.pacs.storage import instances_below

SEED = int(os.environ.get("NAPARI_LESION_MALFORMED_SEED", "11"))
COUNT = int(os.environ.get("NAPARI_LESION_MALFORMED", "40"))


@contextmanager
def recording(to: int) -> Iterator[tuple[int, bytearray]]:
    """A port whose first connection goes to another one, and what was sent there."""
    said = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def forward() -> None:
            here, _ = server.accept()
            with here, socket.create_connection(("127.0.0.1", to), timeout=PATIENCE_S) as there:
                back = threading.Thread(target=copy, args=(there, here, bytearray()))
                back.start()
                copy(here, there, said)
                back.join()

        thread = threading.Thread(target=forward)
        thread.start()
        yield server.getsockname()[1], said
        thread.join(PATIENCE_S)


def copy(source: socket.socket, target: socket.socket, said: bytearray) -> None:
    with suppress(OSError):
        while content := source.recv(65536):
            said += content
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)


def pdus(stream: bytes) -> list[bytes]:
    """Divide what was sent into PDUs (PS3.8, 9.3.1: type, a reserved byte, length)."""
    found = []
    while stream:
        length = 6 + int.from_bytes(stream[2:6], "big")
        found.append(stream[:length])
        stream = stream[length:]
    return found


def malformed(good: list[bytes], chance: random.Random) -> bytes:
    """Change one to four things: of a PDU its type, its length, the lengths and types within, or their order."""
    made = [bytearray(one) for one in good]
    for _ in range(chance.randint(1, 4)):
        one = chance.choice(made)
        at = chance.randrange(min(len(one), 400))  # what is agreed upon stands before the pixels
        match chance.randrange(8):
            case 0:
                one[0] = chance.randrange(256)
            case 1:
                one[2:6] = chance.choice((0, 1, 5, len(one), 2**31, 2**32 - 1)).to_bytes(4, "big")
            case 2:
                one[at] = chance.randrange(256)
            case 3:
                del one[at : at + chance.randint(1, 40)]
            case 4:
                one[at:at] = chance.randbytes(chance.randint(1, 40))
            case 5:
                made.insert(chance.randrange(len(made)), bytearray(one))
            case 6:
                chance.shuffle(made)
            case _:
                del one[chance.randrange(max(len(one), 1)) :]
        made = [one for one in made if one] or [bytearray(b"\x01")]
    return b"".join(made)


def test_associations_that_go_wrong_do_not_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crashed: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda of: crashed.append(of.exc_type))
    study = factory.write(slices("ct", Rows=16, Columns=16), tmp_path / "source")[:2]
    listener, chance = settings(tmp_path), random.Random(SEED)
    with listening(listener):
        with recording(listener.port) as (port, said):
            assert store(port, study) == study
        good = pdus(bytes(said))
        assert [one[0] for one in good][:1] == [1]
        assert len(good) >= 5
        for _ in range(COUNT):
            with socket.create_connection(("127.0.0.1", listener.port), timeout=PATIENCE_S) as one, suppress(OSError):
                one.sendall(malformed(good, chance))
                one.shutdown(socket.SHUT_WR)
                while one.recv(65536):
                    pass
        others = factory.write(slices("other", StudyInstanceUID="2.25.9"), tmp_path / "other")
        wait_for(lambda: store(listener.port, others) == others)
    assert crashed == []
    kept = {one.sop_uid for one in instances_below([tmp_path / "service" / "inbox"])}
    assert {one.sop_uid for one in instances_below([*study, *others])} <= kept
