"""One reader reads one scan, first blind and then with the detector's findings: the events, and where they lead to.

A reading is nothing but its events in order. `after` says what one event makes of it, and refuses what would mix the
two reads: before the reveal there are no findings to decide on, and what was marked blind stays as it was revealed on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from napari_lesion.model.findings import Finding, Point, Report
from napari_lesion.support.errors import ReadingError

FORMAT: Literal[2] = 2
"""Of the file of a reading; those of format 1 do not say which stack of their series they are of."""
LEVELS = 5
"""Confidence is a level from 1 (hardly) to this one (certain)."""
MARK_MM = 10.0
"""A mark is a place; where something needs a size for it, this is its diameter."""

Confidence = Annotated[int, Field(ge=1, le=LEVELS)]
Phase = Literal["blind", "revealed", "finished"]


class ReaderMark(BaseModel):
    """A place that the reader suspects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    center_mm: Point
    """LPS mm (x, y, z)."""
    confidence: Confidence


class Event(BaseModel):
    """Something that happened in a reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time: AwareDatetime


class Started(Event):
    """The reader has the scan before them, and sees no findings."""

    what: Literal["start"] = "start"
    format: Literal[1, 2] = FORMAT
    reader: str
    series_uid: str
    stack: str = ""
    """Which of the stacks of the series it is (``Volume.stack``); empty where an earlier version wrote it."""
    seen_before: bool
    """The findings had been on the screen already, so that the read is not blind."""


class Marked(Event):
    """A place is suspected; one with the same id is replaced."""

    what: Literal["mark"] = "mark"
    mark: ReaderMark


class Unmarked(Event):
    """A place is not suspected any more."""

    what: Literal["unmark"] = "unmark"
    id: str


class Revealed(Event):
    """The blind read is done, and the detector's findings are shown."""

    what: Literal["reveal"] = "reveal"
    report: Report
    """With all candidates; those at or over the model's threshold were shown."""


class Decided(Event):
    """The reader takes over a finding of the detector with a confidence, or rejects it (None)."""

    what: Literal["decide"] = "decide"
    finding: str
    confidence: Confidence | None


class Paused(Event):
    """The reader does something else; the time until the reading goes on does not count."""

    what: Literal["pause"] = "pause"


class Resumed(Event):
    """The reading goes on, after a pause or after the program ended in the middle of it."""

    what: Literal["resume"] = "resume"
    seen_before: bool = False
    """The findings had been on the screen since, so that a read is not blind any more."""


class Finished(Event):
    """The reader is done; nothing changes any more."""

    what: Literal["finish"] = "finish"


AnyEvent = Started | Marked | Unmarked | Revealed | Decided | Paused | Resumed | Finished
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="what")])


@dataclass(frozen=True)
class Reading:
    """Where a reading has got to."""

    started: Started
    last: AnyEvent
    phase: Phase = "blind"
    running: bool = True
    """False in a pause."""
    marks: tuple[ReaderMark, ...] = ()
    """The reader's, as they are now."""
    blind_marks: tuple[ReaderMark, ...] = ()
    """As they were when the findings were revealed; empty before."""
    report: Report | None = field(default=None, repr=False)
    """The detector's, from the reveal on."""
    decisions: Mapping[str, int | None] = field(default_factory=lambda: MappingProxyType({}))
    """Confidence in a finding that was taken over, None in one that was rejected, by its id."""
    blind_s: float = 0.0
    """Time of the blind read, without pauses."""
    assisted_s: float = 0.0
    """From the reveal to the end, without pauses."""
    blind: bool = True
    """False where the findings had been on the screen before the reveal."""
    interruptions: int = 0
    """How often the program ended in the middle; the time since the last event before that is not known."""

    @property
    def reader(self) -> str:
        """Name or code of the reader."""
        return self.started.reader

    @property
    def series_uid(self) -> str:
        """Of the scan."""
        return self.started.series_uid

    @property
    def stack(self) -> str:
        """Which of the stacks of its series that is; empty where it is not known."""
        return self.started.stack

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The detector's findings that the reader sees from the reveal on."""
        if self.report is None:
            return ()
        threshold = self.report.model.threshold
        return tuple(finding for finding in self.report.findings if finding.score >= threshold)

    def mark_at(self, finding: Finding) -> ReaderMark | None:
        """Get the reader's own mark that a finding of the detector coincides with."""
        return next((mark for mark in self.marks if coincide(mark, finding)), None)

    @property
    def undecided(self) -> tuple[Finding, ...]:
        """Findings that the reader neither marked nor decided on."""
        return tuple(f for f in self.shown if f.id not in self.decisions and self.mark_at(f) is None)

    @property
    def taken_over(self) -> tuple[tuple[Finding, int], ...]:
        """Findings that the detector adds to the reader's own marks, each with the reader's confidence."""
        pairs = ((finding, self.decisions.get(finding.id)) for finding in self.shown)
        return tuple((f, level) for f, level in pairs if level is not None and self.mark_at(f) is None)


def coincide(mark: ReaderMark, finding: Finding) -> bool:
    """Whether a mark and a finding are the same place: the centre of one lies in the other."""
    return math.dist(mark.center_mm, finding.center_mm) <= max(MARK_MM, finding.diameter_mm) / 2


def after(reading: Reading | None, event: AnyEvent) -> Reading:
    """Describe what an event makes of a reading (of none, if it is the first).

    Raises
    ------
    ReadingError
        If it cannot happen now.
    """
    if isinstance(event, Started):
        if reading is not None:
            raise ReadingError(f"{_name(reading)} has begun already.")
        return Reading(event, event, blind=not event.seen_before)
    if reading is None:
        raise ReadingError(f"A reading begins with its start, not with {event.what!r}.")
    if reading.phase == "finished":
        raise ReadingError(f"{_name(reading)} is finished; nothing in it can be changed.")
    if isinstance(event, Resumed):
        return replace(
            reading,
            last=event,
            running=True,
            blind=reading.blind and not (event.seen_before and reading.phase == "blind"),
            interruptions=reading.interruptions + reading.running,
        )
    if not reading.running:
        raise ReadingError(f"{_name(reading)} is paused; resume it first.")
    reading = replace(_timed(reading, event), last=event)
    match event:
        case Marked():
            kept = tuple(mark for mark in reading.marks if mark.id != event.mark.id)
            return replace(reading, marks=(*kept, event.mark))
        case Unmarked():
            kept = tuple(mark for mark in reading.marks if mark.id != event.id)
            if len(kept) == len(reading.marks):
                raise ReadingError(f"{_name(reading)}: there is no mark {event.id}.")
            return replace(reading, marks=kept)
        case Revealed():
            return _revealed(reading, event)
        case Decided():
            return _decided(reading, event)
        case Paused():
            return replace(reading, running=False)
        case Finished():
            return _finished(reading)


def _name(reading: Reading) -> str:
    return f"The reading of series {reading.series_uid} by {reading.reader}"


def _timed(reading: Reading, event: Event) -> Reading:
    """Count the time since the last event to the phase that it was spent in."""
    spent = max((event.time - reading.last.time).total_seconds(), 0.0)
    if reading.phase == "blind":
        return replace(reading, blind_s=reading.blind_s + spent)
    return replace(reading, assisted_s=reading.assisted_s + spent)


def _revealed(reading: Reading, event: Revealed) -> Reading:
    if reading.phase != "blind":
        raise ReadingError(f"{_name(reading)}: the findings were revealed already.")
    if event.report.series_uid != reading.series_uid:
        raise ReadingError(f"{_name(reading)}: the findings are of another series, {event.report.series_uid}.")
    return replace(reading, phase="revealed", blind_marks=reading.marks, report=event.report)


def _decided(reading: Reading, event: Decided) -> Reading:
    if reading.phase != "revealed":
        raise ReadingError(f"{_name(reading)} is blind; there are no findings to decide on before the reveal.")
    if event.finding not in {finding.id for finding in reading.shown}:
        raise ReadingError(f"{_name(reading)}: no finding {event.finding} was shown.")
    return replace(reading, decisions=MappingProxyType({**reading.decisions, event.finding: event.confidence}))


def _finished(reading: Reading) -> Reading:
    if reading.phase != "revealed":
        raise ReadingError(f"{_name(reading)} cannot be finished before the findings were revealed.")
    if reading.undecided:
        raise ReadingError(f"{_name(reading)}: {len(reading.undecided)} findings are neither accepted nor rejected.")
    return replace(reading, phase="finished", running=False)
