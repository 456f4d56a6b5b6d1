"""``napari-lesion text``: what old reports say, as values to be taken over or not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_table


def text(
    reports: Annotated[
        Path,
        typer.Argument(
            exists=True,
            metavar="REPORTS",
            help="A text, a CSV with a report a line, FHIR, a DICOM report, a folder of these; with --take, found.csv.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", file_okay=False, help="Folder for found.csv and found.html.")],
    columns: Annotated[
        str, typer.Option(metavar="NAME=COLUMN,...", help="Of a CSV: text, patient_id, birth_date and date.")
    ] = "",
    take: Annotated[
        bool,
        typer.Option("--take", help="REPORTS is a found.csv in which you have ticked what is right: take that over."),
    ] = False,
    reader: Annotated[str, typer.Option(help="Who takes it over.")] = "",
) -> None:
    """Read free-text radiology reports in English, German or Chinese by rules.

    Finds nodules (size, place, type, change), advice, Lung-RADS, and what is said of the patient, each with the words
    that it comes from. Nothing is taken over by itself: write yes into the column take of found.csv where a value is
    right, and give it back with --take. That writes clinical.csv for `analyse --clinical`, and follow-up.csv.

    Exit status: 0 all done, 1 something could not be read, 2 wrong usage.
    """
    if take:
        _take(reports, out, reader)
        return
    from napari_lesion.records.columns import columns_of
    from napari_lesion.records.documents import read_documents
    from napari_lesion.records.found_values import read_all, save_page, save_table

    documents, problems = read_documents(reports, columns_of(columns) if columns else None)
    readings = read_all(documents)
    out.mkdir(parents=True, exist_ok=True)
    save_table(readings, out / "found.csv")
    save_page(readings, out / "found.html")
    show_table(
        ["report", "patient", "language", "nodules", "advice", "other"],
        [
            [
                one.document.source,
                one.document.patient_id or "?",
                one.read.language,
                str(len(one.read.nodules)),
                "; ".join(advice.words for advice in one.read.advice) or "–",
                "; ".join(f"{item.field} {item.value}" for item in one.items if item.about in ("patient", "report"))
                or "–",
            ]
            for one in readings
        ],
    )
    for one in readings:
        for note in one.read.notes:
            print_line(f"{one.document.source}: {note}")
    print_line(
        f"{sum(len(one.items) for one in readings)} values in {len(readings)} reports; nothing of it was taken over."
    )
    print_line(f"Tick what is right in {out / 'found.csv'} (column take: yes); {out / 'found.html'} shows the words.")
    for problem in problems:
        print_error(problem)
    if problems:
        raise typer.Exit(1)


def _take(table: Path, out: Path, reader: str) -> None:
    from datetime import datetime

    from napari_lesion.records.found_values import save_clinical, taken_rows
    from napari_lesion.records.rows import follow_ups, save_rows

    now = datetime.now().astimezone().isoformat(timespec="seconds")
    rows = taken_rows(table, by=reader, at=now)
    out.mkdir(parents=True, exist_ok=True)
    save_rows(rows, out / "records.csv")
    patients = save_clinical(rows, out / "clinical.csv")
    due = follow_ups(rows)
    save_rows(due, out / "follow-up.csv")
    show_table(
        ["due from", "to", "patient", "advice", "words"],
        [[row.due_from, row.due_to, row.patient_id, row.value, row.words] for row in due],
    )
    undated = [row for row in rows if row.kind == "advice" and not row.due_from]
    print_line(
        f"{len(rows)} rows were taken over; {patients} patients in clinical.csv, {len(due)} follow-ups with a date."
    )
    for row in undated:
        print_line(f"{row.source}: {row.value} has no date that it is due on (no time, or no date of the report).")
