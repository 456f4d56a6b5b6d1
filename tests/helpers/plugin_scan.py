"""What the tests of the plugin share: a scan with nodules, a detector that sees them, and pictures of the canvas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from fake_scan import make_heatmap
from scipy import ndimage

from napari_lesion.model.findings import Candidate, Detection
from napari_lesion.model.volume import Volume
from napari_lesion.models.card import Card
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    from napari.viewer import Viewer

NODULE_HU = 40
#: Centre (LPS mm) and diameter: in the left lung, the right lung, and the left lung again, far apart.
NODULES = (((52.0, -20.0, -240.0), 20.0), ((-45.0, 5.0, -270.0), 14.0), ((48.0, 10.0, -220.0), 8.0))


@dataclass
class BlobDetector:
    """Finds the nodules of `make_volume` in the voxels; the larger a nodule, the higher its score."""

    before: Callable[[Progress], None] = lambda progress: None
    """Called first, with the progress callback."""
    error: Exception | None = None
    card: Card = field(
        default=Card(id="blobs", version="1", task="test", licence="none", sha256="0" * 64, threshold=0.5)
    )
    devices: list[str] = field(default_factory=list)

    def detect(self, volume: Volume, *, device: str = "auto", progress: Progress = silent) -> Detection:
        self.devices.append(device)
        progress(0, 2, "looking for blobs")
        self.before(progress)
        if self.error is not None:
            raise self.error
        blobs, count = ndimage.label(volume.voxels == NODULE_HU)
        centers = ndimage.center_of_mass(blobs > 0, blobs, range(1, count + 1))
        volumes = ndimage.sum_labels(blobs > 0, blobs, range(1, count + 1)) * np.prod(volume.spacing)
        diameters = (6 * np.asarray(volumes) / np.pi) ** (1 / 3)
        candidates = sorted(
            (
                Candidate(tuple(map(float, volume.to_patient(center))), float(d), min(float(d) / 22, 1.0))
                for center, d in zip(centers, diameters, strict=True)
            ),
            key=lambda candidate: -candidate.score,
        )
        progress(2, 2, "done")
        return Detection(make_heatmap(volume, tuple(candidates)), tuple(candidates), "cpu", {"network": 0.1})


def picture(viewer: Viewer) -> npt.NDArray[np.uint8]:
    """What is on the canvas, (rows, columns, RGB)."""
    from qtpy.QtWidgets import QApplication

    for _ in range(3):
        QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3]


def screen_position(viewer: Viewer, image: npt.NDArray[np.uint8], lps: npt.ArrayLike) -> tuple[int, int]:
    """Row and column of a place (LPS mm) in a picture of an upright scan, from the camera alone."""
    camera = viewer.scene.camera
    vertical, horizontal = viewer.dims.order[-2:]
    world = np.asarray(lps)[::-1]
    center = np.asarray(camera.center)[-2:]
    down = 1 if str(camera.orientation[1]) == "down" else -1
    right = 1 if str(camera.orientation[2]) == "right" else -1
    row = image.shape[0] / 2 + down * (world[vertical] - center[0]) * camera.zoom
    column = image.shape[1] / 2 + right * (world[horizontal] - center[1]) * camera.zoom
    return round(row), round(column)
