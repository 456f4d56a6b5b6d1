"""A patient's records in the order of time: what was taken over from reports, and lines of tables of a hospital.

Whose a row is decides its patient's number, and the date of birth where both sides say one: a row of anybody else is
refused with a sentence, never shown.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from napari_lesion.records.documents import Document
from napari_lesion.records.findings import Item
from napari_lesion.security.audit import Action, record
from napari_lesion.support.errors import InputFileError, OutputError
from napari_lesion.support.plain import from_cell
from napari_lesion.support.tables import read_table, write_table

_WAIT_S = 10.0


@dataclass(frozen=True)
class Row:
    """One line of a patient's records.

    Attributes
    ----------
    patient_id : str
    birth_date, date : str
        YYYY-MM-DD; "" where it is not known. The date is that of the report, sample or statement.
    kind : str
        ``nodule``, ``advice``, ``report``, ``patient``, ``laboratory`` or ``condition``.
    name, value, unit : str
    due_from, due_to : str
        Of advice: from when to when it is due, YYYY-MM-DD.
    words : str
        Of the report that it comes from.
    source : str
        File, and line or resource.
    taken_by, taken_at : str
        The reader who took it over, and when.
    """

    patient_id: str
    birth_date: str
    date: str
    kind: str
    name: str
    value: str
    unit: str = ""
    due_from: str = ""
    due_to: str = ""
    words: str = ""
    source: str = ""
    taken_by: str = ""
    taken_at: str = ""


COLUMNS = tuple(field.name for field in fields(Row))


def rows_of_items(document: Document, items: Sequence[Item], *, by: str, at: str) -> tuple[Row, ...]:
    """Make rows of what a reader takes over from a report; the values of a nodule become one row.

    Raises
    ------
    InputFileError
        If the report's patient is not known.
    """
    if not document.patient_id.strip():
        raise InputFileError(f"{document.source}: nobody knows whose report it is, so nothing was taken over.")
    made: dict[str, Row] = {}
    for number, item in enumerate(items):
        words = document.text[item.start : item.end]
        row = Row(
            document.patient_id.strip(),
            _iso(document.born),
            _iso(document.written),
            item.about.split()[0],
            item.field,
            item.value,
            words=words,
            source=document.source,
            taken_by=by,
            taken_at=at,
        )
        if item.doubt:
            row = replace(row, value=f"{row.value} ({item.doubt})")
        if row.kind == "nodule":
            shown = replace(row, name=item.about, value=f"{item.field} {row.value}")
            before = made.get(item.about)
            made[item.about] = shown if before is None else _joined(before, shown)
        else:
            made[f"{item.about} {number}"] = _with_due(row, document.written) if row.kind == "advice" else row
    return tuple(made.values())


def due(months: tuple[float, float], written: date) -> tuple[date, date]:
    """Count when something is due that was advised in so many months, on the date of a report."""
    return _later(written, months[0]), _later(written, months[1])


def refusal(row_id: str, row_born: str, patient_id: str, born: str, where: str) -> str:
    """Why something is not of a patient; "" where it is.

    Parameters
    ----------
    row_id, row_born : str
        Of the row: number, and date of birth as YYYY-MM-DD or "".
    patient_id, born : str
        Of the patient.
    where : str
        The row's place, for the sentence.
    """
    if not row_id.strip():
        return f"{where}: says no patient, so nobody knows whose it is. It was not taken."
    if not patient_id.strip():
        return (
            f"{where}: the scan has no patient ID, so nobody knows whether it is of the same patient. It was not taken."
        )
    if row_id.strip() != patient_id.strip():
        return f"{where}: is of another patient ({row_id.strip()}). It was not taken."
    if row_born and born and row_born != born:
        return (
            f"{where}: has the same patient ID, but another date of birth ({row_born}, not {born}). It was not taken."
        )
    return ""


def of_patient(rows: Iterable[Row], patient_id: str, born: str) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Choose the rows of a patient, in the order of time; the others are named, a sentence for each other patient."""
    own: list[Row] = []
    refused: dict[str, str] = {}
    for row in rows:
        sentence = refusal(row.patient_id, row.birth_date, patient_id, born, row.source or "a row")
        if sentence:
            refused.setdefault(f"{row.patient_id} {row.birth_date}", sentence)
        else:
            own.append(row)
    return tuple(sorted(own, key=lambda one: (one.date or "9999", one.kind, one.name))), tuple(refused.values())


def load_rows(path: Path) -> tuple[Row, ...]:
    """Read rows that `save_rows` wrote; none where there is no file."""
    if not path.exists():
        return ()
    table = read_table(path, needed=COLUMNS)
    return tuple(Row(**{name: from_cell(row[name]) for name in COLUMNS}) for _, row in table.rows())


def save_rows(rows: Iterable[Row], path: Path) -> None:
    """Write rows as a table that only the user may read; the audit log, if there is one, says of whom."""
    written = tuple(rows)
    for patient_id in sorted({row.patient_id for row in written}):
        record(Action.EXPORT, patient_id=patient_id, detail="records")
    _write(written, path)


def _write(rows: Iterable[Row], path: Path) -> None:
    write_table(COLUMNS, map(asdict, rows), path, private=True)


def add_rows(rows: Sequence[Row], path: Path) -> int:
    """Add rows to a table, but for those that are there already; how many were new.

    Raises
    ------
    OutputError
        If another window holds the table, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(f"{path}.lock", mode=0o600, timeout=_WAIT_S):
            there = load_rows(path)
            known = {_what(row) for row in there}
            new = [row for row in {_what(row): row for row in rows}.values() if _what(row) not in known]
            for patient_id in sorted({row.patient_id for row in new}):
                reader = next(row.taken_by for row in new if row.patient_id == patient_id)
                record(Action.CHANGE, patient_id=patient_id, detail="records taken over", reader=reader)
            if new:
                _write((*there, *new), path)
            return len(new)
    except Timeout as error:
        raise OutputError(f"{path}: another window is writing there. Try again.") from error
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}).") from error


def follow_ups(rows: Iterable[Row], *, done: Mapping[str, Iterable[str]] | None = None) -> tuple[Row, ...]:
    """List what is to be done of which patient: advice with a time, the earliest first.

    Parameters
    ----------
    rows : iterable of Row
    done : mapping of str to iterable of str, optional
        Dates (YYYY-MM-DD) of the scans of each patient: a scan from the first day that it is due on answers advice.
    """
    scans = {patient: sorted(dates) for patient, dates in (done or {}).items()}
    open_ = [
        row
        for row in rows
        if row.kind == "advice"
        and row.due_from
        and not any(when >= row.due_from for when in scans.get(row.patient_id, ()))
    ]
    return tuple(sorted(open_, key=lambda row: (row.due_to, row.due_from, row.patient_id)))


def _what(row: Row) -> Row:
    """Get what makes a row the same as another: not who took it over."""
    return replace(row, taken_by="", taken_at="")


def _joined(before: Row, more: Row) -> Row:
    return replace(before, value=f"{before.value}; {more.value}", words=f"{before.words} … {more.words}")


def _with_due(row: Row, written: date | None) -> Row:
    months = row.value.partition(" ")[2].split(" (")[0]
    if not months or written is None:
        return row
    low, _, high = months.partition("-")
    first, last = due((float(low), float(high or low)), written)
    return replace(row, due_from=first.isoformat(), due_to=last.isoformat())


def _later(start: date, months: float) -> date:
    whole = int(months)
    year, month = divmod(start.month - 1 + whole, 12)
    last = calendar.monthrange(start.year + year, month + 1)[1]
    moved = date(start.year + year, month + 1, min(start.day, last))
    return moved + timedelta(days=round((months - whole) * 30.4))


def _iso(when: date | None) -> str:
    return when.isoformat() if when is not None else ""
