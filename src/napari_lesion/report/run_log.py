"""The log of a run: what became of each series, on the disk at once, whatever becomes of the folder."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion.report import folders, index_page, summary
from napari_lesion.report import json as report_json
from napari_lesion.report.ledger import FILE_NAME as LEDGER
from napari_lesion.report.ledger import Ledger, LedgerEntry, Settled, State, ledgers_in, read_ledgers, read_thumbnails
from napari_lesion.report.summary import Cells, SeriesOutcome, cells
from napari_lesion.support.errors import OutputError, ResultsError
from napari_lesion.support.uids import digest

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.report.withheld import Withheld

_PROBE = bytes(2**20)
_NAMING = ("patient_id", "series_description", "source")
_PAGE_EVERY_S = 60.0
_PAGE_SHARE = 0.02
"""Of the time of a run, at most, goes into bringing ``index.html`` up to date."""


class RunLog:
    """The outcomes of a run, and the rows of earlier runs in the same folder.

    Each outcome is written to the ledger and appended to ``summary.csv``; at the end of the run, however it ends, rows
    that others took the place of are taken out of that, and ``index.html`` is written.

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
    shard : str
        Which part of a run it is, where several write to the folder: it has a ledger of its own then.

    Raises
    ------
    ConfigError
        If the folder cannot be written, or its ledger or its summary is none.
    """

    def __init__(
        self,
        out: Path,
        spare: Path,
        on_outcome: Callable[[SeriesOutcome], None] | None = None,
        withheld: Withheld | None = None,
        shard: str = "",
    ) -> None:
        self.skipped_files: list[tuple[Path, str]] = []
        self._out, self._spare, self._on_outcome = out, spare, on_outcome
        self.withheld = withheld
        self._path = out / summary.FILE_NAME
        self._outcomes: list[tuple[int, SeriesOutcome]] = []
        self._waiting: list[Cells] = []
        """Rows that are not in the summary yet."""
        self._page_due = time.monotonic() + _PAGE_EVERY_S
        rows = summary.load_summary(self._path) if self._path.exists() else ()
        self._shard = shard
        self.ledger = Ledger(out, f"ledger-{shard}.sqlite" if shard else LEDGER)
        try:
            if not shard and ledgers_in(out) != (self.ledger.path,):  # shards ran here
                self.ledger.take_over()
            self.known = read_ledgers(out) if shard else self.ledger.entries()
            """As the last run left them."""
            self.ledger.begin()
            if withheld is not None:
                self.ledger.settle_all((self._cleared(entry), b"") for entry in self.ledger.entries())
            known = {entry.folder: entry for entry in self.known if entry.folder}
            written = {row["folder"]: row for row in rows if row["folder"]}
            for folder, entry in known.items():  # the summary may have been edited or removed
                if entry.outcome is not None:
                    written[folder] = cells(entry.outcome)
            self._earlier = [
                self._nameless(row)
                for row in written.values()
                if (out / row["folder"] / report_json.FILE_NAME).exists()
            ]
            self.place = folders.place_of(out)
            """What the folder is."""
            if not shard:
                summary.save_summary(self._earlier, self._path)
        except (OSError, sqlite3.Error) as error:
            self.ledger.close()
            raise OutputError(f"{out}: cannot write results there ({_why(error)}). Choose another one.") from error
        except BaseException:
            self.ledger.close()
            raise

    @property
    def outcomes(self) -> list[SeriesOutcome]:
        """What became of the series of this run, as they were found."""
        return [outcome for _, outcome in sorted(self._outcomes, key=lambda one: one[0])]

    def queue(self, entries: Iterable[LedgerEntry]) -> None:
        """Note what is to be done.

        Raises
        ------
        ResultsError
            If nothing can be written to the folder any more.
        """
        with self._writing():
            self.ledger.queue(entries)

    def lease(self, key: str, worker: str = "", limit_s: float | None = None) -> None:
        """Note that a series is begun.

        Raises
        ------
        ResultsError
            If nothing can be written to the folder any more.
        """
        with self._writing():
            self.ledger.lease(key, worker, limit_s)

    def give_back(self, key: str, reason: str, *, struck: bool, settled: Settled | None = None) -> None:
        """Note that a series is to be tried again.

        Raises
        ------
        ResultsError
            If nothing can be written to the folder any more.
        """
        reason = reason if self.withheld is None else self.withheld.clear(reason)
        with self._writing():
            self.ledger.give_back(key, reason, struck=struck, settled=settled)

    def add(self, *outcomes: SeriesOutcome) -> None:
        """Add what became of paths, and of series that are not analysed.

        Raises
        ------
        ResultsError
            If nothing can be written to the folder any more.
        """
        begin = len(self._outcomes)
        self._add(
            (
                LedgerEntry(
                    digest("no analysis", outcome.source, outcome.series_uid, outcome.reason),
                    *("", outcome.series_uid, outcome.status),
                    position=begin + number,
                    outcome=self.nameless(outcome),
                ),
                b"",
            )
            for number, outcome in enumerate(outcomes)
        )

    def leave(self, entries: Iterable[tuple[LedgerEntry, Series]]) -> None:
        """Add series that are not looked at again, with the outcomes that they have.

        Raises
        ------
        ResultsError
            If nothing can be written to the folder any more.
        """
        self._add(
            (replace(entry, outcome=self.nameless(entry.outcome, series)), b"")
            for entry, series in entries
            if entry.outcome is not None
        )

    def settle(
        self,
        outcome: SeriesOutcome,
        entry: LedgerEntry,
        series: Series,
        settled: Settled,
        *,
        state: State | None = None,
    ) -> None:
        """Add what became of a series that was queued.

        Parameters
        ----------
        outcome : SeriesOutcome
        entry : LedgerEntry
            As it was queued.
        series : Series
        settled : Settled
        state : str, optional
            Where the outcome does not say it.

        Raises
        ------
        ResultsError
            If nothing can be written to the folder any more.
        """
        entry = replace(
            entry,
            state=state or outcome.status,
            outcome=self.nameless(outcome, series),
            ended=time.time(),
            **{name: value for name, value in vars(settled).items() if name != "thumbnail"},
        )
        self._add([(entry, settled.thumbnail)])
        if outcome.status == "failed":
            self.check()

    def _add(self, entries: Iterable[tuple[LedgerEntry, bytes]]) -> None:
        rows = []
        for entry, thumbnail in entries:
            outcome = entry.outcome
            assert outcome is not None
            rows.append((replace(entry, folder=outcome.folder, reason=outcome.reason), thumbnail))
            self._outcomes.append((entry.position, outcome))
            self._waiting.append(cells(outcome))
            if self._on_outcome is not None:
                self._on_outcome(outcome)
        try:
            self.ledger.settle_all(rows)
            self._write()
        except (OSError, sqlite3.Error) as error:
            self.check()  # a table that is open in a spreadsheet stops nothing: the rows wait
            if isinstance(error, sqlite3.Error):
                raise self._lost(_why(error)) from error
        if time.monotonic() >= self._page_due:
            self._save_page()

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
        try:
            if not self._moved():
                with folders.views_held(self._out) if self._shard else nullcontext():
                    summary.save_summary(self._rows(), self._path)
                    self._waiting.clear()
                    self._save_page()
        except OSError as error:
            if self._waiting:
                raise self._lost(str(error.strerror)) from error
        finally:
            with suppress(sqlite3.Error):
                self.ledger.close()

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

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._lost(_why(error)) from error

    def _cleared(self, entry: LedgerEntry) -> LedgerEntry:
        """Take what names a patient out of a row of an earlier run."""
        outcome = None if entry.outcome is None else self.nameless(entry.outcome)
        reason = entry.reason if outcome is None else outcome.reason
        return replace(entry, outcome=outcome, reason=reason)

    def _rows(self) -> list[Cells]:
        outcomes = self.outcomes
        if self._shard:  # of all shards, as far as they are
            known = sorted(read_ledgers(self._out), key=lambda entry: entry.position)
            outcomes = [self.nameless(entry.outcome) for entry in known if entry.outcome is not None]
        last = {outcome.folder for outcome in outcomes if outcome.folder}
        return [*(row for row in self._earlier if row["folder"] not in last), *map(cells, outcomes)]

    def _save_page(self) -> None:
        """Bring ``index.html`` up to date; nothing is lost where that cannot be done now."""
        begun = time.monotonic()
        with suppress(OSError, sqlite3.Error):
            entries = read_ledgers(self._out) if self._shard else self.ledger.entries()
            pictures = read_thumbnails(self._out) if self._shard else self.ledger.thumbnails()
            index_page.save_index(self._out, self._rows(), entries, pictures, self._nameless)
        now = time.monotonic()
        self._page_due = now + max(_PAGE_EVERY_S, (now - begun) / _PAGE_SHARE)

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
        if self._moved():
            self.check()
        elif self._shard:
            self._waiting.clear()  # the table is one of all shards, and made at the end of each
        else:
            summary.append_rows(self._waiting, self._path)
            self._waiting.clear()

    def _moved(self) -> bool:
        try:
            return folders.place_of(self._out) != self.place
        except OSError:
            return True

    def _lost(self, why: str) -> ResultsError:
        """Put the rows elsewhere, and make the error that says so."""
        outcomes = self.outcomes
        done = sum(outcome.status == "done" for outcome in outcomes)
        told = f"{self._out}: results cannot be written any more ({why}), so the run ends with {done} series done."
        path = self._spare / f"summary-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.csv"
        try:
            if outcomes:
                summary.save_summary(map(cells, outcomes), path)
                told += f" Its rows are kept in {path}."
            self._waiting.clear()
        except OSError:
            told += " Its rows are on the screen only."
        with suppress(sqlite3.Error):
            self.ledger.close()
        return ResultsError(f"{told} Make room there or choose another folder, then go on with --resume.")


def _why(error: OSError | sqlite3.Error) -> str:
    return str(error.strerror) if isinstance(error, OSError) else str(error)
