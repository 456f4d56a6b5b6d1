"""How fast a folder of CT becomes a volume in HU: ours, SimpleITK's series reader, a plain pydicom loop.

All contenders start from the folder and end with the ordered volume in HU. They run interleaved in one process, so
that a busy machine slows all alike; what counts are the ratios. Memory is measured in processes of its own.

    python benchmarks/read_series.py --json read_series.json
    python benchmarks/read_series.py --data FOLDER      # a real series, in the transfer syntaxes below
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
import SimpleITK

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "helpers"))
import dicom_factory as factory

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series

SYNTAXES = ("explicit", "rle", "jpeg-ls", "jpeg-lossless-sv1", "jpeg-2000-lossless")
#: What was promised: our time at most this share of the faster of the other two.
TARGETS = {
    "explicit": 0.45,
    "rle": 0.7,
    "jpeg-ls": 0.65,
    "jpeg-lossless-sv1": 0.65,
    "jpeg-2000-lossless": 0.65,
}
MEMORY_TARGET = 1.3
Volume = npt.NDArray[np.generic]


# ---------------------------------------------------------------------------------------------------- contenders


def ours(folder: Path) -> Volume:
    """Read the only series in a folder with napari-lesion."""
    (series,) = find_series(folder)
    return read_series(series).voxels


def simpleitk(folder: Path) -> SimpleITK.Image:
    """SimpleITK's series reader, as its documentation shows it."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def pydicom_loop(folder: Path) -> Volume:
    """Read as everybody does, with one array for all, rescaled in place."""
    datasets = [pydicom.dcmread(path) for path in folder.iterdir()]
    datasets.sort(key=lambda ds: float(ds.ImagePositionPatient[2]))
    volume = np.empty((len(datasets), datasets[0].Rows, datasets[0].Columns), dtype=np.int16)
    for k, ds in enumerate(datasets):
        volume[k] = ds.pixel_array
        if ds.RescaleSlope != 1:
            volume[k] *= int(ds.RescaleSlope)
        volume[k] += int(ds.RescaleIntercept)
    return volume


CONTENDERS: dict[str, Callable[[Path], Volume | SimpleITK.Image]] = {
    "ours": ours,
    "SimpleITK": simpleitk,
    "pydicom loop": pydicom_loop,
}


def as_array(volume: Volume | SimpleITK.Image) -> Volume:
    """View a contender's result as an array; valid as long as the result."""
    return volume if isinstance(volume, np.ndarray) else SimpleITK.GetArrayViewFromImage(volume)


# --------------------------------------------------------------------------------------------------------- files


def chest(slices: int, size: int) -> npt.NDArray[np.int16]:
    """HU (k, j, i) of something that compresses like a chest CT: body, lungs, vessels, spine, table, scanner noise."""
    random = np.random.default_rng(1)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    body = (x / 0.85) ** 2 + (y / 0.62) ** 2 < 1
    spine = x**2 + (y - 0.38) ** 2 < 0.01
    table = np.abs(y - 0.72) < 0.015
    volume = np.empty((slices, size, size), dtype=np.int16)
    for k in range(slices):
        width = 0.22 + 0.08 * np.sin(np.pi * k / slices)
        lungs = ((np.abs(x) - 0.38) / width) ** 2 + ((y + 0.02) / (0.3 + width / 3)) ** 2 < 1
        hu = np.where(body, 40.0, -1000.0)
        hu[body & ((x / 0.8) ** 2 + (y / 0.57) ** 2 > 1)] = -100
        hu[lungs] = -860
        for vessel in range(60):
            angle, radius = 2.4 * vessel, 0.04 + 0.2 * ((vessel * 7) % 11) / 11
            cx = (0.38 if vessel % 2 else -0.38) + radius * np.cos(angle + 0.02 * k)
            cy = radius * np.sin(angle + 0.02 * k)
            hu[(x - cx) ** 2 + (y - cy) ** 2 < (0.004 + 0.01 * ((vessel * 5) % 7) / 7) ** 2] = 60
        hu[spine] = 500
        hu[table] = -300
        noise = random.normal(0, 40, (size, size))
        noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))) / 2.5
        volume[k] = np.clip(hu + np.where(body, noise, noise / 4), -1024, 3071)
    return volume


def real(folder: Path) -> npt.NDArray[np.int16]:
    """HU of a real series."""
    return np.ascontiguousarray(ours(folder)).astype(np.int16)


def write_folder(hu: npt.NDArray[np.int16], name: str, folder: Path) -> None:
    """Write a volume as CT images in one transfer syntax, files in no useful order."""
    affine = np.diag([1.0, 0.7, 0.7, 1.0])[[2, 1, 0, 3]]
    affine[:3, 3] = -180, -180, -300
    low = int(hu.min())
    stored = factory.Stored(bits_stored=12 if int(hu.max()) - low < 4096 else 16, intercept=low)
    slices = factory.ct_slices(factory.Phantom(hu, affine), name, stored)
    factory.write((factory.encode(ds, factory.SYNTAXES[name]) for ds in factory.shuffled(slices)), folder)


def write_many(folder: Path, count: int) -> None:
    """``count`` CT files of 512×512 in series of 100; their pixels are holes in the file, so the disk stays empty."""
    phantom = factory.Phantom(np.zeros((100, 1, 1), np.int16), np.diag([1.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]])
    for number in range(count // 100):
        datasets = factory.ct_slices(phantom, f"series {number}")
        for ds in datasets:
            ds.Rows = ds.Columns = 512
            ds.PixelData = b""
        for path in factory.write(datasets, folder / f"{number:03d}"):
            header = path.read_bytes()[:-4]
            with path.open("wb") as file:
                file.write(header + (512 * 512 * 2).to_bytes(4, "little"))
                file.truncate(len(header) + 4 + 512 * 512 * 2)


# -------------------------------------------------------------------------------------------------------- memory


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(p for child in children for p in _tree(int(child)))]


def _pss(pid: int) -> int:
    """Proportional set size, bytes: memory that processes share is counted once over all of them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _total(pid: int) -> int:
    total = 0
    for process in _tree(pid):
        try:
            total += _pss(process)
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has just ended
            continue
    return total


def _cpu_s() -> float:
    """Processor time that this process and its children have used, s: unlike the clock, blind to a busy machine."""
    ticks = 0
    for pid in _tree(os.getpid()):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure_memory(contender: str, folder: Path) -> dict[str, float]:
    """Peak memory while a contender reads, less what the process had before, relative to the volume.

    ``tree``: the process and its children, sampled every 5 ms; ``process``: the process alone, as the kernel keeps it.
    """
    command = [sys.executable, __file__, "--memory-child", contender, str(folder)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()  # imports are done
    baseline = _total(child.pid)
    peak = baseline
    answer: list[str] = []
    child.stdin.write("go\n")
    child.stdin.flush()
    waiting = threading.Thread(target=lambda: answer.append(child.stdout.readline()))  # type: ignore[union-attr]
    waiting.start()
    while waiting.is_alive():
        peak = max(peak, _total(child.pid))
        time.sleep(0.005)
    volume, process = (int(word) for word in answer[0].split())
    child.communicate("end\n")
    return {"tree": (peak - baseline) / volume, "process": process / volume}


def memory_child(contender: str, folder: Path) -> None:
    """Wait, read, say how large the volume is and how far the process grew: the child of `measure_memory`."""

    def peak() -> int:
        """Read the kernel's high-water mark; ru_maxrss would begin with that of the parent."""
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    print("ready", flush=True)
    sys.stdin.readline()
    before = peak()
    volume = CONTENDERS[contender](folder)
    grown = peak() - before
    print(as_array(volume).nbytes, grown, flush=True)
    sys.stdin.readline()


# ---------------------------------------------------------------------------------------------------------- runs


def time_syntax(folder: Path, repeats: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds on the clock and of processors of every contender.

    Interleaved, the place in the round changing; the first round only warms up.
    """
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    cpu: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    names = list(CONTENDERS)
    reference = pydicom_loop(folder)
    for repeat in range(repeats + 1):
        for place in range(len(names)):
            name = names[(place + repeat) % len(names)]
            used, start = _cpu_s(), time.perf_counter()
            volume = CONTENDERS[name](folder)
            elapsed, used = time.perf_counter() - start, _cpu_s() - used
            if repeat:
                seconds[name].append(elapsed)
                cpu[name].append(used)
            elif not np.array_equal(as_array(volume), reference):
                raise SystemExit(f"{name} reads other values than the pydicom loop from {folder}")
            del volume
    return seconds, cpu


def time_index(folder: Path, count: int) -> dict[str, float]:
    """Seconds to list the series of ``count`` files, and the bytes that were read for it."""
    write_many(folder, count)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for path in paths:  # warm directory entries and headers
        with path.open("rb") as file:
            file.read(4096)

    def read_bytes() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    start, before = time.perf_counter(), read_bytes()
    index = find_series(folder)
    seconds, read = time.perf_counter() - start, read_bytes() - before
    if len(index) != count // 100:
        raise SystemExit(f"{len(index)} series found, {count // 100} written")
    start = time.perf_counter()
    for path in paths:
        pydicom.dcmread(path, stop_before_pixels=True)
    loop = time.perf_counter() - start
    start = time.perf_counter()
    for part in folder.iterdir():
        SimpleITK.ImageSeriesReader.GetGDCMSeriesIDs(str(part))
    itk = time.perf_counter() - start
    return {
        "files": count,
        "ours_s": seconds,
        "pydicom_s": loop,
        "simpleitk_s": itk,
        "ratio": seconds / min(loop, itk),
        "bytes_read_per_file": read / count,
    }


def main() -> None:
    """Run and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--index-files", type=int, default=10_000, help="0: leave the header index out")
    parser.add_argument("--syntax", nargs="+", choices=factory.SYNTAXES, default=SYNTAXES)
    parser.add_argument("--data", type=Path, help="folder with one real series, instead of the synthetic chest")
    parser.add_argument("--workdir", type=Path, help="keep the files here and use them again")
    parser.add_argument("--json", type=Path, help="write all results here")
    parser.add_argument("--memory-child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_child:
        memory_child(arguments.memory_child[0], Path(arguments.memory_child[1]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        results = run(arguments, arguments.workdir or Path(temporary))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def run(arguments: argparse.Namespace, work: Path) -> dict[str, object]:
    """All measurements that the command line asks for."""
    hu = real(arguments.data) if arguments.data else None
    series: dict[str, object] = {}
    print(
        f"{'':20} {'ours':>8} {'SimpleITK':>10} {'pydicom':>8} {'ratio':>6} {'target':>6}   "
        f"of each: CPU time, peak memory with children (without) × volume; memory target {MEMORY_TARGET}"
    )
    for name in arguments.syntax:
        folder = work / name
        if not folder.exists():
            hu = chest(arguments.slices, arguments.size) if hu is None else hu
            write_folder(hu, name, folder)
        seconds, cpu = time_syntax(folder, arguments.repeats)
        median = {contender: statistics.median(values) for contender, values in seconds.items()}
        cpu_median = {contender: statistics.median(values) for contender, values in cpu.items()}
        fastest = [min(a, b) for a, b in zip(seconds["SimpleITK"], seconds["pydicom loop"], strict=True)]
        ratio = median["ours"] / min(median["SimpleITK"], median["pydicom loop"])
        ratios = [a / b for a, b in zip(seconds["ours"], fastest, strict=True)]
        memory = {contender: measure_memory(contender, folder) for contender in CONTENDERS}
        series[name] = {
            "files": len(list(folder.iterdir())),
            "seconds": seconds,
            "median_s": median,
            "median_cpu_s": cpu_median,
            "ratio_of_medians": ratio,
            "ratio_by_round": {"min": min(ratios), "median": statistics.median(ratios), "max": max(ratios)},
            "target": TARGETS.get(name),
            "memory": memory,
        }
        print(
            f"{name:20} {median['ours']:7.2f}s {median['SimpleITK']:9.2f}s {median['pydicom loop']:7.2f}s {ratio:6.2f} "
            f"{TARGETS.get(name, float('nan')):6.2f}   "
            + "  ".join(
                f"{cpu_median[c]:.2f} s, {memory[c]['tree']:.2f} ({memory[c]['process']:.2f}) ×" for c in CONTENDERS
            ),
            flush=True,
        )
    results: dict[str, object] = {
        "machine": {
            "platform": platform.platform(),
            "python": platform.python_version(),
            "cores": len(os.sched_getaffinity(0)),
            "load_before": os.getloadavg(),
            **{
                name: version(name)
                for name in ("napari-lesion", "SimpleITK", "pydicom", "numpy", "python-gdcm", "pyjpegls")
            },
        },
        "source": str(arguments.data.name) if arguments.data else "synthetic chest",
        "series": series,
    }
    if arguments.index_files:
        index = time_index(work / "index", arguments.index_files)
        results["index"] = index
        print(
            f"header index of {arguments.index_files} files: ours {index['ours_s']:.2f} s,"
            f" pydicom {index['pydicom_s']:.2f} s,"
            f" SimpleITK {index['simpleitk_s']:.2f} s, ratio {index['ratio']:.2f},"
            f" {index['bytes_read_per_file']:.0f} bytes read a file"
        )
    return results


if __name__ == "__main__":
    main()
