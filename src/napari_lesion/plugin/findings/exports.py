"""Buttons that write the report of the scan in the forms that others read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.model.findings import Report
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.review_keys import copy_impression
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import option, store
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.view import source_of
from napari_lesion.plugin.widgets.parts import RunControls, in_a_row, push_button
from napari_lesion.plugin.widgets.task import Task, sentence, step_text
from napari_lesion.report.write import FILE_NAMES, ReportKind, Written, in_words, write_reports
from napari_lesion.support.progress import Progress, part
from napari_lesion.support.vault import temporary_folder

if TYPE_CHECKING:
    from napari_lesion.deidentification.release import Request
    from napari_lesion.deidentification.run import Outcome
    from napari_lesion.dicom.index.series import Series

_TITLES: dict[ReportKind, tuple[str, str]] = {
    "pdf": (N_("PDF"), N_("A report to print and to read")),
    "html": (N_("Web page"), N_("A report that any browser opens, also on a phone")),
    "sr": (N_("DICOM SR"), N_("Measurements and assessment as a DICOM Structured Report, for the archive")),
    "seg": (N_("DICOM SEG"), N_("Outlines as a DICOM Segmentation, for the archive")),
    "csv": (N_("Table (CSV)"), N_("All numbers, a row a finding")),
    "measurements": (N_("Measurements (CSV)"), N_("What was measured by hand, a row each")),
    "fhir": (N_("FHIR"), N_("Report and findings for the patient's record, as FHIR R4")),
    "json": (N_("findings.json"), N_("Everything, to be opened here again")),
}
_COLUMNS = 2
"""Of buttons: a third does not fit beside the picture in German."""
_FOLDER = "report/folder"
_LINK_COLOR = "#3f8ae0"
"""Read on dark and on light ground."""


class Exports(QWidget):
    """Writes reports into a folder, on a thread."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._view = findings_view(session)
        self._task: Task[Any] | None = None
        self.buttons: dict[str, QPushButton] = {}
        grid = QGridLayout()
        grid.setSpacing(3)
        kinds = [kind for kind in _TITLES if kind != "fhir" or find_spec("fhir") is not None]
        for number, kind in enumerate(kinds):
            title, tip = _TITLES[kind]
            self.buttons[kind] = push_button(tr(title), tr(tip), partial(self._choose_folder, (kind,)))
            grid.addWidget(self.buttons[kind], number // _COLUMNS, number % _COLUMNS)
        every = partial(self._choose_folder, tuple(kinds))
        self.buttons["all"] = push_button(tr("All of them…"), tr("Write all these files into one folder"), every)
        self.buttons["impression"] = push_button(
            tr("Copy impression"),
            tr("Copy at most six lines to dictate or to paste") + f" ({key_name('findings.impression')})",
            lambda: copy_impression(session),
        )
        for column, name in enumerate(("all", "impression")):
            grid.addWidget(self.buttons[name], -(-len(kinds) // _COLUMNS), column)
        self.deidentified_box = QCheckBox(tr("De-identified…"))
        self.deidentified_box.setToolTip(tr("Reports are de-identified and checked before they are written"))
        self.controls = RunControls(tr("Progress of the reports"), self.cancel)
        self.text = self.controls.status
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.text.linkActivated.connect(lambda link: QDesktopServices.openUrl(QUrl(link)))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(grid)
        layout.addWidget(self.deidentified_box)
        layout.addLayout(in_a_row(self.controls.bar, self.controls.cancel_button, first=1))
        layout.addWidget(self.text)
        self._status: dict[str, str] = {}
        """What became of the reports, by the key of the scan."""
        self._for: OpenScan | None = None
        """The scan whose reports are being written."""
        session.open_scans.current_changed.connect(self._on_current)
        for changed in (self._view.changed, session.review_changed, session.scan_changed, session.blind_changed):
            changed.connect(self.follow)
        self._show_status("")
        self.follow()

    @property
    def running(self) -> bool:
        """Whether reports are being written."""
        return self._task is not None

    def follow(self, _changed: object = None) -> None:
        """Offer what can be written now."""
        able = not self.running and self._view.review is not None and not self._session.blind
        for button in self.buttons.values():
            button.setEnabled(able)
        self.controls.show_running(self.running)

    def _choose_folder(self, kinds: Sequence[ReportKind], _checked: bool = False) -> None:
        if self.deidentified_box.isChecked():
            from napari_lesion.deidentification.release import Request
            from napari_lesion.plugin.deidentify.request_form import RequestDialog

            dialog = RequestDialog(self)
            if dialog.exec() and (out := dialog.out.path) is not None:
                self.write_deidentified(out, kinds, Request((), dialog.options.options, dialog.key.key))
            return
        title = tr("Folder for the reports") if len(kinds) > 1 else tr("Folder for {file}", file=FILE_NAMES[kinds[0]])
        folder = QFileDialog.getExistingDirectory(self, title, option(_FOLDER))
        if folder:
            store(_FOLDER, folder)
            self.write(Path(folder), kinds)

    def write(self, folder: Path, kinds: Sequence[ReportKind]) -> None:
        """Write reports into a folder; what became of them is said."""

        def work(report: Report, volume: Volume, source: Series | None, progress: Progress) -> Written:
            folder.mkdir(parents=True, exist_ok=True)
            return write_reports(report, folder, kinds, volume=volume, source=source, progress=progress)

        cancelled = tr("Cancelled. Files that were complete by then stay.")
        self._start(work, partial(self._on_written, folder), cancelled)

    def write_deidentified(self, out: Path, kinds: Sequence[ReportKind], request: Request) -> None:
        """Write reports that name nobody into a new folder; what became of them is said."""
        from napari_lesion.deidentification.exports import prepare_reports, release_reports

        def work(report: Report, volume: Volume, source: Series | None, progress: Progress) -> Outcome:
            request_here = replace(request, volume_at_hand=lambda _uid: None if source is None else (volume, source))
            with temporary_folder() as hidden:
                folder, made = Path(hidden) / "results", part(progress, 0, 1, 2)
                prepare_reports(report, kinds, folder, volume=volume, source=source, progress=made)
                return release_reports([folder], out, request_here, part(progress, 1, 2, 2))

        self._start(work, partial(self._on_deidentified, out), tr("Cancelled. Nothing was written."))

    def _start(
        self,
        write: Callable[[Report, Volume, Series | None, Progress], Any],
        then: Callable[[Any], None],
        cancelled: str,
    ) -> None:
        """Write, on a thread, of the scan that is on the screen, whole once it is read."""
        report, volume, scan = self._view.report(), self._view.volume, self._view.scan
        if self._task is not None or report is None or volume is None or scan is None:
            return
        source = source_of(scan)
        owner = self._for = self._session.open_scans.of(scan)
        if owner is not None:
            self._session.open_scans.begin_work(owner)

        def work(progress: Progress) -> Any:
            volume.wait(progress)
            return write(report, volume, source, progress)

        self._task = Task(work, self)
        self._task.progressed.connect(self._on_progress)
        self._task.succeeded.connect(then)
        self._task.failed.connect(lambda error: self._show_status(f"⚠ {_html(sentence(error))}"))
        self._task.cancelled.connect(lambda: self._show_status(cancelled))
        self._task.ended.connect(self._on_ended)
        self.controls.begin("")
        self._show_status("")
        self._task.start()
        self.follow()

    def cancel(self) -> None:
        """Stop at the next step."""
        if self._task is not None:
            self._task.cancel()
            self._show_status(tr("Stopping after this step…"))

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.controls.advance(done, total)
        self._show_status(f"{_html(step_text(what))}…")

    def _on_deidentified(self, out: Path, outcome: Outcome) -> None:
        text = _html(tr("De-identified and checked: {count} files.", count=outcome.count("written")))
        self._show_status(f"✓ {text}<br>{_link(out, tr('Open the folder'))}")

    def _on_written(self, folder: Path, written: Written) -> None:
        links = [_link(folder / FILE_NAMES[kind], FILE_NAMES[kind]) for kind in written.kinds]
        texts = [
            f"⚠ {_html(in_language(one))}" for one in (*written.notes, *in_words(written.problems, written.absent))
        ]
        if links:
            place = _link(folder, str(folder))
            texts.insert(0, tr("Written to {folder}: {files}", folder=place, files=", ".join(links)))
        self._show_status("<br>".join(texts))
        if self._for is not None:
            for kind in written.kinds:
                self._session.reported.emit(self._for, kind)

    def _on_ended(self) -> None:
        if self._task is not None:
            self._task.deleteLater()
        self._task = None
        if self._for is not None:
            self._session.open_scans.end_work(self._for)
        self._for = None
        self.follow()
        self._on_current(self._session.open_scans.current)

    def _on_current(self, scan: OpenScan | None) -> None:
        """Show what was said of the scan that is on the screen now."""
        text = self._status.get(scan.key, "") if scan is not None else ""
        if self._for is not None and self._for is not scan:
            text = tr("Reports of another scan are being written…")
        self.controls.show_status(text)

    def _show_status(self, text: str) -> None:
        """Show something of the scan whose reports are written, where it is on the screen; else when it comes back."""
        scan = self._for or self._session.open_scans.current
        if scan is not None:
            self._status[scan.key] = text
        if scan is self._session.open_scans.current:
            self.controls.show_status(text)


def _link(path: Path, text: str) -> str:
    url = QUrl.fromLocalFile(str(path)).toString()
    return f'<a href="{url}" style="color:{_LINK_COLOR}">{_html(text)}</a>'


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")
