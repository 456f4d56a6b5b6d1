"""Reports of a series in all their forms, into the folder of its results."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from napari_lesion.model.findings import Heatmap, Report
from napari_lesion.model.volume import Volume
from napari_lesion.report import findings_csv, measurements
from napari_lesion.report import json as report_json
from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May, require
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import (
    Cancelled,
    ConfigError,
    LesionError,
    NothingToSaveError,
    OptionError,
    OutputError,
)
from napari_lesion.support.nameless import place_of, short_hash, trace
from napari_lesion.support.progress import Progress, part, silent

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.dicom_objects.segmentation import SavedSegmentation
    from napari_lesion.report.parts import Content
    from napari_lesion.report.withheld import Withheld

_LOG = logging.getLogger(__name__)

ReportKind = Literal["json", "csv", "measurements", "html", "pdf", "seg", "sr", "key-images", "heatmap", "fhir"]
KINDS: tuple[ReportKind, ...] = get_args(ReportKind)
"""In the order in which they are written: a structured report refers to the segmentation."""
FILE_NAMES: dict[ReportKind, str] = {
    "json": report_json.FILE_NAME,
    "csv": findings_csv.FILE_NAME,
    "measurements": measurements.FILE_NAME,
    "html": "report.html",
    "pdf": "report.pdf",
    "seg": "segmentation.dcm",
    "sr": "structured_report.dcm",
    "key-images": "key_images.dcm",
    "heatmap": "heatmap_segmentation.dcm",
    "fhir": "report.fhir.json",
}
"""Of each kind, in the folder of the series."""
DICOM = {"seg", "sr", "key-images", "heatmap"}
"""DICOM objects."""
NAMING = DICOM | {"fhir"}
"""They name the patient as the scan does, so that an archive, or the record, files them with it."""


@dataclass(frozen=True)
class Written:
    """What became of reports.

    Attributes
    ----------
    kinds : tuple of str
        Those that are in the folder now.
    problems : mapping
        Why each of the others is not, as a sentence.
    absent : mapping
        Of which kinds there is nothing to write, and why: no failure.
    notes : tuple of str
        What DICOM objects could not take over of the scan's study, a sentence each.
    """

    kinds: tuple[ReportKind, ...] = ()
    problems: dict[ReportKind, str] = field(default_factory=dict)
    absent: dict[ReportKind, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def kinds_of(text: str) -> tuple[ReportKind, ...]:
    """Read a list of kinds with commas, such as ``sr,seg,html``.

    Raises
    ------
    ConfigError
        If there is no such kind.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in KINDS:
            raise OptionError(f"There is no report {name!r}; there are {', '.join(KINDS)}.")
    return tuple(kind for kind in KINDS if kind in names)


def refuse_naming(kinds: Iterable[ReportKind]) -> None:
    """Refuse reports that name the patient, where names are withheld.

    Raises
    ------
    ConfigError
        If there is one among them.
    """
    if named := [kind for kind in kinds if kind in NAMING]:
        raise OptionError(
            f"{', '.join(named)}: DICOM objects name the patient, and FHIR does, or nobody could file them, and "
            "names are to be kept out of reports. Leave one of the two."
        )


def write_reports(
    report: Report,
    folder: Path,
    kinds: Iterable[ReportKind],
    *,
    volume: Volume | None = None,
    source: Series | None = None,
    heatmap: Heatmap | None = None,
    withheld: Withheld | None = None,
    progress: Progress = silent,
) -> Written:
    """Write reports of one series; each file appears as a whole or not at all, and one that fails stops no other.

    Parameters
    ----------
    report : Report
    folder : Path
        Of the results of the series; made if it is not there.
    kinds : iterable of str
        Of `KINDS`. A structured report of findings with outlines brings the segmentation along that it refers to.
    volume : Volume, optional
        The scan. Without it, pages say that they have no pictures, and there are no DICOM objects.
    source : Series, optional
        Its files, for what only they know of the study.
    heatmap : Heatmap, optional
        Needed for ``heatmap``.
    withheld : Withheld, optional
        Keeps what names a patient out of tables and pages.
    progress : Progress

    Raises
    ------
    OutputError
        If the folder cannot be made.
    Cancelled
        If ``progress`` raised it; files that are complete by then stay.
    """
    require(May.EXPORT, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: reports cannot be written there ({error.strerror}).") from error
    asked = set(kinds)
    if "sr" in asked and any(finding.mask is not None for finding in report.active):
        asked.add("seg")
    wanted = [kind for kind in KINDS if kind in asked]
    who = report.series
    record(
        Action.EXPORT,
        patient_id=who.patient_id,
        study_uid=who.study_uid,
        objects=(report.series_uid,),
        detail=", ".join(wanted),
    )
    shown = report if withheld is None else withheld.report(report)
    writers = _Writers(report, shown, volume, source, heatmap, part(progress, 0, 1, max(len(wanted), 1) + 1))
    written: list[ReportKind] = []
    problems: dict[ReportKind, str] = {}
    absent: dict[ReportKind, str] = {}
    for step, kind in enumerate(wanted, 1):
        progress(step, len(wanted) + 1, f"writing {FILE_NAMES[kind]}")
        path = folder / FILE_NAMES[kind]
        try:
            getattr(writers, kind.replace("-", "_"))(path)
            written.append(kind)
        except Cancelled:
            raise
        except NothingToSaveError as error:
            # One of an earlier run would be taken for what is found now.
            (problems if path.exists() else absent)[kind] = str(error)
        except (LesionError, OSError, MemoryError) as error:
            problems[kind] = str(error) or type(error).__name__
        except Exception as error:  # a bug in one kind must not take the others along: it is logged with its trace
            _LOG.error("series %s: report %s: unexpected error\n%s", short_hash(report.series_uid), kind, trace(error))
            problems[kind] = f"unexpected error, please report it: {place_of(error)}"
        if kind in problems and path.exists():
            problems[kind] += f" {FILE_NAMES[kind]} in its folder is of an earlier run."
    progress(len(wanted) + 1, len(wanted) + 1, "reports written")
    notes = writers.left_empty() if set(written) & DICOM else ()
    return Written(tuple(written), problems, absent, notes)


class _Writers:
    """One method a kind; what HTML and PDF share is made once."""

    def __init__(
        self,
        report: Report,
        shown: Report,
        volume: Volume | None,
        source: Series | None,
        heatmap: Heatmap | None,
        progress: Progress,
    ) -> None:
        self._report, self._volume, self._source, self._heatmap = report, volume, source, heatmap
        self._shown = shown
        """What tables and pages say."""
        self._progress = progress
        self._made: Content | None = None
        self._segmentation: SavedSegmentation | None = None

    def json(self, path: Path) -> None:
        report_json.save_report(self._report, path)

    def csv(self, path: Path) -> None:
        findings_csv.save_findings(self._shown, path)

    def measurements(self, path: Path) -> None:
        measurements.save_measurements(self._shown, path)

    def html(self, path: Path) -> None:
        from napari_lesion.report.html import save_html

        save_html(self._shown, self._content(), path)

    def pdf(self, path: Path) -> None:
        from napari_lesion.report.pdf import save_pdf

        save_pdf(self._shown, self._content(), path)

    def seg(self, path: Path) -> None:
        from napari_lesion.dicom_objects.segmentation import save_seg

        with whole_file(path, private=True) as temporary:
            self._segmentation = save_seg(self._report, self._scan(), temporary, source=self._source)

    def sr(self, path: Path) -> None:
        from napari_lesion.dicom_objects.structured_report import save_sr

        with whole_file(path, private=True) as temporary:
            save_sr(self._report, self._scan(), temporary, source=self._source, segmentation=self._segmentation)

    def key_images(self, path: Path) -> None:
        from napari_lesion.dicom_objects.key_images import save_key_images

        with whole_file(path, private=True) as temporary:
            save_key_images(self._report, self._scan(), temporary, source=self._source)

    def heatmap(self, path: Path) -> None:
        from napari_lesion.dicom_objects.segmentation import save_heatmap_seg

        if self._heatmap is None:
            raise ConfigError("There is no heatmap of this scan.")
        with whole_file(path, private=True) as temporary:
            save_heatmap_seg(
                self._heatmap, self._report, self._scan(), temporary, source=self._source, progress=self._progress
            )

    def fhir(self, path: Path) -> None:
        from napari_lesion.report.fhir import save_fhir

        save_fhir(self._report, path)

    def left_empty(self) -> tuple[str, ...]:
        """Name what the DICOM objects left empty, since the scan says it wrongly."""
        from napari_lesion.dicom_objects.study import study_of

        return study_of(self._scan().series, self._source)[1]

    def _content(self) -> Content:
        from napari_lesion.report.content import content_of

        if self._made is None:
            self._made = content_of(self._shown, self._volume, progress=self._progress)
        return self._made

    def _scan(self) -> Volume:
        if self._volume is None:
            raise ConfigError("It refers to the images of the scan, which are not at hand: say where they are.")
        return self._volume


def in_words(problems: Mapping[ReportKind, str], absent: Mapping[ReportKind, str] | None = None) -> Sequence[str]:
    """Which reports are missing and why, a sentence each."""
    missing = [f"Report {kind} could not be written: {why}" for kind, why in problems.items()]
    return missing + [f"Report {kind}: there is none. {why}" for kind, why in (absent or {}).items()]
