"""What is known of the patient: from DICOM headers, from a CSV, or from FHIR.

Unknown stays unknown. What a file says wrongly is named with its line, and nothing of that line is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from napari_lesion.assessment.patient.fhir import read_fhir
from napari_lesion.assessment.patient.fields import PATIENT_FIELDS, UNKNOWN
from napari_lesion.assessment.patient.sourced_values import Clinical, Statement, age, day, sourced
from napari_lesion.model.assessed import Patient
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import read_table

__all__ = ["CSV_COLUMNS", "Clinical", "load_clinical", "merged_patient", "patient_of"]

_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_SEX = {"M": "male", "F": "female"}
_FIELDS = {field.name: field for field in PATIENT_FIELDS}
CSV_COLUMNS = ("patient_id", "study_date", "birth_date", *_FIELDS)
"""All that a CSV may have; only ``patient_id`` must be there."""


def patient_of(identity: SeriesIdentity) -> Patient:
    """Take from DICOM headers what they say of the patient: age, sex, and whether the patient smokes."""
    born, stated = day(identity.patient_birth_date), _age_string(identity.patient_age)
    years = age(
        None if born is None else (born, "PatientBirthDate (0010,0030) at StudyDate (0008,0020)"),
        day(identity.study_date),
        None if stated is None else (stated, "PatientAge (0010,1010)"),
    )
    sex = _SEX.get(identity.patient_sex.strip().upper())
    smokes = identity.smoking_status.strip().upper() == "YES"  # NO may be never or former
    return Patient(
        age_years=None if years is None else sourced(years[0], "DICOM", years[1]),
        sex=None if sex is None else sourced(sex, "DICOM", "PatientSex (0010,0040)"),
        smoking=sourced("current", "DICOM", "SmokingStatus (0010,21A0)") if smokes else None,
    )


def merged_patient(*patients: Patient) -> Patient:
    """Join what is known of one patient: of each thing the first that is known."""
    return Patient(
        **{
            name: next((value for one in patients if (value := getattr(one, name)) is not None), None)
            for name in Patient.model_fields
        }
    )


def load_clinical(path: Path) -> Clinical:
    """Read what a file, or each file of a folder, says of patients.

    Parameters
    ----------
    path : Path
        A CSV with a row a patient, FHIR R4 as JSON or NDJSON, or a folder with such files.

    Raises
    ------
    InputFileError
        If it cannot be read, or is none of these.
    """
    suffixes = {".csv", ".json", ".ndjson"}
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in suffixes) if path.is_dir() else [path]
    if not files:
        raise InputFileError(f"{path}: holds no .csv, .json or .ndjson, so nothing is known of patients from it.")
    fhir = [file for file in files if file.suffix.lower() in {".json", ".ndjson"}]
    parts = [_read_csv(file) for file in files if file not in fhir] + ([read_fhir(fhir)] if fhir else [])
    statements: dict[str, list[Statement]] = {}
    problems: dict[str, list[str]] = {}
    for part in parts:
        for patient_id, more in part.statements.items():
            statements.setdefault(patient_id, []).extend(more)
        for patient_id, sentences in part.problems_by_patient.items():
            problems.setdefault(patient_id, []).extend(sentences)
    return Clinical(statements, tuple(problem for part in parts for problem in part.problems), problems)


def _age_string(text: str) -> float | None:
    """Read DICOM's age string (``045Y``), in years."""
    found = re.fullmatch(r"(\d{1,3})([DWMY])", text.strip().upper())
    return None if found is None else int(found[1]) * _YEARS[found[2]]


def _read_csv(path: Path) -> Clinical:
    """Read a CSV whose columns are among `CSV_COLUMNS`; a row with anything wrong is named and not taken."""
    table = read_table(path, strict=True)
    names = [name.lower() for name in table.columns]
    if "patient_id" not in names:
        raise InputFileError(f"{path}: has no column patient_id. It may have: {', '.join(CSV_COLUMNS)}.")
    if twice := sorted({name for name in names if name in CSV_COLUMNS and names.count(name) > 1}):
        raise InputFileError(f"{path}: the column {twice[0]} is there twice. Leave one.")
    problems = [
        f"{path.name}: the column {name!r} is not known, and was not read."
        for name in names
        if name and name not in CSV_COLUMNS
    ]
    statements: dict[str, list[Statement]] = {}
    by_patient: dict[str, list[str]] = {}
    taken: dict[tuple[str, date | None], int] = {}
    for number, cells in table.lines:
        where = f"{path.name}, line {number}"
        patient_id = dict(zip(names, cells, strict=False)).get("patient_id", "").strip()
        try:
            row, study = _row(names, cells, where)
            if (patient_id, study) in taken:
                raise ValueError(
                    f"is of the same patient and study as line {taken[patient_id, study]}; only that one was taken"
                )
        except ValueError as error:
            sentence = f"{where}: {error}. Nothing of this line was taken."
            problems.append(sentence)
            if patient_id:
                by_patient.setdefault(patient_id, []).append(sentence)
            continue
        taken[patient_id, study] = number
        statements.setdefault(patient_id, []).extend(row)
    return Clinical(statements, tuple(problems), by_patient)


def _row(names: Sequence[str], cells: Sequence[str], where: str) -> tuple[list[Statement], date | None]:
    """Read a row, and which study it is for.

    Raises
    ------
    ValueError
        With the end of a sentence that names what is wrong.
    """
    if len(cells) != len(names):
        raise ValueError(f"has {len(cells)} values for {len(names)} columns")
    values = dict(zip(names, cells, strict=True))
    if values["patient_id"].strip().lower() in UNKNOWN:
        raise ValueError("has no patient_id")
    dates = {}
    for name in ("study_date", "birth_date"):
        if (text := values.get(name, "").strip()).lower() not in UNKNOWN:
            dates[name] = day(text)
            if dates[name] is None:
                raise ValueError(f"{name} {text!r} is not a date as 1961-03-24 or 19610324")
    study, born = dates.get("study_date"), dates.get("birth_date")
    statements = [Statement("birth_date", born, f"{where}: birth_date", study=study)] if born is not None else []
    for name, field in _FIELDS.items():
        if name not in values:
            continue
        try:
            value = field.read(values[name])
        except ValueError as error:
            raise ValueError(f"{name} {values[name].strip()!r} {error}") from error
        if value is not None:
            statements.append(Statement(name, value, where, study=study))
    return statements, study
