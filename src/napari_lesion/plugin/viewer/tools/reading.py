"""The tools of reading in the views of one workstation: what is set, and what each view shows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.model.display import Window
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.per_viewer import one_each
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.settings import option, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.hanging import hanging_of, remember
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.tools import corners, presets, windows
from napari_lesion.plugin.viewer.tools import slab as slabs
from napari_lesion.plugin.viewer.tools.cine import Cine
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.viewer.tools.slab import Mode, Slab
from napari_lesion.plugin.viewer.tools.view_tools import ViewTools
from napari_lesion.plugin.viewer.view import volume_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_lesion.model.volume import Volume

NAMES_SETTING = "tools/names_shown"
INTERPOLATED_SETTING = "tools/interpolated"
RATE_SETTING = "tools/cine_rate"
_OPENED = "lesion_window"
"""Key in the metadata of a scan's layer: the window that it opened with, where that was not as the scan asks."""


class ReadingTools(QObject):
    """Window, slab, cine, names: one set for all views of a workstation. Get it with `reading_tools`.

    The window and its inversion are on the scan's layer, and other views follow that.
    """

    slab_changed = Signal(object)
    """The `Slab`."""
    window_changed = Signal()
    """Window or colours of the scan changed, or another scan is read."""
    names_changed = Signal(bool)
    """Whether the patient's name is shown."""
    interpolated_changed = Signal(bool)
    """Whether the picture is smooth between the voxels."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        # Weakly: the tools live as long as the session, not the other way round.
        self._session = ref(session)
        self.slab = Slab()
        self._names: bool = option(NAMES_SETTING)
        self.interpolated: bool = option(INTERPOLATED_SETTING)
        """Whether the picture is smooth between the voxels, of all scans until the program ends."""
        self.overlays = overlays(session)
        self._views: WeakKeyDictionary[ViewerModel, ViewTools] = WeakKeyDictionary()
        self._others: WeakKeyDictionary[ViewerModel, Image] = WeakKeyDictionary()
        """What is shown by views of another scan than the one that is read: a prior."""
        self._captions: WeakKeyDictionary[ViewerModel, str] = WeakKeyDictionary()
        self._caption = ""
        self._scan: Image | None = None
        self._status = ""
        self._active = ref(session.viewer)
        self.cine = Cine(self._next_slice, self)
        self.cine.rate = option(RATE_SETTING)
        self.attach(session.viewer)
        # Last, after the status bar: what is shown there is then replaced.
        session.viewer.events.status.connect(self._on_status, position="last")
        session.scan_changed.connect(self._on_scan)
        session.open_scans.keep("slab", self._save_slab, self._restore_slab)
        session.position_changed.connect(self.cine.take_over)
        self.overlays.changed.connect(self._show_technique)
        self._on_scan(session.scan)

    @property
    def session(self) -> Session:
        """Whose scan is read."""
        session = self._session()
        if session is None:
            raise RuntimeError("the session is gone")
        return session

    def attach(self, model: ViewerModel, other: Image | None = None) -> None:
        """Give a view the tools: its corners, the cursor's value, dragging, and the slab.

        Parameters
        ----------
        model : ViewerModel
        other : Image
            Layer of the scan that the view shows, where it is not the one that is read; window and slab are shared.
        """
        if other is not None:
            self._others[model] = other
        if model not in self._views:
            self._views[model] = ViewTools(model, self)
            self._views[model].on_layers()

    def detach(self, model: ViewerModel) -> None:
        """Let go of a view that is closed: nothing is written into it any more."""
        for known in (self._views, self._others, self._captions):
            known.pop(model, None)

    def view(self, model: ViewerModel) -> ViewTools:
        """Get what the tools have in a view that was attached."""
        return self._views[model]

    def set_caption(self, text: str, model: ViewerModel | None = None) -> None:
        """Show which scan it is ("PRIOR") before its day, in the views of the scan that is read or in another one."""
        if model is None:
            self._caption = text
        else:
            self._captions[model] = text
        self._refresh()

    def caption(self, model: ViewerModel) -> str:
        """Word that goes before the day in a view."""
        return self._captions.get(model, "") if model in self._others else self._caption

    # -- the scan -----------------------------------------------------------------------------------------------------

    @property
    def scan(self) -> Image | None:
        """Layer of the scan that is read."""
        return self._scan

    def scan_in(self, model: ViewerModel) -> tuple[Image, Volume] | None:
        """Find the layer of a view that shows the scan (or the other one that the view is for), and the scan."""
        other = self._others.get(model)
        if other is not None:
            shown = volume_of(other)
            return (other, shown) if shown is not None else None
        volume = self.session.volume
        if volume is None:
            return None
        if self._scan is not None and self._scan in model.layers:
            return self._scan, volume
        return next(((layer, volume) for layer in model.layers if volume_of(layer) is volume), None)

    def _on_scan(self, scan: Image | None) -> None:
        if self._scan is not None:
            self._scan.events.contrast_limits.disconnect(self._on_window)
            self._scan.events.colormap.disconnect(self._on_window)
        self._scan = scan
        if scan is not None:
            windows.show_interpolated(scan, self.interpolated)
            scan.events.contrast_limits.connect(self._on_window)
            scan.events.colormap.connect(self._on_window)
        if self._status and self.session.viewer.status == self._status:
            self.session.viewer.status = ""
        self._status = ""
        self.cine.stop()
        for view in list(self._views.values()):
            view.on_layers()
        self.window_changed.emit()
        self.slab_changed.emit(self.slab)

    def _save_slab(self, scan: OpenScan) -> dict[str, Any]:
        layer = scan.layer
        return {"slab": self.slab, "window": tuple(layer.contrast_limits), "colors": layer.colormap}

    def _restore_slab(self, scan: OpenScan, kept: dict[str, Any] | None) -> None:
        self.slab = kept["slab"] if kept is not None else self.slab.with_mode(Mode.OFF)
        if kept is not None:  # a scan that was closed and is opened again has a new layer
            scan.layer.contrast_limits, scan.layer.colormap = kept["window"], kept["colors"]
            return
        preset = hanging_of(scan.layer).preset
        if preset is not None and windows.in_hu(scan.layer):
            windows.set_window(scan.layer, preset.window)
            scan.layer.metadata[_OPENED] = preset.window

    def _refresh(self) -> None:
        for view in list(self._views.values()):
            view.refresh()

    # -- window -------------------------------------------------------------------------------------------------------

    def _show_technique(self, _changed: object = None) -> None:
        for view in list(self._views.values()):
            view.show_technique()

    def _on_window(self) -> None:
        self._show_technique()
        self.window_changed.emit()

    def set_preset(self, preset: presets.Preset) -> None:
        """Show the scan with a preset; where values are no HU, say so instead."""
        if self._scan is None:
            return
        if windows.in_hu(self._scan):
            self.set_window(preset.window)
            remember(self._scan, window=preset.id)
        else:
            self.set_status(
                tr(
                    "{preset} is a window in HU, and this scan is not in HU: {key} chooses one.",
                    key=key_name("window.auto"),
                    preset=tr(preset.text),
                )
            )

    def auto_window(self) -> None:
        """Choose the window for what is on the screen."""
        if self._scan is not None:
            dims = self.active.dims
            axis = int(dims.order[0]) if dims.ndim == 3 and dims.ndisplay == 2 else 0
            shown = int(np.rint(self._scan.world_to_data(dims.point)[axis]))
            last = self._scan.data.shape[axis] - 1
            values = np.take(self._scan.data, min(max(shown, 0), last), axis)
            self.set_window(presets.automatic(values))

    def opening_window(self) -> None:
        """Go back to the window that the scan opened with."""
        volume = self.session.volume
        if self._scan is not None and volume is not None:
            self.set_window(self._scan.metadata.get(_OPENED) or presets.opening_window(volume))

    def invert(self) -> None:
        """Swap black and white."""
        if self._scan is not None:
            windows.invert(self._scan)

    def set_interpolated(self, interpolated: bool) -> None:
        """Show the picture smooth between the voxels, or each voxel as a square."""
        if interpolated != self.interpolated:
            self.interpolated = interpolated
            if self._scan is not None:
                windows.show_interpolated(self._scan, interpolated)
            self._show_technique()
            self.interpolated_changed.emit(interpolated)

    def dragging(self) -> tuple[Window, float] | None:
        """Give the window that a drag begins with, and its least step; None where there is nothing to drag."""
        if self._scan is None or self._scan.rgb:
            return None
        window = windows.window_of(self._scan)
        whole = np.issubdtype(self._scan.dtype, np.integer)
        return window, 1.0 if whole else 10.0 ** np.floor(np.log10(max(window.width, 1e-9)) - 3)

    def set_window(self, window: Window) -> None:
        """Show the scan with a window, and say it."""
        if self._scan is not None:
            windows.set_window(self._scan, window)
            self.set_status(corners.window_text(self._scan))

    # -- slab ---------------------------------------------------------------------------------------------------------

    def set_slab(self, slab: Slab) -> None:
        """Show all views with another slab."""
        if slab != self.slab:
            self.slab = slab
            for model in list(self._views):
                self.show_slab(model)
            self._refresh()
            self.slab_changed.emit(slab)

    def show_slab(self, model: ViewerModel) -> None:
        """Show one view with the slab that is set."""
        found = self.scan_in(model)
        if found is not None:
            slabs.show_slab(model, found[0], self.slab)

    # -- names, cine, reset -------------------------------------------------------------------------------------------

    @property
    def names(self) -> bool:
        """Whether the patient's name, number and day are shown."""
        return self._names

    def set_names(self, shown: bool) -> None:
        """Show the patient's name, or hide it; that is remembered."""
        if shown != self._names:
            self._names = shown
            store(NAMES_SETTING, shown)
            for view in list(self._views.values()):
                view.show_identity()
            self.names_changed.emit(shown)

    def set_rate(self, rate: int) -> None:
        """Set the slices a second of the cine; that is remembered."""
        if rate != self.cine.rate:
            self.cine.rate = rate
            store(RATE_SETTING, rate)

    @property
    def active(self) -> ViewerModel:
        """The view that the mouse was in last."""
        active = self._active()
        return self.session.viewer if active is None else active

    def enter(self, model: ViewerModel) -> None:
        """Take a view of the scan as the one that the reader is at."""
        if model not in self._others and self.active is not model:
            self.cine.stop()
            self._active = ref(model)

    def _next_slice(self) -> bool:
        """Go on by one slice in the active view, from the last one to the first."""
        model = self.active
        found, place = self.scan_in(model), self.session.position_mm
        if found is None or place is None or model.dims.ndisplay != 2 or model.dims.ndim != 3:
            return False
        scan, volume = found
        frame, axis = frame_of(volume), int(model.dims.order[0])
        index = np.array(scan.world_to_data(frame.to_world(place)), dtype=np.float64)
        total = scan.data.shape[axis]
        index[axis] = (np.rint(index[axis]) + 1) % total
        self.session.point_at(frame.to_patient(scan.data_to_world(index)))
        return bool(total > 1)

    def reset(self) -> None:
        """Show the scan as it was opened: its window, not inverted, single slices. The place stays."""
        volume = self.session.volume
        if self._scan is None or volume is None:
            return
        self.cine.stop()
        self._scan.colormap = presets.opening_colors(volume)
        self.opening_window()
        self.set_slab(self.slab.with_mode(Mode.OFF))

    # -- the status bar -----------------------------------------------------------------------------------------------

    def set_status(self, text: str) -> None:
        """Show something in the status bar; "" leaves it to napari again."""
        self._status = text
        if text:
            self.session.viewer.status = text

    def _on_status(self, event: Any) -> None:
        """Put what is under the cursor in the place of napari's own words about the selected layer."""
        viewer = self.session.viewer
        reads = self.scan_in(viewer) is not None and viewer.dims.ndim == 3
        # Beside the scan nothing is said: napari would name the voxel of another layer, by its own count of slices.
        if (self._status or reads) and viewer.mouse_over_canvas and event.value != self._status:
            viewer.status = self._status


reading_tools = one_each(ReadingTools)
"""Get the tools of a workstation; its viewer has them from then on."""


def attach(model: ViewerModel, session: Session | None = None) -> ReadingTools:
    """Give a view the tools of reading (once).

    Parameters
    ----------
    model : ViewerModel
    session : Session, optional
        Whose scan the view shows; the viewer's own where none is given.
    """
    tools = reading_tools(session_of(model) if session is None else session)
    tools.attach(model)
    return tools
