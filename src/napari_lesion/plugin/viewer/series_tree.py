"""The tree of series that were found, by study, with their pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias, get_args

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.read.precheck import Outlook
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.series_search import PICTURE, Found
from napari_lesion.plugin.viewer.series_text import description, details, explained, mark_of, study_text

_MARGIN = 16
"""Pixels around a text in its column."""
Key: TypeAlias = tuple[Path, str]
"""What was looked through, and the key of a series there."""


class SeriesRow(QTreeWidgetItem):
    """A series, or a study (then without a key)."""

    def __init__(self, parent: QTreeWidget | QTreeWidgetItem, series: Series, key: Key | None = None) -> None:
        super().__init__(parent)
        self.series, self.key = series, key

    def show_mark(self, mark: str, why: str) -> None:
        """Show what will come, or came, of its geometry."""
        self.setText(1, mark)
        self.setToolTip(1, why)


class SeriesTree(QTreeWidget):
    """Shows series by study as they are found.

    Attributes
    ----------
    rows : dict
        Of the series.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[Key, SeriesRow] = {}
        self.studies: dict[tuple[Path, str, str], SeriesRow] = {}
        self._names = True
        """Whether one sees whose the studies are."""
        self.setColumnCount(2)
        self.setHeaderLabels([tr("Series"), tr("Geometry")])
        self.setIconSize(QSize(PICTURE, PICTURE))
        self.setIndentation(4)
        self.setUniformRowHeights(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(tr("Series that were found"))
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        # As wide as the widest mark, told once: measured by Qt at each change, hundreds of series took half a second.
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        texts = [*map(mark_of, get_args(Outlook)), self.headerItem().text(1)]
        self.setColumnWidth(1, max(map(self.fontMetrics().horizontalAdvance, texts)) + _MARGIN)

    @property
    def chosen(self) -> SeriesRow | None:
        """The row of the series that is chosen."""
        row = self.currentItem()
        return row if isinstance(row, SeriesRow) and row.key is not None else None

    def row_of(self, series: Series) -> SeriesRow | None:
        """Find the row of a series."""
        return next((row for row in self.rows.values() if row.series is series), None)

    def forget(self) -> None:
        """Show nothing."""
        self.clear()
        self.rows.clear()
        self.studies.clear()

    def take(self, found: Found) -> None:
        """Show what was found below a path, and what its headers tell."""
        seen = set()
        for place, series in enumerate(found.index):
            key = (found.path, series.key)
            seen.add(key)
            row = self.rows.get(key)
            precheck = found.prechecks[place] if found.prechecks else None
            if row is None:
                row = self.rows[key] = SeriesRow(self._study(found.path, series), series, key)
                row.setIcon(0, _icon(_blank()))
            elif row.series is series and precheck is None:
                continue
            row.series = series
            row.setText(0, description(series, precheck))
            row.setToolTip(0, details(series))
            if precheck is None:
                row.show_mark("…", tr("Known when all files were looked at"))
            else:
                row.show_mark(mark_of(precheck.outlook), explained(precheck))
        if found.prechecks or found.index.complete:
            for key in [key for key in self.rows if key[0] == found.path and key not in seen]:
                row = self.rows.pop(key)
                row.parent().removeChild(row)
            self._sort(found.path)

    def _study(self, path: Path, series: Series) -> SeriesRow:
        """Find the row of a study, or make it."""
        identity = series.identity
        key = (path, identity.patient_id + identity.patient_name, identity.study_uid)
        row = self.studies.get(key)
        if row is None:
            row = self.studies[key] = SeriesRow(self, series)
            row.setFlags(Qt.ItemFlag.ItemIsEnabled)
            row.setFirstColumnSpanned(True)
            font = row.font(0)
            font.setBold(True)
            row.setFont(0, font)
            row.setExpanded(True)
            self._name(row)
        return row

    def show_names(self, shown: bool) -> None:
        """Show whose the studies are, or hide it."""
        self._names = shown
        for row in self.studies.values():
            self._name(row)

    def _name(self, row: SeriesRow) -> None:
        row.setText(0, study_text(row.series.identity, names=self._names))
        row.setToolTip(0, row.text(0))

    def _sort(self, path: Path) -> None:
        """Order the series of each study by their number."""
        current = self.currentItem()
        for key, study in self.studies.items():
            if key[0] == path:
                children = study.takeChildren()
                study.addChildren(sorted(children, key=_order))
        for study in [one for one in self.studies.values() if not one.childCount()]:
            self.takeTopLevelItem(self.indexOfTopLevelItem(study))
        self.studies = {key: study for key, study in self.studies.items() if study.childCount()}
        if current is not None and current.parent() is not None:
            self.setCurrentItem(current)

    def choose_first(self) -> None:
        """Choose the first series, where none is chosen."""
        first = self.topLevelItem(0)
        if self.currentItem() is None and first is not None:
            self.setCurrentItem(first.child(0))

    def show_picture(self, path: Path, key: str, picture: QImage | str) -> bool:
        """Show the picture of a series, or why there is none; False where the series is not listed (any more)."""
        row = self.rows.get((path, key))
        if row is None:
            return False
        if isinstance(picture, str):
            row.setIcon(0, _icon(_blank("✗")))
            row.setToolTip(0, f"{details(row.series)}\n{picture}")
        else:
            row.setIcon(0, _icon(QPixmap.fromImage(picture)))
        return True

    def keep_matching(self, text: str) -> None:
        """Show only series with all words of a text in them, or in their study."""
        words = text.casefold().split()
        for study in self.studies.values():
            about = study.text(0).casefold()
            shown = 0
            for place in range(study.childCount()):
                row = study.child(place)
                said = f"{about} {row.text(0).casefold()} {row.text(1).casefold()}"
                fits = all(word in said for word in words)
                row.setHidden(not fits)
                shown += fits
            study.setHidden(not shown)


def _order(item: QTreeWidgetItem) -> tuple[int, str]:
    """Series by number, what has none last."""
    assert isinstance(item, SeriesRow)  # the tree has no others
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
