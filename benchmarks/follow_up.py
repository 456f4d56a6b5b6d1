"""How exactly a scan and its prior are brought together, and whether others are refused.

    python benchmarks/follow_up.py CT_FOLDER... [--json follow_up.json]

Each series is deformed by a known field (``phantom.breath``: displacements up to 15 mm, 4° about each axis, a shift of
61 mm, another spacing, noise), the deformed scan is aligned with the original, and the error is measured at places
within its lungs. Then each series is aligned with the next one, another patient's, and with its own mirror image; these
must be refused.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_lesion.comparison.aligned import Aligned
from napari_lesion.comparison.register import align
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.imaging.preprocess import find_search_region
from napari_lesion.model.volume import FloatArray, Volume, apply_affine
from napari_lesion.phantom.breath import breathe

SPACINGS = ((2.0, 0.8, 0.8), (1.25, 0.7, 0.7))


def lungs_mm(volume: Volume, each: int = 37) -> FloatArray:
    """List places within the lungs, LPS mm."""
    region = find_search_region(volume)
    return apply_affine(region.affine, np.argwhere(region.lungs)[::each])


def errors(found: Aligned, truth: Aligned, places: FloatArray) -> dict[str, float]:
    """Measure how far off the true places the found ones lie, mm."""
    away = np.linalg.norm(found.to_prior(places) - truth.to_prior(places), axis=-1)
    return {"mean": float(away.mean()), "p95": float(np.percentile(away, 95))}


def deformed(name: str, volume: Volume, seed: int) -> dict[str, Any]:
    """Align one series with a deformed copy of itself."""
    scan, truth = breathe(volume, seed, spacing=SPACINGS[seed % len(SPACINGS)])
    wall, processor = time.perf_counter(), time.process_time()
    alignment, found = align(scan, volume)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    places = lungs_mm(scan)
    row: dict[str, Any] = {"series": name, "seed": seed, "accepted": alignment.accepted, "says": alignment.says}
    row |= {"dice": alignment.quality, "vessels": alignment.vessels, "seconds": wall, "processor_s": processor}
    if found is not None:
        shift = np.eye(4)
        shift[:3, 3] = found.to_prior(places).mean(axis=0) - places.mean(axis=0)
        still = np.zeros_like(found.displacement)
        row["shift"] = errors(replace(found, rigid=shift, displacement=still), truth, places)
        row["rigid"] = errors(replace(found, displacement=still), truth, places)
        row["deformed"] = errors(found, truth, places)
        row["back_mm"] = float(np.linalg.norm(found.to_current(found.to_prior(places)) - places, axis=-1).max())
    return row


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    scans = {folder.name: read_series(find_series(folder)[0]) for folder in arguments.folders}
    rows, refusals = [], []
    for name, volume in scans.items():
        for seed in range(arguments.seeds):
            rows.append(deformed(name, volume, seed))
            print(json.dumps(rows[-1]), flush=True)
    names = list(scans)
    for n, name in enumerate(names):
        mirrored = replace(scans[name], voxels=np.ascontiguousarray(scans[name].voxels[:, :, ::-1]))
        others = [("its mirror image", mirrored)]
        if len(names) > 1:
            following = names[(n + 1) % len(names)]
            others.append((following, scans[following]))
        for other, prior in others:
            alignment, _ = align(scans[name], prior)
            refusals.append({"series": name, "prior": other, **alignment.model_dump()})
            print(json.dumps(refusals[-1]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"deformed": rows, "others": refusals}, indent=1))


if __name__ == "__main__":
    main()
