"""Window, level and inversion of the layer of a scan.

A window is on the layer as its ``contrast_limits``: level ± half the width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.utils.colormaps import Colormap

from napari_lesion.model.display import Window
from napari_lesion.plugin.viewer.tools.presets import PRESETS, Preset
from napari_lesion.plugin.viewer.view import volume_of

if TYPE_CHECKING:
    from napari.layers import Image

_REVERSED = "_r"


def in_hu(layer: Image) -> bool:
    """Whether the layer's values are HU, so that the presets mean something."""
    volume = volume_of(layer)
    return volume is not None and volume.certificate.unit == "HU"


def window_of(layer: Image) -> Window:
    """Read the window that a layer is shown with."""
    low, high = map(float, layer.contrast_limits)
    return Window((low + high) / 2, high - low)


def set_window(layer: Image, window: Window) -> None:
    """Show a layer with a window; the colours beyond its ends stay black and white."""
    low, high = window.limits
    if tuple(layer.contrast_limits) != (low, high):
        layer.contrast_limits = (low, high)


def preset_of(layer: Image) -> Preset | None:
    """Find the preset that a layer is shown with, if it is one."""
    if not in_hu(layer):
        return None
    window = window_of(layer)
    return next((preset for preset in PRESETS if preset.window == window), None)


def is_inverted(layer: Image) -> bool:
    """Whether high values are dark."""
    colors = layer.colormap.colors
    return bool(np.sum(colors[0][:3]) > np.sum(colors[-1][:3]))


def show_interpolated(layer: Image, interpolated: bool) -> None:
    """Show what lies between the voxels, or each voxel as a square; values are never changed by it."""
    wanted = "linear" if interpolated else "nearest"
    if str(layer.interpolation2d) != wanted:
        layer.interpolation2d = wanted


def invert(layer: Image) -> None:
    """Swap black and white (and back)."""
    colormap = layer.colormap
    name = colormap.name
    if name in ("gray", "gray_r"):
        layer.colormap = "gray_r" if name == "gray" else "gray"
        return
    layer.colormap = Colormap(
        colors=colormap.colors[::-1],
        controls=1 - np.asarray(colormap.controls)[::-1],
        interpolation=colormap.interpolation,
        name=name.removesuffix(_REVERSED) if name.endswith(_REVERSED) else name + _REVERSED,
    )
