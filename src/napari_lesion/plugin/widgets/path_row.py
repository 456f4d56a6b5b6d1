"""A path to enter or to choose."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QToolButton, QWidget


class PathRow(QWidget):
    """A path, with a button that chooses it.

    Parameters
    ----------
    name : str
        What it is, in the user's language.
    kind : str
        folder, file, or new: a file that is not there yet.
    """

    def __init__(self, name: str, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self.kind = name, kind
        self.line = QLineEdit()
        self.line.setAccessibleName(name)
        self.line.setPlaceholderText(name)
        self.button = QToolButton()
        self.button.setText("…")
        self.button.setToolTip(name)
        self.button.setAccessibleName(name)
        self.button.clicked.connect(self._choose)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.button)

    @property
    def path(self) -> Path | None:
        """What is chosen; None for nothing."""
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def _choose(self) -> None:
        if self.kind == "folder":
            found = QFileDialog.getExistingDirectory(self, self._name, self.line.text())
        elif self.kind == "new":
            found, _ = QFileDialog.getSaveFileName(self, self._name, self.line.text())
        else:
            found, _ = QFileDialog.getOpenFileName(self, self._name, self.line.text())
        if found:
            self.line.setText(found)
