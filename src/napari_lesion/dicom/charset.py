"""Character sets as writers spell them, and what to do with texts that are not in theirs."""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Sequence
from functools import lru_cache

from pydicom.charset import convert_encodings, decode_bytes, python_encoding
from pydicom.valuerep import PN_DELIMS

_ESCAPE = b"\x1b"
_SPELT = re.compile(r"ISO[ _-]*(2022)?[ _-]*IR[ _-]*([0-9]+)").fullmatch
_DEFAULT = "ISO_IR 6"
_LIKE_A_SET = re.compile(r"(?i:ISO|GB|UTF|KOI|CP|WINDOWS|LATIN|ASCII|IR)[ _\-A-Z]{0,9}[0-9 ]{0,8}").fullmatch


def encodings_for(said: str, texts: Sequence[bytes]) -> tuple[list[str], str]:
    """Find Python's encodings for the texts of a file.

    Parameters
    ----------
    said : str
        Value of SpecificCharacterSet.
    texts : sequence of bytes
        What is to be decoded.

    Returns
    -------
    encodings : list of str
        As pydicom takes them.
    doubt : str
        A sentence where texts may be misspelt; empty where none is, as where all of them are plain ASCII.

    References
    ----------
    DICOM PS3.3 C.12.1.1.2, PS3.5 6.1.
    """
    encodings, known = _meant(said)
    if all(text.isascii() and _ESCAPE not in text for text in texts):
        return encodings, ""
    if said.strip() and known and _fits(texts, encodings):
        return encodings, ""
    guess = "utf-8" if _fits(texts, ["utf-8"]) else "latin-1"
    if not said.strip():
        why = "SpecificCharacterSet is missing"
    elif known:
        why = f"Texts are not in their character set, {said!a}"
    else:
        why = f"The character set {_shown(said)!a} is unknown"
    return [guess], f"{why}: names and descriptions were read as {guess.upper()} and may be misspelt."


def _shown(said: str) -> str:
    """Show what should be a character set: as it is where it looks like one, else how long it is; it may be a name."""
    return said if all(map(_LIKE_A_SET, said.split("\\"))) else "*" * min(len(said), 40)


@lru_cache(maxsize=64)
def _meant(said: str) -> tuple[list[str], bool]:
    """Give the encodings of a SpecificCharacterSet, and whether they are known."""
    names = [_spelling(part) for part in said.split("\\")]
    if not all(name in python_encoding or _is_codec(name) for name in names):
        return [python_encoding[_DEFAULT]], False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert_encodings(names), True


def _spelling(name: str) -> str:
    """Give the defined term that a writer meant."""
    name = name.strip(" \0\t\r\n").upper()
    found = _SPELT(name)
    if found is None:
        return name
    return f"ISO 2022 IR {found[2]}" if found[1] else f"ISO_IR {found[2]}"


def _is_codec(name: str) -> bool:
    try:
        return bool(codecs.lookup(name)._is_text_encoding)
    except (LookupError, ValueError):
        return False


def _fits(texts: Sequence[bytes], encodings: list[str]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            for text in texts:
                decode_bytes(text, encodings, PN_DELIMS)
        except (UserWarning, UnicodeError, LookupError):
            return False
    return True
