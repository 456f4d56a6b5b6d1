"""Rulers, angles, regions, arrows and pins in structured reports and key images: as drawn, for any program."""

from __future__ import annotations

import json
import math
from pathlib import Path

import dicom_factory as factory
import highdicom as hd
import numpy as np
import pydicom
import pytest
from dicom_findings import SCANS, Case, case_of
from dicom_programs import problems, run

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.content import parse
from napari_lesion.dicom_objects.key_images import save_key_images
from napari_lesion.dicom_objects.structured_report import save_sr
from napari_lesion.dicom_objects.structured_report_reader import findings_from_sr, report_from_sr
from napari_lesion.model.drawn import Drawing, Slab
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import Volume
from napari_lesion.review import drawing as steps
from napari_lesion.review.review import NO_MODEL, Provenance, Review

READER = Provenance("Grün, Åsa", "2026-02-03T09:15:00.250+00:00")


def drawn_on(volume: Volume, report: Report) -> Report:
    """One drawing with each tool, some on an acquired image, some on none."""
    review = Review(report)
    axes = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    through, down, across = axes.T
    centre = volume.to_patient(np.rint(volume.to_index(factory.MARKS[0].center_mm)))

    def add(tool: str, points: list[np.ndarray], normal: np.ndarray, **more: object) -> None:
        nonlocal review
        review = steps.draw(review, tool, points, normal, READER, volume, **more)

    def ends(a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
        return [centre - a, centre + a, centre - b, centre + b]

    add("ruler", [centre - 4 * across, centre + 5 * across], through)
    add("angle", [centre + 6 * across, centre, centre + 5 * down], through)
    add("ellipse", ends(3 * across, 5 * down), through)
    a, b = 4 * across, 6 * down
    add("rectangle", [centre - a - b, centre + a - b, centre + a + b, centre - a + b], through)
    add("arrow", [centre, centre + 8 * across + 6 * down], through, text="Narbe, älter")
    add("pin", [centre], through)
    add("ruler", [centre, centre + 7 * through], down)
    add("ellipse", ends(3 * across, 5 * through), down)
    add("rectangle", [centre, centre + a, centre + a + 4 * through, centre + 4 * through], down)
    add("pin", [centre], through, slab=Slab(projection="max", slices=3))
    return review.report


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    made = case_of("axial", tmp_path_factory.mktemp("drawn"))
    return Case(made.volume, made.source, drawn_on(made.volume, made.report))


def same(one: Drawing, other: Drawing) -> None:
    values = ("values", "points_mm", "normal")
    assert one.model_dump(exclude=set(values)) == other.model_dump(exclude=set(values))
    # Coordinates are single floats in DICOM.
    np.testing.assert_allclose(one.points_mm, other.points_mm, atol=1e-3)
    np.testing.assert_allclose(one.normal, other.normal, atol=1e-4)
    for name, value in one.values.model_dump().items():
        expected = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
        assert getattr(other.values, name) == expected, name


@pytest.mark.parametrize("name", SCANS)
def test_what_was_drawn_comes_back_on_every_kind_of_scan(name: str, tmp_path: Path) -> None:
    made = case_of(name, tmp_path / "scan")
    report = drawn_on(made.volume, made.report)
    on_images = [one.on_image for one in report.drawings]
    # Tilted planes were made upright, and the slice of the mark is the one that is missing.
    assert any(on_images) is (name not in ("tilted gantry", "a slice is missing"))
    path = tmp_path / "sr.dcm"
    save_sr(report, made.volume, path, source=made.source)
    read, notes = report_from_sr(path, made.volume)
    assert not [note for note in notes if "segmentation" not in note]
    assert len(read.drawings) == len(report.drawings) == 10
    for one, other in zip(report.drawings, read.drawings, strict=True):
        same(one, other)
    assert len(read.findings) == len(report.findings)
    assert {one.id for one in findings_from_sr(path, made.volume)[0]} == {one.id for one in report.findings}


def test_validators_and_highdicom_read_planar_rois_with_their_numbers(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "sr.dcm"
    save_sr(case.report, case.volume, path, source=case.source)
    document = hd.sr.srread(path)
    groups = document.content.get_planar_roi_measurement_groups()
    drawn = {one.name: one for one in case.report.drawings}
    regions = {str(group.tracking_identifier): group for group in groups if str(group.tracking_identifier) in drawn}
    assert set(regions) == {"M3", "M4", "M8", "M9"}
    for name, group in regions.items():
        values = drawn[name].values
        [area] = group.get_measurements(name=concepts.AREA)
        assert (float(area.value), area.unit.value) == (pytest.approx(values.area), "mm2")
        found = {
            str(one.derivation.value): float(one.value) for one in group.get_measurements(name=concepts.ATTENUATION)
        }
        assert found[concepts.MEAN.value] == pytest.approx(values.mean)
        assert found[concepts.SD.value] == pytest.approx(values.sd)
        assert (found[concepts.LOWEST.value], found[concepts.HIGHEST.value]) == (values.lowest, values.highest)
    others = document.content.get_image_measurement_groups()
    lengths = [one for group in others for one in group.get_measurements(name=concepts.LENGTH)]
    assert sorted(round(float(one.value), 6) for one in lengths) == [7, 9]
    [angle] = [one for group in others for one in group.get_measurements(name=concepts.ANGLE)]
    assert (float(angle.value), angle.unit.value) == (pytest.approx(90), "deg")
    assert problems(path) == []


def test_a_line_lies_on_its_pixels_of_its_image(case: Case, tmp_path: Path) -> None:
    """By the headers of the image alone: pixel coordinates and pixel spacing give the length back."""
    path = tmp_path / "sr.dcm"
    save_sr(case.report, case.volume, path, source=case.source)
    items = list(parse(pydicom.dcmread(path)).all())
    by_uid = {str(ds.SOPInstanceUID): ds for ds in factory.ct_slices(factory.asymmetric_phantom(), "axial")}
    for item in items:
        if item.kind == "NUM" and item.name == concepts.LENGTH:
            for line in (child for child in item.all() if child.kind == "SCOORD"):
                uid, _ = next(line.of_kind("IMAGE")).image
                down, across = (float(one) for one in by_uid[uid].PixelSpacing)
                (x0, y0), (x1, y1) = line.points
                assert math.hypot((x1 - x0) * across, (y1 - y0) * down) == pytest.approx(item.value, abs=1e-3)
                origin = np.array([float(one) for one in by_uid[uid].ImagePositionPatient])
                cosines = np.array([float(one) for one in by_uid[uid].ImageOrientationPatient]).reshape(2, 3)
                place = origin + cosines[0] * (x0 - 0.5) * across + cosines[1] * (y0 - 0.5) * down
                np.testing.assert_allclose(place, case.report.drawings[0].points_mm[0], atol=1e-2)
                return
    pytest.fail("no length is inferred from a line on an image")


def test_dcmqi_finds_the_measurement_groups(case: Case, tmp_path: Path) -> None:
    path, found = tmp_path / "sr.dcm", tmp_path / "groups.json"
    save_sr(case.report, case.volume, path, source=case.source)
    status, said = run("tid1500reader", "--inputDICOM", path, "--outputMetadata", found)
    assert status == 0, said
    names = {group.get("TrackingIdentifier") for group in json.loads(found.read_text())["Measurements"]}
    assert {one.name for one in case.report.drawings if one.tool in ("ellipse", "rectangle")} <= names


def test_a_report_of_drawings_alone_says_that_nobody_searched(case: Case, tmp_path: Path) -> None:
    report = case.report.model_copy(update={"findings": (), "model": NO_MODEL, "judgement": None})
    path = tmp_path / "sr.dcm"
    save_sr(report, case.volume, path, source=case.source)
    read, _ = report_from_sr(path, case.volume)
    assert read.findings == ()
    assert len(read.drawings) == 10
    said = [item.words for item in parse(pydicom.dcmread(path)).all() if item.name == concepts.COMMENT]
    assert "No model searched, and no reader marked a finding." in said


def test_key_images_list_the_images_that_were_measured_on(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "ko.dcm"
    report = case.report.model_copy(update={"findings": ()})
    save_key_images(report, case.volume, path, source=case.source)
    content = parse(pydicom.dcmread(path))
    images = {item.image[0] for item in content.all() if item.kind == "IMAGE"}
    assert images == {one.sop_instance_uid for one in report.drawings}
    [words] = [item.words for item in content.all() if item.kind == "TEXT"]
    assert "M1" in words
    assert "M7 (nearest image)" in words
