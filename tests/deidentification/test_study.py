"""A patient's two studies, with report, segmentation and key images: what stays true when they are de-identified."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import canary_case
import dicom_factory as factory
import numpy as np
import pytest
from dicom_programs import problems
from pydicom import dcmread
from pydicom.dataset import Dataset

from napari_lesion.deidentification.files import uids
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.run import Outcome, deidentify
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom_objects.segmentation_reader import masks_from_seg
from napari_lesion.dicom_objects.structured_report_reader import findings_from_sr

KEY = Key(bytes(range(32)))
#: Between the two studies.
INTERVAL_DAYS = 31
DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate")
Pair = tuple[Dataset, Dataset]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 29 February with SR, SEG and KOS, and a CT 31 days later; what readers would write stands in it."""
    folder = tmp_path_factory.mktemp("studies")
    canary_case.study(folder / "first")
    later = factory.ct_slices(factory.asymmetric_phantom(), "later")[:4]
    for one in later:
        one.StudyInstanceUID, one.BurnedInAnnotation = factory.uid("later study"), "NO"
        one.PatientName = one.PatientID = canary_case.PERSON
        one.PatientBirthDate = canary_case.BORN
        for keyword in DATES:
            setattr(one, keyword, "20240331")
        one.AcquisitionDateTime = "20240331235959.5+0200"
        one.StudyDescription = "CT chest of Canaryperson, MRN 4711, low dose"
        one.PatientAge, one.InstitutionName, one.StationName = "093Y", "St Elsewhere", "CT7"
        one.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x23, "DS", "39.37")
    factory.write(later, folder / "later")
    return folder


@pytest.fixture(scope="module")
def run(studies: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    """Both studies, with dates moved and descriptions cleaned."""
    out = tmp_path_factory.mktemp("run") / "out"
    retain = ("dates-shifted", "patient-characteristics", "device", "safe-private")
    outcome = deidentify([studies], out, options_of(retain, ("descriptors", "structured-content")), KEY)
    return outcome, out


@pytest.fixture(scope="module")
def pairs(run: tuple[Outcome, Path]) -> list[Pair]:
    """Each file before and after."""
    outcome, out = run
    assert {file.what for file in outcome.files} == {"written"}
    return [(dcmread(file.source), dcmread(out / file.written)) for file in outcome.files]


def test_every_reference_leads_where_it_led(pairs: list[Pair]) -> None:
    new = {str(before.SOPInstanceUID): str(after.SOPInstanceUID) for before, after in pairs}
    assert len(set(new.values())) == len(new)
    followed = 0
    for before, after in pairs:
        was = [uid for uid in uids(before) if uid in new]
        assert [uid for uid in uids(after) if uid in set(new.values())] == [new[uid] for uid in was]
        followed += len(was) - 1
    assert followed > 50


def test_intervals_are_exact_and_times_of_day_stay(pairs: list[Pair]) -> None:
    moved = {
        (_day(after[keyword].value) - _day(before[keyword].value)).days
        for before, after in pairs
        for keyword in DATES
        if keyword in before and keyword in after
    }
    assert len(moved) == 1
    [days] = moved
    assert -3653 <= days <= -366
    ours = [after for _, after in pairs if after.Modality == "CT"]
    assert len({after.StudyDate for after in ours}) == 2
    first, last = sorted({after.StudyDate for after in ours})
    assert (_day(last) - _day(first)).days == INTERVAL_DAYS
    assert {after.AcquisitionTime for after in ours} == {"101112"}
    [late] = {after.AcquisitionDateTime for after in ours if "AcquisitionDateTime" in after}
    assert late == f"{last}235959.5+0200"


def test_pixels_and_geometry_are_bit_by_bit_the_same(pairs: list[Pair]) -> None:
    kept = (
        *("Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
        *("RescaleSlope", "RescaleIntercept", "BitsStored", "PixelRepresentation", "PatientPosition", "InstanceNumber"),
        *("ImageType", "SharedFunctionalGroupsSequence", "NumberOfFrames"),
    )
    seen = 0
    for before, after in pairs:
        if "PixelData" not in before:
            continue
        seen += 1
        assert after.PixelData == before.PixelData
        assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
        for keyword in kept:
            if keyword in before and before[keyword].VR != "SQ":
                assert after[keyword].value == before[keyword].value, keyword
    assert seen > 20


def test_our_own_readers_find_the_same_in_report_and_segmentation(studies: Path, run: tuple[Outcome, Path]) -> None:
    _, out = run
    before, after = (_read(folder) for folder in (studies / "first", out))
    assert np.array_equal(before[0].voxels, after[0].voxels)
    assert np.allclose(before[0].affine, after[0].affine, atol=0)
    for was, now in zip(before[1], after[1], strict=True):
        assert now.center_mm == was.center_mm
        assert now.diameter_mm == was.diameter_mm
        assert now.score == was.score
        assert now.status == was.status
    assert len(before[2]) == len(after[2]) > 0
    for was, now in zip(before[2], after[2], strict=True):
        assert now.mask == was.mask


def test_it_says_what_was_done_and_keeps_what_was_asked_for(pairs: list[Pair]) -> None:
    for _, after in pairs:
        assert after.PatientIdentityRemoved == "YES"
        assert after.LongitudinalTemporalInformationModified == "MODIFIED"
        codes = [item.CodeValue for item in after.DeidentificationMethodCodeSequence]
        assert codes == ["113100", "113104", "113105", "113107", "113108", "113109", "113111"]
        assert {item.CodingSchemeDesignator for item in after.DeidentificationMethodCodeSequence} == {"DCM"}
        assert after.PatientName == after.PatientID != canary_case.PERSON
        assert after.PatientBirthDate in ("", None)
    late = next(after for _, after in pairs if "PatientAge" in after)
    assert late.PatientAge == "090Y"
    assert late.StudyDescription == "CT chest of [...] low dose"
    assert late.StationName == "CT7"
    assert "InstitutionName" not in late
    assert late[0x0019, 0x1023].value == 39.37


def test_the_same_key_gives_the_same_bytes_and_another_one_others(studies: Path, tmp_path: Path) -> None:
    for name, key in (("one", KEY), ("again", KEY), ("other", Key(bytes(32)))):
        deidentify([studies / "later"], tmp_path / name, options_of((), ()), key)
    one, again, other = (_digests(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again
    assert not set(one) & set(other)
    assert not set(one.values()) & set(other.values())


def test_dciodvfy_finds_nothing_new(run: tuple[Outcome, Path]) -> None:
    outcome, out = run
    looked_at = set()
    for file in outcome.files:
        before = problems(file.source)
        kind = dcmread(file.source, stop_before_pixels=True).SOPClassUID
        if kind in looked_at:
            continue
        looked_at.add(kind)
        assert [line for line in problems(out / file.written) if line not in before] == [], kind.name
    assert len(looked_at) == 4


def _read(folder: Path):
    series = [one for one in find_series(folder) if one.kind == "volume"]
    scan = max(series, key=lambda one: len(one.frames))
    volume = read_series(scan)
    by_kind = {dcmread(path, stop_before_pixels=True).Modality: path for path in folder.rglob("*.dcm")}
    findings, _ = findings_from_sr(by_kind["SR"], volume)
    masks, _ = masks_from_seg(by_kind["SEG"], volume)
    return volume, findings, masks


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.dcm")
    }


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
