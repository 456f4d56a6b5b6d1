"""The files of a folder tree: links followed once, and everything that cannot be looked into named."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_PROGRESS_EVERY = 50


@dataclass
class Tree:
    """What lies below a folder.

    Attributes
    ----------
    paths : list of Path
        All files, each once, in a stable order; those behind links come last.
    skipped : list of (Path, str)
        What is there but no file, with the reason.
    left_out : list of (Path, str)
        What could not be looked into and may hold scans, with the reason.
    """

    paths: list[Path] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)


def look_through(root: Path, tell: Callable[[int], None]) -> Tree:
    """Find all files below a folder.

    Links to folders are followed, too: a data set is often made of them. Each folder and each file is taken once,
    whatever leads to it, by its own path where that is below the root; so links in a circle end.

    Parameters
    ----------
    root : Path
    tell : callable
        Called with the number of files so far, now and then; may raise.
    """
    found = Tree()
    seen: set[tuple[int, int]] = set()
    links: list[Path] = []
    _walk(root, found, seen, links, tell)
    real: set[str] = set()
    parents: dict[Path, str] = {}
    for path in found.paths if links else ():
        if path.parent not in parents:
            parents[path.parent] = os.path.realpath(path.parent)
        real.add(f"{parents[path.parent]}{os.sep}{path.name}")
    while links:
        behind: list[Path] = []
        for link in links:
            try:
                mode = link.stat().st_mode
            except OSError as error:
                found.left_out.append((link, f"a link that leads nowhere ({error.strerror or error})"))
                continue
            if stat.S_ISDIR(mode):
                _walk(link, found, seen, behind, tell)
            elif not stat.S_ISREG(mode):
                found.skipped.append((link, "a link to what is no file but a pipe, a socket or a device"))
            elif (target := os.path.realpath(link)) not in real:
                real.add(target)
                found.paths.append(link)
        links = behind
    return found


def _walk(root: Path, found: Tree, seen: set[tuple[int, int]], links: list[Path], tell: Callable[[int], None]) -> None:
    """Go through a folder and those below it; links are put aside."""
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            about = folder.stat()
            if (about.st_dev, about.st_ino) in seen:
                continue
            seen.add((about.st_dev, about.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            found.left_out.append((folder, f"a folder that cannot be read ({error.strerror or error})"))
            continue
        below: list[Path] = []
        for entry in entries:
            path = folder / entry.name
            try:
                if entry.is_symlink():
                    links.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    below.append(path)
                elif entry.is_file(follow_symlinks=False):
                    found.paths.append(path)
                    if len(found.paths) % _PROGRESS_EVERY == 0:
                        tell(len(found.paths))
                else:
                    found.skipped.append((path, "no file but a pipe, a socket or a device"))
            except OSError as error:
                found.left_out.append((path, f"cannot be read ({error.strerror or error})"))
        pending += reversed(below)
