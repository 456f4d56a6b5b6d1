"""Where the lungs are: a mask on a coarse grid by thresholds, shape and anatomy; numpy and scipy only.

All arrays are (z, y, x) in canonical orientation: z grows to the head, y to the back, x to the patient's left.
The steps are meant for voxels of about 2 mm, to which ``preprocess`` averages a scan: that takes the noise off and
keeps the walls between lung, airway and bowel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.errors import LungsNotFoundError

HU = npt.NDArray[np.floating[Any] | np.integer[Any]]
Mask = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

AIR_HU = -400.0
"""Below this a voxel is lung, airway or gas; above it is tissue."""
SEARCH_MARGIN_MM = 8.0
"""How far the search region reaches beyond the lungs: nodules sit on pleura and mediastinum."""
_MIN_LUNG_ML = 40.0


def find_lungs(hu: HU, spacing: Spacing) -> Mask:
    """Both lungs, filled: with vessels, nodules and consolidations, without airways outside the lung and bowel gas.

    Parameters
    ----------
    hu : (z, y, x)
        HU in canonical orientation.
    spacing : (z, y, x), mm

    Returns
    -------
    (z, y, x) bool

    Raises
    ------
    LungsNotFoundError
        If no lung is in view.
    """
    air = hu < AIR_HU
    inside = _fill_slices(_largest(_erode(~air, spacing, 3.0))) & air
    inside = _grow_within(inside, air, spacing, 6.0)
    lung = _keep_lung_like(inside & ~_trachea(hu, inside, spacing), hu, spacing)
    if not lung.any():
        raise LungsNotFoundError(
            "No lung is in view of this scan, so nothing was searched. Choose a chest CT series in Hounsfield units."
        )
    return _fill_slices(close(lung, spacing, 8.0)) | lung


def search_region(lungs: Mask, spacing: Spacing, margin_mm: float = SEARCH_MARGIN_MM) -> Mask:
    """Close and widen the lungs, so that lesions on pleura, mediastinum and spine lie inside.

    Parameters
    ----------
    lungs : (z, y, x) bool
    spacing : (z, y, x), mm
    margin_mm : float
        How far the region reaches beyond the lungs.

    Returns
    -------
    (z, y, x) bool
    """
    return dilate(close(lungs, spacing, 2 * margin_mm), spacing, margin_mm)


def dilate(mask: Mask, spacing: Spacing, radius_mm: float) -> Mask:
    """Widen a mask by a ball (approximated by alternating boxes and crosses); nothing comes in from outside."""
    grown = mask.copy()
    reach = [0.0, 0.0, 0.0]
    step = 0
    while True:
        axes = [a for a in range(3) if reach[a] + spacing[a] / 2 <= radius_mm]
        if not axes:
            return grown
        # The axis that is furthest behind goes first, so that anisotropic voxels still give a round shape.
        pace = min(reach[a] + spacing[a] for a in axes)
        axes = [a for a in axes if reach[a] + spacing[a] <= pace + 1e-6 + 0.5 * min(spacing)]
        source = grown
        result = source.copy()
        for axis in axes:
            if step % 2:  # box: sequential axes spread diagonally
                source = result.copy()
            lower, upper = _neighbours(axis)
            result[lower] |= source[upper]
            result[upper] |= source[lower]
            reach[axis] += spacing[axis]
        grown = result
        step += 1


def close(mask: Mask, spacing: Spacing, radius_mm: float) -> Mask:
    """Fill notches and holes narrower than twice the radius; the edge of the grid is no wall."""
    pad = [int(np.ceil(radius_mm / s)) + 1 for s in spacing]
    padded = np.pad(mask, [(p, p) for p in pad])
    closed = ~dilate(~dilate(padded, spacing, radius_mm), spacing, radius_mm)
    inner = tuple(slice(p, -p) for p in pad)
    result: Mask = closed[inner]
    return result


def _erode(mask: Mask, spacing: Spacing, radius_mm: float) -> Mask:
    return ~dilate(~mask, spacing, radius_mm)


def _neighbours(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    everything = [slice(None)] * 3
    lower, upper = everything.copy(), everything.copy()
    lower[axis], upper[axis] = slice(None, -1), slice(1, None)
    return tuple(lower), tuple(upper)


def _grow_within(mask: Mask, limit: Mask, spacing: Spacing, radius_mm: float) -> Mask:
    return dilate(mask, spacing, radius_mm) & limit


def _largest(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    result: Mask = labels == sizes.argmax()
    return result


def _fill_slices(mask: Mask) -> Mask:
    """Fill what a mask encloses in each axial slice."""
    in_plane = np.zeros((3, 3, 3), bool)
    in_plane[1] = ndimage.generate_binary_structure(2, 1)
    padded = np.pad(~mask, [(0, 0), (1, 1), (1, 1)], constant_values=True)
    labels, count = ndimage.label(padded, in_plane)
    outside = np.zeros(count + 1, bool)
    outside[np.unique(labels[:, 0, 0])] = True
    outside[0] = False
    result: Mask = ~outside[labels][:, 1:-1, 1:-1]
    return result


def _trachea(hu: HU, inside: Mask, spacing: Spacing) -> Mask:
    """Air column of the trachea and main bronchi, followed downwards from the top of the scan, with its wall."""
    _, dy, dx = spacing
    pixel_mm2 = dy * dx
    gas = inside & (hu < -850)
    found = np.zeros_like(inside)
    previous: Mask | None = None
    top = gas.shape[0] - 1
    middle_x = float(np.flatnonzero(inside.any(axis=(0, 1))).mean()) if inside.any() else 0.0
    for k in range(top, -1, -1):
        labels, count = ndimage.label(gas[k])
        if count == 0:
            previous = None
            continue
        areas = np.bincount(labels.ravel())[1:] * pixel_mm2
        boxes = ndimage.find_objects(labels)
        keep = []
        for n, (area, box) in enumerate(zip(areas, boxes, strict=True), start=1):
            height, width = (box[0].stop - box[0].start) * dy, (box[1].stop - box[1].start) * dx
            if not 40 <= area <= 900 or max(height, width) > 2.2 * min(height, width) + 6 or max(height, width) > 50:
                continue
            if previous is None:
                centre_x = (box[1].start + box[1].stop - 1) / 2
                round_enough = area > 0.55 * height * width
                if abs(centre_x - middle_x) * dx > 30 or not round_enough or area < 70:
                    continue
            elif not (labels == n)[previous].any():
                continue
            keep.append(n)
        if not keep:
            if previous is not None:
                break
            continue
        previous = np.isin(labels, keep)
        found[k] = previous
    return _grow_within(found, hu < -300, spacing, 3.0)


def _keep_lung_like(mask: Mask, hu: HU, spacing: Spacing) -> Mask:
    """Components that are large enough and have the density of lung, not of plain gas."""
    labels, count = ndimage.label(mask)
    voxel_ml = float(np.prod(spacing)) / 1000
    volumes = np.bincount(labels.ravel(), minlength=count + 1) * voxel_ml
    parenchyma = np.bincount(labels.ravel(), weights=((hu > -940) & (hu < -550)).ravel(), minlength=count + 1)
    keep = (volumes >= _MIN_LUNG_ML) & (parenchyma * voxel_ml > 0.4 * volumes)
    keep[0] = False
    if keep.any():
        keep &= volumes >= 0.08 * volumes[keep].max()
    result: Mask = keep[labels]
    return result
