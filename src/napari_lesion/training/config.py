"""The one file that drives a training run, checked before anything starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_lesion.errors import ConfigError


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Lesion(_Strict):
    """A place in a background that is (or may be) a real lesion: never learned as healthy."""

    index: tuple[float, float, float]
    """(k, j, i) in the scan as read."""
    radius_mm: float = Field(gt=0)
    """Nothing within is learned as healthy."""
    diameter_mm: float | None = Field(default=None, gt=0)
    """If given, it is learned as a nodule of this size."""


class BackgroundConfig(_Strict):
    """A real CT series without annotations that nodules are inserted into."""

    path: Path
    """Folder of the series; relative to the configuration file."""
    lesions: tuple[Lesion, ...] = ()


class DataConfig(_Strict):
    """What to learn from."""

    nodules: Path
    """Folder with ``lidc_cubes.npz`` and ``lidc_cubes_ratings.csv``; relative to the configuration file."""
    backgrounds: tuple[BackgroundConfig, ...] = Field(min_length=1)
    held_out: tuple[BackgroundConfig, ...] = ()
    """Series of other patients, only for the held-out scans."""
    validation: tuple[BackgroundConfig, ...] = ()
    """Series of further patients, only for choosing between models and for calibration."""
    phantoms: int = Field(0, ge=0)
    """Number of synthetic scans among the backgrounds."""
    cube_share: float = Field(0.25, ge=0, lt=1)
    """Share of the steps on real nodules in their true surroundings."""
    real_share: float = Field(0.6, ge=0, le=1)
    """Share of real ones among the inserted nodules; the others are synthetic."""
    hard_share: float = Field(0.35, ge=0, le=1)
    """Share of the crops around hard negatives, once these have been mined."""


class OptimiserConfig(_Strict):
    """AdamW, warmed up, constant, then falling to zero over the last part of the steps."""

    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    warmup_steps: int = Field(default=100, ge=0)
    decay_share: float = Field(default=0.3, gt=0, le=1)
    gradient_norm: float = Field(default=5.0, gt=0)
    ema: float = Field(default=0.998, gt=0, lt=1)


class TrainingConfig(_Strict):
    """A training run."""

    id: str
    version: str
    seed: int = 1
    steps: int = Field(gt=0)
    batch_size: int = Field(default=6, gt=0)
    crop: int = Field(default=64, multiple_of=16, gt=0)
    width: int = Field(default=24, gt=0)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    mine_every: int = Field(default=500, gt=0)
    checkpoint_every: int = Field(default=100, gt=0)
    threshold: float = Field(default=0.2, gt=0, lt=1)
    """Score from which the exported model reports a finding."""
    data: DataConfig
    optimiser: OptimiserConfig = OptimiserConfig()


def read_config(path: Path) -> TrainingConfig:
    """Read and check a YAML configuration.

    In paths, environment variables are filled in; relative ones are relative to the file.

    Raises
    ------
    ConfigError
        If the file is missing, no YAML, or holds a wrong or unknown field; the message names it.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        config = TrainingConfig.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"The configuration {path} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"The configuration {path}: {where}: {first['msg']}.") from error
    base = path.resolve().parent
    data = config.data

    def absolute(part: Path) -> Path:
        expanded = os.path.expandvars(part)
        if "$" in expanded:
            raise ConfigError(f"The configuration {path} needs an environment variable that is not set: {part}.")
        return base / expanded

    def located(parts: tuple[BackgroundConfig, ...]) -> tuple[BackgroundConfig, ...]:
        return tuple(part.model_copy(update={"path": absolute(part.path)}) for part in parts)

    return config.model_copy(
        update={
            "data": data.model_copy(
                update={
                    "nodules": absolute(data.nodules),
                    "backgrounds": located(data.backgrounds),
                    "held_out": located(data.held_out),
                    "validation": located(data.validation),
                }
            )
        }
    )
