"""Questions to the user that reading a folder raises."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.dicom.index.series import Series
from napari_lesion.model.volume import readable_date
from napari_lesion.plugin.texts import tr


def _columns() -> tuple[str, ...]:
    return tr("Date"), tr("No."), tr("Description"), tr("Type"), tr("Images"), tr("Every"), tr("Kernel")


class SeriesDialog(QDialog):
    """Lets the user choose among the series of a folder; one or several rows.

    Parameters
    ----------
    series : sequence of Series
    preferred : int
        Row that is selected at first.
    note : str
        What else was found, in a sentence.
    """

    def __init__(self, series: Sequence[Series], preferred: int, note: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Choose series"))
        self.resize(820, 360)
        columns = _columns()
        self._table = QTableWidget(len(series), len(columns))
        self._table.setHorizontalHeaderLabels(columns)
        self._table.verticalHeader().hide()
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setShowGrid(False)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for row, one in enumerate(series):
            for column, text in enumerate(_row(one)):
                self._table.setItem(row, column, QTableWidgetItem(text))
        self._table.selectRow(preferred)
        self._table.itemDoubleClicked.connect(self.accept)

        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel(tr("Several series were found. Which do you want to open?")))
        layout.addWidget(self._table)
        if note:
            label = QLabel(note)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            layout.addWidget(label)
        layout.addWidget(buttons)

    @property
    def chosen(self) -> list[int]:
        """Selected rows."""
        return sorted({index.row() for index in self._table.selectionModel().selectedRows()})


def _row(series: Series) -> tuple[str, ...]:
    identity, spacing = series.identity, series.spacing
    kind = identity.modality or tr("unknown")
    if series.kind != "volume":
        kinds = {"localizer": tr("localizer"), "time series": tr("time series"), "image": tr("single image")}
        kind += ", " + kinds[series.kind]
    return (
        readable_date(identity.study_date),
        identity.series_number,
        identity.series_description or identity.study_description,
        kind,
        str(series.n_slices),
        f"{spacing[0]:.3g} mm" if spacing is not None and spacing[0] > 0 else "",
        identity.kernel,
    )
