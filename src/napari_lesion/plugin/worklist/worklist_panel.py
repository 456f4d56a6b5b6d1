"""The panel "Worklist": studies that wait, the most urgent first; a double click opens one with its priors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import napari.viewer
from qtpy.QtCore import QSignalBlocker, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.dicom.index.series import Series
from napari_lesion.model.volume import readable_date
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.browser_panel import browser_of
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.corners import person_name
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.view import unwrapped
from napari_lesion.plugin.widgets.row_table import row_table
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.plugin.worklist.reading import reading
from napari_lesion.support.errors import Cancelled, LesionError
from napari_lesion.support.plain import one_line
from napari_lesion.support.progress import Progress
from napari_lesion.worklist.image_places import Located
from napari_lesion.worklist.ranking import TEXTS, Term
from napari_lesion.worklist.rule import PRIORITIES, Priority
from napari_lesion.worklist.studies import Study

POINTS, LUNG_RADS, STATE, PATIENT, LARGEST, WAITED, DATE = range(7)
"""What decides is seen without scrolling in a narrow panel."""
_REFRESH_MS = 60_000
_HOUR_S = 3600.0
_PRIORITY_TEXTS: dict[Priority, str] = {
    "STAT": N_("Emergency"),
    "HIGH": N_("High"),
    "MEDIUM": N_("Medium"),
    "ROUTINE": N_("Routine"),
    "LOW": N_("Low"),
}


def priority_text(priority: Priority) -> str:
    """Phrase a priority as readers do, with DICOM's own word for the first: it is what others call it by telephone."""
    word = tr(_PRIORITY_TEXTS[priority])
    return f"{word} (STAT)" if priority == "STAT" else word


def term_text(term: Term) -> str:
    """Phrase a reason for a study's place, with its points."""
    said = dict(term.values)
    for one in PRIORITIES:
        if said.get("priority") == one:
            said["priority"] = priority_text(one)
    return f"{term.points:+.1f}  {tr(TEXTS[term.kind], **said)}"


class WorklistPanel(QWidget):
    """Dock widget, or a page of the workstation; one a viewer."""

    opened = Signal()
    """A study is on the screen."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        share_place(self)
        entitle(self, tr("Worklist"))
        self._viewer = unwrapped(napari_viewer)
        scan_view(napari_viewer)
        self._session = session_of(napari_viewer)
        self._tools = reading_tools(self._session)
        self._reading = reading(self._session)
        self._task: Task[tuple[list[Study], list[str]]] | None = None
        self._again = False
        self.studies: tuple[Study, ...] = ()
        """That are listed, in their order."""
        self._chosen: str | None = None
        """Id of the selected study, "" for none on purpose; a row holds another one when the list changes."""
        self._build()
        self._later = QTimer(self, interval=_REFRESH_MS)
        self._later.timeout.connect(self.refresh)
        self._later.start()
        self._reading.changed.connect(self.refresh)
        self._reading.status_changed.connect(self._show_status)
        self._tools.names_changed.connect(self._show)
        self._session.blind_changed.connect(self._show)
        self._session.open_scans.current_changed.connect(self._on_current)
        self.refresh()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        columns = [""] * 7
        columns[POINTS], columns[PATIENT], columns[DATE] = tr("Points"), tr("Patient"), tr("Study")
        columns[LUNG_RADS], columns[LARGEST] = "Lung-RADS", tr("Largest, mm")
        columns[WAITED], columns[STATE] = tr("Waits, h"), tr("State")
        self.table = row_table(columns, tr("Studies that wait"), tr("A double click opens a study with its priors"))
        self.table.horizontalHeader().setSectionResizeMode(PATIENT, QHeaderView.ResizeMode.Stretch)
        self.read_box = QCheckBox(tr("Those that were read"))
        self.refresh_button = QPushButton(tr("Refresh"))
        self.add_button = QPushButton(tr("Add folder…"))
        self.add_button.setToolTip(tr("Look for studies in a folder of results, or of a listener, from now on"))
        self.why = QLabel()
        self.next_button = QPushButton(tr("Open next"))
        self.next_button.setToolTip(tr("Open the first study that nobody has open"))
        self.release_button = QPushButton(tr("Put back"))
        self.release_button.setToolTip(tr("Put the selected study back that you have open, unread"))
        self.done_button = QPushButton(tr("Mark as read"))
        self.done_button.setToolTip(
            tr("Without a report: the selected study is off the list until more is found in it")
        )
        self.priority = QComboBox()
        for one in PRIORITIES:
            self.priority.addItem(priority_text(one), one)
        self.priority.setAccessibleName(tr("Requested as"))
        self.priority.setToolTip(tr("With what priority the selected study is requested, for all readers"))
        requested = QLabel(tr("Requested as"))
        requested.setBuddy(self.priority)
        self.status = QLabel()
        for label in (self.why, self.status):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setSpacing(5)
        layout.addLayout(_row(self.add_button, self.refresh_button))
        layout.addWidget(self.read_box)
        layout.addWidget(self.table, 1)
        layout.addLayout(_row(requested, self.priority))
        layout.addWidget(self.why)
        layout.addLayout(_row(self.next_button, self.release_button))
        layout.addWidget(self.done_button)
        layout.addWidget(self.status)
        self.read_box.toggled.connect(self.refresh)
        self.refresh_button.clicked.connect(self.refresh)
        self.add_button.clicked.connect(self._ask_folder)
        self.next_button.clicked.connect(self.open_next)
        self.release_button.clicked.connect(lambda: self._do(self._reading.release))
        self.done_button.clicked.connect(lambda: self._do(lambda study: self._reading.done(study, "by hand")))
        self.priority.activated.connect(self._set_priority)
        self.table.itemDoubleClicked.connect(lambda item: self.open(self.studies[item.row()].id))
        self.table.currentCellChanged.connect(lambda row, *_: self._choose(self.studies[row].id if row >= 0 else ""))

    # -- the list -----------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether folders are being looked at."""
        return self._task is not None

    def refresh(self, _changed: object = None) -> None:
        """Look what arrived."""
        if self._task is not None:
            self._again = True
            return
        try:
            worklist = self._reading.worklist()
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        wants_read = self.read_box.isChecked()

        def work(_progress: Progress) -> tuple[list[Study], list[str]]:
            problems = worklist.refresh()
            return worklist.read() if wants_read else worklist.waiting(), problems

        self._task = Task(work, self)
        self._task.succeeded.connect(self._on_listed)
        self._task.failed.connect(lambda error: self._show_status(f"⚠ {sentence(error)}"))
        self._task.ended.connect(self._on_ended)
        self._task.start()

    def _on_listed(self, outcome: tuple[Sequence[Study], Sequence[str]]) -> None:
        studies, problems = outcome
        self.studies = tuple(studies)
        if problems:
            self._show_status("\n".join(f"⚠ {one}" for one in problems))
        self._show()

    def _on_ended(self) -> None:
        if self._task is not None:
            self._task.deleteLater()
        self._task = None
        if self._again:
            self._again = False
            self.refresh()

    def _show(self, _changed: object = None) -> None:
        studies = () if self._session.blind else self.studies
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(studies))
            for row, study in enumerate(studies):
                for column, text in enumerate(self._cells(study)):
                    item = QTableWidgetItem(one_line(text))
                    item.setToolTip(item.text())
                    if column in (POINTS, LARGEST, WAITED):
                        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    self.table.setItem(row, column, item)
        if self._chosen is None and studies:
            self._chosen = self._reading.study_of(self._session.open_scans.current) or studies[0].id
        self._choose(self._chosen)

    def _on_current(self, scan: OpenScan | None) -> None:
        """Select the study on the screen: what is marked as read must not be the one that was read before."""
        if scan is not None:
            self._chosen = self._reading.study_of(scan)
        self._show()

    def _choose(self, study: str | None) -> None:
        """Select a study; nothing where it is not listed, rather than one of another patient in its row."""
        self._chosen = study
        known = [one.id for one in self.studies] if self.table.rowCount() else []
        with QSignalBlocker(self.table):
            self.table.setCurrentCell(known.index(study) if study in known else -1, POINTS)
        self._explain()

    def _cells(self, study: Study) -> list[str]:
        identity, found, names = study.identity, study.found, self._tools.names
        who = person_name(identity.patient_name) or identity.patient_id or tr("no name")
        cells = [""] * 7
        cells[POINTS] = f"{study.points:.1f}" if study.terms else ""
        cells[PATIENT] = who if names else tr("Names hidden")
        cells[DATE] = readable_date(identity.study_date) if names else ""
        doubt = "" if found.is_screening else "?"
        cells[LUNG_RADS] = f"{found.lung_rads}{doubt}" if found.lung_rads else ""
        cells[LARGEST] = f"{found.largest_mm:.1f}" if found.largest_mm else ""
        cells[WAITED] = f"{max(time.time() - study.arrived, 0) / _HOUR_S:.1f}"
        cells[STATE] = self._state(study)
        return cells

    def _state(self, study: Study) -> str:
        if study.is_read:
            return tr("read by {reader}", reader=study.read_by)
        if study.id in self._reading.studies:
            return "● " + tr("open here")
        if study.holder:
            return tr("open with {reader}", reader=study.holder)
        return tr("came back") if study.read_at is not None else ""

    @property
    def chosen(self) -> Study | None:
        """The study of the selected row."""
        return None if self._session.blind else next((one for one in self.studies if one.id == self._chosen), None)

    def _explain(self) -> None:
        """Show why the selected study is where it is, and offer what can be done with it."""
        study, blind = self.chosen, self._session.blind
        lines = [term_text(one) for one in study.terms] if study is not None else []
        if study is not None and study.found.reason:
            lines.append(f"({study.found.reason})")
        if lines:
            lines.insert(0, tr("Why it is here:"))
        elif blind:
            lines = [tr("The worklist is hidden in a blind read: its order says what was found.")]
        elif not self.studies:
            lines = [tr("Nothing is listed.")]
        self.why.setText("\n".join(map(one_line, lines)))
        own = study is not None and self._reading.has(study)
        self.priority.setEnabled(study is not None and not study.is_read)
        self.priority.setCurrentIndex(PRIORITIES.index(study.priority if study is not None else "ROUTINE"))
        self.next_button.setEnabled(not blind)
        self.release_button.setEnabled(own)
        self.done_button.setEnabled(study is not None and not study.is_read and (own or not study.holder))

    # -- what can be done ---------------------------------------------------------------------------------------------

    def open(self, study: str) -> None:
        """Open a study: it is this reader's from now on."""
        if not self._session.blind:
            self._open(lambda: self._reading.open(study))

    def open_next(self) -> None:
        """Open the first study that nobody has open."""
        if not self._session.blind:
            self._open(self._reading.open_next)

    def _open(self, what: Callable[[], Located | None]) -> None:
        try:
            found = what()
        except Cancelled:
            self._show_status("")
            return
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        finally:
            self._on_current(self._session.open_scans.current)
        if found is None:
            self._show_status(tr("Nothing waits that nobody has open."))
            return
        self._show_status("\n".join([_of_priors(found), *found.notes]))
        if found.priors:
            # There the panel Follow-up and the thumbnails find them.
            folders = dict.fromkeys(_folder_of(one) for one in (found.series, *found.priors))
            browser_of(self._viewer).look_through(list(folders))
        self.opened.emit()

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Results, or the folder of a listener"))
        if folder:
            self.add(Path(folder))

    def add(self, folder: Path) -> None:
        """Look for studies in a folder from now on."""
        try:
            self._reading.worklist().add(folder)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
        self.refresh()

    def _set_priority(self, row: int) -> None:
        self._do(lambda study: self._reading.set_priority(study, PRIORITIES[row]))

    def _do(self, what: Callable[[str], None]) -> None:
        study = self.chosen
        if study is None:
            return
        try:
            what(study.id)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")

    def _show_status(self, text: str) -> None:
        self.status.setText("\n".join(map(one_line, text.splitlines())))
        self.status.setVisible(bool(text))


def _of_priors(found: Located) -> str:
    if not found.priors:
        return tr("Opened. The list knows of no earlier CT of this patient.")
    return tr(
        "Opened. Earlier CTs: {count}; step Compare (panel Follow-up) compares with them.", count=len(found.priors)
    )


def _folder_of(series: Series) -> Path:
    return series.frames[0].file.path.parent


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget, 1)
    return row
