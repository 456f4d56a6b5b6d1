"""Give series to workers, in a window no wider than they are many, and settle what becomes of each in the ledger.

A series that ends its process, runs over a limit or fails for a reason that may be of the moment is tried once more
when all others are through, alone. What fails then, too, is in quarantine: it cost nobody but itself.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from napari_lesion.batch.jobs import Job, Scan, Settings, outcome_of, scan_of
from napari_lesion.batch.plan import Plan, Step
from napari_lesion.batch.pool import Pool, Running
from napari_lesion.batch.processes import Lost
from napari_lesion.batch.series import Ended, of_earlier_run, state_of_files, task_of
from napari_lesion.report.ledger import Settled
from napari_lesion.report.run_log import RunLog
from napari_lesion.report.withheld import Withheld
from napari_lesion.support.patience import LONGEST
from napari_lesion.support.progress import Progress

_LOOK_EVERY_S = 0.5
_MOST_STRIKES = 2
_MOST_LOSSES = 3
"""How often a computer may go with a series before that counts as a failure of the series."""
_RATE_OVER = 200
"""Series, the last ones, that the rate is of."""


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Attributes
    ----------
    total, done, skipped, failed, quarantined : int
        Series of the run; what was left as it was counts as what it is.
    retried : int
        Those that failed once and wait to be tried alone.
    a_minute : float
        Series, over the last of them; 0 while that is not known.
    left_s : float, optional
        Until the end, at that rate; None while it is not known.
    running : tuple of (str, str, float, str)
        Of each worker: its name, the SeriesInstanceUID, for how many seconds, and what it does.
    """

    total: int
    done: int = 0
    skipped: int = 0
    failed: int = 0
    quarantined: int = 0
    retried: int = 0
    a_minute: float = 0.0
    left_s: float | None = None
    running: tuple[tuple[str, str, float, str], ...] = ()

    @property
    def ended(self) -> int:
        """How many series have ended."""
        return self.done + self.skipped + self.failed + self.quarantined


class Schedule:
    """The order in which series go to workers.

    Parameters
    ----------
    plan : Plan
    settings : Settings
    pool : Pool
    log : RunLog
    limit_s : float
        For one series.
    place : tuple of int, optional
        As `Task` has it.
    on_status : callable
        Called about twice a second.
    """

    def __init__(
        self,
        plan: Plan,
        settings: Settings,
        pool: Pool,
        log: RunLog,
        *,
        limit_s: float,
        place: tuple[int, int] | None,
        on_status: Callable[[Status], None],
    ) -> None:
        self._plan, self._settings, self._pool, self._log = plan, settings, pool, log
        self._limit_s, self._place, self._on_status = limit_s, place, on_status
        steps = plan.to_do
        self._waiting = deque(step for step in steps if not step.entry.strikes)
        self._alone = deque(step for step in steps if step.entry.strikes)
        self._running: dict[str, Step] = {}
        self._scans: dict[str, Scan] = {step.entry.key: step.job.scan for step in steps}
        self._open = set(self._scans.values())
        self._results: dict[Scan, Path] = {
            step.job.scan: step.folder for step in plan.steps if step.entry.state == "done"
        }
        self._strikes = Counter({step.entry.key: step.entry.strikes for step in steps})
        self._losses: Counter[str] = Counter()
        self._counts = Counter(step.entry.state for step in plan.steps if step.is_left)
        self._times: deque[float] = deque([time.monotonic()], maxlen=_RATE_OVER)

    def run(self, progress: Progress) -> None:
        """Go on until all is settled.

        Raises
        ------
        ResultsError
            If results can no longer be written.
        Cancelled
            If ``progress`` raised it.
        """
        reported = 0.0
        while self._waiting or self._alone or self._running:
            self._fill()
            if (now := time.monotonic()) - reported >= _LOOK_EVERY_S:
                reported = now
                self._report_status(progress)
            for key, end in self._pool.ended(_LOOK_EVERY_S):
                step = self._running.pop(key)
                if isinstance(end, Ended):
                    self._ended(step, end)
                else:
                    self._lost(step, end)
        self._report_status(progress)

    def _fill(self) -> None:
        """Give what is ready to who is idle; what failed once goes when nothing else does."""
        if any(key for key in self._running if self._strikes[key] or self._losses[key]):
            return
        for worker in self._pool.idle():
            step = self._next()
            if step is None:
                break
            self._start(worker, step, alone=False)
        if self._alone and not self._running and self._next_is_none() and (idle := self._pool.idle()):
            self._start(idle[0], self._alone.popleft(), alone=True)

    def _next(self) -> Step | None:
        """Take the first that waits whose priors are through."""
        for number, step in enumerate(self._waiting):
            if self._is_ready(step):
                del self._waiting[number]
                return step
        return None

    def _next_is_none(self) -> bool:
        return not any(map(self._is_ready, self._waiting))

    def _is_ready(self, step: Step) -> bool:
        return not step.job.priors or self._open.isdisjoint(map(scan_of, step.job.priors))

    def _start(self, worker: str, step: Step, *, alone: bool) -> None:
        settings = replace(self._settings, withheld=self._withheld(step.job))
        task = task_of(step.job, step.folder, settings, self._results, self._place)
        self._log.lease(step.entry.key, worker, LONGEST * self._limit_s)
        self._running[step.entry.key] = step
        self._pool.start(worker, step.entry.key, task, alone=alone)

    def _withheld(self, job: Job) -> Withheld | None:
        """Give a process what it needs to know of names: those of this patient, not of all."""
        if self._settings.withheld is None:
            return None
        withheld = Withheld()
        withheld.learn_path(job.source)
        for series in (job.series, *job.priors):
            withheld.learn(series.identity)
        return withheld

    def _ended(self, step: Step, end: Ended) -> None:
        if end.may_pass:
            self._failed(step, end)
        else:
            self._settle(step, end)

    def _lost(self, step: Step, lost: Lost) -> None:
        key = step.entry.key
        settled = Settled(
            files_state=state_of_files(step.job),
            exit_code=lost.exit_code,
            peak_memory_mb=lost.peak_memory_mb,
            seconds=lost.seconds,
        )
        if not lost.is_its_own and self._losses[key] + 1 < _MOST_LOSSES:
            self._losses[key] += 1
            self._log.give_back(key, lost.reason, struck=False, settled=settled)
            self._alone.append(step)
            return
        outcome = of_earlier_run(replace(outcome_of(step.job, "failed"), reason=lost.reason), step.folder)
        self._failed(step, Ended(outcome, settled, may_pass=True))

    def _failed(self, step: Step, end: Ended) -> None:
        """Count a failure that may be of the moment: the first is tried again, the second is the last."""
        key = step.entry.key
        self._strikes[key] += 1
        if self._strikes[key] < _MOST_STRIKES:
            self._log.give_back(key, end.outcome.reason, struck=True, settled=end.settled)
            self._alone.append(step)
            return
        reason = f"{end.outcome.reason} It failed twice, the second time alone, and is in quarantine."
        self._settle(step, replace(end, outcome=replace(end.outcome, reason=reason)), quarantined=True)

    def _settle(self, step: Step, end: Ended, *, quarantined: bool = False) -> None:
        key = step.entry.key
        entry = replace(step.entry, strikes=self._strikes[key])
        state = "quarantined" if quarantined else end.outcome.status
        self._log.settle(end.outcome, entry, step.job.series, end.settled, state=state)
        if end.outcome.status == "done":
            self._results[self._scans[key]] = step.folder
        self._open.discard(self._scans[key])
        self._counts[state] += 1
        self._times.append(time.monotonic())

    def _report_status(self, progress: Progress) -> None:
        status = self.status()
        self._on_status(status)
        progress(status.ended, max(status.total, 1), f"{status.ended}/{status.total} series, {status.failed} failed")

    def status(self) -> Status:
        """How far the run is."""
        now, times = time.monotonic(), self._times
        took = now - times[0]
        rate = (len(times) - 1) / took if took > 0 else 0.0
        left = len(self._waiting) + len(self._alone) + len(self._running)
        return Status(
            total=len(self._plan.steps),
            done=self._counts["done"],
            skipped=self._counts["skipped"],
            failed=self._counts["failed"],
            quarantined=self._counts["quarantined"],
            retried=len(self._alone),
            a_minute=60 * rate,
            left_s=left / rate if rate > 0 else None,
            running=tuple(self._row(one, now) for one in self._pool.running()),
        )

    def _row(self, one: Running, now: float) -> tuple[str, str, float, str]:
        step = self._running.get(one.key)
        what = one.what if self._settings.withheld is None else self._settings.withheld.clear(one.what)
        return one.worker, step.entry.series_uid if step else "", now - one.since, what
