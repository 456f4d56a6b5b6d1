"""Which fragments of compressed pixel data make which frame.

Each fragment belongs to one frame, and each frame that the header says is there: tables of offsets that contradict the
fragments, frames too many and frames too few are refused, for one frame taken for another is another place in the
patient.

References
----------
DICOM PS3.5 A.4 (encapsulation, Basic Offset Table); PS3.3 C.7.6.3.1.8 (Extended Offset Table).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from struct import unpack
from typing import BinaryIO

from pydicom.uid import RLELossless

from napari_lesion.dicom.index.frames import ImageFile
from napari_lesion.support.errors import DecodeError

_ITEM, _END = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
_HEAD_BYTES = 8
#: How compressed images begin (JPEG and JPEG-LS, JPEG 2000, JPEG 2000 in boxes), and the marker that they end with.
_BEGINS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")
_ENDS = b"\xff\xd9"
#: So far from the end of a fragment the marker may lie, because of padding.
_PADDED = 10


@dataclass(frozen=True)
class Fragment:
    """Where one lies: its item from the first fragment's on, its bytes in the file, and how many they are."""

    offset: int
    start: int
    length: int


@dataclass(frozen=True)
class _Frame:
    """The fragments of one frame, and how many of their bytes count."""

    fragments: tuple[Fragment, ...]
    length: int


def compressed_frames(file: ImageFile, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the compressed frames of a file, in order.

    Parameters
    ----------
    file : ImageFile
    stream : binary file
        At the value of its pixel data.

    Raises
    ------
    DecodeError
        If items are damaged, tables of offsets contradict them, or there are more or fewer frames than the header says.
    """
    table, fragments = _items(file, stream)
    for frame in _frames(file, stream, table, fragments):
        yield _bytes(stream, frame)


def _bytes(stream: BinaryIO, frame: _Frame) -> bytes:
    parts = []
    for fragment in frame.fragments:
        stream.seek(fragment.start)
        parts.append(stream.read(fragment.length))
    return b"".join(parts)[: frame.length]


def _items(file: ImageFile, stream: BinaryIO) -> tuple[tuple[int, ...], tuple[Fragment, ...]]:
    """Read the Basic Offset Table, and find the fragments.

    All items have to be there in full: decoders may fill up a short one silently.
    """
    at = stream.tell()
    origin = None
    table = b""
    fragments: list[Fragment] = []
    while at < file.size:
        stream.seek(at)
        head = stream.read(_HEAD_BYTES)
        if len(head) < _HEAD_BYTES:
            break
        group, element, length = unpack("<HHL", head)
        if (group, element) == _END:
            break
        start, at = at, at + _HEAD_BYTES + length
        if (group, element) != _ITEM or at > file.size:
            raise DecodeError(
                f"{file.path}: its compressed pixel data ends early or is damaged. Copy or export the file again."
            )
        if origin is None:
            origin, table = at, stream.read(length)
        else:
            fragments.append(Fragment(start - origin, start + _HEAD_BYTES, length))
    if len(table) % 4:
        raise _contradiction(file, f"its Basic Offset Table has {len(table)} bytes")
    return unpack(f"<{len(table) // 4}L", table), tuple(fragments)


def _frames(
    file: ImageFile, stream: BinaryIO, table: Sequence[int], fragments: Sequence[Fragment]
) -> tuple[_Frame, ...]:
    count = file.n_frames
    if any(file.extended_offsets):
        return _by_extended_table(file, table, fragments)
    if len(table) > 1 or (table and count > 1):
        found = _by_table(file, table, fragments)
    elif file.transfer_syntax == RLELossless or (count > 1 and len(fragments) == count):
        found = tuple((fragment,) for fragment in fragments)
    else:
        found = _by_markers(stream, fragments)
    if len(found) != count:
        more = "its header is wrong, or frames of another object are in it" if len(found) > count else "it is truncated"
        raise DecodeError(
            f"{file.path}: holds {len(found)} compressed frame{'' if len(found) == 1 else 's'} where its header says "
            f"{count}: {more}. Copy or export it again."
        )
    return tuple(_Frame(frame, sum(one.length for one in frame)) for frame in found)


def _by_table(file: ImageFile, table: Sequence[int], fragments: Sequence[Fragment]) -> tuple[tuple[Fragment, ...], ...]:
    """Divide fragments by the Basic Offset Table, whose numbers have 32 bits, so that they begin anew behind 4 GiB."""
    begins = {fragment.offset: n for n, fragment in enumerate(fragments)}
    wrapped = {fragment.offset % 2**32: n for n, fragment in enumerate(fragments)}
    places = [wrapped.get(offset) if len(wrapped) == len(begins) else begins.get(offset) for offset in table]
    return _divided(file, "Basic Offset Table", table, places, fragments)


def _divided(
    file: ImageFile,
    name: str,
    offsets: Sequence[int],
    places: Sequence[int | None],
    fragments: Sequence[Fragment],
) -> tuple[tuple[Fragment, ...], ...]:
    """Divide fragments at places, which must rise from the first one on."""
    known = [place for place in places if place is not None]
    if len(known) < len(places):
        wrong = offsets[places.index(None)]
        raise _contradiction(file, f"its {name} says that a frame begins at byte {wrong}, where no fragment does")
    if known[0] != 0 or any(a >= b for a, b in pairwise(known)):
        raise _contradiction(file, f"its {name} does not rise from the first fragment on")
    return tuple(tuple(fragments[a:b]) for a, b in pairwise((*known, len(fragments))))


def _by_extended_table(file: ImageFile, basic: Sequence[int], fragments: Sequence[Fragment]) -> tuple[_Frame, ...]:
    name = "Extended Offset Table"
    raw_offsets, raw_lengths = file.extended_offsets
    if len(raw_offsets) != 8 * file.n_frames or len(raw_lengths) != 8 * file.n_frames:
        raise _contradiction(
            file,
            f"its {name} has {len(raw_offsets) / 8:g} offsets and {len(raw_lengths) / 8:g} lengths where its header "
            f"says {file.n_frames} frames",
        )
    offsets, lengths = (unpack(f"<{file.n_frames}Q", raw) for raw in (raw_offsets, raw_lengths))
    begins = {fragment.offset: n for n, fragment in enumerate(fragments)}
    divided = _divided(file, name, offsets, [begins.get(offset) for offset in offsets], fragments)
    if basic and _by_table(file, basic, fragments) != divided:
        raise _contradiction(file, f"its {name} contradicts its Basic Offset Table")
    for number, (frame, length) in enumerate(zip(divided, lengths, strict=True), 1):
        there = sum(fragment.length for fragment in frame)
        if not there - 1 <= length <= there:  # one byte may be padding
            raise _contradiction(file, f"its {name} says that frame {number} has {length} bytes, but it has {there}")
    return tuple(_Frame(frame, length) for frame, length in zip(divided, lengths, strict=True))


def _by_markers(stream: BinaryIO, fragments: Sequence[Fragment]) -> tuple[tuple[Fragment, ...], ...]:
    """Divide fragments where one ends as a compressed image does, and the next one begins as one does."""
    frames: list[list[Fragment]] = []
    ended = True
    for fragment in fragments:
        stream.seek(fragment.start)
        begins = stream.read(_PADDED).startswith(_BEGINS)
        if not frames or (ended and begins):
            frames.append([])
        frames[-1].append(fragment)
        stream.seek(fragment.start + max(fragment.length - _PADDED, 0), io.SEEK_SET)
        ended = _ENDS in stream.read(min(_PADDED, fragment.length))
    return tuple(map(tuple, frames))


def _contradiction(file: ImageFile, why: str) -> DecodeError:
    return DecodeError(
        f"{file.path}: {why}, so it is unknown which compressed data belong to which frame. Export the file again."
    )
