"""Planes through a scan, as radiologists look at them, and the side of the patient that a place is on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from napari_lesion.model.volume import FloatArray, Volume

Orientation = Literal["axial", "coronal", "sagittal"]

_AXES: dict[Orientation, tuple[int, int]] = {"axial": (0, 1), "coronal": (0, 2), "sagittal": (1, 2)}
_LETTERS: dict[Orientation, tuple[str, str, str, str]] = {
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "H", "F"),
    "sagittal": ("A", "P", "H", "F"),
}
_COARSE_MM = 4.0
_TISSUE_HU = -300.0
_MIDLINE_MM = 10.0
_CHEST_MM = 250.0
"""Fields of view narrower than this may show one lung only."""
_AIR_HU = -1024.0
_PLAIN_AIR_HU = -950.0
"""No lung is as empty as this over some millimetres."""
_NEAR_MM = 8.0
"""A body is known to two pixels of the coarse plane."""


@dataclass(frozen=True)
class Plane:
    """A plane through the patient as radiologists look at it.

    Axial planes are seen from the feet and coronal ones from the front, with the patient's left on the right of the
    image; sagittal ones from the patient's left, with the front on the left of the image.

    Attributes
    ----------
    corner_mm : (3,)
        Centre of the first pixel, upper left in the image, LPS mm.
    shape : (rows, columns)
    pixel_mm : float
    view : {"axial", "coronal", "sagittal"}
    """

    corner_mm: FloatArray
    shape: tuple[int, int]
    pixel_mm: float
    view: Orientation = "axial"

    @property
    def axes(self) -> tuple[int, int]:
        """Which of x, y and z run across and down the image."""
        return _AXES[self.view]

    @property
    def steps(self) -> FloatArray:
        """LPS mm from a pixel to the next one across, and to the next one down: (2, 3)."""
        across, down = self.axes
        result = np.zeros((2, 3))
        result[0, across] = self.pixel_mm
        result[1, down] = self.pixel_mm if down == 1 else -self.pixel_mm  # y grows to the back, z to the head
        return result

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """Sides of the patient at the left, right, upper and lower edge of the image."""
        return _LETTERS[self.view]

    def points(self) -> FloatArray:
        """LPS mm of every pixel's centre: (rows, columns, 3)."""
        rows, columns = np.indices(self.shape)
        across, down = self.steps
        result: FloatArray = self.corner_mm + columns[..., None] * across + rows[..., None] * down
        return result

    def to_pixel(self, points_mm: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) → place in the image (..., 2), pixels from its upper left corner: across, down."""
        return (np.asarray(points_mm) - self.corner_mm) @ self.steps.T / self.pixel_mm**2 + 0.5


def plane_around(center_mm: FloatArray, size_mm: float, pixel_mm: float, view: Orientation = "axial") -> Plane:
    """Make the square plane with a point in its middle."""
    n = round(size_mm / pixel_mm)
    plane = Plane(corner_mm=center_mm, shape=(n, n), pixel_mm=pixel_mm, view=view)
    return replace(plane, corner_mm=center_mm - (n - 1) / 2 * plane.steps.sum(axis=0))


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
    result: npt.NDArray[np.float32] = scipy.ndimage.map_coordinates(
        values, np.moveaxis(index, -1, 0), output=np.float32, order=1, mode="nearest"
    )
    beyond = ((index < -0.5) | (index > np.asarray(values.shape) - 0.5)).any(axis=-1)
    result[beyond] = outside
    return result


def is_outside_body(volume: Volume, center_mm: tuple[float, float, float]) -> bool:
    """Whether a point (LPS mm) is surely outside of the patient: beyond the scan, or in the air around the body.

    Within `_NEAR_MM` of the body, where values are not HU and where no body is at that height, nothing is sure. Where
    the field of view cuts the body off, a lung may lie open: there only plain air is outside.
    """
    index = volume.to_index(center_mm)
    if ((index < -0.5) | (index > np.asarray(volume.shape) - 0.5)).any():
        return True
    section = _cross_section(volume, center_mm[2])
    if section is None:
        return False
    body, plane = section
    away = scipy.ndimage.distance_transform_edt(~body, sampling=_COARSE_MM)
    column, row = plane.to_pixel(np.asarray(center_mm)) - 0.5
    at = tuple(int(np.clip(np.rint(v), 0, n - 1)) for v, n in zip((row, column), body.shape, strict=True))
    if away[at] <= _NEAR_MM:
        return False
    edge = np.ones_like(body)
    edge[3:-3, 3:-3] = False
    if not (body & edge).any():
        return True
    around = np.asarray(center_mm) + np.array(np.meshgrid(*[(-3.0, 0.0, 3.0)] * 3)).reshape(3, -1).T
    return bool(sample(volume.voxels, volume.affine, around, _AIR_HU).max() < _PLAIN_AIR_HU)


def _cross_section(volume: Volume, z_mm: float) -> tuple[npt.NDArray[np.bool_], Plane] | None:
    """Find the body on a coarse axial plane, filled, without the table; None where it can't be told."""
    if volume.certificate.unit != "HU":
        return None
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in volume.shape], indexing="ij")).reshape(3, -1).T
    ends = volume.to_patient(corners)
    # One pixel more on each side, so that air is all around.
    low, high = ends.min(axis=0) - _COARSE_MM, ends.max(axis=0) + _COARSE_MM
    columns, rows = (int((high[a] - low[a]) / _COARSE_MM) + 2 for a in (0, 1))
    plane = Plane(np.array([low[0], low[1], z_mm]), (rows, columns), _COARSE_MM)
    tissue = sample(volume.voxels, volume.affine, plane.points(), _AIR_HU) > _TISSUE_HU
    body = scipy.ndimage.binary_opening(scipy.ndimage.binary_fill_holes(tissue), iterations=2)
    labels, count = scipy.ndimage.label(body)
    if count == 0:
        return None
    return labels == np.bincount(labels.ravel())[1:].argmax() + 1, plane


def side_of(volume: Volume, center_mm: tuple[float, float, float]) -> str:
    """On which side of the patient's body a point lies: ``left``, ``right``, ``midline``, or ``?`` where unsure.

    The midline is the middle of the body's cross-section at the height of the point; within 10 mm of it a point
    belongs to neither side. Where the body is cut off by a field of view too narrow for a chest, or values are not HU,
    there is no telling.
    """
    section = _cross_section(volume, center_mm[2])
    if section is None:
        return "?"
    body, plane = section
    across = np.flatnonzero(body.any(axis=0))
    columns = body.shape[1]
    cut_off = across[0] <= 2 or across[-1] >= columns - 3
    if cut_off and columns * _COARSE_MM < _CHEST_MM:
        return "?"
    offset = center_mm[0] - (plane.corner_mm[0] + np.nonzero(body)[1].mean() * _COARSE_MM)
    if abs(offset) < _MIDLINE_MM:
        return "midline"
    return "left" if offset > 0 else "right"
