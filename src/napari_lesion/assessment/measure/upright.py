"""A finding with the scan around it, in slices as near to axial as the scan's axes allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesion.model.mask import BoolArray, Mask
from napari_lesion.model.volume import FloatArray, Volume

MARGIN_MM = 3.0


@dataclass(frozen=True)
class Part:
    """A mask and the scan around it, in slices as near to axial as the scan's axes allow."""

    inside: BoolArray
    hu: npt.NDArray[np.float32]
    affine: FloatArray


def upright(volume: Volume, mask: Mask, margin_mm: float = MARGIN_MM) -> Part:
    """Crop the scan to a mask, with a margin, and permute its axes so that the first is nearest to the patient's."""
    margin = [max(2, int(np.ceil(margin_mm / pitch))) for pitch in volume.spacing]
    low = [max(o - m, 0) for o, m in zip(mask.offset, margin, strict=True)]
    high = [min(o + n + m, s) for o, n, m, s in zip(mask.offset, mask.shape, margin, volume.shape, strict=True)]
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    inside = np.zeros([b - a for a, b in zip(low, high, strict=True)], np.bool_)
    start = [o - a for o, a in zip(mask.offset, low, strict=True)]
    inside[tuple(slice(a, a + n) for a, n in zip(start, mask.shape, strict=True))] = mask.voxels
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient(low)
    first = int(np.abs(volume.affine[2, :3] / np.asarray(volume.spacing)).argmax())
    order = [first, *(axis for axis in range(3) if axis != first)]
    hu = np.asarray(volume.voxels[part], dtype=np.float32).transpose(order)
    return Part(inside.transpose(order), hu, affine[:, [*order, 3]])
