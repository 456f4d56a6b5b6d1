"""Dilation, closing, opening, labels and crops of masks in mm, slice by slice where memory asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

HU = npt.NDArray[np.floating[Any] | np.integer[Any]]


Mask = npt.NDArray[np.bool_]


Labels = npt.NDArray[np.int32]


Spacing = tuple[float, float, float]


Slices = tuple[slice, ...]


def dilate(mask: Mask, spacing: Spacing, radius_mm: float) -> Mask:
    """Widen a mask by a ball, made of alternating crosses and boxes; nothing comes in from outside the grid."""
    grown = mask.copy()
    for axes, as_box in _steps(spacing, radius_mm):
        source = grown if as_box else grown.copy()
        for axis in axes:
            if as_box:
                source = grown.copy()
            lower, upper = neighbours(axis)
            grown[lower] |= source[upper]
            grown[upper] |= source[lower]
    return grown


def close(mask: Mask, spacing: Spacing, radius_mm: float) -> Mask:
    """Fill notches and holes narrower than twice the radius; the edge of the grid is no wall."""
    pad = [int(radius_mm / s) + 2 for s in spacing]
    padded = np.pad(mask, [(p, p) for p in pad])
    closed = erode(dilate(padded, spacing, radius_mm), spacing, radius_mm)
    inner = tuple(slice(p, -p) for p in pad)
    result: Mask = np.ascontiguousarray(closed[inner])
    return result


def erode(mask: Mask, spacing: Spacing, radius_mm: float) -> Mask:
    """Erode a mask by a distance in mm."""
    return ~dilate(~mask, spacing, radius_mm)


def opened(mask: Mask, spacing: Spacing, radius_mm: float) -> Mask:
    """Open a mask: what is thinner than twice the distance (mm) goes."""
    return dilate(erode(mask, spacing, radius_mm), spacing, radius_mm) & mask


def _steps(spacing: Spacing, radius_mm: float) -> Iterator[tuple[list[int], bool]]:
    """Yield steps of one voxel that reach ``radius_mm`` along every axis: which axes move, and whether as a box."""
    reach = [0.0, 0.0, 0.0]
    as_box: dict[tuple[int, ...], bool] = {}
    while True:
        open_axes = [axis for axis in range(3) if reach[axis] + spacing[axis] / 2 <= radius_mm]
        if not open_axes:
            return
        # With anisotropic voxels the coarse axes wait for the fine ones, so that the shape stays round.
        front = min(reach[axis] + spacing[axis] for axis in open_axes) + min(spacing) / 2
        moving = [axis for axis in open_axes if reach[axis] + spacing[axis] <= front]
        for axis in moving:
            reach[axis] += spacing[axis]
        kind = tuple(moving)
        yield moving, as_box.setdefault(kind, False)
        as_box[kind] = not as_box[kind]


def neighbours(axis: int, distance: int = 1) -> tuple[Slices, Slices]:
    """Index a grid and the same grid shifted along an axis."""
    lower, upper = [slice(None)] * 3, [slice(None)] * 3
    lower[axis], upper[axis] = slice(None, -distance), slice(distance, None)
    return tuple(lower), tuple(upper)


def crop(mask: Mask, spacing: Spacing, margin_mm: float) -> Slices:
    """Give the bounding box of a mask, with a margin."""
    box = []
    for axis in range(3):
        hits = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(np.ceil(margin_mm / spacing[axis]))
        box.append(slice(max(int(hits[0]) - margin, 0), int(hits[-1]) + 1 + margin))
    return tuple(box)


def labelled(mask: Mask) -> tuple[Labels, int]:
    """Give the connected parts of a mask numbers from 1 on, and count them."""
    labels, count = ndimage.label(mask, output=np.int32)
    return labels, int(count)


def label_slices(mask: Mask) -> tuple[Labels, int]:
    """Label what is connected within each axial slice."""
    in_plane = np.zeros((3, 3, 3), dtype=np.bool_)
    in_plane[1] = ndimage.generate_binary_structure(2, 1)
    labels, count = ndimage.label(mask, in_plane, output=np.int32)
    return labels, int(count)


def voxel_counts(labels: Labels, count: int, where: Mask | None = None) -> npt.NDArray[np.int64]:
    """Voxels of each label (0 for the background)."""
    sizes = np.bincount(labels.ravel() if where is None else labels[where], minlength=count + 1)
    sizes[0] = 0
    return sizes


def facing(labels: Labels, count: int, what: Mask, spacing: Spacing, distance_mm: float) -> npt.NDArray[np.float64]:
    """Share of each label's surface that faces ``what`` at a distance within the slice.

    Faces upwards and downwards don't count: with thick slices they see partial volumes. Nor do those at the edge.
    """
    surface = np.zeros(count + 1)
    facing = np.zeros(count + 1)
    for axis in (1, 2):
        distance = max(1, round(distance_mm / spacing[axis]))
        near_lower, near_upper = neighbours(axis)
        edge = labels[near_lower] != labels[near_upper]
        extent = labels.shape[axis]
        for index, sign in ((0, 1), (1, -1)):
            # `at` holds voxels with a neighbour of another label on the one or the other side.
            at = np.nonzero(edge & ((labels[near_lower], labels[near_upper])[index] > 0))
            position = list(at)
            position[axis] = at[axis] + index
            own = labels[tuple(position)]
            position[axis] = position[axis] + sign * distance
            valid = (position[axis] >= 0) & (position[axis] < extent)
            own = own[valid]
            surface += np.bincount(own, minlength=count + 1)
            facing += np.bincount(own, weights=what[tuple(p[valid] for p in position)], minlength=count + 1)
    result: npt.NDArray[np.float64] = facing / np.maximum(surface, 1)
    return result
