"""What a run will do with each series that it found: analyse it, keep its results, or leave it as it failed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_lesion.batch.jobs import Job, Settings, outcome_of
from napari_lesion.report import folders
from napari_lesion.report.ledger import LedgerEntry, State
from napari_lesion.report.summary import SeriesOutcome
from napari_lesion.support.errors import OptionError

if TYPE_CHECKING:
    from napari_lesion.models.card import Card

Retry = Literal["failed", "quarantined"]
_AGAIN: Mapping[Retry, tuple[State, ...]] = {"failed": ("failed", "quarantined"), "quarantined": ("quarantined",)}


@dataclass(frozen=True)
class Shard:
    """One of several parts of an archive, by patient: a study and its priors are never in two.

    Attributes
    ----------
    number : int
        From 1.
    count : int
    """

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise OptionError(f"There is no shard {self.number} of {self.count}: they are counted from 1.")

    def __str__(self) -> str:
        return f"{self.number}-of-{self.count}"

    def has(self, job: Job) -> bool:
        """Whether a series is in it."""
        whose = hashlib.sha256(job.series.identity.patient_id.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(whose[:8]) % self.count == self.number - 1


@dataclass(frozen=True)
class Step:
    """A series, and what will be done with it.

    Attributes
    ----------
    entry : LedgerEntry
        As it is queued, or as the ledger has it where it is left.
    folder : Path
        Of its results.
    """

    job: Job
    entry: LedgerEntry
    folder: Path

    @property
    def is_left(self) -> bool:
        """Whether it is not looked at again."""
        return self.entry.state != "queued"


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    Attributes
    ----------
    steps : tuple of Step
        In the order of the rows.
    interrupted : tuple of str
        Series that were under way when the last run ended, by SeriesInstanceUID.
    """

    steps: tuple[Step, ...]
    interrupted: tuple[str, ...] = ()

    @property
    def to_do(self) -> tuple[Step, ...]:
        """What is looked at: analysed, or found to be what it would be."""
        return tuple(step for step in self.steps if not step.is_left)

    @property
    def left(self) -> Counter[State]:
        """How many series are not looked at again, by their state."""
        return Counter(step.entry.state for step in self.steps if step.is_left)

    def __str__(self) -> str:
        """Describe it in a sentence."""
        left = self.left
        said = [f"{len(self.to_do)} of {len(self.steps)} series to analyse"]
        if left["done"]:
            said.append(f"{left['done']} done already and kept")
        if left["skipped"]:
            said.append(f"{left['skipped']} without anything to search")
        if refused := left["failed"] + left["quarantined"]:
            held = f", {left['quarantined']} of them in quarantine" if left["quarantined"] else ""
            said.append(f"{refused} left as they failed{held} (--retry failed tries them again)")
        if self.interrupted:
            said.append(f"{len(self.interrupted)} of those to analyse were under way when the last run ended")
        return "; ".join(said) + "."


def make_plan(
    jobs: Iterable[Job],
    entries: Iterable[LedgerEntry],
    settings: Settings,
    card: Card,
    *,
    retry: Collection[Retry] = (),
    first: int = 0,
    shard: Shard | None = None,
) -> Plan:
    """Describe what will be done with each series.

    Parameters
    ----------
    jobs : iterable of Job
    entries : iterable of LedgerEntry
        Of the ledger, as the last run left it.
    settings : Settings
    card : Card
        Of the model.
    retry : collection of str
        What failed and is tried again: ``failed`` is all of it.
    first : int
        Position of the first row.
    shard : Shard, optional
        Only what is in it.
    """
    known = {entry.key: entry for entry in entries}
    again = {state for one in retry for state in _AGAIN[one]}
    taken: set[str] = set()
    steps = []
    interrupted = []
    for position, job in enumerate(jobs, first):
        folder = folders.folder_for(job.series, settings.out, taken)
        taken.add(folder.name)
        if shard is not None and not shard.has(job):
            continue
        identity = job.series.identity
        entry = LedgerEntry(
            job.key,
            identity.study_uid,
            identity.series_uid,
            "queued",
            position=position,
            settings_sha256=settings.digest(job, card),
        )
        step = Step(job, entry, folder)
        was = known.get(entry.key)
        if was is not None and was.state == "leased":
            interrupted.append(identity.series_uid)
        if was is not None and was.state in ("queued", "leased"):
            step = replace(step, entry=replace(entry, strikes=was.strikes))
        if was is not None and settings.resume and was.state not in again and _stands(was, step, settings):
            step = replace(step, entry=replace(was, position=position, outcome=_as_it_was(was, job)))
        steps.append(step)
    return Plan(tuple(steps), tuple(interrupted))


def _stands(was: LedgerEntry, step: Step, settings: Settings) -> bool:
    """Whether what the ledger says of a series is what an analysis would say again."""
    job = step.job
    if was.outcome is None or was.settings_sha256 != step.entry.settings_sha256:
        return False
    try:
        if was.files_state != folders.files_digest(job.series):
            return False
        if was.state == "done":
            wanted = () if job.prior_of else settings.reports
            return (
                job.patient is None
                and set(wanted) <= {*was.outcome.reports, *was.outcome.reports_failed}
                and was.folder == step.folder.name
                and (
                    was.result_state == folders.results_state(step.folder)
                    or was.result_sha256 == folders.results_digest(step.folder)
                )
            )
    except OSError:
        return False
    if was.folder and not (settings.out / was.folder).exists():  # moved away, as the reason may have said
        return False
    return was.state in ("skipped", "quarantined") or (was.state == "failed" and not was.strikes)


def _as_it_was(was: LedgerEntry, job: Job) -> SeriesOutcome:
    """Give the outcome of the ledger, with what the headers say now."""
    assert was.outcome is not None
    said = outcome_of(job, was.outcome.status)
    names = ("modality", "patient_id", "study_date", "series_number", "series_description", "images", "source")
    outcome = replace(was.outcome, **{name: getattr(said, name) for name in names})
    if was.state == "done":
        return replace(outcome, reason="kept from an earlier run.")
    if was.state == "skipped":
        return outcome
    note = " (Of an earlier run; --retry failed tries it again.)"
    return replace(outcome, reason=outcome.reason.removesuffix(note) + note)
