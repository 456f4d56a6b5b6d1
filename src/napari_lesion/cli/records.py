"""``napari-lesion records``: a patient's laboratory values, conditions, scans and old reports, in the order of time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_lesion.cli.console import print_error, print_line, show_table


def records(
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True,
            metavar="FILES",
            help="CSV of values, FHIR (.json, .ndjson), records.csv of `text --take`, or a folder of `analyse`.",
        ),
    ],
    patient: Annotated[str, typer.Option(metavar="ID", help="Whose records, as in the scan's header.")],
    out: Annotated[Path, typer.Option("-o", "--out", dir_okay=False, help="The table to write.")],
    born: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="Date of birth: rows with another one are refused.")
    ] = "",
    columns: Annotated[
        str, typer.Option(metavar="NAME=COLUMN,...", help="Of a CSV: patient_id, date, name, value, unit, birth_date.")
    ] = "",
) -> None:
    """Put a patient's records in the order of time, and say what is due.

    Rows of another patient, or with another date of birth, are refused and named. Nothing is converted or judged.

    Exit status: 0 all done, 1 something was not taken that may be of the patient, 2 wrong usage.
    """
    from napari_lesion.assessment.patient.sourced_values import day
    from napari_lesion.records.columns import columns_of
    from napari_lesion.records.rows import Row, follow_ups, load_rows, of_patient, save_rows
    from napari_lesion.records.tables import is_own, read_rows, rows_of_results
    from napari_lesion.support.errors import OptionError

    when = day(born) if born else None
    if born and when is None:
        raise OptionError(f"--born {born}: is no date. Write it as 1961-03-24.")
    chosen = columns_of(columns) if columns else None
    rows: list[Row] = []
    problems: list[str] = []
    for file in files:
        if file.is_dir():
            found, odd = rows_of_results(file)
        elif is_own(file):
            found, odd = load_rows(file), ()
        else:
            found, odd = read_rows(file, chosen)
        rows += found
        problems += odd
    own, refused = of_patient(rows, patient, when.isoformat() if when else "")
    save_rows(own, out)
    show_table(
        ["date", "kind", "what", "value", "unit", "from"],
        [[row.date or "?", row.kind, row.name, row.value, row.unit, row.source] for row in own],
    )
    scans = [row.date for row in own if row.kind == "scan"]
    for row in follow_ups(own, done={patient.strip(): scans}):
        print_line(f"Advised and not seen here: {row.value}, due {row.due_from} to {row.due_to} ({row.words}).")
    print_line(f"{len(own)} rows of patient {patient} are in {out}.")
    for sentence in (*refused, *problems):
        print_error(sentence)
    if problems or any("another date of birth" in sentence for sentence in refused):
        raise typer.Exit(1)
