"""How heatmaps and explanations look: their opacity, and where they end."""

from __future__ import annotations

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap, ensure_colormap

COLORMAP = "inferno"
_FROM = 0.35
"""Where in the colormap a map begins that ends at a threshold: its edge must be seen."""


def set_map_look(layer: Image, opacity: float, threshold: float) -> None:
    """Set opacity and threshold of a map.

    Parameters
    ----------
    layer : Image
        Added to what is under it, so that black is transparent.
    opacity : float
        0 to 1.
    threshold : float
        Share of the map's range, 0 to 1; below it the map is transparent. At 0 it fades out by itself.
    """
    top = layer.metadata.setdefault("top", float(layer.contrast_limits[1]))
    layer.opacity = opacity
    threshold = min(max(threshold, 0.0), 0.99)
    layer.colormap = _cut() if threshold > 0 else COLORMAP
    layer.contrast_limits_range = (0.0, top)
    layer.contrast_limits = (threshold * top, top)


def _cut() -> Colormap:
    colors = ensure_colormap(COLORMAP).map(np.linspace(_FROM, 1, 64))
    black = np.array([[0.0, 0.0, 0.0, 0.0]])
    return Colormap(
        np.concatenate([black, colors]),
        name=f"{COLORMAP} from a threshold",
        controls=np.concatenate([[0.0], np.linspace(1e-3, 1, 64)]),
    )
