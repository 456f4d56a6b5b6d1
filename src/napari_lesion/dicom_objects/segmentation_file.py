"""A DICOM segmentation as a file: its segments, and where its frames are in the patient."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from napari_lesion.dicom.read.geometry import axes_of
from napari_lesion.dicom_objects.concepts import code_of
from napari_lesion.dicom_objects.references import DAMAGED, Refers
from napari_lesion.model.volume import FloatArray
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.vault import open_file

SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""SOP classes: segmentation, and label map segmentation."""


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


def read_segmentation(path: Path) -> Dataset:
    """Read a file, and refuse what is no segmentation."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_file(path)[0] as file:
                dataset = pydicom.dcmread(file, stop_before_pixels=True)
            sop_class, kind = str(dataset.get("SOPClassUID", "")), dataset.get("Modality") or "unknown kind"
    except (InvalidDicomError, *DAMAGED) as error:
        raise SeriesError(f"{path}: it cannot be read as DICOM ({error}).") from error
    if sop_class not in SEGMENTATIONS:
        raise SeriesError(f"{path.name}: it is no DICOM segmentation but of {kind}. Choose a SEG object.")
    return dataset


def segmentation_header(path: Path, dataset: Dataset) -> SegmentationFile:
    """Sum up a segmentation: its segments, and where each frame is."""
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
