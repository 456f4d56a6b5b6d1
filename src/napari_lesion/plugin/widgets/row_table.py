"""A table of rows that one chooses from, as several panels have it."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableWidget, QVBoxLayout


def row_table(columns: Sequence[str], name: str, tip: str) -> QTableWidget:
    """Make an empty table whose rows are chosen one at a time and not edited; columns are as wide as they must be.

    Parameters
    ----------
    columns : sequence of str
        Heads, in the user's language.
    name : str
        What it is, for screen readers.
    tip : str
        What to do with it.
    """
    table = QTableWidget(0, len(columns))
    table.setHorizontalHeaderLabels(list(columns))
    table.setAccessibleName(name)
    table.setToolTip(tip)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(24)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    header = table.horizontalHeader()
    header.setMinimumSectionSize(24)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    return table


def rest_text(table: QAbstractItemView) -> QLabel:
    """Make the label that says in an empty table why it is empty; it lets the mouse through."""
    label = QLabel(table.viewport())
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setStyleSheet("color: #9aa4ae; background: transparent;")
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    layout = QVBoxLayout(table.viewport())
    layout.setContentsMargins(16, 8, 16, 8)
    layout.addWidget(label)
    return label
