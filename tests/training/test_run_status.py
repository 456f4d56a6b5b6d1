"""A run seen from outside: how far it is, what is asked of it, and what it gets wrong."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from training_scan import write_project
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.cli.train_watch import curve, lines_of
from napari_lesion.evaluation.froc import Mark, ScoredPoint
from napari_lesion.models.packages import find_package
from napari_lesion.support.errors import Cancelled, ConfigError, OptionError
from napari_lesion.training.engine import run_folder
from napari_lesion.training.recipes.detector_validation import ValidationScan, score
from napari_lesion.training.recipes.mistakes import draw_mistakes, mistakes_of
from napari_lesion.training.run_status import STATUS_FILE, RunStatus, look_at, own_status, start, write_status
from napari_lesion.training.train import train


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


def test_a_run_that_was_paused_and_stopped_learns_the_same(config: Path, tmp_path: Path) -> None:
    whole = find_package(train(config, tmp_path / "whole"))
    out, said = tmp_path / "parts", []

    def ask(done: int, total: int, what: str) -> None:
        state = look_at(out).status.state if (out / STATUS_FILE).exists() else "nothing"
        said.append((done, what.split(",")[0], state))
        if what.startswith(run_folder.TRAINING) and done in (2, 4):
            run_folder.ask(out, "pause" if done == 2 else "stop")
        if what == run_folder.PAUSED:
            run_folder.withdraw(out)

    with pytest.raises(Cancelled, match="stopped at step 4"):
        train(config, out, progress=ask)
    assert (2, "paused", "training") in said  # the status is written after it was told
    stopped = look_at(out)
    assert (stopped.status.state, stopped.status.step, stopped.status.steps, stopped.alive) == ("stopped", 4, 6, False)
    assert [row["step"] for row in stopped.steps] == [1, 2, 3, 4]
    assert run_folder.asked(out) is None
    parts = find_package(train(config, out, resume=True))
    assert parts.metadata.sha256 == whole.metadata.sha256
    done = look_at(out)
    assert (done.status.state, done.status.step, done.model) == ("done", 6, out / "model")


def test_a_run_goes_on_by_itself_and_is_seen_to_pause_and_to_die(config: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.yaml"
    content = yaml.safe_load(config.read_text())
    long.write_text(yaml.safe_dump({**content, "steps": 100_000, "mine_every": 0, "checkpoint_every": 100_000}))
    for name in ("nodules", "train", "test"):
        (tmp_path / name).symlink_to(config.parent / name)
    out = tmp_path / "run"
    start(long, out)
    try:
        assert look_at(out).alive
        with pytest.raises(OptionError, match="is going on"):
            start(long, out)
        until(lambda: look_at(out).status.step > 1 and len(look_at(out).steps) > 1, out)
        run_folder.ask(out, "pause")
        until(lambda: look_at(out).status.state == "paused", out)
        step = look_at(out).status.step
        assert "paused, " in lines_of(look_at(out))[0]
        time.sleep(1)
        assert look_at(out).status.step == step
        run_folder.withdraw(out)
        until(lambda: look_at(out).status.step > step, out)
    finally:
        os.kill(look_at(out).status.process, signal.SIGKILL)
    until(lambda: look_at(out).status.state == "interrupted", out)
    assert not look_at(out).alive
    result = CliRunner().invoke(app, ["train", "--pause", "-o", str(out)])
    assert "interrupted" in str(result.exception)


def until(true: Callable[[], bool], out: Path) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, (look_at(out).status, (out / "train.log").read_text()[-2000:])
        time.sleep(0.05)


def test_a_run_that_cannot_begin_says_why_in_its_folder(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("id: tiny\nsteps: none\n")
    start(wrong, tmp_path / "run")
    until(lambda: look_at(tmp_path / "run").status.state == "failed", tmp_path / "run")
    assert "wrong.yaml" in look_at(tmp_path / "run").status.what
    result = CliRunner().invoke(app, ["train", "--watch", "-o", str(tmp_path / "run")])
    assert "wrong.yaml" in str(result.exception)


def test_a_refused_run_leaves_the_words_of_the_one_that_is_there(config: Path, tmp_path: Path) -> None:
    train(config, tmp_path / "run")
    with pytest.raises(ConfigError, match="already holds a run"):
        train(config, tmp_path / "run")
    assert look_at(tmp_path / "run").status.state == "done"


def test_another_process_with_the_same_number_is_not_the_run(tmp_path: Path) -> None:
    write_status(tmp_path, replace(own_status(), state="training", step=3, steps=9))
    assert look_at(tmp_path).alive
    write_status(tmp_path, replace(own_status(), state="training", begun=own_status().begun - 100))
    assert look_at(tmp_path).status.state == "interrupted"
    write_status(tmp_path, replace(own_status(), state="training", host="another computer"))
    assert look_at(tmp_path).alive  # nobody can tell from here


def test_a_folder_of_no_run_and_a_damaged_one_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder of a training run"):
        look_at(tmp_path)
    (tmp_path / STATUS_FILE).write_text("{")
    assert look_at(tmp_path).status == RunStatus("unknown")
    (tmp_path / "progress.csv").write_text("step,loss\nx,1\n")
    with pytest.raises(ConfigError, match=r"progress\.csv"):
        look_at(tmp_path)


def test_the_curve_in_a_terminal_rises_and_falls_as_the_values_do() -> None:
    assert curve([1, 2, 3]) == "▁▅█"
    assert curve([2.0] * 500) == "▁" * 60


def test_mistakes_are_what_is_missed_and_what_is_found_wrongly(tmp_path: Path) -> None:
    hu = np.full((40, 60, 60), -850, np.int16)
    hu[20, 30, 30] = 300
    affine = np.array([[0, 0, 1.0, -30], [0, 1.0, 0, -30], [1.0, 0, 0, -20], [0, 0, 0, 1]])
    there, hidden = Mark("1", (0.0, 0.0, 0.0), 8.0), Mark("1", (20.0, 0.0, 0.0), 5.0)
    everywhere = np.ones(hu.shape, bool)
    scan = ValidationScan("1", hu, everywhere, ~everywhere, affine, (there, hidden), ())
    points = {"1": (ScoredPoint((0.5, 0, 0), 0.9), ScoredPoint((-20, 0, 0), 0.7), ScoredPoint((-25, 9, 0), 0.1))}
    missed, false = mistakes_of([scan], points, score([scan], points))
    assert (missed.kind, missed.center_mm, missed.score) == ("missed", (20.0, 0.0, 0.0), None)
    assert (false.kind, false.center_mm, false.score) == ("false", (-20, 0, 0), 0.7)
    draw_mistakes(tmp_path / "mistakes.png", (missed, false), [scan], step=7)
    assert (tmp_path / "mistakes.png").stat().st_size > 1000
    from napari_lesion.training.recipes.mistakes import _plane

    plane = _plane(scan, (0.0, 0.0, 0.0))
    assert plane.shape == (41, 41)
    assert plane[20, 20] == 300
    assert _plane(scan, (-29.0, 0.0, 0.0))[20, 0] == -1000  # beyond the scan
