"""Readers' annotations of the phantom with marks (`dicom_factory`), as the tests of export and agreement need them."""

from __future__ import annotations

from dataclasses import replace

import dicom_factory as factory
import numpy as np

from napari_lesion.annotation.annotations import Annotation, AnnotationSet, new_annotation
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume


def mark_mask(volume: Volume, mark: factory.Mark, shift_mm: float = 0.0) -> Mask:
    """The voxels of a mark of the phantom, moved to the left."""
    points = factory.positions(volume.affine, volume.shape)
    center = np.add(mark.center_mm, (shift_mm, 0, 0))
    return Mask.of(((points - center) ** 2).sum(-1) <= factory.MARK_RADIUS_MM**2)


def phantom_volume(orientation: str = "axial", turn: np.ndarray | None = None, uid: str = "1.2.3") -> Volume:
    phantom = factory.asymmetric_phantom(orientation, turn=turn)
    certificate = GeometryCertificate(
        shape=phantom.hu.shape, spacing_mm=factory.SPACING_MM, orientation="unknown", axes=""
    )
    return Volume(phantom.hu, phantom.affine, SeriesIdentity(series_uid=uid, patient_id="ASYM-1"), certificate)


def annotate(volume: Volume, reader: str, *marks: Annotation, done: bool = True) -> AnnotationSet:
    found = AnnotationSet.empty(volume, reader, "lung nodules")
    for mark in marks:
        found = found.put(mark)
    return found.finished(done)


def nodule(volume: Volume, mark: factory.Mark, reader: str = "ann", label: str = "nodule", **what) -> Annotation:
    """A point on a mark, or what is asked for."""
    if not what:
        what = {"center_mm": mark.center_mm, "diameter_mm": 2 * factory.MARK_RADIUS_MM}
    return new_annotation(volume, label=label, reader=reader, **what)


def renamed(volume: Volume, uid: str) -> Volume:
    return replace(volume, series=volume.series.model_copy(update={"series_uid": uid}))
