"""``report.fhir.json``: findings as a Bundle of FHIR R4, for the record of the patient beside the archive.

A DiagnosticReport with an Observation a finding, the ImagingStudy that they are of, the Device (model and program) that
made them, and the Provenance. Codes are those of the structured report (`dicom_objects.concepts`).

References
----------
HL7 FHIR R4 (4.0.1). Each Bundle is checked with the models of fhir.resources for R4B before it is written; the
resources that are used here are the same in both.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydicom.sr.coding import Code

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.references import MANUFACTURER, program_version
from napari_lesion.model.compared import day_of
from napari_lesion.model.findings import RESEARCH_USE, Finding, Report
from napari_lesion.model.measured import Measurement
from napari_lesion.report.impression import finding_sentence, impression
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigError, LesionError

Resource = dict[str, Any]
_NAMES = uuid.uuid5(uuid.NAMESPACE_DNS, "fhir.napari-lesion")
_SYSTEMS = {
    "SCT": "http://snomed.info/sct",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "LN": "http://loinc.org",
    "UCUM": "http://unitsofmeasure.org",
    concepts.SCHEME: "urn:napari-lesion:codes",
}
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_CT = Code("25045-6", "LN", "CT unspecified body region")
_GENDERS = {"F": "female", "M": "male", "O": "other"}
_AXES = (
    ("x", "left", "Centre: to the patient's left of the origin (LPS x)"),
    ("y", "back", "Centre: to the back of the origin (LPS y)"),
    ("z", "head", "Centre: to the head of the origin (LPS z)"),
)
_UNKNOWN = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
}
"""Where FHIR asks for what is not known."""
_STATUS = "preliminary"
"""Of the report and what is in it: like the structured report's, no physician has verified it."""


def save_fhir(report: Report, path: Path) -> None:
    """Write a report as a Bundle, whole or not at all; only the user may read the file, for it names the patient.

    Raises
    ------
    ConfigError
        If fhir.resources is not installed.
    LesionError
        If what would be written is not valid; it is not written then.
    """
    content = bundle_of(report)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    check_bundle(text)
    with whole_file(path, private=True) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def check_bundle(text: str) -> None:
    """Check a Bundle against FHIR's structure definitions, and that each reference in it leads to an entry.

    Raises
    ------
    ConfigError
        If fhir.resources is not installed.
    LesionError
        If it is not valid.
    """
    try:
        model: Any = import_module("fhir.resources.R4B.bundle").Bundle
    except ImportError as error:
        raise ConfigError(
            "FHIR is checked with the package fhir.resources, which is not here: pip install 'napari-lesion[fhir]'."
        ) from error
    try:
        model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise LesionError(f"The FHIR Bundle is not valid, so it was not written: {where}: {first['msg']}.") from error
    content = json.loads(text)
    there = {entry["fullUrl"] for entry in content["entry"]}
    if lost := sorted(set(_references(content)) - there):
        raise LesionError(f"The FHIR Bundle refers to what is not in it, so it was not written: {lost[0]}.")


def bundle_of(report: Report) -> Resource:
    """Put findings into a Bundle; findings that a reader rejected are left out, which the conclusion says.

    The same report always gives the same Bundle, ids included.
    """
    made = _Bundle(report)
    return made.content()


class _Bundle:
    """The resources of one report, and what they are called."""

    def __init__(self, report: Report) -> None:
        self._report, self._series = report, report.series
        self._entries: list[Resource] = []

    def content(self) -> Resource:
        report = self._report
        self._add("patient", self._patient())
        self._add("program", _program())
        if report.is_searched:
            self._add("model", _model(report))
        self._add("study", self._study())
        names = []
        for finding in report.active:
            name = f"finding {finding.id}"
            names.append(name)
            self._add(name, self._observation(finding))
        self._add("report", self._diagnostic_report(names))
        self._add("provenance", self._provenance(["report", *names]))
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": _instant(report.created),
            "identifier": {"system": "urn:ietf:rfc:3986", "value": self._url("bundle")},
            "entry": self._entries,
        }

    def _add(self, name: str, resource: Resource) -> None:
        url = self._url(name)
        kept = {key: value for key, value in resource.items() if value not in (None, "", [], {})}
        entry = {"resourceType": kept.pop("resourceType"), "id": url.removeprefix("urn:uuid:"), **kept}
        self._entries.append({"fullUrl": url, "resource": entry})

    def _url(self, name: str) -> str:
        """Name a resource: always the same for one report."""
        one = self._series
        whose = (one.patient_id, one.study_uid, self._report.series_uid, self._report.created, name)
        return f"urn:uuid:{uuid.uuid5(_NAMES, json.dumps(whose))}"

    def _to(self, name: str) -> Resource:
        return {"reference": self._url(name)}

    def _patient(self) -> Resource:
        one = self._series
        family, _, given = one.patient_name.partition("^")
        name = {"text": one.patient_name.replace("^", " ").strip(), "family": family.strip()}
        if givens := [part for part in given.replace("^", " ").split() if part]:
            name["given"] = givens  # type: ignore[assignment]
        return {
            "resourceType": "Patient",
            "identifier": [{"value": one.patient_id}] if one.patient_id.strip() else [],
            "name": [{key: value for key, value in name.items() if value}] if one.patient_name.strip(" ^") else [],
            "gender": _GENDERS.get(one.patient_sex.strip().upper()),
            "birthDate": _day(one.patient_birth_date),
        }

    def _study(self) -> Resource:
        one, report = self._series, self._report
        series: Resource = {
            "uid": report.series_uid,
            "modality": _coding(Code(one.modality, "DCM", one.modality)) if one.modality else _UNKNOWN,
            "description": one.series_description,
            "numberOfInstances": report.inputs.images if report.inputs is not None else None,
        }
        if one.series_number.isdecimal():
            series["number"] = int(one.series_number)
        identifiers = [{"system": "urn:dicom:uid", "value": f"urn:oid:{one.study_uid}"}] if one.study_uid else []
        if one.accession_number:
            identifiers.append(
                {
                    "type": {"coding": [{"system": f"{_TERMINOLOGY}/v2-0203", "code": "ACSN"}]},  # type: ignore[dict-item]
                    "value": one.accession_number,
                }
            )
        return {
            "resourceType": "ImagingStudy",
            "identifier": identifiers,
            "status": "available",
            "subject": self._to("patient"),
            "started": _day(one.study_date),
            "description": one.study_description,
            "series": [{key: value for key, value in series.items() if value not in (None, "")}],
        }

    def _observation(self, finding: Finding) -> Resource:
        measured, report = finding.measurement, self._report
        readers = list(dict.fromkeys(entry.reader for entry in finding.history))
        by_model = report.is_searched and finding.status != "added"
        notes = [finding_sentence(report, finding), finding.comment, finding.unmeasured]
        notes += measured.notes if measured is not None else ()
        return {
            "resourceType": "Observation",
            "identifier": [
                {"system": "urn:dicom:uid", "value": f"urn:oid:{finding.lesion_uid}"},
                {"system": "urn:napari-lesion:finding", "value": finding.id},
            ],
            "status": _STATUS,
            "category": [{"coding": [{"system": f"{_TERMINOLOGY}/observation-category", "code": "imaging"}]}],
            "code": _concept(concepts.FINDING),
            "subject": self._to("patient"),
            "effectiveDateTime": _day(self._series.study_date),
            "issued": _instant(report.created),
            "performer": [{"display": reader} for reader in readers],
            "valueCodeableConcept": _concept(concepts.NODULE),
            "bodySite": _site(measured),
            "device": self._to("model" if by_model else "program"),
            "derivedFrom": [self._to("study")],
            "note": [{"text": text} for text in notes if text],
            "component": list(_components(finding, report)),
        }

    def _diagnostic_report(self, findings: list[str]) -> Resource:
        one, report = self._series, self._report
        lines = list(impression(report))
        if rejected := len(report.findings) - len(report.active):
            lines.append(f"{rejected} findings that a reader rejected are left out.")
        return {
            "resourceType": "DiagnosticReport",
            "status": _STATUS,
            "category": [{"coding": [{"system": f"{_TERMINOLOGY}/v2-0074", "code": "RAD", "display": "Radiology"}]}],
            "code": _concept(_CT),
            "subject": self._to("patient"),
            "effectiveDateTime": _day(one.study_date),
            "issued": _instant(report.created),
            "result": [self._to(name) for name in findings],
            "imagingStudy": [self._to("study")],
            "conclusion": "\n".join([*lines, *report.warnings, RESEARCH_USE]),
        }

    def _provenance(self, targets: list[str]) -> Resource:
        report = self._report

        def agent(code: str, who: Resource) -> Resource:
            role = {"coding": [{"system": f"{_TERMINOLOGY}/provenance-participant-type", "code": code}]}
            return {"type": role, "who": who}

        readers = dict.fromkeys(entry.reader for finding in report.active for entry in finding.history)
        return {
            "resourceType": "Provenance",
            "target": [self._to(name) for name in targets],
            "recorded": _instant(report.created),
            "agent": [
                *([agent("performer", self._to("model"))] if report.is_searched else []),
                agent("assembler", self._to("program")),
                *(agent("author", {"display": reader}) for reader in readers),
            ],
            "entity": [{"role": "source", "what": self._to("study")}],
        }


def _program() -> Resource:
    return {
        "resourceType": "Device",
        "deviceName": [{"name": MANUFACTURER, "type": "manufacturer-name"}],
        "version": [{"value": program_version()}],
        "note": [{"text": RESEARCH_USE}],
    }


def _model(report: Report) -> Resource:
    model = report.model
    threshold = f"Findings are reported from a score of {model.threshold:g} on."
    if model.false_positives_per_scan is not None:
        threshold += f" To expect there: {model.false_positives_per_scan:g} false findings a scan."
    return {
        "resourceType": "Device",
        "identifier": [{"system": "urn:napari-lesion:model-sha256", "value": model.sha256}] if model.sha256 else [],
        "deviceName": [{"name": model.id, "type": "model-name"}],
        "version": [{"value": model.version}] if model.version else [],
        "type": _concept(concepts.ARTIFICIAL_INTELLIGENCE),
        "note": [{"text": threshold}],
    }


def _site(measured: Measurement | None) -> Resource | None:
    """Where a finding is; the side is a component, too."""
    if measured is None:
        return None
    side = f"{measured.side} lung" if measured.side != "unknown" else "lung, side unknown"
    zone = f", {measured.zone} zone" if measured.zone != "unknown" else ""
    return {"coding": [_coding(concepts.LUNG)], "text": side + zone + (f", {measured.lobe}" if measured.lobe else "")}


def _components(finding: Finding, report: Report) -> Iterator[Resource]:
    yield _number(concepts.CERTAINTY, finding.score, concepts.NO_UNIT)
    yield _number(concepts.MARKED_DIAMETER, finding.diameter_mm, concepts.MM)
    for (axis, way, text), value in zip(_AXES, finding.center_mm, strict=True):
        yield _number(concepts.own(f"center-{axis}-{way}", text[:64]), value, concepts.MM)
    yield _coded(concepts.VERDICT, concepts.VERDICTS[finding.status])
    if finding.sop_instance_uid:
        image = finding.sop_instance_uid + (f", frame {finding.frame}" if finding.frame is not None else "")
        yield {
            "code": _concept(concepts.own("nearest-image", "SOPInstanceUID of the nearest image")),
            "valueString": image,
        }
    measured = finding.measurement
    if measured is not None:
        yield from _measured(measured)
    judged = report.judgement.of(finding.id) if report.judgement is not None else None
    if judged is not None and judged.lung_rads.applies and judged.lung_rads.category:
        yield {"code": _concept(concepts.LUNG_RADS), "valueString": judged.lung_rads.category}
    change = report.comparisons[0].of(finding.id) if report.comparisons else None
    if change is not None:
        yield {"code": _concept(concepts.COMPARED), "valueString": f"{change.fate}: {change.why}"}
        if change.doubling_days is not None:
            yield _number(concepts.DOUBLING_TIME, change.doubling_days, concepts.DAYS)


def _measured(measured: Measurement) -> Iterator[Resource]:
    if measured.side in concepts.SIDES:
        yield _coded(concepts.LATERALITY, concepts.SIDES[measured.side])
    if measured.zone in concepts.ZONES:
        yield _coded(concepts.TOPOGRAPHICAL_MODIFIER, concepts.ZONES[measured.zone])
    yield _number(concepts.LONG_AXIS, measured.long_axis.length_mm, concepts.MM)
    yield _number(concepts.SHORT_AXIS, measured.short_axis.length_mm, concepts.MM)
    quantities = [(name, one, getattr(measured, name)) for name, one in concepts.QUANTITIES.items()]
    quantities += [(f"hu_{name}", one, getattr(measured.hu, name)) for name, one in concepts.ATTENUATIONS.items()]
    for name, quantity, value in quantities:
        if value is None:
            continue
        # A component has no place for a derivation: a standard deviation must not be taken for the volume itself.
        plain = quantity.derivation is None or quantity.derivation == concepts.MEAN
        derived = f", {quantity.derivation.meaning.lower()}" if quantity.derivation is not None else ""
        meaning = f"{quantity.name.meaning}{derived}"
        code = quantity.name if plain else concepts.own(name.replace("_", "-")[:16], meaning[:64])
        yield _number(code, value, quantity.unit, meaning)
    if measured.calcified_fraction is not None:
        yield _number(concepts.CALCIFIED_PERCENT, 100 * measured.calcified_fraction, concepts.PERCENT)
    if measured.type in concepts.NODULE_TYPES:
        yield _coded(concepts.NODULE_TYPE, concepts.NODULE_TYPES[measured.type])
    if measured.calcification in concepts.CALCIFICATIONS:
        yield _coded(concepts.CALCIFICATION, concepts.CALCIFICATIONS[measured.calcification])


def _coding(code: Code) -> Resource:
    coding = {"system": _SYSTEMS.get(code.scheme_designator, f"urn:napari-lesion:scheme:{code.scheme_designator}")}
    return {**coding, "code": code.value, "display": code.meaning}


def _concept(code: Code, text: str = "") -> Resource:
    return {"coding": [_coding(code)], "text": text or code.meaning}


def _coded(name: Code, value: Code) -> Resource:
    return {"code": _concept(name), "valueCodeableConcept": _concept(value)}


def _number(name: Code, value: float, unit: Code, text: str = "") -> Resource:
    quantity = {"value": round(float(value), 4), "unit": unit.value, "system": _SYSTEMS["UCUM"], "code": unit.value}
    return {"code": _concept(name, text), "valueQuantity": quantity}


def _day(dicom: str) -> str | None:
    """Write a DICOM date as FHIR has it; None where it is none."""
    found: date | None = day_of(dicom)
    return found.isoformat() if found is not None else None


def _instant(created: str) -> str:
    """Write the time of a report as an instant, which has seconds and a zone.

    Raises
    ------
    LesionError
        If it is none.
    """
    try:
        found = datetime.fromisoformat(created)
    except ValueError as error:
        raise LesionError(f"The report says {created!r} for when it was made, which FHIR cannot hold.") from error
    if found.tzinfo is None:
        raise LesionError(f"The report says {created!r} for when it was made, without its time zone.")
    return found.isoformat(timespec="milliseconds")


def _references(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        if isinstance(content.get("reference"), str):
            yield content["reference"]
        for value in content.values():
            yield from _references(value)
    elif isinstance(content, list):
        for value in content:
            yield from _references(value)
