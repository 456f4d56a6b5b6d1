"""Labels whose outlines lie around what is labelled, and not on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy
from napari.layers import Labels
from napari.layers.labels._labels_utils import expand_slice

ASIDE = 2
"""``contour`` of a layer whose outlines step aside; with 1, as napari has it, they are on the outermost voxels."""


class OutlineLabels(Labels):  # type: ignore[misc]
    """A layer of labels whose outlines can step aside: of a nodule of five voxels, a line on its rim leaves one."""

    @property
    def _type_string(self) -> str:
        return "labels"  # for napari it is one: by this name layers are made and saved

    def _calculate_contour(
        self, labels: npt.NDArray[Any], data_slice: tuple[slice, ...]
    ) -> npt.NDArray[np.integer[Any]] | None:
        if self.contour != ASIDE or labels.ndim != 2:
            shown: npt.NDArray[np.integer[Any]] | None = super()._calculate_contour(labels, data_slice)
            return shown
        wider = expand_slice(data_slice, labels.shape, 1)
        around = lines_around(labels[wider], self.colormap.background_value)
        return around[tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(data_slice, wider, strict=True))]


def lines_around(labels: npt.NDArray[Any], background: int = 0) -> npt.NDArray[Any]:
    """Label the voxels of the background that share a side with a labelled one, and nothing else.

    Parameters
    ----------
    labels : (rows, columns)
    background : int
    """
    around: npt.NDArray[Any] = scipy.ndimage.grey_dilation(
        labels, footprint=scipy.ndimage.generate_binary_structure(2, 1)
    )
    around[labels != background] = background
    return around
