"""Findings as boxes: a box is cut along the planes that one scrolls through, and changed by any of its cuts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Shapes

from napari_lesion.annotation.annotations import Annotation, AnnotationSet
from napari_lesion.model.findings import Point
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.plugin.annotate.layer_edits import LayerEdits, columns
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.finding_layers import BOX_LINE_MM
from napari_lesion.plugin.viewer.layers import canonical, placed


class BoxMarks:
    """The layer of boxes, which is made when it is needed."""

    def __init__(self, edits: LayerEdits, on_edit: Callable[[Any], None]) -> None:
        self._edits = edits
        self._on_edit = on_edit
        self.layer: Shapes | None = None
        self._cuts: list[tuple[str, FloatArray]] = []
        """Owner and corners of each rectangle in the layer."""

    def need(self, volume: Volume) -> Shapes:
        """Get the layer."""
        if self.layer is None:
            self.layer = Shapes(
                ndim=3,
                name=tr("Annotated boxes"),
                features=columns(id=[]),
                feature_defaults={"id": ""},
                edge_width=2 * BOX_LINE_MM / min(volume.spacing),
                face_color="transparent",
                **placed(volume),
            )
            self._edits.add(self.layer)
            self.layer.events.data.connect(self._on_edit)
        return self.layer

    def forget(self) -> None:
        """Let go of a layer that is gone."""
        self.layer = None

    def show(self, found: AnnotationSet, volume: Volume) -> None:
        """Show the boxes that are annotated."""
        marks = [mark for mark in found.annotations if mark.box_size_mm is not None]
        if self.layer is None and not marks:
            return
        layer = self.need(volume)
        self._cuts = [cut for mark in marks for cut in _cuts_of(mark, volume, self._edits.through)]
        layer.selected_data = set()
        layer.data = []
        if self._cuts:
            labels = {mark.id: mark.label for mark in marks}
            colors = [self._edits.annotator.color(labels[owner]) for owner, _ in self._cuts]
            layer.add_rectangles([corners for _, corners in self._cuts], edge_color=colors, face_color="transparent")
            layer.features = columns(id=[owner for owner, _ in self._cuts])

    def take(self, volume: Volume, found: AnnotationSet) -> None:
        """See what the reader did to the boxes."""
        layer, annotator, through = self.layer, self._edits.annotator, self._edits.through
        if layer is None:
            return
        owners = [str(one) for one in layer.features["id"]]
        cuts = list(self._cuts)
        for corners in layer.data[len(cuts) :]:  # what napari adds comes last
            annotator.add_box(*_box_of(corners, volume, through, None))
        changed = () if len(owners) != len(cuts) else zip(cuts, layer.data, strict=True)
        for (owner, cut), corners in changed:
            if owner in found and not np.allclose(cut, corners, atol=1e-3):
                annotator.move(owner, *_box_of(corners, volume, through, found[owner]))
                return  # the other cuts of it are those of before
        for owner in {owner for owner, _ in cuts}:
            if owners.count(owner) < sum(one == owner for one, _ in cuts):
                annotator.remove(owner)


def _cuts_of(mark: Annotation, volume: Volume, through: int) -> list[tuple[str, FloatArray]]:
    """Cut a box along the planes across an axis: id and corners (canonical indices) of each rectangle."""
    voxels, affine = canonical(volume.voxels, volume.affine)
    center = apply_affine(np.asarray(np.linalg.inv(affine)), mark.center_mm)
    half = _size_in_picture(mark, volume, affine) / np.array(spacing_of(affine)) / 2
    low, high = center - half, center + half
    nearest = int(np.rint(center[through]))
    first, last = min(nearest, int(np.ceil(low[through]))), max(nearest, int(np.floor(high[through])))
    a, b = (axis for axis in range(3) if axis != through)
    cuts = []
    for plane in range(max(first, 0), min(last, voxels.shape[through] - 1) + 1):
        corners = np.empty((4, 3))
        corners[:, through] = plane
        corners[:, a] = (low[a], low[a], high[a], high[a])
        corners[:, b] = (low[b], high[b], high[b], low[b])
        cuts.append((mark.id, corners))
    return cuts


def _box_of(corners: FloatArray, volume: Volume, through: int, mark: Annotation | None) -> tuple[Point, Point]:
    """Centre (LPS mm) and size (along k, j, i) of a box, from a rectangle in canonical indices.

    Across the slices a new box is as thick as it is wide on average, and that of a mark keeps its extent.
    """
    _, affine = canonical(volume.voxels, volume.affine)
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    size = (high - low) * np.array(spacing_of(affine))
    center = (low + high) / 2
    if mark is None:
        size[through] = np.mean(np.delete(size, through))
    else:
        size[through] = _size_in_picture(mark, volume, affine)[through]
        center[through] = apply_affine(np.asarray(np.linalg.inv(affine)), mark.center_mm)[through]
    x, y, z = (float(v) for v in apply_affine(affine, center))
    k, j, i = (float(max(v, 0.1)) for v in _axes(affine, volume).T @ size)
    return (x, y, z), (k, j, i)


def _size_in_picture(mark: Annotation, volume: Volume, affine: FloatArray) -> FloatArray:
    """Size of a box along the axes of the picture, mm."""
    size: FloatArray = _axes(affine, volume) @ np.array(mark.box_size_mm or (mark.diameter_mm,) * 3)
    return size


def _axes(affine: FloatArray, volume: Volume) -> FloatArray:
    """Which axis of the picture (row) is which of the scan's own (column): a permutation."""
    one, other = affine[:3, :3] / spacing_of(affine), volume.affine[:3, :3] / spacing_of(volume.affine)
    permutation: FloatArray = np.rint(np.abs(one.T @ other))
    return permutation
