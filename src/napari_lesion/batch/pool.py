"""Who analyses, as the schedule sees it; and the processes of this computer as such."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from napari_lesion.batch.messages import Begin
from napari_lesion.batch.processes import Child, Limits, Lost, NotStartedError
from napari_lesion.batch.series import Ended, Task
from napari_lesion.models.card import Card
from napari_lesion.support.errors import LesionError

_STARTS = 3
"""How often in a row a process may fail to start before the run ends."""


@dataclass(frozen=True)
class Running:
    """What a worker does now.

    Attributes
    ----------
    since : float
        By the monotonic clock, s.
    what : str
    """

    worker: str
    key: str
    since: float
    what: str = ""


class Pool(Protocol):
    """Workers that analyse one series each at a time."""

    is_here: bool
    """Whether they are on this computer."""

    @property
    def card(self) -> Card:
        """Card of the detector that they have."""
        ...

    def idle(self) -> list[str]:
        """Name the workers that can take a series now."""
        ...

    def start(self, worker: str, key: str, task: Task, *, alone: bool) -> None:
        """Give a worker that is idle a series; ``alone``: nobody else has one."""
        ...

    def ended(self, patience_s: float) -> list[tuple[str, Ended | Lost]]:
        """Wait for series that ended, by their keys; an empty list where none does for so long.

        Raises
        ------
        LesionError
            If the workers cannot go on.
        """
        ...

    def running(self) -> list[Running]:
        """Describe what each worker does."""
        ...

    def close(self) -> None:
        """End all of them, at once."""
        ...


class LocalPool:
    """Processes of this computer, each with a thread here that waits for it.

    Parameters
    ----------
    begin : Begin
    limits : Limits
    count : int
        How many.

    Raises
    ------
    LesionError
        If the model cannot be loaded.
    """

    is_here = True

    def __init__(self, begin: Begin, limits: Limits, count: int) -> None:
        self._begin, self._limits = begin, limits
        self._ended: queue.SimpleQueue[tuple[str, str, Ended | Lost | BaseException]] = queue.SimpleQueue()
        self._cards: queue.SimpleQueue[Card | BaseException] = queue.SimpleQueue()
        self._running: dict[str, Running] = {}
        self._children: dict[str, Child] = {}
        self._tasks: dict[str, queue.SimpleQueue[tuple[str, Task, float] | None]] = {}
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._threads = []
        for number in range(count):
            name = f"process {number + 1}"
            self._tasks[name] = queue.SimpleQueue()
            thread = threading.Thread(
                target=self._work, args=(name, number == 0), name=f"napari-lesion {name}", daemon=True
            )
            self._threads.append(thread)
        self._threads[0].start()
        card = self._cards.get()
        if isinstance(card, BaseException):
            self.close()
            raise card
        self.card = card
        for thread in self._threads[1:]:
            thread.start()

    def idle(self) -> list[str]:
        """Name the processes that have nothing to do."""
        return [name for name in self._tasks if name not in self._running]

    def start(self, worker: str, key: str, task: Task, *, alone: bool) -> None:
        """Give one of them a series."""
        self._running[worker] = Running(worker, key, time.monotonic())
        memory_mb = self._limits.memory_mb * (len(self._tasks) if alone else 1)
        self._tasks[worker].put((key, task, memory_mb))

    def ended(self, patience_s: float) -> list[tuple[str, Ended | Lost]]:
        """Wait for series that ended."""
        return list(self._collect(patience_s))

    def running(self) -> list[Running]:
        """Describe what each of them does."""
        said = []
        for name, one in self._running.items():
            child = self._children.get(name)
            said.append(Running(name, one.key, one.since, child.doing.what if child else ""))
        return said

    def close(self) -> None:
        """End all of them."""
        self._closed.set()
        for tasks in self._tasks.values():
            tasks.put(None)
        with self._lock:
            for child in self._children.values():
                child.kill()
        for thread in self._threads:
            with suppress(RuntimeError):  # never started
                thread.join()

    def _collect(self, patience_s: float) -> Iterator[tuple[str, Ended | Lost]]:
        patience = patience_s
        while True:
            try:
                worker, key, end = self._ended.get(timeout=patience) if patience else self._ended.get_nowait()
            except queue.Empty:
                return
            if isinstance(end, BaseException):
                raise end
            del self._running[worker]
            yield key, end
            patience = 0.0

    def _work(self, name: str, is_first: bool) -> None:
        """Keep a process that is ready, and hand it what comes: all that a thread does.

        Only of the first somebody waits for the card; what keeps another one from starting ends the run.
        """
        answered = not is_first
        key = ""
        try:
            while not self._closed.is_set():
                child = self._ready(name, refusal_ends=not answered)
                if not answered:
                    answered = True
                    self._cards.put(child.card)
                task = self._tasks[name].get()
                if task is None:
                    break
                key = task[0]
                self._ended.put((name, key, child.analyse(*task[1:])))
        except BaseException as error:
            (self._ended.put((name, key, error)) if answered else self._cards.put(error))
        finally:
            with self._lock:
                left = [self._children.pop(name)] if name in self._children else []
            for child in left:
                child.close()

    def _ready(self, name: str, *, refusal_ends: bool) -> Child:
        child = self._children.get(name)
        if child is not None and not child.is_worn:
            return child
        for left in reversed(range(_STARTS)):
            if child is not None:
                child.close()
            with self._lock:
                if self._closed.is_set():
                    raise LesionError("The run has ended.")
                child = self._children[name] = Child(self._begin, self._limits)
            try:
                _ = child.card
                return child
            except LesionError as error:
                if not left or (refusal_ends and not isinstance(error, NotStartedError)):
                    raise
        raise AssertionError("the last start returns or raises")
