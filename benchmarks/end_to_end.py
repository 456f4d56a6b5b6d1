"""From folders to findings, against reading them with SimpleITK and one eager float32 pass of the network.

Ours is the command `napari-lesion analyse` over a batch of series: a new process, with start-up, imports, the model,
lungs, resampling, candidates, and all files written. The other side gets its imports, its model and the lung boxes for
nothing: it reads each series with SimpleITK's series reader and passes each lung box, padded to multiples of 16,
through the network as torch runs it (eager, float32, contiguous, batch norms as they are). Both take turns; what
counts is the ratio, on the clock and in processor time of all processes, which a busy machine disturbs less.

    python benchmarks/end_to_end.py FOLDER... --batch 10 --json end_to_end.json

Each FOLDER holds one CT series. A batch larger than their number gets copies with other UIDs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import pydicom
import SimpleITK
import torch
from pydicom.uid import generate_uid
from torch import Tensor, nn

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.imaging import preprocess
from napari_lesion.models.packages import find_package, load_network

TARGET = 1.5


def make_batch(folders: Sequence[Path], count: int, into: Path) -> list[Path]:
    """Copy series until there are ``count``, each copy with UIDs of its own; pixels stay as they are."""
    batch = []
    for number in range(count):
        source, target = folders[number % len(folders)], into / f"{number:02d}"
        target.mkdir()
        series = generate_uid()
        for path in sorted(source.iterdir()):
            if path.is_file():
                ds = pydicom.dcmread(path)
                ds.SeriesInstanceUID = series
                ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
                ds.save_as(target / path.name)
        batch.append(target)
    return batch


def lung_box(folder: Path) -> Tensor:
    """(1, 1, d, h, w) of a series, padded to multiples of 16."""
    (series,) = find_series(folder)
    image = preprocess.prepare(read_series(series)).image[None, None]
    return nn.functional.pad(image, [n for size in reversed(image.shape[2:]) for n in (0, -size % 16)])


def cpu_s() -> float:
    """Processor time of this process and of its children that have ended, s."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of processors."""
    wall, cpu = time.perf_counter(), cpu_s()
    work()
    return time.perf_counter() - wall, cpu_s() - cpu


def baseline(network: nn.Module, batch: Sequence[Path], boxes: Sequence[Tensor]) -> None:
    """Read every series and pass its box through the network."""
    for number, folder in enumerate(batch):
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        reader.Execute()
        with torch.inference_mode():
            network(boxes[number % len(boxes)])


def analyse(batch: Sequence[Path], out: Path, arguments: Sequence[str]) -> None:
    """Run the command on the batch, into an empty folder."""
    shutil.rmtree(out, ignore_errors=True)
    program = Path(sysconfig.get_path("scripts")) / "napari-lesion"
    subprocess.run(
        [str(program), "analyse", *map(str, batch), "-o", str(out), "--device", "cpu", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def steps(out: Path) -> dict[str, float]:
    """Sum over the batch of what each step took, as the reports say, s."""
    total: dict[str, float] = {}
    for path in out.glob("*/findings.json"):
        for step, seconds in json.loads(path.read_text())["timings_s"].items():
            total[step] = total.get(step, 0.0) + seconds
    return {step: round(seconds, 2) for step, seconds in total.items()}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="nodule-3d")
    parser.add_argument("--argument", action="append", default=[], help="more for the command, e.g. --runtime=openvino")
    parser.add_argument("--json", type=Path, help="write all results here")
    arguments = parser.parse_args()
    network = load_network(find_package(arguments.model))
    boxes = [lung_box(folder) for folder in arguments.folders]
    sides: dict[str, list[tuple[float, float]]] = {"ours": [], "baseline": []}
    with tempfile.TemporaryDirectory() as scratch:
        batch = make_batch(arguments.folders, arguments.batch, Path(scratch))
        out = Path(scratch) / "out"
        work: dict[str, Callable[[], None]] = {
            "ours": lambda: analyse(batch, out, [*arguments.argument, "--model", arguments.model]),
            "baseline": lambda: baseline(network, batch, boxes),
        }
        for number in range(arguments.rounds):
            for name in sorted(work, reverse=bool(number % 2)):
                sides[name].append(timed(work[name]))
                print(f"{name:9} {sides[name][-1][0]:7.1f} s, {sides[name][-1][1]:7.1f} s of processors", flush=True)
        parts = steps(out)
    result = {
        "machine": {
            "platform": platform.platform(),
            "cores": len(os.sched_getaffinity(0)),
            "load": os.getloadavg(),
            **{name: version(name) for name in ("napari-lesion", "torch", "SimpleITK")},
        },
        "series": [folder.name for folder in arguments.folders],
        "boxes": [tuple(box.shape[2:]) for box in boxes],
        "batch": arguments.batch,
        "arguments": arguments.argument,
        "seconds": {name: {"wall": [w for w, _ in v], "cpu": [c for _, c in v]} for name, v in sides.items()},
        "steps_of_the_last_round": parts,
    }
    for number, kind in enumerate(("wall", "cpu")):
        ratios = [ours[number] / other[number] for ours, other in zip(*sides.values(), strict=True)]
        result[f"ratio_{kind}"] = statistics.median(ratios)
        print(f"ratio of {kind}: median {statistics.median(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")
    print(f"target {TARGET}; steps: {parts}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
