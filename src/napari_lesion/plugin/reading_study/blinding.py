"""Keeps what a detector found in a scan off the screen, as long as its reader must not see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

from napari_lesion.plugin.viewer.layers import SCAN
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
        """Layers to switch on again, by `layers.scan_key`."""
        self._followed: WeakSet[Layer] = WeakSet()
        viewer.layers.events.inserted.connect(self._on_inserted)

    def hides(self, scan: str) -> bool:
        """Whether the findings of a scan are hidden."""
        return scan in self._hidden

    def hide(self, scan: str) -> None:
        """Hide what was found in a scan, and what will be."""
        self._hidden.setdefault(scan, WeakSet())
        viewer = self._viewer()
        for layer in viewer.layers if viewer is not None else ():
            self._take(layer)

    def show(self, scan: str) -> None:
        """Show again what was hidden."""
        for layer in self._hidden.pop(scan, ()):
            layer.visible = True

    def _on_inserted(self, event: Any) -> None:
        self._take(event.value)

    def _take(self, layer: Layer) -> None:
        scan = _scan(layer)
        if scan not in self._hidden:
            return
        if layer not in self._followed:
            self._followed.add(layer)
            layer.events.visible.connect(self._on_visible)
        self._switch_off(layer)

    def _on_visible(self, event: Any) -> None:
        self._switch_off(event.source)

    def _switch_off(self, layer: Layer) -> None:
        scan = _scan(layer)
        if scan in self._hidden and layer.visible:
            self._hidden[scan].add(layer)
            layer.visible = False


def _scan(layer: Layer) -> str:
    """Key of the scan that a layer shows something about; "" for scans themselves, and for what a reading shows."""
    if volume_of(layer) is not None or READING in layer.metadata or "series" not in layer.metadata:
        return ""
    return str(layer.metadata.get(SCAN, ""))
