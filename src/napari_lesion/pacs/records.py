"""What is asked of an archive, and what it answers: studies, series, instances; the same for DIMSE and DICOMweb."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from pydicom.dataset import Dataset

from napari_lesion.support.errors import ConfigError, PacsError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.uids import is_uid

_DATE = re.compile(r"\d{8}", re.ASCII)
#: Kept back of an archive's answer at most, where nobody says otherwise: somebody has to read it.
MOST_STUDIES = 500

STUDY_KEYWORDS = (
    "StudyInstanceUID",
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "AccessionNumber",
    "ModalitiesInStudy",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
SERIES_KEYWORDS = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "BodyPartExamined",
    "NumberOfSeriesRelatedInstances",
)


@dataclass(frozen=True)
class Query:
    """Which studies are looked for; what is empty matters not. ``*`` and ``?`` stand for any letters in texts.

    Attributes
    ----------
    first_date, last_date : str
        YYYYMMDD; of the study, both inclusive.
    modality : str
        Of one of its series: ``CT``.
    """

    patient_id: str = ""
    patient_name: str = ""
    first_date: str = ""
    last_date: str = ""
    modality: str = ""
    accession: str = ""
    study_uid: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if "\\" in value:
                raise ConfigError(f"A backslash divides values in DICOM and cannot be part of {name}.")
        for value in (self.first_date, self.last_date):
            if value and not is_date(value):
                raise ConfigError(f"{value!r} is no date; dates are written as 20260131.")
        if self.study_uid and not is_uid(self.study_uid):
            raise ConfigError(f"{self.study_uid!r} is no UID.")

    @property
    def is_empty(self) -> bool:
        """Whether it asks for everything."""
        return not any(value.strip("*? ") for value in vars(self).values())

    def keys(self) -> dict[str, str]:
        """Give the matching keys (PS3.4 C.2.2.2) by keyword."""
        dates = f"{self.first_date}-{self.last_date}" if self.first_date or self.last_date else ""
        keys = {
            "PatientID": self.patient_id,
            "PatientName": self.patient_name,
            "StudyDate": self.first_date if self.first_date == self.last_date else dates,
            "ModalitiesInStudy": self.modality,
            "AccessionNumber": self.accession,
            "StudyInstanceUID": self.study_uid,
            "StudyDescription": self.description,
        }
        return {keyword: value for keyword, value in keys.items() if value}

    def fits(self, study: StudyRecord) -> bool:
        """Whether a study is what was asked for: archives may leave out of account keys that they don't know.

        Names and descriptions are left to the archive: it may rightly take é for e, or a name in another script.
        """
        date = study.date
        return (
            _matches(self.patient_id, study.patient_id)
            and (not self.first_date or not date or self.first_date <= date)
            and (not self.last_date or not date or date <= self.last_date)
            and (not self.modality or not study.modalities or self.modality in study.modalities)
            and _matches(self.accession, study.accession)
            and self.study_uid in ("", study.study_uid)
        )


@dataclass(frozen=True)
class StudyRecord:
    """A study as an archive lists it; texts are as they came, to be shown by way of `support.plain`."""

    study_uid: str
    patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""
    date: str = ""
    time: str = ""
    description: str = ""
    accession: str = ""
    modalities: tuple[str, ...] = ()
    series: int | None = None
    instances: int | None = None


@dataclass(frozen=True)
class SeriesRecord:
    """A series as an archive lists it."""

    study_uid: str
    series_uid: str
    modality: str = ""
    number: str = ""
    description: str = ""
    body_part: str = ""
    instances: int | None = None


@dataclass(frozen=True)
class Instance:
    """A stored file: what it is and how it is encoded.

    Attributes
    ----------
    path : Path
    """

    path: Path
    sop_class_uid: str
    sop_uid: str
    transfer_syntax: str
    study_uid: str
    series_uid: str
    patient_id: str
    modality: str = ""


@dataclass(frozen=True)
class Retrieved:
    """What became of a retrieve.

    Attributes
    ----------
    folder : Path
        Of the study.
    listed : int
        Instances that the archive listed.
    fetched : int
        Instances that came now; the rest were there already.
    missing : mapping
        By SeriesInstanceUID, the SOPInstanceUIDs that were listed and did not come.
    notes : tuple of str
        What the archive said on the way, a sentence each.
    """

    folder: Path
    listed: int
    fetched: int
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything that was listed is there."""
        return not self.missing


@dataclass(frozen=True)
class Sent:
    """What became of a send.

    Attributes
    ----------
    confirmed : tuple of str
        SOPInstanceUIDs that the archive has, by storage commitment or by a query.
    failed : mapping
        By SOPInstanceUID, why the others were not sent or are not confirmed: a sentence.
    notes : tuple of str
    """

    confirmed: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


#: Takes each instance that comes: the file as it is stored (PS3.10), and says whether it was a new one.
Keep = Callable[[bytes], bool]


class Archive(Protocol):
    """An archive, whichever way it is reached. All raise `PacsError` where it does not do what it should."""

    name: str

    def echo(self) -> str:
        """Ask whether it is there; a sentence that says who answered."""
        ...

    def studies(self, query: Query, most: int = MOST_STUDIES) -> list[StudyRecord]:
        """List studies, the latest first; one more than ``most`` where there are more."""
        ...

    def series(self, study_uid: str) -> list[SeriesRecord]:
        """List the series of a study."""
        ...

    def instances(self, study_uid: str, series_uid: str) -> list[str]:
        """List the SOPInstanceUIDs of a series."""
        ...

    def fetch(
        self,
        study_uid: str,
        series_uid: str,
        sop_uids: Iterable[str] | None,
        keep: Keep,
        progress: Progress = silent,
    ) -> Iterator[str]:
        """Fetch a series, or these instances of it, as they are stored; yield what the archive complains of."""
        ...

    def store(self, instances: Iterable[Instance], progress: Progress = silent) -> Sent:
        """Send files as they are stored, and have them confirmed."""
        ...


def study_record(answer: Dataset) -> StudyRecord:
    """Read a study out of an answer.

    Raises
    ------
    PacsError
        If it has no StudyInstanceUID.
    """
    uid = text(answer, "StudyInstanceUID")
    if not is_uid(uid):
        raise PacsError("The archive lists a study without a StudyInstanceUID.")
    modalities = answer.get("ModalitiesInStudy")
    listed = [modalities] if isinstance(modalities, str) else list(modalities or ())
    return StudyRecord(
        study_uid=uid,
        patient_id=text(answer, "PatientID"),
        patient_name=text(answer, "PatientName"),
        birth_date=text(answer, "PatientBirthDate"),
        sex=text(answer, "PatientSex"),
        date=text(answer, "StudyDate"),
        time=text(answer, "StudyTime"),
        description=text(answer, "StudyDescription"),
        accession=text(answer, "AccessionNumber"),
        modalities=tuple(sorted({str(one).strip() for one in listed if str(one).strip()})),
        series=count(answer, "NumberOfStudyRelatedSeries"),
        instances=count(answer, "NumberOfStudyRelatedInstances"),
    )


def series_record(answer: Dataset, study_uid: str) -> SeriesRecord:
    """Read a series out of an answer.

    Raises
    ------
    PacsError
        If it has no SeriesInstanceUID.
    """
    uid = text(answer, "SeriesInstanceUID")
    if not is_uid(uid):
        raise PacsError("The archive lists a series without a SeriesInstanceUID.")
    return SeriesRecord(
        study_uid=study_uid,
        series_uid=uid,
        modality=text(answer, "Modality"),
        number=text(answer, "SeriesNumber"),
        description=text(answer, "SeriesDescription"),
        body_part=text(answer, "BodyPartExamined"),
        instances=count(answer, "NumberOfSeriesRelatedInstances"),
    )


def is_date(value: str) -> bool:
    """Whether it is written as dates are (YYYYMMDD)."""
    return _DATE.fullmatch(value) is not None


def text(answer: Dataset, keyword: str) -> str:
    """Read a value as text; empty where there is none, or none that can be read."""
    try:
        value = answer.get(keyword)
    except Exception:  # a value that pydicom cannot convert, in an answer of any archive
        return ""
    return "" if value is None else str(value).strip(" \0")


def count(answer: Dataset, keyword: str) -> int | None:
    """Read a number; None where it is not said."""
    said = text(answer, keyword)
    return int(said) if said.isascii() and said.isdigit() else None


def newest_first(studies: Iterable[StudyRecord]) -> list[StudyRecord]:
    """Sort studies by date and time, the latest first."""
    return sorted(studies, key=lambda study: (study.date, study.time, study.study_uid), reverse=True)


def _matches(wanted: str, found: str) -> bool:
    """Whether a text is what a key with wildcards asks for; nothing is read into square brackets."""
    if not wanted:
        return True
    return fnmatchcase(found, wanted.strip().replace("[", "[[]"))
