"""Results appear whole or not at all: written under a hidden temporary name beside their place, then renamed.

What is renamed is on the disk before, and its new name after, so that a power cut leaves the old or the new one.
Journals grow by whole lines, each on the disk before the next one.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_lesion.support.vault import Vault, temporary_folder, vault_of

PREFIX = ".partial-"
"""How temporary names start; what a crash left behind under them is cleared away by `put_right`."""
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700
"""Modes of what names a patient: for the user alone."""

_NEW, _OLD, _PLACE = "new", "old", "place"
"""In the temporary folder of a replacement: what comes, what goes, and a file that says where."""
_DAY_S = 86_400.0
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES)
"""What file systems answer that cannot sync a folder."""


@contextmanager
def whole_file(path: Path, *, private: bool = False, as_it_is: bool = False) -> Iterator[Path]:
    """Give a temporary path to write to, and put it at ``path`` when the block ends without an error.

    The temporary name keeps the ending of ``path``, since writers choose formats by it. In an encrypted folder
    (`vault.vault_of`) it is one in memory, and what comes to the disk is sealed.

    Parameters
    ----------
    path : Path
    private : bool
        It names a patient: only the user may read it.
    as_it_is : bool
        Do not seal it: it is sealed already, or holds no patient's data.
    """
    vault = None if as_it_is else vault_of(path)
    with scratch_folder(path.parent) as scratch:
        temporary = scratch / path.name
        with _sealed_into(temporary, vault) as given:
            yield given
        if private or vault is not None:
            temporary.chmod(PRIVATE_FILE)
        _sync(temporary)
        temporary.replace(path)
        _sync_names(path.parent)


@contextmanager
def whole_folder(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a temporary folder to fill, and put it at ``path`` when the block ends without an error.

    A folder that is there already is replaced as a whole, and only then. A crash at any moment leaves the old or the
    new one, perhaps under its temporary name; then `put_right` puts it in its place. In an encrypted folder each file
    is sealed before it comes to the disk.

    Parameters
    ----------
    path : Path
    private : bool
        It names a patient: only the user may look into it.
    """
    vault = vault_of(path)
    with scratch_folder(path.parent) as scratch:
        temporary = scratch / _NEW
        with _sealed_into(temporary, vault) as given:
            given.mkdir()
            yield given
        if private or vault is not None:
            _make_private(temporary)
        _sync(temporary)
        old = scratch / _OLD
        if path.exists():
            place = scratch / _PLACE
            place.write_text(path.name, encoding="utf-8")
            _sync(place)
            _sync_names(scratch)
            path.replace(old)
        try:
            temporary.replace(path)
        except BaseException:
            if old.exists():
                old.replace(path)
            raise
        _sync_names(path.parent)


@contextmanager
def _sealed_into(target: Path, vault: Vault | None) -> Iterator[Path]:
    """Give the path to write to: the target itself or, for an encrypted folder, one whose content is sealed into it."""
    if vault is None:
        yield target
        return
    with temporary_folder() as hidden:
        plain = Path(hidden) / target.name
        yield plain
        _seal(plain, target, vault)


def _seal(plain: Path, target: Path, vault: Vault) -> None:
    if plain.is_dir():
        target.mkdir()
        for one in plain.iterdir():
            _seal(one, target / one.name, vault)
        return
    target.write_bytes(vault.seal(plain.read_bytes()))


def put_right(parent: Path) -> tuple[Path, ...]:
    """Clear away what runs that were killed left in a folder, and end replacements in the middle of which they were.

    A replacement that was interrupted between its two renames is completed: the new folder was on the disk by then.
    What another program is still writing is left alone.

    Returns
    -------
    tuple of Path
        What was put in its place.
    """
    restored = []
    for scratch in sorted(parent.glob(f"{PREFIX}*")):
        if scratch.is_symlink() or not scratch.is_dir() or not _abandoned(scratch):
            continue
        old, new, place = (scratch / name for name in (_OLD, _NEW, _PLACE))
        if old.exists():
            try:
                target = parent / Path(place.read_text(encoding="utf-8")).name
            except OSError:  # of an earlier version, which did not say where; nothing of it is thrown away
                continue
            if not target.exists():
                (new if new.exists() else old).replace(target)
                _sync_names(parent)
                restored.append(target)
        shutil.rmtree(scratch, ignore_errors=True)
    return tuple(restored)


def append_lines(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Append whole lines to a file; they are on the disk when this returns, or, where it raises, not in the file.

    Parameters
    ----------
    path : Path
    text : str
        Lines, each with its end.
    mode : int
        Permissions of a file that is made, less what the umask takes.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    with open(path, "ab", buffering=0, opener=lambda name, flags: os.open(name, flags, mode)) as file:
        end = file.seek(0, os.SEEK_END)
        left = memoryview(text.encode("utf-8", "surrogateescape"))
        try:
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(end)  # half a line would spoil the next one
            raise
    if not end:
        _sync_names(path.parent)


def keep_beside(path: Path) -> Path:
    """Copy a damaged file to a name of its own beside it (``.damaged1``, …), for whoever can read more of it."""
    with scratch_folder(path.parent) as scratch:
        copy = scratch / path.name
        shutil.copy2(path, copy)
        _sync(copy)
        aside = copy.rename(free_name(path))
        _sync_names(path.parent)
    return aside


def free_name(path: Path) -> Path:
    """Name for what is damaged: that of ``path`` ending in ``.damaged1``, or with the next number that is free."""
    number = 1
    while (aside := path.with_suffix(f".damaged{number}")).exists():
        number += 1
    return aside


def _make_private(path: Path) -> None:
    for one in path.iterdir():
        if one.is_dir():
            _make_private(one)
        else:
            one.chmod(PRIVATE_FILE)
    path.chmod(PRIVATE_FOLDER)


def _sync(path: Path) -> None:
    """Put a file, or a folder with all that is in it, on the disk."""
    if path.is_dir():
        for one in path.iterdir():
            if not one.is_symlink():
                _sync(one)
        _sync_names(path)
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_names(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system has them apart and can."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # one may write into a folder that one may not list
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Give a folder beside what will be there, for what is not whole yet.

    It is gone after the block. What a process that was killed left in it goes by `put_right`, which leaves it alone as
    long as this process lives.
    """
    parent.mkdir(parents=True, exist_ok=True)
    while True:
        scratch = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        claim = _claim(scratch)
        if scratch.is_dir():
            break
        if claim is not None:  # who put things right at that moment took it for one that was left behind
            os.close(claim)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if claim is not None:
            os.close(claim)


def _claim(scratch: Path) -> int | None:
    """Lock a temporary folder for as long as this process lives; None where that cannot be done."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor = os.open(scratch, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _abandoned(scratch: Path) -> bool:
    """Whether nobody works in a temporary folder any more: its lock is free or, without locks, it is a day old."""
    try:
        import fcntl

        descriptor = os.open(scratch, os.O_RDONLY)
    except (ImportError, OSError):
        return _is_old(scratch)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return _is_old(scratch)
    finally:
        os.close(descriptor)
    return True


def _is_old(scratch: Path) -> bool:
    try:
        return time.time() - scratch.stat().st_mtime > _DAY_S
    except OSError:
        return False
