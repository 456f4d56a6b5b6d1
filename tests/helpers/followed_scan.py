"""Reports of the synthetic patient's two visits, with the truth as their findings, for tests of comparisons."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.findings import Finding, ModelReference, Report, box_around
from napari_lesion.model.volume import Volume

SAMPLES = Path(__file__).resolve().parents[2] / "sample_dicoms"


@cache
def visit(name: str) -> Volume:
    """The sample series ``baseline`` or ``followup``; nobody may change its voxels."""
    volume = read_series(find_series(SAMPLES / name)[0])
    volume.voxels.flags.writeable = False
    return volume


def truth(volume: Volume) -> dict[str, Finding]:
    """The nodules of a visit as findings, by their name."""
    with (SAMPLES / "truth.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["seriesuid"] == volume.series.series_uid]
    return {
        row["nodule"]: a_finding(
            f"{row['nodule']} {volume.series.study_date}",
            (float(row["coordX"]), float(row["coordY"]), float(row["coordZ"])),
            float(row["diameter_mm"]),
        )
        for row in rows
    }


def a_finding(id_: str, center_mm: tuple[float, float, float], diameter_mm: float) -> Finding:
    return Finding(
        id=id_, center_mm=center_mm, diameter_mm=diameter_mm, box_mm=box_around(center_mm, diameter_mm), score=0.9
    )


def report_of(volume: Volume, findings: Sequence[Finding]) -> Report:
    return Report(
        series_uid=volume.series.series_uid,
        series=volume.series,
        findings=tuple(findings),
        certificate=volume.certificate,
        model=ModelReference(id="truth", version="1", sha256="", threshold=0.5),
        device="cpu",
        versions={},
        timings_s={},
        created="2026-11-24T12:00:00+00:00",
    )
