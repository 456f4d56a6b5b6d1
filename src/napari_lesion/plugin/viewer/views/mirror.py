"""The layers of a viewer in another view of it: the same arrays, the same look, and edits in both directions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer, Points, Shapes, Vectors
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import QObject, QTimer

from napari_lesion.plugin.viewer.layers import put_data
from napari_lesion.plugin.viewer.outline_layer import OutlineLabels
from napari_lesion.plugin.widgets.flag import Flag

if TYPE_CHECKING:
    from napari.components import ViewerModel

#: What a mirrored layer has from its layer at once. A name that a type of layer does not have is passed over. How a
#: slab is projected is not among it: that depends on the plane, and the tools of reading see to it.
LOOK = (
    *("name", "visible", "opacity", "blending", "scale", "translate", "units", "editable"),
    *("contrast_limits_range", "contrast_limits", "gamma", "colormap", "interpolation2d"),
    *("brush_size", "contiguous", "contour", "n_edit_dimensions", "preserve_labels", "show_selected_label"),
    *("selected_label", "current_size", "current_symbol", "current_face_color", "current_border_color"),
    *("current_edge_color", "feature_defaults", "shading", "mode"),
)
#: Names of what `napari` says while it edits: the data are not those of the end yet.
UNFINISHED = ("adding", "removing", "changing")
#: What a mirrored layer is not made with: which label is painted and how, outlines, the tool.
NOT_MADE = (
    *("brush_size", "contiguous", "contour", "n_edit_dimensions", "preserve_labels", "show_selected_label"),
    *("selected_label", "mode"),
)
#: What belongs to each point, in the order in which it may be set.
POINTS = ("size", "symbol", "border_width", "border_color", "face_color", "features", "shown")
#: The same of each shape.
SHAPES = ("edge_width", "edge_color", "face_color", "features")
#: Changes of a mirrored layer that a reader makes with the mouse, beside those of the data.
BY_HAND = ("selected_label",)
MERGE_MS = 30
"""Refreshes within this time are one: an array that is filled or painted tells of every step."""


def mirrored_layer(layer: Layer) -> Layer:
    """Make a layer like another, on the same array."""
    data, attributes, kind = layer.as_layer_data_tuple()
    own = isinstance(layer, OutlineLabels)
    made: Layer = OutlineLabels(data, **attributes) if own else Layer.create(data, attributes, kind)
    if isinstance(layer, Labels) and isinstance(made, Labels):
        made._undo_history, made._redo_history = layer._undo_history, layer._redo_history
    return made


def copy_data(source: Layer, target: Layer) -> None:
    """Let a layer show what another one shows, element by element."""
    if isinstance(source, Points) and isinstance(target, Points):
        put_data(target, source.data)
        for name in POINTS if len(source.data) else ():  # napari makes one white colour of none
            setattr(target, name, getattr(source, name))
        target.selected_data = set(source.selected_data)
    elif isinstance(source, Shapes) and isinstance(target, Shapes):
        # Shapes that are replaced keep the colours of those that were there.
        target.selected_data = set()
        target.data = []
        if source.nshapes:
            target.add(source.data, shape_type=source.shape_type)
            for name in SHAPES:
                setattr(target, name, getattr(source, name))
    elif isinstance(source, Vectors) and isinstance(target, Vectors):
        put_data(target, source.data)
        if len(source.data):
            target.edge_color = source.edge_color
    elif target.data is not source.data:
        target.data = source.data
    else:
        target.refresh(thumbnail=False, extent=False)


class Mirror(QObject):
    """Keeps the layers of a view like those of a viewer.

    Parameters
    ----------
    viewer : ViewerModel
    view : ViewerModel
        Has no other layers than the mirrored ones, but may have some below them.
    make : callable
        Makes the mirrored copy of a layer, or None for a layer that is not shown.
    keep : set of str
        What of the `LOOK` a mirrored layer has for itself.
    dress : callable
        Gives a mirrored layer what it has for itself, each time when its data were copied.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        view: ViewerModel,
        make: Callable[[Layer], Layer | None] = mirrored_layer,
        keep: frozenset[str] = frozenset(),
        dress: Callable[[Layer], None] = lambda _layer: None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._view, self._make, self._keep = viewer, view, make, keep
        self.dress = dress
        self._links: dict[Layer, _Link] = {}
        self.active = True
        for layer in viewer.layers:
            self._add(layer)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        viewer.layers.events.reordered.connect(self._sort)
        viewer.layers.events.begin_batch.connect(self._begin_batch)
        viewer.layers.events.end_batch.connect(self._end_batch)
        viewer.layers.selection.events.active.connect(self._select)
        self._select()

    def mirrored_layer_of(self, layer: Layer) -> Layer | None:
        """Layer of the view that shows a layer of the viewer."""
        link = self._links.get(layer)
        return link.mirrored if link is not None else None

    def set_active(self, active: bool) -> None:
        """Stop following, while the view cannot be seen, or catch up and go on."""
        if active != self.active:
            self.active = active
            for link in self._links.values() if active else ():
                link.catch_up()

    def close(self) -> None:
        """Let go of the viewer."""
        layers = self._viewer.layers
        layers.events.inserted.disconnect(self._on_inserted)
        layers.events.removed.disconnect(self._on_removed)
        layers.events.reordered.disconnect(self._sort)
        layers.events.begin_batch.disconnect(self._begin_batch)
        layers.events.end_batch.disconnect(self._end_batch)
        layers.selection.events.active.disconnect(self._select)
        for layer in list(self._links):
            self._links.pop(layer).close()

    def _begin_batch(self, _event: object = None) -> None:
        self._view.layers.events.begin_batch()

    def _end_batch(self, _event: object = None) -> None:
        self._view.layers.events.end_batch()

    def _on_inserted(self, event: Any) -> None:
        self._add(event.value)
        self._select()

    def _add(self, layer: Layer) -> None:
        made = self._make(layer)
        if made is not None:
            self._view.layers.append(made)
            self._links[layer] = _Link(layer, made, self)
            self._sort()

    def _on_removed(self, event: Any) -> None:
        link = self._links.pop(event.value, None)
        if link is not None:
            link.close()
            self._view.layers.remove(link.mirrored)

    def _sort(self) -> None:
        """Put the mirrored layers into the order of the viewer's layers, above whatever else the view has."""
        wanted = [self._links[layer].mirrored for layer in self._viewer.layers if layer in self._links]
        layers = self._view.layers
        first = len(layers) - len(wanted)
        for place, layer in enumerate(wanted, first):
            if layers[place] is not layer:
                layers.move(layers.index(layer), place)

    def _select(self) -> None:
        active = self._viewer.layers.selection.active
        link = self._links.get(active) if active is not None else None
        self._view.layers.selection.active = link.mirrored if link is not None else None

    # -- what the links ask -------------------------------------------------------------------------------------------

    @property
    def place(self) -> tuple[Any, ...]:
        """What the viewer shows: where it changed, new slices were cut and no data were."""
        dims = self._viewer.dims
        return dims.point, dims.order, dims.ndisplay, dims.margin_left, dims.margin_right

    @property
    def look(self) -> tuple[str, ...]:
        """Names of what the mirrored layers share."""
        return tuple(name for name in LOOK if name not in self._keep)


def _same(one: object, other: object) -> bool:
    """Whether two values are equal; napari's colours of labels cannot be compared, and are the same or not."""
    if isinstance(one, DirectLabelColormap) or isinstance(other, DirectLabelColormap):
        return one is other
    return np.array_equal(one, other)  # type: ignore[arg-type]


class _Link:
    """Between a layer and its mirrored one."""

    def __init__(self, layer: Layer, mirrored: Layer, mirror: Mirror) -> None:
        self.layer, self.mirrored, self._mirror = layer, mirrored, mirror
        self._busy = Flag()
        self._stale = False
        self._place = mirror.place
        self._timer = QTimer(mirror)
        self._timer.setSingleShot(True)
        self._timer.setInterval(MERGE_MS)
        self._timer.timeout.connect(self._copy)
        self._connections: list[tuple[Any, Callable[..., None]]] = []
        self._look = [name for name in mirror.look if hasattr(layer.events, name) and hasattr(mirrored, name)]
        for name in self._look:
            self._connect(getattr(layer.events, name), partial(self._on_look, name))
        for name in ("set_data", "data", "features", "size", "border_color", "face_color", "labels_update", "paint"):
            if hasattr(layer.events, name):
                self._connect(getattr(layer.events, name), self._on_cut if name == "set_data" else self._on_data)
        for name in ("data", "paint"):
            if hasattr(mirrored.events, name):
                self._connect(getattr(mirrored.events, name), self._on_edit)
        for name in BY_HAND:
            if hasattr(mirrored.events, name):
                self._connect(getattr(mirrored.events, name), partial(self._on_hand, name))
        for name in NOT_MADE:
            if name in self._look:
                self._copy_look(name)

    def _connect(self, emitter: Any, slot: Callable[..., None]) -> None:
        emitter.connect(slot)
        self._connections.append((emitter, slot))

    def close(self) -> None:
        """Let go of both layers."""
        self._timer.stop()
        self._timer.deleteLater()
        for emitter, slot in self._connections:
            emitter.disconnect(slot)
        self._connections.clear()

    def catch_up(self) -> None:
        """Do what was put off."""
        if self._stale:
            self._stale = False
            for name in self._look:
                self._copy_look(name)
            self._copy()

    def _on_look(self, name: str, _event: Any = None) -> None:
        if self._busy:
            return
        if not self._mirror.active:
            self._stale = True
            return
        self._copy_look(name)

    def _copy_look(self, name: str) -> None:
        with self._busy:
            value = getattr(self.layer, name)
            if isinstance(value, np.ndarray) and value.ndim == 0:  # napari gives such a size, and does not take it
                value = value.item()
            if not _same(getattr(self.mirrored, name), value):
                setattr(self.mirrored, name, value)

    def _on_cut(self, _event: Any = None) -> None:
        """Tell a slice that was cut because one scrolled from data that changed."""
        place, self._place = self._place, self._mirror.place
        if place == self._place:
            self._on_data()

    def _on_data(self, _event: Any = None) -> None:
        if self._busy:
            return
        if not self._mirror.active:
            self._stale = True
        elif not self._timer.isActive():
            self._timer.start()

    def _copy(self) -> None:
        with self._busy:
            copy_data(self.layer, self.mirrored)
            self._mirror.dress(self.mirrored)

    def _on_edit(self, event: Any) -> None:
        """Give the layer what a reader did in the view."""
        if self._busy or str(getattr(event, "action", "")) in UNFINISHED:
            return
        with self._busy:
            copy_data(self.mirrored, self.layer)
            if event.type == "paint":  # the array is the same: whoever follows the strokes must hear of this one
                self.layer.events.paint(value=event.value)

    def _on_hand(self, name: str, _event: Any = None) -> None:
        if not self._busy:
            setattr(self.layer, name, getattr(self.mirrored, name))
