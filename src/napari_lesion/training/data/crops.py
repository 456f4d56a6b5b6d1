"""Training crops: real lungs with nodules inserted, and real nodules in their true surroundings.

Everything here is on the network's grid: 1 mm, canonical orientation (z to the head, y to the back, x to the left).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
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
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from napari_lesion.imaging import preprocess
from napari_lesion.model.volume import Volume
from napari_lesion.models.networks import OUTPUT_STRIDE
from napari_lesion.training.config.detector import AugmentationConfig, Lesion
from napari_lesion.training.data import insertion
from napari_lesion.training.data.augment import intensity_transform
from napari_lesion.training.data.completing import complete
from napari_lesion.training.data.insertion import insert, lung_noise, random_rotation
from napari_lesion.training.data.lidc import Crop
from napari_lesion.training.data.nodules import Cube, Nodule, Type, cut_out, synthesise

MM = (1.0, 1.0, 1.0)
_POSITIVE_SHARE = 0.35
"""Output voxels within this share of a nodule's radius are its positives..."""
_POSITIVE_LEAST_MM = 1.8
"""...but at least those this near: half the diagonal of an output voxel, so that there is always one."""
SIZE_BANDS_MM = ((3.5, 6.0), (6.0, 10.0), (10.0, 18.0), (18.0, 30.0))
SIZES = (0.3, 0.36, 0.22, 0.12)
"""How often a nodule is drawn from each of the bands, by default."""
PLACES = (0.3, 0.2)
"""How often it is put on the pleura or mediastinum, and beside a vessel, by default."""
_BORDER = 8
_SURFACE_SHARE = 0.5
"""Share of the other crops at the lung's surface: most false positives lie there."""
_REAL_MARGIN_MM = 4.0
_INSERTIONS = (0.1, 0.3, 0.3, 0.2, 0.1)
_INSERTIONS_SMALL = (0.2, 0.4, 0.25, 0.1, 0.05)
"""How probable 0 to 4 inserted nodules are in a crop of 64 mm, and in one of 48 mm."""
_RIM = 5
"""A lesion nearer to the crop's edge than this is not learned from that crop."""


@dataclass(frozen=True)
class Target:
    """A nodule to learn."""

    center: tuple[float, float, float]
    """(z, y, x) index in the crop (or scan)."""
    diameter_mm: float
    """In voxels, where the grid is not of 1 mm."""


@dataclass(frozen=True)
class Background:
    """A lung box to insert nodules into, on the network's grid. Lengths are in voxels of that grid.

    Attributes
    ----------
    hu : (d, h, w) int16
    depth : (d, h, w) int8
        Distance to the lung's surface: positive inside the lung, negative outside.
    search, ignore : (d, h, w) bool
        Where the loss counts, and where real lesions are: neither healthy, nor free for insertions.
    beside_gas : (d, h, w) bool
        Where findings are not believed, see ``LungBox``.
    noise_hu : float
    """

    name: str
    hu: npt.NDArray[np.int16] = field(repr=False)
    depth: npt.NDArray[np.int8] = field(repr=False)
    search: npt.NDArray[np.bool_] = field(repr=False)
    ignore: npt.NDArray[np.bool_] = field(repr=False)
    beside_gas: npt.NDArray[np.bool_] = field(repr=False)
    noise_hu: float
    affine: npt.NDArray[np.float64]
    """Index (k, j, i) → LPS mm."""
    inside: npt.NDArray[np.int32] = field(repr=False)
    """Indices of some lung voxels (n, 3)."""
    surface: npt.NDArray[np.int32] = field(repr=False)
    """Indices of some voxels near the lung's surface (n, 3)."""
    real: tuple[Target, ...] = ()
    """Real lesions that are learned as nodules, by their index in the scan."""
    slice_mm: float = 1.0
    """Distance of the slices that it was interpolated from."""
    pitch_mm: float = 1.0
    """Side of a voxel."""


def make_background(
    volume: Volume,
    lesions: Sequence[Lesion],
    name: str,
    rng: np.random.Generator,
    *,
    pitch_mm: float = preprocess.SPACING_MM,
) -> Background:
    """Bring a scan to the network's grid, of voxels of ``pitch_mm``, and mark its real lesions."""
    box = preprocess.prepare(volume, spacing_mm=pitch_mm)
    hu = preprocess.image_hu(volume, box)
    depth = np.clip(ndimage.distance_transform_edt(box.lungs), 0, 60) - np.clip(
        ndimage.distance_transform_edt(~box.lungs), 0, 60
    )
    ignore = np.zeros(hu.shape, bool)
    real = []
    for lesion in lesions:
        z, y, x = (np.linalg.inv(box.affine) @ [*volume.to_patient(lesion.index), 1])[:3]
        ignore |= ball(hu.shape, (z, y, x), lesion.radius_mm / pitch_mm)
        if lesion.diameter_mm:
            real.append(Target((float(z), float(y), float(x)), lesion.diameter_mm / pitch_mm))
    return Background(
        name=name,
        hu=hu,
        depth=depth.astype(np.int8),
        search=box.search,
        ignore=ignore,
        beside_gas=box.beside_gas,
        noise_hu=lung_noise(hu.astype(np.float32), box.lungs),
        affine=box.affine,
        inside=_some(depth > 2, rng),
        surface=_some((depth > -3) & (depth < 5), rng),
        real=tuple(real),
        slice_mm=float(preprocess.canonical(volume).spacing[0]),
        pitch_mm=pitch_mm,
    )


def _some(mask: npt.NDArray[np.bool_], rng: np.random.Generator, most: int = 20000) -> npt.NDArray[np.int32]:
    index = np.argwhere(mask).astype(np.int32)
    return index[rng.permutation(len(index))[:most]]


@dataclass(frozen=True)
class Batch:
    """What one training step sees; n is the crop's size, m = n / 2."""

    image: Tensor
    """(b, 1, n, n, n) float32, scaled for the network."""
    heatmap: Tensor
    """(b, m, m, m) in [0, 1]: 1 at the nodules' positives."""
    weight: Tensor
    """(b, m, m, m): positives' weights, summing to 1 for every nodule."""
    size: Tensor
    """(b, m, m, m): ln(diameter / 8 mm) at the positives."""
    offset: Tensor
    """(b, 3, m, m, m): mm to the centre at the positives."""
    valid: Tensor
    """(b, m, m, m) bool: where the loss counts."""
    nodules: int


class Sampler:
    """Draws training batches; all randomness comes from ``rng``, whose state is part of a checkpoint."""

    def __init__(
        self,
        backgrounds: Sequence[Background],
        cubes: Sequence[Cube],
        crops: Sequence[Crop] = (),
        *,
        crop: int,
        real_share: float,
        hard_share: float,
        cube_share: float,
        seed: int | list[int],
        lesion_share: float = 0.2,
        insert_share: float = 1.0,
        sizes: Sequence[float] = SIZES,
        places: tuple[float, float] = PLACES,
        augmentation: AugmentationConfig | None = None,
    ) -> None:
        self.backgrounds = list(backgrounds)
        self.pitch_mm = backgrounds[0].pitch_mm if backgrounds else preprocess.SPACING_MM
        self.cubes = list(cubes)
        self.cut = [cut_out(cube) for cube in cubes]
        self.nodules = [*self.cut, *(complete(one) for one in crops)]
        self.sizes, self.places = sizes, places
        self.crop = crop
        self.real_share, self.hard_share, self.cube_share = real_share, hard_share, cube_share
        self.lesion_share, self.insert_share = lesion_share, insert_share
        self.augmentation = augmentation or AugmentationConfig()
        self._intensity = intensity_transform(self.augmentation) or _AUGMENT
        self.rng = np.random.default_rng(seed)
        self.hard: dict[str, npt.NDArray[np.float64]] = {}
        """Mined hard negatives of each background: indices (n, 3)."""

    def batch(self, size: int) -> Batch:
        """Draw a batch, of inserted nodules or of cubes."""
        if self.cubes and self.rng.random() < self.cube_share:
            # A cube holds 51 mm: smaller crops, but more of them for the same work.
            crop = min(self.crop, 48)
            count = max(1, round(size * (self.crop / crop) ** 3))
            return _collate([self._cube_crop(crop) for _ in range(count)])
        return _collate([self._background_crop() for _ in range(size)])

    def _background_crop(self) -> tuple[Tensor, list[Target], npt.NDArray[np.bool_]]:
        rng = self.rng
        background = self.backgrounds[rng.integers(len(self.backgrounds))]
        hard = self.hard.get(background.name)
        if hard is not None and len(hard) and rng.random() < self.hard_share:
            center = hard[rng.integers(len(hard))] + rng.uniform(-12, 12, 3)
        elif background.real and rng.random() < self.lesion_share:
            center = background.real[rng.integers(len(background.real))].center + rng.uniform(-16, 16, 3)
        else:
            pool = background.surface if rng.random() < _SURFACE_SHARE else background.inside
            center = pool[rng.integers(len(pool))] + rng.uniform(-20, 20, 3)
        matrix, zoom = _random_affine(rng, self.augmentation)
        (hu,) = _resampled([background.hu], (-1000.0,), center, matrix, self.crop)
        # Where the loss counts is asked per output voxel only: half the resolution, an eighth of the work.
        coarse = _resampled(
            [background.depth, background.search, background.ignore],
            (-60.0, 0.0, 1.0),
            center,
            matrix * OUTPUT_STRIDE,
            self.crop // OUTPUT_STRIDE,
        )
        depth, search, ignore = (np.kron(layer, np.ones((OUTPUT_STRIDE,) * 3, np.float32)) for layer in coarse)
        depth = depth * zoom
        excluded = ignore > 0.05
        noise = background.noise_hu
        taken = excluded.copy()
        targets = _real_in_crop(background, center, matrix, zoom, self.crop)
        for target in targets:
            excluded &= ~ball(hu.shape, target.center, target.diameter_mm / 2 + _REAL_MARGIN_MM)
        insertions = int(rng.choice(5, p=_INSERTIONS if self.crop > 56 else _INSERTIONS_SMALL))
        for _ in range(insertions if self.insert_share == 1 or rng.random() < self.insert_share else 0):
            placed = self._place(hu, depth, taken, noise, background.slice_mm / self.pitch_mm * zoom)
            if placed is None:
                continue
            target, stands_out = placed
            if not stands_out:
                excluded |= ball(hu.shape, target.center, target.diameter_mm / 2 + 2)
            else:
                targets.append(target)
            taken |= ball(hu.shape, target.center, target.diameter_mm / 2 + 6)
        for target in targets:  # the surroundings of what is buried end where a nodule is learned
            excluded &= ~ball(hu.shape, target.center, target.diameter_mm / 2)
        if rng.random() < 0.3:
            self._sham(hu, depth, taken, noise)
        return _augment(hu, rng, self._intensity), targets, (search > 0.5) & ~excluded

    def _place(
        self,
        hu: npt.NDArray[np.float32],
        depth: npt.NDArray[np.float32],
        taken: npt.NDArray[np.bool_],
        noise: float,
        slices: float,
    ) -> tuple[Target, bool] | None:
        rng = self.rng
        nodule, diameter = draw_nodule(self.nodules, self.real_share, rng, sizes=self.sizes)
        diameter /= self.pitch_mm
        where = place(hu, depth, taken, nodule, diameter, rng, places=self.places)
        if where is None:
            return None
        inserted = insert(
            hu,
            MM,
            where,
            nodule,
            diameter_mm=diameter,
            rotation=random_rotation(rng, axial_only=nodule.thick),
            noise_hu=noise,
            rng=rng,
            slice_mm=slices,
        )
        return Target(where, diameter), inserted.stands_out

    def _sham(
        self,
        hu: npt.NDArray[np.float32],
        depth: npt.NDArray[np.float32],
        taken: npt.NDArray[np.bool_],
        noise: float,
    ) -> None:
        """Paste plain lung the way a nodule is pasted, so that the network does not learn the pasting."""
        rng = self.rng
        choices = np.argwhere((depth > 6) & ~taken)
        if not len(choices):
            return
        center = choices[rng.integers(len(choices))]
        distance = distance_to(hu.shape, center)
        alpha = np.clip((rng.uniform(3, 8) - distance) / 2, 0, 1)
        lung = float(np.median(hu[depth > 2]))
        hu += alpha * (lung + insertion.noise(hu.shape, noise, rng) - hu)

    def _cube_crop(self, crop: int) -> tuple[Tensor, list[Target], npt.NDArray[np.bool_]]:
        rng = self.rng
        number = rng.integers(len(self.cubes))
        cube, middle = self.cubes[number], np.array(self.cut[number].center)
        matrix, zoom = _random_affine(rng, self.augmentation)
        matrix, zoom = matrix * self.pitch_mm, zoom / self.pitch_mm  # the cube's voxels are of 1 mm
        center = np.array(cube.hu.shape) / 2 - 0.5 + rng.uniform(-6, 6, 3)
        hu, known = _resampled([cube.hu, np.ones(cube.hu.shape, bool)], (-1000.0, 0.0), center, matrix, crop)
        where = np.linalg.solve(matrix, middle - center) + (crop - 1) / 2
        target = Target((float(where[0]), float(where[1]), float(where[2])), cube.diameter_mm * zoom)
        return _augment(hu, rng, self._intensity), [target], known > 0.99


def _real_in_crop(
    background: Background, center: npt.NDArray[np.float64], matrix: npt.NDArray[np.float64], zoom: float, crop: int
) -> list[Target]:
    """Real lesions with their centre in a crop; one that only reaches into it stays ignored."""
    targets = []
    for lesion in background.real:
        z, y, x = np.linalg.solve(matrix, np.array(lesion.center) - center) + (crop - 1) / 2
        if min(z, y, x) >= _RIM and max(z, y, x) <= crop - 1 - _RIM:
            targets.append(Target((float(z), float(y), float(x)), lesion.diameter_mm * zoom))
    return targets


def draw_nodule(
    nodules: Sequence[Nodule],
    real_share: float,
    rng: np.random.Generator,
    *,
    band: tuple[float, float] | None = None,
    subsolid: bool | None = None,
    sizes: Sequence[float] = SIZES,
) -> tuple[Nodule, float]:
    """Draw a nodule, real or synthetic, and the size it gets (3.5 to 30 mm by ``sizes``, or within ``band``)."""
    low, high = band or SIZE_BANDS_MM[rng.choice(4, p=sizes)]
    diameter = float(rng.uniform(low, high))
    if nodules and rng.random() < real_share:
        fitting = [
            n
            for n in nodules
            if n.scales[0] < diameter / n.diameter_mm < n.scales[1] and subsolid in (None, n.type != "solid")
        ]
        weights = np.array([1.0 if n.type == "solid" else 2.5 for n in fitting])
        if fitting:
            return fitting[rng.choice(len(fitting), p=weights / weights.sum())], diameter
    shares = {None: [0.42, 0.26, 0.32], True: [0.0, 0.45, 0.55], False: [1.0, 0.0, 0.0]}[subsolid]
    kind: Type = ("solid", "part-solid", "ground-glass")[rng.choice(3, p=shares)]
    if kind != "solid":
        diameter = max(diameter, 5.0)
    made = synthesise(
        diameter, kind, rng, spiculated=kind != "ground-glass" and rng.random() < 0.25, calcified=rng.random() < 0.12
    )
    return made, diameter


def place(
    hu: npt.NDArray[np.float32],
    depth: npt.NDArray[np.float32],
    taken: npt.NDArray[np.bool_],
    nodule: Nodule,
    diameter_mm: float,
    rng: np.random.Generator,
    border: int = _BORDER,
    places: tuple[float, float] = PLACES,
) -> tuple[float, float, float] | None:
    """Choose where a nodule goes: on the pleura or mediastinum, beside a vessel, or anywhere in the lung.

    ``places`` are the shares of the first two.
    """
    radius = diameter_mm / 2
    free = ~taken
    for axis in range(3):
        edge = [slice(None)] * 3
        edge[axis] = slice(0, border)
        free[tuple(edge)] = False
        edge[axis] = slice(-border, None)
        free[tuple(edge)] = False
    surface, vessel = places
    # One that lay on something where it came from does so here.
    chance = rng.random() * (surface + vessel if nodule.attached and surface + vessel > 0 else 1)
    if chance < surface:
        allowed = free & (depth > 0.1 * radius) & (depth < 0.8 * radius + 0.5)
    elif chance < surface + vessel:
        vessels = (hu > -500) & (depth > 3)
        allowed = free & (depth > 2) & ndimage.binary_dilation(vessels, iterations=2)
    else:
        allowed = free & (depth > min(radius, 8.0))
    choices = np.flatnonzero(allowed)
    if not len(choices):
        return None
    index = np.unravel_index(choices[rng.integers(len(choices))], hu.shape)
    z, y, x = (float(i + rng.uniform(-0.5, 0.5)) for i in index)
    return z, y, x


def distance_to(shape: tuple[int, ...], center: Sequence[float]) -> npt.NDArray[np.float64]:
    """Distance of every voxel of a grid of 1 mm to a point (z, y, x), mm."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    result: npt.NDArray[np.float64] = np.sqrt((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2)
    return result


def ball(shape: tuple[int, ...], center: Sequence[float], radius: float) -> npt.NDArray[np.bool_]:
    """Voxels of a grid of 1 mm within ``radius`` mm of a point (z, y, x)."""
    return distance_to(shape, center) <= radius


def _random_affine(rng: np.random.Generator, options: AugmentationConfig) -> tuple[npt.NDArray[np.float64], float]:
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


def _resampled(
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


_AUGMENT = Compose(
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


def _augment(hu: npt.NDArray[np.float32], rng: np.random.Generator, transform: Compose) -> Tensor:
    """HU (n, n, n) → augmented and scaled for the network."""
    transform.set_random_state(seed=int(rng.integers(2**31)))
    image: Tensor = transform(torch.from_numpy(hu)[None])[0]
    return image.as_tensor() if isinstance(image, MetaTensor) else image


def _collate(crops: list[tuple[Tensor, list[Target], npt.NDArray[np.bool_]]]) -> Batch:
    images = torch.stack([image for image, _, _ in crops])[:, None].float()
    maps = [target_maps(targets, image.shape[0], valid) for image, targets, valid in crops]
    heatmap, weight, size, offset, valid = (torch.from_numpy(np.stack(part)) for part in zip(*maps, strict=True))
    return Batch(images, heatmap, weight, size, offset, valid, sum(int(w.sum().round()) for w in weight))


def target_maps(
    targets: Sequence[Target], crop: int, valid: npt.NDArray[np.bool_]
) -> tuple[
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
    npt.NDArray[np.float32],
    npt.NDArray[np.bool_],
]:
    """Heat, positives' weights, size, offset and validity on the output grid (see ``Batch``).

    References
    ----------
    The heatmap falls off as in Zhou et al., "Objects as Points" (arXiv 1904.07850).
    """
    m = crop // OUTPUT_STRIDE
    position = np.arange(m, dtype=np.float32) * OUTPUT_STRIDE + (OUTPUT_STRIDE - 1) / 2
    heatmap = np.zeros((m, m, m), np.float32)
    weight, size = np.zeros_like(heatmap), np.zeros_like(heatmap)
    offset = np.zeros((3, m, m, m), np.float32)
    # Half of each output voxel's input must be valid; the crop's rim lacks the surroundings that it has in a scan.
    halves = valid.reshape(m, OUTPUT_STRIDE, m, OUTPUT_STRIDE, m, OUTPUT_STRIDE).mean(axis=(1, 3, 5)) >= 0.5
    rim = np.zeros_like(halves)
    rim[2:-2, 2:-2, 2:-2] = True
    usable = halves & rim
    for target in targets:
        delta = [
            c - position.reshape([-1 if a == axis else 1 for a in range(3)]) for axis, c in enumerate(target.center)
        ]
        distance = np.sqrt(sum(d**2 for d in delta))
        radius = target.diameter_mm / 2
        positive = (distance <= max(_POSITIVE_SHARE * radius, _POSITIVE_LEAST_MM)) & rim
        near = distance <= radius + 1
        np.maximum(heatmap, np.where(near, np.exp(-2 * (distance / radius) ** 2), 0), out=heatmap)
        heatmap[positive] = 1
        usable |= positive
        if not positive.any():
            continue
        weight[positive] = 1 / positive.sum()
        size[positive] = np.log(target.diameter_mm / 8)
        for axis, d in enumerate(delta):
            offset[axis][positive] = np.broadcast_to(d, heatmap.shape)[positive]
    return heatmap, weight, size, offset, usable
