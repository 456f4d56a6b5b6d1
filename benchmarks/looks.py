"""How well the look of nodules is estimated: against LIDC's readers, on nodules of held-out patients.

    python benchmarks/looks.py --data FOLDER [--part test] [--model ID] [--csv looks.csv]

FOLDER holds the store of nodules (docs/training.md). *crops* are whole nodules, looked at as the product does (with the
consensus mask), against the most frequent reading; *patches* single slices with one reader's outline, against that
reader. The yardstick are the readers themselves: pairs of them who marked the same nodule (of any patient: nothing is
learned from them here), one taken as the truth for the other. Kappa is weighted by squares for ratings of 1 to 5,
unweighted for types and signs; AUC takes the rating, or the probability, as the score.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from napari_lesion.assessment.measure.composition import Composition, composition
from napari_lesion.assessment.measure.looks import PART_SOLID, in_words
from napari_lesion.assessment.measure.nodule_looks import Looker, Probabilities, shipped
from napari_lesion.model.measured import Looks
from napari_lesion.models.packages import find_package
from napari_lesion.training.data.lidc import Crop, read_store, split_store
from napari_lesion.training.data.looks import Rated, of_crop, of_patch
from napari_lesion.training.data.nodules import type_of

NEAR_MM = 6.0
"""Two readers marked the same nodule where the middles of their outlines are this near."""
SIGNS = {
    "spiculated": ("spiculation", 3, 5),
    "lobulated": ("lobulation", 3, 5),
    "ill_defined": ("margin", 1, 2),
    "calcified": ("calcification", 1, 5),
    "suspicious": ("malignancy", 4, 5),
}
"""Which ratings, from and to, make a sign."""
SCALES = ("texture", "spiculation", "lobulation", "margin", "malignancy")
BINS = 10
Ratings = list[dict[str, int]]


@dataclass(frozen=True)
class Estimates:
    """What the network says of some nodules, and what readers did."""

    probabilities: Sequence[Probabilities]
    looks: Sequence[Looks]
    ratings: Ratings


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", default="test", choices=["train", "validation", "test"])
    parser.add_argument("--model", help="folder or id; by default the one that is shipped")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    looker = Looker(find_package(options.model)) if options.model else shipped()
    part = split_store(read_store(options.data))[options.part]
    crops = estimates(looker, [of_crop(crop) for crop in part.crops], [dict(crop.ratings) for crop in part.crops])
    patches = [patch for patch in part.patches if patch.mask.any()]
    slices = estimates(looker, [of_patch(patch) for patch in patches], [dict(patch.ratings) for patch in patches])
    pairs = pairs_of_readers(options.data)
    print(f"{len(part.crops)} crops, {len(patches)} patches, {len(pairs)} pairs of readers\n")
    print_scales(crops, slices, pairs)
    print_signs(crops, slices, pairs)
    print_types(crops, slices, pairs, part.crops)
    print_calcium(crops, part.crops)
    if options.csv:
        save(options.csv, [crop.name for crop in part.crops], crops)


def estimates(looker: Looker, nodules: Sequence[Rated], ratings: Ratings) -> Estimates:
    """Ask the network, a hundred nodules at a time."""
    found: list[Probabilities] = []
    for start in range(0, len(nodules), 100):
        found += looker([one.slices for one in nodules[start : start + 100]])
    return Estimates(found, [in_words(one, "") for one in found], ratings)


def pairs_of_readers(folder: Path) -> list[tuple[dict[str, int], dict[str, int]]]:
    """Find pairs of readers who marked the same nodule, and what they said; each pair both ways."""
    with (folder / "lidc_axial2d.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    by_series: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_series.setdefault(row["series_uid"], []).append(row)
    pairs = []
    for several in by_series.values():
        for one, other in itertools.combinations(several, 2):
            if one["reader"] == other["reader"]:
                continue
            pixel = float(one["pixel_mm"])
            apart = [
                float(one["z"]) - float(other["z"]),
                (float(one["row0"]) - float(other["row0"])) * pixel,
                (float(one["col0"]) - float(other["col0"])) * pixel,
            ]
            if np.linalg.norm(apart) < NEAR_MM:
                both = [_said(row) for row in (one, other)]
                pairs += [(both[0], both[1]), (both[1], both[0])]
    return pairs


def _said(row: dict[str, str]) -> dict[str, int]:
    names = {*SCALES, "calcification"}
    return {name: round(float(row[name])) for name in names if row[name]}


def print_scales(crops: Estimates, slices: Estimates, pairs: Sequence[tuple[dict[str, int], dict[str, int]]]) -> None:
    """Agreement on the ratings of 1 to 5."""
    print("| rating | kappa, crops | kappa, patches | readers among each other | off by one at most | readers |")
    print("|---|---|---|---|---|---|")
    for name in SCALES:
        cells = []
        for some in (crops, slices):
            truth = [one[name] for one in some.ratings]
            # Of the ratings, the middle one of the distribution: it errs least.
            found = [int(np.searchsorted(np.cumsum(p[name]), 0.5) + 1) for p in some.probabilities]
            cells.append((kappa(truth, found), near(truth, found)))
        both = [(a[name], b[name]) for a, b in pairs if name in a and name in b]
        truth, other = [a for a, _ in both], [b for _, b in both]
        print(
            f"| {name} | {cells[0][0]:.2f} | {cells[1][0]:.2f} | {kappa(truth, other):.2f} | "
            f"{100 * cells[1][1]:.0f} % | {100 * near(truth, other):.0f} % |"
        )
    print()


def kappa(truth: Sequence[int], found: Sequence[int]) -> float:
    """Weigh by squares."""
    return float(cohen_kappa_score(truth, found, weights="quadratic", labels=[1, 2, 3, 4, 5]))


def near(truth: Sequence[int], found: Sequence[int]) -> float:
    """Share of ratings that differ by one at most."""
    return float((np.abs(np.subtract(truth, found)) <= 1).mean())


def print_signs(crops: Estimates, slices: Estimates, pairs: Sequence[tuple[dict[str, int], dict[str, int]]]) -> None:
    """AUC, kappa and calibration of the signs."""
    print(
        "| sign | crops with it | AUC, crops | AUC, patches | AUC, a reader | kappa, crops | kappa, patches "
        "| kappa, readers | sensitivity / specificity, crops | calibration error, patches |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for sign, (name, low, high) in SIGNS.items():
        cells = []
        for some in (crops, slices):
            truth = np.array([low <= one[name] <= high for one in some.ratings])
            said = [getattr(looks, sign) for looks in some.looks]
            found = np.array([one.value for one in said])
            chance = np.array([one.certainty if one.value else 1 - one.certainty for one in said])
            cells.append((truth, found, chance))
        both = [(a[name], b[name]) for a, b in pairs if name in a and name in b]
        first = np.array([low <= a <= high for a, _ in both])
        second = np.array([low <= b <= high for _, b in both])
        score = np.array([b if low > 1 else -b for _, b in both])
        truth, found, chance = cells[0]
        t2, f2, c2 = cells[1]
        print(
            f"| {sign} | {truth.sum()} of {len(truth)} | {auc(truth, chance)} | {auc(t2, c2)} | {auc(first, score)} | "
            f"{cohen_kappa_score(truth, found):.2f} | {cohen_kappa_score(t2, f2):.2f} | "
            f"{cohen_kappa_score(first, second):.2f} | {100 * found[truth].mean():.0f} / "
            f"{100 * (~found[~truth]).mean():.0f} % | "
            f"{calibration_error(t2, c2):.3f} |"
        )
    print()


def auc(truth: npt.NDArray[np.bool_], score: npt.NDArray[np.generic]) -> str:
    """Give the area under the curve, where both classes are there."""
    return f"{roc_auc_score(truth, score):.3f}" if 0 < truth.sum() < len(truth) else "–"


def calibration_error(truth: npt.NDArray[np.bool_], chance: npt.NDArray[np.float64]) -> float:
    """Mean difference of the probability and the share that is so, in ten bins."""
    number = np.minimum((chance * BINS).astype(int), BINS - 1)
    parts = [number == n for n in range(BINS)]
    return float(sum(abs(truth[p].mean() - chance[p].mean()) * p.mean() for p in parts if p.any()))


def print_types(
    crops: Estimates,
    slices: Estimates,
    pairs: Sequence[tuple[dict[str, int], dict[str, int]]],
    whole: Sequence[Crop],
) -> None:
    """Types: estimated, by density, and among readers."""
    kinds = ("solid", "part-solid", "ground-glass")
    words = {"non-solid": "ground-glass", "unknown": "unknown"}
    by_density = [
        composition(crop.hu.astype(np.float32), crop.mask, np.diag([*crop.spacing_mm, 1.0])).type for crop in whole
    ]
    rows = {
        "crops, estimated": ([type_of(r["texture"]) for r in crops.ratings], [_kept(one) for one in crops.looks]),
        "crops, by density": ([type_of(r["texture"]) for r in crops.ratings], by_density),
        "patches, estimated": ([type_of(r["texture"]) for r in slices.ratings], [_kept(one) for one in slices.looks]),
        "readers": ([type_of(a["texture"]) for a, _ in pairs], [type_of(b["texture"]) for _, b in pairs]),
    }
    print("| types | kappa | " + " | ".join(f"{kind} found" for kind in kinds) + " | called part-solid and so |")
    print("|---|---|---|---|---|---|")
    for name, (truth, found) in rows.items():
        said = [words.get(one, one) for one in found]
        shares = []
        for kind in kinds:
            mine = [s for t, s in zip(truth, said, strict=True) if t == kind]
            shares.append(f"{sum(s == kind for s in mine)} of {len(mine)}")
        called = [t for t, s in zip(truth, said, strict=True) if s == "part-solid"]
        print(
            f"| {name} | {cohen_kappa_score(truth, said):.2f} | {' | '.join(shares)} | "
            f"{called.count('part-solid')} of {len(called)} |"
        )
    print()


def _kept(one: Looks) -> str:
    """Give the type that is told: part-solid where it is kept possible."""
    return "part-solid" if one.part_solid >= PART_SOLID else one.type


def density(crop: Crop) -> Composition:
    """Tell what a crop is made of by its HU alone."""
    return composition(crop.hu.astype(np.float32), crop.mask, np.diag([*crop.spacing_mm, 1.0]))


def print_calcium(crops: Estimates, whole: Sequence[Crop]) -> None:
    """Calcification: estimated and by density; and whether what is calcified is called suspicious."""
    truth = np.array([one["calcification"] < 6 for one in crops.ratings])
    by_density = [
        composition(crop.hu.astype(np.float32), crop.mask, np.diag([*crop.spacing_mm, 1.0])) for crop in whole
    ]
    share = np.array([one.calcified_fraction for one in by_density])
    found = np.array([one.calcification != "none" for one in by_density])
    chance = np.array([p["calcification"][1] for p in crops.probabilities])
    said = np.array([one.calcified.value for one in crops.looks])
    print("| calcified crops | AUC | sensitivity | specificity | kappa |")
    print("|---|---|---|---|---|")
    for name, score, yes in (("estimated", chance, said), ("by density", share, found)):
        print(
            f"| {name} | {auc(truth, score)} | {100 * yes[truth].mean():.0f} % | {100 * (~yes[~truth]).mean():.0f} % | "
            f"{cohen_kappa_score(truth, yes):.2f} |"
        )
    suspicious = np.array([one.suspicious.value for one in crops.looks])
    rated = np.array([one["malignancy"] >= 4 for one in crops.ratings])
    print(
        f"\nOf {truth.sum()} calcified crops {suspicious[truth].sum()} are called suspicious (readers: "
        f"{rated[truth].sum()}); of {(~truth).sum()} others {suspicious[~truth].sum()} "
        f"(readers: {rated[~truth].sum()}).\n"
    )


def save(path: Path, names: Sequence[str], crops: Estimates) -> None:
    """Write what was said of each crop."""
    rows = []
    for name, looks, said in zip(names, crops.looks, crops.ratings, strict=True):
        signs = {sign: getattr(looks, sign) for sign in SIGNS}
        rows.append(
            {
                "name": name,
                "type": looks.type,
                "solid": looks.solid,
                "part_solid": looks.part_solid,
                "non_solid": looks.non_solid,
                **{sign: one.certainty if one.value else round(1 - one.certainty, 3) for sign, one in signs.items()},
                "suspicion": looks.suspicion,
                **{f"rated_{rating}": said[rating] for rating in (*SCALES, "calcification")},
            }
        )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
