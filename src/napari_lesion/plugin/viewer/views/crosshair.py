"""The place that all views of one viewer are at: shown in each, and moved by wheel and mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject

from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import option, store
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.viewer.views.pane import Pane, idle

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_lesion.plugin.viewer.views.mpr import Views

#: What the slices run along when the reader goes on: to the feet, to the back, to the patient's left.
ONWARD = (-1, 1, 1)


class Crosshair(QObject):
    """The crosshair of all views; its place is the session's."""

    def __init__(self, session: Session, views: Views) -> None:
        super().__init__(views)
        self._session = session
        self._views = views
        self.shown: bool = option("views/crosshair")
        """Whether its lines are to be seen, where there is a scan and nothing is hidden."""

    def _world(self) -> FloatArray | None:
        volume, place = self._session.volume, self._session.position_mm
        return frame_of(volume).to_world(place) if volume is not None and place is not None else None

    def follow(self, _place_mm: object = None) -> None:
        """Bring each view that can be seen to the place: only its own slice can change."""
        world = self._world()
        for pane in self._views.seen:
            pane.marks.move_to(world)
            own = pane is self._views.panes[0]
            if world is not None and not own and pane.is_plane and pane.view.dims.ndim == 3:
                pane.show_slice(world)

    def scroll(self, pane: Pane, slices: int) -> None:
        """Go on by some slices in one view (back if negative): to the feet, to the back, to the patient's left."""
        scan, volume, world = self._session.scan, self._session.volume, self._world()
        if scan is None or volume is None or world is None:
            return
        index = np.array(scan.world_to_data(world), dtype=np.float64)
        axis = pane.through
        wanted = np.rint(index[axis]) + slices * ONWARD[axis]
        index[axis] = np.clip(wanted, 0, scan.data.shape[axis] - 1)
        self._session.point_at(frame_of(volume).to_patient(scan.data_to_world(index)))

    def drag(self, view: ViewerModel, event: Any) -> Iterator[None]:
        """Go along with the left mouse button, where nothing else has it."""
        volume = self._session.volume
        free = event.button == 1 and not event.modifiers and not event.handled and idle(self._session.viewer)
        if volume is None or not free or view.dims.ndisplay != 2 or view.dims.ndim != 3:
            return
        frame = frame_of(volume)
        self._session.point_at(frame.to_patient(event.position))
        event.handled = True
        yield
        while event.type == "mouse_move":
            self._session.point_at(frame.to_patient(event.position))
            event.handled = True
            yield

    def toggle(self) -> None:
        """Show or hide the lines."""
        self.show(not self.shown)

    def show(self, shown: bool) -> None:
        """Show or hide the lines; that is remembered."""
        self.shown = shown
        store("views/crosshair", shown)
        self.refresh()

    def refresh(self, _changed: object = None) -> None:
        """Draw lines and letters where they are to be seen."""
        scan, volume = self._session.scan is not None, self._session.volume
        # What 3D looks through is no scan that could tell that nobody knows its sides.
        has_sides = volume is not None and volume.certificate.orientation != "unknown"
        self._views.bar.setVisible(scan)
        self._views.bar.refresh()
        lines = self.shown and scan and not overlays(self._session).hidden
        for pane in self._views.panes:
            pane.marks.show_parts(lines=lines, letters=scan and (has_sides or pane.is_plane))
