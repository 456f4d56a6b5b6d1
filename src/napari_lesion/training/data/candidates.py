"""What false-positive reduction learns from: planes through what a detector finds in scans with inserted nodules.

Unlike planes of the network's grid, these are cut from the scan's own slices, as they are when a scan is analysed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from torch import nn

from napari_lesion.imaging import preprocess
from napari_lesion.imaging.planes import orthogonal_patches
from napari_lesion.model.findings import Candidate
from napari_lesion.model.volume import Volume
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.config.detector import BackgroundConfig
from napari_lesion.training.data.background import make_background
from napari_lesion.training.data.hard_negatives import find
from napari_lesion.training.data.held_out import Truth, insert_all
from napari_lesion.training.data.lidc import AxialPatch
from napari_lesion.training.data.nodules import Nodule
from napari_lesion.training.data.patches import PIXEL_MM, STORED, Patches, as_patches, joined, missed_mm
from napari_lesion.training.data.scans import read_background

PLANS = 4
"""How often a scan gets the nodules that a held-out scan gets: 8 each time."""
_LOOKS = 2
"""Planes through an inserted nodule besides those through its candidate: it may not have been found."""
_AWAY_MM = 4.0


def candidate_patches(
    network: nn.Module,
    series: Sequence[BackgroundConfig],
    nodules: list[Nodule],
    scans: int,
    *,
    spacing_mm: float = preprocess.SPACING_MM,
    seed: int,
    device: str = "cpu",
    progress: Progress = silent,
) -> Patches:
    """Search scans with inserted nodules, and cut planes through what was found and through all nodules.

    Parameters
    ----------
    network : nn.Module
        Of the first stage.
    series : sequence of BackgroundConfig
    nodules : list of Nodule
    scans : int
        Of each series.
    spacing_mm : float
        Of the grid that the network works on.
    seed : int
    device : str
    progress : Progress
    """
    parts = []
    used: Counter[str] = Counter()
    for n, part in enumerate(series):
        read = read_background(part)
        volume, box = preprocess.canonical(read), preprocess.prepare(read, spacing_mm=spacing_mm)
        background = make_background(read, part.lesions, part.path.name, np.random.default_rng(seed))
        real = [(read.to_patient(lesion.index), lesion.radius_mm) for lesion in part.lesions]
        for number in range(scans):
            progress(n * scans + number, len(series) * scans, f"inserting nodules into {part.path.name}")
            rng = np.random.default_rng([seed, n, number])
            made = volume
            truth: list[Truth] = []
            for plan in range(PLANS):
                made, placed = insert_all(made, background, nodules, "", plan, used, rng, beside=truth)
                truth += placed
            found = find(network, preprocess.image_hu(made, box), box.search, box.affine, box.beside_gas, device=device)
            # What is buried in dense tissue is learned as nothing, like real lesions.
            buried = [(np.array(one.center_mm), one.diameter_mm / 2 + _AWAY_MM) for one in truth if not one.stands_out]
            seen = [one for one in truth if one.stands_out]
            parts.append(_planes(made, found, seen, real + buried, rng))
    return joined(parts)


def _planes(
    volume: Volume,
    found: Sequence[Candidate],
    truth: Sequence[Truth],
    real: Sequence[tuple[npt.NDArray[np.float64], float]],
    rng: np.random.Generator,
) -> Patches:
    places = np.array([one.center_mm for one in truth]).reshape(-1, 3)
    diameters = np.array([one.diameter_mm for one in truth])
    lesions = np.array([place for place, _ in real]).reshape(-1, 3)
    reach = np.array([radius for _, radius in real])
    points, sizes = [], []
    for candidate in found:
        point = np.array(candidate.center_mm)
        away = np.linalg.norm(places - point, axis=1)
        if len(places) and (hit := int((away / diameters).argmin())) >= 0 and away[hit] < diameters[hit] / 2:
            points.append(point)
            sizes.append(diameters[hit])
        elif (away > diameters / 2 + _AWAY_MM).all() and (np.linalg.norm(lesions - point, axis=1) > reach).all():
            points.append(point)
            sizes.append(0.0)
    for place, diameter in zip(places, diameters, strict=True):
        points += list(place + rng.normal(0, missed_mm(diameter), (_LOOKS, 3)))
        sizes += [diameter] * _LOOKS
    planes = orthogonal_patches(
        volume.voxels,
        volume.to_index(np.array(points).reshape(-1, 3)),
        size=STORED,
        pixel=PIXEL_MM / np.asarray(volume.spacing),
        outside=preprocess.HU_WINDOW[0],
    )
    return as_patches(planes.reshape(-1, STORED, STORED), np.repeat(sizes, 3))


def axial_patches(patches: Sequence[AxialPatch]) -> Patches:
    """Bring LIDC's axial patches to the pixels of the planes; their diameters are of another kind, and left open."""
    offsets = (np.arange(STORED) - (STORED - 1) / 2) * PIXEL_MM
    images: list[npt.NDArray[np.float32]] = []
    for patch in patches:
        at = offsets / patch.pixel_mm + (patch.hu.shape[0] - 1) / 2
        grid = np.meshgrid(at, at, indexing="ij")
        images.append(ndimage.map_coordinates(patch.hu.astype(np.float32), grid, order=1, mode="nearest"))
    made = as_patches(np.array(images).reshape(-1, STORED, STORED), np.ones(len(images)))
    return Patches(made.image, made.nodule, np.zeros(len(made), np.float32), made.row)
