"""How crops are varied: turned, scaled, resampled to thick slices, brighter, blurred, noisier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose, OneOf
from monai.transforms.intensity.array import (
    RandGaussianNoise,
    RandGaussianSharpen,
    RandGaussianSmooth,
    RandShiftIntensity,
    ScaleIntensityRange,
)
from monai.transforms.transform import RandomizableTransform
from monai.transforms.utility.array import Identity
from torch import Tensor
from torch.nn import functional

from napari_lesion.imaging import preprocess
from napari_lesion.training.config.detector import AugmentationConfig
from napari_lesion.training.data import insertion


def random_affine(rng: np.random.Generator, options: AugmentationConfig) -> tuple[npt.NDArray[np.float64], float]:
    """Crop offset → scan offset (3, 3), and the magnification: flips, a turn, a slight tilt, a zoom, a stretch."""
    zoom = float(np.exp(rng.uniform(*np.log(options.zoom))))
    stretch = np.exp(rng.normal(0, options.stretch, 3))
    stretch /= stretch.prod() ** (1 / 3)
    matrix = np.diag((rng.choice([-1.0, 1.0], 3) if options.flip else np.ones(3)) / (zoom * stretch))
    if options.flip and rng.random() < 0.5:
        matrix = matrix[:, [0, 2, 1]]
    for a, b in ((1, 2), (0, 1), (0, 2)):
        angle = np.deg2rad(rng.normal(0, options.turn_deg if (a, b) == (1, 2) else options.tilt_deg))
        turn = np.eye(3)
        turn[[a, b], [a, b]] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix, zoom


def resampled(
    layers: Sequence[npt.NDArray[Any]],
    fill: Sequence[float],
    center: npt.NDArray[np.float64],
    matrix: npt.NDArray[np.float64],
    crop: int,
) -> list[npt.NDArray[np.float32]]:
    """Sample layers on a turned cube of ``crop`` voxels around ``center``, linearly; ``fill`` outside."""
    half = (crop - 1) / 2
    reach = np.abs(matrix).sum(1) * half + 2
    low = np.floor(center - reach).astype(int)
    high = np.ceil(center + reach).astype(int) + 1
    size = high - low
    shape = layers[0].shape
    inner = [slice(max(0, a), min(n, b)) for a, b, n in zip(low, high, shape, strict=True)]
    block = torch.empty((len(layers), *size.tolist()), dtype=torch.float32)
    for n, (layer, value) in enumerate(zip(layers, fill, strict=True)):
        block[n] = value
        part = np.ascontiguousarray(layer[tuple(inner)])
        if part.size:
            to = tuple(slice(s.start - a, s.stop - a) for s, a in zip(inner, low, strict=True))
            block[n][to] = torch.from_numpy(part.astype(np.float32))
    # affine_grid works in (x, y, z) and in units of half the block, from centre to centre of the outer voxels.
    out_half, in_half = half, (size - 1) / 2
    shift = (center - (low + in_half)) / in_half
    scaled = matrix * out_half / in_half[:, None]
    theta = np.concatenate([scaled[::-1, ::-1], shift[::-1, None]], axis=1)
    grid = functional.affine_grid(
        torch.from_numpy(np.ascontiguousarray(theta)).float()[None], [1, 1, crop, crop, crop], align_corners=True
    )
    out = functional.grid_sample(block[None], grid, mode="bilinear", padding_mode="border", align_corners=True)[0]
    return [layer.numpy().copy() for layer in out]


class RandThickSlices(RandomizableTransform):
    """Average along z to slices of some thickness (mm), and interpolate back, as happens to a scan of such slices."""

    def __init__(self, thickness: tuple[float, float]) -> None:
        super().__init__(1.0)
        self._thickness = thickness

    def __call__(self, image: Tensor) -> Tensor:
        """(1, d, h, w) at 1 mm → the same shape."""
        array = np.asarray(image, dtype=np.float32)[0]
        rng = np.random.default_rng(int(self.R.randint(2**31)))
        return torch.from_numpy(insertion.in_slices(array, float(rng.uniform(*self._thickness)), rng))[None]


AUGMENT = Compose(
    [
        OneOf(
            [
                RandThickSlices((1.5, 5.0)),
                RandGaussianSmooth(prob=1.0, sigma_x=(0.4, 1.6), sigma_y=(0.01, 0.02), sigma_z=(0.01, 0.02)),
                RandGaussianSmooth(prob=1.0, sigma_x=(0.3, 0.8), sigma_y=(0.3, 0.8), sigma_z=(0.3, 0.8)),
                RandGaussianSharpen(prob=1.0, alpha=(0.3, 1.2)),
                Identity(),
            ],
            weights=[0.22, 0.08, 0.15, 0.15, 0.4],
        ),
        RandGaussianNoise(prob=0.4, std=40.0),
        RandShiftIntensity(prob=0.3, offsets=40.0),
        ScaleIntensityRange(*preprocess.HU_WINDOW, 0.0, 1.0, clip=True),
    ]
)
"""Thick slices (blur along z), other kernels, noise, calibration, and the network's intensity scale."""


def augment(hu: npt.NDArray[np.float32], rng: np.random.Generator, transform: Compose) -> Tensor:
    """HU (n, n, n) → augmented and scaled for the network."""
    transform.set_random_state(seed=int(rng.integers(2**31)))
    image: Tensor = transform(torch.from_numpy(hu)[None])[0]
    return image.as_tensor() if isinstance(image, MetaTensor) else image
