"""Journals of reviews and of blind reads without what names a patient: line by line, and sealed anew.

A journal names its series, not its patient, so it leaves only together with its scan or findings. What comes out is
read back by who will read it; one that does not come back whole does not leave.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.reading_study.journal import load as load_reading
from napari_lesion.review.journal import Journal
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.errors import InputFileError, LesionError
from napari_lesion.support.journal_file import JournalFile, read_lines
from napari_lesion.support.uids import name_of

SUFFIX = ".jsonl"


def series_of(path: Path) -> str:
    """Which series a journal is of; "" where it is no journal of a review or of a blind read."""
    for entry in _entries(path):
        if "journal" in entry or entry.get("what") == "start":
            return str(entry.get("series_uid", ""))
    return ""


def file_name(path: Path, series_uid: str, stack: str) -> str:
    """Name a journal as the program looks for it: of a review ``SERIES-STACK``, of a blind read ``SERIES_STACK``.

    Parameters
    ----------
    path : Path
        As it was.
    series_uid : str
        That it is of from now on.
    stack : str
        "" where it is not known.
    """
    between = "-" if any("journal" in entry for entry in _entries(path)) else "_"
    return between.join(filter(None, (name_of(series_uid), stack))) + SUFFIX


def write(path: Path, target: Path, series: SeriesIdentity, clean: Callable[[Any], Any]) -> None:
    """Write a journal anew.

    Parameters
    ----------
    path : Path
    target : Path
    series : SeriesIdentity
        De-identified.
    clean : callable
        Makes the de-identified value of what JSON holds.

    Raises
    ------
    InputFileError
        If what is written does not come back whole.
    """
    records = [clean(entry) for entry in _entries(path)]
    target.parent.mkdir(parents=True, exist_ok=True)
    file = JournalFile(target)
    for record in filter(None, records):
        file.append([record], anew="journal" in record)
    try:
        if any("journal" in record for record in records):
            _read_back(target, series)
        else:
            load_reading(target)
    except LesionError as error:
        target.unlink()
        raise InputFileError("a journal that cannot be made anew whole, so that it does not leave") from error


def _read_back(target: Path, series: SeriesIdentity) -> None:
    journal = Journal(target, series)
    try:
        if journal.recover() is None or journal.warning:
            raise InputFileError("it is not whole")
    finally:
        journal.close()
        target.with_name(f"{target.name}.lock").unlink(missing_ok=True)


def _entries(path: Path) -> list[dict[str, Any]]:
    """Read the lines; without their seals, which are made anew."""
    found = []
    for line in read_lines(path).whole:
        try:
            entry = parse_json(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entry.pop("seal", None)
            found.append(entry)
    return found
