"""The row of buttons above the views: what the keys of the views do, for the mouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtGui import QIcon, QResizeEvent
from qtpy.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from napari_lesion.plugin.texts import tr


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
    """The buttons. `refresh` brings them to the state of the views.

    Those that a narrow window has no room for are in a menu at the end: a word is never cut off.
    """

    def __init__(self, switches: tuple[Switch, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # It never makes the views wider than there is room for them.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(2, 1, 2, 1)
        self._row.setSpacing(2)
        self.more = QToolButton()
        self.more.setText("»")
        self.more.setToolTip(tr("More buttons, for which there is no room"))
        self.more.setAccessibleName(tr("More buttons, for which there is no room"))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.menu = QMenu(self.more)
        self.menu.aboutToShow.connect(self._list_hidden)
        self.more.setMenu(self.menu)
        self.more.hide()
        self._row.addWidget(self.more)
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
        self._make_room()

    def _press(self, switch: Switch) -> None:
        switch.run()
        self.refresh()

    def refresh(self) -> None:
        """Show what is on."""
        for button, switch in self._buttons:
            if switch.is_on is not None:
                button.setChecked(switch.is_on())

    # -- where there is little room -----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Show the buttons that fit."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        space = self._row.spacing()
        widths = [button.sizeHint().width() + space for button, _ in self._buttons]
        margins = self._row.contentsMargins()
        room = self.width() - margins.left() - margins.right()
        overfull = sum(widths) > room
        if overfull:
            room -= self.more.sizeHint().width() + space
        taken = 0
        for (button, _), width in zip(self._buttons, widths, strict=True):
            taken += width
            button.setVisible(taken <= room)
        self.more.setVisible(overfull)

    def _list_hidden(self) -> None:
        self.menu.clear()
        for button, switch in self._buttons:
            if button.isHidden():
                action = self.menu.addAction(switch.text)
                action.setToolTip(switch.hint)
                action.setCheckable(switch.is_on is not None)
                action.setChecked(switch.is_on is not None and switch.is_on())
                action.triggered.connect(lambda _checked=False, one=switch: self._press(one))
