"""Outline findings: the voxels of each, from where it lies and how large it is said to be.

The network ``nodule-seg`` outlines each finding several times, told a slightly different place and size each time. The
mean of what it says is the outline, and how much the volumes differ is what segmenting again would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_lesion.assessment.grow import MAX_DIAMETER_MM, grow
from napari_lesion.errors import AnnotationError, LesionError
from napari_lesion.mask import Mask
from napari_lesion.progress import Progress, silent
from napari_lesion.volume import Volume

Place = tuple[Sequence[float], float]
"""Centre (LPS mm) and diameter (mm)."""

_CENTRE_SHARE, _SIZE_SPREAD = 0.06, 0.12
"""How much place and size differ from view to view: a share of the diameter, and the spread of its logarithm."""


@dataclass(frozen=True)
class Segmentation:
    """The outline of one finding."""

    mask: Mask
    method: str
    """What made it."""
    spread_mm3: float
    """Standard deviation of the volume when it is segmented again from another place and size nearby."""
    notes: tuple[str, ...] = ()


def segment(volume: Volume, center_mm: Sequence[float], diameter_mm: float) -> Segmentation:
    """Outline one finding.

    Parameters
    ----------
    volume : Volume
        CT, HU.
    center_mm : (3,)
        LPS mm, in the finding.
    diameter_mm : float
        About how large it is.

    Raises
    ------
    AnnotationError
        If there is nothing to outline, the place is outside the scan, or the scan is not in HU.
    ModelError
        If the network is damaged.
    """
    (result,) = segment_all(volume, [(center_mm, diameter_mm)])
    if isinstance(result, LesionError):
        raise result
    return result


def segment_all(
    volume: Volume, places: Sequence[Place], *, progress: Progress = silent
) -> list[Segmentation | LesionError]:
    """Outline findings; where one can't be, the reason stands in its place.

    Raises
    ------
    ModelError
        If the network is damaged.
    """
    result: list[Segmentation | LesionError] = []
    for number, (center, diameter) in enumerate(places):
        progress(number, len(places), "outlining")
        try:
            _check(volume, center)
            result.append(_grown(volume, center, diameter))
        except AnnotationError as error:
            result.append(error)
    return result


def _check(volume: Volume, center_mm: Sequence[float]) -> None:
    index = volume.to_index(center_mm)
    if not all(-0.5 <= n <= size - 0.5 for n, size in zip(index, volume.shape, strict=True)):
        raise AnnotationError("That place is outside the scan.")
    if volume.certificate.unit != "HU":
        raise AnnotationError("Outlining needs HU, and this scan has other units. Paint the finding with the brush.")


def _grown(volume: Volume, center_mm: Sequence[float], diameter_mm: float) -> Segmentation:
    """Outline by thresholds, from the place itself and from three places around it."""
    reach = float(np.clip(2 * diameter_mm, diameter_mm + 6, MAX_DIAMETER_MM))
    mask = grow(volume, center_mm, max_diameter_mm=reach)
    volumes = [mask.volume_mm3(volume.affine)]
    for axis in range(3):
        moved = np.array(center_mm, dtype=np.float64)
        moved[axis] += diameter_mm * _CENTRE_SHARE * 2
        try:
            volumes.append(grow(volume, moved.tolist(), max_diameter_mm=reach).volume_mm3(volume.affine))
        except AnnotationError:
            continue
    spread = float(np.std(volumes, ddof=1)) if len(volumes) > 1 else volumes[0] / 2
    return Segmentation(mask, "grown by density (napari-lesion)", spread)
