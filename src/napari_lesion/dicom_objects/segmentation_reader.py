"""Open a DICOM segmentation (SEG), ours or another program's, on the scan that it belongs to."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from napari_lesion.dicom.read.geometry import axes_of
from napari_lesion.dicom_objects.concepts import code_of
from napari_lesion.dicom_objects.references import DAMAGED, Refers
from napari_lesion.model.findings import Heatmap
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import FloatArray, Volume, apply_affine
from napari_lesion.support.errors import DecodeError, SeriesError

SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""SOP classes: segmentation, and label map segmentation."""

#: Voxels of a scan and of a segmentation that lie closer than this, in voxels, are the same.
_SAME_VOXEL = 0.01
#: From this probability or occupancy on, a voxel of a fractional segment belongs to it.
_INSIDE = 0.5

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Segment:
    """One segment, as it is described."""

    number: int
    label: str
    kind: str = ""
    """What it shows, in the words of its code."""
    tracking_id: str = ""
    tracking_uid: str = ""
    made_by: str = ""
    """Name of the algorithm; "manual" where a person drew it."""


@dataclass(frozen=True)
class PlacedFrame:
    """One frame of a segmentation in space."""

    index: int
    """0-based, in the file."""
    segments: tuple[int, ...]
    """Numbers of the segments in it: one, or all of a label map."""
    affine: FloatArray
    """Index (row, column) as (0, j, i) → LPS mm."""


@dataclass(frozen=True)
class SegmentationFile:
    """What the header of a segmentation says."""

    path: Path
    sop_instance_uid: str
    refers: Refers
    kind: str
    """BINARY, FRACTIONAL or LABELMAP."""
    fractional: str
    """PROBABILITY or OCCUPANCY."""
    largest: int
    """Stored value that means 1, of a fractional one."""
    segments: tuple[Segment, ...]
    frames: tuple[PlacedFrame, ...]
    thickness_mm: float
    """How far a frame reaches through the plane."""


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
    dataset = _read(path)
    try:
        return _header(path, dataset)
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


def _read(path: Path) -> Dataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            sop_class, kind = str(dataset.get("SOPClassUID", "")), dataset.get("Modality") or "unknown kind"
    except (InvalidDicomError, *DAMAGED) as error:
        raise SeriesError(f"{path}: it cannot be read as DICOM ({error}).") from error
    if sop_class not in SEGMENTATIONS:
        raise SeriesError(f"{path.name}: it is no DICOM segmentation but of {kind}. Choose a SEG object.")
    return dataset


def _header(path: Path, dataset: Dataset) -> SegmentationFile:
    shared = dataset.SharedFunctionalGroupsSequence[0] if dataset.get("SharedFunctionalGroupsSequence") else Dataset()
    kind = str(dataset.get("SegmentationType", "BINARY"))
    segments = tuple(_segment(item) for item in dataset.SegmentSequence)
    if kind == "LABELMAP":  # which describes its background, too
        background = int(dataset.get("PixelPaddingValue", 0))
        segments = tuple(segment for segment in segments if segment.number != background)
    all_numbers = tuple(segment.number for segment in segments)
    thickness = 0.0
    frames = []
    for index, own in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        position = _group(own, shared, "PlanePositionSequence").ImagePositionPatient
        orientation = _group(own, shared, "PlaneOrientationSequence").ImageOrientationPatient
        measures = _group(own, shared, "PixelMeasuresSequence")
        axes = axes_of([float(x) for x in orientation])
        if axes is None:
            raise ValueError(f"the orientation of frame {index + 1} is no pair of unit vectors at a right angle")
        pitch = [float(x) for x in measures.PixelSpacing]
        thickness = float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 0) or thickness
        affine = np.eye(4)
        affine[:3, 0] = axes.normal
        affine[:3, 1] = axes.column * pitch[0]
        affine[:3, 2] = axes.row * pitch[1]
        affine[:3, 3] = [float(x) for x in position]
        if not np.isfinite(affine).all() or min(pitch) <= 0:
            raise ValueError(f"frame {index + 1} has no place")
        if kind == "LABELMAP":
            numbers = all_numbers
        else:
            numbers = (int(_group(own, shared, "SegmentIdentificationSequence").ReferencedSegmentNumber),)
        frames.append(PlacedFrame(index, numbers, affine))
    referenced = {str(item.SeriesInstanceUID) for item in dataset.get("ReferencedSeriesSequence", [])}
    return SegmentationFile(
        path=path,
        sop_instance_uid=str(dataset.SOPInstanceUID),
        refers=Refers(
            name=path.name,
            patient_id=str(dataset.get("PatientID", "")),
            series_uids=tuple(sorted(referenced)),
            sop_instance_uids=_sources(dataset),
            frames_of_reference=(str(dataset.get("FrameOfReferenceUID", "")),),
        ),
        kind=kind,
        fractional=str(dataset.get("SegmentationFractionalType", "")),
        largest=int(dataset.get("MaximumFractionalValue", 1) or 1),
        segments=segments,
        frames=tuple(frames),
        thickness_mm=min((step for step in (thickness, _step(frames)) if step > 0), default=1.0),
    )


def _sources(dataset: Dataset) -> frozenset[str]:
    """SOP instance UIDs of the images that its frames were made from."""
    groups = [*dataset.get("SharedFunctionalGroupsSequence", []), *dataset.PerFrameFunctionalGroupsSequence]
    return frozenset(
        str(source.ReferencedSOPInstanceUID)
        for group in groups
        for derivation in group.get("DerivationImageSequence", [])
        for source in derivation.get("SourceImageSequence", [])
        if "ReferencedSOPInstanceUID" in source
    )


def _group(own: Dataset, shared: Dataset, keyword: str) -> Dataset:
    """Find a functional group of a frame, or the one that all frames share."""
    sequence = own.get(keyword) or shared.get(keyword)
    if not sequence:
        raise ValueError(f"{keyword} is missing")
    item: Dataset = sequence[0]
    return item


def _segment(item: Dataset) -> Segment:
    kind = code_of(item, "SegmentedPropertyTypeCodeSequence")
    manual = str(item.get("SegmentAlgorithmType", "")) == "MANUAL"
    number = int(item.SegmentNumber)
    return Segment(
        number=number,
        label=str(item.get("SegmentLabel", "")) or f"Segment {number}",
        kind=kind.meaning,
        tracking_id=str(item.get("TrackingID", "")),
        tracking_uid=str(item.get("TrackingUID", "")),
        made_by="manual" if manual else str(item.get("SegmentAlgorithmName", "")),
    )


def _step(frames: list[PlacedFrame]) -> float:
    """Least distance of two frames along their normal, mm; 0 where there is none."""
    depths = np.unique(np.round([frame.affine[:3, 3] @ frame.affine[:3, 0] for frame in frames], 3))
    return float(np.diff(depths).min()) if len(depths) > 1 else 0.0


def _frames(seg: SegmentationFile) -> Iterator[tuple[PlacedFrame, npt.NDArray[np.integer[Any]]]]:
    """Yield every frame with its stored values (rows, columns)."""
    from pydicom.pixels.utils import iter_pixels

    try:
        yield from zip(seg.frames, iter_pixels(seg.path, raw=True), strict=True)
    except DAMAGED as error:
        raise DecodeError(f"{seg.path.name}: its pixels cannot be read ({error}). Export it again.") from error


def _shape(seg: SegmentationFile) -> tuple[int, int]:
    try:
        header = pydicom.dcmread(seg.path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
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
