"""Parts of a panel that fold in, and texts in them."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import tr


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
        """Show what is in it."""
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


class Reasoned(QWidget):
    """A sentence, and why it is said, which folds out."""

    def __init__(self) -> None:
        super().__init__()
        self.said, self.reasons = rich_label(), rich_label()
        self.why = QToolButton()
        self.why.setText(tr("Why"))
        self.why.setCheckable(True)
        self.why.setArrowType(Qt.ArrowType.RightArrow)
        self.why.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.why.setToolTip(tr("Show the steps that lead there, with their numbers and what they rest on"))
        self.why.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.why.toggled.connect(self._fold)
        self.reasons.hide()
        top = QHBoxLayout()
        top.addWidget(self.said, 1)
        top.addWidget(self.why, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 2)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self.reasons)

    def show_text(self, said: str, reasons: str) -> None:
        """Show a sentence and its reasons, which may be none."""
        self.said.setText(said)
        self.reasons.setText(reasons)
        self.why.setVisible(bool(reasons))
        self._fold(self.why.isChecked())

    def _fold(self, open_: bool) -> None:
        self.why.setArrowType(Qt.ArrowType.DownArrow if open_ else Qt.ArrowType.RightArrow)
        self.reasons.setVisible(open_ and bool(self.reasons.text()))
