"""Analyse every CT series below some paths and go on past a bad one: what the command line and the plugin share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion import pipeline
from napari_lesion.assessment.patient.clinical import merged_patient
from napari_lesion.detection import registry
from napari_lesion.model.findings import Analysis, Report
from napari_lesion.model.judged import Patient
from napari_lesion.model.volume import Volume
from napari_lesion.report import folders, summary
from napari_lesion.report import json as report_json
from napari_lesion.report.run_log import RunLog
from napari_lesion.report.summary import SeriesOutcome, SeriesStatus
from napari_lesion.report.write import Kind, Written, in_words, refuse_naming, write_reports
from napari_lesion.review.journal import state_folder
from napari_lesion.support.atomic import put_right, whole_folder
from napari_lesion.support.errors import (
    Cancelled,
    ConfigError,
    LesionError,
    LungsNotFoundError,
    OutputError,
    ResultsError,
)
from napari_lesion.support.progress import Progress, part, silent

if TYPE_CHECKING:
    from napari_lesion.assessment.patient.sourced_values import Clinical
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.models.card import Card, Detector
    from napari_lesion.report.withheld import Withheld

_LOG = logging.getLogger(__name__)
_INDEX_SHARE = 0.05
_ANALYSIS_SHARE = 0.85
_STEPS = 1000


_Scan = tuple[str, ...]
"""What tells a scan from all others: whose it is, and its images."""


@dataclass(frozen=True)
class BatchResult:
    """What became of every series."""

    outcomes: tuple[SeriesOutcome, ...]
    """One for each series of this run, and one for each path without any."""
    skipped_files: tuple[tuple[Path, str], ...]
    """Files that are part of no series, with the reason."""
    known_patients: int = 0
    """Series of whose patients ``clinical`` says something."""

    def __repr__(self) -> str:
        told = ", ".join(f"{self.count(status)} {status}" for status in ("done", "skipped", "failed"))
        return f"BatchResult({told})"

    def count(self, status: SeriesStatus) -> int:
        """How many series (and paths without any) have this status."""
        return sum(outcome.status == status for outcome in self.outcomes)


@dataclass(frozen=True)
class _Job:
    series: Series
    source: Path
    priors: tuple[Series, ...] = ()
    """To compare with, the latest first."""
    notes: tuple[str, ...] = ()
    """What there is to say of the choice of priors."""
    prior_of: str = ""
    """Where it was not asked for itself: the scan that it is a prior of."""

    @property
    def scan(self) -> _Scan:
        return _scan(self.series)


@dataclass(frozen=True)
class _Options:
    """What is asked for all series of a run."""

    out: Path
    detector: Detector
    device: str
    allow_gaps: bool
    assume_hu: bool
    threshold: float
    resume: bool
    measure: bool
    reports: tuple[Kind, ...]
    clinical: Clinical | None
    settings: Mapping[str, str]
    withheld: Withheld | None = None

    def settings_of(self, job: _Job) -> dict[str, str]:
        """Say what a series is analysed with, besides the model and its threshold."""
        told = {name: _yes(getattr(self, name)) for name in ("allow_gaps", "assume_hu", "measure")} | {**self.settings}
        priors = " ".join(one.key for one in job.priors)
        return {**told, "priors": priors} if priors else told


@dataclass(frozen=True)
class _PriorResult:
    """A prior that was analysed before; its scan is read when it is needed, and held by nobody here."""

    report: Report
    series: Series = field(repr=False)

    @property
    def volume(self) -> Volume:
        return _read_again(self.series, self.report)


def analyse_folder(
    paths: Sequence[Path],
    out: Path,
    *,
    detector: Detector | str = "nodule-3d",
    device: str = "auto",
    series_uids: Sequence[str] = (),
    allow_gaps: bool = False,
    assume_hu: bool = False,
    threshold: float | None = None,
    false_positives: float | None = None,
    resume: bool = False,
    measure: bool = True,
    reports: Sequence[Kind] = (),
    clinical: Clinical | None = None,
    prior: Path | None = None,
    withheld: Withheld | None = None,
    settings: Mapping[str, str] | None = None,
    progress: Progress = silent,
    on_outcome: Callable[[SeriesOutcome], None] | None = None,
) -> BatchResult:
    """Analyse every CT series below some paths and write the results.

    Each series gets a folder ``out/<Series.key>`` (the SeriesInstanceUID, unless one UID holds several volumes) with
    ``findings.json``, ``heatmap.nii.gz`` and ``overview.png``; it appears as a whole or not at all, in place of an
    earlier one of the same series of the same patient: where that name holds anything else, the folder has another one
    (`report.folders`). ``out/summary.csv`` gets a row after each series, ``out/skipped_files.csv`` names the files that
    are part of no series. One run at a time writes to ``out``.

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
    resume : bool
        Keep results that are there already where they are what this run would make: of the same images, byte for byte,
        by the same model at the same threshold, with the same settings.
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
        What else the detector was told (its precision, its classes), as words: results made with others are not kept.
    progress : Progress
        One scale over all series.
    on_outcome : callable, optional
        Called with what became of each series as soon as it is known.

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
    pipeline.check_threshold(threshold, false_positives)
    if withheld is not None:
        refuse_naming(reports)
        for path in (*paths, *([prior] if prior is not None else [])):
            withheld.learn_path(path)
        progress = withheld.progress(progress)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot write results there ({error.strerror}). Choose another folder.") from error
    from napari_lesion.imaging.inference import choose_device

    if isinstance(detector, str):
        detector = registry.load_detector(detector)
    limit = pipeline.reporting_threshold(detector.card, threshold, false_positives)
    choose_device(device)
    options = _Options(
        out,
        detector,
        device,
        allow_gaps,
        assume_hu,
        limit,
        resume,
        measure,
        tuple(reports),
        clinical,
        dict(settings or {}),
        withheld,
    )
    with folders.held(out):
        for restored in put_right(out):
            _LOG.warning("%s: an interrupted run left it under a temporary name; it is in its place again", restored)
        log = RunLog(out, state_folder() / "summaries", on_outcome, withheld)
        try:
            jobs = _analyse_all(paths, series_uids, prior, options, log, progress)
        except ResultsError:
            raise
        except BaseException:
            with suppress(LesionError):
                log.close()
            raise
        log.close()
    known = 0 if clinical is None else sum(_known(job.series, clinical)[0] is not None for job in jobs)
    return BatchResult(tuple(log.outcomes), tuple(log.skipped_files), known)


def _analyse_all(
    paths: Sequence[Path],
    series_uids: Sequence[str],
    prior: Path | None,
    options: _Options,
    log: RunLog,
    progress: Progress,
) -> list[_Job]:
    whole = _STEPS * 100
    first = round(whole * _INDEX_SHARE)
    indexing = part(progress, 0, first, whole)
    card = options.detector.card
    jobs = _find_jobs(paths, series_uids, card, log, part(indexing, 0, 1, 2))
    if prior is not None:
        jobs = _with_priors(jobs, prior, card, part(indexing, 1, 2, 2))
    log.save_skipped()
    needed = {_scan(one): number for number, job in enumerate(jobs) for one in job.priors}
    """The last job that each prior is compared in."""
    done: dict[_Scan, Report] = {}
    taken: set[str] = set()
    for number, job in enumerate(jobs):
        start, stop = (first + round((whole - first) * n / len(jobs)) for n in (number, number + 1))
        inner = _labelled(part(progress, start, stop, whole), f"series {number + 1}/{len(jobs)}")
        folder = folders.folder_for(job.series, options.out, taken)
        taken.add(folder.name)
        outcome, report = _run(job, folder, options, done, log, inner)
        if report is not None and needed.get(job.scan, 0) > number:
            done[job.scan] = report
        log.add(log.nameless(outcome, job.series))
        if outcome.status == "failed":
            log.check()
    progress(whole, whole, "done")
    return jobs


def _find_jobs(paths: Sequence[Path], wanted: Sequence[str], card: Card, log: RunLog, progress: Progress) -> list[_Job]:
    """Series to analyse, in the order found; those that are not get their row at once."""
    from napari_lesion.dicom.index.series import find_series

    jobs: dict[_Scan, _Job] = {}
    missing = set(wanted)
    for number, path in enumerate(paths):
        try:
            index = find_series(path, progress=part(progress, number, number + 1, len(paths)))
        except LesionError as error:
            log.add(SeriesOutcome(series_uid="", status="failed", reason=str(error), source=str(path)))
            continue
        log.skipped_files += index.skipped
        if log.withheld is not None:
            for series in index:
                log.withheld.learn(series.identity)
        for place, reason in _by_reason(index.left_out):
            log.add(SeriesOutcome(series_uid="", status="failed", reason=f"left out: {reason}.", source=str(place)))
        if not index:
            reason = f"no image series found ({len(index.skipped)} files are none; see {summary.SKIPPED_FILE_NAME})."
            log.add(SeriesOutcome(series_uid="", status="failed", reason=reason, source=str(path)))
        not_searched = []
        for series in index:
            names = {series.identity.series_uid, series.key}
            if wanted and not names & set(wanted):
                continue
            missing -= names
            job = _Job(series, path)
            outcome = _outcome(job, "skipped")
            if why := pipeline.unsuitable(series, card.modalities, single_images=card.single_images):
                not_searched.append(replace(outcome, reason=why))
            elif job.scan in jobs:
                not_searched.append(
                    replace(outcome, reason=f"the same series was found in {jobs[job.scan].source} already.")
                )
            else:
                jobs[job.scan] = job
        log.add(*not_searched)
    for uid in sorted(missing):
        log.add(SeriesOutcome(series_uid=uid, status="failed", reason="no such series below the given paths."))
    return list(jobs.values())


def _by_reason(left_out: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Group what was left out: a file by itself; several of one folder for one reason together."""
    groups: dict[tuple[Path, str], list[Path]] = {}
    for path, reason in left_out:
        groups.setdefault((path.parent, reason), []).append(path)
    return [
        (paths[0], reason) if len(paths) == 1 else (folder, f"{len(paths)} files in it: {reason}")
        for (folder, reason), paths in groups.items()
    ]


def _with_priors(jobs: list[_Job], path: Path, card: Card, progress: Progress) -> list[_Job]:
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
        if not pipeline.unsuitable(one, card.modalities, single_images=card.single_images)
    ]
    asked = {job.scan: job for job in jobs}
    complete: dict[_Scan, _Job] = {}
    patients: dict[str, int] = {}
    for job in jobs:
        chosen = choose_priors(job.series, candidates)
        priors = []
        for one in chosen.priors:
            scan = _scan(one)
            if scan not in asked:
                complete.setdefault(scan, _Job(one, path, prior_of=job.series.key))
            priors.append(asked[scan].series if scan in asked else one)
        complete[job.scan] = replace(job, priors=tuple(priors), notes=chosen.notes)
        patients.setdefault(job.series.identity.patient_id, len(patients))
    return sorted(
        complete.values(),
        key=lambda job: (patients[job.series.identity.patient_id], job.series.identity.study_date),
    )


def _run(
    job: _Job, folder: Path, options: _Options, done: Mapping[_Scan, Report], log: RunLog, progress: Progress
) -> tuple[SeriesOutcome, Report | None]:
    """Analyse one series and write its results, or keep those that are there; never raises but for `Cancelled`."""
    series = job.series
    try:
        put_right(folder)
        if kept := _kept(job, folder, options):
            report, why = kept
            result = _renewed(report, job, folder, options, done, progress)
            progress(1, 1, "kept")
            return replace(_done(job, folder, *result), reason=why), result[0]
        patient, said = _known(series, options.clinical)
        missing: list[str] = []
        inputs = folders.inputs_of(series, options.settings_of(job))
        analysis = pipeline.analyse(
            series,
            detector=options.detector,
            device=options.device,
            allow_gaps=options.allow_gaps,
            assume_hu=options.assume_hu,
            threshold=options.threshold,
            measure=options.measure,
            patient=patient,
            priors=_priors(job, done, missing),
            progress=part(progress, 0, round(_STEPS * _ANALYSIS_SHARE), _STEPS),
        )
        warnings = (*analysis.report.warnings, *said, *job.notes, *missing)
        report = analysis.report.model_copy(update={"warnings": warnings, "inputs": inputs})
        log.check_place()
        aside = folders.set_aside(folder) if folders.is_damaged(folder) else None
        written = save_analysis(
            replace(analysis, report=report),
            folder,
            reports=() if job.prior_of else options.reports,
            source=series,
            withheld=options.withheld,
            progress=part(progress, round(_STEPS * _ANALYSIS_SHARE), _STEPS, _STEPS),
        )
        notes = [f"analysed as a prior of {job.prior_of}."] if job.prior_of else []
        notes += [f"the results that were there are damaged; they are kept in {aside.name}."] if aside else []
        return replace(_done(job, folder, report, written), reason=" ".join(notes)), report
    except Cancelled:
        raise
    except LungsNotFoundError as error:
        outcome = replace(_outcome(job, "skipped"), reason=_reason(error, series))
    except (LesionError, OSError, MemoryError) as error:
        outcome = replace(_outcome(job, "failed"), reason=_reason(error, series))
    except Exception as error:  # a bug must not end a night's work: it is logged with its trace, and the row says so
        _LOG.exception("series %s: unexpected error", series.key)
        outcome = replace(_outcome(job, "failed"), reason=f"unexpected error, please report it: {error!r}")
    if folder.exists():  # they may be all that there is, so they are not deleted, but nobody shall take them for new
        outcome = replace(
            outcome, folder=folder.name, reason=f"{outcome.reason} The results in its folder are of an earlier run."
        )
    return outcome, None


def _kept(job: _Job, folder: Path, options: _Options) -> tuple[Report, str] | None:
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
    if (options.resume or job.prior_of) and _as_asked(report, job, options) and folders.same_images(report, job.series):
        return report, "kept from an earlier run."
    return None


def _as_asked(report: Report, job: _Job, options: _Options) -> bool:
    """Whether a result was made as this run would make it, if it was of the same images."""
    card, model = options.detector.card, report.model
    if (model.id, model.version, model.sha256) != (card.id, card.version, card.sha256):
        return False
    if report.inputs is None or model.threshold != options.threshold:
        return False
    made, asked = report.inputs.settings, options.settings_of(job)
    return made == (asked | {"priors": made["priors"]} if job.prior_of and "priors" in made else asked)


def _renewed(
    report: Report, job: _Job, folder: Path, options: _Options, done: Mapping[_Scan, Report], progress: Progress
) -> tuple[Report, Written]:
    """Write reports of results that are kept, where any are asked for, and judge anew what more is known of."""
    kinds = () if job.prior_of else options.reports
    patient, said = _known(job.series, options.clinical)
    news = options.measure and patient is not None and merged_patient(patient, report.patient) != report.patient
    if not (kinds or news):
        return report, Written()
    notes = [*said, *job.notes]  # priors that turn out to be missing are named there, too
    return renew_reports(
        folder,
        kinds,
        source=job.series,
        patient=patient,
        priors=_priors(job, done, notes),
        notes=notes,
        measure=options.measure,
        judged=pipeline.is_about_lungs(options.detector.card),
        withheld=options.withheld,
        progress=progress,
    )


def _known(series: Series, clinical: Clinical | None) -> tuple[Patient | None, tuple[str, ...]]:
    """Look up what files say of a patient, and what of it could not be taken."""
    if clinical is None:
        return None, ()
    identity = series.identity
    return clinical.of(identity.patient_id, identity.study_date), clinical.problems_of(identity.patient_id)


def _priors(job: _Job, done: Mapping[_Scan, Report], missing: list[str]) -> Iterator[_PriorResult]:
    """Give the priors of a job that were analysed; the others are named in ``missing``."""
    for series in job.priors:
        if (scan := _scan(series)) in done:
            yield _PriorResult(done[scan], series)
        else:
            missing.append(
                f"Prior of {series.identity.study_date} (series {series.key}): it has no results; see its row."
            )


def renew_reports(
    folder: Path,
    kinds: Sequence[Kind],
    *,
    source: Series | None = None,
    patient: Patient | None = None,
    priors: Iterable[_PriorResult] = (),
    notes: Sequence[str] = (),
    measure: bool = True,
    judged: bool = True,
    withheld: Withheld | None = None,
    progress: Progress = silent,
) -> tuple[Report, Written]:
    """Make reports of results on disk, as readers may have left them.

    Findings that were not measured yet are, where the scan is there, and all is judged anew; ``findings.json`` is
    brought up to date with that. What readers did stays as it is.

    Parameters
    ----------
    folder : Path
        Of the results of one series.
    kinds : sequence of str
        Of ``report.write.KINDS``.
    source : Series, optional
        The scan; without it there are no pictures and no DICOM objects.
    patient : Patient, optional
        What is known of the patient.
    priors : iterable, optional
        To compare with.
    notes : sequence of str
        Further warnings.
    measure : bool
        False: nothing is measured or judged, the findings are reported as they are.
    judged : bool
        As for `pipeline.assess`.
    withheld : Withheld, optional
        Keeps what names a patient out of the reports but ``findings.json``.
    progress : Progress

    Raises
    ------
    ConfigError
        If there are no results in the folder.
    LesionError
        If the scan cannot be read.
    Cancelled
        If ``progress`` raised it.
    """
    from napari_lesion.report import nifti

    path = folder / report_json.FILE_NAME
    before = report_json.load_report(path)
    volume = None
    if source is not None:
        volume = _read_again(source, before, part(progress, 0, 30, 100))
    report = before
    if measure:
        step = part(progress, 30, 70, 100)
        report = pipeline.assess(before, volume, patient=patient, priors=priors, judged=judged, progress=step)
    report = report.model_copy(update={"warnings": tuple(dict.fromkeys((*report.warnings, *notes)))})
    if report != before:
        report_json.save_report(report, path)
    heatmap = folder / nifti.FILE_NAME
    written = write_reports(
        report,
        folder,
        kinds,
        volume=volume,
        source=source,
        heatmap=nifti.load_heatmap(heatmap) if "heatmap" in kinds and heatmap.is_file() else None,
        withheld=withheld,
        progress=part(progress, 70, 100, 100),
    )
    return report, written


def _read_again(series: Series, report: Report, progress: Progress = silent) -> Volume:
    """Read the scan of a report so that it becomes the volume that was searched."""
    from napari_lesion.dicom.read.reader import read_series

    certificate = report.certificate
    return read_series(
        series,
        allow_gaps=bool(certificate.interpolated_slices),
        assume_hu=certificate.unit == "HU",
        progress=progress,
    )


def _reason(error: Exception, series: Series) -> str:
    """Make the error's sentence, without the series, which has its own column."""
    text = str(error) or type(error).__name__
    return text.removeprefix(f"series {series.key}: ").removeprefix(f"series {series.identity.series_uid}: ")


def save_analysis(
    analysis: Analysis,
    folder: Path,
    *,
    reports: Sequence[Kind] = (),
    source: Series | None = None,
    withheld: Withheld | None = None,
    progress: Progress = silent,
) -> Written:
    """Write ``findings.json``, ``heatmap.nii.gz``, ``overview.png`` and reports as one folder, whole or not at all.

    A report that cannot be written is left out; what comes back says why.
    """
    from napari_lesion.report import nifti, overview

    with whole_folder(folder, private=True) as temporary:
        progress(0, 4, "writing the heatmap")
        nifti.save_heatmap(analysis.heatmap, analysis.volume, temporary / nifti.FILE_NAME)
        progress(1, 4, "drawing the overview")
        shown = analysis if withheld is None else replace(analysis, report=withheld.report(analysis.report))
        overview.save_overview(shown, temporary / overview.FILE_NAME)
        progress(2, 4, "writing the findings")
        report_json.save_report(analysis.report, temporary / report_json.FILE_NAME)
        written = write_reports(
            analysis.report,
            temporary,
            reports,
            volume=analysis.volume,
            source=source,
            heatmap=analysis.heatmap,
            withheld=withheld,
            progress=part(progress, 3, 4, 4),
        )
        progress(4, 4, "written")
    return written


def _scan(series: Series) -> _Scan:
    return (*folders.owner(series.identity), folders.images_digest(series))


def _yes(asked: bool) -> str:
    return "yes" if asked else "no"


def _outcome(job: _Job, status: SeriesStatus) -> SeriesOutcome:
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


def _done(job: _Job, folder: Path, report: Report, written: Written) -> SeriesOutcome:
    standing = report.standing
    best = standing[0] if standing else None
    exam = report.judgement.lung_rads if report.judgement else None
    return replace(
        _outcome(job, "done"),
        folder=folder.name,
        findings=len(standing),
        measured=sum(finding.measurement is not None for finding in standing),
        best_score=best.score if best else None,
        best_diameter_mm=best.size_mm if best else None,
        lung_rads=exam.category if exam and exam.applies else "",
        priors=tuple(one.prior_study_date for one in report.comparisons if one.alignment.accepted),
        reports=tuple(written.kinds),
        reports_failed=tuple(written.problems),
        warnings=(*report.warnings, *written.notes, *in_words(written.problems, written.absent)),
        seconds=report.timings_s.get("total", 0.0),
    )


def _labelled(progress: Progress, label: str) -> Progress:
    def inner(done: int, total: int, what: str) -> None:
        progress(done, total, f"{label}: {what}")

    return inner
