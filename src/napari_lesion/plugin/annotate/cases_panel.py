"""The panel "Cases": the volumes below a folder, what is done of them, and the next one. It shows a `CaseList`."""

from __future__ import annotations

from pathlib import Path

import napari.viewer
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QFileDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.annotation.cases import Case
from napari_lesion.model.volume import readable_date
from napari_lesion.plugin.annotate.case_list import case_list
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.widgets.parts import in_a_row, push_button, thin_bar
from napari_lesion.plugin.widgets.row_table import row_table


class CasesPanel(QWidget):
    """Dock widget; one a viewer."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        share_place(self)
        entitle(self, tr("Cases"))
        scan_view(napari_viewer)
        bind(napari_viewer)
        self._cases = case_list(session_of(napari_viewer))
        self._shown: tuple[Case, ...] = ()
        self._build()
        self._connect()
        self._on_busy(self._cases.busy)
        self._show()
        folder = self._cases.folder
        if not self._cases.cases and folder is not None and folder.is_dir():
            self._cases.look_through(folder)

    def _build(self) -> None:
        self.folder = QLineEdit()
        self.folder.setReadOnly(True)
        self.folder.setAccessibleName(tr("Folder of the studies"))
        self.choose = push_button(tr("Folder…"), tr("Choose the folder of the studies to go through"), self._choose)

        columns = (tr("State"), tr("Patient"), tr("Date"), tr("Description"))
        self.table = row_table(columns, tr("Cases"), tr("Double click a case, or press Enter, to open it"))
        header = self.table.horizontalHeader()
        for column in (1, 3):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(120)

        self.done_bar = QProgressBar()
        self.done_bar.setAccessibleName(tr("Cases done"))
        self.work_bar = thin_bar(tr("Progress of reading"))
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setAccessibleName(tr("State"))

        self.go_on_button = push_button(
            tr("Go on"), tr("Open the case that was open last, at the place where you were"), self._cases.go_on
        )
        self.next_button = push_button(
            tr("Next ({key})", key=key_name("cases.next")),
            tr("Open the next case that is not done"),
            self._cases.next,
        )
        self.done_button = push_button(
            tr("Done, next ({key})", key=key_name("cases.done")),
            tr("Mark this case as done, and open the next one"),
            self._cases.done_and_next,
        )
        self.cancel_button = push_button(tr("Cancel"), "", self._cases.cancel)

        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(in_a_row(self.folder, self.choose, first=1))
        layout.addWidget(self.table, 1)
        layout.addWidget(self.done_bar)
        layout.addWidget(self.work_bar)
        layout.addWidget(self.status)
        layout.addLayout(in_a_row(self.go_on_button, self.next_button, self.done_button, self.cancel_button))
        self.setMinimumWidth(340)

    def _connect(self) -> None:
        cases = self._cases
        cases.changed.connect(self._show)
        cases.status_changed.connect(self.status.setText)
        cases.progressed.connect(self._on_progress)
        cases.busy_changed.connect(self._on_busy)
        self.table.itemActivated.connect(lambda item: cases.open(self._shown[item.row()]))

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of the studies"), self.folder.text())
        if folder:
            self._cases.look_through(Path(folder))

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.work_bar.setMaximum(total)
        self.work_bar.setValue(min(done, total))
        if what:
            self.status.setText(what)

    def _on_busy(self, busy: bool) -> None:
        self.work_bar.setVisible(busy)
        self.cancel_button.setVisible(busy)
        for button in (self.choose, self.next_button, self.done_button):
            button.setEnabled(not busy)

    def _show(self) -> None:
        cases, current = self._cases.cases, self._cases.current
        folder = self._cases.folder
        self.folder.setText(str(folder) if folder is not None else "")
        if cases != self._shown or current is not None:
            self._fill(cases, current)
        done = sum(case.state == "done" for case in cases)
        self.done_bar.setMaximum(max(len(cases), 1))
        self.done_bar.setValue(done)
        self.done_bar.setFormat(tr("{done} of {count} done", done=done, count=len(cases)))
        last = self._cases.last
        self.go_on_button.setVisible(current is None and last is not None)
        self.done_button.setEnabled(current is not None and not self._cases.busy)
        if not cases and not self._cases.busy:
            self.status.setText(tr("Choose the folder of the studies to annotate."))

    def _fill(self, cases: tuple[Case, ...], current: Case | None) -> None:
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(cases))
            for row, case in enumerate(cases):
                one = case.series.identity
                what = one.series_description or one.study_description
                cells = (_state(case), one.patient_id, readable_date(one.study_date), what)
                for column, text in enumerate(cells):
                    item = QTableWidgetItem(text)
                    item.setToolTip(f"{one.patient_id}\n{case.series.label}")
                    if case is current:
                        font = item.font()
                        font.setBold(True)
                        item.setFont(font)
                    self.table.setItem(row, column, item)
                if case is current:
                    self.table.setCurrentCell(row, 0)
        self._shown = cases


def _state(case: Case) -> str:
    """How far a case is: a sign, a word, and the number of findings."""
    if case.state == "open":
        return tr("○ open")
    if case.state == "done":
        return tr("● done ({count})", count=case.findings)
    return tr("◐ in work ({count})", count=case.findings)
