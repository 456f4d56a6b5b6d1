"""What ``nodule-2d`` learns from: real patches of LUNA16, and planes of real lungs with nodules inserted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from napari_lesion.imaging.planes import orthogonal_patches
from napari_lesion.imaging.preprocess import HU_WINDOW
from napari_lesion.models.networks import PATCH_SIZE
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import InputFileError
from napari_lesion.training.data.background import Background, ball
from napari_lesion.training.data.crops import MM, draw_nodule, place
from napari_lesion.training.data.insertion import insert, random_rotation
from napari_lesion.training.data.nodules import Cube, cut_out

STORED = 50
"""Side of a stored patch, pixels: that of LUNA16's patches."""
PIXEL_MM = 0.7
"""Of planes that are cut out here. LUNA16's patches have the scans' own pixels, 0.5 to 0.9 mm."""
_BLOCK = 76
"""Side of a block of lung that a nodule is inserted into, mm."""
_MARGIN = 20
"""A nodule keeps this distance from the block's faces, so that the planes through it are whole."""
_MISSED = 0.06
"""Standard deviation of how far a detector's candidate lies beside the nodule's centre: share of the diameter..."""
_MISSED_LEAST_MM = 0.6
"""...but at least this."""
_AWAY_MM = 6.0
"""A healthy point keeps this distance from every lesion's surface."""


@dataclass(frozen=True)
class Patches:
    """Labelled patches on the network's intensity scale, as bytes.

    Attributes
    ----------
    image : (n, 50, 50) uint8
        HU from ``HU_WINDOW`` scaled to 0 to 255.
    nodule : (n,) bool
    diameter_mm : (n,) float32
        0 where it is not known.
    row : (n,) int64
        Row in LUNA16's ``candidates.csv``; -1 for planes that were cut out here.
    """

    image: npt.NDArray[np.uint8] = field(repr=False)
    nodule: npt.NDArray[np.bool_] = field(repr=False)
    diameter_mm: npt.NDArray[np.float32] = field(repr=False)
    row: npt.NDArray[np.int64] = field(repr=False)

    def __len__(self) -> int:
        return len(self.image)

    def part(self, which: npt.NDArray[np.generic]) -> Patches:
        """Give those that an index or a mask names."""
        return Patches(self.image[which], self.nodule[which], self.diameter_mm[which], self.row[which])


def read_patches(path: Path) -> Patches:
    """Read ``luna16_patches2d_*.npz``: ``image`` (n, 50, 50) uint8, ``label`` 1 for a nodule, ``candidate_row``.

    Their contrast is HU from -1000 to 400, as the peaks of lung, fat and muscle show: it is the network's own.

    Raises
    ------
    InputFileError
        If the file is missing or holds something else.
    """
    try:
        with np.load(path) as content:
            image, label, row = (content[name] for name in ("image", "label", "candidate_row"))
    except (OSError, KeyError, ValueError) as error:
        raise InputFileError(f"The patches {path} cannot be read: {error}") from error
    if image.dtype != np.uint8 or image.shape[1:] != (STORED, STORED) or not len(image) == len(label) == len(row):
        raise InputFileError(f"The patches {path} are not {STORED} × {STORED} bytes each, with a label and a row.")
    return Patches(image, label == 1, np.zeros(len(image), np.float32), row.astype(np.int64))


def kept(path: Path, make: Callable[[], Patches]) -> Patches:
    """Read the patches that a run keeps, or make them and keep them."""
    if path.exists():
        with np.load(path) as content:
            return Patches(**content)
    patches = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as new, new.open("wb") as file:
        np.savez_compressed(file, **vars(patches))
    return patches


def joined(parts: Sequence[Patches]) -> Patches:
    """Put patches together."""
    return Patches(
        np.concatenate([p.image for p in parts]),
        np.concatenate([p.nodule for p in parts]),
        np.concatenate([p.diameter_mm for p in parts]),
        np.concatenate([p.row for p in parts]),
    )


def inserted_patches(
    backgrounds: Sequence[Background],
    cubes: Sequence[Cube],
    count: int,
    rng: np.random.Generator,
    *,
    real_share: float = 0.6,
    hard: dict[str, npt.NDArray[np.float64]] | None = None,
) -> Patches:
    """Cut planes through nodules that are inserted into real lungs, through real ones, and through healthy places.

    Parameters
    ----------
    backgrounds, cubes
    count : int
        How many nodules are inserted; about as many healthy places come with them.
    rng
    real_share : float
        Share of real ones among the inserted nodules.
    hard : dict
        Places in each background that look like nodules but are none: (n, 3) indices. Each is taken several times.
    """
    nodules = [cut_out(cube) for cube in cubes]
    parts = [_cube_patches(cube, nodule.center, rng) for cube, nodule in zip(cubes, nodules, strict=True)]
    for background in backgrounds:
        parts.append(_real_patches(background, rng))
        points = (hard or {}).get(background.name, np.zeros((0, 3)))
        repeated = np.repeat(points, 3, axis=0)
        parts.append(_healthy_patches(background, repeated + rng.normal(0, 1, repeated.shape)))
    for _ in range(count):
        background = backgrounds[int(rng.integers(len(backgrounds)))]
        pool = background.surface if rng.random() < 0.4 else background.inside
        center = pool[rng.integers(len(pool))]
        block, depth, taken = _blocks(background, center)
        nodule, diameter = draw_nodule(nodules, real_share, rng)
        where = place(block, depth, taken, nodule, diameter, rng, border=_MARGIN)
        if where is not None:
            inserted = insert(
                block,
                MM,
                where,
                nodule,
                diameter_mm=diameter,
                rotation=random_rotation(rng, axial_only=nodule.thick),
                noise_hu=background.noise_hu,
                rng=rng,
            )
            if inserted.stands_out:
                parts.append(_cut(block, where + rng.normal(0, missed_mm(diameter), 3), diameter))
        pool = background.surface if rng.random() < 0.5 else background.inside
        parts.append(_healthy_patches(background, pool[rng.integers(len(pool), size=1)]))
    return joined(parts)


def _blocks(
    background: Background, center: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """HU, depth in the lung and occupied voxels around a point; air and outside beyond the scan."""
    low = center - _BLOCK // 2
    size = (_BLOCK,) * 3
    hu, depth = np.full(size, -1000, np.float32), np.full(size, -60, np.float32)
    taken = np.ones(size, bool)
    inner, outer = [], []
    for start, length in zip(low.tolist(), background.hu.shape, strict=True):
        first, last = max(start, 0), min(start + _BLOCK, length)
        outer.append(slice(first, last))
        inner.append(slice(first - start, last - start))
    to, source = tuple(inner), tuple(outer)
    hu[to], depth[to], taken[to] = background.hu[source], background.depth[source], background.ignore[source]
    return hu, depth, taken


def _cut(hu: npt.NDArray[np.generic], points: npt.ArrayLike, diameter_mm: float) -> Patches:
    """Cut the three planes through points of a grid of 1 mm; a diameter of 0 means that they are healthy."""
    planes = orthogonal_patches(hu, points, size=STORED, pixel=PIXEL_MM, outside=HU_WINDOW[0])
    array = planes.reshape(-1, STORED, STORED)
    return as_patches(array, np.full(len(array), diameter_mm))


def as_patches(planes: npt.NDArray[np.float32], diameter_mm: npt.NDArray[np.floating]) -> Patches:
    """HU (n, 50, 50) as patches; a diameter of 0 means that they are healthy."""
    low, high = HU_WINDOW
    array = ((planes - low) * (255 / (high - low))).clip(0, 255).round().astype(np.uint8)
    row = np.full(len(array), -1, dtype=np.int64)
    return Patches(array, diameter_mm > 0, diameter_mm.astype(np.float32), row)


def _near(point: npt.NDArray[np.float64]) -> tuple[slice, ...]:
    reach = _BLOCK // 2
    return tuple(slice(max(0, int(c) - reach), int(c) + reach) for c in point)


def missed_mm(diameter_mm: float) -> float:
    """How far a detector's candidate lies beside a nodule's centre: standard deviation, mm."""
    return max(_MISSED * diameter_mm, _MISSED_LEAST_MM)


def _cube_patches(cube: Cube, center: tuple[float, float, float], rng: np.random.Generator) -> Patches:
    points = np.array(center) + rng.normal(0, missed_mm(cube.diameter_mm), (4, 3))
    return _cut(cube.hu, points, cube.diameter_mm)


def _real_patches(background: Background, rng: np.random.Generator) -> Patches:
    parts = [_empty()]
    for lesion in background.real:
        point = np.array(lesion.center)
        block = _near(point)
        points = point - [s.start for s in block] + rng.normal(0, missed_mm(lesion.diameter_mm), (4, 3))
        parts.append(_cut(background.hu[block], points, lesion.diameter_mm))
    return joined(parts)


def _healthy_patches(background: Background, points: npt.NDArray[np.generic]) -> Patches:
    parts = [_empty()]
    for point in points.astype(np.float64):
        block = _near(point)
        inner = point - [s.start for s in block]
        if not (background.ignore[block] & ball(background.ignore[block].shape, inner.tolist(), _AWAY_MM)).any():
            parts.append(_cut(background.hu[block], inner, 0))
    return joined(parts)


def _empty() -> Patches:
    return Patches(
        np.zeros((0, STORED, STORED), np.uint8),
        np.zeros(0, bool),
        np.zeros(0, np.float32),
        np.zeros(0, np.int64),
    )


def scaled(image: npt.NDArray[np.uint8]) -> Tensor:
    """Bytes (n, 50, 50) → the network's input (n, 1, 48, 48): the middle, from 0 to 1."""
    rim = (STORED - PATCH_SIZE) // 2
    return torch.from_numpy(image[:, None, rim:-rim, rim:-rim].astype(np.float32)).div_(255)


def turned(
    image: npt.NDArray[np.uint8], rng: np.random.Generator, *, zoom: tuple[float, float], shift: float
) -> tuple[Tensor, npt.NDArray[np.float32]]:
    """Turn by any angle, mirror, zoom and shift patches, and cut them to the network's size.

    Parameters
    ----------
    image : (n, 50, 50) uint8
    rng
    zoom : (least, most)
        Magnification.
    shift : float
        Standard deviation, pixels.

    Returns
    -------
    (n, 1, 48, 48) float32 from 0 to 1; (n,) the magnifications
    """
    n = len(image)
    angle = rng.uniform(0, 2 * np.pi, n)
    # A turn by a free angle shows the corners beyond the patch; half of the time it is by right angles only.
    straight = rng.random(n) < 0.5
    angle[straight] = np.round(angle[straight] / (np.pi / 2)) * (np.pi / 2)
    factor = np.exp(rng.uniform(np.log(zoom[0]), np.log(zoom[1]), n))
    mirror = rng.choice([-1.0, 1.0], n)
    ratio = PATCH_SIZE / STORED / factor
    c, s = np.cos(angle) * ratio, np.sin(angle) * ratio
    theta = np.stack([c * mirror, -s, s * mirror, c], axis=1).reshape(n, 2, 2)
    move = rng.normal(0, shift, (n, 2, 1)) * 2 / STORED
    matrix = torch.from_numpy(np.concatenate([theta, move], axis=2).astype(np.float32))
    grid = functional.affine_grid(matrix, [n, 1, PATCH_SIZE, PATCH_SIZE], align_corners=False)
    source = torch.from_numpy(image[:, None].astype(np.float32)).div_(255)
    out = functional.grid_sample(source, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return out, factor.astype(np.float32)
