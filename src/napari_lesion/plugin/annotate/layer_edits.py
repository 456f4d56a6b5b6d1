"""What the layers of annotations share: whose a change of them is, and how what a reader drew is taken over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from napari.layers import Layer

from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.widgets.flag import Flag
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import LesionError

if TYPE_CHECKING:
    from napari_lesion.plugin.annotate.annotator import Annotator


class LayerEdits:
    """Tells what a reader drew from what the program draws, and hands it to the annotator.

    Parameters
    ----------
    annotator : Annotator
    redraw : callable
        Shows what there is; it is called when what was drawn is refused.
    """

    def __init__(self, annotator: Annotator, redraw: Callable[[], None]) -> None:
        self.annotator = annotator
        self._redraw = redraw
        self.by_program = Flag()
        """The layers are changed by the program, not by the reader."""

    @property
    def session(self) -> Session:
        """What the panels of the viewer share."""
        return self.annotator.session

    @property
    def through(self) -> int:
        """Axis of the picture that one scrolls along."""
        return int(self.session.viewer.dims.order[0])

    def attempt(self, act: Callable[[], None]) -> None:
        """Do what the reader drew, or say why not and show what there was."""
        try:
            act()
        except LesionError as error:
            self.annotator.status_changed.emit(f"⚠ {sentence(error)}")
            self._redraw()

    def add(self, layer: Layer) -> None:
        """Put a layer on the scan, without turning to it."""
        scans = self.session.open_scans
        if scans.current is not None:
            scans.add(scans.current, layer, above=self.session.viewer.layers)
        for key, run in (
            ("Control-Z", self.annotator.undo),
            ("Control-Shift-Z", self.annotator.redo),
            ("Escape", lambda: self.annotator.use("")),
        ):
            # The keys of the viewer undo the review.
            layer.bind_key(key, lambda _layer, act=run: act(), overwrite=True)


def columns(**values: list[str]) -> dict[str, npt.NDArray[np.object_]]:
    """Make columns of features; pandas would take empty ones for numbers."""
    return {name: np.array(texts, dtype=object) for name, texts in values.items()}
