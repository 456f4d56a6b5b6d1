"""The lungs of a scan as measuring needs them: which is the left one, how high each reaches, how far the pleura is."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.errors import LungsNotFoundError
from napari_lesion.mask import BoolArray
from napari_lesion.measured import Side, Zone
from napari_lesion.volume import FloatArray, Volume, apply_affine, spacing_of

_OPPOSITE_MM = 40.0
"""Two lungs lie at least this far apart from side to side."""
_LEAST_SHARE = 0.15
"""Of all lung, for the smaller one."""
_CUT_SHARE = 0.1
"""Of a lung's largest slice: with more than this in the scan's first or last slice, the lung goes on outside."""
_NEAR_MM = 30.0
"""What is further from any lung lies in none."""
_BETWEEN_MM = 5.0
"""What is nearer to one lung than to the other by less than this, and in neither, has no side."""

_RIGHT, _LEFT = 1, 2


@dataclass(frozen=True)
class Lungs:
    """Both lungs on a coarse grid.

    Attributes
    ----------
    labels : (z, y, x) uint8
        1 in the patient's right lung, 2 in the left one, 3 where it is not known which.
    affine : (4, 4)
        Index → LPS mm.
    depth_mm : (z, y, x) float32
        Distance to the surface of the lungs: positive inside, negative outside.
    """

    labels: npt.NDArray[np.uint8] = field(repr=False)
    affine: FloatArray
    depth_mm: npt.NDArray[np.float32] = field(repr=False)

    def depth_at(self, mm: npt.ArrayLike) -> FloatArray:
        """Depth below the surface of the lungs at LPS mm (n, 3), mm; negative outside."""
        index = apply_affine(np.linalg.inv(self.affine).astype(np.float64), mm)
        depth: FloatArray = ndimage.map_coordinates(self.depth_mm, index.T, order=1, mode="nearest")
        return depth

    def side_at(self, mm: npt.ArrayLike) -> Side:
        """Tell in which lung a place (LPS mm) lies, or which is the nearer one."""
        places = {label: self._places_mm(label) for label in (_RIGHT, _LEFT)}
        distance = {
            label: float(np.linalg.norm(where - np.asarray(mm), axis=1).min())
            for label, where in places.items()
            if len(where)
        }
        if not distance or min(distance.values()) > _NEAR_MM:
            return "unknown"
        nearest = min(distance, key=lambda label: distance[label])
        if len(distance) == 2 and abs(distance[_LEFT] - distance[_RIGHT]) < _BETWEEN_MM:
            return "unknown"
        return "right" if nearest == _RIGHT else "left"

    def zone_at(self, mm: npt.ArrayLike, side: Side) -> tuple[Zone, str]:
        """Tell in which third of a lung's height a place (LPS mm) lies; where it can't be told, a sentence says why."""
        if side == "unknown":
            return "unknown", ""
        label = _LEFT if side == "left" else _RIGHT
        height = self._places_mm(label)[:, 2]
        own = self.labels == label
        area = own.sum(axis=(1, 2))
        top_first = self.affine[2, 0] < 0
        ends = area[[0, -1]] > _CUT_SHARE * area.max()
        if ends.any():
            cut = ["base", "apex"] if not top_first else ["apex", "base"]
            what = " and ".join(name for name, is_cut in zip(cut, ends, strict=True) if is_cut)
            return (
                "unknown",
                f"The scan does not show the {what} of the {side} lung, so thirds of its height are unknown.",
            )
        low, high = np.percentile(height, (0.2, 99.8))
        share = (float(np.asarray(mm)[2]) - low) / max(high - low, 1e-6)
        return ("lower" if share < 1 / 3 else "middle" if share < 2 / 3 else "upper"), ""

    def _places_mm(self, label: int) -> FloatArray:
        return apply_affine(self.affine, np.argwhere(self.labels == label))


_kept: dict[int, tuple[weakref.ref[object], Lungs | None]] = {}
_lock = threading.Lock()


def lungs_of(volume: Volume) -> Lungs | None:
    """Find the lungs of a scan, once for each scan; None where no lung is in view."""
    key = id(volume.voxels)
    with _lock:
        if key in _kept and _kept[key][0]() is volume.voxels:
            return _kept[key][1]
    lungs = find_lungs(volume)
    with _lock:
        _kept[key] = (weakref.ref(volume.voxels, lambda _: _kept.pop(key, None)), lungs)
    return lungs


def find_lungs(volume: Volume) -> Lungs | None:
    """Find the lungs of a scan, tell them apart, and see how deep each place in them lies.

    Parameters
    ----------
    volume : Volume
        CT, HU, any orientation.
    """
    from napari_lesion.detection.preprocess import find_search_region  # brings torch along

    try:
        region = find_search_region(volume)
    except LungsNotFoundError:
        return None
    spacing = spacing_of(region.affine)
    inside = ndimage.distance_transform_edt(np.pad(region.lungs, 1, mode="edge"), sampling=spacing)
    outside = ndimage.distance_transform_edt(np.pad(~region.lungs, 1, mode="edge"), sampling=spacing)
    inner = (slice(1, -1),) * 3
    # Both count from centre to centre across the surface, which lies half a voxel from each.
    half = min(spacing) / 2
    depth = np.where(region.lungs, inside[inner] - half, half - outside[inner]).astype(np.float32)
    return Lungs(_told_apart(region.lungs, region.affine, volume), region.affine, depth)


def _told_apart(lungs: BoolArray, affine: FloatArray, volume: Volume) -> npt.NDArray[np.uint8]:
    """Label the right lung 1 and the left one 2, where they touch as well; 3 where there is only one of unknown side."""
    spacing = spacing_of(affine)
    depth = ndimage.distance_transform_edt(lungs, sampling=spacing)
    for strength in np.arange(0.0, 20.0, 2.0):
        parts, count = ndimage.label(depth > strength)
        if count == 0:
            break
        sizes = np.bincount(parts.ravel())[1:]
        order = np.argsort(sizes)[::-1][:2] + 1
        if len(order) < 2 or sizes[order[1] - 1] < _LEAST_SHARE * sizes.sum():
            continue
        middles = [_middle_mm(parts == label, affine) for label in order]
        if abs(middles[0][0] - middles[1][0]) < _OPPOSITE_MM:
            continue
        # LPS: x grows to the patient's left.
        right, left = order if middles[0][0] < middles[1][0] else order[::-1]
        seeds = np.zeros(lungs.shape, np.uint8)
        seeds[parts == right], seeds[parts == left] = _RIGHT, _LEFT
        nearest = ndimage.distance_transform_edt(
            seeds == 0, sampling=spacing, return_distances=False, return_indices=True
        )
        labels: npt.NDArray[np.uint8] = np.where(lungs, seeds[tuple(nearest)], 0).astype(np.uint8)
        return labels
    return _of_one(lungs, affine, volume)


def _of_one(lungs: BoolArray, affine: FloatArray, volume: Volume) -> npt.NDArray[np.uint8]:
    """Label a single lung by which half of the body it fills."""
    from napari_lesion.detection.preprocess import canonical, coarse_grid

    coarse, _ = coarse_grid(canonical(volume))
    body = coarse > -300
    away = _middle_mm(lungs, affine)[0] - _middle_mm(body | lungs, affine)[0]
    label = 3 if abs(away) < _OPPOSITE_MM / 2 else _RIGHT if away < 0 else _LEFT
    return (lungs * label).astype(np.uint8)


def _middle_mm(mask: BoolArray, affine: FloatArray) -> FloatArray:
    return apply_affine(affine, np.argwhere(mask).mean(axis=0))
