"""What a finding is made of: solid, ground glass, calcium, by HU.

-300 HU parts solid from ground glass: with it, software told part-solid from non-solid nodules as two radiologists did
with a sensitivity of 90 % and a specificity of 88 % (Scholten et al., Eur Radiol 25:488, 2015). 200 HU is over soft
tissue: the densest malignant nodule of Siegelman et al. (AJR 135:1, 1980) had 147 HU. How well the rules agree with
readers is in docs/measurement.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from napari_lesion.model.mask import BoolArray, Box, box_of
from napari_lesion.model.measured import Calcification, MeasuredNoduleType
from napari_lesion.model.volume import FloatArray, spacing_of

SOLID_HU = -300.0
GLASS_HU = -750.0
"""Darker voxels of a mask are lung that the outline took along."""
CALCIUM_HU = 200.0
LEAST_SOLID = 0.05
"""Of the volume: with less of it in one piece, there is no solid part."""
LEAST_GLASS = 0.2
"""Of the volume, as ground glass away from the solid part: with less, it is the blurred edge of a solid nodule."""
AWAY_MM = 2.0
LEAST_CALCIUM = 0.02
MOSTLY_CALCIUM = 0.8
"""Of the inner part."""
LEAST_CALCIUM_MM3 = 3.0
SMALL_MM = 6.0
"""Smaller ones are blurred through: a solid one may look like ground glass."""
_SMOOTH_MM = 0.5
"""Takes the noise of single voxels off."""


@dataclass(frozen=True)
class Composition:
    """What a finding is made of."""

    type: MeasuredNoduleType
    rule: str
    solid: BoolArray | None
    """Its solid part; None where the type is unknown."""
    calcification: Calcification
    calcified_fraction: float
    notes: tuple[str, ...] = ()


def composition(hu: npt.NDArray[np.float32], inside: BoolArray, affine: FloatArray) -> Composition:
    """Describe what the voxels of a mask hold.

    Parameters
    ----------
    hu : (z, y, x)
        With a margin around the mask.
    inside : (z, y, x) bool
        The mask; not empty.
    affine : (4, 4)
        Index → LPS mm.
    """
    spacing = np.array(spacing_of(affine))
    voxel_mm3 = float(np.prod(spacing))
    smooth = scipy.ndimage.gaussian_filter(hu, _SMOOTH_MM / spacing)
    whole, box = inside.shape, box_of(inside)
    smooth, inside = smooth[box], inside[box]
    count = float(inside.sum())
    solid = _largest((smooth > SOLID_HU) & inside)
    solid_share = float(solid.sum()) / count
    away = (
        scipy.ndimage.distance_transform_edt(~solid, sampling=spacing) > AWAY_MM
        if solid.any()
        else np.ones_like(inside)
    )
    glass = inside & (smooth <= SOLID_HU) & (smooth > GLASS_HU) & away
    glass_share = float(glass.sum()) / count
    kind: MeasuredNoduleType
    if solid_share < LEAST_SOLID:
        kind, solid = "non-solid", np.zeros_like(solid)
    else:
        kind = "part-solid" if glass_share >= LEAST_GLASS else "solid"
    rule = (
        f"{100 * solid_share:.0f} % of the volume is denser than {SOLID_HU:.0f} HU in one piece "
        f"(non-solid below {100 * LEAST_SOLID:.0f} %), and {100 * glass_share:.0f} % is ground glass "
        f"({GLASS_HU:.0f} to {SOLID_HU:.0f} HU) more than {AWAY_MM:g} mm from it "
        f"(part-solid from {100 * LEAST_GLASS:.0f} %)."
    )
    notes = []
    diameter_mm = (6 / np.pi * count * voxel_mm3) ** (1 / 3)
    thin = any(np.ptp(np.nonzero(inside)[axis]) < 2 and spacing[axis] > 1.5 for axis in range(3))
    if kind == "non-solid" and (diameter_mm < SMALL_MM or thin):
        kind = "unknown"
        what = "so thin against the slices" if thin else f"smaller than {SMALL_MM:.0f} mm"
        notes.append(
            f"It is {what}, and so blurred that a solid nodule may look like ground glass: its type is unknown."
        )
    calcium = _pieces((smooth > CALCIUM_HU) & inside, LEAST_CALCIUM_MM3 / voxel_mm3)
    depth = scipy.ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    core = depth > 0.4 * depth.max()
    calcified = float(calcium.sum()) / count
    calcification: Calcification = "none"
    if float((calcium & core).sum()) / float(core.sum()) >= MOSTLY_CALCIUM:
        calcification = "complete"
    elif calcified >= LEAST_CALCIUM:
        calcification = "partial"
    return Composition(
        type=kind,
        rule=rule,
        solid=None if kind == "unknown" else _put(solid, whole, box),
        calcification=calcification,
        calcified_fraction=round(calcified, 3),
        notes=tuple(notes),
    )


def _put(part: BoolArray, shape: tuple[int, ...], box: Box | None) -> BoolArray:
    voxels = np.zeros(shape, np.bool_)
    voxels[box] = part
    return voxels


def _largest(voxels: BoolArray) -> BoolArray:
    """Keep the largest piece."""
    labels, count = scipy.ndimage.label(voxels)
    if count < 2:
        return voxels
    largest: BoolArray = labels == int(np.bincount(labels.ravel())[1:].argmax()) + 1
    return largest


def _pieces(voxels: BoolArray, least: float) -> BoolArray:
    """Keep the pieces of so many voxels."""
    labels, _ = scipy.ndimage.label(voxels)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    kept: BoolArray = (sizes >= least)[labels]
    return kept
