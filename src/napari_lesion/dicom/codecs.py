"""Decompress one frame: which decoder takes which transfer syntax. No file access, no processes.

The decoder of each syntax is the fastest that was measured, and is named explicitly so that the same file gives the
same values everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder

Stored = npt.NDArray[np.integer[Any]]

PLUGINS: dict[str, str] = {
    uid.RLELossless: "pylibjpeg",
    uid.JPEGBaseline8Bit: "gdcm",
    uid.JPEGExtended12Bit: "gdcm",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "gdcm",
    uid.JPEG2000: "gdcm",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
}
#: Written in memory-safe Rust: the only decoder that may run inside the application.
SAFE = frozenset({str(uid.RLELossless)})

_JPEG_LS = frozenset({str(uid.JPEGLSLossless), str(uid.JPEGLSNearLossless)})


@dataclass(frozen=True)
class FrameFormat:
    """What a decoder has to know about one frame."""

    transfer_syntax: str
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool


def decode_frame(codestream: bytes, form: FrameFormat) -> Stored:
    """Decompress one frame.

    Returns
    -------
    (rows, columns)
        Stored values.

    Raises
    ------
    ValueError
        If the frame is damaged or of another size than its header says; other exceptions as the decoder raises them.
    """
    size = codestream_size(codestream, form.transfer_syntax)
    if size is not None and size != (form.rows, form.columns):
        raise ValueError(f"the compressed image has {size[0]} × {size[1]} pixels, the header says otherwise")
    if form.transfer_syntax in _JPEG_LS and b"\xff\xd9" not in codestream:
        raise ValueError("the compressed image ends early")  # CharLS says so as well, but takes seconds to
    if form.transfer_syntax == uid.JPEGExtended12Bit and form.bits_stored > 8:
        return _decode_extended(codestream, form)
    options: dict[str, Any] = {
        "rows": form.rows,
        "columns": form.columns,
        "samples_per_pixel": 1,
        "number_of_frames": 1,
        "photometric_interpretation": "MONOCHROME2",
        "bits_allocated": form.bits_allocated,
        "bits_stored": form.bits_stored,
        "pixel_representation": int(form.signed),
        "pixel_keyword": "PixelData",
    }
    try:
        array, _ = get_decoder(form.transfer_syntax).as_array(
            encapsulate([codestream], has_bot=False),
            index=0,
            raw=True,
            decoding_plugin=PLUGINS[form.transfer_syntax],
            **options,
        )
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # how pyo3 passes on a panic of Rust code
            raise ValueError(str(error)) from error
        raise
    if array.shape != (form.rows, form.columns):
        raise ValueError(f"the decoder returned {array.shape} where {(form.rows, form.columns)} was asked for")
    result: Stored = array
    return result


def _decode_extended(codestream: bytes, form: FrameFormat) -> Stored:
    """12-bit JPEG (process 4), which pydicom's own plugins refuse, with GDCM's 12-bit decoder."""
    import gdcm

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(codestream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((form.columns, form.rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(form.transfer_syntax)))
    image.SetPixelFormat(
        gdcm.PixelFormat(1, form.bits_allocated, form.bits_stored, form.bits_stored - 1, int(form.signed))
    )
    values = image.GetBuffer().encode("utf-8", "surrogateescape")
    dtype = np.dtype(f"<{'i' if form.signed else 'u'}{form.bits_allocated // 8}")
    return np.frombuffer(values, dtype).reshape(form.rows, form.columns)


def codestream_size(codestream: bytes, transfer_syntax: str) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 stream says it has; None where it does not say.

    Asked before a decoder is, because decoders allocate what the stream says.

    References
    ----------
    ITU-T T.81 B.2.2 (frame header), T.87 C.2.2, T.800 A.5.1 (SIZ).
    """
    if transfer_syntax in SAFE:
        return None
    if codestream[:4] == b"\xff\x4f\xff\x51":
        if len(codestream) < 24:
            return None
        width, height, x0, y0 = unpack(">4L", codestream[8:24])
        return height - y0, width - x0
    at = 2
    while at + 9 <= len(codestream) and codestream[at] == 0xFF:
        marker = codestream[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        # Frame headers: SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC); SOF55 (F7) of JPEG-LS.
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns = unpack(">HH", codestream[at + 5 : at + 9])
            return rows, columns
        at += 2 + int(unpack(">H", codestream[at + 2 : at + 4])[0])
    return None
