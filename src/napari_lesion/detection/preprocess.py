"""From a scan to what the network sees: the lungs at 1 mm in canonical orientation, and back.

Canonical means: z grows to the head, y to the back, x to the patient's left, as near as the scan's own axes allow
(an oblique scan keeps its oblique axes; the affine carries the truth).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from monai.transforms.intensity.dictionary import ScaleIntensityRanged
from monai.transforms.inverse import InvertibleTransform
from monai.transforms.spatial.dictionary import Orientationd
from monai.transforms.transform import MapTransform
from monai.utils.enums import TraceKeys
from torch import Tensor

from napari_lesion.detection import lungs as lung_masks
from napari_lesion.errors import GeometryError, LungsNotFoundError
from napari_lesion.findings import Heatmap
from napari_lesion.progress import Progress, silent
from napari_lesion.volume import FloatArray, Volume, apply_affine, spacing_of

HU_WINDOW = (-1000.0, 400.0)
"""HU at network intensity 0 and 1; values outside are clipped."""
SPACING_MM = 1.0
MARGIN_MM = 4.0
"""Tissue around the search region that the network still sees."""
AXCODES = "SPL"
"""Canonical orientation in MONAI's (RAS) letters: the axes grow to the head, to the back and to the left."""

_LUNG_GRID_MM = 2.0
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_PARALLEL_TOLERANCE = 1e-4
_RAS_LABELS = (("L", "R"), ("P", "A"), ("I", "S"))


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
    affine : (4, 4)
        Index (k, j, i) → LPS mm. Axes are parallel to those of the scan.
    """

    image: Tensor = field(repr=False)
    search: npt.NDArray[np.bool_] = field(repr=False)
    lungs: npt.NDArray[np.bool_] = field(repr=False)
    affine: FloatArray
    warnings: tuple[str, ...] = ()


def canonical(volume: Volume) -> Volume:
    """Permute and flip the axes of a scan so that they grow to the head, the back and the left.

    No voxel is changed or copied. ``certificate`` still describes the scan as acquired.
    """
    axes, flips = _canonical_axes(volume.affine)
    voxels = volume.voxels.transpose(axes)
    affine = volume.affine[:, [*axes, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            affine[:3, 3] += affine[:3, axis] * (voxels.shape[axis] - 1)
            affine[:3, axis] *= -1
    voxels = voxels[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    return replace(volume, voxels=voxels, affine=affine)


def _canonical_axes(affine: FloatArray) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    """Which index axis lies nearest to z, y and x, and whether it runs against them."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    best = max(orders, key=lambda order: sum(abs(directions[2 - row, axis]) for row, axis in enumerate(order)))
    flips = [bool(directions[2 - row, axis] < 0) for row, axis in enumerate(best)]
    return best, (flips[0], flips[1], flips[2])


def to_metatensor(voxels: npt.NDArray[np.generic], affine: FloatArray) -> MetaTensor:
    """(z, y, x) with its LPS affine → MONAI's (1, z, y, x) with its RAS affine. The one place where LPS becomes RAS."""
    tensor = torch.from_numpy(np.ascontiguousarray(voxels))[None]
    return MetaTensor(tensor, affine=torch.from_numpy(_LPS_TO_RAS @ affine))


def lps_affine(tensor: MetaTensor) -> FloatArray:
    """Index (k, j, i) → LPS mm of a MetaTensor. The one place where RAS becomes LPS."""
    result: FloatArray = _LPS_TO_RAS @ tensor.affine.numpy().astype(np.float64)
    return result


class FastSpacingd(MapTransform, InvertibleTransform):
    """Resample to another voxel pitch: MONAI's ``Spacingd`` (bilinear, border) for the price of one pass per axis.

    The first voxel's centre stays where it is and the last one's is reached as nearly as the pitch allows, exactly
    as ``Spacingd`` places its grid.

    Parameters
    ----------
    keys
        Keys of (c, z, y, x) MetaTensors.
    pixdim : (z, y, x), mm
    """

    def __init__(self, keys: Any, pixdim: tuple[float, float, float], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.pixdim = pixdim

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Resample every key to ``pixdim``."""
        result = dict(data)
        for key in self.key_iterator(result):
            image: MetaTensor = result[key]
            affine = image.affine.numpy().astype(np.float64)
            shape, target = respaced_grid(tuple(image.shape[1:]), affine, self.pixdim)
            out = _wrap(resample(image.as_tensor(), affine, target, shape), image, target)
            self.push_transform(  # type: ignore[no-untyped-call]
                out, orig_size=tuple(image.shape[1:]), extra_info={"affine": affine, "dtype": str(image.dtype)}
            )
            result[key] = out
        return result

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Resample every key back onto the grid that it came from."""
        result = dict(data)
        for key in self.key_iterator(result):
            image: MetaTensor = result[key]
            record = self.pop_transform(image)
            target = np.asarray(record[TraceKeys.EXTRA_INFO]["affine"])
            shape = record[TraceKeys.ORIG_SIZE]
            affine = image.affine.numpy().astype(np.float64)
            result[key] = _wrap(resample(image.as_tensor(), affine, target, shape), image, target)
        return result


def _wrap(tensor: Tensor, like: MetaTensor, affine: FloatArray) -> MetaTensor:
    out = MetaTensor(tensor)
    out.copy_meta_from(like)  # type: ignore[no-untyped-call]
    out.affine = torch.from_numpy(affine)
    return out


def respaced_grid(
    shape: tuple[int, ...], affine: FloatArray, spacing: tuple[float, float, float]
) -> tuple[tuple[int, int, int], FloatArray]:
    """Shape and affine of a grid with another pitch that starts at the same voxel centre."""
    old = spacing_of(affine)
    size = [round((n - 1) * o / s) + 1 for n, o, s in zip(shape, old, spacing, strict=True)]
    target = affine.copy()
    target[:3, :3] *= np.asarray(spacing) / np.asarray(old)
    return (size[0], size[1], size[2]), target


def resample(
    image: Tensor,
    affine: FloatArray,
    target: FloatArray,
    shape: tuple[int, ...],
    *,
    outside: float | None = None,
) -> Tensor:
    """Linear interpolation onto a grid whose axes are parallel to the image's, one axis after the other.

    Parameters
    ----------
    image : (..., z, y, x)
    affine, target : (4, 4)
        Index → mm of the image and of the wanted grid.
    shape : (z, y, x)
        Of the wanted grid.
    outside : float, optional
        Value further than half a voxel outside the image; by default the nearest value is continued.

    Returns
    -------
    (..., z, y, x) float32

    Raises
    ------
    GeometryError
        If the axes are not parallel.
    """
    relative = np.linalg.solve(affine, target)
    steps = np.diag(relative)[:3]
    skew = np.abs(relative[:3, :3] - np.diag(steps)) * np.asarray(shape)
    if skew.max() > _PARALLEL_TOLERANCE * max(image.shape[-3:]):
        raise GeometryError("These two grids are not parallel, so one cannot be resampled axis by axis onto the other.")
    result = image
    positions = [relative[axis, 3] + steps[axis] * np.arange(shape[axis]) for axis in range(3)]
    # The axis that shrinks most goes first: less is left to do.
    for axis in sorted(range(3), key=lambda a: shape[a] / image.shape[a - 3]):
        result = _resample_axis(result, axis - 3, positions[axis], outside)
    return result.to(torch.float32)


def _resample_axis(image: Tensor, dim: int, positions: npt.NDArray[np.float64], outside: float | None) -> Tensor:
    size = image.shape[dim]
    inside = np.clip(positions, 0, size - 1)
    lower = np.minimum(np.floor(inside).astype(np.int64), max(size - 2, 0))
    weight = torch.from_numpy((inside - lower).astype(np.float32))
    lower_index = torch.from_numpy(lower)
    below = image.index_select(dim, lower_index).to(torch.float32)
    if size > 1:
        above = image.index_select(dim, lower_index + 1).to(torch.float32)
        column = [1] * image.ndim
        column[dim] = -1
        below.lerp_(above, weight.reshape(column))
    if outside is not None:
        beyond = torch.from_numpy(np.flatnonzero((positions < -0.5) | (positions > size - 0.5)))
        below.index_fill_(dim, beyond, outside)
    return below


def prepare(volume: Volume, *, spacing_mm: float = SPACING_MM, progress: Progress = silent) -> LungBox:
    """Find the lungs and bring them into the form that the network was trained on.

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
    coarse, coarse_affine = _block_mean(scan)
    spacing = spacing_of(coarse_affine)
    try:
        lungs = lung_masks.find_lungs(coarse, spacing)
    except LungsNotFoundError as error:
        raise LungsNotFoundError(f"series {volume.series.series_uid}: {error}") from error
    search = lung_masks.search_region(lungs, spacing)
    progress(1, 2, "resampling the lungs")
    box = _bounding_box(search, coarse_affine, scan)
    affine = scan.affine.copy()
    affine[:3, 3] = scan.to_patient([part.start for part in box])
    transform = Compose(
        [
            Orientationd("image", axcodes=AXCODES, labels=_RAS_LABELS),
            FastSpacingd("image", (spacing_mm,) * 3),
            ScaleIntensityRanged("image", *HU_WINDOW, 0.0, 1.0, clip=True),
        ]
    )
    image: MetaTensor = transform({"image": to_metatensor(scan.voxels[box], affine)})["image"]
    grid = lps_affine(image)
    # Spacingd's grid may end up to half a step after the last voxel, where it repeats that voxel: leave this out.
    reach = [(part.stop - 1 - part.start) * pitch for part, pitch in zip(box, scan.spacing, strict=True)]
    shape = tuple(int(length / spacing_mm + 1e-6) + 1 for length in reach)
    depth, height, width = shape
    result = LungBox(
        image=image.as_tensor()[0, :depth, :height, :width].contiguous(),
        search=_mask_on_grid(search, coarse_affine, grid, shape),
        lungs=_mask_on_grid(lungs, coarse_affine, grid, shape),
        affine=grid,
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
    voxels = torch.from_numpy(np.ascontiguousarray(scan.voxels[part]))
    hu: npt.NDArray[np.int16] = resample(voxels, affine, box.affine, shape).round_().to(torch.int16).numpy()
    return hu


def to_scanner_grid(heatmap: Heatmap, volume: Volume) -> npt.NDArray[np.float32]:
    """Interpolate the heatmap linearly on the voxels of the scan, 0 outside: float32, shaped like ``volume``."""
    axes, flips = _canonical_axes(volume.affine)
    scan = canonical(volume)
    values = torch.from_numpy(np.ascontiguousarray(heatmap.values))
    out = resample(values, heatmap.affine, scan.affine, scan.shape, outside=0.0).numpy()
    out = out[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    result: npt.NDArray[np.float32] = np.ascontiguousarray(out.transpose(np.argsort(axes)))
    return result


def _block_mean(scan: Volume) -> tuple[npt.NDArray[np.float32], FloatArray]:
    """Average the scan over blocks of about 2 mm; what is left over at the far ends is dropped."""
    factors = [min(max(1, round(_LUNG_GRID_MM / s)), n) for s, n in zip(scan.spacing, scan.shape, strict=True)]
    size = [n // f for n, f in zip(scan.shape, factors, strict=True)]
    total: npt.NDArray[Any] = scan.voxels[: size[0] * factors[0], : size[1] * factors[1], : size[2] * factors[2]]
    for axis, factor in enumerate(factors):
        parts = [total[(slice(None),) * axis + (slice(n, None, factor),)] for n in range(factor)]
        added = parts[0].astype(np.float32)
        for part in parts[1:]:
            added += part
        total = added
    affine = scan.affine.copy()
    affine[:3, :3] *= factors
    affine[:3, 3] = scan.to_patient([(f - 1) / 2 for f in factors])
    mean: npt.NDArray[np.float32] = (total / np.float32(np.prod(factors))).astype(np.float32, copy=False)
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


def _mask_on_grid(
    mask: npt.NDArray[np.bool_], affine: FloatArray, grid: FloatArray, shape: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    values = torch.from_numpy(mask.view(np.uint8))
    result: npt.NDArray[np.bool_] = (resample(values, affine, grid, shape) > 0.5).numpy()
    return result


def _corners(affine: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    return apply_affine(affine, np.array([[0, 0, 0], np.asarray(shape) - 1]))
