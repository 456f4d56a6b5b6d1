"""Text in pixels: searched by OCR, and masked or refused. The extra ``deidentify`` brings the OCR (rapidocr)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRLittleEndian

from napari_lesion.deidentification import text_search
from napari_lesion.deidentification.text_search import Box

_ROUNDS = 4
_MOST_WINDOWS = 3


class TextFoundError(Exception):
    """Why an image cannot leave, as the end of a sentence."""


def is_available() -> bool:
    """Whether the OCR is installed."""
    return find_spec("rapidocr") is not None


def without_text(dataset: Dataset, source: Dataset, syntax: UID, *, mask: bool, look_first: bool = False) -> UID | None:
    """Search all frames of an image for text, and mask what is found.

    Parameters
    ----------
    dataset : Dataset
        With its pixels; changed where something is masked.
    source : Dataset
        As it was, with the windows that its header names.
    syntax : UID
    mask : bool
        Mask text; else refuse an image that has some.
    look_first : bool
        Search only frames in which a first look, which costs little, sees something.

    Returns
    -------
    UID or None
        The transfer syntax of the masked pixels, None where there was no text.

    Raises
    ------
    TextFoundError
        If there is text that is not to be or cannot be masked, or the image cannot be searched.
    """
    if not is_available():
        raise TextFoundError(
            "it may have text in its pixels, and nothing can search it: pip install 'napari-lesion[deidentify]'"
        )
    frames = decoded(dataset, syntax)
    shown = _shown(source)

    def search(frame: npt.NDArray[Any]) -> list[Box]:
        if look_first and not text_search.may_have_text(frame):
            return []
        return text_search.text_in(frame, shown.windows, inverted=shown.inverted, all_of_it=mask)

    found = []
    for frame in frames:
        found.append(search(frame))
        if found[-1] and not mask:
            raise TextFoundError("there is text in its pixels (--clean pixels masks it)")
    if not any(found):
        return None
    for _ in range(_ROUNDS):
        for frame, boxes in zip(frames, found, strict=True):
            for top, bottom, left, right in boxes:
                frame[top:bottom, left:right] = frame.max() if shown.inverted else frame.min()
        found = [search(frame) if boxes else [] for frame, boxes in zip(frames, found, strict=True)]
        if not any(found):
            break
    else:
        raise TextFoundError("there is text in its pixels that could not be masked")
    put_back(dataset, frames)
    return ExplicitVRLittleEndian


@dataclass(frozen=True)
class _Shown:
    windows: tuple[text_search.Window, ...]
    inverted: bool


def _shown(source: Dataset) -> _Shown:
    """Read how an image is to be shown: its windows, in stored values, and its polarity."""
    inverted = str(source.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    try:
        slope, intercept = (
            float(source.get("RescaleSlope", None) or 1),
            float(source.get("RescaleIntercept", None) or 0),
        )
        centers, widths = (_numbers(source.get(name)) for name in ("WindowCenter", "WindowWidth"))
    except (TypeError, ValueError, OverflowError):  # what is no number is not shown by, either
        return _Shown((), inverted)
    ends = [
        ((center - width / 2 - intercept) / slope, (center + width / 2 - intercept) / slope)
        for center, width in zip(centers, widths, strict=False)
        if width > 0
    ]
    return _Shown(tuple((min(pair), max(pair)) for pair in ends[:_MOST_WINDOWS]), inverted)


def _numbers(value: Any) -> list[float]:
    if value is None or value == "":
        return []
    return [float(one) for one in value] if isinstance(value, MultiValue | list | tuple) else [float(value)]


def decoded(dataset: Dataset, syntax: UID) -> list[npt.NDArray[Any]]:
    """Decode the frames of an image.

    Raises
    ------
    TextFoundError
        If that cannot be done.
    """
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    dataset.file_meta = meta
    try:
        array = np.array(dataset.pixel_array)
    except Exception as error:
        raise TextFoundError("its pixels cannot be decoded, so that nothing can search them for text") from error
    colours = int(dataset.get("SamplesPerPixel") or 1) > 1
    if array.ndim == (3 if colours else 2):
        return [array]
    return list(array)


def put_back(dataset: Dataset, frames: list[npt.NDArray[Any]]) -> None:
    """Put frames in place of the pixels of an image, uncompressed."""
    array = np.stack(frames) if len(frames) > 1 else frames[0]
    colours = int(dataset.get("SamplesPerPixel") or 1) > 1
    if colours:
        dataset.PlanarConfiguration = 0
        dataset.PhotometricInterpretation = "RGB"
    bits = int(dataset.BitsAllocated)
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].value = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if bits <= 8 else "OW"
    dataset["PixelData"].is_undefined_length = False
