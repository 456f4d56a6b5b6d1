"""Early stopping: what the validations decide: which weights are kept, when the rate is cut, and when the run stops."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass
class EarlyStopping:
    """The best validation so far, its weights, and how long ago it was; part of a checkpoint."""

    patience: int = 0
    """Validations without a new best after which the run stops; 0: never."""
    plateau_patience: int = 0
    """Validations without a new best, or since the last cut, after which the rate is cut; 0: never."""
    value: float = -math.inf
    """The best validation; more is better."""
    step: int = 0
    weights: dict[str, Tensor] | None = None
    since: int = 0
    cuts: int = 0
    since_cut: int = 0

    def update(self, value: float, step: int, network: nn.Module) -> bool:
        """Take a validation into account; return whether it is the best so far. One that is no number never is."""
        if value > self.value:
            self.value, self.step, self.since, self.since_cut = value, step, 0, 0
            self.weights = {name: tensor.detach().cpu().clone() for name, tensor in network.state_dict().items()}
            return True
        self.since += 1
        self.since_cut += 1
        if self.plateau_patience and self.since_cut >= self.plateau_patience:
            self.cuts, self.since_cut = self.cuts + 1, 0
        return False

    @property
    def stops(self) -> bool:
        """Whether the run has gone on for too long without a new best."""
        return self.patience > 0 and self.since >= self.patience

    def state(self) -> dict[str, Any]:
        """Give what a checkpoint holds."""
        names = ("value", "step", "weights", "since", "cuts", "since_cut")
        return {name: getattr(self, name) for name in names}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a checkpoint."""
        for name, value in state.items():
            setattr(self, name, value)
