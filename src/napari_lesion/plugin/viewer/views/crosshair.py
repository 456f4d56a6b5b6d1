"""The place that all views of one viewer are at: shown in each, and moved by wheel and mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject

from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import option, store
from napari_lesion.plugin.viewer.layers import UprightFrame, frame_of
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.viewer.views.pane import Pane, idle

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

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
        self._session.point_at(frame_of(volume).to_patient(steps_on(scan, world, pane.through, slices)))

    def drag(self, view: ViewerModel, event: Any) -> Iterator[None]:
        """Go along with the left mouse button, where nothing else has it."""
        volume = self._session.volume
        free = event.button == 1 and not event.modifiers and not event.handled and idle(self._session.viewer)
        if volume is None or not free or view.dims.ndisplay != 2 or view.dims.ndim != 3:
            return
        yield from drag_along(event, frame_of(volume), self._session.point_at)

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


def steps_on(image: Image, world: FloatArray, axis: int, slices: int) -> FloatArray:
    """Go on by some slices along an axis of a picture (back if negative), not beyond its ends; in napari's world."""
    index = np.array(image.world_to_data(world), dtype=np.float64)
    index[axis] = np.clip(np.rint(index[axis]) + slices * ONWARD[axis], 0, image.data.shape[axis] - 1)
    return np.asarray(image.data_to_world(index), dtype=np.float64)


def drag_along(event: Any, frame: UprightFrame, point_at: Callable[[FloatArray], object]) -> Iterator[None]:
    """Point at each place (LPS mm) that the mouse is dragged over."""
    point_at(frame.to_patient(event.position))
    event.handled = True
    yield
    while event.type == "mouse_move":
        point_at(frame.to_patient(event.position))
        event.handled = True
        yield
