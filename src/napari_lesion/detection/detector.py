"""The protocol that every detector fulfils, and the registry that finds one by its id."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from napari_lesion.findings import Detection
from napari_lesion.progress import Progress, silent
from napari_lesion.volume import Volume

DEFAULT_MODEL = "nodule-3d"


class Card(BaseModel):
    """The machine-readable part of a model card."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: str
    task: str
    licence: str
    sha256: str
    threshold: float
    """Default reporting threshold on the score."""
    summary: str = ""


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
