"""Rows of a patient's records out of tables, FHIR and results: laboratory values, conditions, smoking, scans.

Nothing is converted: a value stays in the unit that it is told in. What is void, or not final, is named and not taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from napari_lesion.assessment.patient.fhir import (
    Person,
    Resource,
    codes_of,
    read_people,
    read_resources,
    subject_of,
)
from napari_lesion.assessment.patient.sourced_values import day
from napari_lesion.model.volume import readable_date
from napari_lesion.records.columns import LABORATORY_COLUMNS, chosen_columns
from napari_lesion.records.patient_words import read_day
from napari_lesion.records.rows import COLUMNS, Row
from napari_lesion.report.json import load_report
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import read_table

_VOID = {"entered-in-error", "cancelled"}
_FINAL = {"final", "amended", "corrected"}


def read_rows(path: Path, columns: Mapping[str, str] | None = None) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Read the rows of a file, of any number of patients.

    Parameters
    ----------
    path : Path
        A CSV with a laboratory value or statement a line, or FHIR R4 as JSON or NDJSON (Observation, Condition).
    columns : mapping of str to str, optional
        Of a CSV: which column has what, by the names in `LABORATORY_COLUMNS`.

    Returns
    -------
    tuple of Row, tuple of str
        The rows, and what was not taken, as sentences.

    Raises
    ------
    InputFileError
        If it cannot be read, or a CSV's columns were only guessed.
    """
    problems: list[str] = []
    kind = path.suffix.lower()
    if kind in (".json", ".ndjson"):
        return tuple(_of_fhir(path, problems)), tuple(problems)
    if kind in (".csv", ".tsv"):
        return tuple(_of_table(path, columns, problems)), tuple(problems)
    raise InputFileError(f"{path}: is neither a CSV nor FHIR (.json, .ndjson), so no records were read from it.")


def is_own(path: Path) -> bool:
    """Whether a table is one of rows that this program wrote."""
    return path.suffix.lower() == ".csv" and set(COLUMNS) <= set(read_table(path).columns)


def rows_of_results(folder: Path) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Make a row of each scan below a folder of results: how many findings count, and how large the largest is."""
    rows, problems = [], []
    for path in sorted(folder.rglob("findings.json")):
        try:
            report = load_report(path)
        except InputFileError as error:
            problems.append(str(error))
            continue
        sizes = [finding.diameter_mm for finding in report.active]
        largest = f", largest {max(sizes):.1f} mm" if sizes else ""
        series = report.series
        rows.append(
            Row(
                series.patient_id.strip(),
                readable_date(series.patient_birth_date),
                readable_date(series.study_date),
                "scan",
                series.series_description or series.modality or "scan",
                f"{len(sizes)} findings{largest}",
                source=str(path.relative_to(folder)),
            )
        )
    return tuple(rows), tuple(problems)


def _of_table(path: Path, columns: Mapping[str, str] | None, problems: list[str]) -> Iterator[Row]:
    table = read_table(path)
    which = chosen_columns(path, table.columns, LABORATORY_COLUMNS, columns)
    for line, row in table.rows():
        said = {name: row.get(column, "").strip() for name, column in which.items()}
        where = f"{path.name}, line {line}"
        lacking = [which[name] for name in ("patient_id", "name", "value") if not said[name]]
        dates = {name: _table_day(said.get(name, "")) for name in ("date", "birth_date")}
        odd = [which[name] for name, when in dates.items() if said.get(name) and when is None]
        if lacking or odd or not said["date"]:
            why = f"has no {lacking[0]}" if lacking else f"{odd[0]} is no date, or may be two" if odd else "has no date"
            problems.append(f"{where}: {why}. Nothing of this line was taken.")
            continue
        yield Row(
            said["patient_id"],
            _iso(dates["birth_date"]),
            _iso(dates["date"]),
            "laboratory",
            said["name"],
            said["value"],
            said.get("unit", ""),
            source=where,
        )


def _table_day(text: str) -> date | None:
    """Read a date of a table; a time behind it does not matter, 03/04/2023 may be two days."""
    return read_day(text.split("T")[0].split(" ")[0], "en") if text else None


def _of_fhir(path: Path, problems: list[str]) -> Iterator[Row]:
    resources = list(read_resources(path, problems))
    people = read_people(resources, problems)
    for where, resource, _ in resources:
        read = _READERS.get(resource.get("resourceType", ""))
        if read is None:
            continue
        try:
            person = subject_of(resource, people)
            if len(person.identifiers) == 0:
                raise ValueError("is about a patient without an identifier")
            yield from read(resource, where, person)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            why = str(error) if type(error) is ValueError else "is not built as FHIR R4 has it"
            problems.append(f"{where} {why}; it was not taken.")


def _observation(resource: Resource, where: str, person: Person) -> Iterator[Row]:
    if resource.get("status") in _VOID:
        return
    if resource.get("status") not in _FINAL:
        raise ValueError(f"has the status {resource.get('status')!r}, not final")
    period = resource.get("effectivePeriod", {}).get("start", "")
    when = _date(resource.get("effectiveDateTime") or period or resource.get("issued", ""))
    own = [resource] if any(name.startswith("value") for name in resource) else []
    for part in (*own, *resource.get("component", [])):
        value, unit = _value(part)
        if value:
            yield _row(person, when, "laboratory", _name(part["code"]), value, unit, where)


def _condition(resource: Resource, where: str, person: Person) -> Iterator[Row]:
    verified = {code for _, code in codes_of(resource.get("verificationStatus", {}))} or {"confirmed"}
    if verified & _VOID:
        return
    when = _date(resource.get("onsetDateTime") or resource.get("recordedDate", ""))
    status = ", ".join(sorted(verified | {code for _, code in codes_of(resource.get("clinicalStatus", {}))}))
    yield _row(person, when, "condition", _name(resource["code"]), status, "", where)


_READERS = {"Observation": _observation, "Condition": _condition}


def _row(person: Person, when: str, kind: str, name: str, value: str, unit: str, where: str) -> Row:
    born = next((one.value for one in person.statements if one.about == "birth_date"), None)
    return Row(
        person.identifiers[0],
        _iso(born if isinstance(born, date) else None),
        when,
        kind,
        name,
        value,
        unit,
        source=where,
    )


def _value(part: Resource) -> tuple[str, str]:
    """Get a value and its unit as they are told; "" where there is none that a line can show."""
    if "valueQuantity" in part:
        quantity = part["valueQuantity"]
        number = quantity.get("value")
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError("has a quantity without a number")
        return f"{quantity.get('comparator', '')}{number:g}", str(quantity.get("unit") or quantity.get("code", ""))
    if "valueCodeableConcept" in part:
        return _name(part["valueCodeableConcept"]), ""
    for name in ("valueString", "valueDateTime", "valueInteger"):
        if name in part:
            return str(part[name]), ""
    if "valueBoolean" in part:
        return ("yes" if part["valueBoolean"] else "no"), ""
    return "", ""


def _name(concept: Resource) -> str:
    codings: Sequence[Resource] = concept.get("coding", [])
    shown = concept.get("text") or next((one["display"] for one in codings if one.get("display")), "")
    return str(shown or next((one["code"] for one in codings if one.get("code")), "")) or "without a name"


def _date(text: str) -> str:
    return _iso(day(str(text)[:10]))


def _iso(when: date | None) -> str:
    return when.isoformat() if when is not None else ""
