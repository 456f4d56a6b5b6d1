"""The page "Changes" of the panel "Follow-up": a row for each lesion, and why it is judged as it is."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QSignalBlocker, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QTableWidgetItem, QVBoxLayout, QWidget

from napari_lesion.model.compared import Change
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.follow_up.change_text import change_cells, change_reason
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.parts import show_text, text_label
from napari_lesion.plugin.widgets.row_table import rest_text, row_table

NUMBER, FATE, DIAMETER, VOLUME, PERCENT, DOUBLING = range(6)


class ChangesTable(QWidget):
    """Shows what became of lesions."""

    chosen = Signal(object)
    """The `Change` of a row that the reader turns to."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: tuple[Change, ...] = ()
        self.table = row_table(
            ("#", tr("Change"), tr("Ø mm"), tr("mm³"), tr("%"), tr("VDT")),
            tr("What became of the lesions"),
            tr("Click a row, or step with the arrow keys, to see both places"),
        )
        self.table.setTabKeyNavigation(False)  # Tab leaves the table
        self.table.setMinimumHeight(90)
        self.table.setStyleSheet("font-size: 11px;")  # six columns beside the picture
        self.nothing = rest_text(self.table)
        """Shows in an empty table what to do."""
        self.why = text_label()
        self.why.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self.table, 1)
        column.addWidget(self.why)
        self.table.currentCellChanged.connect(lambda row, *_: self._choose(row))
        self.table.cellClicked.connect(lambda row, *_: self._choose(row))

    def show_changes(self, changes: tuple[Change, ...], now: Mapping[str, str], before: Mapping[str, str]) -> None:
        """Fill the table; findings of both scans have their names, by id."""
        self.changes = changes
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(changes))
            for row, change in enumerate(changes):
                name = now.get(change.finding_id or "", "")
                if not name:
                    name = tr("prior {number}", number=before.get(change.prior_finding_id or "", "")).strip()
                for column, text in enumerate(change_cells(change, name)):
                    item = QTableWidgetItem(text)
                    item.setToolTip(in_language(change.why))
                    if column in (DIAMETER, VOLUME, PERCENT, DOUBLING):
                        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    self.table.setItem(row, column, item)

    def clear(self) -> None:
        """Show no changes."""
        self.show_changes((), {}, {})
        self.why.clear()

    def mark(self, finding: str) -> None:
        """Mark the row of the finding that is looked at."""
        row = next((n for n, one in enumerate(self.changes) if finding and one.finding_id == finding), -1)
        current = self.table.currentRow()
        if row < 0 and 0 <= current < len(self.changes) and self.changes[current].finding_id is None:
            row = current  # a lesion of the prior alone
        with QSignalBlocker(self.table):
            if row < 0:
                self.table.clearSelection()
                self.table.setCurrentCell(-1, -1)
            else:
                self.table.selectRow(row)
        self._explain(row)

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self.changes):
            self.chosen.emit(self.changes[row])
            self._explain(row)

    def _explain(self, row: int) -> None:
        show_text(self.why, change_reason(self.changes[row]) if 0 <= row < len(self.changes) else "")
