"""The layer of rings: brought to the findings of the review, and what a reader did to it with napari's own tools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Points
from napari.layers.base import ActionType

from napari_lesion.model.findings import Finding
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.viewer.finding_layers import ring_attributes, ring_mm
from napari_lesion.plugin.viewer.layers import frame_of, put_data
from napari_lesion.plugin.widgets.flag import Flag
from napari_lesion.review import edits
from napari_lesion.review.review import Provenance, Review


class Rings:
    """Draws rings, so that what it draws is not taken for what a reader does."""

    def __init__(self) -> None:
        self._drawing = Flag()

    def draw(
        self,
        points: Points,
        findings: Sequence[Finding],
        volume: Volume,
        shown: Sequence[bool],
        selected: str,
        *,
        moved: bool,
    ) -> None:
        """Draw the findings of a scan; where none has ``moved``, what is cheap to draw is enough."""
        rings = ring_attributes(findings, volume, shown, selected)
        # Each of these draws the layer anew, so only what is different is set.
        if not moved and len(points.data) == len(findings):
            rings = {name: rings[name] for name in ("shown", "border_color", "border_width")}
        elif np.array_equal(rings["data"], points.data) and np.array_equal(rings["size"], points.size):
            del rings["data"], rings["size"]
        with self._drawing:
            if "data" in rings:
                points.selected_data = set()
            for name, value in rings.items():
                if name == "data":
                    put_data(points, value)
                elif name != "shown" or not np.array_equal(value, points.shown):
                    setattr(points, name, value)

    def preview(self, points: Points, row: int, world: npt.ArrayLike, diameter_mm: float | None) -> None:
        """Draw one ring at a place of napari's world (mm), with another diameter or its own."""
        step = float(points.scale[0])
        data, sizes = points.data.copy(), np.array(points.size, dtype=float)
        data[row] = np.asarray(world) / step
        if diameter_mm is not None:
            sizes[row] = max(ring_mm(diameter_mm) / step, 1.1)
        with self._drawing:
            points.data = data
            points.size = sizes

    def is_edit(self, points: Points, event: Any) -> bool:
        """Whether an event tells that a reader added, moved or removed points."""
        done = event.action in (ActionType.ADDED, ActionType.CHANGED, ActionType.REMOVED)
        return done and not self._drawing and event.source is points


def as_drawn(points: Points, findings: Sequence[Finding], volume: Volume) -> Callable[[Review, Provenance], Review]:
    """Make the change of the review that brings its findings to what the points are now."""
    ids, scale = list(points.features["id"]), float(points.scale[0])
    centers = frame_of(volume).to_patient(np.asarray(points.data) * scale)
    sizes = np.array(points.size, dtype=np.float64) * scale

    def change(review: Review, by: Provenance) -> Review:
        gone = [finding.id for finding in findings if finding.id not in ids]
        for row, (id_, center, size) in enumerate(zip(ids, centers, sizes, strict=True)):
            # napari gives a new point the features of the one that is selected, its id among them.
            if id_ and id_ not in ids[:row]:
                review = edits.move(review, id_, center, by, volume)
            else:
                review = edits.add(review, center, size, by, volume, "with napari's tools")
        return edits.remove(review, gone, by)

    return change
