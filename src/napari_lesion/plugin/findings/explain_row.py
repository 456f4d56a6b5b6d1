"""The row "Why?": maps of what the model looked at for the selected finding, as layers, each with its faithfulness."""

from __future__ import annotations

from dataclasses import dataclass

import napari.viewer
from napari.layers import Layer
from qtpy.QtCore import Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import (
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.detection import registry
from napari_lesion.explain.explain import explain
from napari_lesion.explain.maps import METHODS, AttributionMap, Explanation
from napari_lesion.model.findings import Finding, Heatmap
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import LayerData, heatmap_layer, scan_name
from napari_lesion.plugin.widgets.parts import RunControls, in_a_row
from napari_lesion.plugin.widgets.task import Task, sentence, step_text
from napari_lesion.support.progress import Progress

QUICK = ("heatmap", "grad-cam")
"""Methods chosen at first: the others take longer."""


@dataclass(frozen=True)
class Question:
    """Which finding of which scan, and who found it."""

    scan: Layer
    volume: Volume
    finding: Finding
    model: str
    """Id or folder."""
    device: str


@dataclass(frozen=True)
class _Answer:
    explanation: Explanation
    layers: tuple[LayerData, ...]


def answer(question: Question, methods: tuple[str, ...], progress: Progress) -> _Answer:
    """Explain one finding; runs on the worker thread."""
    detector = registry.load_detector(question.model)
    made = explain(detector, question.volume, question.finding, methods, device=question.device, progress=progress)
    return _Answer(made, tuple(map_layer(one, question.volume, question.finding.number) for one in made.maps))


def map_layer(made: AttributionMap, volume: Volume, number: int) -> LayerData:
    """Make the layer of a map: evidence for the finding glows over the scan; evidence against it stays dark."""
    data, attributes, kind = heatmap_layer(Heatmap(made.values, made.affine), volume)
    attributes |= {
        "name": tr("{map} of F{number}: {scan}", map=made.name, number=number, scan=scan_name(volume.series)),
        "contrast_limits": (0.0, made.top),
        "metadata": {
            **attributes["metadata"],
            "kind": "explanation",
            "method": made.method,
            "finding": number,
            "faithfulness": made.faithfulness,
        },
    }
    return data, attributes, kind


class WhyRow(QWidget):
    """Asks why the selected finding was reported, and shows the answer.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    shown = Signal()
    """Maps were added."""
    finished = Signal()
    """After that, or after the work failed or was cancelled."""

    def __init__(self, viewer: napari.viewer.Viewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._question: Question | None = None
        self._asked: Question | None = None
        self._task: Task[_Answer] | None = None
        self._layers: dict[tuple[Layer, str, str], Layer] = {}
        """By scan, id of the finding and method."""
        self._said: dict[str, str] = {}
        """What came of it, by the key of the scan."""
        self.button = QToolButton()
        self.button.setText(tr("Why?"))
        self.button.setToolTip(tr("Show what the model looked at for the selected finding"))
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        menu = QMenu(self.button)
        menu.setToolTipsVisible(True)
        for method, name in METHODS.items():
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(method in QUICK)
            action.setData(method)
        self.button.setMenu(menu)
        self.controls = RunControls(tr("Progress of the explanation"), self.cancel)
        self.controls.status.setTextFormat(Qt.TextFormat.PlainText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(in_a_row(self.button, self.controls.cancel_button, first=1))
        layout.addWidget(self.controls.bar)
        layout.addWidget(self.controls.status)
        self.button.clicked.connect(self.explain_selected)
        self._scans = open_scans(viewer)
        self._scans.deleted.connect(self._on_deleted)
        self._scans.closed.connect(self._on_closed)
        self._scans.current_changed.connect(self._on_current)
        self._enable()

    @property
    def running(self) -> bool:
        """Whether a finding is being explained."""
        return self._task is not None

    def choose(self, *methods: str) -> None:
        """Choose the methods, as in the menu."""
        for action in self.button.menu().actions():
            action.setChecked(action.data() in methods)

    def chosen(self) -> tuple[str, ...]:
        """Methods that are ticked in the menu."""
        return tuple(action.data() for action in self.button.menu().actions() if action.isChecked())

    def set_question(self, question: Question | None) -> None:
        """Take over the selected finding; None where none is selected."""
        self._question = question
        self._enable()

    def explain_selected(self) -> None:
        """Explain the selected finding with the chosen methods."""
        question, methods = self._question, self.chosen()
        if question is None or self._task is not None:
            return
        if not methods:
            self.controls.show_status(tr("Tick a method in the menu beside Why?"))
            return
        self._asked = question
        if (owner := self._scans.of(question.scan)) is not None:
            self._scans.begin_work(owner)
        self._task = Task(lambda progress: answer(question, methods, progress), self)
        self._task.progressed.connect(self._on_progress)
        self._task.succeeded.connect(self._on_succeeded)
        self._task.failed.connect(lambda error: self._end(f"⚠ {sentence(error)}"))
        self._task.cancelled.connect(lambda: self._end(tr("Cancelled; nothing was changed.")))
        self._task.start()
        self.controls.begin(tr("Explaining F{number}…", number=question.finding.number))
        self._enable()

    def cancel(self) -> None:
        """Stop at the next step."""
        if self._task is not None:
            self._task.cancel()
            self.controls.stop()

    def clear(self, scan: Layer) -> None:
        """Take away the maps of a scan whose findings are gone."""
        if self._asked is not None and self._asked.scan is scan:
            self.cancel()
        self._scans.remove([layer for (one, *_), layer in self._layers.items() if one is scan])
        if self._task is None:
            self.controls.show_status("")

    def _on_progress(self, done: int, total: int, what: str) -> None:
        self.controls.advance(done, total)
        if not self.controls.stopping and self._asked is not None and self._scans.current is not None:
            if self._scans.current.layer is not self._asked.scan:
                self.controls.show_status(self._text)
                return
            self.controls.show_status(tr("F{number}: {what}…", number=self._asked.finding.number, what=step_text(what)))

    def _on_succeeded(self, made: _Answer) -> None:
        asked = self._asked
        owner = self._scans.of(asked.scan) if asked is not None else None
        if asked is None or owner is None:
            self._end(tr("The scan was closed meanwhile, so its maps were dropped."))
            return
        for (scan, *_), other in self._layers.items():
            if scan is asked.scan:
                other.visible = False  # maps over one another say nothing
        below: tuple[Layer, ...] = (asked.scan,)
        for number, (data, attributes, kind) in enumerate(made.layers):
            key = asked.scan, asked.finding.id, attributes["metadata"]["method"]
            self._scans.remove([self._layers.get(key)])
            attributes["visible"] = number == len(made.layers) - 1
            self._layers[key] = layer = Layer.create(data, attributes, kind)
            self._scans.add(owner, layer, above=below)
            below = (layer,)
        if owner is self._scans.current:
            self.shown.emit()
        self._end(answer_text(made.explanation))

    def _end(self, text: str) -> None:
        if self._task is not None:
            self._task.deleteLater()
        asked, self._task, self._asked = self._asked, None, None
        owner = self._scans.of(asked.scan) if asked is not None else None
        if owner is not None:
            self._scans.end_work(owner)
            self._said[owner.key] = text
        self.controls.end(text if owner is None or owner is self._scans.current else self._text)
        self._enable()
        self.finished.emit()

    def _on_deleted(self, removed: Layer) -> None:
        self._layers = {key: layer for key, layer in self._layers.items() if layer is not removed}

    def _on_closed(self, scan: OpenScan) -> None:
        self._layers = {key: layer for key, layer in self._layers.items() if key[0] is not scan.layer}
        self._said.pop(scan.key, None)
        if self._asked is not None and scan.layer is self._asked.scan:
            self.cancel()

    def _on_current(self, _scan: OpenScan | None) -> None:
        """Show what was said of the scan that is on the screen now."""
        self.controls.show_status(self._text)

    @property
    def _text(self) -> str:
        scan = self._scans.current
        if self._asked is not None and (scan is None or scan.layer is not self._asked.scan):
            return tr("A finding of another scan is being explained…")
        return self._said.get(scan.key, "") if scan is not None else ""

    def _enable(self) -> None:
        running = self._task is not None
        self.button.setEnabled(self._question is not None and not running)
        self.controls.show_running(running)


def answer_text(explanation: Explanation) -> str:
    """How faithful each map is, and what could not be done."""
    lines = [tr("F{number}, faithfulness of each map (1 is best, 0 is chance):", number=explanation.finding.number)]
    for made in explanation.maps:
        known = tr("not tested") if made.faithfulness is None else f"{made.faithfulness:.2f}"
        lines.append(f"    {made.name}: {known}")
    notes = dict.fromkeys((*explanation.left_out.values(), *explanation.warnings))
    return "\n".join((*lines, *(f"⚠ {note}" for note in notes)))
