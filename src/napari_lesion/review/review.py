"""The state of a review: the report it starts from, and the changes since. Every change can be undone exactly.

What the program measures is no change: it follows from the findings as they are, so it is kept beside them, and comes
back with them when a change is undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from pydantic import BaseModel, ConfigDict

from napari_lesion.assessment.guidelines.apply import apply_guidelines
from napari_lesion.assessment.patient.clinical import patient_of
from napari_lesion.model.assessed import Patient
from napari_lesion.model.compared import Comparison, Lesion
from napari_lesion.model.drawn import Drawing
from napari_lesion.model.findings import NOBODY, Finding, ModelReference, Point, Report
from napari_lesion.model.mask import Mask
from napari_lesion.model.measured import Measurement
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import ReviewError

NO_MODEL = ModelReference(id=NOBODY, version="", sha256="", threshold=0.0)
"""The model of a report in which only a reader has searched."""


@dataclass(frozen=True)
class Provenance:
    """Who changes something, and when.

    Attributes
    ----------
    reader : str
        Name of the reader.
    time : str
        ISO 8601, UTC.
    """

    reader: str
    time: str


def provenance(reader: str) -> Provenance:
    """Put a reader's name to this moment."""
    return Provenance(reader, datetime.now(UTC).isoformat(timespec="milliseconds"))


class ReviewChange(BaseModel):
    """One step of a review: some findings as they were, and what takes their place."""

    model_config = ConfigDict(frozen=True)

    what: str
    """In words, for Undo and the journal."""
    time: str
    """ISO 8601, UTC."""
    reader: str
    before: tuple[Finding, ...] = ()
    after: tuple[Finding, ...] = ()
    comparisons: tuple[Comparison, ...] | None = None
    """With priors, from then on; None where they stay as they were."""
    patient: Patient | None = None
    """What is known of the patient, from then on; None where that stays as it was."""
    lesions: tuple[Lesion, ...] | None = None
    """Targets and non-targets, from then on; None where they stay as they were."""
    drawings: tuple[Drawing, ...] | None = None
    """Rulers, regions and whatever else readers draw, from then on; None where they stay as they were."""


class Measured(BaseModel):
    """What the program measured in a finding as it was: the same whenever the finding is like that again."""

    model_config = ConfigDict(frozen=True)

    finding_id: str
    center_mm: Point
    """LPS mm (x, y, z)."""
    diameter_mm: float
    drawn: bool
    """Whether a reader drew the mask; else it was looked for at that place."""
    mask: Mask | None = None
    measurement: Measurement | None = None
    unmeasured: str = ""


@dataclass(frozen=True)
class Review:
    """The findings of one scan as readers left them.

    Attributes
    ----------
    start : Report
        As the detector left it, all candidates included.
    changes : tuple of ReviewChange
        Made since, the first first.
    undone : tuple of ReviewChange
        Taken back and not yet made again, the last taken back last.
    measured : tuple of Measured
        What the program measured since, in findings as they are or were.
    updated : tuple of Comparison
        What comparisons came to when findings changed; the last one with each prior counts.
    highest : int
        The highest number that a change gave to a finding, also where it was undone and is forgotten.
    highest_drawing : int
        The same of drawings.
    """

    start: Report
    changes: tuple[ReviewChange, ...] = ()
    undone: tuple[ReviewChange, ...] = ()
    measured: tuple[Measured, ...] = ()
    updated: tuple[Comparison, ...] = ()
    highest: int = 0
    highest_drawing: int = 0

    @property
    def last_number(self) -> int:
        """The highest number that a finding of this scan was ever given."""
        return max((self.highest, self.start.last_number, *(one.number for one in self.start.findings)))

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The findings now, sorted by score, falling; rejected ones are among them."""
        # Always from the start: so whatever was undone leaves no trace, not even in the order.
        state = {finding.id: finding for finding in self.start.findings}
        for change in self.changes:
            after = {finding.id: finding for finding in change.after}
            for finding in change.before:
                if finding.id not in after:
                    del state[finding.id]
            state.update(after)
        known = {
            (one.finding_id, one.center_mm, one.diameter_mm, one.mask if one.drawn else None): one
            for one in self.measured
        }
        findings = (_with_numbers(finding, known.get(_question(finding))) for finding in state.values())
        return tuple(sorted(findings, key=lambda finding: -finding.score))

    @property
    def unmeasured(self) -> tuple[Finding, ...]:
        """The findings that nobody has tried to measure as they are now."""
        return tuple(finding for finding in self.findings if is_unmeasured(finding))

    @cached_property
    def patient(self) -> Patient:
        """What is known of the patient."""
        said = (change.patient for change in reversed(self.changes) if change.patient is not None)
        return next(said, self.start.patient)

    @cached_property
    def lesions(self) -> tuple[Lesion, ...]:
        """Targets and non-targets of RECIST."""
        chosen = (change.lesions for change in reversed(self.changes) if change.lesions is not None)
        return next(chosen, self.start.lesions)

    @cached_property
    def drawings(self) -> tuple[Drawing, ...]:
        """What readers drew to measure, in the order of their numbers."""
        drawn = (change.drawings for change in reversed(self.changes) if change.drawings is not None)
        return next(drawn, self.start.drawings)

    @property
    def last_drawing(self) -> int:
        """The highest number that a drawing of this scan was ever given."""
        return max((self.highest_drawing, self.start.last_drawing, *(one.number for one in self.start.drawings)))

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """With priors, the latest first."""
        made = (change.comparisons for change in reversed(self.changes) if change.comparisons is not None)
        latest = {one.prior_series_uid: one for one in self.updated}
        return tuple(latest.get(one.prior_series_uid, one) for one in next(made, self.start.comparisons))

    @cached_property
    def report(self) -> Report:
        """The report with findings, patient and comparisons as they are now; what was judged of others is not in it."""
        now = {"findings": self.findings, "patient": self.patient, "comparisons": self.comparisons}
        now |= {"lesions": self.lesions, "judgement": None, "last_number": self.last_number}
        now |= {"drawings": self.drawings, "last_drawing": self.last_drawing}
        return self.start.model_copy(update=now)

    def finding(self, id_: str) -> Finding:
        """Get a finding by its id.

        Raises
        ------
        ReviewError
            If it is not in the review (any more).
        """
        for finding in self.findings:
            if finding.id == id_:
                return finding
        raise ReviewError(f"series {self.start.series_uid}: there is no finding {id_} in this review.")

    def done(self, change: ReviewChange) -> Review:
        """Make a change; what was undone before can't be made again after it."""
        change = self.with_numbers(change)
        highest = max((self.last_number, *(finding.number for finding in change.after)))
        drawn = max((self.last_drawing, *(one.number for one in change.drawings or ())))
        return replace(self, changes=(*self.changes, change), undone=(), highest=highest, highest_drawing=drawn)

    def with_numbers(self, change: ReviewChange) -> ReviewChange:
        """Give a number to the findings of a change that have none: a journal of an earlier version holds such."""
        if all(finding.number for finding in (*change.before, *change.after)):
            return change
        made = (finding for one in (*self.changes, *self.undone) for finding in one.after)
        known = {finding.id: finding.number for finding in (*self.start.findings, *made)}
        last = self.last_number
        for finding in change.after:
            if not finding.number and finding.id not in known:
                known[finding.id] = last = last + 1

        def named(finding: Finding) -> Finding:
            return finding if finding.number else finding.model_copy(update={"number": known[finding.id]})

        update = {"before": tuple(map(named, change.before)), "after": tuple(map(named, change.after))}
        return change.model_copy(update=update)


def is_searched(report: Report) -> bool:
    """Whether a model has searched, so that what is not found means something."""
    return report.model != NO_MODEL


def is_unmeasured(finding: Finding) -> bool:
    """Whether nobody has tried to measure a finding."""
    return finding.measurement is None and not finding.unmeasured


def _question(finding: Finding) -> tuple[str, Point, float, Mask | None]:
    """All that the measurement of a finding depends on."""
    return finding.id, finding.center_mm, finding.diameter_mm, finding.mask


def _with_numbers(finding: Finding, known: Measured | None) -> Finding:
    if known is None or not is_unmeasured(finding):
        return finding
    numbers = {"mask": known.mask, "measurement": known.measurement, "unmeasured": known.unmeasured}
    return finding.model_copy(update=numbers)


def with_measurements(review: Review, findings: Iterable[Finding]) -> Review:
    """Keep what the program measured in findings, as long as they are still like that.

    Parameters
    ----------
    review : Review
    findings : iterable of Finding
        Some of `Review.unmeasured`, with mask and measurement, or why there is none.
    """
    waiting = {finding.id: finding for finding in review.unmeasured}
    new = tuple(
        Measured(
            finding_id=finding.id,
            center_mm=finding.center_mm,
            diameter_mm=finding.diameter_mm,
            drawn=asked.mask is not None,
            mask=finding.mask,
            measurement=finding.measurement,
            unmeasured=finding.unmeasured,
        )
        for finding in findings
        if (asked := waiting.get(finding.id)) is not None
        and (asked.center_mm, asked.diameter_mm) == (finding.center_mm, finding.diameter_mm)
        and asked.mask in (None, finding.mask)
        and not is_unmeasured(finding)
    )
    return replace(review, measured=(*review.measured, *new)) if new else review


def with_comparison(review: Review, comparison: Comparison) -> Review:
    """Keep what a comparison comes to with the findings as they are now, if there is one with that prior."""
    known = {one.prior_series_uid for one in review.comparisons}
    if comparison.prior_series_uid not in known or comparison in review.comparisons:
        return review
    return replace(review, updated=(*review.updated, comparison))


def undo(review: Review, _by: Provenance | None = None) -> Review:
    """Take the last change back; without one, the review stays as it is."""
    if not review.changes:
        return review
    *changes, last = review.changes
    return replace(review, changes=tuple(changes), undone=(*review.undone, last))


def redo(review: Review, _by: Provenance | None = None) -> Review:
    """Make again what was undone last; without that, the review stays as it is."""
    if not review.undone:
        return review
    *undone, last = review.undone
    return replace(review, changes=(*review.changes, last), undone=tuple(undone))


def reported(review: Review, threshold: float, false_positives: float | None = None) -> Report:
    """Make the report that is saved, with what models and guidelines say of it.

    Candidates that no reader touched count from the threshold on. What a reader judged, moved or added stays whatever
    its score, rejected findings among it: their status says so.

    Parameters
    ----------
    review : Review
    threshold : float
        Score in [0, 1].
    false_positives : float, optional
        A scan, to expect at this threshold.
    """
    kept = tuple(f for f in review.findings if f.history or f.status != "candidate" or f.score >= threshold)
    model = review.start.model.model_copy(
        update={"threshold": threshold, "false_positives_per_scan": false_positives},
    )
    report = review.report.model_copy(update={"findings": kept, "model": model})
    # Where nobody searched, that there is no finding means nothing.
    judgement = apply_guidelines(kept, report.patient, report.comparisons) if report.is_searched else None
    return report.model_copy(update={"judgement": judgement})


def unsearched(volume: Volume, versions: dict[str, str] | None = None) -> Report:
    """Make the report of a scan in which no model has searched, for findings that a reader adds."""
    return Report(
        series_uid=volume.series.series_uid,
        series=volume.series,
        findings=(),
        certificate=volume.certificate,
        model=NO_MODEL,
        device="",
        versions=versions or {},
        timings_s={},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        patient=patient_of(volume.series),
    )


def steps(old: Review, new: Review) -> Sequence[ReviewChange | None]:
    """Find the steps from one state of a review to a later one: None for an undo, else the change that is made.

    Raises
    ------
    ReviewError
        If there is no such way, because they start from different reports.
    """
    if old.start is not new.start and old.start != new.start:
        raise ReviewError("These are not states of one review: they start from different reports.")
    common = 0
    for one, other in zip(old.changes, new.changes, strict=False):
        if one is not other and one != other:
            break
        common += 1
    return [*[None] * (len(old.changes) - common), *new.changes[common:]]


def step(review: Review, change: ReviewChange | None) -> Review:
    """Make one of the `steps`: an undo, or a change, which is a redo where it was the last one undone."""
    if change is None:
        return undo(review)
    change = review.with_numbers(change)
    if review.undone and review.undone[-1] == change:
        return redo(review)
    return review.done(change)
