"""Scans whose nodules are known: real nodules in their true surroundings, as DICOM, NIfTI or MetaImage.

The truth is in the form of LUNA16: ``seriesuid,coordX,coordY,coordZ,diameter_mm``, LPS mm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk  # noqa: N813

from napari_lesion.detection.searchable import unsuitable
from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.evaluation.froc import UNKNOWN_DIAMETER_MM, Mark, load_marks
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import read_table
from napari_lesion.training.config.detector import AnnotatedConfig, Lesion

IMAGE_ENDINGS = (".nii", ".nii.gz", ".mhd", ".mha")
MARGIN_MM = 4.0
"""Around a nodule nothing is learned as healthy so far; its outline is not known."""
_AIR_HU = -700.0


@dataclass(frozen=True)
class AnnotatedScan:
    """A scan and what is known of it; its voxels are not read yet."""

    uid: str
    patient: str
    """Empty where it is not known."""
    source: Series | Path = field(repr=False)
    truth: tuple[Mark, ...] = ()
    excluded: tuple[Mark, ...] = ()

    def read(self) -> Volume:
        """Read the voxels.

        Raises
        ------
        InputFileError
            If an image file cannot be read, or holds no HU.
        """
        return read_image(self.source, self.uid) if isinstance(self.source, Path) else read_series(self.source)

    def lesions(self, volume: Volume) -> tuple[Lesion, ...]:
        """Give the marks as places in the scan: nodules are learned, excluded places are neither learned nor healthy.

        Raises
        ------
        InputFileError
            If a mark lies outside the scan: its coordinates are not in LPS mm, or are of another scan.
        """
        places = [(mark, True) for mark in self.truth] + [(mark, False) for mark in self.excluded]
        lesions = []
        for mark, learned in places:
            k, j, i = (float(n) for n in volume.to_index(mark.center_mm))
            if not all(-0.5 <= n <= size - 0.5 for n, size in zip((k, j, i), volume.shape, strict=True)):
                raise InputFileError(
                    f"series {self.uid}: the mark at {mark.center_mm} lies outside the scan. Coordinates have to be "
                    "LPS mm (x to the left, y to the back, z to the head), as in LUNA16."
                )
            diameter = mark.diameter_mm if mark.diameter_mm > 0 else UNKNOWN_DIAMETER_MM
            lesions.append(
                Lesion(index=(k, j, i), radius_mm=diameter / 2 + MARGIN_MM, diameter_mm=diameter if learned else None)
            )
        return tuple(lesions)


def find_annotated(config: AnnotatedConfig) -> tuple[AnnotatedScan, ...]:
    """Find the scans of a configuration with their marks, ordered by UID. One without marks is free of nodules.

    Raises
    ------
    InputFileError
        If a path holds no scan, a UID occurs twice, no annotation belongs to a scan, or a nodule has no diameter.
    """
    truth = _by_scan(config.annotations)
    excluded = _by_scan(config.excluded) if config.excluded else {}
    patients = _patients(config.patients) if isinstance(config.patients, Path) else {}
    scans: dict[str, AnnotatedScan] = {}
    for path in config.scans:
        found = 0
        for uid, patient, source in _scans_in(path):
            found += 1
            if uid in scans:
                raise InputFileError(f"series {uid}: found twice, the second time in {path}. Remove one.")
            whose = uid if config.patients == "scan" else patients.get(uid, patient)
            scans[uid] = AnnotatedScan(uid, whose, source, truth.get(uid, ()), excluded.get(uid, ()))
        if not found:
            raise InputFileError(
                f"There is no CT series and no NIfTI or MetaImage file in {path} (data.annotated.scans)."
            )
    if not any(scan.truth for scan in scans.values()):
        raise InputFileError(
            f"{config.annotations}: none of its series is among the {len(scans)} scans of data.annotated.scans. The "
            "UID of a NIfTI or MetaImage file is its name without the ending."
        )
    for scan in scans.values():
        for mark in scan.truth:
            if mark.diameter_mm <= 0:
                raise InputFileError(f"{config.annotations}: series {scan.uid}: a nodule without a diameter.")
    return tuple(scans[uid] for uid in sorted(scans))


def read_image(path: Path, uid: str) -> Volume:
    """Read a CT from a NIfTI or MetaImage file. These do not say what their values are: HU are asked for.

    Raises
    ------
    InputFileError
        If it cannot be read, is no 3D image, or has no voxels as dark as air.
    """
    image: Any
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputFileError(f"{path} cannot be read: {reason}") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputFileError(f"{path} is no 3D image of one value a voxel, so it cannot be learned from.")
    voxels = sitk.GetArrayFromImage(image)
    if voxels.min() > _AIR_HU:
        raise InputFileError(
            f"{path} holds no HU: nothing in it is as dark as air ({voxels.min()} at least). Export HU."
        )
    whole = np.issubdtype(voxels.dtype, np.integer) and np.abs(voxels.astype(np.int64)).max() < 2**15
    affine = np.eye(4)
    # SimpleITK speaks of (i, j, k) and LPS mm; here indices are (k, j, i).
    directions = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, :3] = directions[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    spacing = image.GetSpacing()
    k, j, i = voxels.shape
    return Volume(
        voxels=voxels.astype(np.int16 if whole else np.float32),
        affine=affine,
        series=SeriesIdentity(series_uid=uid, modality="CT"),
        certificate=GeometryCertificate(
            shape=(k, j, i),
            spacing_mm=(spacing[2], spacing[1], spacing[0]),
            orientation="unknown",
            axes="",
            rescale=f"values of {path.name} taken as HU",
        ),
    )


def _scans_in(path: Path) -> Iterator[tuple[str, str, Series | Path]]:
    """UID, patient and source of every scan in a folder, or of one image file."""
    files = sorted(p for p in path.rglob("*") if p.name.endswith(IMAGE_ENDINGS)) if path.is_dir() else [path]
    if path.is_dir() and any(not p.name.endswith((*IMAGE_ENDINGS, ".raw", ".zraw", ".csv")) for p in _files(path)):
        for series in find_series(path):
            if not unsuitable(series):
                yield series.identity.series_uid, series.identity.patient_id, series
    for file in files:
        ending = next((e for e in reversed(IMAGE_ENDINGS) if file.name.endswith(e)), None)
        if ending is None or not file.is_file():
            raise InputFileError(f"{file} is neither a folder nor a NIfTI or MetaImage file (data.annotated.scans).")
        yield file.name.removesuffix(ending), "", file


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _by_scan(path: Path) -> dict[str, tuple[Mark, ...]]:
    marks: dict[str, list[Mark]] = {}
    for mark in load_marks(path):
        marks.setdefault(mark.series_uid, []).append(mark)
    return {uid: tuple(group) for uid, group in marks.items()}


def _patients(path: Path) -> Mapping[str, str]:
    return {row["seriesuid"]: row["patient"] for _, row in read_table(path, ("seriesuid", "patient")).rows()}
