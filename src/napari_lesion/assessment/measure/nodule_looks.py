"""The shipped network for the look of a nodule: what readers would say of it, from a few of its axial slices."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from napari_lesion.imaging.preprocess import scaled
from napari_lesion.models.networks import LOOKS_SIDE, RATED
from napari_lesion.models.package_metadata import LooksNetSpec
from napari_lesion.models.packages import SHIPPED, ModelPackage, load_network, read_package
from napari_lesion.support.errors import ModelError

ID = "nodule-looks"

PIXEL_MM = 0.6
"""Of the slices that the network sees; of large nodules they are coarser, so that they fit."""
REFERENCE_MM = 8.0
_AROUND_MM = 10.0
"""Of surroundings are seen at least, both sides together."""
_WINDOWS: tuple[tuple[float, float], ...] = ((-1000.0, 400.0), (-200.0, 300.0), (100.0, 1000.0))
"""HU that become 0 and 1: lung, soft tissue, calcium."""

Probabilities = Mapping[str, npt.NDArray[np.float64]]
"""For each of ``RATED``, the probability of each of its values."""


@dataclass(frozen=True)
class Slice:
    """An axial slice through a nodule.

    Attributes
    ----------
    hu : (y, x)
        Float32.
    inside : (y, x) bool
        The nodule's voxels.
    pixel_mm : (y, x)
    diameter_mm : float
        Of the nodule, of the ball with its volume.
    """

    hu: npt.NDArray[np.float32] = field(repr=False)
    inside: npt.NDArray[np.bool_] = field(repr=False)
    pixel_mm: tuple[float, float]
    diameter_mm: float


def pitch_of(extent_mm: float) -> float:
    """Give the pixel at which a nodule of this extent is seen, mm."""
    return max(PIXEL_MM, (extent_mm + _AROUND_MM) / LOOKS_SIDE)


def extent_mm(one: Slice) -> float:
    """Give the longer side of the box around a nodule in a slice."""
    rows, columns = np.nonzero(one.inside)
    return float(max(np.ptp(rows) * one.pixel_mm[0], np.ptp(columns) * one.pixel_mm[1]))


def seen(
    one: Slice,
    pitch_mm: float,
    turn: npt.NDArray[np.float64] | None = None,
    shift_px: tuple[float, float] = (0.0, 0.0),
) -> tuple[Tensor, Tensor]:
    """Sample HU and mask as the network sees them: (side, side) each, the nodule's box in the middle.

    Parameters
    ----------
    one : Slice
        Beyond its sides it is mirrored.
    pitch_mm : float
    turn : (2, 2), optional
        Rotation, and whatever else is done to the axes.
    shift_px : (y, x)
        Of the middle.
    """
    rows, columns = np.nonzero(one.inside)
    middle = np.array([rows.min() + rows.max(), columns.min() + columns.max()]) / 2 + shift_px
    along = (np.arange(LOOKS_SIDE) - (LOOKS_SIDE - 1) / 2) * pitch_mm
    mm = np.stack(np.meshgrid(along, along, indexing="ij"), -1)
    if turn is not None:
        mm = mm @ turn.T
    index = mm / np.array(one.pixel_mm) + middle
    shape = np.array(one.inside.shape)
    grid = torch.from_numpy((2 * index / np.maximum(shape - 1, 1) - 1)[..., ::-1].astype(np.float32))
    both = torch.from_numpy(np.stack([one.hu, one.inside.astype(np.float32)]))
    hu, inside = functional.grid_sample(both[None], grid[None], align_corners=True, padding_mode="reflection")[0]
    return hu, inside


def windows(hu: Tensor, inside: Tensor) -> Tensor:
    """Make the network's channels (4, side, side) of HU and mask."""
    return torch.stack([*(scaled(hu, window, (0.0, 1.0)) for window in _WINDOWS), inside])


def sizes(diameter_mm: float, pitch_mm: float) -> Tensor:
    """Encode for the network how large all is."""
    return torch.tensor([math.log(diameter_mm / REFERENCE_MM), math.log(pitch_mm / PIXEL_MM)])


def split(logits: Tensor) -> dict[str, Tensor]:
    """Part the network's output (b, 27) by what it is about."""
    parts, start = {}, 0
    for name, count in RATED.items():
        parts[name] = logits[:, start : start + count]
        start += count
    return parts


class Looker:
    """The network, ready to use."""

    def __init__(self, package: ModelPackage) -> None:
        if not isinstance(package.metadata.network, LooksNetSpec):
            raise ModelError(f"model {package.metadata.id} does not tell how a nodule looks. Name another one.")
        self.id, self.version = package.metadata.id, package.metadata.version
        self._network = load_network(package)

    def __call__(self, nodules: Sequence[Sequence[Slice]]) -> list[Probabilities]:
        """Estimate how probable each value is for each nodule: the mean over its slices, mirrored too."""
        images, told, whose = [], [], []
        for number, slices in enumerate(nodules):
            for one in slices:
                pitch = pitch_of(extent_mm(one))
                image = windows(*seen(one, pitch))
                images += [image, image.flip(1), image.flip(2), image.transpose(1, 2)]
                told += [sizes(one.diameter_mm, pitch)] * 4
                whose += [number] * 4
        if not images:
            return []
        with torch.inference_mode():
            parts = [
                self._network(torch.stack(images[n : n + _BATCH]), torch.stack(told[n : n + _BATCH]))
                for n in range(0, len(images), _BATCH)
            ]
        values = {name: logit.double().softmax(1).numpy() for name, logit in split(torch.cat(parts)).items()}
        index = np.array(whose)
        return [
            {name: value[index == number].mean(axis=0) for name, value in values.items()}
            for number in range(len(nodules))
        ]


_BATCH = 64


@functools.cache
def shipped() -> Looker:
    """Get the network that comes with the package; it is read once.

    Raises
    ------
    ModelError
        If it is damaged.
    """
    return Looker(read_package(SHIPPED / ID))


def slices_of(
    hu: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_], pixel_mm: tuple[float, float], diameter_mm: float
) -> list[Slice]:
    """Choose the slices of a nodule to look at: the one of largest area, and one halfway to either end.

    Parameters
    ----------
    hu, inside : (z, y, x)
        Axial slices; the mask is not empty.
    pixel_mm : (y, x)
    diameter_mm : float
        Of the ball with the volume.
    """
    area = inside.sum(axis=(1, 2))
    filled = np.flatnonzero(area)
    middle = int(area.argmax())
    wanted = {middle, round((middle + filled[0]) / 2), round((middle + filled[-1]) / 2)}
    chosen = [k for k in sorted(wanted) if area[k] >= 0.4 * area[middle]]
    return [Slice(hu[k].astype(np.float32), inside[k], pixel_mm, diameter_mm) for k in chosen]
