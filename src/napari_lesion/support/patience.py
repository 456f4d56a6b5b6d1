"""How long work in another process is waited for: by what it does, so that it need not pay for a busy computer.

Hung is who does nothing for the limit: no step forward is reported, and no processor is used. Endless is who computes
for the limit. A series that waits for a processor, since the computer has more to do than it can, is neither; only
after a multiple of the limit by the clock its time is up as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from contextlib import suppress

import psutil

LONGEST = 10
"""Times the limit: so long by the clock anything may take."""
_LOOK_EVERY_S = 0.5
_LONGEST_LOOK_S = 5.0
"""Time in which nobody looked counts as no more than this: whoever waits may have waited for a processor, too."""
_SOME_S = 0.03
_SOME_SHARE = 0.005
"""Of a processor, from which on a process does something: who wakes up twenty times a second to sleep again uses a
thousandth, and the system counts in hundredths of a second."""


class Patience:
    """Tells when one piece of work in a process has had its time.

    Parameters
    ----------
    pid : int
        Of the process; what it starts is counted in.
    limit_s : float
    clock : callable
        Seconds that pass.
    used : callable, optional
        Seconds of processors that were used so far; by default as the system says.
    """

    def __init__(
        self,
        pid: int,
        limit_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        used: Callable[[], float] | None = None,
    ) -> None:
        self._limit_s, self._clock = limit_s, clock
        self._used = used or Processors(pid).used_s
        self._looked, self._used_s = clock(), self._used()
        self._used_at_sign_s = self._used_s
        self._passed_s = self._computed_s = self._quiet_s = 0.0
        self._reports: set[Hashable] = set()

    def note(self, report: Hashable) -> None:
        """Take a report of how far the work is; the same one over and over is no step forward."""
        if report not in self._reports:
            self._reports.add(report)
            self._sign()

    def exceeded(self) -> str:
        """In a sentence, why its time is up; nothing, where it is not."""
        now = self._clock()
        if (passed := now - self._looked) >= _LOOK_EVERY_S:
            self._look(now, min(passed, _LONGEST_LOOK_S))
        if self._computed_s > self._limit_s:
            return f"It computed for {self._limit_s:.0f} s and did not end."
        if self._quiet_s > self._limit_s:
            return f"It did nothing for {self._limit_s:.0f} s."
        if self._passed_s > LONGEST * self._limit_s:
            return f"It did not end within {LONGEST * self._limit_s:.0f} s."
        return ""

    def _look(self, now: float, passed_s: float) -> None:
        used_s = self._used()
        self._passed_s += passed_s
        self._quiet_s += passed_s
        # On several processors at once it is the clock that counts, else a process with more threads had less time.
        self._computed_s += min(passed_s, used_s - self._used_s)
        self._looked, self._used_s = now, used_s
        if used_s - self._used_at_sign_s >= max(_SOME_S, _SOME_SHARE * self._quiet_s):
            self._sign()

    def _sign(self) -> None:
        self._quiet_s, self._used_at_sign_s = 0.0, self._used_s


class Processors:
    """What a process has used of processors, and all that it started, also what has ended since.

    Parameters
    ----------
    pid : int
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen: dict[tuple[int, float], float] = {}

    def used_s(self) -> float:
        """Seconds of processors."""
        with suppress(psutil.Error):
            top = psutil.Process(self._pid)
            for one in (top, *top.children(recursive=True)):
                with suppress(psutil.Error):
                    times = one.cpu_times()
                    self._seen[one.pid, one.create_time()] = times.user + times.system
        return sum(self._seen.values())
