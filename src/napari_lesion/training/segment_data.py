"""Crops to learn outlines from: LIDC's nodules in their surroundings, turned, scaled, blurred, told with an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from napari_lesion.assessment.nodule_seg import SIDES, guide, side_of, window
from napari_lesion.training.nodules import Cube, cut_out
from napari_lesion.training.segment_config import SegmentAugmentation

Array = npt.NDArray[np.float64]

_FAINT = (0.25, 0.7)
_LUNG_HU = -850.0
_THICK = (2, 6)
_SHIFT_HU = 25.0
_SOFT_SHARE, _SOFT_MM = 0.3, (0.3, 0.9)


@dataclass(frozen=True)
class Example:
    """A nodule in its surroundings, with what has to be known to crop it."""

    hu: Tensor
    """(z, y, x) float32."""
    mask: Tensor
    """(z, y, x) float32, 0 or 1."""
    center: Array
    """Index of its centre of mass."""
    diameter_mm: float
    thick: bool
    """From thick slices: not to be turned out of the axial plane."""


def examples(cubes: Sequence[Cube]) -> list[Example]:
    """Prepare cubes for cropping."""
    result = []
    for cube in cubes:
        center = np.argwhere(cube.mask).mean(axis=0)
        hu = torch.from_numpy(cube.hu.astype(np.float32))
        mask = torch.from_numpy(cube.mask.astype(np.float32))
        result.append(Example(hu, mask, center, cube.diameter_mm, cut_out(cube).thick))
    return result


def crop(example: Example, center: Array, axes: Array, side: int) -> tuple[Tensor, Tensor]:
    """Crop HU and mask (each (side, side, side)) around an index.

    Parameters
    ----------
    example : Example
    center : (3,)
        Index (k, j, i) in the middle of the crop; what lies outside the cube is mirrored.
    axes : (3, 3)
        Columns: steps of the cube's index along the axes of the crop.
    side : int
    """
    steps = np.stack(np.meshgrid(*[np.arange(side) - (side - 1) / 2] * 3, indexing="ij"), -1)
    index = steps @ axes.T + center
    # grid_sample wants (x, y, z), scaled so that -1 and 1 are the centres of the outermost voxels.
    grid = torch.from_numpy((2 * index / (np.array(example.hu.shape) - 1) - 1)[..., ::-1].astype(np.float32))
    both = torch.stack([example.hu, example.mask])[None]
    hu, mask = functional.grid_sample(both, grid[None], align_corners=True, padding_mode="reflection")[0]
    return hu, mask


def plain(example: Example, rng: np.random.Generator, options: SegmentAugmentation) -> tuple[Tensor, Tensor]:
    """Crop as it is, at a place and with a diameter as wrong as in training: input (2, d, h, w), and mask (d, h, w)."""
    told = float(np.exp(rng.normal(0, options.diameter_spread)) * example.diameter_mm)
    side = side_of(told)
    hu, mask = crop(example, example.center + _error(example.diameter_mm, rng, options), np.eye(3), side)
    return torch.stack([window(hu), guide(told, side)]), mask


class Crops:
    """Draws augmented batches; all randomness comes from ``rng``, whose state is part of a checkpoint."""

    def __init__(self, parts: Sequence[Example], options: SegmentAugmentation, batch_size: int, seed: int) -> None:
        self._examples, self._options = parts, options
        # As many voxels in a batch of large crops as in one of small ones.
        small, large = SIDES
        self._sizes = {small: batch_size, large: max(1, round(batch_size * (small / large) ** 3))}
        self._waiting: dict[int, list[tuple[Tensor, Tensor]]] = {side: [] for side in SIDES}
        self.rng = np.random.default_rng(seed)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Input (n, 2, d, h, w) and mask (n, 1, d, h, w), from 0 to 1; whichever size is complete first."""
        while True:
            image, mask = self._one(self._examples[int(self.rng.integers(len(self._examples)))])
            side = len(mask)
            waiting = self._waiting[side]
            waiting.append((image, mask))
            if len(waiting) == self._sizes[side]:
                self._waiting[side] = []
                return torch.stack([x for x, _ in waiting]), torch.stack([y for _, y in waiting])[:, None]

    def _one(self, example: Example) -> tuple[Tensor, Tensor]:
        rng, options = self.rng, self._options
        # No nodule becomes larger than a crop can show.
        zoom = min(float(np.exp(rng.uniform(*np.log(options.zoom)))), 0.75 * SIDES[-1] / example.diameter_mm)
        told = float(zoom * example.diameter_mm * np.exp(rng.normal(0, options.diameter_spread)))
        # A diameter told far too small must not hide the edge of the nodule.
        side = side_of(max(told, 0.75 * zoom * example.diameter_mm))
        tilt = 0.0 if example.thick else np.deg2rad(options.tilt_deg)
        axes = _turn(rng, tilt) / zoom
        hu, mask = crop(example, example.center + _error(example.diameter_mm, rng, options), axes, side)
        return torch.stack([window(self._changed(hu, mask)), guide(told, side)]), mask

    def _changed(self, hu: Tensor, mask: Tensor) -> Tensor:
        rng, options = self.rng, self._options
        if rng.random() < options.faint_share:
            near = _smooth(mask, 0.7)
            hu = hu + near * (float(rng.uniform(*_FAINT)) - 1) * (hu - _LUNG_HU).clamp(min=0)
        if rng.random() < _SOFT_SHARE:
            hu = _smooth(hu, float(rng.uniform(*_SOFT_MM)))
        noise = torch.from_numpy(rng.standard_normal(tuple(hu.shape), dtype=np.float32))
        noise = _smooth(noise, float(rng.uniform(0.3, 0.8)))
        hu = hu + noise * (float(rng.uniform(0, options.noise_hu)) / float(noise.std()))
        if rng.random() < options.thick_share:
            hu = _thick(hu, int(rng.integers(*_THICK)), rng)
        return hu + float(rng.normal(0, _SHIFT_HU))


def _error(diameter_mm: float, rng: np.random.Generator, options: SegmentAugmentation) -> Array:
    error: Array = rng.normal(0, options.centre_mm + options.centre_share * diameter_mm, 3)
    return error


def _turn(rng: np.random.Generator, tilt: float) -> Array:
    """Draw a rotation: any angle in the axial plane, some tilt out of it, and mirrored along any axes."""
    a, b, c = rng.uniform(0, 2 * np.pi), rng.normal(0, tilt), rng.normal(0, tilt)
    about_z = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, -np.sin(b)], [0, 1, 0], [np.sin(b), 0, np.cos(b)]])
    about_x = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    turn: Array = about_x @ about_y @ about_z @ np.diag(rng.choice([-1.0, 1.0], 3))
    return turn


def _smooth(image: Tensor, sigma: float) -> Tensor:
    reach = max(1, round(3 * sigma))
    weights = torch.exp(-((torch.arange(-reach, reach + 1) / sigma) ** 2) / 2)
    weights /= weights.sum()
    smooth = image[None, None]
    for axis in range(3):
        shape, pad = [1, 1, 1, 1, 1], [0] * 6
        shape[2 + axis] = len(weights)
        pad[2 * (2 - axis)] = pad[2 * (2 - axis) + 1] = reach
        smooth = functional.conv3d(functional.pad(smooth, pad, mode="replicate"), weights.reshape(shape))
    return smooth[0, 0]


def _thick(hu: Tensor, thickness: int, rng: np.random.Generator) -> Tensor:
    """Average to thick slices along z, and interpolate back."""
    start = int(rng.integers(thickness))
    long = functional.pad(hu[None, None], (0, 0, 0, 0, start, thickness), mode="replicate")
    slices = functional.avg_pool3d(long, (thickness, 1, 1))
    size = (slices.shape[2] * thickness, *slices.shape[3:])
    back = functional.interpolate(slices, size=size, mode="trilinear", align_corners=False)
    return back[0, 0, start : start + len(hu)]
