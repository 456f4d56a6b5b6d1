"""Workers of a cluster by way of Dask's distributed: it carries series there and outcomes back, and knows who is there.

What it does not do is decide: each series is sent to one worker that is idle, so that nothing waits in the queue of a
worker that goes, and nobody is blamed for another's crash. Each worker analyses in a process of its own
(`processes.Child`), so that a crash costs one series and no worker. Results are written where all see them; what comes
back is what became of them.
"""

from __future__ import annotations

import pickle
import queue
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

from napari_lesion.batch.messages import Begin
from napari_lesion.batch.pool import Running
from napari_lesion.batch.processes import Child, Limits, Lost
from napari_lesion.batch.series import Ended, Task
from napari_lesion.models.card import Card
from napari_lesion.support.errors import ConfigError, LesionError, OptionError

GPU = "GPU"
"""Name of the resource of a worker that says how many GPUs it has."""
PATIENCE_S = 60.0
"""So long nobody may be there who can work."""
_LOOK_EVERY_S = 1.0
_ADVICE = "pip install 'napari-lesion[cluster]'"


class ClusterPool:
    """Workers of a scheduler.

    Parameters
    ----------
    begin : Begin
    limits : Limits
        Processors and memory are those of each worker.
    address : str, optional
        Of a scheduler that runs: ``tcp://host:8786``.
    slurm_jobs : int
        Without an address: how many jobs are asked of Slurm, each of them a worker. How they are asked for is in Dask's
        configuration (``jobqueue.slurm``).
    needs_gpu : bool
        Only workers that offer the resource ``GPU`` are taken.

    Raises
    ------
    ConfigError
        If nobody can be reached, or nobody comes who can work.
    LesionError
        If the model cannot be loaded.
    """

    is_here = False

    def __init__(
        self, begin: Begin, limits: Limits, *, address: str = "", slurm_jobs: int = 0, needs_gpu: bool = False
    ) -> None:
        self._begin, self._limits, self._needs_gpu = begin, limits, needs_gpu
        self._can_wait = not address
        """Whether workers may take as long to come as they like: those of a batch system."""
        self._cluster = None if address else slurm_cluster(slurm_jobs, needs_gpu=needs_gpu)
        self._running: dict[str, Running] = {}
        self._futures: dict[str, Any] = {}
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._workers: list[str] = []
        self._looked = 0.0
        self._alone_since = time.monotonic()
        try:
            self._client = _engine("distributed").Client(
                address or self._cluster, timeout=PATIENCE_S, set_as_default=False
            )
        except (OSError, TimeoutError, ValueError) as error:
            self._close_cluster()
            raise OptionError(f"The scheduler {address} cannot be reached ({error}). Is it running?") from error
        try:
            while not self.idle():
                time.sleep(_LOOK_EVERY_S / 4)
            future = self._client.submit(_card, begin, limits, workers=self._workers[:1], pure=False)
            card = future.result()
            if isinstance(card, LesionError):
                raise card
            self.card: Card = card
        except BaseException:
            self.close()
            raise

    def idle(self) -> list[str]:
        """Name the workers that have nothing to do.

        Raises
        ------
        ConfigError
            If there is nobody, and was nobody for a minute.
        """
        self._look()
        return [name for name in self._workers if name not in self._running]

    def start(self, worker: str, key: str, task: Task, *, alone: bool) -> None:
        """Send one of them a series."""
        del alone  # each has the memory of its worker for itself
        self._running[worker] = Running(worker, key, time.monotonic())
        future = self._client.submit(
            _analyse,
            self._begin,
            self._limits,
            pickle.dumps(task),
            workers=[worker],
            resources={GPU: 1} if self._needs_gpu else None,
            pure=False,
            retries=0,
        )
        self._futures[worker] = future
        future.add_done_callback(lambda _: self._ended.put(worker))

    def ended(self, patience_s: float) -> list[tuple[str, Ended | Lost]]:
        """Wait for series that ended, or went with their workers."""
        ends = []
        with suppress(queue.Empty):
            ends.append(self._end(self._ended.get(timeout=patience_s)))
            while True:
                ends.append(self._end(self._ended.get_nowait()))
        self._look()
        gone = [name for name in self._running if name not in self._workers]
        ends += [self._end(name) for name in gone]
        return [end for end in ends if end is not None]

    def running(self) -> list[Running]:
        """Describe what each of them does."""
        return list(self._running.values())

    def close(self) -> None:
        """Let the workers end what they do for us; those of a scheduler that runs stay."""
        for future in self._futures.values():
            with suppress(Exception):
                future.cancel(force=True)
        with suppress(Exception):  # workers that cannot be reached end with their own computer
            self._client.run(_forget, workers=self._workers)
        with suppress(Exception):
            self._client.close()
        self._close_cluster()

    def _close_cluster(self) -> None:
        if self._cluster is not None:
            with suppress(Exception):
                self._cluster.close()

    def _end(self, worker: str) -> tuple[str, Ended | Lost] | None:
        """Describe what became of what a worker had; None where that was said already."""
        running, future = self._running.pop(worker, None), self._futures.pop(worker, None)
        if running is None or future is None:
            return None
        seconds = time.monotonic() - running.since
        if future.status == "finished":
            result: Ended | Lost = future.result()
            return running.key, result
        why = future.exception() if future.status == "error" else None
        future.cancel(force=True)
        reason = f"Its worker {worker} went while it had it" + (f" ({why})." if why is not None else ".")
        return running.key, Lost(reason, seconds=seconds, is_its_own=False)

    def _look(self) -> None:
        """See who is there."""
        if (now := time.monotonic()) - self._looked < _LOOK_EVERY_S and self._workers:
            return
        self._looked = now
        there = self._client.scheduler_info(n_workers=-1)["workers"]
        gpus = {name: one.get("resources", {}).get(GPU, 0) for name, one in there.items()}
        self._workers = able = [name for name in there if not self._needs_gpu or gpus[name] >= 1]
        if able or self._can_wait:
            self._alone_since = now
        elif now - self._alone_since > PATIENCE_S:
            if there:
                raise ConfigError(
                    f"No worker offers a GPU, of {len(there)} that there are. Start them with --resources GPU=1, or "
                    "analyse with --device cpu."
                )
            raise ConfigError("The scheduler has no workers. Start some, then begin the run again: it goes on.")


def slurm_cluster(jobs: int, *, needs_gpu: bool) -> Any:
    """Ask Slurm for workers, as Dask's configuration (``jobqueue.slurm``) says.

    Raises
    ------
    OptionError
        If dask-jobqueue or Slurm is missing, or the configuration does not say enough.
    """
    if shutil.which("sbatch") is None:
        raise OptionError(
            "--slurm needs Slurm's sbatch, and there is none here. Begin the run where jobs are submitted."
        )
    queues, config = _engine("dask_jobqueue"), _engine("dask").config
    extra = [*(config.get("jobqueue.slurm.worker-extra-args", None) or [])]
    extra += ["--resources", f"{GPU}=1"] if needs_gpu else []
    try:
        quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}  # not open to the network: --monitor shows it
        cluster = queues.SLURMCluster(processes=1, worker_extra_args=extra, scheduler_options=quiet)
        cluster.scale(jobs=jobs)
    except (ValueError, OSError, RuntimeError) as error:
        raise OptionError(f"Slurm cannot be asked for workers: {error}") from error
    return cluster


def _engine(name: str) -> Any:
    """Give a library.

    Raises
    ------
    OptionError
        If it is missing.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise OptionError(f"Clusters need the package {name.replace('_', '-')}: {_ADVICE}") from error


class _Here:
    """The process that a worker analyses in: kept warm from one series to the next."""

    lock = threading.Lock()
    child: Child | None = None
    begin: Begin | None = None


def _ready(begin: Begin, limits: Limits) -> Child:
    """Give the process of this worker, a new one where it is worn or has another model."""
    child = _Here.child
    if child is not None and (child.is_worn or begin != _Here.begin):
        child.close()
        child = None
    if child is None:
        child = _Here.child = Child(begin, limits)
        _Here.begin = begin
    return child


def _of_this_worker(limits: Limits) -> Limits:
    worker = _engine("distributed").get_worker()
    most = worker.memory_manager.memory_limit
    memory_mb = min(limits.memory_mb, most / 2**20) if most else limits.memory_mb
    return replace(limits, memory_mb=memory_mb, processors=max(1, worker.state.nthreads))


def _card(begin: Begin, limits: Limits) -> Card | LesionError:
    """Load the model on a worker, and give its card."""
    with _Here.lock:
        try:
            return _ready(begin, _of_this_worker(limits)).card
        except LesionError as error:
            return error


def _analyse(begin: Begin, limits: Limits, content: bytes) -> Ended | Lost:
    """Analyse a series on a worker."""
    limits = _of_this_worker(limits)
    with _Here.lock:
        try:
            child = _ready(begin, limits)
            _ = child.card
        except LesionError as error:
            return Lost(f"The model could not be loaded on a worker: {error}", is_its_own=False)
        return child.analyse(pickle.loads(content), limits.memory_mb)


def _forget() -> None:
    """End the process of a worker."""
    if _Here.child is not None:
        _Here.child.kill()
        _Here.child = None
