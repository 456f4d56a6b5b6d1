"""A run that is killed goes on as if it had not been, and two processes train what the documents say they train."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from napari_lesion.models.packages import find_package, verify
from napari_lesion.training.engine import checkpoint, run_folder

DRIVER = Path(__file__).parents[1] / "helpers" / "training_driver.py"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform == "win32":
        pytest.skip("there is no SIGKILL and no fork on Windows")
    folder = tmp_path_factory.mktemp("runs")
    done = subprocess.run([sys.executable, DRIVER, folder], capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


def same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(v, other[k]) for k, v in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))  # type: ignore[arg-type]
    return one == other


def test_a_run_killed_again_and_again_ends_bit_for_bit_like_one_that_was_not(runs: Path) -> None:
    statuses = (runs / "statuses.txt").read_text().split()
    assert statuses == ["-9", "-9", "-9", "-9", "-9", "0"]
    whole, parts = runs / "whole", runs / "parts"
    assert verify(find_package(whole / "model")) == verify(find_package(parts / "model"))
    # Weights, average, optimiser, early stopping, cuts of the rate, mined places, and all randomness.
    assert same(checkpoint.load(whole / run_folder.CHECKPOINT), checkpoint.load(parts / run_folder.CHECKPOINT))
    for name in ("progress.csv", "validation.csv"):
        assert rows(whole / name) == rows(parts / name)
        assert rows(whole / name)
    assert (whole / "hard_negatives.csv").read_bytes() == (parts / "hard_negatives.csv").read_bytes()
    assert (parts / "progress.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_without_progress_stops_early_and_cuts_its_rate(runs: Path) -> None:
    record = json.loads((runs / "parts" / "run.json").read_text())
    validations = rows(runs / "parts" / "validation.csv")
    steps = rows(runs / "parts" / "progress.csv")
    best = float(validations[-1]["best_step"])
    assert float(validations[-1]["step"]) - best == 6  # three validations of two steps each
    assert record["result"]["stopped_early"]
    assert record["result"]["steps"] == len(steps) == float(validations[-1]["step"]) < 9
    assert f"step {best:.0f}, the best validation" in record["result"]["weights"]
    assert float(steps[-1]["learning_rate"]) < float(steps[2]["learning_rate"])
    assert [session["from_step"] for session in record["sessions"]] == [0, 0, 3, 3, 6, 6][: len(record["sessions"])]


def test_two_processes_take_the_mean_of_their_gradients(runs: Path) -> None:
    network = checkpoint.load(runs / "plain" / run_folder.CHECKPOINT)["learner"]["network"]
    expected = torch.load(runs / "documented.pt", weights_only=True)
    for name, tensor in expected.items():
        if "running" not in name:  # the last batch's statistics are those of the process
            assert torch.allclose(network[name].float(), tensor.float(), atol=1e-5), name


def test_two_processes_killed_and_resumed_end_like_those_that_were_not_and_only_the_first_writes(runs: Path) -> None:
    statuses = [int(s) for s in (runs / "two-statuses.txt").read_text().split()]
    assert statuses[:2] == [0, 0]
    assert statuses[2] != 0  # its neighbour was killed
    assert statuses[3] == -9
    assert statuses[4:6] == [0, 0]
    assert statuses[6] == 1  # one process alone does not go on with a run of two
    assert verify(find_package(runs / "two" / "model")) == verify(find_package(runs / "two-parts" / "model"))
    one, other = (checkpoint.load(runs / name / run_folder.CHECKPOINT)["ranks"] for name in ("two", "two-parts"))
    assert same(one, other)
    assert not same(one[0]["sampler"], one[1]["sampler"])
    assert not (runs / "second").exists()
    assert len(rows(runs / "two" / "progress.csv")) == 3
