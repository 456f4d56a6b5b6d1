"""Masks and axes of the findings on the canvas; what a reader paints becomes the outline of the chosen finding.

Two layers at most: masks (one array for all findings of the scan that is read) and the axes of the chosen finding, on
the slice that they were measured on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer, Vectors
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.model.findings import Finding
from napari_lesion.model.mask import Box, gap_mm
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.finding_layers import FINDING_COLOR, SELECTED_COLOR
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import about, canonical, placed, put_data, scan_name
from napari_lesion.plugin.viewer.mask_voxels import APART_MM, MaskVoxels, stroke_box
from napari_lesion.plugin.viewer.outline_layer import ASIDE, OutlineLabels
from napari_lesion.plugin.widgets.flag import Flag
from napari_lesion.plugin.widgets.messages import show_info
from napari_lesion.review import edits

if TYPE_CHECKING:
    from napari.components import ViewerModel

TOOLS = {"": "pan_zoom", "paint": "paint", "erase": "erase", "fill": "fill"}
"""What the mouse does, and napari's mode for it; "" leaves it to the viewer."""
_BRUSH_MM = 4.0
_AXIS_MM = 0.4
TICK_MM = 2.5
"""Length of the marks at both ends of an axis: they lie outside of the finding, and point at each other."""
OUTLINE = "outline"
"""Who has the mouse while an outline is painted."""
LONG_COLOR, SHORT_COLOR = "#ffd24d", "#ff9ce6"


class Outlines(QObject):
    """Masks and axes in one viewer. Get it with `outlines`."""

    tool_changed = Signal(str)
    shown_changed = Signal()
    """Masks or axes were shown or hidden."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._view = findings_view(session)
        self.masks: Labels | None = None
        self.axes: Vectors | None = None
        self.tool = ""
        self.visible = True
        """Whether masks and axes are shown."""
        self._volume: Volume | None = None
        """The scan that the layers are of."""
        self.voxels = MaskVoxels(self._on_widened)
        """The layer shows a view of them."""
        self._colors: dict[int | None, str] = {}
        self._busy = Flag()
        """The layers are changed from here, not by the reader."""
        self._view.changed.connect(self._follow)
        session.finding_selected.connect(self._follow)
        session.open_scans.leaving.connect(self._on_leaving)
        session.open_scans.deleted.connect(self._on_deleted)
        session.open_scans.mouse_taken.connect(self._on_mouse_taken)
        self._viewer.layers.selection.events.active.connect(self._on_active)
        self._follow()

    @property
    def _viewer(self) -> ViewerModel:
        return self._session.viewer

    # -- from findings to layers --------------------------------------------------------------------------------------

    def _follow(self, _event: object = None) -> None:
        """Show masks and axes as the review has them."""
        volume = self._view.volume
        if volume is not self._volume:
            self._clear()
            self._volume = volume
        if volume is None or self._busy:
            return
        with self._busy:
            self._show_masks(volume)
            self._show_axes(volume)

    def _show_masks(self, volume: Volume) -> None:
        chosen = self._view.chosen
        findings = [f for f in self._view.shown if f != chosen] + ([chosen] if chosen is not None else [])
        # The chosen one comes last, over the others.
        wanted = {f.id: f.mask for f in findings if f.mask is not None and f.mask.fits(volume.shape)}
        if self.masks is None and not wanted:
            return
        layer = self._need_masks(volume)
        changed = self.voxels.draw(wanted)
        layer.selected_label = self.voxels.number(chosen.id) if chosen is not None else self.voxels.next_number
        self._color(layer, chosen.id if chosen is not None else "")
        if changed:
            layer.refresh(thumbnail=False, extent=False)

    def _on_widened(self) -> None:
        if self.masks is not None and self._volume is not None:
            self.masks.data = canonical(self.voxels.array, self._volume.affine)[0]

    def _color(self, layer: Labels, chosen: str) -> None:
        # One colour for all other numbers: a new finding changes no colour, for which napari would draw all anew.
        colors: dict[int | None, str] = {None: FINDING_COLOR, 0: "transparent"}
        if chosen:
            colors[self.voxels.number(chosen)] = SELECTED_COLOR
        if colors != self._colors:
            self._colors = colors
            layer.colormap = DirectLabelColormap(color_dict=colors)

    def _show_axes(self, volume: Volume) -> None:
        chosen = self._view.chosen
        lines = axis_lines(chosen, volume) if chosen is not None else np.zeros((0, 2, 3))
        if self.axes is None and not len(lines):
            return
        layer = self._need_axes(volume)
        if len(lines) != len(layer.data) or not np.array_equal(lines, layer.data):
            put_data(layer, lines)
            if len(lines):
                layer.edge_color = [LONG_COLOR, LONG_COLOR, SHORT_COLOR, SHORT_COLOR]

    # -- the layers ---------------------------------------------------------------------------------------------------

    def _need_masks(self, volume: Volume) -> Labels:
        if self.masks is None:
            self.voxels.begin(volume.shape)
            shown, affine = canonical(self.voxels.array, volume.affine)
            self._colors = {}
            self.masks = OutlineLabels(shown, name=tr("Lesions: {scan}", scan=scan_name(volume.series)), **_on(volume))
            self.masks.brush_size = max(round(_BRUSH_MM / min(spacing_of(affine)[1:])), 1)
            self.masks.preserve_labels = True
            self.masks.contour = ASIDE  # the finding itself stays to be seen
            self._add(self.masks)
            self.masks.events.paint.connect(self._on_paint)
        return self.masks

    def _need_axes(self, volume: Volume) -> Vectors:
        if self.axes is None:
            _, affine = canonical(volume.voxels, volume.affine)
            self.axes = Vectors(
                ndim=3,
                name=tr("Axes: {scan}", scan=scan_name(volume.series)),
                vector_style="line",
                projection_mode="none",
                edge_width=_AXIS_MM / spacing_of(affine)[2],
                **_on(volume),
            )
            self._add(self.axes)
        return self.axes

    def _add(self, layer: Layer) -> None:
        """Put a layer over the scan and below the rings, without turning to it."""
        layer.visible = self.visible
        scans = self._session.open_scans
        if scans.current is not None:
            scans.add(scans.current, layer, below=self._view.layer("findings"))

    def _clear(self) -> None:
        with self._busy:
            self._session.open_scans.remove((self.masks, self.axes))
        self.masks = self.axes = None
        self.voxels.clear()
        self._put_down()

    def _on_leaving(self, _scan: OpenScan) -> None:
        """Put the tool down with the scan that leaves the screen; the next one gets layers of its own."""
        self._clear()
        self._volume = None

    def _on_deleted(self, layer: Layer) -> None:
        """Let go of a layer that the reader deleted; it comes back with the next change."""
        if layer is self.masks:
            self.masks = None
            self.voxels.forget()
            self._put_down()
        elif layer is self.axes:
            self.axes = None

    def _on_mouse_taken(self, who: str) -> None:
        if who != OUTLINE and self.tool:
            self.use("")

    def show(self, visible: bool) -> None:
        """Show or hide masks and axes."""
        self.visible = visible
        for layer in (self.masks, self.axes):
            if layer is not None:
                layer.visible = visible
        if not visible:
            self.use("")
        self.shown_changed.emit()

    # -- painting -----------------------------------------------------------------------------------------------------

    def use(self, tool: str) -> None:
        """Take up one of `TOOLS`."""
        volume = self._view.volume
        if tool and (volume is None or self._view.chosen is None):
            show_info(
                tr("Choose a finding first: click its row or its ring, or press {key}.", key=key_name("findings.next"))
            )
            tool = ""
        if tool and volume is not None:
            self._session.open_scans.take_mouse(OUTLINE)
            if not self.visible:
                self.show(True)
            with self._busy:
                layer = self._need_masks(volume)
                self._show_masks(volume)
                self._viewer.layers.selection.active = layer
            layer.contour = 1  # of the very voxels that are painted
            layer.mode = TOOLS[tool]
        elif self.masks is not None and self.tool:
            self.masks.mode = TOOLS[""]
            self.masks.contour = ASIDE
            if self._viewer.layers.selection.active is self.masks:
                self._viewer.layers.selection.active = self._session.scan
        if tool != self.tool:
            self.tool = tool
            self.tool_changed.emit(tool)

    def set_ball(self, ball: bool) -> None:
        """Paint with a ball, or with a disc on the slice alone."""
        if self._view.volume is not None:
            self._need_masks(self._view.volume).n_edit_dimensions = 3 if ball else 2

    def _put_down(self) -> None:
        if self.tool:
            self.tool = ""
            self.tool_changed.emit("")

    def _on_active(self, event: Any) -> None:
        """Put the tool down when the reader turns to another layer."""
        if not self._busy and self.tool and event.value is not self.masks:
            self.use("")

    def _on_paint(self, event: Any) -> None:
        """Make a stroke the outline of the chosen finding."""
        volume, chosen, layer = self._volume, self._view.chosen, self.masks
        if self._busy or volume is None or layer is None:
            return
        if chosen is None:
            self._redraw(volume)
            show_info(
                tr("Choose a finding first: click its row or its ring, or press {key}.", key=key_name("findings.next"))
            )
            return
        stroke, old = stroke_box(event.value, volume), self.voxels.mask_of(chosen.id)
        apart = gap_mm(stroke, old.region if old is not None else _box_of(chosen, volume), volume.spacing)
        if apart > APART_MM:
            self._redraw(volume)
            show_info(
                tr(
                    "That is {mm} mm from the chosen finding, so it is no part of its outline and nothing was changed. "
                    "For another lesion, point at it and press {key}.",
                    key=key_name("findings.add"),
                    mm=f"{apart:.0f}",
                )
            )
            return
        number = self.voxels.number(chosen.id)
        mask = self.voxels.painted(number, stroke, old)
        self.voxels.take(chosen.id, number, mask)
        if not self._view.change(lambda review, by: edits.outline(review, chosen.id, mask, by, volume)):
            self._redraw(volume)

    def _redraw(self, volume: Volume) -> None:
        """Show what the review has, whatever was painted."""
        self.voxels.erase()
        self._show_masks(volume)


def axis_lines(finding: Finding, volume: Volume) -> FloatArray:
    """Make the axes of a measured finding as napari's vectors: (n, 2, 3), start and way, in canonical voxel indices.

    They lie on the slice that they were measured on. Of each axis its ends are marked, the long one's first, from where
    it ends outwards: nothing is drawn over the finding.
    """
    if finding.measurement is None:
        return np.zeros((0, 2, 3))
    inverse = np.asarray(np.linalg.inv(canonical(volume.voxels, volume.affine)[1]))
    axes = (finding.measurement.long_axis, finding.measurement.short_axis)
    starts = np.array([end for axis in axes for end in (axis.end_mm, axis.start_mm)], dtype=np.float64)
    across = starts - starts[[1, 0, 3, 2]]
    lengths = np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    marks = apply_affine(inverse, np.stack([starts, starts + TICK_MM * across / lengths], axis=1).reshape(-1, 3))
    marks[:, 0] = np.rint(marks[:, 0])
    marks = marks.reshape(-1, 2, 3)
    lines: FloatArray = np.stack([marks[:, 0], marks[:, 1] - marks[:, 0]], axis=1)
    return lines


def _box_of(finding: Finding, volume: Volume) -> Box:
    """Voxels (k, j, i) of the scan that the box of a finding reaches over."""
    (x0, y0, z0), (x1, y1, z1) = finding.box_mm
    corners = [(x, y, z) for x in (x0, x1) for y in (y0, y1) for z in (z0, z1)]
    index = volume.to_index(corners)
    first, last = np.floor(index.min(axis=0)), np.ceil(index.max(axis=0)) + 1
    k, j, i = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return k, j, i


def _on(volume: Volume) -> dict[str, Any]:
    """Place of a layer on the scan's voxels, and whose it is, so that a blind read hides it."""
    return {**placed(volume), "metadata": about(volume, kind="outlines")}


def outlines(session: Session) -> Outlines:
    """Get what shows masks and axes in a viewer; it is made when it is first asked for."""
    found: Outlines | None = session.findChild(Outlines)
    return found if found is not None else Outlines(session)
