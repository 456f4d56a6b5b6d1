"""The one shape of progress reports: ``progress(done, total, what)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

#: Called with the steps done, the steps in all, and a short text. Raise ``Cancelled`` in it to stop the work.
Progress: TypeAlias = Callable[[int, int, str], None]


def silent(done: int, total: int, what: str) -> None:
    """Report nothing."""


def part(progress: Progress, start: int, stop: int, total: int) -> Progress:
    """Make the scale of one step: its whole length lies from ``start`` to ``stop`` of ``total`` on the scale around it.

    Parameters
    ----------
    progress : Progress
        The scale around it.
    start, stop, total : int
        Where the step begins and ends on that scale, and how long the scale is.
    """

    def inner(done: int, steps: int, what: str) -> None:
        share = min(max(done / steps, 0.0), 1.0) if steps > 0 else 0.0
        progress(start + round(share * (stop - start)), total, what)

    return inner
