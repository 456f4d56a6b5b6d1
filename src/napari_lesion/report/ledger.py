"""The ledger of a run: what became of every series, and what is still to do; the only truth of an output folder.

``ledger.sqlite`` has a row for each series. Only the run that holds the folder writes to it; each change is a
transaction, on the disk when the method returns. ``summary.csv`` and ``index.html`` are views of it. Who only wants to
know what a folder holds calls `read_ledgers`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import psutil

from napari_lesion.report.summary import SeriesOutcome
from napari_lesion.support.atomic import PRIVATE_FILE
from napari_lesion.support.database import transaction
from napari_lesion.support.errors import InputFileError, OutputError
from napari_lesion.support.plain import one_line
from napari_lesion.support.vault import refuse_encrypted

FILE_NAME = "ledger.sqlite"
_PATTERN = "ledger*.sqlite"
_Taken = TypeVar("_Taken")
_VERSION = 1
_PATIENCE_S = 30.0
_LOGGED = 18
"""Where in the header of a database stands whether it has a write-ahead log (2)."""
_ACROSS_A_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smbfs", "smb3", "fuse.sshfs", "lustre", "gpfs", "beegfs", "ceph"}
)
"""File systems on which SQLite's write-ahead log does not work: its users must share memory."""

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
        refuse_encrypted(self.path, "the ledger of a run")
        self._lock = threading.RLock()
        try:
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE_S)
            self._db.row_factory = sqlite3.Row
        except (OSError, sqlite3.Error) as error:
            raise OutputError(f"{self.path}: cannot be written ({error}). Choose another folder.") from error
        try:
            empty = _version(self._db, self.path) == 0
            self._db.execute(f"PRAGMA journal_mode = {'DELETE' if is_across_a_network(out) else 'WAL'}")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")  # names that are withheld later must not stay in the file
            if empty:
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
            if (found := self._db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(" ".join(found.split()))
            self.entries()
            self._db.execute("SELECT key, jpeg FROM thumbnails LIMIT 1")
        except sqlite3.Error as error:
            self._db.close()
            raise _unreadable(self.path, error) from error
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close it; nothing waits to be written."""
        with self._lock:
            self._db.close()

    def begin(self) -> None:
        """Begin a run: what was under way when the last one ended is queued again."""
        with transaction(self._db, self._lock):
            self._db.execute("UPDATE series SET state = 'queued', worker = '', deadline = NULL WHERE state = 'leased'")
            # Of paths without series, and of series that were not to be searched: who looks again finds them again.
            self._db.execute("DELETE FROM series WHERE settings_sha256 = ''")

    def take_over(self) -> None:
        """Take what the ledgers of shards have, where this one has nothing or something older; they are removed.

        Nobody else may write to the folder meanwhile.
        """
        out = self.path.parent
        thumbnails = read_thumbnails(out)
        with transaction(self._db, self._lock):
            for entry in read_ledgers(out):
                mine = self._db.execute("SELECT ended FROM series WHERE key = ?", (entry.key,)).fetchone()
                if mine is None or (mine[0] or 0.0) < (entry.ended or 0.0):
                    self._write(entry)
                    if jpeg := thumbnails.get(entry.key):
                        self._db.execute("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", (entry.key, jpeg))
        for path in ledgers_in(out):
            if path != self.path:  # it would keep names that are withheld from now on
                for ending in ("", "-wal", "-shm"):
                    path.with_name(path.name + ending).unlink(missing_ok=True)

    def queue(self, entries: Iterable[LedgerEntry]) -> None:
        """Queue series, whatever became of them earlier; those that wait already keep what they have been through."""
        with transaction(self._db, self._lock):
            for entry in entries:
                self._db.execute(
                    "INSERT INTO series (key, position, study_uid, series_uid, state, settings_sha256) "
                    "VALUES (?1, ?2, ?3, ?4, 'queued', ?5) "
                    "ON CONFLICT (key) DO UPDATE SET position = ?2, state = 'queued', "
                    "attempts = iif(state = 'queued', attempts, 0), strikes = iif(state = 'queued', strikes, 0), "
                    "reason = iif(state = 'queued', reason, ''), settings_sha256 = ?5",
                    (entry.key, entry.position, entry.study_uid, entry.series_uid, entry.settings_sha256),
                )

    def lease(self, key: str, worker: str = "", limit_s: float | None = None) -> None:
        """Note that a series is begun, by whom, and how long that may take.

        Alone among all changes this one may be lost in a power cut, with nothing but the series begun again: it does
        not wait for the disk.
        """
        now = time.time()
        with self._lock:
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._do(
                "UPDATE series SET state = 'leased', attempts = attempts + 1, worker = ?, begun = ?, deadline = ? "
                "WHERE key = ?",
                worker,
                now,
                None if limit_s is None else now + limit_s,
                key,
            )
            self._db.execute("PRAGMA synchronous = FULL")

    def give_back(self, key: str, reason: str, *, struck: bool, settled: Settled | None = None) -> None:
        """Queue a series again: it failed once (``struck``), or its worker was lost with it."""
        settled = settled or Settled()
        self._do(
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
        with transaction(self._db, self._lock):
            for entry, thumbnail in entries:
                was = self._db.execute(
                    "SELECT attempts, strikes, worker, begun FROM series WHERE key = ?", (entry.key,)
                ).fetchone()
                if was is not None:
                    strikes = max(was[1], entry.strikes)
                    entry = replace(entry, attempts=was[0], strikes=strikes, worker=was[2], begun=was[3])
                self._write(entry)
                if entry.folder:
                    self._db.execute("DELETE FROM series WHERE key != ? AND folder = ?", (entry.key, entry.folder))
                if thumbnail:
                    self._db.execute("INSERT OR REPLACE INTO thumbnails VALUES (?, ?)", (entry.key, thumbnail))

    def entry(self, key: str) -> LedgerEntry | None:
        """Give the row of a series, if it has one."""
        rows = self._do("SELECT * FROM series WHERE key = ?", key)
        return _entry(rows[0]) if rows else None

    def entries(self, state: State | None = None) -> tuple[LedgerEntry, ...]:
        """List the rows, all or those in a state."""
        where, values = ("", ()) if state is None else (" WHERE state = ?", (state,))
        return tuple(map(_entry, self._do(f"SELECT * FROM series{where} ORDER BY position, key", *values)))

    def thumbnails(self) -> dict[str, bytes]:
        """Give the thumbnails (JPEG) by key."""
        return {row["key"]: row["jpeg"] for row in self._do("SELECT key, jpeg FROM thumbnails")}

    def _write(self, entry: LedgerEntry) -> None:
        values = _values(entry)
        names = ", ".join(values)
        self._db.execute(
            f"INSERT OR REPLACE INTO series ({names}) VALUES ({', '.join('?' * len(values))})", tuple(values.values())
        )

    def _do(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()


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
        try:
            with closing(_connect_to_read(path)) as db:
                if _version(db, path):
                    db.row_factory = sqlite3.Row
                    yield from map(take, db.execute(query))
        except (OSError, sqlite3.Error) as error:
            raise _unreadable(path, error) from error


def is_across_a_network(folder: Path) -> bool:
    """Whether a folder is on a file system of another machine."""
    place = os.fspath(folder.absolute())
    at, kind = "", ""
    for partition in psutil.disk_partitions(all=True):
        mount = partition.mountpoint
        if len(mount) >= len(at) and (place == mount or place.startswith(mount.rstrip(os.sep) + os.sep)):
            at, kind = mount, partition.fstype
    return kind.lower() in _ACROSS_A_NETWORK


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a ledger and leave nothing beside it: SQLite makes files to read a write-ahead log, even an empty one."""
    with path.open("rb") as file:
        has_log = file.read(_LOGGED + 1)[_LOGGED:] == b"\2"
    closed = has_log and not path.with_name(f"{path.name}-wal").exists()
    how = "immutable=1" if closed else "mode=ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=_PATIENCE_S)


def _version(db: sqlite3.Connection, path: Path) -> int:
    """Version of a ledger, 0 of an empty one."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version not in (0, _VERSION):
        raise InputFileError(f"{path}: is of another version of the program ({version}, not {_VERSION}). Move it away.")
    return version


def _unreadable(path: Path, error: Exception) -> InputFileError:
    return InputFileError(f"{path}: not a ledger of this program, or damaged ({error}). Move it away.")


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
