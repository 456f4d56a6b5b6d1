"""Many layers that go and come at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QObject, QTimer

from napari_lesion.plugin.widgets.garbage import nothing_old

if TYPE_CHECKING:
    from napari.components.layerlist import LayerList

_COLLECT_MS = 300
"""After layers went, and when what came is drawn, what is left of them is collected: textures may be large."""


class Batch(QObject):
    """Lets many layers of a viewer go and come while napari draws nothing, and collects garbage once, later.

    napari would do both for each of them, in each canvas: most of the time that turning to another scan took.
    """

    def __init__(self, layers: LayerList, parent: QObject) -> None:
        super().__init__(parent)
        self._layers = ref(layers)
        self._under_way = False
        self._garbage = QTimer(self, singleShot=True, interval=_COLLECT_MS)
        self._garbage.timeout.connect(gc.collect)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Do it; what is done inside of another one is done with that."""
        layers = self._layers()
        if self._under_way or layers is None:
            yield
            return
        self._under_way = True
        try:
            with nothing_old(), layers.batched_update():
                yield
        finally:
            self._under_way = False
            self._garbage.start()
