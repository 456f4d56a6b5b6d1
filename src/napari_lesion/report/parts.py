"""The parts that a report for people consists of."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_lesion.model.assessed import Advice, Probability
from napari_lesion.model.compared import Change, Comparison
from napari_lesion.report.pictures import Picture

COMPACT_FROM = 13
"""From so many findings on, each has less room."""


@dataclass(frozen=True)
class Fact:
    """A name, its value, and where the value comes from."""

    name: str
    value: str
    source: str = ""


@dataclass(frozen=True)
class Group:
    """Facts that come from the same source, which the title says."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class FindingEntry:
    """One finding.

    Attributes
    ----------
    number : int
        Of the finding, kept for ever.
    heading : str
    names : str
        By which DICOM knows the lesion, and the image on which it lies.
    cells : tuple of str
        Its row in the table, as `COLUMNS`.
    groups : tuple of Group
        Facts by where they come from.
    reason : str
        Why it has its type; empty where that was not measured.
    notes : tuple of str
        Sentences to know before trusting the numbers.
    changes : tuple of (str, Change)
        Since which date, and what became of it.
    brock : Probability or None
    advice : tuple of Advice
        What guidelines say of it.
    history : tuple of str
        What readers did to it.
    pictures : tuple of Picture
        In three planes; empty where the scan is not at hand.
    """

    number: int
    id: str
    heading: str
    names: str
    cells: tuple[str, ...]
    groups: tuple[Group, ...]
    reason: str = ""
    notes: tuple[str, ...] = ()
    changes: tuple[tuple[str, Change], ...] = ()
    brock: Probability | None = None
    advice: tuple[Advice, ...] = ()
    history: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Content:
    """A whole report."""

    title: str
    intended_use: str
    created: str
    result: str
    """How much was found, as a sentence."""
    impression: tuple[str, ...]
    """What matters, at most six lines."""
    scan: tuple[Fact, ...]
    patient: tuple[Fact, ...]
    model: tuple[Fact, ...]
    certificate: tuple[Fact, ...]
    made_by: tuple[Fact, ...]
    warnings: tuple[str, ...]
    exam: tuple[Advice, ...]
    """What guidelines say of the examination."""
    entries: tuple[FindingEntry, ...]
    top: tuple[FindingEntry, ...]
    """Those of the summary."""
    rejected: tuple[str, ...]
    """A line for each finding that a reader rejected."""
    comparisons: tuple[Comparison, ...]
    gone: tuple[tuple[str, Change], ...]
    """Lesions of priors that are none of this scan's findings, each with the prior's date."""
    measured: tuple[tuple[str, ...], ...] = ()
    """What readers measured by hand: a row each, as `measurements.HEADINGS`."""
    measured_notes: tuple[str, ...] = ()
    """What is to be known before trusting those numbers."""
    without_pictures: str = ""
    """Why there are no pictures."""

    @property
    def compact(self) -> bool:
        """Whether there are so many findings that each gets less room."""
        return len(self.entries) >= COMPACT_FROM
