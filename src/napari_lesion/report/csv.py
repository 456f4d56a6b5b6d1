"""``summary.csv``: a row for every series, and ``skipped_files.csv``: a row for every file that is none."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from napari_lesion.errors import ConfigError
from napari_lesion.plain import from_cell
from napari_lesion.tables import write_table

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
    """Category of the exam; empty where Lung-RADS does not apply."""
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
    """Write the summary, whole or not at all."""
    write_table(COLUMNS, (asdict(row) for row in rows), path)


def load_summary(path: Path) -> tuple[SummaryRow, ...]:
    """Read a summary.

    Raises
    ------
    ConfigError
        If the file is not one.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return tuple(
                SummaryRow(**{name: from_cell(value) for name, value in row.items()})  # type: ignore[arg-type]
                for row in csv.DictReader(file)
            )
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError, TypeError) as error:
        raise ConfigError(f"{path}: not a summary of this program ({error}). Move it away.") from error


def save_skipped(skipped: Iterable[tuple[Path | str, str]], path: Path) -> None:
    """Write the files that are part of no series, each with the reason, whole or not at all."""
    write_table(("path", "reason"), ({"path": str(file), "reason": reason} for file, reason in skipped), path)
