"""Decompress one frame: which decoder takes which transfer syntax. No file access, no processes.

The decoder of each syntax is the fastest that was measured, and is named explicitly so that the same file gives the
same values everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder

from napari_lesion.dicom.read import codestream, jpeg

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

_JPEG_LS = frozenset(map(str, (uid.JPEGLSLossless, uid.JPEGLSNearLossless)))


@dataclass(frozen=True)
class FrameFormat:
    """What a decoder has to know about one frame."""

    transfer_syntax: str
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    signed: bool


def decode_frame(frame: bytes, form: FrameFormat) -> Stored:
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
    if form.transfer_syntax in SAFE:
        return _decode_rle(frame, form)
    stream = codestream.unboxed(frame)
    size = codestream.image_size(stream)
    if size != (form.rows, form.columns):
        raise ValueError(f"the compressed image has {size[0]} × {size[1]} pixels, the header says otherwise")
    if form.transfer_syntax in _JPEG:
        return _checked(_decode_jpeg(stream, form), form)
    if form.transfer_syntax in _JPEG_LS:
        codestream.check_jpeg_ls(stream)
    else:
        codestream.check_jpeg_2000(stream)
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
        encapsulate([stream], has_bot=False),
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


def _decode_jpeg(stream: bytes, form: FrameFormat) -> Stored:
    """JPEG baseline, extended (8 and 12 bits) and lossless, with libjpeg-turbo."""
    array = jpeg.decode(stream)
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


def _decode_rle(frame: bytes, form: FrameFormat) -> Stored:
    """RLE (PS3.5 annex G), without the detour through pydicom."""
    from rle.utils import decode_pixel_data

    try:
        values = decode_pixel_data(
            frame,
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
