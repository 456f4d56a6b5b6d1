"""What the first process of a run writes down while it goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from napari_lesion.support.atomic import whole_file
from napari_lesion.training.engine.log import Log, TensorBoardLogger, draw_curves
from napari_lesion.training.engine.recipe import Recipe
from napari_lesion.training.engine.record import Record
from napari_lesion.training.engine.trainer_state import TrainerState

_EVERY_S = 3.0


class RunLogger:
    """Tables, curves, TensorBoard's files where asked for, and the record of a run."""

    def __init__(self, recipe: Recipe[Any, Any], trainer: TrainerState, out: Path, *, resumed: bool) -> None:
        config, step = recipe.config, trainer.step
        out.mkdir(parents=True, exist_ok=True)
        with whole_file(out / "config.yaml") as new:
            new.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
        self._out, self._measure = out, recipe.measure
        self.steps, self.validations = Log(out / "progress.csv", step), Log(out / "validation.csv", step)
        self.record = Record(recipe, out, trainer, resumed=resumed)
        self._due = 0.0
        self._board = TensorBoardLogger(out / "tensorboard", step) if config.tensorboard else None

    @property
    def rate(self) -> float | None:
        """Learning rate of the last step, None before the first."""
        return self.steps.rows[-1]["learning_rate"] if self.steps.rows else None

    def note(self, log: Log, row: dict[str, float]) -> None:
        """Add a row to a table, and to TensorBoard."""
        log.add(row)
        if self._board:
            self._board.add(log.path.stem, row)

    def write_now_and_then(self) -> None:
        """Write the tables between two checkpoints, for who watches; it takes a hundredth of the time at most."""
        begun = time.monotonic()
        if begun >= self._due:
            self.steps.write()
            self.validations.write()
            self._due = time.monotonic() + max(_EVERY_S, 100 * (time.monotonic() - begun))

    def write(self, trainer: TrainerState) -> None:
        """Write tables, curves and record."""
        self.steps.write()
        self.validations.write()
        self.record.update(trainer.step, self.rate)
        if self.steps.rows:
            draw_curves(self._out / "progress.png", self.steps.rows, self.validations.rows, self._measure)

    def finish(self, trainer: TrainerState, result: dict[str, Any]) -> None:
        """Write what came of the run."""
        self.record.update(trainer.step, self.rate, result)

    def close(self) -> None:
        """Close what is open."""
        if self._board:
            self._board.close()
