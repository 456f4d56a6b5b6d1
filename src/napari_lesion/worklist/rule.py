"""The rule by which studies are ranked: data, with defaults, in a YAML file of the site's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.worklist.study_findings import CATEGORIES

Priority = Literal["STAT", "HIGH", "MEDIUM", "ROUTINE", "LOW"]
PRIORITIES: tuple[Priority, ...] = ("STAT", "HIGH", "MEDIUM", "ROUTINE", "LOW")
"""As DICOM has them (Requested Procedure Priority, PS3.3 C.4.11)."""
Points = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Rule(BaseModel):
    """How many points a study gets for what; the most points are read first.

    Points for waiting grow with time, so that nothing starves: as many as all the others can be together are reached
    after `overtaken_h`. So no study is ever ranked before one that came so many hours earlier.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    lung_rads: dict[str, Points] = {"0": 10, "1": 0, "2": 2, "3": 15, "4A": 30, "4B": 40, "4X": 40}
    """By category; one that is possible counts as if it were so."""
    grown: Points = 20
    new: Points = 10
    unclear: Points = 5
    """Of the finding that changed most against the latest prior."""
    per_mm: Points = 0.5
    """Of the diameter of the largest finding, mm."""
    largest_mm: Points = 30
    """A larger one counts as one of this size."""
    uncertain: Points = 10
    """Where the model is least sure, at a score of 0.5."""
    not_searched: Points = 30
    """Where a series was not searched, so that nobody knows what is in it."""
    warnings: Points = 3
    """Where the analysis has warnings."""
    priority: dict[Priority, Points] = {"STAT": 100, "HIGH": 50, "MEDIUM": 20, "ROUTINE": 0, "LOW": 0}
    overtaken_h: Annotated[float, Field(gt=0, le=10_000)] = 72.0
    """After so many hours nothing that comes is ranked before a study."""
    claim_minutes: Annotated[float, Field(gt=0, le=10_000)] = 15.0
    """Without a sign of life, after which a study that somebody opened is free again."""
    read_when: tuple[str, ...] = ("sent", "pdf", "html", "sr", "fhir")
    """Which reports mark a study as read: kinds that are written, and ``sent`` for those sent to an archive."""

    @field_validator("lung_rads")
    @classmethod
    def _names_categories(cls, points: dict[str, float]) -> dict[str, float]:
        for name in points:
            if name not in CATEGORIES:
                raise ValueError(f"{name!r} is no category; there are {', '.join(sorted(CATEGORIES))} (in quotes)")
        return points

    @property
    def most(self) -> float:
        """Points that a study can get for all but waiting."""
        return (
            max(self.lung_rads.values(), default=0.0)
            + max(self.grown, self.new, self.unclear)
            + self.per_mm * self.largest_mm
            + self.uncertain
            + self.not_searched
            + self.warnings
            + max(self.priority.values(), default=0.0)
        )

    @property
    def per_hour(self) -> float:
        """Points for an hour of waiting."""
        return (self.most or 1.0) / self.overtaken_h


def load_rule(path: Path | None) -> Rule:
    """Read the file of a rule; the default rule where there is none.

    Raises
    ------
    ConfigFileError
        If it is wrong; the message names the field.
    """
    return Rule() if path is None else read_checked(path, Rule, "rule of the worklist")
