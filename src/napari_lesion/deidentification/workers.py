"""Processes that share the work on many files: each has its models once, and results come in the order of the files.

What they are given and give back goes through pipes,
never through files: it names patients.
"""

from __future__ import annotations

import os
import pickle
import queue
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, Any, TypeVar

from napari_lesion.support.errors import LesionError
from napari_lesion.support.processors import environment_with, processors, start_python

_START = "from napari_lesion.deidentification.workers import serve; serve()"
_MOST, _WORTH = 8, 24
"""Processes at most, and files for each at least: one takes a second or two to start."""

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerError(LesionError):
    """A process that worked on files ended before it was done."""


def number_for(files: int, jobs: int) -> int:
    """Choose how many processes work on files: as many as asked for, or with 0 as many as are worth their start."""
    return jobs if jobs > 0 else max(1, min(processors(), _MOST, files // _WORTH))


class Workers:
    """So many processes, or this one alone.

    Parameters
    ----------
    number : int
        With 1 (or less) nothing is started, and the work is done here.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._all: list[_Process] = []

    def __enter__(self) -> Workers:
        for _ in range(self._number if self._number > 1 else 0):
            process = _Process(max(1, processors() // self._number))
            self._all.append(process)
            self._idle.put(process)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._all:
            process.end()

    def map(
        self, function: Callable[[Shared, Item], Result], shared: Shared, items: Sequence[Item]
    ) -> Iterator[Result]:
        """Call a function of a module with what is shared and each item; results come in the order of the items.

        Raises
        ------
        WorkerError
            If a process ended.
        """
        if not self._all:
            yield from (function(shared, item) for item in items)
            return
        work = pickle.dumps((function, shared))

        def one(item: Item) -> Result:
            process = self._idle.get()
            try:
                return process.call(work, item)  # type: ignore[no-any-return]
            finally:
                self._idle.put(process)

        with ThreadPoolExecutor(len(self._all)) as threads:
            waiting = [threads.submit(one, item) for item in items]
            try:
                for future in waiting:
                    yield future.result()
            finally:
                for future in waiting:
                    future.cancel()


class _Process:
    def __init__(self, share: int) -> None:
        self._known: bytes | None = None
        self._process = start_python(_START, environment_with(share))

    def call(self, work: bytes, item: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            if self._known is not work:
                _put(self._process.stdin, work)
                self._known = work
            else:
                _put(self._process.stdin, b"")
            _put(self._process.stdin, pickle.dumps(item))
            done, answer = pickle.loads(_got(self._process.stdout))
        except (OSError, EOFError) as error:
            raise WorkerError(
                "A process that worked on the files ended before it was done, perhaps for want of memory. Try again "
                "with --jobs 1."
            ) from error
        if not done:
            raise answer
        return answer

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        with suppress(OSError):
            self._process.stdin.close()


def serve() -> None:
    """Work until standard input closes."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # decoders print; that must not end up among the answers
    function, shared = None, None
    while True:
        try:
            work = _got(sys.stdin.buffer)
            if work:
                function, shared = pickle.loads(work)
            item = pickle.loads(_got(sys.stdin.buffer))
        except EOFError:
            return
        try:
            answer = True, function(shared, item)  # type: ignore[misc]
        except Exception as error:
            answer = False, error
        _put(answers, pickle.dumps(answer))


def _put(pipe: IO[bytes], content: bytes) -> None:
    pipe.write(len(content).to_bytes(8, "big"))
    pipe.write(content)
    pipe.flush()


def _got(pipe: IO[bytes]) -> bytes:
    length = pipe.read(8)
    if len(length) < 8:
        raise EOFError
    return pipe.read(int.from_bytes(length, "big"))
