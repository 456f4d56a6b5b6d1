"""The structure of compressed frames, looked at before a decoder is asked: what is missing, or of another size.

Decoders allocate what a stream says, and fill up what it lacks.
"""

from __future__ import annotations

import re
from struct import unpack

_BOXES = b"\0\0\0\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f\xff\x51"
_END = b"\xff\xd9"
#: FF before a byte above 8F is a marker, never data (T.800 A.1); SOP and EPH (91, 92) may stand between packets.
_MARKER_IN_PACKETS = re.compile(rb"\xff[\x90\x93-\xff]")
#: FF before a byte with its highest bit set is a marker, never data (T.87 A.1).
_JPEG_LS_MARKER = re.compile(rb"\xff[\x80-\xfe]")
#: Bytes of zeros that arithmetic codes never make, besides one for each empty packet.
_ZEROS = 32


def unboxed(frame: bytes) -> bytes:
    """Give the codestream of a JPEG 2000 frame that some writers wrap into a JP2 file (against PS3.5 A.4.4).

    Raises
    ------
    ValueError
        If there is none in it.

    References
    ----------
    ITU-T T.800 annex I.
    """
    if not frame.startswith(_BOXES):
        return frame
    at = 0
    while at + 8 <= len(frame):
        length, kind = unpack(">L4s", frame[at : at + 8])
        head = 8
        if length == 1 and at + 16 <= len(frame):
            (length,), head = unpack(">Q", frame[at + 8 : at + 16]), 16
        if kind == b"jp2c":
            return frame[at + head : at + length if length else len(frame)]
        if length < head:
            break
        at += length
    raise ValueError("its JP2 boxes hold no image")


def image_size(stream: bytes) -> tuple[int, int]:
    """Rows and columns that a JPEG, JPEG-LS or JPEG 2000 stream says it has.

    Raises
    ------
    ValueError
        If it is none of these.

    References
    ----------
    ITU-T T.81 B.2.2 (frame header), T.87 C.2.2, T.800 A.5.1 (SIZ).
    """
    if stream.startswith(_CODESTREAM) and len(stream) >= 24:
        width, height, x0, y0 = unpack(">4L", stream[8:24])
        return height - y0, width - x0
    at = 2 if stream.startswith(b"\xff\xd8") else len(stream)
    while at + 9 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        # Frame headers: SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC); SOF55 (F7) of JPEG-LS.
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns = unpack(">HH", stream[at + 5 : at + 9])
            return rows, columns
        at += 2 + int(unpack(">H", stream[at + 2 : at + 4])[0])
    raise ValueError("it does not begin like a compressed image")


def check_jpeg_ls(stream: bytes) -> None:
    """Look whether a JPEG-LS stream is one image with an end; CharLS complains of what is missing, but slowly.

    Raises
    ------
    ValueError
        If it is not.
    """
    at = stream.find(b"\xff\xda")
    end = _JPEG_LS_MARKER.search(stream, at + 2) if at >= 0 else None
    if end is None:
        raise ValueError("the compressed image ends early")
    if end[0] != _END:
        raise ValueError(f"a marker (FF{end[0][1]:02X}) stands inside its compressed data")
    if b"\xff\xd8\xff" in stream[end.end() :]:
        raise ValueError("another image follows in the same frame")


def check_jpeg_2000(stream: bytes) -> None:
    """Look whether all tile-parts of a JPEG 2000 stream are there in full.

    Raises
    ------
    ValueError
        If bytes are missing, left over, or zeros stand where there were codes.

    References
    ----------
    ITU-T T.800 A.4.2 (SOT), A.4.4 (EOC), A.5.1 (SIZ), A.6.1 (COD).
    """
    if not stream.startswith(_CODESTREAM):
        raise ValueError("it does not begin like a JPEG 2000 codestream")
    at, tiles, zeros = 2, 1, 0
    while stream[at : at + 2] != b"\xff\x90":
        if at + 4 > len(stream) or stream[at] != 0xFF:
            raise ValueError("its main header is damaged, or ends early")
        marker, length = unpack(">HH", stream[at : at + 4])
        body = stream[at + 4 : at + 2 + length]
        if marker == 0xFF51:
            tiles = _tiles(body)
        elif marker == 0xFF52:
            zeros = _most_zeros(body)
        at += 2 + length
    parts: dict[int, list[int]] = {}
    while stream[at : at + 2] == b"\xff\x90":
        if at + 12 > len(stream):
            raise ValueError("it ends early")
        tile, length, part, count = unpack(">HLBB", stream[at + 4 : at + 12])
        end = at + length if length else stream.rfind(_END)
        if end > len(stream) or end < at + 14:
            raise ValueError(f"tile-part {part} of tile {tile} ends early")
        data = stream.find(b"\xff\x93", at, end)
        if data < 0 or _MARKER_IN_PACKETS.search(stream, data + 2, end):
            raise ValueError(f"tile-part {part} of tile {tile} is damaged")
        if zeros and stream.find(b"\0" * zeros, data, end) >= 0:
            raise ValueError(f"tile-part {part} of tile {tile} holds zeros where there were codes")
        known = parts.setdefault(tile, [0, 0])
        known[0] += 1
        known[1] = known[1] or count
        at = end
    if len(parts) != tiles or any(count and found != count for found, count in parts.values()):
        raise ValueError("some of its tile-parts are missing")
    rest = stream[at:]
    if rest.startswith(_END):
        rest = rest[2:]
    if rest.strip(b"\0"):
        raise ValueError("more follows behind its last tile-part than belongs there")


def _tiles(siz: bytes) -> int:
    if len(siz) < 34:
        raise ValueError("its main header ends early")
    width, height, _, _, tile_width, tile_height, x0, y0 = unpack(">8L", siz[2:34])
    if not tile_width or not tile_height or width <= x0 or height <= y0:
        raise ValueError("its size is senseless")
    return int(-(-(width - x0) // tile_width) * -(-(height - y0) // tile_height))


def _most_zeros(cod: bytes) -> int:
    """How many zeros in a row are too many; 0 where any number may be right.

    An empty packet is a byte of zeros. Bits that are stored raw (bypass, high throughput) may all be zeros, and own
    sizes of precincts make more packets.
    """
    if len(cod) < 10:
        raise ValueError("its main header ends early")
    own_precincts, raw = cod[0] & 1, cod[8] & 0x41
    layers, levels = unpack(">H", cod[2:4])[0], cod[5]
    return 0 if own_precincts or raw else _ZEROS + layers * (levels + 1)
