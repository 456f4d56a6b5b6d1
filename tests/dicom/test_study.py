"""Objects are made of scans whose headers say of the study what they should not."""

from __future__ import annotations

from pathlib import Path

import dicom_factory as factory
import numpy as np
import pydicom
import pytest
from dicom_findings import report_on
from pydicom.dataset import Dataset

from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom_objects.references import check_referable
from napari_lesion.dicom_objects.structured_report_reader import findings_from_sr
from napari_lesion.dicom_objects.study import person_name, study_of
from napari_lesion.model.findings import Heatmap, HistoryEntry
from napari_lesion.report.write import write_reports
from napari_lesion.support.errors import SeriesError

WRONG = [
    ("PatientBirthDate", "LO", "anonymized"),
    ("PatientBirthDate", "LO", "00/00/0000"),
    ("PatientBirthDate", "LO", "1960"),
    ("PatientBirthDate", "LO", "1960-02-29"),
    ("PatientBirthDate", "LO", "00000000"),
    ("PatientBirthDate", "DA", "19600230"),
    ("PatientSex", "LO", "FEMALE"),
    ("PatientAge", "LO", "45 years"),
    ("PatientWeight", "LO", "80kg"),
    ("PatientWeight", "LO", "nan"),
    ("PatientSize", "LO", "1,75"),
    ("PatientSize", "DS", "1.75\\1.8"),
    ("StudyTime", "LO", "10:15:30"),
    ("StudyTime", "LO", "253000"),
    ("StudyDate", "LO", "2.1.2024"),
    ("LossyImageCompressionRatio", "LO", "10:1"),
    ("LossyImageCompression", "LO", "YES"),
    ("PatientName", "PN", "a^b^c^d^e^f^g"),
    ("PatientName", "PN", "A=B=C=D"),
    ("PatientName", "PN", "x" * 70),
    ("ReferringPhysicianName", "PN", "Dr\x1b[2J"),
    ("PatientID", "LO", "1\n2"),
    ("PatientID", "UT", "i" * 65),
    ("AccessionNumber", "UT", "1234567890-1234567890"),
    ("StudyID", "UT", "s" * 4000),
    ("StudyDescription", "UT", "d" * 4000),
    ("Manufacturer", "UT", "m" * 4000),
    ("PositionReferenceIndicator", "LO", "a\\b"),
]


def scan_with(folder: Path, values: list[tuple[str, str, str]]) -> Series:
    """A scan that holds these values."""
    datasets = factory.ct_slices(factory.asymmetric_phantom(), "study")
    with pydicom.config.disable_value_validation():
        for ds in datasets:
            for keyword, vr, value in values:
                ds.add_new(keyword, vr, value.encode() if vr == "UN" else value)
        factory.write(datasets, folder)
    [series] = find_series(folder)
    return series


@pytest.fixture(scope="module")
def first() -> Dataset:
    return factory.ct_slices(factory.asymmetric_phantom(), "study")[0]


@pytest.mark.parametrize(("keyword", "vr", "value"), WRONG)
def test_a_wrong_value_is_left_empty_and_named(keyword, vr, value, first, tmp_path):
    with pydicom.config.disable_value_validation():
        first.add_new(keyword, vr, value)
        factory.write([first], tmp_path)
    del first[keyword]
    [series] = find_series(tmp_path)
    study, left_empty = study_of(series.identity, series)
    assert not study.get(keyword)
    (sentence,) = left_empty
    assert sentence.startswith(f"{keyword} (00")
    assert value not in sentence  # it may name the patient
    assert study.StudyInstanceUID == first.StudyInstanceUID


def test_what_is_right_is_taken_over_as_it_is(tmp_path):
    right = [
        ("PatientBirthDate", "DA", "19600229"),
        ("StudyTime", "TM", "101530.25"),
        ("PatientSex", "CS", "F"),
        ("PatientAge", "AS", "064Y"),
        ("PatientWeight", "DS", "80.5"),
        ("PatientName", "PN", "Müller^Åsa=胸^部"),
        ("StudyID", "SH", ""),
        ("LossyImageCompression", "CS", "01"),
        ("LossyImageCompressionRatio", "DS", "10.0\\2.5"),
    ]
    for number, (keyword, vr, value) in enumerate(right):
        series = scan_with(tmp_path / str(number), [("SpecificCharacterSet", "CS", "ISO_IR 192"), (keyword, vr, value)])
        study, left_empty = study_of(series.identity, series)
        assert left_empty == ()
        told = study.get(keyword)
        told = told if isinstance(told, str | pydicom.valuerep.PersonName) or told is None else np.atleast_1d(told)
        text = str(told) if isinstance(told, str | pydicom.valuerep.PersonName) else "\\".join(map(str, told))
        assert text == value


def test_all_objects_are_written_and_open_again_whatever_the_headers_say(tmp_path):
    values = list({keyword: one for one in WRONG for keyword in one[:1]}.values())
    series = scan_with(tmp_path / "scan", [*values, ("SeriesDescription", "UT", "Thorax\n" * 600)])
    volume = read_series(series)
    report = report_on(volume)
    action = HistoryEntry(time="2026-02-03T09:15:00+00:00", reader="欧阳" * 13 + "锋", what="accepted")
    long = report.findings[0].model_copy(update={"history": (action,), "comment": "ü\x1b" * 4000})
    report = report.model_copy(
        update={
            "findings": (long, *report.findings[1:]),
            "model": report.model.model_copy(update={"id": "m\\" * 200, "version": "v" * 100}),
        }
    )
    heatmap = Heatmap(np.full(volume.shape, 0.5, np.float32), volume.affine)
    written = write_reports(
        report,
        tmp_path,
        ("csv", "html", "pdf", "seg", "sr", "key-images", "heatmap"),
        volume=volume,
        source=series,
        heatmap=heatmap,
    )
    assert written.problems == {}
    assert written.absent == {}
    assert {note.split(" (")[0] for note in written.notes} == {keyword for keyword, _, _ in values}
    for name in ("segmentation", "structured_report", "key_images", "heatmap_segmentation"):
        made = pydicom.dcmread(tmp_path / f"{name}.dcm")
        assert made.StudyInstanceUID == volume.series.study_uid
        assert made.PatientBirthDate == made.PatientSex == made.PatientName == made.StudyTime == ""
    found, _ = findings_from_sr(tmp_path / "structured_report.dcm", volume)
    assert any(action.reader in [entry.reader for entry in one.history] for one in found)


def test_uids_that_are_none_are_refused_in_words_and_odd_ones_are_kept(tmp_path):
    volume = read_series(scan_with(tmp_path / "odd", [("StudyInstanceUID", "UI", "1.2.03.4")]))
    check_referable(volume)
    for name, uid in (("study_uid", "../../etc"), ("frame_of_reference_uid", "1." * 40), ("study_uid", "1.2\x1b")):
        wrong = volume.series.model_copy(update={name: uid})
        with pytest.raises(SeriesError, match="is no UID") as error:
            check_referable(type(volume)(**{**vars(volume), "series": wrong}))
        assert "\x1b" not in str(error.value)


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        ("Grün, Åsa", "Grün, Åsa^"),
        ("", "unknown^"),
        ("DOMAIN\\user", "DOMAIN/user^"),
        ("a^b^c^d^e^f^g", "a^b^c^d^e f g"),
        ("a=b=c=d", "a-b-c-d^"),
        ("欧阳" * 13 + "锋", "欧阳" * 13 + "锋^"),
        ("x" * 100, "x" * 63 + "^"),
        ("a\nb\x1b[2J", "a b\\x1b[2J^".replace("\\", "/")),
    ],
)
def test_any_reader_is_a_persons_name(reader, name):
    assert person_name(reader) == name
