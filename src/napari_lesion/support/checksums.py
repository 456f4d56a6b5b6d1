"""Checksums of files, and of records in JSON: they show that what is read is what was written.

Those of records are of the values, not of the bytes, so that a file may be indented anew or have its keys in another
order. They find damage and edits, not forgery: whoever sets out to forge a record can compute its checksum, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKSUMS = "checksums"
"""Their name in a file."""

_EXACT = 2**53


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lines_sha256(lines: Iterable[str], errors: str = "surrogateescape") -> str:
    """SHA-256 of lines of text, in hexadecimal; ``errors``: how bytes of file names that are no letters are written."""
    return hashlib.sha256("\n".join(lines).encode("utf-8", errors)).hexdigest()


def checksum(value: Any) -> str:
    """SHA-256 of a value of JSON, in hexadecimal."""
    text = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def seal(before: str, record: dict[str, Any]) -> str:
    """Checksum of a record and of the seal of the one before it: none can be changed, moved, added or taken out.

    Records of earlier versions are sealed by it, so it stays as it is.
    """
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(f"{before}\n{text}".encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Damage:
    """What of a file does not fit its checksums.

    Attributes
    ----------
    problem : str
        Half a sentence.
    records : tuple of int
        Which of its records, from 0; where it is more than records, none.
    """

    problem: str
    records: tuple[int, ...] = ()


def checksums_of(content: dict[str, Any], listed: str) -> dict[str, Any]:
    """Make the checksums of a file's content: of each of the records listed under a name, and of all the rest.

    Raises
    ------
    ValueError
        If a number is not finite.
    """
    rest = {name: value for name, value in content.items() if name not in (listed, CHECKSUMS)}
    return {listed: [checksum(one) for one in content[listed]], "rest": checksum(rest)}


def damage(content: Any, listed: str) -> Damage | None:
    """Compare the content of a file with the checksums in it; None where all fits, or where there are none."""
    if not isinstance(content, dict) or CHECKSUMS not in content:
        return None
    said = content[CHECKSUMS]
    if not (isinstance(content.get(listed), list) and isinstance(said, dict) and isinstance(said.get(listed), list)):
        return Damage("its checksums are damaged")
    try:
        found = checksums_of(content, listed)
    except ValueError:
        return Damage("a number in it is not finite")
    if said.get("rest") != found["rest"]:
        return Damage(f"the checksum of what it says besides the {listed} does not fit")
    if len(said[listed]) != len(found[listed]):
        return Damage(f"it has {len(found[listed])} {listed} and was written with {len(said[listed])}")
    wrong = tuple(n for n, (now, then) in enumerate(zip(found[listed], said[listed], strict=True)) if now != then)
    numbers = ", ".join(str(n + 1) for n in wrong)
    return Damage(f"the checksum does not fit in number {numbers} of its {listed}", wrong) if wrong else None


def _plain(value: Any) -> Any:
    """Write 1.0 and 1 alike, as programs in other languages do."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT else value
