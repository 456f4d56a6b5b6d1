"""Crops to learn outlines from: LIDC's nodules in their surroundings, turned, scaled, blurred, told with an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from napari_lesion.assessment.measure.nodule_seg import SIDES, guide, side_of, window
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.segmenter import SegmentAugmentation
from napari_lesion.training.data.background import Background
from napari_lesion.training.data.lidc import Crop
from napari_lesion.training.data.nodules import Cube, Type, cut_out
from napari_lesion.training.data.surroundings import THICK_MM, Block, in_lung, own

Array = npt.NDArray[np.float64]

_FAINT = (0.25, 0.7)
_LUNG_HU = -850.0
_THICK = (2, 6)
_CORE_FROM_MM = 6.0
_SHIFT_HU = 25.0
_SOFT_SHARE, _SOFT_MM = 0.3, (0.3, 0.9)


@dataclass(frozen=True)
class Example:
    """A nodule in its surroundings, with what has to be known to crop it."""

    name: str
    hu: Tensor
    """(z, y, x) int16."""
    mask: Tensor
    """(z, y, x) uint8: how much of each voxel is nodule, 0 to 255."""
    known: Tensor | None
    """(z, y, x) uint8: 1 where the mask says the truth, else 0; None where it does everywhere."""
    center: Array
    """Index of its centre of mass."""
    diameter_mm: float
    type: Type
    thick: bool
    """From thick slices: not to be turned out of the axial plane."""


def examples(cubes: Sequence[Cube]) -> list[Example]:
    """Prepare cubes for cropping."""
    result = []
    for cube in cubes:
        center = np.argwhere(cube.mask).mean(axis=0)
        mask = torch.from_numpy(cube.mask.astype(np.uint8) * 255)
        hu = torch.from_numpy(cube.hu)
        thick = cut_out(cube).thick
        result.append(Example(cube.name, hu, mask, None, center, cube.diameter_mm, cube.type, thick))
    return result


def surrounded(nodule: Crop, block: Block) -> Example:
    """Prepare a nodule in surroundings that were made for it."""
    return Example(
        name=nodule.name,
        hu=torch.from_numpy(np.clip(block.hu, -1500, 3000).round().astype(np.int16)),
        mask=torch.from_numpy((block.mask * 255).round().astype(np.uint8)),
        known=None if block.known.all() else torch.from_numpy(block.known.astype(np.uint8)),
        center=np.full(3, block.hu.shape[0] // 2, np.float64),
        diameter_mm=nodule.mask_diameter_mm,
        type=nodule.type,
        thick=nodule.spacing_mm[0] > THICK_MM,
    )


def in_surroundings(
    nodules: Sequence[Crop],
    backgrounds: Sequence[Background],
    times: int,
    rng: np.random.Generator,
    progress: Progress = silent,
) -> tuple[list[Example], list[Example]]:
    """Complete nodules: each in its own surroundings, and several times in another lung."""
    own_ones, others = [], []
    for number, nodule in enumerate(nodules):
        progress(number, len(nodules), "completing the surroundings of nodules")
        own_ones.append(surrounded(nodule, own(nodule, rng)))
        for _ in range(times):
            block = in_lung(nodule, backgrounds[int(rng.integers(len(backgrounds)))], rng)
            if block is not None:
                others.append(surrounded(nodule, block))
    return own_ones, others


def crop(example: Example, center: Array, axes: Array, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Crop HU, mask, and where it is known (each (side, side, side) float32) around an index.

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
    layers = [example.hu.float(), example.mask.float() / 255]
    if example.known is not None:
        layers.append(example.known.float())
    out = functional.grid_sample(torch.stack(layers)[None], grid[None], align_corners=True, padding_mode="reflection")[
        0
    ]
    return out[0], out[1], out[2] if example.known is not None else torch.ones_like(out[1])


def plain(example: Example, rng: np.random.Generator, options: SegmentAugmentation) -> tuple[Tensor, Tensor, Tensor]:
    """Crop as it is, at a place and with a diameter as wrong as in training.

    Returns
    -------
    input (2, d, h, w), mask and where it is known (d, h, w)
    """
    told = float(np.exp(rng.normal(0, options.diameter_spread)) * example.diameter_mm)
    side = side_of(told)
    hu, mask, known = crop(example, example.center + _error(example.diameter_mm, rng, options), np.eye(3), side)
    return torch.stack([window(hu), guide(told, side)]), mask, known


class Crops:
    """Draws augmented batches; a checkpoint holds the state of ``rng``, and the crops whose batch is not complete yet.

    Parameters
    ----------
    parts : sequence of (examples, share)
        Kinds of examples, and how often one of each kind is drawn.
    options, batch_size, seed
    """

    def __init__(
        self,
        parts: Sequence[tuple[Sequence[Example], float]],
        options: SegmentAugmentation,
        batch_size: int,
        seed: int,
    ) -> None:
        kept = [(list(part), share) for part, share in parts if part and share > 0]
        self._parts, self._options = [part for part, _ in kept], options
        shares = np.array([share for _, share in kept])
        self._shares = shares / shares.sum()
        self._weights = [_weights(part, options.subsolid_factor) for part in self._parts]
        # As many voxels in a batch of large crops as in one of small ones.
        small, large = SIDES
        self._sizes = {small: batch_size, large: max(1, round(batch_size * (small / large) ** 3))}
        self._waiting: dict[int, list[tuple[Tensor, Tensor, Tensor]]] = {side: [] for side in SIDES}
        self.rng = np.random.default_rng(seed)

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """Input (n, 2, d, h, w), mask and where it is known (n, 1, d, h, w), from 0 to 1.

        Small crops or large ones, whichever batch is complete first.
        """
        while True:
            kind = int(self.rng.choice(len(self._parts), p=self._shares))
            number = int(self.rng.choice(len(self._parts[kind]), p=self._weights[kind]))
            one = self._one(self._parts[kind][number])
            side = one[0].shape[-1]
            self._waiting[side].append(one)
            if len(waiting := self._waiting[side]) == self._sizes[side]:
                self._waiting[side] = []
                image, mask, known = (torch.stack(layer) for layer in zip(*waiting, strict=True))
                return image, mask[:, None], known[:, None]

    @property
    def state(self) -> dict[str, Any]:
        """All that the next batches depend on."""
        return {
            "rng": self.rng.bit_generator.state,
            "waiting": {side: list(crops) for side, crops in self._waiting.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state; earlier versions kept that of the generator only, and lost the waiting crops."""
        self.rng.bit_generator.state = dict(state.get("rng", state))
        waiting = state.get("waiting", {})
        self._waiting = {side: list(waiting.get(side, ())) for side in SIDES}

    def _one(self, example: Example) -> tuple[Tensor, Tensor, Tensor]:
        rng, options = self.rng, self._options
        # No nodule becomes larger than a crop can show.
        zoom = min(float(np.exp(rng.uniform(*np.log(options.zoom)))), 0.75 * SIDES[-1] / example.diameter_mm)
        told = float(zoom * example.diameter_mm * np.exp(rng.normal(0, options.diameter_spread)))
        # A diameter told far too small must not hide the edge of the nodule.
        side = side_of(max(told, 0.75 * zoom * example.diameter_mm))
        tilt = 0.0 if example.thick else np.deg2rad(options.tilt_deg)
        axes = _turn(rng, tilt) / zoom
        hu, mask, known = crop(example, example.center + _error(example.diameter_mm, rng, options), axes, side)
        hu = self._changed(hu, mask, example.type, zoom * example.diameter_mm)
        return torch.stack([window(hu), guide(told, side)]), mask, known

    def _changed(self, hu: Tensor, mask: Tensor, kind: Type, diameter_mm: float) -> Tensor:
        rng, options = self.rng, self._options
        if kind == "solid" and rng.random() < options.faint_share:
            thinned = _smooth(mask, 0.7)
            if diameter_mm > _CORE_FROM_MM and rng.random() < 0.5:
                # A solid core stays: part-solid.
                wide = _smooth(mask, diameter_mm / 6)
                core = ((wide - float(rng.uniform(0.7, 0.9)) * wide.max()) / 0.1).clamp(0, 1)
                thinned = thinned * (1 - core)
            hu = hu + thinned * (float(rng.uniform(*_FAINT)) - 1) * (hu - _LUNG_HU).clamp(min=0)
        if rng.random() < _SOFT_SHARE:
            hu = _smooth(hu, float(rng.uniform(*_SOFT_MM)))
        noise = torch.from_numpy(rng.standard_normal(tuple(hu.shape), dtype=np.float32))
        noise = _smooth(noise, float(rng.uniform(0.3, 0.8)))
        hu = hu + noise * (float(rng.uniform(0, options.noise_hu)) / float(noise.std()))
        if rng.random() < options.thick_share:
            hu = _thick(hu, int(rng.integers(*_THICK)), rng)
        return hu + float(rng.normal(0, _SHIFT_HU))


def _weights(part: Sequence[Example], subsolid_factor: float) -> Array:
    """Give the chance of each example: that of rare types is raised."""
    weights = np.array([1.0 if one.type == "solid" else subsolid_factor for one in part])
    result: Array = weights / weights.sum()
    return result


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
