"""What the viewer does for scans: stays unmirrored with the head up, shows the sides, tells what is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np
from napari.components.overlays import TextOverlay
from napari.layers import Image
from napari.utils.camera_orientations import Handedness

from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import OBLIQUE_DEG, frame_of
from napari_lesion.plugin.widgets.messages import forget_messages, show_info, show_warning

if TYPE_CHECKING:
    from napari.components import Camera, ViewerModel
    from napari.layers import Layer

    from napari_lesion.dicom.index.series import Series

#: Patient directions (LPS) in which the world axes z, y, x grow, and the letters for both ends.
_DIRECTIONS = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
_LETTERS = (("F", "H"), ("A", "P"), ("R", "L"))
EDGES = ("left", "right", "top", "bottom")
LETTER_SIZE = 16
LETTER_COLOR = "#ffd24d"
#: A direction that is nearer to the screen's than this cosine is named at its edge.
_ALONG = 0.35
_RANGED = "contrast range known"
"""Key in the metadata of a scan's layer."""
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


def screen_axes(camera: Camera, ndisplay: int) -> tuple[FloatArray, FloatArray]:
    """Directions of the displayed world axes in which the screen runs to the right and down.

    Parameters
    ----------
    camera : Camera
    ndisplay : int
        2 or 3.

    Returns
    -------
    right, down : (ndisplay,)
        Unit vectors, in the order of the displayed axes.
    """
    if ndisplay == 2:
        _, vertical, horizontal = camera.orientation
        right = np.array([0.0, 1.0 if horizontal == "right" else -1.0])
        return right, np.array([1.0 if vertical == "down" else -1.0, 0.0])
    up = np.asarray(camera.up_direction, dtype=np.float64)
    turned = np.cross(np.asarray(camera.view_direction, dtype=np.float64), up)
    return (turned if camera.handedness == Handedness.RIGHT else -turned), -up


def edge_letters(right: FloatArray, down: FloatArray, displayed: Sequence[int]) -> dict[str, str]:
    """Name the patient's sides at the edges of the screen: ``L``, or ``LA`` where one looks aslant.

    Parameters
    ----------
    right, down : (ndisplay,)
        As `screen_axes` gives them.
    displayed : sequence of int
        World axes (0 z, 1 y, 2 x) that are displayed.
    """

    def name(direction: FloatArray) -> str:
        axes = [place for place in np.argsort(-np.abs(direction)) if abs(direction[place]) > _ALONG]
        return "".join(_LETTERS[displayed[place]][int(direction[place] > 0)] for place in axes)

    return {"left": name(-right), "right": name(right), "top": name(-down), "bottom": name(down)}


def volume_of(layer: Layer) -> Volume | None:
    """Get the scan that a layer shows, or None for a layer of another kind.

    What napari's menus make of a scan (labels, projections, single slices) has its metadata, but is no picture of it.
    """
    volume = layer.metadata.get("volume")
    if not isinstance(volume, Volume) or not isinstance(layer, Image) or layer.ndim != 3 or layer.multiscale:
        return None
    return volume if sorted(layer.data.shape) == sorted(volume.shape) else None


def source_of(layer: Layer) -> Series | None:
    """Get the files that a scan was read from, or None where they are not known."""
    source: Series | None = layer.metadata.get("source")
    return source


#: The side across from each.
_ACROSS = str.maketrans("RLAPHF", "LRPAFH")


def letters_of(view: ViewerModel) -> dict[str, str]:
    """Name the patient's sides at the edges of a view; an image without a place has those of its header, or none."""
    volume = next((volume for layer in view.layers if (volume := volume_of(layer)) is not None), None)
    if volume is not None and volume.certificate.orientation == "unknown":
        right, below = volume.display.sides
        if view.dims.ndisplay != 2 or view.dims.order[0] != 0 or not right:
            return {}
        return {
            "left": right.translate(_ACROSS),
            "right": right,
            "top": below.translate(_ACROSS),
            "bottom": below,
        }
    return edge_letters(*screen_axes(view.scene.camera, view.dims.ndisplay), view.dims.displayed)


class ScanView:
    """Keeps one viewer fit for scans. Get it with `scan_view.scan_view`.

    Parameters
    ----------
    viewer : ViewerModel
    letters : bool
        Whether napari writes the letters of the sides: where no `views.marks` do.
    ranges : bool
        Whether it says how far the contrast can go; layers that are another viewer's mirrored layers have that from
        there.
    """

    def __init__(self, viewer: ViewerModel, *, letters: bool = True, ranges: bool = True) -> None:
        self._viewer = ref(viewer)
        self._letters, self._ranges = letters, ranges
        for edge in EDGES if letters else ():
            position = f"middle_{edge}" if edge in ("left", "right") else f"{edge}_center"
            viewer.canvas.overlays[f"patient_{edge}"] = TextOverlay(
                position=position, font_size=LETTER_SIZE, color=LETTER_COLOR, visible=False
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
        # `opening` does it when the last slice is there; a scan that comes back has it.
        if self._ranges and volume.complete and not layer.metadata.get(_RANGED):
            layer.metadata[_RANGED] = True
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
        if not self._letters:
            return
        # In 3D the camera turns freely, and the letters with it: see `views.marks`.
        flat = upright and viewer.dims.ndisplay == 2
        letters = letters_of(viewer) if flat else {}
        for edge in EDGES:
            overlay = viewer.canvas.overlays[f"patient_{edge}"]
            overlay.text = letters.get(edge, "")
            overlay.visible = flat

    def _look_from_the_front(self) -> None:
        viewer = self._viewer()
        if viewer is None or viewer.dims.ndisplay != 3 or not self._scans(viewer):
            return
        if viewer.scene.camera.angles == (0.0, 0.0, 0.0) and tuple(viewer.dims.order) == PLANES["axial"]:
            viewer.scene.camera.set_view_direction((0, 1, 0), (1, 0, 0))


def unwrapped(viewer: ViewerModel) -> ViewerModel:
    """Get the viewer behind the proxy that napari gives to widgets: it does not live as long as the viewer."""
    real: ViewerModel = getattr(viewer, "__wrapped__", viewer)
    return real


def centre_on(viewer: ViewerModel, volume: Volume, center_mm: Sequence[float]) -> None:
    """Centre the camera on a place in a scan (LPS mm)."""
    world = frame_of(volume).to_world(center_mm)
    viewer.scene.camera.center = tuple(world[list(viewer.dims.order[-3:])].tolist())


def bring_into_view(viewer: ViewerModel, volume: Volume, center_mm: Sequence[float]) -> None:
    """Centre the camera on a place in a scan (LPS mm), unless all of the scan is in sight: then nothing moves."""
    if not is_whole_in_sight(viewer, volume):
        centre_on(viewer, volume, center_mm)


def is_whole_in_sight(viewer: ViewerModel, volume: Volume) -> bool:
    """Whether the canvas of a view that shows slices has all of a scan in it."""
    dims, camera = viewer.dims, viewer.scene.camera
    if dims.ndisplay != 2 or dims.ndim != 3:
        return False
    last = np.array(volume.shape) - 1
    corners = frame_of(volume).to_world(volume.to_patient([0 * last, last]))  # the frame is parallel to the scan
    away = np.abs(corners[:, list(dims.displayed)] - np.array(camera.center[-2:])).max(axis=0)
    return bool((away <= np.array(viewer.canvas.size) / camera.zoom / 2).all())


def close_messages(viewer: ViewerModel, volume: Volume) -> None:
    """Take messages about a scan off the screen, which it leaves."""
    name = _name_in_messages(volume)
    forget_messages(viewer, lambda text: text.startswith(f"{name}: "))


def _name_in_messages(volume: Volume) -> str:
    return volume.series.series_description or volume.series.series_uid


def show_doubts(volume: Volume) -> None:
    """Show on the screen what was found while a scan was read: as a warning where voxels are not as acquired."""
    certificate = volume.certificate
    doubts = list(map(in_language, (*certificate.notes, *certificate.duplicates)))
    angle = frame_of(volume).oblique_deg
    if angle > OBLIQUE_DEG:
        doubts.append(
            tr(
                "The slices lie at {angle}° to the patient's axes and are shown in their own planes: positions under "
                "the mouse are along those planes; positions of findings are the patient's.",
                angle=f"{angle:.1f}",
            )
        )
    if doubts:
        as_acquired = certificate.verdict == "as acquired" and angle <= OBLIQUE_DEG
        tell = show_info if as_acquired else show_warning
        tell(f"{_name_in_messages(volume)}: " + " ".join(doubts))
