"""JPEG frames (baseline, extended, lossless) of which not a single code is missing.

libjpeg fills up what is missing and warns of it, but no Python binding passes the warnings on. So each scan is decoded
together with a little more than there is: the header is given some rows more, and codes of known content for them are
put behind the data. They come out as they were put in where the data end with the last pixel; where codes were lost,
added, or misread, they come out elsewhere, or as something else. That costs next to nothing, unlike a second decoder.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from struct import pack, unpack
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.read.jpeg_known_codes import (
    LEAST_DIFFERENCES,
    LEAST_SEEN,
    Reading,
    Tables,
    blocks_needed,
    known_codes,
)

Pixels = npt.NDArray[np.integer[Any]]

_LOSSLESS = 0xC3
_SEQUENTIAL = (0xC0, 0xC1)
_MARKER = re.compile(rb"\xff[\x01-\xfe]")
_MARKER_BUT_RESTARTS = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_END = b"\xff\xd9"
_MAX_SIDE = 65500
#: Whole bytes that some writers put between the last code and the end marker of lossless data. Of others none is left
#: out: they would be recognised without a byte of their last block, too.
_STRAY_BYTES = 2
#: Grey levels of 256 about the middle that every build of libjpeg clips to black and white.
_CLIPPED = 360
_LOST = "its compressed data do not end with its last pixel: some were lost, or changed"
#: Bytes that are codes at least in part.
_LEFT_OVER = 24
#: Predictors up to this one are sums and differences of neighbours.
_LINEAR = 4
#: Grey levels that rounding may make of nothing.
_ROUNDED = 2


@dataclass(frozen=True)
class _Scan:
    """Where things are in a stream with one scan of one component."""

    stream: bytes
    process: int
    """SOF marker."""
    precision: int
    rows_at: int
    """Where the number of rows stands; the number of columns follows."""
    rows: int
    columns: int
    predictor: int
    point_transform: int
    tables: Tables
    quantum: int
    """Of the DC coefficient."""
    interval: int
    """MCUs between restart markers; 0 where there are none."""
    start: int
    end: int
    """Of the entropy-coded data."""

    def with_data(self, data: bytes, rows: int, columns: int) -> bytes:
        """Make the same stream of another size and other data."""
        head = self.stream
        return head[: self.rows_at] + pack(">HH", rows, columns) + head[self.rows_at + 4 : self.start] + data + _END

    @property
    def without_restarts(self) -> _Scan:
        """The same with no restart interval."""
        stream, at = self.stream, self.stream.find(b"\xff\xdd\0\x04", 0, self.start)
        while at >= 0:
            stream = stream[: at + 4] + b"\0\0" + stream[at + 6 :]
            at = stream.find(b"\xff\xdd\0\x04", at + 6, self.start)
        return replace(self, stream=stream, interval=0)


def decode(stream: bytes) -> Pixels:
    """Decode a grey JPEG image of which everything is there.

    Returns
    -------
    (rows, columns)
        uint8 or uint16.

    Raises
    ------
    ValueError
        If codes are missing, left over or misread, or it is another kind of JPEG; `imagecodecs` raises its own errors.

    References
    ----------
    ITU-T T.81: B.2 (markers), F.1.2 and F.2.2 (Huffman codes), H.1.2 (lossless).
    """
    scan = _parse(stream)
    data = stream[scan.start : scan.end]
    if scan.interval:
        return _decode_intervals(scan, data)
    image = _decode_whole(scan, data, scan.rows, scan.columns)
    return image[: scan.rows]


def _parse(stream: bytes) -> _Scan:
    if stream[:2] != b"\xff\xd8":
        raise ValueError("it does not begin like a JPEG image")
    at = 2
    frame: tuple[int, int, int, int, int, int] | None = None
    huffman: dict[int, bytes] = {}
    quanta: dict[int, int] = {}
    interval = 0
    while True:
        while stream[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 4 > len(stream) or stream[at] != 0xFF:
            raise ValueError("its markers are damaged")
        marker, length = stream[at + 1], int(unpack(">H", stream[at + 2 : at + 4])[0])
        body = stream[at + 4 : at + 2 + length]
        if length < 2 or len(body) < length - 2:
            raise ValueError("it ends inside its markers")
        if marker in (*_SEQUENTIAL, _LOSSLESS):
            if frame is not None or len(body) < 9 or body[5] != 1:
                raise ValueError("it is no image of one component")
            precision, rows, columns, _, _, sampling, table = unpack(">BHHBBBB", body[:9])
            frame = (marker, precision, at + 5, rows, columns, table)
            if not rows or not columns or not sampling:
                raise ValueError("its size is missing")
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            raise ValueError(f"JPEG process {marker - 0xC0} is not one of those that its transfer syntax allows")
        elif marker == 0xC4:
            huffman.update(_huffman(body))
        elif marker == 0xDB:
            quanta.update(_quanta(body))
        elif marker == 0xDD:
            (interval,) = unpack(">H", body[:2])
        elif marker == 0xDA:
            break
        elif marker in (0xD8, 0xD9):
            raise ValueError("it holds no image")
        at += 2 + length
    if frame is None or len(body) < 6 or body[0] != 1:
        raise ValueError("it is no image of one component")
    start = at + 2 + length
    found = (_MARKER_BUT_RESTARTS if interval else _MARKER).search(stream, start)
    if found is None:
        raise ValueError("the compressed image ends early")
    if found[0] != _END:
        raise ValueError(f"a marker (FF{found[0][1]:02X}) stands inside its compressed data")
    if b"\xff\xd8\xff" in stream[found.end() :]:
        raise ValueError("another image follows in the same frame")
    end = found.start()
    while end > start and stream[end - 1] == 0xFF:  # fill bytes before a marker
        end -= 1
    process, precision, rows_at, rows, columns, quantum = frame
    dc, ac = body[2] >> 4, body[2] & 15
    try:
        tables = (huffman[dc], b"" if process == _LOSSLESS else huffman[0x10 | ac])
        step = 1 if process == _LOSSLESS else quanta[quantum]
    except KeyError as error:
        raise ValueError("a table that it refers to is missing") from error
    return _Scan(
        stream, process, precision, rows_at, rows, columns, body[3], body[5] & 15, tables, step, interval, start, end
    )


def _huffman(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 17 <= len(body):
        count = sum(body[at + 1 : at + 17])
        yield body[at], body[at + 1 : at + 17 + count]
        at += 17 + count


def _quanta(body: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at + 65 <= len(body):
        wide = body[at] >> 4
        yield body[at] & 15, body[at + 1] << 8 | body[at + 2] if wide else body[at + 1]
        at += 1 + (128 if wide else 64)


def _decode_whole(scan: _Scan, data: bytes, rows: int, columns: int) -> Pixels:
    """Decode data that make so many rows, and look whether they do; there may be more rows below."""
    lossless = scan.process == _LOSSLESS
    side = 1 if lossless else 8
    across = -(-columns // side)
    scale = 0 if lossless else 8 * (1 << (scan.precision - 8)) / max(scan.quantum, 1)
    least = LEAST_DIFFERENCES if lossless else blocks_needed(scan.tables, scale)
    more = -(-least // across)
    whole = -(-rows // side) * side
    if whole + more * side > _MAX_SIDE:
        raise ValueError(f"{rows} rows are too many")
    known = known_codes(scan.tables, least if lossless else more * across, scale)
    if known is None:
        return _decode_twice(scan, data, rows, columns)
    for stray in range(_STRAY_BYTES + 1 if lossless else 1):
        kept = data[: len(data) - stray]
        if kept.endswith(b"\xff"):
            break
        image = _libjpeg(scan.with_data(kept + known.data, whole + more * side, columns))
        if image.shape != (whole + more * side, columns):
            raise ValueError(f"the decoder returned {image.shape}")
        if lossless and _as_known_lossless(scan, image, rows, known.after_all(kept)):
            return image
        if not lossless and _as_known_blocks(scan, image[whole:], known.after_all(kept)):
            return image
    if not lossless:  # greys are known less surely than differences: nothing whole may be refused
        return _decode_twice(scan, data, rows, columns)
    raise ValueError(_LOST)


def _decode_twice(scan: _Scan, data: bytes, rows: int, columns: int) -> Pixels:
    """Decode data before two different ends: where codes are missing, what comes instead of them differs.

    And once without the last bytes: where many codes are left over, nothing differs. For greys that were not, or
    cannot be, recognised.
    """
    ends = [random.Random(seed).randbytes(64).replace(b"\xff", b"\xff\0") for seed in (1, 2)]
    first, second = (_libjpeg(scan.with_data(data + end, rows, columns)) for end in ends)
    if not np.array_equal(first, second):
        raise ValueError(_LOST)
    shorter = data[:-_LEFT_OVER].removesuffix(b"\xff")
    if shorter and np.array_equal(first, _libjpeg(scan.with_data(shorter + ends[0], rows, columns))):
        raise ValueError(_LOST)
    return first


def _libjpeg(stream: bytes) -> Pixels:
    import imagecodecs

    image: Pixels = imagecodecs.jpeg8_decode(stream)
    return image


def _decode_intervals(scan: _Scan, data: bytes) -> Pixels:
    """Decode what lies between restart markers piece by piece: each has to be whole."""
    lossless = scan.process == _LOSSLESS
    side = 1 if lossless else 8
    across = -(-scan.columns // side)
    total = across * -(-scan.rows // side)
    found = [int(match[1][0]) - 0xD0 for match in _RESTART.finditer(data)]
    if found != [n % 8 for n in range(-(-total // scan.interval) - 1)]:
        raise ValueError("its restart markers are not in order: parts of it were lost")
    plain = scan.without_restarts
    pieces = []
    for n, piece in enumerate(_RESTART.split(data)[::2]):
        count = min(scan.interval, total - n * scan.interval)
        rows, rest = divmod(count, across)
        if rest and lossless:
            raise ValueError("its restart interval is no whole number of rows")
        if rest:
            _decode_whole(plain, piece, 8, 8 * count)
        elif lossless:
            pieces.append(_decode_whole(plain, piece, rows, scan.columns)[:rows])
        else:
            _decode_whole(plain, piece, rows * 8, scan.columns)
    return np.concatenate(pieces) if lossless else _libjpeg(scan.stream)


# -------------------------------------------------------------------------------------- codes of known content


def _as_known_lossless(scan: _Scan, image: Pixels, rows: int, known: Iterator[Reading]) -> bool:
    """Whether the differences below the image are those that were put there."""
    values = image[rows - 1 :].astype(np.int64) >> scan.point_transform
    mask = ((1 << (8 * image.itemsize)) - 1) >> scan.point_transform
    if image.itemsize == 1 and scan.predictor > _LINEAR:
        # What overflows eight bits is lost, and with it what was predicted from it.
        found = values[1:].ravel()
        return any(np.array_equal(_summed(scan, values, steps) & mask, found[: len(steps)]) for steps, _ in known)
    above, below = values[:-1], values[1:]
    predicted = np.empty_like(below)
    predicted[:, 0] = above[:, 0]
    predicted[:, 1:] = _predicted(scan.predictor, below[:, :-1], above[:, 1:], above[:, :-1])
    found = ((below - predicted) & mask).ravel()
    return any(np.array_equal(found[: len(steps)], steps & mask) for steps, _ in known)


def _summed(scan: _Scan, values: Pixels, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Add up differences below the first row of ``values``, as a decoder does."""
    above = [int(value) for value in values[0]]
    row: list[int] = []
    made = []
    for step in steps.tolist():
        i = len(row)
        before = above[0] if i == 0 else _predicted(scan.predictor, row[-1], above[i], above[i - 1])
        row.append((before + step) & 0xFFFF)
        made.append(row[-1])
        if len(row) == len(above):
            above, row = row, []
    return np.array(made, dtype=np.int64)


def _predicted(predictor: int, left: Any, up: Any, corner: Any) -> Any:
    """Prediction from the neighbours (T.81 table H.1)."""
    match predictor:
        case 1:
            return left
        case 2:
            return up
        case 3:
            return corner
        case 4:
            return left + up - corner
        case 5:
            return left + ((up - corner) >> 1)
        case 6:
            return up + ((left - corner) >> 1)
        case 7:
            return (left + up) >> 1
    raise ValueError(f"its predictor is {predictor}")


def _as_known_blocks(scan: _Scan, below: Pixels, known: Iterator[Reading]) -> bool:
    """Whether the greys below the image change from block to block as those do that were put there."""
    columns = below.shape[1]
    grey = below.astype(np.int64)[4::8, np.minimum(np.arange(4, columns + 4, 8), columns - 1)].ravel()
    top = (1 << scan.precision) - 1
    middle, clipped = (top + 1) / 2, _CLIPPED * (top + 1) / 256
    for steps, pure in known:
        levels, seen = steps.cumsum()[pure] * scan.quantum / 8, grey[pure]
        inside = (seen > 0) & (seen < top)
        if inside.sum() < LEAST_SEEN:
            continue
        levels = levels + np.median(seen[inside] - levels[inside])
        near = np.abs(levels - middle) < clipped
        if (np.abs(np.clip(levels, 0, top) - seen)[near] < _ROUNDED).all():
            return True
    return False
