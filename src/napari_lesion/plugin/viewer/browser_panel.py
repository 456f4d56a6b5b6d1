"""The panel "Series browser": what is in a folder, a zip or on a disc, by study; a double click opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import napari.viewer
from qtpy.QtCore import QSize, QStringListModel, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import (  # type: ignore[attr-defined]
    QColor,
    QDragEnterEvent,
    QDropEvent,
    QIcon,
    QImage,
    QKeySequence,
    QPainter,
    QPixmap,
    QShortcut,
)
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QProgressBar,
    QPushButton,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.read.precheck import Outlook, Precheck
from napari_lesion.model.volume import GeometryCertificate, readable_date
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import Action, bind
from napari_lesion.plugin.viewer.docks import entitle
from napari_lesion.plugin.viewer.layers import scan_name
from napari_lesion.plugin.viewer.reader import add_layers, open_series
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.series_search import PICTURE, Found, SeriesSearch
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import Cancelled, LesionError

PLUGIN = "napari-lesion"
RECENT = "browser/recent"
MOST_RECENT = 10
_MARGIN = 16
"""Pixels around a text in its column."""
_Key = tuple[Path, str]


def mark_of(outlook: Outlook) -> str:
    """Say what will come of a series, by a sign and a word."""
    return {
        "fine": "✓ " + tr("fine"),
        "corrected": "⚠ " + tr("corrected"),
        "refused": "✗ " + tr("refused"),
        "unplaced": "– " + tr("no position"),
    }[outlook]


def explained(precheck: Precheck) -> str:
    """Say why, in a longer text."""
    what = {
        "fine": tr("Geometry, from the headers: the slices make a volume as acquired."),
        "corrected": tr("Geometry, from the headers: the slices make a volume only when they are resampled."),
        "refused": tr("The headers say that this cannot be read as it is."),
        "unplaced": tr("This image can be shown, but not placed in the patient."),
    }[precheck.outlook]
    more = [f"• {in_language(reason)}" for reason in precheck.reasons]
    if precheck.can_interpolate:
        more.append(tr("Opening it asks whether the missing slices shall be interpolated."))
    if precheck.outlook in ("fine", "corrected"):
        more.append(tr("Whether the pixel data is whole is known only when it is read."))
    return "\n".join([what, *more])


def certified(certificate: GeometryCertificate) -> tuple[str, str]:
    """Say the certificate of a volume that was read: the mark and a longer text."""
    if certificate.verdict == "corrected":
        mark, what = "⚠ " + tr("corrected"), tr("Geometry, as read: corrected.")
    else:
        mark, what = "✓ " + tr("fine"), tr("Geometry, as read: as acquired.")
    return mark, "\n".join(
        [what, *(f"• {in_language(note)}" for note in (*certificate.notes, *certificate.duplicates))]
    )


def description(series: Series, precheck: Precheck | None) -> str:
    """Describe a series in three lines: what it is called, what it is, its voxels."""
    identity = series.identity
    name = identity.series_description or tr("no description")
    first = f"{identity.series_number}: {name}" if identity.series_number else name
    kind = identity.modality or tr("unknown")
    if series.kind == "localizer":
        kind += " " + tr("localizer")
    elif series.kind == "time series":
        kind += " " + tr("time series")
    rows, columns = series.size
    slices = tr("{count} slices", count=series.n_slices) if series.n_slices != 1 else tr("1 image")
    parts = [kind, slices]
    spacing = precheck.spacing_mm if precheck is not None else None
    last = f"{rows} × {columns}"
    if spacing is not None:
        every = f"{spacing[0]:.3g} × " if spacing[0] > 0 else ""
        last = f"{every}{spacing[1]:.2f} × {spacing[2]:.2f} mm"
    if series.stack > 1:
        parts.append(tr("stack {number}", number=series.stack))
    return f"{first}\n{' · '.join(parts)}\n{last}"


class _SeriesRow(QTreeWidgetItem):
    """A series, or a study (then without a key)."""

    def __init__(self, parent: QTreeWidget | QTreeWidgetItem, series: Series, key: _Key | None = None) -> None:
        super().__init__(parent)
        self.series, self.key = series, key


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
        self._rows: dict[_Key, _SeriesRow] = {}
        self._studies: dict[tuple[Path, str, str], _SeriesRow] = {}
        self._skipped: dict[Path, tuple[tuple[Path, str], ...]] = {}
        self._left_out: dict[Path, tuple[tuple[Path, str], ...]] = {}
        """Those among them that may hold scans."""
        self._due: _Key | None = None
        """What is to be opened as soon as all files are seen."""
        self._tools = reading_tools(self._session)
        self._build()
        self._connect()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.folder_button = QPushButton(tr("&Folder…"))
        self.folder_button.setToolTip(tr("Look through a folder, with all that is below it"))
        self.file_button = QPushButton(tr("F&ile…"))
        self.file_button.setToolTip(tr("A zip, a DICOMDIR, or one image of a series"))
        self.recent_button = QPushButton(tr("&Recent"))
        self.recent_button.setToolTip(tr("What was looked through before"))
        self.recent_menu = QMenu(self.recent_button)
        self.recent_button.setMenu(self.recent_menu)
        top = QHBoxLayout()
        for button in (self.folder_button, self.file_button, self.recent_button):
            top.addWidget(button)

        self.filter = QLineEdit()
        self.filter.setPlaceholderText(tr("Filter: name, description, type, date…"))
        self.filter.setAccessibleName(tr("Filter"))
        self.filter.setClearButtonEnabled(True)

        self.tree = QTreeWidget()
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels([tr("Series"), tr("Geometry")])
        self.tree.setIconSize(QSize(PICTURE, PICTURE))
        self.tree.setIndentation(4)
        self.tree.setUniformRowHeights(False)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setAccessibleName(tr("Series that were found"))
        header = self.tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        # As wide as the widest mark, told once: measured by Qt at each change, hundreds of series took half a second.
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        texts = [*map(mark_of, get_args(Outlook)), self.tree.headerItem().text(1)]
        self.tree.setColumnWidth(1, max(map(self.tree.fontMetrics().horizontalAdvance, texts)) + _MARGIN)

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

        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.stop_button = QPushButton(tr("&Stop"))
        self.stop_button.setToolTip(tr("Look at no further files"))
        self.busy = QWidget()
        busy = QHBoxLayout(self.busy)
        busy.setContentsMargins(0, 0, 0, 0)
        busy.addWidget(self.progress, 1)
        busy.addWidget(self.stop_button)
        self.busy.hide()
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        self.skipped_button = QPushButton()
        self.skipped_button.setAccessibleName(tr("Skipped files"))
        self.skipped_button.setCheckable(True)
        self.skipped_button.setToolTip(tr("Show which files are no images of a series, and why"))
        self.skipped_button.hide()
        self.skipped_list = QListView()
        self.skipped_list.setModel(QStringListModel(self.skipped_list))
        self.skipped_list.setUniformItemSizes(True)
        self.skipped_list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.skipped_list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.skipped_list.setAccessibleName(tr("Skipped files"))
        self.skipped_list.setMaximumHeight(160)
        self.skipped_list.hide()

        self.open_button = QPushButton(tr("&Open"))
        self.open_button.setToolTip(tr("Open the selected series: a double click or Enter does the same"))
        self.open_button.setEnabled(False)

        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.filter)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.busy)
        layout.addWidget(self.status)
        layout.addWidget(self.skipped_button)
        layout.addWidget(self.skipped_list)
        layout.addWidget(self.open_button)
        self.setMinimumWidth(340)
        self.setAcceptDrops(True)

    def _connect(self) -> None:
        self.folder_button.clicked.connect(self.choose_folder)
        self.file_button.clicked.connect(self._choose_file)
        self.recent_menu.aboutToShow.connect(self._list_recent)
        self.filter.textChanged.connect(self._apply_filter)
        self.stop_button.clicked.connect(self.stop)
        self.open_button.clicked.connect(self.open_current)
        self.skipped_button.toggled.connect(self.skipped_list.setVisible)
        self.tree.itemDoubleClicked.connect(lambda item, _column: self._open(item))
        self.tree.currentItemChanged.connect(lambda *_: self._on_current())
        # Qt's own "activated" depends on the desktop: some activate by a single click.
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            shortcut = QShortcut(QKeySequence(key), self.tree)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(self.open_current)
        self._tools.names_changed.connect(self._name_studies)

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
        self.tree.clear()
        for known in (self._rows, self._studies, self._skipped, self._left_out):
            known.clear()
        self._due = None
        self._show_skipped()
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
                    tr("{done} of {total} files · {count} series", done=done, total=total, count=len(self._rows))
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
        seen = set()
        for place, series in enumerate(found.index):
            key = (found.path, series.key)
            seen.add(key)
            item = self._rows.get(key)
            precheck = found.prechecks[place] if found.prechecks else None
            if item is None:
                item = self._rows[key] = _SeriesRow(self._study(found.path, series), series, key)
                item.setIcon(0, _icon(_blank()))
            elif item.series is series and precheck is None:
                continue
            item.series = series
            item.setText(0, description(series, precheck))
            item.setToolTip(0, _details(series))
            if precheck is None:
                item.setText(1, "…")
                item.setToolTip(1, tr("Known when all files were looked at"))
            else:
                item.setText(1, mark_of(precheck.outlook))
                item.setToolTip(1, explained(precheck))
        if found.prechecks or found.index.complete:
            for key in [key for key in self._rows if key[0] == found.path and key not in seen]:
                item = self._rows.pop(key)
                item.parent().removeChild(item)
            self._sort(found.path)
        passed = found.index.skipped, found.index.left_out
        if (self._skipped.get(found.path), self._left_out.get(found.path)) != passed:
            self._skipped[found.path], self._left_out[found.path] = passed
            self._show_skipped()
        self._session.list_series(item.series for item in self._rows.values())
        self._apply_filter()
        self.listed.emit()

    def _study(self, path: Path, series: Series) -> _SeriesRow:
        """Find the row of a study, or make it."""
        identity = series.identity
        key = (path, identity.patient_id + identity.patient_name, identity.study_uid)
        item = self._studies.get(key)
        if item is None:
            item = self._studies[key] = _SeriesRow(self.tree, series)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            item.setFirstColumnSpanned(True)
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
            item.setExpanded(True)
            self._name_study(item)
        return item

    def _name_studies(self) -> None:
        for item in self._studies.values():
            self._name_study(item)

    def _name_study(self, item: _SeriesRow) -> None:
        identity = item.series.identity
        who = dict.fromkeys(
            part for part in (identity.patient_name.replace("^", " ").strip(), identity.patient_id) if part
        )
        names = self._tools.names
        first = (" · ".join(who) or tr("no name")) if names else tr("Names hidden")
        second = (readable_date(identity.study_date) if names else "", identity.study_description)
        item.setText(0, "\n".join(part for part in (first, " · ".join(part for part in second if part)) if part))
        item.setToolTip(0, item.text(0))

    def _sort(self, path: Path) -> None:
        """Order the series of each study by their number."""
        current = self.tree.currentItem()
        for key, study in self._studies.items():
            if key[0] == path:
                children = study.takeChildren()
                study.addChildren(sorted(children, key=_order))
        for study in [one for one in self._studies.values() if not one.childCount()]:
            self.tree.takeTopLevelItem(self.tree.indexOfTopLevelItem(study))
        self._studies = {key: study for key, study in self._studies.items() if study.childCount()}
        if current is not None and current.parent() is not None:
            self.tree.setCurrentItem(current)

    def _on_picture(self, path: Path, key: str, picture: QImage | str) -> None:
        item = self._rows.get((path, key))
        if item is None:
            return
        if isinstance(picture, str):
            item.setIcon(0, _icon(_blank("✗")))
            item.setToolTip(0, f"{_details(item.series)}\n{picture}")
        else:
            item.setIcon(0, _icon(QPixmap.fromImage(picture)))
        self.listed.emit()

    def _on_ended(self, complete: bool, error: Exception | None) -> None:
        self.busy.hide()
        if error is not None:
            self._show_status(f"⚠ {sentence(error)}")
        elif complete:
            said = tr("{count} series in {studies} studies", count=len(self._rows), studies=len(self._studies))
            if not self._rows:
                skipped = any(self._skipped.values())
                said = (
                    tr("There is no DICOM image. The list of skipped files says why.")
                    if skipped
                    else tr("There is no DICOM image: there are no files.")
                )
            if count := sum(map(len, self._left_out.values())):
                said += " ⚠ " + tr(
                    "What may hold more, and could not be looked into ({count}), is named below.", count=count
                )
                self.skipped_button.setChecked(True)
            self._show_status(said)
        else:
            self._show_status(
                "⚠ " + tr("Stopped: not all files were looked at. Series, and slices of them, may be missing.")
            )
        first = self.tree.topLevelItem(0)
        if self.tree.currentItem() is None and first is not None:
            self.tree.setCurrentItem(first.child(0))
        due, self._due = self._due, None
        if due is not None and due in self._rows:
            self._open(self._rows[due])
        self.searched.emit()

    def _show_skipped(self) -> None:
        may_hold_more = [f"⚠ {text}" for text in _reasons(self._left_out)]
        others = {
            root: [s for s in all_ if s not in self._left_out.get(root, ())] for root, all_ in self._skipped.items()
        }
        every = [*may_hold_more, *_reasons(others)]
        self.skipped_button.setVisible(bool(every))
        if not every:
            self.skipped_button.setChecked(False)
        text = tr("Skipped files ({count})", count=len(every))
        if may_hold_more:
            text = "⚠ " + tr(
                "Not looked into ({count}), skipped files ({others})",
                count=len(may_hold_more),
                others=len(every) - len(may_hold_more),
            )
        self.skipped_button.setText(text)
        model = self.skipped_list.model()
        assert isinstance(model, QStringListModel)
        model.setStringList(every)

    def _apply_filter(self) -> None:
        words = self.filter.text().casefold().split()
        for study in self._studies.values():
            about = study.text(0).casefold()
            shown = 0
            for place in range(study.childCount()):
                item = study.child(place)
                text = f"{about} {item.text(0).casefold()} {item.text(1).casefold()}"
                fits = all(word in text for word in words)
                item.setHidden(not fits)
                shown += fits
            study.setHidden(not shown)

    # -- opening ------------------------------------------------------------------------------------------------------

    def _on_current(self) -> None:
        item = self.tree.currentItem()
        self.open_button.setEnabled(item is not None and item.parent() is not None)

    def open_current(self) -> None:
        """Open the selected series."""
        item = self.tree.currentItem()
        if item is not None:
            self._open(item)

    def _open(self, item: QTreeWidgetItem) -> None:
        if not isinstance(item, _SeriesRow) or item.key is None:
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
        mark, text = certified(shown.volume.certificate)
        item.setText(1, mark)
        item.setToolTip(1, text)
        self._show_status("")
        self.raised.emit()

    @property
    def series(self) -> tuple[Series, ...]:
        """All series that are listed."""
        return tuple(item.series for item in self._rows.values())

    def picture(self, series: Series) -> QIcon | None:
        """Get the picture of a series, or None where it is not listed."""
        return next((item.icon(0) for item in self._rows.values() if item.series is series), None)

    def open_series(self, series: Series) -> None:
        """Open a series that is listed."""
        item = next((item for item in self._rows.values() if item.series is series), None)
        if item is not None:
            self._open(item)

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


def _reasons(passed: Mapping[Path, Sequence[tuple[Path, str]]]) -> list[str]:
    """Name files and say why they are no images of a series, by what was looked through."""
    return [f"{_below(root, path)}: {in_language(reason)}" for root, files in passed.items() for path, reason in files]


def _below(root: Path, path: Path) -> str:
    """Name a file by its way from the folder that is looked through."""
    return str(path.relative_to(root)) if path != root and path.is_relative_to(root) else path.name


def _order(item: QTreeWidgetItem) -> tuple[int, str]:
    """Series by number, what has none last."""
    assert isinstance(item, _SeriesRow)  # the tree has no others
    series = item.series
    number = series.identity.series_number
    return (int(number) if number.isdecimal() else 1 << 31), series.key


def _blank(sign: str = "") -> QPixmap:
    """Draw the place of a picture that is not there yet."""
    pixmap = QPixmap(PICTURE, PICTURE)
    pixmap.fill(QColor("black"))
    if sign:
        painter = QPainter(pixmap)
        painter.setPen(QColor("#ffd24d"))
        painter.drawText(pixmap.rect(), Qt.AlignmentFlag.AlignCenter, sign)
        painter.end()
    return pixmap


def _icon(pixmap: QPixmap) -> QIcon:
    """Make an icon that keeps its greys where its row is selected."""
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon


def _details(series: Series) -> str:
    identity = series.identity
    parts = (
        identity.study_description,
        f"{identity.manufacturer} {identity.manufacturer_model}".strip(),
        identity.kernel.replace("\\", " "),
        tr("{rows} × {columns} pixels", rows=series.size[0], columns=series.size[1]),
        str(series.frames[0].file.path.parent),
    )
    return "\n".join(part for part in parts if part)


def _show(session: Session) -> None:
    window: Any = getattr(session.viewer, "window", None)
    there = window._qt_window.findChild(BrowserPanel) if window is not None else None
    if there is not None and isinstance(there.window(), QDialog):  # that of the workstation
        there.window().show()
        there.window().raise_()
    elif window is not None:
        dock, _ = window.add_plugin_dock_widget("napari-lesion", "Series browser")
        dock.raise_()


def _close(session: Session) -> None:
    """Close the scan on the screen; the one before comes back."""
    if session.open_scans.current is not None:
        session.open_scans.close(session.open_scans.current)


def _turn(way: int) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        scans, current = session.open_scans.scans, session.open_scans.current
        if current is not None:
            session.open_scans.show(scans[(scans.index(current) + way) % len(scans)])

    return run


ACTIONS = (
    Action("open.browser", "Show the series browser", "Ctrl-Alt-Shift-O", _show),
    Action("open.next", "Next open scan", "Control-PageDown", _turn(1)),
    Action("open.previous", "Previous open scan", "Control-PageUp", _turn(-1)),
    Action("open.close", "Close the scan on the screen", "Control-Shift-W", _close),
)
