"""The findings table begins with whole columns, and its scroll bar goes from one to the next."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QWidget

from napari_lesion.plugin.findings.table_view import FittedTable, fitted

WIDTHS = st.lists(st.integers(1, 200), min_size=1, max_size=12)


@given(WIDTHS, st.integers(0, 900))
def test_columns_in_sight_fill_the_room_and_none_is_narrower_than_it_needs(widths: list[int], room: int) -> None:
    made = fitted(widths, room)
    assert all(one >= needed for one, needed in zip(made, widths, strict=True))
    ends = [sum(made[: number + 1]) for number in range(len(made))]
    if widths[0] <= room < sum(widths):
        assert room in ends, "a column ends where the room does"
    else:
        assert made == widths


def test_no_column_is_cut_off_in_whatever_width_the_table_has(qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    table = FittedTable(window)
    table.setModel(QStandardItemModel(40, 5, table))
    table.set_widths([70, 60, 50, 40, 90])
    table.show()
    for width in (150, 233, 260, 301):
        table.resize(width, 120)
        qtbot.waitUntil(lambda: table.viewport().width() in ends(table) and table.horizontalScrollBar().maximum() > 0)
        bar = table.horizontalScrollBar()
        for step in range(1, bar.maximum()):
            bar.setValue(step)
            assert table.columnViewportPosition(step) == 0, "it goes from one column to the next"
        bar.setValue(bar.maximum())
        assert ends(table)[-1] == table.viewport().width(), "the last one is whole, too"
        bar.setValue(0)


def ends(table: FittedTable) -> list[int]:
    """Where columns end, pixels from the left of what is seen."""
    return [table.columnViewportPosition(column) + table.columnWidth(column) for column in range(5)]
