"""Who has which study of the worklist open in this viewer. Get it with `reading`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.plugin.findings.findings_files import open_findings
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import option, reader_name
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.reader import add_layers, open_series
from napari_lesion.plugin.widgets.task import run_with_dialog, sentence
from napari_lesion.support.errors import LesionError
from napari_lesion.worklist.image_places import Located, locate
from napari_lesion.worklist.rule import Priority, load_rule
from napari_lesion.worklist.seats import new_seat
from napari_lesion.worklist.store import Worklist, worklist_file
from napari_lesion.worklist.studies import Study

_SIGN_OF_LIFE_MS = 60_000


class Reading(QObject):
    """The studies that this viewer's reader has open: kept while their scans are, read when they are reported."""

    changed = Signal()
    """Something on the list."""
    status_changed = Signal(str)
    """A sentence for the reader."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._worklist: Worklist | None = None
        self._seat = new_seat()
        self._open: dict[str, str] = {}
        """Ids of the studies that are open, by the key of their scan."""
        self._alive = QTimer(self, interval=_SIGN_OF_LIFE_MS)
        self._alive.timeout.connect(self.keep)
        session.reported.connect(self._on_reported)
        session.open_scans.closed.connect(self._on_closed)

    def worklist(self) -> Worklist:
        """Get the list that the settings name.

        Raises
        ------
        ConfigError
            If it, or its rule, cannot be read.
        """
        file, rule = (Path(text) if text else None for text in (option("worklist/file"), option("worklist/rule")))
        path, known = worklist_file(file), load_rule(rule)
        if self._worklist is None or (self._worklist.path, self._worklist.rule) != (path, known):
            self._worklist = Worklist(path, known)
        return self._worklist

    @property
    def studies(self) -> frozenset[str]:
        """Ids of the studies that are open here."""
        return frozenset(self._open.values())

    def study_of(self, scan: OpenScan | None) -> str:
        """Id of the study that a scan was opened from; "" where it was not opened from the list."""
        return self._open.get(scan.key, "") if scan is not None else ""

    def has(self, study: Study) -> bool:
        """Whether this reader has a study, here or where it may be taken over from."""
        return bool(study.holder) and study.is_free_for(reader_name(), self._seat)

    def set_priority(self, study: str, priority: Priority) -> None:
        """Note with what priority a study is requested."""
        self.worklist().set_priority(study, priority, reader_name())
        self.changed.emit()

    def open(self, study: str) -> Located:
        """Open a study with what was found in it; nobody else gets it until it is closed or read.

        Raises
        ------
        LesionError
            If somebody else has it, or it cannot be opened; it is free again then.
        Cancelled
            If the user does not want to wait.
        """
        worklist, reader = self.worklist(), reader_name()
        claimed = worklist.claim(study, reader, self._seat)
        try:
            found = self._show(claimed, worklist)
        except BaseException:
            if claimed.id not in self._open.values():
                worklist.release(claimed.id, reader, self._seat)
            raise
        finally:
            self.changed.emit()
        return found

    def open_next(self) -> Located | None:
        """Open the first study that nobody has open, which no other reader gets meanwhile; None where there is none.

        Raises
        ------
        LesionError
            If it cannot be opened; it is free again then.
        Cancelled
            If the user does not want to wait.
        """
        study = self.worklist().next(reader_name(), self._seat)
        return self.open(study.id) if study is not None else None

    def _show(self, study: Study, worklist: Worklist) -> Located:
        others = [*worklist.waiting(), *worklist.read()]
        viewer: Any = self._session.viewer
        window = viewer.window._qt_window
        found = run_with_dialog(tr("Looking for the images"), partial(locate, study, others), window)
        scans = self._session.open_scans
        scan = scans.find(found.series)
        if scan is None:
            add_layers(viewer, open_series([found.series]))
            scan = scans.find(found.series)
        else:
            scans.show(scan)
        if scan is not None:
            self._open[scan.key] = study.id
            self._alive.start()
            if found.results is not None and self._session.review is None:
                open_findings(self._session, found.results, window)
        return found

    def keep(self) -> None:
        """Give a sign of life for all that is open, and say what somebody else has by now."""
        for study in dict.fromkeys(self._open.values()):
            if not self.worklist().keep(study, reader_name(), self._seat):
                self._forget(study)
                self.status_changed.emit(
                    "⚠ " + tr("A study that is open here was given to somebody else, or was read elsewhere.")
                )
                self.changed.emit()

    def release(self, study: str) -> None:
        """Put a study back, unread."""
        self.worklist().release(study, reader_name(), self._seat)
        self._forget(study)
        self.changed.emit()

    def done(self, study: str, how: str) -> None:
        """Mark a study as read.

        Raises
        ------
        WorklistError
            If somebody else has it open.
        """
        worklist, current = self.worklist(), self._session.open_scans.current
        elsewhere = current is not None and self.study_of(current) != study
        worklist.done(study, reader_name(), how, self._seat)
        self._forget(study)
        said = tr("Marked as read: another study than that on the screen.") if elsewhere else tr("Marked as read.")
        one = worklist.study(study)
        if not one.is_read:
            said = "⚠ " + tr("More was found in this study since it was opened: it is on the list again.")
        elif others := max(sum(bool(series.found.findings) for series in one.series) - 1, 0):
            said += " ⚠ " + tr("{count} other series of this study have findings, too.", count=others)
        self.status_changed.emit(said)
        self.changed.emit()

    def _on_reported(self, scan: OpenScan, how: str) -> None:
        study = self.study_of(scan)
        if not study:
            return
        try:
            if how in self.worklist().rule.read_when:
                self.done(study, how)
        except LesionError as error:  # the report is there, but somebody else has the study by now
            self.status_changed.emit("⚠ " + tr("NOT marked as read: {why}", why=sentence(error)))
            self.changed.emit()

    def _on_closed(self, scan: OpenScan) -> None:
        study = self._open.pop(scan.key, "")
        if study and study not in self._open.values():
            try:
                self.release(study)
            except LesionError as error:
                self.status_changed.emit(f"⚠ {sentence(error)}")

    def _forget(self, study: str) -> None:
        self._open = {key: one for key, one in self._open.items() if one != study}
        if not self._open:
            self._alive.stop()


def reading(session: Session) -> Reading:
    """Get what a viewer's reader has open; what keeps it is made when it is first asked for."""
    found: Reading | None = session.findChild(Reading)
    return found if found is not None else Reading(session)
