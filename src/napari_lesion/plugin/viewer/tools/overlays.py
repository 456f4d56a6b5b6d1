"""All that is drawn over the picture of a scan, hidden by one key and shown again as it was.

What says whose picture it is, and which side is which, always stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.widgets.flag import Flag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Layer

_WHO = "overlays"
_HIDDEN = "lesion_hidden"
"""Key in the metadata of a layer that was hidden here, and comes back from here."""


class Overlays(QObject):
    """Whether anything is drawn over the picture, for each scan. Get it with `overlays`.

    Whoever shows a layer of a scan whose overlays are hidden (the heatmap by its key, say), or takes up a tool, asks to
    see: then all of them are back.
    """

    changed = Signal(bool)
    """Whether they are hidden in the scan on the screen."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._scans = session.open_scans
        self._hidden: set[str] = set()
        """Scans, by key."""
        self._followed: WeakSet[Layer] = WeakSet()
        self._busy = Flag()
        self._scans.viewer.layers.events.inserted.connect(self._on_inserted)
        self._scans.current_changed.connect(self._on_current)
        self._scans.mouse_taken.connect(self._on_mouse_taken)
        for layer in self._scans.viewer.layers:
            self._follow(layer)

    @property
    def hidden(self) -> bool:
        """Whether they are hidden in the scan on the screen."""
        current = self._scans.current
        return current is not None and current.key in self._hidden

    def toggle(self) -> None:
        """Hide them in the scan on the screen, or show again what was shown."""
        self.hide(not self.hidden)

    def hide(self, hidden: bool) -> None:
        """Hide the overlays of the scan on the screen, or show again what was shown."""
        current = self._scans.current
        if current is None or hidden == self.hidden:
            return
        if hidden:
            self._scans.take_mouse(_WHO)  # nobody paints on what he does not see
            self._hidden.add(current.key)
        else:
            self._hidden.discard(current.key)
        self._apply(self._drawn_over(current))
        self.changed.emit(hidden)

    def _drawn_over(self, scan: OpenScan) -> list[Layer]:
        return [one for one in self._scans.viewer.layers if self._scans.owner(one) is scan and one is not scan.layer]

    def _apply(self, layers: Iterable[Layer]) -> None:
        """Hide layers and mark those that were shown, or bring back what is marked."""
        with self._busy:
            for layer in layers:
                if self.hidden and layer.visible:
                    layer.metadata[_HIDDEN] = True
                    layer.visible = False
                elif not self.hidden and layer.metadata.pop(_HIDDEN, False):
                    layer.visible = True

    def _on_current(self, scan: OpenScan | None) -> None:
        if scan is not None:
            self._apply(self._drawn_over(scan))  # work for it may have brought layers meanwhile
        self.changed.emit(self.hidden)

    def _on_inserted(self, event: Any) -> None:
        layer = event.value
        self._follow(layer)
        current = self._scans.current
        if self.hidden and current is not None and not self._scans.moving and layer in self._drawn_over(current):
            self._apply([layer])

    def _on_mouse_taken(self, who: str) -> None:
        if who != _WHO:
            self.hide(False)

    def _follow(self, layer: Layer) -> None:
        if layer not in self._followed:
            self._followed.add(layer)
            layer.events.visible.connect(self._on_visible)

    def _on_visible(self, event: Any) -> None:
        layer, current = event.source, self._scans.current
        asked = layer.visible and not self._busy and not self._scans.moving
        if asked and self.hidden and current is not None and layer in self._drawn_over(current):
            self.hide(False)


def overlays(session: Session) -> Overlays:
    """Get what hides the overlays of a viewer; it is made when it is first asked for."""
    found: Overlays | None = session.findChild(Overlays)
    return found if found is not None else Overlays(session)
