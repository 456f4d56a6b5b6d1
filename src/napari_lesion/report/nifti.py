"""``heatmap.nii.gz``: the suspicion of every voxel on the scanner's own grid."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from napari_lesion.model.findings import Heatmap
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.vault import lies_sealed, read_bytes

FILE_NAME = "heatmap.nii.gz"

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_LEVELS = 255
_SLAB = 64
_SHOWN_MM = 1.5
"""Pitch of a heatmap that is read to be shown, at most."""
_LEAST_MM = 0.01
_MOST_VOXELS = 2**31
#: What nibabel, gzip and numpy raise over files that are damaged.
_DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, TypeError, ValueError, zlib.error),
    *(nib.filebasedimages.ImageFileError, nib.spatialimages.HeaderDataError, nib.wrapstruct.WrapStructError),
)


def ras_affine(affine: FloatArray) -> FloatArray:
    """Index (k, j, i) → LPS mm becomes NIfTI's index (i, j, k) → RAS mm."""
    result: FloatArray = _LPS_TO_RAS @ affine[:, [2, 1, 0, 3]]
    return result


def save_heatmap(heatmap: Heatmap, volume: Volume, path: Path) -> None:
    """Write the heatmap on the voxels of the scan as NIfTI-1, whole or not at all.

    Values are stored in one byte with the scale 1/255, so they read back in [0, 1] to 0.002; readers apply the
    scale by themselves. The affine is that of the scan, turned from LPS to NIfTI's RAS.

    Parameters
    ----------
    heatmap : Heatmap
    volume : Volume
        The scan that was searched.
    path : Path
        Ends in ``.nii`` or ``.nii.gz``.
    """
    image: Any = nib.Nifti1Image(  # type: ignore[no-untyped-call]
        _bytes_on_scanner_grid(heatmap, volume).transpose(2, 1, 0), None, dtype=np.uint8
    )
    affine = ras_affine(volume.affine)
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner", strip_shears=True)
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(1 / _LEVELS, 0)
    image.header["descrip"] = b"napari-lesion heatmap, research use only"
    with whole_file(path) as temporary:
        nib.save(image, temporary)


def load_heatmap(path: Path) -> Heatmap:
    """Read what `save_heatmap` wrote, on a coarser grid and without what is empty around it.

    The network's own grid is coarser than the scan, so nothing of the map is lost that could be seen.

    Raises
    ------
    InputFileError
        If the file is no such heatmap.
    """
    try:
        image: Any = (
            nib.Nifti1Image.from_bytes(gzip.decompress(read_bytes(path))) if lies_sealed(path) else nib.load(path)
        )
        if int(np.prod([int(n) for n in image.shape])) > _MOST_VOXELS:
            raise ValueError(f"it says {' × '.join(map(str, image.shape))} voxels")
        stored = np.asarray(image.dataobj.get_unscaled()).transpose(2, 1, 0)
        slope = float(image.dataobj.slope)
        affine: FloatArray = (_LPS_TO_RAS @ np.asarray(image.affine, dtype=np.float64))[:, [2, 1, 0, 3]]
        pitches = spacing_of(affine)
        if stored.dtype != np.uint8 or not np.isfinite([slope, *affine.flat]).all() or min(pitches) < _LEAST_MM:
            raise ValueError(f"it holds {stored.ndim} axes of {stored.dtype}")
    except _DAMAGED as error:
        raise InputFileError(f"{path}: not a heatmap of this program ({error}).") from error
    low, high = _occupied(stored)
    steps = [max(1, int(_SHOWN_MM // pitch)) for pitch in pitches]
    part = stored[tuple(slice(a, b, step) for a, b, step in zip(low, high, steps, strict=True))]
    placed = affine.copy()
    placed[:3, 3] = apply_affine(affine, low)
    placed[:3, :3] *= steps
    return Heatmap(part.astype(np.float32) * np.float32(slope), placed)


def _occupied(values: npt.NDArray[np.uint8]) -> tuple[list[int], list[int]]:
    """First and last index + 1 along each axis with a value; all where there is none."""
    low, high = [0, 0, 0], list(values.shape)
    for axis in range(3):
        others = tuple(one for one in range(3) if one != axis)
        there = np.flatnonzero(values.any(axis=others))
        if there.size:
            low[axis], high[axis] = int(there[0]), int(there[-1]) + 1
    return low, high


def _bytes_on_scanner_grid(heatmap: Heatmap, volume: Volume) -> npt.NDArray[np.uint8]:
    """Bring the heatmap onto the scan's voxels, 0 to 255, slab by slab so that no second volume of floats is held."""
    from napari_lesion.imaging.preprocess import to_scanner_grid

    result = np.empty(volume.shape, np.uint8)
    for first in range(0, volume.shape[0], _SLAB):
        affine = volume.affine.copy()
        affine[:3, 3] = volume.to_patient((first, 0, 0))
        slab = replace(volume, voxels=volume.voxels[first : first + _SLAB], affine=affine)
        values = np.clip(to_scanner_grid(heatmap, slab), 0, 1)
        result[first : first + _SLAB] = np.rint(values * _LEVELS)
    return result
