"""The file that drives the training of a classifier of three planes, checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.training.config.detector import Located
from napari_lesion.training.config.options import RunConfig, Strict, ValidationConfig


class PlanesDataConfig(Strict):
    """What to learn from."""

    scans: Path
    """Configuration of a 3D detector: its backgrounds get its nodules for training, those for validation theirs."""
    detector: str
    """Model package (its folder, or the id of an installed one) whose first stage's candidates are classified."""
    candidate_scans: int = Field(default=5, gt=0)
    """So many scans of each background are made with inserted nodules; the detector searches them, and planes are cut
    from the scans' own slices through all that it found and through all nodules."""
    validation_scans: int = Field(default=1, gt=0)
    """The same, of each background for validation."""


class PlanesTrainingConfig(RunConfig):
    """A training run of a classifier of three planes."""

    network: Literal["PlanesNet"]
    batch_size: int = Field(default=32, gt=3)
    width: int = Field(default=20, gt=0)
    start_from: str | None = None
    """Patch classifier (its folder, or the id of an installed one) that has learned to see single planes."""
    positive_share: float = Field(default=0.4, gt=0, lt=1)
    """Share of nodules in a batch."""
    one_by_one_weight: float = Field(default=0.5, ge=0)
    """Of the loss of the planes one by one, beside that of all three together."""
    zoom: tuple[float, float] = (0.85, 1.2)
    shift: float = Field(default=1.0, ge=0)
    """Standard deviation of the shift, pixels."""
    data: PlanesDataConfig
    validation: ValidationConfig = ValidationConfig(every=250)


def read_planes_config(path: Path) -> PlanesTrainingConfig:
    """Read and check a YAML configuration; relative paths are relative to the file.

    Raises
    ------
    ConfigError
        If the file is missing, no YAML, or holds a wrong or unknown field.
    """
    config = read_checked(path, PlanesTrainingConfig, "configuration")
    located, data = Located(path), config.data
    changed = {"scans": located(data.scans), "detector": located.model(data.detector)}
    start_from = located.model(config.start_from) if config.start_from else None
    return config.model_copy(update={"start_from": start_from, "data": data.model_copy(update=changed)})
