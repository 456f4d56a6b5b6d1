"""What a reader takes over from a report into what is known of the patient, and where records are kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from napari_lesion.assessment.patient.fields import PATIENT_FIELDS
from napari_lesion.assessment.patient.sourced_values import day, sourced, whole_years
from napari_lesion.model.assessed import Patient
from napari_lesion.records.documents import Document
from napari_lesion.records.findings import Item
from napari_lesion.review.journal import state_folder

_FIELDS = {field.name: field for field in PATIENT_FIELDS}


def records_path() -> Path:
    """Where the rows that were taken over are kept, of all patients."""
    return state_folder() / "records.csv"


def stated_patient(document: Document, items: Iterable[Item], by: str, study_date: str) -> Patient:
    """Make what is known of a patient of what was ticked; what is in doubt is no fact.

    Parameters
    ----------
    document : Document
    items : iterable of Item
        What was ticked.
    by : str
        The reader.
    study_date : str
        YYYYMMDD, of the scan: years since quitting are counted to it, where both dates are known.
    """
    known = {}
    study = day(study_date)
    for item in items:
        field = _FIELDS.get(item.field)
        if item.about != "patient" or item.doubt or field is None:
            continue
        if document.written is not None and study is not None and document.written > study:
            continue  # as with tables and FHIR: what was found after the study does not count
        value = field.read(item.value)
        if item.field == "quit_years_ago" and isinstance(value, float):
            if document.written is None or study is None or study < document.written:
                continue  # so many years before a day that nobody knows
            value += whole_years(document.written, study)
        when = document.written.isoformat() if document.written else "no date"
        words = " ".join(document.text[item.start : item.end].split())
        known[item.field] = sourced(value, "entered", f"report of {when}: “{words}”, taken over by {by}")
    return Patient.model_validate({name: value.model_dump() for name, value in known.items()})
