"""Open a DICOM segmentation (SEG), ours or another program's, on the scan that it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.errors import InvalidDicomError

from napari_lesion.dicom_objects.references import DAMAGED
from napari_lesion.dicom_objects.segmentation_file import (
    PlacedFrame,
    Segment,
    SegmentationFile,
    read_segmentation,
    segmentation_header,
)
from napari_lesion.model.findings import Heatmap
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import FloatArray, Volume, apply_affine
from napari_lesion.support.errors import DecodeError, SeriesError
from napari_lesion.support.vault import open_file

#: Voxels of a scan and of a segmentation that lie closer than this, in voxels, are the same.
_SAME_VOXEL = 0.01
#: From this probability or occupancy on, a voxel of a fractional segment belongs to it.
_INSIDE = 0.5

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NamedMask:
    """One segment on a scan."""

    segment: Segment
    mask: Mask


def load_seg(path: Path | str) -> SegmentationFile:
    """Read what a segmentation says, but not its pixels.

    Raises
    ------
    SeriesError
        If it is no segmentation, or does not say where its frames lie.
    """
    path = Path(path)
    dataset = read_segmentation(path)
    try:
        return segmentation_header(path, dataset)
    except DAMAGED as error:
        raise SeriesError(
            f"{path.name}: its header lacks what a segmentation needs ({error}). Export it again."
        ) from error


def masks_from_seg(path: Path | str, volume: Volume) -> tuple[tuple[NamedMask, ...], tuple[str, ...]]:
    """Put the segments of a DICOM SEG onto a scan.

    Where both grids agree every voxel is exactly the one that was stored; else each voxel of the scan takes the
    nearest one of the segmentation, and a note says so. Fractional segments count from one half.

    Parameters
    ----------
    path : path
    volume : Volume
        The scan.

    Returns
    -------
    masks : tuple of NamedMask
        Segments that have a voxel in the scan, in the order of their numbers.
    notes : tuple of str
        What to know about the placement, a sentence each.

    Raises
    ------
    SeriesError
        If it is no segmentation, or of another scan.
    DecodeError
        If its pixels are damaged.
    """
    seg = load_seg(path)
    notes = seg.refers.check(volume)
    if seg.kind == "FRACTIONAL":
        notes.append(
            f"{seg.path.name} holds fractions ({seg.fractional.lower()}); masks are where they reach one half."
        )
    parts: dict[int, list[tuple[BoolArray, tuple[int, int, int]]]] = defaultdict(list)
    resampled = False
    limit = _INSIDE * seg.largest if seg.kind == "FRACTIONAL" else 0.5
    stacks = _Stacks(seg, volume)
    for frame, stored in _frames(seg):
        for number in frame.segments:
            inside = stored == number if seg.kind == "LABELMAP" else stored >= limit
            if not inside.any():
                continue
            found, exact = stacks.place(frame, number, inside)
            resampled = resampled or not exact
            parts[number] += found
    masks = []
    for segment in seg.segments:
        mask = _joined(parts.get(segment.number, []))
        if mask is None:
            notes.append(f"Segment {segment.number} ({segment.label}) has no voxel in this scan.")
            continue
        masks.append(NamedMask(segment, mask))
    if resampled:
        notes.append(
            f"The grid of {seg.path.name} is not that of the scan: each voxel took the nearest one of it, so "
            "outlines may be off by half a voxel."
        )
    return tuple(masks), tuple(notes)


def heatmap_from_seg(path: Path | str, volume: Volume) -> tuple[Heatmap, tuple[str, ...]]:
    """Read a fractional segmentation as a heatmap; where it has several segments, their largest value counts.

    Raises
    ------
    SeriesError
        If it is not fractional, of another scan, or not on the scan's grid.
    DecodeError
        If its pixels are damaged.
    """
    seg = load_seg(path)
    if seg.kind != "FRACTIONAL":
        raise SeriesError(
            f"{seg.path.name} is a {seg.kind.lower()} segmentation, not one with fractions: open its masks."
        )
    if not seg.frames:
        raise SeriesError(f"{seg.path.name} describes no frame, so there is no heatmap in it. Export it again.")
    notes = seg.refers.check(volume)
    slices, shape = [], _shape(seg)
    for frame in seg.frames:
        k = _slice_of(frame, volume, shape)
        if k is None:
            raise SeriesError(f"{seg.path.name}: its fractions are not on the grid of this scan. Open its masks.")
        slices.append(k)
    first, last = min(slices), max(slices)
    values = np.zeros((last - first + 1, *volume.shape[1:]), np.float32)
    for (_, stored), k in zip(_frames(seg), slices, strict=True):
        np.maximum(values[k - first], stored.astype(np.float32) / seg.largest, out=values[k - first])
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient((first, 0, 0))
    return Heatmap(values, affine), tuple(notes)


def _frames(seg: SegmentationFile) -> Iterator[tuple[PlacedFrame, npt.NDArray[np.integer[Any]]]]:
    """Yield every frame with its stored values (rows, columns)."""
    from pydicom.pixels.utils import iter_pixels

    try:
        with open_file(seg.path)[0] as file:
            yield from zip(seg.frames, iter_pixels(file, raw=True), strict=True)
    except DAMAGED as error:
        raise DecodeError(f"{seg.path.name}: its pixels cannot be read ({error}). Export it again.") from error


def _shape(seg: SegmentationFile) -> tuple[int, int]:
    try:
        with open_file(seg.path)[0] as file:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
        return int(header.Rows), int(header.Columns)
    except (InvalidDicomError, *DAMAGED) as error:
        raise SeriesError(
            f"{seg.path.name}: the size of its frames cannot be read ({error}). Export it again."
        ) from error


def _slice_of(frame: PlacedFrame, volume: Volume, shape: tuple[int, int]) -> int | None:
    """Find the scan's slice of which every voxel is the frame's voxel with the same row and column."""
    rows, columns = shape
    if shape != volume.shape[1:]:
        return None
    corners = np.array([(0, 0, 0), (0, rows - 1, 0), (0, 0, columns - 1), (0, rows - 1, columns - 1)], dtype=np.float64)
    index = volume.to_index(apply_affine(frame.affine, corners))
    k = round(float(index[0, 0]))
    if not 0 <= k < volume.shape[0] or np.abs(index - corners - (k, 0, 0)).max() > _SAME_VOXEL:
        return None
    return k


class _Stacks:
    """Puts frames onto a scan: exactly where the grids agree, else by the nearest voxel."""

    def __init__(self, seg: SegmentationFile, volume: Volume) -> None:
        self._seg = seg
        self._volume = volume
        #: By segment: depths of its frames along their normal, to share the space between two of them.
        self._depths: dict[int, FloatArray] = {}
        for segment in seg.segments:
            depths = [_depth(frame) for frame in seg.frames if segment.number in frame.segments]
            self._depths[segment.number] = np.unique(np.round(depths, 4))

    def place(
        self, frame: PlacedFrame, number: int, inside: BoolArray
    ) -> tuple[list[tuple[BoolArray, tuple[int, int, int]]], bool]:
        """Give the parts of the scan (voxels, offset) that a frame covers, and whether that is exact."""
        k = _slice_of(frame, self._volume, (inside.shape[0], inside.shape[1]))
        if k is not None:
            return [(inside[None], (k, 0, 0))], True
        return self._nearest(frame, number, inside), False

    def _nearest(
        self, frame: PlacedFrame, number: int, inside: BoolArray
    ) -> list[tuple[BoolArray, tuple[int, int, int]]]:
        below, above = self._reach(frame, number)
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        ends = [(below, above), (rows[0] - 0.5, rows[-1] + 0.5), (columns[0] - 0.5, columns[-1] + 0.5)]
        corners = np.array(np.meshgrid(*ends, indexing="ij"), dtype=np.float64).reshape(3, -1).T
        index = self._volume.to_index(apply_affine(frame.affine, corners))
        low = np.maximum(np.ceil(index.min(axis=0) - 1e-6), 0).astype(int)
        high = np.minimum(np.floor(index.max(axis=0) + 1e-6), np.subtract(self._volume.shape, 1)).astype(int)
        if (low > high).any():
            return []
        voxels = np.stack(
            np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)), indexing="ij"), -1
        )
        back = np.linalg.inv(frame.affine) @ self._volume.affine
        places = apply_affine(back, voxels)
        nearest = np.floor(places[..., 1:] + 0.5).astype(int)
        size = np.array(inside.shape)
        within = ((nearest >= 0) & (nearest < size)).all(axis=-1)
        within &= (places[..., 0] >= below) & (places[..., 0] < above)
        clipped = np.clip(nearest, 0, size - 1)
        covered = within & inside[clipped[..., 0], clipped[..., 1]]
        offset = (int(low[0]), int(low[1]), int(low[2]))
        return [(covered, offset)] if covered.any() else []

    def _reach(self, frame: PlacedFrame, number: int) -> tuple[float, float]:
        """Distances below and above a frame, mm along its normal, that belong to it and to no other frame.

        Half of the way to the next frame, and never more than half of the segmentation's slice distance.
        """
        half = self._seg.thickness_mm / 2
        depths, depth = self._depths[number], _depth(frame)
        lower = depths[depths < depth - 1e-3]
        upper = depths[depths > depth + 1e-3]
        below = min(half, (depth - lower[-1]) / 2) if lower.size else half
        above = min(half, (upper[0] - depth) / 2) if upper.size else half
        return -float(below), float(above)


def _depth(frame: PlacedFrame) -> float:
    return float(frame.affine[:3, 3] @ frame.affine[:3, 0])


def _joined(parts: list[tuple[BoolArray, tuple[int, int, int]]]) -> Mask | None:
    """Make one mask of its parts; None where there is none."""
    small: list[tuple[Any, tuple[int, int, int]]] = []
    for voxels, offset in parts:
        mask = Mask.of(voxels, offset)
        small.append((mask.voxels, mask.offset))
    if not small:
        return None
    low = np.min([offset for _, offset in small], axis=0)
    high = np.max([np.add(offset, voxels.shape) for voxels, offset in small], axis=0)
    whole = np.zeros(high - low, bool)
    for voxels, offset in small:
        start = np.subtract(offset, low)
        whole[tuple(slice(s, s + n) for s, n in zip(start, voxels.shape, strict=True))] |= voxels
    k, j, i = (int(value) for value in low)
    return Mask.of(whole, (k, j, i))
