"""The panel "Old reports": what a report in words says, marked in it; what the reader ticks is taken over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import napari.viewer
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.assessment.patient.clinical import merged_patient
from napari_lesion.assessment.patient.sourced_values import day
from napari_lesion.model.assessed import Patient
from napari_lesion.model.volume import Volume, readable_date
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.records.texts import doubt_text, field_text, kind_text, value_text
from napari_lesion.plugin.records.word_marks import mark_words
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import reader_name
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.widgets.parts import check_box, push_button, text_label
from napari_lesion.plugin.widgets.row_table import row_table
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.records.documents import LONGEST, Document, pasted, read_documents
from napari_lesion.records.findings import Item
from napari_lesion.records.found_values import Reading, read_all
from napari_lesion.records.rows import Row, add_rows, follow_ups, load_rows, of_patient, refusal, rows_of_items
from napari_lesion.records.take_over import records_path, stated_patient
from napari_lesion.review import edits
from napari_lesion.support.errors import LesionError
from napari_lesion.support.plain import one_line

VALUE, WHAT, DOUBT, WORDS = range(4)


class RecordsPanel(QWidget):
    """Dock widget; one a viewer. Text and ticks belong to the scan on the screen, and come and go with it."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        share_place(self)
        entitle(self, tr("Old reports"))
        scan_view(napari_viewer)
        self._session = session_of(napari_viewer)
        self.reading: Reading | None = None
        """The report as it was read; None once its text was changed."""
        self._source = ""
        """Of a document that was opened; "" for a pasted text."""
        self._document: Document | None = None
        self.rows: tuple[Row, ...] = ()
        """Of the patient, in the order of time."""
        self._build()
        self._session.open_scans.keep("old report", self._save, self._restore)
        self._session.scan_changed.connect(self.follow)
        self._session.blind_changed.connect(self.follow)
        self.follow()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.open_button = push_button(
            tr("Open…"), tr("Open a report: a text, FHIR, or a structured report of DICOM"), self._choose_file
        )
        self.read_button = push_button(
            tr("Find values"), tr("Find sizes, places, advice and more in the text, by rules"), self.read
        )
        self.text = QPlainTextEdit()
        self.text.setPlaceholderText(tr("Paste a report here, or open one."))
        self.text.setAccessibleName(tr("Text of the report"))
        self.date = QLineEdit()
        self.date.setPlaceholderText("YYYY-MM-DD")
        self.date.setToolTip(tr("Date of the report’s examination; advice is due so long after it"))
        self.date.setAccessibleName(tr("Date of the report"))
        self.own_box = check_box(
            tr("It is a report of the patient on the screen"),
            tr("The text does not say whose report it is: only you can know"),
        )
        columns = [""] * 4
        columns[VALUE], columns[WHAT], columns[DOUBT] = tr("Value"), tr("Of"), tr("Doubt")
        columns[WORDS] = tr("Words")
        self.table = row_table(columns, tr("Values that were found"), tr("Tick what is right; a row shows its words"))
        self.table.horizontalHeader().setSectionResizeMode(WORDS, QHeaderView.ResizeMode.Stretch)
        self.take_button = push_button(
            tr("Take over"),
            tr("Take what is ticked into the patient’s form, records and follow-up list"),
            self.take_over,
        )
        self.status = _label()
        first = QWidget()
        column = QVBoxLayout(first)
        column.setContentsMargins(0, 4, 0, 0)
        column.addLayout(_row(self.open_button, self.read_button))
        column.addWidget(self.text, 2)
        column.addLayout(_row(QLabel(tr("Date")), self.date))
        column.addWidget(self.own_box)
        column.addWidget(self.table, 3)
        column.addWidget(self.take_button)
        heads = (tr("Date"), tr("Of"), tr("Value"), tr("From"))
        self.timeline = row_table(heads, tr("Records of the patient"), tr("In the order of time"))
        self.due = _label()
        second = QWidget()
        column = QVBoxLayout(second)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.timeline, 1)
        column.addWidget(self.due)
        self.tabs = QTabWidget()
        self.tabs.addTab(first, tr("Report"))
        self.tabs.addTab(second, tr("In the order of time"))
        layout = QVBoxLayout(self)
        layout.setSpacing(4)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.status)
        self.text.textChanged.connect(self._on_typed)
        self.own_box.toggled.connect(self._enable)
        self.table.currentCellChanged.connect(lambda row, *_: self._mark(row))
        self.table.itemChanged.connect(self._enable)

    # -- the scan -----------------------------------------------------------------------------------------------------

    @property
    def volume(self) -> Volume | None:
        """The scan that a report is taken over for; None also in a blind read."""
        return None if self._session.blind else self._session.volume

    def _save(self, _scan: OpenScan) -> dict[str, Any]:
        return {
            "text": self.text.toPlainText(),
            "document": self._document,
            "date": self.date.text(),
            "own": self.own_box.isChecked(),
            "read": self.reading is not None,
            "ticked": [item for item, _ in self.ticked()],
        }

    def _restore(self, _scan: OpenScan, kept: dict[str, Any] | None) -> None:
        self._show_text(kept["text"] if kept else "", kept["document"] if kept else None)
        if kept and kept["read"]:
            self.read()
            self.date.setText(kept["date"])
            self.own_box.setChecked(kept["own"])
            for row, item in enumerate(self.reading.items if self.reading else ()):
                if item in kept["ticked"]:
                    self._cell(row).setCheckState(Qt.CheckState.Checked)

    def follow(self, _changed: object = None) -> None:
        """Show the records of the patient on the screen."""
        if self._session.volume is None:
            self._show_text("", None)
        self._show_timeline()
        self._show_status(tr("Earlier reports are hidden in a blind read.") if self._session.blind else "")
        self.tabs.setVisible(not self._session.blind)
        self._enable()

    # -- the report ---------------------------------------------------------------------------------------------------

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Open a report"), "", tr("Reports") + " (*.txt *.text *.md *.json *.ndjson *.dcm);;* (*)"
        )
        if path:
            self.open(Path(path))

    def open(self, path: Path) -> None:
        """Open the report in a file; of several the latest that is of the patient on the screen."""
        volume = self.volume
        if volume is None:
            return
        try:
            documents, problems = read_documents(path)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        refused = [self._refusal(one) for one in documents if one.patient_id]
        own = [one for one in documents if not one.patient_id or not self._refusal(one)]
        if not own:
            said = next((one for one in (*refused, *problems) if one), str(path))
            self._show_status(f"⚠ {in_language(said)}")
            return
        chosen = max(own, key=lambda one: one.written.isoformat() if one.written else "")
        self._show_text(chosen.text, chosen)
        self.read()

    def _show_text(self, text: str, document: Document | None) -> None:
        with QSignalBlocker(self.text):
            self.text.setPlainText(text)
        self._document = document
        self._forget()
        self.date.clear()
        self.own_box.setChecked(False)

    def _on_typed(self) -> None:
        """Forget the values of a text that was changed, and whose the document was."""
        if self._document is not None and self.text.toPlainText() != self._document.text:
            self._document = None
        if self.reading is not None and self.text.toPlainText() != self.reading.document.text:
            self._forget()
        self._enable()

    def _forget(self) -> None:
        self.reading = None
        with QSignalBlocker(self.table):
            self.table.setRowCount(0)
        self._mark(-1)

    def read(self) -> None:
        """Find the values in the text; nothing is ticked."""
        text = self.text.toPlainText()
        if len(text) > LONGEST:
            self._show_status(tr("The text is too long to be a report."))
            return
        document = self._document
        if document is None or document.text != text:
            document = pasted(text, tr("pasted"))
        (self.reading,) = read_all([document])
        self.date.setText(document.written.isoformat() if document.written else "")
        items = self.reading.items
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(items))
            for row, item in enumerate(items):
                words = one_line(text[item.start : item.end])
                cells = (f"{field_text(item.field)}: {value_text(item.value)}", kind_text(item.about))
                for column, said in enumerate((*cells, doubt_text(item.doubt), words)):
                    cell = QTableWidgetItem(said)
                    cell.setToolTip(said)
                    if column == VALUE:
                        cell.setFlags(cell.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                        cell.setCheckState(Qt.CheckState.Unchecked)
                    self.table.setItem(row, column, cell)
        refused = self._refusal(document) if document.patient_id else ""
        notes = [f"⚠ {in_language(one)}" for one in (*([refused] if refused else []), *self.reading.read.notes)]
        if not items:
            notes.append(tr("Nothing was found that could be taken over."))
        self._show_status("\n".join(notes))
        self._mark(-1)
        self._enable()

    def ticked(self) -> list[tuple[Item, int]]:
        """List what the reader ticked, with its row."""
        items = self.reading.items if self.reading is not None else ()
        return [(item, row) for row, item in enumerate(items) if self._cell(row).checkState() is Qt.CheckState.Checked]

    def _cell(self, row: int) -> QTableWidgetItem:
        """Get the cell with the tick box of a row."""
        cell = self.table.item(row, VALUE)
        assert cell is not None, "rows are made with all their cells"
        return cell

    def _mark(self, chosen: int) -> None:
        """Colour the words of each value, those of the chosen one most."""
        mark_words(self.text, self.reading.items if self.reading is not None else (), chosen)

    # -- taking over --------------------------------------------------------------------------------------------------

    def take_over(self) -> None:
        """Take what is ticked into the patient's form, the records and the follow-up list."""
        volume, reading = self.volume, self.reading
        chosen = [item for item, _ in self.ticked()]
        if volume is None or reading is None or not chosen:
            return
        series = volume.series
        written = day(self.date.text())
        if self.date.text().strip() and written is None:
            self._show_status("⚠ " + tr("The date of the report is no date; write it as 2026-01-31."))
            return
        whose = series.patient_id.strip() if not reading.document.patient_id else reading.document.patient_id
        document = replace(reading.document, patient_id=whose, written=written)
        refused = self._refusal(document)
        if refused or not (reading.document.patient_id or self.own_box.isChecked()):
            self._show_status(f"⚠ {in_language(refused)}" if refused else tr("Say first that it is of this patient."))
            return
        by, at = reader_name(), datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            rows = rows_of_items(document, chosen, by=by, at=at)
            said = stated_patient(document, chosen, by, series.study_date)
            if said != Patient():
                self._session.change(
                    lambda review, who: edits.describe(review, merged_patient(said, review.patient), who)
                )
            new = add_rows(rows, records_path())
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        with QSignalBlocker(self.table):
            for _, row in self.ticked():
                self._cell(row).setCheckState(Qt.CheckState.Unchecked)
        self._show_timeline()
        self._enable()
        known = sum(getattr(said, name) is not None for name in Patient.model_fields)
        self._show_status(
            tr(
                "Taken over: {rows} rows of the records ({old} were there), {fields} fields of the patient.",
                rows=new,
                old=len(rows) - new,
                fields=known,
            )
        )

    def _refusal(self, document: Document) -> str:
        """Why a report is not of the patient on the screen; "" where it is, or nothing says that it is not."""
        volume = self._session.volume
        if volume is None:
            return ""
        born = document.born.isoformat() if document.born else ""
        series = volume.series
        return refusal(
            document.patient_id, born, series.patient_id, readable_date(series.patient_birth_date), document.source
        )

    # -- the records --------------------------------------------------------------------------------------------------

    def _show_timeline(self) -> None:
        volume = self.volume
        own: list[Row] = []
        due: tuple[Row, ...] = ()
        if volume is not None:
            series = volume.series
            born = readable_date(series.patient_birth_date)
            try:
                taken, _ = of_patient(load_rows(records_path()), series.patient_id, born)
            except LesionError as error:
                self._show_status(f"⚠ {sentence(error)}")
                taken = ()
            scans = [
                Row(one.series.patient_id.strip(), "", readable_date(one.series.study_date), "scan", "CT", "")
                for one in (open_scan.volume for open_scan in self._session.open_scans.scans)
                if not refusal(
                    one.series.patient_id, readable_date(one.series.patient_birth_date), series.patient_id, born, ""
                )
            ]
            own = sorted((*taken, *dict.fromkeys(scans)), key=lambda row: (row.date or "9999", row.kind, row.name))
            due = follow_ups(taken, done={series.patient_id.strip(): [one.date for one in scans]})
        self.rows = tuple(own)
        self.timeline.setRowCount(len(own))
        for number, row in enumerate(own):
            value = one_line(" ".join(part for part in (row.value, row.unit) if part))
            for column, said in enumerate(
                (row.date or "?", kind_text(row.kind), value, one_line(row.words or row.source))
            ):
                cell = QTableWidgetItem(said)
                cell.setToolTip(said)
                self.timeline.setItem(number, column, cell)
        lines = [
            tr(
                "Advised: {what}, due {first} to {last}; no open scan is of that time.",
                what=one.value,
                first=one.due_from,
                last=one.due_to,
            )
            for one in due
        ]
        self.due.setText("\n".join(lines))
        self.due.setVisible(bool(lines))

    def _enable(self, _changed: object = None) -> None:
        there = self.volume is not None
        known = self.reading is not None and bool(self.reading.document.patient_id)
        self.open_button.setEnabled(there)
        self.text.setEnabled(there)
        self.read_button.setEnabled(there and bool(self.text.toPlainText().strip()))
        self.own_box.setVisible(not known)
        self.own_box.setEnabled(self.reading is not None)
        allowed = known or self.own_box.isChecked()
        refused = known and self.reading is not None and bool(self._refusal(self.reading.document))
        self.take_button.setEnabled(there and allowed and not refused and bool(self.ticked()))

    def _show_status(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    for widget in widgets:
        row.addWidget(widget, 1 if not isinstance(widget, QLabel) else 0)
    return row


def _label() -> QLabel:
    label = text_label()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.hide()
    return label
