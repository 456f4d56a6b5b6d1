"""How long ``napari-lesion --help`` takes, as a share of ``import torch``, both as fresh processes, taken in turn.

Run: python benchmarks/startup.py
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

ROUNDS = 9


def seconds(command: Sequence[str]) -> float:
    """Wall time of a command that must succeed."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    program = shutil.which("napari-lesion", path=sysconfig.get_path("scripts")) or shutil.which("napari-lesion")
    if program is None:
        sys.exit("napari-lesion is not installed in this environment")
    commands = {
        "napari-lesion --help": [str(Path(program)), "--help"],
        "import torch": [sys.executable, "-c", "import torch"],
    }
    for command in commands.values():
        seconds(command)  # the first time reads from the disk
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            times[name].append(seconds(command))
    for name, values in times.items():
        print(f"{name:22} median {statistics.median(values):.3f} s, {min(values):.3f} to {max(values):.3f} s")
    help_s, torch_s = times.values()
    ratios = [h / t for h, t in zip(help_s, torch_s, strict=True)]
    print(f"{'ratio':22} median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f} (bar: 0.5)")


if __name__ == "__main__":
    main()
