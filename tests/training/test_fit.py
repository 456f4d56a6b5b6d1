"""The one training loop, on a network that learns a line: what holds for every recipe."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_lesion.support.errors import Cancelled, ConfigError
from napari_lesion.training.config.options import OptimiserConfig, RunConfig, ValidationConfig
from napari_lesion.training.engine import checkpoint, run_folder
from napari_lesion.training.engine.card import card
from napari_lesion.training.engine.fit import fit
from napari_lesion.training.engine.ranks import Ranks
from napari_lesion.training.engine.recipe import Recipe, SeededBatches
from napari_lesion.training.engine.trainer_state import TrainerState
from napari_lesion.training.recipes.detector import DetectorRecipe
from napari_lesion.training.recipes.looks import LooksRecipe
from napari_lesion.training.recipes.patches import PatchRecipe
from napari_lesion.training.recipes.segmenter import SegmentRecipe


class Points(SeededBatches[tuple[Tensor, Tensor]]):
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def draw(self) -> tuple[Tensor, Tensor]:
        x = torch.from_numpy(self.rng.normal(size=(8, 1)).astype(np.float32))
        return x, 2 * x


class Line(Recipe[tuple[Tensor, Tensor], float]):
    """Learns to double its input; the validations are made up."""

    measure = "quality"

    def __init__(self, values: Sequence[float] = (), **changes: Any) -> None:
        options = {"validation": {"every": 2}, "checkpoint_every": 3, "dropout": 0.5} | changes
        optimiser = {"learning_rate": 0.05, "warmup_steps": 0} | options.pop("optimiser", {})
        self.config = RunConfig(id="line", version="1", steps=12, batch_size=8, optimiser=optimiser, **options)
        self.batches = Points(self.config.seed)
        self.values = dict(zip(range(2, 100, 2), values, strict=False))
        self.seen: dict[int, Tensor] = {}
        self.exported: dict[str, Any] = {}

    def network(self, device: torch.device, *, start: bool) -> nn.Module:
        return nn.Sequential(nn.Linear(1, 8), nn.Dropout(self.config.dropout), nn.Linear(8, 1))

    def moved(self, batch: tuple[Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
        return batch

    def loss(self, network: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        x, y = batch
        error = network(x) - y
        return error.square().mean(), {"worst": error.detach().abs().max()}

    def validate(self, state: TrainerState) -> dict[str, float]:
        self.seen[state.step] = state.average[0].weight.clone()
        return {self.measure: self.values.get(state.step, state.step / 100)}

    def evaluate(self, network: nn.Module, device: torch.device, ranks: Ranks, progress: Any) -> float:
        return 0.5

    def summary(self, result: float) -> Mapping[str, Any]:
        return {"threshold": result}

    def export(self, network: nn.Module, result: float, record: Mapping[str, Any], out: Path) -> Path:
        self.exported = {"weight": network[0].weight.clone(), "record": record, "threshold": result}
        (out / "model").mkdir(exist_ok=True)
        return out / "model"

    def inputs(self) -> Sequence[Path]:
        return ()


def stop_at(step: int) -> Any:
    def progress(done: int, total: int, what: str) -> None:
        if done == step and what.startswith("training"):
            raise Cancelled

    return progress


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return [{name: cell for name, cell in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def test_all_networks_are_trained_by_this_loop() -> None:
    assert all(issubclass(one, Recipe) for one in (DetectorRecipe, PatchRecipe, SegmentRecipe, LooksRecipe))


@pytest.mark.parametrize("step", [1, 3, 8])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path, step: int) -> None:
    whole, parts = Line(), Line()
    fit(whole, tmp_path / "whole")
    with pytest.raises(Cancelled):
        fit(Line(), tmp_path / "parts", progress=stop_at(step))
    with pytest.raises(ConfigError, match="already holds a run"):
        fit(Line(), tmp_path / "parts")
    fit(parts, tmp_path / "parts", resume=True)
    assert torch.equal(parts.exported["weight"], whole.exported["weight"])
    for name in ("progress.csv", "validation.csv"):
        assert table(tmp_path / "parts" / name) == table(tmp_path / "whole" / name)
    assert len(json.loads((tmp_path / "parts" / "run.json").read_text())["sessions"]) == 2


def test_the_best_average_is_exported_and_the_run_stops_early(tmp_path: Path) -> None:
    recipe = Line((0.2, 0.7, math.nan, 0.6, 0.5), validation={"every": 2, "patience": 3})
    fit(recipe, tmp_path)
    assert torch.equal(recipe.exported["weight"], recipe.seen[4])
    assert not torch.equal(recipe.exported["weight"], recipe.seen[10])
    result = recipe.exported["record"]["result"]
    assert (result["steps"], result["stopped_early"], result["weights_of_step"]) == (10, True, 4)
    assert result["weights"] == "average at step 4, the best validation"
    assert result["threshold"] == 0.5
    assert json.loads((tmp_path / "run.json").read_text()) == recipe.exported["record"]


def test_without_validations_the_last_average_is_exported(tmp_path: Path) -> None:
    recipe = Line(validation=None)
    recipe.validates_after = lambda step: False  # type: ignore[method-assign]
    fit(recipe, tmp_path)
    network = recipe.network(torch.device("cpu"), start=True)
    network.load_state_dict(checkpoint.load(tmp_path / run_folder.CHECKPOINT)["learner"]["average"])
    assert torch.equal(recipe.exported["weight"], network[0].weight)
    assert recipe.exported["record"]["result"]["weights"] == "average at step 12"


def test_a_plateau_cuts_the_rate_of_every_network(tmp_path: Path) -> None:
    optimiser = {"schedule": "plateau", "plateau_patience": 2, "factor": 0.5}
    fit(Line((0.5, 0.4, 0.3, 0.2, 0.1, 0.0), optimiser=optimiser), tmp_path)
    rates = [float(row["learning_rate"]) for row in table(tmp_path / "progress.csv")]
    assert rates == [0.05] * 6 + [0.025] * 4 + [0.0125] * 2


def test_a_loss_that_is_no_number_ends_the_run_with_what_to_do(tmp_path: Path) -> None:
    recipe = Line()
    recipe.loss = lambda network, batch: (network(batch[0]).sum() * math.nan, {})  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match=r"Lower optimiser\.learning_rate and resume"):
        fit(recipe, tmp_path)


@pytest.mark.parametrize("name", ["batches", "crops"])
def test_a_run_of_the_version_before_goes_on(tmp_path: Path, name: str) -> None:
    """Each network but the detector had a loop, and names in its checkpoint, of its own."""
    whole, parts = Line(), Line()
    fit(whole, tmp_path / "whole")
    with pytest.raises(Cancelled):
        fit(Line(), tmp_path / "parts", progress=stop_at(7))
    path = tmp_path / "parts" / run_folder.CHECKPOINT
    content = checkpoint.load(path)
    (own,) = content.pop("ranks")
    checkpoint.save(path, {**content, name: own["sampler"], "torch": own["torch"]})
    (tmp_path / "parts" / "run.json").unlink()
    rows = table(tmp_path / "parts" / "progress.csv")
    with (tmp_path / "parts" / "progress.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ("step", "loss", "learning_rate"), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    fit(parts, tmp_path / "parts", resume=True)
    assert torch.equal(parts.exported["weight"], whole.exported["weight"])
    assert [row["step"] for row in table(tmp_path / "parts" / "progress.csv")] == [str(n) for n in range(1, 13)]


def test_the_card_says_how_the_weights_came_about(tmp_path: Path) -> None:
    recipe = Line((0.2, 0.7), optimiser={"name": "adam", "schedule": "cosine"})
    fit(recipe, tmp_path)
    text = card(recipe.exported["record"], "8 points", "A line.", "Not evaluated yet.", "squares")
    for words in ("# line 1", "12 of 12; 8 points", "average at step 4, the best validation", "adam, weight decay"):
        assert words in text
    for words in ("0.05, cosine schedule", "squares; ", "dropout 0.5", "A line.", "Not evaluated yet."):
        assert words in text


def test_a_run_is_told_the_same_whatever_its_network() -> None:
    options = RunConfig(id="a", version="1", steps=1, batch_size=1)
    assert options.optimiser == OptimiserConfig()
    assert options.validation == ValidationConfig()
