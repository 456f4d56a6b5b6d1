"""A nodule of a crop made whole: its slices brought to 1 mm, and closed above and below, where the crop ends.

A crop of ``lidc`` begins with the first slice of the readers' outline and ends with the last. Each slice stands for the
tissue within its thickness, so the nodule ends about half a slice beyond the outermost ones. There the outermost slice
is continued, shrinking about its centre as an ellipsoid does that spans all slices: its outline and its texture are
known, only how fast it closes is not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.training.data.lidc import Crop
from napari_lesion.training.data.nodules import Nodule

FADE_MM = 1.5
"""Beyond this distance from the mask, in the slice, nothing of the crop is taken. The outlines are generous."""
THICK_MM = 1.6
"""Nodules from thicker slices are turned in the axial plane only."""
_ATTACHED_SHARE = 0.12
_SCALES: dict[str, tuple[float, float]] = {"solid": (0.75, 1.35), "part-solid": (0.6, 1.6), "ground-glass": (0.6, 1.6)}
"""How much a nodule may be scaled: there are many solid ones of every size, few others."""
_LEAST_SCALE = 0.12
_SAMPLES = 3
"""Planes within each millimetre along z."""

Array = npt.NDArray[np.float32]


def complete(crop: Crop) -> Nodule:
    """Take a real nodule out of its crop, on a grid of 1 mm, closed at both ends."""
    inside = np.flatnonzero(crop.mask.any(axis=(1, 2)))
    part = slice(int(inside[0]), int(inside[-1]) + 1)
    mask = crop.mask[part]
    fraction, tissue = _fraction(crop, part)
    sz, sy, sx = crop.spacing_mm
    center = np.array(ndimage.center_of_mass(mask)) * crop.spacing_mm
    # The grid has its middle at the centre of mass and reaches a little beyond everything that is not zero.
    reach = [sz * len(mask) / 2, *(np.ptp(np.argwhere(mask.any(axis=0)), axis=0) * (sy, sx) / 2 + FADE_MM)]
    half = np.ceil(np.array(reach) * 1.5 + 2).astype(int)
    z = (np.arange(_SAMPLES * (2 * half[0] + 1)) + 0.5) / _SAMPLES - 0.5 - half[0] + center[0]
    rows = np.arange(-half[1], half[1] + 1) + center[1]
    columns = np.arange(-half[2], half[2] + 1) + center[2]
    planes = np.stack([_plane(fraction, mask, crop.spacing_mm, float(at), rows, columns) for at in z])
    whole = planes.reshape(2 * half[0] + 1, _SAMPLES, len(rows), len(columns)).mean(axis=1)
    return Nodule(
        fraction=np.clip(whole, 0, 1.2).astype(np.float32),
        tissue_hu=tissue,
        center=(float(half[0]), float(half[1]), float(half[2])),
        diameter_mm=crop.diameter_mm,
        type=crop.type,
        name=f"{crop.name}",
        attached=crop.wall_share > _ATTACHED_SHARE,
        thick=sz > THICK_MM,
        scales=_SCALES[crop.type],
    )


def _fraction(crop: Crop, part: slice) -> tuple[Array, float]:
    """Share of the air that tissue replaces, in each slice with an outline; and the HU of that tissue."""
    hu, mask = crop.hu[part].astype(np.float32), crop.mask[part]
    outside = np.stack([ndimage.distance_transform_edt(~plane, sampling=crop.spacing_mm[1:]) for plane in mask])
    lung = hu[(outside > 2) & (hu < -600)]
    lung_hu = float(np.median(lung)) if lung.size > 50 else -850.0
    tissue = max(float(np.percentile(hu[mask], 95)) + 20, lung_hu + 200)
    fraction = (hu - lung_hu) / (tissue - lung_hu)
    far = outside > 0.7
    fraction[far] = np.minimum(fraction[far], 0.25)
    # The lung's own noise is no tissue: what is hardly denser than lung does not come along.
    alpha = np.clip((FADE_MM - outside) / (FADE_MM - 0.5), 0, 1)
    fraction = np.where(mask, np.maximum(fraction, 0), np.maximum(fraction - 0.06, 0)) * alpha
    return fraction.astype(np.float32), tissue


def _plane(
    fraction: Array,
    mask: npt.NDArray[np.bool_],
    spacing: tuple[float, float, float],
    z: float,
    rows: npt.NDArray[np.float64],
    columns: npt.NDArray[np.float64],
) -> Array:
    """Fraction at a height (mm above the first slice) on a grid in the plane (mm)."""
    last = (len(mask) - 1) * spacing[0]
    beyond = max(-z, z - last)
    if beyond <= 0:
        low = min(int(z / spacing[0]), max(len(mask) - 2, 0))
        weight = np.float32(z / spacing[0] - low)
        lower = _sampled(fraction[low], spacing, rows, columns)
        upper = _sampled(fraction[min(low + 1, len(mask) - 1)], spacing, rows, columns)
        return lower * (1 - weight) + upper * weight
    radius, height = len(mask) * spacing[0] / 2, (len(mask) - 1) * spacing[0] / 2
    left = (radius**2 - (height + beyond) ** 2) / (radius**2 - height**2)
    scale = float(np.sqrt(max(left, 0)))
    if scale < _LEAST_SCALE:
        return np.zeros((len(rows), len(columns)), np.float32)
    end = 0 if z < 0 else len(mask) - 1
    y, x = np.array(ndimage.center_of_mass(mask[end])) * spacing[1:]
    return _sampled(fraction[end], spacing, y + (rows - y) / scale, x + (columns - x) / scale)


def _sampled(
    plane: Array,
    spacing: tuple[float, float, float],
    rows: npt.NDArray[np.float64],
    columns: npt.NDArray[np.float64],
) -> Array:
    y, x = np.meshgrid(rows / spacing[1], columns / spacing[2], indexing="ij")
    result: Array = ndimage.map_coordinates(plane, [y, x], order=1, mode="constant", cval=0.0)
    return result
