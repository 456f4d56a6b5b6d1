"""Open what DICOM says of a scan, on that scan: structured reports as findings, segmentations as labels or heatmap."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
from napari.layers import Labels, Layer
from pydicom.errors import InvalidDicomError

from napari_lesion.dicom_objects.references import DAMAGED, Refers
from napari_lesion.dicom_objects.segmentation_file import SEGMENTATIONS
from napari_lesion.dicom_objects.segmentation_reader import NamedMask, heatmap_from_seg, load_seg, masks_from_seg
from napari_lesion.dicom_objects.structured_report_file import REPORTS
from napari_lesion.dicom_objects.structured_report_reader import load_sr, report_from_sr
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.findings import findings_files
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import AXIS_LABELS, UNITS, about, canonical, heatmap_layer
from napari_lesion.plugin.viewer.opening_viewer import opening_viewer
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.messages import show_warning
from napari_lesion.plugin.widgets.task import run_with_dialog
from napari_lesion.support.errors import ReviewError, SeriesError
from napari_lesion.support.progress import Progress
from napari_lesion.support.vault import open_file

if TYPE_CHECKING:
    from napari.layers import Image
    from qtpy.QtWidgets import QWidget


def is_object(path: Path) -> bool:
    """Whether a file is a structured report with measurements, or a segmentation."""
    return _sop_class(path) in (*REPORTS, *SEGMENTATIONS)


def read(path: str | Path | Sequence[str | Path]) -> list[Any]:
    """Open objects on their scans, which must be open; no layer of its own comes back.

    Raises
    ------
    LesionError
        If one cannot be opened; the message says why and what to do.
    """
    viewer = opening_viewer()
    if viewer is None:
        raise ReviewError("Reports and segmentations are shown on their scan: open it in a viewer first.")
    for one in [path] if isinstance(path, str | Path) else list(path):
        open_object(session_of(viewer), Path(one), viewer.window._qt_window)
    return [(None,)]


def open_object(session: Session, path: Path, parent: QWidget | None = None) -> None:
    """Show a structured report or a segmentation on its scan, and tell what has to be known about it.

    Raises
    ------
    LesionError
        If it cannot be read, or its scan is not open.
    """
    title = tr("Opening {file}", file=path.name)
    if _sop_class(path) in REPORTS:
        scan, volume = _scan_of(session, load_sr(path).refers)
        report, notes = run_with_dialog(title, partial(_report, path, volume), parent)
        findings_files.show(session, scan, findings_files.Saved(path, report, None))
    else:
        seg = load_seg(path)
        scan, volume = _scan_of(session, seg.refers)
        if seg.kind == "FRACTIONAL" and seg.fractional == "PROBABILITY":
            heatmap, notes = run_with_dialog(title, partial(_heatmap, path, volume), parent)
            data, attributes, kind = heatmap_layer(heatmap, volume)
            made = [Layer.create(data, {**attributes, "name": path.stem}, kind)]
        else:
            masks, notes = run_with_dialog(title, partial(_masks, path, volume), parent)
            made = list(labels_of(masks, scan, volume, path.stem))
        session.set_active_scan(scan)
        if (owner := session.open_scans.of(scan)) is not None:
            for layer in made:
                session.open_scans.add(owner, layer, above=session.viewer.layers)
    for note in notes:
        show_warning(note)


def labels_of(masks: Sequence[NamedMask], scan: Image, volume: Volume, name: str) -> list[Labels]:
    """Make layers of segments on a scan: one, or more where segments overlap.

    A voxel's label is the number of its segment; ``features`` names it, which napari shows beside the cursor.
    """
    groups: list[tuple[Any, list[NamedMask]]] = []
    largest = max((one.segment.number for one in masks), default=0)
    for one in masks:
        free = (group for group in groups if not group[0][one.mask.region][one.mask.voxels].any())
        group = next(free, None)
        if group is None:
            # Pages of zeros cost no memory before something is written to them.
            group = (np.zeros(volume.shape, np.uint8 if largest < 256 else np.uint16), [])
            groups.append(group)
        voxels, members = group
        one.mask.put(voxels, one.segment.number)
        members.append(one)
    layers = []
    for number, (voxels, members) in enumerate(groups, start=1):
        layer = Labels(
            canonical(voxels, volume.affine)[0],
            name=name if number == 1 else f"{name} ({number})",
            features={
                "index": [0, *(one.segment.number for one in members)],
                "segment": ["", *(one.segment.label for one in members)],
            },
            opacity=0.9,
            scale=tuple(scan.scale),
            translate=tuple(scan.translate),
            units=UNITS,
            axis_labels=AXIS_LABELS,
            metadata=about(volume),
        )
        layer.contour = 1  # what is outlined stays to be seen
        layers.append(layer)
    return layers


def _sop_class(path: Path) -> str:
    if not path.is_file():
        return ""
    try:
        with open_file(path)[0] as file:
            return str(
                pydicom.dcmread(file, specific_tags=["SOPClassUID"], stop_before_pixels=True).get("SOPClassUID", "")
            )
    except (InvalidDicomError, *DAMAGED):
        return ""


def _scan_of(session: Session, refers: Refers) -> tuple[Image, Volume]:
    """Find the open scan that an object is of: the one that it names, else one of the same frame of reference."""
    volumes = [(scan, volume) for scan in session.scans() if (volume := volume_of(scan)) is not None]
    for scan, volume in volumes:
        if refers.to(volume):
            return scan, volume
    for scan, volume in volumes:
        if volume.series.frame_of_reference_uid in refers.frames_of_reference:
            refers.check(volume)
            return scan, volume
    raise SeriesError(
        f"{refers.name} is of {refers.whose}, which is not open. Open that scan first, then {refers.name} again."
    )


def _report(path: Path, volume: Volume, progress: Progress) -> tuple[Report, tuple[str, ...]]:
    progress(0, 1, "reading the findings")
    return report_from_sr(path, volume)


def _masks(path: Path, volume: Volume, progress: Progress) -> tuple[tuple[NamedMask, ...], tuple[str, ...]]:
    progress(0, 1, "reading the segments")
    return masks_from_seg(path, volume)


def _heatmap(path: Path, volume: Volume, progress: Progress) -> Any:
    progress(0, 1, "reading the heatmap")
    return heatmap_from_seg(path, volume)
