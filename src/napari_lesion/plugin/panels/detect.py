"""The panel "Detect lesions": run a detector on a scan, and go through what it found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import napari.viewer
import numpy as np
from napari.layers import Image, Layer, Points, Shapes
from qtpy.QtCore import QEvent, QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.detection.detector import DEFAULT_MODEL, Card, list_models, read_card
from napari_lesion.detection.operating import false_positives_at
from napari_lesion.errors import LesionError, UntrustedCodeError
from napari_lesion.findings import RESEARCH_USE, Finding, Report
from napari_lesion.pipeline import analyse, findings_of
from napari_lesion.plugin.layers import (
    FINDING_COLOR,
    LayerData,
    boxes_layer,
    findings_layer,
    frame_of,
    heatmap_layer,
)
from napari_lesion.plugin.panels.card import CardDialog, card_text
from napari_lesion.plugin.panels.explain import Question, WhyRow
from napari_lesion.plugin.panels.threshold import ThresholdSlider
from napari_lesion.plugin.task import Task, sentence
from napari_lesion.plugin.view import PLANES, jump_to, scan_view, volume_of
from napari_lesion.progress import Progress
from napari_lesion.volume import Volume

COLUMNS = ("#", "Score", "Ø mm", "Side", "Slice", "x, y, z (mm)")
SELECTED_COLOR = "#35e0ff"
_DEVICES = {"auto": "Automatic", "cpu": "Processor (CPU)", "cuda": "NVIDIA GPU (CUDA)", "mps": "Apple GPU (MPS)"}
_MODEL = Qt.ItemDataRole.UserRole + 1
"""Id or folder of a model in the list; its card is the item's data."""
_FOLDER = "Folder…"
_NO_SCAN = "Open a CT scan first: drop its folder on the window, or use File ▸ Open Sample ▸ Lesion detection."


@dataclass(frozen=True)
class _Outcome:
    """What a run brings back from its thread."""

    report: Report
    """With every candidate as a finding, also those below the threshold."""
    card: Card
    model: str
    """Its id or folder."""
    heatmap: LayerData
    sides: tuple[str, ...]
    """Of the patient, one a finding."""


@dataclass
class _Result:
    """What is shown for one scan."""

    report: Report
    sides: tuple[str, ...]
    card: Card
    """Of the model that made it."""
    model: str
    """Its id or folder."""
    threshold: float
    layers: dict[str, Layer] = field(default_factory=dict)


def search(
    volume: Volume, card: Card, model: str, device: str, progress: Progress, *, trust_code: bool = False
) -> _Outcome:
    """Search one scan with a model, named by its id or folder; runs on the worker thread."""
    from napari_lesion.detection.detector import load_detector
    from napari_lesion.report.overview import side_of  # brings matplotlib along

    import_module("pandas")  # napari wants it for tables of features: a second that the window need not wait for
    analysis = analyse(
        volume,
        detector=load_detector(model, trust_code=True) if trust_code else model,
        device=device,
        progress=progress,
    )
    report = analysis.report
    findings = findings_of(volume, analysis.candidates, report.model.sha256, 0.0)
    return _Outcome(
        report=report.model_copy(update={"findings": findings}),
        card=card,
        model=model,
        heatmap=heatmap_layer(analysis.heatmap, volume),
        sides=tuple(side_of(volume, finding.center_mm) for finding in findings),
    )


def certificate_line(volume: Volume) -> tuple[str, str]:
    """Put the geometry certificate in one line, and its details in a longer text."""
    certificate = volume.certificate
    slices, spacing = certificate.shape[0], certificate.spacing_mm
    line = f"{slices} {certificate.orientation} slices every {spacing[0]:.4g} mm"
    mark = "✓" if certificate.verdict == "as acquired" else "⚠"
    line = f"{mark} {line}, {certificate.verdict}"
    remarks = len(certificate.notes) + len(certificate.duplicates)
    if remarks:
        line += f" ({remarks} remark{'s' if remarks > 1 else ''})"
    details = [
        f"Voxels {spacing[0]:.4g} × {spacing[1]:.4g} × {spacing[2]:.4g} mm, {certificate.rescale or 'no rescale'}",
        f"Slice order: {certificate.slice_order or 'not stated'}",
        *certificate.notes,
        *certificate.duplicates,
    ]
    if certificate.tilt_deg:
        details.append(f"Gantry tilt {certificate.tilt_deg:.1f}°")
    if certificate.interpolated_slices:
        details.append(f"{len(certificate.interpolated_slices)} slices are interpolated, not acquired")
    if certificate.missing_tags:
        details.append("Missing in the headers: " + ", ".join(certificate.missing_tags))
    return line, "\n".join(details)


def _available_devices(progress: Progress) -> tuple[str, ...]:
    """Which devices there are; loads torch, which takes a second, so it runs on a thread."""
    import torch

    progress(0, 1, "looking for devices")
    return (
        "auto",
        "cpu",
        *(("cuda",) if torch.cuda.is_available() else ()),
        *(("mps",) if torch.backends.mps.is_available() else ()),
    )


class DetectPanel(QWidget):
    """Dock widget; one a viewer."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._results: dict[Layer, _Result] = {}
        self._task: Task[_Outcome] | None = None
        self._searched: Layer | None = None
        self._model_index = 0
        self._filled: _Result | None = None
        """The result that the table shows."""
        self._trusted: set[str] = set()
        """Bundles whose code may run, until the window is closed."""
        scan_view(napari_viewer)
        self._build()
        self._list_models()
        self._connect()
        self._list_scans()
        self._devices_task: Task[tuple[str, ...]] = Task(_available_devices, self)
        self._devices_task.succeeded.connect(self._list_devices)
        self._devices_task.start()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.scans = _combo("The CT scan to search")
        self.certificate = QLabel()
        self.certificate.setWordWrap(True)
        self.models = _combo("The model that searches")
        self.devices = _combo("What the model runs on; Automatic takes the fastest that is there")
        for device in ("auto", "cpu"):
            self.devices.addItem(_DEVICES[device], device)

        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Scan", self.scans)
        form.addRow(self.certificate)
        self.card_button = QPushButton("Card")
        self.card_button.setToolTip("What the model was trained and tested on, and what it cannot do")
        model = QHBoxLayout()
        model.addWidget(self.models, 1)
        model.addWidget(self.card_button)
        form.addRow("Model", model)
        form.addRow("Device", self.devices)

        self.run_button = QPushButton("Run")
        self.run_button.setToolTip("Search the scan; the viewer stays usable meanwhile")
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop the search at its next step")
        self.cancel_button.hide()
        buttons = QHBoxLayout()
        buttons.addWidget(self.run_button, 1)
        buttons.addWidget(self.cancel_button)

        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress.hide()
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

        self.threshold = ThresholdSlider()

        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setToolTip("Click a finding, or step with the arrow keys, to see it in the scan")
        header = self.table.horizontalHeader()
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.table.setMinimumHeight(120)

        planes = QHBoxLayout()
        planes.setSpacing(2)
        self.planes = QButtonGroup(self)
        for plane in PLANES:
            button = QPushButton(plane.capitalize())
            button.setCheckable(True)
            button.setToolTip(f"Show {plane} slices")
            self.planes.addButton(button)
            planes.addWidget(button)

        use = QLabel(RESEARCH_USE)
        use.setWordWrap(True)
        use.setEnabled(False)

        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(form)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.status)
        layout.addWidget(self.threshold)
        layout.addWidget(self.table, 1)
        self.why = WhyRow(self._viewer, self)
        layout.addWidget(self.why)
        layout.addLayout(planes)
        layout.addWidget(use)
        self.setMinimumWidth(360)

    def _connect(self) -> None:
        self.scans.currentIndexChanged.connect(self._on_scan_changed)
        self.models.currentIndexChanged.connect(self._on_model_changed)
        self.models.activated.connect(self._on_model_chosen)
        self.card_button.clicked.connect(self.show_card)
        self.why.shown.connect(self._on_maps_shown)
        self.run_button.clicked.connect(self.run)
        self.cancel_button.clicked.connect(self.cancel)
        self.threshold.valueChanged.connect(self._on_threshold)
        self.table.currentCellChanged.connect(self._on_current_cell)
        self.table.cellClicked.connect(self._on_cell_clicked)
        self.planes.buttonClicked.connect(self._on_plane)
        # Boxes are rebuilt once when the slider rests, not at every pixel that it moves.
        self._boxes_timer = QTimer(self, singleShot=True, interval=60)
        self._boxes_timer.timeout.connect(self._refresh_boxes)
        events = self._viewer.layers.events
        events.inserted.connect(self._list_scans)
        events.removed.connect(self._on_removed)
        self._viewer.dims.events.order.connect(self._on_order)
        self._on_order()

    # -- what there is to choose from ---------------------------------------------------------------------------------

    @property
    def scan(self) -> Image | None:
        """The layer that is chosen."""
        layer: Image | None = self.scans.currentData()
        return layer

    def _list_scans(self, event: Any = None) -> None:
        """Follow the layer list; a scan that was just opened becomes the chosen one."""
        inserted = getattr(event, "value", None)
        chosen = self.scan
        card: Card | None = self.models.currentData()
        modalities = card.modalities if card is not None else ("CT",)
        with QSignalBlocker(self.scans):
            self.scans.clear()
            for layer in self._viewer.layers:
                volume = volume_of(layer)
                if volume is None or volume.series.modality not in modalities:
                    continue
                self.scans.addItem(layer.name, layer)
                layer.events.name.connect(self._list_scans)
                if layer is inserted or (layer is chosen and self.scans.findData(inserted) < 0):
                    self.scans.setCurrentIndex(self.scans.count() - 1)
        self._on_scan_changed()

    def _list_models(self) -> None:
        try:
            cards = list_models()
        except LesionError as error:
            self._say(f"⚠ {sentence(error)}")
            return
        for card in cards:
            self._add_model(card, card.id, self.models.count())
        self.models.setCurrentIndex(max(self.models.findData(DEFAULT_MODEL, _MODEL), 0))
        self.models.addItem(_FOLDER)
        self.models.setItemData(
            self.models.count() - 1, "Use a model pack or a MONAI bundle from a folder", Qt.ItemDataRole.ToolTipRole
        )
        if not cards:
            self._say("⚠ No model is installed, so nothing can be searched. Install napari-lesion again.")

    def _add_model(self, card: Card, model: str, index: int) -> None:
        self.models.insertItem(index, f"{card.id} {card.version}", card)
        self.models.setItemData(index, model, _MODEL)
        self.models.setItemData(index, card.summary or card.task, Qt.ItemDataRole.ToolTipRole)

    def _on_model_chosen(self, index: int) -> None:
        """Ask for a folder where "Folder…" was chosen."""
        if self.models.itemData(index) is not None:
            return
        with QSignalBlocker(self.models):
            self.models.setCurrentIndex(self._model_index)
        folder = QFileDialog.getExistingDirectory(self, "Folder of a model pack or a MONAI bundle")
        if folder:
            self.use_model(Path(folder))

    def use_model(self, folder: Path) -> None:
        """Choose the model in a folder; if it is none, the status line says why."""
        try:
            card = read_card(folder)
        except LesionError as error:
            self._say(f"⚠ {sentence(error)}")
            return
        index = self.models.findData(str(folder), _MODEL)
        if index < 0:
            index = self.models.count() - 1  # "Folder…" stays the last
            self._add_model(card, str(folder), index)
        self.models.setCurrentIndex(index)

    def _list_devices(self, devices: Sequence[str]) -> None:
        for device in devices:
            if self.devices.findData(device) < 0:
                self.devices.addItem(_DEVICES[device], device)

    def _on_model_changed(self) -> None:
        if self.models.currentData() is not None:  # it is not "Folder…"
            self._model_index = self.models.currentIndex()
            self._list_scans()

    def _show_threshold(self) -> None:
        """Show the chosen model's own threshold, as long as there is no result."""
        card = self.models.currentData()
        if card is not None and self._result is None:
            self.threshold.set_card(card)

    def _on_scan_changed(self) -> None:
        layer = self.scan
        volume = volume_of(layer) if layer is not None else None
        if volume is None:
            self.certificate.setText("")
            self.certificate.setToolTip("")
            if self._task is None:
                self._say(_NO_SCAN)
        else:
            line, details = certificate_line(volume)
            self.certificate.setText(line)
            self.certificate.setToolTip(details)
            if self._task is None:
                self._say(self._summary())
        result = self._result
        if result is not None:
            with QSignalBlocker(self.threshold):
                self.threshold.set_card(result.card)
                self.threshold.setValue(result.threshold)
        else:
            self._show_threshold()
        self._fill_table()
        self._enable()

    def _enable(self) -> None:
        running = self._task is not None
        self.run_button.setEnabled(not running and self.scan is not None and self.models.currentData() is not None)
        self.cancel_button.setVisible(running)
        self.progress.setVisible(running)
        for widget in (self.scans, self.models, self.devices):
            widget.setEnabled(not running)

    def _say(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    # -- the search ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Search the chosen scan."""
        layer, card = self.scan, self.models.currentData()
        volume = volume_of(layer) if layer is not None else None
        if self._task is not None or volume is None or card is None:
            return
        device = self.devices.currentData()
        self._searched = layer
        model = self.models.currentData(_MODEL)
        trusted = model in self._trusted
        self._task = Task(lambda progress: search(volume, card, model, device, progress, trust_code=trusted), self)
        self._task.progressed.connect(self._on_progress)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(self._on_failed)
        self._task.cancelled.connect(self._on_cancelled)
        self._task.start()
        self.progress.setRange(0, 0)
        self._say("Starting…")
        self._enable()

    def cancel(self) -> None:
        """Stop the search at its next step."""
        if self._task is not None:
            self._task.cancel()
            self._say("Stopping after this step…")
            self.cancel_button.setEnabled(False)

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        if self.cancel_button.isEnabled():
            self._say(f"{what[:1].upper()}{what[1:]}…")

    def _end_of_run(self, text: str) -> None:
        if self._task is not None:
            self._task.deleteLater()
        self._task = None
        self._searched = None
        self.cancel_button.setEnabled(True)
        self._say(text)
        self._enable()

    def _on_failed(self, error: Exception) -> None:
        self._end_of_run(f"⚠ {sentence(error)}")
        model = self.models.currentData(_MODEL)
        if isinstance(error, UntrustedCodeError) and model not in self._trusted and self._may_run_code(model, error):
            self._trusted.add(model)
            self.run()

    def _may_run_code(self, model: str, error: UntrustedCodeError) -> bool:
        answer = QMessageBox.question(
            self,
            "Run code of this model?",
            f"{model} does not run without code that came with it.\n\n{sentence(error)}\n\n"
            "It can do all that you can do on this computer. Run it, until napari is closed?",
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _on_cancelled(self) -> None:
        self._end_of_run("Cancelled; nothing was changed.")

    def _on_succeeded(self, outcome: _Outcome) -> None:
        layer = self._searched
        if layer is None or layer not in self._viewer.layers:
            self._end_of_run("The scan was closed meanwhile, so its result was dropped.")
            return
        self._end_of_run("")
        self._remove_result(layer)
        self._results[layer] = _Result(
            report=outcome.report,
            sides=outcome.sides,
            card=outcome.card,
            model=outcome.model,
            threshold=outcome.report.model.threshold,
        )
        self._add_layers(layer, outcome.heatmap)
        self.scans.setCurrentIndex(self.scans.findData(layer))
        self._on_scan_changed()

    def event(self, event: QEvent) -> bool:
        """Stop the search when napari takes the panel out of its window; hiding it does not."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
            self.why.cancel()
        return super().event(event)

    # -- the result ---------------------------------------------------------------------------------------------------

    @property
    def _result(self) -> _Result | None:
        return self._results.get(self.scan) if self.scan is not None else None

    @property
    def report(self) -> Report | None:
        """What was found in the chosen scan, also below the threshold."""
        return self._result.report if self._result is not None else None

    def _shown(self, result: _Result) -> tuple[Finding, ...]:
        return tuple(f for f in result.report.findings if f.score >= result.threshold)

    def _summary(self) -> str:
        result = self._result
        if result is None:
            return ""
        shown, everything = len(self._shown(result)), len(result.report.findings)
        if not everything:
            text = "Nothing was found."
        else:
            text = f"{shown} finding{'s' if shown != 1 else ''} shown, {everything - shown} with a lower score hidden."
        seconds = result.report.timings_s.get("total")
        if seconds is not None:
            text += f" Searched in {seconds:.0f} s."
        return "\n".join((text, *(f"⚠ {warning}" for warning in result.report.warnings)))

    def _add_layers(self, scan: Image, heatmap: LayerData) -> None:
        result, volume = self._results[scan], volume_of(scan)
        if volume is None:
            return
        active = self._viewer.layers.selection.active
        made = {
            "heatmap": heatmap,
            "boxes": boxes_layer(self._shown(result), volume, self._through),
            "findings": findings_layer(
                result.report, volume, result.threshold, false_positives_at(result.card, result.threshold)
            ),
        }
        for name, (data, attributes, kind) in made.items():
            result.layers[name] = layer = Layer.create(data, attributes, kind)
            above = max(
                self._viewer.layers.index(one) for one in (scan, *result.layers.values()) if one in self._viewer.layers
            )
            self._viewer.layers.insert(above + 1, layer)
        self._viewer.layers.selection.active = active

    def _remove_result(self, scan: Layer) -> None:
        result = self._results.pop(scan, None)
        self.why.clear(scan)
        for layer in result.layers.values() if result is not None else ():
            with suppress(ValueError):  # the user may have removed it already
                self._viewer.layers.remove(layer)

    def _on_removed(self, event: Any) -> None:
        removed = event.value
        self._results.pop(removed, None)
        if removed is self._searched:
            self.cancel()
        self._list_scans()

    def _on_threshold(self, threshold: float) -> None:
        result = self._result
        if result is None:
            return
        result.threshold = threshold
        points = self._layer("findings")
        if isinstance(points, Points):
            # Points that were added by hand have no score of the model, and stay.
            points.shown = np.asarray(points.features["score"], dtype=float) >= result.threshold
            points.metadata["threshold"] = result.threshold
            points.metadata["false_positives_per_scan"] = self.threshold.false_positives()
        self._boxes_timer.start()
        self._hide_rows()
        self._say(self._summary())

    def _layer(self, name: str) -> Layer | None:
        """Get a layer of the shown result, if the user has not removed it."""
        result = self._result
        layer = result.layers.get(name) if result is not None else None
        return layer if layer is not None and layer in self._viewer.layers else None

    def _refresh_boxes(self) -> None:
        result, boxes, scan = self._result, self._layer("boxes"), self.scan
        volume = volume_of(scan) if scan is not None else None
        if result is None or not isinstance(boxes, Shapes) or volume is None:
            return
        data, attributes, _ = boxes_layer(self._shown(result), volume, self._through)
        boxes.selected_data = set()
        boxes.data = []
        if data:
            boxes.add_rectangles(
                data,
                edge_width=attributes["edge_width"],
                edge_color=attributes["edge_color"],
                face_color=attributes["face_color"],
            )
        boxes.features = attributes["features"]
        boxes.text = attributes["text"]

    # -- the table ----------------------------------------------------------------------------------------------------

    def _fill_table(self) -> None:
        result, scan = self._result, self.scan
        volume = volume_of(scan) if scan is not None else None
        findings = result.report.findings if result is not None else ()
        with QSignalBlocker(self.table):
            self.table.setRowCount(len(findings))
            # A layer that comes or goes fills the table again: the finding that one looks at stays chosen.
            keep = self.table.currentRow() if result is not None and result is self._filled else -1
            self._filled = result
            self.table.setCurrentCell(-1, -1)
            if keep < 0:
                self.why.set_question(None)
            for row, finding in enumerate(findings):
                if result is None or volume is None or scan is None:
                    continue
                texts = (
                    str(row + 1),
                    f"{finding.score:.2f}",
                    f"{finding.diameter_mm:.1f}",
                    result.sides[row],
                    str(self._slice_number(scan, volume, finding)),
                    ", ".join(f"{value:.0f}" for value in finding.center_mm),
                )
                for column, text in enumerate(texts):
                    item = QTableWidgetItem(text)
                    if column not in (3, 5):
                        item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    self.table.setItem(row, column, item)
            if keep >= 0:
                self.table.setCurrentCell(keep, 0)
        self._hide_rows()

    def _slice_number(self, scan: Image, volume: Volume, finding: Finding) -> int:
        """Axial slice, as napari's slider counts them."""
        world = frame_of(volume).to_world(finding.center_mm)
        return int(np.rint(scan.world_to_data(world)[0]))

    def _hide_rows(self) -> None:
        result = self._result
        if result is not None:
            for row, finding in enumerate(result.report.findings):
                self.table.setRowHidden(row, finding.score < result.threshold)

    def _on_current_cell(self, row: int, _column: int, before: int, _before_column: int) -> None:
        if row >= 0 and row != before:
            self.jump(row)

    def _on_cell_clicked(self, row: int, _column: int) -> None:
        self.jump(row)

    def jump(self, row: int) -> None:
        """Show a finding: its slice, with the camera centred on it."""
        result, scan = self._result, self.scan
        volume = volume_of(scan) if scan is not None else None
        if result is None or volume is None:
            return
        finding = result.report.findings[row]
        points = self._layer("findings")
        if isinstance(points, Points):
            ids = list(points.features["id"])
            points.border_color = [SELECTED_COLOR if one == finding.id else FINDING_COLOR for one in ids]
        jump_to(self._viewer, volume, finding.center_mm)
        self.why.set_question(
            Question(scan, volume, finding, row + 1, result.model, self.devices.currentData() or "auto")
        )

    def _on_maps_shown(self) -> None:
        heatmap = self._layer("heatmap")
        if heatmap is not None:
            heatmap.visible = False

    def show_card(self) -> None:
        """Show the card of the chosen model."""
        card, model = self.models.currentData(), self.models.currentData(_MODEL)
        if card is None:
            return
        try:
            text = card_text(card, model)
        except LesionError as error:
            self._say(f"⚠ {sentence(error)}")
            return
        CardDialog(card, text, self).show()

    # -- the planes ---------------------------------------------------------------------------------------------------

    @property
    def _through(self) -> int:
        """World axis that one scrolls along."""
        return int(self._viewer.dims.order[0]) if self._viewer.dims.ndim == 3 else 0

    def _on_plane(self, button: QPushButton) -> None:
        self._viewer.dims.ndisplay = 2
        if self._viewer.dims.ndim == 3:
            self._viewer.dims.order = PLANES[button.text().lower()]
        self._viewer.reset_view()

    def _on_order(self) -> None:
        order = tuple(self._viewer.dims.order)
        self.planes.setExclusive(False)
        for button in self.planes.buttons():
            button.setChecked(PLANES[button.text().lower()] == order)
        self.planes.setExclusive(True)
        self._boxes_timer.start()


def _combo(tooltip: str) -> QComboBox:
    combo = QComboBox()
    combo.setToolTip(tooltip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)
    return combo
