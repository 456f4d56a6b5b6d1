"""The shipped segmenter: a small network that outlines the nodule it is pointed at, in crops of 32 or 48 voxels."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_lesion.imaging.inference import fold_batch_norm
from napari_lesion.imaging.preprocess import HU_WINDOW, scaled
from napari_lesion.models.package_metadata import SegmentNetSpec
from napari_lesion.models.packages import SHIPPED, ModelPackage, load_network, read_package, require_window
from napari_lesion.support.errors import ModelError

ID = "nodule-seg"

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
    """Mark for the network where the nodule is and how large: exp(-2 (r/d)²) around the middle, (side, side, side).

    Parameters
    ----------
    diameter : float
        Voxels.
    side : int
        Of the crop, voxels.
    """
    along = torch.exp(-2 * ((torch.arange(side) - (side - 1) / 2) / max(diameter, 1.0)) ** 2)
    return along[:, None, None] * along[:, None] * along


@dataclass(frozen=True)
class SegmenterInput:
    """A crop of a scan, and what the network is told about it.

    Attributes
    ----------
    hu : (side, side, side)
        Float32, at equal spacing, canonical orientation; the place that is pointed at lies in the middle.
    diameter : float
        Of the nodule, voxels.
    flips : tuple of int
        Axes along which the network sees it mirrored.
    """

    hu: npt.NDArray[np.float32] = field(repr=False)
    diameter: float
    flips: tuple[int, ...] = ()


class Segmenter:
    """The network, and how sure it must be of a voxel."""

    def __init__(self, package: ModelPackage) -> None:
        if not isinstance(package.metadata.network, SegmentNetSpec):
            raise ModelError(f"model {package.metadata.id} outlines nothing: it is no segmenter. Name another one.")
        require_window(package, HU_WINDOW)
        self.id, self.version = package.metadata.id, package.metadata.version
        threshold = package.metadata.threshold
        self.threshold = math.log(threshold / (1 - threshold))
        """Logit above which a voxel belongs to the nodule."""
        self.spacing_mm = package.metadata.preprocessing.spacing_mm
        network = fold_batch_norm(load_network(package))
        self._network = network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def logits(self, views: Sequence[SegmenterInput]) -> list[npt.NDArray[np.float32]]:
        """Outline the nodule in crops of one size: logits, each like its crop."""
        stack = torch.stack([self._input(view) for view in views])
        with torch.inference_mode():
            output = self._network(stack.contiguous(memory_format=torch.channels_last_3d))[:, 0].float()
        return [part.flip(view.flips).numpy() for part, view in zip(output, views, strict=True)]

    def _input(self, view: SegmenterInput) -> Tensor:
        image = window(torch.from_numpy(view.hu)).flip(view.flips)
        return torch.stack([image, guide(view.diameter, len(view.hu))])


@functools.cache
def shipped() -> Segmenter:
    """Get the segmenter that comes with the package, ready to use; it is read once.

    Raises
    ------
    ModelError
        If it is damaged.
    """
    return Segmenter(read_package(SHIPPED / ID))
