"""The store of real nodules: LIDC-IDRI's at their native spacing, patches, and older cubes, told apart by patient.

Three packs lie in one folder, of which each may be missing:

``lidc_voi.npz``, ``lidc_voi.csv``
    Crops at native spacing with the readers' consensus mask and their ratings. They end with the mask's first and last
    slice: what lies above and below is not known.
``lidc_axial2d.npz``, ``lidc_axial2d.csv``
    Axial patches, each outlined and rated by one reader.
``lidc_cubes.npz``, ``lidc_cubes_ratings.csv``
    Cubes of 51 mm at 1 mm in their own surroundings (``nodules.read_cubes``).

Everywhere z grows to the head, y to the back, x to the patient's left.
"""

from __future__ import annotations

import csv
import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.support.errors import InputFileError
from napari_lesion.training.data.nodules import Cube, Split, Type, read_cubes, split_cubes, type_of

CROPS, PATCHES, CUBES = "lidc_voi", "lidc_axial2d", "lidc_cubes"
RATINGS = (
    "subtlety", "internalStructure", "calcification", "sphericity", "margin", "lobulation", "spiculation",
    "texture", "malignancy",
)  # fmt: skip
"""What LIDC's readers rated, 1 to 5 (calcification to 6, internalStructure to 4)."""

SIDES: tuple[Split, ...] = ("train", "validation", "test")

_PATCH = 71
_TEST, _VALIDATION, _PARTS = 5, 7, 20
"""Of 20 parts of the patients, 5 are for testing and 2 for validation."""
_MOST_NOISE_HU = 75.0
_LEAST_CONTRAST_HU = 150.0
_LEAST_SLICES = 3
_DIAMETERS_RATIO = (0.8, 1.35)
_OFFSETS = (
    (0, 1), (77, 3), (82, 5), (103, 11), (107, 13), (117, 14), (120, 17), (140, 22), (217, 23), (245, 24),
)  # fmt: skip
"""From this number of a cube on, its patient in LIDC-IDRI is that number and so many more (see ``cube_patient``)."""
_UNSURE = frozenset({77, 78, 79, 83, 84, 85, 86})
"""Patients of whom it is not known which of them three of the training cubes (76, 80, 81) are of."""


@dataclass(frozen=True)
class Crop:
    """A real nodule at the spacing of its scan.

    Attributes
    ----------
    patient : str
        Like ``LIDC-IDRI-0004``.
    name : str
        Patient and the nodule's number: ``LIDC-IDRI-0004/1``.
    hu, mask : (z, y, x)
        HU, and the consensus of the readers' outlines (about a voxel outside the visible edge).
    spacing_mm : (z, y, x)
    diameter_mm : float
        Mean of the readers, by LUNA16's rule.
    ratings : mapping
        The most frequent reading of each of ``RATINGS``.
    readers : int
        Who marked it.
    noise_hu, contrast_hu : float
        Noise in the lung about it, and how much its mask is denser than that lung.
    wall_share : float
        Share of the shell of 0.8 to 3.5 mm that is denser than −300 HU; over 0.12 it touches a wall or a vessel.
    """

    patient: str
    name: str
    hu: npt.NDArray[np.int16] = field(repr=False)
    mask: npt.NDArray[np.bool_] = field(repr=False)
    spacing_mm: tuple[float, float, float]
    diameter_mm: float
    ratings: Mapping[str, int] = field(repr=False)
    readers: int
    noise_hu: float
    contrast_hu: float
    wall_share: float

    @property
    def type(self) -> Type:
        """Solid, part-solid or ground-glass, by the readers' texture."""
        return type_of(self.ratings["texture"])

    @property
    def mask_diameter_mm(self) -> float:
        """Diameter of the ball with the mask's volume."""
        return float((6 / np.pi * self.mask.sum() * np.prod(self.spacing_mm)) ** (1 / 3))


@dataclass(frozen=True)
class AxialPatch:
    """One reader's view of a nodule in one axial slice.

    Attributes
    ----------
    hu, mask : (y, x)
        71 × 71 pixels, the nodule in the middle; that reader's outline, filled.
    pixel_mm : float
    diameter_mm : float
        Of the disc with the outline's area as the source gives it: larger than ``Crop.diameter_mm``.
    slice_uid : str
        SOP instance UID.
    """

    patient: str
    hu: npt.NDArray[np.int16] = field(repr=False)
    mask: npt.NDArray[np.bool_] = field(repr=False)
    pixel_mm: float
    diameter_mm: float
    ratings: Mapping[str, int] = field(repr=False)
    reader: int
    slice_uid: str

    @property
    def type(self) -> Type:
        """Solid, part-solid or ground-glass, by the reader's texture."""
        return type_of(self.ratings["texture"])


@dataclass(frozen=True)
class Store:
    """Real nodules of three packs."""

    cubes: tuple[Cube, ...] = ()
    crops: tuple[Crop, ...] = ()
    patches: tuple[AxialPatch, ...] = ()

    @property
    def patients(self) -> frozenset[str]:
        """Whose they are."""
        crops = {crop.patient for crop in self.crops}
        patches = {patch.patient for patch in self.patches}
        return frozenset(crops | patches | {cube_patient(cube.name) for cube in self.cubes})


def read_store(folder: Path, *, patches: bool = True) -> Store:
    """Read what there is of the three packs, as it is: nothing is left out yet.

    Raises
    ------
    InputFileError
        If there is none of them, or one cannot be read.
    """
    there = {name for name in (CUBES, CROPS, PATCHES) if (folder / f"{name}.npz").exists()}
    if not there:
        raise InputFileError(
            f"There are no nodules in {folder}: neither {CUBES}.npz nor {CROPS}.npz. Check data.nodules."
        )
    return Store(
        cubes=tuple(read_cubes(folder)) if CUBES in there else (),
        crops=tuple(read_crops(folder)) if CROPS in there else (),
        patches=tuple(read_axial_patches(folder)) if PATCHES in there and patches else (),
    )


def split_store(store: Store) -> dict[Split, Store]:
    """Divide a store by patient (``parts_by_patient``); crops that are too clumsy (``why_left_out``) are left out."""
    parts = parts_by_patient(store.patients, store.cubes)
    cubes = split_cubes(list(store.cubes))
    crops = [crop for crop in store.crops if why_left_out(crop) is None]
    return {
        name: Store(
            cubes=tuple(cubes[name]),
            crops=tuple(crop for crop in crops if parts[crop.patient] == name),
            patches=tuple(patch for patch in store.patches if parts[patch.patient] == name),
        )
        for name in SIDES
    }


def parts_by_patient(patients: Iterable[str], cubes: Iterable[Cube] = ()) -> dict[str, Split]:
    """Decide for each patient of LIDC-IDRI on which side they are; the same wherever and whenever it is asked.

    - Patients of the cubes stay where ``nodules.split_cubes`` has them: what earlier versions learned from is never
      held out.
    - Of three training cubes the patient is one of seven: all seven are in training.
    - The others fall by the sha256 of their id into 20 parts, of which 5 are for testing and 2 for validation.
    """
    known: dict[str, Split] = {f"LIDC-IDRI-{number:04d}": "train" for number in _UNSURE}
    for part, members in split_cubes(list(cubes)).items():
        known |= {cube_patient(cube.name): part for cube in members}
    return {patient: known.get(patient) or _part_by_name(patient) for patient in sorted(patients)}


def _part_by_name(patient: str) -> Split:
    number = int.from_bytes(hashlib.sha256(patient.encode()).digest()[:8], "big") % _PARTS
    return "test" if number < _TEST else "validation" if number < _VALIDATION else "train"


def cube_patient(name: str) -> str:
    """Whose a cube is, from its name (``3_nod1_ann0``).

    The number in the name counts the patients that the cubes' source has, from 0; it is NOT the one in LIDC-IDRI. How
    the two go together was found by comparing the cubes with ``lidc_voi`` voxel by voxel (54 of the 100 are the same
    nodule, correlation .93 to 1.00 in this and in no other orientation): both rise together, so those between two that
    match are known as well. Cubes 76, 80 and 81 alone are not: see ``parts_by_patient``.
    """
    number = int(name.split("_")[0])
    _, offset = _OFFSETS[bisect_right(_OFFSETS, (number, 10**6)) - 1]
    return f"LIDC-IDRI-{number + offset:04d}"


def why_left_out(crop: Crop) -> str | None:
    """Why a crop is too clumsy to learn from or to judge by; None if it is not.

    The rule: noise over 75 HU; fewer than three slices; a mask in several pieces, with a slice missing, or touching an
    in-plane face of the crop; less than 150 HU over the lung unless it is rated ground-glass or part-solid; or a mask
    whose volume is that of a ball of less than 0.8 or more than 1.35 times the readers' diameter.
    """
    low, high = _DIAMETERS_RATIO
    ratio = crop.mask_diameter_mm / crop.diameter_mm
    slices: npt.NDArray[np.bool_] = np.asarray(crop.mask.any(axis=(1, 2)))
    reach = np.flatnonzero(slices)
    if crop.noise_hu > _MOST_NOISE_HU:
        return f"noise of {crop.noise_hu:.0f} HU"
    if slices.sum() < _LEAST_SLICES:
        return f"{slices.sum()} slices"
    if not slices[reach[0] : reach[-1] + 1].all():
        return "a slice without a mask"
    if ndimage.label(crop.mask, np.ones((3, 3, 3)))[1] > 1:
        return "a mask in several pieces"
    if any(crop.mask.take(side, axis).any() for axis in (1, 2) for side in (0, -1)):
        return "a mask that touches the side of its crop"
    if crop.contrast_hu < _LEAST_CONTRAST_HU and crop.type == "solid":
        return f"solid, but {crop.contrast_hu:.0f} HU over the lung"
    if not low <= ratio <= high:
        return f"a mask of {crop.mask_diameter_mm:.1f} mm for a diameter of {crop.diameter_mm:.1f} mm"
    return None


def read_crops(folder: Path) -> list[Crop]:
    """Read ``lidc_voi``: all its crops, the clumsy ones as well.

    Raises
    ------
    InputFileError
        If the files cannot be read, or do not fit together.
    """
    rows, content = _read(folder, CROPS, ("hu", "mask", "n"))
    hu = content["hu"]
    mask = np.unpackbits(content["mask"])[: int(content["n"])].astype(bool)
    if len(hu) != len(mask):
        raise InputFileError(f"{folder / CROPS}.npz holds {len(hu)} values and {len(mask)} voxels of masks.")
    crops = []
    for row in rows:
        z, y, x = (int(row[name]) for name in ("nz", "ny", "nx"))
        start = int(row["offset"])
        if not 0 <= start <= len(hu) - z * y * x:
            raise InputFileError(f"{folder / CROPS}.csv: {row['patient_id']} lies outside of {CROPS}.npz.")
        part = slice(start, start + z * y * x)
        crops.append(
            Crop(
                patient=row["patient_id"],
                name=f"{row['patient_id']}/{row['nodule_id']}",
                hu=hu[part].reshape(z, y, x),
                mask=mask[part].reshape(z, y, x),
                spacing_mm=(float(row["sz"]), float(row["sy"]), float(row["sx"])),
                diameter_mm=float(row["diameter_mm"]),
                ratings={name: int(row[f"{name[0].upper()}{name[1:]}_value"]) for name in RATINGS},
                readers=int(row["readers"]),
                noise_hu=float(row["noise_hu"]),
                contrast_hu=float(row["contrast_hu"]),
                wall_share=float(row["wall_share"]),
            )
        )
    return crops


def read_axial_patches(folder: Path) -> list[AxialPatch]:
    """Read ``lidc_axial2d``.

    Raises
    ------
    InputFileError
        If the files cannot be read, or do not fit together.
    """
    rows, content = _read(folder, PATCHES, ("hu", "mask"))
    hu = content["hu"]
    if hu.shape != (len(rows), _PATCH, _PATCH):
        raise InputFileError(
            f"{folder / PATCHES}.npz holds {hu.shape}, not {len(rows)} patches of {_PATCH} × {_PATCH}."
        )
    mask = np.unpackbits(content["mask"])[: hu.size].astype(bool).reshape(hu.shape)
    return [
        AxialPatch(
            patient=row["patient_id"],
            hu=h,
            mask=m,
            pixel_mm=float(row["pixel_mm"]),
            diameter_mm=float(row["eq_diam_mm"]),
            ratings={name: round(float(row[name])) for name in RATINGS if row[name]},
            reader=int(row["reader"]),
            slice_uid=row["sop_uid"],
        )
        for row, h, m in zip(rows, hu, mask, strict=True)
    ]


def _read(folder: Path, name: str, arrays: tuple[str, ...]) -> tuple[list[dict[str, str]], dict[str, npt.NDArray[Any]]]:
    try:
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        with np.load(folder / f"{name}.npz") as content:
            return rows, {one: content[one] for one in arrays}
    except (OSError, KeyError, ValueError) as error:
        raise InputFileError(f"The nodules {folder / name}.npz and .csv cannot be read: {error}") from error
