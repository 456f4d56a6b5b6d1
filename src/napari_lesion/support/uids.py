"""UIDs as names: a UID is checked for its form before it names a file or folder."""

from __future__ import annotations

import hashlib
import re

_UID = re.compile(r"[0-9]+(\.[0-9]+)*", re.ASCII)
_LONGEST = 64
_SHOWN = 32


def is_uid(text: str) -> bool:
    """Whether a text has the form of a DICOM UID: numbers with points between them, at most 64 characters.

    Zeros at the front of a number are forbidden by PS3.5, 9.1, but common, and do no harm.
    """
    return len(text) <= _LONGEST and _UID.fullmatch(text) is not None


def name_of(text: str) -> str:
    """Make a name for a file or folder that no other text gets, on any file system.

    A UID is its own name. What has not the form of one (``../..``, ``CON``, ``summary.csv``, 300 characters) becomes
    what is harmless of it, an underscore, and a digest of all of it: no UID has an underscore.
    """
    if is_uid(text):
        return text
    shown = re.sub(r"[^0-9A-Za-z]+", "-", text[:_SHOWN]).strip("-")
    return f"{shown or 'x'}_{digest(text)}"


def digest(*texts: str) -> str:
    """Hash texts to 12 characters that others do not share; where one ends and the next begins counts."""
    told = "".join(f"{len(text)}:{text}" for text in texts)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]
