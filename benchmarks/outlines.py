"""How well findings are outlined: against LIDC's readers on nodules of held-out patients.

    python benchmarks/outlines.py --config configs/nodule-seg.yaml [--part test] [--model ID] [--csv outlines.csv]

The configuration names the store of nodules (docs/training.md), and lungs of patients whom no network has learned from.
The product outlines each nodule in up to three surroundings:

cubes  cubes of 51 mm in their true surroundings, outlined by one reader
own    crops at the spacing of their scans, with the consensus of the readers; above and below stand their own slices
       without the nodule, where nothing is judged
lung   the same nodules at the same spacing in another lung

Each nodule is pointed at as a detector would: the centre is off by a normal error of 0.5 mm and 8 % of the diameter
along each axis, the diameter by 25 % (standard deviations). Leak is the share of the outline that lies more than 2 mm
outside the readers' mask: vessel, pleura or lung that came along.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.assessment.measure import segment
from napari_lesion.assessment.measure.composition import composition
from napari_lesion.assessment.measure.diameters import axes
from napari_lesion.assessment.measure.grow import grow
from napari_lesion.assessment.measure.nodule_seg import Segmenter, shipped
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.models.packages import find_package
from napari_lesion.support.errors import AnnotationError, LesionError
from napari_lesion.training.config.segmenter import read_segment_config
from napari_lesion.training.data.background import Background, make_background
from napari_lesion.training.data.lidc import Crop, Store, read_store, split_store
from napari_lesion.training.data.scans import read_background
from napari_lesion.training.data.surroundings import WALL_SHARE, completed, in_lung_at_its_spacing

LEAK_MM = 2.0
HEIGHT_MM = 30.0
SPICULATED = 3
BANDS = ((0.0, 6.0), (6.0, 10.0), (10.0, 20.0), (20.0, 60.0))
Way = Callable[[Volume, Sequence[float], float], "Mask | None"]
Row = dict[str, str | float]


@dataclass(frozen=True)
class Case:
    """A nodule in surroundings, and the truth."""

    kind: str
    name: str
    type: str
    diameter_mm: float
    volume: Volume
    mask: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_] | None = None
    attached: bool = False
    spiculated: bool = False
    thickness_mm: float = 1.0


def as_volume(hu: npt.NDArray[np.generic], spacing: tuple[float, float, float], name: str) -> Volume:
    """Make voxels a scan of their own."""
    affine = np.zeros((4, 4))
    affine[[2, 1, 0], [0, 1, 2]] = spacing
    affine[3, 3] = 1
    certificate = GeometryCertificate(shape=hu.shape, spacing_mm=spacing, orientation="axial", axes="HPL")
    return Volume(np.rint(hu).astype(np.int16), affine, SeriesIdentity(series_uid=name), certificate)


def cases(store: Store, backgrounds: Sequence[Background], kinds: Sequence[str]) -> Iterator[Case]:
    """Put together what is to be outlined."""
    if "cubes" in kinds:
        for cube in store.cubes:
            volume = as_volume(cube.hu, (1.0, 1.0, 1.0), cube.name)
            yield Case("cubes", cube.name, cube.type, cube.diameter_mm, volume, cube.mask)
    rng = np.random.default_rng(0)
    for crop in store.crops:
        if "own" in kinds:
            hu, mask, known = completed(crop, HEIGHT_MM, rng)
            yield _case("own", crop, hu, mask, known)
        if "lung" in kinds and backgrounds:
            put = in_lung_at_its_spacing(crop, backgrounds[int(rng.integers(len(backgrounds)))], rng)
            if put is not None:
                yield _case("lung", crop, *put, None)


def _case(
    kind: str,
    crop: Crop,
    hu: npt.NDArray[np.float32],
    mask: npt.NDArray[np.bool_],
    known: npt.NDArray[np.bool_] | None,
) -> Case:
    return Case(
        kind,
        crop.name,
        crop.type,
        crop.mask_diameter_mm,
        as_volume(hu, crop.spacing_mm, crop.name),
        mask,
        known,
        crop.wall_share > WALL_SHARE,
        crop.ratings["spiculation"] >= SPICULATED,
        crop.spacing_mm[0],
    )


def by_network(segmenter: Segmenter) -> Way:
    """Outline as the product does."""

    def outline(volume: Volume, center: Sequence[float], diameter: float) -> Mask | None:
        (result,) = segment.segment_all(volume, [(center, diameter)], segmenter=segmenter)
        return None if isinstance(result, LesionError) else result.mask

    return outline


def by_density(volume: Volume, center: Sequence[float], diameter: float) -> Mask | None:
    """Outline by thresholds alone, within twice the diameter."""
    try:
        return grow(volume, center, max_diameter_mm=float(np.clip(2 * diameter, diameter + 6, 40)))
    except AnnotationError:
        return None


def scores(case: Case, found: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Dice, volume and long axis over those of the mask, and the share of the outline that leaked."""
    truth = case.mask
    if case.known is not None:
        found = found & case.known
    away = ndimage.distance_transform_edt(~truth, sampling=case.volume.spacing) > LEAK_MM
    row = {
        "dice": 2 * (found & truth).sum() / (found.sum() + truth.sum()),
        "volume_ratio": found.sum() / truth.sum(),
        "leak": (found & away).sum() / max(int(found.sum()), 1),
        "long_mm": axes(truth, case.volume.affine).long.length_mm,
        "found_long_mm": axes(found, case.volume.affine).long.length_mm if found.any() else 0.0,
    }
    return {name: round(float(value), 4) for name, value in row.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=["validation", "test"])
    parser.add_argument("--kinds", nargs="+", default=["cubes", "own", "lung"], choices=["cubes", "own", "lung"])
    parser.add_argument("--model", help="segmenter: folder or id; by default the one that is shipped")
    parser.add_argument("--threshold", type=float, help="of the network, instead of its own")
    parser.add_argument("--edge", type=float, help="instead of the product's")
    parser.add_argument("--views", type=int, default=1, help="how often each nodule is pointed at")
    parser.add_argument("--density", action="store_true", help="outlines by density alone, too")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    segmenter = Segmenter(find_package(options.model)) if options.model else shipped()
    if options.threshold:
        segmenter.threshold = float(np.log(options.threshold / (1 - options.threshold)))
    if options.edge is not None:
        segment.EDGE = options.edge
    ways: dict[str, Way] = {"network": by_network(segmenter)}
    if options.density:
        ways["density"] = by_density
    rng = np.random.default_rng(0)
    config = read_segment_config(options.config)
    lungs = {"validation": config.validation_backgrounds, "test": config.held_out_backgrounds}[options.part]
    backgrounds = [
        make_background(read_background(part), part.lesions, part.path.name, rng)
        for part in lungs
        if "lung" in options.kinds
    ]
    rows: list[Row] = []
    store = split_store(read_store(config.nodules, patches=False))[options.part]
    for case in cases(store, backgrounds, options.kinds):
        rows += outlined(case, ways, options.views)
    for way in ways:
        print_table([row for row in rows if row["way"] == way], way)
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def outlined(case: Case, ways: dict[str, Way], views: int) -> Iterator[Row]:
    """Outline a nodule in every way, pointed at with the same errors."""
    rng = np.random.default_rng(0)
    center = case.volume.to_patient(np.argwhere(case.mask).mean(axis=0))
    for _ in range(views):
        where = np.asarray(center) + rng.normal(0, 0.5 + 0.08 * case.diameter_mm, 3)
        told = case.diameter_mm * float(np.exp(rng.normal(0, 0.25)))
        for way, outline in ways.items():
            found = np.zeros(case.mask.shape, np.bool_)
            mask = outline(case.volume, where.tolist(), told)
            if mask is not None:
                mask.put(found)
            hu = np.asarray(case.volume.voxels, np.float32)
            yield {
                "kind": case.kind, "name": case.name, "type": case.type, "attached": case.attached,
                "spiculated": case.spiculated, "thickness_mm": case.thickness_mm,
                "diameter_mm": round(case.diameter_mm, 2), "way": way, **scores(case, found),
                "found_type": composition(hu, found, case.volume.affine).type if found.any() else "none",
            }  # fmt: skip


def print_table(rows: Sequence[Row], way: str) -> None:
    """Print a table by surroundings, size and type."""
    print(f"\n{way}\n")
    print("| nodules | n | Dice, mean | tenth percentile | volume error, median | volume ratio, median | leak |")
    print("|---|---|---|---|---|---|---|")
    for kind in ("cubes", "own", "lung"):
        mine = [row for row in rows if row["kind"] == kind]
        groups = {"all": mine}
        for low, high in BANDS:
            groups[f"{low:g} to {high:g} mm"] = [row for row in mine if low <= float(row["diameter_mm"]) < high]
        for name in ("solid", "part-solid", "ground-glass"):
            groups[name] = [row for row in mine if row["type"] == name]
        groups["on pleura or vessels"] = [row for row in mine if row["attached"]]
        groups["slices of 2 mm and more"] = [row for row in mine if float(row["thickness_mm"]) >= 2]
        for name, group in groups.items():
            if group:
                print(f"| {kind}, {name} | {summary(group)} |")
        if marked := [row for row in mine if row["spiculated"]]:
            ratio = np.array([float(row["found_long_mm"]) / float(row["long_mm"]) for row in marked])
            print(
                f"\nLong axis of {len(marked)} spiculated ones, to that of the mask: median {np.median(ratio):.2f}, "
                f"from {np.percentile(ratio, 10):.2f} to {np.percentile(ratio, 90):.2f} (80 %)\n"
            )


def summary(rows: Sequence[Row]) -> str:
    """Put the scores into cells."""
    dice, ratio, leak = (np.array([float(row[name]) for row in rows]) for name in ("dice", "volume_ratio", "leak"))
    return (
        f"{len(rows)} | {dice.mean():.3f} | {np.percentile(dice, 10):.3f} | "
        f"{100 * np.median(np.abs(ratio - 1)):.0f} % | {np.median(ratio):.2f} | {100 * leak.mean():.1f} %"
    )


if __name__ == "__main__":
    main()
