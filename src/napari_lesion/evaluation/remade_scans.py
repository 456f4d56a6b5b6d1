"""The same scan as another scanner would have made it: thicker, softer, noisier, blurred by motion, moved, flipped.

All of it is done to the image, none to the raw data of a scanner.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.evaluation import froc
from napari_lesion.evaluation.froc import Mark
from napari_lesion.imaging.lungs import find_lungs
from napari_lesion.imaging.suitability import noise_hu
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of

_KERNEL_MM = 0.8
"""Width (sigma) of the blur that parts a medium kernel from a sharp one."""
_NOISE_MM = 0.6
"""Correlation (sigma) of noise within a slice: about that of a medium kernel."""
_NODULE_UPTAKE = 0.3
"""Of the vessels' enhancement."""
_SAME_THICKNESS = 0.1
_POSITIONS = 5
"""Places at which a chest that moves is taken, per half of its way."""
_UP_SHARE = 0.7
"""Of the way to the front: how far the chest goes along the body meanwhile."""
_OUT_OF_FIELD_HU = -1024
MAKER, MAKERS_KERNEL = "A maker of nowhere", "MADE-UP 60"
"""What the headers of a made-up scanner say."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Perturbed:
    """A scan made otherwise."""

    volume: Volume
    moved: FloatArray = field(default_factory=lambda: np.eye(4))
    """(4, 4): where a point of the patient (LPS mm) lies afterwards."""


def thicker(volume: Volume, thickness_mm: float) -> Perturbed | None:
    """Average neighbouring slices to slices of this thickness, one next to the other.

    None where the slices are thicker already. Slices that have this thickness (to 10 %) stay as they are.
    """
    step = volume.spacing[0]
    native = max(step, volume.certificate.slice_thickness_mm or 0.0)
    if thickness_mm < native * (1 - _SAME_THICKNESS):
        return None
    if thickness_mm <= native * (1 + _SAME_THICKNESS):
        return Perturbed(volume)
    factor = thickness_mm / step
    count = int(len(volume.voxels) / factor + 1e-6)
    if count < 2:
        return None
    voxels = np.empty((count, *volume.shape[1:]), np.float32)
    for k in range(count):
        first, last = k * factor, (k + 1) * factor
        slices = np.arange(math.floor(first), min(math.ceil(last - 1e-9), len(volume.voxels)))
        weight = np.minimum(slices + 1, last) - np.maximum(slices, first)
        voxels[k] = np.tensordot(weight / weight.sum(), volume.voxels[slices].astype(np.float32), 1)
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient(((factor - 1) / 2, 0, 0))
    affine[:3, 0] *= factor
    return Perturbed(_remade(volume, voxels, affine, thickness_mm))


def soften(volume: Volume, sigma_mm: float = 0.8) -> Volume:
    """Blur within the slices, as a soft kernel does."""
    return _remade(volume, _blurred(volume, sigma_mm), volume.affine)


def sharpen(volume: Volume, gain: float = 1.0) -> Volume:
    """Raise fine detail within the slices, and with it the noise, as a sharp kernel does.

    Parameters
    ----------
    volume : Volume
    gain : float
        How often what a blur of 0.8 mm would take away is added.
    """
    voxels = volume.voxels.astype(np.float32)
    return _remade(volume, voxels + np.float32(gain) * (voxels - _blurred(volume, _KERNEL_MM)), volume.affine)


def less_dose(volume: Volume, share: float, seed: int = 0) -> Volume:
    """Add noise as if the scan had had a share of its dose: the variance goes with one over the dose."""
    rng = np.random.default_rng(seed)
    sigma = [_NOISE_MM / s for s in volume.spacing[1:]]
    level = noise_hu(volume) * math.sqrt(1 / share - 1)
    voxels = volume.voxels.astype(np.float32)
    for plane in voxels:
        noise = ndimage.gaussian_filter(rng.standard_normal(plane.shape, dtype=np.float32), sigma)
        plane += noise * (level / noise.std())
    return _remade(volume, voxels, volume.affine)


def enhance(volume: Volume, lesions: Sequence[Mark], added_hu: float) -> Volume:
    """Make what is as dense as blood brighter, as contrast medium in vessels and tissue does; lesions take up a third.

    The gain sets in between −50 and 50 HU and fades out between 200 and 400 HU, in bone.
    """
    hu = volume.voxels.astype(np.float32)
    gain = np.float32(added_hu) * np.interp(hu, (-50, 50, 200, 400), (0, 1, 1, 0)).astype(np.float32)
    for mark in lesions:
        radius = radius_of(mark) + 1.0
        box, distance = _around(volume, mark.center_mm, radius)
        gain[box][distance <= radius] *= _NODULE_UPTAKE
    return _remade(volume, hu + gain, volume.affine)


def moving(volume: Volume, amplitude_mm: float) -> Volume:
    """Blur and double the chest as one that moves while it is scanned: to the front and up, and back again.

    Each slice is the mean of the chest at places of a swing about where it is; nothing lies elsewhere on average.

    Parameters
    ----------
    volume : Volume
        In canonical orientation.
    amplitude_mm : float
        To the front, from the middle of the swing; along the body 0.7 of it.
    """
    turns = np.cos(np.pi * (np.arange(_POSITIONS) + 0.5) / _POSITIONS)
    voxels = volume.voxels.astype(np.float32)
    mean = np.zeros_like(voxels)
    for turn in turns:
        step = [_UP_SHARE * amplitude_mm * turn / volume.spacing[0], -amplitude_mm * turn / volume.spacing[1], 0.0]
        mean += ndimage.shift(voxels, step, order=1, mode="nearest")
    return _remade(volume, mean / _POSITIONS, volume.affine)


def renamed(volume: Volume) -> Volume:
    """Let the headers name a scanner that nobody has; no voxel is changed."""
    names = {"manufacturer": MAKER, "manufacturer_model": MAKER, "kernel": MAKERS_KERNEL}
    return replace(volume, series=volume.series.model_copy(update=names))


def in_field(volume: Volume, field_mm: float, pixels: int = 512) -> Volume:
    """Put a scan into a round field of view of another width around the same centre, with pixels of another size.

    Parameters
    ----------
    volume : Volume
        In canonical orientation.
    field_mm : float
        What lies out of the old field is air, what lies out of the round new one has the value of no measurement.
    pixels : int
        Across.
    """
    pitch = field_mm / pixels
    middle = [(n - 1) / 2 for n in volume.shape[1:]]
    scale = [pitch / s for s in volume.spacing[1:]]
    offset = [m - (pixels - 1) / 2 * f for m, f in zip(middle, scale, strict=True)]
    across = (np.arange(pixels) - (pixels - 1) / 2) * pitch
    outside = np.hypot(across[:, None], across) > field_mm / 2
    voxels = np.empty((len(volume.voxels), pixels, pixels), np.float32)
    for plane, out in zip(volume.voxels, voxels, strict=True):
        ndimage.affine_transform(
            plane.astype(np.float32), scale, offset, (pixels, pixels), out, order=1, mode="constant", cval=-1000.0
        )
        out[outside] = _OUT_OF_FIELD_HU
    affine = volume.affine.copy()
    affine[:3, 1:3] *= scale
    affine[:3, 3] = volume.to_patient((0.0, *offset))
    return _remade(volume, voxels, affine)


def slab(volume: Volume, *, upper: bool) -> Perturbed:
    """Keep what lies above, or below, the middle of the lungs.

    Raises
    ------
    LungsNotFoundError
        If no lung is in view.
    """
    from napari_lesion.imaging.preprocess import coarse_grid

    coarse, affine = coarse_grid(volume)
    slices = np.flatnonzero(find_lungs(coarse, spacing_of(affine)).any(axis=(1, 2)))
    middle = volume.to_index(apply_affine(affine, [(slices[0] + slices[-1]) / 2, 0, 0]))[0]
    cut = int(np.clip(round(float(middle)), 2, len(volume.voxels) - 2))
    kept = slice(cut, None) if upper else slice(None, cut)
    affine = volume.affine.copy()
    affine[:3, 3] = volume.to_patient((cut if upper else 0, 0, 0))
    return Perturbed(_remade(volume, volume.voxels[kept], affine))


def flip(volume: Volume, axis: int) -> Perturbed:
    """Mirror the patient along an index axis; the grid stays where it is."""
    mirror = np.eye(4)
    mirror[axis, axis] = -1
    mirror[axis, 3] = volume.shape[axis] - 1
    moved = volume.affine @ mirror @ np.linalg.inv(volume.affine)
    return Perturbed(replace(volume, voxels=np.ascontiguousarray(np.flip(volume.voxels, axis))), moved)


def half_voxel(volume: Volume) -> Perturbed:
    """Move the patient by half a voxel along each axis, against it; interpolated cubically, so hardly blurred."""
    values = volume.voxels.astype(np.float32)
    for axis in range(3):
        values = _between_samples(values, axis)
    moved = np.eye(4)
    moved[:3, 3] = -volume.affine[:3, :3] @ (0.5, 0.5, 0.5)
    return Perturbed(_remade(volume, values, volume.affine), moved)


def _between_samples(values: Floats, axis: int) -> Floats:
    """Interpolate half-way between samples, by the four around; the ends are continued."""
    size = values.shape[axis]
    result = np.zeros_like(values)
    for offset, weight in ((-1, -1 / 16), (0, 9 / 16), (1, 9 / 16), (2, -1 / 16)):
        result += np.float32(weight) * values.take(np.clip(np.arange(size) + offset, 0, size - 1), axis)
    return result


def _blurred(volume: Volume, sigma_mm: float) -> Floats:
    sigma = [sigma_mm / s for s in volume.spacing[1:]]
    result = np.empty(volume.shape, np.float32)
    for plane, out in zip(volume.voxels, result, strict=True):
        ndimage.gaussian_filter(plane.astype(np.float32), sigma, output=out)
    return result


def _around(
    volume: Volume, center_mm: tuple[float, float, float], radius: float
) -> tuple[tuple[slice, ...], npt.NDArray[np.float64]]:
    """Voxels of a box around a point, and their distance from it, mm."""
    center = volume.to_index(center_mm)
    reach = radius / np.asarray(volume.spacing)
    low = np.clip(np.floor(center - reach), 0, volume.shape).astype(int)
    high = np.clip(np.ceil(center + reach) + 1, low, volume.shape).astype(int)
    index = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1)
    distance: npt.NDArray[np.float64] = np.linalg.norm(volume.to_patient(index) - center_mm, axis=-1)
    return tuple(map(slice, low, high)), distance


def _remade(
    volume: Volume, voxels: npt.NDArray[np.generic], affine: FloatArray, thickness_mm: float | None = None
) -> Volume:
    """Put new voxels into a volume, whose certificate says the new grid."""
    hu = voxels if voxels.dtype == np.int16 else np.clip(np.rint(voxels), -32768, 32767).astype(np.int16)
    changes = {
        "shape": hu.shape,
        "spacing_mm": tuple(float(s) for s in np.linalg.norm(affine[:3, :3], axis=0)),
        "slice_thickness_mm": thickness_mm or volume.certificate.slice_thickness_mm,
    }
    return replace(volume, voxels=hu, affine=affine, certificate=volume.certificate.model_copy(update=changes))


def radius_of(mark: Mark) -> float:
    """Radius of a marked nodule in mm; a usual one where its diameter is not known."""
    return (mark.diameter_mm if mark.diameter_mm > 0 else froc.UNKNOWN_DIAMETER_MM) / 2
