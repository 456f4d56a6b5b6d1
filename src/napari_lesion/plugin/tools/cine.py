"""Cine: run through the slices by itself, round and round, until the reader does anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

if TYPE_CHECKING:
    from napari.components import ViewerModel

RATES = (2, 30)
"""Slowest and fastest, slices a second."""
DEFAULT_RATE = 10
#: Left for the picture to be drawn and the reader to be heard where the rate is beyond the machine.
_REST_MS = 8


class Cine(QObject):
    """Plays the slices of a view. Where the machine is too slow for the rate it goes slower: no slice is left out."""

    playing_changed = Signal(bool)

    def __init__(self, model: ViewerModel) -> None:
        super().__init__()
        self._model = ref(model)
        self._playing = False
        self._stepping = False
        self.rate = DEFAULT_RATE
        """Slices a second."""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._step)
        # A scroll, a jump, another plane: the reader took over.
        model.dims.events.current_step.connect(self._on_moved)
        model.dims.events.order.connect(self._on_moved)
        model.dims.events.ndisplay.connect(self._on_moved)

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
        model = self._model()
        if self._playing or model is None or not _slices(model):
            return
        self._playing = True
        self.playing_changed.emit(True)
        self._timer.start(round(1000 / self.rate))

    def stop(self) -> None:
        """Stay at the slice that is shown."""
        self._timer.stop()
        if self._playing:
            self._playing = False
            self.playing_changed.emit(False)

    def _on_moved(self) -> None:
        if not self._stepping:
            self.stop()

    def _step(self) -> None:
        model = self._model()
        if not self._playing or model is None:
            return
        slices = _slices(model)
        if not slices:
            self.stop()
            return
        start = time.monotonic()
        axis = model.dims.order[0]
        self._stepping = True
        try:
            model.dims.set_current_step(axis, (model.dims.current_step[axis] + 1) % slices)
        finally:
            self._stepping = False
        spent = (time.monotonic() - start) * 1000
        self._timer.start(max(_REST_MS, round(1000 / self.rate - spent)))


def _slices(model: ViewerModel) -> int:
    """How many slices there are to play; 0 where there is nothing to play through."""
    dims = model.dims
    if dims.ndim != 3 or dims.ndisplay != 2:
        return 0
    count = int(dims.nsteps[dims.order[0]])
    return count if count > 1 else 0
