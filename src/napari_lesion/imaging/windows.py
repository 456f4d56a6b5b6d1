"""Windows in which a network is run over a scan: how it is divided, padded and cropped."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from torch import Tensor, nn

from napari_lesion.model.volume import FloatArray
from napari_lesion.models.networks import INPUT_MULTIPLE, OUTPUT_STRIDE

Shape: TypeAlias = tuple[int, int, int]


Slices: TypeAlias = tuple[slice, slice, slice]


HALO_BELOW = 96
"""Voxels below a window's core that ``NoduleNet`` must see for the core to come out as in one pass: its receptive
field reaches 92 voxels down from the first voxel of an aligned block of 16, rounded up to whole blocks."""


HALO_ABOVE = 80
"""The same above: the receptive field reaches 78 voxels up from the block's last voxel."""


SMALLEST_WINDOW = HALO_BELOW + INPUT_MULTIPLE + HALO_ABOVE


def windows(shape: Shape, window: Shape) -> list[tuple[Slices, Slices]]:
    """Divide a box into windows no larger than ``window``, each with the core that it is responsible for.

    All sides are multiples of 16. Cores tile the box; a window holds its core and a halo on every side that is not
    the box's own border.
    """
    z, y, x = (_divide(n, w) for n, w in zip(shape, window, strict=True))
    return [((a[0], b[0], c[0]), (a[1], b[1], c[1])) for a in z for b in y for c in x]


def _divide(length: int, window: int) -> list[tuple[slice, slice]]:
    parts, core = [], 0
    while core < length:
        start = max(0, core - HALO_BELOW)
        stop = min(length, start + window)
        end = length if stop == length else stop - HALO_ABOVE
        parts.append((slice(start, stop), slice(core, end)))
        core = end
    return parts


def padded(shape: tuple[int, ...]) -> Shape:
    """Get the next shape (z, y, x) that the network takes."""
    d, h, w = (-(-n // INPUT_MULTIPLE) * INPUT_MULTIPLE for n in shape)
    return d, h, w


def padded_part(image: Tensor, outer: Slices) -> Tensor:
    """Cut a window out of an image, padded to a shape that the network takes."""
    part = image[(..., *outer)]
    missing = [s.stop - s.start - n for s, n in zip(outer, part.shape[2:], strict=True)]
    if not any(missing):
        return part
    return nn.functional.pad(part, (0, missing[2], 0, missing[1], 0, missing[0]))


def cropped(core: Slices, shape: tuple[int, ...]) -> Slices:
    """Bring a core to the output grid, without the padding."""
    z, y, x = (
        slice(c.start // OUTPUT_STRIDE, min(c.stop // OUTPUT_STRIDE, n)) for c, n in zip(core, shape, strict=True)
    )
    return z, y, x


def coarse(mask: Tensor) -> Tensor:
    """(d, h, w) bool → (d/2, h/2, w/2) bool, rounded up: whether a block of 2×2×2 holds any."""
    for axis in range(3):
        even, odd = (mask[(slice(None),) * axis + (slice(n, None, OUTPUT_STRIDE),)] for n in (0, 1))
        mask = even.clone()
        mask.narrow(axis, 0, odd.shape[axis]).logical_or_(odd)
    return mask


def halved(window: Shape) -> Shape | None:
    """Half the window along its longest side, with sides that stay usable; None when it cannot get smaller."""
    longest = int(np.argmax(window))
    if window[longest] <= SMALLEST_WINDOW:
        return None
    sides = list(window)
    sides[longest] = max(SMALLEST_WINDOW, padded((sides[longest] // 2,) * 3)[0])
    return sides[0], sides[1], sides[2]


def output_affine(affine: FloatArray) -> FloatArray:
    """Affine of the network's output grid from that of its input: voxel k has its centre at input index 2k + 0.5."""
    stride = np.diag([OUTPUT_STRIDE] * 3 + [1.0])
    stride[:3, 3] = (OUTPUT_STRIDE - 1) / 2
    result: FloatArray = affine @ stride
    return result
