"""Cine: go on by one slice at a time, by itself, until the reader does anything."""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

RATES = (2, 30)
"""Slowest and fastest, slices a second."""
DEFAULT_RATE = 10
#: Left for the picture to be drawn and the reader to be heard where the rate is beyond the machine.
_REST_MS = 8


class Cine(QObject):
    """Plays slices. Where the machine is too slow for the rate it goes slower: no slice is left out.

    Parameters
    ----------
    advance : callable
        Shows the next slice, the first one after the last; returns False where there is nothing to play.
    """

    playing_changed = Signal(bool)

    def __init__(self, advance: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._advance = advance
        self._playing = self._stepping = False
        self.rate = DEFAULT_RATE
        """Slices a second."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._step)

    @property
    def playing(self) -> bool:
        """Whether it runs."""
        return self._playing

    def toggle(self) -> None:
        """Play, or stop."""
        if self._playing:
            self.stop()
        else:
            self.play()

    def play(self) -> None:
        """Start at the slice that is shown."""
        if not self._playing:
            self._playing = True
            self.playing_changed.emit(True)
            self._step()

    def stop(self) -> None:
        """Stay at the slice that is shown."""
        self._timer.stop()
        if self._playing:
            self._playing = False
            self.playing_changed.emit(False)

    def take_over(self) -> None:
        """Stop because something moved, unless that was the cine itself."""
        if not self._stepping:
            self.stop()

    def _step(self) -> None:
        if not self._playing:
            return
        start = time.monotonic()
        self._stepping = True
        try:
            went_on = self._advance()
        finally:
            self._stepping = False
        if not went_on:
            self.stop()
        elif self._playing:
            spent = (time.monotonic() - start) * 1000
            self._timer.start(max(_REST_MS, round(1000 / self.rate - spent)))
