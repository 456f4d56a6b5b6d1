"""From a scan to what the network sees: the lungs at 1 mm in canonical orientation, and back.

Canonical means: z grows to the head, y to the back, x to the patient's left, as near as the scan's own axes allow
(an oblique scan keeps its oblique axes; the affine carries the truth).
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from napari_lesion.imaging import lungs as lung_masks
from napari_lesion.imaging import suitability
from napari_lesion.imaging.axes import canonical_axes, turned
from napari_lesion.model.findings import Heatmap
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.support.errors import GeometryError, LungsNotFoundError
from napari_lesion.support.progress import Progress, silent

HU_WINDOW = (-1000.0, 400.0)
"""HU at network intensity 0 and 1; values outside are clipped."""
SPACING_MM = 1.0
MARGIN_MM = 4.0
"""Tissue around the search region that the network still sees."""

_LUNG_GRID_MM = 2.0
_PARALLEL_TOLERANCE = 1e-4


@dataclass(frozen=True)
class LungBox:
    """The part of a scan that is searched, as the network sees it.

    Attributes
    ----------
    image : (d, h, w) float32
        HU scaled from ``HU_WINDOW`` to [0, 1].
    search : (d, h, w) bool
        Lungs widened by some 8 mm: where findings may lie.
    lungs : (d, h, w) bool
    beside_gas : (d, h, w) bool
        Where findings are not believed although they are searched: ``lungs.beside_gas``.
    affine : (4, 4)
        Index (k, j, i) → LPS mm. Axes are parallel to those of the scan.
    """

    image: Tensor = field(repr=False)
    search: npt.NDArray[np.bool_] = field(repr=False)
    lungs: npt.NDArray[np.bool_] = field(repr=False)
    beside_gas: npt.NDArray[np.bool_] = field(repr=False)
    affine: FloatArray
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class SearchRegion:
    """Where a lung scan is searched, on a coarse canonical grid.

    Attributes
    ----------
    search : (d, h, w) bool
        Lungs widened by some 8 mm.
    lungs : (d, h, w) bool
    beside_gas : (d, h, w) bool
        Outside the lungs, beside the gas of bowel, stomach and airways.
    affine : (4, 4)
        Index (k, j, i) → LPS mm.
    """

    search: npt.NDArray[np.bool_] = field(repr=False)
    lungs: npt.NDArray[np.bool_] = field(repr=False)
    beside_gas: npt.NDArray[np.bool_] = field(repr=False)
    affine: FloatArray
    warnings: tuple[str, ...] = ()


def canonical(volume: Volume) -> Volume:
    """Permute and flip the axes of a scan so that they grow to the head, the back and the left.

    No voxel is changed or copied. ``certificate`` still describes the scan as acquired.
    """
    voxels, affine = turned(volume.voxels, volume.affine)
    return replace(volume, voxels=voxels, affine=affine)


def respaced_grid(
    shape: tuple[int, ...], affine: FloatArray, spacing: tuple[float, float, float]
) -> tuple[tuple[int, int, int], FloatArray]:
    """Shape and affine of a grid with another pitch that starts at the same voxel centre."""
    old = spacing_of(affine)
    size = [round((n - 1) * o / s + 1.0) for n, o, s in zip(shape, old, spacing, strict=True)]
    target = affine.copy()
    target[:3, :3] *= np.asarray(spacing) / np.asarray(old)
    return (size[0], size[1], size[2]), target


def resample(
    image: npt.NDArray[Any],
    affine: FloatArray,
    target: FloatArray,
    shape: tuple[int, ...],
    *,
    outside: float | None = None,
) -> npt.NDArray[np.float32]:
    """Interpolate linearly onto a grid whose axes are parallel to the image's, slice by slice and axis by axis.

    Parameters
    ----------
    image : (z, y, x)
    affine, target : (4, 4)
        Index → mm of the image and of the wanted grid.
    shape : (z, y, x)
        Of the wanted grid.
    outside : float, optional
        Value further than half a voxel outside the image; by default the nearest value is continued.

    Returns
    -------
    (z, y, x) float32

    Raises
    ------
    GeometryError
        If the axes are not parallel.
    """
    relative = np.linalg.solve(affine, target)
    steps = np.diag(relative)[:3]
    if (np.abs(relative[:3, :3] - np.diag(steps)) * np.asarray(shape)).max() > _PARALLEL_TOLERANCE * max(image.shape):
        raise GeometryError("These two grids are not parallel, so one cannot be resampled axis by axis onto the other.")
    positions = [start + step * np.arange(n) for start, step, n in zip(relative[:3, 3], steps, shape, strict=True)]
    if outside is None:
        return _interpolate(image, positions)
    inside = [np.flatnonzero((p >= -0.5) & (p <= n - 0.5)) for p, n in zip(positions, image.shape, strict=True)]
    out = np.full(shape, outside, dtype=np.float32)
    if all(hits.size for hits in inside):
        part = tuple(slice(int(hits[0]), int(hits[-1]) + 1) for hits in inside)
        out[part] = _interpolate(image, [p[hits] for p, hits in zip(positions, inside, strict=True)])
    return out


def _interpolate(image: npt.NDArray[Any], positions: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float32]:
    """Linear interpolation at every (z, y, x) of three lists of indices; beyond its ends the image is continued."""
    lower, upper, weights = [], [], []
    for position, size in zip(positions, image.shape, strict=True):
        inside = np.clip(position, 0, size - 1)
        below = np.floor(inside).astype(np.intp)
        lower.append(below)
        upper.append(np.minimum(below + 1, size - 1))
        weights.append((inside - below).astype(np.float32))
    out = np.empty([p.size for p in positions], dtype=np.float32)
    row_weights, column_weights = weights[1][:, None], weights[2]
    for k in range(out.shape[0]):
        # A slice at a time stays in the cache, and needs no copy of the scan.
        plane = _between(image[lower[0][k]].astype(np.float32), image[upper[0][k]], weights[0][k])
        plane = _between(plane.take(lower[1], axis=0), plane.take(upper[1], axis=0), row_weights)
        out[k] = _between(plane.take(lower[2], axis=1), plane.take(upper[2], axis=1), column_weights)
    return out


def _between(
    lower: npt.NDArray[np.float32], upper: npt.NDArray[Any], weight: npt.NDArray[np.float32] | np.float32
) -> npt.NDArray[np.float32]:
    difference: npt.NDArray[np.float32] = upper - lower
    difference *= weight
    difference += lower
    return difference


_kept: dict[int, tuple[weakref.ref[object], FloatArray, SearchRegion]] = {}


def find_search_region(volume: Volume) -> SearchRegion:
    """Find the lungs of a scan, once for each scan, and the region around them that is worth searching.

    Raises
    ------
    LungsNotFoundError
        If no lung is in view.
    """
    key = id(volume.voxels)
    kept = _kept.get(key)
    if kept is not None and kept[0]() is volume.voxels and np.array_equal(kept[1], volume.affine):
        return kept[2]
    region = _search_region(volume)
    _kept[key] = (weakref.ref(volume.voxels, lambda _: _kept.pop(key, None)), volume.affine.copy(), region)
    return region


def _search_region(volume: Volume) -> SearchRegion:
    coarse, affine = coarse_grid(canonical(volume))
    spacing = spacing_of(affine)
    try:
        lungs = lung_masks.find_lungs(coarse, spacing)
    except LungsNotFoundError as error:
        raise LungsNotFoundError(f"series {volume.series.series_uid}: {error}") from error
    warnings = list(suitability.of_lungs(lungs, coarse, affine))
    opaque = lung_masks.opaque_lung(lungs, coarse, spacing)
    if opaque.any():
        side = "right" if _center_x(opaque) < _center_x(lungs) else "left"
        warnings.append(
            f"A part of the {side} lung ({opaque.sum() * np.prod(spacing) / 1000:.0f} ml) holds no air where the other "
            "lung does (consolidation, effusion, raised diaphragm, earlier surgery?); it was searched too."
        )
        lungs |= opaque
    gas = lung_masks.beside_gas(lungs, coarse, spacing)
    return SearchRegion(lung_masks.search_region(lungs, spacing), lungs, gas, affine, tuple(warnings))


def scaled(image: Tensor, values: tuple[float, float], become: tuple[float, float]) -> Tensor:
    """Map two values linearly to two others and clip what lies beyond them: a new float32 tensor."""
    scale = (become[1] - become[0]) / (values[1] - values[0])
    return (image.to(torch.float32) * scale).add_(become[0] - values[0] * scale).clamp_(*become)


def prepare(volume: Volume, *, spacing_mm: float = SPACING_MM, progress: Progress = silent) -> LungBox:
    """Find the lungs and bring them into the form that the network was trained on.

    It is the MONAI pipeline ``monai_transforms.pipeline``, without importing MONAI, which takes seconds.

    Parameters
    ----------
    volume : Volume
        CT in HU, any orientation.
    spacing_mm : float
        Voxel pitch of the box.

    Raises
    ------
    LungsNotFoundError
        If no lung is in view.
    """
    progress(0, 2, "finding the lungs")
    scan = canonical(volume)
    region = find_search_region(volume)
    progress(1, 2, "resampling the lungs")
    box = _bounding_box(region.search, region.affine, scan)
    affine = scan.affine.copy()
    affine[:3, 3] = scan.to_patient([part.start for part in box])
    _, grid = respaced_grid(scan.voxels[box].shape, affine, (spacing_mm,) * 3)
    # That grid may end up to half a step after the last voxel, where there is nothing to see: leave this out.
    reach = [(part.stop - 1 - part.start) * pitch for part, pitch in zip(box, scan.spacing, strict=True)]
    shape = tuple(int(length / spacing_mm + 1e-6) + 1 for length in reach)
    image = torch.from_numpy(resample(scan.voxels[box], affine, grid, shape))
    result = LungBox(
        image=scaled(image, HU_WINDOW, (0.0, 1.0)),
        search=_mask_on_grid(region.search, region.affine, grid, shape),
        lungs=_mask_on_grid(region.lungs, region.affine, grid, shape),
        beside_gas=_mask_on_grid(region.beside_gas, region.affine, grid, shape),
        affine=grid,
        warnings=region.warnings,
    )
    progress(2, 2, "lungs ready")
    return result


def image_hu(volume: Volume, box: LungBox) -> npt.NDArray[np.int16]:
    """Give the box in HU, neither scaled nor clipped: (d, h, w) int16 on the grid of ``box``."""
    scan = canonical(volume)
    shape = tuple(box.image.shape)
    corners = scan.to_index(_corners(box.affine, shape))
    low = np.maximum(np.floor(corners.min(axis=0) - 1e-3).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0) + 1e-3).astype(int) + 1, scan.shape)
    part = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    affine = scan.affine.copy()
    affine[:3, 3] = scan.to_patient(low)
    hu = resample(scan.voxels[part], affine, box.affine, shape)
    return np.rint(hu, out=hu).astype(np.int16)


def to_scanner_grid(heatmap: Heatmap, volume: Volume) -> npt.NDArray[np.float32]:
    """Interpolate the heatmap linearly on the voxels of the scan, 0 outside: float32, shaped like ``volume``."""
    axes, flips = canonical_axes(volume.affine)
    scan = canonical(volume)
    out = resample(heatmap.values, heatmap.affine, scan.affine, scan.shape, outside=0.0)
    out = out[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    result: npt.NDArray[np.float32] = np.ascontiguousarray(out.transpose(np.argsort(axes)))
    return result


def coarse_grid(scan: Volume) -> tuple[npt.NDArray[np.float32], FloatArray]:
    """Average the scan over blocks of about 2 mm; what is left over at the far ends is dropped."""
    factors = [min(max(1, round(_LUNG_GRID_MM / s)), n) for s, n in zip(scan.spacing, scan.shape, strict=True)]
    size = [n // f for n, f in zip(scan.shape, factors, strict=True)]
    mean = np.empty(size, dtype=np.float32)
    scale = np.float32(1 / np.prod(factors))
    (nz, ny, nx), (fz, fy, fx) = size, factors
    for k in range(nz):
        plane = scan.voxels[k * fz : (k + 1) * fz, : ny * fy, : nx * fx].sum(axis=0, dtype=np.float32)
        rows = sum(plane[n::fy] for n in range(fy))
        mean[k] = sum(rows[:, n::fx] for n in range(fx)) * scale
    affine = scan.affine.copy()
    affine[:3, :3] *= factors
    affine[:3, 3] = scan.to_patient([(f - 1) / 2 for f in factors])
    return mean, affine


def _bounding_box(mask: npt.NDArray[np.bool_], affine: FloatArray, scan: Volume) -> tuple[slice, slice, slice]:
    """Voxels of the scan that hold a mask given on a parallel grid, with a margin."""
    low, high = [], []
    for axis in range(3):
        hits = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        low.append(hits[0] - 0.5)
        high.append(hits[-1] + 0.5)
    corners = scan.to_index(apply_affine(affine, [low, high]))
    margin = MARGIN_MM / np.asarray(scan.spacing)
    start = np.maximum(np.floor(corners[0] - margin).astype(int), 0)
    stop = np.minimum(np.ceil(corners[1] + margin).astype(int) + 1, scan.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))  # type: ignore[return-value]


def _center_x(mask: npt.NDArray[np.bool_]) -> float:
    return float(np.average(np.arange(mask.shape[2]), weights=mask.sum(axis=(0, 1))))


def _mask_on_grid(
    mask: npt.NDArray[np.bool_], affine: FloatArray, grid: FloatArray, shape: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    result: npt.NDArray[np.bool_] = resample(mask, affine, grid, shape) > 0.5
    return result


def _corners(affine: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    return apply_affine(affine, np.array([[0, 0, 0], np.asarray(shape) - 1]))
