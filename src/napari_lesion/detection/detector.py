"""The protocol that every detector fulfils, and the registry that finds one by its id."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_lesion.model.findings import Detection
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import ConfigError, ModelError
from napari_lesion.support.progress import Progress, silent

DEFAULT_MODEL = "nodule-3d"

#: The numbers that a network computes in; see ``inference.number_type``.
Precision: TypeAlias = Literal["auto", "float32", "bfloat16"]

_LOG = logging.getLogger(__name__)


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
    ConfigError
        If bfloat16 is asked for.
    """
    if precision == "bfloat16":
        raise ConfigError(f"model {model} always computes in float32; leave the precision to auto.")


def list_models() -> tuple[Card, ...]:
    """Cards of the detectors that have an id: those that come with the package, then those that were added.

    No weights are read. An added model whose description is damaged is left out, with a warning in the log; ``models
    verify`` says what is wrong.

    Raises
    ------
    ModelError
        If the description of a model that comes with the package is damaged.
    """
    from napari_lesion.models import packages as packs  # it needs Card

    cards = []
    for folder in packs.model_folders():
        try:
            card = read_card(folder)
            if not (isinstance(card, packs.Metadata) and card.purpose):
                cards.append(card)
        except ModelError as error:
            if folder.parent == packs.SHIPPED:
                raise
            _LOG.warning("model %s is left out: %s", folder.name, error)
    return tuple(cards)


def read_card(name: str | Path) -> Card:
    """Read the card of a model by its id or path; no weights are read.

    Raises
    ------
    ModelError
        If there is no such model, or its description is wrong.
    """
    from napari_lesion.models import packages as packs  # they need Card
    from napari_lesion.models import store as library

    folder = packs.find_model(name)
    if (folder / packs.DESCRIPTION).is_file():
        return packs.read_pack(folder).metadata
    if origin := library.read_origin(folder):
        return origin.card
    from napari_lesion.detection.monai_bundles.bundle import is_bundle, read_bundle

    if not is_bundle(folder):
        raise ModelError(library.no_model(folder))
    return read_bundle(folder).card


def load_detector(
    name: str | Path = DEFAULT_MODEL,
    *,
    trust_code: bool = False,
    classes: Sequence[str] = (),
    precision: Precision = "auto",
) -> Detector:
    """Load a detector; its weights are checked against their sha256, then read.

    Parameters
    ----------
    name : str or Path
        The id of a model that is installed, or the folder of a model pack or of a MONAI bundle.
    trust_code : bool
        Let a bundle run code of its own. A pack has none.
    classes : sequence of str
        Names or numbers of the classes of a segmentation bundle that become findings; by default its lesions.
    precision : Precision
        The numbers that the network computes in, see ``inference.number_type``.

    Raises
    ------
    ModelError
        If there is no such model, it is damaged, it does not run without its code, or it has no such classes.
    ConfigError
        If bfloat16 is asked for and the model always computes in float32.
    """
    from napari_lesion.models import packages as packs  # they need Card
    from napari_lesion.models import store as library

    folder = packs.find_model(name)
    if not (folder / packs.DESCRIPTION).is_file():
        library.verify(folder)
        from napari_lesion.detection.monai_bundles.bundle import load_bundle

        return load_bundle(folder, trust_code, classes, precision)
    pack = packs.read_pack(folder)
    if classes:
        raise ModelError(f"model {pack.metadata.id} has no classes to choose from.")

    if purpose := pack.metadata.purpose:
        raise ModelError(f"model {pack.metadata.id} finds nothing: {purpose}. Name a detector.")

    # These bring torch and monai along.
    if pack.metadata.network.name == "PatchNet":
        from napari_lesion.detection.nodule2d import PatchDetector

        require_float32(pack.metadata.id, precision)
        return PatchDetector(pack)
    from napari_lesion.detection.nodule3d import NoduleDetector

    return NoduleDetector(pack, precision=precision)
