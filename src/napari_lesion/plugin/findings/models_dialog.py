"""The dialog "Models": which there are and can be had, with size, licence and published numbers; get, and default."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.detection.default import default_model, make_default
from napari_lesion.detection.registry import card_in, list_models
from napari_lesion.models import packages, pull
from napari_lesion.models.card import Card
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.row_table import row_table
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.errors import LesionError

_MOST_METRICS = 2


@dataclass(frozen=True)
class _ModelRow:
    """A model of the list."""

    name: str
    card: Card | None
    """None where it is not installed."""
    pin: pull.Pin | None
    """None where it is not of the catalogue."""


class ModelsDialog(QDialog):
    """Shows the models; the viewer stays usable meanwhile."""

    changed = Signal()
    """There is another model, or another default."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Models"))
        self._rows: tuple[_ModelRow, ...] = ()
        self._task: Task[str] | None = None
        self._build()
        self.refresh()

    def _build(self) -> None:
        header = (tr("Model"), tr("State"), tr("Size"), tr("Licence"), tr("Published numbers"))
        self.table = row_table(header, tr("Models"), tr("Choose a model to fetch it, or to make it the default"))
        self.table.horizontalHeader().setSectionResizeMode(4, QHeaderView.ResizeMode.Stretch)
        self.table.setWordWrap(True)
        self.table.itemSelectionChanged.connect(self._enable)
        self.get_button = QPushButton(tr("Get"))
        self.get_button.setToolTip(
            tr("Fetch the model from Hugging Face, checked against its pinned sha256; interrupted, it goes on later")
        )
        self.get_button.clicked.connect(self.get)
        self.cancel_button = QPushButton(tr("Cancel"))
        self.cancel_button.setToolTip(tr("Stop; what has been fetched so far is kept"))
        self.cancel_button.clicked.connect(self.cancel)
        self.default_button = QPushButton(tr("Make default"))
        self.default_button.setToolTip(tr("Use this model wherever none is named, on the command line, too"))
        self.default_button.clicked.connect(self.make_default)
        buttons = QHBoxLayout()
        for button in (self.get_button, self.cancel_button, self.default_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        self.progress = QProgressBar()
        self.progress.hide()
        self.status = QLabel()
        self.status.setWordWrap(True)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addWidget(close)
        self.resize(860, 420)

    def refresh(self) -> None:
        """List what is installed, then what can be had; what was chosen stays chosen."""
        chosen = self._chosen
        cards: tuple[Card, ...] = ()
        default = ""
        try:
            cards = list_models()
            default = default_model()
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
        pins = {pin.name: pin for pin in pull.CATALOGUE}
        there = {card.id for card in cards}
        self._rows = (
            *(_ModelRow(card.id, card, pins.get(card.id)) for card in cards),
            *(_ModelRow(pin.name, None, pin) for pin in pull.CATALOGUE if pin.name not in there),
        )
        self.table.setRowCount(len(self._rows))
        for number, row in enumerate(self._rows):
            for column, text in enumerate(self._texts(row, default)):
                item = QTableWidgetItem(text)
                item.setToolTip(row.pin.summary if row.pin else row.card.summary if row.card else "")
                self.table.setItem(number, column, item)
        wanted = chosen.name if chosen else next((row.name for row in self._rows if row.card is None), default)
        self.select(wanted)
        self.table.resizeRowsToContents()
        self._enable()

    def _texts(self, row: _ModelRow, default: str) -> tuple[str, ...]:
        state = tr("not fetched")
        if row.card is not None:
            state = tr("default") if row.name == default else tr("installed")
        size, licence, published = "", row.card.licence if row.card else "", ""
        if row.pin is not None:
            size = f"{row.pin.size_mb:g} MB" if row.pin.size_mb else ""
            licence, published = row.pin.licence or licence, row.pin.published
        elif row.card is not None:
            size = _size(row.name)
            shown = row.card.metrics[:_MOST_METRICS]
            published = ". ".join(f"{metric.data}: {metric.name} {metric.value:.3g}" for metric in shown)
        return row.name, state, size, licence, published

    @property
    def _chosen(self) -> _ModelRow | None:
        number = self.table.currentRow()
        return self._rows[number] if 0 <= number < len(self._rows) else None

    def select(self, name: str) -> None:
        """Choose a model of the list by its name."""
        for number, row in enumerate(self._rows):
            if row.name == name:
                self.table.selectRow(number)

    def get(self) -> None:
        """Fetch the chosen model."""
        row = self._chosen
        if row is None or row.pin is None or row.card is not None or self._task is not None:
            return
        pin = row.pin
        self._task = Task(lambda progress: pull.pull(pin, card_in, progress=progress), self)
        self._task.progressed.connect(self._on_progress)
        self._task.succeeded.connect(self._on_got)
        self._task.failed.connect(lambda error: self._end(f"⚠ {sentence(error)}"))
        self._task.cancelled.connect(lambda: self._end(tr("Stopped. “Get” goes on where it was.")))
        self._task.start()
        self.progress.setRange(0, 0)
        self._show_status(tr("Fetching {name}…", name=pin.name))
        self._enable()

    def cancel(self) -> None:
        """Stop fetching; what is there stays."""
        if self._task is not None:
            self._task.cancel()
            self.cancel_button.setEnabled(False)

    def make_default(self) -> None:
        """Use the chosen model where none is named."""
        row = self._chosen
        if row is None or row.card is None:
            return
        try:
            make_default(row.name)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        self.refresh()
        self._show_status(tr("{name} searches from now on where no other model is named.", name=row.name))
        self.changed.emit()

    def reject(self) -> None:
        """Close; a running download stops, and goes on the next time."""
        self.cancel()
        super().reject()

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.progress.setRange(0, 1000)
        self.progress.setValue(round(1000 * done / max(1, total)))
        if what.startswith("fetching"):
            self._show_status(tr("{done} of {total} MB", done=f"{done / 1e6:.1f}", total=f"{total / 1e6:.1f}"))

    def _on_got(self, name: str) -> None:
        self._end(tr("{name} is there. It can be chosen now, or made the default.", name=name))
        self.changed.emit()

    def _end(self, text: str) -> None:
        if self._task is not None:
            self._task.deleteLater()
        self._task = None
        self.refresh()
        self._show_status(text)

    def _enable(self) -> None:
        row, running = self._chosen, self._task is not None
        self.get_button.setEnabled(not running and row is not None and row.card is None)
        self.default_button.setEnabled(not running and row is not None and row.card is not None)
        self.cancel_button.setVisible(running)
        self.cancel_button.setEnabled(running)
        self.progress.setVisible(running)
        self.table.setEnabled(not running)

    def _show_status(self, text: str) -> None:
        self.status.setText(text)


def _size(name: str) -> str:
    folder = packages.find_model(name)
    return f"{sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / 1e6:.1f} MB"
