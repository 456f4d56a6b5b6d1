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

#: Decoded by libjpeg-turbo (imagecodecs): a quarter of GDCM's time, and the 12 bits that pydicom's plugins refuse.
_JPEG = frozenset(map(str, (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)))
#: The plugin that pydicom is told to use. OpenJPEG on one thread a process beats GDCM, which starts threads of its own.
_PLUGINS: dict[str, str] = {
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
}
#: Written in memory-safe Rust: the only decoder that may run inside the application.
SAFE = frozenset({str(uid.RLELossless)})
SUPPORTED = frozenset(map(str, (*_JPEG, *_PLUGINS, *SAFE)))

_WITH_END_MARKER = _JPEG | {str(uid.JPEGLSLossless), str(uid.JPEGLSNearLossless)}


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
    # libjpeg fills up what is missing; CharLS complains, but takes seconds to.
    if form.transfer_syntax in _WITH_END_MARKER and b"\xff\xd9" not in codestream:
        raise ValueError("the compressed image ends early")
    if form.transfer_syntax in _JPEG:
        return _checked(_decode_jpeg(codestream, form), form)
    if form.transfer_syntax in SAFE:
        return _decode_rle(codestream, form)
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
    array, _ = get_decoder(form.transfer_syntax).as_array(
        encapsulate([codestream], has_bot=False),
        index=0,
        raw=True,
        decoding_plugin=_PLUGINS[form.transfer_syntax],
        **options,
    )
    return _checked(array, form)


def _checked(array: Stored, form: FrameFormat) -> Stored:
    if array.shape != (form.rows, form.columns):
        raise ValueError(f"the decoder returned {array.shape} where {(form.rows, form.columns)} was asked for")
    return array


def _decode_jpeg(codestream: bytes, form: FrameFormat) -> Stored:
    """JPEG baseline, extended (8 and 12 bits) and lossless, with libjpeg-turbo."""
    import imagecodecs

    array = imagecodecs.jpeg8_decode(codestream)
    container = form.bits_allocated // 8
    if array.itemsize > container:
        raise ValueError(
            f"the compressed image has {array.itemsize * 8} bits a pixel, the header {form.bits_allocated}"
        )
    wide: Stored = array.astype(f"u{container}", copy=False)
    if not form.signed:
        return wide
    # JPEG knows no sign: the stored bits are a two's complement number.
    return _without_unused_bits(wide.view(f"i{container}").copy(), form)


def _decode_rle(codestream: bytes, form: FrameFormat) -> Stored:
    """RLE (PS3.5 annex G), without the detour through pydicom."""
    from rle.utils import decode_pixel_data

    try:
        values = decode_pixel_data(
            codestream,
            version=2,
            rows=form.rows,
            columns=form.columns,
            samples_per_pixel=1,
            bits_allocated=form.bits_allocated,
        )
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # how pyo3 passes on a panic of Rust code
            raise ValueError(str(error)) from error
        raise
    container = form.bits_allocated // 8
    if len(values) != form.rows * form.columns * container:
        raise ValueError(f"the decoder returned {len(values)} bytes")
    dtype = np.dtype(f"<{'i' if form.signed else 'u'}{container}")
    return _without_unused_bits(np.frombuffer(values, dtype).reshape(form.rows, form.columns), form)


def _without_unused_bits(stored: Stored, form: FrameFormat) -> Stored:
    """Clear, in place, what lies above the stored bits, and extend the sign."""
    unused = form.bits_allocated - form.bits_stored
    if unused:
        np.left_shift(stored, unused, out=stored)
        np.right_shift(stored, unused, out=stored)
    return stored


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
