"""What the shipped detector finds is the same before and after, and what is made of it refers to what was written."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from napari_lesion import pipeline
from napari_lesion.deidentification.files import uids
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import Options, options_of
from napari_lesion.deidentification.run import deidentify
from napari_lesion.detection.registry import load_detector
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.findings import Analysis
from napari_lesion.report.write import write_reports

SAMPLES = Path(__file__).resolve().parents[2] / "sample_dicoms"
KEY = Key(bytes(range(32)))
BASIC = options_of((), ())
MOST = options_of(("dates-shifted", "device", "patient-characteristics", "safe-private"), ("descriptors",))


def slab(source: Path, middle_mm: float, half_mm: float, target: Path) -> Path:
    """Copy the slices around a height (LPS mm)."""
    target.mkdir()
    for path in sorted(source.rglob("*.dcm")):
        place = dcmread(path, stop_before_pixels=True).ImagePositionPatient
        if abs(float(place[2]) - middle_mm) <= half_mm:
            shutil.copy(path, target)
    return target


def searched(folder: Path) -> tuple[Series, Analysis]:
    """Search the largest volume of a folder with the model that the program comes with, on the processor."""
    series = max((one for one in find_series(folder) if one.kind == "volume"), key=lambda one: len(one.frames))
    volume = read_series(series)
    found = pipeline.analyse(volume, detector=load_detector(), threshold=0.0, measure=False, device="cpu")
    return series, found


def check(folder: Path, out: Path, options: Options) -> None:
    """Nothing of what the detector sees or says differs by a single bit: it gets the same numbers, by the same way."""
    assert deidentify([folder], out, options, KEY).count("written") == len(list(folder.rglob("*.dcm")))
    (_, before), (source, after) = searched(folder), searched(out)
    assert np.array_equal(before.volume.voxels, after.volume.voxels)
    assert np.array_equal(before.volume.affine, after.volume.affine)
    assert before.volume.series.series_uid != after.volume.series.series_uid
    assert len(before.candidates) == len(after.candidates) > 0
    assert after.candidates == before.candidates
    assert np.array_equal(before.heatmap.values, after.heatmap.values)
    for was, now in zip(before.report.findings, after.report.findings, strict=True):
        assert (now.center_mm, now.diameter_mm, now.score, now.number) == (
            was.center_mm, was.diameter_mm, was.score, was.number
        )  # fmt: skip
    report = after.report.model_copy(update={"findings": after.report.findings[:3]})
    measured = pipeline.assess(report, after.volume)
    results = out.parent / "results"
    written = write_reports(measured, results, ("sr", "seg"), volume=after.volume, source=source)
    assert not written.problems
    scans = [dcmread(path, stop_before_pixels=True) for path in out.rglob("*.dcm")]
    known = {str(one.SOPInstanceUID) for one in scans}
    old = {uid for path in folder.rglob("*.dcm") for uid in uids(dcmread(path, stop_before_pixels=True))}
    for path in results.glob("*.dcm"):
        made = dcmread(path)
        named = set(uids(made))
        assert named & known, path.name
        assert {uid for uid in named & old if not uid.startswith("1.2.840.10008.")} == set()
        assert made.StudyInstanceUID == scans[0].StudyInstanceUID
        assert made.PatientID == scans[0].PatientID


def test_on_a_phantom_nothing_differs_by_a_bit(tmp_path: Path) -> None:
    with (SAMPLES / "truth.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    [series] = find_series(SAMPLES / "baseline")
    nodule = max(
        (row for row in rows if row["seriesuid"] == series.identity.series_uid),
        key=lambda row: float(row["diameter_mm"]),
    )
    check(slab(SAMPLES / "baseline", float(nodule["coordZ"]), 10.0, tmp_path / "in"), tmp_path / "out", BASIC)


@pytest.mark.real_data
def test_on_a_real_scan_nothing_differs_by_a_bit(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "ct" / "cptac-C3N-00247"
    heights = sorted(
        float(one.ImagePositionPatient[2])
        for one in (dcmread(path, stop_before_pixels=True) for path in source.rglob("*.dcm"))
    )
    check(slab(source, heights[len(heights) // 2], 40.0, tmp_path / "in"), tmp_path / "out", MOST)
