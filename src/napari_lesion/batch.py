"""Analyse every CT series below some paths and go on past a bad one: what the command line and the plugin share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion import pipeline
from napari_lesion.atomic import whole_folder
from napari_lesion.errors import Cancelled, ConfigError, LesionError, LungsNotFoundError
from napari_lesion.findings import Analysis, Report
from napari_lesion.judged import Patient
from napari_lesion.progress import Progress, part, silent
from napari_lesion.report import csv as summary
from napari_lesion.report import json as report_json
from napari_lesion.report.csv import SeriesStatus, SummaryRow
from napari_lesion.report.write import NAMING, Kind, Written, in_words, write_reports
from napari_lesion.volume import Volume

if TYPE_CHECKING:
    from napari_lesion.assessment.said import Clinical
    from napari_lesion.detection.detector import Card, Detector
    from napari_lesion.dicom.series import Series
    from napari_lesion.report.withheld import Withheld

_LOG = logging.getLogger(__name__)
_INDEX_SHARE = 0.05
_ANALYSIS_SHARE = 0.85
_STEPS = 1000


@dataclass(frozen=True)
class BatchResult:
    """What became of every series."""

    rows: tuple[SummaryRow, ...]
    """One for each series of this run, and one for each path without any."""
    skipped_files: tuple[tuple[Path, str], ...]
    """Files that are part of no series, with the reason."""
    known_patients: int = 0
    """Series of whose patients ``clinical`` says something."""

    def count(self, status: SeriesStatus) -> int:
        """How many rows have this status."""
        return sum(row.status == status for row in self.rows)


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


@dataclass(frozen=True)
class _Wishes:
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
    withheld: Withheld | None = None


@dataclass(frozen=True)
class _Earlier:
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
    progress: Progress = silent,
    on_row: Callable[[SummaryRow], None] | None = None,
) -> BatchResult:
    """Analyse every CT series below some paths and write the results.

    Each series gets a folder ``out/<Series.key>`` (the SeriesInstanceUID, unless one UID holds several volumes) with
    ``findings.json``, ``heatmap.nii.gz`` and ``overview.png``; it appears as a whole or not at all, in place of an
    earlier one. ``out/summary.csv`` is brought up to date after each series, ``out/skipped_files.csv`` names the files
    that are part of no series.

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
        Keep results that are there already where they were made by the same model at the same threshold.
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
    progress : Progress
        One scale over all series.
    on_row : callable, optional
        Called with each row as soon as it is known.

    Returns
    -------
    BatchResult

    Raises
    ------
    ConfigError
        If ``out`` cannot be written, the threshold makes no sense for the model, or the device is not there.
    ModelError
        If there is no such model, or it is damaged.
    Cancelled
        If ``progress`` raised it; results that are complete by then stay.
    """
    pipeline.check_threshold(threshold, false_positives)
    if withheld is not None:
        if named := [kind for kind in reports if kind in NAMING]:
            raise ConfigError(
                f"{', '.join(named)}: DICOM objects name the patient, or no archive could file them, and names are to "
                "be kept out of reports. Leave one of the two."
            )
        for path in (*paths, *([prior] if prior is not None else [])):
            withheld.learn_path(path)
        progress = withheld.progress(progress)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out}: cannot write results there ({error.strerror}). Choose another folder.") from error
    from napari_lesion.detection.inference import choose_device

    if isinstance(detector, str):
        from napari_lesion.detection.detector import load_detector

        detector = load_detector(detector)
    limit = pipeline.reporting_threshold(detector.card, threshold, false_positives)
    choose_device(device)
    log = _Log(out, on_row, withheld)
    whole = _STEPS * 100
    first = round(whole * _INDEX_SHARE)
    indexing = part(progress, 0, first, whole)
    jobs = _find_jobs(paths, series_uids, detector.card, log, part(indexing, 0, 1, 2))
    if prior is not None:
        jobs = _with_priors(jobs, prior, detector.card, part(indexing, 1, 2, 2))
    log.save()
    summary.save_skipped(log.skipped_shown(), out / summary.SKIPPED_FILE_NAME)
    wishes = _Wishes(
        out, detector, device, allow_gaps, assume_hu, limit, resume, measure, tuple(reports), clinical, withheld
    )
    done: dict[str, Report] = {}
    for number, job in enumerate(jobs):
        start, stop = (first + round((whole - first) * n / len(jobs)) for n in (number, number + 1))
        inner = _labelled(part(progress, start, stop, whole), f"series {number + 1}/{len(jobs)}")
        row, report = _run(job, wishes, done, inner)
        if report is not None and job.series.key in {one.key for later in jobs[number + 1 :] for one in later.priors}:
            done[job.series.key] = report
        log.add(row, job.series.key, job.series)
    progress(whole, whole, "done")
    known = 0 if clinical is None else sum(_known(job.series, clinical)[0] is not None for job in jobs)
    return BatchResult(tuple(log.rows), tuple(log.skipped_files), known)


class _Log:
    """The rows so far, on disk after each, together with those of results of earlier runs in the same folder."""

    def __init__(
        self, out: Path, on_row: Callable[[SummaryRow], None] | None, withheld: Withheld | None = None
    ) -> None:
        self.rows: list[SummaryRow] = []
        self.skipped_files: list[tuple[Path, str]] = []
        self._path = out / summary.FILE_NAME
        self._on_row = on_row
        self.withheld = withheld
        earlier = summary.load_summary(self._path) if self._path.exists() else ()
        self._earlier = {
            row.folder: row for row in earlier if row.folder and (out / row.folder / report_json.FILE_NAME).exists()
        }

    def add(self, row: SummaryRow, key: str = "", series: Series | None = None) -> None:
        """Add the row of the series with this key, in place of one of an earlier run."""
        row = self._nameless(row, series)
        self._earlier.pop(key, None)
        self.rows.append(row)
        self.save()
        if self._on_row is not None:
            self._on_row(row)

    def save(self) -> None:
        """Write the summary."""
        earlier = (self._nameless(row) for row in self._earlier.values())
        summary.save_summary([*earlier, *self.rows], self._path)

    def skipped_shown(self) -> Iterator[tuple[Path | str, str]]:
        """Give the files that are part of no series, as they may be shown."""
        for path, reason in self.skipped_files:
            if self.withheld is None:
                yield path, reason
            else:
                yield "", self.withheld.clear(reason, files=[path])

    def _nameless(self, row: SummaryRow, series: Series | None = None) -> SummaryRow:
        if self.withheld is None:
            return row
        files = [Path(row.source)] if row.source else []
        return replace(
            row,
            patient_id="",
            series_description="",
            source="",
            reason=self.withheld.clear(row.reason, series, files),
            warnings=self.withheld.clear(row.warnings, series, files),
        )


def _find_jobs(paths: Sequence[Path], wanted: Sequence[str], card: Card, log: _Log, progress: Progress) -> list[_Job]:
    """Series to analyse, in the order found; those that are not get their row at once."""
    from napari_lesion.dicom.series import find_series

    jobs: dict[str, _Job] = {}
    missing = set(wanted)
    for number, path in enumerate(paths):
        try:
            index = find_series(path, progress=part(progress, number, number + 1, len(paths)))
        except LesionError as error:
            log.add(SummaryRow(series_uid="", status="failed", reason=str(error), source=str(path)))
            continue
        log.skipped_files += index.skipped
        if log.withheld is not None:
            for series in index:
                log.withheld.learn(series.identity)
        for place, reason in _together(index.left_out):
            log.add(SummaryRow(series_uid="", status="failed", reason=f"left out: {reason}.", source=str(place)))
        if not index:
            reason = f"no image series found ({len(index.skipped)} files are none; see {summary.SKIPPED_FILE_NAME})."
            log.add(SummaryRow(series_uid="", status="failed", reason=reason, source=str(path)))
        for series in index:
            names = {series.identity.series_uid, series.key}
            if wanted and not names & set(wanted):
                continue
            missing -= names
            job = _Job(series, path)
            row = _row(job, "skipped")
            if why := pipeline.unsuitable(series, card.modalities, single_images=card.single_images):
                log.add(replace(row, reason=why))
            elif series.key in jobs:
                log.add(replace(row, reason=f"the same series was found in {jobs[series.key].source} already."))
            else:
                jobs[series.key] = job
    for uid in sorted(missing):
        log.add(SummaryRow(series_uid=uid, status="failed", reason="no such series below the given paths."))
    return list(jobs.values())


def _together(left_out: Sequence[tuple[Path, str]]) -> list[tuple[Path, str]]:
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
    from napari_lesion.dicom.series import find_series

    candidates = [
        one
        for one in find_series(path, progress=progress)
        if not pipeline.unsuitable(one, card.modalities, single_images=card.single_images)
    ]
    asked = {job.series.key: job for job in jobs}
    complete: dict[str, _Job] = {}
    patients: dict[str, int] = {}
    for job in jobs:
        chosen = choose_priors(job.series, candidates)
        for one in chosen.priors:
            if one.key not in asked:
                complete.setdefault(one.key, _Job(one, path, prior_of=job.series.key))
        complete[job.series.key] = replace(
            job, priors=tuple(asked[p.key].series if p.key in asked else p for p in chosen.priors), notes=chosen.notes
        )
        patients.setdefault(job.series.identity.patient_id, len(patients))
    return sorted(
        complete.values(),
        key=lambda job: (patients[job.series.identity.patient_id], job.series.identity.study_date),
    )


def _run(
    job: _Job, wishes: _Wishes, done: Mapping[str, Report], progress: Progress
) -> tuple[SummaryRow, Report | None]:
    """Analyse one series and write its results, or keep those that are there; never raises but for `Cancelled`."""
    series, folder = job.series, wishes.out / job.series.key
    try:
        if kept := _kept(job, wishes):
            report, why = kept
            result = _renewed(report, job, wishes, done, progress)
            progress(1, 1, "kept")
            return replace(_done(job, *result), reason=why), result[0]
        patient, said = _known(series, wishes.clinical)
        missing: list[str] = []
        analysis = pipeline.analyse(
            series,
            detector=wishes.detector,
            device=wishes.device,
            allow_gaps=wishes.allow_gaps,
            assume_hu=wishes.assume_hu,
            threshold=wishes.threshold,
            measure=wishes.measure,
            patient=patient,
            priors=_priors(job, done, missing),
            progress=part(progress, 0, round(_STEPS * _ANALYSIS_SHARE), _STEPS),
        )
        warnings = (*analysis.report.warnings, *said, *job.notes, *missing)
        analysis = replace(analysis, report=analysis.report.model_copy(update={"warnings": warnings}))
        kinds = () if job.prior_of else wishes.reports
        written = save_analysis(
            analysis,
            folder,
            reports=kinds,
            source=series,
            withheld=wishes.withheld,
            progress=part(progress, round(_STEPS * _ANALYSIS_SHARE), _STEPS, _STEPS),
        )
        row = _done(job, analysis.report, written)
        return (
            replace(row, reason=f"analysed as a prior of {job.prior_of}.") if job.prior_of else row
        ), analysis.report
    except Cancelled:
        raise
    except LungsNotFoundError as error:
        row = replace(_row(job, "skipped"), reason=_reason(error, series))
    except (LesionError, OSError, MemoryError) as error:
        row = replace(_row(job, "failed"), reason=_reason(error, series))
    except Exception as error:  # a bug must not end a night's work: it is logged with its trace, and the row says so
        _LOG.exception("series %s: unexpected error", series.key)
        row = replace(_row(job, "failed"), reason=f"unexpected error, please report it: {error!r}")
    if folder.exists():  # they may be all that there is, so they are not deleted, but nobody shall take them for new
        row = replace(row, folder=series.key, reason=f"{row.reason} The results in its folder are of an earlier run.")
    return row, None


def _kept(job: _Job, wishes: _Wishes) -> tuple[Report, str] | None:
    """Load results that are not made again, and say why not."""
    folder = wishes.out / job.series.key
    if reviewed := _reviewed(folder):
        return reviewed, "kept, since a reader judged its findings; move its folder away to analyse the series again."
    if not (wishes.resume or job.prior_of):
        return None
    finished = _finished(folder, wishes.detector, wishes.threshold)
    return (finished, "kept from an earlier run.") if finished else None


def _renewed(
    report: Report, job: _Job, wishes: _Wishes, done: Mapping[str, Report], progress: Progress
) -> tuple[Report, Written]:
    """Write reports of results that are kept, where any are asked for."""
    kinds = () if job.prior_of else wishes.reports
    if not kinds:
        return report, Written()
    patient, said = _known(job.series, wishes.clinical)
    notes = [*said, *job.notes]  # priors that turn out to be missing are named there, too
    return renew_reports(
        wishes.out / job.series.key,
        kinds,
        source=job.series,
        patient=patient,
        priors=_priors(job, done, notes),
        notes=notes,
        judged=pipeline.is_about_lungs(wishes.detector.card),
        withheld=wishes.withheld,
        progress=progress,
    )


def _known(series: Series, clinical: Clinical | None) -> tuple[Patient | None, tuple[str, ...]]:
    """Look up what files say of a patient, and what of it could not be taken."""
    if clinical is None:
        return None, ()
    identity = series.identity
    return clinical.of(identity.patient_id, identity.study_date), clinical.problems_of(identity.patient_id)


def _priors(job: _Job, done: Mapping[str, Report], missing: list[str]) -> Iterator[_Earlier]:
    """Give the priors of a job that were analysed; the others are named in ``missing``."""
    for series in job.priors:
        if series.key in done:
            yield _Earlier(done[series.key], series)
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
    priors: Iterable[_Earlier] = (),
    notes: Sequence[str] = (),
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
    report = pipeline.assess(
        before, volume, patient=patient, priors=priors, judged=judged, progress=part(progress, 30, 70, 100)
    )
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
    from napari_lesion.dicom.reader import read_series

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

    with whole_folder(folder) as temporary:
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


def _reviewed(folder: Path) -> Report | None:
    """Load a report that holds a reader's work, which must never be written over."""
    try:
        report = report_json.load_report(folder / report_json.FILE_NAME)
    except ConfigError:
        return None
    return report if any(finding.history for finding in report.findings) else None


def _finished(folder: Path, detector: Detector, threshold: float) -> Report | None:
    """Load the report of an earlier run, if it is what this run would make."""
    path = folder / report_json.FILE_NAME
    if not path.exists():
        return None
    try:
        report = report_json.load_report(path)
    except ConfigError:
        return None
    card = detector.card
    wanted = (card.id, card.version, card.sha256, threshold)
    model = report.model
    return report if (model.id, model.version, model.sha256, model.threshold) == wanted else None


def _row(job: _Job, status: SeriesStatus) -> SummaryRow:
    identity = job.series.identity
    return SummaryRow(
        series_uid=identity.series_uid,
        status=status,
        modality=identity.modality,
        patient_id=identity.patient_id,
        study_date=identity.study_date,
        series_number=identity.series_number,
        series_description=identity.series_description,
        images=str(job.series.n_slices),
        source=str(job.source.absolute()),
    )


def _done(job: _Job, report: Report, written: Written) -> SummaryRow:
    standing = report.standing
    best = standing[0] if standing else None
    exam = report.judgement.lung_rads if report.judgement else None
    return replace(
        _row(job, "done"),
        folder=job.series.key,
        findings=str(len(standing)),
        measured=str(sum(finding.measurement is not None for finding in standing)),
        best_score=f"{best.score:.4f}" if best else "",
        best_diameter_mm=f"{best.size_mm:.1f}" if best else "",
        lung_rads=exam.category if exam and exam.applies else "",
        priors=" ".join(one.prior_study_date for one in report.comparisons if one.alignment.accepted),
        reports=" ".join(written.kinds),
        reports_failed=" ".join(written.problems),
        warnings=" | ".join((*report.warnings, *written.notes, *in_words(written.problems, written.absent))),
        seconds=f"{report.timings_s.get('total', 0):.1f}",
    )


def _labelled(progress: Progress, label: str) -> Progress:
    def inner(done: int, total: int, what: str) -> None:
        progress(done, total, f"{label}: {what}")

    return inner
