"""How well a prior lies on the scan, and whether that is good enough to compare by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.comparison.aligned import Aligned, Chest
from napari_lesion.model.compared import Alignment
from napari_lesion.model.volume import FloatArray, apply_affine

GRID_MM = 3.0


LEAST_DICE = 0.90
"""Of the lungs, where both scans have them in view."""


LEAST_VESSELS = 0.65
"""Correlation of what lies inside the lungs; other patients and mirror images stayed below 0.6 when it was measured."""


LEAST_IN_COMMON = 0.2
"""Share of the current lungs that the prior must have in view."""


MOST_BACK_MM = 0.5
"""How far beside itself a place of the lungs may come back from the prior."""


METHOD = "rigid (Euler, correlation), then diffeomorphic demons at 3 mm in the lungs (SimpleITK)"


_DETAIL_MM = 9.0


_EACH = 7


@dataclass(frozen=True)
class _Fit:
    """How well two scans lie on each other, where both have something to show."""

    in_common: float
    """Share of the current lungs that the prior has in view."""
    dice: float
    surface_mm: float
    vessels: float
    back_mm: float
    """Largest distance from where a place of the lungs comes back to: the deformation must not fold."""


def fit_of(current: Chest, before: Chest, aligned: Aligned) -> _Fit:
    """Measure on the grid of the displacement."""
    index = np.moveaxis(np.indices(aligned.displacement.shape[:3]), 0, -1)
    mm = apply_affine(aligned.affine, index)
    there = aligned.to_prior(mm)
    lungs, hu, seen = sampled(current, mm)
    prior_lungs, prior_hu, prior_seen = sampled(before, there)
    both = seen & prior_seen
    in_common = float((lungs & both).sum() / max(lungs.sum(), 1))
    one, other = lungs & both, prior_lungs & both
    if not one.any() or not other.any():
        return _Fit(in_common, 0.0, float("inf"), 0.0, float("inf"))
    dice = float(2 * (one & other).sum() / (one.sum() + other.sum()))
    inside = ndimage.binary_erosion(one & other, iterations=2)
    places = mm[one][::_EACH]
    back_mm = float(np.linalg.norm(aligned.to_current(there[one][::_EACH]) - places, axis=-1).max())
    return _Fit(in_common, dice, _surface_mm(one, other, both), _detail_correlation(hu, prior_hu, inside), back_mm)


def sampled(
    chest: Chest, mm: FloatArray
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Look up the lungs, the HU, and whether there is anything to see, at places (LPS mm)."""
    index = np.moveaxis(apply_affine(np.linalg.inv(chest.affine).astype(np.float64), mm), -1, 0)
    lungs = ndimage.map_coordinates(chest.lungs.astype(np.float32), index, order=1) > 0.5
    hu = ndimage.map_coordinates(chest.hu, index, order=1, mode="nearest")
    seen = np.all([(n >= -0.5) & (n <= size - 0.5) for n, size in zip(index, chest.hu.shape, strict=True)], axis=0)
    return lungs, hu, seen


def _surface_mm(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], seen: npt.NDArray[np.bool_]) -> float:
    """Mean distance between two surfaces, both ways, mm; the edges of what is in view are none."""
    inside = ndimage.binary_erosion(seen, iterations=2)
    edges = [mask & ~ndimage.binary_erosion(mask) & inside for mask in (one, other)]
    if not all(edge.any() for edge in edges):
        return float("inf")
    away = [ndimage.distance_transform_edt(~edge, sampling=GRID_MM) for edge in edges]
    return float(np.concatenate([away[1][edges[0]], away[0][edges[1]]]).mean())


def _detail_correlation(
    one: npt.NDArray[np.float32], other: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]
) -> float:
    """Correlate what is smaller than some 2 cm: vessels and lesions, not the lungs' outline or density."""
    if inside.sum() < 100:
        return 0.0
    weight = ndimage.gaussian_filter(inside.astype(np.float32), _DETAIL_MM / GRID_MM)
    details = []
    for hu in (one, other):
        smooth = ndimage.gaussian_filter(np.where(inside, hu, 0.0), _DETAIL_MM / GRID_MM)
        details.append((hu - smooth / np.maximum(weight, 1e-3))[inside])
    return float(np.corrcoef(*details)[0, 1])


def assess_alignment(rigid: _Fit, fit: _Fit) -> Alignment:
    """Accept or refuse, in a sentence with the numbers."""
    numbers = f"lungs overlap by {fit.dice:.2f} (Dice), their vessels correlate by {fit.vessels:.2f}"
    why = ""
    if fit.in_common < LEAST_IN_COMMON:
        why = (
            f"the prior shows only {100 * fit.in_common:.0f} % of these lungs (at least "
            f"{100 * LEAST_IN_COMMON:.0f} % are needed)"
        )
    elif fit.dice < LEAST_DICE:
        why = f"their outlines do not fit (at least {LEAST_DICE:.2f} is needed): {numbers}"
    elif fit.vessels < LEAST_VESSELS:
        why = (
            f"the vessels in the lungs are not the same ones (a correlation of at least {LEAST_VESSELS:.2f} is "
            f"needed): {numbers}. Another patient, or one of the scans is mirrored?"
        )
    elif fit.back_mm > MOST_BACK_MM:
        why = f"the deformation folds: places of the lungs come back up to {fit.back_mm:.1f} mm beside themselves"
    said = f"The scans could not be brought together: {why.rstrip('.?')}{'?' if why.endswith('?') else '.'}"
    if not why:
        said = (
            f"The scans were brought together: {numbers}, {fit.surface_mm:.1f} mm are left between their surfaces, and "
            f"the prior shows {100 * fit.in_common:.0f} % of these lungs."
        )
    return Alignment(
        accepted=not why,
        quality=round(fit.dice, 4),
        rigid_quality=round(rigid.dice, 4),
        vessels=round(fit.vessels, 4),
        residual_mm=round(fit.surface_mm, 3) if np.isfinite(fit.surface_mm) else None,
        method=METHOD,
        says=said,
    )
