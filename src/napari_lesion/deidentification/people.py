"""Whose files they are, and what is known of them: read from the headers before anything is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from napari_lesion.deidentification.files import elements
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.table import rule_of
from napari_lesion.deidentification.text import Identity
from napari_lesion.dicom.index.frames import Owner
from napari_lesion.dicom.index.interpret import plain_name
from napari_lesion.dicom.index.owners import by_owner

_PLACES = frozenset({0x00080080, 0x00080081, 0x00081040, 0x00081010})
_NUMBERS = frozenset(
    {
        *(0x00100020, 0x00101000, 0x00080050, 0x00200010, 0x00380010, 0x00380060, 0x00321064, 0x00401001, 0x00181000),
        *(0x00102154, 0x00101060, 0x00321032, 0x00402016, 0x00402017, 0x00100021, 0x00101090, 0x00120040, 0x00120020),
    }
)
_PLACE_OPTIONS = {0x00081010: "retain_device", 0x00181000: "retain_device"}


@dataclass(frozen=True)
class HeaderNames:
    """What one header says of people and places."""

    path: Path
    owner: Owner
    sop_class: str
    names: frozenset[str]
    numbers: frozenset[str]
    dicom_name: str = ""
    """The patient's, with its components."""
    instance: str = ""
    """SOPInstanceUID."""
    series: str = ""
    """SeriesInstanceUID."""


@dataclass(frozen=True)
class Patient:
    """One patient, and the files of them."""

    identity_text: str
    """What tells them from others: the PatientID, or where there is none, the study."""
    names: tuple[str, ...]
    """As the headers have them."""
    dicom_name: str
    """As the first header has it, with its components."""
    patient_ids: tuple[str, ...]
    identity: Identity
    files: tuple[Path, ...]


def header_names_of(path: Path, dataset: Dataset, options: Options) -> HeaderNames:
    """Gather what a header says of people and places."""
    names: set[str] = set()
    numbers: set[str] = set()
    for tag, vr, value in _texts(dataset):
        if tag in _PLACES or tag in _NUMBERS:
            option = _PLACE_OPTIONS.get(tag, "retain_institution")
            if tag in _PLACES and getattr(options, option):
                continue
            (names if tag in _PLACES else numbers).add(value)
        elif vr == "PN" and (rule := rule_of(tag)) is not None and "U" not in rule.basic:
            names.add(value)
    owner = Owner(
        patient_id=str(dataset.get("PatientID") or "").strip(),
        patient_name=plain_name(str(dataset.get("PatientName") or "")),
        birth_date=str(dataset.get("PatientBirthDate") or "").strip(),
        study_uid=str(dataset.get("StudyInstanceUID") or ""),
    )
    sop_class, name = str(dataset.get("SOPClassUID", "")), str(dataset.get("PatientName") or "")
    instance, series = str(dataset.get("SOPInstanceUID", "")), str(dataset.get("SeriesInstanceUID", ""))
    return HeaderNames(path, owner, sop_class, frozenset(names), frozenset(numbers), name, instance, series)


def patients_of(known: Sequence[HeaderNames]) -> tuple[list[Patient], dict[Path, str]]:
    """Sort files by patients.

    Returns
    -------
    patients : list of Patient
    refused : dict
        Files of which it is not clear whose they are, with the reason.
    """
    refused: dict[Path, str] = {}
    ids = defaultdict(set)
    for one in known:
        if one.owner.patient_id and one.owner.study_uid:
            ids[one.owner.study_uid].add(one.owner.patient_id)
    together: dict[str, list[HeaderNames]] = defaultdict(list)
    for one in known:
        owner = one.owner
        if len(ids[owner.study_uid]) > 1:
            refused[one.path] = "its study holds files of several PatientIDs, so that it is not clear whose it is"
        elif not (owner.patient_id or owner.study_uid):
            refused[one.path] = "it has neither PatientID nor StudyInstanceUID, so that it is not clear whose it is"
        else:
            whose = owner.patient_id or next(iter(ids[owner.study_uid]), "") or f"study {owner.study_uid}"
            together[whose].append(one)
    patients = []
    names = {name for one in known for name in one.names}  # who read one patient's scan may be named in another's
    for whose, ones in sorted(together.items()):
        people = by_owner(Owner(whose, one.owner.patient_name, one.owner.birth_date, "") for one in ones)
        if len(people) > 1:
            why = "other files with its PatientID have another name or birth date, so that it is not clear whose it is"
            refused.update((one.path, why) for one in ones)
            continue
        numbers = {number for one in ones for number in one.numbers} | {whose}
        patients.append(
            Patient(
                identity_text=whose,
                names=tuple(sorted({one.owner.patient_name for one in ones} - {""})),
                dicom_name=next((one.dicom_name for one in ones if one.dicom_name), ""),
                patient_ids=tuple(sorted({one.owner.patient_id for one in ones} - {""})),
                identity=Identity(names, numbers),
                files=tuple(one.path for one in ones),
            )
        )
    return patients, refused


def _texts(dataset: Dataset) -> Iterator[tuple[int, str, str]]:
    for element in elements(dataset):
        tag = int(element.tag)
        if element.VR == "PN" or tag in _PLACES or tag in _NUMBERS:
            for one in _several(element.value):
                if str(one).strip():
                    yield tag, element.VR, str(one).strip()


def _several(value: object) -> Iterable[object]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue" else (value,)  # type: ignore[return-value]
