"""What a run has to do: the series below its paths, each with its priors, and what is not analysed with the reason."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from napari_lesion.detection.searchable import unsuitable
from napari_lesion.model.assessed import Patient
from napari_lesion.report import folders, summary
from napari_lesion.report.summary import SeriesOutcome, SeriesStatus
from napari_lesion.report.write import ReportKind
from napari_lesion.support.errors import LesionError
from napari_lesion.support.progress import Progress, part

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.models.card import Card
    from napari_lesion.report.withheld import Withheld

Scan: TypeAlias = tuple[str, ...]
"""What tells a scan from all others: whose it is, and its images."""


@dataclass(frozen=True)
class Job:
    """A series that is to be analysed."""

    series: Series
    source: Path
    priors: tuple[Series, ...] = ()
    """To compare with, the latest first."""
    notes: tuple[str, ...] = ()
    """What there is to say of the choice of priors, and of what is known of the patient."""
    prior_of: str = ""
    """Where it was not asked for itself: the scan that it is a prior of."""
    patient: Patient | None = None
    """What is known of the patient besides the headers."""

    def __getstate__(self) -> dict[str, object]:
        """Leave out of what another process gets who clears the files of a zip away: that is this process's."""
        return vars(self) | {
            "series": replace(self.series, _folder=None),
            "priors": tuple(replace(one, _folder=None) for one in self.priors),
        }

    def __setstate__(self, state: dict[str, object]) -> None:
        """Take what was left of it."""
        vars(self).update(state)

    @property
    def scan(self) -> Scan:
        """What tells it from all others."""
        return scan_of(self.series)

    @property
    def key(self) -> str:
        """The same as a digest: its name in the ledger."""
        return hashlib.sha256(json.dumps(self.scan).encode()).hexdigest()


@dataclass(frozen=True)
class Settings:
    """What is asked for all series of a run."""

    out: Path
    device: str
    allow_gaps: bool
    assume_hu: bool
    threshold: float
    resume: bool
    measure: bool
    reports: tuple[ReportKind, ...]
    options: Mapping[str, str]
    """What the detector was given, as words."""
    withheld: Withheld | None = None

    def of(self, job: Job) -> dict[str, str]:
        """Describe what a series is analysed with, besides the model and its threshold."""
        known = {name: _yes(getattr(self, name)) for name in ("allow_gaps", "assume_hu", "measure")} | {**self.options}
        priors = " ".join(one.key for one in job.priors)
        return {**known, "priors": priors} if priors else known

    def digest(self, job: Job, card: Card) -> str:
        """SHA-256 of the model, its threshold and all that a result depends on besides the images."""
        parts = [card.id, card.version, card.sha256, repr(self.threshold), sorted(self.of(job).items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Found:
    """What there is below some paths.

    Attributes
    ----------
    jobs : tuple of Job
        Series to analyse, in the order found.
    outcomes : tuple of SeriesOutcome
        Of what is not analysed.
    skipped_files : tuple
        Files that are part of no series, with the reason.
    """

    jobs: tuple[Job, ...]
    outcomes: tuple[SeriesOutcome, ...]
    skipped_files: tuple[tuple[Path, str], ...]


def find_jobs(
    paths: Sequence[Path], wanted: Sequence[str], card: Card, withheld: Withheld | None, progress: Progress
) -> Found:
    """Find the series to analyse below some paths."""
    from napari_lesion.dicom.index.series import find_series

    jobs: dict[Scan, Job] = {}
    outcomes: list[SeriesOutcome] = []
    skipped_files: list[tuple[Path, str]] = []
    missing = set(wanted)
    for number, path in enumerate(paths):
        try:
            index = find_series(path, progress=part(progress, number, number + 1, len(paths)))
        except LesionError as error:
            outcomes.append(SeriesOutcome(series_uid="", status="failed", reason=str(error), source=str(path)))
            continue
        skipped_files += index.skipped
        if withheld is not None:
            for series in index:
                withheld.learn(series.identity)
        for place, reason in _by_reason(index.left_out):
            outcomes.append(
                SeriesOutcome(series_uid="", status="failed", reason=f"left out: {reason}.", source=str(place))
            )
        if not index:
            reason = f"no image series found ({len(index.skipped)} files are none; see {summary.SKIPPED_FILE_NAME})."
            outcomes.append(SeriesOutcome(series_uid="", status="failed", reason=reason, source=str(path)))
        for series in index:
            names = {series.identity.series_uid, series.key}
            if wanted and not names & set(wanted):
                continue
            missing -= names
            job = Job(series, path)
            outcome = outcome_of(job, "skipped")
            if why := unsuitable(series, card.modalities, single_images=card.single_images):
                outcomes.append(replace(outcome, reason=why))
            elif (scan := job.scan) in jobs:
                outcomes.append(replace(outcome, reason=f"the same series was found in {jobs[scan].source} already."))
            else:
                jobs[scan] = job
    for uid in sorted(missing):
        outcomes.append(SeriesOutcome(series_uid=uid, status="failed", reason="no such series below the given paths."))
    return Found(tuple(jobs.values()), tuple(outcomes), tuple(skipped_files))


def _by_reason(left_out: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Group what was left out: a file by itself; several of one folder for one reason together."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path, reason in left_out:
        groups.setdefault((path.parent, reason), []).append(path)
    return [
        (paths[0], reason) if len(paths) == 1 else (folder, f"{len(paths)} files in it: {reason}")
        for (folder, reason), paths in groups.items()
    ]


def with_priors(jobs: Sequence[Job], path: Path, card: Card, progress: Progress) -> tuple[Job, ...]:
    """Give each job its priors, put those that are missing before it, and each patient's dates in order.

    Raises
    ------
    SeriesError
        If there is nothing to read at that path.
    """
    from napari_lesion.comparison.priors import choose_priors
    from napari_lesion.dicom.index.series import find_series

    candidates = [
        one
        for one in find_series(path, progress=progress)
        if not unsuitable(one, card.modalities, single_images=card.single_images)
    ]
    asked = {job.scan: job for job in jobs}
    complete: dict[Scan, Job] = {}
    patients: dict[str, int] = {}
    for job in jobs:
        chosen = choose_priors(job.series, candidates)
        priors = []
        for one in chosen.priors:
            scan = scan_of(one)
            if scan not in asked:
                complete.setdefault(scan, Job(one, path, prior_of=job.series.key))
            priors.append(asked[scan].series if scan in asked else one)
        complete[job.scan] = replace(job, priors=tuple(priors), notes=chosen.notes)
        patients.setdefault(job.series.identity.patient_id, len(patients))
    return tuple(
        sorted(
            complete.values(),
            key=lambda job: (patients[job.series.identity.patient_id], job.series.identity.study_date),
        )
    )


def scan_of(series: Series) -> Scan:
    """Describe what tells a scan from all others."""
    return (*folders.owner(series.identity), folders.images_digest(series))


def outcome_of(job: Job, status: SeriesStatus) -> SeriesOutcome:
    """Make an outcome with what the headers say of the series."""
    identity = job.series.identity
    return SeriesOutcome(
        series_uid=identity.series_uid,
        status=status,
        modality=identity.modality,
        patient_id=identity.patient_id,
        study_date=identity.study_date,
        series_number=identity.series_number,
        series_description=identity.series_description,
        images=job.series.n_slices,
        source=str(job.source.absolute()),
    )


def _yes(asked: bool) -> str:
    return "yes" if asked else "no"
