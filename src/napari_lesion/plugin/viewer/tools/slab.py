"""Thick slabs: several slices shown as one, by their maximum, minimum or mean.

napari projects by itself: how thick is in the margins of the viewer's dims, how is the projection mode of the layer.
Only the scan's layer is projected; maps keep the slice in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from napari.layers import Image

from napari_lesion.model.findings import Point
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.texts import N_
from napari_lesion.plugin.viewer.layers import frame_of

if TYPE_CHECKING:
    from napari.components import ViewerModel

#: Thicknesses that the keys go through, mm.
THICKNESSES_MM = (3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 80.0)
#: How far from a slice napari looks for points whose spheres it cuts, so that the ring of a finding is seen on all of
#: its slices. No image is projected then.
RINGS_MM = 100.0
#: napari counts a slice whose centre is exactly on the far margin, but none that lies before it by a fraction. Short
#: of a whole slice by this share, the margin holds the same slices wherever between two of them the point is.
_SHORT_OF = 0.02
#: Slices from a slice's centre, from which on a place counts as halfway to the next one.
_HALFWAY = 0.49


class Mode(Enum):
    """How the slices of a slab become one; the value is napari's projection mode."""

    OFF = "none"
    MIP = "max"
    MINIP = "min"
    MEAN = "mean"


#: What is written on the screen; the first one stands for a single slice.
MODE_TEXTS = {
    Mode.OFF: N_("Single slice"),
    Mode.MIP: N_("MIP"),
    Mode.MINIP: N_("MinIP"),
    Mode.MEAN: N_("Mean"),
}


@dataclass(frozen=True)
class Slab:
    """What the reader asks for.

    Attributes
    ----------
    mode : Mode
    thickness_mm : float
        To the nearest odd number of slices, since the slice in the middle is the one that the place is on.
    last : Mode
        Projection that comes back when a slab is asked for again.
    """

    mode: Mode = Mode.OFF
    thickness_mm: float = 10.0
    last: Mode = Mode.MIP

    def with_mode(self, mode: Mode) -> Slab:
        """Turn to another projection."""
        return replace(self, mode=mode, last=self.last if mode is Mode.OFF else mode)

    def next_mode(self) -> Slab:
        """Turn to the next projection: single slice, MIP, MinIP, mean, single slice."""
        modes = list(Mode)
        return self.with_mode(modes[(modes.index(self.mode) + 1) % len(modes)])

    def thicker(self) -> Slab:
        """Take the next larger thickness; a single slice becomes a slab."""
        if self.mode is Mode.OFF:
            return self.with_mode(self.last)
        larger = [mm for mm in THICKNESSES_MM if mm > self.thickness_mm]
        return replace(self, thickness_mm=larger[0]) if larger else self

    def thinner(self) -> Slab:
        """Take the next smaller thickness; below the smallest is a single slice."""
        smaller = [mm for mm in THICKNESSES_MM if mm < self.thickness_mm]
        if self.mode is Mode.OFF:
            return self
        return replace(self, thickness_mm=smaller[-1]) if smaller else self.with_mode(Mode.OFF)

    def slices(self, step_mm: float) -> int:
        """Count the slices in a slab whose slices are so far apart."""
        if self.mode is Mode.OFF:
            return 1
        return 2 * int((self.thickness_mm / step_mm - 1) / 2 + 0.5) + 1 if self.thickness_mm > step_mm else 1


def margins(
    slab: Slab, steps_mm: Sequence[float], offsets: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """How far a slab reaches below and above the point, in mm along each axis, in napari's way of counting.

    Around a single slice it is `RINGS_MM`.

    Parameters
    ----------
    slab : Slab
    steps_mm : sequence of float
        Spacing of the scan along the world axes.
    offsets : sequence of float
        From the centre of the slice that is shown to the point, slices along the world axes, -0.5 to 0.5.
    """
    if slab.mode is Mode.OFF:
        return (RINGS_MM,) * len(steps_mm), (RINGS_MM,) * len(steps_mm)
    counts = [slab.slices(step) for step in steps_mm]
    # Halfway between two slices napari rounds each margin by itself, and one slice was missing: there they reach from
    # the slice's own centre. Elsewhere they are the same for all points, since another margin cuts all views anew.
    beyond = [offset if abs(offset) > _HALFWAY else 0.0 for offset in offsets]
    each = list(zip(counts, steps_mm, beyond, strict=True))
    below = tuple(step * ((n - 1) / 2 + off) for n, step, off in each)
    above = tuple(step * ((n + 1) / 2 - _SHORT_OF - off) if n > 1 else 0.0 for n, step, off in each)
    return below, above


def show_slab(model: ViewerModel, scan: Image, slab: Slab) -> None:
    """Show a scan as a slab in one view; all other images keep the slice in the middle."""
    index = np.asarray(scan.world_to_data(model.dims.point), dtype=np.float64)
    offsets = (index - np.rint(index)).tolist()
    below, above = margins(slab, [abs(float(step)) for step in scan.scale], offsets)
    if model.dims.ndim != len(below):
        return
    for layer in model.layers:
        # First, so that no margin is projected on the way. Images come with the mean in napari.
        only_middle = layer is not scan or slab.mode is Mode.OFF
        if only_middle and isinstance(layer, Image) and layer.projection_mode != Mode.OFF.value:
            layer.projection_mode = Mode.OFF.value
    if tuple(model.dims.margin_left) != below:
        model.dims.margin_left = below
    if tuple(model.dims.margin_right) != above:
        model.dims.margin_right = above
    if scan.projection_mode != slab.mode.value:
        scan.projection_mode = slab.mode.value


def depth_slices(model: ViewerModel, scan: Image, slab: Slab) -> tuple[int, float]:
    """Count the slices that a slab holds in a view, and what they cover, mm."""
    step = abs(float(scan.scale[model.dims.order[0]]))
    count = slab.slices(step)
    return count, count * step


@dataclass(frozen=True)
class Extreme:
    """The highest or lowest value in a slab.

    Attributes
    ----------
    value : float
    place_mm : (3,)
        LPS mm (x, y, z) of the voxel; of several, one on the slice that is nearest to the middle.
    """

    value: float
    place_mm: Point


def extreme_of(model: ViewerModel, scan: Image, volume: Volume, slab: Slab) -> Extreme | None:
    """Find the highest (MIP) or lowest (MinIP) value of the slab that a view shows, within what of it is on the canvas.

    None for other projections, beyond the scan, and as long as a slice of the slab has not been read.
    """
    if slab.mode not in (Mode.MIP, Mode.MINIP) or model.dims.ndim != 3:
        return None
    axis = int(model.dims.order[0])
    count, _ = depth_slices(model, scan, slab)
    middle = int(np.rint(scan.world_to_data(model.dims.point)[axis]))
    low, high = _on_canvas(model, scan)
    low[axis], high[axis] = middle - count // 2, middle + count // 2 + 1
    low, high = np.maximum(low, 0), np.minimum(high, scan.data.shape)
    if (low >= high).any():
        return None
    frame = frame_of(volume)
    if volume.load_state is not None:
        corners = frame.to_patient([scan.data_to_world(low), scan.data_to_world(high - 1)])
        first, last = sorted(np.rint(volume.to_index(corners)[:, 0]).astype(int).tolist())
        if not volume.load_state.present[first : last + 1].all():
            return None
    pick, better = (np.argmax, np.greater) if slab.mode is Mode.MIP else (np.argmin, np.less)
    best: tuple[float, tuple[int, ...]] | None = None
    for at in sorted(range(low[axis], high[axis]), key=lambda one: abs(one - middle)):
        region = [slice(a, b) for a, b in zip(low, high, strict=True)]
        region[axis] = slice(at, at + 1)
        part = scan.data[tuple(region)]
        index = np.unravel_index(int(pick(part)), part.shape)
        value = float(part[index])
        if best is None or better(value, best[0]):
            best = value, tuple(int(i) + (at if n == axis else int(low[n])) for n, i in enumerate(index))
    assert best is not None  # there is at least one slice
    x, y, z = frame.to_patient(scan.data_to_world(best[1])).tolist()
    return Extreme(best[0], (x, y, z))


def _on_canvas(model: ViewerModel, scan: Image) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """First and one past the last index of the voxels that are on the canvas, along all axes; it shows all of depth."""
    shape = np.array(scan.data.shape)
    low, high = np.zeros(3, dtype=int), shape.copy()
    size = np.array(model.canvas.size, dtype=np.float64)
    camera = model.scene.camera
    if size.min() <= 0 or camera.zoom <= 0:
        return low, high
    half = size / camera.zoom / 2
    for center, reach, shown in zip(camera.center[-2:], half, model.dims.order[-2:], strict=True):
        edges = (np.array([center - reach, center + reach]) - scan.translate[shown]) / scan.scale[shown]
        low[shown], high[shown] = np.floor(edges.min() + 0.5), np.floor(edges.max() + 0.5) + 1
    return low, high
