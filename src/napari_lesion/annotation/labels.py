"""The words that readers mark findings with: a checked configuration, and what each word means for training."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.support.errors import ConfigError

#: What a detector that is trained with an annotation makes of it.
#: ``nodule``: learned; ``excluded``: neither learned nor healthy (nor counted by `evaluate`); ``healthy``: no lesion.
Role = Literal["nodule", "excluded", "healthy"]


class Label(BaseModel):
    """One word for findings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    color: str
    """``#rrggbb``."""
    key: int | None = Field(default=None, ge=1, le=9)
    """Chosen with Alt and this digit."""
    role: Role = "nodule"

    @field_validator("color")
    @classmethod
    def _is_a_color(cls, color: str) -> str:
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
            raise ValueError(f"{color!r} is no colour in the form '#rrggbb' (in quotes: YAML takes # for a comment)")
        return color.lower()


class LabelSet(BaseModel):
    """The words of one study, in the order in which they are offered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    labels: tuple[Label, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _nothing_twice(self) -> LabelSet:
        names = [label.name for label in self.labels]
        keys = [str(label.key) for label in self.labels if label.key is not None]
        for what, values in (("name", names), ("key", keys)):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is given to several labels")
        return self

    def __getitem__(self, name: str) -> Label:
        """Get a label by its name.

        Raises
        ------
        ConfigError
            If the set has no such label.
        """
        for label in self.labels:
            if label.name == name:
                return label
        known = ", ".join(label.name for label in self.labels)
        raise ConfigError(f"The label set {self.name!r} has no label {name!r} (it has {known}).")

    def __contains__(self, name: object) -> bool:
        return any(label.name == name for label in self.labels)


# Colours of Okabe and Ito, which the colour-blind tell apart.
LUNG_NODULES = LabelSet(
    name="lung nodules",
    labels=(
        Label(name="nodule", color="#e69f00", key=1),
        Label(name="part-solid nodule", color="#56b4e9", key=2),
        Label(name="ground-glass nodule", color="#009e73", key=3),
        Label(name="mass", color="#d55e00", key=4),
        Label(name="non-nodule", color="#999999", key=5, role="excluded"),
        Label(name="lymph node", color="#cc79a7", key=6, role="excluded"),
        Label(name="artefact", color="#f0e442", key=7, role="healthy"),
    ),
)
"""Used where no configuration is given."""


def read_labels(path: Path) -> LabelSet:
    """Read a label set from a YAML file.

    Raises
    ------
    ConfigError
        If the file is missing, no YAML, or holds a wrong or unknown field; the message names it.
    """
    return read_checked(path, LabelSet, "label set")
