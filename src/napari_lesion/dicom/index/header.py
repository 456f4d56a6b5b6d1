"""What a file says about its image planes, read without touching a pixel.

A file gives one `ImageFile` (how its pixels are stored) and one `Frame` for each plane in it (where the plane lies and
what its values mean). Values are taken from the raw elements, because a header with one odd value must not
cost a whole scan.
"""

from __future__ import annotations

import warnings
import zlib
from io import BytesIO
from pathlib import Path
from struct import unpack
from typing import Any, BinaryIO

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from napari_lesion.dicom.elements import Values, tag_of
from napari_lesion.dicom.index.fast_header import ShortError, UnusualError, scan
from napari_lesion.dicom.index.frames import Header, NotAScanError, RawHeader
from napari_lesion.dicom.index.interpret import _PER_FRAME, MAX_INFLATION, by_tag, interpret
from napari_lesion.dicom.index.keywords import READ, SORTED, TAGS
from napari_lesion.support.errors import SecurityError
from napari_lesion.support.vault import open_file

_FUNCTIONAL_GROUPS = frozenset({tag_of("SharedFunctionalGroupsSequence"), _PER_FRAME})
#: Bytes of a file that are read at first and, where its header is longer, on top.
_FIRST_BYTES = 32 * 2**10
_MORE_BYTES = 2**20

#: The transfer syntax stands within this many bytes.
_META_BYTES = 1024
#: Most bytes that a deflated file may expand to: in all, and for each of its own bytes (small files may exceed that).
_MAX_INFLATED = 2**31
_INFLATION_FROM_BYTES = 32 * 2**20


class _DamagedError(ValueError):
    """A header that is damaged, in words that quote nothing of it."""


def read_header(path: Path) -> Header:
    """Read the header of one file.

    Raises
    ------
    NotAScanError
        If the file holds no image plane; the message says what it is instead.
    """
    try:
        return _read_header(path)
    except (NotAScanError, KeyboardInterrupt):
        raise
    except SecurityError as error:
        raise NotAScanError(f"is encrypted, and does not open ({error})", lost=True) from error
    except OSError as error:
        raise NotAScanError(f"cannot be read ({error.strerror or error})", lost=True) from error
    except Exception as error:  # a damaged header can fail anywhere inside the parser
        # What the parser says quotes the value that it failed at, which may be a name.
        said = f"{type(error).__name__}: {error}" if isinstance(error, _DamagedError) else type(error).__name__
        reason = f"its header is damaged ({said})"
        raise NotAScanError(reason, lost=_is_marked(path)) from error


def _is_marked(path: Path) -> bool:
    """Whether a file says that it is DICOM (PS3.10 7.1)."""
    try:
        with open_file(path)[0] as file:
            return file.read(132)[128:] == b"DICM"
    except (OSError, SecurityError):
        return True


def _read_header(path: Path) -> Header:
    if path.stat().st_size == 0:  # or no file at all: a pipe would never be open
        raise NotAScanError("an empty file")
    file, size = open_file(path)
    with file:
        data = file.read(_FIRST_BYTES)
        for window in (_FIRST_BYTES, _MORE_BYTES):
            try:
                meta, elements, offset, tag = scan(data, READ, _FUNCTIONAL_GROUPS)
            except ShortError:
                data += file.read(window)
            except UnusualError:
                break
            else:
                implicit = Values(meta, TAGS).text("TransferSyntaxUID") == ImplicitVRLittleEndian
                return interpret(path, size, RawHeader(meta, elements, offset, tag, implicit, True, False))
    return interpret(path, size, _parse(path, size))


def _parse(path: Path, size: int) -> RawHeader:
    """Let pydicom read a header that is out of the ordinary."""
    with open_file(path)[0] as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deflated = DeflatedExplicitVRLittleEndian.encode() in file.read(_META_BYTES)
        file.seek(0)
        source = inflate(file, size) if deflated else file
        try:
            dataset = pydicom.dcmread(source, stop_before_pixels=True, specific_tags=SORTED, force=deflated)
        except InvalidDicomError:
            file.seek(0)
            dataset = _read_without_meta(file)
        implicit, little = (bool(flag) for flag in dataset.original_encoding)
        meta = getattr(dataset, "file_meta", None)
        offset = source.tell()
        tag = source.read(4)
        group, element = unpack("<HH" if little else ">HH", tag) if len(tag) == 4 else (0, 0)
        return RawHeader(
            meta={} if meta is None else by_tag(meta),
            elements=by_tag(dataset),
            offset=offset,
            pixel_tag=group << 16 | element,
            implicit=implicit,
            little=little,
            deflated=deflated,
        )


def inflate(file: BinaryIO, size: int) -> BinaryIO:
    """Inflate the data set of a deflated file, at most to the limit.

    Raises
    ------
    ValueError
        If the file is damaged, or expands beyond the limit.

    References
    ----------
    DICOM PS3.5 section A.5; the data set begins where the group length of the meta header (PS3.10 7.1) says.
    """
    file.seek(128)
    prefix, group, element, _, _, length = unpack("<4sHH2sHL", file.read(16))
    if prefix != b"DICM" or (group, element) != (2, 0):
        raise _DamagedError("its meta header is damaged")
    file.seek(144 + length)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    limit = min(_MAX_INFLATED, max(_INFLATION_FROM_BYTES, MAX_INFLATION * size))
    inflated = inflater.decompress(file.read(size), limit)
    if inflater.unconsumed_tail:
        raise _DamagedError(f"it expands to more than {limit // 2**20} MiB")
    if not inflater.eof:
        raise _DamagedError("it ends inside its deflated data")
    return BytesIO(inflated)


def _read_without_meta(file: Any) -> FileDataset:
    """Parse a file without the DICM prefix, if it starts like a data set: group 0002 or 0008, little or big endian."""
    start = file.read(8)
    file.seek(0)
    if len(start) < 8 or start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08"):
        raise NotAScanError("not a DICOM file")
    return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=SORTED, force=True)
