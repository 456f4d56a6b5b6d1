"""Buttons that turn the viewer's own view to a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.view import PLANES

if TYPE_CHECKING:
    from napari.components import ViewerModel

_TEXTS = {
    "axial": (N_("Axial"), N_("Show axial slices")),
    "coronal": (N_("Coronal"), N_("Show coronal slices")),
    "sagittal": (N_("Sagittal"), N_("Show sagittal slices")),
}


class PlaneButtons(QWidget):
    """One a plane; the one that is shown is pressed."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self.group = QButtonGroup(self)
        self._buttons: list[QPushButton] = []
        for plane in PLANES:
            text, tip = _TEXTS[plane]
            button = QPushButton(tr(text))
            button.setProperty("plane", plane)
            button.setCheckable(True)
            button.setToolTip(tr(tip))
            self.group.addButton(button)
            self._buttons.append(button)
            row.addWidget(button)
        self.group.buttonClicked.connect(self._on_plane)
        viewer.dims.events.order.connect(self._on_order)
        self._on_order()

    def buttons(self) -> list[QPushButton]:
        """All of them: axial, coronal, sagittal."""
        return list(self._buttons)

    def _on_plane(self, button: QPushButton) -> None:
        self._viewer.dims.ndisplay = 2
        if self._viewer.dims.ndim == 3:
            self._viewer.dims.order = PLANES[button.property("plane")]
        self._viewer.reset_view()

    def _on_order(self) -> None:
        order = tuple(self._viewer.dims.order)
        self.group.setExclusive(False)
        for button in self._buttons:
            button.setChecked(PLANES[button.property("plane")] == order)
        self.group.setExclusive(True)
