"""How well findings are outlined: against LIDC's readers on held-out nodules, by the network and by density alone.

    python benchmarks/outlines.py --data FOLDER [--parts test validation] [--views 2] [--csv outlines.csv]

FOLDER holds lidc_cubes.npz and lidc_cubes_ratings.csv. Each nodule is pointed at as a detector would: the centre is off
by a normal error of 0.5 mm and 8 % of the diameter along each axis, the diameter by 25 % (standard deviations). Leak is
the share of the outline that lies more than 2 mm outside the reader's mask: vessel, pleura or lung that came along.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.assessment.composition import composition
from napari_lesion.assessment.grow import grow
from napari_lesion.assessment.nodule_seg import Segmenter, shipped
from napari_lesion.assessment.segment import segment_all
from napari_lesion.detection.packs import find_pack
from napari_lesion.errors import AnnotationError, LesionError
from napari_lesion.mask import Mask
from napari_lesion.training.nodules import Cube, read_cubes, split_cubes
from napari_lesion.volume import GeometryCertificate, SeriesIdentity, Volume

LEAK_MM = 2.0
Way = Callable[[Volume, Sequence[float], float], "Mask | None"]


def as_volume(cube: Cube) -> Volume:
    """Make a cube a scan of its own, at 1 mm."""
    affine = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]])
    shape = cube.hu.shape
    certificate = GeometryCertificate(shape=shape, spacing_mm=(1, 1, 1), orientation="axial", axes="HPL")
    return Volume(cube.hu, affine, SeriesIdentity(series_uid=cube.name), certificate)


def by_network(segmenter: Segmenter) -> Way:
    """Outline as the product does."""

    def outline(volume: Volume, center: Sequence[float], diameter: float) -> Mask | None:
        (result,) = segment_all(volume, [(center, diameter)], segmenter=segmenter)
        return None if isinstance(result, LesionError) else result.mask

    return outline


def by_density(volume: Volume, center: Sequence[float], diameter: float) -> Mask | None:
    """Outline by thresholds alone, within twice the diameter."""
    try:
        return grow(volume, center, max_diameter_mm=float(np.clip(2 * diameter, diameter + 6, 40)))
    except AnnotationError:
        return None


def scores(found: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Dice, volume over the mask's, and share of the outline that leaked."""
    dice = 2 * (found & truth).sum() / (found.sum() + truth.sum())
    away = ndimage.distance_transform_edt(~truth) > LEAK_MM
    leak = (found & away).sum() / max(int(found.sum()), 1)
    return float(dice), float(found.sum() / truth.sum()), float(leak)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=["test"], choices=["train", "validation", "test"])
    parser.add_argument("--model", help="segmenter: folder or id; by default the one that is shipped")
    parser.add_argument("--views", type=int, default=2, help="how often each nodule is pointed at")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    segmenter = Segmenter(find_pack(options.model)) if options.model else shipped()
    ways: dict[str, Way] = {"network": by_network(segmenter), "density": by_density}
    parts = split_cubes(read_cubes(options.data))
    rows: list[dict[str, str | float]] = []
    for part in options.parts:
        for cube in parts[part]:
            rng = np.random.default_rng(0)
            center = np.argwhere(cube.mask).mean(axis=0)[::-1]
            for _ in range(options.views):
                where = center + rng.normal(0, 0.5 + 0.08 * cube.diameter_mm, 3)
                told = cube.diameter_mm * float(np.exp(rng.normal(0, 0.25)))
                for name, way in ways.items():
                    found = np.zeros(cube.mask.shape, np.bool_)
                    mask = way(as_volume(cube), where.tolist(), told)
                    if mask is not None:
                        mask.put(found)
                    dice, ratio, leak = scores(found, cube.mask)
                    kind = composition(cube.hu.astype(np.float32), found, np.eye(4)).type if found.any() else "none"
                    rows.append(
                        {
                            "part": part, "name": cube.name, "diameter_mm": round(cube.diameter_mm, 2),
                            "reader_type": cube.type, "way": name, "dice": round(dice, 4),
                            "volume_ratio": round(ratio, 4), "leak": round(leak, 4), "type": kind,
                        }
                    )  # fmt: skip
    for part in options.parts:
        for name in ways:
            print(part, name, summary([row for row in rows if row["part"] == part and row["way"] == name]))
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def summary(rows: Sequence[dict[str, str | float]]) -> str:
    """Put the scores into one line."""
    dice = np.array([float(row["dice"]) for row in rows])
    ratio = np.array([float(row["volume_ratio"]) for row in rows])
    leak = np.array([float(row["leak"]) for row in rows])
    size = np.array([float(row["diameter_mm"]) for row in rows])
    by_size = ", ".join(
        f"{low:g} to {high:g} mm {dice[(size >= low) & (size < high)].mean():.3f}"
        for low, high in ((0, 8), (8, 15), (15, 40))
        if ((size >= low) & (size < high)).any()
    )
    return (
        f"Dice mean {dice.mean():.3f}, median {np.median(dice):.3f}, tenth percentile {np.percentile(dice, 10):.3f}; "
        f"volume error, median {100 * np.median(np.abs(ratio - 1)):.1f} %, ratio, median {np.median(ratio):.2f}; "
        f"leak, mean {100 * leak.mean():.1f} %, over a tenth in {(leak > 0.1).sum()} of {len(rows)}; Dice {by_size}"
    )


if __name__ == "__main__":
    main()
