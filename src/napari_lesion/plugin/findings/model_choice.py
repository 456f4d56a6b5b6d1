"""The list of models that one can search with: those installed, one of a folder, and a way to get more."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QComboBox, QFileDialog

from napari_lesion.detection.default import default_model
from napari_lesion.detection.registry import list_models, read_card
from napari_lesion.models.card import Card
from napari_lesion.plugin.findings.models_dialog import ModelsDialog
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.widgets.parts import narrow
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import LesionError

_MODEL = Qt.ItemDataRole.UserRole + 1
"""Id or folder of a model in the list; its card is the item's data."""
_FOLDER = N_("Folder…")
_MORE = N_("More models…")


class ModelChoice(QComboBox):
    """Chooses a model. What cannot be chosen is said."""

    model_changed = Signal()
    """Another model is chosen."""
    problem = Signal(str)
    """Why there is no model, or why one cannot be chosen."""

    def __init__(self) -> None:
        super().__init__()
        narrow(self, tr("The model that searches"))
        self._chosen = 0
        """Row of the model, which is not one of the last two."""
        self.currentIndexChanged.connect(self._on_index)
        self.activated.connect(self._on_activated)

    @property
    def card(self) -> Card | None:
        """Of the model that is chosen."""
        card: Card | None = self.currentData()
        return card

    @property
    def model_id(self) -> str:
        """Id of the model that is chosen, or its folder."""
        chosen: str = self.currentData(_MODEL)
        return chosen

    def fill(self) -> None:
        """List what is installed, and choose the default."""
        try:
            cards = list_models()
        except LesionError as error:
            self.problem.emit(f"⚠ {sentence(error)}")
            return
        for card in cards:
            self._insert(card, card.id, self.count())
        self.choose_default()
        for text, tip in (
            (_FOLDER, tr("Use a model package or a MONAI bundle from a folder")),
            (_MORE, tr("Fetch further models, or choose the one that is used where none is named")),
        ):
            self.addItem(tr(text))
            self.setItemData(self.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        if not cards:
            self.problem.emit(
                "⚠ " + tr("No model is installed, so nothing can be searched. Install napari-lesion again.")
            )

    def choose_default(self) -> None:
        """Choose the model that is used where none is named."""
        try:
            self.setCurrentIndex(max(self.findData(default_model(), _MODEL), 0))
        except LesionError as error:
            self.problem.emit(f"⚠ {sentence(error)}")

    def use_folder(self, folder: Path) -> None:
        """Choose the model in a folder."""
        try:
            card = read_card(folder)
        except LesionError as error:
            self.problem.emit(f"⚠ {sentence(error)}")
            return
        index = self.findData(str(folder), _MODEL)
        if index < 0:
            index = self.findText(tr(_FOLDER))  # it and what follows stay the last
            self._insert(card, str(folder), index)
        self.setCurrentIndex(index)

    def _insert(self, card: Card, model: str, index: int) -> None:
        self.insertItem(index, f"{card.id} {card.version}", card)
        self.setItemData(index, model, _MODEL)
        self.setItemData(index, card.summary or card.task, Qt.ItemDataRole.ToolTipRole)

    def _on_index(self, index: int) -> None:
        if self.card is not None:  # it is not "Folder…"
            self._chosen = index
            self.model_changed.emit()

    def _on_activated(self, index: int) -> None:
        """Ask for a folder where "Folder…" was chosen, and show all models where "More models…" was."""
        if self.itemData(index) is not None:
            return
        with QSignalBlocker(self):
            self.setCurrentIndex(self._chosen)
        if self.itemText(index) == tr(_MORE):
            self.show_models()
            return
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of a model package or a MONAI bundle"))
        if folder:
            self.use_folder(Path(folder))

    def show_models(self) -> ModelsDialog:
        """Show which models there are and which can be had."""
        dialog = ModelsDialog(self.parentWidget())
        dialog.changed.connect(self._on_models_changed)
        dialog.show()
        return dialog

    def _on_models_changed(self) -> None:
        """Take up what was fetched; where the default was changed, choose it."""
        for card in list_models():
            if self.findData(card.id, _MODEL) < 0:
                self._insert(card, card.id, self.findText(tr(_FOLDER)))
        if self.isEnabled():  # nothing is searched with the one that is chosen
            self.choose_default()
