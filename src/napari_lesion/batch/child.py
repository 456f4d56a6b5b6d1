"""A process that analyses one series after the other, with the model loaded once: `main` is all that it runs."""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import logging
import os
import pickle
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO

from napari_lesion.batch.messages import Answer, Begin, Doing, Logged, Ready, Refused, private_pipes, read, write
from napari_lesion.batch.series import Task, analyse_series, check_device
from napari_lesion.detection.choice import DetectorChoice
from napari_lesion.models.card import Detector
from napari_lesion.support.nameless import install, trace

_SEND_EVERY_S = 0.2
_NEEDED = ("napari_lesion.dicom.read.reader", "napari_lesion.report.nifti", "napari_lesion.report.overview")
_PARENT_DIES = 1
"""PR_SET_PDEATHSIG (prctl(2))."""
_FIRST_TO_GO = "1000"
"""Where memory runs out, the system ends a process that analyses before the one that keeps the ledger."""


def main(parent: int) -> None:
    """Load a detector and analyse what comes, until nothing comes any more or the parent is gone."""
    requests, answers = private_pipes()
    faulthandler.enable()
    install(lambda text: print(text, file=sys.stderr, flush=True))  # noqa: T201 - the parent quotes what is said last
    _end_with(parent)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    send = _sender(answers)
    logging.getLogger().addHandler(_ToParent(send))
    try:
        begin = read(requests)
        if begin is None:
            return
        detector = _load(begin)
    except Exception as error:
        send(Refused(_plain(error)))
        return
    gc.collect()
    gc.freeze()  # what is there now stays; collecting looks at what comes
    send(Ready(detector.card))
    while (task := read(requests)) is not None:
        send(_analyse(task, detector, send))
        _tidy()


def _load(begin: Begin) -> Detector:
    for name in _NEEDED:
        import_module(name)  # the first series shall take no longer than the others
    chosen = pickle.loads(begin.detector)
    detector: Detector = chosen.load() if isinstance(chosen, DetectorChoice) else chosen
    check_device(begin.device)
    return detector


def _tidy() -> None:
    """Give back what the last series took: pictures refer to themselves, and the C library keeps what is freed."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # not of every C library
            ctypes.CDLL(None).malloc_trim(0)


def _analyse(task: Task, detector: Detector, send: Callable[[Answer], None]) -> Answer:
    sent = 0.0

    def progress(done: int, total: int, what: str) -> None:
        nonlocal sent
        if (now := time.monotonic()) - sent >= _SEND_EVERY_S:
            sent = now
            send(Doing(done, total, what))

    with warnings.catch_warnings():
        if task.settings.withheld is not None:
            warnings.simplefilter("ignore")  # pydicom's quote the values
        return analyse_series(task, detector, progress)


def _plain(error: Exception) -> Exception:
    """Give an error that can be sent: itself, or what it says."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(trace(error))
    return error


def _sender(answers: IO[bytes]) -> Callable[[Answer], None]:
    lock = threading.Lock()

    def send(answer: Answer) -> None:
        with lock:
            try:
                write(answers, answer)
            except OSError:  # nobody is there any more
                os._exit(1)

    return send


class _ToParent(logging.Handler):
    """Hands warnings to the parent, which has the user's log."""

    def __init__(self, send: Callable[[Answer], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record over."""
        error = None if record.exc_info is None else record.exc_info[1]
        self._send(Logged(record.name, record.levelno, record.getMessage(), "" if error is None else trace(error)))


def _end_with(parent: int) -> None:
    """Have the system end this process when its parent is gone, where it can."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL)
    if hasattr(os, "getppid") and os.getppid() != parent:
        os._exit(1)
