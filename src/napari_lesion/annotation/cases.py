"""A list of cases to go through: the volumes below a folder, and how far a reader has come with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_lesion.annotation.store import Store
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.progress import Progress, silent

State = Literal["open", "in work", "done"]


@dataclass(frozen=True)
class Case:
    """A volume to be read, by one reader."""

    series: Series = field(repr=False)
    state: State
    findings: int
    """How many the reader has marked so far."""

    @property
    def key(self) -> str:
        """Unlike that of all others: its series, and which of its stacks."""
        return key_of(self.series.identity.series_uid, self.series.stack_id)


def find_cases(folder: Path, modality: str = "CT", progress: Progress = silent) -> tuple[Series, ...]:
    """Find the volumes below a folder, ordered by patient, date and number of the series; each stack is one.

    Raises
    ------
    SeriesError
        If there is none.
    """
    volumes: dict[str, Series] = {}
    for series in find_series(folder, progress=progress):
        if series.kind == "volume" and series.identity.modality == modality:
            volumes.setdefault(key_of(series.identity.series_uid, series.stack_id), series)
    if not volumes:
        raise SeriesError(f"{folder}: there is no {modality} volume in it. Choose the folder of the studies.")
    return tuple(sorted(volumes.values(), key=_order))


def key_of(series_uid: str, stack: str) -> str:
    """Tell the stacks of all series apart."""
    return f"{series_uid}/{stack}"


def _order(series: Series) -> tuple[str, str, str, int, str, int]:
    one = series.identity
    number = int(one.series_number) if one.series_number.isdigit() else 0
    return one.patient_id, one.study_date, one.study_uid, number, one.series_uid, series.stack


def progress_of(series: Sequence[Series], store: Store, reader: str) -> tuple[Case, ...]:
    """How far a reader has come with each volume.

    Raises
    ------
    ConfigError
        If a file of annotations is damaged.
    """
    cases = []
    for one in series:
        found = store.load(one.identity.series_uid, one.stack_id, reader)
        if found is None:
            cases.append(Case(one, "open", 0))
        else:
            cases.append(Case(one, "done" if found.done else "in work", len(found.annotations)))
    return tuple(cases)


def next_case(cases: Sequence[Case], key: str) -> Case | None:
    """Find the case to go on with after another one: the next that is not done, from the start again after the end.

    Parameters
    ----------
    cases : sequence of Case
    key : str
        Of the case that one is at; "" for none.

    Returns
    -------
    Case or None
        None where all others are done.
    """
    at = next((n for n, case in enumerate(cases) if case.key == key), -1)
    following = [*cases[at + 1 :], *cases[: max(at, 0)]]
    return next((case for case in following if case.state != "done"), None)
