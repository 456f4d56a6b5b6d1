"""What smaller numbers, fewer weights and another runtime do to a model's CPM and to its speed: one table.

Every variant passes the lung box of every scan, taking turns on each; speed is the ratio to eager float32 torch on the
same box, on the clock and in processor time. CPM follows LUNA16's rules on the candidates. A variant that this
processor cannot run is named, not left out.

    python benchmarks/small_and_quick.py SCANS --calibrate CT_FOLDER --json small_and_quick.json

SCANS holds one folder for each series and `annotations.csv` (with `annotations_excluded.csv`, if there is one).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from pruning import prune_channels, prune_weights
from torch import Tensor, nn

from napari_lesion.detection.candidates import find_candidates
from napari_lesion.detection.export_runtime import OpenVinoNetwork, to_openvino
from napari_lesion.detection.quantise import calibration_boxes, quantised
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.evaluation.froc import ScoredPoint, evaluate, load_marks
from napari_lesion.imaging import preprocess
from napari_lesion.imaging.inference import Prediction, predict
from napari_lesion.imaging.windows import output_affine
from napari_lesion.model.findings import Heatmap
from napari_lesion.models.card import Precision
from napari_lesion.models.packages import find_package, load_network

REFERENCE = "torch, eager, float32"
Run = Callable[[preprocess.LungBox], Prediction]


class Eager(nn.Module):
    """A network as torch runs it: it hides its layers, so that nothing is folded or laid out anew."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._hidden = [network]

    def forward(self, image: Tensor) -> Tensor:
        """(1, 1, d, h, w) → (1, 5, d/2, h/2, w/2)."""
        return self._hidden[0](image.contiguous())


def with_network(network: nn.Module | OpenVinoNetwork, precision: Precision = "float32") -> Run:
    """Give what predicts a lung box."""
    return lambda box: predict(network, box.image[None, None], device="cpu", precision=precision, mask=box.search)


def make_variants(model: str, calibrate: list[Path]) -> tuple[dict[str, Run], dict[str, str]]:
    """Each variant that runs here, and why others do not."""
    package = find_package(model)
    network = load_network(package)
    ir = to_openvino(network, package)
    third = prune_channels(network, 1 / 3)
    variants = {
        REFERENCE: with_network(Eager(network)),
        "torch, as `analyse` runs it (batch norms folded, channels last)": with_network(network),
        "OpenVINO, float32": with_network(OpenVinoNetwork(ir)),
        "30 % of the weights zero (torch)": with_network(prune_weights(network, 0.3)),
        "60 % of the weights zero (torch)": with_network(prune_weights(network, 0.6)),
        "a third of the channels inside residual blocks gone (torch)": with_network(third),
        "the same (OpenVINO, float32)": with_network(OpenVinoNetwork(to_openvino(third, package))),
    }
    missing = {}
    if calibrate:
        crops = calibration_boxes(package, calibrate)
        variants["OpenVINO, int8 (NNCF)"] = with_network(OpenVinoNetwork(quantised(ir, crops)))
    else:
        missing["OpenVINO, int8 (NNCF)"] = "no scans to calibrate on were given"
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        variants["torch, bf16 (`--precision bfloat16`)"] = with_network(network, "bfloat16")
        variants["OpenVINO, bf16"] = with_network(OpenVinoNetwork(ir, "bf16"))
    else:
        missing["bf16"] = "this processor has none"
    return variants, missing


def points(prediction: Prediction, box: preprocess.LungBox) -> list[ScoredPoint]:
    """Collect the candidates of a prediction."""
    heatmap = Heatmap(prediction.probability, output_affine(box.affine))
    found = find_candidates(heatmap, prediction.log_diameter, prediction.offsets)
    return [ScoredPoint(candidate.center_mm, candidate.score) for candidate in found]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--calibrate", type=Path, action="append", default=[], help="CT that int8 ranges come from")
    parser.add_argument("--model", default="nodule-3d")
    parser.add_argument("--most", type=int, help="only the first so many scans")
    parser.add_argument("--json", type=Path, help="write all results here")
    arguments = parser.parse_args()
    variants, missing = make_variants(arguments.model, arguments.calibrate)
    folders = sorted(path for path in arguments.scans.iterdir() if path.is_dir())[: arguments.most]
    wall: dict[str, list[float]] = {name: [] for name in variants}
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    found: dict[str, dict[str, list[ScoredPoint]]] = {name: {} for name in variants}
    for number, folder in enumerate(folders):
        (series,) = find_series(folder)
        box = preprocess.prepare(read_series(series))
        for name in sorted(variants, reverse=bool(number % 2)):
            start, start_cpu = time.perf_counter(), time.process_time()
            prediction = variants[name](box)
            wall[name].append(time.perf_counter() - start)
            cpu[name].append(time.process_time() - start_cpu)
            found[name][series.identity.series_uid] = points(prediction, box)
        print(f"{number + 1}/{len(folders)} {folder.name} {tuple(box.image.shape)}", file=sys.stderr, flush=True)
    seen = found[REFERENCE]
    truth = [mark for mark in load_marks(arguments.scans / "annotations.csv") if mark.series_uid in seen]
    path = arguments.scans / "annotations_excluded.csv"
    excluded = [mark for mark in load_marks(path) if mark.series_uid in seen] if path.exists() else []
    rows = []
    for name in variants:
        curve = evaluate(truth, found[name], excluded=excluded).overall
        shares = [[own / ref for own, ref in zip(s[name], s[REFERENCE], strict=True)] for s in (wall, cpu)]
        rows.append(
            {
                "variant": name,
                "cpm": curve.cpm,
                "cpm_interval": curve.cpm_interval,
                "wall_ratio": statistics.median(shares[0]),
                "cpu_ratio": statistics.median(shares[1]),
            }
        )
    print(f"{len(seen)} scans, {len(truth)} nodules\n")
    print("| variant | CPM | change | time (clock) | time (processor) |\n|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['variant']} | {row['cpm']:.3f} | {row['cpm'] - rows[0]['cpm']:+.3f} | {row['wall_ratio']:.2f} | "
            f"{row['cpu_ratio']:.2f} |"
        )
    for name, why in missing.items():
        print(f"| {name} | not measured: {why} | | | |")
    if arguments.json:
        machine = {
            "platform": platform.platform(),
            "cores": len(os.sched_getaffinity(0)),
            "load": os.getloadavg(),
            **{name: version(name) for name in ("napari-lesion", "torch", "openvino", "nncf")},
        }
        scans = [folder.name for folder in folders]
        result = {"machine": machine, "scans": scans, "nodules": len(truth), "rows": rows, "missing": missing}
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
