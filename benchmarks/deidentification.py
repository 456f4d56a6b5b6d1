"""How many instances a minute are de-identified and checked.

Run as ``python benchmarks/deidentification.py SCAN [--jobs N]``: SCAN is a folder of original axial CT. Its images are
taken as they are, and once more as images that say that they have no burned-in text.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import pydicom

from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.run import deidentify


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scan", type=Path)
    parser.add_argument("--jobs", type=int, default=0)
    given = parser.parse_args()
    speed(given.scan, given.jobs)


def speed(scan: Path, jobs: int) -> None:
    """Measure and print instances a minute, with the check; the processor's time is that of all processes."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        said.mkdir()
        for number, path in enumerate(sorted(one for one in scan.rglob("*") if one.is_file())):
            dataset = pydicom.dcmread(path)
            dataset.BurnedInAnnotation = "NO"
            dataset.save_as(said / f"{number}.dcm")
        for what, source in (("say that they have no text", said), ("as they are", scan)):
            wall, cpu = time.perf_counter(), _processor_s()
            options = options_of(["dates-shifted"], ["descriptors"])
            outcome = deidentify([source], Path(folder) / what, options, Key.new(), jobs=jobs)
            wall, cpu = time.perf_counter() - wall, _processor_s() - cpu
            done = outcome.count("written")
            rates = f"{60 * done / wall:.0f} a minute by the clock, {60 * done / cpu:.0f} a minute of one processor"
            print(f"{what}: {done} of {len(outcome.files)} instances: {rates}", flush=True)


def _processor_s() -> float:
    """Seconds of processors that this process and those that it started have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


if __name__ == "__main__":
    main()
