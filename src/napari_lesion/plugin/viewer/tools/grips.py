"""What of a drawing is under the mouse, in pixels of a view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF

from napari_lesion.model.drawn import Drawing
from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.viewer.layers import UprightFrame
from napari_lesion.plugin.viewer.tools import shapes
from napari_lesion.plugin.viewer.views.projection import to_screen

if TYPE_CHECKING:
    from napari_lesion.plugin.viewer.views.pane import Pane

GRIP_PX = 7.0
"""So far from a handle or a line the mouse still has it."""


@dataclass(frozen=True)
class Grip:
    """What of a drawing is under the mouse: one of its points, or its line, which is all of it."""

    drawing: Drawing
    point: int | None


def grip_at(pane: Pane, drawings: Sequence[Drawing], frame: UprightFrame, at: QPointF, *, lines: bool) -> Grip | None:
    """Find what of drawings is under a point of a canvas: points before lines.

    Parameters
    ----------
    pane : Pane
    drawings : sequence of Drawing
        On the slice of the view; the first ones go before the others.
    frame : UprightFrame
        Of their scan.
    at : QPointF
        Pixels from the upper left corner of the canvas.
    lines : bool
        Whether lines count, too.
    """
    for drawing in drawings:
        for number, handle in enumerate(on_screen(pane, frame.to_world(drawing.points_mm))):
            if apart(handle, at) <= GRIP_PX:
                return Grip(drawing, number)
    for drawing in drawings if lines else ():
        line = on_screen(pane, shapes.shape_of(drawing, frame).outline())
        if any(_from_line(at, one, other) <= GRIP_PX for one, other in pairwise(line)):
            return Grip(drawing, None)
    return None


def on_screen(pane: Pane, world: FloatArray) -> list[QPointF]:
    """Find where places (n, 3) of napari's world are in a view, pixels from its upper left corner."""
    view, size = pane.view, (pane.marks.width(), pane.marks.height())
    return [QPointF(*to_screen(one, view.scene.camera, view.dims.displayed, size)) for one in world]


def apart(one: QPointF, other: QPointF) -> float:
    """Distance of two points, pixels."""
    return float(np.hypot(one.x() - other.x(), one.y() - other.y()))


def _from_line(at: QPointF, start: QPointF, end: QPointF) -> float:
    """Distance of a point from a line between two, pixels."""
    way, offset = end - start, at - start
    length = way.x() ** 2 + way.y() ** 2
    share = min(max((offset.x() * way.x() + offset.y() * way.y()) / length, 0.0), 1.0) if length else 0.0
    return apart(at, start + way * share)
