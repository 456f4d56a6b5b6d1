"""Which scans are open in a viewer, and which one is on the screen. Get it with `open_scans`.

The scan on the screen owns everything on the screen. Each layer of this plugin belongs to one scan, which its metadata
name (`layers.about`). Only those of the current scan are in the viewer's layer list; all others wait with their own
scan, where nobody sees, clicks or paints them. Whatever else belongs to a scan (place, zoom, slab, ...) is put by when
it leaves the screen and comes back with it: see `OpenScans.keep`. Layers of others are left alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.model.volume import Volume
from napari_lesion.plugin.session.batch import Batch
from napari_lesion.plugin.session.open_scan import Keepers, OpenScan, Restore, Save
from napari_lesion.plugin.session.placement import Placement
from napari_lesion.plugin.session.view_state import restore_view, saved_view
from napari_lesion.plugin.settings import option
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import SCAN, scan_key
from napari_lesion.plugin.viewer.view import source_of, unwrapped, volume_of
from napari_lesion.plugin.widgets.flag import Flag
from napari_lesion.plugin.widgets.messages import show_info

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

    from napari_lesion.dicom.index.series import Series

BUDGET_SETTING = "session/memory_gib"
"""Open scans may take that many GiB; beyond it, those that were not on the screen for longest are closed."""


class OpenScans(QObject):
    """The scans of one viewer, of which one, or none, is on the screen."""

    leaving = Signal(object)
    """The `OpenScan` that leaves the screen, while it is still there: tools are put down, what was typed is taken."""
    current_changed = Signal(object)
    """The `OpenScan` that is on the screen, or None."""
    scans_changed = Signal()
    """Which scans are open."""
    closed = Signal(object)
    """An `OpenScan` that is not open any more."""
    deleted = Signal(object)
    """A layer that somebody took away for good, not the picture of a scan."""
    mouse_taken = Signal(str)
    """Who has the mouse now (`take_mouse`): everybody else puts the tools down."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = ref(viewer)
        self._scans: list[OpenScan] = []
        self._current: OpenScan | None = None
        self._keepers = Keepers()
        self._looks: dict[str, dict[str, Any]] = {}
        """What was kept of scans that were closed, by key: they come back as they were."""
        self._switches = 0
        self.moving = Flag()
        """Whether layers go and come because another scan comes on the screen."""
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._tidy)
        self._keys: WeakKeyDictionary[Layer, str] = WeakKeyDictionary()
        """Whose our layers are, whatever becomes of their metadata."""
        self._placement = Placement()
        self._in_one_go = Batch(viewer.layers, self)
        self._strays: list[Layer] = []
        self._orphans: WeakSet[Layer] = WeakSet()
        """Layers that came for a scan that was not open."""
        self._wanted: OpenScan | None = None
        self._before: dict[str, Any] = {}
        """What belongs to the current scan, as it was before the layer came that is being inserted."""
        viewer.layers.events.inserting.connect(self._on_inserting)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)
        self.keep("view", self._save_view, self._restore_view)
        for layer in list(viewer.layers):
            self._take(layer)

    @property
    def viewer(self) -> ViewerModel:
        """The viewer.

        Raises
        ------
        RuntimeError
            If it is gone.
        """
        viewer = self._viewer()
        if viewer is None:
            raise RuntimeError("the viewer was closed")
        return viewer

    # -- what there is ------------------------------------------------------------------------------------------------

    @property
    def scans(self) -> tuple[OpenScan, ...]:
        """All scans that are open, in the order in which they were opened."""
        return tuple(self._scans)

    @property
    def current(self) -> OpenScan | None:
        """The scan on the screen."""
        return self._current

    def of(self, layer: Layer | None) -> OpenScan | None:
        """Find the open scan that a layer is the picture of."""
        return next((scan for scan in self._scans if scan.layer is layer), None)

    def owner(self, layer: Layer) -> OpenScan | None:
        """Find the open scan that a layer belongs to; None for a layer of somebody else."""
        return self.of(layer) or self.with_key(self._key_of(layer))

    def with_key(self, key: str) -> OpenScan | None:
        """Find an open scan by its key."""
        return next((scan for scan in self._scans if key and scan.key == key), None)

    def find(self, series: Series) -> OpenScan | None:
        """Find the open scan that was read from a series."""
        return next((scan for scan in self._scans if scan.is_from(series)), None)

    def is_open(self, layer: Layer | None) -> bool:
        """Whether a layer is the picture of an open scan, on the screen or not."""
        return self.of(layer) is not None

    def holds(self, layer: Layer | None) -> bool:
        """Whether nobody took a layer away: it is in the viewer, or waits with its scan."""
        return layer is not None and (layer in self.viewer.layers or any(layer in one.away for one in self._scans))

    # -- what comes and goes with a scan ------------------------------------------------------------------------------

    def keep(self, name: str, save: Save, restore: Restore) -> None:
        """Have something put by when a scan leaves the screen, and brought back with it.

        Parameters
        ----------
        name : str
        save : bound method
            Gives what belongs to the scan that leaves. It must not hold layers or voxels: it outlives the scan.
        restore : bound method
            Takes the scan that comes and what was put by, or None where it comes for the first time.
        """
        self._keepers.add(name, save, restore)

    def add(self, scan: OpenScan, layer: Layer, above: Collection[Layer] = (), below: Layer | None = None) -> None:
        """Add a layer to a scan: into the viewer where the scan is on the screen, else where its layers wait.

        Nothing is turned to, and napari's selection stays.

        Parameters
        ----------
        scan : OpenScan
        layer : Layer
        above : collection of Layer
            It comes right above the highest of these; above the picture by default.
        below : Layer, optional
            Or right below this one, where that is there.
        """
        layer.metadata[SCAN] = scan.key
        self._claim(layer)
        there = self.viewer.layers if scan is self._current else scan.away
        places = [place for place, one in enumerate(there) if one in (above or (scan.layer,))]
        place = max(places, default=len(there) - 1) + 1
        if below is not None and below in there:
            place = there.index(below)
        if there is scan.away:
            scan.away.insert(place, layer)
            return
        active = self.viewer.layers.selection.active
        self.viewer.layers.insert(place, layer)
        self.viewer.layers.selection.active = active

    def remove(self, layers: Collection[Layer | None]) -> None:
        """Take layers away, wherever they are; those that are gone already are passed over."""
        here = []
        for layer in dict.fromkeys(layers):
            for scan in self._scans:
                if layer in scan.away:
                    scan.away.remove(layer)
            if layer in self.viewer.layers:
                here.append(layer)
        if here:
            with self._in_one_go():
                for layer in here:
                    if layer in self.viewer.layers:  # one that goes may take others along
                        self.viewer.layers.remove(layer)

    def take_mouse(self, who: str) -> None:
        """Note who acts on the picture from now on (``annotation``, ``outline``, ...): no other tool stays armed."""
        self.mouse_taken.emit(who)

    def begin_work(self, scan: OpenScan) -> None:
        """Keep a scan open for work that runs for it, whatever memory is short of."""
        scan.at_work += 1

    def end_work(self, scan: OpenScan) -> None:
        """Let go of a scan that work ran for."""
        scan.at_work -= 1

    # -- turning to another scan --------------------------------------------------------------------------------------

    def show(self, scan: OpenScan | None) -> None:
        """Turn to another scan: in one step all that is on the screen goes, and all that belongs to that one comes."""
        if scan is self._current or self.moving or (scan is not None and scan not in self._scans):
            return
        with self._in_one_go():
            self._leave()
            self._come(scan)

    def close(self, scan: OpenScan) -> None:
        """Close a scan; of others that are open the one that was on the screen last comes back."""
        if scan not in self._scans:
            return
        if scan is self._current:
            with self._in_one_go():
                self._leave()
                self._scans.remove(scan)
                self._come(self._last())
        else:
            self._scans.remove(scan)
        self._forget(scan)

    def _last(self) -> OpenScan | None:
        return max(self._scans, key=lambda one: one.shown, default=None)

    def _forget(self, scan: OpenScan) -> None:
        self._looks[scan.key] = scan.kept
        scan.away.clear()
        self.closed.emit(scan)
        self.scans_changed.emit()

    def _leave(self, but: Layer | None = None) -> None:
        """Take the current scan off the screen; a layer that has just come stays."""
        scan, layers = self._current, self.viewer.layers
        if scan is None:
            return
        self.leaving.emit(scan)
        # A scan that has just come has moved napari's sliders already.
        scan.kept.update(self._keepers.saved(scan) if but is None else self._before)
        with self.moving:
            scan.away = [one for one in layers if one is not but and self.owner(one) is scan]
            at = layers.index(scan.layer) if scan.layer in layers else 0
            scan.below = sum(self.owner(one) is None for one in layers[:at])
            for layer in reversed(scan.away):
                layers.remove(layer)
        self._current = None

    def _come(self, scan: OpenScan | None) -> None:
        """Bring a scan on the screen, which is free."""
        self._current = scan
        if scan is not None:
            self._switches += 1
            scan.shown = self._switches
            layers = self.viewer.layers
            with self.moving:
                for place, layer in enumerate(scan.away, min(scan.below, len(layers))):
                    layers.insert(place, layer)
                scan.away = []
                layers.selection.active = scan.layer
                self._keepers.restore(scan)
        self.current_changed.emit(scan)
        self._make_room()

    # -- layers that come and go by themselves ------------------------------------------------------------------------

    def _on_inserting(self, _event: object) -> None:
        if not self.moving and self._current is not None:
            self._before = self._keepers.saved(self._current)

    def _on_inserted(self, event: Any) -> None:
        if not self.moving:
            self._take(event.value)

    def _take(self, layer: Layer) -> None:
        """Find out whose a layer is that was added to the viewer."""
        volume = volume_of(layer)
        # A layer that somebody duplicated is one more layer of its scan.
        if volume is None or layer.source.parent is not None:
            if self._claim(layer):
                owner = self.owner(layer)
                if owner is None:  # made of a scan that was closed, or taken from another window
                    self._orphans.add(layer)
                if owner is None or owner is not self._current:
                    self._put_away(layer)
            return
        key = layer.metadata[SCAN] = scan_key(volume)
        self._claim(layer)
        known = self.with_key(key)
        if known is not None:  # opened again: the one that is open comes back
            self._wanted = known
            self._put_away(layer)
            return
        scan = OpenScan(key, layer, volume, source_of(layer), kept=self._looks.pop(key, {}))
        self._scans.append(scan)
        with self._in_one_go():
            self._leave(but=layer)
            self._come(scan)
        self.scans_changed.emit()

    def _key_of(self, layer: Layer) -> str:
        """Key of the scan that a layer belongs to; "" for a layer of somebody else."""
        return self._keys.get(layer, "") or str(layer.metadata.get(SCAN, ""))

    def _claim(self, layer: Layer) -> bool:
        """Remember whose a layer is, and keep it in its place; false for a layer of somebody else."""
        key = self._key_of(layer)
        if key:
            self._keys[layer] = key
            self._placement.hold(layer)
        return bool(key)

    def _put_away(self, layer: Layer) -> None:
        """Take away what must not be seen: from the eye at once, from the list as soon as nobody is changing that."""
        layer.visible = False
        self._strays.append(layer)
        self._later.start()

    def _on_removed(self, event: Any) -> None:
        if self.moving:
            return
        layer, scan = event.value, self.of(event.value)
        if scan is None:
            if layer not in self._strays:
                self.deleted.emit(layer)
            return
        # Closed by hand. The list is being changed, so what else there is of it goes as soon as that is done.
        self._scans.remove(scan)
        if scan is self._current:
            self._strays += [one for one in self.viewer.layers if self._key_of(one) == scan.key]
            for one in self._strays:
                one.visible = False
            self._current = None
            self.current_changed.emit(None)
        self._forget(scan)
        self._later.start()

    def _tidy(self) -> None:
        """Do what could not be done while the list of layers was being changed."""
        window = getattr(self._viewer(), "window", None)
        # napari takes all layers away before it closes a window.
        if self._viewer() is None or (window is not None and not hasattr(window, "_qt_window")):
            return
        strays, self._strays = self._strays, []
        if strays:
            with self._in_one_go():
                self._take_away(strays)
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.show(wanted)
        elif self._current is None:
            self.show(self._last())

    def _take_away(self, strays: Collection[Layer]) -> None:
        for layer in strays:
            owner, ours = self.owner(layer), volume_of(layer) is None
            if owner is not None and owner is self._current and ours:  # its scan came meanwhile
                layer.visible = True
                continue
            with self.moving:
                if layer in self.viewer.layers:
                    self.viewer.layers.remove(layer)
            if owner is not None and ours:
                layer.visible = True
                owner.away.append(layer)
                continue
            if owner is None and layer in self._orphans:
                show_info(tr("{layer} is of a scan that is not open here, and was taken off.", layer=layer.name))
            self.deleted.emit(layer)

    # -- memory -------------------------------------------------------------------------------------------------------

    @property
    def nbytes(self) -> int:
        """Memory of the voxels of all scans that are open."""
        return sum(scan.nbytes for scan in self._scans)

    def _make_room(self) -> None:
        """Close the scans that were not on the screen for longest, until the others fit; their reviews are on disk."""
        budget = option(BUDGET_SETTING) * 2**30
        for scan in sorted(self._scans, key=lambda one: one.shown):
            if self.nbytes <= budget:
                return
            # What cannot be read again, or is being worked on, stays.
            if scan is self._current or scan.source is None or scan.at_work:
                continue
            self.close(scan)
            show_info(tr("{scan} was closed to save memory. Opened again, it is as you left it.", scan=scan.name))

    def _save_view(self, _scan: OpenScan) -> dict[str, Any]:
        return saved_view(self.viewer)

    def _restore_view(self, scan: OpenScan, kept: dict[str, Any] | None) -> None:
        restore_view(self.viewer, scan.volume, kept)


_open_scans: WeakKeyDictionary[ViewerModel, OpenScans] = WeakKeyDictionary()


def open_scans(viewer: ViewerModel) -> OpenScans:
    """Get the scans of a viewer; what keeps them is made when it is first asked for."""
    viewer = unwrapped(viewer)
    if viewer not in _open_scans:
        _open_scans[viewer] = OpenScans(viewer)
    return _open_scans[viewer]


def volume_in_memory(series: Series) -> Volume | None:
    """Get the volume of a series that is open in any viewer of this process, so that nobody reads it twice."""
    for one in list(_open_scans.values()):
        scan = one.find(series)
        if scan is not None:
            return scan.volume
    return None
