"""Python's garbage collector, kept on the thread of the window while others work."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from qtpy.QtCore import QObject, QTimer

#: Milliseconds between two looks at what is young.
_PAUSE = 500
#: After so many of them everything is looked through, which stops the window for a fraction of a second.
_ALL = 120

_untouched = threading.Event()


class WindowCollector(QObject):
    """Collects garbage on this object's thread, and nowhere else, while it is asked to.

    Python collects on whichever thread happens to create an object. What it finds may be what is left of a closed
    window, and Qt's timers and widgets must not be destroyed by another thread: that ends the program.
    """

    def __init__(self) -> None:
        super().__init__()
        self._was_enabled = False
        self._rounds = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE)
        self._timer.timeout.connect(self._collect)

    def begin(self) -> None:
        """Take over; call it before another thread starts."""
        if not self._timer.isActive():
            self._was_enabled = gc.isenabled()
            gc.disable()
            self._rounds = 0
            self._timer.start()

    def end(self) -> None:
        """Hand back to Python; call it when no other thread is at work any more."""
        if self._timer.isActive():
            self._timer.stop()
            if self._was_enabled:
                gc.enable()

    def _collect(self) -> None:
        if _untouched.is_set():
            return
        self._rounds += 1
        gc.collect(2 if self._rounds % _ALL == 0 else 1)


@contextmanager
def untouched() -> Iterator[None]:
    """Make many objects that last, on any thread, without their setting off a search through all there are.

    The collector rests, and in the end they are put with the old objects, unseen: as young ones they would soon set off
    that same search.
    """
    enabled = gc.isenabled()
    gc.disable()
    _untouched.set()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        _untouched.clear()
        if enabled:
            gc.enable()


@contextmanager
def nothing_old() -> Iterator[None]:
    """Let whoever collects garbage on the way find only what was made since.

    napari collects for each layer that goes, from each canvas, and each time looks at a million objects. It does so for
    drivers of Windows that stumble over textures which are deleted later; there everything is looked through.
    """
    if sys.platform == "win32":
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
