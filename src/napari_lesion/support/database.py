"""SQLite files of this program: how they are opened, brought to today's tables, changed by several threads, and read.

Those of the archive run's ledger, the worklist and the listener's queue. Each change is a transaction, on the disk when
it ends. In an encrypted folder they are encrypted, with the journals beside them (`encrypted_database`).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import psutil

from napari_lesion.support.atomic import PRIVATE_FILE
from napari_lesion.support.encrypted_database import as_of_python, connect
from napari_lesion.support.errors import InputFileError, OutputError

_Taken = TypeVar("_Taken")
_PATIENCE_S = 60.0
"""So long a change waits for those of other processes."""
_LOGGED = 18
"""Where in the header of a database stands whether it has a write-ahead log (2)."""
_ACROSS_A_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smbfs", "smb3", "fuse.sshfs", "lustre", "gpfs", "beegfs", "ceph"}
)
"""File systems on which SQLite's write-ahead log does not work: its users must share memory."""
_OF_THE_PLACE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
"""What says nothing of the file, only of the place where it is."""


class Database:
    """A SQLite file that this program writes, for its user alone.

    Parameters
    ----------
    path : Path
        Made if it is not there.
    what : str
        What sentences call it, with its article: ``the worklist``.
    versions : sequence of str
        The statements that make the tables of each version out of those of the one before it; a new file goes through
        all of them.
    logged : bool
        Keep a write-ahead log: faster, where all who use the file are on this computer.

    Raises
    ------
    OutputError
        If the file cannot be written.
    InputFileError
        If it is something else, damaged, or of a later version.
    """

    def __init__(self, path: Path, what: str, versions: Sequence[str], *, logged: bool = False) -> None:
        self.lock = threading.RLock()
        """Held during each change and each query."""
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))
            self._db = connect(path, isolation_level=None, check_same_thread=False, timeout=_PATIENCE_S)
        except (OSError, sqlite3.Error) as error:
            refuse(path, what, error)
        try:
            _version(self._db, path, what, len(versions))
            if logged:
                self.do(f"PRAGMA journal_mode = {'DELETE' if is_across_a_network(path.parent) else 'WAL'}")
            self.do("PRAGMA synchronous = FULL")
            self.do("PRAGMA secure_delete = ON")  # names that are taken out must not stay in the file
            with self.transaction():  # of several that begin at once, one makes the tables
                there = _version(self._db, path, what, len(versions))
                for statement in ";".join(versions[there:]).split(";"):
                    self.do(statement)
                self.do(f"PRAGMA user_version = {len(versions)}")
        except sqlite3.Error as error:
            self._db.close()
            refuse(path, what, error)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close it; nothing waits to be written."""
        with self.lock:
            self._db.close()

    def do(self, statement: str, *values: object) -> list[Any]:
        """Execute a statement; returns its rows."""
        with self.lock, as_of_python():
            found: list[Any] = self._db.execute(statement, values).fetchall()
            return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, with the lock held; one inside of another is part of it."""
        with self.lock:
            if self._db.in_transaction:
                yield
                return
            self.do("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.do("ROLLBACK")
                raise
            self.do("COMMIT")


def read_rows(
    path: Path, what: str, version: int, query: str, take: Callable[[sqlite3.Row], _Taken]
) -> Iterator[_Taken]:
    """Read what a query finds in a file, also while others write it, and leave nothing beside it.

    Parameters
    ----------
    path, what
        As of `Database`.
    version : int
        That it may have; a file without tables has no rows.
    take : callable
        Makes of each row what is given; may raise `sqlite3.Error` where the row is none of ours.

    Raises
    ------
    OutputError, InputFileError
        As `Database` does.
    """
    try:
        with as_of_python(), closing(_connected_to_read(path)) as db:
            if _version(db, path, what, version):
                yield from map(take, db.execute(query))
    except (OSError, sqlite3.Error) as error:
        refuse(path, what, error)


def refuse(path: Path, what: str, error: OSError | sqlite3.Error) -> NoReturn:
    """Why a file cannot be used.

    Raises
    ------
    OutputError
        If that is so because of the place where it is.
    InputFileError
        Else: it is something else, or damaged.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, OSError) or (code is not None and code & 0xFF in _OF_THE_PLACE):
        raise OutputError(
            f"{path}: {what} cannot be opened ({error}). Free it or its disk, or choose another folder for it."
        ) from error
    raise InputFileError(f"{path}: this is not {what}, or it is damaged ({error}). Move it away.") from error


def is_across_a_network(folder: Path) -> bool:
    """Whether a folder is on a file system of another machine."""
    place = os.fspath(folder.absolute())
    at, kind = "", ""
    for partition in psutil.disk_partitions(all=True):
        mount = partition.mountpoint
        if len(mount) >= len(at) and (place == mount or place.startswith(mount.rstrip(os.sep) + os.sep)):
            at, kind = mount, partition.fstype
    return kind.lower() in _ACROSS_A_NETWORK


def _connected_to_read(path: Path) -> Any:
    """Open a file that is not changed: SQLite makes files to read a write-ahead log, even an empty one."""
    with path.open("rb") as file:
        head = file.read(_LOGGED + 1)
    has_log = head[_LOGGED:] == b"\2" or not head.startswith(b"SQLite")  # of an encrypted one that is not to be seen
    closed = has_log and not any(path.with_name(path.name + one).exists() for one in ("-wal", "-journal"))
    return connect(path, "immutable=1" if closed else "mode=ro", timeout=_PATIENCE_S)


def _version(db: Any, path: Path, what: str, newest: int) -> int:
    """Version of the tables of a file, 0 of an empty one."""
    with as_of_python():
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if not 0 <= version <= newest:
        raise InputFileError(
            f"{path}: {what} is of another version of the program ({version}, not {newest}). Move it away."
        )
    return version
