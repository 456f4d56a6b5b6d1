"""Parts of a configuration that every training shares, whatever its network and data."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_lesion.support.bounded import UnreadableError, parse_yaml, read_text


class Strict(BaseModel):
    """A part of a configuration: unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OptimiserConfig(Strict):
    """The optimiser, its learning rate over the steps, and what keeps the weights small.

    By default AdamW, warmed up, constant, then falling to zero over the last part of the steps.
    """

    name: Literal["sgd", "momentum", "adam", "adamw"] = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of ``momentum`` (Nesterov's)."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled in ``adamw``, an L2 penalty in the others."""
    l1: float = Field(default=0, ge=0)
    """Factor of the sum of the absolute weights (biases and norms aside) that is added to the loss."""
    schedule: Literal["constant", "linear", "cosine", "step", "plateau"] = "linear"
    warmup_steps: int = Field(default=100, ge=0)
    decay_share: float = Field(default=0.3, gt=0, le=1)
    """Share of the steps, at the end, over which ``linear`` and ``cosine`` fall to zero."""
    step_every: int = Field(default=1000, gt=0)
    """Steps after which ``step`` multiplies the rate by ``factor``, each time."""
    factor: float = Field(default=0.3, gt=0, lt=1)
    """Of ``step`` and ``plateau``."""
    plateau_patience: int = Field(default=3, gt=0)
    """Validations without a new best after which ``plateau`` multiplies the rate by ``factor``."""
    gradient_norm: float = Field(default=5.0, gt=0)
    """Longer gradients are shortened to this."""
    ema: float = Field(default=0.998, gt=0, lt=1)
    """How much of the average of the weights stays at each step."""


class ValidationConfig(Strict):
    """Measuring on the way, to keep the best average and to stop early."""

    every: int = Field(default=500, gt=0)
    """Steps between two validations; the last step is validated in any case."""
    patience: int = Field(default=0, ge=0)
    """Validations without a new best after which the run stops; 0: it never does."""


TrainingPrecision = Literal["fp32", "bf16", "fp16", "auto"]
"""What the network computes in while training; weights, loss and optimiser stay in fp32.

``auto`` is bf16 where the processor computes in it, fp16 on a CUDA device that does not, and fp32 anywhere else.
"""


class RunConfig(Strict):
    """What every training run is told, whatever its network and data."""

    id: str
    version: str
    seed: int = 1
    steps: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    """Examples a step, in each process."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    device: str = "auto"
    precision: TrainingPrecision = "fp32"
    checkpoint_every: int = Field(default=100, gt=0)
    """Steps between two checkpoints; the curves are drawn then, too."""
    tensorboard: bool = False
    """Write TensorBoard's event files as well (``pip install napari-lesion[tensorboard]``)."""
    optimiser: OptimiserConfig = OptimiserConfig()
    validation: ValidationConfig | None = ValidationConfig()


def network_of(path: Path) -> str:
    """Give the network that a configuration names; "" where it names none (a detector's), or can't be read."""
    try:
        content = parse_yaml(read_text(path))
    except (OSError, UnreadableError):
        return ""
    return str(content.get("network", "")) if isinstance(content, dict) else ""
