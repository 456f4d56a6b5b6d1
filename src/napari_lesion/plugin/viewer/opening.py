"""Show a scan while it is read: its middle slice at once, the others behind it.

A scan that is not read to its end never stays: it is taken off the viewer, with a sentence that says why. While slices
are missing, the screen says how many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

import numpy as np
from napari.components.overlays import TextOverlay
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.model.volume import Volume, apply_affine
from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import canonical, scan_name
from napari_lesion.plugin.viewer.view import unwrapped, volume_of
from napari_lesion.plugin.widgets.messages import line_of, show_error, show_info
from napari_lesion.plugin.widgets.task import Task, sentence

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_lesion.dicom.read.progressive import ProgressiveLoading

OVERLAY = "lesion_reading"
"""Name of the canvas overlay that tells how many slices are there."""
_LOOK_MS = 100
_REFRESH_EVERY = 4
"""Looks after which a view is drawn anew that shows many slices at once (coronal, four-up)."""


class Opening(QObject):
    """One scan that is being read behind the layers that show it.

    Parameters
    ----------
    reading : ProgressiveLoading
    read_whole : callable
        Called with the viewers that showed the scan, where it turns out that it can only be read as a whole.
    """

    ended = Signal(object)
    """The volume: all slices are there, or none will come any more."""

    def __init__(self, reading: ProgressiveLoading, read_whole: Callable[[list[ViewerModel]], None]) -> None:
        super().__init__()
        self.volume = reading.volume
        load_state = reading.volume.load_state
        assert load_state is not None  # progressive loading has one
        self.load_state = load_state
        self._read_whole = read_whole
        self._shown: list[tuple[ref[ViewerModel], Layer]] = []
        self.over = False
        self._seen = 0
        self._looks = 0
        self._slice: tuple[int, bool] = (-1, False)
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._task: Task[Volume] = Task(reading.finish, self)
        self._task.succeeded.connect(self._on_complete)
        self._task.failed.connect(self._on_failed)
        self._task.cancelled.connect(self._on_cancelled)

    def start(self) -> None:
        """Read on, on a worker thread."""
        _under_way.append(self)
        self._task.start()
        self._timer.start()

    def cancel(self) -> None:
        """Stop reading; the scan is taken off the viewer."""
        self._task.cancel()

    @property
    def name(self) -> str:
        """Name of the scan for people."""
        return scan_name(self.volume.series)

    def show(self, viewer: ViewerModel, layer: Layer) -> None:
        """Follow a layer that shows the scan."""
        self._shown.append((ref(viewer), layer))
        self._show_progress()

    def forget(self, layer: Layer) -> None:
        """Let go of a layer that somebody took away; without any left, reading stops."""
        gone = [viewer for viewer, one in self._shown if one is layer]
        self._shown = [(viewer, one) for viewer, one in self._shown if one is not layer]
        if gone and not self._shown:
            self.cancel()

    # -- while it is read ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Show what has come since the last look, and say which slice is wanted next."""
        done = self.load_state.done
        if done == self._seen:
            return
        self._looks += 1
        everything = self._looks % _REFRESH_EVERY == 0
        for viewer, layer in self._viewers():
            k = self._slice_shown(viewer, layer) if layer in viewer.layers else self.load_state.focus
            self.load_state.focus = k
            now = (k, bool(self.load_state.present[k]))
            came, self._slice = now != self._slice and now[1], now
            if layer not in viewer.layers:
                continue  # another scan is on the screen
            # In 3D every drawing sends the whole volume to the graphics card.
            if viewer.dims.ndisplay == 2 and (came or everything):
                layer.refresh(thumbnail=False, extent=False)
        self._seen = done
        self._show_progress()

    def _slice_shown(self, viewer: ViewerModel, layer: Layer) -> int:
        """Index k of the slice that the viewer is at."""
        if viewer.dims.ndim != 3:
            return self.load_state.focus
        # Rounded in the array that is drawn, as napari does: halfway between two slices it may be the other one.
        drawn = np.rint(np.asarray(layer.world_to_data(viewer.dims.point)))
        affine = canonical(self.volume.voxels, self.volume.affine)[1]
        k = int(np.rint(self.volume.to_index(apply_affine(affine, drawn))[0]))
        return min(max(k, 0), self.load_state.total - 1)

    def _viewers(self) -> list[tuple[ViewerModel, Layer]]:
        return [(viewer, layer) for weak, layer in self._shown if (viewer := weak()) is not None]

    def _show_progress(self) -> None:
        for viewer, layer in self._viewers():
            if layer in viewer.layers:
                _show_text(viewer, self.text)

    @property
    def text(self) -> str:
        """How far it is, in words."""
        return tr("Reading: {done} of {total} slices", done=self.load_state.done, total=self.load_state.total)

    def shows_in(self, viewer: ViewerModel) -> bool:
        """Whether its scan is on the screen of a viewer."""
        return any(one is viewer and layer in viewer.layers for one, layer in self._viewers())

    # -- how it ends --------------------------------------------------------------------------------------------------

    def _on_complete(self, volume: Volume) -> None:
        self._stop()
        low, high = self.load_state.limits
        for viewer, layer in self._viewers():
            if not np.may_share_memory(layer.data, volume.voxels):  # somebody duplicated the layer meanwhile
                layer.data = canonical(volume.voxels, volume.affine)[0]
            window = layer.contrast_limits
            layer.contrast_limits_range = (min(low, window[0]), max(high, window[1]))
            layer.contrast_limits = window
            layer.refresh()
            if layer in viewer.layers:
                _show_text(viewer, "")
        self.ended.emit(volume)

    def _on_failed(self, error: Exception) -> None:
        from napari_lesion.dicom.read.progressive import WiderError

        self._stop()
        viewers = [viewer for viewer, _ in self._viewers()]
        self._take_away()
        if isinstance(error, WiderError):
            show_info(tr("{name} holds values beyond 16 bits and is read again, as a whole.", name=self.name))
            self._read_whole(viewers)
        else:
            show_error(tr("{name} was taken off the viewer: {why}", name=self.name, why=sentence(error)))
        self.ended.emit(self.volume)

    def _on_cancelled(self) -> None:
        self._stop()
        self._take_away()
        show_info(tr("{name} was not read to its end and is not shown.", name=self.name))
        self.ended.emit(self.volume)

    def _stop(self) -> None:
        self._timer.stop()
        self.over = True
        QTimer.singleShot(0, lambda: _under_way.remove(self))  # not sooner: its task still has a signal to send

    def _take_away(self) -> None:
        for viewer, layer in self._viewers():
            if layer in viewer.layers:
                _show_text(viewer, "")
            if (scan := open_scans(viewer).of(layer)) is not None:
                open_scans(viewer).close(scan)
        self._shown.clear()


def _show_text(viewer: ViewerModel, text: str) -> None:
    if (line := line_of(viewer)) is not None:
        line.state(text)
        return
    if OVERLAY not in viewer.canvas.overlays:
        if not text:
            return
        viewer.canvas.overlays[OVERLAY] = TextOverlay(
            position="top_center", font_size=12, color="#ffd24d", box=False, visible=False
        )
    overlay = viewer.canvas.overlays[OVERLAY]
    overlay.text = f"\n{text}" if text else ""  # below the letter of the side
    overlay.visible = bool(text)


_under_way: list[Opening] = []
_followed: WeakSet[ViewerModel] = WeakSet()


def under_way(volume: Volume) -> Opening | None:
    """Find what reads a volume, or None where nothing does any more."""
    return next((one for one in _under_way if one.load_state is volume.load_state and not one.over), None)


def follow(viewer: ViewerModel) -> None:
    """Have scans filled in a viewer (once): its layers of a volume that is being read are kept up to date."""
    viewer = unwrapped(viewer)
    if viewer in _followed:
        return
    _followed.add(viewer)
    weak, scans = ref(viewer), open_scans(viewer)

    def on_inserted(event: Any) -> None:
        volume, one = volume_of(event.value), weak()
        if volume is None or one is None:
            return
        opening = under_way(volume)
        if opening is not None:
            opening.show(one, event.value)
        elif not volume.complete:  # reading failed before anyone could show it
            QTimer.singleShot(0, lambda: _close(one, event.value))

    def forget(layer: Layer) -> None:
        for opening in list(_under_way):
            opening.forget(layer)

    def on_current(_scan: object) -> None:
        one = weak()
        shown = next((opening for opening in _under_way if one is not None and opening.shows_in(one)), None)
        if one is not None:
            _show_text(one, shown.text if shown is not None and not shown.over else "")

    viewer.layers.events.inserted.connect(on_inserted)
    scans.closed.connect(lambda scan: forget(scan.layer))
    scans.deleted.connect(forget)
    scans.current_changed.connect(on_current)


def _close(viewer: ViewerModel, layer: Layer) -> None:
    if (scan := open_scans(viewer).of(layer)) is not None:
        open_scans(viewer).close(scan)
