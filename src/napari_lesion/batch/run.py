"""Analyse every CT series below some paths and go on past a bad one: what the command line and the plugin share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion.batch.jobs import Found, Job, Settings, find_jobs, with_priors
from napari_lesion.batch.plan import Plan, Retry, Shard, make_plan
from napari_lesion.batch.schedule import Schedule, Status
from napari_lesion.batch.series import analyse_series, check_device, task_of
from napari_lesion.batch.workers import Workers, start
from napari_lesion.detection.choice import DetectorChoice
from napari_lesion.detection.searchable import check_threshold, reporting_threshold
from napari_lesion.report import folders
from napari_lesion.report.ledger import LedgerEntry, ledgers_in, read_ledgers
from napari_lesion.report.run_log import RunLog
from napari_lesion.report.summary import SeriesOutcome, SeriesStatus
from napari_lesion.report.write import ReportKind, refuse_naming
from napari_lesion.review.journal import state_folder
from napari_lesion.support.atomic import put_right
from napari_lesion.support.errors import LesionError, OutputError, ResultsError
from napari_lesion.support.nameless import short_hash
from napari_lesion.support.progress import Progress, part, silent

if TYPE_CHECKING:
    from napari_lesion.assessment.patient.sourced_values import Clinical
    from napari_lesion.models.card import Card, Detector
    from napari_lesion.report.withheld import Withheld

_LOG = logging.getLogger(__name__)
_WHOLE = 100_000
_BEGIN = 5_000
"""Where on the scale of progress all series are found."""


@dataclass(frozen=True)
class BatchResult:
    """What became of every series."""

    outcomes: tuple[SeriesOutcome, ...]
    """One for each series of this run, and one for each path without any."""
    skipped_files: tuple[tuple[Path, str], ...]
    """Files that are part of no series, with the reason."""
    known_patients: int = 0
    """Series of whose patients ``clinical`` says something."""
    plan: Plan | None = None
    """What the run was to do."""

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(status)} {status}" for status in ("done", "skipped", "failed"))
        return f"BatchResult({counts})"

    def count(self, status: SeriesStatus) -> int:
        """How many series (and paths without any) have this status."""
        return sum(outcome.status == status for outcome in self.outcomes)


def analyse_folder(
    paths: Sequence[Path],
    out: Path,
    *,
    detector: Detector | DetectorChoice | str = "nodule-3d",
    device: str = "auto",
    series_uids: Sequence[str] = (),
    allow_gaps: bool = False,
    assume_hu: bool = False,
    threshold: float | None = None,
    false_positives: float | None = None,
    resume: bool | None = False,
    retry: Collection[Retry] = (),
    dry_run: bool = False,
    measure: bool = True,
    reports: Sequence[ReportKind] = (),
    clinical: Clinical | None = None,
    prior: Path | None = None,
    withheld: Withheld | None = None,
    settings: Mapping[str, str] | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[SeriesOutcome], None] | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    workers: Workers | None = None,
    shard: Shard | None = None,
    on_status: Callable[[Status], None] = lambda _: None,
) -> BatchResult:
    """Analyse every CT series below some paths and write the results.

    Each series gets a folder ``out/<Series.key>`` (the SeriesInstanceUID, unless one UID holds several volumes) with
    ``findings.json``, ``heatmap.nii.gz`` and ``overview.png``; it appears as a whole or not at all, in place of an
    earlier one of the same series of the same patient: where that name holds anything else, the folder has another one
    (`report.folders`). ``out/ledger.sqlite`` has the state of each series (`report.ledger`), and is all that a run goes
    on by; ``out/summary.csv`` gets a row after each series, ``out/index.html`` is a page of them, and
    ``out/skipped_files.csv`` names the files that are part of no series. One run at a time writes to ``out``.

    A series fails when it is a CT volume and could not be analysed. So does what may hold scans and could not be looked
    into: a folder that cannot be read, a link that leads nowhere, an archive in a folder. A series is skipped when
    there was nothing to search: it is not CT, not a volume, a localizer, or shows no lungs; no findings.json is written
    then, so that a findings.json without findings always means that somebody looked.

    Parameters
    ----------
    paths : sequence of Path
        Files, folders or archives, as ``find_series`` takes them.
    out : Path
        Made if it is not there.
    detector, device, allow_gaps, assume_hu, threshold, false_positives
        As for ``pipeline.analyse``.
    series_uids : sequence of str
        Analyse these series only, by SeriesInstanceUID or ``Series.key``; by default all.
    resume : bool, optional
        Keep results that are there already where they are what this run would make: of the same images, byte for byte,
        by the same model at the same threshold, with the same settings; and leave what such a run refused as it is.
        None: where there is a ledger.
    retry : collection of str
        Of what would be left so, try again what is ``quarantined``, or all that ``failed``.
    dry_run : bool
        Write nothing and analyse nothing: only the plan of what comes back is of interest, and what is not analysed.
    measure : bool
        Outline, measure and judge the findings.
    reports : sequence of str
        Kinds of reports to write beside them (``report.write.KINDS``). Results that are kept get them, too.
    clinical : Clinical, optional
        What is known of patients.
    prior : Path, optional
        Where earlier scans are looked for (``comparison.priors``); it may be one of ``paths``. Those that have no
        results yet are analysed first, and get rows of their own.
    withheld : Withheld, optional
        Keeps what names a patient out of all files but ``findings.json``, out of rows and out of ``progress``.
    settings : mapping, optional
        What else the detector was given (its precision, its classes), as words: results made with others are not kept.
    progress : Progress
        One scale over all series.
    on_outcome : callable, optional
        Called with what became of each series as soon as it is known.
    on_plan : callable, optional
        Called with what will be done before it begins.
    workers : Workers, optional
        Processes that analyse, so that a crash costs one series; by default this one does.
    shard : Shard, optional
        Analyse only the series of these patients; other runs, at the same time, do those of the others.
    on_status : callable
        Called about twice a second, where ``workers`` analyse, with how far they are.

    Returns
    -------
    BatchResult

    Raises
    ------
    ConfigError
        If ``out`` cannot be written or another run writes there, the threshold makes no sense for the model, or the
        device is not there.
    ModelError
        If there is no such model, or it is damaged.
    ResultsError
        If ``out`` can no longer be written; the rows so far are kept, and the error says where.
    Cancelled
        If ``progress`` raised it; results that are complete by then stay.
    """
    check_threshold(threshold, false_positives)
    if withheld is not None:
        refuse_naming(reports)
        for path in (*paths, *([prior] if prior is not None else [])):
            withheld.learn_path(path)
        progress = withheld.progress(progress)
    chosen = DetectorChoice(detector) if isinstance(detector, str) else detector
    with _engine(chosen, device, None if dry_run else workers, on_status) as engine:
        asked = Settings(
            out=out,
            device=device,
            allow_gaps=allow_gaps,
            assume_hu=assume_hu,
            threshold=reporting_threshold(engine.card, threshold, false_positives),
            resume=bool(ledgers_in(out)) if resume is None else resume,
            measure=measure,
            reports=tuple(reports),
            options=dict(settings or {}),
            withheld=withheld,
        )
        indexing = part(progress, 0, _BEGIN, _WHOLE)
        finding, choosing = part(indexing, 0, 1, 2), part(indexing, 1, 2, 2)

        def planned(found: Found, entries: Iterable[LedgerEntry]) -> tuple[Plan, int]:
            jobs = found.jobs if prior is None else with_priors(found.jobs, prior, engine.card, choosing)
            if clinical is not None:
                jobs = tuple(_with_what_is_known(job, clinical) for job in jobs)
            first = len(found.outcomes)
            plan = make_plan(jobs, entries, asked, engine.card, retry=retry, first=first, shard=shard)
            return plan, sum(job.patient is not None for job in jobs)

        if dry_run:
            found = find_jobs(paths, series_uids, engine.card, withheld, finding)
            plan, known = planned(found, read_ledgers(out))
            return BatchResult(found.outcomes, found.skipped_files, known, plan)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{out}: cannot write results there ({error.strerror}). Choose another folder."
            ) from error
        with folders.held(out, "" if shard is None else str(shard)):
            for restored in put_right(out):
                _LOG.warning(
                    "series %s: an interrupted run left its results under a temporary name; they are in place again",
                    short_hash(restored.name),
                )
            log = RunLog(out, state_folder() / "summaries", on_outcome, withheld, "" if shard is None else str(shard))
            try:
                found = find_jobs(paths, series_uids, engine.card, withheld, finding)
                log.skipped_files += found.skipped_files
                log.add(*found.outcomes)
                plan, known = planned(found, log.known)
                log.save_skipped()
                log.queue(step.entry for step in plan.to_do)
                if on_plan is not None:
                    on_plan(plan)
                log.leave((step.entry, step.job.series) for step in plan.steps if step.is_left)
                engine.analyse(plan, asked, log, progress)
                progress(_WHOLE, _WHOLE, "done")
            except ResultsError:
                raise
            except BaseException:
                with suppress(LesionError):
                    log.close()
                raise
            log.close()
    return BatchResult(tuple(log.outcomes), tuple(log.skipped_files), known, plan)


@dataclass(frozen=True)
class _Engine:
    """What analyses: the card of its model, and how."""

    card: Card
    analyse: Callable[[Plan, Settings, RunLog, Progress], None]


@contextmanager
def _engine(
    chosen: Detector | DetectorChoice, device: str, workers: Workers | None, on_status: Callable[[Status], None]
) -> Iterator[_Engine]:
    """Make what analyses ready: this process, or others."""
    if workers is None:
        detector = chosen.load() if isinstance(chosen, DetectorChoice) else chosen
        check_device(device)
        yield _Engine(detector.card, partial(_analyse_here, detector))
        return
    pool = start(workers, chosen, device)

    def analyse(plan: Plan, settings: Settings, log: RunLog, progress: Progress) -> None:
        schedule = Schedule(
            plan,
            settings,
            pool,
            log,
            limit_s=workers.time_limit_s,
            place=log.place if pool.is_here else None,
            on_status=on_status,
        )
        schedule.run(part(progress, _BEGIN, _WHOLE, _WHOLE))

    try:
        yield _Engine(pool.card, analyse)
    finally:
        pool.close()


def _with_what_is_known(job: Job, clinical: Clinical) -> Job:
    """Look up what files say of a patient, and what of it could not be taken."""
    identity = job.series.identity
    said = clinical.problems_of(identity.patient_id)
    return replace(job, patient=clinical.of(identity.patient_id, identity.study_date), notes=(*said, *job.notes))


def _analyse_here(detector: Detector, plan: Plan, settings: Settings, log: RunLog, progress: Progress) -> None:
    """Analyse one series after the other in this process."""
    done = {step.job.scan: step.folder for step in plan.steps if step.entry.state == "done"}
    for number, step in enumerate(plan.steps):
        start, stop = (_BEGIN + round((_WHOLE - _BEGIN) * n / len(plan.steps)) for n in (number, number + 1))
        inner = _labelled(part(progress, start, stop, _WHOLE), f"series {number + 1}/{len(plan.steps)}")
        if step.is_left:
            inner(1, 1, "kept")
        else:
            log.lease(step.entry.key)
            ended = analyse_series(task_of(step.job, step.folder, settings, done, log.place), detector, inner)
            entry = replace(step.entry, strikes=int(ended.may_pass))
            log.settle(ended.outcome, entry, step.job.series, ended.settled)
            if ended.outcome.status == "done":
                done[step.job.scan] = step.folder


def _labelled(progress: Progress, label: str) -> Progress:
    def inner(done: int, total: int, what: str) -> None:
        progress(done, total, f"{label}: {what}")

    return inner
