"""The shipped segmenter: a small network that outlines the nodule it is pointed at, in crops of 32 or 48 voxels."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_lesion.detection.preprocess import HU_WINDOW, scaled

SIDES = (32, 48)
"""Voxels along each side of a crop, for small nodules and for large ones; the place pointed at lies in the middle."""
LARGE = 14.0
"""Diameter from which a crop is a large one, voxels."""


def side_of(diameter: float) -> int:
    """Give the side of the crop for a nodule that is said to be as large, voxels."""
    return SIDES[0] if diameter < LARGE else SIDES[1]


def window(hu: Tensor) -> Tensor:
    """Scale HU to what the network sees."""
    return scaled(hu, HU_WINDOW, (0.0, 1.0))


def guide(diameter: float, side: int) -> Tensor:
    """Tell the network where the nodule is and how large: exp(-2 (r/d)²) around the middle, (side, side, side).

    Parameters
    ----------
    diameter : float
        Voxels.
    side : int
        Of the crop, voxels.
    """
    along = torch.exp(-2 * ((torch.arange(side) - (side - 1) / 2) / max(diameter, 1.0)) ** 2)
    return along[:, None, None] * along[:, None] * along
