"""Open and save findings: a ``findings.json`` with its heatmap, on the scan that they are of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lesion.model.findings import Heatmap, Report, may_be_of, names_other_images
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import LayerData, heatmap_layer, scan_name
from napari_lesion.plugin.viewer.opening_viewer import opening_viewer
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.messages import show_info, show_warning
from napari_lesion.plugin.widgets.task import run_with_dialog
from napari_lesion.report import json as report_json
from napari_lesion.report import nifti
from napari_lesion.report.folders import contradict
from napari_lesion.support.errors import ReviewError
from napari_lesion.support.progress import Progress
from napari_lesion.support.uids import name_of

if TYPE_CHECKING:
    from napari.layers import Image
    from qtpy.QtWidgets import QWidget


@dataclass(frozen=True)
class Saved:
    """What was found at a path."""

    path: Path
    """The ``findings.json``."""
    report: Report
    heatmap: Heatmap | None


def get_reader(path: str | Path | Sequence[str | Path]) -> Callable[..., list[LayerData]] | None:
    """Return npe2's reader for a ``findings.json``, or None where it is none."""
    paths = [path] if isinstance(path, str | Path) else list(path)
    return read if paths and all(Path(one).is_file() for one in paths) else None


def read(path: str | Path | Sequence[str | Path]) -> list[Any]:
    """Open findings on their scan, which must be open; no layer of its own comes back.

    Raises
    ------
    LesionError
        If the findings cannot be opened; the message says why and what to do.
    """
    viewer = opening_viewer()
    if viewer is None:
        raise ReviewError("Findings are shown on their scan: open it in a viewer first.")
    for one in [path] if isinstance(path, str | Path) else list(path):
        open_findings(session_of(viewer), Path(one), viewer.window._qt_window)
    return [(None,)]


def results_at(path: Path, series_uids: Sequence[str]) -> list[Path]:
    """Find the ``findings.json`` files at a path.

    Parameters
    ----------
    path : Path
        Such a file, the folder that it is in, or a folder of results as ``analyse`` writes it.
    series_uids : sequence of str
        In a folder of results, only those of these series are wanted.
    """
    if path.is_file():
        return [path]
    if (path / report_json.FILE_NAME).is_file():
        return [path / report_json.FILE_NAME]
    names = [name for uid in series_uids for name in (name_of(uid), f"{name_of(uid)}_*")]
    return sorted({file for name in names for file in path.glob(f"{name}/{report_json.FILE_NAME}")})


def load(path: Path, progress: Progress) -> Saved:
    """Read a ``findings.json`` and the heatmap next to it; runs on the worker thread."""
    progress(0, 2, "reading the findings")
    report = report_json.load_report(path)
    progress(1, 2, "reading the heatmap")
    heatmap = path.parent / nifti.FILE_NAME
    return Saved(path, report, nifti.load_heatmap(heatmap) if heatmap.is_file() else None)


def open_findings(session: Session, path: Path, parent: QWidget | None = None) -> None:
    """Show the findings at a path on their scan; what the reader did to them before is kept.

    Raises
    ------
    LesionError
        If there are none, they are damaged, or their scan is not open.
    """
    scans: dict[str, list[Image]] = {}
    for one in session.scans():
        if (volume := volume_of(one)) is not None:
            scans.setdefault(volume.series.series_uid, []).append(one)
    files = results_at(path, list(scans))
    if not files:
        raise ReviewError(
            f"{path}: there are no findings of the scans that are open. Open the scan first, then the folder that "
            "napari-lesion analyse wrote, or a findings.json."
        )
    for file in files:
        saved = run_with_dialog(tr("Opening {file}", file=file.name), partial(load, file), parent)
        scan = _stack_of(saved, file, scans.get(saved.report.series_uid, []))
        volume = volume_of(scan) if scan is not None else None
        if volume is not None and contradict(saved.report.series, volume.series):
            if len(files) > 1:
                continue  # results of another patient, whose series has the same UID
            raise ReviewError(
                f"{file}: these findings are of {scan_name(saved.report.series)}, another patient or study than the "
                "scan that is open, though their series have one UID."
            )
        if scan is None:
            raise ReviewError(
                f"{file}: these findings are of {scan_name(saved.report.series)} (series {saved.report.series_uid}), "
                "which is not open. Open that scan first."
            )
        show(session, scan, saved)


def _stack_of(saved: Saved, file: Path, scans: Sequence[Image]) -> Image | None:
    """Find the scan that findings are of, among the open stacks of their series; None where none is open.

    Raises
    ------
    ReviewError
        If they are of another stack, or it is not known of which.
    """
    volumes = [(scan, volume) for scan in scans if (volume := volume_of(scan)) is not None]
    fitting = [scan for scan, volume in volumes if may_be_of(saved.report, volume)]
    if len(fitting) == 1 or not volumes:
        return fitting[0] if fitting else None
    if len(volumes) > 1 or names_other_images(saved.report, volumes[0][1]):
        raise ReviewError(
            f"{file}: these findings are of another stack of series {saved.report.series_uid} than is open, or of "
            "which of the open ones they are is not known. Open the scan that they were made from, and no other of it."
        )
    return volumes[0][0]  # read in another way since: places are in mm


def show(session: Session, scan: Image, saved: Saved) -> None:
    """Show findings on their scan, and tell which of them are as the reader left them before."""
    volume = volume_of(scan)
    if volume is None:
        return
    heatmap = heatmap_layer(saved.heatmap, volume) if saved.heatmap is not None else None
    session.set_active_scan(scan)
    report = saved.report
    images = {instance.sop_instance_uid for instance in volume.instances}
    here = tuple(one for one in report.drawings if not one.sop_instance_uid or one.sop_instance_uid in images)
    if left := len(report.drawings) - len(here):
        show_warning(
            tr(
                "{count} measurements of {file} are on other images than those of this scan, and are left out.",
                count=left,
                file=saved.path.name,
            )
        )
        report = report.model_copy(update={"drawings": here})
    findings_view(session).show_result(scan, report, heatmap=heatmap)
    review = session.review
    if review is not None and review.changes:
        kept = len(review.changes[-1].after)
        show_info(
            tr(
                "{count} findings that you changed before were kept as you left them. Undo shows the file alone.",
                count=kept,
            )
        )


def save_findings(session: Session, path: Path) -> str:
    """Write the review of the scan that is read as ``findings.json``, and say what is in it.

    Raises
    ------
    ReviewError
        If there is nothing to save.
    """
    report = findings_view(session).report()
    if report is None:
        raise ReviewError("There are no findings of this scan to save yet.")
    report_json.save_report(report, path)
    rejected = len(report.findings) - len(report.active)
    text = tr("Saved {count} findings to {path}.", count=len(report.findings), path=path)
    if rejected:
        text += " " + tr("{count} of them are rejected; they stay in the file with that status.", count=rejected)
    return text
