"""Open a DICOM structured report (SR), ours or another program's, on the scan that it belongs to.

What is looked for are the measurement groups of TID 1500: in ours everything comes back, of others the place and the
size of what was measured, its outline where the segmentation lies beside the report, and its numbers in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.content import parse
from napari_lesion.dicom_objects.drawing_groups import drawing_from, is_drawing
from napari_lesion.dicom_objects.references import DAMAGED
from napari_lesion.dicom_objects.segmentation_file import SEGMENTATIONS
from napari_lesion.dicom_objects.segmentation_reader import masks_from_seg
from napari_lesion.dicom_objects.structured_report_file import (
    ReportFile,
    groups_of,
    read_report,
    report_file,
)
from napari_lesion.dicom_objects.structured_report_foreign import foreign_finding
from napari_lesion.dicom_objects.structured_report_own import own_finding
from napari_lesion.model.drawn import Drawing
from napari_lesion.model.findings import (
    Finding,
    ModelReference,
    Report,
    numbered,
)
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import LesionError, SeriesError
from napari_lesion.support.uids import is_uid
from napari_lesion.support.vault import open_file

#: Series of a study that are looked into for a report's outlines, and files in them; outlines are one, rarely more.
_MOST_FOLDERS, _MOST_FILES = 500, 3


def load_sr(path: Path | str) -> ReportFile:
    """Read a structured report.

    Raises
    ------
    SeriesError
        If it is none, or holds no measurement group.
    """
    path = Path(path)
    dataset = read_report(path)
    try:
        content = parse(dataset)
        groups = tuple(groups_of(content))
        report = report_file(path, dataset, content, groups)
    except DAMAGED as error:
        raise SeriesError(f"{path.name}: its content is damaged ({error}). Export it again.") from error
    if not groups and not any(content.named(concepts.QUALITATIVE_EVALUATIONS)):
        raise SeriesError(
            f"{path.name}: this report ({report.title or 'without title'}) holds no measurement group, which is where "
            "findings are looked for (TID 1500)."
        )
    return report


def findings_from_sr(path: Path | str, volume: Volume) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """Read the findings of a structured report on the scan that they are of.

    Segmentations that it refers to are looked for in the same folder.

    Parameters
    ----------
    path : path
    volume : Volume
        The scan.

    Returns
    -------
    findings : tuple of Finding
        Sorted by score, falling. Those of ours are as they were saved; those of others carry their numbers as a
        comment, and say that they were not measured here.
    notes : tuple of str
        What was left out or has to be known, a sentence each.

    Raises
    ------
    SeriesError
        If it is no report with measurements, or of another scan.
    """
    return _findings(load_sr(path), volume)


def _findings(report: ReportFile, volume: Volume) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    notes = report.refers.check(volume)
    masks, more = _masks(report, volume)
    notes += more
    findings = []
    for group in report.groups:
        if is_drawing(group.item):
            continue
        mask = masks.get((group.segmentation_uid, group.segment or 0))
        try:
            finding = own_finding(group, volume, mask) if group.ours else foreign_finding(group, report, volume, mask)
        except DAMAGED as error:
            finding = f"Group {group.number} ({group.tracking_id}) is damaged and was left out ({_short(error)})."
        if isinstance(finding, str):
            notes.append(finding)
        else:
            findings.append(finding)
    return tuple(sorted(findings, key=lambda one: -one.score)), tuple(notes)


def _drawings(report: ReportFile, volume: Volume) -> tuple[tuple[Drawing, ...], tuple[str, ...]]:
    """Read the drawings of a report of ours, and say which are damaged."""
    drawings: list[Drawing] = []
    notes = []
    for group in report.groups:
        if is_drawing(group.item):
            try:
                drawings.append(drawing_from(group.item, group.tracking_id, volume))
            except DAMAGED as error:
                notes.append(
                    f"Group {group.number} ({group.tracking_id}) is damaged and was left out ({_short(error)})."
                )
    return tuple(drawings), tuple(notes)


def report_from_sr(path: Path | str, volume: Volume) -> tuple[Report, tuple[str, ...]]:
    """Make a report of the findings of a structured report, to be shown and reviewed like any other.

    What a structured report cannot hold stays empty: library versions, timings, the trace of the guidelines. Judgement
    and comparisons are to be made again.

    Returns
    -------
    report : Report
    notes : tuple of str
        As from `findings_from_sr`.

    Raises
    ------
    SeriesError
        As from `findings_from_sr`.
    """
    file = load_sr(path)
    findings, notes = _findings(file, volume)
    drawings, more = _drawings(file, volume)
    notes += more
    foreign = ModelReference(id=f"report by {file.made_by or 'another program'}", version="", sha256="", threshold=0)
    read = Report(
        series_uid=volume.series.series_uid,
        series=volume.series,
        findings=findings,
        certificate=volume.certificate,
        model=file.model or foreign,
        device="",
        versions={},
        timings_s={},
        warnings=(*file.warnings, *notes),
        created=file.created,
        drawings=drawings,
    )
    return numbered(read), notes


# -- The document -----------------------------------------------------------------------------------------------------


def _masks(report: ReportFile, volume: Volume) -> tuple[dict[tuple[str, int], Mask], list[str]]:
    """Find the segmentations beside a report, and their masks by UID and number."""
    wanted = {group.segmentation_uid for group in report.groups if group.segmentation_uid}
    masks: dict[tuple[str, int], Mask] = {}
    notes: list[str] = []
    if not wanted:
        return masks, notes
    for path in _beside(report.path):
        if not wanted:
            break
        uid = _uid_of(path)
        if uid not in wanted:
            continue
        wanted.discard(uid)
        try:
            found, said = masks_from_seg(path, volume)
        except LesionError as error:
            notes.append(f"The outlines in {path.name} were not opened: {error}")
            continue
        notes += said
        masks.update({(uid, one.segment.number): one.mask for one in found})
    if wanted:
        notes.append(
            f"{report.path.name} refers to a segmentation that is not in its folder, so those findings have no outline."
        )
    return masks, notes


def _beside(path: Path) -> Iterator[Path]:
    """Give the files of a report's folder; where series lie in folders that their UIDs name, then of the small ones."""
    yield from sorted(path.parent.iterdir())
    if not is_uid(path.parent.name):
        return
    folders = (one for one in sorted(path.parent.parent.iterdir()) if is_uid(one.name) and one != path.parent)
    for folder in islice(folders, _MOST_FOLDERS):
        with suppress(OSError):
            found = list(islice(folder.iterdir(), _MOST_FILES + 1))
            if len(found) <= _MOST_FILES:
                yield from sorted(found)


def _uid_of(path: Path) -> str:
    """SOP instance UID of a segmentation; empty for all other files."""
    try:
        with open_file(path)[0] as file:
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
        return str(header.SOPInstanceUID) if str(header.get("SOPClassUID", "")) in SEGMENTATIONS else ""
    except (InvalidDicomError, *DAMAGED):
        return ""


def _short(error: BaseException) -> str:
    """Give the first line of an error."""
    return str(error).partition("\n")[0]


# -- Findings of ours -------------------------------------------------------------------------------------------------


# -- Findings of others -----------------------------------------------------------------------------------------------


# -- Numbers ----------------------------------------------------------------------------------------------------------
