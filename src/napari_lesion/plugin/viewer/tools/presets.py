"""Windows with names, and the window that a scan opens with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.utils.colormaps import Colormap

from napari_lesion.model.display import Window
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.texts import N_

#: Name of the colours of a VOI LUT.
CURVE = "VOI LUT"
#: Share of a CT's voxels that are as dark as aerated lung (foam and hair are, too) from which on it shows lungs,
#: unless its headers ask for a window so narrow that it was taken for a brain or a liver.
_LUNG_SHARE = 0.05
_NARROW = 200.0
#: Percentiles that the automatic window spans; the highest few are metal and vessels' inflow.
_AUTO_PERCENT = (1.0, 99.5)


@dataclass(frozen=True)
class Preset:
    """A window with a name.

    Attributes
    ----------
    id : str
    text : str
        Its name, in English; shown through `texts.tr`.
    window : Window
        HU.
    """

    id: str
    text: str
    window: Window


#: In the order of the keys 1 to 6. After Radiopaedia, "Windowing (CT)".
PRESETS = (
    Preset("lung", N_("Lung"), Window(-600, 1500)),
    Preset("mediastinum", N_("Mediastinum"), Window(50, 350)),
    Preset("bone", N_("Bone"), Window(400, 1800)),
    Preset("soft-tissue", N_("Soft tissue"), Window(50, 400)),
    Preset("liver", N_("Liver"), Window(60, 160)),
    Preset("brain", N_("Brain"), Window(40, 80)),
)


def automatic(values: npt.NDArray[np.generic]) -> Window:
    """Choose a window for what is in an image: all but the darkest and brightest few pixels that are not background.

    Parameters
    ----------
    values : array
        Of any shape; padding and air, which are one single lowest value, count for nothing.
    """
    values = np.asarray(values)
    inside = values[values > values.min()] if values.size else values
    if not inside.size:
        return Window(float(values.flat[0]) if values.size else 0.0, 1.0)
    low, high = (float(value) for value in np.percentile(inside, _AUTO_PERCENT))
    return Window((low + high) / 2, max(high - low, 1.0 if np.issubdtype(values.dtype, np.integer) else 1e-6))


def opening_window(volume: Volume) -> Window:
    """Choose the window that a scan opens with.

    A CT that shows lungs opens in the lung window, any other scan as its headers ask, or else with the automatic
    window; an MR series with the automatic one, since the headers of its slices ask for one each.
    """
    asked = volume.display.windows
    if shows_lungs(volume):
        return PRESETS[0].window
    if asked and (volume.series.modality != "MR" or volume.shape[0] == 1):
        return asked[0]
    if volume.certificate.unit == "HU":
        return PRESETS[3].window
    return automatic(_sample(volume))


def shows_lungs(volume: Volume) -> bool:
    """Whether a CT shows lungs, as far as its slices have been read; not one whose headers ask for a narrow window."""
    asked = volume.display.windows
    if volume.certificate.unit != "HU" or (asked and asked[0].width < _NARROW):
        return False
    sample = _sample(volume)
    return bool(np.mean((sample > -950) & (sample < -650)) > _LUNG_SHARE)


def _sample(volume: Volume) -> npt.NDArray[Any]:
    """Take some of the voxels that have been read."""
    load_state = volume.load_state
    there = np.arange(volume.shape[0]) if load_state is None else np.flatnonzero(load_state.present)
    sample: npt.NDArray[Any] = volume.voxels[there[:: max(1, len(there) // 24)], ::4, ::4]
    return sample


def opening_colors(volume: Volume) -> str | Colormap:
    """Choose the greys that a scan opens with: rising, falling (MONOCHROME1), or along the curve of its headers."""
    display = volume.display
    if display.curve:
        greys = np.asarray(display.curve, dtype=np.float32)
        colors = np.stack([greys, greys, greys, np.ones_like(greys)], axis=-1)
        return Colormap(colors=colors, controls=np.linspace(0, 1, len(greys)), name=CURVE)
    return "gray_r" if display.inverted else "gray"
