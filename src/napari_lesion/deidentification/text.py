"""Text that may stay: words of a list that name nobody, and small numbers; nothing that is known of the patient."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_PIECE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*")
_PUNCTUATION = "()[].,:;!?/-+="
GAP = "[...]"
"""Stands where words were taken out."""
#: 1.25, 512, F1, 5mm, 120kV: a number of at most three digits before the point, with a letter or a unit.
_SMALL = re.compile(r"[A-Za-z]?\d{1,3}(\.\d{1,3})?(mm|cm|ml|mg|s|kv|kvp|ma|hu|d|x\d{1,3})?", re.IGNORECASE)
_VERSION = re.compile(r"v?\d{1,2}(\.\d{1,2}){1,3}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_LEAST_LETTERS, _LEAST_DIGITS = 3, 4


def is_plain(text: str) -> bool:
    """Whether a text is printable ASCII."""
    return _PRINTABLE.fullmatch(text) is not None


@cache
def words() -> frozenset[str]:
    """Words that descriptions may keep."""
    return frozenset((files(__package__) / "tables" / "words.txt").read_text("utf-8").split())


class Identity:
    """What is known of a patient and of who had to do with them: nothing that is kept may hold a piece of it."""

    def __init__(self, names: Iterable[str] = (), numbers: Iterable[str] = ()) -> None:
        """Take names (of people and places) and numbers (IDs of all kinds), as headers have them."""
        self._words = frozenset(
            word.lower() for name in names for word in _WORD.findall(name) if len(word) >= _LEAST_LETTERS
        )
        given = {number.strip().lower() for number in numbers}
        # "HH 900 17" is given away by a "900", too.
        self._whole = frozenset(given.union(*(re.findall(r"[0-9a-z]{2,}", number) for number in given)))
        self._numbers = tuple(sorted(number for number in given if len(number) >= _LEAST_DIGITS))

    def is_in(self, text: str) -> bool:
        """Whether a text has one of the words, or one of the numbers."""
        lowered = text.lower()
        if any(number in lowered for number in self._numbers):
            return True
        return not self._words.isdisjoint(word.lower() for word in _WORD.findall(text))

    def names(self, word: str) -> bool:
        """Whether a word is one of the patient's."""
        return word.lower() in self._whole or self.is_in(word)


def cleaned(text: str, identity: Identity) -> str:
    """Keep of a text the words of the list and small numbers, less what is the patient's; empty where none is left.

    A mark stands where something was taken out: "not malignant" must not become "malignant" without anybody seeing it.
    """
    kept: list[str] = []
    for piece in text.split():
        bare = piece.strip(_PUNCTUATION)
        fits = not bare or (_PIECE.fullmatch(bare) and _is_known(bare) and not identity.names(bare))
        if fits:
            kept.append(piece)
        elif kept[-1:] != [GAP]:
            kept.append(GAP)
    return " ".join(kept) if any(map(str.isalnum, "".join(one for one in kept if one != GAP))) else ""


def _is_known(piece: str) -> bool:
    if piece.lower() in words() or _VERSION.fullmatch(piece):
        return True
    return all(part.lower() in words() or _SMALL.fullmatch(part) for part in piece.split("-"))
