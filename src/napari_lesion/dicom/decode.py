"""Decompress one frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

from napari_lesion.dicom.header import ImageFile
from napari_lesion.errors import DecodeError

_PLUGINS = {
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


def decode(codestream: bytes, file: ImageFile) -> npt.NDArray[np.integer[npt.NBitBase]]:
    """Stored values of one compressed frame, (rows, columns)."""
    plugin = _PLUGINS.get(file.transfer_syntax)
    if plugin is None:
        raise DecodeError(f"{file.path}: {file.transfer_syntax.name} is not supported. Export it uncompressed.")
    try:
        array, _ = get_decoder(file.transfer_syntax).as_array(
            encapsulate([codestream], has_bot=False),
            index=0,
            raw=True,
            decoding_plugin=plugin,
            rows=file.rows,
            columns=file.columns,
            samples_per_pixel=1,
            number_of_frames=1,
            photometric_interpretation="MONOCHROME2",
            bits_allocated=file.bits_allocated,
            bits_stored=file.bits_stored,
            pixel_representation=int(file.signed),
            pixel_keyword="PixelData",
        )
    except Exception as error:
        raise DecodeError(f"{file.path}: cannot be decoded ({error}). Export it again.") from error
    return array
