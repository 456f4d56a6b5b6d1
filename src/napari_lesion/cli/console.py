"""What the commands share: progress on a terminal or in a log file, and plain tables."""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from napari_lesion.support import nameless
from napari_lesion.support.plain import lines, one_line
from napari_lesion.support.progress import Progress

_QUIET_S = 10.0
"""In a log file, progress is reported at most this often."""


class _Lines(nameless.NamelessFormatter):
    """A record and its trace without what a terminal would run, and without what names a patient."""

    def format(self, record: logging.LogRecord) -> str:
        """Put a record into words."""
        return lines(super().format(record))


def use_plain_text() -> None:
    r"""Let stdout, stderr and the log write any text, whatever the terminal's encoding is.

    What it cannot show is written as Python does (``\xfc``): a result is never lost to a name.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_Lines())
    logging.getLogger().addHandler(handler)
    nameless.install(print_error_lines)


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
            bar.update(task, completed=done, total=total, description=one_line(what))

        yield show


def _lines() -> Progress:
    last = time.monotonic()

    def show(done: int, total: int, what: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _QUIET_S:
            last = now
            share = f"{100 * done / total:3.0f} % " if total > 0 else ""
            print(f"{share}{one_line(what)}", file=sys.stderr, flush=True)  # noqa: T201 - the log is the user interface here

    return show


def print_line(text: str = "") -> None:
    """Print a line to stdout, which a log file gets unbroken, whatever stands in the text."""
    print(one_line(text), flush=True)  # noqa: T201 - results are the user interface here


def print_lines(text: str) -> None:
    """Print lines to stdout."""
    print(lines(text), flush=True)  # noqa: T201 - results are the user interface here


def print_error(text: str) -> None:
    """Print a line to stderr."""
    print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201 - errors are the user interface here


def print_error_lines(text: str) -> None:
    """Print lines to stderr."""
    print(lines(text), file=sys.stderr, flush=True)  # noqa: T201 - errors are the user interface here


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stdout: with frames on a terminal, else plain columns that nothing truncates."""
    columns, rows = [one_line(cell) for cell in columns], [[one_line(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(len(line[n]) for line in (columns, *rows)) for n in range(len(columns))]
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
