"""The files of journals: sealed lines, only ever appended to, and beside each a head that knows how far it went.

A line is a JSON object, and ``seal`` in it the checksum of its record and of the seal before it (`checksums.seal`): it
shows a line that was changed, moved, added or taken out, but not that the last lines are missing. That shows the head,
``NAME.head`` beside the journal: the number of lines and the last seal, in one record of fixed length that is written
over with one call when the lines are on the disk. So it needs no sync of its own. A crash may leave it behind the
journal, which means nothing; it is ahead only where lines were cut off. A journal without a head, of an earlier version
or copied alone, is read as it is.

In an encrypted folder (`vault.vault_of`) each line is sealed for itself, so that a journal still only grows.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from napari_lesion.support.atomic import PRIVATE_FILE, append_lines, free_name, keep_beside, whole_file
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.checksums import seal
from napari_lesion.support.errors import SecurityError
from napari_lesion.support.sealed import UnsealError, is_sealed_line
from napari_lesion.support.vault import vault_of

HEAD = ".head"
_HEAD = re.compile(rb"([0-9]{10}) ([0-9a-f]{64}|-{64})\n")
_UNSEALED = "-" * 64


@dataclass(frozen=True)
class Lines:
    """What is in the file of a journal.

    Attributes
    ----------
    whole : tuple of bytes
        Lines that have their end, without it.
    missing : str
        What is missing at the end, or cannot be known about it, as half a sentence; nothing where all is there.
    how : {"", "torn", "cut", "other"}
        Torn: its last line has no end, so it had not been on the disk. Cut: lines are missing that had been, or may
        be missing. Other: they are not those that were written.
    size : int
        Bytes that the whole lines take on the disk.
    """

    whole: tuple[bytes, ...]
    missing: str = ""
    how: Literal["", "torn", "cut", "other"] = ""
    size: int = field(default=0, compare=False)


def head_of(path: Path) -> Path:
    """Name the head of a journal."""
    return path.with_name(path.name + HEAD)


def is_there(path: Path) -> bool:
    """Whether there is a journal, or was one."""
    return path.exists() or head_of(path).exists()


def move(path: Path, place: Path) -> None:
    """Give a journal another name; its head comes first, so that it is never without."""
    head = head_of(path)
    if head.exists():
        head.replace(head_of(place))
    path.replace(place)


def read_lines(path: Path) -> Lines:
    """Read the lines of a journal, and see whether some are missing at its end.

    Of an encrypted journal, a line that was changed is given as it is, so it is damaged to whoever parses it.

    Raises
    ------
    OSError
        If it cannot be read; a journal that is gone has no lines.
    SecurityError
        If it is encrypted, and its folder does not open.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    *whole, torn = content.split(b"\n")
    found = _compared_with_head(path, unsealed_lines(path, whole), torn)
    return replace(found, size=len(content) - len(torn))


def unsealed_lines(path: Path, lines: Iterable[bytes]) -> tuple[bytes, ...]:
    """Open the lines of a journal that are sealed; what does not open is given as it is.

    Raises
    ------
    SecurityError
        If there are sealed ones, and the folder of the journal does not open.
    """
    lines = tuple(lines)
    if not any(map(is_sealed_line, lines)):
        return lines
    vault = vault_of(path)
    if vault is None:
        raise SecurityError(
            f"{path} is encrypted, and its folder is not one that has the keys. Put it back where it was."
        )
    opened = []
    for line in lines:
        try:
            opened.append(vault.unseal_line(line))
        except UnsealError:
            opened.append(line)
    return tuple(opened)


def _compared_with_head(path: Path, lines: tuple[bytes, ...], torn: bytes) -> Lines:
    try:
        head = head_of(path).read_bytes()
    except FileNotFoundError:
        head = b""
    known = _HEAD.fullmatch(head)
    if known is not None and (cut := int(known[1]) - len(lines)) > 0:
        what = f"line {len(lines) + 1} and all after it are" if cut > 1 else f"line {len(lines) + 1}, the last one, is"
        return Lines(lines, f"{what} missing", "cut")
    if torn:
        return Lines(lines, f"line {len(lines) + 1} was cut off", "torn")
    if head and known is None:
        return Lines(lines, f"{head_of(path).name}, which knows where it ends, is damaged: lines may be missing", "cut")
    if known is not None and int(known[1]) and _seal_in(lines[int(known[1]) - 1]) != known[2].decode():
        return Lines(lines, f"line {int(known[1])} is not the one that was written", "other")
    return Lines(lines)


class JournalFile:
    """Appends to a journal. One window at a time: whoever makes one holds the lock.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: int | None = None
        self._seal = ""

    def append(self, records: Iterable[Mapping[str, Any]], *, anew: bool = False) -> None:
        """Append records, sealed to the line before them; they are on the disk when this returns.

        Parameters
        ----------
        records : iterable of mappings
        anew : bool
            The first one is not sealed to what is in the file already.

        Raises
        ------
        OSError
            If they cannot be written; then nothing was.
        """
        lines = self._take_up() if self._lines is None else self._lines
        last, text, vault = "" if anew else self._seal, "", vault_of(self.path)
        for record in records:
            last = seal(last, dict(record))
            line = json.dumps({**record, "seal": last}, ensure_ascii=False, allow_nan=False)
            text += (line if vault is None else vault.seal_line(line.encode()).decode()) + "\n"
            lines += 1
        self._lines = None  # until all of it is there
        append_lines(self.path, text, mode=PRIVATE_FILE)
        self._lines, self._seal = lines, last
        self._write_head()

    def go_on_from(self, lines: Iterable[bytes]) -> Path | None:
        """Keep the file as it is beside (its name is returned), and go on with some of its lines.

        Raises
        ------
        OSError
            If that cannot be written.
        """
        lines = tuple(lines)
        aside = keep_beside(self.path) if self.path.exists() else None
        vault = vault_of(self.path)
        with whole_file(self.path, private=True, as_it_is=True) as temporary:
            kept = lines if vault is None else map(vault.seal_line, lines)
            temporary.write_bytes(b"".join(line + b"\n" for line in kept))
        self._lines, self._seal = len(lines), _seal_in(lines[-1]) if lines else ""
        self._write_head()
        return aside

    def set_aside(self) -> Path:
        """Move the journal out of the way, so that a new one can be written; nothing is deleted but its head."""
        self._lines = None
        aside = self.path.rename(free_name(self.path))
        head_of(self.path).unlink(missing_ok=True)
        return aside

    def _take_up(self) -> int:
        """See how many lines there are, and what the last one is sealed with; give up one without its end."""
        found = read_lines(self.path)
        self._seal = _seal_in(found.whole[-1]) if found.whole else ""
        if self.path.exists() and self.path.stat().st_size > found.size:
            self.go_on_from(found.whole)
        return len(found.whole)

    def _write_head(self) -> None:
        """Note how far the journal goes. That this fails loses nothing of it, so nobody is held up."""
        record = f"{self._lines:010d} {self._seal or _UNSEALED}\n".encode()
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
            descriptor = os.open(head_of(self.path), flags, PRIVATE_FILE)
            try:
                os.write(descriptor, record)
                os.ftruncate(descriptor, len(record))
            finally:
                os.close(descriptor)


def _seal_in(line: bytes) -> str:
    """Seal that a line names; nothing where an earlier version wrote it, or it is damaged."""
    try:
        return str(parse_json(line).get("seal", ""))
    except (ValueError, AttributeError):
        return ""
