"""The file of a reading: an event a line, on the disk before the next one, and each line sealed to those before it.

A line is a JSON object: the event, and ``seal``, the SHA-256 of the seal before it and the event. A line that was
changed, moved, added or taken out later does not fit its seal. This proves the order to those who trust whoever kept
the file: a person who set out to forge one could seal it anew.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from napari_lesion.model.findings import Point, Report
from napari_lesion.reading_study.reading import (
    EVENT,
    AnyEvent,
    Decided,
    Finished,
    Mark,
    Marked,
    Paused,
    Reading,
    Resumed,
    Revealed,
    Started,
    Unmarked,
    after,
    replay,
)
from napari_lesion.support.atomic import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    append_lines,
    drop_torn_line,
    keep_beside,
    torn_line,
)
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.checksums import seal as sealed
from napari_lesion.support.errors import ReadingError
from napari_lesion.support.uids import digest, name_of

SUFFIX = ".jsonl"
LOCK = ".lock"
_LONGEST = 60
"""Letters of a folder name at most."""


def now() -> datetime:
    """UTC."""
    return datetime.now(UTC)


def path_of(folder: Path, reader: str, series_uid: str) -> Path:
    """Say where the reading of a scan by a reader is kept: ``folder/READER/SERIES.jsonl``, and in no other folder.

    Where a reader whose name makes the same folder name was first, the name has an addition.
    """
    name = f"{name_of(series_uid)}{SUFFIX}"
    path = folder / folder_name(reader) / name
    if _reader_of(path) in ("", reader.strip()):
        return path
    return folder / f"{folder_name(reader)}_{digest(reader.strip())}" / name


def folder_name(reader: str) -> str:
    """Turn a reader's name into one that every file system takes."""
    name = re.sub(r"[^\w.-]+", "_", reader.strip()).strip(".") or "_"
    reserved = re.fullmatch(r"(con|prn|aux|nul|(com|lpt)\d)(\..*)?", name, re.IGNORECASE)
    return f"{name[:_LONGEST]}_{digest(name)}" if reserved or len(name) > _LONGEST else name


def hold(path: Path) -> FileLock:
    """Keep other windows from going on with any reading of the reader whose journal this is; release it afterwards.

    The lock of a program that was killed holds nobody up.

    Raises
    ------
    ReadingError
        If another window holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        lock = FileLock(path.parent / LOCK, mode=PRIVATE_FILE)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise ReadingError(
            f"{path.parent.name} is reading in another window, and here it can only be looked at. Pause the reading "
            "there, or close that window."
        ) from error
    except OSError as error:
        raise ReadingError(f"{path.parent}: cannot be written ({error.strerror}). Choose another folder.") from error
    return lock


class Journal:
    """A reading that goes on, and its file. Every method has its event on the disk when it returns.

    Get one with `Journal.start` or `Journal.resume`. Methods raise `ReadingError` where something cannot happen now;
    then nothing is written.
    """

    def __init__(self, path: Path, reading: Reading, seal: str, clock: Callable[[], datetime]) -> None:
        self.path = path
        self.reading = reading
        self.told = ""
        """What was damaged, as a sentence; nothing where all was whole."""
        self._seal = seal
        self._clock = clock

    @classmethod
    def start(
        cls, path: Path, reader: str, series_uid: str, *, seen_before: bool, clock: Callable[[], datetime] = now
    ) -> Journal:
        """Begin the blind read of a scan.

        Raises
        ------
        ReadingError
            If the reader has no name, or has read this scan already.
        """
        if not reader.strip():
            raise ReadingError("Say who reads: a name or a code.")
        started = Started(time=clock(), reader=reader.strip(), series_uid=series_uid, seen_before=seen_before)
        reading = after(None, started)
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        if path.exists() and b"\n" in path.read_bytes():
            raise ReadingError(f"{path}: {reader.strip()} has read this scan, or begun to; resume that.")
        path.write_bytes(b"")
        path.chmod(PRIVATE_FILE)
        journal = cls(path, reading, "", clock)
        journal._write(started)
        return journal

    @classmethod
    def resume(cls, path: Path, *, seen_before: bool = False, clock: Callable[[], datetime] = now) -> Journal:
        """Go on with a reading: after a pause, or after the program ended in the middle of it.

        Raises
        ------
        ReadingError
            If the file is none, was changed, or the reading is finished.
        """
        events, seal = _parse(path)
        journal = cls(path, replay(events), seal, clock)
        if torn_line(path):
            aside = keep_beside(path)
            journal.told = (
                f"{path}: the last line was cut off, and what it recorded is not in the reading. The file as it was is "
                f"kept as {aside.name}."
            )
            drop_torn_line(path)
        journal._add(Resumed(time=clock(), seen_before=seen_before))
        return journal

    def mark(self, center_mm: Point, confidence: int, id: str | None = None) -> Mark:
        """Mark a place (LPS mm), or change the mark that has this id."""
        mark = Mark(id=id or str(uuid.uuid4()), center_mm=center_mm, confidence=confidence)
        self._add(Marked(time=self._clock(), mark=mark))
        return mark

    def unmark(self, id: str) -> None:
        """Take a mark away."""
        self._add(Unmarked(time=self._clock(), id=id))

    def reveal(self, report: Report) -> None:
        """End the blind read; the report holds all candidates, also those under its model's threshold."""
        self._add(Revealed(time=self._clock(), report=report))

    def decide(self, finding: str, confidence: int | None) -> None:
        """Take over a finding with a confidence, or reject it (None)."""
        self._add(Decided(time=self._clock(), finding=finding, confidence=confidence))

    def pause(self) -> None:
        """Stop the time; go on with `Journal.resume`."""
        self._add(Paused(time=self._clock()))

    def finish(self) -> None:
        """End the reading."""
        self._add(Finished(time=self._clock()))

    def _add(self, event: AnyEvent) -> None:
        reading = after(self.reading, event)
        self._write(event)
        self.reading = reading

    def _write(self, event: AnyEvent) -> None:
        content = event.model_dump(mode="json")
        seal = sealed(self._seal, content)
        line = json.dumps({**content, "seal": seal}, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            append_lines(self.path, line, mode=PRIVATE_FILE)
        except OSError as error:
            raise ReadingError(f"{self.path}: cannot be written ({error.strerror}); nothing was recorded.") from error
        self._seal = seal


def load(path: Path) -> Reading:
    """Read a reading from its file.

    Raises
    ------
    ReadingError
        If it cannot be read, or was changed after it was written; it names the line.
    """
    return replay(_parse(path)[0])


def _reader_of(path: Path) -> str:
    """Name of whose reading a file is; nothing where there is none, or it cannot be told."""
    try:
        with path.open("rb") as file:
            first = parse_json(file.readline())
    except (OSError, ValueError):
        return ""
    return str(first.get("reader", "")) if isinstance(first, dict) else ""


def _parse(path: Path) -> tuple[list[AnyEvent], str]:
    """Events and the last seal; a last line without its end does not count."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReadingError(f"{path}: cannot be read ({error.strerror}).") from error
    whole = content.rfind(b"\n") + 1
    events: list[AnyEvent] = []
    seal = ""
    for number, line in enumerate(content[:whole].splitlines(), 1):
        try:
            entry = parse_json(line)
            found = entry.pop("seal")
            event = EVENT.validate_python(entry)
        except (ValueError, AttributeError, KeyError, TypeError, ValidationError) as error:
            raise ReadingError(f"{path}: line {number} is no event of a reading ({error}).") from error
        seal = sealed(seal, entry)
        if found != seal:
            raise ReadingError(
                f"{path}: line {number} does not fit the lines before it: the file was changed after the reading."
            )
        events.append(event)
    if not events:
        raise ReadingError(f"{path}: there is no event in this reading.")
    return events, seal
