"""Truth out of readings: what at least three of four readers outlined; everything else is excluded.

The rules are those of LUNA16: readings closer than the sum of their radii are of one nodule; its place and its diameter
are the means of theirs.

References
----------
Setio et al., "Validation, comparison, and combination of algorithms for automatic detection of pulmonary nodules in
computed tomography images: The LUNA16 challenge", Med. Image Anal. 42 (2017).
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_lesion.lidc.readings import Placed, Planes, ScanReadings, place, same_nodule
from napari_lesion.support.atomic import whole_file

AT_LEAST = 3
SMALLEST_MM = 3.0
FOLDS = 10
ANNOTATIONS, EXCLUDED, PATIENTS = "annotations.csv", "annotations_excluded.csv", "patients.csv"
_POINT_MM = 3.0
"""Two points closer than this are marks of the same thing."""


@dataclass(frozen=True)
class LidcNodule:
    """What readers marked at one place.

    Attributes
    ----------
    center_mm : (x, y, z)
        LPS, the mean of the readers'.
    diameter_mm : float
        Mean of the readers'; −1 where nobody outlined it, as LUNA16 writes it.
    readers : int
        How many outlined it, as a nodule of 3 mm and more.
    texture : float
        Median of their ratings, 1 (ground glass) to 5 (solid); NaN where nobody rated it.
    """

    center_mm: tuple[float, float, float]
    diameter_mm: float
    readers: int
    texture: float = math.nan


@dataclass(frozen=True)
class ScanTruth:
    """The truth of one scan."""

    series_uid: str
    patient_id: str
    nodules: tuple[LidcNodule, ...] = field(repr=False)
    excluded: tuple[LidcNodule, ...] = field(repr=False)


def truth_of(readings: ScanReadings, planes: Planes, patient_id: str = "") -> ScanTruth:
    """Make the truth of a scan.

    Raises
    ------
    GeometryError
        If an image that a reader outlined on is missing.
    """
    placed = [place(reading, planes) for reading in readings.readings]
    outlined = [one for one in placed if one.reading.kind == "nodule"]
    found = [_nodule(group) for group in same_nodule(outlined)]
    nodules = [one for one in found if one.readers >= AT_LEAST and one.diameter_mm >= SMALLEST_MM]
    excluded = [one for one in found if one not in nodules]
    for one in placed:  # points: only where nothing has been marked yet
        near = (
            float(np.linalg.norm(np.subtract(one.center_mm, other.center_mm))) < max(_POINT_MM, other.diameter_mm / 2)
            for other in (*nodules, *excluded)
        )
        if one.reading.kind != "nodule" and not any(near):
            excluded.append(LidcNodule(one.center_mm, -1.0, 0))
    patient = readings.patient_id or patient_id
    return ScanTruth(
        readings.series_uid, patient, tuple(sorted(nodules, key=_order)), tuple(sorted(excluded, key=_order))
    )


def _nodule(group: Sequence[Placed]) -> LidcNodule:
    x, y, z = map(float, np.mean([one.center_mm for one in group], axis=0))
    textures = [one.reading.ratings["texture"] for one in group if "texture" in one.reading.ratings]
    texture = float(np.median(textures)) if textures else math.nan
    return LidcNodule((x, y, z), float(np.mean([one.diameter_mm for one in group])), len(group), texture)


def _order(nodule: LidcNodule) -> tuple[float, ...]:
    return nodule.center_mm


def fold_of(patient: str, folds: int = FOLDS) -> int:
    """Which of the folds a patient belongs to: the same in every run, whatever other patients there are."""
    return int.from_bytes(hashlib.sha256(patient.encode()).digest()[:8], "big") % folds


def write_truth(scans: Iterable[ScanTruth], folder: Path) -> tuple[int, int]:
    """Write ``annotations.csv``, ``annotations_excluded.csv`` and ``patients.csv`` (with each patient's fold).

    Returns
    -------
    tuple
        Nodules, and excluded places.
    """
    scans = sorted(scans, key=lambda scan: (scan.patient_id, scan.series_uid))
    counts = []
    for name, part in ((ANNOTATIONS, "nodules"), (EXCLUDED, "excluded")):
        rows = [
            [
                scan.series_uid,
                *(f"{n:.4f}" for n in one.center_mm),
                f"{one.diameter_mm:.4f}",
                one.readers,
                _short(one.texture),
            ]
            for scan in scans
            for one in getattr(scan, part)
        ]
        _write(folder / name, ["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm", "readers", "texture"], rows)
        counts.append(len(rows))
    _write(
        folder / PATIENTS,
        ["seriesuid", "patient", "fold"],
        [[scan.series_uid, scan.patient_id, fold_of(scan.patient_id)] for scan in scans],
    )
    return counts[0], counts[1]


def _short(value: float) -> str:
    return "" if math.isnan(value) else f"{value:g}"


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with whole_file(path) as new, new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
