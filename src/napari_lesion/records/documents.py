"""Reports as text out of files: plain text, tables, FHIR, DICOM objects; each with whose it is, as far as is said."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from napari_lesion.assessment.patient.fhir import Resource, read_people, read_resources, subject_of
from napari_lesion.assessment.patient.sourced_values import day
from napari_lesion.records.columns import REPORT_COLUMNS, chosen_columns
from napari_lesion.records.patient_words import heading, read_day
from napari_lesion.records.words import language_of
from napari_lesion.support.bounded import decoded, read_text
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import read_table

TEXTS = frozenset({".txt", ".text", ".md"})
KINDS = TEXTS | {".csv", ".tsv", ".json", ".ndjson", ".dcm"}
LONGEST = 100_000
"""Letters of a report at most: a longer text is none, and would take minutes to read."""
_TAG = re.compile(r"<[^>]*>")
_BLOCK = re.compile(r"</?(?:p|div|br|li|tr|h\d|paragraph|title|item|table)\b[^>]*>", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """A report in words.

    Attributes
    ----------
    text : str
    source : str
        File, and line or resource.
    patient_id : str
        "" where nothing says it.
    born, written : date, optional
        Of the patient, and of the examination; None where nothing says it.
    """

    text: str
    source: str
    patient_id: str = ""
    born: date | None = None
    written: date | None = None


def read_documents(
    path: Path, columns: Mapping[str, str] | None = None
) -> tuple[tuple[Document, ...], tuple[str, ...]]:
    """Read the reports in a file, or in all files of a folder.

    Parameters
    ----------
    path : Path
        Text in UTF-8, a CSV with a report a line, FHIR R4 (DiagnosticReport), a structured report or an encapsulated
        CDA of DICOM, or a folder with such files.
    columns : mapping of str to str, optional
        Of a CSV: which column has what, by the names in `REPORT_COLUMNS`.

    Returns
    -------
    tuple of Document, tuple of str
        The reports, and what could not be read, as sentences.

    Raises
    ------
    InputFileError
        If a file cannot be read, or a CSV's columns were only guessed.
    """
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    wanted = [file for file in files if file.suffix.lower() in KINDS or not path.is_dir() or _is_dicom(file)]
    if not wanted:
        raise InputFileError(f"{path}: holds no report (.txt, .csv, .json, .ndjson, or DICOM).")
    problems: list[str] = []
    found: list[Document] = []
    for file in wanted:
        try:
            found += _of_file(file, columns, problems)
        except InputFileError as error:
            if not path.is_dir():
                raise
            problems.append(str(error))
    problems += [f"{one.source}: has {len(one.text):,} letters; that is no report." for one in found if _is_long(one)]
    return tuple(one for one in found if not _is_long(one)), tuple(problems)


def _is_long(one: Document) -> bool:
    return len(one.text) > LONGEST


def pasted(text: str, source: str = "pasted") -> Document:
    """Make a report of a text, with what it says itself of whose it is."""
    said = heading(text, language_of(text))
    return Document(text, source, said.patient_id, said.born, said.exam)


def _of_file(file: Path, columns: Mapping[str, str] | None, problems: list[str]) -> Iterator[Document]:
    kind = file.suffix.lower()
    if kind in (".csv", ".tsv"):
        yield from _of_table(file, columns, problems)
    elif kind in (".json", ".ndjson"):
        yield from _of_fhir(file, problems)
    elif _is_dicom(file):
        yield _of_dicom(file)
    else:
        try:
            yield pasted(read_text(file, largest=4 * LONGEST), file.name)
        except (OSError, ValueError) as error:
            raise InputFileError(f"{file}: cannot be read as a text in UTF-8 ({error}).") from error


def _of_table(file: Path, columns: Mapping[str, str] | None, problems: list[str]) -> Iterator[Document]:
    table = read_table(file)
    which = chosen_columns(file, table.columns, REPORT_COLUMNS, columns)
    for line, row in table.rows():
        where = f"{file.name}, line {line}"
        text = row.get(which["text"], "")
        if not text:
            problems.append(f"{where}: has no text.")
            continue
        own, language = pasted(text), language_of(text)
        said = {name: row.get(which.get(name, ""), "") for name in ("patient_id", "birth_date", "date")}
        days = {name: read_day(said[name], language) for name in ("birth_date", "date")}
        problems += [
            f"{where}: {name} {said[name]!r} is no date, or may be two; write it as 1961-03-24."
            for name, when in days.items()
            if said[name] and when is None
        ]
        yield Document(
            text,
            where,
            said["patient_id"] or own.patient_id,
            days["birth_date"] or (None if said["birth_date"] else own.born),
            days["date"] or (None if said["date"] else own.written),
        )


def _of_fhir(file: Path, problems: list[str]) -> Iterator[Document]:
    resources = list(read_resources(file, problems))
    people = read_people(resources, problems)
    for where, resource, _ in resources:
        if resource.get("resourceType") != "DiagnosticReport" or resource.get("status") == "entered-in-error":
            continue
        try:
            person = subject_of(resource, people)
            patient_id = person.identifiers[0] if person.identifiers else ""
            born = next((one.value for one in person.statements if one.about == "birth_date"), None)
            text = _report_text(resource)
            when = day(str(resource.get("effectiveDateTime") or resource.get("issued", ""))[:10])
        except (AttributeError, KeyError, TypeError, ValueError, binascii.Error) as error:
            why = str(error) if type(error) is ValueError else "is not built as FHIR R4 has it"
            problems.append(f"{where} {why}; it was not read.")
            continue
        if text:
            yield Document(text, where, patient_id, born if isinstance(born, date) else None, when)
        else:
            problems.append(f"{where} has no text: what it presents is in another form.")


def _report_text(resource: Resource) -> str:
    """Get the words of a DiagnosticReport: its presented form where that is text, else its narrative and conclusion."""
    for form in resource.get("presentedForm", []):
        kind = str(form.get("contentType", "")).partition(";")[0]
        if kind in ("text/plain", "text/html") and "data" in form:
            text = decoded(base64.b64decode(form["data"], validate=True))
            return text if kind == "text/plain" else _plain(text)
    parts = (_plain(str(resource.get("text", {}).get("div", ""))), str(resource.get("conclusion", "")))
    return "\n".join(part for part in parts if part.strip())


def _plain(marked_up: str) -> str:
    """Take the marks of HTML or XML off a text; lists and paragraphs stay lines."""
    return html.unescape(_TAG.sub("", _BLOCK.sub("\n", marked_up))).strip()


def _is_dicom(file: Path) -> bool:
    if file.suffix.lower() == ".dcm":
        return True
    try:
        with file.open("rb") as opened:
            return opened.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _of_dicom(file: Path) -> Document:
    import pydicom
    from pydicom.errors import InvalidDicomError

    from napari_lesion.dicom_objects.content import parse

    try:
        dataset = pydicom.dcmread(file)
        if "ContentSequence" in dataset:
            lines = [_line(item.name.meaning, item.words) for item in parse(dataset).all() if item.kind == "TEXT"]
            text = "\n".join(line for line in lines if line)
        elif (
            "EncapsulatedDocument" in dataset
            and "xml" in str(dataset.get("MIMETypeOfEncapsulatedDocument", "")).lower()
        ):
            text = _plain(decoded(bytes(dataset.EncapsulatedDocument).rstrip(b"\0")))
        else:
            kind = str(dataset.get("MIMETypeOfEncapsulatedDocument", "")) or "no text"
            raise InputFileError(
                f"{file}: is no report in words ({kind}). Structured reports and CDA are read, PDF is not."
            )
    except (InvalidDicomError, OSError, ValueError, AttributeError, EOFError) as error:
        raise InputFileError(f"{file}: cannot be read as a report of DICOM ({error}).") from error
    said = {name: str(dataset.get(name, "")).strip() for name in ("PatientID", "PatientBirthDate", "StudyDate")}
    return Document(text, file.name, said["PatientID"], day(said["PatientBirthDate"]), day(said["StudyDate"]))


def _line(name: str, words: str) -> str:
    """Write an item of a structured report as a line; what merely names somebody or something is left out."""
    return f"{name}: {words}" if words.strip() and name else words
