"""Where slices lie: ordering, gaps, tilt. Pure functions on positions and direction cosines.

Everything is LPS mm. Slices are ordered along the normal, which is row × column direction, so that (k, j, i) is
right-handed in (normal, column direction, row direction); file names, InstanceNumber, SpacingBetweenSlices and
SliceThickness are never asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_lesion.model.volume import FloatArray

Orientation = Literal["axial", "coronal", "sagittal", "oblique", "unknown"]

#: Slices closer than this along the normal lie at the same position, mm.
SAME_POSITION_MM = 0.005
#: Share of the slice distance by which a slice may miss the even grid (scanners round positions).
UNEVEN = 0.05
#: Least tolerance on a slice's place, mm.
ROUNDING_MM = 0.02
#: Sideways drift over the whole stack, mm, from which the stack counts as sheared.
DRIFT_MM = 0.1
#: Largest departure of the direction cosines from an orthonormal pair (they are written with few digits).
COSINE = 1e-3
#: Axes within this angle of the patient's axes are named after them.
NAMED_WITHIN_DEG = 1.0


@dataclass(frozen=True)
class Axes:
    """Unit directions of one plane."""

    row: FloatArray
    """Along which the column index i grows."""
    column: FloatArray
    """Along which the row index j grows."""
    normal: FloatArray


@dataclass(frozen=True)
class Spread:
    """How the slices of one stack lie along their normal.

    Attributes
    ----------
    order : (n,) int
        Indices of the slices, by position along the normal.
    depth : (n,) mm
        Ordered positions along the normal.
    step_mm : float
        Distance of neighbouring slices (the usual one, where slices are missing).
    missing : (n − 1,) int
        Slices missing between neighbours.
    even : bool
        Whether all slices lie on the grid first + m × step.
    same : tuple of (int, int)
        Pairs of places in `order` at the same position.
    """

    order: npt.NDArray[np.intp]
    depth: FloatArray
    step_mm: float
    missing: npt.NDArray[np.intp]
    even: bool
    same: tuple[tuple[int, int], ...]


def axes_of(orientation: Sequence[float]) -> Axes | None:
    """Exactly orthonormal axes of direction cosines, or None where these are no pair of unit vectors at a right angle.

    References
    ----------
    DICOM PS3.3 C.7.6.2.1.1.
    """
    cosines = np.asarray(orientation, dtype=np.float64)
    row, column = cosines[:3], cosines[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not np.isfinite(cosines).all() or max(abs(length - 1) for length in lengths) > COSINE:
        return None
    if abs(float(row @ column)) > COSINE:
        return None
    row = row / lengths[0]
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return Axes(row, np.cross(normal, row), normal)


def spread(positions: FloatArray, normal: FloatArray) -> Spread:
    """Order slices along the normal and look how evenly they lie.

    Parameters
    ----------
    positions : (n, 3) mm, n ≥ 2
    normal : (3,) unit vector
    """
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    depth = along[order]
    distance = np.diff(depth)
    same = tuple((int(k), int(k) + 1) for k in np.flatnonzero(distance <= SAME_POSITION_MM))
    apart = distance[distance > SAME_POSITION_MM]
    step = _usual_step(apart) if apart.size else 0.0
    if step == 0.0:
        return Spread(order, depth, 0.0, np.zeros(len(distance), dtype=np.intp), True, same)
    steps = np.where(distance > SAME_POSITION_MM, np.maximum(np.rint(distance / step), 1), 0).astype(np.intp)
    # The step is measured over the whole stack, so that rounding of single positions does not add up.
    step = float((depth[-1] - depth[0]) / steps.sum())
    grid = depth[0] + step * np.concatenate(([0], np.cumsum(steps)))
    even = bool(np.abs(depth - grid).max() <= max(ROUNDING_MM, UNEVEN * step))
    return Spread(order, depth, step, np.maximum(steps - 1, 0), even, same)


def _usual_step(distances: FloatArray) -> float:
    """Find the commonest distance: the one that most others are close to; of several such the smallest."""
    ordered = np.sort(distances)
    tolerance = np.maximum(ROUNDING_MM, UNEVEN * ordered)
    close = np.searchsorted(ordered, ordered + tolerance, "right") - np.searchsorted(ordered, ordered - tolerance)
    best = ordered[int(close.argmax())]
    members = ordered[np.abs(ordered - best) <= max(ROUNDING_MM, UNEVEN * best)]
    return float(np.median(members))


def shear(positions: FloatArray, depth: FloatArray, axes: Axes) -> tuple[FloatArray, FloatArray]:
    """Sideways movement of the slices' origins while they advance along the normal.

    Parameters
    ----------
    positions : (n, 3) mm
        In order.
    depth : (n,) mm
        Their places along the normal.

    Returns
    -------
    drift : (3,)
        In-plane displacement, mm a mm of depth. Its length is the tangent of the tilt.
    residual : (n,) mm
        How far each origin lies off the straight line.
    """
    offset = positions - positions[0] - np.outer(depth - depth[0], axes.normal)
    travel = depth - depth[0]
    extent = float(travel[-1])
    drift: FloatArray = offset[-1] / extent if extent > 0 else np.zeros(3)
    residual: FloatArray = np.linalg.norm(offset - np.outer(travel, drift), axis=1)
    return drift, residual


def affine(origin: FloatArray, step: FloatArray, axes: Axes, pixel_spacing: tuple[float, float]) -> FloatArray:
    """Index (k, j, i) → LPS mm.

    Parameters
    ----------
    origin : (3,) mm
        Centre of voxel (0, 0, 0).
    step : (3,) mm
        From one slice to the next.
    pixel_spacing : (float, float)
        Distance between rows, between columns, mm (PS3.3 10.7.1.3).
    """
    matrix = np.eye(4)
    matrix[:3, 0] = step
    matrix[:3, 1] = axes.column * pixel_spacing[0]
    matrix[:3, 2] = axes.row * pixel_spacing[1]
    matrix[:3, 3] = origin
    return matrix


def axis_letters(matrix: FloatArray) -> str:
    """Patient direction in which k, j and i grow, e.g. ``HPL``: Left/Right, Anterior/Posterior, Head/Foot."""
    letters = ""
    for column in matrix[:3, :3].T:
        axis = int(np.abs(column).argmax())
        letters += ("LPH", "RAF")[int(column[axis] < 0)][axis]
    return letters


def name_orientation(matrix: FloatArray) -> Orientation:
    """Name the plane of the slices; ``oblique`` where any axis is off the patient's axes."""
    unit = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    if np.abs(unit).max(axis=0).min() < np.cos(np.deg2rad(NAMED_WITHIN_DEG)):
        return "oblique"
    names: tuple[Orientation, ...] = ("sagittal", "coronal", "axial")
    return names[int(np.abs(unit[:, 0]).argmax())]


def upright_grid(shape: tuple[int, int, int], sheared: FloatArray) -> tuple[tuple[int, int, int], FloatArray]:
    """Find the rectangular grid that holds a sheared stack: along the direction in which the slices advance.

    For a gantry tilt the slices advance along the table, so the grid is the patient's own.

    Parameters
    ----------
    shape : (k, j, i)
    sheared : (4, 4)
        Affine of the stack as acquired.

    Returns
    -------
    shape : (k, j, i)
    affine : (4, 4)
        With the same pitch along k, j and i, and orthogonal axes.
    """
    pitch = np.linalg.norm(sheared[:3, :3], axis=0)
    k_axis = sheared[:3, 0] / pitch[0]
    i_axis = sheared[:3, 2] - (sheared[:3, 2] @ k_axis) * k_axis
    i_axis /= np.linalg.norm(i_axis)
    j_axis = np.cross(k_axis, i_axis)
    rotation = np.column_stack((k_axis, j_axis, i_axis))
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1)
    placed = rotation.T @ (sheared[:3, :3] @ corners + sheared[:3, 3:4])
    low, high = placed.min(axis=1), placed.max(axis=1)
    # A hair's breadth outside the first or last voxel is rounding, not another voxel.
    count = np.ceil((high - low) / pitch - 1e-3).astype(int) + 1
    grid = np.eye(4)
    grid[:3, :3] = rotation * pitch
    grid[:3, 3] = rotation @ low
    return (int(count[0]), int(count[1]), int(count[2])), grid
