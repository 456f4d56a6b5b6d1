"""How large what a reader points at may be: a first guess for a finding that is added with one key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from napari_lesion.model.findings import Point
from napari_lesion.model.volume import FloatArray, Volume

REACH_MM = 20.0
"""Half the side of the cube in which the edge is looked for; nodules are smaller than 30 mm by definition."""
SNAP_MM = 3.0
"""How far from the lesion the reader may point."""
DEFAULT_MM = 10.0
_LEAST_CONTRAST = 100.0
"""HU between a lesion and what is around it; less is noise."""
_SHELL_MM = 1.0
_ROUNDS = 4
_WIDER = 1.3


@dataclass(frozen=True)
class Estimate:
    """A guess of where and how large something is.

    Attributes
    ----------
    center_mm : (3,)
        LPS mm.
    diameter_mm : float
    edge_found : bool
        False where nothing stands out from its surroundings: the place is the one asked for, the diameter a default.
    """

    center_mm: Point
    diameter_mm: float
    edge_found: bool


def estimate_size(volume: Volume, center_mm: Sequence[float]) -> Estimate:
    """Estimate centre and diameter of what is bright at a place.

    The bright voxels within `SNAP_MM` and the dark tenth of the surroundings give a threshold half-way between; the
    region over it that hangs together with the brightest voxel is the lesion. It ends where less than half of the next
    spherical shell belongs to it, so a vessel or the chest wall that touches it is not taken along. This is no
    measurement: two readers would set the edge elsewhere.

    Parameters
    ----------
    volume : Volume
        Its voxels around the place must be there (``volume.complete``).
    center_mm : (3,)
        LPS mm.
    """
    x, y, z = (float(value) for value in center_mm)
    nothing = Estimate((x, y, z), DEFAULT_MM, False)
    spacing = np.array(volume.spacing)
    index = volume.to_index((x, y, z))
    low = np.maximum(np.floor(index - REACH_MM / spacing).astype(int), 0)
    high = np.minimum(np.ceil(index + REACH_MM / spacing).astype(int) + 1, volume.shape)
    if (low >= high).any():
        return nothing
    cube = np.asarray(volume.voxels[tuple(map(slice, low, high))], dtype=np.float32)

    def distance(to: FloatArray) -> FloatArray:
        """Mm from a place (index in the cube) to each voxel."""
        k, j, i = ((np.arange(n) - at) * pitch for n, at, pitch in zip(cube.shape, to, spacing, strict=True))
        squared: FloatArray = (k**2)[:, None, None] + (j**2)[:, None] + i**2
        return np.sqrt(squared)

    around = distance(index - low)
    near = around <= max(SNAP_MM, spacing.max() / 2)
    if not near.any():
        return nothing
    seed = np.unravel_index(np.where(near, cube, -np.inf).argmax(), cube.shape)
    background = float(np.percentile(cube[around <= REACH_MM], 10))
    if cube[seed] - background < _LEAST_CONTRAST:
        return nothing
    bright = cube[near & (cube > (cube[seed] + background) / 2)]
    level = float(np.median(bright))  # a speck of calcium must not set the threshold
    labels, _ = scipy.ndimage.label(cube > (level + background) / 2)
    region = labels == labels[seed]
    places = np.argwhere(region).astype(np.float64)
    center, radius = np.array(seed, dtype=np.float64), 0.0
    step = max(_SHELL_MM, float(spacing.max()) / 2)
    for _ in range(_ROUNDS):
        away = distance(center)
        radius = _radius(away, region, step)
        # A little beyond the radius so far, or the centre could never move.
        center = places[away[region] <= max(_WIDER * radius, SNAP_MM)].mean(axis=0)
    if radius <= 0 or radius > REACH_MM - 2 * step:
        return nothing
    cx, cy, cz = volume.to_patient(center + low).tolist()
    return Estimate((cx, cy, cz), 2 * radius, True)


def _radius(away: FloatArray, region: npt.NDArray[np.bool_], step: float) -> float:
    """Radius (mm) up to which at least half of each shell belongs to a region, between shells by interpolation."""
    shells = np.floor(away / step).astype(int)
    count = np.bincount(shells.ravel())
    share = np.bincount(shells.ravel(), region.ravel()) / np.maximum(count, 1)
    share[count == 0] = 1.0  # between the voxels around the centre there may be none: no edge is there
    outside = np.flatnonzero(share < 0.5)
    first = int(outside[0]) if outside.size else len(share)
    if first == 0 or first == len(share):
        return first * step
    before, after = share[first - 1], share[first]
    return float((first - 0.5 + (before - 0.5) / max(before - after, 1e-9)) * step)
