"""The findings table as a widget: as many columns in sight as it has room for, and none of them cut off."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QTableView, QWidget


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Widen the first columns until those in sight fill the room, so that the next one begins beyond its edge.

    Parameters
    ----------
    widths : sequence of int
        That the columns need, pixels, in their order.
    room : int
        Width of what is seen of the table, pixels.

    Returns
    -------
    list of int
        The same where all columns are in sight, or not even the first.
    """
    in_sight, used = 0, 0
    while in_sight < len(widths) and used + widths[in_sight] <= room:
        used += widths[in_sight]
        in_sight += 1
    if in_sight in (0, len(widths)):
        return list(widths)
    each, more = divmod(room - used, in_sight)
    return [width + (each + (column < more) if column < in_sight else 0) for column, width in enumerate(widths)]


class FittedTable(QTableView):
    """A table whose horizontal scroll bar goes by columns; at rest, and after each step, it begins with a whole one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._widths: tuple[int, ...] = ()
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)

    def set_widths(self, widths: Sequence[int]) -> None:
        """Show what the columns need, pixels."""
        self._widths = tuple(widths)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fit the columns anew; not when rows come and go, so that widths that a reader has set stay."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def _fit(self) -> None:
        for column, width in enumerate(fitted(self._widths, self.viewport().width())):
            self.setColumnWidth(column, width)
