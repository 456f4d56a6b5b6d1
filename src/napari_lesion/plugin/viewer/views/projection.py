"""Where a place of the world is on the screen, and the coarse volume that the 3D view looks through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_lesion.plugin.viewer.view import screen_axes
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    from napari.components import Camera


def to_screen(
    world: npt.ArrayLike, camera: Camera, displayed: Sequence[int], size: tuple[float, float]
) -> tuple[float, float]:
    """Find where a place is on the screen, for a camera without perspective.

    Parameters
    ----------
    world : (ndim,)
        mm
    camera : Camera
    displayed : sequence of int
        World axes that are displayed: vertical and horizontal, or three in 3D.
    size : tuple of float
        Width and height of the canvas, pixels.

    Returns
    -------
    tuple of float
        x to the right and y down, pixels from the upper left corner.
    """
    right, down = screen_axes(camera, len(displayed))
    offset = np.asarray(world, dtype=np.float64)[list(displayed)] - np.asarray(camera.center)[-len(displayed) :]
    return (
        float(size[0] / 2 + offset @ right * camera.zoom),
        float(size[1] / 2 + offset @ down * camera.zoom),
    )


def shrink(
    voxels: npt.NDArray[Any], longest: int, progress: Progress = silent
) -> tuple[npt.NDArray[Any], tuple[int, int, int]]:
    """Make a volume coarse by the maximum of each block, so that a maximum projection loses no bright spot.

    Parameters
    ----------
    voxels : (z, y, x)
    longest : int
        No side has more voxels than this afterwards.
    progress : callable
        Is told of every slab.

    Returns
    -------
    coarse : (z, y, x)
    factors : tuple of int
        Voxels in a block along each axis; the last block may have fewer.
    """
    factors = tuple(-(-n // longest) for n in voxels.shape)
    starts = [np.arange(0, n, factor) for n, factor in zip(voxels.shape, factors, strict=True)]
    coarse = np.empty([len(one) for one in starts], voxels.dtype)
    for row, start in enumerate(starts[0]):
        progress(row, len(starts[0]), "making the 3D view")
        slab = voxels[start : start + factors[0]].max(axis=0)
        slab = np.maximum.reduceat(slab, starts[1], axis=0)
        coarse[row] = np.maximum.reduceat(slab, starts[2], axis=1)
    return coarse, factors
