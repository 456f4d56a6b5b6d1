"""How many processors this process may use, and processes of Python beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import spawn
from typing import Any

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


def start_python(line: str, environment: Mapping[str, str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a process that runs a line of Python with this one's modules, to be talked to through its pipes.

    With a command of its own scripts need no ``if __name__ == "__main__"``, and nothing is forked under Qt.

    Parameters
    ----------
    line : str
    environment : mapping
        All variables of its environment.
    options
        Further ones of ``subprocess.Popen``.
    """
    return subprocess.Popen(
        [os.fsdecode(spawn.get_executable()), "-c", f"import sys; sys.path[:] = {sys.path!r}; {line}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        **options,
    )
