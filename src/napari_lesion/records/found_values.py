"""What was found in reports, as a table that a reader ticks, and as a page with the words marked."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_lesion.assessment.patient.fields import PATIENT_FIELDS
from napari_lesion.assessment.patient.sourced_values import day
from napari_lesion.records.documents import Document
from napari_lesion.records.findings import Item, ReadReport, items
from napari_lesion.records.read import read_report
from napari_lesion.records.rows import Row, rows_of_items
from napari_lesion.security.audit import Action, record
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.plain import from_cell
from napari_lesion.support.tables import read_table, write_table

COLUMNS = ("take", "source", "patient_id", "birth_date", "report_date", "about", "field", "value", "doubt", "words")
"""Of the table; ``take`` is empty until a reader says yes."""
_YES = {"yes", "y", "x", "1", "true", "ja", "是"}
_COLOURS = {"nodule": "#ffd54f", "advice": "#81d4fa", "patient": "#c5e1a5", "report": "#e1bee7"}
_STYLE = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;line-height:1.5}pre{white-space:pre-wrap;font:inherit}"
    "mark{padding:0 2px;border-radius:3px}sup{font-size:.7em}section{border-top:1px solid #ccc}.n{color:#a33}"
)


@dataclass(frozen=True)
class Reading:
    """A report with what was found in it."""

    document: Document
    read: ReadReport

    @property
    def items(self) -> tuple[Item, ...]:
        """All that may be taken over, one by one."""
        return tuple(items(self.read))


def read_all(documents: Iterable[Document]) -> tuple[Reading, ...]:
    """Read reports."""
    return tuple(Reading(one, read_report(one.text)) for one in documents)


def save_table(readings: Sequence[Reading], path: Path) -> None:
    """Write a line for each value that was found, nothing of it ticked."""
    for patient_id in sorted({one.document.patient_id for one in readings} - {""}):
        record(Action.EXPORT, patient_id=patient_id, detail="values found in reports")
    write_table(COLUMNS, (line for one in readings for line in _lines(one)), path, private=True)


def _lines(one: Reading) -> Iterable[Mapping[str, object]]:
    document = one.document
    for item in one.items:
        yield {
            "take": "",
            "source": document.source,
            "patient_id": document.patient_id,
            "birth_date": document.born.isoformat() if document.born else "",
            "report_date": document.written.isoformat() if document.written else "",
            "about": item.about,
            "field": item.field,
            "value": item.value,
            "doubt": item.doubt,
            "words": document.text[item.start : item.end],
        }


def taken_rows(path: Path, *, by: str, at: str) -> tuple[Row, ...]:
    """Read a table that a reader has ticked: the rows with ``yes`` in the column ``take``.

    Raises
    ------
    InputFileError
        If it is no such table, a ticked line names no patient, or nothing is ticked.
    """
    table = read_table(path, needed=COLUMNS)
    chosen: dict[tuple[str, str, str, str], list[tuple[Item, str]]] = {}
    for number, row in table.rows():
        if row["take"].strip().lower() not in _YES:
            continue
        if not row["patient_id"].strip():
            raise InputFileError(
                f"{path.name}, line {number}: is ticked, but nobody knows whose it is: fill in patient_id."
            )
        said = {name: from_cell(row[name]) for name in COLUMNS}
        key = (said["source"], said["patient_id"], said["birth_date"], said["report_date"])
        item = Item(said["about"], said["field"], said["value"], 0, len(said["words"]), said["doubt"])
        chosen.setdefault(key, []).append((item, said["words"]))
    if not chosen:
        raise InputFileError(f"{path}: nothing is ticked. Write yes into the column take where a value is right.")
    rows: list[Row] = []
    for (source, patient_id, born, written), some in chosen.items():
        # The table has each item's words, not the report: they are put one behind the other.
        text = "".join(words for _, words in some)
        at_letter, moved = 0, []
        for item, words in some:
            moved.append(Item(item.about, item.field, item.value, at_letter, at_letter + len(words), item.doubt))
            at_letter += len(words)
        rows += rows_of_items(Document(text, source, patient_id, day(born), day(written)), moved, by=by, at=at)
    return tuple(rows)


def save_clinical(rows: Iterable[Row], path: Path) -> int:
    """Write what is said of patients as the table that `load_clinical` reads; how many lines it has.

    A value that is in doubt, or only history, is not written: it is no fact of the patient.
    """
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for row in rows:
        if row.kind == "patient" and not row.value.endswith(")"):
            line = lines.setdefault((row.patient_id, row.date), {"patient_id": row.patient_id})
            line[row.name] = row.value
            if row.birth_date:
                line["birth_date"] = row.birth_date
    names = [field.name for field in PATIENT_FIELDS if any(field.name in line for line in lines.values())]
    latest: dict[str, dict[str, str]] = {}
    for (patient_id, _), line in sorted(lines.items()):
        latest[patient_id] = {**latest.get(patient_id, {}), **line}
    write_table(("patient_id", "birth_date", *names), latest.values(), path, private=True)
    return len(latest)


def save_page(readings: Sequence[Reading], path: Path) -> None:
    """Write the reports as a page without scripts, the words of each value marked, and what it was read as."""
    parts = [f"<!doctype html><meta charset='utf-8'><title>Reports</title><style>{_STYLE}</style>"]
    for one in readings:
        whose = one.document.patient_id or "patient not known"
        parts.append(f"<section><h2>{html.escape(one.document.source)} · {html.escape(whose)}</h2>")
        parts.append(f"<pre>{marked_html(one)}</pre><ul>")
        parts += [f"<li>{html.escape(f'{i.about}: {i.field} = {i.value} {i.doubt}')}</li>" for i in one.items]
        parts += [f"<li class='n'>{html.escape(note)}</li>" for note in one.read.notes]
        parts.append("</ul></section>")
    with whole_file(path, private=True) as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8")


def marked_html(one: Reading) -> str:
    """Write a report's text with the words of each value marked; of marks that overlap the shorter one."""
    text, at, made = one.document.text, 0, []
    chosen: list[Item] = []
    for item in sorted(one.items, key=lambda item: item.end - item.start):
        if not any(item.start < other.end and other.start < item.end for other in chosen):
            chosen.append(item)
    for item in sorted(chosen, key=lambda item: item.start):
        colour = _COLOURS[item.about.split()[0]]
        title = html.escape(f"{item.about}: {item.field} = {item.value}", quote=True)
        made.append(html.escape(text[at : item.start]))
        made.append(
            f'<mark style="background:{colour}" title="{title}">{html.escape(text[item.start : item.end])}</mark>'
        )
        at = item.end
    return "".join((*made, html.escape(text[at:])))
