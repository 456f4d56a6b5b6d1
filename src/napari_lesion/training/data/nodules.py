"""Nodules to insert: real ones cut from scans, and synthetic ones of every type.

A nodule is kept as a *tissue fraction*: 0 where there is only lung, 1 where tissue has replaced it. Inserting it means
replacing that fraction of the air in another lung, so the background's own noise and vessels stay outside the nodule,
and no seam tells the network where something was pasted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.support.errors import InputFileError

Type = Literal["solid", "part-solid", "ground-glass"]
Split = Literal["train", "validation", "test"]

FADE_MM = 2.0
"""Beyond this distance from a real nodule's mask nothing of its cube is inserted."""
_ATTACHED_HU = -300.0


@dataclass(frozen=True)
class Nodule:
    """A nodule on a grid of 1 mm, in canonical orientation.

    Attributes
    ----------
    fraction : (z, y, x) float32
        Tissue that replaces lung; 0 outside the nodule.
    tissue_hu : float
        HU of the tissue where the fraction is 1.
    center : (3,)
        Index of the nodule's centre of mass.
    diameter_mm : float
        Of the ball with the nodule's volume.
    type : str
    name : str
    attached : bool
        It lay on the pleura or the mediastinum, so it belongs there.
    thick : bool
        It comes from thick slices: turning it out of the axial plane would show them.
    scales : (least, most)
        How many times its size it may be made.
    """

    fraction: npt.NDArray[np.float32] = field(repr=False)
    tissue_hu: float
    center: tuple[float, float, float]
    diameter_mm: float
    type: Type
    name: str
    attached: bool = False
    thick: bool = False
    scales: tuple[float, float] = (0.45, 1.9)


@dataclass(frozen=True)
class Cube:
    """A real nodule in its own surroundings: 1 mm, canonical orientation, HU."""

    hu: npt.NDArray[np.int16] = field(repr=False)
    mask: npt.NDArray[np.bool_] = field(repr=False)
    name: str
    type: Type

    @property
    def diameter_mm(self) -> float:
        """Diameter of the ball with the mask's volume."""
        return float((6 / np.pi * self.mask.sum()) ** (1 / 3))


def read_cubes(folder: Path) -> list[Cube]:
    """Read ``lidc_cubes.npz`` (``hu``, ``mask``, ``name``) and ``lidc_cubes_ratings.csv`` (``name``, ``texture``).

    LIDC's texture is 1 (non-solid) to 5 (solid): 1 and 2 count as ground-glass here, 3 as part-solid.

    Raises
    ------
    InputFileError
        If the files are not there.
    """
    try:
        with np.load(folder / "lidc_cubes.npz") as data:
            hu, mask, names = data["hu"], data["mask"], [str(n) for n in data["name"]]
        table = np.genfromtxt(
            folder / "lidc_cubes_ratings.csv", delimiter=",", names=True, dtype=None, encoding="utf-8"
        )
    except OSError as error:
        raise InputFileError(f"The nodule cubes cannot be read from {folder}: {error}. Check data.nodules.") from error
    texture = {str(row["name"]): int(row["texture"]) for row in table}
    cubes = []
    for h, m, name in zip(hu, mask, names, strict=True):
        cubes.append(Cube(h, m, name, type_of(texture.get(name, 5))))
    return cubes


def type_of(texture: int) -> Type:
    """LIDC's rating of the texture as a type: 1 and 2 ground-glass, 3 part-solid, 4 and 5 solid."""
    return "ground-glass" if texture <= 2 else "part-solid" if texture == 3 else "solid"


def split_cubes(cubes: list[Cube]) -> dict[Split, list[Cube]]:
    """Divide by patient into train (7 of 10), validation (1) and test (2), alike in type and size.

    The patient is the number before the first underscore of the name.
    """
    patients: dict[str, list[Cube]] = {}
    for cube in cubes:
        patients.setdefault(cube.name.split("_")[0], []).append(cube)
    order = sorted(patients.values(), key=lambda group: (group[0].type, group[0].diameter_mm, group[0].name))
    parts: dict[Split, list[Cube]] = {"train": [], "validation": [], "test": []}
    for position, group in enumerate(order):
        part: Split = "test" if position % 5 == 2 else "validation" if position % 10 == 9 else "train"
        parts[part].extend(group)
    return parts


def cut_out(cube: Cube) -> Nodule:
    """Take a real nodule out of its cube: no vessel, pleura or lung beyond ``FADE_MM`` comes along."""
    hu = cube.hu.astype(np.float32)
    outside = ndimage.distance_transform_edt(~cube.mask)
    near = (outside > FADE_MM) & (outside < 8)
    lung = hu[near & (hu < -600)]
    lung_hu = float(np.median(lung)) if lung.size > 50 else -850.0
    tissue = max(float(np.percentile(hu[cube.mask], 95)) + 20, lung_hu + 200)
    alpha = np.clip((FADE_MM - outside) / (FADE_MM - 0.5), 0, 1)
    fraction = (hu - lung_hu) / (tissue - lung_hu)
    fraction[outside > 1] = np.minimum(fraction[outside > 1], 0.25)
    # The lung's own noise is no tissue: what is hardly denser than lung does not come along.
    fraction = np.where(cube.mask, fraction, np.maximum(fraction - 0.06, 0)) * alpha
    shell = (outside > 0) & (outside <= 2)
    center = ndimage.center_of_mass(cube.mask)
    return Nodule(
        fraction=np.clip(fraction, 0, 1.2).astype(np.float32),
        tissue_hu=tissue,
        center=(float(center[0]), float(center[1]), float(center[2])),
        diameter_mm=cube.diameter_mm,
        type=cube.type,
        name=cube.name,
        attached=bool((hu[shell] > _ATTACHED_HU).mean() > 0.35),
        thick=_from_thick_slices(hu),
    )


def _from_thick_slices(hu: npt.NDArray[np.float32]) -> bool:
    """Whether neighbours along z are much more alike than neighbours in the plane."""
    lung = np.clip(hu, -1000, 0)
    along = np.abs(np.diff(lung, axis=0)).mean()
    across = (np.abs(np.diff(lung, axis=1)).mean() + np.abs(np.diff(lung, axis=2)).mean()) / 2
    return bool(along < 0.62 * across)


def synthesise(
    diameter_mm: float, kind: Type, rng: np.random.Generator, *, spiculated: bool = False, calcified: bool = False
) -> Nodule:
    """Make a nodule: a ball bent by smooth noise, with a density that fits its type.

    Parameters
    ----------
    diameter_mm : float
    kind : str
    rng : numpy Generator
    spiculated, calcified : bool
        Only for solid and part-solid nodules.
    """
    half = int(np.ceil(diameter_mm * 0.5 * (2.0 if spiculated else 1.5))) + 4
    size = 2 * half + 1
    grid = np.indices((size, size, size), dtype=np.float32) - half
    radius = diameter_mm / 2
    axes = np.exp(rng.normal(0, 0.12, 3)).astype(np.float32)
    axes /= axes.prod() ** (1 / 3)
    distance = np.sqrt(((grid / axes[:, None, None, None]) ** 2).sum(0))
    lumps = _smooth_noise(size, rng, max(radius * 0.7, 1.0))
    distance = distance - lumps * radius * rng.uniform(0.05, 0.28)
    sharpness = rng.uniform(0.5, 1.0) if kind != "ground-glass" else rng.uniform(0.8, 2.0)
    body = 1 / (1 + np.exp(np.clip((distance - radius) / (0.45 * sharpness), -30, 30)))
    if spiculated:
        body = np.maximum(body, _spicules(grid, radius, rng))
    texture = _smooth_noise(size, rng, 1.2)
    if kind == "solid":
        tissue = rng.uniform(250, 700) if calcified else rng.normal(30, 35)
        fraction = body * (1 + 0.03 * texture)
    else:
        tissue = rng.normal(20, 30)
        fraction = body * np.clip(rng.uniform(0.18, 0.5) + 0.06 * texture, 0.08, 0.75)
        if kind == "part-solid":
            core = radius * rng.uniform(0.3, 0.7)
            shift = rng.normal(0, 0.25, 3) * (radius - core)
            inner = np.sqrt(((grid - shift[:, None, None, None]) ** 2).sum(0)) - lumps * core * 0.3
            fraction = np.maximum(fraction, 1 / (1 + np.exp(np.clip((inner - core) / 0.4, -30, 30))))
    volume = float((body > 0.5).sum()) or 1.0
    return Nodule(
        fraction=np.clip(fraction, 0, 1.2).astype(np.float32),
        tissue_hu=float(tissue),
        center=(float(half),) * 3,
        diameter_mm=float((6 / np.pi * volume) ** (1 / 3)),
        type=kind,
        name=f"synthetic {kind}",
    )


def _smooth_noise(size: int, rng: np.random.Generator, sigma: float) -> npt.NDArray[np.float32]:
    noise = ndimage.gaussian_filter(rng.standard_normal((size, size, size)).astype(np.float32), sigma)
    result: npt.NDArray[np.float32] = noise / (noise.std() + 1e-6)
    return result


def _spicules(grid: npt.NDArray[np.float32], radius: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Thin tapering rays out of the nodule's surface."""
    rays = np.zeros(grid.shape[1:], np.float32)
    for _ in range(int(rng.integers(5, 14))):
        direction = rng.standard_normal(3)
        direction /= np.linalg.norm(direction)
        along = np.tensordot(direction.astype(np.float32), grid, 1)
        across = np.sqrt(np.maximum((grid**2).sum(0) - along**2, 0))
        length = radius * rng.uniform(1.3, 1.9)
        width = np.clip(0.9 * (1 - along / length), 0, 1) * rng.uniform(0.6, 1.1)
        rays = np.maximum(rays, np.where(along > 0, np.exp(-((across / (width + 1e-3)) ** 2)) * (width > 0.05), 0))
    return rays.astype(np.float32)
