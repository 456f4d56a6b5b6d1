"""What has been annotated, as layers on the scan; and what is drawn on these layers, as annotations.

At most four layers: findings (a ring each), boxes, masks (one array for all, made when it is needed), and what others
marked (rings, outlines), which cannot be edited. They show the scan that is read now.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QObject, QTimer

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.model.volume import Volume, spacing_of
from napari_lesion.plugin.annotate.box_marks import BoxMarks
from napari_lesion.plugin.annotate.layer_edits import LayerEdits
from napari_lesion.plugin.annotate.mask_marks import MaskMarks
from napari_lesion.plugin.annotate.other_readers import layers_of_others
from napari_lesion.plugin.annotate.point_marks import PointMarks
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.layers import canonical

if TYPE_CHECKING:
    from napari_lesion.plugin.annotate.annotator import Annotator

#: What napari says while it edits: the data are not those of the end yet.
_UNFINISHED = ("adding", "removing", "changing")


class AnnotationLayers(QObject):
    """The layers of one viewer's annotations."""

    def __init__(self, annotator: Annotator) -> None:
        super().__init__()
        self._annotator = annotator
        self._edits = LayerEdits(annotator, self.show)
        self.points = PointMarks(self._edits, self._on_edit)
        self.boxes = BoxMarks(self._edits, self._on_edit)
        self.masks = MaskMarks(self._edits)
        self.others: list[Layer] = []
        self._others_shown: tuple[AnnotationSet, ...] = ()
        self._volume: Volume | None = None
        """The scan that the layers are of."""
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._take_edits)
        annotator.changed.connect(self.show)
        annotator.tool_changed.connect(self._on_tool)
        viewer = self._session.viewer
        scans = self._session.open_scans
        scans.leaving.connect(self._on_leaving)
        scans.deleted.connect(self._on_deleted)
        viewer.layers.selection.events.active.connect(self._on_active)
        viewer.dims.events.order.connect(self._on_order)
        viewer.mouse_drag_callbacks.append(self._on_drag)
        self.show()

    @property
    def _session(self) -> Session:
        return self._annotator.session

    # -- from annotations to layers -----------------------------------------------------------------------------------

    @property
    def _own(self) -> list[Layer]:
        """Layers that there are of what the reader marked."""
        kinds = (self.masks.layer, self.boxes.layer, self.points.layer)
        return [layer for layer in kinds if layer is not None]

    @property
    def axis_across(self) -> int:
        """Axis of the scan's own grid (k, j, i) that one scrolls along."""
        volume = self._volume
        if volume is None:
            return 0
        _, affine = canonical(volume.voxels, volume.affine)
        along = affine[:3, self._edits.through]
        return int(np.abs(along @ (volume.affine[:3, :3] / spacing_of(volume.affine))).argmax())

    def show(self) -> None:
        """Show what is annotated in the scan that is read now."""
        volume = self._session.volume
        if volume is not self._volume:
            self._clear()
            self._volume = volume
        found = self._annotator.annotations
        if volume is None or found is None:
            return
        with self._edits.by_program:
            for kind in (self.masks, self.points, self.boxes):
                kind.show(found, volume)
            self._show_others(volume)

    def _clear(self) -> None:
        with self._edits.by_program:
            self._session.open_scans.remove([*self._own, *self.others])
        self._later.stop()
        for kind in (self.points, self.boxes, self.masks):
            kind.forget()
        self.masks.voxels.clear()
        self.others, self._others_shown = [], ()

    def _show_others(self, volume: Volume) -> None:
        sets = self._annotator.of_others
        if sets == self._others_shown:
            return
        self._others_shown = sets
        scans = self._session.open_scans
        gone, self.others = self.others, []
        scans.remove(gone)
        self.others = layers_of_others(sets, volume, self._annotator.color)
        for layer in self.others:
            if scans.current is not None:
                scans.add(scans.current, layer, above=(scans.current.layer,))  # below what is the reader's own
            layer.editable = False

    def _on_leaving(self, _scan: OpenScan) -> None:
        """Take what was drawn last, put the tool down, and let the layers go with the scan that leaves the screen."""
        if self._later.isActive():
            self._later.stop()
            self._take_edits()
        self._annotator.use("")
        self._clear()
        self._volume = None

    def _on_deleted(self, layer: Layer) -> None:
        """Let go of a layer that the reader deleted; its annotations stay, and come back with the next change."""
        for kind in (self.points, self.boxes, self.masks):
            if layer is kind.layer:
                kind.forget()
        if layer in self.others:
            self.others.remove(layer)

    def _on_order(self) -> None:
        found = self._annotator.annotations
        if found is not None and self._volume is not None and self.boxes.layer is not None:
            with self._edits.by_program:
                self.boxes.show(found, self._volume)

    # -- tools --------------------------------------------------------------------------------------------------------

    def _on_tool(self, tool: str) -> None:
        """Turn to the layer that a tool draws on."""
        viewer, volume = self._session.viewer, self._volume
        if volume is None:
            return
        with self._edits.by_program:
            if tool in ("brush", "erase"):
                masks = self.masks.need(volume)
                if (found := self._annotator.annotations) is not None:
                    self.masks.show(found, volume)
                masks.n_edit_dimensions = self.masks.dimensions
                self._select(masks, "paint" if tool == "brush" else "erase")
            elif tool == "box":
                boxes = self.boxes.need(volume)
                self._select(boxes, "add_rectangle")
                boxes.current_edge_color = self._annotator.label.color
            elif tool in ("point", "grow"):
                points = self.points.need(volume)
                self._select(points, "add")
                # napari lets one pan while points are added.
                points.mouse_pan = tool != "point"
            elif tool == "select":
                self._select(self.points.need(volume), "select")
            else:
                for layer in self._own:
                    layer.mode = "pan_zoom"
                if viewer.layers.selection.active in (*self._own, *self.others):
                    viewer.layers.selection.active = self._session.scan

    def _select(self, layer: Layer, mode: str) -> None:
        for other in self._own:
            if other is not layer:
                other.mode = "pan_zoom"
        layer.visible = True
        self._session.viewer.layers.selection.active = layer
        layer.mode = mode

    def _on_active(self, event: Any) -> None:
        """Put the tool down when the reader turns to another layer."""
        if not self._edits.by_program and self._annotator.tool and event.value not in (*self._own, *self.others):
            self._annotator.use("")

    # -- from layers to annotations -----------------------------------------------------------------------------------

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:
        yield from self.points.drag(viewer, event, self._volume)

    def _on_edit(self, event: Any) -> None:
        # When a view of several passes an edit on, the points come first and what belongs to them follows.
        if (
            not self._edits.by_program
            and str(getattr(event, "action", "")).rpartition(".")[2].lower() not in _UNFINISHED
        ):
            self._later.start()

    def _take_edits(self) -> None:
        """See what the reader did to points and boxes."""
        for kind in (self.points, self.boxes):
            volume, found = self._volume, self._annotator.annotations
            if volume is None or found is None or self.points.dragging:
                return
            self._edits.attempt(partial(kind.take, volume, found))
