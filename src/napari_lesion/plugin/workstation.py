"""What all panels and views of one viewer share: the scan, the place, and the finding that the reader is at.

Panels do not call each other. They change something here, and follow the signals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.findings import Point
from napari_lesion.plugin.layers import frame_of
from napari_lesion.plugin.view import jump_to, volume_of
from napari_lesion.volume import Volume

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer


class Workstation(QObject):
    """The reader's place in one viewer. Get it with `workstation`."""

    scan_changed = Signal(object)
    """The image layer of the scan that is read now, or None."""
    position_changed = Signal(object)
    """LPS mm (x, y, z) of the crosshair."""
    finding_selected = Signal(str)
    """Id of the finding that is looked at, or ""."""
    blind_changed = Signal(bool)
    """Whether the reader must not see what a detector found."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = ref(viewer)
        self._scan: Image | None = None
        self._finding = ""
        self._blind = False
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.selection.events.active.connect(self._on_active)
        viewer.dims.events.current_step.connect(self._on_step)
        for layer in viewer.layers:
            self._take(layer)

    @property
    def viewer(self) -> ViewerModel:
        """The viewer.

        Raises
        ------
        RuntimeError
            If it is gone.
        """
        viewer = self._viewer()
        if viewer is None:
            raise RuntimeError("the viewer was closed")
        return viewer

    # -- the scan -----------------------------------------------------------------------------------------------------

    @property
    def scan(self) -> Image | None:
        """Layer of the scan that is read now: the one opened or selected last."""
        return self._scan

    @property
    def volume(self) -> Volume | None:
        """The scan that is read now."""
        return volume_of(self._scan) if self._scan is not None else None

    def read(self, scan: Image | None) -> None:
        """Turn to another scan."""
        if scan is not self._scan:
            self._scan = scan
            self._finding = ""
            self.scan_changed.emit(scan)

    def scans(self) -> list[Image]:
        """Layers of all scans that are open."""
        return [layer for layer in self.viewer.layers if volume_of(layer) is not None]

    def _take(self, layer: Layer | None) -> None:
        if layer is not None and volume_of(layer) is not None:
            self.read(layer)

    def _on_inserted(self, event: Any) -> None:
        self._take(event.value)

    def _on_active(self, event: Any) -> None:
        self._take(event.value)

    def _on_removed(self, event: Any) -> None:
        if event.value is self._scan:
            scans = self.scans()
            self.read(scans[-1] if scans else None)

    # -- the place ----------------------------------------------------------------------------------------------------

    @property
    def position_mm(self) -> Point | None:
        """Where the crosshair is: LPS mm (x, y, z); None without a scan."""
        volume, dims = self.volume, self.viewer.dims
        if volume is None or dims.ndim != 3:
            return None
        x, y, z = frame_of(volume).to_patient(np.asarray(dims.point))
        return float(x), float(y), float(z)

    def go_to(self, center_mm: Sequence[float]) -> None:
        """Move the crosshair, and the views with it, to a place in the scan (LPS mm)."""
        if self.volume is not None:
            jump_to(self.viewer, self.volume, center_mm)

    def _on_step(self) -> None:
        position = self.position_mm
        if position is not None:
            self.position_changed.emit(position)

    # -- the finding --------------------------------------------------------------------------------------------------

    @property
    def finding(self) -> str:
        """Id of the finding that is looked at, or ""."""
        return self._finding

    def select(self, finding: str) -> None:
        """Turn to a finding, by its id."""
        if finding != self._finding:
            self._finding = finding
            self.finding_selected.emit(finding)

    # -- the blind read -----------------------------------------------------------------------------------------------

    @property
    def blind(self) -> bool:
        """Whether a blind read is on: panels and keys show nothing of what a detector found."""
        return self._blind

    def set_blind(self, blind: bool) -> None:
        """Begin or end a blind read."""
        if blind != self._blind:
            self._blind = blind
            self.blind_changed.emit(blind)


_workstations: WeakKeyDictionary[ViewerModel, Workstation] = WeakKeyDictionary()


def workstation(viewer: ViewerModel) -> Workstation:
    """Get what the panels of a viewer share; it is made when it is first asked for."""
    if viewer not in _workstations:
        _workstations[viewer] = Workstation(viewer)
    return _workstations[viewer]
