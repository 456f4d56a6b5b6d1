"""A scan that crops are cut out of: where its nodules are, and where others may be put."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.imaging import preprocess
from napari_lesion.model.volume import Volume
from napari_lesion.training.config.detector import Lesion
from napari_lesion.training.data.insertion import lung_noise


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


def distance_to(shape: tuple[int, ...], center: Sequence[float]) -> npt.NDArray[np.float64]:
    """Distance of every voxel of a grid of 1 mm to a point (z, y, x), mm."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    result: npt.NDArray[np.float64] = np.sqrt((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2)
    return result


def ball(shape: tuple[int, ...], center: Sequence[float], radius: float) -> npt.NDArray[np.bool_]:
    """Voxels of a grid of 1 mm within ``radius`` mm of a point (z, y, x)."""
    return distance_to(shape, center) <= radius
