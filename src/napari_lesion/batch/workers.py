"""Who analyses: processes of this computer, or of a cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_lesion.batch.cluster import ClusterPool
from napari_lesion.batch.pool import LocalPool, Pool
from napari_lesion.batch.processes import Limits, begin_with
from napari_lesion.detection.choice import DetectorChoice
from napari_lesion.models.card import Detector
from napari_lesion.support.errors import OptionError
from napari_lesion.support.memory import total_mb
from napari_lesion.support.processors import processors

TIME_LIMIT_S = 3600.0
RECYCLE = 200
_MEMORY_SHARE = 0.9
_LEAST_MB = 256.0


@dataclass(frozen=True)
class Workers:
    """Who analyses.

    Attributes
    ----------
    count : int
        How many processes of this computer.
    time_limit_s : float
        For one series: where it does nothing for so long, or computes for longer, its process is ended.
    memory_mb : float, optional
        Of one process, MiB; by default they share nine tenths of what there is.
    recycle : int
        A process is replaced after so many series.
    scheduler : str
        Address of a scheduler of Dask, whose workers analyse instead.
    slurm : bool
        ``count`` jobs of Slurm do.
    """

    count: int = 1
    time_limit_s: float = TIME_LIMIT_S
    memory_mb: float | None = None
    recycle: int = RECYCLE
    scheduler: str = ""
    slurm: bool = False

    def __post_init__(self) -> None:
        if self.scheduler and self.slurm:
            raise OptionError("--scheduler has workers already, and --slurm asks for some: choose one of them.")
        if self.count < 1 or self.recycle < 1 or not self.time_limit_s > 0:
            raise OptionError("Processes, their time limit and the series after which they are replaced are above 0.")
        if self.memory_mb is not None and self.memory_mb < _LEAST_MB:
            raise OptionError(f"A process that analyses needs more than {_LEAST_MB:.0f} MiB of memory.")

    @property
    def limits(self) -> Limits:
        """What an analysis may take."""
        if self.scheduler or self.slurm:  # each worker has its own
            return Limits(self.time_limit_s, self.memory_mb or math.inf, self.recycle, 1)
        memory_mb = self.memory_mb or _MEMORY_SHARE * total_mb() / self.count
        return Limits(self.time_limit_s, memory_mb, self.recycle, max(1, processors() // self.count))


def start(workers: Workers, detector: Detector | DetectorChoice, device: str) -> Pool:
    """Start them.

    Raises
    ------
    LesionError
        If the model cannot be loaded, or nobody is there to work.
    """
    begin = begin_with(detector, device)
    if workers.scheduler or workers.slurm:
        needs_gpu = device == "cuda"
        return ClusterPool(
            begin, workers.limits, address=workers.scheduler, slurm_jobs=workers.count, needs_gpu=needs_gpu
        )
    return LocalPool(begin, workers.limits, workers.count)
