"""Ports for servers of the tests: nobody else takes them between being chosen and being bound."""

from __future__ import annotations

import os
import random
import socket
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

#: Below those that the system gives to who connects (32768 on Linux, 49152 elsewhere), above those of known services.
_FIRST, _LAST = 15_000, 32_000
_TRIES = 200
_CHANCE = random.Random(f"{os.getpid()}-{os.urandom(8).hex()}")  # each worker in an order of its own
_held: dict[int, FileLock] = {}


def free_port() -> int:
    """A port of loopback that is free, and that no other process of tests gets until this one ends."""
    folder = Path(tempfile.gettempdir()) / f"napari-lesion-test-ports-{os.getuid() if hasattr(os, 'getuid') else 0}"
    folder.mkdir(exist_ok=True)
    for _ in range(_TRIES):
        port = _CHANCE.randint(_FIRST, _LAST)
        if port in _held:
            continue
        lock = FileLock(folder / f"{port}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        if _is_free(port):
            _held[port] = lock
            return port
        lock.release()
    raise RuntimeError(f"no port is free between {_FIRST} and {_LAST}")


def _is_free(port: int) -> bool:
    """Whether it can be bound at all addresses: Orthanc does that, whatever it is told."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
