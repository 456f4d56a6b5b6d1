"""How much memory there is, and how much of it this process held at most."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import psutil

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_CONTAINER = Path("/sys/fs/cgroup/memory.max")
_RESET_PEAK = "5"
"""Of ``clear_refs`` (proc(5)): the most memory held is counted from now on."""


def reset_peak() -> None:
    """Count the most memory held from now on, where the system can."""
    with suppress(OSError):
        _CLEAR.write_text(_RESET_PEAK)


def peak_mb() -> float | None:
    """Most memory, MiB, that this process held since `reset_peak`; where the system cannot, since it began; or None."""
    with suppress(OSError, ValueError, IndexError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 1024


def total_mb() -> float:
    """Memory that there is for all that runs here, MiB: of the computer, or of the container where that has less."""
    most = float(psutil.virtual_memory().total)
    with suppress(OSError, ValueError):
        most = min(most, float(_CONTAINER.read_text()))
    return most / 2**20
