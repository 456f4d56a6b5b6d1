"""What the commands share: progress on a terminal or in a log file, and plain tables."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from napari_lesion.progress import Progress

_QUIET_S = 10.0
"""In a log file, progress is reported at most this often."""


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Give a progress callback: a bar where stderr is a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    # Rich moves what is printed meanwhile above the bar, by way of stderr: not so where stdout goes to a file.
    redirect = sys.stdout.isatty()
    with Bar(*columns, console=Console(stderr=True), transient=True, redirect_stdout=redirect) as bar:
        task = bar.add_task("starting", total=None)

        def show(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield show


def _lines() -> Progress:
    last = time.monotonic()

    def show(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _QUIET_S:
            last = now
            share = f"{100 * done / total:3.0f} % " if total > 0 else ""
            print(f"{share}{what}", file=sys.stderr, flush=True)  # noqa: T201 - the log is the user interface here

    return show


def say(text: str = "") -> None:
    """Print a line to stdout, which a log file gets unbroken."""
    print(text, flush=True)  # noqa: T201 - results are the user interface here


def complain(text: str) -> None:
    """Print a line to stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - errors are the user interface here


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stdout: with frames on a terminal, else plain columns that nothing truncates."""
    if not sys.stdout.isatty():
        widths = [max(len(str(line[n])) for line in (columns, *rows)) for n in range(len(columns))]
        for line in (columns, *rows):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())  # noqa: T201
        return
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
