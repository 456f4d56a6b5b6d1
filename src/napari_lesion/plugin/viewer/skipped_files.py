"""The list of files that are no images of a series, which folds out below the series."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QStringListModel
from qtpy.QtWidgets import QAbstractItemView, QListView, QPushButton, QVBoxLayout, QWidget

from napari_lesion.dicom.index.series import SeriesIndex
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.series_text import reasons

_Files = dict[Path, tuple[tuple[Path, str], ...]]
"""With the reason for each, by what was looked through."""


class SkippedFiles(QWidget):
    """A button with their number, and the list."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped: _Files = {}
        self._left_out: _Files = {}
        """Those among them that may hold scans."""
        self.button = QPushButton()
        self.button.setAccessibleName(tr("Skipped files"))
        self.button.setCheckable(True)
        self.button.setToolTip(tr("Show which files are no images of a series, and why"))
        self.model = QStringListModel(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setAccessibleName(tr("Skipped files"))
        self.list.setMaximumHeight(160)
        self.list.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self.list)
        self.button.toggled.connect(self.list.setVisible)
        self.hide()

    @property
    def left_out(self) -> int:
        """Number of those that may hold scans."""
        return sum(map(len, self._left_out.values()))

    @property
    def any(self) -> bool:
        """Whether there are files that were skipped."""
        return any(self._skipped.values())

    def clear(self) -> None:
        """Forget all of them."""
        self._skipped.clear()
        self._left_out.clear()
        self._show()

    def take(self, path: Path, index: SeriesIndex) -> None:
        """Take over what was passed over below a path."""
        if (self._skipped.get(path), self._left_out.get(path)) != (index.skipped, index.left_out):
            self._skipped[path], self._left_out[path] = index.skipped, index.left_out
            self._show()

    def _show(self) -> None:
        may_hold_more = [f"⚠ {text}" for text in reasons(self._left_out)]
        others = {
            root: [s for s in all_ if s not in self._left_out.get(root, ())] for root, all_ in self._skipped.items()
        }
        every = [*may_hold_more, *reasons(others)]
        self.setVisible(bool(every))
        if not every:
            self.button.setChecked(False)
        text = tr("Skipped files ({count})", count=len(every))
        if may_hold_more:
            text = "⚠ " + tr(
                "Not looked into ({count}), skipped files ({others})",
                count=len(may_hold_more),
                others=len(every) - len(may_hold_more),
            )
        self.button.setText(text)
        self.model.setStringList(every)
