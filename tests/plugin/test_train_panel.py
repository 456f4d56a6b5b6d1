"""The panel "Train": a run of its own is started, seen, paused, taken up, and its model is used."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from qtpy.QtWidgets import QComboBox, QLineEdit
from training_scan import write_project

from napari_lesion.detection.default import default_model
from napari_lesion.plugin.train.train_panel import TrainPanel
from napari_lesion.training.engine import run_folder
from napari_lesion.training.run_status import look_at, own_status, write_status


@pytest.fixture
def panel(make_napari_viewer, qtbot) -> TrainPanel:
    viewer = make_napari_viewer(show=True)
    made = TrainPanel(viewer)
    viewer.window.add_dock_widget(made)
    qtbot.waitUntil(made.isVisible)
    return made


def a_run(folder: Path, *, state: str = "training", losses: tuple[float, ...] = (3.0, 2.0, 1.0)) -> Path:
    """The folder of a run of this process."""
    folder.mkdir()
    (folder / "config.yaml").write_text("id: made\n")
    rows = [f"{n},{loss},0.001" for n, loss in enumerate(losses, 1)]
    (folder / "progress.csv").write_text("\n".join(["step,loss,learning_rate", *rows]) + "\n")
    (folder / "validation.csv").write_text("step,cpm\n2,0.25\n3,0.5\n")
    write_status(folder, replace(own_status(), state=state, step=len(losses), steps=10))
    return folder


def test_a_run_is_started_from_the_form_and_its_model_is_used(panel: TrainPanel, qtbot, tmp_path: Path) -> None:
    config = write_project(tmp_path / "project", mine_every=0)
    panel.config.line.setText(str(config))
    steps, rate = panel.form.fields["steps"], panel.form.fields["optimiser.learning_rate"]
    assert isinstance(steps, QLineEdit)
    assert isinstance(rate, QLineEdit)
    assert (steps.text(), rate.text()) == ("6", "0.001")
    precision = panel.form.fields["precision"]
    assert isinstance(precision, QComboBox)
    assert [precision.itemText(n) for n in range(precision.count())] == ["fp32", "bf16", "fp16", "auto"]
    panel.split_button.click()
    qtbot.waitUntil(lambda: panel.split.rowCount() == 3, timeout=60_000)
    assert [panel.split.item(0, column).text() for column in range(4)] == ["learned from", "1", "7", "7"]
    out = tmp_path / "run"
    panel.out.line.setText(str(out))
    steps.setText("none")
    panel.start_button.click()
    assert "steps" in panel.status.text()
    assert not out.exists()
    steps.setText("3")
    panel.start_button.click()
    written = yaml.safe_load((config.parent / "config-run.yaml").read_text())
    assert (written["steps"], written["data"]) == (3, yaml.safe_load(config.read_text())["data"])
    assert panel.tabs.currentIndex() == 1
    qtbot.waitUntil(lambda: (panel.look(), panel.use_button.isEnabled())[1], timeout=180_000)
    assert panel.state.text().startswith("done, step 3 of 3")
    panel.use_button.click()
    qtbot.waitUntil(lambda: "searches from now on" in panel.status.text(), timeout=30_000)
    assert default_model() == "tiny"


def test_a_run_is_asked_and_what_it_does_is_shown(panel: TrainPanel, qtbot, tmp_path: Path) -> None:
    run = a_run(tmp_path / "one")
    panel.add_run(run)
    assert panel.state.text() == "training, step 3 of 10\nbest cpm 0.500 at step 3"
    assert not panel.resume_button.isEnabled()
    panel.pause_button.click()
    assert run_folder.asked(run) == "pause"
    write_status(run, replace(look_at(run).status, state="paused"))
    panel.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: panel.state.text().startswith("paused"))  # the panel looks by itself
    assert not panel.pause_button.isEnabled()
    panel.resume_button.click()
    assert run_folder.asked(run) is None
    panel.stop_button.click()
    assert run_folder.asked(run) == "stop"
    write_status(run, replace(look_at(run).status, state="failed", what="The disk is full."))
    qtbot.waitUntil(lambda: "failed" in panel.state.text())
    assert "The disk is full." in panel.state.text()
    assert not panel.stop_button.isEnabled()


def test_runs_are_drawn_beside_each_other(panel: TrainPanel, qtbot, tmp_path: Path) -> None:
    panel.add_run(a_run(tmp_path / "one"))
    panel.add_run(a_run(tmp_path / "two", losses=(4.0, 4.0)))
    panel.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: panel.curves._canvas is not None, timeout=30_000)
    loss = panel.curves._canvas.figure.axes[0]
    assert [list(line.get_ydata()) for line in loss.lines] == [[4.0, 4.0]]
    panel.list.item(1).setCheckState(panel.list.item(1).checkState().Checked)
    loss = panel.curves._canvas.figure.axes[0]
    assert [list(line.get_ydata()) for line in loss.lines] == [[4.0, 4.0], [3.0, 2.5, 2.0]]
    panel.forget_button.click()
    assert [panel.list.item(n).text() for n in range(panel.list.count())] == ["one"]
    assert (tmp_path / "two").is_dir()


def test_a_run_outlives_the_panel(panel: TrainPanel, qtbot, tmp_path: Path) -> None:
    config = write_project(tmp_path / "project", mine_every=0, steps=100_000, checkpoint_every=100_000)
    panel.config.line.setText(str(config))
    panel.out.line.setText(str(tmp_path / "run"))
    panel.start_button.click()
    panel.close()
    panel.deleteLater()
    try:
        qtbot.waitUntil(lambda: look_at(tmp_path / "run").status.step > 2, timeout=180_000)
    finally:
        os.kill(look_at(tmp_path / "run").status.process, signal.SIGKILL)
