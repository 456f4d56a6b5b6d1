"""A study on the worklist, as it was when the list was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.worklist.ranking import Term, points
from napari_lesion.worklist.rule import Priority
from napari_lesion.worklist.seats import is_gone
from napari_lesion.worklist.study_findings import Found


@dataclass(frozen=True)
class Series:
    """A series of a study on the list, with its results; paths are None where there are none."""

    identity: SeriesIdentity
    found: Found
    folder: Path | None
    source: Path | None


@dataclass(frozen=True)
class Study:
    """A study on the list.

    Attributes
    ----------
    id : str
        On this list.
    series : tuple of Series
        The most urgent first.
    arrived : float
        Seconds since 1970.
    priority : str
    terms : tuple of Term
        Why it is where it is.
    holder : str
        Who has it open; "" if nobody does.
    seat : str
        Where they have it open (`seats`); "" where only the name counts.
    held_since : float, optional
    read_at, read_by
        When it was read last, and by whom.
    is_read : bool
        Whether nothing came since then.
    """

    id: str
    series: tuple[Series, ...]
    found: Found
    arrived: float
    priority: Priority
    terms: tuple[Term, ...]
    holder: str
    seat: str
    held_since: float | None
    read_at: float | None
    read_by: str
    is_read: bool

    @property
    def identity(self) -> SeriesIdentity:
        """Whose it is."""
        return self.series[0].identity

    @property
    def points(self) -> float:
        """The sum of its terms."""
        return points(self.terms)

    def is_free_for(self, reader: str, seat: str = "") -> bool:
        """Whether a reader may have it: nobody else has it, nor they elsewhere (where a program runs yet)."""
        return not self.holder or (self.holder == reader and (self.seat in ("", seat) or is_gone(self.seat)))


@dataclass(frozen=True)
class Event:
    """Something that happened to a study; ``at`` in seconds since 1970."""

    at: float
    who: str
    what: str
    detail: str
