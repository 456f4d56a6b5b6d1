"""From a heatmap to candidates: local maxima, placed and sized by what the network said there, merged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter

from napari_lesion.model.findings import Candidate, Heatmap
from napari_lesion.model.volume import FloatArray, apply_affine, spacing_of

FLOOR = 0.01
"""Probability below which a maximum is not even a candidate."""
MOST = 200
"""Candidates kept at most, the best ones."""
DIAMETER_RANGE_MM = (3.0, 60.0)
REFERENCE_DIAMETER_MM = 8.0
"""Diameter whose logarithm the network's size output counts from."""
MERGE_MM = 4.0
"""Maxima closer than this are one lesion, however small it is said to be."""


def find_candidates(
    heatmap: Heatmap,
    log_diameter: npt.NDArray[np.float32],
    offsets: npt.NDArray[np.float32],
    *,
    pitch_mm: float = 1.0,
    floor: float = FLOOR,
    most: int = MOST,
) -> tuple[Candidate, ...]:
    """Local maxima of a heatmap as lesions with a place and a size, each lesion once.

    Two maxima are the same lesion if their centres are closer than the larger of the two radii (or ``MERGE_MM``);
    the better score stays.

    Parameters
    ----------
    heatmap : Heatmap
        (z, y, x), 0 outside the search region, with the affine of its own grid.
    log_diameter : (z, y, x)
        ln(diameter / 8) on the same grid.
    offsets : (3, z, y, x)
        From a voxel's centre to the lesion's along the grid's (z, y, x) axes.
    pitch_mm : float
        The unit of diameters and offsets: networks count in voxels of their input.
    floor : float
        Smallest values of a candidate (exclusive).
    most : int
        Largest number of candidates.

    Returns
    -------
    tuple of Candidate
        Sorted by score, falling. Centres are LPS mm; diameters are clipped to ``DIAMETER_RANGE_MM``.
    """
    values = heatmap.values
    index = np.argwhere((values > floor) & (values == maximum_filter(values, size=3, mode="constant")))
    scores = values[tuple(index.T)]
    order = np.argsort(-scores, kind="stable")
    index, scores = index[order], scores[order]
    at = tuple(index.T)
    directions = heatmap.affine[:3, :3] / np.asarray(spacing_of(heatmap.affine))
    shift = pitch_mm * np.moveaxis(offsets, 0, -1)[at].astype(np.float64)
    centers = apply_affine(heatmap.affine, index) + shift @ directions.T
    diameters = pitch_mm * REFERENCE_DIAMETER_MM * np.exp(log_diameter[at].astype(np.float64))
    diameters = np.clip(diameters, *DIAMETER_RANGE_MM)
    return tuple(
        Candidate(
            center_mm=(float(centers[n, 0]), float(centers[n, 1]), float(centers[n, 2])),
            diameter_mm=float(diameters[n]),
            score=float(scores[n]),
        )
        for n in _merged(centers, diameters, most)
    )


def outside(
    candidates: tuple[Candidate, ...], mask: npt.NDArray[np.bool_], affine: FloatArray
) -> tuple[Candidate, ...]:
    """Leave out the candidates whose centre lies in a mask (with its affine, index (k, j, i) → LPS mm)."""
    if not candidates:
        return ()
    index = np.rint(
        apply_affine(np.linalg.inv(affine).astype(np.float64), np.array([c.center_mm for c in candidates]))
    ).astype(int)
    within = np.all((index >= 0) & (index < mask.shape), axis=1)
    hit = within & mask[tuple(np.clip(index, 0, np.array(mask.shape) - 1).T)]
    return tuple(candidate for candidate, leave in zip(candidates, hit, strict=True) if not leave)


def _merged(centers: FloatArray, diameters: FloatArray, most: int) -> list[int]:
    """Choose the lesions that stay, by their index; the input is sorted by score, falling."""
    kept: list[int] = []
    for n in range(len(centers)):
        if len(kept) == most:
            break
        distance = np.linalg.norm(centers[kept] - centers[n], axis=1)
        reach = np.maximum(np.maximum(diameters[kept], diameters[n]) / 2, MERGE_MM)
        if not (distance < reach).any():
            kept.append(n)
    return kept
