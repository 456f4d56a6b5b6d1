"""What a network brings to `fit`: batches, a loss, a validation, and the model package that comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from napari_lesion.support.progress import Progress
from napari_lesion.training.config.options import RunConfig
from napari_lesion.training.engine.ranks import Ranks
from napari_lesion.training.engine.trainer_state import TrainerState

Batch = TypeVar("Batch")
Result = TypeVar("Result")
Drawn = TypeVar("Drawn", covariant=True)


class Batches(Protocol[Drawn]):
    """Where batches come from. `state` is all that the next ones depend on: tensors, numbers, lists and dicts."""

    def draw(self) -> Drawn:
        """Draw the next batch; called on a thread, so nothing may come from torch's own generator."""
        ...

    @property
    def state(self) -> dict[str, Any]:
        """A snapshot that later draws do not change."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a snapshot."""
        ...


class Recipe(ABC, Generic[Batch, Result]):
    """What is trained, on what, and how it is measured; all the rest is `fit`'s."""

    measure: ClassVar[str]
    """What the validations choose by, a column of ``validation.csv``; more is better."""
    config: RunConfig
    batches: Batches[Batch]
    start_from: str | None = None
    """Model package whose weights are the first."""

    @abstractmethod
    def network(self, device: torch.device, *, start: bool) -> nn.Module:
        """Make the network, with the weights to start from where ``start`` says so; its layout fits the device."""

    @abstractmethod
    def moved(self, batch: Batch, device: torch.device) -> Batch:
        """Bring a batch to a device."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        """Give the loss (a scalar), and what else goes into ``progress.csv`` by column."""

    @abstractmethod
    def validate(self, state: TrainerState) -> dict[str, float]:
        """Measure the average of the weights; what goes into ``validation.csv``, `measure` among it."""

    @abstractmethod
    def evaluate(self, network: nn.Module, device: torch.device, ranks: Ranks, progress: Progress) -> Result:
        """Measure the weights that are exported, and choose their thresholds; called in every process."""

    @abstractmethod
    def summary(self, result: Result) -> Mapping[str, Any]:
        """Give what ``run.json`` tells of the evaluation."""

    @abstractmethod
    def export(self, network: nn.Module, result: Result, record: Mapping[str, Any], out: Path) -> Path:
        """Write the model package below ``out``; return its folder."""

    @abstractmethod
    def inputs(self) -> Sequence[Path]:
        """Files and folders that the run reads; ``run.json`` holds their checksums."""

    def about(self) -> Mapping[str, Any]:
        """Give what else ``run.json`` tells of the data."""
        return {}

    def validates_after(self, step: int) -> bool:
        """Whether the average is measured after a step."""
        every = self.config.validation.every if self.config.validation is not None else 0
        return step == self.config.steps or (every > 0 and step % every == 0)

    # -- for data that change while the network learns ----------------------------------------------------------------

    def prepare(self, state: TrainerState, progress: Progress) -> None:
        """Do what comes before the first step of a new run."""

    def changes_data_after(self, step: int) -> bool:  # noqa: ARG002
        """Whether `change_data` is due after a step: no batch may be drawn ahead then."""
        return False

    def change_data(self, state: TrainerState, progress: Progress) -> None:
        """Change what batches are drawn from; called in every process."""

    def state(self) -> Mapping[str, Any]:
        """Give what a checkpoint holds besides weights and batches."""
        return {}

    def restore(self, content: Mapping[str, Any], out: Path, step: int) -> None:
        """Go back to a checkpoint."""

    def write(self, out: Path) -> None:
        """Write further tables beside each checkpoint."""


class SeededBatches(ABC, Generic[Batch]):
    """Batches whose randomness is all in ``rng``."""

    rng: Any

    @abstractmethod
    def draw(self) -> Batch:
        """Draw the next batch."""

    @property
    def state(self) -> dict[str, Any]:
        """State of the generator."""
        state: dict[str, Any] = self.rng.bit_generator.state
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state of the generator."""
        self.rng.bit_generator.state = dict(state)
