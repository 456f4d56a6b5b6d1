"""Axial planes through a scan, as radiologists look at them, and the side of the patient that a place is on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.volume import FloatArray, Volume

_COARSE_MM = 4.0
_TISSUE_HU = -300.0
_MIDLINE_MM = 10.0
_CHEST_MM = 250.0
"""Fields of view narrower than this may show one lung only."""
_AIR_HU = -1024.0


@dataclass(frozen=True)
class Plane:
    """An axial plane as radiologists look at it: from the feet, the patient's left on the right of the image.

    Attributes
    ----------
    corner_mm : (3,)
        Centre of the first pixel (right, front), LPS mm.
    shape : (rows, columns)
        Rows run to the back, columns to the patient's left.
    pixel_mm : float
    """

    corner_mm: FloatArray
    shape: tuple[int, int]
    pixel_mm: float

    def points(self) -> FloatArray:
        """LPS mm of every pixel's centre: (rows, columns, 3)."""
        rows, columns = np.indices(self.shape)
        in_plane = np.stack([columns, rows, np.zeros(self.shape)], axis=-1) * self.pixel_mm
        result: FloatArray = self.corner_mm + in_plane
        return result


def plane_around(center_mm: FloatArray, size_mm: float, pixel_mm: float) -> Plane:
    """Make the square axial plane with a point in its middle."""
    n = round(size_mm / pixel_mm)
    half = (n - 1) / 2 * pixel_mm
    return Plane(corner_mm=center_mm - np.array([half, half, 0.0]), shape=(n, n), pixel_mm=pixel_mm)


def sample(
    values: npt.NDArray[np.generic], affine: FloatArray, points_mm: FloatArray, outside: float
) -> npt.NDArray[np.float32]:
    """Values of a grid at points in space, linearly interpolated.

    Parameters
    ----------
    values : (z, y, x)
    affine : (4, 4)
        Index (k, j, i) → LPS mm.
    points_mm : (..., 3)
    outside : float
        Value where there is none.
    """
    inverse = np.linalg.inv(affine)
    index = points_mm @ inverse[:3, :3].T + inverse[:3, 3]
    result: npt.NDArray[np.float32] = ndimage.map_coordinates(
        values, np.moveaxis(index, -1, 0), output=np.float32, order=1, mode="nearest"
    )
    beyond = ((index < -0.5) | (index > np.asarray(values.shape) - 0.5)).any(axis=-1)
    result[beyond] = outside
    return result


def side_of(volume: Volume, center_mm: tuple[float, float, float]) -> str:
    """On which side of the patient's body a point lies: ``left``, ``right``, ``midline``, or ``?`` where unsure.

    The midline is the middle of the body's cross-section at the height of the point; within 10 mm of it a point
    belongs to neither side. Where the body is cut off by a field of view too narrow for a chest, or values are not HU,
    there is no telling.
    """
    if volume.certificate.unit != "HU":
        return "?"
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in volume.shape], indexing="ij")).reshape(3, -1).T
    ends = volume.to_patient(corners)
    # One pixel more on each side, so that air is all around.
    low, high = ends.min(axis=0) - _COARSE_MM, ends.max(axis=0) + _COARSE_MM
    columns, rows = (int((high[a] - low[a]) / _COARSE_MM) + 2 for a in (0, 1))
    plane = Plane(np.array([low[0], low[1], center_mm[2]]), (rows, columns), _COARSE_MM)
    tissue = sample(volume.voxels, volume.affine, plane.points(), _AIR_HU) > _TISSUE_HU
    body = ndimage.binary_opening(ndimage.binary_fill_holes(tissue), iterations=2)  # without the table
    labels, count = ndimage.label(body)
    if count == 0:
        return "?"
    body = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    across = np.flatnonzero(body.any(axis=0))
    cut_off = across[0] <= 2 or across[-1] >= columns - 3
    if cut_off and high[0] - low[0] < _CHEST_MM:
        return "?"
    offset = center_mm[0] - (low[0] + np.nonzero(body)[1].mean() * _COARSE_MM)
    if abs(offset) < _MIDLINE_MM:
        return "midline"
    return "left" if offset > 0 else "right"
