"""How many processors this process may use."""

from __future__ import annotations

import os

SHARE = "NAPARI_LESION_PROCESSORS"
"""Variable of the environment: how many of them are this process's, where several share a computer."""
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def processors() -> int:
    """Count the processors that this process may use."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    share = os.environ.get(SHARE, "")
    return max(1, min(there, int(share))) if share.isdecimal() else there


def environment_with(share: int) -> dict[str, str]:
    """Make the environment of a process that shall use so many processors, or fewer where this one must already."""
    own = {name: os.environ.get(name, "") for name in _THREADS}
    threads = {name: str(min(share, int(value))) if value.isdecimal() else str(share) for name, value in own.items()}
    return {**os.environ, **threads, SHARE: str(share)}
