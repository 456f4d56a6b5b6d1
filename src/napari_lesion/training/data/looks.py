"""What ``nodule-looks`` learns from: axial slices through LIDC's nodules, and what its readers said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from napari_lesion.assessment.measure.nodule_looks import Slice, extent_mm, pitch_of, seen, sizes, slices_of, windows
from napari_lesion.models.networks import RATED
from napari_lesion.training.config.looks import LooksTrainingConfig
from napari_lesion.training.data.lidc import AxialPatch, Crop, Store
from napari_lesion.training.engine.recipe import SeededBatches

NOT_CALCIFIED = 6
"""LIDC's rating of the calcification where there is none."""
_UNKNOWN = -1
_SHIFT_HU = 20.0
_GROWN = (0.25, 0.75)
"""Levels at which a smoothed mask is cut again: readers draw wider or narrower."""


@dataclass(frozen=True)
class Rated:
    """A nodule, and what was said of it."""

    patient: str
    name: str
    slices: tuple[Slice, ...]
    labels: Mapping[str, int]
    """For each of ``RATED`` the number of its value, from 0; -1 where nobody said."""
    crop: bool
    """A whole nodule and the most frequent reading, not one reader's slice."""


def labels_of(ratings: Mapping[str, int]) -> dict[str, int]:
    """Bring LIDC's ratings to the values that the network tells."""
    labels = {}
    for name in RATED:
        value = ratings.get(name, 0)
        if name == "calcification":
            labels[name] = int(value != NOT_CALCIFIED) if value else _UNKNOWN
        else:
            labels[name] = value - 1 if 1 <= value <= RATED[name] else _UNKNOWN
    return labels


def of_crop(crop: Crop) -> Rated:
    """Take the slices of a crop that the product would look at."""
    pixel = crop.spacing_mm[1:]
    slices = slices_of(crop.hu.astype(np.float32), crop.mask, pixel, crop.mask_diameter_mm)
    return Rated(crop.patient, crop.name, tuple(slices), labels_of(crop.ratings), crop=True)


def of_patch(patch: AxialPatch) -> Rated:
    """Take a patch; its diameter is that of the disc with the outline's area."""
    area = float(patch.mask.sum()) * patch.pixel_mm**2
    one = Slice(
        patch.hu.astype(np.float32), patch.mask, (patch.pixel_mm, patch.pixel_mm), float(2 * (area / np.pi) ** 0.5)
    )
    return Rated(
        patch.patient, f"{patch.slice_uid} reader {patch.reader}", (one,), labels_of(patch.ratings), crop=False
    )


def rated(store: Store) -> list[Rated]:
    """Prepare all that was rated."""
    return [*map(of_crop, store.crops), *(of_patch(patch) for patch in store.patches if patch.mask.any())]


def is_rare(one: Rated) -> bool:
    """Whether it is subsolid, spiculated, lobulated or calcified."""
    labels = one.labels
    shape = labels["spiculation"] >= 2 or labels["lobulation"] >= 2
    return shape or 0 <= labels["texture"] <= 2 or labels["calcification"] == 1


class RatedBatches(SeededBatches[tuple[Tensor, Tensor, Tensor]]):
    """Draws augmented batches; all randomness comes from ``rng``, whose state is part of a checkpoint."""

    def __init__(self, config: LooksTrainingConfig, nodules: Sequence[Rated]) -> None:
        self._config, self._nodules = config, list(nodules)
        weights = np.array([config.rare_factor if is_rare(one) else 1.0 for one in nodules])
        crops = np.array([one.crop for one in nodules])
        for side, share in ((crops, config.crop_share), (~crops, 1 - config.crop_share)):
            if side.any():
                weights[side] *= share / weights[side].sum()
        self._chances = weights / weights.sum()
        self.rng = np.random.default_rng(config.seed)

    def draw(self) -> tuple[Tensor, Tensor, Tensor]:
        """Images (n, 4, side, side), sizes (n, 2), and the numbers of the values (n, 6), -1 where nobody said."""
        chosen = self.rng.choice(len(self._nodules), self._config.batch_size, p=self._chances)
        images, told, labels = [], [], []
        for number in chosen:
            one = self._nodules[number]
            image, size = self._changed(one.slices[int(self.rng.integers(len(one.slices)))])
            images.append(image)
            told.append(size)
            labels.append([one.labels[name] for name in RATED])
        return torch.stack(images), torch.stack(told), torch.tensor(labels)

    def _changed(self, one: Slice) -> tuple[Tensor, Tensor]:
        rng, config = self.rng, self._config
        zoom = float(np.exp(rng.uniform(*np.log(config.zoom))))
        angle = rng.uniform(0, 2 * np.pi)
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, -s], [s, c]]) @ np.diag([rng.choice([-1.0, 1.0]), 1.0]) / zoom
        pitch = pitch_of(extent_mm(one) * zoom)
        hu, inside = seen(one, pitch, turn, tuple(rng.normal(0, config.shift_px, 2)))
        inside = _redrawn(inside, rng)
        grain = ndimage.gaussian_filter(rng.standard_normal(tuple(hu.shape)).astype(np.float32), rng.uniform(0.4, 1.2))
        hu = hu + torch.from_numpy(grain * (rng.uniform(0, config.noise_hu) / (grain.std() + 1e-6)))
        if rng.random() < 0.2:
            hu = torch.from_numpy(ndimage.gaussian_filter(hu.numpy(), rng.uniform(0.3, 0.9)))
        hu = hu + float(rng.normal(0, _SHIFT_HU))
        return windows(hu.float(), inside), sizes(one.diameter_mm * zoom, pitch)


def _redrawn(inside: Tensor, rng: np.random.Generator) -> Tensor:
    """Draw the outline a little wider or narrower, as another reader or a program would."""
    smooth = ndimage.gaussian_filter(inside.numpy(), rng.uniform(0.7, 1.5))
    # The smallest masks must not vanish.
    level = min(rng.uniform(*_GROWN), 0.8 * float(smooth.max()))
    redrawn: npt.NDArray[np.float32] = (smooth > level).astype(np.float32)
    return torch.from_numpy(redrawn)
