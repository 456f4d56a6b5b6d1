"""Parts of a panel that fold in, and texts in them."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_lesion.plugin.settings import setting, store


class Section(QWidget):
    """A title that folds what is below it in and out, and remembers it.

    Parameters
    ----------
    name : str
        Under which it is remembered; "" if it is not.
    title : str
        In the user's language.
    open_ : bool
        Whether it is open where nothing is remembered.
    """

    def __init__(self, name: str, title: str, *, open_: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = f"sections/{name}" if name else ""
        self.button = QToolButton()
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.button.setAutoRaise(True)
        self.body = QWidget()
        self.rows = QVBoxLayout(self.body)
        self.rows.setContentsMargins(4, 0, 0, 4)
        self.rows.setSpacing(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.button)
        layout.addWidget(self.body)
        self.set_title(title)
        self.button.setChecked(setting(self._name, open_) if self._name else open_)
        self._fold(self.button.isChecked())
        self.button.toggled.connect(self._on_toggled)

    def set_title(self, title: str) -> None:
        """Say what is in it."""
        self.button.setText(title)
        self.button.setAccessibleName(title)

    def _on_toggled(self, open_: bool) -> None:
        self._fold(open_)
        if self._name:
            store(self._name, open_)

    def _fold(self, open_: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.body.setVisible(open_)


def rich_label() -> QLabel:
    """Make a label for a text of several lines that can be copied."""
    label = QLabel()
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label
