"""Going through a folder of cases in one viewer: which there are, which one is open, and the next one."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.annotation.cases import Case, find_cases, key_of, next_case, progress_of
from napari_lesion.dicom.index.series import Series
from napari_lesion.plugin.annotate.annotator import annotator
from napari_lesion.plugin.session.per_viewer import one_each
from napari_lesion.plugin.session.session import ANNOTATION, Session
from napari_lesion.plugin.settings import option, setting, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.reader import add_layers, open_series
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.errors import Cancelled, LesionError
from napari_lesion.support.progress import Progress

REST_MS = 800


class CaseList(QObject):
    """The cases of one viewer. Get it with `case_list`."""

    changed = Signal()
    """The cases, their states, or the case that is open are others."""
    status_changed = Signal(str)
    progressed = Signal(int, int, str)
    busy_changed = Signal(bool)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._annotator = annotator(session)
        self._series: tuple[Series, ...] = ()
        self.cases: tuple[Case, ...] = ()
        self._task: Task[tuple[Series, ...]] | None = None
        self._annotator.changed.connect(self._on_annotated)
        session.scan_changed.connect(lambda _scan: self.changed.emit())
        # Not at every slice: the place is written down when the reader rests there.
        self._resting = QTimer(self)
        self._resting.setSingleShot(True)
        self._resting.setInterval(REST_MS)
        self._resting.timeout.connect(self._keep_place)
        session.position_changed.connect(lambda _place: self._resting.start())

    @property
    def _session(self) -> Session:
        return self._annotator.session

    @property
    def folder(self) -> Path | None:
        """Folder that was gone through last."""
        path = option("cases/folder")
        return Path(path) if path else None

    @property
    def current(self) -> Case | None:
        """The case that is open."""
        volume = self._session.volume
        key = key_of(volume.series.series_uid, volume.stack) if volume is not None else ""
        return next((case for case in self.cases if case.key == key), None)

    @property
    def last(self) -> Case | None:
        """The case that was open last, also in an earlier session."""
        last = setting("cases/last", "")  # earlier versions wrote the series alone
        return next((case for case in self.cases if last and last in (case.key, case.key.partition("/")[0])), None)

    @property
    def busy(self) -> bool:
        """Whether cases are being looked for."""
        return self._task is not None

    def look_through(self, folder: Path) -> None:
        """List the volumes below a folder; that is done on a thread."""
        if self._task is not None:
            self._task.cancel()
            self.status_changed.emit(tr("One moment: the last search is being stopped. Choose the folder again."))
            return

        def work(progress: Progress) -> tuple[Series, ...]:
            return find_cases(folder, progress=progress)

        def found(series: tuple[Series, ...]) -> None:
            store("cases/folder", str(folder))
            self._series = series
            self._refresh()
            self.status_changed.emit(tr("{count} cases.", count=len(self.cases)))

        task = self._task = Task(work, self)
        task.progressed.connect(self.progressed)
        task.succeeded.connect(found)
        task.failed.connect(lambda error: self.status_changed.emit(f"⚠ {sentence(error)}"))
        task.cancelled.connect(lambda: self.status_changed.emit(tr("Cancelled.")))
        task.ended.connect(self._on_ended)
        self.busy_changed.emit(True)
        task.start()

    def open(self, case: Case) -> None:
        """Open a case in place of the one that is open; what was annotated is on disk already."""
        if (there := self.current) is not None and there.key == case.key:
            return
        viewer, scans = self._session.viewer, self._session.open_scans
        place: list[float] = setting("cases/place", []) if setting("cases/last", "") == case.key else []
        try:
            layers = open_series([case.series])
        except Cancelled:
            self.status_changed.emit(tr("Cancelled."))
            return
        except LesionError as error:
            self.status_changed.emit(f"⚠ {sentence(error)}")
            return
        known = {one.key for one in self.cases}
        before = [scan for scan in scans.scans if key_of(scan.volume.series.series_uid, scan.volume.stack) in known]
        add_layers(viewer, layers)
        for scan in before:
            if scan is not scans.current:
                scans.close(scan)
        store("cases/last", case.key)
        if len(place) == 3:
            self._session.go_to(place)
        self.status_changed.emit("")
        self._refresh()

    def go_on(self) -> None:
        """Open the case that was open last, at the place where one was."""
        if (case := self.last) is not None:
            self.open(case)

    def next(self) -> None:
        """Open the next case that is not done."""
        if not self.cases:
            self.status_changed.emit(tr("Choose a folder of studies first."))
            return
        at = self.current or self.last
        case = next_case(self.cases, at.key if at is not None else "")
        if case is None:
            self.status_changed.emit(tr("All other cases are done."))
        else:
            self.open(case)

    def done_and_next(self) -> None:
        """Mark the case that is open as done, and open the next one."""
        if self.current is not None:
            self._annotator.set_done(True)
            if self._annotator.unsaved:  # the annotator has said why
                return
        self.next()

    def cancel(self) -> None:
        """Stop looking for cases."""
        if self._task is not None:
            self._task.cancel()

    def _on_ended(self) -> None:
        self._task = None
        self.busy_changed.emit(False)

    def _keep_place(self) -> None:
        """Remember where one is, for the next session."""
        case, place = self.current, self._session.position_mm
        if case is not None and place is not None and setting("cases/last", "") == case.key:
            store("cases/place", list(place))

    def _on_annotated(self) -> None:
        self._refresh()

    def _refresh(self) -> None:
        try:
            self.cases = progress_of(self._series, self._annotator.store, self._annotator.reader)
        except LesionError as error:
            self.status_changed.emit(f"⚠ {sentence(error)}")
        self.changed.emit()


case_list = one_each(CaseList)
"""Get the cases of a viewer."""


def _open_panel(session: Session) -> None:
    if session.mode == ANNOTATION:
        return  # it is what the workstation shows
    session.viewer.window.add_plugin_dock_widget("napari-lesion", "Cases")


def _next(session: Session) -> None:
    _open_panel(session)
    case_list(session).next()


def _done(session: Session) -> None:
    _open_panel(session)
    case_list(session).done_and_next()


ACTIONS = (
    Action("cases.next", "Next case that is not done", "L", _next),
    Action("cases.done", "This case is done; the next one", "Shift-L", _done),
)
