"""Decompress frames in processes of their own, so that a decoder that crashes or hangs costs one error message.

The processes are started with a command of their own instead of by `multiprocessing`: they never import the main
module, so scripts need no ``if __name__ == "__main__"``, and nothing is forked under Qt. They stay for the next series
and end with the application. Compressed and decompressed bytes travel through a file that both sides map.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import mmap
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from napari_lesion.dicom.index.frames import ImageFile
from napari_lesion.dicom.read.codecs import SAFE, SUPPORTED, FrameFormat, Stored, decode_frame
from napari_lesion.support.errors import DecodeError
from napari_lesion.support.patience import Patience
from napari_lesion.support.processors import processors, start_python

#: Seconds after which a frame counts as hanging (as `support.patience` counts them), and seconds more for each million
#: pixels.
TIMEOUT_S = 120.0
TIMEOUT_S_PER_MEGAPIXEL = 10.0
MAX_WORKERS = 8
#: Frames that a worker has at a time: one to work on, one to go on with.
_DEPTH = 2
_START = "from napari_lesion.dicom.read.worker import main; main()"
_ALIGN = 64
_DRAIN_S = 5.0
_LOOK_EVERY_S = 0.5
#: Signals that come from outside and not from what a decoder did: short of memory, or out of time.
_ENDED_BY_THE_SYSTEM = frozenset(
    getattr(signal, name)
    for name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGXCPU", "SIGPWR")
    if hasattr(signal, name)
)
_SHARED_MEMORY = Path("/dev/shm")  # where files never reach a disk, on systems that have it


@dataclass(frozen=True)
class DecodeJob:
    """One compressed frame."""

    index: int
    """Given back with the decoded frame."""
    codestream: bytes
    file: ImageFile


def decode(jobs: Iterable[DecodeJob], count: int) -> Iterator[tuple[int, Stored]]:
    """Decompress frames, several at a time.

    Parameters
    ----------
    jobs : iterable of DecodeJob
        Read a few ahead.
    count : int
        How many there are, so that no more processes are started than needed.

    Yields
    ------
    index : int
        Of the job.
    stored : (rows, columns) integers
        Valid until the next one is asked for.

    Raises
    ------
    DecodeError
        If a frame is damaged, or its decoder crashed, hung or is missing.
    """
    workers: deque[_Worker] = deque()
    try:
        for job in jobs:
            syntax = job.file.transfer_syntax
            if syntax not in SUPPORTED:
                raise DecodeError(
                    f"{job.file.path}: the transfer syntax {syntax.name} is not supported. Export the series "
                    "uncompressed or as JPEG 2000."
                )
            if syntax in SAFE:
                yield job.index, _decode_here(job)
                continue
            if not workers:
                workers.extend(_take(max(1, min(count, processors(), MAX_WORKERS))))
            worker = workers[0]
            workers.rotate(-1)  # the frames of a series take equally long
            while worker.busy and not worker.has_space(job):
                yield worker.receive()
            worker.send(job)
        while any(worker.busy for worker in workers):
            if workers[0].busy:
                yield workers[0].receive()
            workers.rotate(-1)
    finally:
        _give_back(workers)


def _format(file: ImageFile) -> FrameFormat:
    return FrameFormat(
        str(file.transfer_syntax), file.rows, file.columns, file.bits_allocated, file.bits_stored, file.signed
    )


def _decode_here(job: DecodeJob) -> Stored:
    try:
        return decode_frame(job.codestream, _format(job.file))
    except Exception as error:  # decoders raise whatever the damage leads to
        raise _damaged(job.file, f"{type(error).__name__}: {error}") from error


def _damaged(file: ImageFile, why: str) -> DecodeError:
    return DecodeError(
        f"{file.path}: its {file.transfer_syntax.name} pixel data cannot be decoded ({why}). The file is damaged; "
        "copy or export it again."
    )


def _shared_folder(size: int) -> Path | None:
    """Where a shared file of so many bytes goes; None is the folder for temporary files.

    Containers often have a small /dev/shm, or one that only root may write to.
    """
    if os.access(_SHARED_MEMORY, os.W_OK) and shutil.disk_usage(_SHARED_MEMORY).free > MAX_WORKERS * size:
        return _SHARED_MEMORY
    return None


def _listen(answers: IO[bytes], to: queue.SimpleQueue[bytes]) -> None:
    """Move answers to a queue, which can be waited for with a time limit on every platform."""
    for line in answers:
        to.put(line)
    to.put(b"")


class _Worker:
    """One process and the file that it shares with this one."""

    def __init__(self) -> None:
        self._jobs: deque[tuple[DecodeJob, int]] = deque()
        self._restarted_for: DecodeJob | None = None
        self._path: Path | None = None
        self._start()

    def _start(self) -> None:
        """Start the process."""
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = start_python(_START, environment, stderr=subprocess.DEVNULL)  # decoders chat
        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        listening = (self._process.stdout, self._answers)
        threading.Thread(target=_listen, args=listening, name="napari-lesion decoder", daemon=True).start()
        self._room: mmap.mmap | None = None
        self._source = self._space = 0  # bytes of a slot for the compressed and the decompressed frame
        self._next = 0

    @property
    def busy(self) -> bool:
        """Whether an answer is due."""
        return bool(self._jobs)

    def has_space(self, job: DecodeJob) -> bool:
        """Whether a job can be sent now."""
        return len(self._jobs) < _DEPTH and self._fits(job)

    def _fits(self, job: DecodeJob) -> bool:
        return len(job.codestream) <= self._source and job.file.frame_bytes <= self._space

    def send(self, job: DecodeJob) -> None:
        """Hand over a frame; an idle worker always has space."""
        if not self._fits(job):
            self._make_room(max(len(job.codestream), job.file.frame_bytes), job.file.frame_bytes)
        assert self._room is not None
        slot = self._next * (self._source + self._space)
        self._next = (self._next + 1) % _DEPTH
        self._room[slot : slot + len(job.codestream)] = job.codestream
        self._jobs.append((job, slot + self._source))
        self._send(
            {
                "source": (slot, len(job.codestream)),
                "target": slot + self._source,
                "space": self._space,
                "format": asdict(_format(job.file)),
            }
        )

    def _make_room(self, source: int, space: int) -> None:
        source, space = (-(-size // _ALIGN) * _ALIGN for size in (source, space))
        size = _DEPTH * (source + space)
        self._remove_file()
        handle, name = tempfile.mkstemp(prefix="napari-lesion-", dir=_shared_folder(size))
        self._path = Path(name)
        with os.fdopen(handle, "r+b") as file:
            file.truncate(size)
            self._room = mmap.mmap(file.fileno(), 0)
        self._source, self._space = source, space
        self._send({"room": name})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # a dead worker is noticed where its answer is missing
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def receive(self, patience: float | None = None) -> tuple[int, Stored]:
        """Wait for the oldest frame; the array lies in the shared file and is valid until the next job is sent.

        Raises
        ------
        DecodeError
            If it could not be decoded. A worker that died or hung is gone then.
        """
        job = self._jobs[0][0]
        file = job.file
        if patience is None:
            patience = TIMEOUT_S + TIMEOUT_S_PER_MEGAPIXEL * file.rows * file.columns / 1e6
        answer: dict[str, str] = {}
        while not answer:
            try:
                line = self._answer(patience)
            except queue.Empty:
                self.close()
                raise _damaged(file, f"its decoder did not finish within {patience:.0f} s") from None
            if not line:
                code = self._process.wait()
                if -code in _ENDED_BY_THE_SYSTEM:
                    self._again(job, -code)
                    continue
                self.close()
                raise _damaged(file, f"its decoder crashed, status {code}")
            answer = json.loads(line)
            if not answer:  # the shared file is mapped: its name is of no more use
                self._remove_file()
        target = self._jobs.popleft()[1]
        if "error" in answer:
            raise _damaged(file, answer["error"])
        assert self._room is not None
        stored = np.frombuffer(self._room, np.dtype(answer["dtype"]), file.rows * file.columns, target)
        return job.index, stored.reshape(file.rows, file.columns)

    def _answer(self, limit_s: float) -> bytes:
        """Wait for an answer; `queue.Empty` where the process hangs."""
        with contextlib.suppress(queue.Empty):
            return self._answers.get(timeout=min(limit_s, _LOOK_EVERY_S))  # nearly all frames are quicker
        patience = Patience(self._process.pid, limit_s)
        while not patience.exceeded():
            with contextlib.suppress(queue.Empty):
                return self._answers.get(timeout=_LOOK_EVERY_S)
        raise queue.Empty

    def _again(self, job: DecodeJob, number: int) -> None:
        """Start another process for what this one had to do, once for each job.

        Raises
        ------
        DecodeError
            If that was done for this job already.
        """
        waiting = [one for one, _ in self._jobs]
        twice = self._restarted_for is job
        self.close()
        if twice:
            raise DecodeError(
                f"{job.file.path}: its decoder was ended by the system twice ({signal.Signals(number).name}), which "
                "says nothing about the file. The computer may be short of memory: close other programs and try again."
            )
        self._restarted_for = job
        self._start()
        space = max(one.file.frame_bytes for one in waiting)
        self._make_room(max(space, *(len(one.codestream) for one in waiting)), space)
        for one in waiting:
            self.send(one)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def drain(self) -> None:
        """Wait for what is still under way and forget it; close where it does not end soon."""
        while self.busy and self.alive:
            with contextlib.suppress(DecodeError):
                self.receive(patience=_DRAIN_S)
        if self.busy:
            self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._jobs.clear()
        self._remove_file()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, ValueError):
                if stream is not None and stream is self._process.stdin:
                    stream.close()

    def _remove_file(self) -> None:
        if self._path is not None:
            with contextlib.suppress(OSError):  # Windows keeps a file that is mapped; then it goes with the worker
                self._path.unlink(missing_ok=True)
                self._path = None


_idle: list[_Worker] = []
_lock = threading.Lock()


def prepare(count: int) -> None:
    """Start processes for the first series, before anyone asks: each takes a second to import its decoders."""
    _give_back([_Worker() for _ in range(min(count, processors(), MAX_WORKERS))])


def _take(count: int) -> list[_Worker]:
    """Workers for one series: idle ones first, new ones for the rest."""
    with _lock:
        taken = [_idle.pop() for _ in range(min(count, len(_idle)))]
    alive = [worker for worker in taken if worker.alive]
    for worker in taken:
        if worker not in alive:
            worker.close()
    return alive + [_Worker() for _ in range(count - len(alive))]


def _give_back(workers: Iterable[_Worker]) -> None:
    for worker in workers:
        worker.drain()
        with _lock:
            keep = worker.alive and len(_idle) < MAX_WORKERS
            if keep:
                _idle.append(worker)
        if not keep:
            worker.close()


@atexit.register
def _close_all() -> None:
    with _lock:
        workers = list(_idle)
        _idle.clear()
    for worker in workers:
        worker.close()


if hasattr(os, "register_at_fork"):
    # A forked child must not talk to its parent's workers.
    os.register_at_fork(after_in_child=_idle.clear)
