"""The protocol that every detector fulfils, and the registry that finds one by its id."""

from __future__ import annotations

from pathlib import Path
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


def list_models() -> tuple[Card, ...]:
    """Cards of the models that come with the package, sorted by id. No weights are read.

    Raises
    ------
    ModelError
        If the description of a model is damaged.
    """
    from napari_lesion.detection import packs  # it needs Card

    folders = sorted(path.parent for path in packs.SHIPPED.glob(f"*/{packs.DESCRIPTION}"))
    return tuple(packs.read_pack(folder).metadata for folder in folders)


def load_detector(name: str | Path = DEFAULT_MODEL) -> Detector:
    """Load a detector: its weights are checked against their sha256, then read.

    Parameters
    ----------
    name : str or Path
        The id of a model that comes with the package, or the folder of a model pack.

    Raises
    ------
    ModelError
        If there is no such model, or it is damaged.
    """
    from napari_lesion.detection import packs  # it needs Card

    pack = packs.find_pack(name)

    from napari_lesion.detection.nodule3d import NoduleDetector  # it brings torch and monai along

    return NoduleDetector(pack)
