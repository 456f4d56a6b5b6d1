"""What napari has of a view and belongs to the scan that is seen in it: plane, slice and camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_lesion.model.volume import Volume
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.view import PLANES

if TYPE_CHECKING:
    from napari.components import ViewerModel


def saved_view(viewer: ViewerModel) -> dict[str, Any]:
    """Put by what is seen now."""
    dims, camera = viewer.dims, viewer.scene.camera
    return {
        "order": tuple(dims.order),
        "ndisplay": dims.ndisplay,
        "point": tuple(dims.point),
        "camera": (tuple(camera.center), camera.zoom, tuple(camera.angles)),
    }


def restore_view(viewer: ViewerModel, volume: Volume, kept: dict[str, Any] | None) -> None:
    """Show a scan as it was put by; one that comes for the first time whole, at its middle slice, in its own planes."""
    dims, camera = viewer.dims, viewer.scene.camera
    if dims.ndim != 3:  # somebody else's layers have more axes: then they lead
        return
    if kept is None or len(kept["order"]) != 3:
        dims.ndisplay = 2
        dims.order = PLANES.get(volume.certificate.orientation, PLANES["axial"])
        middle = [(size - 1) / 2 for size in volume.shape]
        dims.set_point(range(3), frame_of(volume).to_world(volume.to_patient(middle)).tolist())
        viewer.reset_view()
        return
    dims.ndisplay = kept["ndisplay"]
    dims.order = kept["order"]
    dims.set_point(range(3), list(kept["point"]))
    camera.center, camera.zoom, camera.angles = kept["camera"]
