"""Results appear whole or not at all: written under a hidden temporary name beside their place, then renamed.

Journals grow by whole lines, each on the disk before the next one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".partial-"
"""How temporary names start; one that a crash left behind can be deleted."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to, and put it at ``path`` when the block ends without an error.

    The temporary name keeps the ending of ``path``, since writers choose formats by it.
    """
    with _scratch_folder(path.parent) as scratch:
        temporary = scratch / path.name
        yield temporary
        temporary.replace(path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill, and put it at ``path`` when the block ends without an error.

    A folder that is there already is replaced as a whole, and only then.
    """
    with _scratch_folder(path.parent) as scratch:
        temporary = scratch / "new"
        temporary.mkdir()
        yield temporary
        old = scratch / "old"
        if path.exists():
            path.replace(old)
        try:
            temporary.replace(path)
        except BaseException:
            if old.exists():
                old.replace(path)
            raise


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
    with open(path, "ab", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        end = file.tell()
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)  # half a line would spoil the next one
            raise
    if not end:
        _sync_folder(path.parent)


def drop_torn_line(path: Path) -> None:
    """Take off a last line that a crash left without its end."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        with path.open("r+b") as file:
            file.truncate(end)


def _sync_folder(folder: Path) -> None:
    """Put the name of a new file on the disk, too, where the system has that apart."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _scratch_folder(parent: Path) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
