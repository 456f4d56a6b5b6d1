"""Long work on a worker thread: progress, cancel, and errors as sentences, with the window alive."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any, Generic, TypeVar

from qtpy.QtCore import (  # type: ignore[attr-defined]
    QCoreApplication,
    QEvent,
    QEventLoop,
    QObject,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from qtpy.QtWidgets import QApplication, QProgressDialog, QWidget

from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.widgets.garbage import WindowCollector
from napari_lesion.support import nameless
from napari_lesion.support.errors import Cancelled, GapsError, LesionError, UnitError
from napari_lesion.support.progress import Progress, silent

T = TypeVar("T")
_log = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """Describe what went wrong in words for a reader.

    A `LesionError` is a sentence already; where it names a remedy of the command line, the viewer's is added. Anything
    else is a bug, and the text says so and names it.
    """
    if isinstance(error, UnitError):
        return f"{error} {tr('Here: close the scan and open it again; you are asked whether its values are HU.')}"
    if isinstance(error, GapsError):
        return f"{error} {tr('Here: open the scan by itself; you are asked whether to interpolate.')}"
    if isinstance(error, LesionError):
        return in_language(str(error))
    return tr("Unexpected error, please report it: {error}", error=nameless.place_of(error))


#: Steps of the core's work, as it names them in English.
_STEPS = (
    N_("starting"),
    N_("loading the model"),
    N_("finding the lungs"),
    N_("lungs ready"),
    N_("resampling the lungs"),
    N_("preparing the scan for the model"),
    N_("searching {count} windows"),
    N_("collecting the candidates"),
    N_("reducing false positives"),
    N_("collecting the findings"),
    N_("{count} candidates"),
    N_("{count} findings"),
    N_("Reading headers"),
    N_("finding the lungs of both scans"),
    N_("aligning: turn and shift"),
    N_("aligning: breath"),
    N_("checking the alignment"),
    N_("matching the findings"),
    N_("measuring"),
    N_("outlining"),
    N_("asking what there is"),
    N_("asking whose study it is"),
    N_("asking what arrived"),
    N_("fetched {count}"),
    N_("sending files"),
    N_("waiting for the storage commitment"),
)


def step_text(what: str) -> str:
    """Phrase a step of the core's work in the user's language; one that is not known stays as it is."""
    number = re.search(r"\d+", what)
    if number is None:
        return tr(what)
    return tr(what.replace(number[0], "{count}", 1)).replace("{count}", number[0])


class _Run(QObject):
    """One function on a thread of its own.

    Neither napari's workers nor Qt's pool are used: there the thread itself frees the worker and the object whose
    signals it sent, while the window may still be reading them, and that ends the program now and then. Here all that
    both sides touch is held until the thread is over, and let go by the thread of the window.
    """

    progressed = Signal(int, int, str)
    ended = Signal()
    _finished = Signal()

    def __init__(self, function: Callable[[Progress], Any]) -> None:
        super().__init__()
        self._function: Callable[[Progress], Any] | None = function
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="napari-lesion task")
        self.result: Any = None
        self.error: BaseException | None = None
        # Queued, though Qt would see by itself that another thread sends it: `_end` waits for that thread.
        self._finished.connect(self._end, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        _running.add(self)
        _stop_at_quit()
        _collector().begin()
        self._thread.start()

    @Slot()  # type: ignore[untyped-decorator]
    def cancel(self) -> None:
        self._stop.set()

    def wait(self) -> None:
        self._thread.join()

    def _work(self) -> None:
        assert self._function is not None
        try:
            self.result = self._function(self._progress)
        except BaseException as error:  # nobody above would hear of it, and a window would wait for ever
            self.error = error
        self._finished.emit()

    def _progress(self, done: int, total: int, what: str) -> None:
        if self._stop.is_set():
            raise Cancelled
        self.progressed.emit(done, total, what)

    @Slot()  # type: ignore[untyped-decorator]
    def _end(self) -> None:
        self.wait()
        _running.discard(self)
        if not _running:
            _collector().end()
        self.ended.emit()
        # A task is often kept for longer than what it worked on, which may be a whole scan.
        self._function = self.result = self.error = None
        # This is a call that Qt makes to this very object, which must not go within it.
        QTimer.singleShot(0, partial(id, self))


#: What runs, or has ended without the window knowing yet.
_running: set[_Run] = set()
_PROPERTY = "napari_lesion_stops_tasks"


@cache
def _collector() -> WindowCollector:
    return WindowCollector()


def _stop_at_quit() -> None:
    """When the application closes, ask what runs to stop, and wait for it: it may be writing a file."""
    app = QCoreApplication.instance()
    if app is not None and app.property(_PROPERTY) is None:
        app.setProperty(_PROPERTY, True)
        app.aboutToQuit.connect(_stop_all)


def _stop_all() -> None:
    runs = tuple(_running)
    for run in runs:
        run.cancel()
    for run in runs:
        run.wait()


class Task(QObject, Generic[T]):
    """One run of a function on a thread of its own. All signals arrive on the thread that made the task.

    Exactly one of ``succeeded``, ``failed`` and ``cancelled`` is emitted, then ``ended``; none if the task is deleted
    before (with its parent, say), which cancels the run. When it has ended it deletes itself.

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
        self._run = _Run(function)
        self._run.progressed.connect(self.progressed)
        self._run.ended.connect(self._on_ended)
        self.destroyed.connect(self._run.cancel)  # nobody is left to take the result
        self.running = False

    def start(self) -> None:
        """Start the work and return at once."""
        self.running = True
        self._run.start()

    def cancel(self) -> None:
        """Ask the work to stop at its next step; ``cancelled`` tells when it did."""
        self._run.cancel()

    @Slot()  # type: ignore[untyped-decorator]
    def _on_ended(self) -> None:
        self.running = False
        error = self._run.error
        if error is None:
            self.succeeded.emit(self._run.result)
        elif isinstance(error, Cancelled):
            self.cancelled.emit()
        else:
            if not isinstance(error, LesionError):
                _log.error("a task failed\n%s", nameless.trace(error))
            self.failed.emit(error)
        self.ended.emit()
        self.deleteLater()  # what its signals are connected to often holds a whole scan


class _Deaf(QObject):
    """Keeps clicks and keys from all windows until the dialog is there, which does so itself from then on."""

    _INPUT = frozenset(
        getattr(QEvent.Type, name)
        for name in (
            "MouseButtonPress",
            "MouseButtonRelease",
            "MouseButtonDblClick",
            "Wheel",
            "KeyPress",
            "KeyRelease",
            "ShortcutOverride",
            "Shortcut",
            "ContextMenu",
            "Close",
        )
    )

    def __init__(self, dialog: QProgressDialog) -> None:
        super().__init__(dialog)
        self._dialog = dialog

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Take what a user does; a window that is asked to close stays."""
        if event.type() not in self._INPUT or self._dialog.isVisible():
            return False
        if event.type() == QEvent.Type.Close and not event.spontaneous():  # by the program, not by a user
            return False
        event.ignore()
        return True


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
    app = QApplication.instance()
    if app is None:
        return function(silent)
    dialog = QProgressDialog(title, tr("Cancel"), 0, 0, parent)
    dialog.setWindowTitle(tr("Lesion detection"))
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setMinimumDuration(400)
    dialog.setMinimumWidth(380)
    dialog.setAutoClose(False)
    dialog.setAutoReset(False)

    outcome: list[T] = []
    errors: list[BaseException] = []
    loop = QEventLoop()
    task: Task[T] = Task(function)
    deaf = _Deaf(dialog)

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
    app.installEventFilter(deaf)
    try:
        task.start()
        loop.exec()
    finally:
        app.removeEventFilter(deaf)
        dialog.close()
        dialog.deleteLater()
    if errors:
        error = errors.pop()
        try:
            raise error
        finally:
            del error  # its traceback holds this frame, and with it the window
    return outcome[0]
