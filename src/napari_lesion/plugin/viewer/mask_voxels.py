"""Masks of findings in one array on the scan's own grid, each with a number; and what a brush did to it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lesion.model.mask import Box, Mask
from napari_lesion.model.volume import Volume, apply_affine
from napari_lesion.plugin.viewer.layers import canonical

APART_MM = 10.0
"""A stroke farther than this from a finding is no part of it."""
_FEW = 255
"""Numbers below it fit a byte, the next one to paint included."""
_NOTHING = np.zeros((0, 0, 0), np.uint8)


class MaskVoxels:
    """What is painted in a scan: findings by their ids, voxels by the numbers of the findings.

    Parameters
    ----------
    on_widened : callable
        Is called when there is another ``array``, with room for more findings.
    """

    def __init__(self, on_widened: Callable[[], None]) -> None:
        self._on_widened = on_widened
        self._numbers: dict[str, int] = {}
        self._drawn: dict[str, Mask] = {}
        """What is in the array now."""
        self.array: npt.NDArray[Any] = _NOTHING

    def begin(self, shape: tuple[int, ...]) -> None:
        """Make the array.

        Pages of zeros cost no memory before something is painted on them. napari maps every number there can be
        whenever a colour changes, so there are few as long as they do.
        """
        self.array = np.zeros(shape, np.uint8 if self.next_number < _FEW else np.uint16)
        self._drawn.clear()

    def forget(self) -> None:
        """Let go of the array; the numbers stay."""
        self.array = _NOTHING
        self._drawn.clear()

    def clear(self) -> None:
        """Let go of the array and of the numbers."""
        self.forget()
        self._numbers.clear()

    # -- numbers ------------------------------------------------------------------------------------------------------

    @property
    def next_number(self) -> int:
        """Number of a finding to come."""
        return max(self._numbers.values(), default=0) + 1

    def number(self, id_: str) -> int:
        """Give the number of a finding; a new one where it has none yet."""
        number = self._numbers.setdefault(id_, self.next_number)
        self._make_room(number)
        return number

    def id_of(self, number: int, among: Container[str]) -> str:
        """Find the finding that has a number, among some; "" where there is none."""
        return next((id_ for id_, one in self._numbers.items() if one == number and id_ in among), "")

    def _make_room(self, number: int) -> None:
        """Widen the array where the number after this one would not fit."""
        if number >= _FEW and self.array.size and self.array.dtype == np.uint8:
            self.array = self.array.astype(np.uint16)
            self._on_widened()

    # -- voxels -------------------------------------------------------------------------------------------------------

    def draw(self, wanted: Mapping[str, Mask]) -> bool:
        """Put these masks into the array, by id, and take all others out; False where nothing was to do."""
        gone = [id_ for id_, mask in self._drawn.items() if wanted.get(id_) != mask]
        for id_ in gone:
            part = self.array[self._drawn.pop(id_).region]
            part[part == self._numbers[id_]] = 0
        new = [id_ for id_ in wanted if id_ not in self._drawn]
        for id_ in new:
            number = self.number(id_)  # which may make another array
            wanted[id_].put(self.array, number)
            self._drawn[id_] = wanted[id_]
        return bool(gone or new)

    def erase(self) -> None:
        """Empty the array."""
        self.array[:] = 0
        self._drawn.clear()

    def mask_of(self, id_: str) -> Mask | None:
        """Get the mask of a finding as it is drawn."""
        return self._drawn.get(id_)

    def take(self, id_: str, number: int, mask: Mask | None) -> None:
        """Know from now on that what has a number in the array is the mask of a finding."""
        self._numbers[id_] = number
        if mask is None:
            self._drawn.pop(id_, None)
        else:
            self._drawn[id_] = mask

    def painted(self, number: int, stroke: Box, old: Mask | None) -> Mask | None:
        """Get what has a number within a stroke and what was there before; None where nothing has."""
        region = stroke if old is None else _around(stroke, old.region)
        voxels = self.array[region] == number
        k, j, i = (int(one.start) for one in region)
        return Mask.of(voxels, (k, j, i)) if voxels.any() else None

    def separate(self, number: int, stroke: Box) -> int:
        """Give a stroke the number of a finding to come, and return that."""
        new = max(number + 1, self.next_number)
        self._make_room(new)
        part = self.array[stroke]
        part[part == number] = new
        return new


def stroke_box(painted: Sequence[Any], volume: Volume) -> Box:
    """Find out where on the scan's own grid napari painted in one stroke."""
    lows, highs = [], []
    for atom in painted:
        where = atom.slice_key if hasattr(atom, "slice_key") else atom[0]
        bounds = [(one.start, one.stop) if isinstance(one, slice) else (np.min(one), np.max(one) + 1) for one in where]
        lows.append([int(low) for low, _ in bounds])
        highs.append([int(high) for _, high in bounds])
    ends = np.min(lows, axis=0), np.max(highs, axis=0) - 1
    native = np.rint(volume.to_index(apply_affine(canonical(volume.voxels, volume.affine)[1], ends))).astype(int)
    k, j, i = (slice(int(a), int(b) + 1) for a, b in zip(native.min(axis=0), native.max(axis=0), strict=True))
    return k, j, i


def _around(one: Box, other: Box) -> Box:
    """Smallest box that holds both."""
    k, j, i = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    return k, j, i
