"""Keeps what a detector found in a scan off the screen, as long as its reader must not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

from napari_lesion.plugin.viewer.view import volume_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

READING = "reading"
"""Key in the metadata of layers that belong to the reading itself, and stay."""


class Blinding:
    """Hides the layers of some scans: findings, boxes, heatmaps and all else that is not the scan itself.

    A layer that comes later, or that is switched on meanwhile, is hidden again.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._hidden: dict[str, WeakSet[Layer]] = {}
        """Layers to switch on again, by series UID of the scan."""
        self._followed: WeakSet[Layer] = WeakSet()
        viewer.layers.events.inserted.connect(self._on_inserted)

    def hides(self, series_uid: str) -> bool:
        """Whether the findings of a scan are hidden."""
        return series_uid in self._hidden

    def hide(self, series_uid: str) -> None:
        """Hide what was found in a scan, and what will be."""
        self._hidden.setdefault(series_uid, WeakSet())
        viewer = self._viewer()
        for layer in viewer.layers if viewer is not None else ():
            self._take(layer)

    def show(self, series_uid: str) -> None:
        """Show again what was hidden."""
        for layer in self._hidden.pop(series_uid, ()):
            layer.visible = True

    def _on_inserted(self, event: Any) -> None:
        self._take(event.value)

    def _take(self, layer: Layer) -> None:
        series_uid = _series_uid(layer)
        if series_uid not in self._hidden:
            return
        if layer not in self._followed:
            self._followed.add(layer)
            layer.events.visible.connect(self._on_visible)
        self._switch_off(layer)

    def _on_visible(self, event: Any) -> None:
        self._switch_off(event.source)

    def _switch_off(self, layer: Layer) -> None:
        series_uid = _series_uid(layer)
        if series_uid in self._hidden and layer.visible:
            self._hidden[series_uid].add(layer)
            layer.visible = False


def _series_uid(layer: Layer) -> str:
    """UID of the scan that a layer shows something about; "" for scans themselves, and for what a reading shows."""
    if volume_of(layer) is not None or READING in layer.metadata:
        return ""
    series = layer.metadata.get("series")
    return str(series.get("series_uid", "")) if isinstance(series, dict) else ""
