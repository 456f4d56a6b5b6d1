"""How fast the network searches a lung box, and how much memory the detection of a large scan takes.

Ours is compared with the same network as users of MONAI run it: eager float32 in MONAI's sliding window of 96³ with
25 % overlap. Both run interleaved in one process, so that a busy machine slows both alike; what counts is the ratio.
Memory is measured in a process of its own, from the volume in memory to the candidates.

    python benchmarks/inference.py --json inference.json
    python benchmarks/inference.py --data FOLDER        # the lung box of a real series instead
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from monai.inferers import SlidingWindowInferer
from torch import nn

from napari_lesion.detection.candidates import find_candidates
from napari_lesion.detection.registry import DEFAULT_MODEL, load_detector
from napari_lesion.imaging import preprocess
from napari_lesion.imaging.inference import Prediction, predict
from napari_lesion.imaging.windows import output_affine
from napari_lesion.model.findings import Candidate, Heatmap
from napari_lesion.model.volume import FloatArray, GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.models.packages import find_package, load_network

SPEED_TARGET = 2.0
MEMORY_TARGET_GB = 4.0


def chest(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Volume:
    """Make a noisy elliptic body whose two lungs nearly fill its length, with vessels and a few nodules.

    Made slice by slice, so that making it takes hardly more memory than the volume itself.
    """
    random = np.random.default_rng(1)
    affine = np.zeros((4, 4))
    affine[[2, 1, 0, 3], [0, 1, 2, 3]] = [*spacing, 1.0]
    affine[:3, 3] = [-(n - 1) * s / 2 for n, s in zip(shape[::-1], spacing[::-1], strict=True)]
    z = affine[2, 3] + spacing[0] * np.arange(shape[0])
    y = (affine[1, 3] + spacing[1] * np.arange(shape[1]))[:, None]
    x = affine[0, 3] + spacing[2] * np.arange(shape[2])
    half = -affine[:3, 3]
    nodules = [
        (side * 0.4 * half[0] + 9 * n, 12.0 * n - 20, 30.0 * n * side, 2.0 + n) for side in (-1, 1) for n in range(5)
    ]
    voxels = np.empty(shape, dtype=np.int16)
    for k in range(shape[0]):
        hu = np.where((x / (0.9 * half[0])) ** 2 + (y / (0.72 * half[1])) ** 2 < 1, 40.0, -1000.0)
        for side in (-1, 1):
            inside = (
                ((x - side * 0.43 * half[0]) / (0.34 * half[0])) ** 2
                + (y / (0.58 * half[1])) ** 2
                + (z[k] / (0.93 * half[2])) ** 2
            ) < 1
            hu[inside] = -860
            for vessel in range(30):
                cx = side * 0.43 * half[0] + 45 * np.cos(2.4 * vessel + z[k] / 60)
                cy = 70 * np.sin(1.7 * vessel + z[k] / 90)
                hu[(x - cx) ** 2 + (y - cy) ** 2 < (1 + 0.1 * vessel) ** 2] = 50
        for cx, cy, cz, radius in nodules:
            hu[(x - cx) ** 2 + (y - cy) ** 2 + (z[k] - cz) ** 2 < radius**2] = 40
        voxels[k] = np.clip(hu + random.normal(0, 25, hu.shape), -1024, 3071)
    certificate = GeometryCertificate(shape=shape, spacing_mm=spacing, orientation="axial", axes="HPL")
    return Volume(voxels, affine, SeriesIdentity(series_uid="synthetic", modality="CT"), certificate)


def read(folder: Path) -> Volume:
    """Read the largest CT series in a folder."""
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.dicom.read.reader import read_series

    return max((read_series(series) for series in find_series(folder)), key=lambda volume: volume.voxels.size)


def padded(image: torch.Tensor) -> torch.Tensor:
    """Pad the far ends with zeros to multiples of 16."""
    return nn.functional.pad(image, [n for size in reversed(image.shape[2:]) for n in (0, -size % 16)])


def monai_window(network: nn.Module, image: torch.Tensor, mask: npt.NDArray[np.bool_]) -> Prediction:
    """Run the network in eager float32 by MONAI's sliding window."""
    image = padded(image)
    with torch.inference_mode():
        output = SlidingWindowInferer(roi_size=(96, 96, 96), sw_batch_size=1, overlap=0.25)(image, network)[0]
    size = [-(-n // 2) for n in mask.shape]
    output = output[:, : size[0], : size[1], : size[2]]
    coarse = nn.functional.max_pool3d(torch.from_numpy(mask)[None].float(), 2, ceil_mode=True)[0]
    array = torch.cat([output[:1].sigmoid() * coarse, output[1:]]).numpy()
    return Prediction(array[0], array[1], array[2:], "cpu", "monai")


def candidates(prediction: Prediction, affine: FloatArray) -> tuple[Candidate, ...]:
    """Collect the findings of a prediction."""
    heatmap = Heatmap(prediction.probability, output_affine(affine))
    return find_candidates(heatmap, prediction.log_diameter, prediction.offsets)


def agreement(ours: tuple[Candidate, ...], theirs: tuple[Candidate, ...], threshold: float) -> dict[str, object]:
    """How many findings over the threshold the other has within 2 mm, and the largest difference of their scores."""
    over = [[c for c in found if c.score >= threshold] for found in (ours, theirs)]
    matched, worst = 0, 0.0
    for one in over[0]:
        near = [c for c in theirs if np.linalg.norm(np.subtract(c.center_mm, one.center_mm)) < 2]
        if near:
            matched += 1
            worst = max(worst, min(abs(c.score - one.score) for c in near))
    return {"ours": len(over[0]), "theirs": len(over[1]), "matched": matched, "largest_score_difference": worst}


def measure_speed(volume: Volume, model: str, repeats: int) -> dict[str, object]:
    """Seconds for the lung box of a volume, both ways, interleaved; the first round only warms up."""
    package = find_package(model)
    network = load_network(package)
    box = preprocess.prepare(volume)
    image = box.image[None, None]
    contenders = {
        "ours": lambda: predict(network, image, device="cpu", mask=box.search),
        "monai": lambda: monai_window(network, image, box.search),
    }
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    processor: dict[str, list[float]] = {name: [] for name in contenders}
    found: dict[str, tuple[Candidate, ...]] = {}
    how = ""
    for repeat in range(repeats + 1):
        for name in sorted(contenders, reverse=bool(repeat % 2)):
            start, start_cpu = time.perf_counter(), time.process_time()
            prediction = contenders[name]()
            if repeat:
                wall[name].append(time.perf_counter() - start)
                processor[name].append(time.process_time() - start_cpu)
            found[name] = candidates(prediction, box.affine)
            how = prediction.how if name == "ours" else how
    with torch.inference_mode():
        plain = network(padded(image))[0, 0].sigmoid()
    ours = contenders["ours"]().probability
    plain = plain[: ours.shape[0], : ours.shape[1], : ours.shape[2]].numpy()
    return {
        "box": tuple(image.shape[2:]),
        "how": how,
        "wall_s": wall,
        "cpu_s": processor,
        "speedup_wall": statistics.median(wall["monai"]) / statistics.median(wall["ours"]),
        "speedup_cpu": statistics.median(processor["monai"]) / statistics.median(processor["ours"]),
        "findings": agreement(found["ours"], found["monai"], package.metadata.threshold),
        "largest_difference_from_plain_one_pass": float(np.abs(np.where(ours > 0, plain - ours, 0)).max()),
    }


def measure_memory(model: str, shape: tuple[int, int, int]) -> dict[str, object]:
    """Peak memory of a process that detects in a scan of this shape."""
    command = [sys.executable, __file__, "--memory-child", model, *map(str, shape)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, object] = json.loads(answer.splitlines()[-1])
    return result


def memory_child(model: str, shape: tuple[int, int, int]) -> None:
    """Detect in a scan of 0.6 × 0.7 × 0.7 mm and say how large the process became."""

    def peak_gb() -> float:
        # ru_maxrss would start with the size of the process that started this one.
        (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e9

    detector = load_detector(model)
    volume = chest(shape, (0.6, 0.7, 0.7))
    before = peak_gb()
    detection = detector.detect(volume, device="cpu")
    answer = {
        "scan": shape,
        "heatmap": detection.heatmap.values.shape,
        "device": detection.device,
        "candidates": len(detection.candidates),
        "before_gb": before,
        "peak_gb": peak_gb(),
        "timings_s": detection.timings_s,
        "warnings": detection.warnings,
    }
    print(json.dumps(answer))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="id of a model, or the folder of a model package")
    parser.add_argument("--data", type=Path, help="folder with a real CT series, instead of the synthetic chest")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--json", type=Path, help="write all results here")
    parser.add_argument("--memory-child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_child:
        model, *shape = arguments.memory_child
        memory_child(model, (int(shape[0]), int(shape[1]), int(shape[2])))
        return
    volume = read(arguments.data) if arguments.data else chest((160, 256, 256), (2.0, 1.45, 1.45))
    results: dict[str, object] = {
        "machine": {
            "platform": platform.platform(),
            "cores": len(os.sched_getaffinity(0)),
            "load_before": os.getloadavg(),
            **{name: version(name) for name in ("napari-lesion", "torch", "monai")},
        },
        "source": arguments.data.name if arguments.data else "synthetic chest",
    }
    speed = results["speed"] = measure_speed(volume, arguments.model, arguments.repeats)
    print(json.dumps(speed, indent=2))
    print(f"{speed['speedup_wall']:.2f} × faster than MONAI's window (target {SPEED_TARGET})", flush=True)
    if not arguments.no_memory:
        memory = results["memory"] = measure_memory(arguments.model, (600, 512, 512))
        print(json.dumps(memory, indent=2))
        print(f"peak {memory['peak_gb']:.2f} GB for a scan of 512×512×600 (target {MEMORY_TARGET_GB})")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
