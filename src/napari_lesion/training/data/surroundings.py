"""Surroundings for nodules whose crops end where they end along z: LIDC's at native spacing.

A crop shows what lies beside a nodule, but nothing above and below it. Two ways to complete it, both on a grid of 1 mm:

`own` keeps the nodule in its own surroundings. Above and below stand its own slices once more, mirrored, with the
nodule taken out of them; what is known there is nothing, so nothing is learned there.

`in_lung` takes the nodule out by its share of tissue, as `nodules.cut_out` does, and puts it into another lung. There
everything is known, but vessels and pleura meet it only by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.training.data.background import Background, ball
from napari_lesion.training.data.crops import place
from napari_lesion.training.data.insertion import noise
from napari_lesion.training.data.lidc import Crop
from napari_lesion.training.data.nodules import FADE_MM, Nodule

FloatArray = npt.NDArray[np.float64]
HuArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)

SIDES_MM = (51, 65)
"""Side of a block, for small nodules and from ``LARGE_MM`` on."""
LARGE_MM = 16.0
WALL_SHARE = 0.12
"""Of the shell around a nodule, over -300 HU: from it on, it touches pleura or vessels."""
_TAKEN_OUT_MM = 1.5
"""So far beyond its mask a nodule is taken out."""
_LUNG_HU = -850.0
_ATTACHED_HU = -300.0
THICK_MM = 1.6
"""Slices from here on are thick: a nodule from them is not turned out of the axial plane."""
_LUNG_MOST_HU = -500.0
_LEAST_IN_AIR = 0.7
"""Share of a nodule in another lung that replaces air."""
_TRIES = 12


class Block:
    """A nodule in surroundings on a grid of 1 mm, its centre of mass in the middle.

    Attributes
    ----------
    hu : (n, n, n) float32
    mask : (n, n, n) float32
        How much of each voxel is nodule, 0 to 1.
    known : (n, n, n) bool
        Where the mask says the truth.
    """

    def __init__(self, hu: HuArray, mask: HuArray, known: npt.NDArray[np.bool_]) -> None:
        self.hu, self.mask, self.known = hu, mask, known


def side_mm(crop: Crop) -> int:
    """Side of the block that it needs."""
    return SIDES_MM[int(crop.mask_diameter_mm >= LARGE_MM)]


def own(crop: Crop, rng: np.random.Generator) -> Block:
    """Keep a nodule in its own surroundings, and repeat these above and below, without it."""
    side = side_mm(crop)
    hu, inside, known = completed(crop, side, rng)
    center = np.argwhere(inside).mean(axis=0)
    return Block(
        # Beyond the crop's sides it is mirrored; a nodule that appears once more there is none to be outlined.
        _at_1_mm(hu, center, crop.spacing_mm, side, "reflect"),
        _at_1_mm(inside.astype(np.float32), center, crop.spacing_mm, side),
        _at_1_mm(known.astype(np.float32), center, crop.spacing_mm, side, "reflect") > 0.5,
    )


def completed(crop: Crop, height_mm: float, rng: np.random.Generator) -> tuple[HuArray, BoolArray, BoolArray]:
    """Put a crop's own slices above and below it, mirrored and without the nodule: HU, mask, and where it is known."""
    hu, mask = crop.hu.astype(np.float32), crop.mask
    more = int(np.ceil(height_mm / crop.spacing_mm[0])) + 1
    around = np.pad(_without(hu, mask, crop.spacing_mm, rng), ((more, more), (0, 0), (0, 0)), mode="symmetric")
    around[more : more + len(hu)] = hu
    known = np.zeros(around.shape, np.bool_)
    known[more : more + len(hu)] = True
    return around, _padded(mask, more) > 0.5, known


def in_lung(crop: Crop, background: Background, rng: np.random.Generator) -> Block | None:
    """Put a nodule into another lung: on its surface if it is attached; None where no place was found."""
    side = side_mm(crop)
    fraction, inside, lung_hu = tissue(crop)
    center = np.argwhere(inside).mean(axis=0)
    part = _nodule(crop, _at_1_mm(fraction, center, crop.spacing_mm, side), lung_hu)
    mask = _at_1_mm(inside.astype(np.float32), center, crop.spacing_mm, side)
    hu = _place(part, mask, background, side, rng)
    if hu is None:
        return None
    return Block(_put(hu, part.fraction, part.tissue_hu, background, rng), mask, np.ones(hu.shape, np.bool_))


def in_lung_at_its_spacing(
    crop: Crop, background: Background, rng: np.random.Generator
) -> tuple[HuArray, BoolArray] | None:
    """Put a nodule into another lung, which is brought to the spacing of the nodule's scan: HU and mask."""
    side = side_mm(crop)
    fraction, inside, lung_hu = tissue(crop)
    center = np.argwhere(inside).mean(axis=0)
    part = _nodule(crop, _at_1_mm(fraction, center, crop.spacing_mm, side), lung_hu)
    mask = _at_1_mm(inside.astype(np.float32), center, crop.spacing_mm, side)
    lung = _place(part, mask, background, side, rng)
    if lung is None:
        return None
    pitch = np.array(crop.spacing_mm)
    reach = np.floor((side // 2 - 1) / pitch).astype(int)
    middle = np.rint(center).astype(int)
    along = [
        side // 2 + (np.arange(-n, n + 1) + m - c) * p for n, m, c, p in zip(reach, middle, center, pitch, strict=True)
    ]
    hu: HuArray = ndimage.map_coordinates(lung, np.stack(np.meshgrid(*along, indexing="ij")), order=1, mode="nearest")
    # What interpolation has smoothed away of the noise.
    hu = hu + noise(hu.shape, 0.5 * background.noise_hu, rng)
    box = [(m - n, m + n + 1) for n, m in zip(reach, middle, strict=True)]
    return _put(hu, _cut(fraction, box), part.tissue_hu, background, rng), _cut(inside, box)


def tissue(crop: Crop) -> tuple[HuArray, BoolArray, float]:
    """Take a nodule out of its slices: its share of tissue, its mask, some slices higher, and the HU of its lung."""
    spacing = crop.spacing_mm
    more = int(np.ceil(FADE_MM / spacing[0])) + 1
    # Beyond the first and the last slice nothing is known, so nothing comes along from there.
    hu = np.pad(crop.hu.astype(np.float32), ((more, more), (0, 0), (0, 0)), mode="edge")
    mask = _padded(crop.mask, more) > 0.5
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing)
    lung = hu[(outside > FADE_MM) & (outside < 8) & (hu < -600)]
    lung_hu = float(np.median(lung)) if lung.size > 50 else _LUNG_HU
    fraction = (hu - lung_hu) / (_tissue_hu(crop, lung_hu) - lung_hu)
    fraction[outside > 1] = np.minimum(fraction[outside > 1], 0.25)
    fraction = np.where(mask, fraction, np.maximum(fraction - 0.06, 0))
    fraction *= np.clip((FADE_MM - outside) / (FADE_MM - 0.5), 0, 1)
    fraction[:more] = fraction[-more:] = 0
    return np.clip(fraction, 0, 1.2).astype(np.float32), mask, lung_hu


def _tissue_hu(crop: Crop, lung_hu: float) -> float:
    return max(float(np.percentile(crop.hu[crop.mask], 95)) + 20, lung_hu + 200)


def _nodule(crop: Crop, fraction: HuArray, lung_hu: float) -> Nodule:
    middle = float(len(fraction) // 2)
    return Nodule(
        fraction=fraction,
        tissue_hu=_tissue_hu(crop, lung_hu),
        center=(middle, middle, middle),
        diameter_mm=crop.mask_diameter_mm,
        type=crop.type,
        name=crop.name,
        attached=crop.wall_share > WALL_SHARE,
        thick=crop.spacing_mm[0] > THICK_MM,
    )


def _place(part: Nodule, mask: HuArray, background: Background, side: int, rng: np.random.Generator) -> HuArray | None:
    """Find a place in another lung where a nodule can be seen: the HU of a block around it, without the nodule."""
    pool = background.surface if part.attached or rng.random() < 0.3 else background.inside
    for _ in range(_TRIES):
        hu, depth, taken = _around(background, pool[rng.integers(len(pool))], 2 * side)
        found = place(hu, depth, taken, part, part.diameter_mm, rng, border=side // 2 + 1)
        if found is None:
            continue
        box = tuple(slice(round(c) - side // 2, round(c) - side // 2 + side) for c in found)
        # What is put into tissue cannot be seen, and where vessels are most of it, they are what would be seen.
        if (hu[box][mask > 0.5] < _LUNG_MOST_HU).mean() < _LEAST_IN_AIR:
            continue
        if not taken[box][ball((side,) * 3, (side // 2,) * 3, part.diameter_mm / 2 + 2)].any():
            return hu[box]
    return None


def _put(hu: HuArray, fraction: HuArray, tissue_hu: float, background: Background, rng: np.random.Generator) -> HuArray:
    """Replace air by tissue: what is denser than the nodule stays as it is."""
    grain = noise(hu.shape, 0.5 * background.noise_hu, rng) * (hu < _ATTACHED_HU)
    result: HuArray = hu + fraction * np.maximum(tissue_hu - hu, 0) + np.clip(fraction, 0, 1) * grain
    return result.astype(np.float32)


def _cut(array: npt.NDArray[Scalar], box: Sequence[tuple[int, int]]) -> npt.NDArray[Scalar]:
    """Cut a box that may reach beyond an array; 0 there."""
    more = [(max(0, -a), max(0, b - n)) for (a, b), n in zip(box, array.shape, strict=True)]
    padded = np.pad(array, more)
    return padded[tuple(slice(a + m, b + m) for (a, b), (m, _) in zip(box, more, strict=True))]


def _padded(mask: npt.NDArray[np.bool_], more: int) -> HuArray:
    return np.pad(mask.astype(np.float32), ((more, more), (0, 0), (0, 0)))


def _without(
    hu: HuArray, mask: npt.NDArray[np.bool_], spacing: tuple[float, float, float], rng: np.random.Generator
) -> HuArray:
    """Take a nodule out of its slices: what is nearest beside it stands there, smoothed, with the noise of the lung."""
    result = hu.copy()
    pitch = spacing[1:]
    noisy = hu - ndimage.gaussian_filter(hu, (0, 1.5, 1.5))
    lung = noisy[hu < -700]
    deviation = float(1.4826 * np.median(np.abs(lung))) if lung.size > 50 else 20.0
    for image, own_ in zip(result, mask, strict=True):
        if not own_.any():
            continue
        gone = ndimage.distance_transform_edt(~own_, sampling=pitch) <= _TAKEN_OUT_MM * rng.uniform(0.7, 1.6)
        if gone.all():
            continue
        nearest = ndimage.distance_transform_edt(gone, return_distances=False, return_indices=True)
        filled = image[tuple(nearest)]
        smooth = ndimage.gaussian_filter(filled, 1.5 / np.array(pitch))
        image[gone] = smooth[gone] + noise((1, *image.shape), deviation, rng)[0][gone]
    return result


def _at_1_mm(
    layer: HuArray, center: FloatArray, spacing: tuple[float, float, float], side: int, mode: str = "constant"
) -> HuArray:
    """Sample a layer on a cube of ``side`` mm around an index, linearly; beyond its faces 0, or mirrored."""
    along = [c + (np.arange(side) - side // 2) / pitch for c, pitch in zip(center, spacing, strict=True)]
    grid = np.stack(np.meshgrid(*along, indexing="ij"))
    sampled: HuArray = ndimage.map_coordinates(layer, grid, order=1, mode=mode, output=np.float32)
    return sampled


def _around(
    background: Background, middle: npt.NDArray[np.int32], size: int
) -> tuple[HuArray, HuArray, npt.NDArray[np.bool_]]:
    """HU, depth in the lung and occupied voxels around a point; beyond the scan all is occupied."""
    low = middle - size // 2
    hu, depth = np.full((size,) * 3, -1000, np.float32), np.full((size,) * 3, -60, np.float32)
    taken = np.ones((size,) * 3, bool)
    first, last = np.maximum(low, 0), np.minimum(low + size, background.hu.shape)
    to = tuple(slice(a - c, b - c) for a, b, c in zip(first, last, low, strict=True))
    source = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    hu[to], depth[to], taken[to] = background.hu[source], background.depth[source], background.ignore[source]
    return hu, depth, taken
