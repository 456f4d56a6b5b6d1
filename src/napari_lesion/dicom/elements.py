"""Values of raw data elements: as the dictionary says, whatever VR the writer chose, or refused by name.

Absent is only what is not there or empty. A value that is there but cannot be read is never taken for absent: a default
in its place would be a guess.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from struct import unpack
from typing import Any, Literal, NamedTuple

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement

Elements = dict[int, Any]  # raw or converted elements by tag

_FORMATS = {"US": ("H", 2), "SS": ("h", 2), "UL": ("L", 4), "SL": ("l", 4), "FL": ("f", 4), "FD": ("d", 8)}
_ORDER: dict[bool, Literal["little", "big"]] = {True: "little", False: "big"}
#: What pads values: spaces and NULs (PS3.5 6.2), and the line ends of writers that think of text files.
_PADDING = " \0\t\r\n"
_NUMERIC = re.compile(rb"[0-9+\-.,eE\\ \0\t\r\n]+").fullmatch
#: A comma before three last digits may divide thousands.
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2},[0-9]{3}").fullmatch
#: Where both readings of such a comma are possible. Nobody's slope, pixel or position is in the thousands.
_MAY_BE_THOUSANDS = frozenset({"RescaleIntercept", "PixelPaddingValue", "PixelPaddingRangeLimit", "WindowCenter"})
_SHOWN = 40
_LIKE_A_NUMBER = re.compile(r"[0-9+\-.,eE\\ ]{0,43}")


class Unreadable(NamedTuple):
    """A value that is there but cannot be read."""

    keyword: str
    held: str
    """What stands there, for messages."""

    def __str__(self) -> str:
        return f"its {self.keyword} holds {self.held}, which cannot be read"


class UnreadableError(Exception):
    """A value that is there but cannot be read."""

    def __init__(self, what: Unreadable) -> None:
        super().__init__(str(what))
        self.what = what


def _without_letters(text: str) -> str:
    """Show what should be a number: as it is where it looks like one, else how long it is; it may be a name."""
    return text if _LIKE_A_NUMBER.fullmatch(text) else "*" * len(text)


def tag_of(keyword: str) -> int:
    """Tag of a keyword."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag


def binary_vr(keyword: str) -> str:
    """Name the binary VR that the dictionary gives a keyword; empty where it is a text."""
    vr = dictionary_VR(tag_of(keyword)).split(" or ")[0]  # US or SS: whoever asks knows the sign
    return vr if vr in _FORMATS else ""


class Values:
    """The values of one data set, by keyword.

    Parameters
    ----------
    elements : dict
        Raw or converted elements by tag.
    tags : dict
        Tag and binary VR ('' for texts) of each keyword that will be asked for.

    Attributes
    ----------
    unreadable : list of Unreadable
        What could not be read so far.
    """

    def __init__(self, elements: Elements, tags: dict[str, tuple[int, str]]) -> None:
        self._elements = elements
        self._tags = tags
        self.unreadable: list[Unreadable] = []

    def text(self, keyword: str) -> str:
        """Value as it stands in the file, without padding; '' where it is absent. Binary numbers become text."""
        tag, binary = self._tags[keyword]
        element = self._elements.get(tag)
        if element is None:
            return ""
        if _is_plain_text(element, binary):
            value: bytes = element.value
            return value.decode("latin-1").strip(_PADDING)
        return next(_readings(element, binary), "")

    def numbers(self, keyword: str, count: int = 0) -> tuple[float, ...] | None:
        """Give finite numbers, as many as asked for; None where they are absent or `unreadable`."""
        tag, binary = self._tags[keyword]
        element = self._elements.get(tag)
        if element is None or (not element.value and not isinstance(element.value, int | float)):
            return None
        if (ordinary := _ordinary(element, binary, count)) is not None:
            return ordinary
        held = ""
        for said in _readings(element, binary):
            held = held or said
            if not said.strip("\\"):
                return None
            values = _parsed(said, keyword, count)
            if values is not None:
                return values
        held = held or str(element.value)
        shown = _without_letters(held if len(held) <= _SHOWN else f"{held[:_SHOWN]}...")
        vr = f" (VR {element.VR})" if element.VR else ""
        self.unreadable.append(Unreadable(keyword, f"{shown!a}{vr}"))
        return None

    def number(self, keyword: str) -> float | None:
        """One finite number; None where it is absent or `unreadable`."""
        values = self.numbers(keyword, 1)
        return None if values is None else values[0]

    def integer(self, keyword: str) -> int | None:
        """One integer; None where it is absent or `unreadable`."""
        value = self.number(keyword)
        if value is None:
            return None
        if not value.is_integer():
            self.unreadable.append(Unreadable(keyword, ascii(f"{value:g}")))
            return None
        return int(value)

    def needed(self, keyword: str) -> int | None:
        """One integer; None where it is absent.

        Raises
        ------
        UnreadableError
            If it is there but cannot be read.
        """
        value = self.integer(keyword)
        if value is None and self.unreadable and self.unreadable[-1].keyword == keyword:
            raise UnreadableError(self.unreadable[-1])
        return value


def _is_plain_text(element: Any, binary: str) -> bool:
    return type(element) is RawDataElement and not binary and element.VR not in _FORMATS and bool(element.value)


def _ordinary(element: Any, binary: str, count: int) -> tuple[float, ...] | None:
    """Read numbers that are written as they should be, which nearly all are; None for all others."""
    if _is_plain_text(element, binary):
        said = element.value.decode("latin-1").strip(_PADDING)
        try:
            values = tuple(map(float, said.split("\\")))
        except ValueError:
            return None
        return values if len(values) == count and "_" not in said and all(map(math.isfinite, values)) else None
    if type(element) is RawDataElement and count == 1 and element.VR in (binary, None) and binary:
        code, width = _FORMATS[binary]
        value = element.value or b""
        if len(value) == width and code not in "fd":
            return (float(int.from_bytes(value, _ORDER[element.is_little_endian], signed=code.islower())),)
    return None


def _readings(element: Any, binary: str) -> Iterator[str]:
    """Ways in which a value can be read, the likeliest first: as its VR says, and as the dictionary does."""
    value = element.value
    if value is None or value == b"":
        return
    if not isinstance(element, RawDataElement) or not isinstance(value, bytes):
        many = not isinstance(value, str | bytes) and isinstance(value, Iterable)
        yield ("\\".join(str(v) for v in value) if many else str(value)).strip(_PADDING)
        return
    text = value.decode("latin-1").strip(_PADDING)
    vr = element.VR
    if not binary and vr not in _FORMATS:
        yield text
        return
    numeric = _NUMERIC(value) is not None
    if vr in _FORMATS and not (numeric and not binary):  # digits where the dictionary expects text are that text
        yield from _unpacked(value, vr, element.is_little_endian)
    elif binary and (vr in (None, "UN") or not numeric):
        if vr == "UN" and not element.is_little_endian:
            # Transferred as it was or made little endian (PS3.5 6.2.2): nobody can tell.
            both = [*_unpacked(value, binary, True), *_unpacked(value, binary, False)]
            yield from both[:1] if len(set(both)) == 1 else ()
        else:
            yield from _unpacked(value, binary, element.is_little_endian)
    if numeric or not binary:
        yield text


def _unpacked(value: bytes, vr: str, little: bool) -> Iterator[str]:
    code, width = _FORMATS[vr]
    count, rest = divmod(len(value), width)
    if count and not rest:
        numbers = unpack(("<" if little else ">") + code * count, value)
        yield "\\".join(f"{number:.17g}" if code in "fd" else str(number) for number in numbers)


def _parsed(said: str, keyword: str, count: int) -> tuple[float, ...] | None:
    try:
        values = tuple(float(part) for part in said.split("\\"))
    except ValueError:
        values = ()
    if not values or "_" in said:  # Python takes 1_0 for 10
        parts = [part.strip(_PADDING) for part in said.rstrip("\\").split("\\")]
        if any(_THOUSANDS(part) for part in parts) and keyword in _MAY_BE_THOUSANDS:
            return None
        try:
            values = tuple(float(part.replace(",", ".") if part.count(",") == 1 else part) for part in parts)
        except ValueError:
            return None
    if "_" in said or not all(map(math.isfinite, values)):
        return None
    if count and len(values) != count:
        # Several equal values where there is to be one say the same as one.
        return values[:1] if count == 1 and len(set(values)) == 1 else None
    return values
