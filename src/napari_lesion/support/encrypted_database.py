"""SQLite files in encrypted folders: SQLCipher, by which every page of them and of their journals is encrypted.

Each page by AES-256 (CBC) with an initialisation vector of its own, and authenticated (HMAC-SHA512), under a key that
is derived from that of the folder (`vault.Vault.database_keys`). Names of tables, too, are in no byte on the disk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from napari_lesion.support import sealed
from napari_lesion.support.errors import ConfigError, SecurityError
from napari_lesion.support.vault import Vault, temporary_folder, vault_of

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file while it is worked on."""
_PLAIN = b"SQLite format 3\0"
_PAGE = 4096


def is_plain(path: Path) -> bool:
    """Whether a file is a SQLite file that is not encrypted."""
    try:
        with path.open("rb") as file:
            return file.read(len(_PLAIN)) == _PLAIN
    except OSError:
        return False


def is_encrypted(path: Path, vault: Vault) -> bool:
    """Whether a file is a SQLite file that the keys of its folder open."""
    size = path.stat().st_size
    if not size or size % _PAGE or is_plain(path):
        return False
    with path.open("rb") as file:
        if sealed.is_sealed(file.read(_PAGE)):
            return False
    return _key_of(path, vault.database_keys()) is not None


def connect(path: Path, how: str = "mode=rw", **options: Any) -> Any:
    """Connect to a SQLite file, by the engine of Python or, in an encrypted folder, that of SQLCipher.

    Parameters
    ----------
    path : Path
        There already; empty, it takes the newest key.
    how : str
        Parameters of SQLite's URI.
    **options
        Of `sqlite3.connect`.

    Returns
    -------
    Connection
        As of `sqlite3`, with named columns; its errors are to be had `as_of_python`.

    Raises
    ------
    ConfigError
        If the package for it is not installed, or a file is to be written that is not encrypted, and its folder is.
    SecurityError
        If no key of the folder opens it.
    sqlite3.Error
        As Python's engine.
    """
    vault = vault_of(path)
    if vault is not None and is_plain(path):
        if how == "mode=rw":
            raise ConfigError(
                f"{path} is not encrypted, and {vault.folder} is. Encrypt it: napari-lesion project encrypt "
                f"{vault.folder}"
            )
        vault = None
    uri = f"{path.absolute().as_uri()}?{how}"
    if vault is None:
        plain = sqlite3.connect(uri, uri=True, **options)
        plain.row_factory = sqlite3.Row
        return plain
    keys = vault.database_keys()
    key = keys[0] if path.stat().st_size == 0 else _key_of(path, keys, how)
    if key is None:
        raise SecurityError(
            f"{path} does not open: it was changed, or encrypted with another key. Take it from a backup."
        )
    with as_of_python():
        db = _engine().connect(uri, uri=True, **options)
        _set_key(db, key)
        db.row_factory = _engine().Row
    return db


@contextmanager
def as_of_python() -> Iterator[None]:
    """Raise the errors of SQLCipher as those of Python's engine, which are others by type only."""
    try:
        yield
    except sqlite3.Error:
        raise
    except Exception as error:
        kind = getattr(sqlite3, type(error).__name__, None)
        if not type(error).__module__.startswith("sqlcipher3") or kind is None:
            raise
        same = kind(*error.args)
        same.sqlite_errorcode = getattr(error, "sqlite_errorcode", None)
        raise same from error


def encrypt(path: Path, target: Path, vault: Vault) -> None:
    """Write a SQLite file, encrypted or not, to a new one with the newest key of a folder.

    Nobody may work with it meanwhile; what its write-ahead log holds goes into it before.

    Raises
    ------
    SecurityError
        If somebody has it open, or it does not open.
    """
    _copy(path, target, vault, vault.database_keys()[0])


def decrypt(path: Path, target: Path, vault: Vault) -> None:
    """Write a SQLite file to a new one that is not encrypted; see `encrypt`."""
    _copy(path, target, vault, "")


def decrypted(path: Path, vault: Vault) -> bytes:
    """Give the content of an encrypted SQLite file as a plain one has it; see `encrypt`."""
    with temporary_folder() as hidden:
        target = Path(hidden) / path.name
        decrypt(path, target, vault)
        return target.read_bytes()


def has_newest_key(path: Path, vault: Vault) -> bool:
    """Whether a SQLite file is encrypted with the newest key of its folder."""
    return _key_of(path, vault.database_keys()[:1]) is not None


def _copy(path: Path, target: Path, vault: Vault, key: str) -> None:
    old = "" if is_plain(path) else _key_of(path, vault.database_keys())
    if old is None:
        raise SecurityError(f"{path} does not open: it was changed. Take it from a backup.")
    try:
        with as_of_python(), closing(_engine().connect(str(path), isolation_level=None, timeout=1.0)) as db:
            _set_key(db, old)
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = DELETE")  # empties its log, and needs it alone
            version = int(db.execute("PRAGMA user_version").fetchone()[0])
            db.execute("ATTACH ? AS target KEY " + (f"\"x'{key}'\"" if key else "''"), (str(target),))
            db.execute("BEGIN EXCLUSIVE")
            db.execute("SELECT sqlcipher_export('target')").fetchall()
            db.execute(f"PRAGMA target.user_version = {version}")
            db.execute("COMMIT")
            db.execute("DETACH target")
    except sqlite3.OperationalError as error:
        raise SecurityError(f"{path} cannot be converted ({error}). End the program that works with it.") from error


def _key_of(path: Path, keys: Sequence[str], how: str = "mode=ro") -> str | None:
    """Find the key that opens a file; None where none does."""
    uri = f"{path.absolute().as_uri()}?{how}"
    for key in keys:
        with as_of_python(), closing(_engine().connect(uri, uri=True)) as db:
            _set_key(db, key)
            try:
                db.execute("SELECT count(*) FROM sqlite_master").fetchall()
            except _engine().DatabaseError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:  # of the place, not of the key
                    raise
            else:
                return key
    return None


def _set_key(db: Any, key: str) -> None:
    db.execute("PRAGMA cipher_log_level = NONE")  # else it prints what is said by an error, too
    if key:
        db.execute(f"PRAGMA key = \"x'{key}'\"")


def _engine() -> Any:
    try:
        return sealed.library("sqlcipher3.dbapi2")
    except ConfigError as error:
        raise ConfigError(
            "SQLite files (of a listener, a worklist, a run) in an encrypted folder need the package sqlcipher3: "
            "pip install 'napari-lesion[encrypted-databases]'. Or keep them in another folder."
        ) from error
