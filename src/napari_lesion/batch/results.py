"""The results of one series on disk: written as one folder, and their reports made anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion import pipeline
from napari_lesion.model.assessed import Patient
from napari_lesion.model.findings import Analysis, Report
from napari_lesion.model.volume import Volume
from napari_lesion.report import json as report_json
from napari_lesion.report.write import ReportKind, Written, write_reports
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.progress import Progress, part, silent

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.report.withheld import Withheld


@dataclass(frozen=True)
class PriorResult:
    """A prior that was analysed before; its scan is read when it is needed, and held by nobody here."""

    report: Report
    series: Series = field(repr=False)

    @property
    def volume(self) -> Volume:
        """Read the scan."""
        return read_again(self.series, self.report)


def save_analysis(
    analysis: Analysis,
    folder: Path,
    *,
    reports: Sequence[ReportKind] = (),
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


def renew_reports(
    folder: Path,
    kinds: Sequence[ReportKind],
    *,
    source: Series | None = None,
    patient: Patient | None = None,
    priors: Iterable[PriorResult] = (),
    notes: Sequence[str] = (),
    measure: bool = True,
    guidelines: bool = True,
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
    guidelines : bool
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
        volume = read_again(source, before, part(progress, 0, 30, 100))
    report = before
    if measure:
        step = part(progress, 30, 70, 100)
        report = pipeline.assess(before, volume, patient=patient, priors=priors, guidelines=guidelines, progress=step)
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


def read_again(series: Series, report: Report, progress: Progress = silent) -> Volume:
    """Read the scan of a report so that it becomes the volume that was searched."""
    from napari_lesion.dicom.read.reader import read_series

    certificate = report.certificate
    return read_series(
        series,
        allow_gaps=bool(certificate.interpolated_slices),
        assume_hu=certificate.unit == "HU",
        progress=progress,
    )
