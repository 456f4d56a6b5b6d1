"""Read a path in a process that has little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: Run in a process that may not grow by more than 400 MB: an allocation that was refused too late fails there, as
#: MemoryError or as a worker that dies, and neither is a DecodeError with the file's name.
LIMITED = """
import resource, sys
import napari_lesion.dicom.read.reader, napari_lesion.dicom.index.series
from napari_lesion.support.errors import LesionError
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 400 * 2**20,) * 2)
import tracemalloc
tracemalloc.start()
try:
    index = napari_lesion.dicom.index.series.find_series(sys.argv[1])
    if len(index) == 0:
        print("skipped", index.skipped)
    for series in index:
        volume = napari_lesion.dicom.read.reader.read_series(series)
        print("volume", volume.shape)
except LesionError as error:
    print(type(error).__name__, error)
print("peak", tracemalloc.get_traced_memory()[1] // 2**20)
print("grown", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**10)
"""


def read_with_little_memory(path: Path, peak_mb: int = 64) -> str:
    """What comes of a path in a process that may not grow by more than 400 MB."""
    result = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    peak = next(int(line.split()[1]) for line in result.stdout.splitlines() if line.startswith("peak"))
    assert peak < peak_mb, f"{peak} MB were allocated before the refusal"
    return result.stdout
