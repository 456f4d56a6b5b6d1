"""Pictures of a finding in three planes: the scan as JPEG, and what is drawn over it as lines.

Lines stay sharp on paper and on any screen; HTML and PDF draw the same ones.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from contourpy import contour_generator
from PIL import Image

from napari_lesion.model.findings import Finding
from napari_lesion.model.measured import Axis
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.report.overview import on_slice, window_of
from napari_lesion.report.plane import Orientation, Plane, plane_around, sample

LineKind = Literal["outline", "long axis", "short axis", "estimate"]
Places = tuple[tuple[float, float], ...]

VIEWS: tuple[Orientation, ...] = ("axial", "coronal", "sagittal")
SCALE_MM = 10.0
_SIZE_MM = 60.0
_AROUND = 2.2
"""Side of the picture over the diameter of a finding, at least."""
_PIXELS = 220
_QUALITY = 88


@dataclass(frozen=True)
class Line:
    """Something drawn over a picture.

    Attributes
    ----------
    kind : {"outline", "long axis", "short axis", "estimate"}
        Outline of the mask, an axis of the measurement, or a circle of the size that the model estimated.
    places : tuple of (float, float)
        Across and down in pixels from the upper left corner.
    """

    kind: LineKind
    places: Places


@dataclass(frozen=True)
class Picture:
    """One plane through a finding.

    Attributes
    ----------
    view : {"axial", "coronal", "sagittal"}
    jpeg : bytes
        The scan alone, grey.
    pixels : int
        Width and height.
    scale : float
        Length of `SCALE_MM` in pixels.
    letters : (str, str, str, str)
        Sides of the patient at the left, right, upper and lower edge.
    lines : tuple of Line
    alt : str
        What is in the picture, in words.
    """

    view: Orientation
    jpeg: bytes = field(repr=False)
    pixels: int
    scale: float
    letters: tuple[str, str, str, str]
    lines: tuple[Line, ...] = field(repr=False)
    alt: str


def pictures_of(volume: Volume, finding: Finding) -> tuple[Picture, ...]:
    """Draw a finding in three planes.

    The axial one is the slice on which the axes were measured; the others go through the middle of the mask. Without a
    mask, all go through the finding's centre, with a dashed circle of the size that the model estimated.

    Parameters
    ----------
    volume : Volume
        The scan.
    finding : Finding
    """
    mask = finding.mask if finding.mask is not None and finding.mask.fits(volume.shape) else None
    extent = finding.size_mm
    if mask is None:
        center = on_slice(volume, np.asarray(finding.center_mm, dtype=np.float64))
    else:
        center = mask.center_mm(volume.affine)
        extent = max(extent, float(np.linalg.norm(np.array(mask.shape) * volume.spacing) / np.sqrt(3)))
    size = max(_SIZE_MM, _AROUND * extent)
    result = []
    for view in VIEWS:
        middle = center.copy()
        if view == "axial" and mask is not None and finding.measurement is not None:
            middle[2] = finding.measurement.long_axis.start_mm[2]
        plane = plane_around(middle, size, size / _PIXELS, view)
        lines = _estimate(plane, finding) if mask is None else _measured(plane, volume, finding)
        what = "outline of its mask" if mask is not None else "circle of the size that the model estimated"
        if any(line.kind == "long axis" for line in lines):
            what += ", long axis (solid line) and short axis (dashed line)"
        result.append(
            Picture(
                view=view,
                jpeg=_jpeg(plane, volume),
                pixels=_PIXELS,
                scale=SCALE_MM / plane.pixel_mm,
                letters=plane.letters,
                lines=lines,
                alt=f"{finding.name}, {view} plane: CT with the {what}.",
            )
        )
    return tuple(result)


def _jpeg(plane: Plane, volume: Volume) -> bytes:
    values = sample(volume.voxels, volume.affine, plane.points(), np.nan)
    low, high = window_of(values, volume)
    grey = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0, 1)
    file = io.BytesIO()
    Image.fromarray(np.rint(grey * 255).astype(np.uint8)).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _measured(plane: Plane, volume: Volume, finding: Finding) -> tuple[Line, ...]:
    """Outline the mask where the plane cuts it, and draw the axes on the slice that they were measured on."""
    assert finding.mask is not None
    crop = np.pad(finding.mask.voxels.astype(np.float32), 1)
    affine: FloatArray = volume.affine.copy()
    affine[:3, 3] = volume.to_patient(np.array(finding.mask.offset) - 1)
    cut = sample(crop, affine, plane.points(), 0.0)
    outlines = contour_generator(z=cut).lines(0.5)
    lines = [Line("outline", _places(np.asarray(one, dtype=np.float64) + 0.5)) for one in outlines]
    if plane.view == "axial" and finding.measurement is not None:
        axes: dict[LineKind, Axis] = {
            "long axis": finding.measurement.long_axis,
            "short axis": finding.measurement.short_axis,
        }
        for kind, axis in axes.items():
            ends = np.array([axis.start_mm, axis.end_mm])
            if np.allclose(ends[:, 2], plane.corner_mm[2], atol=0.5):  # oblique scans have axes on oblique slices
                lines.append(Line(kind, _places(plane.to_pixel(ends))))
    return tuple(lines)


def _estimate(plane: Plane, finding: Finding) -> tuple[Line, ...]:
    angle = np.linspace(0, 2 * np.pi, 49)[:, None]
    radius = max(finding.size_mm / 2, 2.5)
    across, down = plane.steps / plane.pixel_mm
    circle = np.asarray(finding.center_mm) + radius * (np.cos(angle) * across + np.sin(angle) * down)
    return (Line("estimate", _places(plane.to_pixel(circle))),)


def _places(array: FloatArray) -> Places:
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in array)
