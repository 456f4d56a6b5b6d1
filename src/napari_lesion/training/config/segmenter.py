"""The file that drives the training of a segmenter, checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.training.config.detector import BackgroundConfig, Located
from napari_lesion.training.config.options import RunConfig, Strict, ValidationConfig


class SegmentAugmentation(Strict):
    """How the nodules, and what the network is told about them, are changed."""

    zoom: tuple[float, float] = (0.7, 1.5)
    """Of size; even on a logarithmic scale."""
    tilt_deg: float = Field(default=20, ge=0, le=90)
    """Standard deviation of the turn out of the axial plane; within the plane every angle is as likely."""
    noise_hu: float = Field(default=40, ge=0)
    """Largest standard deviation of added noise."""
    thick_share: float = Field(default=0.4, ge=0, le=1)
    """Share of crops that are averaged to slices of 2 to 5 mm."""
    faint_share: float = Field(default=0.2, ge=0, le=1)
    """Share of solid nodules that are thinned to ground glass, half of the larger ones with a core that stays solid."""
    subsolid_factor: float = Field(default=1, gt=0)
    """How much more often a nodule is drawn that is not solid."""
    centre_mm: float = Field(default=0.5, ge=0)
    """Standard deviation of the centre that is told, along each axis, to which comes..."""
    centre_share: float = Field(default=0.08, ge=0)
    """...this share of the diameter."""
    diameter_spread: float = Field(default=0.25, ge=0)
    """Standard deviation of the logarithm of the diameter that is told."""


class SegmentShares(Strict):
    """How often each kind of example is drawn; kinds of which there are none do not count."""

    cubes: float = Field(default=0.3, ge=0)
    """Cubes in their true surroundings."""
    own: float = Field(default=0.3, ge=0)
    """Crops at native spacing in their own surroundings, completed above and below."""
    lung: float = Field(default=0.4, ge=0)
    """The same nodules in other lungs."""


class SegmentTrainingConfig(RunConfig):
    """A training run of a segmenter."""

    network: Literal["SegmentNet"]
    batch_size: int = Field(default=8, gt=3)
    """Small crops in a batch; of large ones there are as many as have the same number of voxels."""
    width: int = Field(default=24, gt=0)
    start_from: str | None = None
    """Detector (its folder, or the id of an installed one) whose pyramid is taken over, or segmenter to go on from."""
    nodules: Path
    """Folder of the store of nodules (``lidc.read_store``); relative to the configuration file."""
    backgrounds: tuple[BackgroundConfig, ...] = ()
    """Lungs that the nodules of the store are put into."""
    validation_backgrounds: tuple[BackgroundConfig, ...] = ()
    """Of other patients, for the nodules of the validation."""
    held_out_backgrounds: tuple[BackgroundConfig, ...] = ()
    """Of yet other patients, for the nodules that are held out."""
    insertions: int = Field(default=3, gt=0)
    """How often each nodule is put into a lung."""
    shares: SegmentShares = SegmentShares()
    augmentation: SegmentAugmentation = SegmentAugmentation()
    validation: ValidationConfig = ValidationConfig()


def read_segment_config(path: Path) -> SegmentTrainingConfig:
    """Read and check a YAML configuration; relative paths are relative to the file.

    Raises
    ------
    ConfigError
        If the file is missing, no YAML, or holds a wrong or unknown field.
    """
    config = read_checked(path, SegmentTrainingConfig, "configuration")
    located = Located(path)
    start_from = located.model(config.start_from) if config.start_from else None
    changed: dict[str, object] = {"nodules": located(config.nodules), "start_from": start_from}
    for name in ("backgrounds", "validation_backgrounds", "held_out_backgrounds"):
        changed[name] = tuple(one.model_copy(update={"path": located(one.path)}) for one in getattr(config, name))
    return config.model_copy(update=changed)
