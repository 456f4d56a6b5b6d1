"""The file that drives the training of a network for the look of nodules, checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.training.config.detector import Located
from napari_lesion.training.config.options import RunConfig, ValidationConfig


class LooksTrainingConfig(RunConfig):
    """A training run of a network for the look of nodules."""

    network: Literal["LooksNet"]
    batch_size: int = Field(default=48, gt=3)
    width: int = Field(default=16, gt=0)
    dropout: float = Field(default=0.3, ge=0, lt=1)
    checkpoint_every: int = Field(default=200, gt=0)
    nodules: Path
    """Folder of the store of nodules (``lidc.read_store``); relative to the configuration file."""
    crop_share: float = Field(default=0.5, ge=0, le=1)
    """Share of slices through crops in a batch; the others are axial patches."""
    rare_factor: float = Field(default=3.0, gt=0)
    """How much more often a nodule is drawn that is subsolid, spiculated, lobulated or calcified."""
    zoom: tuple[float, float] = (0.85, 1.18)
    shift_px: float = Field(default=1.5, ge=0)
    """Standard deviation of the shift, pixels."""
    noise_hu: float = Field(default=30.0, ge=0)
    """Largest standard deviation of added noise."""
    validation: ValidationConfig = ValidationConfig()


def read_looks_config(path: Path) -> LooksTrainingConfig:
    """Read and check a YAML configuration; relative paths are relative to the file.

    Raises
    ------
    ConfigError
        If the file is missing, no YAML, or holds a wrong or unknown field.
    """
    config = read_checked(path, LooksTrainingConfig, "configuration")
    return config.model_copy(update={"nodules": Located(path)(config.nodules)})
