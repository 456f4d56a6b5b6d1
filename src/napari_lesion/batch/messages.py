"""What a process that analyses and the one that sent it there say to each other: pickled objects, one after the other.

Both are of one user and one installation, and talk through pipes that nobody else has: nothing comes from outside.
"""

from __future__ import annotations

import os
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from napari_lesion.batch.series import Ended, Task
from napari_lesion.models.card import Card

_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Begin:
    """What a process loads before its first series.

    Attributes
    ----------
    detector : bytes
        A pickled `DetectorChoice` or detector.
    device : str
    """

    detector: bytes
    device: str


@dataclass(frozen=True)
class Ready:
    """The detector is loaded."""

    card: Card


@dataclass(frozen=True)
class Refused:
    """It could not be loaded."""

    error: Exception


@dataclass(frozen=True)
class Doing:
    """How far the analysis is."""

    done: int
    total: int
    what: str


@dataclass(frozen=True)
class Logged:
    """A record of the log."""

    name: str
    level: int
    text: str
    trace: str


Answer = Ready | Refused | Doing | Logged | Ended


def write(file: IO[bytes], message: Begin | Task | Answer) -> None:
    """Send a message.

    Raises
    ------
    OSError
        If nobody is there to read it.
    """
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    file.write(_LENGTH.pack(len(content)) + content)
    file.flush()


def read(file: IO[bytes]) -> Any | None:
    """Read a message; None where there will be no more."""
    head = file.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    content = file.read(length)
    return pickle.loads(content) if len(content) == length else None


def private_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Keep stdin and stdout for messages: what libraries print goes to stderr."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(Path(os.devnull), os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, answers
