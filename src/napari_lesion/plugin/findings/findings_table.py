"""The rows of the findings table: what they say, how they sort, and which are left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtGui import QFont, QIcon

from napari_lesion.model.findings import Finding
from napari_lesion.model.measured import Measurement
from napari_lesion.plugin.findings import crops
from napari_lesion.plugin.findings.finding_text import word
from napari_lesion.plugin.findings.findings_view import FindingsView
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.finding_layers import is_shown
from napari_lesion.review import edits

Index: TypeAlias = QModelIndex | QPersistentModelIndex
_TOP = QModelIndex()
NUMBER, STATUS, SCORE, DIAMETER, AXES, VOLUME, TYPE, SIDE, SLICE, PLACE, COMMENT = range(11)
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
_RIGHT = (SCORE, DIAMETER, AXES, VOLUME, SLICE)
#: A sign and a word each: nothing is said by colour alone.
_SIGNS = {"candidate": "○", "accepted": "✓", "rejected": "✗", "edited": "✎", "added": "+"}
FILTERS = ("all", "open", "standing", "rejected")


def columns() -> tuple[str, ...]:
    """Heads of the columns."""
    return (
        "#",
        tr("Status"),
        tr("Score"),
        tr("Ø mm"),
        tr("Axes mm"),
        tr("mm³"),
        tr("Type"),
        tr("Side"),
        tr("Image"),
        tr("x, y, z (mm)"),
        tr("Comment"),
    )


def status_text(finding: Finding) -> str:
    """Describe what a reader thinks of a finding: a sign and a word."""
    words = {
        "candidate": tr("open"),
        "accepted": tr("accepted"),
        "rejected": tr("rejected"),
        "edited": tr("edited"),
        "added": tr("added"),
    }
    return f"{_SIGNS[finding.status]} {words[finding.status]}"


def side_text(side: str) -> str:
    """Phrase a side of the patient."""
    return {"left": tr("left"), "right": tr("right"), "midline": tr("midline")}.get(side, side)


def size_text(finding: Finding) -> str:
    """Phrase *the* diameter of a finding with its unit, and that it is an estimate where it is one."""
    if finding.is_estimated:
        return tr("about {mm} mm", mm=f"{finding.size_mm:.0f}")
    return f"{finding.size} mm"


def axes_text(measured: Measurement) -> str:
    """Phrase the long and the short axis, mm."""
    return f"{measured.long_axis.length_mm:.1f} × {measured.short_axis.length_mm:.1f}"


def image_text(finding: Finding) -> str:
    """Name the image of a finding within its series, as a PACS does: its InstanceNumber, and its frame where it has."""
    if finding.frame is not None:
        return tr("Fr {number}", number=finding.frame)
    return "" if finding.instance_number is None else tr("Im {number}", number=finding.instance_number)


def history_text(finding: Finding) -> str:
    """List what readers did to a finding, a line each."""
    actions = {
        "accepted": tr("accepted"),
        "rejected": tr("rejected"),
        "reopened": tr("reopened"),
        "moved": tr("moved"),
        "resized": tr("resized"),
        "merged": tr("merged"),
        "added": tr("added"),
        "commented": tr("commented"),
        "outlined": tr("outlined"),
        "described": tr("described"),
    }
    return "\n".join(
        f"{entry.time[:16].replace('T', ' ')} UTC  {entry.reader}: {actions[entry.what]} {entry.detail}".rstrip()
        for entry in finding.history
    )


class FindingsModel(QAbstractTableModel):
    """The findings of the scan that is read, one a row. Pictures and sides are made when a row is first painted."""

    def __init__(self, view: FindingsView, window: Callable[[], tuple[float, float]], parent: QObject) -> None:
        super().__init__(parent)
        self._view = view
        self._window = window
        self._rows: list[Finding] = []
        self._pictures: dict[tuple[Any, ...], QIcon] = {}
        self._volume: object = None

    def take(self) -> None:
        """Show the findings as they are now."""
        volume = self._view.volume
        if volume is not self._volume:
            self._volume = volume
            self._pictures.clear()
        rows = list(self._view.findings) if volume is not None else []
        if [row.id for row in rows] == [row.id for row in self._rows]:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, COMMENT))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def clear(self) -> None:
        """Let go of all rows: those of another scan may have the same ids, and are others all the same."""
        self.beginResetModel()
        self._rows = []
        self._pictures.clear()
        self.endResetModel()

    def finding(self, row: int) -> Finding:
        """Get the finding of a row."""
        return self._rows[row]

    def row_of(self, id_: str) -> int:
        """Row of a finding, -1 if there is none."""
        return next((n for n, row in enumerate(self._rows) if row.id == id_), -1)

    def rowCount(self, parent: Index = _TOP) -> int:  # noqa: N802, D102 - Qt's
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = _TOP) -> int:  # noqa: N802, D102 - Qt's
        return 0 if parent.isValid() else len(columns())

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802, D102 - Qt's
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return columns()[section]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:  # noqa: D102 - Qt's
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in (DIAMETER, COMMENT) else flags

    def data(self, index: Index, role: int = 0) -> Any:  # noqa: D102 - Qt's
        finding, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(finding, column)
        if role == Qt.ItemDataRole.EditRole:
            return f"{finding.size_mm:.1f}" if column == DIAMETER else finding.comment
        if role == SORT_ROLE:
            return self._sort_key(finding, column)
        if role == Qt.ItemDataRole.DecorationRole and column == NUMBER:
            return self._picture(finding)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in _RIGHT:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, (finding.comment, history_text(finding)))) or None
        if role == Qt.ItemDataRole.FontRole and finding.status == "rejected":
            font = QFont()
            font.setStrikeOut(column not in (NUMBER, STATUS, COMMENT))
            return font
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802, D102 - Qt's
        if role != Qt.ItemDataRole.EditRole:
            return False
        finding = self._rows[index.row()]
        if index.column() == COMMENT:
            return self._view.change(lambda review, by: edits.comment(review, finding.id, str(value), by))
        try:
            diameter = float(str(value).replace(",", "."))
        except ValueError:
            return False
        if f"{diameter:.1f}" == f"{finding.size_mm:.1f}":
            return False
        return self._view.change(lambda review, by: edits.resize(review, finding.id, diameter, by))

    def _text(self, finding: Finding, column: int) -> str:
        if column == NUMBER:
            return finding.name
        if column == SCORE:
            return tr("reader") if edits.is_added(finding) else f"{finding.score:.2f}"
        if column == DIAMETER:
            return f"≈ {finding.size_mm:.0f}" if finding.is_estimated else finding.size
        measured = finding.measurement
        if column in (AXES, VOLUME, TYPE):
            if measured is None:
                return ""
            return {AXES: axes_text(measured), VOLUME: f"{measured.volume_mm3:.0f}"}.get(column, word(measured.type))
        if column == SIDE:
            return side_text(self._view.side(finding))
        if column == SLICE:
            return image_text(finding)
        if column == PLACE:
            return ", ".join(f"{value:.0f}" for value in finding.center_mm)
        return status_text(finding) if column == STATUS else finding.comment.replace("\n", " ")

    def _sort_key(self, finding: Finding, column: int) -> Any:
        measured = finding.measurement
        return {
            NUMBER: finding.number,
            SCORE: finding.score,
            DIAMETER: finding.size_mm,
            AXES: measured.mean_diameter_mm if measured is not None else 0.0,
            VOLUME: measured.volume_mm3 if measured is not None else 0.0,
            SLICE: (finding.instance_number or 0) * 100_000 + (finding.frame or 0),
            PLACE: -finding.center_mm[2],  # from the head down
        }.get(column, self._text(finding, column))

    def _picture(self, finding: Finding) -> QIcon | None:
        volume = self._view.volume
        if volume is None or not volume.complete:
            return None
        key = (finding.center_mm, finding.size_mm)
        if key not in self._pictures:
            picture = crops.crop(volume, finding, self._window())
            self._pictures[key] = icon = QIcon(picture)  # an icon gets as small as its row
            icon.addPixmap(picture, QIcon.Mode.Selected)
        return self._pictures[key]


class FindingsFilter(QSortFilterProxyModel):
    """Leaves the rows of a status, with a text in them, at or over the threshold."""

    def __init__(self, model: FindingsModel, view: FindingsView, parent: QObject) -> None:
        super().__init__(parent)
        self._model, self._view = model, view
        self._status, self._words = FILTERS[0], ""
        self.setSourceModel(model)
        self.setSortRole(SORT_ROLE)

    def leave(self, status: str, words: str) -> None:
        """Leave rows of a status (one of `FILTERS`) that hold all words."""
        self._status, self._words = status, words.casefold()
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:  # noqa: N802, D102, ARG002 - Qt's
        finding = self._model.finding(row)
        rejected = finding.status == "rejected"
        if not rejected and not is_shown(finding, self._view.threshold):
            return False
        left = {
            "all": True,
            "open": finding.status == "candidate",
            "standing": finding.status in ("accepted", "edited", "added"),
            "rejected": rejected,
        }[self._status]
        if not left or not self._words:
            return left
        text = " ".join(
            str(self._model.index(row, column).data(Qt.ItemDataRole.DisplayRole))
            for column in range(NUMBER, COMMENT + 1)
        )
        return all(word in text.casefold() for word in self._words.split())

    def finding(self, row: int) -> Finding:
        """Get the finding of a row, as they are sorted and left."""
        return self._model.finding(self.mapToSource(self.index(row, 0)).row())

    def row_of(self, id_: str) -> int:
        """Row of a finding, -1 if it is not left."""
        source = self._model.row_of(id_)
        return self.mapFromSource(self._model.index(source, 0)).row() if source >= 0 else -1
