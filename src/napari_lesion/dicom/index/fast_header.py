"""A quick pass over the elements of an ordinary file, up to its pixel data.

pydicom parses every nested sequence of every file; a folder of ten thousand files has no time for that. This pass
knows little endian data sets behind a meta header and steps over what nobody asked for. Whatever is out of the
ordinary raises `UnusualError`, and pydicom reads the file instead.
"""

from __future__ import annotations

from collections.abc import Container
from struct import Struct

from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

#: (7FE0,0008), (7FE0,0009) and (7FE0,0010): float, double and integer pixel data. Their group comes last but padding.
FIRST_PIXEL_TAG = 0x7FE00008
_TRANSFER_SYNTAX = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
#: Value representations with a 32-bit length (PS3.5 7.1.2).
_LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)
_explicit = Struct("<HH2sH").unpack_from
_implicit = Struct("<HHL").unpack_from
_long_length = Struct("<L").unpack_from

RawElements = dict[int, RawDataElement]


class UnusualError(Exception):
    """No ordinary file: let pydicom read it."""


class ShortError(UnusualError):
    """The data ends before the pixel data: more of the file is needed."""


def scan(data: bytes, wanted: Container[int], unusual: Container[int]) -> tuple[RawElements, RawElements, int, int]:
    """Find the elements before the pixel data.

    Parameters
    ----------
    data : bytes
        The beginning of a file.
    wanted : tags
        What to keep of the data set; the meta header is kept whole.
    unusual : tags
        Whose presence makes a file unusual.

    Returns
    -------
    meta, dataset : dict
        Raw elements by tag.
    offset, tag : int
        Where the pixel data element begins, and which it is.

    Raises
    ------
    UnusualError
        If the file is not of the ordinary kind, or `data` ends before the pixel data (`ShortError`).
    """
    if data[128:132] != b"DICM":
        raise UnusualError
    meta: RawElements = {}
    position = 132
    while data[position : position + 2] == b"\x02\0":
        tag, position, start, vr, length = _header(data, position, False)
        if length == _UNDEFINED:
            raise UnusualError
        position = start + length
        meta[tag] = _element(tag, vr, data, start, length, False)
    syntax = meta.get(_TRANSFER_SYNTAX)
    uid = (syntax.value or b"").decode("latin-1").strip(" \0") if syntax is not None else ""
    if not uid or uid in (ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        raise UnusualError
    implicit = uid == ImplicitVRLittleEndian
    dataset: RawElements = {}
    before = 0
    while True:
        tag, at, start, vr, length = _header(data, position, implicit)
        if tag >= FIRST_PIXEL_TAG:
            return meta, dataset, at, tag
        if tag <= before or tag in unusual:
            raise UnusualError
        before = tag
        if length == _UNDEFINED:
            if vr == b"UN":
                raise UnusualError  # its content is implicit
            position = _sequence_end(data, start, implicit)
            if tag in wanted:
                dataset[tag] = _element(tag, vr, data, start, position - start, implicit)
            continue
        position = start + length
        if tag in wanted:
            dataset[tag] = _element(tag, vr, data, start, length, implicit)


def _header(data: bytes, position: int, implicit: bool) -> tuple[int, int, int, bytes, int]:
    """Tag, its position, start of the value, VR and length of the element at a position."""
    if position + 12 > len(data):
        raise ShortError
    if implicit:
        group, element, length = _implicit(data, position)
        return group << 16 | element, position, position + 8, b"", length
    group, element, vr, length = _explicit(data, position)
    if vr in _SHORT:
        return group << 16 | element, position, position + 8, vr, length
    if vr in _LONG:
        return group << 16 | element, position, position + 12, vr, _long_length(data, position + 8)[0]
    raise UnusualError


def _element(tag: int, vr: bytes, data: bytes, start: int, length: int, implicit: bool) -> RawDataElement:
    if start + length > len(data):
        raise ShortError
    value = data[start : start + length]
    return RawDataElement(BaseTag(tag), vr.decode() or None, length, value, start, implicit, True)


def _sequence_end(data: bytes, position: int, implicit: bool) -> int:
    """Position behind a sequence of undefined length, whatever is nested in it."""
    depth = 1  # open sequences and items of undefined length
    while depth:
        if position + 12 > len(data):
            raise ShortError
        group, element, length = _implicit(data, position)
        tag = group << 16 | element
        if tag in (_ITEM, _ITEM_END, _SEQUENCE_END):
            position += 8
            if tag != _ITEM:
                depth -= 1
            elif length == _UNDEFINED:
                depth += 1
            else:
                position += length
            continue
        _, _, position, vr, length = _header(data, position, implicit)
        if length != _UNDEFINED:
            position += length
        elif vr == b"UN":
            raise UnusualError
        else:
            depth += 1
    return position
