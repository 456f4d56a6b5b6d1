"""Lesions over the years out of results of `analyse`: findings.json of any number of dates, and rows of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from napari_lesion.assessment.measure.nodule import nodule_of
from napari_lesion.comparison.trajectory import Trajectory, trajectories
from napari_lesion.comparison.visits import linked
from napari_lesion.model.compared import day_of
from napari_lesion.model.findings import Finding, Report
from napari_lesion.records.rows import Row, of_patient
from napari_lesion.report.json import load_report
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.plain import one_line
from napari_lesion.timeline.course import YEAR, Course, Person, Visit

_FACTS = ("emphysema", "family_history")


def courses_of_results(
    folders: Sequence[Path], rows: Sequence[Row] = ()
) -> tuple[tuple[tuple[Course, tuple[str, ...]], ...], tuple[str, ...]]:
    """Put the findings of each patient's scans together by their lesion.

    Parameters
    ----------
    folders : sequence of Path
        With findings.json anywhere below.
    rows : sequence of Row
        Records; what results do not say of a patient is taken from them.

    Returns
    -------
    tuple of (Course, tuple of str), tuple of str
        The lesions with the dates of their visits (YYYYMMDD), and what was not taken, as sentences.
    """
    problems: list[str] = []
    patients: dict[tuple[str, str], dict[str, Report]] = {}
    for folder in folders:
        for path in sorted(folder.rglob("findings.json")):
            try:
                report = load_report(path)
            except InputFileError as error:
                problems.append(str(error))
                continue
            series = report.series
            why = (
                "has no date of study"
                if day_of(series.study_date) is None
                else "has no patient ID, so nobody knows whose it is"
                if not series.patient_id.strip()
                else ""
            )
            if why:
                problems.append(f"{path}: {why}. It was not taken.")
                continue
            person = series.patient_id.strip(), series.patient_birth_date.strip()
            patients.setdefault(person, {})[series.series_uid] = report
    found = tuple(one for reports in patients.values() for one in _lesions(reports, rows))
    return found, tuple(problems)


def _lesions(reports: dict[str, Report], rows: Sequence[Row]) -> Iterator[tuple[Course, tuple[str, ...]]]:
    latest = max(reports.values(), key=lambda one: one.series.study_date)
    together = {one.series_uid: one for one in linked(latest, latest.comparisons, reports.get)}
    every = [together.get(uid, report) for uid, report in reports.items()]
    findings = {(one.series_uid, finding.id): finding for one in every for finding in one.findings}
    for trajectory in trajectories(every):
        yield _course(trajectory, findings, reports, latest, rows)


def _course(
    trajectory: Trajectory,
    findings: dict[tuple[str, str], Finding],
    reports: dict[str, Report],
    latest: Report,
    rows: Sequence[Row],
) -> tuple[Course, tuple[str, ...]]:
    visits: dict[str, Visit] = {}
    upper: bool | None = None
    start = day_of(trajectory.seen[0].date)
    for seen in trajectory.seen:
        finding = findings[seen.series_uid, seen.finding_id]
        nodule, when = nodule_of(finding), day_of(seen.date)
        if start is None or when is None:
            continue
        # Of two series of one day the one with a measurement counts.
        if seen.date in visits and nodule is None:
            continue
        visits[seen.date] = Visit(
            (when - start).days,
            seen.volume_mm3,
            seen.long_axis_mm if nodule is not None else finding.diameter_mm,
            seen.short_axis_mm,
            nodule.types[0] if nodule is not None and len(nodule.types) == 1 else None,
            nodule.spiculated[0] if nodule is not None and len(nodule.spiculated) == 1 else None,
        )
        upper = nodule.upper_lobe if nodule is not None and nodule.upper_lobe is not None else upper
    last = findings[trajectory.seen[-1].series_uid, trajectory.seen[-1].finding_id]
    name = f"{one_line(latest.series.patient_id.strip())} {last.name}"
    count = len(reports[trajectory.seen[0].series_uid].active)
    course = Course(name, _person(latest, rows), tuple(visits.values()), upper, count)
    if course.person.age_years is not None:
        # It is that at the latest study.
        now = day_of(latest.series.study_date)
        years = (now - start).days / YEAR if now is not None and start is not None else 0.0
        course = replace(course, person=replace(course.person, age_years=course.person.age_years - years))
    return course, tuple(visits)


def _person(latest: Report, rows: Sequence[Row]) -> Person:
    """Take what the latest results say, and what records up to then say of the rest."""
    patient, series = latest.patient, latest.series
    when, born = day_of(series.study_date), day_of(series.patient_birth_date)
    own, _ = of_patient(rows, series.patient_id, born.isoformat() if born else "")
    told = [one for one in own if when is not None and one.date and one.date <= when.isoformat()]
    facts: dict[str, bool | None] = {}
    for name in _FACTS:
        said = getattr(patient, name)
        facts[name] = said.value if said is not None else _recorded(name, told)
    age = patient.age_years.value if patient.age_years is not None else None
    if age is None and born is not None and when is not None:
        age = (when - born).days / YEAR
    return Person(
        series.patient_id.strip(),
        age,
        patient.sex.value == "female" if patient.sex is not None else None,
        facts["family_history"],
        facts["emphysema"],
        patient.pack_years.value if patient.pack_years is not None else None,
    )


def _recorded(name: str, rows: Iterable[Row]) -> bool | None:
    """Get what records last said of a fact: a statement taken over from a report, or a condition of that name."""
    said = None
    for row in rows:
        if row.kind == "patient" and row.name == name:
            said = {"yes": True, "no": False}.get(row.value.split()[0] if row.value else "", said)
        elif row.kind == "condition" and name in row.name.lower().replace(" ", "_"):
            said = "refuted" not in row.value
    return said
