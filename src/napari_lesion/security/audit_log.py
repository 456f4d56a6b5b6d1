"""The audit log: lines that are only ever appended, each sealed with a key to the one before it.

A line is a JSON object of one form only (sorted names, no spaces) with its number ``n``, the seal of the line
``before`` and at its end its own ``seal``, an HMAC-SHA256 of all that stands before. Beside the log lies its head: how
many lines there are, and the last seal, sealed as well. The chain shows lines that were changed, moved, added or taken
out, the head those that were cut off. Who takes back log and head together to what they once were is only seen by a
head that is kept elsewhere, the anchor.

Several programs may write: each append holds a lock.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from napari_lesion.support.atomic import PRIVATE_FILE, append_lines
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.errors import AuditError

HEAD, LOCK = ".head", ".lock"
_FIRST = "0" * 64
"""Stands for the seal before the first line."""
_SEAL = re.compile(rb',"seal":"([0-9a-f]{64})"\}')
_SEAL_LENGTH = len(',"seal":""}') + 64
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Head:
    """How far a log goes.

    Attributes
    ----------
    lines : int
    size : int
        Bytes.
    seal : str
        Of the last line.
    """

    lines: int = 0
    size: int = 0
    seal: str = _FIRST


@dataclass(frozen=True)
class Entry:
    """A line that is as it was written.

    Attributes
    ----------
    number : int
    before, seal : str
    fields : mapping
        All of it.
    """

    number: int
    before: str
    seal: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Checked:
    """What became of the lines of a log.

    Attributes
    ----------
    lines : int
        How many are there and as they were written.
    problems : tuple of str
        A sentence each, with the number of the line.
    """

    lines: int
    problems: tuple[str, ...]


class AuditLog:
    """The lines of one log.

    Parameters
    ----------
    path : Path
    key : bytes
        Seals them; who has it can write them.
    anchor : Path, optional
        Where the head is kept a second time.
    """

    def __init__(self, path: Path, key: bytes, anchor: Path | None = None) -> None:
        self.path, self._key = path, hmac.digest(key, b"lines", "sha256")
        self._heads = [path.with_name(path.name + HEAD), *([anchor] if anchor is not None else [])]

    def append(self, fields: Mapping[str, Any]) -> int:
        """Append a line; it is on the disk when this returns its number.

        Raises
        ------
        AuditError
            If it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(f"{self.path}{LOCK}", timeout=_PATIENCE_S, mode=PRIVATE_FILE):
                head, prefix = self._take_up()
                line = self._sealed({**fields, "n": head.lines + 1, "before": head.seal})
                append_lines(self.path, f"{prefix}{line}\n", mode=PRIVATE_FILE)
                seal = line[-2 - 64 : -2]
                self._write_head(Head(head.lines + 1, self.path.stat().st_size, seal))
        except Timeout as error:
            raise AuditError(f"{self.path}: another program holds the audit log, so nothing was done.") from error
        except OSError as error:
            raise AuditError(
                f"{self.path}: the audit log cannot be written ({error.strerror}), so nothing was done. Make room, or "
                "correct its place in the security settings."
            ) from error
        return head.lines + 1

    def entries(self) -> Iterator[Entry]:
        """Give the lines that are as they were written, in the order in which they stand."""
        for line in self._lines():
            if (entry := self._opened(line)) is not None:
                yield entry

    def check(self) -> Checked:
        """Look for lines that were changed, moved, added, taken out or cut off."""
        found = [self._opened(line) for line in self._lines()]
        whole = {entry.number for entry in found if entry is not None}
        problems: list[str] = []
        missing: list[int] = []
        expected, last, seen = 1, _FIRST, set[int]()
        for place, entry in enumerate(found, 1):
            if entry is None:
                problems.append(f"line {place} was changed, cut or added: its seal does not fit.")
                if expected not in whole:
                    expected, last = expected + 1, ""
                continue
            number = entry.number
            if number < expected:
                what = "stands there twice" if number in seen else "was moved"
                problems.append(f"line {number} {what}: it stands at place {place}.")
                seen.add(number)
                continue
            missing += range(expected, number)
            if number == expected and last and entry.before != last:
                problems.append(f"line {number} does not follow the line before it: the log went on from another one.")
            expected, last = number + 1, entry.seal
            seen.add(number)
        gone = [number for number in missing if number not in whole]
        problems += [f"{_named(first, end)} missing." for first, end in _ranges(gone)]
        problems += self._cut(expected - 1, last)
        return Checked(len(whole), tuple(problems))

    def _cut(self, there: int, last: str) -> list[str]:
        """Compare with the heads what there is at the end."""
        problems = []
        for path in self._heads:
            try:
                head = self._read_head(path)
            except (OSError, ValueError) as error:
                if there or not isinstance(error, FileNotFoundError):
                    why = "is gone" if isinstance(error, FileNotFoundError) else "is damaged"
                    problems.append(f"{path}, which knows where the log ends, {why}: lines may be missing at its end.")
                continue
            if head.lines > there:
                problems.append(f"{_named(there + 1, head.lines)} missing at the end, as {path} says.")
            elif head.lines == there and last and head.seal != last:
                problems.append(f"line {there} is not the one that {path} knows: the log was written on from another.")
        return problems

    def _lines(self) -> list[bytes]:
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AuditError(f"{self.path}: the audit log cannot be read ({error.strerror}).") from error
        *whole, rest = content.split(b"\n")
        return [*whole, rest] if rest else whole

    def _take_up(self) -> tuple[Head, str]:
        """Find where to go on, and what must stand before the next line.

        What the head does not know yet is taken up where it was sealed (a crash before the head was written), and what
        has no end was never said to be written, and goes. Where lines are missing, the number of the next one shows it.
        """
        head = Head()
        for path in self._heads:
            with suppress(OSError, ValueError):
                head = max(head, self._read_head(path), key=lambda one: one.lines)
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return head, ""
        if size == head.size:
            return head, ""
        with self.path.open("r+b") as file:
            if size < head.size:
                file.seek(max(size - 1, 0))
                return head, "" if not size or file.read(1) == b"\n" else "\n"
            file.seek(head.size)
            *whole, rest = file.read().split(b"\n")
            if rest:
                file.truncate(size - len(rest))
        lines, seal = head.lines, head.seal
        for line in whole:
            entry = self._opened(line)
            if entry is not None and entry.number > lines:
                lines, seal = entry.number, entry.seal
        return Head(lines, size, seal), ""

    def _sealed(self, fields: Mapping[str, Any]) -> str:
        content = json.dumps(fields, sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        return f'{content[:-1]},"seal":"{self._mac(content[:-1].encode())}"}}'

    def _opened(self, line: bytes) -> Entry | None:
        """Read a line; None where it is not as it was written."""
        body, end = line[:-_SEAL_LENGTH], line[-_SEAL_LENGTH:]
        said = _SEAL.fullmatch(end)
        if said is None or not hmac.compare_digest(self._mac(body), said[1].decode()):
            return None
        try:
            fields = parse_json(line)
            return Entry(int(fields["n"]), str(fields["before"]), said[1].decode(), fields)
        except (ValueError, KeyError, TypeError):
            return None

    def _mac(self, content: bytes) -> str:
        return hmac.new(self._key, content, hashlib.sha256).hexdigest()

    def _read_head(self, path: Path) -> Head:
        line = path.read_bytes()
        fields = parse_json(line)
        try:
            head = Head(int(fields["lines"]), int(fields["size"]), str(fields["seal"]))
        except (KeyError, TypeError) as error:
            raise ValueError("it is no head") from error
        if line != self._head_line(head):
            raise ValueError("its seal does not fit")
        return head

    def _head_line(self, head: Head) -> bytes:
        said = json.dumps({"lines": head.lines, "size": head.size, "seal": head.seal}, separators=(",", ":"))
        mac = self._mac(b"head " + said.encode())
        return f'{said[:-1]},"mac":"{mac}"}}\n'.encode()

    def _write_head(self, head: Head) -> None:
        line = self._head_line(head)
        for path in self._heads:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
            try:
                os.write(descriptor, line)
                os.ftruncate(descriptor, len(line))
            finally:
                os.close(descriptor)


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """Put numbers that follow each other together: (first, last)."""
    first = before = None
    for number in numbers:
        if before is None or number != before + 1:
            if first is not None and before is not None:
                yield first, before
            first = number
        before = number
    if first is not None and before is not None:
        yield first, before


def _named(first: int, last: int) -> str:
    return f"line {first} is" if first == last else f"lines {first} to {last} are"
