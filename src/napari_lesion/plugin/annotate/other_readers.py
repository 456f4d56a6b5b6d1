"""What other readers marked in a scan, as layers: outlines, and rings above them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from napari.layers import Labels, Layer, Points

from napari_lesion.annotation.annotations import AnnotationSet
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.annotate.mask_marks import colors_of
from napari_lesion.plugin.annotate.point_marks import caption, ring_size
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.finding_layers import RING_MM, ring_look
from napari_lesion.plugin.viewer.layers import about, canonical, frame_of, placed


def layers_of_others(sets: Sequence[AnnotationSet], volume: Volume, color: Callable[[str], str]) -> list[Layer]:
    """Make the layers, if there is something to show; a label has the colour that is given.

    They are not of this reader: a blind read hides them (see `blinding`).
    """
    marks = [mark for one in sets for mark in one.annotations]
    if not marks:
        return []
    masked = [(mark.mask, color(mark.label)) for mark in marks if mark.mask is not None]
    step = max(volume.spacing)
    rings = Points(
        frame_of(volume).to_world(np.array([mark.center_mm for mark in marks])) / step,
        name=tr("Findings of other readers"),
        features={"reader": [mark.reader for mark in marks], "label": [mark.label for mark in marks]},
        size=[ring_size(mark, step) for mark in marks],
        symbol="square",
        border_color=[color(mark.label) for mark in marks],
        text=caption("{reader}: {label}", step),
        metadata=about(volume),
        **(ring_look(step) | {"border_width": RING_MM / step / 2}),
    )
    return [_outlines(masked, volume), rings] if masked else [rings]


def _outlines(masks: Sequence[tuple[Mask, str]], volume: Volume) -> Labels:
    """Make one layer of masks, each with its colour."""
    voxels = np.zeros(volume.shape, np.uint8 if len(masks) < 255 else np.uint16)
    for number, (mask, _) in enumerate(masks, start=1):
        mask.put(voxels, number)
    layer = Labels(
        canonical(voxels, volume.affine)[0],
        name=tr("Masks of other readers"),
        colormap=colors_of({number: color for number, (_, color) in enumerate(masks, start=1)}),
        opacity=0.9,
        metadata=about(volume),
        **placed(volume),
    )
    layer.contour = 1
    return layer
