"""Findings as DICOM SR and SEG: valid, where they belong for other people's programs, and back as they were."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import dicom_factory as factory
import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_findings import SCANS, Case, case_of, same, without_place
from dicom_programs import problems, run
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian

from napari_lesion.dicom_objects.references import plane_of
from napari_lesion.dicom_objects.segmentation import save_seg
from napari_lesion.dicom_objects.structured_report import save_sr
from napari_lesion.dicom_objects.structured_report_file import REPORTS
from napari_lesion.dicom_objects.structured_report_reader import findings_from_sr, load_sr, report_from_sr
from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import SeriesError


@dataclass(frozen=True)
class Made:
    """A case, the folder of its scan, and the one with its report as SR and SEG."""

    case: Case
    ct: Path
    out: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Each of the `SCANS` with its report, saved once for all tests here."""

    @cache
    def make(name: str) -> Made:
        folder = tmp_path_factory.mktemp("case")
        case = case_of(name, folder / "ct")
        out = folder / "out"
        out.mkdir()
        segmentation = save_seg(case.report, case.volume, out / "seg.dcm", source=case.source)
        save_sr(case.report, case.volume, out / "sr.dcm", source=case.source, segmentation=segmentation)
        return Made(case, folder / "ct", out)

    return make


def test_made_again_it_is_the_same_object_and_after_a_change_another(
    made: Callable[[str], Made], tmp_path: Path
) -> None:
    """An archive that is sent a result twice has it once."""
    name = next(iter(SCANS))
    case, out = made(name).case, made(name).out
    again = case.report.model_copy(update={"created": "2030-01-01T00:00:00+00:00", "timings_s": {"total": 1.0}})
    changed = case.report.model_copy(update={"warnings": ("Something else.",)})

    def uids(report, name: str) -> list[str]:
        segmentation = save_seg(report, case.volume, tmp_path / f"{name}-seg.dcm", source=case.source)
        save_sr(report, case.volume, tmp_path / f"{name}.dcm", source=case.source, segmentation=segmentation)
        read = [pydicom.dcmread(tmp_path / f"{name}{kind}.dcm") for kind in ("", "-seg")]
        return [uid for one in read for uid in (one.SOPInstanceUID, one.SeriesInstanceUID)]

    first = [pydicom.dcmread(out / name) for name in ("sr.dcm", "seg.dcm")]
    before = [uid for one in first for uid in (one.SOPInstanceUID, one.SeriesInstanceUID)]
    assert uids(again, "again") == before
    assert not set(uids(changed, "changed")) & set(before)


@pytest.mark.parametrize("name", SCANS)
def test_validators_accept_it_and_it_comes_back_as_it_was(
    name: str, made: Callable[[str], Made], tmp_path: Path
) -> None:
    case, out = made(name).case, made(name).out
    assert problems(out / "sr.dcm") == []
    assert problems(out / "seg.dcm") == []
    report, notes = report_from_sr(out / "sr.dcm", case.volume)
    same(report, case.report)
    assert notes == ()
    assert report.model == case.report.model
    assert report.created == case.report.created
    assert report.warnings == case.report.warnings


def test_the_case_has_everything_that_a_finding_can_have(made: Callable[[str], Made]) -> None:
    """What is added to findings must be added to what is saved: the tests above compare all of it."""
    finding = made("axial").case.report.findings[1]
    assert finding.measurement is not None
    for part, bare in (
        (finding, {"frame", "unmeasured"}),
        (finding.measurement, {"frame"}),
        (finding.appearance, set()),
    ):
        unset = {name for name, value in part if value in (None, "", (), "unknown")}
        assert unset == bare


def test_what_a_network_estimates_is_marked_as_an_estimate(made: Callable[[str], Made]) -> None:
    content = pydicom.dcmread(made("axial").out / "sr.dcm")
    numbers = [item for item in _items(content) if item.get("ValueType") == "NUM"]
    estimates = [one for one in numbers if ", estimated" in one.ConceptNameCodeSequence[0].CodeMeaning]
    assert len(estimates) >= 9
    for one in estimates:
        derivations = [
            child.ConceptCodeSequence[0].CodeValue
            for child in one.ContentSequence
            if child.ConceptNameCodeSequence[0].CodeValue == "121401"
        ]
        assert derivations == ["414135002"]


def _items(dataset: pydicom.Dataset) -> Iterator[pydicom.Dataset]:
    for item in dataset.get("ContentSequence", ()):
        yield item
        yield from _items(item)


@pytest.mark.parametrize("name", SCANS)
def test_another_program_sees_each_mask_on_its_mark(name: str, made: Callable[[str], Made], tmp_path: Path) -> None:
    """dcmqi reads the segmentation and the report: what is left for it is left for us."""
    case, out = made(name).case, made(name).out
    run("segimage2itkimage", "--inputDICOM", out / "seg.dcm", "--outputDirectory", tmp_path, "--outputType", "nrrd")
    described = json.loads((tmp_path / "meta.json").read_text())["segmentAttributes"]
    by_id = {f.lesion_uid: (f, mark) for f, mark in zip(case.report.findings[1:3], factory.MARKS[:2], strict=True)}
    segments = [segment for group in described for segment in group]
    assert {segment["TrackingUniqueIdentifier"] for segment in segments} == set(by_id)
    for number, segment in enumerate(segments, start=1):
        finding, mark = by_id[segment["TrackingUniqueIdentifier"]]
        image = sitk.ReadImage(str(tmp_path / f"{number}.nrrd"))
        voxels = np.argwhere(sitk.GetArrayFromImage(image))
        places = np.array([image.TransformIndexToPhysicalPoint(index[::-1].tolist()) for index in voxels])
        assert finding.mask is not None
        assert len(voxels) == finding.mask.count
        assert np.linalg.norm(places - mark.center_mm, axis=1).max() <= factory.MARK_RADIUS_MM + 1e-3
        assert np.abs(places.mean(axis=0) - mark.center_mm).max() < 1.0

    run("tid1500reader", "--inputDICOM", out / "sr.dcm", "--outputMetadata", tmp_path / "sr.json")
    groups = json.loads((tmp_path / "sr.json").read_text())["Measurements"]
    left = next(group for group in groups if group["TrackingUniqueIdentifier"] == case.report.findings[1].tracking_uid)
    assert left["Laterality"]["CodeMeaning"] == "Left"
    numbers = {
        (n["quantity"]["CodeMeaning"], n.get("derivationModifier", {}).get("CodeMeaning")): n
        for n in left["measurementItems"]
    }
    assert float(numbers["Volume", None]["value"]) == 512.25
    assert numbers["Volume", None]["units"]["CodeValue"] == "mm3"
    assert float(numbers["Attenuation Coefficient", "Mean"]["value"]) == -12.3


@pytest.mark.parametrize("name", ["axial", "feet first, JPEG-LS", "oblique", "multiframe, shuffled"])
def test_what_is_drawn_on_an_image_is_drawn_on_the_mark(name: str, made: Callable[[str], Made], tmp_path: Path) -> None:
    """The pixel of the source file at the middle of a circle, or of an axis, holds the mark's HU."""
    out = made(name).out
    files = {ds.SOPInstanceUID: ds for ds in map(pydicom.dcmread, sorted(made(name).ct.iterdir()))}
    seen = []
    for item in everything(pydicom.dcmread(out / "sr.dcm")):
        if item.get("ValueType") != "SCOORD":
            continue
        reference = item.ContentSequence[0].ReferencedSOPSequence[0]
        image = files[reference.ReferencedSOPInstanceUID]
        pixels = image.pixel_array
        if "ReferencedFrameNumber" in reference:
            pixels = pixels[reference.ReferencedFrameNumber - 1]
        points = np.reshape(item.GraphicData, (-1, 2))
        middle = points[0] if item.GraphicType == "CIRCLE" else points[:2].mean(axis=0)
        column, row = np.floor(middle).astype(int)
        seen.append(int(pixels[row, column]) + intercept(image))
    left, _, head, right = (mark.hu for mark in factory.MARKS)
    assert sorted(seen) == sorted([left, left, head, right])


def intercept(image: pydicom.Dataset) -> int:
    if "RescaleIntercept" in image:
        return int(image.RescaleIntercept)
    shared = image.SharedFunctionalGroupsSequence[0]
    group = shared if "PixelValueTransformationSequence" in shared else image.PerFrameFunctionalGroupsSequence[0]
    return int(group.PixelValueTransformationSequence[0].RescaleIntercept)


def everything(item: pydicom.Dataset):
    for child in item.get("ContentSequence", []):
        yield child
        yield from everything(child)


def test_a_fresh_process_reads_the_same_findings(made: Callable[[str], Made], tmp_path: Path) -> None:
    case, out = made("axial").case, made("axial").out
    code = (
        "import sys; from napari_lesion.dicom.index.series import find_series; "
        "from napari_lesion.dicom.read.reader import read_series; "
        "from napari_lesion.dicom_objects.structured_report_reader import report_from_sr; "
        "print(report_from_sr(sys.argv[2], read_series(find_series(sys.argv[1])[0]))[0].model_dump_json())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, made("axial").ct, out / "sr.dcm"], capture_output=True, text=True, check=True
    )
    same(type(case.report).model_validate_json(done.stdout), case.report)


def test_highdicom_reads_it(made: Callable[[str], Made], tmp_path: Path) -> None:
    case, out = made("axial").case, made("axial").out
    document = hd.sr.srread(out / "sr.dcm")
    left = case.report.findings[1]
    [group] = document.content.get_volumetric_roi_measurement_groups(tracking_uid=left.tracking_uid)
    [volume] = group.get_measurements(name=hd.sr.CodedConcept("118565006", "SCT", "Volume"))[:1]
    assert volume.value == 512.25
    segmentation = hd.seg.segread(out / "seg.dcm")
    number = group.referenced_segment.referenced_segment_numbers[0]
    assert segmentation.get_segment_description(number).tracking_uid == left.tracking_uid
    grid = segmentation.get_volume(segment_numbers=[number], combine_segments=True)
    places = grid.map_indices_to_reference(np.argwhere(grid.array))
    assert np.linalg.norm(places - left.center_mm, axis=1).max() <= factory.MARK_RADIUS_MM + 1e-3
    [planar] = document.content.get_planar_roi_measurement_groups(tracking_uid=case.report.findings[0].lesion_uid)
    assert planar.roi.graphic_type.value == "ELLIPSE", "pixels of the phantom are not square"


def test_other_viewers_are_told_what_was_rejected_and_that_it_is_research(
    made: Callable[[str], Made], tmp_path: Path
) -> None:
    out = made("axial").out
    _, shown = run("dsrdump", "+Pl", out / "sr.dcm")
    assert RESEARCH_USE in shown
    rejected = shown[shown.index("Rejected: F4") :]
    assert '"Non-lesion"' in rejected[:400]
    assert "VERIFIED" in shown
    assert "PRELIMINARY" in shown
    labels = [segment.SegmentLabel for segment in pydicom.dcmread(out / "seg.dcm").SegmentSequence]
    assert labels == ["F2, left upper zone", "F3"]


def test_a_report_without_findings_is_one(made: Callable[[str], Made], tmp_path: Path) -> None:
    case = made("axial").case
    save_sr(case.report.model_copy(update={"findings": ()}), case.volume, tmp_path / "sr.dcm")
    assert problems(tmp_path / "sr.dcm") == []
    assert findings_from_sr(tmp_path / "sr.dcm", case.volume) == ((), ())
    _, shown = run("dsrdump", "+Pl", tmp_path / "sr.dcm")
    assert "reported no finding" in shown


def test_it_is_filed_with_its_scan(made: Callable[[str], Made], tmp_path: Path) -> None:
    out = made("axial").out
    image = pydicom.dcmread(next(made("axial").ct.iterdir()))
    for file in ("sr.dcm", "seg.dcm"):
        made = pydicom.dcmread(out / file)
        for keyword in ("StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "StudyTime", "StudyID"):
            assert made.get(keyword) == image.get(keyword), keyword
        assert made.SeriesInstanceUID != image.SeriesInstanceUID


def test_a_report_of_another_scan_is_refused(made: Callable[[str], Made], tmp_path: Path) -> None:
    case, out = made("axial").case, made("axial").out
    sibling = made("oblique").case.volume
    _, notes = findings_from_sr(out / "sr.dcm", sibling)
    assert [note for note in notes if "share one frame of reference" in note], "the phantom lies still between scans"
    elsewhere = sibling.series.model_copy(update={"frame_of_reference_uid": "1.2.3"})
    with pytest.raises(SeriesError, match="does not belong to this scan"):
        findings_from_sr(out / "sr.dcm", replace(sibling, series=elsewhere))
    stranger = sibling.series.model_copy(update={"patient_id": "Kanarienvogel"})
    with pytest.raises(SeriesError, match="names another patient id") as refused:
        findings_from_sr(out / "sr.dcm", replace(sibling, series=stranger))
    ids = (stranger.patient_id, case.volume.series.patient_id)
    assert not [one for one in ids if one in str(refused.value)], "it is shown where names are hidden, too"
    with pytest.raises(SeriesError, match="no structured report"):
        load_sr(out / "seg.dcm")
    with pytest.raises(SeriesError, match="instead"):
        save_sr(case.report, without_place(case.volume), tmp_path / "no.dcm")


def test_outlines_are_missed_with_a_note(made: Callable[[str], Made], tmp_path: Path) -> None:
    case, out = made("axial").case, made("axial").out
    shutil.copy(out / "sr.dcm", tmp_path)
    findings, notes = findings_from_sr(tmp_path / "sr.dcm", case.volume)
    assert len(findings) == 4
    assert all(finding.mask is None for finding in findings)
    assert [note for note in notes if "not in its folder" in note]


def test_outlines_are_found_in_the_next_series_of_a_fetched_study(made: Callable[[str], Made], tmp_path: Path) -> None:
    """Studies from archives have a folder for each series, named by its UID."""
    case, out = made("axial").case, made("axial").out
    for name, series in (("sr.dcm", "2.25.1"), ("seg.dcm", "2.25.2")):
        (tmp_path / series).mkdir()
        shutil.copy(out / name, tmp_path / series / name)
    findings, notes = findings_from_sr(tmp_path / "2.25.1" / "sr.dcm", case.volume)
    assert [finding.id for finding in findings if finding.mask is not None]
    assert not [note for note in notes if "not in its folder" in note]


def test_damage_is_told_and_what_is_whole_comes_back(made: Callable[[str], Made], tmp_path: Path) -> None:
    case, out = made("axial").case, made("axial").out
    dataset = pydicom.dcmread(out / "sr.dcm")
    center = next(item for item in everything(dataset) if item.get("ValueType") == "SCOORD3D")
    del center.GraphicData
    dataset.save_as(tmp_path / "sr.dcm")
    shutil.copy(out / "seg.dcm", tmp_path)
    findings, notes = findings_from_sr(tmp_path / "sr.dcm", case.volume)
    assert len(findings) == 3
    assert [note for note in notes if "F1" in note and "damaged and was left out" in note]
    whole = (out / "sr.dcm").read_bytes()
    for end in (100, 3000, len(whole) // 2, len(whole) - 10):
        (tmp_path / "torn.dcm").write_bytes(whole[:end])
        with pytest.raises(SeriesError, match="torn"):
            load_sr(tmp_path / "torn.dcm")


def test_a_report_by_another_program_shows_what_was_measured_where(made: Callable[[str], Made], tmp_path: Path) -> None:
    case = made("oblique").case
    mark = factory.MARKS[0]
    instance = case.volume.nearest_instance(mark.center_mm)
    assert instance is not None
    plane = plane_of(case.volume, instance)
    middle = plane.to_pixels([mark.center_mm])[0]
    ring = middle + 4 * np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]])
    images = [pydicom.dcmread(file) for file in sorted(made("oblique").ct.iterdir())]
    image = next(ds for ds in images if ds.SOPInstanceUID == instance.sop_instance_uid)
    group = hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid="1.2.3.4", identifier="Lesion A"),
        referenced_region=hd.sr.ImageRegion("POLYLINE", ring, hd.sr.SourceImageForRegion.from_source_image(image)),
        finding_type=hd.sr.CodedConcept("108369006", "SCT", "Neoplasm"),
        measurements=[
            hd.sr.Measurement(
                name=hd.sr.CodedConcept("103339001", "SCT", "Long Axis"),
                value=1.4,
                unit=hd.sr.CodedConcept("cm", "UCUM", "cm"),
            )
        ],
    )
    nowhere = hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid="1.2.3.5", identifier="Patient as a whole"),
    )
    observer = hd.sr.ObserverContext(
        observer_type=hd.sr.CodedConcept("121006", "DCM", "Person"),
        observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes(name="Doe^Jane"),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_person_context=observer),
        procedure_reported=hd.sr.CodedConcept("25045-6", "LN", "CT unspecified body region"),
        imaging_measurements=[group, nowhere],
    )
    hd.sr.Comprehensive3DSR(
        images, content[0], "1.2.3.6", 1, "1.2.3.7", 1, "Other", specific_character_set="ISO_IR 192"
    ).save_as(tmp_path / "sr.dcm")
    [finding], notes = findings_from_sr(tmp_path / "sr.dcm", case.volume)
    on_plane = np.array(mark.center_mm) - plane.depth_mm([mark.center_mm]) * np.array(instance.normal)
    np.testing.assert_allclose(finding.center_mm, on_plane, atol=1e-3)
    assert finding.diameter_mm == 14.0
    assert (finding.tracking_uid, finding.status) == ("1.2.3.4", "added")
    assert "Lesion A; Neoplasm; Long Axis 1.4 cm" in finding.comment
    assert "Doe^Jane" in finding.unmeasured
    assert [note for note in notes if "Patient as a whole" in note and "left out" in note]


@pytest.mark.real_data
def test_dcmqis_report_is_read_with_its_segment(real_data: Path) -> None:
    """The scan itself is not there; the report and its segmentation are."""
    report = load_sr(real_data / "edge-cases" / "dcmqi" / "sr-example" / "sr.dcm")
    [group] = report.groups
    assert (group.tracking_id, group.segment, group.ours) == ("primary tumor", 1, False)
    assert report.made_by == "User2"
    assert report.refers.series_uids == ("1.3.6.1.4.1.14519.5.2.1.2744.7002.261560220703676715130542397405",)


def browser_report(volume: Volume, folder: Path, *, value: float | None, evidence: bool) -> Path:
    """A length and an arrow as browser viewers write them."""

    def item(kind: str, name: Code | None = None, relation: str = "CONTAINS", **values: object) -> Dataset:
        made = Dataset()
        made.ValueType, made.RelationshipType = kind, relation
        if name is not None:
            coded = Dataset()
            coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = name[:3]
            made.ConceptNameCodeSequence = [coded]
        for keyword, one in values.items():
            setattr(made, keyword, one)
        return made

    def number(points: list[float], kind: str) -> Dataset:
        image = Dataset()
        image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        image.ReferencedSOPInstanceUID = volume.instances[4].sop_instance_uid
        shown = item("IMAGE", relation="SELECTED FROM", ReferencedSOPSequence=[image])
        drawn = item("SCOORD", relation="INFERRED FROM", GraphicType=kind, GraphicData=points, ContentSequence=[shown])
        measured, unit = Dataset(), Dataset()
        unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "mm", "UCUM", "millimeter"
        measured.MeasurementUnitsCodeSequence = [unit]
        if value is not None:
            measured.NumericValue = str(value)
        name = Code("410668003", "SCT", "Length")
        return item("NUM", name, MeasuredValueSequence=[measured], ContentSequence=[drawn])

    group = Code("125007", "DCM", "Measurement Group")
    groups = [
        item("CONTAINER", group, ContentSequence=[number([4.5, 6.5, 8.5, 6.5], "POLYLINE")]),
        item("CONTAINER", group, ContentSequence=[number([5.5, 5.5], "POINT")]),
    ]
    report = item("CONTAINER", Code("126000", "DCM", "Imaging Measurement Report"))
    report.ContentSequence = [item("CONTAINER", Code("126010", "DCM", "Imaging Measurements"), ContentSequence=groups)]
    report.SOPClassUID, report.SOPInstanceUID, report.Modality = REPORTS[1], "1.2.3.4", "SR"
    report.PatientID = volume.series.patient_id
    if evidence:
        image, series, study = Dataset(), Dataset(), Dataset()
        image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        image.ReferencedSOPInstanceUID = volume.instances[4].sop_instance_uid
        series.SeriesInstanceUID, series.ReferencedSOPSequence = volume.series.series_uid, [image]
        study.ReferencedSeriesSequence = [series]
        report.CurrentRequestedProcedureEvidenceSequence = [study]
    report.file_meta = FileMetaDataset()
    report.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    report.save_as(folder / "browser.dcm", enforce_file_format=True)
    return folder / "browser.dcm"


@pytest.mark.parametrize("evidence", [True, False])
def test_what_was_drawn_counts_where_a_measurement_has_no_value(
    evidence: bool, made: Callable[[str], Made], tmp_path: Path
) -> None:
    volume = made("axial").case.volume
    path = browser_report(volume, tmp_path, value=None, evidence=evidence)
    (finding,), (note,) = findings_from_sr(path, volume)
    plane = plane_of(volume, volume.instances[4])
    ends = plane.to_mm([[4.5, 6.5], [8.5, 6.5]])
    assert finding.center_mm == pytest.approx(ends.mean(axis=0))
    assert finding.diameter_mm == pytest.approx(4 * plane.pitch[1])
    assert note == '"group 2" is a place without a size, and was left out.'


def test_a_report_that_is_nested_without_end_is_refused(made: Callable[[str], Made], tmp_path: Path) -> None:
    path = browser_report(made("axial").case.volume, tmp_path, value=3, evidence=True)
    report = pydicom.dcmread(path)
    for _ in range(200):
        outer = Dataset()
        outer.ValueType, outer.ContentSequence = "CONTAINER", report.ContentSequence
        report.ContentSequence = [outer]
    report.save_as(path)
    with pytest.raises(SeriesError, match="nested more than"):
        findings_from_sr(path, made("axial").case.volume)
