"""What files say of patients, statement by statement, and what that means at the date of a study."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from napari_lesion.assessment.patient.fields import PATIENT_FIELDS, Value
from napari_lesion.model.assessed import Patient, Source, SourcedValue

OLDEST_YEARS = 120
"""An age beyond it is taken for a mistake."""
DISAGREE_YEARS = 1
"""Between an age that is stated and one that is counted from dates: more is a contradiction."""


@dataclass(frozen=True)
class Statement:
    """What a file says of a patient on one matter."""

    about: str
    """Name of a field of `Patient`, or ``birth_date`` or ``quit_date``."""
    value: Value | date
    detail: str
    """File and line, or resource."""
    since: date | None = None
    """When it was found to be so; None where the file does not say."""
    study: date | None = None
    """The only study that it is made for; None for all."""


@dataclass(frozen=True)
class Clinical:
    """What files say of any number of patients.

    Attributes
    ----------
    statements : mapping of str to sequence of Statement
        By every identifier of the patient.
    problems : tuple of str
        What could not be taken, a sentence each with its place.
    problems_by_patient : mapping of str to sequence of str
        Those of them that are known to be of a patient.
    """

    statements: Mapping[str, Sequence[Statement]]
    problems: tuple[str, ...] = ()
    problems_by_patient: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, patient_id: str, study_date: str = "") -> Patient | None:
        """Look up a patient; None where nothing is said of them.

        Parameters
        ----------
        patient_id : str
            As in the DICOM header.
        study_date : str
            YYYYMMDD. Ages and times are counted to it, and what was found later is not taken.
        """
        statements = self.statements.get(patient_id.strip())
        return None if statements is None else _patient(statements, day(study_date))

    def problems_of(self, patient_id: str) -> tuple[str, ...]:
        """Get what could not be taken of a patient, as sentences; for the warnings of their report."""
        return tuple(self.problems_by_patient.get(patient_id.strip(), ()))


def sourced(value: Any, source: Source, detail: str) -> Any:
    """Make a value of a field of `Patient`, which checks its type."""
    return SourcedValue(value=value, source=source, detail=detail)


def day(text: str) -> date | None:
    """Read a date as YYYYMMDD or YYYY-MM-DD; None if it is neither, or no day of the calendar."""
    found = re.fullmatch(r"(\d{4})(-?)(\d{2})\2(\d{2})", text.strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None


def whole_years(start: date, end: date) -> int:
    """Count the completed years between two days, as people count their age."""
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


def age(
    born: tuple[date, str] | None, study: date | None, stated: tuple[float, str] | None
) -> tuple[float, str] | None:
    """Determine the age at a study, in years, and what it comes from.

    Parameters
    ----------
    born, stated : tuple, optional
        The date of birth and the age at the study that somebody states, each with its source in words.
    study : date, optional

    Returns
    -------
    tuple, optional
        Years and source in words; None if neither is known or makes sense. Where both contradict each other, the age
        that is stated stands, and the words say so.
    """
    counted = None
    if born is not None and study is not None and 0 <= (years := whole_years(born[0], study)) <= OLDEST_YEARS:
        counted = (float(years), born[1])
    if stated is not None and not 0 <= stated[0] <= OLDEST_YEARS:
        stated = None
    if counted is None or stated is None:
        return counted or stated
    if abs(counted[0] - stated[0]) > DISAGREE_YEARS:
        return stated[0], f"{stated[1]}; by the date of birth it would be {counted[0]:.0f} years"
    return counted


def _patient(statements: Sequence[Statement], study: date | None) -> Patient:
    """Put together what is said of one patient, as far as it holds at a study."""
    about: dict[str, Statement] = {}
    for name in {one.about for one in statements}:
        chosen = _chosen([one for one in statements if one.about == name], study)
        if chosen is not None:
            about[name] = chosen
    known = {
        field.name: sourced(about[field.name].value, "entered", about[field.name].detail)
        for field in PATIENT_FIELDS
        if field.name in about and field.name != "age_years"
    }
    years = age(_dated(about.get("birth_date")), study, _numbered(about.get("age_years")))
    if years is not None:
        known["age_years"] = sourced(years[0], "entered", years[1])
    quit_on = _dated(about.get("quit_date"))
    if "quit_years_ago" not in known and quit_on is not None and study is not None and quit_on[0] <= study:
        known["quit_years_ago"] = sourced(float(whole_years(quit_on[0], study)), "entered", quit_on[1])
    return Patient(**known)


def _chosen(statements: Iterable[Statement], study: date | None) -> Statement | None:
    """Take what is said for this study, else the latest that was known by then, else what has no date."""
    holds = [
        one
        for one in statements
        if (one.study is None or one.study == study) and (one.since is None or study is None or one.since <= study)
    ]
    return max(holds, key=lambda one: (one.study is not None, one.since or date.min), default=None)


def _dated(statement: Statement | None) -> tuple[date, str] | None:
    return (statement.value, statement.detail) if statement is not None and isinstance(statement.value, date) else None


def _numbered(statement: Statement | None) -> tuple[float, str] | None:
    return (statement.value, statement.detail) if statement is not None and isinstance(statement.value, float) else None
