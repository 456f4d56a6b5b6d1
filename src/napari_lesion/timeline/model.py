"""A trained model of risk in a folder: ``model.yaml``, ``weights.safetensors``, ``card.md``.

It is no detector, so it is none of those in `models.store`: nothing in the program offers or runs it but
``napari-lesion timeline``, and none is shipped.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn

from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.bounded import UnreadableError, parse_yaml, read_text
from napari_lesion.support.errors import ModelError
from napari_lesion.timeline.course import OUTCOMES, Course, Floats, Prefix
from napari_lesion.timeline.evaluate import HORIZONS, About
from napari_lesion.timeline.network import TimelineNet, risks
from napari_lesion.timeline.sequences import BIN_YEARS, sequences_of

DESCRIPTION, WEIGHTS, CARD = "model.yaml", "weights.safetensors", "card.md"


class Description(BaseModel):
    """``model.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: str
    network: Literal["TimelineNet"] = "TimelineNet"
    width: int = Field(gt=0, le=512)
    simulated: bool
    """It has learned from simulated patients."""
    persons: tuple[str, ...]
    """From whom it has learned: nobody may test on them."""
    sha256: str = ""
    """Of the weights."""


@dataclass(frozen=True)
class TimelineModel:
    """A model that tells risks.

    Attributes
    ----------
    description : Description
    network : Module
    about : str
        The event whose risk `risk` tells.
    """

    description: Description
    network: nn.Module
    about: About = "cancer"

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"GRU ({self.description.id})"

    def courses_risk(self, courses: tuple[Course, ...]) -> Floats:
        """Chance of the event by each of `HORIZONS` after each visit; (n, t, horizons)."""
        made = sequences_of(courses)
        told = risks(self.network, torch.from_numpy(made.growing), torch.from_numpy(made.context))
        at = [round(years / BIN_YEARS) - 1 for years in HORIZONS]
        result: Floats = told[:, :, list(OUTCOMES).index(self.about)].numpy()[..., at].astype(np.float64)
        return result

    def risk(self, known: tuple[Prefix, ...]) -> Floats:
        """Chance of the event by each of `HORIZONS`; (n, horizons)."""
        courses = {id(one.course): one.course for one in known}
        rows = {key: n for n, key in enumerate(courses)}
        every = self.courses_risk(tuple(courses.values()))
        return every[[rows[id(one.course)] for one in known], [one.seen - 1 for one in known]]


def save_model(folder: Path, network: nn.Module, description: Description, card: str) -> Path:
    """Write a model, whole or not at all."""
    from safetensors.torch import save

    content = save({name: one.detach().cpu().contiguous() for name, one in network.state_dict().items()})
    said = description.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    with whole_folder(folder) as new:
        (new / WEIGHTS).write_bytes(content)
        (new / DESCRIPTION).write_text(yaml.safe_dump(said.model_dump(mode="json"), sort_keys=False), encoding="utf-8")
        (new / CARD).write_text(card, encoding="utf-8")
    return folder


def load_model(folder: Path, about: About = "cancer") -> TimelineModel:
    """Read a model; its weights are opened only if they are those that it names.

    Raises
    ------
    ModelError
        If it is none, or was changed.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        said = Description.model_validate(parse_yaml(read_text(folder / DESCRIPTION)))
        content = (folder / WEIGHTS).read_bytes()
    except (OSError, UnreadableError, ValidationError) as error:
        raise ModelError(
            f"{folder}: is no model of `napari-lesion timeline train` ({' '.join(str(error).split())})."
        ) from error
    if hashlib.sha256(content).hexdigest() != said.sha256:
        raise ModelError(f"{folder}: {WEIGHTS} is damaged or was changed, so it was not opened. Train it again.")
    network = TimelineNet(said.width)
    try:
        network.load_state_dict(load(content))
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(f"{folder}: {WEIGHTS} does not fit the network that {DESCRIPTION} names.") from error
    return TimelineModel(said, network.eval(), about)
