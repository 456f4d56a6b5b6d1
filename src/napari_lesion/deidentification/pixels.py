"""Pixels: whether text may be burned into them, and nothing but pixels in their bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import cast

import numpy as np
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes, RLELossless

from napari_lesion.dicom.read.codestream import unboxed

_CT = frozenset({"1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2"})
_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
_AXIAL = frozenset({"AXIAL", "VOLUME"})
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_SOS, _EOI, _J2K_SOT, _J2K_COMMENT = 0xDA, 0xD9, 0x90, 0x64
#: Application data that decoders need: the transforms of JPEG-LS (APP8) and the colours of Adobe (APP14).
_NEEDED = frozenset({0xE8, 0xEE})


class PixelError(Exception):
    """Why pixels cannot leave, as the end of a sentence."""


class Extent(Enum):
    """How an image is searched for burned-in text."""

    NOTHING = "not at all"
    LOOK_FIRST = "wholly where a first look sees something"
    ALL = "wholly"


@dataclass(frozen=True)
class TextSearch:
    """What is to be done about text in an image."""

    extent: Extent
    why: str


def text_search_of(dataset: Dataset) -> TextSearch:
    """Decide how an image has to be searched for burned-in text.

    Original axial CT that says that it has none, segmentations and maps of floating point numbers pass. Original axial
    CT that says nothing is looked at once, slice by slice; anything else is searched wholly.
    """
    if not any(name in dataset for name in _PIXELS):
        return TextSearch(Extent.NOTHING, "no pixels")
    burned = str(dataset.get("BurnedInAnnotation", "")).strip().upper()
    sop_class = str(dataset.get("SOPClassUID", ""))
    kind = [str(one).strip().upper() for one in dataset.get("ImageType") or []]
    if burned == "YES":
        return TextSearch(Extent.ALL, "it says that it has burned-in text")
    if sop_class == _SEGMENTATION and "SegmentSequence" in dataset:
        return TextSearch(Extent.NOTHING, "a segmentation")
    if sop_class == _PARAMETRIC_MAP and "PixelData" not in dataset:
        return TextSearch(Extent.NOTHING, "a map of numbers")
    grey = (
        str(dataset.get("PhotometricInterpretation", "")).startswith("MONOCHROME")
        and dataset.get("BitsAllocated") == 16
    )
    if sop_class in _CT and grey:
        if kind[:2] == ["ORIGINAL", "PRIMARY"] and len(kind) > 2 and kind[2] in _AXIAL:
            if burned == "NO":
                return TextSearch(Extent.NOTHING, "original axial CT that says that it has no burned-in text")
            return TextSearch(Extent.LOOK_FIRST, "original axial CT that does not say whether it has burned-in text")
        if (not kind or kind[0] == "ORIGINAL") and "LOCALIZER" not in kind:
            return TextSearch(Extent.LOOK_FIRST, "CT that does not say what it shows")
    return TextSearch(Extent.ALL, f"it is no original axial CT ({chr(92).join(kind) or 'without ImageType'})")


def is_image(dataset: Dataset) -> bool:
    """Whether an object has pixels that are no segments."""
    return any(name in dataset for name in _PIXELS) and str(dataset.get("SOPClassUID", "")) != _SEGMENTATION


def only_pixels(dataset: Dataset, source: Dataset, syntax: UID) -> None:
    """Leave in the bytes of pixels nothing but pixels, in place: no padding, comments, or overlays in unused bits.

    Parameters
    ----------
    dataset : Dataset
        What is written.
    source : Dataset
        As it was, with its overlays.
    syntax : UID
        Of both.

    Raises
    ------
    PixelError
        If that cannot be done.
    """
    name = next((one for one in _PIXELS if one in dataset), None)
    if name is None:
        return
    data = cast("bytes", dataset[name].value)
    if syntax.is_encapsulated:
        if _overlaid(source):
            raise PixelError("an overlay lies in the bits of its compressed pixels")
        frames = [_only_image(frame, syntax) for frame in _frames(data, dataset)]
        dataset[name].value = encapsulate(frames, has_bot=True)
        for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
            if keyword in dataset:
                delattr(dataset, keyword)
        return
    length = _expected(dataset, name)
    if len(data) < length:
        raise PixelError(f"its pixels are cut off ({len(data)} of {length} bytes)")
    data = data[:length] + b"\0" * (length % 2)
    if _overlaid(source):
        data = _without_unused_bits(data, dataset)
    if data != dataset[name].value:
        dataset[name].value = data


def _frames(data: bytes, dataset: Dataset) -> Iterator[bytes]:
    number = int(dataset.get("NumberOfFrames") or 1)
    try:
        frames = list(generate_frames(data, number_of_frames=number))
    except (ValueError, EOFError) as error:
        raise PixelError("its compressed pixels are damaged") from error
    if len(frames) != number:
        raise PixelError(f"it has {len(frames)} compressed frames and says {number}")
    yield from frames


def _expected(dataset: Dataset, name: str) -> int:
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(name) or int(dataset.BitsAllocated)
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("NumberOfFrames") or 1)
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if samples == 3 and str(dataset.get("PhotometricInterpretation")) == "YBR_FULL_422":
        samples = 2
    return (pixels * samples * bits + 7) // 8


def _overlaid(source: Dataset) -> bool:
    """Whether an overlay lies in bits of the pixels that the image does not use (retired, but common)."""
    for group in range(0x6000, 0x6020, 2):
        position = source.get((group, 0x0102))
        if position is not None and position.value and (group, 0x3000) not in source:
            return True
    return False


def _without_unused_bits(data: bytes, dataset: Dataset) -> bytes:
    allocated, stored, high = int(dataset.BitsAllocated), int(dataset.BitsStored), int(dataset.HighBit)
    if allocated not in (8, 16, 32) or high != stored - 1:
        raise PixelError("an overlay lies in its pixels, whose bits are ordered in an unusual way")
    kind = np.dtype(f"<u{allocated // 8}")
    values = np.frombuffer(data, kind) & kind.type((1 << stored) - 1)
    if dataset.get("PixelRepresentation"):
        sign = kind.type(1 << high)
        values = np.where(values & sign, values | kind.type((1 << allocated) - (1 << stored)), values)
    return bytes(values.astype(kind).tobytes())


def _only_image(frame: bytes, syntax: UID) -> bytes:
    """Give a compressed frame without comments, application data and what comes after its end."""
    if syntax == RLELossless:
        return frame
    if syntax in JPEG2000TransferSyntaxes or "1.2.840.10008.1.2.4.20" in syntax:
        try:
            return _without_comments(unboxed(frame))
        except ValueError as error:
            raise PixelError("its JPEG 2000 frame is damaged") from error
    if syntax in JPEGTransferSyntaxes or syntax in JPEGLSTransferSyntaxes:
        return _without_segments(frame)
    raise PixelError(f"its pixels are compressed in a way that cannot be looked into ({syntax.name})")


def _without_segments(frame: bytes) -> bytes:
    """Of JPEG and JPEG-LS (T.81 B.1.1.4): segments before the first scan, less what is no image."""
    if not frame.startswith(b"\xff\xd8"):
        raise PixelError("its JPEG frame is damaged")
    kept, at = [b"\xff\xd8"], 2
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(frame[at + 2 : at + 4], "big")
        segment = frame[at : at + 2 + length]
        if marker == _SOS:
            end = frame.rfind(bytes((0xFF, _EOI)))
            if end < at:
                raise PixelError("its JPEG frame has no end")
            kept.append(frame[at : end + 2])
            return b"".join(kept)
        idle = marker == 0xFE or (0xE0 <= marker <= 0xEF and marker not in _NEEDED)
        if not idle:
            kept.append(segment)
        at += 2 + length
    raise PixelError("its JPEG frame is damaged")


def _without_comments(frame: bytes) -> bytes:
    """Of JPEG 2000 (T.800 A.9.2): the main header without comments, and nothing after the end of the codestream."""
    if not frame.startswith(b"\xff\x4f"):
        raise PixelError("its JPEG 2000 frame is damaged")
    kept, at = [b"\xff\x4f"], 2
    while at + 4 <= len(frame):
        marker = frame[at + 1]
        length = int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == _J2K_SOT:
            end = frame.rfind(bytes((0xFF, _EOI)))
            kept.append(frame[at : end + 2] if end > at else frame[at:])
            return b"".join(kept)
        if marker != _J2K_COMMENT:
            kept.append(frame[at : at + 2 + length])
        at += 2 + length
    raise PixelError("its JPEG 2000 frame is damaged")
