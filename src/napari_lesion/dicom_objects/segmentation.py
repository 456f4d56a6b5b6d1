"""Save the masks of findings, or the heatmap, as a DICOM segmentation (SEG)."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, SegmentationStorage
from scipy import ndimage

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.references import equipment, program_version, short_names, source_images
from napari_lesion.dicom_objects.study import as_checked, short_text
from napari_lesion.model.findings import RESEARCH_USE, Finding, Heatmap, ModelReference, Report
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import AnnotationError, NothingToSaveError
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

#: 1.0 in a fractional segmentation.
_LEVELS = 255
#: Largest heatmap that is saved as a segmentation, in voxels of its occupied frames.
_MOST_VOXELS = 2**28
#: Most bytes that masks may take which overlap.
_MOST_OVERLAPPING = 2**31


@dataclass(frozen=True)
class SavedSegmentation:
    """What a structured report needs to point to a segmentation."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    study_uid: str
    segments: dict[str, int]
    """Segment number by the finding's id."""


def save_seg(report: Report, volume: Volume, path: Path | str, *, source: Series | None = None) -> SavedSegmentation:
    """Save the masks of the active findings as a binary DICOM SEG, one segment a finding.

    Frames are those of the volume. Each refers to the image that it was made from where the volume is as acquired; a
    volume that was straightened or interpolated is a grid of its own, and then the segmentation names the series only.

    Parameters
    ----------
    report : Report
    volume : Volume
        The scan that the masks lie in.
    path : path
        File to write, ``*.dcm``.
    source : Series, optional
        Where the volume was read from: for what only the files know of the study.

    Raises
    ------
    NothingToSaveError
        If no active finding has a mask.
    AnnotationError
        If a mask lies outside of the scan, or masks that overlap are too large.
    SeriesError
        If the scan's images have no place that an object could refer to.

    References
    ----------
    DICOM PS3.3 A.51 (Segmentation IOD), C.8.20.
    """
    findings = [finding for finding in report.active if finding.mask is not None]
    if not findings:
        raise NothingToSaveError(
            f"series {report.series_uid}: no finding has an outline, so there is nothing to save as a segmentation. "
            "Measure or outline the findings first."
        )
    misfit = [f for f in findings if f.mask is not None and not f.mask.fits(volume.shape)]
    if misfit:
        x, y, z = misfit[0].center_mm
        raise AnnotationError(
            f"series {report.series_uid}: the outline of {misfit[0].name}, at x {x:.0f}, y {y:.0f}, z {z:.0f} mm, is "
            "outside of the scan. Measure again."
        )
    voxels, first = _stacked([finding.mask for finding in findings if finding.mask is not None], volume)
    names = short_names(report.findings)
    descriptions = [
        _description(number, finding, names[finding.id], report.model) for number, finding in enumerate(findings, 1)
    ]
    written = _write(
        voxels,
        first,
        report,
        volume,
        source,
        Path(path),
        descriptions,
        kind="SEG",
        series_description="Findings: masks",
        segmentation_type="BINARY",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_label="FINDINGS",
        content_description=RESEARCH_USE,
    )
    return SavedSegmentation(
        path=Path(path),
        sop_class_uid=SegmentationStorage,
        sop_instance_uid=written.SOPInstanceUID,
        series_uid=written.SeriesInstanceUID,
        study_uid=written.StudyInstanceUID,
        segments={finding.id: number for number, finding in enumerate(findings, 1)},
    )


def save_heatmap_seg(
    heatmap: Heatmap,
    report: Report,
    volume: Volume,
    path: Path | str,
    *,
    source: Series | None = None,
    progress: Progress = silent,
) -> None:
    """Save a heatmap as a fractional DICOM SEG (probability) on the scan's grid, in steps of 1/255.

    It is interpolated linearly from its own, coarser grid, which the object names; frames of 0 are left out.

    Raises
    ------
    NothingToSaveError
        If it is 0 everywhere.
    AnnotationError
        If it would be too large, or lies outside of the scan.
    SeriesError
        If the scan's images have no place that an object could refer to.
    """
    levels, first = _levels_on_scan(heatmap, volume, progress)
    if levels.size > _MOST_VOXELS:
        raise AnnotationError(
            f"series {report.series_uid}: the heatmap would take {levels.size / 2**20:.0f} million voxels as a "
            "segmentation. Use its NIfTI file instead."
        )
    pitch = " x ".join(f"{step:.3g}" for step in spacing_of(heatmap.affine))
    _write(
        levels.astype(np.float32) / _LEVELS,
        first,
        report,
        volume,
        source,
        Path(path),
        [_heatmap_description(report.model)],
        kind="heatmap",
        series_description="Findings: heatmap",
        segmentation_type="FRACTIONAL",
        fractional_type="PROBABILITY",
        max_fractional_value=_LEVELS,
        transfer_syntax_uid=RLELossless,
        content_label="HEATMAP",
        content_description=f"Interpolated from {pitch} mm. For research use only.",
    )


def _stacked(masks: Sequence[Mask], volume: Volume) -> tuple[npt.NDArray[np.uint8 | np.uint16], int]:
    """Put masks into one array from the first slice that any of them has, and say which that is.

    Masks apart from each other share a label map (z, y, x), numbered from 1; where they overlap each gets a channel
    of its own (z, y, x, mask).
    """
    first = min(mask.offset[0] for mask in masks)
    last = max(mask.offset[0] + mask.shape[0] for mask in masks)
    shape = (last - first, *volume.shape[1:])
    labels = np.zeros(shape, np.uint8 if len(masks) < 256 else np.uint16)
    overlap = False
    for number, mask in enumerate(masks, start=1):
        k, j, i = mask.region
        part = labels[k.start - first : k.stop - first, j, i]
        overlap = overlap or bool(part[mask.voxels].any())
        part[mask.voxels] = number
    if not overlap:
        return labels, first
    if labels.size * len(masks) > _MOST_OVERLAPPING:
        raise AnnotationError(
            f"series {volume.series.series_uid}: outlines of its {len(masks)} findings overlap, and kept apart they "
            "are too large for one segmentation. Merge the findings that overlap, or reject some."
        )
    apart = np.zeros((*shape, len(masks)), np.uint8)
    for number, mask in enumerate(masks):
        k, j, i = mask.region
        apart[k.start - first : k.stop - first, j, i, number][mask.voxels] = 1
    return apart, first


def _write(
    voxels: npt.NDArray[Any],
    first: int,
    report: Report,
    volume: Volume,
    source: Series | None,
    path: Path,
    descriptions: Sequence[SegmentDescription],
    *,
    kind: str,
    series_description: str,
    **attributes: Any,
) -> Any:
    """Write (z, y, x[, segment]) beginning at a slice of the volume."""
    import highdicom as hd

    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient((first, 0, 0))
    channels: Any = {"SegmentNumber": list(range(1, len(descriptions) + 1))} if voxels.ndim == 4 else None
    grid = hd.Volume(
        array=voxels,
        affine=affine,
        coordinate_system="PATIENT",
        frame_of_reference_uid=volume.series.frame_of_reference_uid,
        channels=channels,
    )
    with as_checked():
        segmentation = hd.seg.Segmentation(
            source_images=source_images(volume, source),
            pixel_array=grid,
            segment_descriptions=descriptions,
            omit_empty_frames=True,
            **equipment(kind, series_description, report),
            **attributes,
        )
        concepts.name_own_scheme(segmentation)
        with whole_file(path, private=True) as temporary:
            segmentation.save_as(temporary)
    return segmentation


def _algorithm(name: str, version: str, parameters: dict[str, str] | None = None) -> Any:
    import highdicom as hd

    return hd.AlgorithmIdentificationSequence(
        name=short_text(name),
        family=concepts.ARTIFICIAL_INTELLIGENCE,
        version=short_text(version) or "unknown",
        parameters=parameters,
    )


def _description(number: int, finding: Finding, name: str, model: ModelReference) -> SegmentDescription:
    import highdicom as hd

    method = finding.measurement.method if finding.measurement is not None else ""
    drawn = method.startswith("outlined by")
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=concepts.ABNORMAL,
        segmented_property_type=concepts.NODULE,
        algorithm_type="MANUAL" if drawn else "AUTOMATIC",
        algorithm_identification=None if drawn else _algorithm(method or model.id, program_version()),
        tracking_uid=finding.lesion_uid,
        tracking_id=name,
        anatomic_regions=[concepts.LUNG] if finding.measurement is not None else None,
        display_color=_color(number),
    )


def _color(number: int) -> Any:
    """Recommend a colour: hues a golden section apart, so that neighbours differ however many there are."""
    import highdicom as hd

    rgb = colorsys.hsv_to_rgb(number * (5**0.5 - 1) / 2 % 1, 0.75, 0.95)
    return hd.color.CIELabColor.from_rgb(*(round(255 * part) for part in rgb))


def _heatmap_description(model: ModelReference) -> SegmentDescription:
    import highdicom as hd

    return hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="Suspicion of the detector",
        segmented_property_category=concepts.ABNORMAL,
        segmented_property_type=concepts.NODULE,
        algorithm_type="AUTOMATIC",
        algorithm_identification=_algorithm(model.id, model.version, {"sha256": model.sha256}),
    )


def _levels_on_scan(heatmap: Heatmap, volume: Volume, progress: Progress) -> tuple[npt.NDArray[np.uint8], int]:
    """Bring a heatmap onto the scan's slices where it is not 0, as 0 to 255, and say which slice is the first."""
    # Index in the scan → index in the heatmap; the axes are parallel, so each axis goes by itself.
    matrix: FloatArray = np.linalg.inv(heatmap.affine) @ volume.affine
    hot = np.flatnonzero((heatmap.values * _LEVELS >= 0.5).any(axis=(1, 2)))
    if not hot.size:
        raise NothingToSaveError(
            f"series {volume.series.series_uid}: the heatmap is 0 everywhere, so there is nothing of it to save."
        )
    places = apply_affine(matrix, np.stack([np.arange(volume.shape[0])] + [np.zeros(volume.shape[0])] * 2, axis=1))
    inside = np.flatnonzero((places[:, 0] > hot[0] - 1) & (places[:, 0] < hot[-1] + 1))
    if not inside.size:
        raise AnnotationError(f"series {volume.series.series_uid}: the heatmap lies outside of the scan.")
    levels = np.empty((len(inside), *volume.shape[1:]), np.uint8)
    for done, k in enumerate(inside):
        progress(done, len(inside), "resampling the heatmap")
        shifted = matrix[:3, :3], apply_affine(matrix, (int(k), 0, 0))
        plane = ndimage.affine_transform(
            heatmap.values, shifted[0], shifted[1], output_shape=(1, *volume.shape[1:]), order=1, mode="constant"
        )
        levels[done] = np.rint(np.clip(plane[0], 0, 1) * _LEVELS)
    return levels, int(inside[0])
