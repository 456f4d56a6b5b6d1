"""Analyse every CT series below some paths and go on past a bad one: what the command line and the plugin share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion import pipeline
from napari_lesion.atomic import whole_folder
from napari_lesion.errors import Cancelled, ConfigError, LesionError, LungsNotFoundError
from napari_lesion.findings import Analysis, Report
from napari_lesion.progress import Progress, part, silent
from napari_lesion.report import csv as summary
from napari_lesion.report import json as report_json
from napari_lesion.report.csv import SeriesStatus, SummaryRow

if TYPE_CHECKING:
    from napari_lesion.detection.detector import Card, Detector
    from napari_lesion.dicom.series import Series

_LOG = logging.getLogger(__name__)
_INDEX_SHARE = 0.05
_ANALYSIS_SHARE = 0.9
_STEPS = 1000


@dataclass(frozen=True)
class BatchResult:
    """What became of every series."""

    rows: tuple[SummaryRow, ...]
    """One for each series of this run, and one for each path without any."""
    skipped_files: tuple[tuple[Path, str], ...]
    """Files that are part of no series, with the reason."""

    def count(self, status: SeriesStatus) -> int:
        """How many rows have this status."""
        return sum(row.status == status for row in self.rows)


@dataclass(frozen=True)
class _Job:
    series: Series
    source: Path


def analyse_folder(
    paths: Sequence[Path],
    out: Path,
    *,
    detector: Detector | str = "nodule-3d",
    device: str = "auto",
    series_uids: Sequence[str] = (),
    allow_gaps: bool = False,
    threshold: float | None = None,
    false_positives: float | None = None,
    resume: bool = False,
    progress: Progress = silent,
    on_row: Callable[[SummaryRow], None] | None = None,
) -> BatchResult:
    """Analyse every CT series below some paths and write the results.

    Each series gets a folder ``out/<Series.key>`` (the SeriesInstanceUID, unless one UID holds several volumes) with
    ``findings.json``, ``heatmap.nii.gz`` and ``overview.png``; it appears as a whole or not at all, in place of an
    earlier one. ``out/summary.csv`` is brought up to date after each series, ``out/skipped_files.csv`` names the files
    that are part of no series.

    A series fails when it is a CT volume and could not be analysed. It is skipped when there was nothing to search: it
    is not CT, not a volume, a localizer, or shows no lungs; no findings.json is written then, so that a findings.json
    without findings always means that somebody looked.

    Parameters
    ----------
    paths : sequence of Path
        Files, folders or archives, as ``find_series`` takes them.
    out : Path
        Made if it is not there.
    detector, device, allow_gaps, threshold, false_positives
        As for ``pipeline.analyse``.
    series_uids : sequence of str
        Analyse these series only, by SeriesInstanceUID or ``Series.key``; by default all.
    resume : bool
        Keep results that are there already where they were made by the same model at the same threshold.
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
    log = _Log(out, on_row)
    whole = _STEPS * 100
    first = round(whole * _INDEX_SHARE)
    jobs = _find_jobs(paths, series_uids, detector.card, log, part(progress, 0, first, whole))
    log.save()
    summary.save_skipped(log.skipped_files, out / summary.SKIPPED_FILE_NAME)
    for number, job in enumerate(jobs):
        start, stop = (first + round((whole - first) * n / len(jobs)) for n in (number, number + 1))
        inner = _labelled(part(progress, start, stop, whole), f"series {number + 1}/{len(jobs)}")
        log.add(
            _run(
                job,
                out,
                detector=detector,
                device=device,
                allow_gaps=allow_gaps,
                threshold=limit,
                resume=resume,
                progress=inner,
            ),
            job.series.key,
        )
    progress(whole, whole, "done")
    return BatchResult(tuple(log.rows), tuple(log.skipped_files))


class _Log:
    """The rows so far, on disk after each, together with those of results of earlier runs in the same folder."""

    def __init__(self, out: Path, on_row: Callable[[SummaryRow], None] | None) -> None:
        self.rows: list[SummaryRow] = []
        self.skipped_files: list[tuple[Path, str]] = []
        self._path = out / summary.FILE_NAME
        self._on_row = on_row
        earlier = summary.load_summary(self._path) if self._path.exists() else ()
        self._earlier = {
            row.folder: row for row in earlier if row.folder and (out / row.folder / report_json.FILE_NAME).exists()
        }

    def add(self, row: SummaryRow, key: str = "") -> None:
        """Add the row of the series with this key, in place of one of an earlier run."""
        self._earlier.pop(key, None)
        self.rows.append(row)
        self.save()
        if self._on_row is not None:
            self._on_row(row)

    def save(self) -> None:
        """Write the summary."""
        summary.save_summary([*self._earlier.values(), *self.rows], self._path)


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


def _run(
    job: _Job,
    out: Path,
    *,
    detector: Detector,
    device: str,
    allow_gaps: bool,
    threshold: float,
    resume: bool,
    progress: Progress,
) -> SummaryRow:
    folder = out / job.series.key
    if reviewed := _reviewed(folder):
        progress(1, 1, "kept")
        why = "kept, since a reader judged its findings; move its folder away to analyse the series again."
        return replace(_done(job, reviewed), reason=why)
    if resume and (kept := _finished(folder, detector, threshold)):
        progress(1, 1, "kept")
        return replace(_done(job, kept), reason="kept from an earlier run.")
    try:
        analysis = pipeline.analyse(
            job.series,
            detector=detector,
            device=device,
            allow_gaps=allow_gaps,
            threshold=threshold,
            progress=part(progress, 0, round(_STEPS * _ANALYSIS_SHARE), _STEPS),
        )
        save_analysis(analysis, folder, progress=part(progress, round(_STEPS * _ANALYSIS_SHARE), _STEPS, _STEPS))
        return _done(job, analysis.report)
    except Cancelled:
        raise
    except LungsNotFoundError as error:
        row = replace(_row(job, "skipped"), reason=_reason(error, job.series))
    except (LesionError, OSError, MemoryError) as error:
        row = replace(_row(job, "failed"), reason=_reason(error, job.series))
    except Exception as error:  # a bug must not end a night's work: it is logged with its trace, and the row says so
        _LOG.exception("series %s: unexpected error", job.series.key)
        row = replace(_row(job, "failed"), reason=f"unexpected error, please report it: {error!r}")
    if folder.exists():  # they may be all that there is, so they are not deleted, but nobody shall take them for new
        row = replace(
            row, folder=job.series.key, reason=f"{row.reason} The results in its folder are of an earlier run."
        )
    return row


def _reason(error: Exception, series: Series) -> str:
    """Make the error's sentence, without the series, which has its own column."""
    text = str(error) or type(error).__name__
    return text.removeprefix(f"series {series.key}: ").removeprefix(f"series {series.identity.series_uid}: ")


def save_analysis(analysis: Analysis, folder: Path, *, progress: Progress = silent) -> None:
    """Write ``findings.json``, ``heatmap.nii.gz`` and ``overview.png`` as one folder, whole or not at all."""
    from napari_lesion.report import nifti, overview

    with whole_folder(folder) as temporary:
        progress(0, 3, "writing the heatmap")
        nifti.save_heatmap(analysis.heatmap, analysis.volume, temporary / nifti.FILE_NAME)
        progress(1, 3, "drawing the overview")
        overview.save_overview(analysis, temporary / overview.FILE_NAME)
        progress(2, 3, "writing the findings")
        report_json.save_report(analysis.report, temporary / report_json.FILE_NAME)
        progress(3, 3, "written")


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
        source=str(job.source),
    )


def _done(job: _Job, report: Report) -> SummaryRow:
    best = report.standing[0] if report.standing else None
    return replace(
        _row(job, "done"),
        folder=job.series.key,
        findings=str(len(report.standing)),
        best_score=f"{best.score:.4f}" if best else "",
        best_diameter_mm=f"{best.diameter_mm:.1f}" if best else "",
        warnings=" | ".join(report.warnings),
        seconds=f"{report.timings_s.get('total', 0):.1f}",
    )


def _labelled(progress: Progress, label: str) -> Progress:
    def inner(done: int, total: int, what: str) -> None:
        progress(done, total, f"{label}: {what}")

    return inner
