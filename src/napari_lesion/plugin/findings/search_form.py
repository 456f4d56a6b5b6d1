"""Run a detector on a scan: which one, on what, how far it is, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import napari.viewer
from napari.layers import Image, Layer
from qtpy.QtCore import QEvent, QSignalBlocker, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_lesion.model.findings import Report
from napari_lesion.models.card import Card
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.model_card import CardDialog, card_text
from napari_lesion.plugin.findings.model_choice import ModelChoice
from napari_lesion.plugin.findings.search_run import SearchResult, available_devices, search_scan
from napari_lesion.plugin.findings.search_text import certificate_line, search_summary
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.parts import RunControls, combo_box, form_of, in_a_row, is_sure, push_button
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.errors import LesionError, UntrustedCodeError

_DEVICES = {
    "auto": N_("Automatic"),
    "cpu": N_("Processor (CPU)"),
    "cuda": N_("NVIDIA GPU (CUDA)"),
    "mps": N_("Apple GPU (MPS)"),
}
_NO_SCAN = N_("Open a CT scan first: drop its folder on the window, or use File ▸ Open Sample ▸ Lesion detection.")


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
        self._task: Task[SearchResult] | None = None
        self._searched: Layer | None = None
        self._trusted: set[str] = set()
        """Bundles whose code may run, until the window is closed."""
        scan_view(napari_viewer)
        self._build()
        self.models.problem.connect(self.controls.show_status)
        self.models.fill()
        self._connect()
        self._list_scans()
        self._devices_task: Task[tuple[str, ...]] = Task(available_devices, self)
        self._devices_task.succeeded.connect(self._list_devices)
        self._devices_task.start()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.scans = combo_box(tr("The CT scan to search"))
        self.certificate = QLabel()
        self.certificate.setWordWrap(True)
        self.models = ModelChoice()
        self.devices = combo_box(tr("What the model runs on; Automatic takes the fastest that is there"))
        for device in ("auto", "cpu"):
            self.devices.addItem(tr(_DEVICES[device]), device)
        self.card_button = push_button(
            tr("Card"), tr("What the model was trained and tested on, and what it cannot do"), self.show_card
        )
        self.run_button = push_button(tr("Run"), tr("Search the scan; the viewer stays usable meanwhile"), self.run)
        self.controls = RunControls(tr("Progress of the search"), self.cancel, tr("Stop the search at its next step"))

        form = form_of((tr("Scan"), self.scans))
        form.addRow(self.certificate)
        model_label = QLabel(tr("Model"))
        model_label.setBuddy(self.models)
        form.addRow(model_label, in_a_row(self.models, self.card_button, first=1))
        form.addRow(tr("Device"), self.devices)
        self.search = QWidget()
        search = QVBoxLayout(self.search)
        search.setContentsMargins(0, 0, 0, 0)
        search.addLayout(form)
        search.addLayout(in_a_row(self.run_button, self.controls.cancel_button, first=1))

        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        for widget in (self.search, self.controls.bar, self.controls.status):
            self.column.addWidget(widget)

    def _connect(self) -> None:
        self.scans.currentIndexChanged.connect(self._on_scan_changed)
        self.models.model_changed.connect(self._list_scans)
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
        card = self.models.card
        modalities = card.modalities if card is not None else ("CT",)
        with QSignalBlocker(self.scans):
            self.scans.clear()
            for scan in self._session.open_scans.scans:
                if scan.volume.series.modality in modalities:
                    self.scans.addItem(scan.layer.name, scan.layer)
                    scan.layer.events.name.connect(self._list_scans)
            self.scans.setCurrentIndex(self.scans.findData(self._session.scan))
        self._on_scan_changed()

    def _list_devices(self, devices: Sequence[str]) -> None:
        for device in devices:
            if self.devices.findData(device) < 0:
                self.devices.addItem(tr(_DEVICES[device]), device)

    def announce_card(self) -> None:
        """Show which model is chosen, as long as there is no result."""
        card = self.models.card
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
                self.controls.show_status(self._elsewhere() or tr(_NO_SCAN))
        else:
            line, details = certificate_line(volume)
            self.certificate.setText(line)
            self.certificate.setToolTip(details)
            if self._is_elsewhere or self._task is None:
                self.controls.show_status(self._elsewhere() or search_summary(self._view, brief=self.brief))
        self.announce_card()
        self._enable()

    def _on_findings(self) -> None:
        """Show how many there are."""
        if self._task is None and self._view.review is not None:
            self.controls.show_status(search_summary(self._view, brief=self.brief))
        self.announce_card()

    def _enable(self) -> None:
        running = self._task is not None
        self.run_button.setEnabled(not running and self.scan is not None and self.models.card is not None)
        self.controls.show_running(running)
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

    # -- the search ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Search the chosen scan."""
        self._search(self.scan, self.models.card, self.models.model_id, self.devices.currentData())

    def _search(self, layer: Image | None, card: Card | None, model: str, device: str) -> None:
        volume = volume_of(layer) if layer is not None else None
        if self._task is not None or volume is None or card is None or not self._session.open_scans.is_open(layer):
            return
        self._searched = layer
        if (owner := self._session.open_scans.of(layer)) is not None:
            self._session.open_scans.begin_work(owner)
        trusted = model in self._trusted
        self._task = Task(lambda progress: search_scan(volume, card, model, device, progress, trust_code=trusted), self)
        self._task.progressed.connect(self._on_progress)
        self._task.succeeded.connect(self._on_succeeded)
        # With what was searched, whatever is on the screen and chosen when it fails.
        self._task.failed.connect(partial(self._on_failed, layer, card, model, device))
        self._task.cancelled.connect(self._on_cancelled)
        self._task.start()
        self.controls.begin(tr("Starting…"))
        self._enable()

    def cancel(self) -> None:
        """Stop the search at its next step."""
        if self._task is not None:
            self._task.cancel()
            self.controls.stop()

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.controls.advance(done, total)
        if self._is_elsewhere:
            self.controls.show_status(self._elsewhere())
        else:
            self.controls.show_step(what)

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
        self.controls.end(text)
        self._enable()

    def _on_failed(self, layer: Image, card: Card, model: str, device: str, error: Exception) -> None:
        self._end_of_run(f"⚠ {sentence(error)}")
        self.failed.emit()
        if isinstance(error, UntrustedCodeError) and model not in self._trusted and self._may_run_code(model, error):
            self._trusted.add(model)
            self._search(layer, card, model, device)

    def _may_run_code(self, model: str, error: UntrustedCodeError) -> bool:
        return is_sure(
            self,
            tr("Run code of this model?"),
            tr(
                "{model} does not run without code that came with it.\n\n{error}\n\n"
                "It can do all that you can do on this computer. Run it, until napari is closed?",
                model=model,
                error=sentence(error),
            ),
        )

    def _on_cancelled(self) -> None:
        self._end_of_run(tr("Cancelled; nothing was changed."))

    def _on_succeeded(self, outcome: SearchResult) -> None:
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
            self.controls.show_status(f"⚠ {sentence(error)}")
            return
        self._on_scan_changed()

    def event(self, event: QEvent) -> bool:
        """Stop the search when it is taken out of its window; hiding it does not."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.cancel()
        return super().event(event)

    def _on_closed(self, scan: OpenScan) -> None:
        if scan.layer is self._searched:
            self.cancel()

    def show_card(self) -> None:
        """Show the card of the chosen model."""
        card = self.models.card
        if card is None:
            return
        try:
            text = card_text(card, self.models.model_id)
        except LesionError as error:
            self.controls.show_status(f"⚠ {sentence(error)}")
            return
        CardDialog(card, text, self).show()
