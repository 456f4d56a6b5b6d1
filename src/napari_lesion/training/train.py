"""The training loop of ``nodule-3d``: exact resume after a kill, validations, hard negatives mined on the way.

Everything of a run lies in its folder: ``config.yaml`` (as used), ``checkpoint.pt``, ``run.json`` (where the model
comes from), ``progress.csv``, ``validation.csv``, ``progress.png``, ``hard_negatives.csv``, and, once it is done,
``validation/`` (its FROC) and ``model/`` (a model pack).
"""

from __future__ import annotations

import math
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from napari_lesion.evaluation.froc import FP_RATES, Evaluation
from napari_lesion.imaging.inference import choose_device
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.training import checkpoint
from napari_lesion.training.config import TrainingConfig, read_config
from napari_lesion.training.data import Batch
from napari_lesion.training.export import MODEL, export
from napari_lesion.training.log import Board, Log, draw_curves
from napari_lesion.training.loss import Losses, nodule_loss
from napari_lesion.training.optimiser import learning_rate
from napari_lesion.training.ranks import Ranks, joined, local_device
from napari_lesion.training.record import Record
from napari_lesion.training.scans import load_backgrounds
from napari_lesion.training.search import HardNegative, mine, read_hard, write_hard
from napari_lesion.training.split import Split, make_split
from napari_lesion.training.state import State, start
from napari_lesion.training.validation import ValidationScan, load_validation, score

__all__ = ["run", "start", "take_step"]

MEASURE = "cpm"
"""What the validations choose by."""
_BOOTSTRAPS = 1000
_FIELDS = ("step", "loss", "heat", "size", "offset", "learning_rate", "nodules", "seconds")


def take_step(state: State) -> dict[str, float]:
    """One step of the optimiser; returns what goes into ``progress.csv``.

    Raises
    ------
    ConfigError
        If the loss is no number any more.
    """
    begun = time.perf_counter()
    config, learner = state.config, state.learner
    batch = _on(state.ahead.take(further=not _mines_after(config, learner.step + 1)), learner.device)
    rate = learning_rate(learner.step, config.steps, config.optimiser, state.verdict.cuts)
    losses: list[Losses] = []

    def loss(network: nn.Module) -> Tensor:
        losses.append(nodule_loss(network(batch.image), batch, config.loss))
        return losses[0].total

    if not learner.learn(loss, rate):
        raise ConfigError(
            f"The loss is no number any more at step {learner.step}. Lower optimiser.learning_rate and resume."
        )
    parts = losses[0]
    values = [float(v.detach()) for v in (parts.total, parts.heat, parts.size, parts.offset)]
    numbers = (learner.step, *values, rate, batch.nodules, time.perf_counter() - begun)
    return dict(zip(_FIELDS, numbers, strict=True))


def _on(batch: Batch, device: torch.device) -> Batch:
    """Bring a batch to a device, the image in the layout of the network."""
    layout = torch.contiguous_format if device.type == "mps" else torch.channels_last_3d
    moved = {f.name: getattr(batch, f.name).to(device) for f in fields(batch) if f.name != "nodules"}
    return replace(batch, **{**moved, "image": moved["image"].contiguous(memory_format=layout)})


def _mines_after(config: TrainingConfig, step: int) -> bool:
    return config.mine_every > 0 and step % config.mine_every == 0 and step < config.steps


def _validates_after(config: TrainingConfig, step: int) -> bool:
    return step == config.steps or (config.validation is not None and step % config.validation.every == 0)


def run(
    config_path: Path,
    out: Path,
    *,
    resume: bool = False,
    fold: int | None = None,
    folds: int | None = None,
    progress: Progress = silent,
) -> Path:
    """Train from a configuration into a folder; returns the folder of the finished model pack.

    A run that was stopped goes on with ``resume`` as if it had not been. Started by ``torchrun``, all its processes
    train one network; the first one writes.

    Parameters
    ----------
    config_path, out : Path
    resume : bool
    fold, folds : int, optional
        Part of a cross-validation that is judged by, from 0, and how many there are.
    progress : Progress

    Raises
    ------
    ConfigError
        If the configuration is wrong, the folder holds another run, or there is nothing to resume.
    """
    config = read_config(config_path)
    device = local_device(choose_device(config.device))
    with joined(device) as ranks:
        return _run(
            config, out, device, ranks, resume, (fold, folds or config.folds), progress if ranks.first else silent
        )


def _run(
    config: TrainingConfig,
    out: Path,
    device: torch.device,
    ranks: Ranks,
    resume: bool,
    part: tuple[int | None, int | None],
    progress: Progress,
) -> Path:
    path = checkpoint.place(out, resume=resume)
    split = make_split(config, *part)
    scans = _scans_to_judge_by(config, split, progress)
    backgrounds = load_backgrounds(
        config,
        progress,
        series=split.train.series,
        annotated=split.train.annotated,
        pitch_mm=config.spacing_mm,
    )
    state = start(config, split, backgrounds, device=device, ranks=ranks, weights=not resume)
    if resume:
        state.load(path)
        state.hard = read_hard(out, state.learner.step)
    books = _Books(state, split, out, resumed=resume) if ranks.first else None
    try:
        if not resume:
            if config.start_from and config.mine_every:
                _mine(state, progress)
            _keep(state, books, out)
        while not state.done:
            _advance(state, scans, books, out, progress)
    finally:
        state.ahead.close()
        if books:
            books.close()
    return _finish(state, scans, split, books, out, progress)


class _Books:
    """What the first process writes down while the run goes on."""

    def __init__(self, state: State, split: Split, out: Path, *, resumed: bool) -> None:
        config, step = state.config, state.learner.step
        out.mkdir(parents=True, exist_ok=True)
        with whole_file(out / "config.yaml") as new:
            new.write_text(yaml.safe_dump(config.model_dump(mode="json")), encoding="utf-8")
        self._out = out
        self.steps, self.validations = Log(out / "progress.csv", step), Log(out / "validation.csv", step)
        self.record = Record(config, split, out, state.learner, resumed=resumed)
        self._board = Board(out / "tensorboard", step) if config.tensorboard else None

    @property
    def rate(self) -> float | None:
        """Learning rate of the last step, None before the first."""
        return self.steps.rows[-1]["learning_rate"] if self.steps.rows else None

    def note(self, log: Log, row: dict[str, float]) -> None:
        """Add a row to a table, and to TensorBoard."""
        log.add(row)
        if self._board:
            self._board.add(log.path.stem, row)

    def write(self, state: State) -> None:
        """Write tables, curves and record."""
        self.steps.write()
        self.validations.write()
        write_hard(self._out, state.hard)
        self.record.update(state.learner.step, self.rate)
        if self.steps.rows:
            draw_curves(self._out / "progress.png", self.steps.rows, self.validations.rows, MEASURE)

    def close(self) -> None:
        """Close what is open."""
        if self._board:
            self._board.close()


def _advance(state: State, scans: list[ValidationScan], books: _Books | None, out: Path, progress: Progress) -> None:
    """One step, and what is due after it."""
    row = take_step(state)
    step = state.learner.step
    if books:
        books.note(books.steps, row)
        progress(step, state.config.steps, f"training, loss {books.steps.recent('loss'):.3f}")
    if _mines_after(state.config, step):
        _mine(state, progress)
    if scans and _validates_after(state.config, step):
        row = _validate(state, scans, progress)
        if books:
            books.note(books.validations, row)
    if step % state.config.checkpoint_every == 0 or state.done:
        _keep(state, books, out)


def _keep(state: State, books: _Books | None, out: Path) -> None:
    """Write all down, the checkpoint last: rows that it does not know of are dropped when the run goes on from it."""
    if books:
        books.write(state)
    state.save(out / checkpoint.FILE_NAME)


def _mine(state: State, progress: Progress) -> None:
    """Search the backgrounds for hard negatives, shared among the processes."""
    learner = state.learner
    progress(learner.step, state.config.steps, "searching hard negatives")
    learner.ranks.agree(learner.average)
    backgrounds = state.sampler.backgrounds
    found = learner.ranks.shared(backgrounds, lambda one: mine(learner.average, one, str(learner.device)))
    for background, (points, scores) in zip(backgrounds, found, strict=True):
        state.sampler.hard[background.name] = points
        for (k, j, i), value in zip(points.tolist(), scores.tolist(), strict=True):
            state.hard.append(HardNegative(learner.step, background.name, (k, j, i), value))


def _validate(state: State, scans: list[ValidationScan], progress: Progress) -> dict[str, float]:
    """Score the average on the validation scans; returns what goes into ``validation.csv``."""
    learner = state.learner
    progress(learner.step, state.config.steps, "validating")
    learner.ranks.agree(learner.average)
    curve = score(learner.average, scans, device=str(learner.device), ranks=learner.ranks).overall
    state.verdict.hear(curve.cpm, learner.step, learner.average)
    rates = {f"sensitivity_at_{rate:g}": value for rate, value in zip(FP_RATES, curve.at_rates, strict=True)}
    return {"step": learner.step, MEASURE: curve.cpm, **rates, "best_step": state.verdict.step}


def _finish(
    state: State, scans: list[ValidationScan], split: Split, books: _Books | None, out: Path, progress: Progress
) -> Path:
    """Score the weights that are kept, with intervals, and write the model."""
    learner, verdict = state.learner, state.verdict
    chosen = verdict.step if verdict.weights else learner.step
    if verdict.weights:
        learner.average.load_state_dict(verdict.weights)
    evaluation = None
    if scans:
        progress(learner.step, state.config.steps, "validating the model")
        evaluation = score(
            learner.average, scans, device=str(learner.device), ranks=learner.ranks, bootstraps=_BOOTSTRAPS
        )
    if books:
        result = {
            "steps": learner.step,
            "stopped_early": learner.step < state.config.steps,
            "loss": books.steps.recent("loss"),
            "weights": f"average at step {chosen}" + (", the best validation" if verdict.weights else ""),
            "validation": _summary(evaluation) if evaluation else None,
        }
        books.record.update(learner.step, books.rate, result)
        export(state.config, learner.average, split, books.record.content, evaluation, out)
    learner.ranks.wait()
    return out / MODEL


def _summary(evaluation: Evaluation) -> dict[str, Any]:
    curve = evaluation.overall
    return {
        "scans": curve.scans,
        "nodules": curve.nodules,
        "cpm": curve.cpm,
        "cpm_interval_95": None if math.isnan(curve.cpm_interval[0]) else list(curve.cpm_interval),
        "fp_per_scan": list(FP_RATES),
        "sensitivity": list(curve.at_rates),
    }


def _scans_to_judge_by(config: TrainingConfig, split: Split, progress: Progress) -> list[ValidationScan]:
    if config.validation is None and split.fold is None:
        return []
    if not (split.validation.series or split.validation.annotated):
        raise ConfigError(
            "The configuration has a section validation, but no series to validate on. Name some in data.validation, "
            "or train a fold of a cross-validation (--fold)."
        )
    scans = load_validation(config, split.validation, progress)
    if not any(scan.truth for scan in scans):
        raise ConfigError("The scans for validation hold no nodules, so there is no sensitivity to measure.")
    return scans
