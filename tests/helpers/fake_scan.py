"""A small scan that is different in every direction, and a detector that says what it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from napari_lesion.model.findings import Candidate, Detection, Heatmap
from napari_lesion.model.volume import FloatArray, GeometryCertificate, Instance, SeriesIdentity, Volume
from napari_lesion.models.card import Card
from napari_lesion.support.progress import Progress, silent

UID = "1.2.826.0.1.3680043.8.498.1"
FIRST = 101
"""InstanceNumber of slice 0."""
AXIAL = np.array([[0, 0, 1.5, -120], [0, 1.5, 0, -90], [2.5, 0, 0, -300], [0, 0, 0, 1.0]])
"""Index (k, j, i) → LPS mm: head, back, left."""
CORONAL = np.array([[0, 0, 1.5, -120], [2.5, 0, 0, -90], [0, -1.5, 0, -180], [0, 0, 0, 1.0]])
"""Slices run to the back, rows to the feet, columns to the left."""


def make_volume(
    affine: FloatArray = AXIAL,
    shape: tuple[int, int, int] = (40, 100, 150),
    *,
    nodules: tuple[tuple[tuple[float, float, float], float], ...] = (),
    series_uid: str = UID,
    modality: str = "CT",
    unit: str = "HU",
    notes: tuple[str, ...] = (),
) -> Volume:
    """An elliptic body with two lungs (the patient's left one smaller), and nodules as (centre in LPS mm, diameter)."""
    index = np.stack(np.indices(shape), axis=-1)
    x, y, z = np.moveaxis(index @ affine[:3, :3].T + affine[:3, 3], -1, 0)
    hu = np.full(shape, -1000.0)
    hu[(x / 98) ** 2 + ((y + 15) / 70) ** 2 < 1] = 30
    hu[((x + 46) / 38) ** 2 + ((y + 15) / 50) ** 2 < 1] = -850
    hu[((x - 52) / 32) ** 2 + ((y + 15) / 42) ** 2 < 1] = -850
    for (cx, cy, cz), diameter in nodules:
        hu[(x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 < (diameter / 2) ** 2] = 40
    normal = affine[:3, 0] / np.linalg.norm(affine[:3, 0])
    origins = affine[:3, 0] * np.arange(shape[0])[:, None] + affine[:3, 3]
    spacing = tuple(float(s) for s in np.linalg.norm(affine[:3, :3], axis=0))
    return Volume(
        voxels=hu.astype(np.int16),
        affine=affine.copy(),
        series=SeriesIdentity(
            series_uid=series_uid,
            study_uid="1.2.3",
            patient_id="P-17",
            modality=modality,
            study_date="20240229",
            series_description="Thorax lung",
            series_number="4",
        ),
        certificate=GeometryCertificate(
            shape=shape,
            spacing_mm=spacing,
            orientation="axial" if abs(normal[2]) > 0.99 else "coronal",
            axes="HPL" if abs(normal[2]) > 0.99 else "PFL",
            unit=unit,
            notes=notes,
        ),
        instances=tuple(
            # The scanner's numbers are not the indices of the slices.
            Instance(f"{series_uid}.{k + 1}", tuple(map(float, origin)), tuple(map(float, normal)), number=k + FIRST)
            for k, origin in enumerate(origins)
        ),
    )


@dataclass
class FakeDetector:
    """Finds what it is given, with a heatmap on a coarser grid that covers a part of the scan."""

    candidates: tuple[Candidate, ...] = ()
    error: Exception | None = None
    threshold: float = 0.5
    version: str = "1.0"
    operating_points: tuple[tuple[float, float], ...] = ()
    modalities: tuple[str, ...] = ("CT",)
    single_images: bool = False
    sha256: str = "ab" * 32
    calls: list[str] = field(default_factory=list)

    @property
    def card(self) -> Card:
        return Card(
            id="fake",
            version=self.version,
            task="test",
            licence="none",
            sha256=self.sha256,
            threshold=self.threshold,
            operating_points=self.operating_points,
            modalities=self.modalities,
            single_images=self.single_images,
        )

    def detect(self, volume: Volume, *, device: str = "auto", progress: Progress = silent) -> Detection:
        self.calls.append(volume.series.series_uid)
        for step in range(5):
            progress(step, 4, "searching")
        if self.error is not None:
            raise self.error
        return Detection(
            heatmap=make_heatmap(volume, self.candidates),
            candidates=self.candidates,
            device="cpu",
            timings_s={"network": 0.25},
            warnings=("The fake detector looked at nothing.",),
        )


def make_heatmap(volume: Volume, candidates: tuple[Candidate, ...]) -> Heatmap:
    """A spot on each candidate, on a canonical grid of half the scan's resolution, without a margin of 4 voxels."""
    from napari_lesion.imaging.preprocess import canonical

    volume = canonical(volume)
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient((4, 4, 4))
    affine[:3, :3] *= 2
    shape = tuple(max((n - 8) // 2, 1) for n in volume.shape)
    points = np.stack(np.indices(shape), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    values = np.zeros(shape, np.float32)
    for candidate in candidates:
        squared = ((points - np.asarray(candidate.center_mm)) ** 2).sum(axis=-1)
        values = np.maximum(values, candidate.score * np.exp(-squared / (2 * 4.0**2)))
    return Heatmap(values.astype(np.float32), affine)
