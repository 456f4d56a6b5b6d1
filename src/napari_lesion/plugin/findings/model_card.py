"""The card of a model, as a page to read."""

from __future__ import annotations

from qtpy.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from napari_lesion.models import packages
from napari_lesion.models.card import Card
from napari_lesion.plugin.texts import tr

PAGES = (packages.CARD, "docs/README.md", "README.md")
"""Where a model keeps its card: packages in the first, MONAI bundles in one of the others."""


def card_text(card: Card, model: str) -> str:
    """Markdown of a model's card; what is known of a model without one.

    Parameters
    ----------
    card : Card
    model : str
        Id or folder.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    folder = packages.find_model(model)
    for name in PAGES:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8", errors="replace")
    known = tr("Task: {task}. Licence: {licence}.", task=card.task, licence=card.licence)
    note = tr("This model comes without a card: nothing more is known of it.")
    return f"# {card.id} {card.version}\n\n{card.summary}\n\n{known}\n\n{card.intended_use}\n\n*{note}*\n"


class CardDialog(QDialog):
    """Shows a model card; the viewer stays usable meanwhile."""

    def __init__(self, card: Card, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"{card.id} {card.version}")
        self.browser = QTextBrowser()
        self.browser.setOpenExternalLinks(True)
        self.browser.setAccessibleName(tr("Card of the model"))
        self.browser.setMarkdown(text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.browser)
        layout.addWidget(buttons)
        self.resize(720, 640)
