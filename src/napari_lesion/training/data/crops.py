"""Training crops: real lungs with nodules inserted, and real nodules in their true surroundings.

Everything here is on the network's grid: 1 mm, canonical orientation (z to the head, y to the back, x to the left).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from napari_lesion.imaging import preprocess
from napari_lesion.models.networks import OUTPUT_STRIDE
from napari_lesion.training.config.detector import AugmentationConfig
from napari_lesion.training.data import insertion
from napari_lesion.training.data.augment import intensity_transform
from napari_lesion.training.data.background import Background, Target, ball, distance_to
from napari_lesion.training.data.completing import complete
from napari_lesion.training.data.crop_augmentation import AUGMENT, augment, random_affine, resampled
from napari_lesion.training.data.insertion import insert, random_rotation
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
        self._intensity = intensity_transform(self.augmentation) or AUGMENT
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
        matrix, zoom = random_affine(rng, self.augmentation)
        (hu,) = resampled([background.hu], (-1000.0,), center, matrix, self.crop)
        # Where the loss counts is asked per output voxel only: half the resolution, an eighth of the work.
        coarse = resampled(
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
        return augment(hu, rng, self._intensity), targets, (search > 0.5) & ~excluded

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
        matrix, zoom = random_affine(rng, self.augmentation)
        matrix, zoom = matrix * self.pitch_mm, zoom / self.pitch_mm  # the cube's voxels are of 1 mm
        center = np.array(cube.hu.shape) / 2 - 0.5 + rng.uniform(-6, 6, 3)
        hu, known = resampled([cube.hu, np.ones(cube.hu.shape, bool)], (-1000.0, 0.0), center, matrix, crop)
        where = np.linalg.solve(matrix, middle - center) + (crop - 1) / 2
        target = Target((float(where[0]), float(where[1]), float(where[2])), cube.diameter_mm * zoom)
        return augment(hu, rng, self._intensity), [target], known > 0.99


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
    """Heatmap, positives' weights, size, offset and validity on the output grid (see ``Batch``).

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
