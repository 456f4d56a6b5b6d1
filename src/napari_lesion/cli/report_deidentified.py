"""Reports of results on disk that name nobody, into a new folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_lesion.cli.console import print_line, show_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_lesion.deidentification.release import Request
    from napari_lesion.dicom.index.series import Series
    from napari_lesion.model.findings import Report
    from napari_lesion.model.volume import Volume
    from napari_lesion.report.write import ReportKind
    from napari_lesion.support.progress import Progress


def report_deidentified(
    results: Mapping[Path, Report],
    source_of: Callable[[Report], Series | None],
    wanted: Sequence[ReportKind],
    out: Path,
    request: Request,
) -> None:
    """Make reports of results, de-identify them and check them: all, or none.

    Parameters
    ----------
    results : mapping
        Folder of each series → its report.
    source_of : callable
        Finds the scan of a report; without it there are no pictures and no DICOM objects.
    wanted : sequence of str
    out : Path
        New folder.
    request : Request
        How they are de-identified.
    """
    from dataclasses import replace

    from napari_lesion.batch.results import read_again
    from napari_lesion.deidentification.exports import prepare_reports, release_reports
    from napari_lesion.report import nifti
    from napari_lesion.report.write import DICOM
    from napari_lesion.support.progress import part
    from napari_lesion.support.vault import read_bytes, temporary_folder

    sources = {report.series_uid: source_of(report) for report in results.values()}
    by_uid = {report.series_uid: report for report in results.values()}

    def volume_at_hand(uid: str) -> tuple[Volume, Series] | None:
        source = sources.get(uid)
        return None if source is None else (read_again(source, by_uid[uid]), source)

    with temporary_folder() as hidden, show_progress() as progress:
        folders: list[Path] = []
        for number, (folder, report) in enumerate(results.items()):
            step: Progress = part(progress, number, number + 1, 2 * len(results))
            source, target = sources[report.series_uid], Path(hidden) / str(number)
            volume = read_again(source, report) if source is not None and DICOM & set(wanted) else None
            prepare_reports(report, wanted, target, volume=volume, source=source, progress=step)
            if (folder / nifti.FILE_NAME).is_file():
                (target / nifti.FILE_NAME).write_bytes(read_bytes(folder / nifti.FILE_NAME))
            folders.append(target)
        outcome = release_reports(
            folders, out, replace(request, volume_at_hand=volume_at_hand), part(progress, 1, 2, 2)
        )
    print_line(
        f"{outcome.count('written')} files of {len(outcome.patients)} patients are in {out}, de-identified and checked."
    )
