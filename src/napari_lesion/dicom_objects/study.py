"""What objects made from a scan take over of its study: each value checked, for headers hold anything.

A birth date of "anonymized" or a sex of FEMALE must not keep a night's results from being written, and must not be
passed on either: such a value is left empty, and named.
"""

from __future__ import annotations

import math
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import pydicom
from pydicom.config import IGNORE, settings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from napari_lesion.dicom.index.series import Series
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.plain import one_line
from napari_lesion.support.vault import open_file

#: Of the study, as the scan has them, so that an archive files the object with its scan.
_STUDY = (
    "AccessionNumber",
    "PatientBirthDate",
    "PatientID",
    "PatientName",
    "PatientSex",
    "PositionReferenceIndicator",
    "ReferringPhysicianName",
    "StudyDate",
    "StudyID",
    "StudyTime",
)
#: Left out where the scan has none.
_IF_THERE = (
    "LossyImageCompression",
    "LossyImageCompressionMethod",
    "LossyImageCompressionRatio",
    "Manufacturer",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyDescription",
)
_TERMS = {"PatientSex": ("M", "F", "O"), "LossyImageCompression": ("00", "01")}
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?|60(\.\d{1,6})?)?)?")
_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
_writing = threading.RLock()


def check_uid(name: str, uid: str) -> None:
    """Refuse a UID that no object can refer to; one with a zero before its digits is no good UID, but the scan's own.

    Raises
    ------
    SeriesError
        If it has other signs than digits and points, or too many.
    """
    if len(uid) > 64 or not _UID.fullmatch(uid):
        raise SeriesError(
            f"its {name} is {one_line(uid)[:80]!r}, which is no UID, so no DICOM object can refer to it. Use the other "
            "reports, or correct the images."
        )


def study_of(identity: SeriesIdentity, source: Series | None = None) -> tuple[Dataset, tuple[str, ...]]:
    """Describe the study of a scan.

    Parameters
    ----------
    identity : SeriesIdentity
    source : Series, optional
        Its files, for what only they know.

    Returns
    -------
    study : Dataset
        Values that make sense; those that do not are empty, or left out where they may be.
    left_empty : tuple of str
        A sentence for each of those. It names the attribute, not what stands in it, which may name the patient.
    """
    header = _header(source)
    study, left_empty = Dataset(), []
    study.StudyInstanceUID = identity.study_uid
    study.Modality = identity.modality if _is_right("Modality", [identity.modality]) else ""
    known = {
        "AccessionNumber": identity.accession_number,
        "PatientBirthDate": identity.patient_birth_date,
        "PatientID": identity.patient_id,
        "PatientName": identity.patient_name,
        "PatientSex": identity.patient_sex,
        "StudyDate": identity.study_date,
    }
    for keyword in (*_STUDY, *_IF_THERE):
        values = _values(header, keyword)
        if values is not None and not any(values):
            values = [known.get(keyword, "")]
        if values is not None and (not any(values) or _is_right(keyword, values)):
            if any(values) or keyword in _STUDY:
                setattr(study, keyword, values[0] if len(values) == 1 else values)
            continue
        if keyword in _STUDY:
            setattr(study, keyword, "")
        tag = Tag(tag_for_keyword(keyword) or 0)
        left_empty.append(
            f"{keyword} ({tag.group:04X},{tag.element:04X}) of the scan {_wrong(keyword)}: it is left empty in DICOM "
            "objects made of it."
        )
    return study, tuple(left_empty)


@contextmanager
def as_checked() -> Iterator[None]:
    """Let pydicom and highdicom write values that were checked here.

    pydicom counts the bytes of a name where the standard counts letters (PS3.5 6.2.1), so that 22 Chinese ones are too
    many for it; and warns of names that readers may have.
    """
    with _writing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = settings.writing_validation_mode
        settings.writing_validation_mode = IGNORE
        try:
            yield
        finally:
            settings.writing_validation_mode = before


def person_name(name: str) -> str:
    """Write any name as one that DICOM can hold: a caret behind one that is not split into family and given name."""
    plain = one_line(name).replace("\\", "/").replace("=", "-").strip()
    first, rest = plain.split("^")[:4], plain.split("^")[4:]
    plain = "^".join([*first, " ".join(rest)] if rest else first)[:63]
    return (plain if "^" in plain else f"{plain}^") if plain.strip("^ ") else "unknown^"


def short_text(text: str) -> str:
    """Cut a text to what takes one line of 64 letters (LO), without what would divide it."""
    return one_line(text).replace("\\", "/").strip()[:64]


def header_text(source: Series, keyword: str) -> str:
    """Read one attribute of the first file of a series as text; empty where it is absent or cannot be read.

    Raises
    ------
    SeriesError
        If the file cannot be read any more.
    """
    return "\\".join(_values(_read(source, ["SpecificCharacterSet", keyword]), keyword) or [])


def _header(source: Series | None) -> Dataset:
    return Dataset() if source is None else _read(source, ["SpecificCharacterSet", *_STUDY, *_IF_THERE])


def _read(source: Series, tags: list[str]) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with open_file(source.frames[0].file.path)[0] as file:
                return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=tags, force=True)
        except (InvalidDicomError, OSError) as error:
            raise SeriesError(f"{source.frames[0].file.path}: cannot be read any more ({error}).") from error


def _values(header: Dataset, keyword: str) -> list[str] | None:
    """Read an attribute as texts; None where it cannot be read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = header.get(keyword)
            if value is None:
                return [""]
            parts = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
            if keyword.endswith("Name"):
                parts = [value]
            return [_text(part) for part in parts] or [""]
        except Exception:  # damage can fail anywhere inside the parser
            return None


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value).strip(" \0")


def _is_right(keyword: str, values: list[str]) -> bool:
    """Whether an attribute may have these values (PS3.5 6.2)."""
    vr = dictionary_VR(keyword)
    if len(values) > 1 and keyword not in ("LossyImageCompressionMethod", "LossyImageCompressionRatio"):
        return False
    if keyword in _TERMS:
        return values[0] in _TERMS[keyword]
    return all(_CHECKS[vr](value) for value in values)


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{8}", text, re.ASCII):
        return False
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return math.isfinite(value) and value > 0 and len(text) <= 16 and "_" not in text and text.isascii()


def _is_name(text: str) -> bool:
    groups = text.split("=")
    fits = len(groups) <= 3 and all(len(group) <= 64 and group.count("^") <= 4 for group in groups)
    return fits and one_line(text) == text and "\\" not in text


def _is_line(longest: int) -> Callable[[str], bool]:
    return lambda text: len(text) <= longest and one_line(text) == text and "\\" not in text


_CHECKS: dict[str, Callable[[str], bool]] = {
    "AS": lambda text: re.fullmatch(r"\d{3}[DWMY]", text, re.ASCII) is not None,
    "CS": lambda text: re.fullmatch(r"[A-Z0-9 _]{1,16}", text) is not None,
    "DA": _is_date,
    "DS": _is_number,
    "PN": _is_name,
    "TM": lambda text: _TIME.fullmatch(text) is not None and text.isascii(),
    "LO": _is_line(64),
    "SH": _is_line(16),
}


def _wrong(keyword: str) -> str:
    """Describe what an attribute should be, to end "is"."""
    if keyword in _TERMS:
        return f"is none of {', '.join(_TERMS[keyword])}"
    return {
        "AS": "is no age as DICOM writes it (045Y)",
        "CS": "is no code as DICOM writes it",
        "DA": "is no date as DICOM writes it (19610324)",
        "DS": "is no number above 0",
        "PN": "is no person's name as DICOM writes it, or too long",
        "TM": "is no time as DICOM writes it (101530)",
        "LO": "is longer than 64 letters, or no single line",
        "SH": "is longer than 16 letters, or no single line",
    }[dictionary_VR(keyword)]
