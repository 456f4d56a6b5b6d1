"""What has been annotated, as layers on the scan; and what is drawn on these layers, as annotations.

At most four layers: findings (a ring each), boxes, masks (one array for all, made when it is needed), and what others
marked (rings, outlines), which cannot be edited. They show the scan that is read now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from napari.layers import Labels, Layer, Points, Shapes
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject, QTimer

from napari_lesion.annotation.annotations import Annotation, AnnotationSet
from napari_lesion.model.findings import Point
from napari_lesion.model.mask import Mask, gap_mm
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.plugin.session.open_scans import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.finding_layers import BOX_LINE_MM, RING_MM
from napari_lesion.plugin.viewer.layers import AXIS_LABELS, UNITS, about, canonical, frame_of, put_data
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import LesionError

if TYPE_CHECKING:
    from napari_lesion.plugin.annotate.annotator import Annotator

#: Clicks that move less than this (pixels) are no drags, as in napari.
_DRAG_PX = 5
_MOVED_MM = 0.01
_SELECTED_WIDTH = 2.0
"""Times the width of other rings."""
_BRUSH_MM = 6.0
APART_MM = 10.0
"""A stroke farther than this from the finding that is painted is another finding."""
_CAPTION_MM = (8.0, -8.0, 0.0)
#: What napari says while it edits: the data are not those of the end yet.
_UNFINISHED = ("adding", "removing", "changing")


class AnnotationLayers(QObject):
    """The layers of one viewer's annotations."""

    def __init__(self, annotator: Annotator) -> None:
        super().__init__()
        self._annotator = annotator
        self.points: Points | None = None
        self.boxes: Shapes | None = None
        self.masks: Labels | None = None
        self.others: list[Layer] = []
        self.volumetric = False
        """Whether the brush is a ball, not a disc."""
        self._volume: Volume | None = None
        """The scan that the layers are of."""
        self._voxels: npt.NDArray[Any] = np.zeros((0, 0, 0), np.uint8)
        """Numbers of the findings on the scan's own grid; the layer shows a view of it."""
        self._numbers: dict[str, int] = {}
        """Value of each annotation in the masks."""
        self._colors: dict[int | None, Any] = {}
        """Of the numbers, as they are shown."""
        self._drawn: dict[str, Mask] = {}
        """What is in the voxels now."""
        self._others_shown: tuple[AnnotationSet, ...] = ()
        self._cuts: list[tuple[str, FloatArray]] = []
        """Owner and corners of each rectangle in the layer of boxes."""
        self._busy = False
        """The layers are changed from here, not by the reader."""
        self._dragging = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
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
    def all(self) -> list[Layer]:
        """All layers that there are."""
        return [layer for layer in (self.masks, self.boxes, self.points, *self.others) if layer is not None]

    @property
    def axis_across(self) -> int:
        """Axis of the scan's own grid (k, j, i) that one scrolls along."""
        volume = self._volume
        if volume is None:
            return 0
        _, affine = canonical(volume.voxels, volume.affine)
        along = affine[:3, self._session.viewer.dims.order[0]]
        return int(np.abs(along @ (volume.affine[:3, :3] / spacing_of(volume.affine))).argmax())

    def show(self) -> None:
        """Show what is annotated in the scan that is read now."""
        annotator, volume = self._annotator, self._session.volume
        if volume is not self._volume:
            self._clear()
            self._volume = volume
        found = annotator.annotations
        if volume is None or found is None:
            return
        with _Busy(self):
            self._show_masks(found)
            self._show_points(found, volume)
            self._show_boxes(found, volume)
            self._show_others(volume)

    def _clear(self) -> None:
        with _Busy(self):
            self._session.open_scans.remove(self.all)
        self._later.stop()
        self._dragging = False
        self.points = self.boxes = self.masks = None
        self.others = []
        self._voxels = np.zeros((0, 0, 0), np.uint8)
        self._numbers.clear()
        self._drawn.clear()
        self._others_shown = ()

    def _show_points(self, found: AnnotationSet, volume: Volume) -> None:
        if self.points is None and not found.annotations:
            return
        layer = self._need_points(volume)
        annotator = self._annotator
        marks = found.annotations
        step = float(layer.scale[0])
        ids = [mark.id for mark in marks]
        selected = [n for n, mark in enumerate(marks) if mark.id == annotator.selected]
        layer.selected_data = set()
        put_data(layer, frame_of(volume).to_world(np.array([m.center_mm for m in marks]).reshape(-1, 3)) / step)
        layer.features = _words(id=ids, number=[str(n) for n in range(1, len(marks) + 1)])
        if not marks:
            return
        # Masks and boxes show themselves; a thin ring says which one is selected.
        rings = np.array([1.0 if mark.shape == "point" else 0.0 for mark in marks])
        rings[selected] = [_SELECTED_WIDTH if marks[n].shape == "point" else 0.5 for n in selected]
        layer.size = [max(mark.diameter_mm, 1.1 * step) / step for mark in marks]
        layer.border_width = RING_MM / step * rings
        layer.border_color = [annotator.color(mark.label) for mark in marks]
        layer.face_color = "transparent"
        layer.shown = True

    def _show_boxes(self, found: AnnotationSet, volume: Volume) -> None:
        marks = [mark for mark in found.annotations if mark.box_size_mm is not None]
        if self.boxes is None and not marks:
            return
        layer = self._need_boxes(volume)
        self._cuts = [cut for mark in marks for cut in _cuts(mark, volume, self._session.viewer.dims.order[0])]
        layer.selected_data = set()
        layer.data = []
        if self._cuts:
            labels = {mark.id: mark.label for mark in marks}
            colors = [self._annotator.color(labels[owner]) for owner, _ in self._cuts]
            layer.add_rectangles([corners for _, corners in self._cuts], edge_color=colors, face_color="transparent")
            layer.features = _words(id=[owner for owner, _ in self._cuts])

    def _show_masks(self, found: AnnotationSet) -> None:
        wanted = {mark.id: mark.mask for mark in found.annotations if mark.mask is not None}
        if self.masks is None and not wanted:
            return
        layer = self._need_masks()
        for id_, mask in list(self._drawn.items()):
            if wanted.get(id_) != mask:
                region = self._voxels[mask.region]
                region[region == self._number(id_)] = 0
                del self._drawn[id_]
        for id_, mask in wanted.items():
            if id_ not in self._drawn:
                number = self._number(id_)
                mask.put(self._voxels, number)
                self._drawn[id_] = mask
        self._color_masks(found)
        layer.selected_label = self._painted_number()
        layer.refresh()

    def _painted_number(self) -> int:
        """Value that the brush paints: that of the selected finding, if it has a mask, or a new one."""
        mark = self._annotator.current
        if mark is not None and mark.mask is not None:
            return self._number(mark.id)
        return max(self._numbers.values(), default=0) + 1

    def _number(self, id_: str) -> int:
        number = self._numbers.setdefault(id_, max(self._numbers.values(), default=0) + 1)
        if number >= np.iinfo(self._voxels.dtype).max:  # the next one must fit as well
            self._widen()
        return number

    def _widen(self) -> None:
        """Make room for more than 254 findings."""
        layer, volume = self.masks, self._volume
        if layer is not None and volume is not None:
            self._voxels = self._voxels.astype(np.uint16)
            layer.data = canonical(self._voxels, volume.affine)[0]

    def _color_masks(self, found: AnnotationSet) -> None:
        colors: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
        for mark in found.annotations:
            if mark.mask is not None:
                colors[self._number(mark.id)] = self._annotator.color(mark.label)
        colors.setdefault(self._painted_number(), self._annotator.label.color)
        layer = self._need_masks()
        if colors != self._colors or not isinstance(layer.colormap, DirectLabelColormap):
            self._colors = colors
            layer.colormap = DirectLabelColormap(color_dict=colors)

    def _show_others(self, volume: Volume) -> None:
        sets = self._annotator.of_others
        if sets == self._others_shown:
            return
        self._others_shown = sets
        layers, self.others = self.others, []
        self._session.open_scans.remove(layers)
        marks = [mark for one in sets for mark in one.annotations]
        if not marks:
            return
        # Not of this reader: a blind read hides it (see `blinding`).
        common = {"metadata": about(volume)}
        step = max(volume.spacing)
        masked = [mark for mark in marks if mark.mask is not None]
        if masked:
            voxels = np.zeros(volume.shape, np.uint8 if len(masked) < 255 else np.uint16)
            for number, mark in enumerate(masked, start=1):
                if mark.mask is not None:
                    mark.mask.put(voxels, number)
            colors: dict[int | None, Any] = {None: "transparent", 0: "transparent"}
            colors |= {number: self._annotator.color(mark.label) for number, mark in enumerate(masked, start=1)}
            outlines = Labels(
                canonical(voxels, volume.affine)[0],
                name=tr("Masks of other readers"),
                colormap=DirectLabelColormap(color_dict=colors),
                opacity=0.9,
                **self._on_scan(),
                **common,
            )
            outlines.contour = 1
            self.others.append(outlines)
        rings = Points(
            frame_of(volume).to_world(np.array([mark.center_mm for mark in marks])) / step,
            name=tr("Findings of other readers"),
            features={"reader": [mark.reader for mark in marks], "label": [mark.label for mark in marks]},
            size=[max(mark.diameter_mm, 1.1 * step) / step for mark in marks],
            symbol="square",
            face_color="transparent",
            border_color=[self._annotator.color(mark.label) for mark in marks],
            border_width=RING_MM / step / 2,
            border_width_is_relative=False,
            text=_caption("{reader}: {label}", step),
            projection_mode="rescale_spherical",
            scale=(step,) * 3,
            units=UNITS,
            axis_labels=AXIS_LABELS,
            **common,
        )
        self.others.append(rings)
        scans = self._session.open_scans
        for layer in self.others:
            if scans.current is not None:
                scans.add(scans.current, layer, above=(scans.current.layer,))  # below what is the reader's own
            layer.editable = False

    # -- the layers ---------------------------------------------------------------------------------------------------

    def _on_scan(self) -> dict[str, Any]:
        """Place of a layer on the scan's voxels."""
        scan = self._session.scan
        if scan is None:
            return {}
        return {
            "scale": tuple(scan.scale),
            "translate": tuple(scan.translate),
            "units": UNITS,
            "axis_labels": AXIS_LABELS,
        }

    def _need_points(self, volume: Volume) -> Points:
        if self.points is None:
            step = max(volume.spacing)
            self.points = Points(
                np.zeros((0, 3)),
                ndim=3,
                name=tr("Annotated findings"),
                features=_words(id=[], number=[]),
                feature_defaults={"id": "", "number": ""},
                size=10 / step,
                symbol="disc",
                face_color="transparent",
                border_width=RING_MM / step,
                border_width_is_relative=False,
                text=_caption("{number}", step),
                projection_mode="rescale_spherical",
                scale=(step,) * 3,
                units=UNITS,
                axis_labels=AXIS_LABELS,
            )
            self._add(self.points)
            self.points.events.data.connect(self._on_edit)
        return self.points

    def _need_boxes(self, volume: Volume) -> Shapes:
        if self.boxes is None:
            self.boxes = Shapes(
                ndim=3,
                name=tr("Annotated boxes"),
                features=_words(id=[]),
                feature_defaults={"id": ""},
                edge_width=2 * BOX_LINE_MM / min(volume.spacing),
                face_color="transparent",
                **self._on_scan(),
            )
            self._add(self.boxes)
            self.boxes.events.data.connect(self._on_edit)
        return self.boxes

    def _need_masks(self) -> Labels:
        volume = self._volume
        if self.masks is None and volume is not None:
            # Pages of zeros cost no memory before something is painted on them.
            self._voxels = np.zeros(volume.shape, np.uint8 if len(self._numbers) < 200 else np.uint16)
            shown, affine = canonical(self._voxels, volume.affine)
            self.masks = Labels(shown, name=tr("Annotated masks"), opacity=0.8, **self._on_scan())
            self.masks.brush_size = max(round(_BRUSH_MM / min(spacing_of(affine)[1:])), 1)
            self.masks.preserve_labels = True
            self.masks.contour = 1  # the finding itself stays to be seen
            self._add(self.masks)
            self.masks.events.paint.connect(self._on_paint)
        if self.masks is None:
            raise LesionError(tr("Open a scan first."))
        return self.masks

    def _add(self, layer: Layer) -> None:
        """Put a layer on the scan, without turning to it."""
        scans = self._session.open_scans
        if scans.current is not None:
            scans.add(scans.current, layer, above=self._session.viewer.layers)
        for key, run in (
            ("Control-Z", self._annotator.undo),
            ("Control-Shift-Z", self._annotator.redo),
            ("Escape", lambda: self._annotator.use("")),
        ):
            # The keys of the viewer undo the review.
            layer.bind_key(key, lambda _layer, act=run: act(), overwrite=True)

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
        if layer is self.points:
            self.points = None
        elif layer is self.boxes:
            self.boxes = None
        elif layer is self.masks:
            self.masks = None
            self._voxels = np.zeros((0, 0, 0), np.uint8)
            self._drawn.clear()
        elif layer in self.others:
            self.others.remove(layer)

    def _on_order(self) -> None:
        if self._annotator.annotations is not None and self._volume is not None and self.boxes is not None:
            with _Busy(self):
                self._show_boxes(self._annotator.annotations, self._volume)

    # -- tools --------------------------------------------------------------------------------------------------------

    def _on_tool(self, tool: str) -> None:
        """Turn to the layer that a tool draws on."""
        viewer, volume = self._session.viewer, self._volume
        if volume is None:
            return
        with _Busy(self):
            if tool in ("brush", "erase"):
                layer: Layer = self._need_masks()
                if (found := self._annotator.annotations) is not None:
                    self._show_masks(found)
                layer.n_edit_dimensions = 3 if self.volumetric else 2
                self._select(layer, "paint" if tool == "brush" else "erase")
            elif tool == "box":
                self._select(self._need_boxes(volume), "add_rectangle")
                self._need_boxes(volume).current_edge_color = self._annotator.label.color
            elif tool in ("point", "grow"):
                self._select(self._need_points(volume), "add")
                # napari lets one pan while points are added.
                self._need_points(volume).mouse_pan = tool != "point"
            elif tool == "select":
                self._select(self._need_points(volume), "select")
            else:
                for layer in (self.points, self.boxes, self.masks):
                    if layer is not None:
                        layer.mode = "pan_zoom"
                if viewer.layers.selection.active in self.all:
                    viewer.layers.selection.active = self._session.scan

    def _select(self, layer: Layer, mode: str) -> None:
        for other in (self.points, self.boxes, self.masks):
            if other is not None and other is not layer:
                other.mode = "pan_zoom"
        layer.visible = True
        self._session.viewer.layers.selection.active = layer
        layer.mode = mode

    def set_volumetric(self, on: bool) -> None:
        """Paint with a ball, or with a disc."""
        self.volumetric = on
        if self.masks is not None:
            self.masks.n_edit_dimensions = 3 if on else 2

    def _on_active(self, event: Any) -> None:
        """Put the tool down when the reader turns to another layer."""
        if not self._busy and self._annotator.tool and event.value not in self.all:
            self._annotator.use("")

    # -- from layers to annotations -----------------------------------------------------------------------------------

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:
        """Place a point by dragging from its middle to its rim; a click alone is napari's."""
        layer, volume = self.points, self._volume
        if (
            self._annotator.tool != "point"
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
            self._dragging = False
            self._try(lambda: self._annotator.add_point(self._lps(start, volume), 2 * radius))

    def _preview(self, layer: Points, place: FloatArray, size: float) -> None:
        with _Busy(self):
            if not self._dragging:
                self._dragging = True
                layer.add(place)
                layer.selected_data = set()
            sizes = np.array(layer.size)
            sizes[-1] = size
            layer.size = sizes
            colors = np.array(layer.border_color)
            colors[-1] = (1, 1, 1, 1)
            layer.border_color = colors

    def _lps(self, world: FloatArray, volume: Volume) -> Point:
        x, y, z = (float(v) for v in frame_of(volume).to_patient(world))
        return x, y, z

    def _on_edit(self, event: Any) -> None:
        # When a view of several passes an edit on, the points come first and what belongs to them follows.
        if not self._busy and str(getattr(event, "action", "")).rpartition(".")[2].lower() not in _UNFINISHED:
            self._later.start()

    def _take_edits(self) -> None:
        """See what the reader did to points and boxes."""
        volume, found = self._volume, self._annotator.annotations
        if volume is None or found is None or self._dragging:
            return
        self._try(lambda: self._take_points(volume, found))
        found = self._annotator.annotations
        if found is not None:
            self._try(lambda: self._take_boxes(volume, found))

    def _take_points(self, volume: Volume, found: AnnotationSet) -> None:
        layer = self.points
        if layer is None:
            return
        places = np.asarray(layer.data) * layer.scale[0]
        ids = [str(one) for one in layer.features["id"]]
        # What napari adds comes last, with the features of whatever was selected.
        known = len(found.annotations)
        for place in places[known:]:
            if self._annotator.tool == "grow":
                self.show()  # the click left a point
                self._annotator.grow_at(self._lps(place, volume))
            else:
                self._annotator.add_point(self._lps(place, volume))
        for place, id_ in zip(places[:known], ids[:known], strict=True):
            center = self._lps(place, volume)
            if id_ in found and np.abs(np.subtract(center, found[id_].center_mm)).max() > _MOVED_MM:
                self._annotator.move(id_, center)
        for mark in found.annotations:
            if mark.id not in ids:
                self._annotator.remove(mark.id)

    def _take_boxes(self, volume: Volume, found: AnnotationSet) -> None:
        layer = self.boxes
        if layer is None:
            return
        owners = [str(one) for one in layer.features["id"]]
        cuts = list(self._cuts)
        for corners in layer.data[len(cuts) :]:  # what napari adds comes last
            self._annotator.add_box(*self._box(corners, volume, None))
        changed = () if len(owners) != len(cuts) else zip(cuts, layer.data, strict=True)
        for (owner, cut), corners in changed:
            if owner in found and not np.allclose(cut, corners, atol=1e-3):
                self._annotator.move(owner, *self._box(corners, volume, found[owner]))
                return  # the other cuts of it are those of before
        for owner in {owner for owner, _ in cuts}:
            if owners.count(owner) < sum(one == owner for one, _ in cuts):
                self._annotator.remove(owner)

    def _box(self, corners: FloatArray, volume: Volume, mark: Annotation | None) -> tuple[Point, Point]:
        """Centre (LPS mm) and size (along k, j, i) of a box, from a rectangle in canonical indices.

        Across the slices a new box is as thick as it is wide on average, and keeps its extent when it is changed.
        """
        _, affine = canonical(volume.voxels, volume.affine)
        low, high = np.min(corners, axis=0), np.max(corners, axis=0)
        spacing = np.array(spacing_of(affine))
        through = int(self._session.viewer.dims.order[0])
        size = (high - low) * spacing
        center = (low + high) / 2
        if mark is None:
            size[through] = np.mean(np.delete(size, through))
        else:
            size[through] = _canonical_size(mark, volume)[through]
            center[through] = apply_affine(np.asarray(np.linalg.inv(affine)), mark.center_mm)[through]
        x, y, z = (float(v) for v in apply_affine(affine, center))
        k, j, i = (float(max(v, 0.1)) for v in _native(size, affine, volume))
        return (x, y, z), (k, j, i)

    def _on_paint(self, event: Any) -> None:
        """Make a stroke of the brush part of a finding."""
        layer, volume, found = self.masks, self._volume, self._annotator.annotations
        if self._busy or layer is None or volume is None or found is None:
            return
        number = int(layer.selected_label)
        if self._annotator.tool == "erase" or number == 0:
            number = self._painted_number()
        id_ = next((one for one, n in self._numbers.items() if n == number and one in found), "")
        low, high = stroke_extent(event.value)
        native = np.rint(
            volume.to_index(apply_affine(canonical(volume.voxels, volume.affine)[1], [low, high - 1]))
        ).astype(int)
        first, last = native.min(axis=0), native.max(axis=0) + 1
        old = found[id_].mask if id_ else None
        stroke = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        if old is not None and self._annotator.tool != "erase" and self._is_another(old, stroke, volume):
            number, id_, old = self._next(number, stroke), "", None
        if old is not None:
            first, last = np.minimum(first, old.offset), np.maximum(last, np.add(old.offset, old.shape))
        part = self._voxels[tuple(map(slice, first, last))] == number
        mask = Mask.of(part, (int(first[0]), int(first[1]), int(first[2]))) if part.any() else None
        if id_:
            self._try(lambda: self._annotator.paint(id_, mask))
        elif mask is not None:
            self._try(lambda: self._take_new(mask, number))

    def _is_another(self, mask: Mask, stroke: Any, volume: Volume) -> bool:
        """Whether a stroke lies so far from a finding that it is another one."""
        return gap_mm(stroke, mask.region, volume.spacing) > APART_MM

    def _next(self, number: int, stroke: Any) -> int:
        """Give a stroke the number of a finding to come."""
        new = max(number, *self._numbers.values()) + 1
        if new >= np.iinfo(self._voxels.dtype).max:
            self._widen()
        part = self._voxels[stroke]
        part[part == number] = new
        return new

    def _take_new(self, mask: Mask, number: int) -> None:
        # The stroke is on the layer already: the finding takes its number.
        self._annotator.blockSignals(True)
        try:
            self._annotator.add_mask(mask)
        finally:
            self._annotator.blockSignals(False)
        self._numbers[self._annotator.selected] = number
        self._drawn[self._annotator.selected] = mask
        self._annotator.changed.emit()

    def free_of_others(self, mask: Mask, id_: str) -> Mask | None:
        """Take those voxels of a mask that no other finding has; None if there are none."""
        if self.masks is None:
            return mask
        there = self._voxels[mask.region]
        free = mask.voxels & ((there == 0) | (there == self._numbers.get(id_, 0)))
        return Mask.of(free, mask.offset) if free.any() else None

    def _try(self, act: Any) -> None:
        """Do what the reader drew, or say why not and show what there was."""
        try:
            act()
        except LesionError as error:
            self._annotator.status_changed.emit(f"⚠ {sentence(error)}")
            self.show()


class _Busy:
    """While it lasts, changes of the layers are not the reader's."""

    def __init__(self, layers: AnnotationLayers) -> None:
        self._layers = layers

    def __enter__(self) -> None:
        self._before, self._layers._busy = self._layers._busy, True

    def __exit__(self, *_: object) -> None:
        self._layers._busy = self._before


def _words(**columns: list[str]) -> dict[str, npt.NDArray[np.object_]]:
    """Make columns of features; pandas would take empty ones for numbers."""
    return {name: np.array(values, dtype=object) for name, values in columns.items()}


def _caption(words: str, step: float) -> dict[str, Any]:
    """Write above a finding which it is in the list: colours alone would not tell labels apart."""
    # To the head and to the front, which is upwards in every plane.
    return {"string": words, "size": 9, "color": "white", "translation": np.array(_CAPTION_MM) / step}


def stroke_extent(item: Sequence[Any]) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """First index and end of what napari painted in one stroke, along the layer's axes."""
    lows, highs = [], []
    for atom in item:
        where = atom.slice_key if hasattr(atom, "slice_key") else atom[0]
        bounds = [(one.start, one.stop) if isinstance(one, slice) else (np.min(one), np.max(one) + 1) for one in where]
        lows.append([int(low) for low, _ in bounds])
        highs.append([int(high) for _, high in bounds])
    return np.min(lows, axis=0), np.max(highs, axis=0)


def _canonical_size(mark: Annotation, volume: Volume) -> FloatArray:
    """Size of a box along the axes of the picture, mm."""
    _, affine = canonical(volume.voxels, volume.affine)
    size: FloatArray = _axes(affine, volume) @ np.array(mark.box_size_mm or (mark.diameter_mm,) * 3)
    return size


def _native(size: FloatArray, affine: FloatArray, volume: Volume) -> FloatArray:
    """Turn a size along the axes of the picture into one along the scan's own (k, j, i)."""
    return _axes(affine, volume).T @ size


def _axes(affine: FloatArray, volume: Volume) -> FloatArray:
    """Say which axis of the picture (row) is which of the scan's own (column): a permutation."""
    one, other = affine[:3, :3] / spacing_of(affine), volume.affine[:3, :3] / spacing_of(volume.affine)
    permutation: FloatArray = np.rint(np.abs(one.T @ other))
    return permutation


def _cuts(mark: Annotation, volume: Volume, through: int) -> list[tuple[str, FloatArray]]:
    """Cut a box along the planes that one scrolls through: id and corners (canonical indices) of each rectangle."""
    voxels, affine = canonical(volume.voxels, volume.affine)
    spacing = np.array(spacing_of(affine))
    center = apply_affine(np.asarray(np.linalg.inv(affine)), mark.center_mm)
    half = _canonical_size(mark, volume) / spacing / 2
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
