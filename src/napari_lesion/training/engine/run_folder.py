"""The folder of a run: where its checkpoint is, and what others ask of the run by way of it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import OptionError

CHECKPOINT = "checkpoint.pt"
MISTAKES = "mistakes.png"
"""Picture of what the last validation got wrong."""
TRAINING = "training, loss"
"""How what the loop tells of a step begins."""
PAUSED = "paused"
"""What the loop tells while it waits."""
_REQUEST = "request.txt"

Request = Literal["pause", "stop"]


def place(out: Path, *, resume: bool) -> Path:
    """Give the path of a run's checkpoint.

    Raises
    ------
    OptionError
        If the folder holds another run, or there is nothing to resume.
    """
    path = out / CHECKPOINT
    if path.exists() and not resume:
        raise OptionError(f"{out} already holds a run. Pass --resume to go on with it, or choose another folder.")
    if resume and not path.exists():
        raise OptionError(f"{out} holds no run to go on with. Leave --resume out.")
    return path


def ask(out: Path, request: Request) -> None:
    """Ask a run to pause, or to stop; it does after its next step, when its checkpoint is written."""
    with whole_file(out / _REQUEST) as new:
        new.write_text(request, encoding="utf-8")


def withdraw(out: Path) -> None:
    """Take back what was asked for: a run that pauses goes on."""
    with suppress(FileNotFoundError):
        (out / _REQUEST).unlink()


def asked(out: Path) -> Request | None:
    """Look what is asked of a run; anything but the two words is nothing."""
    try:
        text = (out / _REQUEST).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return "pause" if text == "pause" else "stop" if text == "stop" else None
