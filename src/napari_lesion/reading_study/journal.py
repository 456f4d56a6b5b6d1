"""The file of a reading: an event a line, on the disk before the next one, and each line sealed to those before it.

A line is a JSON object: the event, and ``seal``, the SHA-256 of the seal before it and the event. A line that was
changed, moved, added or taken out later does not fit its seal; lines that were cut off at the end are missed by its
head (`support.journal_file`). This proves the order to those who trust whoever kept the file: a person who set out to
forge one could seal it anew.

A damaged reading goes on from what is whole before the damage, and the file as it was is kept. Where it is not certain
that the findings had not been revealed by then, the reading is not blind any more.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from napari_lesion.model.findings import Point, Report, may_be_of
from napari_lesion.model.volume import Volume
from napari_lesion.reading_study.reading import (
    EVENT,
    AnyEvent,
    Decided,
    Finished,
    Marked,
    Paused,
    ReaderMark,
    Reading,
    Resumed,
    Revealed,
    Started,
    Unmarked,
    after,
)
from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May, require, require_own
from napari_lesion.support.atomic import PRIVATE_FILE, PRIVATE_FOLDER
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.checksums import seal as sealed
from napari_lesion.support.errors import ReadingError
from napari_lesion.support.journal_file import JournalFile, is_there, move, read_lines, unsealed_lines
from napari_lesion.support.uids import digest, name_of

SUFFIX = ".jsonl"
LOCK = ".lock"
_BLIND = re.compile(rb'\{"time": "[^"]*", "what": "(start|mark|unmark|pause|resume)"')
_LONGEST = 60
"""Letters of a folder name at most."""


def now() -> datetime:
    """UTC."""
    return datetime.now(UTC)


def path_of(folder: Path, reader: str, series_uid: str, stack: str = "") -> Path:
    """Where the reading of a scan by a reader is kept: ``folder/READER/SERIES_STACK.jsonl``, in no other folder.

    Where a reader whose name makes the same folder name was first, the name has an addition. Earlier versions kept the
    readings of all stacks of a series (``Volume.stack``) in one file, ``SERIES.jsonl``.
    """
    name = f"{name_of(series_uid)}{f'_{stack}' if stack else ''}{SUFFIX}"
    path = folder / folder_name(reader) / name
    if _reader_of(path) in ("", reader.strip()):
        return path
    return folder / f"{folder_name(reader)}_{digest(reader.strip())}" / name


def place_of(folder: Path, reader: str, volume: Volume) -> Path:
    """Find the reading of a scan by a reader, or say where it will be.

    One that an earlier version kept by the series alone is that of the scan unless it shows that it is of another.
    """
    uid = volume.series.series_uid
    place, earlier = path_of(folder, reader, uid, volume.stack), path_of(folder, reader, uid)
    if is_there(place) or not earlier.exists():
        return place
    try:
        reading = load_whole(earlier)
    except ReadingError:
        return earlier
    return earlier if reading is None or reading.report is None or may_be_of(reading.report, volume) else place


def settle(path: Path, folder: Path, reader: str, volume: Volume) -> Path:
    """Give a scan the reading that an earlier version kept by the series alone: no other stack finds it from then on.

    Raises
    ------
    ReadingError
        If it cannot be moved.
    """
    place = path_of(folder, reader, volume.series.series_uid, volume.stack)
    if path != place:
        try:
            move(path, place)
        except OSError as error:
            raise ReadingError(f"{path}: cannot be moved to {place.name} ({error.strerror}).") from error
    return place


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

    def __init__(self, file: JournalFile, reading: Reading, clock: Callable[[], datetime]) -> None:
        self.path = file.path
        self.reading = reading
        self.warning = ""
        """What was damaged, as a sentence; nothing where all was whole."""
        self._file = file
        self._clock = clock

    @classmethod
    def start(
        cls,
        path: Path,
        reader: str,
        series_uid: str,
        stack: str = "",
        *,
        seen_before: bool,
        clock: Callable[[], datetime] = now,
    ) -> Journal:
        """Begin the blind read of a scan.

        Where a file is there of which nothing can be read, it is set aside, and `warning` says so.

        Raises
        ------
        ReadingError
            If the reader has no name, or has read this scan already.
        """
        if not reader.strip():
            raise ReadingError("Say who reads: a name or a code.")
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        file, warning = JournalFile(path), ""
        if is_there(path):
            earlier = _parse(path)
            if earlier.reading is not None:
                raise ReadingError(f"{path}: {reader.strip()} has read this scan, or begun to; resume that.")
            if earlier.lost:
                aside = file.set_aside() if path.exists() else None
                kept = f" The file as it was is kept as {aside.name}." if aside else ""
                warning = f"{path}: {earlier.wrong}, and nothing of that reading can be read.{kept}"
                seen_before = seen_before or earlier.may_be_revealed
            else:  # a crash before the first line was whole
                file.go_on_from(())
        started = Started(
            time=clock(), reader=reader.strip(), series_uid=series_uid, stack=stack, seen_before=seen_before
        )
        journal = cls(file, after(None, started), clock)
        journal.warning = warning
        journal._write(started)
        return journal

    @classmethod
    def resume(cls, path: Path, *, seen_before: bool = False, clock: Callable[[], datetime] = now) -> Journal:
        """Go on with a reading: after a pause, or after the program ended in the middle of it.

        Where the file is damaged, it goes on from before the damage, `warning` says so, and the file as it was is kept.

        Raises
        ------
        ReadingError
            If nothing of the file is a reading, or the reading is finished.
        """
        found = _parse(path)
        if found.reading is None:
            raise ReadingError(f"{path}: {found.wrong or 'there is no event in this reading'}.")
        journal = cls(JournalFile(path), found.reading, clock)
        if found.wrong:
            try:
                aside = journal._file.go_on_from(found.good)
            except OSError as error:
                raise ReadingError(f"{path}: {found.wrong}, and it cannot be written ({error.strerror}).") from error
            journal.warning = f"{path}: {found.wrong}. The reading is back as it was before that"
            journal.warning += (
                ", but it is not blind any more: the findings may have been seen" if found.unblinds else ""
            )
            journal.warning += f". The file as it was is kept as {aside.name}." if aside else "."
        journal._add(Resumed(time=clock(), seen_before=seen_before or found.unblinds))
        return journal

    def mark(self, center_mm: Point, confidence: int, id: str | None = None) -> ReaderMark:
        """Mark a place (LPS mm), or change the mark that has this id."""
        mark = ReaderMark(id=id or str(uuid.uuid4()), center_mm=center_mm, confidence=confidence)
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
        started = self.reading.started
        require(May.REVIEW, self.path)
        require_own(started.reader, self.path)
        record(
            Action.CHANGE,
            objects=(started.series_uid,),
            detail=f"blind reading: {type(event).__name__.lower()}",
            reader=started.reader,
        )
        try:
            self._file.append([event.model_dump(mode="json")])
        except OSError as error:
            raise ReadingError(f"{self.path}: cannot be written ({error.strerror}); nothing was recorded.") from error


def load(path: Path) -> Reading:
    """Read a reading from its file.

    Raises
    ------
    ReadingError
        If it cannot be read, or was changed after it was written; it names the line.
    """
    found = _parse(path)
    if found.reading is None or (found.wrong and found.lost):
        raise ReadingError(f"{path}: {found.wrong or 'there is no event in this reading'}.")
    return found.reading


def load_whole(path: Path) -> Reading | None:
    """Read what is whole of a reading, as `Journal.resume` will go on from it; None where nothing is.

    Raises
    ------
    ReadingError
        If the file cannot be read.
    """
    return _parse(path).reading


def _reader_of(path: Path) -> str:
    """Name of whose reading a file is; nothing where there is none, or it cannot be told."""
    try:
        with path.open("rb") as file:
            line = file.readline().removesuffix(b"\n")
        first = parse_json(unsealed_lines(path, [line])[0])
    except (OSError, ValueError):
        return ""
    return str(first.get("reader", "")) if isinstance(first, dict) else ""


@dataclass(frozen=True)
class _Found:
    """What is in the file of a reading.

    Attributes
    ----------
    reading : Reading or None
        As it was before the damage; None where there is not even its start.
    good : sequence of bytes
        Its lines.
    wrong : str
        What is damaged or missing, as half a sentence.
    lost : bool
        Whether something is damaged or missing that had been on the disk.
    may_be_revealed : bool
        Whether the findings may have been revealed in what is lost.
    """

    reading: Reading | None
    good: Sequence[bytes]
    wrong: str = ""
    lost: bool = False
    may_be_revealed: bool = False

    @property
    def unblinds(self) -> bool:
        """Whether what is left of the reading is blind, and it is not certain that the reader has seen nothing."""
        return self.may_be_revealed and self.reading is not None and self.reading.phase == "blind"


def _parse(path: Path) -> _Found:
    try:
        found = read_lines(path)
    except OSError as error:
        raise ReadingError(f"{path}: cannot be read ({error.strerror}).") from error
    reading: Reading | None = None
    seal = ""
    for number, line in enumerate(found.whole, 1):
        try:
            entry = parse_json(line)
            said = entry.pop("seal")
            event = EVENT.validate_python(entry)
            seal = sealed(seal, entry)
            if said != seal:
                raise ReadingError("does not fit the lines before it: the file was changed after the reading")
            try:
                reading = after(reading, event)
            except ReadingError as error:
                raise ReadingError(f"cannot be true ({error})") from error
        except (ValueError, AttributeError, KeyError, TypeError, ValidationError, ReadingError) as error:
            why = str(error).rstrip(".") if isinstance(error, ReadingError) else f"is no event of a reading ({error})"
            wrong = f"line {number} {why}"
            rest = found.whole[number - 1 :]
            return _Found(reading, found.whole[: number - 1], wrong, True, found.how == "cut" or not _all_blind(rest))
    lost = found.how in ("cut", "other")
    return _Found(reading, found.whole, found.missing, lost, lost)


def _all_blind(lines: Sequence[bytes]) -> bool:
    """Whether damaged lines still show that each is of an event of the blind read."""
    return all(_BLIND.match(line) for line in lines)
