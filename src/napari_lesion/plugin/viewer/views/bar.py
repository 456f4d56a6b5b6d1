"""The row of buttons above the views: what the keys of the views do, for the mouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QWidget


@dataclass(frozen=True)
class Switch:
    """One button.

    Attributes
    ----------
    text, hint : str
    run : callable
    is_on : callable, optional
        Says whether the button is pressed; a button without it just does something.
    icon : QIcon, optional
        Shown instead of the text, which is then what a screen reader says.
    """

    text: str
    hint: str
    run: Callable[[], None]
    is_on: Callable[[], bool] | None = None
    icon: QIcon | None = None


class Bar(QWidget):
    """The buttons. `refresh` brings them to the state of the views."""

    def __init__(self, switches: tuple[Switch, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(2, 1, 2, 1)
        self._row.setSpacing(2)
        self._row.addStretch(1)
        self._buttons: list[tuple[QToolButton, Switch]] = []
        for switch in switches:
            self.add(switch)
        self.refresh()

    def add(self, switch: Switch) -> None:
        """Put a button to the right of the others."""
        button = QToolButton()
        button.setText(switch.text)
        button.setAccessibleName(switch.text)
        if switch.icon is not None:
            button.setIcon(switch.icon)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setToolTip(switch.hint)
        button.setCheckable(switch.is_on is not None)
        # The keys stay with the canvas.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _checked=False: self._press(switch))
        self._row.insertWidget(len(self._buttons), button)
        self._buttons.append((button, switch))

    def _press(self, switch: Switch) -> None:
        switch.run()
        self.refresh()

    def refresh(self) -> None:
        """Show what is on."""
        for button, switch in self._buttons:
            if switch.is_on is not None:
                button.setChecked(switch.is_on())
