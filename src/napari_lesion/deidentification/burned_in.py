"""Text in pixels: searched by OCR, and masked or refused. The extra ``deidentify`` brings the OCR (rapidocr)."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

Grey = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""First and last row (exclusive), first and last column (exclusive)."""

_SURE = 0.5
_MARGIN = 3
_ROUNDS = 4
_LEAST_PX = 640
"""Smaller images are enlarged to about this: small letters are found better."""


class TextFoundError(Exception):
    """Why an image cannot leave, as the end of a sentence."""


def is_available() -> bool:
    """Whether the OCR is installed."""
    return find_spec("rapidocr") is not None


def without_text(dataset: Dataset, syntax: UID, *, mask: bool) -> UID | None:
    """Search all frames of an image for text, and mask what is found.

    Parameters
    ----------
    dataset : Dataset
        With its pixels; changed where something is masked.
    syntax : UID
    mask : bool
        Mask text; else refuse an image that has some.

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
    frames = _decoded(dataset, syntax)
    found = [text_in(frame) for frame in frames]
    if not any(found):
        return None
    if not mask:
        raise TextFoundError("there is text in its pixels (--clean pixels masks it)")
    for _ in range(_ROUNDS):
        for frame, boxes in zip(frames, found, strict=True):
            for top, bottom, left, right in boxes:
                frame[top:bottom, left:right] = frame.min()
        found = [text_in(frame) if boxes else [] for frame, boxes in zip(frames, found, strict=True)]
        if not any(found):
            break
    else:
        raise TextFoundError("there is text in its pixels that could not be masked")
    _put_back(dataset, frames)
    return ExplicitVRLittleEndian


def text_in(frame: npt.NDArray[Any]) -> list[Box]:
    """Find text in a frame of grey values or colours, (rows, columns) or (rows, columns, 3)."""
    boxes = []
    for picture in _renderings(frame):
        boxes += _read(picture)
    return [_widened(box, frame.shape[:2]) for box in boxes]


def _renderings(frame: npt.NDArray[Any]) -> list[Grey]:
    """Pictures in which text shows, whatever its value: all values, and those of most pixels."""
    values = frame.astype(np.float32)
    if values.ndim == 3:
        return [np.clip(values, 0, 255).astype(np.uint8)]
    pictures = []
    limits = {(float(values.min()), float(values.max())), tuple(map(float, np.percentile(values, (1, 99))))}
    for low, high in sorted(limits):
        if high > low:
            pictures.append((np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8))
    return pictures


def _read(picture: Grey) -> list[Box]:
    scale = max(1, -(-_LEAST_PX // max(picture.shape[:2])))
    large = np.repeat(np.repeat(picture, scale, axis=0), scale, axis=1)
    if large.ndim == 2:
        large = np.repeat(large[..., None], 3, axis=2)
    result = _engine()(np.ascontiguousarray(large))
    boxes, texts, scores = result.boxes, result.txts, result.scores
    if boxes is None or texts is None or scores is None:
        return []
    found = []
    for corners, text, score in zip(boxes, texts, scores, strict=True):
        if score >= _SURE and any(map(str.isalnum, text)):
            rows, columns = np.asarray(corners)[:, 1] / scale, np.asarray(corners)[:, 0] / scale
            box = (int(rows.min()), int(np.ceil(rows.max())), int(columns.min()), int(np.ceil(columns.max())))
            found.append(box)
    return found


def _widened(box: Box, shape: tuple[int, ...]) -> Box:
    top, bottom, left, right = box
    return (
        max(0, top - _MARGIN),
        min(shape[0], bottom + _MARGIN),
        max(0, left - _MARGIN),
        min(shape[1], right + _MARGIN),
    )


@cache
def _engine() -> Any:
    import logging

    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR(params={"Global.log_level": "error"})


def _decoded(dataset: Dataset, syntax: UID) -> list[npt.NDArray[Any]]:
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


def _put_back(dataset: Dataset, frames: list[npt.NDArray[Any]]) -> None:
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
