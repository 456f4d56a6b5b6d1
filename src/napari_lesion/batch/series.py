"""One series of a run: analysed and its results written, or those that are there kept; in whichever process."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion import pipeline
from napari_lesion.assessment.patient.clinical import merged_patient
from napari_lesion.batch.jobs import Job, Scan, Settings, outcome_of, scan_of
from napari_lesion.batch.results import PriorResult, renew_reports, save_analysis
from napari_lesion.detection.searchable import is_about_lungs
from napari_lesion.model.findings import Report
from napari_lesion.report import folders
from napari_lesion.report import json as report_json
from napari_lesion.report.index_page import thumbnail
from napari_lesion.report.ledger import Settled
from napari_lesion.report.summary import SeriesOutcome
from napari_lesion.report.write import Written, in_words
from napari_lesion.support.atomic import put_right
from napari_lesion.support.errors import (
    Cancelled,
    ConfigError,
    DecodeError,
    LesionError,
    LungsNotFoundError,
    ResultsError,
)
from napari_lesion.support.memory import peak_mb, reset_peak
from napari_lesion.support.nameless import place_of, short_hash, trace
from napari_lesion.support.progress import Progress, part

if TYPE_CHECKING:
    from napari_lesion.models.card import Card, Detector

_LOG = logging.getLogger(__name__)
_ANALYSIS_SHARE = 0.85
_STEPS = 1000


@dataclass(frozen=True)
class Task:
    """All that a process needs to know to analyse one series.

    Attributes
    ----------
    folder : Path
        Of its results.
    priors : mapping
        Folders of the results of its priors.
    place : tuple of int, optional
        What the output folder is, to notice that it was replaced; None where another computer may look.
    """

    job: Job
    folder: Path
    settings: Settings
    priors: Mapping[Scan, Path] = field(default_factory=dict)
    place: tuple[int, int] | None = None


def task_of(
    job: Job, folder: Path, settings: Settings, done: Mapping[Scan, Path], place: tuple[int, int] | None
) -> Task:
    """List all that a process needs to know to analyse a series; ``done`` has the folders of the results there are."""
    priors = {scan: done[scan] for scan in map(scan_of, job.priors) if scan in done}
    return Task(job, folder, settings, priors, place)


@dataclass(frozen=True)
class Ended:
    """How the analysis of one series ended.

    Attributes
    ----------
    may_pass : bool
        Whether it failed for a reason that may have been of the moment: memory, a disk, a decoder, a bug.
    """

    outcome: SeriesOutcome
    settled: Settled = field(default_factory=Settled)
    may_pass: bool = False


def check_device(device: str) -> None:
    """Make sure that there is such a device.

    Raises
    ------
    ConfigError
        If there is none.
    """
    if device != "cpu":  # there always is one: who asks for it does not wait for torch
        from napari_lesion.imaging.inference import choose_device

        choose_device(device)


def analyse_series(task: Task, detector: Detector, progress: Progress) -> Ended:
    """Analyse one series and write its results, or keep those that are there; never raises but for `Cancelled`."""
    begun = time.perf_counter()
    reset_peak()
    files_state = state_of_files(task.job)
    outcome, report, may_pass = _outcome(task, detector, progress)
    settled = Settled(files_state, exit_code=0, peak_memory_mb=peak_mb(), seconds=time.perf_counter() - begun)
    if report is not None:
        settled = settled_results(settled, task.folder, report)
    return Ended(outcome, settled, may_pass)


def state_of_files(job: Job) -> str:
    """Describe what the files of a series are like; '' where one is not there."""
    try:
        return folders.files_digest(job.series)
    except OSError:
        return ""


def settled_results(settled: Settled, folder: Path, report: Report) -> Settled:
    """Add what the results of a series are, and what they were made from."""
    inputs = report.inputs
    try:
        return replace(
            settled,
            input_sha256=inputs.content_sha256 if inputs else "",
            result_sha256=folders.results_digest(folder),
            result_state=folders.results_state(folder),
            thumbnail=thumbnail(folder),
        )
    except OSError:  # somebody took them away at once: the next run will see
        return settled


def _outcome(task: Task, detector: Detector, progress: Progress) -> tuple[SeriesOutcome, Report | None, bool]:
    """Describe what became of a series, the report if it has one, and whether a failure may be of the moment."""
    job, folder, settings = task.job, task.folder, task.settings
    series, may_pass = job.series, True
    try:
        put_right(folder)
        if kept := _kept(job, folder, settings, detector.card):
            report, why = kept
            result = _renewed(report, task, detector.card, progress)
            progress(1, 1, "kept")
            return replace(_done(job, folder, *result), reason=why), result[0], False
        missing: list[str] = []
        inputs = folders.inputs_of(series, settings.of(job))
        analysis = pipeline.analyse(
            series,
            detector=detector,
            device=settings.device,
            allow_gaps=settings.allow_gaps,
            assume_hu=settings.assume_hu,
            threshold=settings.threshold,
            measure=settings.measure,
            patient=job.patient,
            priors=_priors(task, missing),
            progress=part(progress, 0, round(_STEPS * _ANALYSIS_SHARE), _STEPS),
        )
        warnings = (*analysis.report.warnings, *job.notes, *missing)
        report = analysis.report.model_copy(update={"warnings": warnings, "inputs": inputs})
        _check_place(task)
        aside = folders.set_aside(folder) if folders.is_damaged(folder) else None
        written = save_analysis(
            replace(analysis, report=report),
            folder,
            reports=() if job.prior_of else settings.reports,
            source=series,
            withheld=settings.withheld,
            progress=part(progress, round(_STEPS * _ANALYSIS_SHARE), _STEPS, _STEPS),
        )
        notes = [f"analysed as a prior of {job.prior_of}."] if job.prior_of else []
        notes += [f"the results that were there are damaged; they are kept in {aside.name}."] if aside else []
        return replace(_done(job, folder, report, written), reason=" ".join(notes)), report, False
    except Cancelled:
        raise
    except LungsNotFoundError as error:
        outcome, may_pass = replace(outcome_of(job, "skipped"), reason=_reason(error, job)), False
    except LesionError as error:
        outcome, may_pass = (
            replace(outcome_of(job, "failed"), reason=_reason(error, job)),
            isinstance(error, DecodeError),
        )
    except (OSError, MemoryError) as error:
        outcome = replace(outcome_of(job, "failed"), reason=_reason(error, job))
    except Exception as error:  # a bug must not end a night's work: it is logged with its trace, and the row says so
        _LOG.error("series %s: unexpected error\n%s", short_hash(series.identity.series_uid), trace(error))
        outcome = replace(outcome_of(job, "failed"), reason=f"unexpected error, please report it: {place_of(error)}")
    return of_earlier_run(outcome, folder), None, may_pass


def of_earlier_run(outcome: SeriesOutcome, folder: Path) -> SeriesOutcome:
    """Add to a failure that there are results of an earlier run.

    They may be all that there is, so they are not deleted, but nobody shall take them for new.
    """
    if not folder.exists():
        return outcome
    reason = f"{outcome.reason} The results in its folder are of an earlier run."
    return replace(outcome, folder=folder.name, reason=reason)


def _check_place(task: Task) -> None:
    """Make sure that the output folder is the one that the run began with.

    Raises
    ------
    ResultsError
        If it was removed or replaced.
    """
    out = task.settings.out
    try:
        same = task.place is None or task.place == folders.place_of(out)
    except OSError:
        same = False
    if not (same and out.is_dir()):
        raise ResultsError(f"{out} was removed or replaced while the run went on.")


def _kept(job: Job, folder: Path, settings: Settings, card: Card) -> tuple[Report, str] | None:
    """Load results that are not made again, and say why not.

    Raises
    ------
    ResultsError
        If a reader judged findings of other images than these: they are neither these results nor to be written over.
    OSError
        If a file of the series cannot be read.
    """
    if not (folder / report_json.FILE_NAME).is_file():
        return None
    try:
        report = report_json.load_report(folder / report_json.FILE_NAME)
    except ConfigError:
        return None
    if report.drawings or any(finding.history for finding in report.findings):
        if not folders.same_images(report, job.series):
            raise ResultsError(
                f"a reader judged findings or measured in {folder.name}, and the series had other images then (or "
                "other bytes in their files). Move that folder away to analyse the series as it is now."
            )
        return (
            report,
            "kept, since a reader judged or measured in it; move its folder away to analyse the series again.",
        )
    if (
        (settings.resume or job.prior_of)
        and _has_these_settings(report, job, settings, card)
        and folders.same_images(report, job.series)
    ):
        return report, "kept from an earlier run."
    return None


def _has_these_settings(report: Report, job: Job, settings: Settings, card: Card) -> bool:
    """Whether a result was made as this run would make it, if it was of the same images."""
    model = report.model
    if (model.id, model.version, model.sha256) != (card.id, card.version, card.sha256):
        return False
    if report.inputs is None or model.threshold != settings.threshold:
        return False
    made, asked = report.inputs.settings, settings.of(job)
    return made == (asked | {"priors": made["priors"]} if job.prior_of and "priors" in made else asked)


def _renewed(report: Report, task: Task, card: Card, progress: Progress) -> tuple[Report, Written]:
    """Write reports of results that are kept, where any are asked for, and judge anew what more is known of."""
    job, settings = task.job, task.settings
    kinds = () if job.prior_of else settings.reports
    news = (
        settings.measure and job.patient is not None and merged_patient(job.patient, report.patient) != report.patient
    )
    if not (kinds or news):
        return report, Written()
    notes = [*job.notes]  # priors that turn out to be missing are named there, too
    return renew_reports(
        task.folder,
        kinds,
        source=job.series,
        patient=job.patient,
        priors=_priors(task, notes),
        notes=notes,
        measure=settings.measure,
        guidelines=is_about_lungs(card),
        withheld=settings.withheld,
        progress=progress,
    )


def _priors(task: Task, missing: list[str]) -> Iterator[PriorResult]:
    """Give the priors of a series that were analysed; the others are named in ``missing``."""
    for series in task.job.priors:
        folder = task.priors.get(scan_of(series))
        try:
            if folder is not None:
                yield PriorResult(report_json.load_report(folder / report_json.FILE_NAME), series)
                continue
        except ConfigError:
            pass
        missing.append(f"Prior of {series.identity.study_date} (series {series.key}): it has no results; see its row.")


def _done(job: Job, folder: Path, report: Report, written: Written) -> SeriesOutcome:
    active = report.active
    best = active[0] if active else None
    exam = report.judgement.lung_rads if report.judgement else None
    return replace(
        outcome_of(job, "done"),
        folder=folder.name,
        findings=len(active),
        measured=sum(finding.measurement is not None for finding in active),
        best_score=best.score if best else None,
        best_diameter_mm=best.size_mm if best else None,
        lung_rads=exam.category if exam and exam.applies else "",
        priors=tuple(one.prior_study_date for one in report.comparisons if one.alignment.accepted),
        reports=tuple(written.kinds),
        reports_failed=tuple(written.problems),
        warnings=(*report.warnings, *written.notes, *in_words(written.problems, written.absent)),
        seconds=report.timings_s.get("total", 0.0),
    )


def _reason(error: Exception, job: Job) -> str:
    """Make the error's sentence, without the series, which has its own column."""
    text, series = str(error) or type(error).__name__, job.series
    return text.removeprefix(f"series {series.key}: ").removeprefix(f"series {series.identity.series_uid}: ")
