"""What the headers of a series already tell about its geometry certificate, before a pixel is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.read.codecs import SUPPORTED
from napari_lesion.dicom.read.meaning import check_planes
from napari_lesion.dicom.read.progressive import plan_from_headers
from napari_lesion.support.errors import GapsError, LesionError

Outlook = Literal["fine", "corrected", "refused", "unplaced"]


@dataclass(frozen=True)
class Precheck:
    """What will come of a series, as its headers say. That its pixel data is whole is known only when it is read.

    Attributes
    ----------
    outlook : {"fine", "corrected", "refused", "unplaced"}
        It makes a volume as acquired; it has to be resampled; it is not read without a person's consent, or not at
        all; it is an image that has no place in the patient.
    reasons : tuple of str
        Sentences: why, and doubts.
    spacing_mm : (float, float, float) or None
        Distance of slices, rows and columns; None where the headers don't say.
    can_interpolate : bool
        What is refused can be read with slices interpolated, where a person asks for that.
    """

    outlook: Outlook
    reasons: tuple[str, ...] = ()
    spacing_mm: tuple[float, float, float] | None = None
    can_interpolate: bool = False


def precheck(series: Series) -> Precheck:
    """Check a series by its headers, as `read_series` will when it reads it."""
    spacing = series.spacing
    try:
        check_planes(series, series.frames)
        for file in dict.fromkeys(frame.file for frame in series.frames):
            if file.encapsulated and file.transfer_syntax not in SUPPORTED:
                why = f"{file.name}: the transfer syntax {file.transfer_syntax.name} is not supported."
                return Precheck("refused", (why,), spacing)
        if series.n_slices == 1:
            return _of_image(series, spacing)
        plan = plan_from_headers(series)
    except LesionError as error:
        why = str(error).removeprefix(f"series {series.key}: ")
        return Precheck("refused", (why,), spacing, can_interpolate=isinstance(error, GapsError))
    reasons = (*series.notes, *plan.notes, *plan.duplicates)
    if plan.as_acquired:
        return Precheck("fine", reasons, spacing)
    tilt = math.degrees(math.atan(float(np.linalg.norm(plan.drift))))
    said = f"The slices are tilted by {tilt:.1f}° (gantry tilt) and will be resampled onto an upright grid."
    return Precheck("corrected", (said, *reasons), spacing)


def _of_image(series: Series, spacing: tuple[float, float, float] | None) -> Precheck:
    frame = series.frames[0]
    if frame.position is None or frame.orientation is None:
        return Precheck("unplaced", ("The image has no place in the patient.", *series.notes), spacing)
    return Precheck("fine", (*series.notes, *series.duplicates), spacing)
