"""The ledger of a run: what became of every series, and what is still to do; the only truth of an output folder.

``ledger.sqlite`` has a row for each series. Only the run that holds the folder writes to it; each change is a
transaction, on the disk when the method returns. ``summary.csv`` and ``index.html`` are views of it. Who only wants to
know what a folder holds calls `read_ledgers`.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from napari_lesion.report.summary import SeriesOutcome
from napari_lesion.support.database import Database, read_rows, refuse
from napari_lesion.support.plain import one_line

FILE_NAME = "ledger.sqlite"
_PATTERN = "ledger*.sqlite"
_WHAT = "the ledger of a run"
_Taken = TypeVar("_Taken")

State = Literal["queued", "leased", "done", "skipped", "failed", "quarantined"]
"""``skipped``: there was nothing to search. ``failed``: refused, for the reason. ``quarantined``: twice it ended its
process, ran over a limit or could not be decoded, the second time alone."""
_SCHEMA = """
CREATE TABLE series (
    key TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    strikes INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL DEFAULT '',
    deadline REAL,
    settings_sha256 TEXT NOT NULL DEFAULT '',
    files_state TEXT NOT NULL DEFAULT '',
    input_sha256 TEXT NOT NULL DEFAULT '',
    result_sha256 TEXT NOT NULL DEFAULT '',
    result_state TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    exit_code INTEGER,
    peak_memory_mb REAL,
    seconds REAL,
    begun REAL,
    ended REAL,
    folder TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX series_by_state ON series (state);
CREATE INDEX series_by_folder ON series (folder);
CREATE TABLE thumbnails (key TEXT PRIMARY KEY, jpeg BLOB NOT NULL);
"""


@dataclass(frozen=True)
class LedgerEntry:
    """A row of the ledger.

    Attributes
    ----------
    key : str
        Whose series it is and which images it has, as a digest.
    position : int
        Rows are listed in this order: of the run that last met the series, as that found them.
    attempts : int
        How often its analysis was begun since it was queued.
    strikes : int
        How often it ended its process, ran over a limit or could not be decoded.
    worker : str
        Who has it, or had it last.
    deadline : float, optional
        When its time is up; seconds since 1970, as ``begun`` and ``ended`` are.
    settings_sha256 : str
        Of the model, its threshold and all that the result depends on.
    files_state : str
        Of names, sizes and times of its files.
    input_sha256 : str
        Of all bytes of its files, where they were read.
    result_sha256, result_state : str
        Of all bytes of the files of its results; of their names, sizes and times.
    exit_code : int, optional
        Of the process that analysed it: 0, or below 0 the signal that ended it.
    peak_memory_mb : float, optional
        Most memory that that process held meanwhile, MiB.
    seconds : float, optional
        How long the last attempt took.
    folder : str
        Of its results, below the output folder; "" where there are none.
    outcome : SeriesOutcome, optional
        What became of it; None while it waits.
    """

    key: str
    study_uid: str
    series_uid: str
    state: State
    position: int = 0
    attempts: int = 0
    strikes: int = 0
    worker: str = ""
    deadline: float | None = None
    settings_sha256: str = ""
    files_state: str = ""
    input_sha256: str = ""
    result_sha256: str = ""
    result_state: str = ""
    reason: str = ""
    exit_code: int | None = None
    peak_memory_mb: float | None = None
    seconds: float | None = None
    begun: float | None = None
    ended: float | None = None
    folder: str = ""
    outcome: SeriesOutcome | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settled:
    """What an analysis left, besides its outcome: as `LedgerEntry` has it."""

    files_state: str = ""
    input_sha256: str = ""
    result_sha256: str = ""
    result_state: str = ""
    exit_code: int | None = None
    peak_memory_mb: float | None = None
    seconds: float | None = None
    thumbnail: bytes = b""
    """JPEG; empty where there is none."""


class Ledger:
    """The ledger of a folder, for the run that writes there.

    Parameters
    ----------
    out : Path
        The folder of the results.
    name : str
        Of the file: those of the shards of a run have one each.

    Raises
    ------
    OutputError
        If it cannot be opened or written.
    InputFileError
        If it is damaged, or of another version.
    """

    def __init__(self, out: Path, name: str = FILE_NAME) -> None:
        self.path = out / name
        self._db = Database(self.path, _WHAT, (_SCHEMA,), logged=True)
        try:
            if (found := self._db.do("PRAGMA quick_check(1)")[0][0]) != "ok":
                raise sqlite3.DatabaseError(" ".join(found.split()))
            self.entries()
            self._db.do("SELECT key, jpeg FROM thumbnails LIMIT 1")
        except sqlite3.Error as error:
            self._db.close()
            refuse(self.path, _WHAT, error)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close it; nothing waits to be written."""
        self._db.close()

    def begin(self) -> None:
        """Begin a run: what was under way when the last one ended is queued again."""
        with self._db.transaction():
            self._db.do("UPDATE series SET state = 'queued', worker = '', deadline = NULL WHERE state = 'leased'")
            # Of paths without series, and of series that were not to be searched: who looks again finds them again.
            self._db.do("DELETE FROM series WHERE settings_sha256 = ''")

    def take_over(self) -> None:
        """Take what the ledgers of shards have, where this one has nothing or something older; they are removed.

        Nobody else may write to the folder meanwhile.
        """
        out = self.path.parent
        thumbnails = read_thumbnails(out)
        with self._db.transaction():
            for entry in read_ledgers(out):
                mine = self._db.do("SELECT ended FROM series WHERE key = ?", entry.key)
                if not mine or (mine[0][0] or 0.0) < (entry.ended or 0.0):
                    self._write(entry)
                    if jpeg := thumbnails.get(entry.key):
                        self._db.do("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", entry.key, jpeg)
        for path in ledgers_in(out):
            if path != self.path:  # it would keep names that are withheld from now on
                for ending in ("", "-wal", "-shm"):
                    path.with_name(path.name + ending).unlink(missing_ok=True)

    def queue(self, entries: Iterable[LedgerEntry]) -> None:
        """Queue series, whatever became of them earlier; those that wait already keep what they have been through."""
        with self._db.transaction():
            for entry in entries:
                self._db.do(
                    "INSERT INTO series (key, position, study_uid, series_uid, state, settings_sha256) "
                    "VALUES (?1, ?2, ?3, ?4, 'queued', ?5) "
                    "ON CONFLICT (key) DO UPDATE SET position = ?2, state = 'queued', "
                    "attempts = iif(state = 'queued', attempts, 0), strikes = iif(state = 'queued', strikes, 0), "
                    "reason = iif(state = 'queued', reason, ''), settings_sha256 = ?5",
                    entry.key,
                    entry.position,
                    entry.study_uid,
                    entry.series_uid,
                    entry.settings_sha256,
                )

    def lease(self, key: str, worker: str = "", limit_s: float | None = None) -> None:
        """Note that a series is begun, by whom, and how long that may take.

        Alone among all changes this one may be lost in a power cut, with nothing but the series begun again: it does
        not wait for the disk.
        """
        now = time.time()
        with self._db.lock:
            self._db.do("PRAGMA synchronous = NORMAL")
            self._db.do(
                "UPDATE series SET state = 'leased', attempts = attempts + 1, worker = ?, begun = ?, deadline = ? "
                "WHERE key = ?",
                worker,
                now,
                None if limit_s is None else now + limit_s,
                key,
            )
            self._db.do("PRAGMA synchronous = FULL")

    def give_back(self, key: str, reason: str, *, struck: bool, settled: Settled | None = None) -> None:
        """Queue a series again: it failed once (``struck``), or its worker was lost with it."""
        settled = settled or Settled()
        self._db.do(
            "UPDATE series SET state = 'queued', strikes = strikes + ?, reason = ?, exit_code = ?, peak_memory_mb = ?, "
            "seconds = ?, deadline = NULL WHERE key = ?",
            int(struck),
            reason,
            settled.exit_code,
            settled.peak_memory_mb,
            settled.seconds,
            key,
        )

    def settle(self, entry: LedgerEntry, thumbnail: bytes = b"") -> None:
        """Write what became of a series; no other row is left of the same folder of results."""
        self.settle_all([(entry, thumbnail)])

    def settle_all(self, entries: Iterable[tuple[LedgerEntry, bytes]]) -> None:
        """Write what became of several series, each with its thumbnail."""
        with self._db.transaction():
            for entry, thumbnail in entries:
                known = self._db.do("SELECT attempts, strikes, worker, begun FROM series WHERE key = ?", entry.key)
                for was in known:
                    strikes = max(was[1], entry.strikes)
                    entry = replace(entry, attempts=was[0], strikes=strikes, worker=was[2], begun=was[3])
                self._write(entry)
                if entry.folder:
                    self._db.do("DELETE FROM series WHERE key != ? AND folder = ?", entry.key, entry.folder)
                if thumbnail:
                    self._db.do("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", entry.key, thumbnail)

    def entry(self, key: str) -> LedgerEntry | None:
        """Give the row of a series, if it has one."""
        rows = self._db.do("SELECT * FROM series WHERE key = ?", key)
        return _entry(rows[0]) if rows else None

    def entries(self, state: State | None = None) -> tuple[LedgerEntry, ...]:
        """List the rows, all or those in a state."""
        where, values = ("", ()) if state is None else (" WHERE state = ?", (state,))
        return tuple(map(_entry, self._db.do(f"SELECT * FROM series{where} ORDER BY position, key", *values)))

    def thumbnails(self) -> dict[str, bytes]:
        """Give the thumbnails (JPEG) by key."""
        return {row["key"]: row["jpeg"] for row in self._db.do("SELECT key, jpeg FROM thumbnails")}

    def _write(self, entry: LedgerEntry) -> None:
        values = _values(entry)
        names = ", ".join(values)
        self._db.do(
            f"INSERT OR REPLACE INTO series ({names}) VALUES ({', '.join('?' * len(values))})", *values.values()
        )


def ledgers_in(out: Path) -> tuple[Path, ...]:
    """List the ledgers of a folder: one, and one for each shard that ran there."""
    return tuple(sorted(path for path in out.glob(_PATTERN) if path.is_file()))


def read_ledgers(out: Path) -> tuple[LedgerEntry, ...]:
    """Read what is known of every series of a folder of results, also while a run writes there.

    Raises
    ------
    InputFileError
        If a ledger cannot be read.
    """
    latest: dict[str, LedgerEntry] = {}
    for entry in _read(out, "SELECT * FROM series ORDER BY position, key", _entry):
        known = latest.get(entry.key)
        if known is None or (known.ended or 0.0) < (entry.ended or 0.0):
            latest[entry.key] = entry
    return tuple(latest.values())


def read_thumbnails(out: Path) -> dict[str, bytes]:
    """Read the thumbnails (JPEG) of all ledgers of a folder, by key.

    Raises
    ------
    InputFileError
        If a ledger cannot be read.
    """
    return dict(_read(out, "SELECT key, jpeg FROM thumbnails", lambda row: (row["key"], row["jpeg"])))


def _read(out: Path, query: str, take: Callable[[sqlite3.Row], _Taken]) -> Iterator[_Taken]:
    for path in ledgers_in(out):
        yield from read_rows(path, _WHAT, 1, query, take)


def _values(entry: LedgerEntry) -> dict[str, Any]:
    """Give the columns of a row."""
    values = {one.name: getattr(entry, one.name) for one in fields(LedgerEntry)}
    values = {name: one_line(value) if isinstance(value, str) else value for name, value in values.items()}
    # Bytes of file names that are no letters are escaped, which the columns cannot have.
    values["outcome"] = "" if entry.outcome is None else json.dumps(asdict(entry.outcome), ensure_ascii=True)
    return values


def _entry(row: sqlite3.Row) -> LedgerEntry:
    """Read a row.

    Raises
    ------
    sqlite3.DataError
        If this program did not write it so.
    """
    try:
        values = {one.name: row[one.name] for one in fields(LedgerEntry)}
        return LedgerEntry(**{**values, "outcome": _outcome(row["outcome"]) if row["outcome"] else None})
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise sqlite3.DataError(f"a row of it cannot be read: {error}") from error


def _outcome(text: str) -> SeriesOutcome:
    """Read an outcome; what a later version added is left out."""
    known = {one.name for one in fields(SeriesOutcome)}
    values: dict[str, Any] = {}
    for name, value in json.loads(text).items():
        if name in known:
            values[name] = tuple(value) if isinstance(value, list) else value
    return SeriesOutcome(**values)
