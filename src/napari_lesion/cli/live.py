"""How far a run is, while it goes on: a line in a terminal, lines of JSON, or now and then a line in a log file."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from napari_lesion.cli.console import print_error, print_lines
from napari_lesion.support.plain import one_line

if TYPE_CHECKING:
    from napari_lesion.batch import Status

_QUIET_S = 10.0
"""In a log file, and as JSON, it is said at most this often."""
_JSON_EVERY_S = 1.0
_MOST_WORKERS = 16
"""Shown in a terminal, one a line."""


def in_words(status: Status) -> str:
    """Describe in a line how far a run is."""
    failed = f"{status.failed + status.quarantined} failed"
    held = f" ({status.quarantined} in quarantine)" if status.quarantined else ""
    retried = f", {status.retried} to be tried alone" if status.retried else ""
    rate = f", {status.a_minute:.1f} a minute" if status.a_minute else ""
    left = f", {_duration(status.left_s)} left" if status.left_s is not None else ""
    busy = f", {len(status.running)} at work"
    return f"{status.ended}/{status.total} series, {failed}{held}{retried}{rate}{left}{busy}"


def workers_in_words(status: Status) -> list[str]:
    """Describe in a line of each worker what it does."""
    lines = [f"  {name}: {uid}, {_duration(seconds)}: {what}" for name, uid, seconds, what in status.running]
    more = len(lines) - _MOST_WORKERS
    return [*lines[:_MOST_WORKERS], *([f"  and {more} more"] if more > 0 else [])]


def as_json(event: str, **values: Any) -> None:
    """Print an event as a line of JSON."""
    print_lines(json.dumps({"event": event, "time": round(time.time(), 3), **values}, default=str))


@contextmanager
def show_status(*, machine: bool) -> Iterator[Callable[[Status], None]]:
    """Give what shows how far a run is: as JSON, live where stderr is a terminal, else a line now and then."""
    if machine:
        yield _at_most_every(_JSON_EVERY_S, lambda status: as_json("status", **vars(status)))
        return
    if not sys.stderr.isatty():
        yield _at_most_every(_QUIET_S, lambda status: print_error(in_words(status)))
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    redirect = sys.stdout.isatty()
    with Live(console=Console(stderr=True), transient=True, redirect_stdout=redirect, refresh_per_second=4) as live:
        yield lambda status: live.update(
            Text(
                "\n".join(map(one_line, (in_words(status), *workers_in_words(status)))),
                overflow="ellipsis",
                no_wrap=True,
            )
        )


def _at_most_every(seconds: float, show: Callable[[Status], None]) -> Callable[[Status], None]:
    due = time.monotonic()

    def now_and_then(status: Status) -> None:
        nonlocal due
        if (now := time.monotonic()) >= due:
            due = now + seconds
            show(status)

    return now_and_then


def _duration(seconds: float) -> str:
    """Write seconds as 2 h 05 min, 5 min or 40 s."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
