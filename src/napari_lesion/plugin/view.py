"""What the viewer does for scans: stays unmirrored with the head up, shows the sides, jumps to a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.components.overlays import TextOverlay
from napari.utils.notifications import show_info, show_warning

from napari_lesion.plugin.layers import OBLIQUE_DEG, frame_of
from napari_lesion.volume import Volume

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

#: Patient directions (LPS) in which the world axes z, y, x grow, and the letters for both ends.
_DIRECTIONS = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
_LETTERS = (("F", "H"), ("A", "P"), ("R", "L"))
PLANES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}


def camera_orientation(order: Sequence[int]) -> tuple[str, str, str]:
    """Choose in which way the displayed axes run on the screen, so that the head is up and nothing is mirrored.

    Parameters
    ----------
    order : sequence of int
        World axes (0 z, 1 y, 2 x) in the order depth, vertical, horizontal, as in ``dims.order``.

    Returns
    -------
    tuple of str
        Depth, vertical and horizontal orientation, as napari's camera has them.
    """
    depth, vertical, horizontal = order
    up = _DIRECTIONS[vertical] if vertical == 0 else -_DIRECTIONS[vertical]
    towards = np.cross(_DIRECTIONS[horizontal], up)
    return (
        "towards" if towards @ _DIRECTIONS[depth] > 0 else "away",
        "up" if vertical == 0 else "down",
        "right",
    )


def volume_of(layer: Layer) -> Volume | None:
    """Get the scan that a layer shows, or None for a layer of another kind."""
    volume = layer.metadata.get("volume")
    return volume if isinstance(volume, Volume) else None


class ScanView:
    """Keeps one viewer fit for scans. Get it with `scan_view`.

    Parameters
    ----------
    viewer : ViewerModel
    twins : bool
        Whether its layers are twins of another viewer's, which have their contrast from there.
    """

    def __init__(self, viewer: ViewerModel, *, twins: bool = False) -> None:
        self._viewer = ref(viewer)
        self._twins = twins
        for side in ("left", "right", "top", "bottom"):
            position = f"middle_{side}" if side in ("left", "right") else f"{side}_center"
            viewer.canvas.overlays[f"patient_{side}"] = TextOverlay(
                position=position, font_size=16, color="#ffd24d", visible=False
            )
        viewer.dims.events.order.connect(self._orient)
        viewer.dims.events.ndisplay.connect(self._orient)
        viewer.dims.events.ndisplay.connect(self._look_from_the_front)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._orient)
        self._orient()

    def _scans(self, viewer: ViewerModel) -> list[Volume]:
        return [volume for layer in viewer.layers if (volume := volume_of(layer)) is not None]

    def _on_inserted(self, event: object) -> None:
        viewer = self._viewer()
        layer = event.value  # type: ignore[attr-defined]
        volume = volume_of(layer) if viewer is not None else None
        if viewer is None or volume is None:
            return
        if len(self._scans(viewer)) == 1:
            plane = volume.certificate.orientation
            if plane in PLANES:
                viewer.dims.order = PLANES[plane]
            viewer.canvas.overlays["scale_bar"].visible = True
            # A white surround (light theme) blinds the eye for the lungs' dark greys.
            viewer.canvas.background_color_override = "black"
        if not self._twins:
            low, high = float(volume.voxels.min()), float(volume.voxels.max())
            window = layer.contrast_limits
            layer.contrast_limits_range = (min(low, window[0]), max(high, window[1]))
            layer.contrast_limits = window
        self._orient()

    def _orient(self) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        scans = self._scans(viewer)
        upright = bool(scans) and viewer.dims.ndim == 3
        if upright:
            viewer.scene.camera.orientation = camera_orientation(viewer.dims.order)
        _, vertical, horizontal = viewer.dims.order[-3:] if viewer.dims.ndim >= 3 else (0, 0, 0)
        ends = {
            "left": _LETTERS[horizontal][0],
            "right": _LETTERS[horizontal][1],
            "top": _LETTERS[vertical][vertical == 0],
            "bottom": _LETTERS[vertical][vertical != 0],
        }
        for side, letter in ends.items():
            overlay = viewer.canvas.overlays[f"patient_{side}"]
            overlay.text = letter
            # In 3D the camera turns freely, so letters at the edges would be wrong.
            overlay.visible = upright and viewer.dims.ndisplay == 2

    def _look_from_the_front(self) -> None:
        viewer = self._viewer()
        if viewer is None or viewer.dims.ndisplay != 3 or not self._scans(viewer):
            return
        if viewer.scene.camera.angles == (0.0, 0.0, 0.0) and tuple(viewer.dims.order) == PLANES["axial"]:
            viewer.scene.camera.set_view_direction((0, 1, 0), (1, 0, 0))


_views: WeakKeyDictionary[ViewerModel, ScanView] = WeakKeyDictionary()


def scan_view(viewer: ViewerModel) -> ScanView:
    """Make a viewer fit for scans (once), and return what keeps it so."""
    viewer = unwrapped(viewer)
    if viewer not in _views:
        _views[viewer] = ScanView(viewer)
    return _views[viewer]


def unwrapped(viewer: ViewerModel) -> ViewerModel:
    """Get the viewer behind the proxy that napari gives to widgets: it does not live as long as the viewer."""
    real: ViewerModel = getattr(viewer, "__wrapped__", viewer)
    return real


def centre_on(viewer: ViewerModel, volume: Volume, center_mm: Sequence[float]) -> None:
    """Centre the camera on a place in a scan (LPS mm)."""
    world = frame_of(volume).to_world(center_mm)
    viewer.scene.camera.center = tuple(world[list(viewer.dims.order[-3:])].tolist())


def jump_to(viewer: ViewerModel, volume: Volume, center_mm: Sequence[float]) -> None:
    """Show a place in a scan: go to its slice and centre the camera on it.

    Parameters
    ----------
    viewer : ViewerModel
    volume : Volume
        The scan that the place is in.
    center_mm : (3,)
        LPS mm.
    """
    viewer.dims.set_point(range(3), frame_of(volume).to_world(center_mm).tolist())
    centre_on(viewer, volume, center_mm)


def tell_doubts(volume: Volume) -> None:
    """Show on the screen what was found while a scan was read: as a warning where voxels are not as acquired."""
    certificate = volume.certificate
    doubts = [*certificate.notes, *certificate.duplicates]
    angle = frame_of(volume).oblique_deg
    if angle > OBLIQUE_DEG:
        doubts.append(
            f"The slices lie at {angle:.1f}° to the patient's axes and are shown in their own planes: positions under "
            "the mouse are along those planes; positions of findings are the patient's."
        )
    if doubts:
        name = volume.series.series_description or volume.series.series_uid
        as_acquired = certificate.verdict == "as acquired" and angle <= OBLIQUE_DEG
        tell = show_info if as_acquired else show_warning
        tell(f"{name}: " + " ".join(doubts))
