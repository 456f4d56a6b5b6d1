"""Where the views of one viewer look: together where they are linked, at all of the scan, or at one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from qtpy.QtCore import QObject

from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.viewer.view import bring_into_view, centre_on
from napari_lesion.plugin.viewer.views.fitting import Fitting
from napari_lesion.plugin.viewer.views.pane import Pane
from napari_lesion.plugin.widgets.flag import Flag

if TYPE_CHECKING:
    from napari_lesion.plugin.viewer.views.mpr import Views

Look: TypeAlias = tuple[tuple[float, ...], float, tuple[float, ...]]
"""Of a camera: centre, zoom and angles."""
FINDING_IN_VIEW = 5.0
"""Diameters of a finding across the view that is zoomed to it."""
SMALLEST_VIEW_MM = 40.0


class Cameras(QObject):
    """The cameras of the planes."""

    def __init__(self, session: Session, views: Views) -> None:
        super().__init__(views)
        self._session = session
        self._views = views
        self._following = Flag()
        """Cameras are moved from here, not by the reader."""
        self.linked = setting("views/linked", True)
        self._fitting = Fitting(self.fit, lambda: views.planes, self)
        session.centred.connect(lambda place: self._show(place, centre_on))
        session.turned_to.connect(lambda place: self._show(place, bring_into_view))

    def watch(self, pane: Pane) -> None:
        """Follow the camera and the size of a view."""
        self._fitting.watch(pane)
        camera = pane.view.scene.camera
        for emitter in (camera.events.zoom, camera.events.center):
            emitter.connect(self._on_camera)

    def forget(self, pane: Pane) -> None:
        """Let go of a view that is closed."""
        self._fitting.forget(pane)

    def _on_camera(self, event: Any) -> None:
        """Zoom and pan the other planes like the one that changed."""
        if self._following or not self.linked or not self._views.is_mpr:
            return
        source = next((pane for pane in self._views.planes if pane.view.scene.camera is event.source), None)
        if source is None:
            return
        camera = source.view.scene.camera
        shown = dict(zip(source.view.dims.displayed, camera.center[-2:], strict=True))
        with self._following:
            for pane in self._views.planes:
                if pane is source:
                    continue
                other = pane.view.scene.camera
                centre = list(other.center)
                for place, axis in enumerate(pane.view.dims.displayed, start=-2):
                    centre[place] = shown.get(axis, centre[place])
                other.center = tuple(centre)
                other.zoom = camera.zoom

    def _show(self, center_mm: Sequence[float], show: Callable[..., None]) -> None:
        volume = self._session.volume
        if volume is None:
            return
        with self._following:
            for pane in self._views.panes:
                if pane.is_plane and pane.view.dims.ndim == 3:
                    show(pane.view, volume, center_mm)

    def zoom_to_finding(self) -> None:
        """Centre all views on the finding that is looked at, or else the crosshair, and zoom in on it."""
        place, review = self._session.position_mm, self._session.review
        if place is None:
            return
        diameter = 0.0
        if self._session.finding and review is not None:
            finding = review.finding(self._session.finding)
            place, diameter = finding.center_mm, finding.size_mm
        self._session.go_to(place)
        across = max(FINDING_IN_VIEW * diameter, SMALLEST_VIEW_MM)
        with self._following:
            for pane in self._views.planes:
                # A view that was never laid out has no size yet.
                pane.view.scene.camera.zoom = max(min(pane.canvas.width(), pane.canvas.height()), 1) / across

    def fit(self) -> None:
        """Show all of the scan in every view; linked views get one scale."""
        planes = self._views.planes
        with self._following:
            for pane in self._views.seen:
                if pane.view.layers:
                    pane.view.reset_view(reset_camera_angle=False)
            if self.linked and self._views.is_mpr:
                scale = min(pane.view.scene.camera.zoom for pane in planes)
                for pane in planes:
                    pane.view.scene.camera.zoom = scale
        self._fitting.note_fit()

    def toggle_link(self) -> None:
        """Let the planes zoom and pan together, or each for itself."""
        self.linked = not self.linked
        store("views/linked", self.linked)

    def looks(self, panes: Sequence[Pane]) -> list[Look]:
        """Get where some views look."""
        cameras = (pane.view.scene.camera for pane in panes)
        return [(tuple(one.center), one.zoom, tuple(one.angles)) for one in cameras]

    def restore(self, panes: Sequence[Pane], looks: Sequence[Look]) -> None:
        """Let some views look where they did; where there were other views then, at all of the scan."""
        if len(looks) != len(panes):
            for pane in panes:
                pane.view.reset_view(reset_camera_angle=False)
            return
        with self._following:
            for pane, (centre, zoom, angles) in zip(panes, looks, strict=True):
                camera = pane.view.scene.camera
                camera.center, camera.zoom, camera.angles = centre, zoom, angles
