"""Diameters and axes of an outlined nodule, mm in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from contourpy import contour_generator

from napari_lesion.model.mask import BoolArray
from napari_lesion.model.measured import Axis, Point
from napari_lesion.model.volume import FloatArray, apply_affine
from napari_lesion.support.errors import AnnotationError

_SMOOTH = 0.6
"""Of the mask before its outline is taken, pixels."""


@dataclass(frozen=True)
class Lines:
    """Long and short axis of a finding."""

    long: Axis
    short: Axis
    mean_mm: float
    """To 0.1 mm, of the lengths before they were rounded."""
    middle_mm: FloatArray
    """Middle of the mask in that slice, LPS mm."""


def axes(inside: BoolArray, affine: FloatArray) -> Lines:
    """Long and short axis on the slice of largest area.

    The long axis is the longest line between two points of the outline, the short one the longest at right angles to
    it, from the outline to the outline. Of several pieces in that slice, the largest counts.

    Parameters
    ----------
    inside : (z, y, x) bool
        Not empty.
    affine : (4, 4)
        Index → LPS mm; the last two axes are those of the slices.

    References
    ----------
    ACR Lung-RADS v2022, "Size": mean of the long and the short axis on one image, to one decimal place.
    """
    number = int(inside.sum(axis=(1, 2)).argmax())
    labels, _ = scipy.ndimage.label(inside[number], np.ones((3, 3)))
    largest = labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
    pitch = np.linalg.norm(affine[:3, 1:3], axis=0)
    outline = _outline(largest)
    flat = outline * pitch
    corners = flat[scipy.spatial.ConvexHull(flat).vertices]
    distance = scipy.spatial.distance.squareform(scipy.spatial.distance.pdist(corners))
    start, end = (corners[n] for n in np.unravel_index(int(distance.argmax()), distance.shape))
    short = _across(flat, start, end)

    def line(a: FloatArray, b: FloatArray) -> tuple[float, Axis]:
        ends = apply_affine(affine, [[number, *(p / pitch)] for p in (a, b)])
        length = float(np.linalg.norm(ends[1] - ends[0]))
        return length, Axis(length_mm=round(length, 1), start_mm=to_point(ends[0]), end_mm=to_point(ends[1]))

    (long_mm, long_axis), (short_mm, short_axis) = line(start, end), line(*short)
    middle = apply_affine(affine, [number, *np.argwhere(largest).mean(axis=0)])
    return Lines(long_axis, short_axis, round((long_mm + short_mm) / 2, 1), middle)


def _outline(inside: BoolArray) -> FloatArray:
    """Outline of a piece (y, x), as a closed polygon (n, 2) of fractional indices."""
    # So much around it that smoothing does not reach the edge.
    padded = np.pad(inside.astype(np.float64), 3)
    smooth = scipy.ndimage.gaussian_filter(padded, _SMOOTH)
    for image in (smooth, padded):  # a thin piece may be smoothed away
        lines = [np.asarray(line, dtype=np.float64) for line in contour_generator(z=image).lines(0.5)]
        if lines:
            result: FloatArray = max(lines, key=len)[:, ::-1] - 3
            if len(np.unique(result, axis=0)) > 2:
                return result
    raise AnnotationError("The mask has no outline.")


def _across(polygon: FloatArray, start: FloatArray, end: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Find the longest line at right angles to another one, from the outline to the outline."""
    along = (end - start) / np.linalg.norm(end - start)
    aside = np.array([-along[1], along[0]])
    u, v = polygon @ along, polygon @ aside
    # Between two corners the width is linear in u, so it is largest at a corner's u.
    levels = np.unique(np.round(u, 9))[1:-1, None]
    if not len(levels):
        return start, start
    first, last, flat = u[:-1], u[1:], u[:-1] == u[1:]
    share = np.where(flat, 0.0, (levels - first) / np.where(flat, 1.0, last - first))
    height = v[:-1] + share * (v[1:] - v[:-1])
    crosses = (first - levels) * (last - levels) <= 0
    low = np.where(crosses, height, np.inf).min(axis=1)
    high = np.where(crosses, height, -np.inf).max(axis=1)
    widest = int((high - low).argmax())
    at = levels[widest, 0]
    return at * along + low[widest] * aside, at * along + high[widest] * aside


def diameter_3d_mm(inside: BoolArray, affine: FloatArray) -> float:
    """Largest distance of two points of the surface, mm; the surface runs halfway between voxels in and out."""
    points = []
    padded = np.pad(inside, 1)
    for axis in range(3):
        step = np.diff(padded.astype(np.int8), axis=axis)
        where = np.argwhere(step).astype(np.float64) - 1
        where[:, axis] += 0.5
        points.append(where)
    mm = apply_affine(affine, np.concatenate(points))
    return float(scipy.spatial.distance.pdist(mm[scipy.spatial.ConvexHull(mm).vertices]).max())


def quantisation_mm3(inside: BoolArray, affine: FloatArray) -> float:
    """Give the standard deviation of a volume that comes from counting whole voxels, mm³.

    The surface cuts each voxel on it at an even chance anywhere, which alone is worth a standard deviation of 1/√12 of
    a voxel; these are taken to be independent. Thick slices err together: where n of them cross a ball, the sum of
    their areas has, over where they happen to lie, a standard deviation of 1/(√10 n²) of its volume (by Euler and
    Maclaurin, from the jump of the area's slope at both ends).
    """
    voxel_mm3 = abs(float(np.linalg.det(affine[:3, :3])))
    thick = int(np.argmax(np.linalg.norm(affine[:3, :3], axis=0)))
    slices = int(inside.any(axis=tuple(axis for axis in range(3) if axis != thick)).sum())
    edge, count = int(surface_of(inside).sum()), int(inside.sum())
    return voxel_mm3 * float(np.hypot(np.sqrt(edge / 12), count / (np.sqrt(10) * slices**2)))


def surface_of(inside: BoolArray) -> BoolArray:
    """Mark the voxels of a mask that touch others than its own."""
    padded = np.pad(inside, 1)
    surface: BoolArray = (padded & ~scipy.ndimage.binary_erosion(padded))[1:-1, 1:-1, 1:-1]
    return surface


def to_point(mm: FloatArray) -> Point:
    """Round a place in the patient (LPS mm) to micrometres."""
    x, y, z = (round(float(c), 3) for c in mm)
    return x, y, z
