"""A scan against an earlier one of the same patient: types only."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

ChangeStatus = Literal["grown", "stable", "shrunk", "new", "resolved", "not in view", "unclear"]


class Alignment(BaseModel):
    """How well two scans could be brought together."""

    model_config = ConfigDict(frozen=True)

    accepted: bool
    """False: positions of one say nothing about the other, and nothing was matched."""
    quality: float | None = None
    """Dice of the lungs after alignment, 0 to 1."""
    rigid_quality: float | None = None
    """The same after the rigid step alone."""
    vessels: float | None = None
    """Correlation of vessels and other details inside the lungs after alignment, −1 to 1: low in another patient."""
    residual_mm: float | None = None
    """Typical distance that is left between the lungs' surfaces, mm."""
    method: str = ""
    says: str = ""
    """Why it was accepted or refused, as a sentence with its numbers."""


class Change(BaseModel):
    """One lesion now and before."""

    model_config = ConfigDict(frozen=True)

    finding_id: str | None
    """In this scan; None where it resolved or is not in view."""
    prior_finding_id: str | None
    """In the prior; None where it is new or was not in view."""
    fate: ChangeStatus
    why: str
    """The rule and its numbers, as a sentence; says so where a change can't be told from measurement noise."""
    apart_mm: float | None = None
    """Between this and the prior's aligned centre."""
    diameter_mm: float | None = None
    prior_diameter_mm: float | None = None
    volume_mm3: float | None = None
    prior_volume_mm3: float | None = None
    volume_change: float | None = None
    """(now - before) / before."""
    doubling_days: float | None = None
    """Volume doubling time; negative where it shrank, None where it can't be told."""
    doubling_low_days: float | None = None
    doubling_high_days: float | None = None
    """95 % interval; None where it is open on that side."""
    prior_lung_rads: str = ""
    """Category of Lung-RADS that the prior's report gave it, or would give if it was screening; empty where none."""


class Comparison(BaseModel):
    """A scan against one prior."""

    model_config = ConfigDict(frozen=True)

    prior_series_uid: str
    prior_study_date: str
    """YYYYMMDD."""
    days: int | None
    """From the prior to this scan; None where a date is missing."""
    alignment: Alignment
    changes: tuple[Change, ...] = ()

    def __repr__(self) -> str:
        what = f"{len(self.changes)} changes" if self.alignment.accepted else "not aligned"
        return f"Comparison(with series {self.prior_series_uid}: {what})"

    __str__ = __repr__

    def of(self, finding_id: str) -> Change | None:
        """Look up what became of a finding of this scan."""
        return next((one for one in self.changes if one.finding_id == finding_id), None)

    def prior_day(self, now: date) -> date | None:
        """Day of the prior, from its own date or else counted back from that of this scan."""
        day = day_of(self.prior_study_date)
        return day if day is not None or self.days is None else now - timedelta(days=self.days)


class Lesion(BaseModel):
    """A lesion that is followed from the baseline on, by RECIST 1.1."""

    model_config = ConfigDict(frozen=True)

    uid: str
    """`Finding.lesion_uid`, or any name."""
    organ: str
    """Nodes are one organ: ``node``; so are both lungs."""
    role: Literal["target", "non-target"]
    node: bool = False
    progressed: tuple[str, ...] = ()
    """Series UIDs of the scans in which a reader says that it, a non-target, has unequivocally progressed."""


def day_of(dicom: str) -> date | None:
    """Day of a DICOM date (YYYYMMDD); None where it is missing or none."""
    try:
        return date.fromisoformat(dicom)
    except ValueError:
        return None


def days_between(earlier: str, later: str) -> int | None:
    """Days from one DICOM date (YYYYMMDD) to another; None where one is missing or none."""
    first, last = day_of(earlier), day_of(later)
    return (last - first).days if first is not None and last is not None else None
