"""What became of each series; ``summary.csv``, a row for every series; ``skipped_files.csv``, for every file of none.

A `SeriesOutcome` holds numbers as numbers. They become text where the table is written, and nobody reads them back:
rows of earlier runs stay the text that they are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from napari_lesion.support.atomic import PRIVATE_FILE, append_lines
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.plain import from_cell
from napari_lesion.support.tables import table_lines, write_table

FILE_NAME = "summary.csv"
SKIPPED_FILE_NAME = "skipped_files.csv"

SeriesStatus = Literal["done", "skipped", "failed"]
Cells = Mapping[str, str]
"""A row of ``summary.csv`` as text, by column."""


@dataclass(frozen=True)
class SeriesOutcome:
    """What became of one series, or of a path in which there was none.

    Attributes
    ----------
    series_uid : str
    status : str
        ``done``, ``skipped`` or ``failed``.
    reason : str
        Why it was skipped or failed, or what was noteworthy; one sentence.
    folder : str
        Folder of the results below the output folder; "" where there are none.
    findings, measured : int, optional
        Findings reported, and how many of them could be measured; None where nothing was searched.
    best_score : float, optional
        Score of the first finding, in [0, 1].
    best_diameter_mm : float, optional
        Its diameter.
    lung_rads : str
        Category of the exam; "" where Lung-RADS does not apply, and where too little is known.
    priors : tuple of str
        Dates of the priors that it was compared with, as DICOM has them.
    reports, reports_failed : tuple of str
        Kinds of reports that were written, and that could not be; the warnings say why.
    warnings : tuple of str
    seconds : float, optional
        How long the analysis took.
    modality, patient_id, study_date, series_number, series_description : str
        As the headers say.
    images : int, optional
        Slices or images of the series.
    source : str
        The path in which it was found.
    """

    series_uid: str
    status: SeriesStatus
    reason: str = ""
    folder: str = ""
    findings: int | None = None
    measured: int | None = None
    best_score: float | None = None
    best_diameter_mm: float | None = None
    lung_rads: str = ""
    priors: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    reports_failed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float | None = None
    modality: str = ""
    patient_id: str = ""
    study_date: str = ""
    series_number: str = ""
    series_description: str = ""
    images: int | None = None
    source: str = ""

    def __repr__(self) -> str:
        why = f", {self.findings} findings" if self.status == "done" else ""
        return f"SeriesOutcome({self.series_uid or 'a path without series'}: {self.status}{why})"


COLUMNS = tuple(field.name for field in fields(SeriesOutcome))
_DIGITS = {"best_score": 4, "best_diameter_mm": 1, "seconds": 1}
_BETWEEN = {"warnings": " | "}


def cells(outcome: SeriesOutcome) -> Cells:
    """Give an outcome as the text that its row of ``summary.csv`` holds."""
    return {name: _text(name, getattr(outcome, name)) for name in COLUMNS}


def _text(name: str, value: str | int | float | tuple[str, ...] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return _BETWEEN.get(name, " ").join(value)
    return f"{value:.{_DIGITS[name]}f}" if name in _DIGITS else str(value)


def save_summary(rows: Iterable[Cells], path: Path) -> None:
    """Write the summary, whole or not at all; only the user may read it, for it names patients."""
    write_table(COLUMNS, rows, path, private=True)


def append_rows(rows: Iterable[Cells], path: Path) -> None:
    """Add rows to a summary; they are on the disk when this returns, or, where it raises, not in the file.

    A row takes the place of earlier ones of the same folder; those stay in the file until it is written anew.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    append_lines(path, table_lines(COLUMNS, rows), mode=PRIVATE_FILE)


def load_summary(path: Path) -> tuple[Cells, ...]:
    """Read the rows of a summary, each folder's last one only; a last line that a crash cut off is left out.

    Raises
    ------
    InputFileError
        If the file is not one.
    """
    try:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        text = content[:whole].decode("utf-8") + content[whole:].decode("utf-8", "ignore")
        read = list(csv.DictReader(io.StringIO(text, newline="")))
        if whole < len(content) and read and None in read[-1].values():
            del read[-1]
        rows = [{name: from_cell(value) for name, value in row.items()} for row in read]
    except (OSError, UnicodeDecodeError, csv.Error, AttributeError, TypeError) as error:
        raise InputFileError(f"{path}: not a summary of this program ({error}). Move it away.") from error
    for row in rows:
        if row.keys() - set(COLUMNS) or not {"series_uid", "status"} <= row.keys():
            raise InputFileError(f"{path}: not a summary of this program (it has other columns). Move it away.")
    rows = [{name: row.get(name, "") for name in COLUMNS} for row in rows]
    last = {row["folder"]: number for number, row in enumerate(rows)}
    return tuple(row for number, row in enumerate(rows) if not row["folder"] or last[row["folder"]] == number)


def save_skipped(skipped: Iterable[tuple[Path | str, str]], path: Path) -> None:
    """Write the files that are part of no series, each with the reason, whole or not at all."""
    rows = ({"path": str(file), "reason": reason} for file, reason in skipped)
    write_table(("path", "reason"), rows, path, private=True)
