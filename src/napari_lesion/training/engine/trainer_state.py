"""A network that learns: optimiser, precision, gradients, and the average of the weights, for any network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from napari_lesion.training.config.options import OptimiserConfig, TrainingPrecision
from napari_lesion.training.engine.optimiser import make_optimiser
from napari_lesion.training.engine.ranks import ALONE, Ranks

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class TrainerState:
    """All that changes in a network while it learns; a checkpoint holds ``state()``.

    Make it with ``make_trainer``.
    """

    network: nn.Module
    average: nn.Module
    """Exponential moving average of the weights: the one that is validated and shipped."""
    optimiser: torch.optim.Optimizer
    options: OptimiserConfig
    device: torch.device
    precision: TrainingPrecision
    scaler: torch.amp.GradScaler
    ranks: Ranks = ALONE
    step: int = 0
    _called: nn.Module = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._called = self.ranks.wrap(self.network, self.device)

    def learn(self, loss: Callable[[nn.Module], Tensor], rate: float) -> bool:
        """Take one step down a loss.

        Parameters
        ----------
        loss : callable
            Gets the network to call, and gives a scalar.
        rate : float
            Learning rate.

        Returns
        -------
        bool
            False if the loss of any process is no number: the weights stayed as they were.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.network.train()
        kind = _TYPES[self.precision]
        with torch.autocast(self.device.type, kind, enabled=kind is not torch.float32):
            total = loss(self._called)
        if self.options.l1:
            total = total + self.options.l1 * self._absolute_weights()
        finite = self.ranks.all(torch.isfinite(total.detach()))
        if finite:
            self.optimiser.zero_grad(set_to_none=True)
            self.scaler.scale(total).backward()  # type: ignore[no-untyped-call]
            self.scaler.unscale_(self.optimiser)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.options.gradient_norm)
            self.scaler.step(self.optimiser)
            self.scaler.update()
            update_average(self.average, self.network, self.options.ema, self.step)
        self.step += 1
        return finite

    def _absolute_weights(self) -> Tensor:
        weights = [p.abs().sum() for p in self.network.parameters() if p.ndim > 1]
        return torch.stack(weights).sum()

    def state(self) -> dict[str, Any]:
        """Give what a checkpoint holds."""
        return {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a checkpoint."""
        self.step = state["step"]
        for name in ("network", "average", "optimiser", "scaler"):
            getattr(self, name).load_state_dict(state[name])


def make_trainer(
    network: nn.Module,
    options: OptimiserConfig,
    *,
    device: torch.device | str = "cpu",
    precision: TrainingPrecision = "fp32",
    ranks: Ranks = ALONE,
) -> TrainerState:
    """Bring a network to its device and give it an optimiser and an average that starts as the network."""
    where = torch.device(device)
    network.to(where)
    precision = settled(precision, where)
    return TrainerState(
        network=network,
        average=copy.deepcopy(network).eval().requires_grad_(False),
        optimiser=make_optimiser(network.parameters(), options),
        options=options,
        device=where,
        precision=precision,
        # Small gradients vanish in fp16 only; bf16 has the range of fp32.
        scaler=torch.amp.GradScaler(where.type, enabled=precision == "fp16"),
        ranks=ranks,
    )


def settled(precision: TrainingPrecision, device: torch.device) -> TrainingPrecision:
    """Describe what ``auto`` is on a device; anything else stays."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move an average of weights towards the weights; faster in the first steps, when it knows little."""
    decay = min(decay, (1 + step) / (10 + step))
    for ours, theirs in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if ours.is_floating_point():
            ours.lerp_(theirs, 1 - decay)
        else:
            ours.copy_(theirs)
