"""What the values of image planes mean: refused where that is open, else said in the certificate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.elements import Unreadable
from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.index.stack import named
from napari_lesion.dicom.read import pixels
from napari_lesion.dicom.read.hounsfield import unit_of_ct
from napari_lesion.support.errors import DecodeError, GeometryError

#: Unreadable values that are named at most.
_MOST_DOUBTS = 5
#: Tags that say where a plane lies.
_PLACE = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
)


def refuse_unreadable_places(series: Series, *more: str) -> None:
    """Refuse planes whose place is in the header but cannot be read, and those where other tags can't.

    Raises
    ------
    GeometryError
        If there are any.
    """
    for frame in series.frames:
        for value in frame.unreadable:
            if value.keyword in (*_PLACE, *more):
                raise GeometryError(
                    f"series {series.key}: {frame.name}: {value}, so its place is unknown. Correct it, or export the "
                    "series again."
                )


def check_planes(series: Series, frames: Sequence[Frame]) -> None:
    """Refuse planes whose pixels cannot be read or have no meaning, before one is read.

    A slice of a CT without a rescale among others that have one is such: 1 and 0 in its place would be a guess.

    Raises
    ------
    DecodeError
        If there is one.
    """
    pixels.check_frames(frames)
    absent = [f for f in frames if f.slope is None or f.intercept is None]
    given = next((f for f in frames if f.slope is not None and f.intercept is not None), None)
    if series.identity.modality == "CT" and absent and given is not None and (given.slope, given.intercept) != (1, 0):
        raise DecodeError(
            f"{absent[0].file.path}: its RescaleSlope or RescaleIntercept is missing, while {given.name} of the same "
            f"series has {given.slope:g} and {given.intercept:g}; {len(absent)} of {len(frames)} slices lack it, so "
            "what their pixels mean is unknown. Export the series again."
        )


def values_note(series: Series, frames: Sequence[Frame], voxels: npt.NDArray[np.generic]) -> tuple[str, str, list[str]]:
    """How stored values became voxels, their unit, and doubts about them."""
    pairs = list(dict.fromkeys((f.slope, f.intercept) for f in frames))
    is_ct = series.identity.modality == "CT"
    absent = [f for f in frames if f.slope is None or f.intercept is None]
    notes = []
    if all(f.slope is None and f.intercept is None for f in frames):
        text = "none: RescaleSlope and RescaleIntercept are absent, values are as stored"
    elif len(pairs) == 1:
        text = f"stored × {pixels.slope_of(frames[0]):g} + {pixels.intercept_of(frames[0]):g}"
    else:
        text = f"stored × slope + intercept, {len(pairs)} different pairs, each slice with its own"
    if absent and len(absent) < len(frames):
        notes.append(f"RescaleSlope or RescaleIntercept is missing in {named(absent)}: 1 and 0 were used there.")
    if is_ct:
        unit, doubts = unit_of_ct(frames, voxels)
        notes += doubts
    else:
        types = {f.rescale_type for f in frames} - {""}
        unit = "" if types <= {"US"} or types == {"HU"} else "/".join(sorted(types))
    notes += _doubts(frames)
    paddings = list(dict.fromkeys(f.padding for f in frames if f.padding is not None))
    if paddings:
        values = sorted(
            {end * pixels.slope_of(f) + pixels.intercept_of(f) for f in frames if f.padding for end in f.padding}
        )
        span = f"{values[0]:g}" if len(values) == 1 else f"{values[0]:g} to {values[-1]:g}"
        notes.append(f"Voxels at {span} are padding (PixelPaddingValue): nothing was acquired there.")
    if is_ct and any(f.file.photometric == "MONOCHROME1" for f in frames):
        notes.append("MONOCHROME1 asks for an inverted display; HU were left as they are.")
    return text, unit, notes


def _doubts(frames: Sequence[Frame]) -> list[str]:
    """Which values of less weight could not be read."""
    notes = list(dict.fromkeys(doubt for frame in frames for doubt in frame.file.doubts))
    unreadable: dict[Unreadable, list[Frame]] = {}
    for frame in frames:
        for value in frame.unreadable:
            unreadable.setdefault(value, []).append(frame)
    for value, members in list(unreadable.items())[:_MOST_DOUBTS]:
        notes.append(f"{value.keyword} holds {value.held} in {named(members)}, which cannot be read; it was not used.")
    if len(unreadable) > _MOST_DOUBTS:
        notes.append(f"{len(unreadable) - _MOST_DOUBTS} further values of the headers cannot be read.")
    return notes


def missing_tags(frames: Sequence[Frame]) -> tuple[str, ...]:
    """Tags that some planes lack, or whose value has no use."""
    checks = {
        "ImagePositionPatient": any(f.position is None for f in frames),
        "ImageOrientationPatient": any(f.orientation is None for f in frames),
        "PixelSpacing": any(f.pixel_spacing is None or f.spacing_source != "PixelSpacing" for f in frames),
        "RescaleSlope": any(f.slope is None for f in frames),
        "RescaleIntercept": any(f.intercept is None for f in frames),
        "FrameOfReferenceUID": any(not f.frame_of_reference for f in frames),
        "PatientPosition": any(not f.patient_position for f in frames),
        "SOPInstanceUID": any(not f.file.sop_instance_uid for f in frames),
    }
    return tuple(name for name, missing in checks.items() if missing)
