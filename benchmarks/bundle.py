"""How fast a RetinaNet detection bundle searches a CT: ours against MONAI's own pipeline.

The bundle has the layout and the network of ``lung_nodule_ct_detection`` (ResNet-50 with a feature pyramid), with
random weights whose bias lets about 100 places in the lungs score. MONAI's side is what the bundle itself runs: MONAI's
transforms, then ``RetinaNetDetector`` with its sliding window, in eager float32. Both start at the volume in memory,
load nothing and use the same number of threads; ours finds the lungs, too. Boxes and scores inside the lungs are
compared.

    python benchmarks/bundle.py --data FOLDER                 # the official spacing and window: some 15 GB and an hour
    python benchmarks/bundle.py --data FOLDER --spacing 2.5 2.5 4 --window 80 80 32
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from monai.data.box_utils import box_iou
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Compose, EnsureType, Orientation, ScaleIntensityRange, Spacing

from napari_lesion.detection.monai_bundles.boxes import inside, places
from napari_lesion.detection.monai_bundles.bundle import read_bundle
from napari_lesion.detection.monai_bundles.retinanet import RetinaNetBundle
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.imaging import preprocess
from napari_lesion.imaging.monai_transforms import RAS_LABELS
from napari_lesion.model.volume import Volume, apply_affine

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "helpers"))
from detection_bundle import inference_config, write_bundle

T = TypeVar("T")
TARGET = 5.0
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
Times = tuple[float, float]


def timed(work: Callable[[], T]) -> tuple[Times, T]:
    """Give the seconds and the processor seconds of a run, and its result."""
    processor, start = time.process_time(), time.perf_counter()
    result = work()
    return (time.perf_counter() - start, time.process_time() - processor), result


def read(folder: Path) -> Volume:
    """Read the largest CT of a folder."""
    series = [s for s in find_series(folder) if s.identity.modality == "CT"]
    return max((read_series(s) for s in series), key=lambda v: v.voxels.size)


def monai_input(volume: Volume, spacing: tuple[float, float, float]) -> MetaTensor:
    """Run the bundle's transforms by MONAI, from the scan as its NIfTI file is loaded."""
    image = MetaTensor(
        torch.from_numpy(volume.voxels.transpose(2, 1, 0).astype(np.float32))[None],
        affine=torch.from_numpy(LPS_TO_RAS @ volume.affine[:, [2, 1, 0, 3]]),
    )
    steps = [
        Orientation(axcodes="RAS", labels=RAS_LABELS),
        Spacing(pixdim=spacing),
        ScaleIntensityRange(-1024.0, 300.0, 0.0, 1.0, clip=True),
        EnsureType(),
    ]
    return Compose(steps)(image)  # type: ignore[no-any-return]


def make_bundle(folder: Path, volume: Volume, spacing: tuple[float, ...], window: tuple[int, ...]) -> None:
    """Make the bundle, with the bias of its classes set by a first search of the scan."""
    torch.manual_seed(1)
    config = inference_config(spacing=spacing, window=window)  # type: ignore[arg-type]
    bundle = read_bundle(write_bundle(folder, config, {}))
    state = bundle.config.value("network").state_dict()
    for name, value in state.items():
        if "_head." in name and name.endswith("weight") and value.ndim == 5:
            std = {"conv": 0.02, "cls_logits": 0.1, "bbox_reg": 0.01}[name.split(".")[1]]
            torch.nn.init.normal_(value, std=std)
    write_bundle(folder, config, state)
    model = RetinaNetBundle(read_bundle(folder))
    grid = model.prepare(volume)
    lungs = places(preprocess.find_search_region(volume), grid.affine)
    found = model.search(grid.image, places=lungs)
    cells = np.unique(np.rint(apply_affine(np.linalg.inv(found.heatmap_affine), lungs)).astype(int), axis=0)
    cells = cells[((cells >= 0) & (cells < found.heatmap.shape)).all(axis=1)]
    score = float(np.sort(found.heatmap[tuple(cells.T)])[-100])
    state["classification_head.cls_logits.bias"] += np.log(0.02 / 0.98) - np.log(score / (1 - score))
    write_bundle(folder, config, state)


def main() -> None:
    """Measure, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with a CT series")
    parser.add_argument("--spacing", type=float, nargs=3, default=(0.703125, 0.703125, 1.25))
    parser.add_argument("--window", type=int, nargs=3, default=(512, 512, 192))
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of our side")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    spacing, window = tuple(arguments.spacing), tuple(arguments.window)
    volume = read(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        make_bundle(Path(folder) / "bundle", volume, spacing, window)
        model = RetinaNetBundle(read_bundle(Path(folder) / "bundle"), precision=arguments.precision)
        detector = read_bundle(Path(folder) / "bundle").config
        monai = detector.value("detector").eval()
        detector.value("detector_ops")
        monai.network.load_state_dict(torch.load(Path(folder) / "bundle/models/model.pt", weights_only=True))
    print(f"{volume.shape} voxels, {arguments.threads} threads, the bundle is made", flush=True)
    ours, detection = timed(lambda: model.detect(volume, device="cpu"))
    print(f"ours   {ours[0]:8.1f} s, {ours[1]:8.1f} s of processor time, {detection.device}", flush=True)

    def pipeline() -> tuple[MetaTensor, dict[str, torch.Tensor]]:
        image = monai_input(volume, spacing)
        windows = image[0].numel() >= np.prod(window)
        with torch.no_grad():
            return image, monai([image.as_tensor()], use_inferer=windows)[0]

    theirs, (image, found) = timed(pipeline)
    print(
        f"MONAI  {theirs[0]:8.1f} s, {theirs[1]:8.1f} s of processor time, image {tuple(image.shape[1:])}", flush=True
    )
    affine = LPS_TO_RAS @ image.affine.numpy()
    boxes = found["box"].double().numpy()
    centers = apply_affine(affine, (boxes[:, :3] + boxes[:, 3:]) / 2)
    region = preprocess.find_search_region(volume)
    kept = [n for n, center in enumerate(centers) if inside(region, center)]
    grid = model.prepare(volume)
    again = model.search(grid.image, places=places(region, grid.affine))
    overlap = box_iou(torch.from_numpy(boxes[kept]).float(), torch.from_numpy(again.corners))
    least, partner = overlap.max(1)
    difference = (found["label_scores"][kept] - torch.from_numpy(again.scores)[partner]).abs()
    result = {
        "ratio_wall": theirs[0] / ours[0],
        "ratio_processor": theirs[1] / ours[1],
        "target": TARGET,
        "ours_s": ours,
        "monai_s": theirs,
        "boxes_in_lungs": len(kept),
        "ours_in_lungs": len(detection.candidates),
        "with_iou_over_0.99": int((least > 0.99).sum()),
        "least_iou": float(least.min()) if kept else None,
        "largest_score_difference": float(difference.max()) if kept else None,
        "how": detection.device,
        "image": tuple(image.shape[1:]),
    }
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
