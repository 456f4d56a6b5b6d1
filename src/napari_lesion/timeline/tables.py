"""Cohorts as tables: two CSV of our own, or the tables of NLST."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from napari_lesion.model.assessed import NoduleType
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import Table, read_table, write_table
from napari_lesion.timeline import nlst
from napari_lesion.timeline.cohort import Settings
from napari_lesion.timeline.course import SIMULATED, Course, End, Ending, Person, Visit

LESIONS, VISITS, MADE_BY = "lesions.csv", "visits.csv", "simulation.json"
LESION_COLUMNS = (
    *("lesion", "person", "age_years", "female", "family_history", "emphysema", "pack_years", "upper_lobe", "count"),
    *("end_day", "end"),
)
VISIT_COLUMNS = ("lesion", "day", "volume_mm3", "long_mm", "short_mm", "type", "spiculated")
_YES = {"yes": True, "no": False}


@dataclass(frozen=True)
class Cohort:
    """Lesions over the years, out of a folder.

    Attributes
    ----------
    courses : tuple of Course
    simulated : bool
        Nobody in it exists.
    problems : tuple of str
        What was not taken, as sentences.
    """

    courses: tuple[Course, ...]
    simulated: bool
    problems: tuple[str, ...] = ()


def load_cohort(folder: Path) -> Cohort:
    """Read a folder with ``lesions.csv`` and ``visits.csv``, or with tables of NLST.

    Raises
    ------
    InputFileError
        If neither is there, or a table cannot be read.
    """
    if (folder / LESIONS).is_file():
        return Cohort(*_own(folder))
    if nlst.is_there(folder):
        courses, problems = nlst.read_nlst(folder)
        return Cohort(courses, False, problems)
    raise InputFileError(
        f"{folder}: holds neither {LESIONS} and {VISITS} nor tables of NLST ({' and '.join(nlst.NEEDED)})."
    )


def save_cohort(courses: Sequence[Course], folder: Path, settings: Settings) -> None:
    """Write a made cohort as two tables, and what it was made by."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(LESION_COLUMNS, map(_lesion_row, courses), folder / LESIONS)
    visits = [_visit_row(one.lesion, visit) for one in courses for visit in one.visits]
    write_table(VISIT_COLUMNS, visits, folder / VISITS)
    with whole_file(folder / MADE_BY) as new:
        content = {"note": SIMULATED, "settings": settings.model_dump(mode="json")}
        new.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _lesion_row(one: Course) -> dict[str, object]:
    person, end = one.person, one.end
    return {
        "lesion": one.lesion,
        "person": person.id,
        "age_years": _number(person.age_years),
        "female": _word(person.female),
        "family_history": _word(person.family_history),
        "emphysema": _word(person.emphysema),
        "pack_years": _number(person.pack_years),
        "upper_lobe": _word(one.upper_lobe),
        "count": "" if one.count is None else one.count,
        "end_day": "" if end is None else end.day,
        "end": "" if end is None else end.how,
    }


def _visit_row(lesion: str, one: Visit) -> dict[str, object]:
    return {
        "lesion": lesion,
        "day": one.day,
        "volume_mm3": _number(one.volume_mm3),
        "long_mm": _number(one.long_mm),
        "short_mm": _number(one.short_mm),
        "type": one.type or "",
        "spiculated": _word(one.spiculated),
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _word(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"


def _own(folder: Path) -> tuple[tuple[Course, ...], bool, tuple[str, ...]]:
    problems: list[str] = []
    visits: dict[str, list[Visit]] = {}
    table = read_table(folder / VISITS, VISIT_COLUMNS)
    for line, row in table.rows():
        try:
            visits.setdefault(row["lesion"], []).append(_visit(table, row))
        except ValueError as error:
            problems.append(f"{VISITS}, line {line}: {error}. It was not taken.")
    courses = []
    table = read_table(folder / LESIONS, LESION_COLUMNS)
    for line, row in table.rows():
        seen = sorted(visits.get(row["lesion"], ()), key=lambda one: one.day)
        if not seen:
            problems.append(f"{LESIONS}, line {line}: the lesion has no visit in {VISITS}. It was not taken.")
            continue
        try:
            courses.append(_course(table, row, seen))
        except ValueError as error:
            problems.append(f"{LESIONS}, line {line}: {error}. It was not taken.")
    return tuple(courses), (folder / MADE_BY).is_file(), tuple(problems)


def _visit(table: Table, row: Mapping[str, str]) -> Visit:
    kind = next((one for one in get_args(NoduleType) if one == row["type"]), None)
    if row["type"] and kind is None:
        raise ValueError(f"the type {row['type']!r} is none of {', '.join(get_args(NoduleType))}")
    day = _read(table, row, "day", least=None)
    if day is None:
        raise ValueError("has no day")
    volume, long_mm, short_mm = (_read(table, row, name) or None for name in ("volume_mm3", "long_mm", "short_mm"))
    return Visit(round(day), volume, long_mm, short_mm, kind, _yes(row, "spiculated"))


def _course(table: Table, row: Mapping[str, str], visits: list[Visit]) -> Course:
    if not row["person"]:
        raise ValueError("says no person, so nobody knows whose lesion it is")
    first, days = visits[0].day, [one.day for one in visits]
    if len(set(days)) < len(days):
        raise ValueError("two visits are on one day")
    person = Person(
        row["person"],
        _read(table, row, "age_years"),
        _yes(row, "female"),
        _yes(row, "family_history"),
        _yes(row, "emphysema"),
        _read(table, row, "pack_years"),
    )
    count, end_day = _read(table, row, "count"), _read(table, row, "end_day", least=None)
    how = next((one for one in get_args(Ending) if one == row["end"]), None)
    if (how is None) != (not row["end"]) or (how is None) != (end_day is None):
        raise ValueError(f"an end has a day and is one of {', '.join(get_args(Ending))}")
    if end_day is not None and end_day < days[-1]:
        raise ValueError("it was seen after its end")
    return Course(
        row["lesion"],
        person,
        tuple(replace(one, day=one.day - first) for one in visits),
        _yes(row, "upper_lobe"),
        None if count is None else round(count),
        None if end_day is None or how is None else End(round(end_day) - first, how),
    )


def _read(table: Table, row: Mapping[str, str], name: str, least: float | None = 0.0) -> float | None:
    if not row[name]:
        return None
    try:
        value = table.number(row, name)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (least is not None and value < least):
        raise ValueError(f"{name} is {row[name]!r}, no number that it can be")
    return value


def _yes(row: Mapping[str, str], name: str) -> bool | None:
    if row[name] and row[name] not in _YES:
        raise ValueError(f"{name} is {row[name]!r}, neither yes nor no")
    return _YES.get(row[name])
