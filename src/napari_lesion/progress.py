"""The one shape of progress reports: ``progress(done, total, what)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

#: Called with the steps done, the steps in all, and a short text. Raise ``Cancelled`` in it to stop the work.
Progress: TypeAlias = Callable[[int, int, str], None]


def silent(done: int, total: int, what: str) -> None:
    """Report nothing."""
