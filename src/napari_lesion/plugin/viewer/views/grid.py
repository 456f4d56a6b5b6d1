"""Where the views lie: four in a square, or one alone, and what is seen beside them."""

from __future__ import annotations

from qtpy.QtWidgets import QGridLayout, QWidget

from napari_lesion.plugin.viewer.views.pane import Pane

#: Row and column of the viewer's own view, and of the others in their order.
_PLACES = ((0, 0), (1, 0), (0, 1), (1, 1))


class Grid(QWidget):
    """Lays out views.

    Attributes
    ----------
    side : Pane, optional
        What is seen beside them.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)
        self._panes: list[Pane] = []
        self.side: Pane | None = None

    def add(self, pane: Pane) -> None:
        """Put a view to the others."""
        self._layout.addWidget(pane, *_PLACES[len(self._panes)])
        self._panes.append(pane)

    def keep_first(self) -> None:
        """Let go of all views but the first, and of what is beside them."""
        del self._panes[1:]
        self.side = None

    def put_at_side(self, pane: Pane | None) -> None:
        """Show a view beside the others, or nothing any more."""
        if self.side is not None and self.side is not pane:
            self._layout.removeWidget(self.side)
            self.side.hide()
        self.side = pane
        if pane is not None:
            self._layout.addWidget(pane, 0, 2, 2, 1)
            pane.show()
            pane.heading.show()

    def share(self, alone: Pane | None) -> None:
        """Give the same room to the views that are seen, all or one alone, and as much to what is at the side."""
        second = 1 if alone is None or alone is not self._panes[0] else 0
        first = 1 if alone is None or alone is self._panes[0] else 0
        for line, stretch in enumerate((first, second)):
            self._layout.setRowStretch(line, stretch)
            self._layout.setColumnStretch(line, stretch)
        self._layout.setColumnStretch(2, first + second if self.side is not None else 0)
        self.share_width()

    def share_width(self) -> None:
        """Give the pane at the side as much as the scan in a narrow window, too, where napari's slider takes the width.

        Beside four views that would take theirs.
        """
        beside_one = self._layout.columnStretch(2) == 1
        self._layout.setColumnMinimumWidth(2, self._panes[0].minimumSizeHint().width() if beside_one else 0)

    def settle(self) -> None:
        """Lay out at once."""
        self._layout.activate()
