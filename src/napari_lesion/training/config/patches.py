"""The file that drives the training of a patch classifier, checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.training.config.detector import Located
from napari_lesion.training.config.options import RunConfig, Strict, ValidationConfig


class PatchDataConfig(Strict):
    """What to learn from."""

    patches: Path
    """Folder with ``luna16_patches2d_train.npz`` and ``luna16_patches2d_val.npz``."""
    leave_out: tuple[int, ...] = ()
    """Rows of LUNA16's ``candidates.csv`` that are not learned: nodules that others are tested with."""
    scans: Path | None = None
    """Configuration of a 3D detector: its backgrounds and its nodules for training give planes, too."""
    inserted: int = Field(default=1500, gt=0)
    """Nodules that are inserted into these backgrounds."""
    detector: str | None = None
    """Model package (its folder, or the id of an installed one): what its first stage takes for candidates in the
    backgrounds is learned as healthy."""
    candidate_scans: int = Field(default=0, ge=0)
    """Instead of the above: so many scans of each background are made with inserted nodules, the detector searches
    them, and planes are cut from the scans' own slices through all that it found."""
    axial: bool = False
    """Learn the axial patches of LIDC's patients for training as well, if they lie beside the detector's nodules."""
    scan_share: float = Field(default=0.4, ge=0, lt=1)
    """Share of planes out of scans in a batch; the others are LUNA16's."""


class PatchTrainingConfig(RunConfig):
    """A training run of a patch classifier."""

    network: Literal["PatchNet"]
    batch_size: int = Field(default=96, gt=3)
    width: int = Field(default=16, gt=0)
    dropout: float = Field(default=0.2, ge=0, lt=1)
    positive_share: float = Field(default=0.35, gt=0, lt=1)
    """Share of nodules in a batch."""
    zoom: tuple[float, float] = (0.8, 1.25)
    shift: float = Field(default=1.2, ge=0)
    """Standard deviation of the shift, pixels."""
    checkpoint_every: int = Field(default=200, gt=0)
    data: PatchDataConfig
    validation: ValidationConfig = ValidationConfig()

    @model_validator(mode="after")
    def _candidates_need_a_detector(self) -> PatchTrainingConfig:
        if self.data.candidate_scans and not (self.data.scans and self.data.detector):
            raise ValueError("data.candidate_scans needs data.scans and data.detector")
        return self


def read_patch_config(path: Path) -> PatchTrainingConfig:
    """Read and check a YAML configuration; relative paths are relative to the file.

    Raises
    ------
    ConfigError
        If the file is missing, no YAML, or holds a wrong or unknown field.
    """
    config = read_checked(path, PatchTrainingConfig, "configuration")
    located = Located(path)
    data = config.data
    changed = {
        "patches": located(data.patches),
        "scans": located(data.scans) if data.scans else None,
        "detector": located.model(data.detector) if data.detector else None,
    }
    return config.model_copy(update={"data": data.model_copy(update=changed)})
