"""The one training loop: exact resume after a kill, average of the weights, early stopping, best weights, records.

Everything of a run lies in its folder: ``config.yaml`` (as used), ``checkpoint.pt``, ``run.json`` (where the model
comes from), ``progress.csv``, ``validation.csv``, ``progress.png``, what the recipe adds, and, once it is done,
``model/`` (a model package).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import torch
from torch import Tensor, nn

from napari_lesion.support.errors import Cancelled, ConfigFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training.engine import checkpoint, run_folder
from napari_lesion.training.engine.early_stopping import EarlyStopping
from napari_lesion.training.engine.optimiser import learning_rate
from napari_lesion.training.engine.prefetch import Prefetcher
from napari_lesion.training.engine.ranks import ALONE, Ranks
from napari_lesion.training.engine.recipe import Batch, Recipe, Result
from napari_lesion.training.engine.run_logger import RunLogger
from napari_lesion.training.engine.trainer_state import TrainerState, make_trainer

_LOOK_EVERY_S = 0.3
"""While a run pauses."""


@dataclass
class Run(Generic[Batch, Result]):
    """All that changes during a run; a checkpoint holds exactly this."""

    recipe: Recipe[Batch, Result]
    trainer: TrainerState
    stopping: EarlyStopping
    batches: Prefetcher[Batch]

    @property
    def done(self) -> bool:
        """Whether no step is left to take."""
        return self.trainer.step >= self.recipe.config.steps or self.stopping.stops

    def save(self, path: Path) -> None:
        """Write a checkpoint; to be called by all processes, of which the first one writes."""
        ranks = self.trainer.ranks
        own = ranks.gathered({"sampler": self.batches.state, "torch": checkpoint.randomness()})
        if ranks.first:
            content = {
                "learner": self.trainer.state(),
                "verdict": self.stopping.state(),
                **self.recipe.state(),
                "ranks": own,
            }
            checkpoint.save(path, content)
        ranks.wait()

    def load(self, path: Path) -> None:
        """Go back to a checkpoint, also one of an earlier version.

        Raises
        ------
        ConfigFileError
            If it is damaged, or of another number of processes.
        """
        content = checkpoint.load(path)
        each, ranks = _ranks_in(content), self.trainer.ranks
        if len(each) != ranks.size:
            raise ConfigFileError(
                f"The run in {path.parent} was made by {len(each)} processes, and goes on with as many only, not with "
                f"{ranks.size}."
            )
        self.trainer.restore(content["learner"])
        self.stopping.restore(content["verdict"])
        self.recipe.restore(content, path.parent, self.trainer.step)
        self.batches.restore(each[ranks.rank]["sampler"])
        checkpoint.restore_randomness(each[ranks.rank]["torch"])


def _ranks_in(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the state of each process; all but detectors had one process, and other names, before there was one loop."""
    if "ranks" in content:
        ranks: list[dict[str, Any]] = content["ranks"]
        return ranks
    return [{"sampler": content.get("batches", content.get("crops")), "torch": content["torch"]}]


def begin(
    recipe: Recipe[Batch, Result],
    device: torch.device | str = "cpu",
    ranks: Ranks = ALONE,
    *,
    start: bool = True,
) -> Run[Batch, Result]:
    """Make a run at step 0: the same network in every process, and its own batches in each.

    Parameters
    ----------
    recipe : Recipe
    device : torch.device or str
    ranks : Ranks
    start : bool
        Read the weights that the recipe starts from; a run that goes on has its own.

    Raises
    ------
    ConfigFileError
        If the weights to start from belong to another network.
    """
    config, where = recipe.config, torch.device(device)
    torch.manual_seed(config.seed)
    network = recipe.network(where, start=start)
    if not ranks.first:
        torch.manual_seed(config.seed + ranks.rank)  # its own dropout
    plateau = config.optimiser.schedule == "plateau"
    return Run(
        recipe=recipe,
        trainer=make_trainer(network, config.optimiser, device=where, precision=config.precision, ranks=ranks),
        stopping=EarlyStopping(
            patience=config.validation.patience if config.validation else 0,
            plateau_patience=config.optimiser.plateau_patience if plateau else 0,
        ),
        batches=Prefetcher(recipe.batches),
    )


def take_step(run: Run[Batch, Result]) -> dict[str, float]:
    """One step of the optimiser; returns what goes into ``progress.csv``.

    Raises
    ------
    ConfigFileError
        If the loss is no number any more.
    """
    begun = time.perf_counter()
    recipe, trainer = run.recipe, run.trainer
    batch = run.batches.take(further=not recipe.changes_data_after(trainer.step + 1))
    batch = recipe.moved(batch, trainer.device)
    rate = learning_rate(trainer.step, recipe.config.steps, recipe.config.optimiser, run.stopping.cuts)
    values: dict[str, float] = {}

    def loss(network: nn.Module) -> Tensor:
        total, parts = recipe.loss(network, batch)
        values["loss"] = float(total.detach())
        values.update({name: float(torch.as_tensor(part).detach()) for name, part in parts.items()})
        return total

    if not trainer.learn(loss, rate):
        raise ConfigFileError(
            f"The loss is no number any more at step {trainer.step}. Lower optimiser.learning_rate and resume."
        )
    return {"step": trainer.step, **values, "learning_rate": rate, "seconds": time.perf_counter() - begun}


def fit(
    recipe: Recipe[Batch, Result],
    out: Path,
    *,
    device: torch.device | str = "cpu",
    ranks: Ranks = ALONE,
    resume: bool = False,
    progress: Progress = silent,
) -> Path:
    """Train a network into a folder; returns the folder of the finished model package.

    A run that was stopped goes on with ``resume`` as if it had not been. The weights that are exported are the average
    at the best validation, or at the last step where nothing was validated.

    Parameters
    ----------
    recipe : Recipe
    out : Path
    device : torch.device or str
    ranks : Ranks
        The processes that train together.
    resume : bool
    progress : Progress

    Raises
    ------
    ConfigFileError
        If the folder holds another run, there is nothing to resume, or the loss is no number any more.
    Cancelled
        If ``progress`` raised it, or the run was asked to stop; it goes on from its last checkpoint.
    """
    path = run_folder.place(out, resume=resume)
    run = begin(recipe, device, ranks, start=not resume)
    logger = None
    try:
        if resume:
            run.load(path)
        logger = RunLogger(recipe, run.trainer, out, resumed=resume) if ranks.first else None
        if not resume:
            recipe.prepare(run.trainer, progress)
            _keep(run, logger, path)
        while not run.done:
            _advance(run, logger, path, progress)
            _heed(run, logger, path, progress)
    finally:
        run.batches.close()
        if logger:
            logger.close()
    return _finish(run, logger, out, progress)


def _advance(run: Run[Batch, Result], logger: RunLogger | None, path: Path, progress: Progress) -> None:
    """One step, and what is due after it."""
    recipe, trainer = run.recipe, run.trainer
    row = take_step(run)
    if logger:
        logger.note(logger.steps, row)
        progress(trainer.step, recipe.config.steps, f"{run_folder.TRAINING} {logger.steps.recent('loss'):.3f}")
    if recipe.changes_data_after(trainer.step):
        recipe.change_data(trainer, progress)
    if recipe.validates_after(trainer.step):
        progress(trainer.step, recipe.config.steps, "validating")
        trainer.ranks.agree(trainer.average)
        row = recipe.validate(trainer)
        run.stopping.update(row[recipe.measure], trainer.step, trainer.average)
        if logger:
            logger.note(logger.validations, {"step": trainer.step, **row, "best_step": run.stopping.step})
    if trainer.step % recipe.config.checkpoint_every == 0 or run.done:
        _keep(run, logger, path)
    elif logger:
        logger.write_now_and_then()


def _heed(run: Run[Batch, Result], logger: RunLogger | None, path: Path, progress: Progress) -> None:
    """Pause or stop where that was asked for; all processes of a run do, as the first one reads."""
    trainer, kept = run.trainer, False
    while not run.done:
        request = run_folder.asked(path.parent) if trainer.ranks.first else None
        if trainer.ranks.all(torch.tensor(request is None, device=trainer.device)):
            return
        stops = not trainer.ranks.all(torch.tensor(request != "stop", device=trainer.device))
        if not kept:
            _keep(run, logger, path)
            kept = True
        if stops:
            if trainer.ranks.first:
                run_folder.withdraw(path.parent)
            raise Cancelled(f"stopped at step {trainer.step}, as was asked for")
        progress(trainer.step, run.recipe.config.steps, run_folder.PAUSED)
        time.sleep(_LOOK_EVERY_S)


def _keep(run: Run[Batch, Result], logger: RunLogger | None, path: Path) -> None:
    """Write all down, the checkpoint last: rows that it does not know of are dropped when the run goes on from it."""
    if logger:
        logger.write(run.trainer)
        run.recipe.write(path.parent)
    run.save(path)


def _finish(run: Run[Batch, Result], logger: RunLogger | None, out: Path, progress: Progress) -> Path:
    """Measure the weights that are kept, and write the model."""
    recipe, trainer, stopping = run.recipe, run.trainer, run.stopping
    network = trainer.average
    if stopping.weights:
        network.load_state_dict(stopping.weights)
    progress(trainer.step, recipe.config.steps, "validating the model")
    result = recipe.evaluate(network, trainer.device, trainer.ranks, progress)
    folder = out / "model"
    if logger:
        step = stopping.step if stopping.weights else trainer.step
        logger.finish(
            trainer,
            {
                "steps": trainer.step,
                "stopped_early": trainer.step < recipe.config.steps,
                "loss": logger.steps.recent("loss"),
                "weights": f"average at step {step}" + (", the best validation" if stopping.weights else ""),
                "weights_of_step": step,
                **recipe.summary(result),
            },
        )
        folder = recipe.export(network, result, logger.record.content, out)
    trainer.ranks.wait()
    return folder
