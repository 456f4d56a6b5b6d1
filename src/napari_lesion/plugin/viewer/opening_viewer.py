"""Which viewer asks a reader for layers: napari tells that to no reader."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from napari import current_viewer
from napari.components import ViewerModel

if TYPE_CHECKING:
    from types import FrameType

    from napari import Viewer


def opening_viewer() -> Viewer | None:
    """Find the viewer that opens something now.

    Returns
    -------
    Viewer or None
        The one with a window whose ``open`` called, however deep below; the window that was used last where a reader is
        called by itself. Of several windows these may be two: a drop makes no window the one that is used, nor does a
        script that opens something in the first of its viewers.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, ViewerModel) and getattr(caller, "window", None) is not None:
            return cast("Viewer", caller)
        frame = frame.f_back
    return current_viewer()
