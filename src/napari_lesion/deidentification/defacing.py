"""Faces in CT of heads: what lies before and below the brain is made air, so that no surface of it shows a face.

A plane is laid along the front of the base of the brain, as quickshear does (Schimke and Hale, 2011), but with the
brain found by the bone about it: Hounsfield units tell them apart. What is on the side of the face goes, bone and all.
MR has no such units, and other images show faces, too: of these none is taken for cleaned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from scipy import ndimage

from napari_lesion.deidentification import burned_in, faces, files
from napari_lesion.deidentification.pixels import PixelError

CT = "1.2.840.10008.5.1.4.1.1.2"
_STEP_MM = 2.5
"""Of the grid on which head and brain are looked for."""
_FEWEST, _MOST_VOXELS = 10, 60_000_000
_AIR_HU, _TISSUE_HU, _BONE_HU = -1000.0, -300.0, 200.0
_SOFT_HU = (-20.0, 120.0)
_CORE_MM = 16.0
"""The core of the brain is so far from its surface: the cord in the foramen magnum is thinner, so it ends there."""
_CORE_ML, _ENCLOSED = 200.0, 0.9
"""Least volume of the core, and share of it that has bone to the left, right, front, back and above."""
_MARGIN_MM = 7.0
"""From the brain to the plane."""
_STEEPEST, _FLATTEST = 70.0, 15.0
"""Degrees by which the plane's normal may point down from the front."""
_FRONT_SHARE = 0.15
_LARGEST_TURN = 35.0
_BELOW_BRAIN_MM = 100.0
"""So far below the lowest of the brain the face reaches at most, with the chin on the chest."""
_HOLLOW_ML, _FACE_BONE_ML = 3.0, 5.0
"""Air of nose and sinuses, and bone, that a face has at least."""
_AHEAD_MM, _AHEAD_ML = 28.0, 3.0
"""So far before the brain nothing of a head may be left, but for less than so much."""
_WHY = "its face cannot be removed for sure"
NOT_CT = f"{_WHY}: only that of CT of a whole head, slice by slice, can be"


@dataclass(frozen=True)
class Cut:
    """What is made air: points (LPS mm) beyond a plane, down to a height."""

    normal: tuple[float, float, float]
    offset: float
    lowest: float

    def takes(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Whether points, (..., 3) in LPS mm, are made air."""
        taken: npt.NDArray[np.bool_] = (points @ np.array(self.normal) > self.offset) & (points[..., 2] > self.lowest)
        return taken


def cut_of(_: None, series: tuple[str, Sequence[Path]]) -> tuple[str, Cut | str]:
    """Find where to cut a series, given by its UID and files; or the end of a sentence why not.

    Of one that by its header shows no head nothing is looked for.
    """
    uid, paths = series
    try:
        if faces.note_of(files.read(paths[0], headers=True)) is None:
            return uid, NOT_CT
        return uid, find_cut([files.read(path) for path in paths])
    except (PixelError, files.NotDicomError) as error:
        return uid, str(error)


def find_cut(slices: Sequence[Dataset]) -> Cut:
    """Find where to cut a series.

    Parameters
    ----------
    slices : sequence of Dataset
        All of it, with pixels.

    Raises
    ------
    PixelError
        If it is no CT of a whole head, or it is not sure where the face is.
    """
    hu, first = _on_grid(slices)
    bone = hu > _BONE_HU
    brain = _brain(hu, bone)
    points = np.argwhere(brain) * _STEP_MM + first  # z, y, x
    cut = _tangent(points)
    taken = cut.takes(_points(hu.shape, first))
    _check(hu, bone, taken)
    _refuse_rest(hu, brain, taken, cut)
    return cut


def without_face(dataset: Dataset, source: Dataset, cut: Cut, syntax: UID) -> UID:
    """Make air of what a cut takes of one slice, in place.

    Returns
    -------
    UID
        The transfer syntax of its pixels now.

    Raises
    ------
    PixelError
        If its pixels cannot be decoded.
    """
    (frame,) = _frames(dataset, syntax)
    rows, columns = np.arange(frame.shape[0])[:, None, None], np.arange(frame.shape[1])[:, None]
    across, down, origin, spacing = _placed(source)
    points = origin + rows * (spacing[0] * down) + columns * (spacing[1] * across)
    slope, intercept = _rescaled(source)
    signed, bits = bool(source.PixelRepresentation), int(source.BitsStored)
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    air = min(max(round((_AIR_HU - intercept) / slope), least), most)
    taken = cut.takes(points)
    frame[taken] = np.minimum(frame[taken], air)
    burned_in.put_back(dataset, [frame])
    dataset.RecognizableVisualFeatures = "NO"
    return ExplicitVRLittleEndian


def _on_grid(slices: Sequence[Dataset]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Give Hounsfield units on a grid along the patient's axes, (z, y, x) with z up; and where it begins (z, y, x)."""
    across, down, _, spacing = _placed(slices[0])
    normal = np.cross(across, down)
    origins = []
    for one in slices:
        if str(one.get("SOPClassUID")) != CT or int(one.get("NumberOfFrames") or 1) > 1:
            raise PixelError(NOT_CT)
        other = _placed(one)
        same = all(np.allclose(a, b, atol=1e-3) for a, b in zip(other[:2], (across, down), strict=True))
        if (
            not same
            or not np.allclose(other[3], spacing)
            or (one.Rows, one.Columns) != (slices[0].Rows, slices[0].Columns)
        ):
            raise PixelError(f"{_WHY}: its slices do not lie one above the other")
        origins.append(other[2])
    order = sorted(range(len(origins)), key=lambda n: float(origins[n] @ normal))
    origins = [origins[n] for n in order]
    if len(slices) < _FEWEST:
        raise PixelError(f"{_WHY}: it has {len(slices)} slices only")
    steps = np.diff(origins, axis=0)
    step: npt.NDArray[np.float64] = np.median(steps, axis=0)
    if not np.allclose(steps, step, atol=max(0.1 * float(np.linalg.norm(step)), 0.05)) or np.linalg.norm(step) < 0.05:
        raise PixelError(f"{_WHY}: slices of it are missing, or there twice")
    thin = [max(1, int(_STEP_MM / 2 / one)) for one in spacing]
    stack = []
    for n in order:
        slope, intercept = _rescaled(slices[n])
        (frame,) = _frames(slices[n], files.syntax_of(slices[n]))
        stack.append(frame[:: thin[0], :: thin[1]].astype(np.float32) * slope + intercept)
    volume = np.stack(stack)
    # Index (k, i, j) to LPS mm, by columns.
    matrix = np.stack([step, down * spacing[0] * thin[0], across * spacing[1] * thin[1]], axis=1)
    ends = np.array([[k, i, j] for k in (0, 1) for i in (0, 1) for j in (0, 1)]) * (np.array(volume.shape) - 1)
    corners = ends @ matrix.T + origins[0]
    low, high = corners.min(axis=0), corners.max(axis=0)
    shape = np.ceil((high - low) / _STEP_MM).astype(int)[::-1] + 1
    if np.prod(shape) > _MOST_VOXELS:
        raise PixelError(f"{_WHY}: it reaches too far")
    inverse = np.linalg.inv(matrix)
    # From (z, y, x) of the grid to (k, i, j).
    swapped = inverse[:, ::-1] * _STEP_MM
    hu = ndimage.affine_transform(
        volume, swapped, inverse @ (low - origins[0]), tuple(shape), order=1, cval=_AIR_HU, output=np.float32
    )
    return hu, low[::-1]


def _brain(hu: npt.NDArray[np.float32], bone: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Find the brain: soft tissue whose core is in one piece, wide, and has bone on all sides but below."""
    smooth = ndimage.gaussian_filter(hu, 0.7)
    soft = (smooth > _SOFT_HU[0]) & (smooth < _SOFT_HU[1]) & ~bone
    labels, count = ndimage.label(ndimage.distance_transform_edt(soft, (_STEP_MM,) * 3) > _CORE_MM)
    enclosed = _past(bone, 0, up=True)
    for axis in (1, 2):
        enclosed &= _past(bone, axis, up=True) & _past(bone, axis, up=False)
    millilitres = _STEP_MM**3 / 1000
    sizes = np.bincount(labels.ravel(), minlength=count + 1) * millilitres
    within = np.bincount(labels.ravel(), weights=enclosed.ravel(), minlength=count + 1) * millilitres
    fitting = [n for n in range(1, count + 1) if sizes[n] >= _CORE_ML and within[n] >= _ENCLOSED * sizes[n]]
    if len(fitting) != 1:
        raise PixelError(f"{_WHY}: no brain with the skull about it was found in it, or not all of it is in view")
    brain: npt.NDArray[np.bool_] = ndimage.binary_dilation(
        labels == fitting[0], _ball(1), iterations=round(1.5 * _CORE_MM / _STEP_MM), mask=soft
    )
    return brain


def _past(bone: npt.NDArray[np.bool_], axis: int, *, up: bool) -> npt.NDArray[np.bool_]:
    """Whether there is bone further on along an axis."""
    turned = np.flip(bone, axis) if up else bone
    found = np.logical_or.accumulate(turned, axis=axis)
    return np.flip(found, axis) if up else found


def _tangent(brain: npt.NDArray[np.float64]) -> Cut:
    """Lay a plane along the front of the base of the brain, (n, 3) in z, y, x mm."""
    z, y, x = brain.T
    spread = np.cov(x, y)
    turn = 0.5 * np.arctan2(2 * spread[0, 1], spread[1, 1] - spread[0, 0])  # of the long axis, from front to back
    if abs(np.degrees(turn)) > _LARGEST_TURN:
        raise PixelError(f"{_WHY}: the head is turned too far to a side")
    front = np.array([-np.sin(turn), -np.cos(turn)])  # x, y
    ahead = x * front[0] + y * front[1]
    begins = ahead.max() - _FRONT_SHARE * np.ptp(ahead)
    for angle in np.radians(np.arange(_STEEPEST, _FLATTEST - 1, -1.0)):
        height = ahead * np.cos(angle) - z * np.sin(angle)
        if ahead[height.argmax()] >= begins:
            normal = (*(front * np.cos(angle)), -np.sin(angle))
            return Cut(
                (float(normal[0]), float(normal[1]), float(normal[2])),
                float(height.max() + _MARGIN_MM),
                float(z.min() - _BELOW_BRAIN_MM),
            )
    raise PixelError(f"{_WHY}: the head is bent too far backwards")


def _check(hu: npt.NDArray[np.float32], bone: npt.NDArray[np.bool_], taken: npt.NDArray[np.bool_]) -> None:
    """Refuse what has no face where one is to be: without the hollows and bones of one, directions may be wrong."""
    millilitres = _STEP_MM**3 / 1000
    tissue = np.pad(hu > _TISSUE_HU, 4)
    filled = ndimage.binary_closing(tissue, _ball(3))[4:-4, 4:-4, 4:-4]
    outside = ndimage.binary_propagation(_rim(filled) & ~filled, mask=~filled)
    hollow = (hu < _TISSUE_HU) & ~outside & taken
    if hollow.sum() * millilitres < _HOLLOW_ML or (bone & taken).sum() * millilitres < _FACE_BONE_ML:
        raise PixelError(f"{_WHY}: no face was found before the brain")


def _refuse_rest(
    hu: npt.NDArray[np.float32], brain: npt.NDArray[np.bool_], taken: npt.NDArray[np.bool_], cut: Cut
) -> None:
    """Refuse what still has something far before the brain: the head is bent, and that may be the nose."""
    labels, count = ndimage.label((hu > _TISSUE_HU) & ~taken)
    head = labels == int(np.argmax(np.bincount(labels[brain], minlength=count + 1)[1:])) + 1
    far = ndimage.distance_transform_edt(~brain, (_STEP_MM,) * 3) > _AHEAD_MM
    z, y, x = np.nonzero(head & far)
    own_z, own_y, own_x = np.nonzero(brain)
    foremost = np.quantile(own_x * cut.normal[0] + own_y * cut.normal[1], 0.75)
    before = (z > own_z.min()) & (x * cut.normal[0] + y * cut.normal[1] > foremost)
    if before.sum() * _STEP_MM**3 / 1000 > _AHEAD_ML:
        raise PixelError(f"{_WHY}: what lies before the brain is not as in a head that looks ahead")


def _rim(volume: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Mark the sides of a volume, but not its lower and upper end, where a scan cuts through hollows."""
    rim = np.zeros_like(volume)
    rim[:, [0, -1]] = rim[:, :, [0, -1]] = True
    return rim


def _points(shape: tuple[int, ...], first: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the places of a grid, (z, y, x, 3) in LPS mm."""
    return (np.moveaxis(np.indices(shape), 0, -1) * _STEP_MM + first)[..., ::-1]


def _ball(radius: int) -> npt.NDArray[np.bool_]:
    z, y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1, -radius : radius + 1]
    inside: npt.NDArray[np.bool_] = z * z + y * y + x * x <= radius * radius + 1
    return inside


def _placed(dataset: Dataset) -> tuple[npt.NDArray[np.float64], ...]:
    """Give the directions along a row and down a column, the first pixel's place (LPS mm), and the spacing of rows."""
    try:
        both = np.array([float(one) for one in dataset.ImageOrientationPatient])
        origin = np.array([float(one) for one in dataset.ImagePositionPatient])
        spacing = np.array([float(one) for one in dataset.PixelSpacing])
        if both.shape != (6,) or origin.shape != (3,) or spacing.shape != (2,) or not (spacing > 0).all():
            raise ValueError
    except (AttributeError, TypeError, ValueError) as error:
        raise PixelError(f"{_WHY}: it does not say where its slices lie") from error
    return both[:3], both[3:], origin, spacing


def _rescaled(dataset: Dataset) -> tuple[float, float]:
    try:
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    except (AttributeError, TypeError, ValueError) as error:
        raise PixelError(f"{_WHY}: it does not say its Hounsfield units") from error
    if not slope:
        raise PixelError(f"{_WHY}: it does not say its Hounsfield units")
    return slope, intercept


def _frames(dataset: Dataset, syntax: UID) -> list[npt.NDArray[Any]]:
    try:
        return burned_in.decoded(dataset, syntax)
    except burned_in.TextFoundError as error:
        raise PixelError(f"{_WHY}: its pixels cannot be decoded") from error
