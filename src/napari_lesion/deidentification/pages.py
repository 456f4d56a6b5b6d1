"""Pages, tables and pictures of results, made anew from what is de-identified: of the old ones nothing is read."""

from __future__ import annotations

from pathlib import Path

from napari_lesion.deidentification.scans import Scans
from napari_lesion.model.findings import Analysis, Report
from napari_lesion.report import findings_csv, measurements, nifti, overview
from napari_lesion.report.content import content_of
from napari_lesion.report.fhir import save_fhir
from napari_lesion.report.html import save_html
from napari_lesion.report.pdf import save_pdf
from napari_lesion.report.write import FILE_NAMES
from napari_lesion.support.errors import NothingToSaveError

NAMES = frozenset(FILE_NAMES[kind] for kind in ("html", "pdf", "csv", "measurements", "fhir")) | {overview.FILE_NAME}
"""Of what can be made of findings."""


def make(report: Report, scans: Scans, path: Path, heatmap: Path) -> None:
    """Make a page of de-identified findings; without the scan it says that it has no pictures.

    Parameters
    ----------
    report : Report
        De-identified.
    scans : Scans
        That were de-identified with it.
    path : Path
        Its name, one of `NAMES`, says which page it is.
    heatmap : Path
        That of the findings, if there is one: its voxels name nobody.

    Raises
    ------
    NothingToSaveError
        If it is a picture, and there is no scan or no heatmap.
    ConfigError
        If it needs a package that is not installed.
    """
    if path.name == FILE_NAMES["csv"]:
        findings_csv.save_findings(report, path)
    elif path.name == FILE_NAMES["measurements"]:
        measurements.save_measurements(report, path)
    elif path.name == FILE_NAMES["fhir"]:
        save_fhir(report, path)
    elif path.name == overview.FILE_NAME:
        volume = scans.volume_of(report)
        if volume is None or not heatmap.exists():
            raise NothingToSaveError("a picture, which is made anew only together with its scan and heatmap")
        overview.save_overview(Analysis(report, volume, nifti.load_heatmap(heatmap), ()), path)
    else:
        save = save_html if path.name == FILE_NAMES["html"] else save_pdf
        save(report, content_of(report, scans.volume_of(report)), path)
