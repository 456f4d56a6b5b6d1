"""Patient data from FHIR R4: Patient, Observation, Condition and FamilyMemberHistory as JSON or NDJSON.

A code that is there says that something is so. One that is not there says nothing: what is not recorded is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from napari_lesion.assessment.patient.fields import PATIENT_FIELDS
from napari_lesion.assessment.patient.sourced_values import Clinical, Statement, day
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.errors import InputFileError

Code = tuple[str, str]
"""System and code."""
Resource = Mapping[str, Any]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = (
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
)
SMOKING_STATUS = {(LOINC, "72166-2")}
PACK_YEARS = {(LOINC, "8664-5"), (SNOMED, "401201003"), (SNOMED, "782516008")}
QUIT_DATE = {(LOINC, "74010-0")}
SMOKING: Mapping[Code, str | None] = {
    (SNOMED, "266919005"): "never",
    (SNOMED, "8517006"): "former",
    (SNOMED, "449868002"): "current",
    (SNOMED, "428041000124106"): "current",
    (SNOMED, "428071000124103"): "current",
    (SNOMED, "428061000124105"): "current",
    (SNOMED, "77176002"): "current",
    (SNOMED, "65568007"): "current",
    (SNOMED, "266927001"): None,
    (LOINC, "LA18978-9"): "never",
    (LOINC, "LA15920-4"): "former",
    (LOINC, "LA18976-3"): "current",
    (LOINC, "LA18977-1"): "current",
    (LOINC, "LA18981-3"): "current",
    (LOINC, "LA18982-1"): "current",
    (LOINC, "LA18979-7"): None,
    (LOINC, "LA18980-5"): None,
}
"""Values of the smoking status; None says that it is not known."""
LUNG_CANCER = {(SNOMED, "363358000"), (SNOMED, "254637007"), (SNOMED, "254632001"), (SNOMED, "93880001")}
LUNG_CANCER_ICD10 = r"C34.*"
CONDITIONS: Mapping[str, tuple[set[Code], str]] = {
    "emphysema": ({(SNOMED, "87433001")}, r"J43.*"),
    "prior_cancer": (LUNG_CANCER | {(SNOMED, "363346000")}, r"C(?!44)[0-8].*|C9[0-7].*|Z85(?!828).*"),
    "immunosuppression": (
        {(SNOMED, "234532001"), (SNOMED, "370388006"), (SNOMED, "86406008"), (SNOMED, "62479008")},
        r"B2[0-4].*|D8[0-4].*|Z94[0-48].*|Z796.*",
    ),
    "family_history": (set(), r"Z801"),
    "context": (set(), r"Z122"),
}
"""Conditions that tell a field: codes of SNOMED CT, and those of ICD-10 as an expression, without their dot."""
_PACK_YEARS_LIMIT = next(field.high for field in PATIENT_FIELDS if field.name == "pack_years")
_VOID = {"entered-in-error", "cancelled"}


@dataclass
class Person:
    """What was read of one patient so far."""

    identifiers: tuple[str, ...]
    statements: list[Statement] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_fhir(files: Sequence[Path]) -> Clinical:
    """Read FHIR resources out of files that belong together, such as those of a bulk export.

    Raises
    ------
    InputFileError
        If a file cannot be read, is not JSON, or is no FHIR.
    """
    problems: list[str] = []
    resources = [found for file in files for found in read_resources(file, problems)]
    people = read_people(resources, problems)
    for where, resource, _ in resources:
        read = _READERS.get(resource.get("resourceType", ""))
        if read is None:
            continue
        person = None
        try:
            person = subject_of(resource, people)
            person.statements += read(resource, where)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            why = str(error) if type(error) is ValueError else "is not built as FHIR R4 has it"
            problems.append(f"{where} {why}; it was not taken.")
            if person is not None:
                person.problems.append(problems[-1])
    owners: dict[str, list[Person]] = {}
    for person in {id(person): person for person in people.values()}.values():
        for identifier in person.identifiers:
            owners.setdefault(identifier, []).append(person)
    for identifier, several in owners.items():
        if len(several) > 1:
            problems.append(f"{len(several)} patients have the identifier {identifier!r}: it was not taken.")
    one = {identifier: several[0] for identifier, several in owners.items() if len(several) == 1}
    return Clinical(
        {identifier: person.statements for identifier, person in one.items()},
        tuple(problems),
        {identifier: person.problems for identifier, person in one.items() if person.problems},
    )


def read_resources(file: Path, problems: list[str]) -> Iterator[tuple[str, Resource, str]]:
    """Find the resources of a file: where each is, in words, the resource, and its full URL."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix.lower() == ".ndjson":
            content = [parse_json(line) for line in text.splitlines() if line.strip()]
        else:
            content = parse_json(text)
    except (OSError, ValueError) as error:
        raise InputFileError(f"{file}: cannot be read as JSON in UTF-8 ({error}).") from error
    for number, resource in enumerate(content if isinstance(content, list) else [content], start=1):
        if not isinstance(resource, Mapping) or not isinstance(resource.get("resourceType"), str):
            raise InputFileError(f"{file}: number {number} in it is no FHIR resource: it has no resourceType.")
        entries = resource.get("entry", []) if resource["resourceType"] == "Bundle" else [{"resource": resource}]
        for place, entry in enumerate(entries, start=1):
            inner = entry.get("resource") if isinstance(entry, Mapping) else None
            if not isinstance(inner, Mapping) or not isinstance(inner.get("resourceType"), str):
                problems.append(f"{file.name}, entry {place} holds no FHIR resource; it was not taken.")
                continue
            yield (
                f"{file.name}, {inner['resourceType']}/{inner.get('id', f'number {place}')}",
                inner,
                entry.get("fullUrl", ""),
            )


def read_people(resources: Iterable[tuple[str, Resource, str]], problems: list[str]) -> dict[str, Person]:
    """Read the patients: each by the references that other resources may name them by."""
    people: dict[str, Person] = {}
    for where, resource, url in resources:
        if resource["resourceType"] != "Patient":
            continue
        try:
            values = [str(one["value"]).strip() for one in resource.get("identifier", []) if one.get("value")]
            own = str(resource.get("id", ""))
            person = Person(tuple(dict.fromkeys([*values, *([own] if own else [])])))
            people |= {name: person for name in (f"Patient/{own}" if own else "", url) if name}
            gender = resource.get("gender", "unknown")
            if gender in {"male", "female"}:
                person.statements.append(Statement("sex", gender, where))
            elif gender not in {"other", "unknown"}:
                problems.append(f"{where} has the gender {gender!r}, which FHIR does not know; it was not taken.")
            if (text := resource.get("birthDate")) is not None:
                born = day(text)
                if born is None:
                    problems.append(f"{where} has the birthDate {text!r}, which is no full date; it was not taken.")
                else:
                    person.statements.append(Statement("birth_date", born, where))
        except (AttributeError, KeyError, TypeError):
            problems.append(f"{where} is not built as FHIR R4 has it; it was not taken.")
    return people


def subject_of(resource: Resource, people: Mapping[str, Person]) -> Person:
    """Look up whom a resource is about."""
    reference = resource.get("subject", resource.get("patient", {})).get("reference", "")
    found = people.get(reference) or people.get("/".join(reference.split("/")[-2:]))
    if found is None:
        raise ValueError(f"is about {reference!r}, a patient who is not in the files")
    return found


def _observation(resource: Resource, where: str) -> list[Statement]:
    """Read smoking status, pack-years and the date of quitting, in the observation itself and in its components."""
    parts = [part for part in (resource, *resource.get("component", [])) if codes_of(part["code"]) & _OBSERVED]
    if not parts or resource.get("status") in _VOID:
        return []
    if resource.get("status") not in {"final", "amended", "corrected"}:
        raise ValueError(f"has the status {resource.get('status')!r}, not final")
    period = resource.get("effectivePeriod", {}).get("start", "")
    since = _date(resource.get("effectiveDateTime") or period or resource.get("issued", ""))
    statements: list[Statement] = []
    for part in parts:
        codes = codes_of(part["code"])
        if codes & SMOKING_STATUS and "valueCodeableConcept" in part:
            values = codes_of(part["valueCodeableConcept"])
            if not values & SMOKING.keys():
                raise ValueError(f"has a smoking status of unknown code: {_names(values)}")
            told = {SMOKING[code] for code in values & SMOKING.keys()} - {None}
            if len(told) > 1:
                raise ValueError(f"has a smoking status that contradicts itself: {_names(values)}")
            statements += [Statement("smoking", status, where, since) for status in told if status is not None]
        elif codes & PACK_YEARS and "valueQuantity" in part:
            statements.append(Statement("pack_years", _pack_years(part["valueQuantity"]), where, since))
        elif codes & QUIT_DATE and "valueDateTime" in part:
            quit_on = _date(part["valueDateTime"])
            if quit_on is None:
                raise ValueError(f"has the date {part['valueDateTime']!r}, which is no full date")
            statements.append(Statement("quit_date", quit_on, where, since))
    return statements


def _pack_years(quantity: Resource) -> float:
    """Read a quantity of pack-years; another unit, or none, is refused."""
    units = {re.sub(r"[^a-z]", "", str(quantity.get(name, "")).lower()) for name in ("unit", "code")}
    value = quantity.get("value")
    if "packyears" not in units:
        raise ValueError(f"counts pack-years in {quantity.get('unit') or quantity.get('code') or 'no unit'!r}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _PACK_YEARS_LIMIT:
        raise ValueError(f"has {value!r} pack-years, not a number from 0 to {_PACK_YEARS_LIMIT:g}")
    return float(value)


def _condition(resource: Resource, where: str) -> list[Statement]:
    """Read emphysema, known cancer, immunosuppression, cancer in the family, and screening as the reason."""
    codes = codes_of(resource["code"])
    about = [name for name, (snomed, icd10) in CONDITIONS.items() if _is(codes, snomed, icd10)]
    verified = {code for _, code in codes_of(resource.get("verificationStatus", {}))} or {"confirmed"}
    if not about or verified & _VOID:
        return []
    if "refuted" in verified:
        # Without this cancer there may be another; but without emphysema there is none.
        return [Statement("emphysema", False, where, _since(resource))] if about == ["emphysema"] else []
    if "confirmed" not in verified:
        raise ValueError(f"is {' and '.join(sorted(verified))}, not confirmed")
    if {code for _, code in codes_of(resource.get("clinicalStatus", {}))} & {"inactive", "remission", "resolved"}:
        about = [name for name in about if name != "immunosuppression"]
    since = _since(resource)
    if about == ["context"]:
        if since is None:
            raise ValueError("says screening without a date, so that it is not known of which study")
        return [Statement("context", "screening", where, study=since)]
    return [Statement(name, True, where, since) for name in about]


def _family_history(resource: Resource, where: str) -> list[Statement]:
    """Read lung cancer of a relative."""
    if resource.get("status") in _VOID | {"health-unknown"}:
        return []
    has = any(_is(codes_of(one["code"]), LUNG_CANCER, LUNG_CANCER_ICD10) for one in resource.get("condition", []))
    return [Statement("family_history", True, where, _date(resource.get("date", "")))] if has else []


_OBSERVED = SMOKING_STATUS | PACK_YEARS | QUIT_DATE
_READERS = {"Observation": _observation, "Condition": _condition, "FamilyMemberHistory": _family_history}


def codes_of(concept: Resource) -> set[Code]:
    """All codings of a concept."""
    return {(one.get("system", ""), one.get("code", "")) for one in concept.get("coding", [])}


def _is(codes: set[Code], snomed: set[Code], icd10: str) -> bool:
    plain = (code.replace(".", "").upper() for system, code in codes if system in ICD10)
    return bool(codes & snomed) or any(re.fullmatch(icd10, code) for code in plain)


def _names(codes: set[Code]) -> str:
    return ", ".join(sorted(f"{system}|{code}" for system, code in codes)) or "none"


def _since(resource: Resource) -> date | None:
    return _date(resource.get("onsetDateTime") or resource.get("recordedDate", ""))


def _date(text: str) -> date | None:
    """Read the day of a FHIR dateTime; None where it has none."""
    return day(text[:10])
