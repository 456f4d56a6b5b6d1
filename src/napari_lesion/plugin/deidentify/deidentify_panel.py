"""The panel "De-identify": what may leave, what becomes of it, and the check of what was written."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from pathlib import Path

import napari.viewer
from qtpy.QtCore import QSignalBlocker, Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QFrame,
    QHeaderView,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QSizePolicy,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.one_file import FileOutcome
from napari_lesion.deidentification.preview import rows_of
from napari_lesion.deidentification.release import Request, key_of, preview, release
from napari_lesion.deidentification.run import Outcome
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.deidentify.request_form import KeyForm, OptionsForm
from napari_lesion.plugin.deidentify.texts import what_text
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.widgets.parts import RunControls, combo_box, in_a_row, push_button
from napari_lesion.plugin.widgets.path_row import PathRow
from napari_lesion.plugin.widgets.row_table import row_table
from napari_lesion.plugin.widgets.sections import Section
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.plain import one_line
from napari_lesion.support.progress import Progress

_LINK = "#3f8ae0"
_MOST_FILES = 500
"""That can be chosen to be looked at."""
_HIDDEN = "•••"
"""In place of a value, while names are hidden."""


class DeidentifyPanel(QWidget):
    """Dock widget, or a page of the workstation; one a viewer. It follows no scan: what it works on is chosen in it."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        share_place(self)
        entitle(self, tr("De-identify"))
        scan_view(napari_viewer)
        self._session = session_of(napari_viewer)
        self._tools = reading_tools(self._session)
        self._task: Task[tuple[Outcome, Key]] | None = None
        self._asked: Request | None = None
        self._key: Key | None = None
        self.outcome: Outcome | None = None
        """What was found out, or done, last."""
        self._build()
        self._session.open_scans.scans_changed.connect(self._list_scans)
        self._tools.names_changed.connect(self._on_names)
        self._list_scans()
        self._follow()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.source = PathRow(tr("Folder of what is to leave"), "folder")
        self.scans = QListWidget()
        self.scans.setAccessibleName(tr("Scans that are open here"))
        self.scans.setToolTip(tr("Ticked scans are de-identified, from their files"))
        self.scans.setMaximumHeight(84)
        self.options, self.key = OptionsForm(), KeyForm()
        self.out = PathRow(tr("New folder for what may leave"), "folder")
        how = Section("deidentify_options", tr("What stays"), open_=False)
        how.rows.addWidget(self.options)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 4, 4, 0)
        column.setSpacing(4)
        for title, *widgets in (
            (tr("What"), self.source, self.scans),
            ("", how),
            (tr("Key"), self.key),
            (tr("Where to"), self.out),
        ):
            if title:
                column.addWidget(QLabel(f"<b>{title}</b>"))
            for widget in widgets:
                column.addWidget(widget)
        column.addStretch(1)
        first = QScrollArea()
        first.setWidget(inside)
        first.setWidgetResizable(True)
        first.setFrameShape(QFrame.Shape.NoFrame)
        first.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tabs = QTabWidget()
        self.tabs.addTab(first, tr("Choose"))
        self.tabs.addTab(self._changes(), tr("What changes"))
        self.preview_button = push_button(
            tr("Preview"), tr("Find out what would become of all files; nothing is written"), self.preview
        )
        self.run_button = push_button(
            tr("De-identify"),
            tr("Write de-identified copies and search them; where a name is left, nothing stays"),
            self.run,
        )
        self.controls = RunControls(tr("Progress"), self.cancel)
        self.status = self.controls.status
        self.status.setTextFormat(Qt.TextFormat.RichText)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.status.linkActivated.connect(lambda link: QDesktopServices.openUrl(QUrl(link)))
        layout = QVBoxLayout(self)
        layout.setSpacing(4)
        layout.addWidget(self.tabs, 1)
        layout.addLayout(in_a_row(self.preview_button, self.run_button))
        layout.addLayout(in_a_row(self.controls.bar, self.controls.cancel_button, first=1))
        layout.addWidget(self.status)

    def _changes(self) -> QWidget:
        self.which = combo_box(tr("Of which files"))
        self.table = row_table(
            (tr("Attribute"), tr("Before"), tr("Becomes"), tr("After")),
            tr("What changes"),
            tr("Values that stay as they are have no row"),
        )
        head = self.table.horizontalHeader()
        for column, width in ((0, 112), (1, 84)):  # so that all four are seen beside the picture
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            head.resizeSection(column, width)
        head.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addWidget(self.which)
        layout.addWidget(self.table, 1)
        self.which.currentIndexChanged.connect(self._show)
        return page

    # -- what is asked for --------------------------------------------------------------------------------------------

    def _list_scans(self) -> None:
        ticked = {item.data(Qt.ItemDataRole.UserRole) for item in self._items() if _is_ticked(item)}
        self.scans.clear()
        for scan in self._session.open_scans.scans:
            item = QListWidgetItem(scan.volume.series.series_description or tr("no description"))
            item.setData(Qt.ItemDataRole.UserRole, scan.key)
            known = scan.source is not None
            item.setToolTip("" if known else tr("Its files are not known here; choose their folder."))
            item.setFlags(
                Qt.ItemFlag.ItemIsUserCheckable | (Qt.ItemFlag.ItemIsEnabled if known else Qt.ItemFlag.NoItemFlags)
            )
            item.setCheckState(Qt.CheckState.Checked if scan.key in ticked else Qt.CheckState.Unchecked)
            self.scans.addItem(item)
        self.scans.setVisible(self.scans.count() > 0)

    def _items(self) -> list[QListWidgetItem]:
        found = (self.scans.item(row) for row in range(self.scans.count()))
        return [item for item in found if item is not None]

    def sources(self) -> tuple[Path, ...]:
        """Files and folders that are chosen."""
        folder = self.source.path
        ticked = {item.data(Qt.ItemDataRole.UserRole) for item in self._items() if _is_ticked(item)}
        files = {
            frame.file.path
            for scan in self._session.open_scans.scans
            if scan.key in ticked and scan.source is not None
            for frame in scan.source.frames
        }
        return (*([folder] if folder is not None else []), *sorted(files))

    def _request(self) -> Request | None:
        sources = self.sources()
        missing = next((path for path in sources if not path.exists()), None)
        if not sources:
            said = tr("Choose a folder, or tick a scan that is open.")
        elif missing is not None:
            said = tr("{name} is not there.", name=missing.name)
        else:
            said = self.key.problem()
        if said:
            self.tabs.setCurrentIndex(0)
            self._show_status(said)
            return None
        return Request(sources, self.options.options, self.key.key)

    # -- the work -----------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether files are being looked at or written."""
        return self._task is not None

    def preview(self) -> None:
        """Find out what would become of all files."""
        request = self._request()
        if request is None:
            return

        def work(progress: Progress) -> tuple[Outcome, Key]:
            key = key_of(request.key)
            return preview(request, key, progress), key

        self._start(request, work, None)

    def run(self) -> None:
        """Write de-identified copies into the folder that is chosen."""
        request, out = self._request(), self.out.path
        if request is None:
            return
        if out is None:
            self._show_status(tr("Say where it goes."))
            return

        def work(progress: Progress) -> tuple[Outcome, Key]:
            return release(request, out, progress), Key.new()

        self._start(request, work, out)

    def _start(self, request: Request, work: Callable[[Progress], tuple[Outcome, Key]], out: Path | None) -> None:
        if self._task is not None:
            return
        self._asked = request
        self._task = task = Task(work, self)
        task.progressed.connect(self._on_progress)
        task.succeeded.connect(partial(self._on_done, out))
        task.failed.connect(lambda error: self._show_status(f"⚠ {sentence(error)}"))
        task.cancelled.connect(lambda: self._show_status(tr("Cancelled. Nothing was written.")))
        task.ended.connect(self._on_ended)
        self.controls.begin("")
        task.start()
        self._follow()

    def cancel(self) -> None:
        """Stop at the next step; nothing is left of it."""
        if self._task is not None:
            self._task.cancel()
            self.controls.stop()

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.controls.advance(done, total)
        self.controls.show_step(what)

    def _on_ended(self) -> None:
        self._task = None
        self.controls.cancel_button.setEnabled(True)
        self._follow()

    def _on_done(self, out: Path | None, found: tuple[Outcome, Key]) -> None:
        self.outcome, key = found
        self._key = key if out is None else None
        with QSignalBlocker(self.which):
            self._list_files()
        self._show()
        self.tabs.setCurrentIndex(1)
        if out is not None:
            self.key.written()
        self._summarise(out)

    # -- what came of it ----------------------------------------------------------------------------------------------

    def _left_back(self) -> list[FileOutcome]:
        files = self.outcome.files if self.outcome is not None else ()
        return sorted(
            (one for one in files if one.what in ("quarantined", "left out")), key=lambda one: one.what != "quarantined"
        )

    def _list_files(self) -> None:
        self.which.clear()
        outcome = self.outcome
        if outcome is None:
            return
        self.which.addItem(tr("All files: how many change"), "all")
        self.which.addItem(tr("Files that do not leave: {count}", count=len(self._left_back())), "left")
        if self._key is None:
            return  # the key of what was written is not kept here
        going = [file.source for file in outcome.files if file.what in ("written", "masked")][:_MOST_FILES]
        for number, path in enumerate(going, 1):
            self.which.addItem(path.name if self._tools.names else tr("File {number}", number=number), path)

    def _on_names(self, _changed: object = None) -> None:
        row = self.which.currentIndex()
        with QSignalBlocker(self.which):
            self._list_files()
            self.which.setCurrentIndex(row)
        self._show()

    def _show(self, _index: int = 0) -> None:
        """Fill the table for what is chosen above it."""
        which, outcome = self.which.currentData(), self.outcome
        heads = [tr("Attribute"), tr("Before"), tr("Becomes"), tr("After")]
        rows: list[tuple[str, ...]] = []
        if outcome is None or which is None:
            pass
        elif which == "all":
            heads = [tr("Attribute"), tr("Becomes"), tr("Files"), ""]
            rows = [(path, what_text(what), str(count), "") for (path, what), count in sorted(outcome.changes.items())]
        elif which == "left":
            heads = [tr("File"), tr("Becomes"), tr("Why"), ""]
            rows = [
                (self._name_of(one.source), what_text(one.what), in_language(one.why), "") for one in self._left_back()
            ]
        elif self._asked is not None and self._key is not None:
            names = self._tools.names
            rows = [
                (one.path, one.before if names or not one.before else _HIDDEN, what_text(one.what), one.after)
                for one in rows_of(which, outcome, self._asked.options, self._key)
            ]
        self.table.setHorizontalHeaderLabels(heads)
        self.table.setColumnHidden(3, not heads[3])
        self.table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                cell = QTableWidgetItem(one_line(text))
                cell.setToolTip(cell.text())
                self.table.setItem(number, column, cell)

    def _name_of(self, path: Path) -> str:
        return path.name if self._tools.names else _HIDDEN

    def _summarise(self, out: Path | None) -> None:
        outcome = self.outcome
        assert outcome is not None
        done = outcome.count("written") + outcome.count("masked")
        counts = {"files": done, "patients": len(outcome.patients), "quarantined": outcome.count("quarantined")}
        if out is None:
            lines = [
                tr("{files} files of {patients} patients would leave; {quarantined} are not sure enough.", **counts),
                tr("Nothing was written."),
            ]
        else:
            lines = [
                tr(
                    "{files} files of {patients} patients are de-identified; {quarantined} were not sure enough.",
                    **counts,
                ),
                "✓ " + tr("Searched for all values of the sources: none was found."),
            ]
            if self._asked is not None and self._asked.key is None:
                lines.append(tr("The key was thrown away: nobody can tell which patient a pseudonym stands for."))
        if masked := outcome.count("masked"):
            lines.append(tr("Text was masked in {count} files: look at them.", count=masked))
        lines += [f"⚠ {in_language(note)}" for note in outcome.notes]
        text = "<br>".join(escape(line) for line in lines)
        if out is not None:
            link = QUrl.fromLocalFile(str(out)).toString()
            text += f'<br><a href="{link}" style="color:{_LINK}">{escape(tr("Open the folder"))}</a>'
        self.controls.show_status(text)

    def _follow(self) -> None:
        for button in (self.preview_button, self.run_button):
            button.setEnabled(not self.running)
        self.controls.show_running(self.running)

    def _show_status(self, text: str) -> None:
        self.controls.show_status(escape(in_language(text)).replace("\n", "<br>"))


def _is_ticked(item: QListWidgetItem) -> bool:
    return item.checkState() is Qt.CheckState.Checked
