"""How the network over visits is trained: `training.engine.fit` does the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from napari_lesion.support.errors import InputFileError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.timeline.course import OUTCOMES, SIMULATED, Course
from napari_lesion.timeline.model import Description, save_model
from napari_lesion.timeline.network import TimelineNet, calibrate, timeline_loss
from napari_lesion.timeline.sequences import Sequences, sequences_of
from napari_lesion.timeline.tables import Cohort, load_cohort
from napari_lesion.training.config.options import OptimiserConfig, RunConfig, ValidationConfig
from napari_lesion.training.engine.card import card
from napari_lesion.training.engine.fit import fit
from napari_lesion.training.engine.ranks import Ranks
from napari_lesion.training.engine.recipe import Recipe, SeededBatches
from napari_lesion.training.engine.trainer_state import TrainerState

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
_VALIDATE = 5
"""One person of so many is not learned from."""


class TimelineConfig(RunConfig):
    """What a run is told."""

    id: str = "timeline"
    version: str = "1.0.0"
    steps: int = Field(default=2000, gt=0)
    batch_size: int = Field(default=256, gt=0)
    dropout: float = 0.0
    """There is none: a few thousand weights."""
    checkpoint_every: int = Field(default=500, gt=0)
    width: int = Field(default=24, gt=0)
    optimiser: OptimiserConfig = OptimiserConfig(learning_rate=5e-3, ema=0.99)
    validation: ValidationConfig | None = ValidationConfig(every=100, patience=6)


@dataclass(frozen=True)
class Likelihood:
    """Mean logarithm of the likelihood of validation lesions, before and after calibrating."""

    before: float
    after: float


class LesionBatches(SeededBatches[Batch]):
    """Lesions drawn with replacement."""

    def __init__(self, lesions: Sequences, size: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._lesions, self._size = lesions, size

    def draw(self) -> Batch:
        """Draw the next batch."""
        return tensors(self._lesions[self.rng.integers(len(self._lesions.growing), size=self._size)])


def tensors(lesions: Sequences) -> Batch:
    """Give growing, context, event and at_risk as tensors."""
    growing, context, event, at_risk = map(
        torch.from_numpy, (lesions.growing, lesions.context, lesions.event, lesions.at_risk)
    )
    return growing, context, event, at_risk


class TimelineRecipe(Recipe[Batch, Likelihood]):
    """What is trained, on whom.

    Parameters
    ----------
    config : TimelineConfig
    folder : Path
        Of the cohort.
    cohort : Cohort
    """

    measure = "likelihood"
    config: TimelineConfig

    def __init__(self, config: TimelineConfig, folder: Path, cohort: Cohort) -> None:
        self.config, self._folder, self._cohort = config, folder, cohort
        train, tuning = divided(cohort.courses, config.seed)
        self._persons = len({one.person.id for one in train}), len({one.person.id for one in tuning})
        self._tuning = tensors(sequences_of(tuning))
        learn = sequences_of(train)
        self.batches = LesionBatches(learn, config.batch_size, config.seed)
        if not learn.event.any(axis=(0, 1, 3)).all():
            raise InputFileError(f"{folder}: has no lesion with {' or with '.join(OUTCOMES)} to learn from.")

    def network(self, device: torch.device, *, start: bool) -> nn.Module:  # noqa: ARG002
        """Make the network; it starts from nothing."""
        return TimelineNet(self.config.width)

    def moved(self, batch: Batch, device: torch.device) -> Batch:
        """Bring a batch to a device."""
        growing, context, event, at_risk = (one.to(device) for one in batch)
        return growing, context, event, at_risk

    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor]]:
        """Give the loss of both outcomes."""
        growing, context, event, at_risk = batch
        return timeline_loss(network(growing, context), event, at_risk), {}

    def validate(self, state: TrainerState) -> dict[str, float]:
        """Give the mean logarithm of the likelihood."""
        return {self.measure: self._likelihood(state.average.eval())}

    @torch.no_grad()
    def _likelihood(self, network: nn.Module) -> float:
        growing, context, event, at_risk = self._tuning
        return -float(timeline_loss(network(growing, context), event, at_risk))

    def evaluate(
        self,
        network: nn.Module,
        device: torch.device,  # noqa: ARG002
        ranks: Ranks,  # noqa: ARG002
        progress: Progress,  # noqa: ARG002
    ) -> Likelihood:
        """Calibrate the network on the persons that it has not learned from."""
        if not isinstance(network, TimelineNet):
            raise TypeError("the network that was trained is another one")
        before = self._likelihood(network.cpu().eval())
        growing, context, event, at_risk = self._tuning
        with torch.no_grad():
            logits = network(growing, context)
        calibrate(network, logits, event, at_risk)
        return Likelihood(before, self._likelihood(network))

    def summary(self, result: Likelihood) -> Mapping[str, Any]:
        """Give what calibrating changed."""
        return {"likelihood": {"before": result.before, "calibrated": result.after}}

    def inputs(self) -> Sequence[Path]:
        """Give the cohort."""
        return [self._folder]

    def about(self) -> Mapping[str, Any]:
        """Count the persons."""
        return {"persons": dict(zip(("train", "validation"), self._persons, strict=True))}

    def export(self, network: nn.Module, result: Likelihood, record: Mapping[str, Any], out: Path) -> Path:
        """Write the model."""
        config, cohort = self.config, self._cohort
        description = Description(
            id=config.id,
            version=config.version,
            width=config.width,
            simulated=cohort.simulated,
            persons=tuple(sorted({one.person.id for one in cohort.courses})),
        )
        text = card(record, f"{config.batch_size} lesions", self._data(), _after(result))
        return save_model(out / "model", network, description, text)

    def _data(self) -> str:
        whose = f"**SIMULATED. {SIMULATED}**" if self._cohort.simulated else "A cohort of the one who trained it."
        train, tuning = self._persons
        return f"{whose}\n\n{train} persons were learned from, {tuning} served to choose the weights and to calibrate."


def _after(result: Likelihood) -> str:
    return (
        "## How good it is\n"
        f"Mean log-likelihood of the validation lesions: {result.before:.4f}, calibrated {result.after:.4f}. For more, "
        "run `napari-lesion timeline evaluate` on persons that are in neither part.\n\n"
        "With the same dates and facts, a lesion that is larger or grows faster never has a lower risk of cancer: the "
        "network is built so. No claim is made about people."
    )


def divided(courses: tuple[Course, ...], seed: int) -> tuple[tuple[Course, ...], tuple[Course, ...]]:
    """Part lesions by person: to learn from, and to validate and calibrate with."""
    persons = sorted({one.person.id for one in courses})
    chosen = np.random.default_rng(seed).permutation(len(persons))[: len(persons) // _VALIDATE]
    held = {persons[n] for n in chosen}
    train = tuple(one for one in courses if one.person.id not in held)
    return train, tuple(one for one in courses if one.person.id in held)


def train_timeline(folder: Path, out: Path, config: TimelineConfig, *, progress: Progress = silent) -> Path:
    """Train on a cohort into a new folder; returns that of the model.

    Raises
    ------
    LesionError
        If the cohort cannot be read or has nothing to learn from, or the folder holds another run.
    """
    cohort = load_cohort(folder)
    courses = tuple(one for one in cohort.courses if one.end is not None)
    if len({one.person.id for one in courses}) < 2 * _VALIDATE:
        raise InputFileError(f"{folder}: has fewer than {2 * _VALIDATE} persons of whom an end is known.")
    recipe = TimelineRecipe(config, folder, Cohort(courses, cohort.simulated))
    return fit(recipe, out, device="cpu", progress=progress)
