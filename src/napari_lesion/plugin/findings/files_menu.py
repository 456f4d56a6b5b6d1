"""The menu that opens and saves findings, and sets the reader's name."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QInputDialog, QLineEdit, QMenu, QWidget

from napari_lesion.plugin.findings.findings_files import open_findings, save_findings
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.writer import write_csv
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import reader_name, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.messages import show_info, show_warning
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.report import json as report_json
from napari_lesion.support.errors import LesionError


class FilesMenu(QMenu):
    """Acts on the findings of the scan that is read."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self.addAction(tr("Open findings.json…"), self._open_file)
        self.addAction(tr("Open a folder of results…"), self._open_folder)
        self.addSeparator()
        self.addAction(tr("Save findings.json…"), self._save)
        self.addAction(tr("Save a table (LUNA16's form)…"), self._save_table)
        self.addSeparator()
        self._reader = self.addAction("", self._enter_reader)
        self.aboutToShow.connect(self._name_reader)

    def _open_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self.parentWidget(), tr("Open findings"), "", "findings.json (*.json)")
        if path:
            self.open_path(Path(path))

    def _open_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self.parentWidget(), tr("Folder that napari-lesion analyse wrote"))
        if path:
            self.open_path(Path(path))

    def open_path(self, path: Path) -> None:
        """Open findings; an error is said."""
        try:
            open_findings(self._session, path, self.parentWidget())
        except LesionError as error:
            show_warning(sentence(error))

    def _save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self.parentWidget(), tr("Save findings"), report_json.FILE_NAME, "JSON (*.json)"
        )
        if path:
            self.save(Path(path))

    def save(self, path: Path) -> None:
        """Save the review as ``findings.json``; what is in it, or an error, is said."""
        try:
            show_info(save_findings(self._session, path))
        except LesionError as error:
            show_warning(sentence(error))
        except OSError as error:
            show_warning(tr("{path}: cannot be written ({reason}).", path=path, reason=error.strerror))

    def _save_table(self) -> None:
        points = findings_view(self._session).layer("findings")
        if points is None:
            show_warning(tr("There are no findings of this scan to save yet."))
            return
        path, _ = QFileDialog.getSaveFileName(self.parentWidget(), tr("Save a table"), "findings.csv", "CSV (*.csv)")
        if path:
            data, attributes, _ = points.as_layer_data_tuple()
            write_csv(path, data, attributes)

    def _name_reader(self) -> None:
        self._reader.setText(tr("Reader: {name}…", name=reader_name()))

    def _enter_reader(self) -> None:
        name, given = QInputDialog.getText(
            self.parentWidget(),
            tr("Reader"),
            tr("Name that your changes are written down with (empty: that of your login):"),
            QLineEdit.EchoMode.Normal,
            reader_name(),
        )
        if given:
            store("review/reader", name.strip())
