"""Long work on a worker thread: progress, cancel, and errors as sentences, with the window alive."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from napari.qt.threading import WorkerBase, WorkerBaseSignals
from qtpy.QtCore import QEventLoop, QObject, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QApplication, QProgressDialog, QWidget

from napari_lesion.errors import Cancelled, LesionError
from napari_lesion.plugin.texts import later, tr
from napari_lesion.progress import Progress, silent

T = TypeVar("T")
_log = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """Say what went wrong in words for a reader.

    A `LesionError` is a sentence already. Anything else is a bug, and the text says so and names it.
    """
    if isinstance(error, LesionError):
        return str(error)
    return tr("Unexpected error, please report it: {error}", error=f"{type(error).__name__}: {error}")


#: Steps of the core's work, as it names them in English.
_STEPS = (
    later("starting"),
    later("loading the model"),
    later("finding the lungs"),
    later("lungs ready"),
    later("resampling the lungs"),
    later("preparing the scan for the model"),
    later("searching {count} windows"),
    later("collecting the candidates"),
    later("judging the candidates"),
    later("collecting the findings"),
    later("{count} candidates"),
    later("{count} findings"),
    later("Reading headers"),
    later("finding the lungs of both scans"),
    later("aligning: turn and shift"),
    later("aligning: breath"),
    later("judging the alignment"),
    later("matching the findings"),
    later("measuring"),
    later("outlining"),
)


def step_text(what: str) -> str:
    """Say a step of the core's work in the user's language; one that is not known stays as it is."""
    number = re.search(r"\d+", what)
    if number is None:
        return tr(what)
    return tr(what.replace(number[0], "{count}", 1)).replace("{count}", number[0])


class _Signals(WorkerBaseSignals):  # type: ignore[misc]
    progressed = Signal(int, int, str)


class _Worker(WorkerBase):  # type: ignore[misc]
    """Runs one function; napari waits for it (and asks it to quit) when the application closes."""

    def __init__(self, function: Callable[[Progress], Any]) -> None:
        super().__init__(SignalsClass=_Signals)
        self._function = function
        self._cancelled = False

    def cancel(self) -> None:
        self._cancelled = True

    def work(self) -> Any:
        return self._function(self._progress)

    def _progress(self, done: int, total: int, what: str) -> None:
        # `quit()` sets abort_requested, but then `returned` is never emitted; cancelling ends in `errored` instead.
        if self._cancelled or self.abort_requested:
            raise Cancelled
        self.progressed.emit(done, total, what)


class Task(QObject, Generic[T]):
    """One run of a function on a worker thread. All signals arrive on the thread that made the task.

    Exactly one of ``succeeded``, ``failed`` and ``cancelled`` is emitted, then ``ended``.

    Parameters
    ----------
    function : callable
        Is called with a progress callback, which raises `Cancelled` after `cancel`.
    parent : QObject, optional
    """

    progressed = Signal(int, int, str)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()

    def __init__(self, function: Callable[[Progress], T], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = _Worker(function)
        self._worker.progressed.connect(self.progressed)
        self._worker.returned.connect(self._on_returned)
        self._worker.errored.connect(self._on_errored)
        self.destroyed.connect(self._worker.cancel)  # nobody is left to take the result
        self.running = False

    def start(self) -> None:
        """Start the work and return at once."""
        self.running = True
        self._worker.start()

    def cancel(self) -> None:
        """Ask the work to stop at its next step; ``cancelled`` tells when it did."""
        self._worker.cancel()

    def _on_returned(self, result: T) -> None:
        self.running = False
        self.succeeded.emit(result)
        self.ended.emit()

    def _on_errored(self, error: Exception) -> None:
        self.running = False
        if isinstance(error, Cancelled):
            self.cancelled.emit()
        else:
            if not isinstance(error, LesionError):
                _log.error("a task failed", exc_info=error)
            self.failed.emit(error)
        self.ended.emit()


def run_with_dialog(title: str, function: Callable[[Progress], T], parent: QWidget | None = None) -> T:
    """Run a function to its end behind a progress dialog, with the window alive and a Cancel button.

    Without a Qt application it just runs.

    Raises
    ------
    Cancelled
        If the user pressed Cancel.
    Exception
        Whatever the function raised.
    """
    if QApplication.instance() is None:
        return function(silent)
    dialog = QProgressDialog(title, tr("Cancel"), 0, 0, parent)
    dialog.setWindowTitle(tr("Lesion detection"))
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setMinimumDuration(400)
    dialog.setMinimumWidth(380)
    dialog.setAutoClose(False)
    dialog.setAutoReset(False)

    outcome: list[T] = []
    errors: list[Exception] = []
    loop = QEventLoop()
    task: Task[T] = Task(function)

    def show(done: int, total: int, what: str) -> None:
        dialog.setMaximum(total)
        dialog.setValue(min(done, total))
        dialog.setLabelText(f"{title}\n{step_text(what)}")

    task.progressed.connect(show)
    task.succeeded.connect(outcome.append)
    task.failed.connect(errors.append)
    task.cancelled.connect(lambda: errors.append(Cancelled()))
    task.ended.connect(loop.quit)
    dialog.canceled.connect(task.cancel)
    try:
        task.start()
        loop.exec()
    finally:
        dialog.close()
        dialog.deleteLater()
    if errors:
        error = errors.pop()
        try:
            raise error
        finally:
            del error  # its traceback holds this frame, and with it the window
    return outcome[0]
