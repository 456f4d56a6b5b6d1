"""The ten kinds of action that the MIDI-B challenge counted, on made studies: every one has to be right."""

from __future__ import annotations

from collections import Counter

import dicom_factory as factory
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from napari_lesion.deidentification import burned_in, text_search
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import options_of
from napari_lesion.deidentification.run import deidentify

KEY = Key(bytes(range(32)))
PATIENTS = (("Smith^Mary Ann", "MRN10001"), ("O'Brien^Pat", "4711-22"), ("Müller^Jörg", "HH 900 17"))
KEPT = (
    "Modality",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImagePositionPatient",
    "KVP",
    "ConvolutionKernel",
    "Manufacturer",
)
EMPTIED = ("PatientBirthDate", "AccessionNumber", "ReferringPhysicianName")
REMOVED = (
    "InstitutionName",
    "InstitutionAddress",
    "OperatorsName",
    "PatientAddress",
    "DeviceSerialNumber",
    "OtherPatientIDs",
)
REFERENCES = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
KINDS = (
    *("text_notnull", "text_removed", "text_retained", "tag_retained", "date_shifted"),
    *("uid_changed", "uid_consistent", "patid_consistent", "pixels_hidden", "pixels_retained"),
)


def _made(number: int, name: str, patient_id: str) -> list[Dataset]:
    images = factory.ct_slices(factory.asymmetric_phantom(), f"actions {number}")[:4]
    for k, one in enumerate(images):
        one.PatientName, one.PatientID, one.BurnedInAnnotation = name, patient_id, "NO"
        one.StudyInstanceUID = factory.uid("actions", number)
        one.FrameOfReferenceUID = factory.uid("actions frame", number)
        one.StudyDescription = f"CT chest with contrast {name.split('^')[0]} {patient_id}"
        one.SeriesDescription = f"axial lung, seen by Dr Zhivago on 03/04/2024 ({name.split('^')[0]})"
        one.InstitutionName, one.InstitutionAddress = "Mercy Hospital", "12 Long Road, Springfield"
        one.OperatorsName, one.PatientAddress = "Zhivago^Yuri", "1 Short Road"
        one.ReferringPhysicianName, one.OtherPatientIDs = "House^Greg", f"X{patient_id}"
        one.private_block(0x0011, "SITE", create=True).add_new(1, "LO", f"{name} {patient_id}")
        if k == 3:
            one.BurnedInAnnotation = "YES"
            values = one.pixel_array.copy()
            values[2:6, 2:20] = values.max()
            one.PixelData = values.tobytes()
    return images


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Counter[tuple[str, bool]]:
    """How many actions of each kind were right and wrong."""
    folder = tmp_path_factory.mktemp("actions")
    for number, (name, patient_id) in enumerate(PATIENTS):
        factory.write(_made(number, name, patient_id), folder / "in" / str(number))

    def bright(frame: np.ndarray, windows: object, **_: bool) -> list[burned_in.Box]:
        box = frame[2:6, 2:20]
        return [(2, 6, 2, 20)] if box.min() == box.max() == frame.max() else []

    with pytest.MonkeyPatch.context() as patch:  # what the OCR finds is another test's
        patch.setattr(burned_in, "is_available", lambda: True)
        patch.setattr(text_search, "text_in", bright)
        options = options_of(["dates-shifted"], ["descriptors", "pixels"])
        outcome = deidentify([folder / "in"], folder / "out", options, KEY)
    counted: Counter[tuple[str, bool]] = Counter()
    uids: dict[str, set[str]] = {}
    patients: dict[str, set[str]] = {}
    days = set()
    for file in outcome.files:
        before, after = dcmread(file.source), dcmread(folder / "out" / file.written)
        for keyword in KEPT:
            counted["tag_retained", after[keyword].value == before[keyword].value] += 1
        for keyword in EMPTIED:
            counted["text_removed", not after[keyword].value] += 1
        for keyword in REMOVED:
            counted["text_removed", keyword not in after] += 1
        told = f"{after.StudyDescription} {after.SeriesDescription}".lower()
        for word in ("smith", "brien", "müller", "zhivago", "mrn10001", "4711-22", "900", "03/04/2024"):
            counted["text_removed", word not in told] += 1
        for word in ("ct", "chest", "with", "contrast", "axial", "lung"):
            counted["text_retained", word in told] += 1
        for keyword in ("PatientName", "PatientID", "StudyDescription", "StudyDate"):
            counted["text_notnull", bool(after[keyword].value)] += 1
        for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
            counted["date_shifted", after[keyword].value not in (before[keyword].value, "")] += 1
        days.add((before.PatientID, before.StudyDate, after.StudyDate))
        for keyword in REFERENCES:
            counted["uid_changed", after[keyword].value != before[keyword].value] += 1
            uids.setdefault(before[keyword].value, set()).add(after[keyword].value)
        patients.setdefault(before.PatientID, set()).add(after.PatientID)
        was, now = before.pixel_array, after.pixel_array
        if file.what == "masked":
            counted["pixels_hidden", bool((now[2:6, 2:20] == was.min()).all())] += 1
            now[2:6, 2:20] = was[2:6, 2:20]
        counted["pixels_retained", np.array_equal(was, now)] += 1
    for new in uids.values():
        counted["uid_consistent", len(new) == 1] += 1
    for new in patients.values():
        counted["patid_consistent", len(new) == 1] += 1
    counted["patid_consistent", len(set.union(*patients.values())) == len(PATIENTS)] += 1
    counted["date_shifted", len(days) == len(PATIENTS)] += 1
    return counted


@pytest.mark.parametrize("kind", KINDS)
def test_every_action_of_a_kind_is_right(right: Counter[tuple[str, bool]], kind: str) -> None:
    assert right[kind, True] > 0
    assert right[kind, False] == 0
