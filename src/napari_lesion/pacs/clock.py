"""The time as the listener reads it; whoever tries it out gives it a time of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Two clocks, as nobody may set the one and no restart the other.

    Attributes
    ----------
    steady : callable
        Seconds since anything, going on evenly: how long nothing came.
    wall : callable
        Seconds since 1970: when something was, and is to be.
    """

    steady: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


REAL = Clock()
