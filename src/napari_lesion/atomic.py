"""Results appear whole or not at all: written under a hidden temporary name beside their place, then renamed."""

from __future__ import annotations

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


@contextmanager
def _scratch_folder(parent: Path) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
