"""The one file that drives a training run, checked before anything starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.training.config.options import OptimiserConfig, RunConfig, Strict, ValidationConfig

__all__ = ["OptimiserConfig", "TrainingConfig", "read_config"]


class Lesion(Strict):
    """A place in a background that is (or may be) a real lesion: never learned as healthy."""

    index: tuple[float, float, float]
    """(k, j, i) in the scan as read."""
    radius_mm: float = Field(gt=0)
    """Nothing within is learned as healthy."""
    diameter_mm: float | None = Field(default=None, gt=0)
    """If given, it is learned as a nodule of this size."""


class BackgroundConfig(Strict):
    """A real CT series without annotations that nodules are inserted into."""

    path: Path
    """Folder of the series; relative to the configuration file."""
    lesions: tuple[Lesion, ...] = ()
    patient: str = ""
    """Whose it is, for cross-validation; by default the PatientID of its headers."""


class AnnotatedConfig(Strict):
    """Scans whose nodules are known, in the form of LUNA16: real nodules in their true surroundings."""

    scans: tuple[Path, ...] = Field(min_length=1)
    """Folders (all their CT series, and their NIfTI and MetaImage files) and single NIfTI or MetaImage files."""
    annotations: Path
    """``seriesuid,coordX,coordY,coordZ,diameter_mm`` (LPS mm); the UID of a file is its name without the ending."""
    excluded: Path | None = None
    """The same form: places that are neither nodules nor healthy."""
    patients: Path | Literal["scan"] | None = None
    """``seriesuid,patient``, or ``scan`` where each scan is of another patient; by default the PatientID of DICOM."""


Share = Annotated[float, Field(ge=0, le=1)]


class DataConfig(Strict):
    """What to learn from: backgrounds to insert nodules into, annotated scans, or both."""

    nodules: Path | None = None
    """Folder with ``lidc_cubes`` or ``lidc_voi`` (see ``lidc.Store``); relative to the configuration file."""
    backgrounds: tuple[BackgroundConfig, ...] = ()
    annotated: AnnotatedConfig | None = None
    held_out: tuple[BackgroundConfig, ...] = ()
    """Series of other patients, only for the held-out scans."""
    validation: tuple[BackgroundConfig, ...] = ()
    """Series of further patients, only for choosing between models and for calibration."""
    phantoms: int = Field(default=0, ge=0)
    """Number of synthetic scans among the backgrounds."""
    cube_share: float = Field(default=0.25, ge=0, lt=1)
    """Share of the steps on real nodules in their true surroundings (the cubes)."""
    real_share: float = Field(default=0.6, ge=0, le=1)
    """Share of real ones among the inserted nodules; the others are synthetic."""
    hard_share: float = Field(default=0.35, ge=0, le=1)
    """Share of the crops around hard negatives, once these have been mined."""
    lesion_share: float = Field(default=0.2, ge=0, le=1)
    """Share of the crops of a scan with real nodules that are drawn near one of them."""
    insert_share: float = Field(default=1.0, ge=0, le=1)
    """Share of the crops that nodules may be inserted into; 0 learns from the real ones alone."""
    sizes: tuple[Share, Share, Share, Share] = (0.3, 0.36, 0.22, 0.12)
    """How often inserted nodules are under 6, 6 to 10, 10 to 18 and 18 to 30 mm."""
    surface_share: float = Field(default=0.3, ge=0, le=1)
    """Share of the inserted nodules that touch the pleura or the mediastinum..."""
    vessel_share: float = Field(default=0.2, ge=0, le=1)
    """...and a vessel in the lung; nodules that touched something where they came from do so in any case."""

    @model_validator(mode="after")
    def _something_to_learn_from(self) -> DataConfig:
        if abs(sum(self.sizes) - 1) > 1e-6:
            raise ValueError("the shares of the sizes have to be 1 together")
        if self.surface_share + self.vessel_share > 1:
            raise ValueError("surface_share and vessel_share are more than 1 together")
        if not self.backgrounds and not self.annotated:
            raise ValueError("there is nothing to learn from: name backgrounds, annotated scans, or both")
        return self


class TransformConfig(BaseModel):
    """A random intensity transform of MONAI by its name; every other field is one of its arguments."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str


class OneOfConfig(Strict):
    """One of several transforms, drawn each time."""

    one_of: tuple[TransformConfig, ...] = Field(min_length=2)
    weights: tuple[float, ...] | None = None


class AugmentationConfig(Strict):
    """How crops are varied."""

    flip: bool = True
    """Mirror along every axis, and swap y and x."""
    turn_deg: float = Field(default=12.0, ge=0)
    """Standard deviation of the turn in the axial plane."""
    tilt_deg: float = Field(default=6.0, ge=0)
    """Of the turns out of it."""
    zoom: tuple[float, float] = (0.85, 1.2)
    stretch: float = Field(default=0.08, ge=0, lt=0.5)
    """Standard deviation of the logarithm of the stretch along each axis (the volume stays)."""
    intensity: tuple[TransformConfig | OneOfConfig, ...] | None = None
    """MONAI's transforms of HU, in this order; by default thick slices, other kernels, noise and calibration."""

    @model_validator(mode="after")
    def _zoom_is_a_range(self) -> AugmentationConfig:
        if not 0 < self.zoom[0] <= self.zoom[1]:
            raise ValueError("zoom runs from a smaller to a larger magnification, both over 0")
        return self


class LossConfig(Strict):
    """What is minimised."""

    heatmap: Literal["focal", "bce", "dice", "mse", "hinge"] = Field(
        default="focal", validation_alias=AliasChoices("heatmap", "heat")
    )
    """On the heatmap; older configurations call it ``heat``."""
    gamma: float = Field(default=2.0, ge=0)
    """Of ``focal``: how little the easy voxels count."""
    near_power: float = Field(default=4.0, ge=0)
    """How little the voxels near a nodule's centre count as healthy."""
    positive_weight: float = Field(default=1.0, gt=0)
    """How much a nodule counts against all that is healthy."""
    size_weight: float = Field(default=0.3, ge=0)
    offset_weight: float = Field(default=0.1, ge=0)


class ScanValidationConfig(ValidationConfig):
    """Validation by the FROC of whole scans; the best average by its CPM is kept."""

    scans: int = Field(default=6, gt=0)
    """How many scans with inserted nodules are made, shared among the series for validation."""


class TrainingConfig(RunConfig):
    """A training run."""

    batch_size: int = Field(default=6, gt=0)
    """Crops a step, in each process."""
    crop: int = Field(default=64, multiple_of=16, gt=0)
    """Side of a crop, voxels."""
    spacing_mm: float = Field(default=1.0, ge=0.4, le=2)
    """Of the grid that the network works on. A finer one shows small nodules larger, and takes longer."""
    width: int = Field(default=24, gt=0)
    start_from: str | None = None
    """Model package (its folder, or the id of an installed one) whose weights are the first."""
    mine_every: int = Field(default=500, ge=0)
    """Steps between two searches for hard negatives; 0: none."""
    threshold: float = Field(default=0.2, gt=0, lt=1)
    """Score from which the exported model reports a finding."""
    folds: int | None = Field(default=None, ge=2)
    """Of the cross-validation; ``--folds`` overrides it."""
    data: DataConfig
    loss: LossConfig = LossConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    validation: ScanValidationConfig | None = None

    @model_validator(mode="after")
    def _validations_where_needed(self) -> TrainingConfig:
        if self.optimiser.schedule == "plateau" and not self.validation:
            raise ValueError("the schedule plateau needs a section validation")
        return self


def read_config(path: Path) -> TrainingConfig:
    """Read and check a YAML configuration.

    In paths, environment variables are filled in; relative ones are relative to the file.

    Raises
    ------
    ConfigFileError
        If the file is missing, no YAML, or holds a wrong or unknown field; the message names it.
    """
    config = read_checked(path, TrainingConfig, "configuration")
    place = Located(path)
    data = config.data
    annotated = data.annotated
    if annotated:
        patients = annotated.patients
        annotated = annotated.model_copy(
            update={
                "scans": tuple(map(place, annotated.scans)),
                "annotations": place(annotated.annotations),
                "excluded": place(annotated.excluded) if annotated.excluded else None,
                "patients": place(patients) if isinstance(patients, Path) else patients,
            }
        )
    start_from = place.model(config.start_from) if config.start_from else None

    def located(parts: tuple[BackgroundConfig, ...]) -> tuple[BackgroundConfig, ...]:
        return tuple(part.model_copy(update={"path": place(part.path)}) for part in parts)

    changed = {
        "nodules": place(data.nodules) if data.nodules else None,
        "annotated": annotated,
        "backgrounds": located(data.backgrounds),
        "held_out": located(data.held_out),
        "validation": located(data.validation),
    }
    return config.model_copy(update={"start_from": start_from, "data": data.model_copy(update=changed)})


class Located:
    """Makes the paths of a configuration absolute."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._base = config.resolve().parent

    def __call__(self, part: Path) -> Path:
        """Fill in environment variables; relative paths are relative to the configuration.

        Raises
        ------
        ConfigFileError
            If a variable is not set.
        """
        expanded = os.path.expandvars(part)
        if "$" in expanded:
            raise ConfigFileError(
                f"The configuration {self._config} needs an environment variable that is not set: {part}."
            )
        return self._base / expanded

    def model(self, name: str) -> str:
        """Make the name of a model absolute where it is a folder; an id stays.

        Raises
        ------
        ConfigFileError
            If a variable is not set.
        """
        folder = self(Path(name))
        return str(folder) if folder.is_dir() else name
