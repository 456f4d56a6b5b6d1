"""The panel "Series browser": what is in a folder, a zip or on a disc, by study; a double click opens it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import napari.viewer
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QIcon, QImage, QKeySequence, QShortcut  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QStackedWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.dicom.index.series import Series
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.docks import entitle
from napari_lesion.plugin.viewer.layers import patient_key, scan_name
from napari_lesion.plugin.viewer.reader import add_layers, open_series
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.series_search import Found, SeriesSearch
from napari_lesion.plugin.viewer.series_text import certified
from napari_lesion.plugin.viewer.series_tree import Key, SeriesRow, SeriesTree
from napari_lesion.plugin.viewer.skipped_files import SkippedFiles
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.widgets.parts import in_a_row, push_button, text_label, thin_bar
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import Cancelled, LesionError

PLUGIN = "napari-lesion"
RECENT = "browser/recent"
MOST_RECENT = 10


def _recent() -> list[str]:
    remembered: list[str] = setting(RECENT, [])
    return [path for path in remembered if isinstance(path, str)]


class BrowserPanel(QWidget):
    """Dock widget; one a viewer."""

    listed = Signal()
    """What is listed, or its pictures."""
    searched = Signal()
    """All files were looked at, as far as nobody stopped it."""
    status_changed = Signal(str)
    """What the status says."""
    raised = Signal()
    """A series was opened, or the one that is open came back."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        entitle(self, tr("Series browser"))
        self._viewer = napari_viewer
        scan_view(napari_viewer)
        bind(napari_viewer)
        self._session = session_of(napari_viewer)
        self._search: SeriesSearch | None = None
        self._due: Key | None = None
        """What is to be opened as soon as all files are seen."""
        self._tools = reading_tools(self._session)
        self._build()
        self._connect()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.folder_button = push_button(
            tr("&Folder…"), tr("Look through a folder, with all that is below it"), self.choose_folder
        )
        self.file_button = push_button(
            tr("F&ile…"), tr("A zip, a DICOMDIR, or one image of a series"), self._choose_file
        )
        self.recent_button = push_button(tr("&Recent"), tr("What was looked through before"))
        self.recent_menu = QMenu(self.recent_button)
        self.recent_button.setMenu(self.recent_menu)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter: name, description, type, date…"))
        self.filter.setAccessibleName(tr("Filter"))
        self.filter.setClearButtonEnabled(True)
        self.tree = SeriesTree()
        self.tree.show_names(self._tools.names)
        self.invitation = QLabel(
            tr(
                "Drop a folder, a zip or a DICOMDIR here.\n\n"
                "Its series appear as they are found.\nA double click opens one."
            )
        )
        self.invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.invitation.setWordWrap(True)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.invitation)
        self.pages.addWidget(self.tree)
        self.progress = thin_bar(tr("Progress"))
        self.stop_button = push_button(tr("&Stop"), tr("Look at no further files"), self.stop)
        self.busy = QWidget()
        self.busy.setLayout(in_a_row(self.progress, self.stop_button, first=1))
        self.busy.hide()
        self.status = text_label()
        self.skipped = SkippedFiles()
        self.open_button = push_button(
            tr("&Open"), tr("Open the selected series: a double click or Enter does the same"), self.open_current
        )
        self.open_button.setEnabled(False)

        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addLayout(in_a_row(self.folder_button, self.file_button, self.recent_button))
        layout.addWidget(self.filter)
        layout.addWidget(self.pages, 1)
        for widget in (self.busy, self.status, self.skipped, self.open_button):
            layout.addWidget(widget)
        self.setMinimumWidth(340)
        self.setAcceptDrops(True)

    def _connect(self) -> None:
        self.recent_menu.aboutToShow.connect(self._list_recent)
        self.filter.textChanged.connect(self.tree.keep_matching)
        self.tree.itemDoubleClicked.connect(lambda item, _column: self._open(item))
        self.tree.currentItemChanged.connect(lambda *_: self._on_current())
        # Qt's own "activated" depends on the desktop: some activate by a single click.
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            shortcut = QShortcut(QKeySequence(key), self.tree)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(self.open_current)
        self._tools.names_changed.connect(self.tree.show_names)

    # -- what to look through -----------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take files and folders."""
        if _local_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Look through what was dropped."""
        paths = _local_paths(event)
        if paths:
            event.acceptProposedAction()
            self.look_through(paths)

    def choose_folder(self) -> None:
        """Ask for a folder and look through it."""
        recent = _recent()
        start = recent[0] if recent else ""
        folder = QFileDialog.getExistingDirectory(self, tr("Look through a folder"), start)
        if folder:
            self.look_through([Path(folder)])

    def _choose_file(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, tr("Choose a zip, a DICOMDIR or an image"))
        if file:
            self.look_through([Path(file)])

    def _list_recent(self) -> None:
        self.recent_menu.clear()
        for text in _recent():
            path = Path(text)
            action = self.recent_menu.addAction(str(path))
            if path.exists():
                action.triggered.connect(lambda _checked=False, one=path: self.look_through([one]))
            else:
                action.setText(tr("{path} (not there)", path=path))
                action.setEnabled(False)
        if self.recent_menu.isEmpty():
            self.recent_menu.addAction(tr("Nothing yet")).setEnabled(False)
        else:
            self.recent_menu.addSeparator()
            self.recent_menu.addAction(tr("Forget these")).triggered.connect(lambda: store(RECENT, []))

    def look_through(self, paths: Sequence[Path]) -> None:
        """Show the series below some paths; what was shown before goes."""
        self.close_search()
        paths = [path.absolute() for path in paths]
        named = [str(path) for path in paths]
        store(RECENT, [*named, *(text for text in _recent() if text not in named)][:MOST_RECENT])
        self.tree.forget()
        self.skipped.clear()
        self._due = None
        self.pages.setCurrentWidget(self.tree)
        self._search = search = SeriesSearch(paths, self)
        search.found.connect(self._on_found)
        search.pictured.connect(self._on_picture)
        search.progressed.connect(self._on_progress)
        search.ended.connect(self._on_ended)
        self.busy.show()
        self._on_progress(0, 0, "")
        search.start()

    def stop(self) -> None:
        """Look at no further files."""
        if self._search is not None:
            self._search.stop()

    def close_search(self) -> None:
        """Let go of the search that runs."""
        if self._search is not None:
            search, self._search = self._search, None
            for signal in (search.found, search.pictured, search.progressed, search.ended):
                signal.disconnect()
            search.close()

    @property
    def searching(self) -> bool:
        """Whether files are still being looked at."""
        return not self.busy.isHidden()

    # -- what is found ------------------------------------------------------------------------------------------------

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.progress.setMaximum(total)
        self.progress.setValue(done)
        if self._due is None:
            if total:
                self._show_status(
                    tr("{done} of {total} files · {count} series", done=done, total=total, count=len(self.tree.rows))
                )
            else:
                self._show_status(what or tr("Looking for files…"))
        else:
            self._show_status(
                tr(
                    "The series opens when all files are seen ({done} of {total}): more of its slices may follow. "
                    "Stop opens what there is.",
                    done=done,
                    total=total,
                )
            )

    def _on_found(self, found: Found) -> None:
        self.tree.take(found)
        self.skipped.take(found.path, found.index)
        self._session.list_series(self.series)
        self.tree.keep_matching(self.filter.text())
        self.listed.emit()

    def _on_picture(self, path: Path, key: str, picture: QImage | str) -> None:
        if self.tree.show_picture(path, key, picture):
            self.listed.emit()

    def _on_ended(self, complete: bool, error: Exception | None) -> None:
        self.busy.hide()
        if error is not None:
            self._show_status(f"⚠ {sentence(error)}")
        elif complete:
            said = _counted(len(self.tree.rows), len(self.tree.studies))
            if (patients := len({patient_key(one.identity) for one in self.series})) > 1:
                said = tr("{found} of {patients} patients", found=said, patients=patients)
            if not self.tree.rows:
                said = (
                    tr("There is no DICOM image. The list of skipped files says why.")
                    if self.skipped.any
                    else tr("There is no DICOM image: there are no files.")
                )
            if count := self.skipped.left_out:
                said += " ⚠ " + tr(
                    "What may hold more, and could not be looked into ({count}), is named below.", count=count
                )
                self.skipped.button.setChecked(True)
            self._show_status(said)
        else:
            self._show_status(
                "⚠ " + tr("Stopped: not all files were looked at. Series, and slices of them, may be missing.")
            )
        self.tree.choose_first()
        due, self._due = self._due, None
        if due is not None and due in self.tree.rows:
            self._open(self.tree.rows[due])
        self.searched.emit()

    # -- opening ------------------------------------------------------------------------------------------------------

    def _on_current(self) -> None:
        self.open_button.setEnabled(self.tree.chosen is not None)

    def open_current(self) -> None:
        """Open the selected series."""
        if self.tree.chosen is not None:
            self._open(self.tree.chosen)

    def _open(self, item: QTreeWidgetItem) -> None:
        if not isinstance(item, SeriesRow) or item.key is None:
            return
        key, series = item.key, item.series
        if self.searching:
            self._due = key
            return
        shown = self._session.open_scans.find(series)
        if shown is not None:
            self._session.open_scans.show(shown)
            self.raised.emit()
            return
        self._show_status(tr("Opening {name}…", name=scan_name(series.identity)))
        try:
            add_layers(self._viewer, open_series([series]))
        except Cancelled:
            self._show_status("")
            return
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        shown = self._session.open_scans.find(series)
        if shown is None:
            return
        item.show_mark(*certified(shown.volume.certificate))
        self._show_status("")
        self.raised.emit()

    @property
    def series(self) -> tuple[Series, ...]:
        """All series that are listed."""
        return tuple(item.series for item in self.tree.rows.values())

    def picture(self, series: Series) -> QIcon | None:
        """Get the picture of a series, or None where it is not listed."""
        row = self.tree.row_of(series)
        return row.icon(0) if row is not None else None

    def open_series(self, series: Series) -> None:
        """Open a series that is listed."""
        row = self.tree.row_of(series)
        if row is not None:
            self._open(row)

    def _show_status(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))
        self.status_changed.emit(text)


def browser_of(viewer: napari.viewer.Viewer) -> BrowserPanel:
    """Get the series browser of a viewer: the workstation's own, or else a dock, which is shown."""
    window = viewer.window
    there: BrowserPanel | None = window._qt_window.findChild(BrowserPanel)
    if there is not None and isinstance(there.window(), QDialog):
        return there
    made: BrowserPanel = window.add_plugin_dock_widget(PLUGIN, "Series browser")[1]
    return made


def _local_paths(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


def show_browser(session: Session) -> None:
    """Bring the series browser of a viewer to the front."""
    window: Any = getattr(session.viewer, "window", None)
    there = window._qt_window.findChild(BrowserPanel) if window is not None else None
    if there is not None and isinstance(there.window(), QDialog):  # that of the workstation
        there.window().show()
        there.window().raise_()
    elif window is not None:
        dock, _ = window.add_plugin_dock_widget(PLUGIN, "Series browser")
        dock.raise_()


def _counted(series: int, studies: int) -> str:
    if studies != 1:
        return tr("{count} series in {studies} studies", count=series, studies=studies)
    return tr("1 series in 1 study") if series == 1 else tr("{count} series in 1 study", count=series)
