"""Findings as rings: points with a diameter that can be placed, dragged and deleted; masks and boxes have thin ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from napari.layers import Points

from napari_lesion.annotation.annotations import Annotation, AnnotationSet
from napari_lesion.model.findings import Point
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.plugin.annotate.layer_edits import LayerEdits, columns
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.finding_layers import RING_MM, ring_look
from napari_lesion.plugin.viewer.layers import frame_of, put_data

#: Clicks that move less than this (pixels) are no drags, as in napari.
_DRAG_PX = 5
_MOVED_MM = 0.01
_SELECTED_WIDTH = 2.0
"""Times the width of other rings."""
_CAPTION_MM = (8.0, -8.0, 0.0)
"""From a finding to the words at it: to the head and to the front, which is upwards in every plane."""


class PointMarks:
    """The layer of rings, which is made when it is needed."""

    def __init__(self, edits: LayerEdits, on_edit: Callable[[Any], None]) -> None:
        self._edits = edits
        self._on_edit = on_edit
        self.layer: Points | None = None
        self.dragging = False
        """Whether a point is being placed."""

    def need(self, volume: Volume) -> Points:
        """Get the layer."""
        if self.layer is None:
            step = max(volume.spacing)
            self.layer = Points(
                np.zeros((0, 3)),
                ndim=3,
                name=tr("Annotated findings"),
                features=columns(id=[], number=[]),
                feature_defaults={"id": "", "number": ""},
                size=10 / step,
                symbol="disc",
                text=caption("{number}", step),  # colours alone would not tell labels apart
                **ring_look(step),
            )
            self._edits.add(self.layer)
            self.layer.events.data.connect(self._on_edit)
        return self.layer

    def forget(self) -> None:
        """Let go of a layer that is gone."""
        self.layer, self.dragging = None, False

    def show(self, found: AnnotationSet, volume: Volume) -> None:
        """Show what is annotated."""
        marks, annotator = found.annotations, self._edits.annotator
        if self.layer is None and not marks:
            return
        layer = self.need(volume)
        step = float(layer.scale[0])
        selected = [n for n, mark in enumerate(marks) if mark.id == annotator.selected]
        layer.selected_data = set()
        put_data(layer, frame_of(volume).to_world(np.array([m.center_mm for m in marks]).reshape(-1, 3)) / step)
        layer.features = columns(id=[mark.id for mark in marks], number=[str(n + 1) for n in range(len(marks))])
        if not marks:
            return
        # Masks and boxes show themselves; a thin ring says which one is selected.
        rings = np.array([1.0 if mark.shape == "point" else 0.0 for mark in marks])
        rings[selected] = [_SELECTED_WIDTH if marks[n].shape == "point" else 0.5 for n in selected]
        layer.size = [ring_size(mark, step) for mark in marks]
        layer.border_width = RING_MM / step * rings
        layer.border_color = [annotator.color(mark.label) for mark in marks]
        layer.face_color = "transparent"
        layer.shown = True

    def take(self, volume: Volume, found: AnnotationSet) -> None:
        """See what the reader did to the points."""
        layer, annotator = self.layer, self._edits.annotator
        if layer is None:
            return
        places = np.asarray(layer.data) * layer.scale[0]
        ids = [str(one) for one in layer.features["id"]]
        # What napari adds comes last, with the features of whatever was selected.
        known = len(found.annotations)
        for place in places[known:]:
            if annotator.tool == "grow":
                annotator.layers.show()  # the click left a point
                annotator.grow_at(_lps(place, volume))
            else:
                annotator.add_point(_lps(place, volume))
        for place, id_ in zip(places[:known], ids[:known], strict=True):
            center = _lps(place, volume)
            if id_ in found and np.abs(np.subtract(center, found[id_].center_mm)).max() > _MOVED_MM:
                annotator.move(id_, center)
        for mark in found.annotations:
            if mark.id not in ids:
                annotator.remove(mark.id)

    def drag(self, viewer: Any, event: Any, volume: Volume | None) -> Iterator[None]:
        """Place a point by dragging from its middle to its rim; a click alone is napari's."""
        layer, annotator = self.layer, self._edits.annotator
        if (
            annotator.tool != "point"
            or layer is None
            or volume is None
            or viewer.layers.selection.active is not layer
            or viewer.dims.ndisplay != 2
            or event.button != 1
        ):
            return
        start, pressed = np.array(event.position, dtype=np.float64), np.array(event.pos)
        step = float(layer.scale[0])
        radius = 0.0
        yield
        while event.type == "mouse_move":
            if radius or np.linalg.norm(np.array(event.pos) - pressed) >= _DRAG_PX:
                radius = float(np.linalg.norm(np.array(event.position) - start))
                self._preview(layer, start / step, 2 * radius / step)
            event.handled = True
            yield
        if radius:
            self.dragging = False
            self._edits.attempt(lambda: annotator.add_point(_lps(start, volume), 2 * radius))

    def _preview(self, layer: Points, place: FloatArray, size: float) -> None:
        with self._edits.by_program:
            if not self.dragging:
                self.dragging = True
                layer.add(place)
                layer.selected_data = set()
            sizes = np.array(layer.size)
            sizes[-1] = size
            layer.size = sizes
            colors = np.array(layer.border_color)
            colors[-1] = (1, 1, 1, 1)
            layer.border_color = colors


def ring_size(mark: Annotation, step: float) -> float:
    """Diameter of a ring in a layer whose voxels have that many mm; it can be seen on the next slice, too."""
    return max(mark.diameter_mm, 1.1 * step) / step


def caption(words: str, step: float) -> dict[str, Any]:
    """Write above each finding, in a layer whose voxels have that many mm."""
    return {"string": words, "size": 9, "color": "white", "translation": np.array(_CAPTION_MM) / step}


def _lps(world: FloatArray, volume: Volume) -> Point:
    x, y, z = (float(v) for v in frame_of(volume).to_patient(world))
    return x, y, z
