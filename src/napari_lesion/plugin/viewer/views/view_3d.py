"""The 3D view: a scan's maximum projection, coarse, with its findings as balls."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Image, Layer, Points
from qtpy.QtCore import QObject

from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.layers import UNITS
from napari_lesion.plugin.viewer.view import PLANES, camera_orientation, volume_of
from napari_lesion.plugin.viewer.views.mirror import Mirror, mirrored_layer
from napari_lesion.plugin.viewer.views.projection import shrink
from napari_lesion.plugin.widgets.task import Task
from napari_lesion.support.progress import Progress

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.viewer import Viewer

COARSE = 128
"""Longest side of the volume that the 3D view looks through, voxels: it is drawn anew at every turn."""
MIP_WINDOW = (-100.0, 1100.0)
"""HU: bones for landmarks; all else of a chest hides behind them in a maximum projection."""


class View3D(QObject):
    """What the 3D view shows of the scan on the screen; it may be filled anew after it was emptied.

    Attributes
    ----------
    image : Image, optional
        The projection, where there is a 3D view.
    """

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self.image: Image | None = None
        self._view: ViewerModel | None = None
        self._shrinking: Task[Any] | None = None
        self._coarse: WeakKeyDictionary[Image, tuple[Any, tuple[int, int, int]]] = WeakKeyDictionary()
        """What the 3D view looks through, of the scans that it showed."""

    def fill(self, viewer: Viewer, view: ViewerModel) -> Mirror:
        """Make a view the 3D one; the findings of a viewer are mirrored in it."""
        self._view = view
        view.dims.ndisplay = 3
        self.image = view.add_image(
            np.zeros((2, 2, 2), np.int16),
            name="MIP",
            rendering="mip",
            contrast_limits=MIP_WINDOW,
            colormap="gray",
            units=UNITS,
        )
        return Mirror(
            viewer, view, mirrored_in_3d, keep=frozenset(("shading", "mode")), dress=_dress_solid, parent=self.parent()
        )

    def hide(self) -> None:
        """Show no scan."""
        if self.image is not None:
            self.image.visible = False

    def empty(self) -> None:
        """Let go of the view, which is about to be closed."""
        if self._shrinking is not None:
            self._shrinking.cancel()
        self.image = self._view = None

    def show(self, scan: Image) -> None:
        """Show the coarse volume of a scan; while it is made there is none, and never that of another scan."""
        if self.image is None:
            return
        if self._shrinking is not None:
            self._shrinking.cancel()
        self.image.visible = False
        if scan in self._coarse:
            self._show()
            return
        voxels, volume = scan.data, volume_of(scan)

        def work(progress: Progress) -> tuple[Any, tuple[int, int, int]]:
            if volume is not None:
                volume.wait(progress)  # a scan is shown before all of it is read
            return shrink(voxels, COARSE, progress)

        self._shrinking = Task(work, self)
        self._shrinking.succeeded.connect(partial(self._on_shrunk, scan))
        self._shrinking.start()

    def _on_shrunk(self, scan: Image, result: tuple[Any, tuple[int, int, int]]) -> None:
        self._coarse[scan] = result
        if scan is self._session.scan:
            self._show()
            if self._view is not None:
                self._view.reset_view(reset_camera_angle=False)
                look_from_the_front(self._view)

    def _show(self) -> None:
        scan, volume = self._session.scan, self._session.volume
        if self.image is None or scan is None or volume is None:
            return
        coarse, factors = self._coarse[scan]
        scale = np.asarray(scan.scale)
        self.image.data = coarse
        self.image.scale = scale * factors
        # The first block's centre: blocks begin where the first voxel does.
        self.image.translate = np.asarray(scan.translate) + scale * (np.array(factors) - 1) / 2
        # As the scan is shown where it has no HU: the former one's limits would stay otherwise.
        low, high = MIP_WINDOW if volume.certificate.unit == "HU" else tuple(scan.contrast_limits)
        reach = self.image.contrast_limits_range
        self.image.contrast_limits_range = (min(reach[0], low), max(reach[1], high))
        self.image.contrast_limits = (low, high)
        self.image.visible = True


def mirrored_in_3d(layer: Layer) -> Layer | None:
    """Mirrored layer for the 3D view, which shows points: findings as balls of their size."""
    if not isinstance(layer, Points):
        return None
    made = mirrored_layer(layer)
    _dress_solid(made)
    return made


def _dress_solid(layer: Layer) -> None:
    """Make points balls that one sees through, in the colour of their rings."""
    if isinstance(layer, Points):
        colors = np.array(layer.border_color)
        if len(colors):
            colors[:, 3] = np.where(layer.shown, 0.35, 0)  # napari shows all points in 3D, hidden ones as well
            layer.face_color = layer.border_color = colors
            if "diameter_mm" in layer.features:  # a ring is larger than its finding
                sizes = np.asarray(layer.features["diameter_mm"], dtype=np.float64) / float(layer.scale[0])
                layer.size = np.where(np.isfinite(sizes), sizes, layer.size)
        layer.shading = "spherical"
        layer.blending = "translucent_no_depth"


def look_from_the_front(view: ViewerModel) -> None:
    """Face the patient, head up: the patient's left is on the right."""
    camera = view.scene.camera
    camera.orientation = camera_orientation(PLANES["axial"])
    camera.set_view_direction((0, 1, 0), (1, 0, 0))
