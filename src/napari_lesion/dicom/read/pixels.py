"""From a file's pixel data to stored values, and from stored values to what they mean.

Sizes are checked against the bytes that are really there before anything is allocated, and no short file is ever
padded.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from struct import unpack
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.index.frames import Frame, ImageFile
from napari_lesion.dicom.index.header import inflate
from napari_lesion.support.errors import DecodeError
from napari_lesion.support.vault import open_file

StoredArray = npt.NDArray[np.number[npt.NBitBase]]

#: Largest plausible plane, pixels.
MAX_PIXELS = 2**27
#: Most times that a compressed file may expand; small files may exceed it (an empty slice takes few bytes).
MAX_EXPANSION = 500
_EXPANSION_FROM_BYTES = 8 * 2**20
_UNDEFINED = 0xFFFFFFFF


#: Values that decide on what pixels mean.
_MEANING = ("RescaleSlope", "RescaleIntercept")


def check_frames(frames: Iterable[Frame]) -> None:
    """Refuse files that `check_storage` refuses, and planes whose values have no meaning.

    Raises
    ------
    DecodeError
        If a rescale is there but cannot be read, or makes all pixels one value.
    """
    frames = list(frames)
    for file in dict.fromkeys(frame.file for frame in frames):
        check_storage(file)
    for frame in frames:
        for value in frame.unreadable:
            if value.keyword in _MEANING:
                raise DecodeError(
                    f"{frame.file.path}: {value}, so what its pixels mean is unknown. Correct it, or export it again."
                )
        if frame.slope == 0:
            raise DecodeError(
                f"{frame.file.path}: its RescaleSlope is 0, which makes all pixels one value. Correct it, or export "
                "it again."
            )


def check_storage(file: ImageFile) -> None:
    """Refuse what cannot be read, or cannot be true, before anything is allocated.

    Raises
    ------
    DecodeError
        If the bit depth is not supported, or the size does not fit the bytes of the file.
    """
    if not file.transfer_syntax.is_transfer_syntax:
        raise DecodeError(
            f"{file.path}: its transfer syntax, {file.transfer_syntax!s}, is unknown. Export it uncompressed."
        )
    for value in file.unreadable:
        raise DecodeError(
            f"{file.path}: {value}, so how its pixels are stored is unknown. Correct it, or export it again."
        )
    if file.floating:
        _check_floating(file)
    elif file.bits_allocated not in (8, 16, 32):
        raise DecodeError(
            f"{file.path}: {file.bits_allocated} bits a pixel are not supported (8, 16 and 32 are). "
            "Export the series again as 16-bit images."
        )
    if (
        not 1 <= file.bits_stored <= file.bits_allocated
        or not file.bits_stored - 1 <= file.high_bit < file.bits_allocated
    ):
        raise DecodeError(
            f"{file.path}: the header contradicts itself: {file.bits_stored} bits stored up to bit {file.high_bit} of "
            f"{file.bits_allocated}. The file is damaged; export it again."
        )
    expected = file.frame_bytes * file.n_frames
    what = (
        f"{file.path}: the header says {file.n_frames} × {file.rows} × {file.columns} pixels of {file.bits_allocated}"
    )
    if file.rows * file.columns > MAX_PIXELS:
        raise DecodeError(f"{what} bits, which no scanner makes. The header is damaged; export the file again.")
    compressed = file.encapsulated or file.deflated
    if not compressed and file.pixel_offset + expected > file.size:
        raise DecodeError(
            f"{what} bits ({expected} bytes), but the file holds only {max(file.size - file.pixel_offset, 0)} bytes "
            "of pixel data. It is truncated, or its header is damaged; copy or export it again."
        )
    if compressed and expected > max(_EXPANSION_FROM_BYTES, MAX_EXPANSION * file.size):
        raise DecodeError(
            f"{what} bits ({expected} bytes), but the whole file has {file.size} bytes, which is too few even "
            "compressed. The header is damaged; export the file again."
        )


def _check_floating(file: ImageFile) -> None:
    if file.encapsulated or file.bits_allocated not in (32, 64):
        how = f"in {file.transfer_syntax.name}" if file.encapsulated else f"of {file.bits_allocated} bits"
        raise DecodeError(
            f"{file.path}: its pixels are floating point numbers {how}, which DICOM does not know. Export it again."
        )


@contextmanager
def opened(file: ImageFile) -> Iterator[BinaryIO]:
    """Open a file for its pixel data; a deflated one is inflated first.

    Raises
    ------
    DecodeError
        If the file has gone, or changed since its header was read.
    """
    try:
        stream, size = open_file(file.path)
        with stream:
            if size != file.size:
                raise DecodeError(f"{file.path}: the file has changed since it was found. Open the series again.")
            if file.deflated:
                yield _inflated(file, stream)
            else:
                yield stream
    except OSError as error:
        raise DecodeError(f"{file.path}: cannot be read ({error.strerror or error}).") from error


def _inflated(file: ImageFile, stream: BinaryIO) -> BinaryIO:
    try:
        return inflate(stream, file.size)
    except (ValueError, struct.error, zlib.error) as error:
        raise DecodeError(
            f"{file.path}: cannot be inflated ({error}). It is damaged; copy or export it again."
        ) from error


def find_pixels(file: ImageFile, stream: BinaryIO) -> int:
    """Position the stream at the value of the pixel data element; return its length (`_UNDEFINED`: in items).

    Raises
    ------
    DecodeError
        If there is no pixel data, or not as the transfer syntax says.
    """
    stream.seek(file.pixel_offset)
    order = "<" if file.little_endian else ">"
    start = stream.read(8)
    if len(start) < 8:
        raise DecodeError(f"{file.path}: holds no pixel data. It is truncated; copy or export it again.")
    group, element = unpack(order + "HH", start[:4])
    expected = {(True, 32): 0x0008, (True, 64): 0x0009}.get((file.floating, file.bits_allocated), 0x0010)
    if (group, element) != (0x7FE0, expected):
        what = f"floating point numbers of {file.bits_allocated} bits" if file.floating else "integers"
        raise DecodeError(
            f"{file.path}: holds no pixel data as its header describes it ({what}). It is damaged, or no scan; export "
            "it again."
        )
    # An odd length, which is what a VR looks like here, is not allowed: then the label "implicit" is wrong.
    if file.implicit_vr and start[4:] not in (b"OB\0\0", b"OW\0\0", b"UN\0\0", b"OF\0\0", b"OD\0\0"):
        (length,) = unpack(order + "L", start[4:])
    else:
        if start[4:6] not in (b"OB", b"OW", b"UN", b"OF", b"OD"):
            raise DecodeError(
                f"{file.path}: its pixel data is not written as its transfer syntax says "
                f"({file.transfer_syntax.name}). Export it again."
            )
        extra = stream.read(4)
        if len(extra) < 4:
            raise DecodeError(f"{file.path}: ends inside its pixel data. It is truncated; copy or export it again.")
        (length,) = unpack(order + "L", extra)
    encapsulated = length == _UNDEFINED
    if encapsulated != file.encapsulated:
        found = "compressed" if encapsulated else "uncompressed"
        raise DecodeError(
            f"{file.path}: says its transfer syntax is {file.transfer_syntax.name}, but its pixel data is {found}. "
            "Export it again."
        )
    return int(length)


def read_native(file: ImageFile, stream: BinaryIO, index: int, out: StoredArray) -> None:
    """Read one uncompressed frame.

    Parameters
    ----------
    index : int
        0-based frame.
    out : (rows, columns)
        Contiguous, of the stored width and signedness, native byte order; filled with stored values.

    Raises
    ------
    DecodeError
        If the file ends before the frame does.
    """
    length = find_pixels(file, stream)
    expected = file.frame_bytes * file.n_frames
    if length < expected:
        raise DecodeError(
            f"{file.path}: holds {length} bytes of pixel data where {expected} belong. It is damaged; export it again."
        )
    if length >= expected + max(file.columns * file.bits_allocated // 8, 2):  # less than a row may be padding
        raise DecodeError(
            f"{file.path}: holds {length} bytes of pixel data, but its header describes only {expected} "
            f"({file.n_frames} × {file.rows} × {file.columns} pixels). The header is damaged; export the file again."
        )
    stream.seek(index * file.frame_bytes, io.SEEK_CUR)
    if stream.readinto(out.data.cast("B")) != file.frame_bytes:  # type: ignore[attr-defined]
        raise DecodeError(f"{file.path}: ends inside its pixel data. It is truncated; copy or export it again.")
    if not file.little_endian and file.bits_allocated > 8:
        out.byteswap(inplace=True)
    drop_unused_bits(out, file)


def drop_unused_bits(stored: StoredArray, file: ImageFile) -> None:
    """Clear, in place, bits that are not part of the value (overlays above, noise below), and extend the sign.

    References
    ----------
    DICOM PS3.5 section 8.1.1.
    """
    width = stored.dtype.itemsize * 8
    if file.floating or file.bits_stored == width:
        return
    low = file.high_bit + 1 - file.bits_stored
    if not file.signed:
        if low:
            np.right_shift(stored, low, out=stored)
        np.bitwise_and(stored, (1 << file.bits_stored) - 1, out=stored)
    else:
        np.left_shift(stored, width - 1 - file.high_bit, out=stored)
        np.right_shift(stored, width - file.bits_stored, out=stored)


def stored_dtype(file: ImageFile) -> np.dtype[np.number[npt.NBitBase]]:
    """Type of stored values in native byte order."""
    kind = "f" if file.floating else "i" if file.signed else "u"
    return np.dtype(f"{kind}{file.bits_allocated // 8}")


def rescale_into(stored: StoredArray, frame: Frame, out: npt.NDArray[np.generic]) -> bool:
    """Turn stored values into what they mean: value = stored × slope + intercept (PS3.3 C.11.1.1.2).

    Parameters
    ----------
    stored : (rows, columns)
    out : (rows, columns) int16 or float32
        May share the memory of `stored` where both have 16 bits.

    Returns
    -------
    bool
        False where the values do not fit into an int16 `out`; then nothing was written.

    Raises
    ------
    DecodeError
        If pixels are no finite numbers.
    """
    slope, intercept = slope_of(frame), intercept_of(frame)
    if out.dtype == np.float32:
        values = stored.astype(np.float64)
        if slope != 1:
            values *= slope
        if intercept != 0:
            values += intercept
        with np.errstate(over="ignore", invalid="ignore"):
            out[...] = values
        if frame.file.floating and not np.isfinite(out).all():
            raise DecodeError(
                f"{frame.file.path}: some of its pixels are no finite numbers (NaN, or infinite). Export it again."
            )
        return True
    low, high = sorted(int(edge * slope + intercept) for edge in _range(stored, frame.file))
    if low < -32768 or high > 32767:
        return False
    if slope == 1 and stored.dtype.itemsize == 2:
        np.add(stored.view(np.int16), np.int16(intercept), out=out, casting="unsafe")
    else:
        wide = stored.astype(np.int64)
        wide *= int(slope)
        wide += int(intercept)
        out[...] = wide
    return True


def _range(stored: StoredArray, file: ImageFile) -> tuple[int, int]:
    """Lowest and highest value: what the bits allow if that is no more than 14 bits, else what is there."""
    if file.bits_stored <= 14:
        half = 1 << (file.bits_stored - 1)
        return (-half, half - 1) if file.signed else (0, 2 * half - 1)
    return int(stored.min()), int(stored.max())


def whole_values(frames: Iterable[Frame]) -> bool:
    """Whether the rescale of all planes turns integers into integers."""
    return all(
        _is_whole(slope_of(frame)) and _is_whole(intercept_of(frame)) and not frame.file.floating for frame in frames
    )


def _is_whole(value: float) -> bool:
    return float(value).is_integer() and abs(value) < 2**31


def slope_of(frame: Frame) -> float:
    """Rescale slope, 1 where it is absent."""
    return 1.0 if frame.slope is None else frame.slope


def intercept_of(frame: Frame) -> float:
    """Rescale intercept, 0 where it is absent."""
    return 0.0 if frame.intercept is None else frame.intercept
