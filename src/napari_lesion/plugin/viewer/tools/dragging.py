"""Window and level by dragging with the right button: across for the width, up and down for the level."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lesion.model.display import Window

if TYPE_CHECKING:
    from napari.components import ViewerModel

RIGHT = 2
#: Dragging over so many pixels changes the width e-fold, and the level by one width.
_PIXELS = 300.0
#: Modes of layers in which the right button belongs to drawing.
_DRAWING = {"paint", "polygon", "add_polygon", "add_polygon_lasso", "add_path", "add_polyline"}


def dragged(window: Window, across: float, down: float, least: float) -> Window:
    """Describe what a drag makes of a window: wider to the right, a higher level (darker) downwards.

    Parameters
    ----------
    window : Window
        When the button was pressed.
    across, down : float
        Pixels from there.
    least : float
        Smallest width, and what is rounded to: 1 for integers.
    """
    width = window.width * float(np.exp(across / _PIXELS))
    level = window.level + window.width * down / _PIXELS
    return Window(round(level / least) * least, max(round(width / least), 1) * least)


class WindowDrag:
    """A mouse callback of napari's viewers, for ``viewer.mouse_drag_callbacks``.

    Parameters
    ----------
    read : callable
        Gives the window that is dragged and its `least` step, or None where there is nothing to drag.
    write : callable
        Takes the new window.
    """

    def __init__(self, read: Callable[[], tuple[Window, float] | None], write: Callable[[Window], None]) -> None:
        self._read, self._write = read, write

    def __call__(self, viewer: ViewerModel, event: Any) -> Generator[None, None, None]:
        """Follow one drag."""
        active = viewer.layers.selection.active
        if event.button != RIGHT or event.modifiers or viewer.dims.ndisplay != 2:
            return
        if active is not None and str(active.mode) in _DRAWING:
            return
        found = self._read()
        if found is None:
            return
        window, least = found
        start = np.asarray(event.pos, dtype=np.float64)
        event.handled = True  # napari zooms with this button
        yield
        while event.type == "mouse_move":
            across, down = np.asarray(event.pos, dtype=np.float64) - start
            self._write(dragged(window, float(across), float(down), least))
            event.handled = True
            yield
        event.handled = True
