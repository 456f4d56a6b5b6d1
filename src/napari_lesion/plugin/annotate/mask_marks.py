"""Findings as masks: what is painted with a brush becomes a finding, or a part of one."""

from __future__ import annotations

from typing import Any

from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.model.mask import Mask, gap_mm
from napari_lesion.model.volume import Volume, spacing_of
from napari_lesion.plugin.annotate.layer_edits import LayerEdits
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import canonical, placed
from napari_lesion.plugin.viewer.mask_voxels import APART_MM, MaskVoxels, stroke_box

_BRUSH_MM = 6.0


class MaskMarks:
    """The layer of masks, one array for all, which is made when it is needed."""

    def __init__(self, edits: LayerEdits) -> None:
        self._edits = edits
        self.layer: Labels | None = None
        self.voxels = MaskVoxels(self._on_widened)
        """The layer shows a view of them."""
        self._volume: Volume | None = None
        """The scan that the layer is of."""
        self._colors: dict[int, str] = {}
        """Of the numbers, as they are shown."""
        self.volumetric = False
        """Whether the brush is a ball, not a disc."""

    def need(self, volume: Volume) -> Labels:
        """Get the layer."""
        if self.layer is None:
            self._volume = volume
            self.voxels.begin(volume.shape)
            shown, affine = canonical(self.voxels.array, volume.affine)
            self.layer = Labels(shown, name=tr("Annotated masks"), opacity=0.8, **placed(volume))
            self.layer.brush_size = max(round(_BRUSH_MM / min(spacing_of(affine)[1:])), 1)
            self.layer.preserve_labels = True
            self.layer.contour = 1  # the finding itself stays to be seen
            self._edits.add(self.layer)
            self.layer.events.paint.connect(self._on_paint)
        return self.layer

    def forget(self) -> None:
        """Let go of a layer that is gone; the numbers of the findings stay."""
        self.layer = self._volume = None
        self.voxels.forget()

    def set_volumetric(self, on: bool) -> None:
        """Paint with a ball, or with a disc."""
        self.volumetric = on
        if self.layer is not None:
            self.layer.n_edit_dimensions = self.dimensions

    @property
    def dimensions(self) -> int:
        """That a stroke of the brush has."""
        return 3 if self.volumetric else 2

    def show(self, found: AnnotationSet, volume: Volume) -> None:
        """Show the masks that are annotated in the colours of their labels, the next one in that of the chosen one."""
        annotator = self._edits.annotator
        masked = [(mark.id, mark.mask, mark.label) for mark in found.annotations if mark.mask is not None]
        if self.layer is None and not masked:
            return
        layer = self.need(volume)
        self.voxels.draw({id_: mask for id_, mask, _ in masked})
        colors = {self.voxels.number(id_): annotator.color(label) for id_, _, label in masked}
        colors.setdefault(self._painted_number(), annotator.label.color)
        if colors != self._colors or not isinstance(layer.colormap, DirectLabelColormap):
            self._colors = colors
            layer.colormap = colors_of(colors)
        layer.selected_label = self._painted_number()
        layer.refresh()

    def _painted_number(self) -> int:
        """Value that the brush paints: that of the selected finding, if it has a mask, or a new one."""
        mark = self._edits.annotator.current
        return self.voxels.number(mark.id) if mark is not None and mark.mask is not None else self.voxels.next_number

    def _on_widened(self) -> None:
        if self.layer is not None and self._volume is not None:
            self.layer.data = canonical(self.voxels.array, self._volume.affine)[0]

    def _on_paint(self, event: Any) -> None:
        """Make a stroke of the brush part of a finding."""
        layer, volume, annotator = self.layer, self._volume, self._edits.annotator
        found, erases = annotator.annotations, annotator.tool == "erase"
        if self._edits.by_program or layer is None or volume is None or found is None:
            return
        number = int(layer.selected_label)
        if erases or number == 0:
            number = self._painted_number()
        id_ = self.voxels.id_of(number, found)
        old, stroke = found[id_].mask if id_ else None, stroke_box(event.value, volume)
        if old is not None and not erases and gap_mm(stroke, old.region, volume.spacing) > APART_MM:
            number, id_, old = self.voxels.separate(number, stroke), "", None
        mask = self.voxels.painted(number, stroke, old)
        if id_:
            self._edits.attempt(lambda: annotator.paint(id_, mask))
        elif mask is not None:
            self._edits.attempt(lambda: self._take_new(mask, number))

    def _take_new(self, mask: Mask, number: int) -> None:
        # The stroke is on the layer already: the finding takes its number.
        annotator = self._edits.annotator
        annotator.blockSignals(True)
        try:
            annotator.add_mask(mask)
        finally:
            annotator.blockSignals(False)
        self.voxels.take(annotator.selected, number, mask)
        annotator.changed.emit()


def colors_of(colors: dict[int, str]) -> DirectLabelColormap:
    """Make a colour map of numbers in a mask; what has none of these is not shown."""
    shown: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    return DirectLabelColormap(color_dict=shown | colors)
