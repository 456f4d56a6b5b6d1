"""``summary.csv``: a row for every series, and ``skipped_files.csv``: a row for every file that is none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from napari_lesion.support.atomic import PRIVATE_FILE, append_lines
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.plain import from_cell
from napari_lesion.support.tables import table_lines, write_table

FILE_NAME = "summary.csv"
SKIPPED_FILE_NAME = "skipped_files.csv"

SeriesStatus = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class SummaryRow:
    """What became of one series, or of a path in which there was none."""

    series_uid: str
    status: SeriesStatus
    reason: str = ""
    """Why it was skipped or failed, or what was noteworthy; one sentence."""
    folder: str = ""
    """Folder of the results below the output folder; empty where there are none."""
    findings: str = ""
    """Number of findings reported; empty where nothing was searched."""
    measured: str = ""
    """How many of them could be measured."""
    best_score: str = ""
    best_diameter_mm: str = ""
    lung_rads: str = ""
    """Category of the exam; empty where Lung-RADS does not apply, and where too little is known."""
    priors: str = ""
    """Dates of the priors that it was compared with."""
    reports: str = ""
    """Kinds of reports that were written."""
    reports_failed: str = ""
    """Kinds that could not be; the warnings say why."""
    warnings: str = ""
    seconds: str = ""
    modality: str = ""
    patient_id: str = ""
    study_date: str = ""
    series_number: str = ""
    series_description: str = ""
    images: str = ""
    source: str = ""
    """The path in which it was found."""


COLUMNS = tuple(field.name for field in fields(SummaryRow))


def save_summary(rows: Iterable[SummaryRow], path: Path) -> None:
    """Write the summary, whole or not at all; only the user may read it, for it names patients."""
    write_table(COLUMNS, map(asdict, rows), path, private=True)


def append_rows(rows: Iterable[SummaryRow], path: Path) -> None:
    """Add rows to a summary; they are on the disk when this returns, or, where it raises, not in the file.

    A row takes the place of earlier ones of the same folder; those stay in the file until it is written anew.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    append_lines(path, table_lines(COLUMNS, map(asdict, rows)), mode=PRIVATE_FILE)


def load_summary(path: Path) -> tuple[SummaryRow, ...]:
    """Read a summary, each folder's last row only; a last line that a crash cut off is left out.

    Raises
    ------
    ConfigError
        If the file is not one.
    """
    try:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        text = content[:whole].decode("utf-8") + content[whole:].decode("utf-8", "ignore")
        cells = list(csv.DictReader(io.StringIO(text, newline="")))
        if whole < len(content) and cells and None in cells[-1].values():
            del cells[-1]
        rows = [
            SummaryRow(**{name: from_cell(value) for name, value in row.items()})  # type: ignore[arg-type]
            for row in cells
        ]
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError, TypeError) as error:
        raise ConfigError(f"{path}: not a summary of this program ({error}). Move it away.") from error
    last = {row.folder: number for number, row in enumerate(rows)}
    return tuple(row for number, row in enumerate(rows) if not row.folder or last[row.folder] == number)


def save_skipped(skipped: Iterable[tuple[Path | str, str]], path: Path) -> None:
    """Write the files that are part of no series, each with the reason, whole or not at all."""
    rows = ({"path": str(file), "reason": reason} for file, reason in skipped)
    write_table(("path", "reason"), rows, path, private=True)
