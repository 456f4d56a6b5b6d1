"""A small picture of a series, from its middle plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.read import pixels
from napari_lesion.dicom.read.stored import stored_frames

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series

#: Level −600, width 1500: where a CT's headers ask for no window.
_CT_LIMITS = (-1350.0, 150.0)
_PERCENT = (1.0, 99.5)


@dataclass(frozen=True)
class Preview:
    """Greys of one plane, as it is stored.

    Attributes
    ----------
    grey : (rows, columns) uint8
    aspect : float
        Height of a pixel in widths of a pixel.
    """

    grey: npt.NDArray[np.uint8]
    aspect: float


def preview(series: Series, longest: int = 160) -> Preview:
    """Read the middle plane of a series, thinned out to about so many pixels.

    Raises
    ------
    DecodeError
        If it is damaged.
    """
    ordered = sorted(series.frames, key=lambda frame: (frame.instance_number is None, frame.instance_number or 0))
    frame = ordered[len(ordered) // 2]
    pixels.check_frames([frame])
    step = max(1, max(series.size) // longest)
    _, stored = next(stored_frames([frame]))
    thin = stored[::step, ::step].astype(np.float32)
    values = thin * pixels.slope_of(frame) + pixels.intercept_of(frame)
    low, high = _limits(values, frame, series.identity.modality)
    share = np.clip((values - low) / (high - low), 0, 1)
    if frame.file.photometric == "MONOCHROME1":
        share = 1 - share
    aspect = frame.pixel_spacing[0] / frame.pixel_spacing[1] if frame.pixel_spacing is not None else 1.0
    return Preview((share * 255).astype(np.uint8), aspect)


def _limits(values: npt.NDArray[np.float32], frame: Frame, modality: str) -> tuple[float, float]:
    if frame.windows:
        return frame.windows[0].limits
    if modality == "CT":
        return _CT_LIMITS
    low, high = (float(value) for value in np.percentile(values, _PERCENT))
    return low, high if high > low else low + 1
