"""Outline a nodule from one click: a threshold between nodule and lung, then off with what is attached.

The steps, on a cube around the click that is brought to equal spacing:

1. the density of the nodule is taken around the click, that of the lung from what is dark around it;
2. voxels denser than a share of the way from lung to nodule, connected to the click;
3. the lung is closed over dents as large as a nodule, and what stays outside is chest wall;
4. erosion until vessels come loose, then dilation back (after Kuhnigk et al., IEEE TMI 25, 2006);
5. where the middle of the result is far from the click, once more from there;
6. back on the scan's own voxels, the threshold decides again where the surface runs.

How well that goes on real nodules is in docs/annotation.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy

from napari_lesion.model.mask import BoolArray, Index, Mask
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.support.errors import AnnotationError

MAX_DIAMETER_MM = 40.0
AIR_HU = -600.0
"""Darker voxels are lung (or air) around the nodule."""
LUNG_HU = -850.0
"""Taken where no lung is around the click."""
LEAST_CONTRAST_HU = 120.0
"""What stands out less from its lung is not grown: it would be noise."""
EDGE = 0.35
"""Where the surface is on the way from lung (0) to nodule (1). Readers draw around the visible rim: so under 0.5."""
OPENING = 0.5
"""Of the nodule's radius: what is thinner comes off."""
CLOSING_MM = 14.0
"""Radius of the ball that rolls along the lung; dents that it does not enter belong to the lung."""
LEAST_LUNG_MM3 = 500.0
"""Smaller dark spots are holes in the nodule, not lung."""
SNAP_MM = 2.5
"""How far a click on something dark may move to something denser."""
_SEED_MM = 1.5
_SMOOTH_MM = 0.7
_AGAIN_MM = 3.0
_PITCH_MM = (0.7, 1.0)
_NOTHING = "Nothing grows here. Click into the finding, or paint it with the brush."


def grow(volume: Volume, center_mm: Sequence[float], *, max_diameter_mm: float = MAX_DIAMETER_MM) -> Mask:
    """Outline the nodule at a place.

    Parameters
    ----------
    volume : Volume
        CT, HU.
    center_mm : (3,)
        LPS mm, in the nodule.
    max_diameter_mm : float
        Nothing grows beyond a ball of this diameter.

    Raises
    ------
    AnnotationError
        If there is nothing to outline: the place is outside the scan, or as dark as lung, or the scan is not in HU.
    """
    index = volume.to_index(center_mm)
    if not all(-0.5 <= n <= size - 0.5 for n, size in zip(index, volume.shape, strict=True)):
        raise AnnotationError("That place is outside the scan.")
    if volume.certificate.unit != "HU":
        raise AnnotationError("Growing needs HU: it goes by the density of lung. Paint the finding with the brush.")
    mask, middle = _grow_at(volume, index, max_diameter_mm)
    if np.linalg.norm((middle - index) * volume.spacing) > _AGAIN_MM:
        mask, _ = _grow_at(volume, middle, max_diameter_mm)
    return mask


def _grow_at(volume: Volume, index: FloatArray, max_diameter_mm: float) -> tuple[Mask, FloatArray]:
    """Outline around a place (k, j, i); return the middle of the nodule as well."""
    spacing = np.array(volume.spacing)
    reach = max_diameter_mm / 2 + 8.0  # some lung around the largest nodule
    low = np.maximum(np.floor(index - reach / spacing), 0).astype(int)
    high = np.minimum(np.ceil(index + reach / spacing) + 1, volume.shape).astype(int)
    crop = np.asarray(volume.voxels[tuple(map(slice, low, high))], dtype=np.float32)
    pitch = float(np.clip(spacing.min(), *_PITCH_MM))
    wanted = np.maximum(np.rint(np.array(crop.shape) * spacing / pitch), 1)
    scale = wanted / crop.shape
    even = scipy.ndimage.zoom(crop, scale, order=1, grid_mode=True, mode="nearest")
    at = np.clip(np.rint((index - low + 0.5) * scale - 0.5), 0, np.array(even.shape) - 1).astype(int)
    nodule, middle, threshold = _outline(even, (int(at[0]), int(at[1]), int(at[2])), pitch, max_diameter_mm)
    # One voxel more, since the surface is decided on the scan's own voxels.
    around = scipy.ndimage.binary_dilation(nodule).astype(np.uint8)
    near = scipy.ndimage.zoom(around, 1 / scale, order=0, grid_mode=True, mode="nearest").astype(bool)
    inside = near & (scipy.ndimage.gaussian_filter(crop, _SMOOTH_MM / spacing) > threshold)
    labels, count = scipy.ndimage.label(inside)
    if count == 0:
        raise AnnotationError(_NOTHING)
    largest = int(np.bincount(labels.ravel())[1:].argmax()) + 1
    mask = Mask.of(labels == largest, (int(low[0]), int(low[1]), int(low[2])))
    return mask, (np.array(middle) + 0.5) / scale - 0.5 + low


def _outline(
    hu: npt.NDArray[np.float32], seed: Index, pitch: float, max_diameter_mm: float
) -> tuple[BoolArray, Index, float]:
    """Take steps 1 to 4 on voxels of equal spacing; return the nodule, its middle, and the threshold."""
    smooth = scipy.ndimage.gaussian_filter(hu, _SMOOTH_MM / pitch)
    distance = _distance_mm(seed, hu.shape, pitch)
    within = distance <= max_diameter_mm / 2
    around = smooth[within & (smooth < AIR_HU)]
    lung = float(np.median(around)) if around.size * pitch**3 > LEAST_LUNG_MM3 else LUNG_HU
    inside = float(np.median(smooth[distance <= _SEED_MM]))
    if inside - lung < LEAST_CONTRAST_HU:
        seed = _index(np.where(distance <= SNAP_MM, smooth, -np.inf).argmax(), hu.shape)
        inside = float(np.median(smooth[_distance_mm(seed, hu.shape, pitch) <= _SEED_MM]))
    if inside - lung < LEAST_CONTRAST_HU:
        raise AnnotationError(
            f"Nothing grows here: {inside:.0f} HU hardly stands out from the lung around it ({lung:.0f} HU). "
            "Click into the finding, or paint it with the brush."
        )
    # Contrast agent and calcium are denser than tissue, and the edge of a nodule is not where theirs would be.
    threshold = lung + EDGE * (min(inside, 0.0) - lung)
    dense = (smooth > threshold) & within
    closed = _closed_lung(smooth < max(threshold, AIR_HU), seed, pitch)
    if closed[seed]:
        dense &= closed
    part = _connected(dense, seed)
    if part is None:
        raise AnnotationError(_NOTHING)
    depth = scipy.ndimage.distance_transform_edt(part) * pitch
    middle = _climb(depth, seed)
    radius = float(depth[middle])
    nodule = part
    for strength in np.arange(OPENING * radius, radius, pitch / 2):
        core = _connected(depth > strength, middle)
        if core is None:
            break
        nodule = part & (scipy.ndimage.distance_transform_edt(~core) * pitch <= strength + pitch / 2)
        if distance[nodule].max() < max_diameter_mm / 2 - pitch:
            break
    return nodule, middle, threshold


def _closed_lung(air: BoolArray, seed: Index, pitch: float) -> BoolArray:
    """Find the lung next to a place, closed over dents; empty where there is no lung."""
    labels, _ = scipy.ndimage.label(air)
    sizes = np.bincount(labels.ravel()) * pitch**3
    sizes[0] = 0
    large = (sizes > LEAST_LUNG_MM3)[labels]
    if not large.any():
        return np.zeros_like(air)
    nearest = scipy.ndimage.distance_transform_edt(~large, return_distances=False, return_indices=True)
    lung = labels == labels[tuple(nearest[(slice(None), *seed)])]
    near: BoolArray = scipy.ndimage.distance_transform_edt(~lung) * pitch <= CLOSING_MM
    if near.all():
        return near
    closed: BoolArray = scipy.ndimage.distance_transform_edt(near) * pitch > CLOSING_MM
    return closed


def _distance_mm(seed: Index, shape: tuple[int, ...], pitch: float) -> FloatArray:
    squared = sum((g - s) ** 2 for g, s in zip(np.ogrid[tuple(map(slice, shape))], seed, strict=True))
    distance: FloatArray = np.sqrt(squared) * pitch
    return distance


def _index(flat: np.intp, shape: tuple[int, ...]) -> Index:
    k, j, i = (int(n) for n in np.unravel_index(int(flat), shape))
    return k, j, i


def _climb(depth: FloatArray, start: Index) -> Index:
    """Go uphill from a place to the next summit."""
    at = start
    while True:
        low = [max(n - 1, 0) for n in at]
        block = depth[tuple(slice(lo, n + 2) for lo, n in zip(low, at, strict=True))]
        step = _index(block.argmax(), block.shape)
        to = (low[0] + step[0], low[1] + step[1], low[2] + step[2])
        if depth[to] <= depth[at]:
            return at
        at = to


def _connected(voxels: BoolArray, seed: Index) -> BoolArray | None:
    """Take the part of some voxels that a place belongs to."""
    labels, _ = scipy.ndimage.label(voxels)
    number = labels[seed]
    if number == 0:
        return None
    part: BoolArray = labels == number
    return part
