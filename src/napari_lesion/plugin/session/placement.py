"""Layers of a scan stay where the scan lies in the patient, whoever drags them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.messages import show_warning

if TYPE_CHECKING:
    from napari.layers import Layer

_Place: TypeAlias = "dict[str, npt.NDArray[np.float64]]"
#: What napari's "transform" tool, and anybody's script, may change.
_PARTS = ("scale", "translate", "rotate", "shear", "affine")


class Placement:
    """Puts layers back that were moved, turned or stretched.

    napari lets anybody drag an image. A scan that lies elsewhere has findings where there are none, its letters and
    millimetres are wrong, and nothing on the screen would tell.
    """

    def __init__(self) -> None:
        self._places: WeakKeyDictionary[Layer, _Place] = WeakKeyDictionary()
        self._told: set[str] = set()

    def hold(self, layer: Layer) -> None:
        """Keep a layer where it is (once)."""
        if layer in self._places:
            return
        self._places[layer] = _place_of(layer)
        # napari tells this first of all: at `events.translate` and the like its sliders would already have followed the
        # layer to where it was dragged, and taken the reader along.
        layer.events._extent_augmented.connect(self._on_moved)

    def _on_moved(self, event: Any) -> None:
        layer = event.source
        place = self._places.get(layer)
        if place is None or _same(place, _place_of(layer)):
            return
        with layer.events.blocker_all():  # nobody hears of it when it is halfway back
            for part in _PARTS:
                setattr(layer, part, place[part])
        if layer.name not in self._told:
            self._told.add(layer.name)
            show_warning(tr("{layer} stays where it lies in the patient.", layer=layer.name))


def _place_of(layer: Layer) -> _Place:
    place = {part: np.array(getattr(layer, part), dtype=np.float64) for part in _PARTS if part != "affine"}
    return {**place, "affine": np.array(layer.affine.affine_matrix)}


def _same(one: _Place, other: _Place) -> bool:
    return all(np.array_equal(one[part], other[part]) for part in _PARTS)
