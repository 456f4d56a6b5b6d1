"""Run a detector on a scan: which one, on what, how far it is, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import napari.viewer
from napari.layers import Image, Layer
from qtpy.QtCore import QEvent, QSignalBlocker, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.detection import registry
from napari_lesion.detection.default import default_model
from napari_lesion.detection.registry import list_models, read_card
from napari_lesion.model.findings import Point, Report
from napari_lesion.model.volume import Volume
from napari_lesion.models.card import Card
from napari_lesion.pipeline import search
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.model_card import CardDialog, card_text
from napari_lesion.plugin.findings.models_dialog import ModelsDialog
from napari_lesion.plugin.session.open_scans import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import option
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.layers import LayerData, heatmap_layer
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.task import Task, sentence, step_text
from napari_lesion.plugin.widgets.torch_loading import load_torch
from napari_lesion.report.plane import side_of
from napari_lesion.review.kept_heatmap import keep_heatmap
from napari_lesion.review.review import is_searched
from napari_lesion.support.errors import LesionError, UntrustedCodeError
from napari_lesion.support.progress import Progress

_DEVICES = {
    "auto": N_("Automatic"),
    "cpu": N_("Processor (CPU)"),
    "cuda": N_("NVIDIA GPU (CUDA)"),
    "mps": N_("Apple GPU (MPS)"),
}
_PLANES = {
    "axial": N_("axial"),
    "coronal": N_("coronal"),
    "sagittal": N_("sagittal"),
    "oblique": N_("oblique"),
    "unknown": N_("unknown"),
}
_MODEL = Qt.ItemDataRole.UserRole + 1
"""Id or folder of a model in the list; its card is the item's data."""
_FOLDER = N_("Folder…")
_MORE = N_("More models…")
_NO_SCAN = N_("Open a CT scan first: drop its folder on the window, or use File ▸ Open Sample ▸ Lesion detection.")


@dataclass(frozen=True)
class _Outcome:
    """What a run brings back from its thread."""

    report: Report
    """With every candidate as a finding, also those below the threshold."""
    card: Card
    model: str
    """Its id or folder."""
    heatmap: LayerData
    sides: dict[Point, str]
    """Of the patient, by centre (LPS mm)."""


def _search(
    volume: Volume, card: Card, model: str, device: str, progress: Progress, *, trust_code: bool = False
) -> _Outcome:
    """Search one scan with a model, named by its id or folder; runs on the worker thread."""
    load_torch()
    import_module("pandas")  # napari wants it for tables of features: a second that the window need not wait for
    detector = registry.load_detector(model, trust_code=True) if trust_code else model
    limit = option("findings/threshold") or None
    analysis = search(volume, detector=detector, device=device, threshold=limit, progress=progress)
    report = analysis.report
    with suppress(OSError):  # a session that comes back can do without its heatmap
        keep_heatmap(volume, report, analysis.heatmap)
    return _Outcome(
        report=report,
        card=card,
        model=model,
        heatmap=heatmap_layer(analysis.heatmap, volume),
        sides={finding.center_mm: side_of(volume, finding.center_mm) for finding in report.findings},
    )


def certificate_line(volume: Volume) -> tuple[str, str]:
    """Put the geometry certificate in one line, and its details in a longer text."""
    certificate = volume.certificate
    slices, spacing = certificate.shape[0], certificate.spacing_mm
    as_acquired = certificate.verdict == "as acquired"
    line = tr(
        "{slices} {plane} slices every {mm} mm, {verdict}",
        slices=slices,
        plane=tr(_PLANES.get(certificate.orientation, certificate.orientation)),
        mm=f"{spacing[0]:.4g}",
        verdict=tr("as acquired") if as_acquired else tr("corrected"),
    )
    line = f"{'✓' if as_acquired else '⚠'} {line}"
    remarks = len(certificate.notes) + len(certificate.duplicates)
    if remarks:
        line += " " + (tr("(1 remark)") if remarks == 1 else tr("({count} remarks)", count=remarks))
    details = [
        tr(
            "Voxels {z} × {y} × {x} mm, {rescale}",
            z=f"{spacing[0]:.4g}",
            y=f"{spacing[1]:.4g}",
            x=f"{spacing[2]:.4g}",
            rescale=in_language(certificate.rescale) or tr("no rescale"),
        ),
        tr("Slice order: {order}", order=in_language(certificate.slice_order) or tr("not stated")),
        *map(in_language, (*certificate.notes, *certificate.duplicates)),
    ]
    if certificate.tilt_deg:
        details.append(tr("Gantry tilt {angle}°", angle=f"{certificate.tilt_deg:.1f}"))
    if certificate.interpolated_slices:
        count = len(certificate.interpolated_slices)
        details.append(tr("{count} slices are interpolated, not acquired", count=count))
    if certificate.missing_tags:
        details.append(tr("Missing in the headers: {tags}", tags=", ".join(certificate.missing_tags)))
    return line, "\n".join(details)


def _available_devices(progress: Progress) -> tuple[str, ...]:
    """Which devices there are; loads torch, which takes a second, so it runs on a thread."""
    load_torch()
    import torch

    progress(0, 1, "looking for devices")
    return (
        "auto",
        "cpu",
        *(("cuda",) if torch.cuda.is_available() else ()),
        *(("mps",) if torch.backends.mps.is_available() else ()),
    )


class SearchForm(QWidget):
    """Choose a model, and search the scan on the screen. What is found goes to the viewer's `FindingsView`."""

    card_chosen = Signal(object)
    """The `Card` of a model whose threshold holds, while nobody has searched."""
    result_came = Signal(object)
    """The layer of a scan that was searched: its findings are shown next."""
    failed = Signal()
    """A search ended with an error, which the status says."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.brief = False
        """Whether the status only counts the warnings of a search."""
        self._viewer = napari_viewer
        self._session = session_of(napari_viewer)
        self._view = findings_view(self._session)
        self._task: Task[_Outcome] | None = None
        self._searched: Layer | None = None
        self._model_index = 0
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
        self.scans = _combo(tr("The CT scan to search"))
        self.certificate = QLabel()
        self.certificate.setWordWrap(True)
        self.models = _combo(tr("The model that searches"))
        self.devices = _combo(tr("What the model runs on; Automatic takes the fastest that is there"))
        for device in ("auto", "cpu"):
            self.devices.addItem(tr(_DEVICES[device]), device)

        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(tr("Scan"), self.scans)
        form.addRow(self.certificate)
        self.card_button = QPushButton(tr("Card"))
        self.card_button.setToolTip(tr("What the model was trained and tested on, and what it cannot do"))
        model = QHBoxLayout()
        model.addWidget(self.models, 1)
        model.addWidget(self.card_button)
        model_label = QLabel(tr("Model"))
        model_label.setBuddy(self.models)
        form.addRow(model_label, model)
        form.addRow(tr("Device"), self.devices)

        self.run_button = QPushButton(tr("Run"))
        self.run_button.setToolTip(tr("Search the scan; the viewer stays usable meanwhile"))
        self.cancel_button = QPushButton(tr("Cancel"))
        self.cancel_button.setToolTip(tr("Stop the search at its next step"))
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

        self.search = QWidget()
        search = QVBoxLayout(self.search)
        search.setContentsMargins(0, 0, 0, 0)
        search.addLayout(form)
        search.addLayout(buttons)

        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        for widget in (self.search, self.progress, self.status):
            self.column.addWidget(widget)

    def _connect(self) -> None:
        self.scans.currentIndexChanged.connect(self._on_scan_changed)
        self.models.currentIndexChanged.connect(self._on_model_changed)
        self.models.activated.connect(self._on_model_chosen)
        self.card_button.clicked.connect(self.show_card)
        self.run_button.clicked.connect(self.run)
        self.cancel_button.clicked.connect(self.cancel)
        self._view.changed.connect(self._on_findings)
        self._session.scan_changed.connect(self._on_session)
        self._session.open_scans.scans_changed.connect(self._list_scans)
        self._session.open_scans.closed.connect(self._on_closed)

    # -- what there is to choose from ---------------------------------------------------------------------------------

    @property
    def device(self) -> str:
        """What the model runs on."""
        chosen: str = self.devices.currentData() or "auto"
        return chosen

    @property
    def scan(self) -> Image | None:
        """The layer that is chosen."""
        layer: Image | None = self.scans.currentData()
        return layer

    @property
    def report(self) -> Report | None:
        """What was found in the chosen scan, also below the threshold, as the reader left it."""
        review = self._view.review
        return review.report if review is not None and self._session.scan is self.scan else None

    def _on_session(self, scan: Image | None) -> None:
        """Follow the scan that is read, if the model can search it."""
        with QSignalBlocker(self.scans):
            self.scans.setCurrentIndex(self.scans.findData(scan) if scan is not None else -1)
        self._on_scan_changed()

    def _list_scans(self, _event: object = None) -> None:
        """List the scans that are open and that the model can search; the one on the screen is the chosen one."""
        card: Card | None = self.models.currentData()
        modalities = card.modalities if card is not None else ("CT",)
        with QSignalBlocker(self.scans):
            self.scans.clear()
            for scan in self._session.open_scans.scans:
                if scan.volume.series.modality in modalities:
                    self.scans.addItem(scan.layer.name, scan.layer)
                    scan.layer.events.name.connect(self._list_scans)
            self.scans.setCurrentIndex(self.scans.findData(self._session.scan))
        self._on_scan_changed()

    def _list_models(self) -> None:
        try:
            cards = list_models()
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        for card in cards:
            self._add_model(card, card.id, self.models.count())
        self._choose_default()
        for text, tip in (
            (_FOLDER, tr("Use a model package or a MONAI bundle from a folder")),
            (_MORE, tr("Fetch further models, or choose the one that is used where none is named")),
        ):
            self.models.addItem(tr(text))
            self.models.setItemData(self.models.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        if not cards:
            self._show_status(
                "⚠ " + tr("No model is installed, so nothing can be searched. Install napari-lesion again.")
            )

    def _choose_default(self) -> None:
        try:
            self.models.setCurrentIndex(max(self.models.findData(default_model(), _MODEL), 0))
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")

    def show_models(self) -> ModelsDialog:
        """Show which models there are and which can be had."""
        dialog = ModelsDialog(self)
        dialog.changed.connect(self._on_models_changed)
        dialog.show()
        return dialog

    def _on_models_changed(self) -> None:
        """Take up what was fetched; where the default was changed, choose it."""
        for card in list_models():
            if self.models.findData(card.id, _MODEL) < 0:
                self._add_model(card, card.id, self.models.findText(tr(_FOLDER)))
        if self._task is None:
            self._choose_default()

    def _add_model(self, card: Card, model: str, index: int) -> None:
        self.models.insertItem(index, f"{card.id} {card.version}", card)
        self.models.setItemData(index, model, _MODEL)
        self.models.setItemData(index, card.summary or card.task, Qt.ItemDataRole.ToolTipRole)

    def _on_model_chosen(self, index: int) -> None:
        """Ask for a folder where "Folder…" was chosen, and show all models where "More models…" was."""
        if self.models.itemData(index) is not None:
            return
        with QSignalBlocker(self.models):
            self.models.setCurrentIndex(self._model_index)
        if self.models.itemText(index) == tr(_MORE):
            self.show_models()
            return
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of a model package or a MONAI bundle"))
        if folder:
            self.use_model(Path(folder))

    def use_model(self, folder: Path) -> None:
        """Choose the model in a folder; if it is none, the status line says why."""
        try:
            card = read_card(folder)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        index = self.models.findData(str(folder), _MODEL)
        if index < 0:
            index = self.models.findText(tr(_FOLDER))  # it and what follows stay the last
            self._add_model(card, str(folder), index)
        self.models.setCurrentIndex(index)

    def _list_devices(self, devices: Sequence[str]) -> None:
        for device in devices:
            if self.devices.findData(device) < 0:
                self.devices.addItem(tr(_DEVICES[device]), device)

    def _on_model_changed(self) -> None:
        if self.models.currentData() is not None:  # it is not "Folder…"
            self._model_index = self.models.currentIndex()
            self._list_scans()

    def announce_card(self) -> None:
        """Tell which model is chosen, as long as there is no result."""
        card = self.models.currentData()
        if card is not None and self._view.review is None:
            self.card_chosen.emit(card)

    def _on_scan_changed(self) -> None:
        layer = self.scan
        if layer is not None and layer is not self._session.scan:
            self._session.set_active_scan(layer)  # which comes back here
            return
        volume = volume_of(layer) if layer is not None else None
        if volume is None:
            self.certificate.setText("")
            self.certificate.setToolTip("")
            if self._is_elsewhere or self._task is None:
                self._show_status(self._elsewhere() or tr(_NO_SCAN))
        else:
            line, details = certificate_line(volume)
            self.certificate.setText(line)
            self.certificate.setToolTip(details)
            if self._is_elsewhere or self._task is None:
                self._show_status(self._elsewhere() or self._summary())
        self.announce_card()
        self._enable()

    def _on_findings(self) -> None:
        """Say how many there are."""
        if self._task is None and self._view.review is not None:
            self._show_status(self._summary())
        self.announce_card()

    def _enable(self) -> None:
        running = self._task is not None
        self.run_button.setEnabled(not running and self.scan is not None and self.models.currentData() is not None)
        self.cancel_button.setVisible(running)
        self.progress.setVisible(running)
        for widget in (self.scans, self.models, self.devices):
            widget.setEnabled(not running)

    @property
    def _is_elsewhere(self) -> bool:
        """Whether another scan than the one on the screen is being searched."""
        return self._task is not None and self._searched is not self._session.scan

    def _elsewhere(self) -> str:
        searched = self._session.open_scans.of(self._searched)
        if not self._is_elsewhere or searched is None:
            return ""
        return tr("{scan} is being searched; what is found appears there.", scan=searched.name)

    def _show_status(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    # -- the search ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Search the chosen scan."""
        self._search(self.scan, self.models.currentData(), self.models.currentData(_MODEL), self.devices.currentData())

    def _search(self, layer: Image | None, card: Card | None, model: str, device: str) -> None:
        volume = volume_of(layer) if layer is not None else None
        if self._task is not None or volume is None or card is None or not self._session.open_scans.is_open(layer):
            return
        self._searched = layer
        if (owner := self._session.open_scans.of(layer)) is not None:
            self._session.open_scans.begin_work(owner)
        trusted = model in self._trusted
        self._task = Task(lambda progress: _search(volume, card, model, device, progress, trust_code=trusted), self)
        self._task.progressed.connect(self._on_progress)
        self._task.succeeded.connect(self._on_succeeded)
        # With what was searched, whatever is on the screen and chosen when it fails.
        self._task.failed.connect(partial(self._on_failed, layer, card, model, device))
        self._task.cancelled.connect(self._on_cancelled)
        self._task.start()
        self.progress.setRange(0, 0)
        self._show_status(tr("Starting…"))
        self._enable()

    def cancel(self) -> None:
        """Stop the search at its next step."""
        if self._task is not None:
            self._task.cancel()
            self._show_status(tr("Stopping after this step…"))
            self.cancel_button.setEnabled(False)

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        if self._is_elsewhere:
            self._show_status(self._elsewhere())
        elif self.cancel_button.isEnabled():
            step = step_text(what)
            self._show_status(f"{step[:1].upper()}{step[1:]}…")

    def _end_of_run(self, text: str) -> None:
        if self._task is not None:
            self._task.deleteLater()
        owner = self._session.open_scans.of(self._searched)
        if owner is not None:
            self._session.open_scans.end_work(owner)
            if text and owner is not self._session.open_scans.current:
                text = f"{owner.name}: {text}"
        self._task = None
        self._searched = None
        self.cancel_button.setEnabled(True)
        self._show_status(text)
        self._enable()

    def _on_failed(self, layer: Image, card: Card, model: str, device: str, error: Exception) -> None:
        self._end_of_run(f"⚠ {sentence(error)}")
        self.failed.emit()
        if isinstance(error, UntrustedCodeError) and model not in self._trusted and self._may_run_code(model, error):
            self._trusted.add(model)
            self._search(layer, card, model, device)

    def _may_run_code(self, model: str, error: UntrustedCodeError) -> bool:
        answer = QMessageBox.question(
            self,
            tr("Run code of this model?"),
            tr(
                "{model} does not run without code that came with it.\n\n{error}\n\n"
                "It can do all that you can do on this computer. Run it, until napari is closed?",
                model=model,
                error=sentence(error),
            ),
            QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No,
            QMessageBox.StandardButton.No,
        )
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _on_cancelled(self) -> None:
        self._end_of_run(tr("Cancelled; nothing was changed."))

    def _on_succeeded(self, outcome: _Outcome) -> None:
        layer = self._searched
        if layer is None or not self._session.open_scans.is_open(layer):
            self._end_of_run(tr("The scan was closed meanwhile, so its result was dropped."))
            return
        self._end_of_run("")
        self.result_came.emit(layer)
        try:
            self._view.show_result(
                layer,
                outcome.report,
                heatmap=outcome.heatmap,
                card=outcome.card,
                model=outcome.model,
                sides=outcome.sides,
            )
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        self._on_scan_changed()

    def event(self, event: QEvent) -> bool:
        """Stop the search when it is taken out of its window; hiding it does not."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
        return super().event(event)

    def _summary(self) -> str:
        review = self._view.review
        if review is None or (not is_searched(review.start) and not self._view.findings):
            return ""  # nobody searched, also where something was measured
        shown = self._view.shown
        hidden = sum(f.status != "rejected" for f in self._view.findings) - len(shown)
        rejected = sum(f.status == "rejected" for f in self._view.findings)
        if not self._view.findings:
            text = tr("Nothing was found.")
        elif len(shown) == 1:
            text = tr("1 finding shown, {hidden} with a lower score hidden.", hidden=hidden)
        else:
            text = tr("{shown} findings shown, {hidden} with a lower score hidden.", shown=len(shown), hidden=hidden)
        if rejected:
            text += " " + tr("{count} rejected.", count=rejected)
        seconds = review.start.timings_s.get("total")
        if seconds is not None:
            text += " " + tr("Searched in {seconds} s.", seconds=f"{seconds:.0f}")
        warnings = review.start.warnings
        if warnings and self.brief:
            return text + "\n" + tr("⚠ {count} warnings, which “Search for lesions” shows.", count=len(warnings))
        return "\n".join((text, *(f"⚠ {warning}" for warning in warnings)))

    def _on_closed(self, scan: OpenScan) -> None:
        if scan.layer is self._searched:
            self.cancel()

    def show_card(self) -> None:
        """Show the card of the chosen model."""
        card, model = self.models.currentData(), self.models.currentData(_MODEL)
        if card is None:
            return
        try:
            text = card_text(card, model)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        CardDialog(card, text, self).show()


def _combo(tooltip: str) -> QComboBox:
    combo = QComboBox()
    combo.setToolTip(tooltip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)
    return combo
