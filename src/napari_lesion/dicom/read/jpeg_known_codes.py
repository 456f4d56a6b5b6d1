"""Huffman codes of known content, put behind JPEG data to see whether these end with their last pixel."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Reading = tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]


Tables = tuple[bytes, bytes]
"""Counts of code lengths and symbols, of DC (or lossless) and AC codes; the latter may be empty (T.81 C.2)."""


#: Differences, or blocks, that are put behind the data at least.
LEAST_DIFFERENCES, _LEAST_BLOCKS, _MOST_BLOCKS = 24, 56, 400


#: Further codes behind them, where padding takes some for others.
_MORE = 12


#: Grey levels of 256 from a known block to the next at most, and how far they climb above and below the last pixels:
#: from anywhere, through black and white.
_STEP, _CLIMB = 36, 350


#: Half of the grey levels, and levels about the middle from where on builds of libjpeg may begin anew.
_HALF, _WRAPPED = 128, 640


#: Ones that make a code that is none of the padding, which moves no grey: as few as will do, for enough of them end a
#: block, whose end may be what is missing; and how many climbs are tried behind them.
_ONES, _TRIES = (0, 9, 10, 11, 12, 13, 14, 4, 6, 8, 17, 24, 32, 40), 40


#: Known blocks that have to be neither black nor white.
LEAST_SEEN = 4


#: What may stand behind the last code in its byte: ones (T.81 F.1.2.3), or zeros as some writers have it.
_USUAL = ("", *("1" * n for n in range(1, 8)))


_PADDINGS = (*_USUAL, *("0" * n for n in range(1, 8)))


class KnownCodes:
    """Codes that are put behind the data, and what a decoder makes of them after each padding of the last byte."""

    def __init__(self, bits: str, dc: dict[int, str], ac: dict[int, str], count: int) -> None:
        self._bits, self._dc, self._ac, self._count = bits, dc, ac, count
        self._readings: dict[str, Reading] = {}
        padded = bits + "1" * (-len(bits) % 8)
        self.data = int(padded, 2).to_bytes(len(padded) // 8, "big").replace(b"\xff", b"\xff\0")

    def after(self, padding: str) -> Reading:
        """Differences (of DC coefficients, if there are such), and whether a block has nothing but that."""
        if padding not in self._readings:
            self._readings[padding] = _read(padding + self._bits, self._dc, self._ac, self._count)
        return self._readings[padding]

    def after_all(self, data: bytes) -> Iterator[Reading]:
        """Give the same for each padding that the last byte of some data may have."""
        data = data.removesuffix(b"\0") if data.endswith(b"\xff\0") else data  # a stuffed byte (T.81 F.1.2.3)
        last = f"{data[-1]:08b}" if data else ""
        return (self.after(padding) for padding in _PADDINGS if last.endswith(padding))


@lru_cache(maxsize=64)
def known_codes(tables: Tables, count: int, scale: float) -> KnownCodes | None:
    """Make known codes, if the tables allow; ``scale``: DC coefficients of one grey level of 256."""
    dc, ac = (_codes(table) for table in tables)
    if not ac:
        return KnownCodes("".join(_steps(dc, count + _MORE, random.Random(count))), dc, ac, count)
    size = _step_size(dc, scale)
    for ones in _ONES if size and 0 in ac else ():
        for seed in range(_TRIES):
            bits = "1" * ones + "".join(
                _blocks(dc[size], ac[0], size, count + _MORE, _CLIMB * scale, random.Random(seed))
            )
            known = KnownCodes(bits, dc, ac, count)
            if all(_are_seen(known, padding, scale) for padding in _USUAL):
                return known
    return None


@lru_cache(maxsize=64)
def blocks_needed(tables: Tables, scale: float) -> int:
    """How many blocks it takes to climb up, down and up again; as many as there may be where it would take more."""
    size = _step_size(_codes(tables[0]), scale)
    return max(_LEAST_BLOCKS, min(_MOST_BLOCKS, int(4 * _CLIMB * scale / (0.75 * 2**size)) + _MORE))


def _step_size(dc: dict[int, str], scale: float) -> int:
    """Size (T.81 table F.1) of a step from a known block to the next: the largest that is small enough; 0: none."""
    sizes = sorted(size for size in dc if 0 < size <= 15)
    fitting = [size for size in sizes if 0.75 * 2**size <= _STEP * scale]
    return fitting[-1] if fitting else sizes[0] if sizes else 0


def _are_seen(known: KnownCodes, padding: str, scale: float) -> bool:
    """Whether enough blocks are neither black nor white whatever the last pixels are."""
    steps, pure = known.after(padding)
    climb = steps.cumsum()[pure] / scale
    seen = [int((np.abs(climb + grey) < _HALF).sum()) for grey in range(-_HALF, _HALF + 1, _HALF // 4)]
    return min(seen) > LEAST_SEEN and float(np.abs(climb).max()) < _WRAPPED


def _codes(table: bytes) -> dict[int, str]:
    """Code of each symbol, in bits (T.81 C.2)."""
    codes: dict[int, str] = {}
    code, at = 0, 16
    for length in range(1, 17):
        for symbol in table[at : at + table[length - 1]] if table else b"":
            codes.setdefault(symbol, f"{code:0{length}b}")
            code += 1
            at += 1
        code <<= 1
    if any(len(text) > 16 for text in codes.values()):
        raise ValueError("its Huffman tables are damaged")
    return codes


def _steps(codes: dict[int, str], count: int, chance: random.Random) -> Iterator[str]:
    """Differences of all sizes that the table has codes for."""
    sizes = [size for size in codes if size <= 16]
    if not sizes:
        raise ValueError("its Huffman tables are damaged")
    for _ in range(count):
        size = chance.choice(sizes)
        yield codes[size] + (f"{chance.getrandbits(size):0{size}b}" if 0 < size < 16 else "")


def _blocks(dc: str, end: str, size: int, count: int, climb: float, chance: random.Random) -> Iterator[str]:
    """Blocks of one grey each, climbing up, down and up again by uneven steps."""
    level, sign = 0, 1
    for _ in range(count):
        step = chance.randrange(1 << (size - 1), 1 << size)
        yield dc + f"{step if sign > 0 else (1 << size) - 1 - step:0{size}b}" + end
        level += sign * step
        if abs(level) > climb:
            sign = -1 if level > 0 else 1


def _read(bits: str, dc: dict[int, str], ac: dict[int, str], count: int) -> Reading:
    """Read differences (of DC; and whether a block has nothing else) as libjpeg does.

    A code that is none counts as symbol 0 and takes 17 bits.
    """
    firsts, others = ({code: symbol for symbol, code in codes.items()} for codes in (dc, ac))
    at = 0

    def symbol(codes: dict[str, int]) -> int:
        nonlocal at
        for length in range(1, 17):
            if bits[at : at + length] in codes:
                at += length
                return codes[bits[at - length : at]]
        at += 17
        return 0

    def extra(size: int) -> int:
        nonlocal at
        text = bits[at : at + size].ljust(size, "0")
        at += size
        return int(text, 2) if text[0] == "1" else int(text, 2) - (1 << size) + 1

    values, pure = [], []
    for _ in range(count):
        size = symbol(firsts)
        value = 32768 if size == 16 else extra(size) if size else 0
        k, alone = 1, True
        while ac and k < 64:
            run, size = divmod(symbol(others), 16)
            if size:
                k += run
                extra(size)
                alone = False
            elif run != 15:
                break
            else:
                k += 15
            k += 1
        values.append(value)
        pure.append(alone)
    return np.array(values, dtype=np.int64), np.array(pure, dtype=bool)
