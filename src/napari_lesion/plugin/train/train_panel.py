"""The panel "Train": runs are started as processes of their own, watched, paused, compared, and their models used."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import napari.viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import (
    QFrame,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.detection.default import make_default
from napari_lesion.detection.registry import card_in
from napari_lesion.models import store as model_store
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.train.config_form import ConfigForm
from napari_lesion.plugin.train.curves import Curves
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.widgets.messages import show_info
from napari_lesion.plugin.widgets.parts import in_a_row, push_button, text_label, thin_bar
from napari_lesion.plugin.widgets.path_row import PathRow
from napari_lesion.plugin.widgets.row_table import row_table
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.support.errors import LesionError
from napari_lesion.support.progress import Progress
from napari_lesion.training.config.detector import read_config
from napari_lesion.training.data.split import make_split
from napari_lesion.training.engine import run_folder
from napari_lesion.training.run_status import WatchedRun, look_at, start

_EVERY_MS = 1000
_RUNS = "train/runs"
_MOST_RUNS = 30
_STATES = {
    "preparing": N_("preparing"),
    "training": N_("training"),
    "paused": N_("paused"),
    "stopped": N_("stopped"),
    "failed": N_("failed"),
    "done": N_("done"),
    "interrupted": N_("interrupted"),
    "unknown": N_("not known"),
}


class TrainPanel(QWidget):
    """Dock widget; runs belong to their folders, not to it: they go on when it, or the window, is closed."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        del napari_viewer  # a run has nothing to do with the scan on screen
        share_place(self)
        entitle(self, tr("Train"))
        self._task: Task[object] | None = None
        self._shown: WatchedRun | None = None
        self._build()
        self._list_runs()
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self.look()

    # -- construction -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.addTab(self._new_run(), tr("New run"))
        self.tabs.addTab(self._runs(), tr("Runs"))
        self.status = text_label()
        layout = QVBoxLayout(self)
        layout.setSpacing(4)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.status)

    def _new_run(self) -> QWidget:
        self.config = PathRow(tr("Configuration (YAML)"), "file")
        self.config.line.textChanged.connect(self._load_config)
        self.out = PathRow(tr("Folder of the run"), "folder")
        self.form = ConfigForm()
        self.split = row_table(
            (tr("Part"), tr("Series"), tr("Nodules"), tr("Patients")),
            tr("Who is learned from, and who is kept apart"),
            tr("No patient is in two parts"),
        )
        self.split.setMaximumHeight(120)
        self.split_button = push_button(
            tr("Show the split"), tr("Divide the data by patient, as the run will; nothing is trained"), self.show_split
        )
        self.start_button = push_button(
            tr("Start"), tr("Start the run as a process of its own: it goes on when this window is closed"), self.start
        )
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 4, 4, 0)
        column.setSpacing(4)
        for widget in (self.config, self.form, self.out, self.split):
            column.addWidget(widget)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area, 1)
        layout.addLayout(in_a_row(self.split_button, self.start_button))
        return page

    def _runs(self) -> QWidget:
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Runs"))
        self.list.setToolTip(tr("The chosen run is shown; ticked ones are drawn beside it"))
        self.list.setMaximumHeight(96)
        self.list.currentRowChanged.connect(self.look)
        self.list.itemChanged.connect(self.look)
        self.add_button = push_button(tr("Add…"), tr("Look at a run that was started elsewhere"), self._add_other)
        self.forget_button = push_button(tr("Forget"), tr("Take the run off this list; its folder stays"), self.forget)
        self.state = text_label()
        self.bar = thin_bar(tr("Steps"))
        self.curves = Curves()
        self.mistakes = QLabel()
        self.mistakes.setAccessibleName(tr("What it gets wrong in the validation scans"))
        self.mistakes.setToolTip(tr("What it gets wrong in the validation scans"))
        self.mistakes.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pause_button = push_button(
            tr("Pause"), tr("Wait after the next step, with the data in memory"), self.pause
        )
        self.stop_button = push_button(tr("Stop"), tr("End after the next step; it can be taken up again"), self.stop)
        self.resume_button = push_button(tr("Go on"), tr("Go on where the run is"), self.resume)
        self.use_button = push_button(
            tr("Use the model"), tr("Add the model to yours, and search with it where none is named"), self.use
        )
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.list)
        layout.addLayout(in_a_row(self.add_button, self.forget_button))
        layout.addWidget(self.state)
        layout.addWidget(self.bar)
        layout.addWidget(self.curves, 1)
        layout.addWidget(self.mistakes)
        layout.addLayout(in_a_row(self.pause_button, self.resume_button, self.stop_button, self.use_button))
        return page

    # -- a new run ----------------------------------------------------------------------------------------------------

    def _load_config(self) -> None:
        path = self.config.path
        self.form.clear()
        if path is None or not path.is_file():
            return
        self._show_status("")
        try:
            self.form.load(path)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")

    def _written_config(self) -> Path | None:
        """Write what was entered beside the configuration that it was made of."""
        if self.form.path is None:
            self._show_status(tr("Choose a configuration."))
            return None
        path = self.form.path
        try:
            if self.form.changed() == self.form.original:
                return path
            changed = path.with_name(f"{path.stem}-{self.out.path.name if self.out.path else 'changed'}.yaml")
            self.form.write(changed)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return None
        return changed

    def show_split(self) -> None:
        """Divide the data by patient, and show who is where."""
        config = self._written_config()
        if config is None:
            return

        def work(progress: Progress) -> list[tuple[str, int, int, int]]:
            progress(0, 1, "reading nodules")
            split = make_split(read_config(config))
            return [
                (name, len(part.series) + len(part.annotated), len(part.cubes) + len(part.crops), len(part.patients()))
                for name, part in (("train", split.train), ("validation", split.validation), ("test", split.test))
            ]

        self._do(work, self._on_split)

    def _on_split(self, rows: list[tuple[str, int, int, int]]) -> None:
        names = {"train": tr("learned from"), "validation": tr("validation"), "test": tr("kept for testing")}
        self.split.setRowCount(len(rows))
        for number, (name, *counts) in enumerate(rows):
            for column, text in enumerate((names[name], *map(str, counts))):
                self.split.setItem(number, column, QTableWidgetItem(text))
        self._show_status("")

    def start(self) -> None:
        """Start a run, which goes on by itself."""
        out = self.out.path
        if out is None:
            self._show_status(tr("Say in which folder the run goes."))
            return
        config = self._written_config()
        if config is None:
            return
        try:
            start(config, out)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        self.add_run(out)
        self.tabs.setCurrentIndex(1)
        self._show_status(tr("The run goes on when this window is closed."))

    # -- runs ---------------------------------------------------------------------------------------------------------

    def _folders(self) -> list[Path]:
        return [Path(one) for one in setting(_RUNS, list[str]())]

    def _list_runs(self) -> None:
        self.list.clear()
        for folder in self._folders():
            item = QListWidgetItem(folder.name)
            item.setData(Qt.ItemDataRole.UserRole, folder)
            item.setToolTip(str(folder))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def add_run(self, folder: Path) -> None:
        """Put a run on top of the list."""
        others = [one for one in self._folders() if one != folder]
        store(_RUNS, [str(one) for one in (folder, *others)][:_MOST_RUNS])
        self._list_runs()
        self.look()

    def _add_other(self) -> None:
        chooser = PathRow(tr("Folder of the run"), "folder", self)
        chooser.hide()
        chooser.button.click()
        if chooser.path is None:
            return
        try:
            look_at(chooser.path)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
            return
        self.add_run(chooser.path)

    def forget(self) -> None:
        """Take the chosen run off the list."""
        if (folder := self._chosen()) is not None:
            store(_RUNS, [str(one) for one in self._folders() if one != folder])
            self._list_runs()
            self.look()

    def _chosen(self) -> Path | None:
        item = self.list.currentItem()
        folder: Path | None = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return folder

    def look(self, _changed: object = None) -> None:
        """Read how far the chosen run is, and show it."""
        if self.sender() is self._timer and not (self.isVisible() and self.tabs.currentIndex() == 1):
            return
        chosen = self._chosen()
        runs: list[WatchedRun] = []
        for row in range(self.list.count()):
            item = self.list.item(row)
            assert item is not None
            folder = item.data(Qt.ItemDataRole.UserRole)
            if folder != chosen and item.checkState() is not Qt.CheckState.Checked:
                continue
            try:
                runs.append(look_at(folder))
            except LesionError as error:
                if folder == chosen:
                    self.state.setText(f"⚠ {sentence(error)}")
        shown = next((run for run in runs if run.folder == chosen), None)
        self._shown = shown
        self.curves.show_runs(sorted(runs, key=lambda run: run.folder != chosen))
        self._show(shown)

    def _show(self, run: WatchedRun | None) -> None:
        alive, state = run is not None and run.alive, run.status.state if run is not None else "unknown"
        self.pause_button.setEnabled(alive and state != "paused")
        self.stop_button.setEnabled(alive)
        self.resume_button.setEnabled(state in ("paused", "stopped", "failed", "interrupted"))
        self.use_button.setEnabled(run is not None and run.model is not None and not alive and self._task is None)
        self.bar.setVisible(alive)
        if run is None:
            if not self.list.count():
                self.state.setText(tr("No run yet. Start one, or add one that was started elsewhere."))
            self.mistakes.hide()
            return
        status = run.status
        text = tr(_STATES[state])
        if status.steps:
            text += ", " + tr("step {step} of {steps}", step=status.step, steps=status.steps)
            self.bar.setRange(0, status.steps)
            self.bar.setValue(status.step)
        else:
            self.bar.setRange(0, 0)
        if state == "failed":
            text += f": {in_language(status.what)}"
        if run.best is not None:
            step, value = run.best
            text += "\n" + tr(
                "best {measure} {value} at step {step}", measure=run.measure, value=f"{value:.3f}", step=step
            )
        self.state.setText(text)
        picture = QPixmap(str(run.mistakes)) if run.mistakes is not None else QPixmap()
        if not picture.isNull():
            width = max(200, self.width() - 24)
            self.mistakes.setPixmap(picture.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation))
        self.mistakes.setVisible(not picture.isNull())

    def pause(self) -> None:
        """Let the chosen run wait."""
        self._ask("pause")

    def stop(self) -> None:
        """End the chosen run with a checkpoint."""
        self._ask("stop")

    def _ask(self, request: run_folder.Request) -> None:
        if self._shown is not None:
            run_folder.ask(self._shown.folder, request)
            self._show_status(tr("The run has been asked; it does after its next step."))

    def resume(self) -> None:
        """Let the chosen run go on, in its own process or in a new one."""
        run = self._shown
        if run is None:
            return
        self._show_status("")
        if run.status.state == "paused":
            run_folder.withdraw(run.folder)
            return
        try:
            start(run.folder / "config.yaml", run.folder, resume=True)
        except LesionError as error:
            self._show_status(f"⚠ {sentence(error)}")
        self.look()

    def use(self) -> None:
        """Add the chosen run's model to the user's own, and make it the default."""
        run = self._shown
        if run is None or run.model is None:
            return
        model = run.model

        def work(progress: Progress) -> str:
            name = model_store.add(model, card_in, replace=True, progress=progress)
            make_default(name)
            return name

        self._do(work, self._on_used)

    def _on_used(self, name: str) -> None:
        text = tr("{name} searches from now on where no other model is named.", name=name)
        self._show_status(text)
        show_info(text)  # also for who has turned to something else meanwhile

    # -- work on a thread ---------------------------------------------------------------------------------------------

    def _do(self, work: Callable[[Progress], object], done: Callable[..., None]) -> None:
        if self._task is not None:
            return
        self._task = task = Task(work, self)
        task.succeeded.connect(done)
        task.failed.connect(lambda error: self._show_status(f"⚠ {sentence(error)}"))
        task.ended.connect(partial(self._on_ended))
        task.start()
        self.split_button.setEnabled(False)

    def _on_ended(self) -> None:
        self._task = None
        self.split_button.setEnabled(True)
        self.look()

    def _show_status(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))
