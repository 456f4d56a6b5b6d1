"""Does the detector find the nodule, or the insertion? Lung pasted as a nodule is, at places where nothing is.

    python benchmarks/give_away.py configs/nodule-3d.yaml [--part validation] [--places 24]

At the same places of each background, scans are searched with nothing inserted, with *shams* (the shape of a real
nodule of another patient, its edge, its partial volume and its noise, but the density of the lung around), and with
the nodule itself. If shams score as untouched lung does, the insertion gives nothing away; that nodules score more
shows that the places can be searched. A place's score is the best one within the nodule's radius or 5 mm.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from napari_lesion.detection.registry import load_detector
from napari_lesion.imaging import preprocess
from napari_lesion.model.volume import Volume, apply_affine
from napari_lesion.pipeline import analyse
from napari_lesion.training.config.detector import read_config
from napari_lesion.training.data.background import ball, make_background
from napari_lesion.training.data.completing import complete
from napari_lesion.training.data.crops import draw_nodule, place
from napari_lesion.training.data.insertion import insert, random_rotation
from napari_lesion.training.data.lidc import read_store
from napari_lesion.training.data.nodules import Nodule
from napari_lesion.training.data.scans import read_background
from napari_lesion.training.data.split import split_store

ARMS = ("untouched", "sham", "nodule")
NEAR_MM = 5.0


def main() -> None:
    """Insert, search, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--part", choices=("validation", "held_out"), default="validation")
    parser.add_argument("--places", type=int, default=24, help="in each background")
    parser.add_argument("--model", default="nodule-3d")
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    store = split_store(read_store(config.data.nodules, patches=False))[
        "validation" if arguments.part == "validation" else "test"
    ]
    nodules = [complete(crop) for crop in store.crops]
    detector = load_detector(arguments.model)
    scores: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for number, part in enumerate(getattr(config.data, arguments.part)):
        read = read_background(part)
        volume = preprocess.canonical(read)
        background = make_background(read, part.lesions, part.path.name, np.random.default_rng(config.seed))
        rng = np.random.default_rng([config.seed, number])
        images = {arm: volume.voxels.astype(np.float32) for arm in ARMS}
        hu, taken = background.hu.astype(np.float32), background.ignore | ~background.search
        where: list[tuple[tuple[float, ...], float]] = []
        for _ in range(arguments.places):
            nodule, diameter = draw_nodule(nodules, 1.0, rng)
            found = place(hu, background.depth.astype(np.float32), taken, nodule, diameter, rng)
            if found is None:
                continue
            taken |= ball(taken.shape, found, diameter / 2 + 8)
            point = apply_affine(background.affine, found)
            index = tuple(float(n) for n in volume.to_index(point))
            turned, seed = random_rotation(rng, axial_only=nodule.thick), int(rng.integers(1 << 30))
            for arm, inserted in (("sham", _lung_instead(nodule, images["untouched"], index)), ("nodule", nodule)):
                insert(
                    images[arm],
                    volume.spacing,
                    index,
                    inserted,
                    diameter_mm=diameter,
                    rotation=turned,
                    noise_hu=background.noise_hu,
                    rng=np.random.default_rng(seed),
                )
            where.append((tuple(float(n) for n in point), max(NEAR_MM, diameter / 2)))
        for arm, image in images.items():
            found = _scores(detector, replace(volume, voxels=np.rint(image).astype(np.int16)), where)
            scores[arm] += found
            print(f"{part.path.name} {arm}: {len(found)} places, mean score {np.mean(found):.4f}", flush=True)
    threshold = detector.card.threshold
    for arm, found in scores.items():
        print(f"{arm:10s} n {len(found)}  mean {np.mean(found):.4f}  found {np.mean(np.array(found) >= threshold):.3f}")
    for arm in ARMS[1:]:
        truth = [0] * len(scores["untouched"]) + [1] * len(scores[arm])
        print(f"AUC of {arm} against untouched: {roc_auc_score(truth, scores['untouched'] + scores[arm]):.3f}")


def _lung_instead(nodule: Nodule, image: np.ndarray, index: tuple[float, ...]) -> Nodule:
    """Give the nodule's shape with the density of the lung around the place."""
    around = tuple(slice(max(0, round(n) - 8), round(n) + 9) for n in index)
    lung = image[around][image[around] < -500]
    return replace(nodule, tissue_hu=float(np.median(lung)) if lung.size else -850.0)


def _scores(detector: object, volume: Volume, where: list[tuple[tuple[float, ...], float]]) -> list[float]:
    found = analyse(volume, detector=detector, device="cpu", threshold=0, measure=False).report.findings  # type: ignore[arg-type]
    return [
        max((one.score for one in found if np.linalg.norm(np.subtract(one.center_mm, point)) <= near), default=0.0)
        for point, near in where
    ]


if __name__ == "__main__":
    main()
