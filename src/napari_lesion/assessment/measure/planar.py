"""What a reader's drawings measure: lengths, angles and areas in mm, and the values of the scan's own voxels.

Lengths are distances in the patient, whatever the voxels' sides and however the planes are turned. Values are those of
the slice that was on the screen, voxel by voxel: a voxel belongs to a region where its centre does. Only on a plane
that runs along none of the scan's own axes are values interpolated, and then that is said.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy

from napari_lesion.model.drawn import READS_VALUES, REGIONS, Drawing, Projection, Values, sides_of
from napari_lesion.model.findings import image_at
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.support.errors import GeometryError

ON_IMAGE_MM = 0.05
"""A drawing lies on an acquired image if no point of it is farther from that."""
_PARALLEL = 1 - 1e-6
"""Cosine from which two directions are one."""
_REDUCE: dict[Projection, Callable[..., Any]] = {"max": np.max, "min": np.min, "mean": np.mean}
IN_WORDS: dict[Projection, str] = {"max": "maximum", "min": "minimum", "mean": "mean"}


def measured(drawing: Drawing, volume: Volume) -> Drawing:
    """Measure what was drawn, name its image, and say what is to be known about the numbers.

    Parameters
    ----------
    drawing : Drawing
        Its points and its normal count, in LPS mm.
    volume : Volume
        The scan that it was drawn on; all of its voxels must be there where values are read.

    Raises
    ------
    GeometryError
        If its points are not in one plane, or it lies outside of the scan.
    """
    points, normal = np.asarray(drawing.points_mm), np.asarray(drawing.normal)
    if np.abs((points - points[0]) @ normal).max() > ON_IMAGE_MM:
        raise GeometryError(f"series {volume.series.series_uid}: the points of {drawing.name} are not in one plane.")
    index = volume.to_index(drawing.middle_mm)
    if (index < -0.5).any() or (index > np.array(volume.shape) - 0.5).any():
        raise GeometryError(f"series {volume.series.series_uid}: {drawing.name} lies outside of the scan.")
    values, notes = _shape_of(drawing, volume), _notes(drawing, volume)
    if drawing.tool in READS_VALUES:
        volume.wait()
        read, more = _read(drawing, volume)
        values, notes = values | read, [*notes, *more]
    on_image = _lies_on_image(drawing, volume)
    return drawing.model_copy(
        update={
            **image_at(volume, drawing.middle_mm),
            "on_image": on_image,
            "values": Values(**values),
            "notes": tuple(notes if on_image else (_made_of(drawing), *notes)),
        }
    )


def length_mm(start_mm: npt.ArrayLike, end_mm: npt.ArrayLike) -> float:
    """Distance of two places (LPS mm)."""
    return float(np.linalg.norm(np.subtract(end_mm, start_mm)))


def angle_deg(one_mm: npt.ArrayLike, vertex_mm: npt.ArrayLike, other_mm: npt.ArrayLike) -> float:
    """Angle at a vertex between two places (LPS mm), 0 to 180 degrees; 0 where an arm has no length."""
    a, b = np.subtract(one_mm, vertex_mm), np.subtract(other_mm, vertex_mm)
    # The arc tangent is exact also where the cosine is close to ±1.
    return math.degrees(math.atan2(float(np.linalg.norm(np.cross(a, b))), float(np.dot(a, b))))


def _shape_of(drawing: Drawing, volume: Volume) -> dict[str, Any]:
    units = {"patient": "mm", "detector": "mm at the detector", "none": "px"}
    values: dict[str, Any] = {"length_unit": units[volume.display.scale]}
    points = drawing.points_mm
    if drawing.tool == "ruler":
        values["length"] = length_mm(*points)
    elif drawing.tool == "angle":
        values["angle_deg"] = angle_deg(*points)
    elif drawing.tool in REGIONS:
        one, other = (float(np.linalg.norm(side)) for side in sides_of(drawing.tool, points))
        values["area"] = one * other * (math.pi / 4 if drawing.tool == "ellipse" else 1)
    return values


def _lies_on_image(drawing: Drawing, volume: Volume) -> bool:
    instance = volume.nearest_instance(drawing.middle_mm)
    if instance is None:
        return False
    normal = np.asarray(instance.normal)
    depths = (np.asarray(drawing.points_mm) - instance.origin_mm) @ normal
    parallel = abs(float(normal @ drawing.normal)) > _PARALLEL
    return bool(parallel and np.abs(depths).max() <= ON_IMAGE_MM and drawing.slab is None)


def _made_of(drawing: Drawing) -> str:
    if drawing.slab is not None:
        how = IN_WORDS[drawing.slab.projection]
        return f"Drawn on the {how} of {drawing.slab.slices} slices, not on one acquired image."
    return f"Drawn on a plane that was made of several images ({drawing.plane}), not on an acquired one."


def _notes(drawing: Drawing, volume: Volume) -> list[str]:
    scale, notes = volume.display.scale, []
    if drawing.tool in REGIONS | {"ruler"}:
        if scale == "none":
            notes.append("The headers name no pixel size: lengths are in pixels.")
        elif scale == "detector":
            notes.append("Lengths are those at the detector: in the patient they are shorter.")
    if drawing.tool in READS_VALUES and volume.certificate.unit != "HU":
        notes.append("The values of this scan are not in HU.")
    return notes


# -- values -----------------------------------------------------------------------------------------------------------


def _read(drawing: Drawing, volume: Volume) -> tuple[dict[str, Any], list[str]]:
    """Read the values of a pin or a region, and say how where that is not by the voxels themselves."""
    notes: list[str] = []
    axis = _axis_along(drawing, volume)
    found: npt.NDArray[Any]
    if axis is None:
        if drawing.slab is not None:
            raise GeometryError(f"series {volume.series.series_uid}: no slab runs along the plane of {drawing.name}.")
        found = _interpolated(drawing, volume)
        notes.append("Values are interpolated: the plane runs along none of the scan's own axes.")
    else:
        found, interpolated = _voxels(drawing, volume, axis)
        if interpolated:
            notes.append("Values are on slices that were interpolated where acquired ones are missing.")
    unit = volume.certificate.unit
    if drawing.tool == "pin":
        return {"value": float(found[0]), "unit": unit}, notes
    if not found.size:
        return {"voxels": 0, "unit": unit}, [*notes, "It holds no voxel's centre, so it has no values."]
    wide = found.astype(np.float64)
    values = {"mean": wide.mean(), "sd": wide.std(), "lowest": wide.min(), "highest": wide.max()}
    return {**{name: float(one) for name, one in values.items()}, "voxels": int(found.size), "unit": unit}, notes


def _axis_along(drawing: Drawing, volume: Volume) -> int | None:
    """Axis of the array (0 k, 1 j, 2 i) that the plane is at right angles to, if there is one."""
    directions = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    cosines = np.abs(np.asarray(drawing.normal) @ directions)
    axis = int(np.argmax(cosines))
    return axis if cosines[axis] > _PARALLEL else None


def _voxels(drawing: Drawing, volume: Volume, axis: int) -> tuple[npt.NDArray[np.generic], bool]:
    """Values of the voxels of a drawing's slice, or slab, and whether some of them were interpolated when it was read.

    Parameters
    ----------
    drawing : Drawing
    volume : Volume
    axis : int
        Of the array, through the slices.
    """
    points = volume.to_index(drawing.points_mm)
    middle = int(np.clip(np.rint(points[0, axis]), 0, volume.shape[axis] - 1))
    reach = drawing.slab.slices // 2 if drawing.slab is not None else 0
    through = slice(max(middle - reach, 0), middle + reach + 1)
    if drawing.tool == "pin":
        low = high = np.rint(points[0]).astype(int)
    else:
        corners = volume.to_index(_corners(drawing))
        low, high = np.floor(corners.min(axis=0)).astype(int), np.ceil(corners.max(axis=0)).astype(int)
    low, high = np.clip(low, 0, np.array(volume.shape) - 1), np.clip(high, 0, np.array(volume.shape) - 1)
    window = [slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)]
    window[axis] = through
    values = volume.voxels[tuple(window)]
    if drawing.slab is not None:
        values = _REDUCE[drawing.slab.projection](values, axis=axis, keepdims=True)
    steps = [np.arange(one.start, one.stop) for one in window]
    steps[axis] = np.array([middle])
    index = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1)
    inside = _is_inside(drawing, volume.to_patient(index)) if drawing.tool in REGIONS else np.ones(values.shape, bool)
    missing = set(volume.certificate.interpolated_slices)
    touched = range(volume.shape[0])[window[0]] if axis else range(volume.shape[0])[through]
    return values[inside], bool(missing.intersection(touched))


def _corners(drawing: Drawing) -> FloatArray:
    """Corners (4, 3) of the rectangle around a region, LPS mm."""
    one, other = sides_of(drawing.tool, drawing.points_mm)
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    corners: FloatArray = np.asarray(drawing.middle_mm) + signs @ np.stack([one, other])
    return corners


def _is_inside(drawing: Drawing, mm: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether places (..., 3), LPS mm, are in a region as seen through its plane; its line belongs to it."""
    offsets = mm - np.asarray(drawing.middle_mm)
    # From -1 to 1 along each side or diameter.
    along = [2 * (offsets @ side) / (side @ side) for side in sides_of(drawing.tool, drawing.points_mm)]
    rounding = 1 + 1e-9
    if drawing.tool == "ellipse":
        inside: npt.NDArray[np.bool_] = along[0] ** 2 + along[1] ** 2 <= rounding
        return inside
    return np.asarray((np.abs(along[0]) <= rounding) & (np.abs(along[1]) <= rounding))


def _interpolated(drawing: Drawing, volume: Volume) -> FloatArray:
    """Values on an oblique plane, linearly interpolated at steps of the finest voxel; beyond it there are none."""
    if drawing.tool == "pin":
        places = np.asarray(drawing.points_mm)
    else:
        step = min(volume.spacing)
        one, other = sides_of(drawing.tool, drawing.points_mm)
        counts = [max(int(np.linalg.norm(side) / step), 1) for side in (one, other)]
        shares = [(np.arange(count) + 0.5) / count - 0.5 for count in counts]
        grid = np.stack(np.meshgrid(*shares, indexing="ij"), axis=-1).reshape(-1, 2)
        places = np.asarray(drawing.middle_mm) + grid @ np.stack([one, other])
        places = places[_is_inside(drawing, places)]
    index = volume.to_index(places)
    there = ((index >= -0.5) & (index <= np.array(volume.shape) - 0.5)).all(axis=1)
    values: FloatArray = scipy.ndimage.map_coordinates(
        volume.voxels, index[there].T, output=np.float64, order=1, mode="nearest"
    )
    return values
