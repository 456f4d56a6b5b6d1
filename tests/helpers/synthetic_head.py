"""A head of ellipsoids with a face: skin, skull, brain, eyes, nose with its hollow, jaw and chin, in LPS mm."""

from __future__ import annotations

from dataclasses import dataclass

import dicom_factory as factory
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

FACE = ("nose", "eyes", "chin", "lips")


@dataclass(frozen=True)
class Head:
    """Its slices (CT), HU and the places of its parts, (k, i, j)."""

    slices: list[Dataset]
    parts: dict[str, npt.NDArray[np.bool_]]
    points: npt.NDArray[np.float64]
    """Of each voxel as if the head looked straight ahead: left, front, up from the middle of the brain."""


def head(
    orientation: str = "axial",
    *,
    nod: float = 0.0,
    turn: float = 0.0,
    tilt: float = 0.0,
    lowest: float = -155.0,
    highest: float = 95.0,
    name: str = "head",
) -> Head:
    """Make a head.

    Parameters
    ----------
    orientation : str
        Of the slices, as `dicom_factory.ORIENTATIONS` has them.
    nod, turn : float
        Degrees by which the chin goes down to the chest, and the nose to the left.
    tilt : float
        Of the gantry, degrees.
    lowest, highest : float
        Of the scan, mm from the middle of the brain.
    """
    slices = factory.ORIENTATIONS[orientation][2]
    along = abs(slices[2]) > 0
    extent = (highest - lowest) if along else 250.0
    shape = (round(extent / 3), 125, 125) if along else (84, round((highest - lowest) / 2), 125)
    affine = factory.grid(orientation, shape, (3.0, 2.0, 2.0), tilt_deg=tilt)
    affine[2, 3] += (highest + lowest) / 2
    middle = factory.positions(affine, shape) - factory.CENTER_MM
    points = (middle @ factory.rotation(nod, 0.0, turn)) * (1, -1, 1)
    hu, parts = _drawn(points)
    phantom = factory.Phantom(np.rint(hu).astype(np.int16), affine, (), factory.ORIENTATIONS[orientation][3])
    made = factory.ct_slices(phantom, name)
    for one in made:
        one.BodyPartExamined, one.BurnedInAnnotation = "HEAD", "NO"
    return Head(made, parts, points)


def _drawn(points: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], dict[str, npt.NDArray[np.bool_]]]:
    x, front, z = np.moveaxis(points, -1, 0)

    def ball(at: tuple[float, float, float], radii: tuple[float, float, float]) -> npt.NDArray[np.bool_]:
        inside: npt.NDArray[np.bool_] = ((x - at[0]) / radii[0]) ** 2 + ((front - at[1]) / radii[1]) ** 2 + (
            (z - at[2]) / radii[2]
        ) ** 2 <= 1
        return inside

    eyes = [ball((side * 32, 83, -28), (12, 12, 12)) for side in (-1, 1)]
    parts = {
        "brain": ball((0, 0, 0), (64, 84, 66)) & ~((front > 30) & (z < -12)),
        "nose": ball((0, 106, -55), (14, 22, 20)) & (front > 96),
        "eyes": (eyes[0] | eyes[1]) & (front > 83),  # what is seen of them from outside
        "chin": ball((0, 84, -112), (22, 18, 16)) & (front > 70),
        "lips": ball((0, 92, -84), (26, 10, 9)) & (front > 86),
    }
    neck = (x**2 + (front + 15) ** 2 <= 55**2) & (z < -50)
    hu = np.full(points.shape[:-1], -1000.0)
    skin = ball((0, 0, 0), (77, 98, 82)) | ball((0, 40, -68), (58, 56, 62)) | neck
    hu[skin | np.any([parts[name] for name in FACE], axis=0)] = 50
    jaw = ball((0, 38, -100), (50, 48, 22)) & ~ball((0, 30, -100), (40, 40, 30))
    hu[(jaw | (ball((0, 62, -58), (40, 26, 26)) & ~ball((0, 62, -58), (34, 22, 22)))) & skin] = 700
    hu[ball((0, 66, -55), (16, 30, 22)) | ball((0, 22, -75), (9, 9, 40))] = -1000
    hu[ball((0, 0, 0), (71, 91, 73)) & ~((front > 34) & (z < -17))] = 900
    hu[parts["brain"]] = 35
    cord = x**2 + (front + 12) ** 2 <= 14**2
    hu[cord & (z < 0) & (hu > 500) & (front < 20)] = 40
    hu[eyes[0] | eyes[1]] = 15
    return hu, parts
