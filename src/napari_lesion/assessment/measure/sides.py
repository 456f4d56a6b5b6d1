"""The lungs of a scan as measuring needs them: which is the left one, how high each reaches, how far the pleura is."""

from __future__ import annotations

import functools
import threading
import weakref
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from napari_lesion.model.mask import BoolArray
from napari_lesion.model.measured import Side, Zone
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.support.errors import LungsNotFoundError

_OPPOSITE_MM = 40.0
"""The middles of two lungs lie at least this far apart from side to side."""
_LEAST_SHARE = 0.15
"""Of all lung, for the smaller one."""
_VALLEY = 0.75
"""Between two lungs there is at most this share of what the smaller one has in its widest column."""
_WANDERS_MM = 30.0
"""How far the plane between the lungs leaves its mean place, at most."""
_SMOOTH_MM = (20.0, 4.0)
"""Along z and x, for that plane."""
_CUT_SHARE = 0.1
"""Of a lung's largest slice: with more than this in the scan's first or last slice, the lung goes on outside."""
_NEAR_MM = 30.0
"""What is further from any lung lies in none."""
_BETWEEN_MM = 6.0
"""What is nearer to one lung than to the other by less than this has no side."""
_DEEPEST_MM = 70.0
"""No distance to the surface is given as larger."""

_NUMBER: dict[Literal["right", "left"], int] = {"right": 1, "left": 2}
_UNKNOWN = 3


@dataclass(frozen=True)
class Lungs:
    """Both lungs on a coarse grid.

    Attributes
    ----------
    labels : (z, y, x) uint8
        1 in the patient's right lung, 2 in the left one, 3 where it is not known which.
    affine : (4, 4)
        Index → LPS mm.
    heights_mm : dict
        Lowest and highest z of each lung that is whole, LPS mm.
    cut : dict
        Which ends of a lung the scan does not show.
    """

    labels: npt.NDArray[np.uint8] = field(repr=False)
    affine: FloatArray
    heights_mm: dict[Side, tuple[float, float]]
    cut: dict[Side, str]

    def depth_at(self, mm: npt.ArrayLike) -> FloatArray:
        """Depth below the surface of the lungs at LPS mm (n, 3), mm; negative outside."""
        limit = np.array(self.labels.shape) - 1
        index = np.clip(apply_affine(np.linalg.inv(self.affine).astype(np.float64), mm), 0, limit)
        low = np.floor(index.min(axis=0)).astype(np.int64)
        high = np.minimum(np.floor(index.max(axis=0)).astype(np.int64) + 1, limit) + 1
        lung = self.labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] > 0
        spacing = spacing_of(self.affine)
        where = (np.moveaxis(np.indices(lung.shape), 0, -1) + low) * spacing
        # Both count from centre to centre across the surface, which lies half a voxel from each.
        half = min(spacing) / 2
        depth = np.empty(lung.shape)
        for which, sign, other in ((lung, 1, self._edge_outside), (~lung, -1, self._edge_inside)):
            distance, _ = other.query(where[which])
            depth[which] = sign * (np.minimum(distance, _DEEPEST_MM) - half)
        result: FloatArray = scipy.ndimage.map_coordinates(depth, (index - low).T, order=1, mode="nearest")
        return result

    @functools.cached_property
    def _edge_inside(self) -> scipy.spatial.KDTree:
        return _edge(self.labels > 0, self.affine)

    @functools.cached_property
    def _edge_outside(self) -> scipy.spatial.KDTree:
        return _edge(self.labels == 0, self.affine)

    def side_at(self, mm: FloatArray) -> Side:
        """Determine in which lung a place (LPS mm) lies, or which is the nearer one."""
        index = apply_affine(np.linalg.inv(self.affine).astype(np.float64), mm[None])
        part, low = self._around(index, _NEAR_MM)
        where = (np.argwhere(part) + low - index[0]) * spacing_of(self.affine)
        whose = part[part > 0]
        distance = np.linalg.norm(where, axis=1)
        nearest = {
            side: float(distance[whose == number].min()) if (whose == number).any() else np.inf
            for side, number in _NUMBER.items()
        }
        right, left = nearest["right"], nearest["left"]
        if min(right, left) > _NEAR_MM or abs(right - left) < _BETWEEN_MM:
            return "unknown"
        return "right" if right < left else "left"

    def zone_at(self, mm: npt.ArrayLike, side: Side) -> tuple[Zone, str]:
        """Find in which third of a lung's height a place (LPS mm) lies; where it can't be told, a sentence says why."""
        if side == "unknown":
            return "unknown", "It is not clear which lung it lies in, so its zone is unknown."
        if cut := self.cut.get(side):
            return "unknown", f"The scan does not show the {cut} of the {side} lung, so its zone is unknown."
        low, high = self.heights_mm[side]
        share = (float(np.asarray(mm)[2]) - low) / max(high - low, 1e-6)
        return ("lower" if share < 1 / 3 else "middle" if share < 2 / 3 else "upper"), ""

    def _around(self, index: FloatArray, reach_mm: float) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Crop the labels around places; return the index of the crop's first voxel as well."""
        reach = reach_mm / np.array(spacing_of(self.affine))
        shape = np.array(self.labels.shape)
        low = np.clip(np.floor(index.min(axis=0) - reach), 0, shape - 1).astype(np.int64)
        high = np.clip(np.ceil(index.max(axis=0) + reach) + 1, low + 1, shape).astype(np.int64)
        return self.labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], low


def _edge(voxels: BoolArray, affine: FloatArray) -> scipy.spatial.KDTree:
    """Voxels with a neighbour that is none of them, mm along the axes; the nearest from outside is one of these."""
    inner = scipy.ndimage.binary_erosion(voxels, border_value=1)
    return scipy.spatial.KDTree(np.argwhere(voxels & ~inner) * spacing_of(affine))


_kept: dict[int, tuple[weakref.ref[object], Lungs | None]] = {}
_lock = threading.Lock()


def lungs_of(volume: Volume) -> Lungs | None:
    """Find the lungs of a scan, once for each scan; None where no lung is in view."""
    key = id(volume.voxels)
    with _lock:
        if key in _kept and _kept[key][0]() is volume.voxels:
            return _kept[key][1]
        lungs = find_lungs(volume)
        _kept[key] = (weakref.ref(volume.voxels, lambda _: _kept.pop(key, None)), lungs)
        return lungs


def find_lungs(volume: Volume) -> Lungs | None:
    """Find the lungs of a scan and tell them apart.

    Parameters
    ----------
    volume : Volume
        CT, HU, any orientation.

    Returns
    -------
    Lungs or None
        None where no lung is in view.
    """
    from napari_lesion.imaging.preprocess import find_search_region  # brings torch along

    try:
        region = find_search_region(volume)
    except LungsNotFoundError:
        return None
    labels = separate(region.lungs, region.affine)
    if labels is None:
        labels = _of_one(region.lungs, region.affine, volume)
    heights: dict[Side, tuple[float, float]] = {}
    cut: dict[Side, str] = {}
    for side, number in _NUMBER.items():
        own = labels == number
        if not own.any():
            continue
        z = apply_affine(region.affine, np.argwhere(own))[:, 2]
        low, high = np.percentile(z, (0.1, 99.9))
        heights[side] = (float(low), float(high))
        area = own.sum(axis=(1, 2))
        ends = ("base", "apex") if region.affine[2, 0] > 0 else ("apex", "base")
        missing = [name for name, n in zip(ends, area[[0, -1]], strict=True) if n > _CUT_SHARE * area.max()]
        if missing:
            cut[side] = " and ".join(missing)
    return Lungs(labels, region.affine, heights, cut)


def separate(lungs: BoolArray, affine: FloatArray) -> npt.NDArray[np.uint8] | None:
    """Label the right lung 1 and the left one 2, where they touch as well; None where there are not two.

    Between the lungs there is less lung than in them. So in each slice (and those around it) the column with the least
    lung parts them.

    Parameters
    ----------
    lungs : (z, y, x) bool
        The last axis is the one nearest to the patient's from right to left.
    affine : (4, 4)
        Index → LPS mm.
    """
    spacing = spacing_of(affine)
    profile = lungs.sum(axis=1).astype(np.float64)
    total = scipy.ndimage.gaussian_filter1d(profile.sum(axis=0), _SMOOTH_MM[1] / spacing[2])
    cumulated = np.cumsum(total) / total.sum()
    # With so little on one side there is no second lung.
    inner = np.flatnonzero((cumulated > _LEAST_SHARE) & (cumulated < 1 - _LEAST_SHARE))
    if inner.size < 3:
        return None
    valley = int(inner[total[inner].argmin()])
    if total[valley] > _VALLEY * min(total[:valley].max(initial=0), total[valley + 1 :].max(initial=0)):
        return None
    smooth = scipy.ndimage.gaussian_filter(
        profile, [s / p for s, p in zip(_SMOOTH_MM, (spacing[0], spacing[2]), strict=True)]
    )
    reach = max(1, int(_WANDERS_MM / spacing[2]))
    low = max(valley - reach, 0)
    window = smooth[:, low : valley + reach + 1]
    # Among columns with as little lung (none at all, mostly) the one nearest to the mean place.
    far = np.abs(np.arange(window.shape[1]) + low - valley) / reach
    column = low + (window + 1e-3 * (1 + window.max(axis=1, keepdims=True)) * far).argmin(axis=1)
    first = np.arange(lungs.shape[2]) < column[:, None]
    parts = [lungs & first[:, None, :], lungs & ~first[:, None, :]]
    middles = [apply_affine(affine, np.argwhere(part).mean(axis=0)) if part.any() else np.zeros(3) for part in parts]
    if abs(middles[0][0] - middles[1][0]) < _OPPOSITE_MM:
        return None
    # LPS: x grows to the patient's left.
    right, left = parts if middles[0][0] < middles[1][0] else parts[::-1]
    labels: npt.NDArray[np.uint8] = (right * _NUMBER["right"] + left * _NUMBER["left"]).astype(np.uint8)
    return labels


def _of_one(lungs: BoolArray, affine: FloatArray, volume: Volume) -> npt.NDArray[np.uint8]:
    """Label a single lung by which half of the body it fills."""
    from napari_lesion.imaging.preprocess import canonical, coarse_grid

    coarse, _ = coarse_grid(canonical(volume))
    middles = [apply_affine(affine, np.argwhere(m).mean(axis=0)) for m in (lungs, lungs | (coarse > -300))]
    away = middles[0][0] - middles[1][0]
    number = _UNKNOWN if abs(away) < _OPPOSITE_MM / 2 else _NUMBER["right" if away < 0 else "left"]
    return (lungs * number).astype(np.uint8)
