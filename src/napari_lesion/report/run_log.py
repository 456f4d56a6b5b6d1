"""The log of a run: what became of each series, on the disk at once, whatever becomes of the folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion.report import json as report_json
from napari_lesion.report import summary
from napari_lesion.report.summary import Cells, SeriesOutcome, cells
from napari_lesion.support.errors import OutputError, ResultsError

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.report.withheld import Withheld

_PROBE = bytes(2**20)
_NAMING = ("patient_id", "series_description", "source")


class RunLog:
    """The outcomes of a run, and the rows of earlier runs in the same folder.

    Each outcome is appended to ``summary.csv``; at the end of the run, however it ends, rows that others took the place
    of are taken out.

    Parameters
    ----------
    out : Path
        The folder of the results; it is there, and no other run writes to it.
    spare : Path
        Folder for the rows where that cannot be written any more.
    on_outcome : callable, optional
        Called with each outcome.
    withheld : Withheld, optional
        Keeps what names a patient out of the rows.

    Raises
    ------
    ConfigError
        If the folder cannot be written, or its summary is none.
    """

    def __init__(
        self,
        out: Path,
        spare: Path,
        on_outcome: Callable[[SeriesOutcome], None] | None = None,
        withheld: Withheld | None = None,
    ) -> None:
        self.outcomes: list[SeriesOutcome] = []
        self.skipped_files: list[tuple[Path, str]] = []
        self._out, self._spare, self._on_outcome = out, spare, on_outcome
        self.withheld = withheld
        self._path = out / summary.FILE_NAME
        self._waiting: list[Cells] = []
        """Rows that are not on the disk yet."""
        rows = summary.load_summary(self._path) if self._path.exists() else ()
        self._earlier = [
            self._nameless(row)
            for row in rows
            if row["folder"] and (out / row["folder"] / report_json.FILE_NAME).exists()
        ]
        try:
            self._place = _identity(out)
            summary.save_summary(self._earlier, self._path)
        except OSError as error:
            raise OutputError(f"{out}: cannot write results there ({error.strerror}). Choose another one.") from error

    def add(self, *outcomes: SeriesOutcome) -> None:
        """Add what became of some series, and pass it on.

        Raises
        ------
        ResultsError
            If nothing can be written to the folder any more.
        """
        outcomes = tuple(map(self.nameless, outcomes))
        self.outcomes += outcomes
        self._waiting += map(cells, outcomes)
        if self._on_outcome is not None:
            for outcome in outcomes:
                self._on_outcome(outcome)
        with suppress(OSError):
            self._write()
        if self._waiting:
            self.check()  # a table that is open in a spreadsheet stops nothing: the rows wait

    def save_skipped(self) -> None:
        """Write which files are part of no series.

        Raises
        ------
        ResultsError
            If that cannot be done.
        """
        try:
            summary.save_skipped(self._skipped_shown(), self._out / summary.SKIPPED_FILE_NAME)
        except OSError as error:
            raise self._lost(str(error.strerror)) from error

    def check_place(self) -> None:
        """Make sure that the folder is the one that the run began with.

        Raises
        ------
        ResultsError
            If it was removed or replaced.
        """
        if self._moved():
            raise ResultsError(f"{self._out} was removed or replaced while the run went on.")

    def check(self) -> None:
        """Make sure that results can still be written.

        Raises
        ------
        ResultsError
            If the folder was removed or replaced, cannot be written, or is full.
        """
        if self._moved():
            raise self._lost("it was removed or replaced while the run went on")
        try:
            with tempfile.TemporaryFile(dir=self._out) as file:
                file.write(_PROBE)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._lost(str(error.strerror)) from error

    def close(self) -> None:
        """End the log: one row for each series is left.

        Raises
        ------
        ResultsError
            If there are rows that could not be written.
        """
        last = {outcome.folder for outcome in self.outcomes if outcome.folder}
        try:
            if not self._moved():
                kept = [row for row in self._earlier if row["folder"] not in last]
                summary.save_summary([*kept, *map(cells, self.outcomes)], self._path)
                self._waiting.clear()
        except OSError as error:
            if self._waiting:
                raise self._lost(str(error.strerror)) from error

    def nameless(self, outcome: SeriesOutcome, series: Series | None = None) -> SeriesOutcome:
        """Take out of an outcome what names a patient, where that is asked for; of its series, if it has one."""
        if self.withheld is None:
            return outcome
        files = [Path(outcome.source)] if outcome.source else []
        return replace(
            outcome,
            patient_id="",
            series_description="",
            source="",
            reason=self.withheld.clear(outcome.reason, series, files),
            warnings=tuple(self.withheld.clear(warning, series, files) for warning in outcome.warnings),
        )

    def _nameless(self, row: Cells) -> Cells:
        """Take the same out of a row of an earlier run."""
        if self.withheld is None:
            return row
        files = [Path(row["source"])] if row["source"] else []
        cleared = {name: self.withheld.clear(row[name], files=files) for name in ("reason", "warnings")}
        return {**row, **dict.fromkeys(_NAMING, ""), **cleared}

    def _skipped_shown(self) -> Iterator[tuple[Path | str, str]]:
        """Give the files that are part of no series, as they may be shown."""
        for path, reason in self.skipped_files:
            if self.withheld is None:
                yield path, reason
            else:
                yield "", self.withheld.clear(reason, files=[path])

    def _write(self) -> None:
        if not self._moved():
            summary.append_rows(self._waiting, self._path)
            self._waiting.clear()

    def _moved(self) -> bool:
        try:
            return _identity(self._out) != self._place
        except OSError:
            return True

    def _lost(self, why: str) -> ResultsError:
        """Put the rows elsewhere, and make the error that says so."""
        done = sum(outcome.status == "done" for outcome in self.outcomes)
        told = f"{self._out}: results cannot be written any more ({why}), so the run ends with {done} series done."
        path = self._spare / f"summary-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.csv"
        try:
            if self.outcomes:
                summary.save_summary(map(cells, self.outcomes), path)
                told += f" Its rows are kept in {path}."
            self._waiting.clear()
        except OSError:
            told += " Its rows are on the screen only."
        return ResultsError(f"{told} Make room there or choose another folder, then go on with --resume.")


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino
