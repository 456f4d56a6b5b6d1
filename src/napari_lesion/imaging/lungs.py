"""Where the lungs are: a mask on a coarse grid by density, surroundings and shape; numpy and scipy only.

All arrays are (z, y, x) in canonical orientation: z grows to the head, y to the back, x to the patient's left.
The steps are meant for voxels of about 2 mm, to which ``preprocess`` averages a scan: that takes the noise off and
keeps the walls between lung, airway and bowel.

A threshold finds air; what makes it lung is where it lies (enclosed by the body, or cut off by the field of view),
its density (parenchyma, not plain gas) and its size. Airways and bowel are gas with tissue all around.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_lesion.imaging.morphology import (
    HU,
    Mask,
    Spacing,
    close,
    crop,
    dilate,
    erode,
    facing,
    label_slices,
    labelled,
    opened,
    voxel_counts,
)
from napari_lesion.support.errors import LungsNotFoundError

SEARCH_MARGIN_MM = 8.0
"""How far the search region reaches beyond the lungs, at least: nodules sit on pleura and mediastinum."""

OUTSIDE_MM = 2.5
BESIDE_GAS_MM = 12.0
_RIM_MM = 3.0
"""Air this near to the lungs is their own edge."""
_LEAST_GAS_ML = 0.2

_AIR_HU = -400.0
"""Below this a voxel is lung, airway or gas; above it is tissue."""
_GAS_HU = -930.0
"""Below this it is plain gas (or emphysema) rather than lung."""
_PLAIN_GAS_HU = -970.0
"""Gas of a large stomach is below this, emphysema is not."""
_LARGE_ML = 300.0
_TISSUE_HU = -300.0
_BONE_HU = 220.0
_MIN_LUNG_ML = 40.0
_MIN_SHARE = 0.06
"""Of the largest piece of lung: a smaller piece is taken for something else."""
_WALL_MM = 4.0
"""From the gas of an airway or of bowel across its wall."""
_HOLE_MM2 = 3000.0
"""An island of tissue in an axial slice of lung up to this size is a vessel, nodule or mass; the heart is larger."""
_SMALL_LUNG = 0.4
"""Of the volume of the other lung: below this, something is wrong with it."""
_MIN_OPAQUE_ML = 150.0
"""Healthy lungs differ by up to about 100 ml in this way."""
_NOTCH_MM = 28.0
"""Masses on the chest wall up to twice this wide are closed."""


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
    lungs = np.zeros(hu.shape, dtype=np.bool_)
    air = hu < _AIR_HU
    inside = _air_in_body(hu, air, spacing)
    if inside.any():
        part = crop(inside, spacing, 2 * _WALL_MM)
        gas = _gas_outside_lung(hu[part], inside[part], spacing)
        # Without their walls airway and lung part; what the walls took from the lung comes back afterwards.
        found = _lung_like(inside[part] & ~dilate(gas, spacing, _WALL_MM), hu[part], spacing)
        if found.any():
            found |= dilate(found, spacing, _WALL_MM) & inside[part] & ~gas
            lungs[part] = _fill(found, hu[part], spacing) & ~gas | found
    if not lungs.any():
        raise LungsNotFoundError(
            "no lung is in view of this scan, so nothing was searched. Choose a CT series of the chest, in HU."
        )
    return lungs


def search_region(lungs: Mask, spacing: Spacing, margin_mm: float = SEARCH_MARGIN_MM) -> Mask:
    """Close and widen the lungs, so that lesions on pleura, mediastinum and spine lie inside.

    Parameters
    ----------
    lungs : (z, y, x) bool
    spacing : (z, y, x), mm
    margin_mm : float
        How far the region reaches beyond the lungs, at least.

    Returns
    -------
    (z, y, x) bool
    """
    part = crop(lungs, spacing, 3 * margin_mm)
    region = np.zeros_like(lungs)
    # Almost half a voxel more, so that rounding to whole voxels never falls short of the margin.
    reach = margin_mm + 0.45 * min(spacing)
    region[part] = dilate(close(lungs[part], spacing, 2 * margin_mm), spacing, reach)
    return region


def beside_gas(lungs: Mask, hu: HU, spacing: Spacing) -> Mask:
    """Tissue outside the lungs beside gas that is not theirs: bowel, stomach, trachea and gullet, with their contents.

    It is what lies at least ``OUTSIDE_MM`` outside the lungs and within ``BESIDE_GAS_MM`` of such gas. Nodules on the
    pleura and the mediastinum have their centre nearer to the lung.
    """
    result = np.zeros(lungs.shape, dtype=np.bool_)
    gas = _air_in_body(hu, hu < _AIR_HU, spacing) & ~dilate(lungs, spacing, _RIM_MM)
    labels, count = labelled(gas)
    large = voxel_counts(labels, count) * np.prod(spacing) >= _LEAST_GAS_ML * 1000
    large[0] = False
    gas = large[labels]
    if not gas.any():
        return result
    part = crop(gas, spacing, BESIDE_GAS_MM)
    near = ndimage.distance_transform_edt(~gas[part], spacing) < BESIDE_GAS_MM
    # The lungs may lie beyond the part that holds the gas: then they are further than its margin, too.
    outside = ndimage.distance_transform_edt(~lungs[part], spacing) if lungs[part].any() else np.inf
    result[part] = near & (outside >= OUTSIDE_MM)
    return result


def opaque_lung(lungs: Mask, hu: HU, spacing: Spacing) -> Mask:
    """Where a lung should hold air and has soft tissue instead: the mirror image of the other one, as far as it is.

    Parameters
    ----------
    lungs : (z, y, x) bool
        As found by their air.
    hu : (z, y, x)
    spacing : (z, y, x), mm

    Returns
    -------
    (z, y, x) bool
        Consolidation, but it may be effusion, a raised diaphragm or the liver as well: density alone cannot tell. In
        front only where nearly the whole lung is missing, for there the heart lies to the left. Empty where the lungs
        are as alike as usual.
    """
    result = np.zeros_like(lungs)
    bone_x = np.nonzero(hu > _BONE_HU)[2]
    if not bone_x.size:
        return result
    width = lungs.shape[2]
    middle = float(np.median(bone_x))
    columns = np.arange(width)
    mirrored = np.rint(2 * middle - columns).astype(int)
    seen = (mirrored >= 0) & (mirrored < width)
    result[:, :, seen] = lungs[:, :, mirrored[seen]]
    result &= (hu > _TISSUE_HU) & (hu < _BONE_HU) & ~lungs
    per_column = lungs.sum(axis=(0, 1))
    right, left = int(per_column[columns < middle].sum()), int(per_column[columns > middle].sum())
    if min(right, left) < _SMALL_LUNG * max(right, left):
        result[:, :, columns > middle if right < left else columns < middle] = False
    else:
        depth = lungs.sum(axis=(0, 2))
        result[:, : round(float(np.average(np.arange(depth.size), weights=depth)))] = False
    result = opened(result, spacing, 8.0)
    labels, count = labelled(result)
    large = voxel_counts(labels, count) * float(np.prod(spacing)) / 1000 > _MIN_OPAQUE_ML
    opaque: Mask = large[labels]
    return opaque


def _air_in_body(hu: HU, air: Mask, spacing: Spacing) -> Mask:
    """Lungs, airways and bowel gas; neither room air nor what is enclosed by the table, cushions or clothes."""
    lowest = hu.min()
    padding = hu <= lowest + 1  # averaged voxels are as low as this only where the scanner filled in a constant
    if lowest > -1000 or padding.mean() < 0.01:
        padding = np.zeros_like(air)
    # The largest piece of tissue, after the thin shells of table and clothes have been eroded off.
    thick, count = labelled(erode(~air, spacing, 2.0))
    sizes = voxel_counts(thick, count)
    body = dilate(thick == max(1, int(sizes.argmax())), spacing, 5.0) & ~air
    enclosed = _fill_slices(body) & air & ~padding
    # Where the chest wall is thin, a slab of the body may have come apart.
    body = dilate((sizes > 0.05 * sizes.max())[thick], spacing, 5.0) & ~air
    # Where the field of view cuts the chest wall off, a slice does not enclose the lung. It is still lung if it is no
    # plain gas and borders on the body; foam in the table borders on the table.
    rest = air & ~enclosed & ~padding
    labels, count = labelled(rest)
    sizes = np.maximum(voxel_counts(labels, count), 1)
    lung_like = voxel_counts(labels, count, rest & (hu > _GAS_HU)) > 0.75 * sizes
    lung_like &= sizes * float(np.prod(spacing)) / 1000 > 5.0
    if lung_like.any():
        lung_like &= facing(labels, count, body | enclosed, spacing, _WALL_MM) > 0.65
        enclosed |= lung_like[labels]
    result: Mask = enclosed
    return result


def _gas_outside_lung(hu: HU, inside: Mask, spacing: Spacing) -> Mask:
    """Trachea, bronchi outside the lung, gas in oesophagus, stomach and bowel, throat: gas with tissue all around."""
    tissue = hu > _TISSUE_HU
    gas = inside & (hu < _GAS_HU)
    voxel_mm3 = float(np.prod(spacing))
    found = np.zeros_like(inside)
    # Airways: small in every slice, which parts them from the lung that they lead to. The lower threshold parts them
    # from emphysema.
    for threshold in (_GAS_HU, _PLAIN_GAS_HU):
        flat, count = label_slices(gas & (hu < threshold))
        area = voxel_counts(flat, count) * spacing[1] * spacing[2]
        # Grown to the wall, over holes that noise made in it.
        labels, count = labelled(dilate(((area > 30) & (area < 900))[flat], spacing, 2.5) & inside)
        airway = (voxel_counts(labels, count) * voxel_mm3 > 300) & (
            facing(labels, count, tissue, spacing, _WALL_MM) > 0.6
        )
        found |= airway[labels]
    # Stomach and bowel: of any size.
    labels, count = labelled(dilate(erode(gas, spacing, 2.5), spacing, 5.0) & inside)
    sizes = voxel_counts(labels, count)
    bowel = (sizes * voxel_mm3 > 3000) & (facing(labels, count, tissue, spacing, _WALL_MM) > 0.6)
    plain = voxel_counts(labels, count, hu < _PLAIN_GAS_HU) > 0.5 * sizes
    found |= (bowel & (plain | (sizes * voxel_mm3 < 1000 * _LARGE_ML)))[labels]
    return found


def _lung_like(mask: Mask, hu: HU, spacing: Spacing) -> Mask:
    """Pieces that are large enough and have the density of lung."""
    labels, count = labelled(mask)
    sizes = voxel_counts(labels, count)
    volume_ml = sizes * float(np.prod(spacing)) / 1000
    # Emphysema reaches down to -970 HU; a piece as large as that is no bowel.
    lung = voxel_counts(labels, count, mask & (hu > _GAS_HU - 20) & (hu < -550)) > 0.4 * sizes
    emphysema = voxel_counts(labels, count, mask & (hu > _PLAIN_GAS_HU) & (hu < -550)) > 0.4 * sizes
    keep = (lung | (emphysema & (volume_ml > _LARGE_ML))) & (volume_ml > 0)
    if not keep.any():
        return np.zeros_like(mask)
    keep &= volume_ml >= max(_MIN_LUNG_ML / 4, _MIN_SHARE * volume_ml[keep].max())
    if volume_ml[keep].sum() < _MIN_LUNG_ML:
        return np.zeros_like(mask)
    result: Mask = keep[labels]
    return result


def _fill(lungs: Mask, hu: HU, spacing: Spacing) -> Mask:
    """Add vessels, nodules and masses: islands in the lung, notches in its surface."""
    filled = close(lungs, spacing, 12.0)
    filled |= _notches(filled, spacing) & (hu < _BONE_HU)
    labels, count = label_slices(np.pad(~filled, [(0, 0), (1, 1), (1, 1)], constant_values=True))
    islands = voxel_counts(labels, count) * spacing[1] * spacing[2] < _HOLE_MM2
    islands[0] = False
    filled |= islands[labels][:, 1:-1, 1:-1]
    labels, count = labelled(np.pad(~filled, 1, constant_values=True))
    # An island of any size that lies in the lung on all sides; at the ends of a slab it may go on outside.
    labels = labels[1:-1, 1:-1, 1:-1]
    closed = np.ones(count + 1, dtype=np.bool_)
    closed[0] = False
    for axis in range(3):
        for end in (0, -1):
            closed[np.unique(np.take(labels, end, axis=axis))] = False
    result: Mask = filled | closed[labels]
    return result


def _notches(lungs: Mask, spacing: Spacing) -> Mask:
    """Wide notches on the side of the chest wall: masses and consolidations on the pleura.

    The closing is done on half the resolution. Heart and mediastinum, liver and spleen are notches too: only what has
    lung between itself and the midline and none on its other side counts.
    """
    step = tuple(max(1, round(4.0 / s)) for s in spacing)
    coarse = lungs[:: step[0], :: step[1], :: step[2]]
    coarse_spacing = (spacing[0] * step[0], spacing[1] * step[1], spacing[2] * step[2])
    closed = close(coarse, coarse_spacing, _NOTCH_MM)
    columns = np.flatnonzero(coarse.any(axis=(0, 1)))
    middle = int(columns.mean()) + 1
    notch = closed & ~coarse
    right, left = coarse[:, :, :middle], coarse[:, :, middle:]
    # Looking from each voxel to the midline and away from it.
    notch[:, :, :middle] &= _before(right[:, :, ::-1])[:, :, ::-1] & ~_before(right)
    notch[:, :, middle:] &= _before(left) & ~_before(left[:, :, ::-1])[:, :, ::-1]
    notch = opened(notch, coarse_spacing, 4.0)
    for axis, factor in enumerate(step):
        notch = np.repeat(notch, factor, axis=axis)
    result: Mask = notch[tuple(slice(n) for n in lungs.shape)]
    return result


def _before(mask: Mask) -> Mask:
    """Whether a row holds the mask at or before each voxel."""
    result: Mask = np.logical_or.accumulate(mask, axis=2)
    return result


def _fill_slices(mask: Mask) -> Mask:
    """Fill what a mask encloses in each axial slice."""
    labels, count = label_slices(np.pad(~mask, [(0, 0), (1, 1), (1, 1)], constant_values=True))
    outside = np.zeros(count + 1, dtype=np.bool_)
    outside[labels[:, 0, 0]] = True
    result: Mask = ~outside[labels][:, 1:-1, 1:-1]
    return result
