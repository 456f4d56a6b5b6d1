"""Scans that tell on a picture whose they are: each has a pattern of its own in its voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesion.model.display import Display
from napari_lesion.model.volume import FloatArray, GeometryCertificate, Instance, SeriesIdentity, Volume

LEVELS = (-900, -300, 200, 800)
BLOCK = (2, 6, 6)
"""Voxels of one level, along (k, j, i)."""
NODULE_HU = 40


@dataclass(frozen=True)
class Coded:
    """One scan and how to know it again.

    Attributes
    ----------
    code : str
        In its description, its patient's name, and each comment that is made on it; in nobody else's.
    """

    code: str
    volume: Volume
    patient: str


def _axial(shape: tuple[int, int, int], spacing: tuple[float, float, float], middle: tuple[float, ...]) -> FloatArray:
    dz, dy, dx = spacing
    affine = np.array([[0, 0, dx, 0], [0, dy, 0, 0], [dz, 0, 0, 0], [0, 0, 0, 1.0]])
    affine[:3, 3] = np.array(middle) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def _coronal(shape: tuple[int, int, int], spacing: tuple[float, float, float], middle: tuple[float, ...]) -> FloatArray:
    """Slices run to the back, rows to the feet, columns to the left."""
    dk, dj, di = spacing
    affine = np.array([[0, 0, di, 0], [dk, 0, 0, 0], [0, -dj, 0, 0], [0, 0, 0, 1.0]])
    affine[:3, 3] = np.array(middle) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def _pattern(shape: tuple[int, int, int], seed: int) -> npt.NDArray[np.int16]:
    """Blocks of `LEVELS`, in an order that is another one for each seed."""
    blocks = [-(-n // block) for n, block in zip(shape, BLOCK, strict=True)]
    levels = np.random.default_rng(seed).integers(0, len(LEVELS), blocks)
    voxels = np.array(LEVELS, np.int16)[levels]
    for axis, times in enumerate(BLOCK):
        voxels = voxels.repeat(times, axis)
    return np.ascontiguousarray(voxels[tuple(map(slice, shape))])


def coded(
    code: str,
    patient: str,
    date: str,
    seed: int,
    shape: tuple[int, int, int],
    affine: FloatArray,
    *,
    modality: str = "CT",
    nodules: int = 2,
) -> Coded:
    """Make one of them; nodules are balls of one value, which `plugin_scan.BlobDetector` finds."""
    voxels = _pattern(shape, seed)
    index = np.stack(np.indices(shape), axis=-1)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    places = np.random.default_rng(seed + 1).uniform(0.3, 0.7, (nodules, 3)) * (np.array(shape) - 1)
    for place in places:
        centre = affine[:3, :3] @ place + affine[:3, 3]
        voxels[((points - centre) ** 2).sum(-1) <= 5.0**2] = NODULE_HU
    normal = affine[:3, 0] / np.linalg.norm(affine[:3, 0])
    plane = "axial" if abs(normal[2]) > 0.99 else "coronal"
    unknown = modality == "CR"
    uid = f"1.2.826.0.1.3680043.8.498.77.{seed}"
    spacing = tuple(float(one) for one in np.linalg.norm(affine[:3, :3], axis=0))
    volume = Volume(
        voxels=voxels,
        affine=affine,
        series=SeriesIdentity(
            series_uid=uid,
            study_uid=f"1.2.826.0.1.3680043.8.498.78.{seed}",
            patient_id=f"ID-{patient}",
            patient_name=f"{patient}^{code}",
            patient_birth_date="19500102",
            patient_sex="F",
            modality=modality,
            study_date=date,
            series_description=f"scan {code}",
            series_number=str(seed),
        ),
        certificate=GeometryCertificate(
            shape=shape,
            spacing_mm=spacing,
            orientation="unknown" if unknown else plane,
            axes="" if unknown else "HPL" if plane == "axial" else "PFL",
            unit="HU" if modality == "CT" else "",
        ),
        instances=tuple(
            Instance(f"{uid}.{k + 1}", tuple(affine[:3, :3] @ (k, 0, 0) + affine[:3, 3]), tuple(map(float, normal)))
            for k in range(shape[0])
        ),
        display=Display(sides=("L", "F"), scale="detector") if unknown else Display(),
    )
    return Coded(code, volume, patient)


def coded_scans() -> tuple[Coded, ...]:
    """Two dates of one patient, a slab of another one, an MR with coronal slices, and a radiograph."""
    return (
        coded("ALFA", "ONE", "20230105", 11, (16, 60, 72), _axial((16, 60, 72), (3.0, 1.5, 1.5), (-10, 20, -300))),
        coded("BRAVO", "ONE", "20240611", 12, (20, 66, 60), _axial((20, 66, 60), (2.5, 1.4, 1.4), (5, 15, -310))),
        coded("CARLO", "TWO", "20240612", 13, (5, 60, 72), _axial((5, 60, 72), (1.0, 1.5, 1.5), (0, -40, 120))),
        coded(
            *("DELTA", "THREE", "20220301", 14, (14, 48, 66), _coronal((14, 48, 66), (4.0, 2.0, 1.6), (30, -5, -20))),
            modality="MR",
        ),
        coded(
            "ECHO", "FOUR", "20210807", 15, (1, 72, 60), _axial((1, 72, 60), (1.0, 1.0, 1.0), (0, 0, 0)), modality="CR"
        ),
    )
