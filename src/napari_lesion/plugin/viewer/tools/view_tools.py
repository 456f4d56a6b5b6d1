"""What one view shows of the tools of reading: corners, cursor, caption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from qtpy.QtCore import QTimer

from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.tools import corners, cursor
from napari_lesion.plugin.viewer.tools.dragging import WindowDrag
from napari_lesion.plugin.viewer.tools.slab import Mode

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_lesion.model.volume import Volume
    from napari_lesion.plugin.viewer.tools.reading import ReadingTools


#: The corner follows the cursor at most this often: each time the whole view is drawn anew.
_CURSOR_MS = 40


class ViewTools:
    """The tools in one view."""

    def __init__(self, model: ViewerModel, tools: ReadingTools) -> None:
        self._model, self._tools = ref(model), ref(tools)
        self.corners = corners.CornerTexts(model)
        self._timer = QTimer(tools)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_CURSOR_MS)
        self._timer.timeout.connect(self._show_cursor)
        self.found: cursor.Probe | None = None
        """What is under the cursor."""
        # Views of one window may share their callbacks.
        if not any(isinstance(callback, WindowDrag) for callback in model.mouse_drag_callbacks):
            model.mouse_drag_callbacks.append(WindowDrag(tools.dragging, tools.set_window))
        model.cursor.events.position.connect(self._on_cursor)
        model.events.status.connect(self._on_status)
        model.layers.events.inserted.connect(self.on_layers)
        model.layers.events.removed.connect(self.on_layers)
        model.dims.events.current_step.connect(self._on_slice)
        model.dims.events.order.connect(self._on_slice)
        model.dims.events.ndisplay.connect(self.refresh)
        model.scene.camera.events.zoom.connect(self.show_technique)
        model.scene.camera.events.center.connect(self._on_pan)
        model.canvas.events.size.connect(self.refresh, position="last")  # when the corners know it

    def refresh(self) -> None:
        """Write all corners anew."""
        self.show_identity()
        self.show_technique()
        if self.found is not None:
            self.probe()

    def on_layers(self) -> None:
        """Show another scan, or none."""
        model, tools = self._model(), self._tools()
        # While another scan comes it is not all there yet; then all views are told.
        if model is not None and tools is not None and not tools.session.open_scans.moving:
            tools.show_slab(model)
            self.found = None
            self.corners.set_text("bottom_right", "")
            self.refresh()

    def _on_cursor(self) -> None:
        model, tools = self._model(), self._tools()
        # napari moves the cursor of a view also where the mouse is elsewhere.
        moving = tools is not None and tools.session.open_scans.moving
        if model is not None and tools is not None and model.mouse_over_canvas and not moving:
            tools.enter(model)
            self.probe()

    def _on_status(self, event: Any) -> None:
        """Take the value away when the mouse leaves the canvas: napari empties the status then."""
        if event.value == "":
            self.found = None
            self.corners.set_text("bottom_right", "")

    def _shown(self) -> tuple[ViewerModel, ReadingTools, Image, Volume] | None:
        model, tools = self._model(), self._tools()
        if model is None or tools is None or model.dims.ndim != 3:
            return None
        found = tools.scan_in(model)
        return None if found is None else (model, tools, *found)

    def show_identity(self) -> None:
        """Write whose scan it is."""
        shown = self._shown()
        names = shown is not None and shown[1].names
        small = self.corners.small
        who = corners.patient_text(shown[3].series, names, small) if shown else ""
        self.corners.show_identity(who, self._study(shown, names) if shown else "")

    def _study(self, shown: tuple[ViewerModel, ReadingTools, Image, Volume], names: bool) -> str:
        model, tools, _, volume = shown
        return corners.study_text(volume, names, self.corners.small, tools.caption(model))

    def show_technique(self) -> None:
        """Write how it is shown."""
        shown = self._shown()
        if shown is None:
            self.corners.set_text("bottom_left", "")
            return
        model, tools, scan, volume = shown
        flat, small = model.dims.ndisplay == 2, self.corners.small
        lines = [
            tr("Overlays hidden") if tools.overlays.hidden else "",
            tr("Raw pixels") if flat and not tools.interpolated else "",
            corners.slab_text(model, scan, volume, tools.slab, small) if flat else "",
            corners.slice_text(model, scan, volume, small) if flat else "",
            # Of the scan's own layer: that of another view may follow only later.
            corners.window_text(tools.scan or scan, small),
            corners.scale_text(model, scan, volume) if flat and not small else "",
        ]
        self.corners.set_text("bottom_left", "\n".join(line for line in lines if line))

    def _on_pan(self) -> None:
        tools = self._tools()
        if tools is not None and tools.slab.mode is not Mode.OFF:
            self.show_technique()  # the highest value is that of what can be seen

    def _on_slice(self) -> None:
        model, tools = self._model(), self._tools()
        if model is not None and tools is not None and not tools.session.open_scans.moving:
            tools.show_slab(model)  # halfway between two slices its margins are others
        self.show_technique()
        if self.found is not None:
            self.probe()

    def probe(self) -> None:
        """Look what is under the cursor, and say it: at once in the status bar, soon in the corner."""
        shown = self._shown()
        if shown is None:
            self.found = None
            self.corners.set_text("bottom_right", "")
            return
        model, tools, scan, volume = shown
        self.found = cursor.probe(model, scan, volume, tools.slab)
        tools.set_status("" if self.found is None else cursor.status_text(self.found, volume, tools.slab))
        if not self._timer.isActive():
            self._timer.start()

    def _show_cursor(self) -> None:
        shown = self._shown()
        text = ""
        if shown is not None and self.found is not None:
            text = cursor.corner_text(self.found, shown[3], shown[1].slab, self.corners.small)
        self.corners.set_text("bottom_right", text)
