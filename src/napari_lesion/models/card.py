"""What a model is: its card, as programs read it, and the protocol that every detector fulfils."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_lesion.model.findings import Detection
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import OptionError
from napari_lesion.support.progress import Progress, silent

#: The numbers that a network computes in; see ``inference.number_type``.
Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]


class Metric(BaseModel):
    """One number that was measured on a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """As the field calls it: ``CPM``, ``ROC AUC``, ``sensitivity at 1 FP/scan, 6 mm and more``."""
    value: float
    interval: tuple[float, float] | None = None
    """95 % confidence interval."""
    data: str
    """What it was measured on, and on how much of it."""


class Card(BaseModel):
    """The machine-readable part of a model card."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: str
    task: str
    licence: str
    sha256: str
    threshold: float = Field(ge=0, le=1)
    """Default reporting threshold on the score."""
    summary: str = ""
    modalities: tuple[str, ...] = ("CT",)
    """DICOM modalities of the series that it can search."""
    single_images: bool = False
    """Whether it also searches a single image, as well as volumes."""
    intended_use: str = ""
    """For whom and what it was made, and what it was not made for."""
    metrics: tuple[Metric, ...] = ()
    operating_points: tuple[tuple[float, float], ...] = ()
    """(false positives a scan, score) on the validation scans: rising in the first, falling in the second."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id} {self.version}: {self.task})"

    __str__ = __repr__

    @model_validator(mode="after")
    def _points_are_ordered(self) -> Card:
        for (rate, score), (next_rate, next_score) in pairwise(self.operating_points):
            if next_rate <= rate or next_score > score:
                raise ValueError("operating_points rise in false positives a scan and fall in score")
        if any(rate < 0 or not 0 <= score <= 1 for rate, score in self.operating_points):
            raise ValueError("operating_points are (false positives a scan, score in [0, 1])")
        return self


class Detector(Protocol):
    """Finds lesions in a volume."""

    @property
    def card(self) -> Card:
        """Identity, licence and thresholds of the model."""
        ...

    def detect(self, volume: Volume, *, device: str = "auto", progress: Progress = silent) -> Detection:
        """Search a CT volume (HU) for lesions.

        Raises
        ------
        LungsNotFoundError
            If no lung is in view.
        """
        ...


def require_float32(model: str, precision: Precision) -> None:
    """Refuse another precision for a model that always computes in float32.

    Raises
    ------
    OptionError
        If bfloat16 is asked for.
    """
    if precision == "bfloat16":
        raise OptionError(f"model {model} always computes in float32; leave the precision to auto.")
