"""A run as others see it: what it says of itself in ``status.json``, what they ask of it, and its tables so far.

Whoever looks at a run, or asks something of it, does so through its folder: it may be of another program, or of a
window that was closed long ago.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from multiprocessing import spawn
from pathlib import Path
from typing import Literal, get_args

import psutil

from napari_lesion.support.atomic import whole_file
from napari_lesion.support.bounded import UnreadableError, parse_json, read_text
from napari_lesion.support.errors import Cancelled, ConfigFileError, LesionError, OptionError
from napari_lesion.support.progress import Progress
from napari_lesion.training.engine import run_folder
from napari_lesion.training.engine.log import LoggedRow, read_rows

State = Literal["preparing", "training", "paused", "stopped", "failed", "done", "interrupted", "unknown"]
"""``interrupted``: its process has gone without a word, and so it goes on from its last checkpoint; ``unknown``: the
folder is of a run that says nothing of itself (of an earlier version, or a fold)."""
ALIVE: tuple[State, ...] = ("preparing", "training", "paused")
"""Of a run whose process is there."""
STATUS_FILE = "status.json"
LOG_FILE = "train.log"
_EVERY_S = 1.0
_RUN = (
    "from pathlib import Path; from napari_lesion.training.train import train; "
    "train(Path(sys.argv[1]), Path(sys.argv[2]), resume=bool(sys.argv[3]))"
)


@dataclass(frozen=True)
class RunStatus:
    """What a run says of itself."""

    state: State
    step: int = 0
    steps: int = 0
    what: str = ""
    """What it is at, or why it failed."""
    process: int = 0
    host: str = ""
    begun: float = 0.0
    """When its process began, seconds since 1970: numbers of processes are used again."""
    said: float = 0.0
    """When it said this."""


@dataclass(frozen=True)
class WatchedRun:
    """A run, as its folder has it now."""

    folder: Path
    status: RunStatus
    steps: tuple[LoggedRow, ...]
    """By step: ``step``, ``loss``, ``learning_rate`` and what else the recipe writes."""
    validations: tuple[LoggedRow, ...]
    measure: str
    """Column of the validations that the weights are chosen by; "" before the first."""
    mistakes: Path | None
    """Picture of what the last validation missed and found wrongly."""
    model: Path | None
    """The model package, once there is one."""

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        return self.status.state in ALIVE

    @property
    def best(self) -> tuple[int, float] | None:
        """Step and value of the best validation."""
        if not self.measure or not self.validations:
            return None
        row = max(self.validations, key=lambda one: one.get(self.measure, float("-inf")))
        return int(row["step"]), float(row[self.measure])


@contextmanager
def reported(out: Path, progress: Progress) -> Iterator[Progress]:
    """Keep ``status.json`` of a run true, from its first moment to how it ends.

    Yields
    ------
    progress : Progress
        To be called by the run in place of the one that was given, which it calls.
    """
    last, due = own_status(), 0.0
    there = _status(out, done=False)
    if (there.process, there.state) == (last.process, "preparing"):
        last = replace(last, said=time.time())  # `start` has said it

    def say() -> None:
        nonlocal last
        last = replace(last, said=time.time())
        write_status(out, last)

    def show(done: int, total: int, what: str) -> None:
        nonlocal due, last
        progress(done, total, what)
        before = last.state
        if what.startswith(run_folder.TRAINING):
            last = replace(last, state="training", step=done, steps=total, what=what)
        else:
            last = replace(last, state="paused" if what == run_folder.PAUSED else before, what=what)
        # Before the first step there may be no folder yet, or one that the run will refuse.
        if (time.monotonic() >= due or before != last.state) and (last.steps or last.said):
            due = time.monotonic() + _EVERY_S
            say()

    def end(state: State, what: str) -> None:
        nonlocal last
        if last.said:
            last = replace(last, state=state, what=what)
            say()

    try:
        yield show
    except (Cancelled, KeyboardInterrupt):
        end("stopped", "")
        raise
    except LesionError as error:
        end("failed", str(error))
        raise
    except BaseException as error:
        # Texts of other errors may quote what they worked on.
        end("failed", type(error).__name__)
        raise
    end("done", "")


def own_status(process: int | None = None) -> RunStatus:
    """Give what a run of a process, by default of this one, says at first."""
    found = psutil.Process(process)
    return RunStatus("preparing", process=found.pid, host=socket.gethostname(), begun=found.create_time())


def write_status(out: Path, status: RunStatus) -> None:
    """Write it into the run's folder."""
    with whole_file(out / STATUS_FILE) as new:
        new.write_text(json.dumps(asdict(status)), encoding="utf-8")


def look_at(folder: Path) -> WatchedRun:
    """Read how far a run is.

    Raises
    ------
    ConfigFileError
        If the folder is none of a run, or its tables are damaged.
    """
    if not (folder / "config.yaml").exists() and not (folder / STATUS_FILE).exists():
        raise ConfigFileError(f"{folder} is no folder of a training run: it has neither {STATUS_FILE} nor config.yaml.")
    try:
        steps, validations = (tuple(read_rows(folder / name)) for name in ("progress.csv", "validation.csv"))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigFileError(
            f"{folder}: progress.csv or validation.csv is not as `train` writes it ({error})."
        ) from error
    measure = next((name for name in (validations[0] if validations else {}) if name != "step"), "")
    model, mistakes = folder / "model", folder / run_folder.MISTAKES
    status = _status(folder, done=model.is_dir())
    if not status.steps and steps:
        status = replace(status, step=int(steps[-1]["step"]))
    return WatchedRun(
        folder,
        status,
        steps,
        validations,
        measure,
        mistakes if mistakes.exists() else None,
        model if model.is_dir() else None,
    )


def _status(folder: Path, *, done: bool) -> RunStatus:
    try:
        content = parse_json(read_text(folder / STATUS_FILE))
        status = RunStatus(**content)
        if status.state not in get_args(State):
            raise ValueError(status.state)
    except (OSError, UnreadableError, TypeError, ValueError):
        return RunStatus("done" if done else "unknown")
    if status.state in ALIVE and status.host == socket.gethostname() and not _is_there(status):
        return replace(status, state="interrupted")
    return status


def _is_there(status: RunStatus) -> bool:
    try:
        process = psutil.Process(status.process)
        # Where the clock was set since, a process seems to have begun a little earlier or later.
        return abs(process.create_time() - status.begun) < 5 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def start(config: Path, out: Path, *, resume: bool = False) -> None:
    """Start a run as a process of its own, which goes on when this one ends; what it prints is in ``train.log``.

    Raises
    ------
    OptionError
        If the folder holds another run, or one that is going on, or there is nothing to resume.
    """
    run_folder.place(out, resume=resume)
    with suppress(ConfigFileError):
        if look_at(out).alive:
            raise OptionError(f"The run in {out} is going on. Watch it, or stop it first.")
    out.mkdir(parents=True, exist_ok=True)
    python, goes_on = os.fsdecode(spawn.get_executable()), "resume" if resume else ""
    with (out / LOG_FILE).open("ab") as log:
        started = subprocess.Popen(
            [python, "-c", f"import sys; sys.path[:] = {sys.path!r}; {_RUN}", str(config), str(out), goes_on],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    # Its process is known before it says a word itself: the first seconds go by with imports.
    write_status(out, own_status(started.pid))
