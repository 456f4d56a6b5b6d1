"""How much the volume of a nodule differs from scan to scan though nothing has grown.

    python benchmarks/repeat.py [--patients 8] [--thickness 1.25 2.5] [--sizes 6 18] [--csv repeat.csv]

Synthetic patients with stable nodules of every type and site are scanned twice, each time in another place, breath and
noise. Each nodule is outlined and measured in both scans, pointed at with an error like a detector's. The spread is
that of one volume: the standard deviation of ln(V2 / V1), over the root of 2. "said" is the uncertainty that was
reported; "changed" the share of these stable nodules whose difference is more than 95 % of what was reported allows.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from napari_lesion.assessment.measure.grow import grow
from napari_lesion.assessment.measure.measure import measure
from napari_lesion.assessment.measure.segment import segment_all
from napari_lesion.model.volume import Volume
from napari_lesion.phantom.nodules import PhantomNodule, PlacedNodule
from napari_lesion.phantom.scan import Scanner, make_scan
from napari_lesion.support.errors import LesionError

KINDS = (
    ("solid", "smooth", "parenchyma"),
    ("solid", "lobulated", "pleura"),
    ("solid", "spiculated", "vessel"),
    ("part-solid", "lobulated", "parenchyma"),
    ("part-solid", "smooth", "parenchyma"),
    ("ground-glass", "lobulated", "parenchyma"),
    ("ground-glass", "smooth", "vessel"),
)
CENTRE_MM, SIZE_SPREAD = 1.0, 0.15
"""A detector's error."""


def scans(seed: int, thickness: float, sizes: tuple[float, float]) -> Iterator[tuple[Volume, tuple[PlacedNodule, ...]]]:
    """Scan a patient twice."""
    rng = np.random.default_rng(seed)
    nodules = [
        PhantomNodule(float(np.exp(rng.uniform(*np.log(sizes)))), texture, margin, site, seed=100 * seed + n)
        for n, (texture, margin, site) in enumerate(KINDS)
    ]
    for visit in (0, 1):
        yield make_scan(
            seed,
            nodules,
            spacing=(thickness, 0.75, 0.75),
            field_mm=384.0,
            scanner=Scanner("soft", 15.0),
            scan_seed=2 * seed + visit,
        )


def pairs(seed: int, thickness: float, sizes: tuple[float, float]) -> Iterator[dict[str, Any]]:
    """Measure each nodule of a patient in both scans, in both ways."""
    found: list[list[dict[str, tuple[float, float]]]] = []
    truth: tuple[PlacedNodule, ...] = ()
    for visit, (volume, truth) in enumerate(scans(seed, thickness, sizes)):
        rng = np.random.default_rng([seed, visit])
        places = [
            (
                tuple(np.add(one.center_mm, rng.normal(0, CENTRE_MM, 3))),
                one.diameter_mm * float(np.exp(rng.normal(0, SIZE_SPREAD))),
            )
            for one in truth
        ]
        both: list[dict[str, tuple[float, float]]] = []
        for (center, _), outlined in zip(places, segment_all(volume, places), strict=True):
            here: dict[str, tuple[float, float]] = {}
            if not isinstance(outlined, LesionError):
                said = measure(volume, outlined.mask, method="", spread=outlined.spread_mm3)
                here["shipped"] = said.volume_mm3, said.volume_sd_mm3 or 0.0
            try:
                said = measure(volume, grow(volume, center), method="")
                here["density alone"] = said.volume_mm3, said.volume_sd_mm3 or 0.0
            except LesionError:
                pass
            both.append(here)
        found.append(both)
    for number, one in enumerate(truth):
        for way in ("shipped", "density alone"):
            first, second = (found[visit][number].get(way) for visit in (0, 1))
            if first is None or second is None:
                continue
            true = math.pi / 6 * one.diameter_mm**3
            log = math.log(second[0] / first[0])
            said = math.hypot(first[1] / first[0], second[1] / second[0])
            yield {
                "patient": seed,
                "slices_mm": thickness,
                "texture": one.nodule.texture,
                "site": one.nodule.site,
                "diameter_mm": round(one.diameter_mm, 2),
                "way": way,
                "log_ratio": round(log, 4),
                "said": round(said / math.sqrt(2), 4),
                "bias": round(math.log(first[0] / true), 4),
            }


def line(name: str, rows: list[dict[str, Any]]) -> str:
    """Give a row of the table."""
    logs = np.array([row["log_ratio"] for row in rows])
    said = np.array([row["said"] for row in rows])
    spread = math.sqrt(float(np.mean(logs**2)) / 2)
    robust = float(np.median(np.abs(logs))) / 0.6745 / math.sqrt(2)
    changed = np.mean(np.abs(logs) > 1.96 * said * math.sqrt(2))
    bias = float(np.median([row["bias"] for row in rows]))
    return (
        f"| {name} | {len(rows)} | {100 * spread:.0f} % | {100 * robust:.0f} % | {100 * said.mean():.0f} % | "
        f"{100 * changed:.0f} % | {100 * math.expm1(bias):+.0f} % |"
    )


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=8)
    parser.add_argument("--first", type=int, default=1000)
    parser.add_argument("--thickness", type=float, nargs="+", default=[1.25, 2.5])
    parser.add_argument("--sizes", type=float, nargs=2, default=[6.0, 18.0], help="smallest and largest diameter, mm")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seed in range(options.first, options.first + options.patients):
        rows += pairs(seed, options.thickness[seed % len(options.thickness)], tuple(options.sizes))
        print(f"patient {seed}: {len(rows)} rows", flush=True)
    print("| nodules | n | spread | spread, by the median | said | changed | bias, median |")
    print("|---|---|---|---|---|---|---|")
    for way in ("shipped", "density alone"):
        mine = [row for row in rows if row["way"] == way]
        for texture in ("solid", "part-solid", "ground-glass"):
            print(line(f"{texture}, {way}", [row for row in mine if row["texture"] == texture]))
        for thickness in options.thickness:
            print(line(f"{thickness:g} mm slices, {way}", [row for row in mine if row["slices_mm"] == thickness]))
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
