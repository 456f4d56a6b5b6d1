"""How the planes of a series become a stack, decided from their headers before a pixel is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.index.stack import named, representative
from napari_lesion.dicom.read import geometry
from napari_lesion.dicom.read.geometry import Axes
from napari_lesion.model.volume import FloatArray, Gap
from napari_lesion.support.errors import GapsError, GeometryError

#: What the reader is told to do about missing slices.
_REMEDY = "Export the series again, or let them be interpolated (--allow-gaps, allow_gaps=True)."


@dataclass(frozen=True)
class StackPlan:
    """How the frames of a series become a stack."""

    frames: tuple[Frame, ...]
    """In order, each once."""
    axes: Axes
    pixel_spacing: tuple[float, float]
    """Distance of rows and of columns, mm."""
    depth: FloatArray
    step_mm: float
    missing: npt.NDArray[np.intp]
    even: bool
    drift: FloatArray
    notes: tuple[str, ...]
    duplicates: tuple[str, ...]
    gaps: tuple[Gap, ...]

    @property
    def as_acquired(self) -> bool:
        """Whether the frames are the slices of the volume: nothing is missing, uneven or tilted."""
        return self.even and not self.missing.any() and not self.drift.any()

    @property
    def places(self) -> npt.NDArray[np.intp]:
        """Index k of each frame on the even grid."""
        return np.concatenate(([0], np.cumsum(self.missing + 1)))


def plan_stack(series: Series, *, allow_gaps: bool = False) -> StackPlan:
    """Order the frames of a series and decide whether they make a volume.

    Parameters
    ----------
    series : Series
        Of two planes or more.
    allow_gaps : bool
        Take missing and uneven slices, to be interpolated.

    Raises
    ------
    GeometryError
        If they don't.
    """
    where = f"series {series.key}"
    if series.refusal:
        raise GeometryError(f"{where}: {series.refusal}")
    frames, notes = _placed(series.frames, where, allow_gaps)
    first = representative(frames)
    assert first.orientation is not None
    assert first.pixel_spacing is not None
    axes = geometry.axes_of(first.orientation)
    if axes is None:
        raise GeometryError(
            f"{where}: ImageOrientationPatient of {first.name} is no pair of unit vectors at a right angle: "
            f"{first.orientation}. Export the series again."
        )
    places = geometry.spread(_positions(frames), axes.normal)
    if places.step_mm == 0:
        raise GeometryError(
            f"{where}: all {len(frames)} slices lie at the same position ({named(frames)}). Open them one by one, or "
            "export the series again."
        )
    ordered = [frames[i] for i in places.order]
    if places.same:
        a, b = (ordered[k] for k in places.same[0])
        raise GeometryError(
            f"{where}: {a.name} and {b.name} lie at the same position. Remove one of them, or export the series again."
        )
    gaps = tuple(
        Gap(after_file=ordered[k].name, distance_mm=float(places.depth[k + 1] - places.depth[k]), missing_slices=int(n))
        for k, n in enumerate(places.missing)
        if n
    )
    notes += _spacing_notes(series, ordered, places, gaps, allow_gaps)
    thin = max((f.thickness for f in ordered if f.thickness is not None), default=0.0)
    if 0 < thin < 0.9 * places.step_mm:
        notes.append(
            f"Slices are {thin:.3g} mm thick but {places.step_mm:.3g} mm apart: what lies between them was not imaged."
        )
    drift, residual = geometry.shear(_positions(ordered), places.depth, axes)
    extent = float(places.depth[-1] - places.depth[0])
    tolerance = max(geometry.DRIFT_MM, geometry.UNEVEN * places.step_mm)
    if residual.max() > tolerance:
        raise GeometryError(
            f"{where}: {ordered[int(residual.argmax())].name} lies {residual.max():.3g} mm sideways of the line that "
            "the other slices follow, so they make no common grid. Export the series again with one field of view."
        )
    if float(np.linalg.norm(drift)) * extent <= geometry.DRIFT_MM:
        drift = np.zeros(3)
    return StackPlan(
        frames=tuple(ordered),
        axes=axes,
        pixel_spacing=first.pixel_spacing,
        depth=places.depth,
        step_mm=places.step_mm,
        missing=places.missing,
        even=places.even,
        drift=drift,
        notes=tuple(notes),
        duplicates=series.duplicates,
        gaps=gaps,
    )


def _placed(frames: Sequence[Frame], where: str, allow_gaps: bool) -> tuple[list[Frame], list[str]]:
    """Leave out slices without a place in space, where that is allowed, with a note of them."""
    unplaced = [f for f in frames if f.position is None or f.orientation is None or f.pixel_spacing is None]
    if not unplaced:
        return list(frames), []
    tags = [
        name
        for name, absent in (
            ("ImagePositionPatient", any(f.position is None for f in unplaced)),
            ("ImageOrientationPatient", any(f.orientation is None for f in unplaced)),
            ("PixelSpacing", any(f.pixel_spacing is None for f in unplaced)),
        )
        if absent
    ]
    said = f"{where}: {' and '.join(tags)} missing or senseless in {named(unplaced)}, so it has no place in space."
    if not allow_gaps or len(unplaced) > len(frames) - 2:
        if len(unplaced) > len(frames) - 2:
            raise GeometryError(f"{said} Export it again.")
        raise GapsError(f"{said} {_REMEDY}")
    return [f for f in frames if f not in unplaced], [f"{said.removeprefix(where + ': ')} Left out."]


def _spacing_notes(
    series: Series, ordered: Sequence[Frame], places: geometry.Spread, gaps: Sequence[Gap], allow_gaps: bool
) -> list[str]:
    """Note uneven steps and gaps between slices, or refuse them where they are not allowed."""
    where = f"series {series.key}"
    distances = np.diff(places.depth)
    if not places.even:
        worst = int(np.abs(distances - places.step_mm * np.maximum(np.rint(distances / places.step_mm), 1)).argmax())
        said = (
            f"slices are unevenly spaced, {distances.min():.3g} to {distances.max():.3g} mm; the worst step, "
            f"{distances[worst]:.3g} mm, comes after {ordered[worst].name}"
        )
        if not allow_gaps:
            raise GapsError(f"{where}: {said}. {_REMEDY}")
        return [f"{said[0].upper()}{said[1:]}. They were interpolated onto even steps of {places.step_mm:.3g} mm."]
    if gaps:
        gap = max(gaps, key=lambda g: g.distance_mm)
        said = (
            f"gap of {gap.distance_mm:.3g} mm after {gap.after_file} where the others are {places.step_mm:.3g} mm"
            + "".join(f": {text}" for text, _ in series.strangers)
        )
        n_missing = sum(g.missing_slices for g in gaps) - sum(count for _, count in series.strangers)
        if n_missing > 0:
            said += f"; {n_missing} slice{' is' if n_missing == 1 else 's are'} missing"
            said += f" in {len(gaps)} gaps" if len(gaps) > 1 else ""
        if not allow_gaps:
            raise GapsError(f"{where}: {said}. {_REMEDY}")
        return [f"{said[0].upper()}{said[1:]}."]
    return []


def _positions(frames: Sequence[Frame]) -> FloatArray:
    return np.array([frame.position for frame in frames], dtype=np.float64)
