"""Outline findings: the voxels of each, from where it lies and how large it is said to be.

The network ``nodule-seg`` outlines each finding several times, told a slightly different place and size each time. The
mean of what it says is where the finding ends towards vessels and pleura. Towards the lung, the density decides: what
has gone less than ``EDGE`` of the way from lung to nodule comes off, for readers, from whom the network has learned,
draw around what they see. How much the volumes of the single outlines differ is what segmenting again would change.
Where the network sees nothing, the finding is grown by its density (``grow``), and a note says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy

from napari_lesion.assessment.measure.composition import SOLID_HU, composition
from napari_lesion.assessment.measure.grow import MAX_DIAMETER_MM, grow
from napari_lesion.model.mask import BoolArray, Mask, box_of
from napari_lesion.model.volume import FloatArray, Volume, spacing_of
from napari_lesion.support.errors import AnnotationError, LesionError
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    from napari_lesion.assessment.measure.nodule_seg import Segmenter, SegmenterInput

Place = tuple[Sequence[float], float]
"""Centre (LPS mm) and diameter (mm)."""

EDGE = 0.15
"""Where the surface is on the way from lung (0) to nodule (1). 0.5 would be its true place in a blurred image; readers
draw around what they see, and so does the network: with 0.15 hardly more than what is plain lung comes off. Chosen on
validation patients (docs/measurement.md)."""
OWN_METHODS = ("nodule-seg", "grown by density")
"""How the methods of outlines begin that are made here."""

_FLIPS: tuple[tuple[int, ...], ...] = ((), (0,), (1,), (2,))
"""The views of a finding: mirrored along these axes."""
_CENTRE_SHARE, _SIZE_SPREAD = 0.06, 0.12
"""How much place and size differ from view to view: a share of the diameter, and the spread of its logarithm."""
_LARGE_MM = 28.0
"""Larger findings are shown to the network smaller than they are."""
_SMALLEST_MM = 3.0
_DIFFERS = 1.7
"""Factor between the diameter of the outline and the one said, from which a note says so."""
_EDGES = (EDGE - 0.06, EDGE - 0.02, EDGE + 0.02, EDGE + 0.06)
"""Where the surface is for each view, to see how much the volume hangs on it."""
_LUNG_HU = -850.0
"""Taken where no lung is around the finding."""
_AIR_HU = -600.0
_LEAST_RISE_HU = 120.0
"""What stands out less from its lung keeps the network's outline."""
_SEEN_HU = 60.0
"""What stands out less than this is nothing to be outlined."""
_AROUND_MM = (2.0, 8.0)
_SMOOTH_MM = 0.5
_BATCH = 16
_UNSEEN = -12.0
"""Logit where a view did not look."""


@dataclass(frozen=True)
class Segmentation:
    """The outline of one finding."""

    mask: Mask
    method: str
    """What made it."""
    spread_mm3: float
    """Standard deviation of the volume when it is segmented again, from a place and a size that differ a little."""
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
    volume: Volume,
    places: Sequence[Place],
    *,
    segmenter: Segmenter | None = None,
    progress: Progress = silent,
) -> list[Segmentation | LesionError]:
    """Outline findings; where one can't be, the reason stands in its place.

    Parameters
    ----------
    volume : Volume
        CT, HU.
    places : sequence of (centre, diameter)
        LPS mm, and mm.
    segmenter : Segmenter, optional
        By default the one that comes with the package.
    progress : Progress

    Raises
    ------
    ModelError
        If the network is damaged.
    """
    from napari_lesion.assessment.measure import nodule_seg  # brings torch along
    from napari_lesion.imaging.preprocess import canonical

    if not places:
        return []
    network = nodule_seg.shipped() if segmenter is None else segmenter
    scan = canonical(volume)
    errors = [_problem(volume, center) for center, _ in places]
    views = [
        (number, *one)
        for number, ((center, diameter), error) in enumerate(zip(places, errors, strict=True))
        if error is None
        for one in _views(scan, center, diameter, network)
    ]
    views.sort(key=lambda view: len(view[1].hu))
    seen: dict[int, list[tuple[npt.NDArray[np.float32], FloatArray]]] = {}
    done = 0
    for _, same in itertools.groupby(views, lambda view: len(view[1].hu)):
        waiting = list(same)
        for start in range(0, len(waiting), _BATCH):
            batch = waiting[start : start + _BATCH]
            progress(done, len(views), "outlining")
            logits = network.logits([view for _, view, _ in batch])
            for (number, _, affine), logit in zip(batch, logits, strict=True):
                seen.setdefault(number, []).append((logit, affine))
            done += len(batch)
    result: list[Segmentation | LesionError] = []
    for number, ((center, diameter), error) in enumerate(zip(places, errors, strict=True)):
        if error is not None:
            result.append(error)
            continue
        try:
            result.append(_joined(volume, scan, seen[number], center, diameter, network))
        except AnnotationError as reason:
            result.append(reason)
    return result


def _problem(volume: Volume, center_mm: Sequence[float]) -> AnnotationError | None:
    if volume.certificate.unit != "HU":
        return AnnotationError("Outlining needs HU, and this scan has other units. Paint the finding with the brush.")
    index = volume.to_index(center_mm)
    if not all(-0.5 <= n <= size - 0.5 for n, size in zip(index, volume.shape, strict=True)):
        return AnnotationError("That place is outside the scan.")
    return None


def _views(
    scan: Volume, center_mm: Sequence[float], diameter_mm: float, network: Segmenter
) -> list[tuple[SegmenterInput, FloatArray]]:
    """Crop a finding several times, each time from another place and told another size; the same each time."""
    from napari_lesion.assessment.measure.nodule_seg import SegmenterInput, side_of
    from napari_lesion.imaging.preprocess import resample

    diameter_mm = max(diameter_mm, _SMALLEST_MM)
    pitch = network.spacing_mm * max(1.0, diameter_mm / _LARGE_MM)
    side = side_of(diameter_mm / pitch)
    steps = scan.affine[:3, :3] / np.asarray(scan.spacing) * pitch
    rng = np.random.default_rng(0)
    views = []
    for number, flips in enumerate(_FLIPS):
        # The first is as it was said.
        error = (number > 0) * rng.normal(0, _CENTRE_SHARE * diameter_mm, 3)
        told = diameter_mm / pitch * float(np.exp((number > 0) * rng.normal(0, _SIZE_SPREAD)))
        affine = np.eye(4)
        affine[:3, :3] = steps
        affine[:3, 3] = np.asarray(center_mm) + error - steps @ np.full(3, (side - 1) / 2)
        low, high = _region(scan, affine, side)
        grid = scan.affine.copy()
        grid[:3, 3] = scan.to_patient(low)
        part = scan.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        views.append((SegmenterInput(resample(part, grid, affine, (side,) * 3), told, flips), affine))
    return views


def _region(scan: Volume, affine: FloatArray, side: int) -> tuple[list[int], list[int]]:
    """First voxel of the scan that a crop needs, and the one after the last, along each axis."""
    ends = scan.to_index([affine[:3, 3], affine[:3, 3] + affine[:3, :3] @ np.full(3, side - 1)])
    low = [int(np.clip(np.floor(n) - 1, 0, size - 1)) for n, size in zip(ends[0], scan.shape, strict=True)]
    high = [
        int(np.clip(np.ceil(n) + 2, start + 1, size)) for n, start, size in zip(ends[1], low, scan.shape, strict=True)
    ]
    return low, high


def _joined(
    volume: Volume,
    scan: Volume,
    seen: Sequence[tuple[npt.NDArray[np.float32], FloatArray]],
    center_mm: Sequence[float],
    diameter_mm: float,
    network: Segmenter,
) -> Segmentation:
    """Bring what the views say to the voxels of the scan, and take the mean."""
    from napari_lesion.imaging.preprocess import resample

    side = len(seen[0][0])
    regions = [_region(scan, affine, side) for _, affine in seen]
    low = np.min([low for low, _ in regions], axis=0)
    high = np.max([high for _, high in regions], axis=0)
    grid = scan.affine.copy()
    grid[:3, 3] = scan.to_patient(low)
    shape = tuple(int(n) for n in high - low)
    maps = [resample(logit, affine, grid, shape, outside=_UNSEEN) for logit, affine in seen]
    center = scan.to_index(center_mm) - low
    voxel_mm3 = float(np.prod(scan.spacing))
    inside = _finding(np.mean(maps, axis=0) > network.threshold, center, scan.spacing, diameter_mm)
    if inside is None:
        return _grown(volume, center_mm, diameter_mm, network)
    hu = np.asarray(scan.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], dtype=np.float32)
    rise = _rise(hu, inside, grid)
    if rise is None:
        return _grown(volume, center_mm, diameter_mm, network)
    inside = _finding(inside & (rise > EDGE), center, scan.spacing, diameter_mm)
    if inside is None:
        return _grown(volume, center_mm, diameter_mm, network)
    volumes = []
    for each, edge in zip(maps, _EDGES, strict=True):
        own = _finding((each > network.threshold) & (rise > edge), center, scan.spacing, diameter_mm)
        volumes.append(0.0 if own is None else float(own.sum()) * voxel_mm3)
    mask = _on_scan(volume, scan, inside, low)
    notes = []
    found = mask.diameter_mm(volume.affine)
    if not 1 / _DIFFERS < found / diameter_mm < _DIFFERS:
        notes.append(
            f"The outline is {found:.1f} mm wide, but the finding was said to be {diameter_mm:.1f} mm: check it."
        )
    return Segmentation(mask, f"{network.id} {network.version}", float(np.std(volumes, ddof=1)), tuple(notes))


def _rise(hu: npt.NDArray[np.float32], inside: BoolArray, affine: FloatArray) -> npt.NDArray[np.float32] | None:
    """How far each voxel has gone from the lung (0) to a finding (1); 1 everywhere where it hardly stands out.

    None where it does not stand out at all: a network that is told that there is a nodule outlines the noise of a lung.

    The density of the finding is that of its inner part; where this is solid and ground glass is around it, that of
    the ground glass.
    """
    spacing = np.array(spacing_of(affine))
    smooth = scipy.ndimage.gaussian_filter(hu, _SMOOTH_MM / spacing)
    # Nothing further away counts, and distances take long.
    near = box_of(inside, [int(n) for n in np.ceil(_AROUND_MM[1] / spacing)])
    if near is None:
        return np.ones(hu.shape, np.float32)
    own, values = inside[near], smooth[near]
    away = scipy.ndimage.distance_transform_edt(~own, sampling=spacing)
    depth = np.zeros(own.shape)
    core = box_of(own, (1, 1, 1))
    depth[core] = scipy.ndimage.distance_transform_edt(own[core], sampling=spacing)
    around = values[(away > _AROUND_MM[0]) & (away < _AROUND_MM[1]) & (values < _AIR_HU)]
    lung = float(np.median(around)) if around.size > 50 else _LUNG_HU
    level = float(np.median(values[depth >= 0.6 * depth.max()]))
    made_of = composition(hu[near], own, affine)
    if made_of.type == "part-solid" and made_of.solid is not None:
        glass = own & ~made_of.solid & (depth > 1.0) & (values < SOLID_HU)
        if glass.any():
            level = min(level, float(np.median(values[glass])))
    # Contrast agent and calcium are denser than tissue, and the edge is not where theirs would be.
    level = min(level, 0.0)
    if level - lung < _SEEN_HU:
        return None
    if level - lung < _LEAST_RISE_HU:
        return np.ones(hu.shape, np.float32)
    rise: npt.NDArray[np.float32] = (smooth - lung) / (level - lung)
    return rise


def _finding(
    voxels: BoolArray, center: FloatArray, spacing: tuple[float, float, float], diameter_mm: float
) -> BoolArray | None:
    """Take the piece at a place (an index), or else the nearest one within the finding; None where there is none."""
    box = box_of(voxels)
    if box is None:
        return None
    labels, _ = scipy.ndimage.label(voxels[box])
    low = np.array([part.start for part in box])
    at = np.clip(np.rint(center), 0, np.array(voxels.shape) - 1).astype(int)
    number = int(labels[tuple(at - low)]) if voxels[tuple(at)] else 0
    if number == 0:
        where = np.argwhere(labels)
        distance = np.linalg.norm((where + low - center) * spacing, axis=1)
        nearest = int(distance.argmin())
        if distance[nearest] > max(diameter_mm / 2, _SMALLEST_MM):
            return None
        number = int(labels[tuple(where[nearest])])
    filled = np.zeros(voxels.shape, np.bool_)
    filled[box] = scipy.ndimage.binary_fill_holes(labels == number)
    return filled


def _on_scan(volume: Volume, scan: Volume, inside: BoolArray, low: npt.NDArray[np.int64]) -> Mask:
    """Bring voxels of the scan with its axes permuted back to the scan as it is."""
    index = np.rint(volume.to_index(scan.to_patient(np.argwhere(inside) + low))).astype(int)
    first = index.min(axis=0)
    crop = np.zeros(index.max(axis=0) - first + 1, np.bool_)
    crop[tuple((index - first).T)] = True
    return Mask.of(crop, (int(first[0]), int(first[1]), int(first[2])))


def _grown(volume: Volume, center_mm: Sequence[float], diameter_mm: float, network: Segmenter) -> Segmentation:
    """Outline by density, from the place itself and from three places near it."""
    reach = float(np.clip(2 * diameter_mm, diameter_mm + 6, MAX_DIAMETER_MM))
    mask = grow(volume, center_mm, max_diameter_mm=reach)
    volumes = [mask.volume_mm3(volume.affine)]
    for axis in range(3):
        moved = [float(c) for c in center_mm]
        moved[axis] += 2 * _CENTRE_SHARE * diameter_mm
        try:
            volumes.append(grow(volume, moved, max_diameter_mm=reach).volume_mm3(volume.affine))
        except AnnotationError:
            volumes.append(0.0)
    note = f"{network.id} saw no nodule here, so the outline was grown by density: check it."
    return Segmentation(mask, "grown by density", float(np.std(volumes, ddof=1)), (note,))
