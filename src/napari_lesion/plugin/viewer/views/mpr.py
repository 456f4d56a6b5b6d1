"""Four views of one viewer: axial, coronal, sagittal and 3D, in step. Get them with `views`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.session.open_scans import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import option, setting, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.hanging import hanging_of, remember
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.tools.dragging import WindowDrag
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.viewer.tools.reading import attach, reading_tools
from napari_lesion.plugin.viewer.view import PLANES, ScanView
from napari_lesion.plugin.viewer.views.bar import Bar, Switch
from napari_lesion.plugin.viewer.views.fitting import Fitting
from napari_lesion.plugin.viewer.views.identity import Identity
from napari_lesion.plugin.viewer.views.mirror import Mirror, mirrored_layer
from napari_lesion.plugin.viewer.views.pane import Pane, idle
from napari_lesion.plugin.viewer.views.solid import SolidView, look_from_the_front

if TYPE_CHECKING:
    from napari.viewer import Viewer

_Camera: TypeAlias = tuple[tuple[float, ...], float, tuple[float, ...]]
"""Centre, zoom and angles."""
FINDING_IN_VIEW = 5.0
"""Diameters of a finding across the view that is zoomed to it."""
SMALLEST_VIEW_MM = 40.0
#: What the slices run along when the reader goes on: to the feet, to the back, to the patient's left.
ONWARD = (-1, 1, 1)


class Views(QObject):
    """The views of one viewer with a window. The viewer's own canvas is the first of four.

    The others hold the same arrays (`mirror.Mirror`), and each is cut anew only when its own slice changes.
    """

    closed = Signal()
    """The window goes, and the further views with it."""
    pane_made = Signal(object)
    """A further `Pane` of the scan that is read."""
    settings_asked = Signal()
    """The reader wants the settings, which build on the views."""

    def __init__(self, viewer: Viewer) -> None:
        # The only handle that napari gives to its main window.
        self._window = viewer.window._qt_window
        super().__init__(self._window)
        self._session = session_of(viewer)
        self._overlays = overlays(self._session)
        self._main = Pane(viewer.window._qt_viewer, parent=self._window.centralWidget())
        self._others: list[Pane] = []
        self.mirrors: list[Mirror] = []
        """Of the other views, in the order of `panes`."""
        self._scan_views: list[ScanView] = []
        self._three: Pane | None = None
        self._identity: Identity | None = None
        """What says in the 3D view whose scan it is."""
        self.solid = SolidView(self._session, self)
        self._active = self._main
        self._alone: Pane | None = self._main
        self._following = False
        self._fresh = False
        """The scan on the screen has come for the first time."""
        self._side_pane: Pane | None = None
        self._order: tuple[int, ...] | None = None
        """Plane that the viewer's own view goes back to when all views are shown again."""
        self.linked = setting("views/linked", True)
        self.crosshair = option("views/crosshair")
        self._fitting = Fitting(self.fit, lambda: self.planes, self)
        self._lay_out()
        self._take(self._main)
        viewer.mouse_drag_callbacks.append(self._drag)
        viewer.dims.events.order.connect(self._on_order)
        self._session.position_changed.connect(self._on_position)
        self._session.centred.connect(self._on_centred)
        self._session.scan_changed.connect(self._on_scan)
        self._overlays.changed.connect(self._show_crosshairs)
        self._session.open_scans.keep("cameras", self._save_cameras, self._restore_cameras)
        viewer.window._qt_viewer.installEventFilter(self)
        self._window.installEventFilter(self)
        self._show_crosshairs()

    def _lay_out(self) -> None:
        """Put the viewer's canvas into a grid. In another window meanwhile it would lose its OpenGL context."""
        centre = self._window.centralWidget()
        area = QWidget(centre)
        self.bar = Bar(
            (
                Switch(
                    tr("Four views"),
                    tr("Four views, or one alone ({key}, or a double click in a view)", key=key_name("views.four_up")),
                    self.toggle,
                    lambda: self.is_mpr,
                ),
                Switch(
                    tr("Crosshair"), tr("Show or hide the crosshair"), self.toggle_crosshair, lambda: self.crosshair
                ),
                Switch(tr("Linked"), tr("Zoom and pan all views together"), self.toggle_link, lambda: self.linked),
                Switch(
                    tr("To the finding"),
                    tr("Zoom to the finding, or else the crosshair ({key})", key=key_name("views.zoom_to_finding")),
                    self.zoom_to_finding,
                ),
                Switch(tr("Whole scan"), tr("Show all of the scan ({key})", key=key_name("views.reset")), self.reset),
                Switch(
                    tr("Settings"),
                    tr("Reader, language, defaults, folders, keys ({key})", key=key_name("help.settings")),
                    self.settings_asked.emit,
                ),
            ),
            area,
        )
        self._grid = QWidget(area)
        self._layout = QGridLayout(self._grid)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(3)
        column = QVBoxLayout(area)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._grid, 1)
        self.column = column
        """The bar, the views, and what is put below them."""
        centre.layout().insertWidget(0, area, 1)
        self._layout.addWidget(self._main, 0, 0)

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def panes(self) -> list[Pane]:
        """The viewer's own view, and the others as far as they were opened."""
        return [self._main, *self._others]

    @property
    def planes(self) -> list[Pane]:
        """The views that show slices and can be seen."""
        return [pane for pane in self.panes if pane.is_plane and self._is_shown(pane)]

    @property
    def active(self) -> Pane:
        """The view that keys act on: the one that the mouse was in last."""
        return self._active

    @property
    def is_mpr(self) -> bool:
        """Whether all four views are shown."""
        return self._alone is None

    def _is_shown(self, pane: Pane) -> bool:
        return self._alone is None or self._alone is pane

    def toggle(self) -> None:
        """Show all four views, or the active one alone."""
        if self.is_mpr:
            self.show_alone(self._active)
        else:
            self.show_all()
        remember(self._session.scan, four_up=self.is_mpr)

    def show_all(self) -> None:
        """Show all four views."""
        dims = self._session.viewer.dims
        if self._session.scan is None or dims.ndim != 3:
            return
        self._open()
        self._share_mouse()
        self._alone = None
        store("views/four_up", True)
        if self._order is not None:
            dims.order = self._order
            self._order = None
        self._arrange()

    def show_alone(self, pane: Pane) -> None:
        """Show one view alone. A slice is shown on the viewer's own canvas, where everything of napari works."""
        dims = self._session.viewer.dims
        if pane is not self._main and pane.is_plane:
            self._order = tuple(dims.order)
            order = tuple(pane.view.dims.order)
            self._alone = pane = self._main
            dims.order = order
        self._alone = self._active = pane
        store("views/four_up", False)
        self._arrange()

    def _arrange(self) -> None:
        """Show the views that are to be seen, and let the others rest."""
        self._grid.setUpdatesEnabled(False)  # each view would be drawn at every size that it passes through
        try:
            self._place()
        finally:
            self._grid.setUpdatesEnabled(True)
        # The canvases have their new sizes when Qt has laid them out.
        QTimer.singleShot(0, self, self.reset)

    def _place(self) -> None:
        for pane in self.panes:
            pane.setVisible(self._is_shown(pane))
            pane.heading.setVisible(self.is_mpr or self._side_pane is not None)
        self.bar.refresh()
        for pane, mirror in zip(self._others, self.mirrors, strict=True):
            mirror.set_active(self._is_shown(pane))
        second = 1 if self.is_mpr or self._alone is not self._main else 0
        first = 1 if self.is_mpr or self._alone is self._main else 0
        for line, stretch in enumerate((first, second)):
            self._layout.setRowStretch(line, stretch)
            self._layout.setColumnStretch(line, stretch)
        self._layout.setColumnStretch(2, first + second if self._side_pane is not None else 0)
        self._share_width()
        self._follow()
        self._layout.activate()

    def _share_width(self) -> None:
        """Give the pane at the side as much as the scan in a narrow window, too, where napari's slider takes the width.

        Beside four views that would take theirs.
        """
        beside_one = self._layout.columnStretch(2) == 1
        self._layout.setColumnMinimumWidth(2, self._main.minimumSizeHint().width() if beside_one else 0)

    def _open(self) -> None:
        """Make the other three views."""
        if self._others:
            return
        viewer = self._session.viewer
        places = ((1, 0), (0, 1), (1, 1))
        for number, place in enumerate(places):
            view = ViewerModel(title=viewer.title)
            view.canvas.background_color_override = "black"
            if number == 2:
                mirror = self.solid.fill(viewer, view)
            else:
                self._scan_views.append(ScanView(view, letters=False, ranges=False))
                mirror = Mirror(viewer, view, _mirrored_in_slices, parent=self)
                # Between two scans there is no layer, and napari goes back to the plane that it begins with.
                for turned in (view.dims.events.ndim, view.dims.events.order):
                    turned.connect(self._on_order)
            pane = self.make_pane(view)
            self._layout.addWidget(pane, *place)
            self.mirrors.append(mirror)
            self._others.append(pane)
            self._take(pane)
            if pane.is_plane:
                attach(view, self._session)  # now that it has a canvas
                # A view loses its plane with its last layer: between two scans, say.
                view.dims.events.order.connect(self._on_order)
            self.pane_made.emit(pane)
        self._three = self._others[-1]
        self._identity = Identity(self._three.view, self._session, self)
        self._on_order()
        if self._session.scan is not None:
            self.solid.show(self._session.scan)
        self._show_crosshairs()

    def make_pane(self, view: ViewerModel) -> Pane:
        """Make the canvas of a further view; keys that are pressed in it are the viewer's."""
        qt_viewer = _SideViewer(view)
        qt_viewer.setAcceptDrops(False)
        qt_viewer.dims.hide()
        return Pane(qt_viewer, self._main.canvas, self._grid)

    def put_at_side(self, pane: Pane | None) -> None:
        """Show a pane to the right of whatever is shown, as wide as that; or nothing any more."""
        if self._side_pane is not None and self._side_pane is not pane:
            self._layout.removeWidget(self._side_pane)
            self._side_pane.hide()
        self._side_pane = pane
        if pane is not None:
            self._layout.addWidget(pane, 0, 2, 2, 1)
            pane.show()
            pane.heading.show()
        self._arrange()

    def _share_mouse(self) -> None:
        """Let what is bound to dragging in the viewer work in its other planes."""
        own = self._session.viewer.mouse_drag_callbacks
        for pane in self._others[:2]:
            there = pane.view.mouse_drag_callbacks
            there.extend(one for one in own if one not in there and not isinstance(one, WindowDrag))

    def _take(self, pane: Pane) -> None:
        self._fitting.watch(pane)
        pane.reads_scan = lambda: self._session.scan is not None
        pane.entered.connect(self._on_entered)
        pane.scrolled.connect(self.scroll)
        pane.double_clicked.connect(self._on_double_click)
        camera = pane.view.scene.camera
        for emitter in (camera.events.zoom, camera.events.center):
            emitter.connect(self._on_camera)

    def _on_entered(self, pane: Pane) -> None:
        self._active = pane

    def _on_double_click(self, pane: Pane) -> None:
        self._active = pane
        self.toggle()

    def _on_order(self, _event: object = None) -> None:
        """Give the other views the planes that the viewer's own does not show."""
        if len(self._others) < 3:
            return
        own = tuple(self._session.viewer.dims.order)
        rest = [order for order in PLANES.values() if order != own][:2]
        for pane, order in zip(self._others[:2], rest, strict=True):
            if pane.view.dims.ndim == 3 and tuple(pane.view.dims.order) != order:
                pane.view.dims.order = order
        self._follow()

    # -- the place ----------------------------------------------------------------------------------------------------

    def _world(self) -> FloatArray | None:
        volume, place = self._session.volume, self._session.position_mm
        return frame_of(volume).to_world(place) if volume is not None and place is not None else None

    def _on_position(self, _place_mm: object) -> None:
        self._follow()

    def _follow(self) -> None:
        """Bring each view that can be seen to the crosshair: only its own slice can change."""
        world = self._world()
        for pane in self.panes:
            if self._is_shown(pane):
                pane.marks.move_to(world)
                if world is not None and pane is not self._main and pane.is_plane and pane.view.dims.ndim == 3:
                    pane.show_slice(world)

    def scroll(self, pane: Pane, slices: int) -> None:
        """Go on by some slices in one view (back if negative): to the feet, to the back, to the patient's left."""
        scan, volume, world = self._session.scan, self._session.volume, self._world()
        if scan is None or volume is None or world is None:
            return
        index = np.array(scan.world_to_data(world), dtype=np.float64)
        axis = pane.through
        wanted = np.rint(index[axis]) + slices * ONWARD[axis]
        index[axis] = np.clip(wanted, 0, scan.data.shape[axis] - 1)
        self._session.point_at(frame_of(volume).to_patient(scan.data_to_world(index)))

    def _drag(self, view: ViewerModel, event: Any) -> Iterator[None]:
        """Take the crosshair along with the left mouse button, where nothing else has it."""
        volume = self._session.volume
        free = event.button == 1 and not event.modifiers and not event.handled and idle(self._session.viewer)
        if volume is None or not free or view.dims.ndisplay != 2 or view.dims.ndim != 3:
            return
        frame = frame_of(volume)
        self._session.point_at(frame.to_patient(event.position))
        event.handled = True
        yield
        while event.type == "mouse_move":
            self._session.point_at(frame.to_patient(event.position))
            event.handled = True
            yield

    # -- the cameras --------------------------------------------------------------------------------------------------

    @contextmanager
    def _unlinked(self) -> Iterator[None]:
        self._following, before = True, self._following
        try:
            yield
        finally:
            self._following = before

    def _on_camera(self, event: Any) -> None:
        """Zoom and pan the other planes like the one that changed."""
        if self._following or not self.linked or not self.is_mpr:
            return
        source = next((pane for pane in self.planes if pane.view.scene.camera is event.source), None)
        if source is None:
            return
        camera = source.view.scene.camera
        shown = dict(zip(source.view.dims.displayed, camera.center[-2:], strict=True))
        with self._unlinked():
            for pane in self.planes:
                if pane is source:
                    continue
                other = pane.view.scene.camera
                centre = list(other.center)
                for place, axis in enumerate(pane.view.dims.displayed, start=-2):
                    centre[place] = shown.get(axis, centre[place])
                other.center = tuple(centre)
                other.zoom = camera.zoom

    def _on_centred(self, center_mm: Sequence[float]) -> None:
        volume = self._session.volume
        if volume is None:
            return
        world = frame_of(volume).to_world(center_mm)
        with self._unlinked():
            for pane in self.panes:
                if pane.is_plane and pane.view.dims.ndim == 3:
                    pane.view.scene.camera.center = tuple(world[list(pane.view.dims.order)].tolist())

    def zoom_by(self, factor: float) -> None:
        """Zoom the active view, and the others with it if they are linked."""
        self._active.zoom_by(factor)

    def zoom_to_finding(self) -> None:
        """Centre all views on the finding that is looked at, or else the crosshair, and zoom in on it."""
        place, review = self._session.position_mm, self._session.review
        if place is None:
            return
        diameter = 0.0
        if self._session.finding and review is not None:
            finding = review.finding(self._session.finding)
            place, diameter = finding.center_mm, finding.size_mm
        self._session.go_to(place)
        across = max(FINDING_IN_VIEW * diameter, SMALLEST_VIEW_MM)
        with self._unlinked():
            for pane in self.planes:
                # A view that was never laid out has no size yet.
                pane.view.scene.camera.zoom = max(min(pane.canvas.width(), pane.canvas.height()), 1) / across

    def reset(self) -> None:
        """Show all of the scan in every view; 3D is seen from the front."""
        self.fit()
        if self._three is not None and self._is_shown(self._three):
            look_from_the_front(self._three.view)

    def fit(self) -> None:
        """Show all of the scan in every view; linked views get one scale."""
        with self._unlinked():
            for pane in self.panes:
                if self._is_shown(pane) and pane.view.layers:
                    pane.view.reset_view(reset_camera_angle=False)
            if self.linked and self.is_mpr:
                scale = min(pane.view.scene.camera.zoom for pane in self.planes)
                for pane in self.planes:
                    pane.view.scene.camera.zoom = scale
        self._fitting.note_fit()

    def toggle_link(self) -> None:
        """Let the planes zoom and pan together, or each for itself."""
        self.linked = not self.linked
        store("views/linked", self.linked)
        self.bar.refresh()

    def toggle_crosshair(self) -> None:
        """Show or hide the crosshair."""
        self.show_crosshair(not self.crosshair)

    def show_crosshair(self, shown: bool) -> None:
        """Show or hide the crosshair; that is remembered."""
        self.crosshair = shown
        store("views/crosshair", shown)
        self._show_crosshairs()

    def _show_crosshairs(self, _changed: object = None) -> None:
        scan, volume = self._session.scan is not None, self._session.volume
        # What 3D looks through is no scan that could tell that nobody knows its sides.
        has_sides = volume is not None and volume.certificate.orientation != "unknown"
        self.bar.setVisible(scan)
        self.bar.refresh()
        for pane in self.panes:
            pane.marks.show_parts(
                lines=self.crosshair and scan and not self._overlays.hidden,
                letters=scan and (has_sides or pane is not self._three),
            )

    def _save_cameras(self, _scan: OpenScan) -> list[_Camera]:
        """Where each view looks; that of the viewer itself is kept with it."""
        cameras = (pane.view.scene.camera for pane in self._others)
        return [(tuple(one.center), one.zoom, tuple(one.angles)) for one in cameras]

    def _restore_cameras(self, _scan: OpenScan, kept: list[_Camera] | None) -> None:
        self._on_order()
        self._fresh = kept is None
        if kept is None:
            self.reset()
            return
        if len(kept) != len(self._others):  # the other views were opened since
            for pane in self._others:
                pane.view.reset_view(reset_camera_angle=False)
            return
        with self._unlinked():
            for pane, (centre, zoom, angles) in zip(self._others, kept, strict=True):
                camera = pane.view.scene.camera
                camera.center, camera.zoom, camera.angles = centre, zoom, angles

    # -- the scan -----------------------------------------------------------------------------------------------------

    def _on_scan(self, _scan: object = None) -> None:
        """Show another scan: four views if there were four the last time; its coarse volume is made meanwhile."""
        scan = self._session.scan
        self._show_crosshairs()
        self._follow()
        if scan is None or scan.ndim != 3:
            self.solid.hide()
            if self.is_mpr:
                self._alone = self._active = self._main
                self._arrange()
            return
        wanted = hanging_of(scan).four_up if self._fresh else None
        if wanted is None and not self.is_mpr and not self._others:
            wanted = option("views/four_up")
        if self._fresh and self._alone is not None and self._alone is self._three and not wanted:
            # A scan that nobody has seen yet begins with its slices, and 3D is no place to judge it.
            QTimer.singleShot(0, self, partial(self.show_alone, self._main))
        elif wanted is not None and wanted != self.is_mpr:  # the scan is still on its way into the viewer
            QTimer.singleShot(0, self, self.show_all if wanted else partial(self.show_alone, self._main))
        self.solid.show(scan)

    # -- the end ------------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Close the other views with the window (hidden by the program, not minimized) or with the viewer's canvas."""
        if event.type() == QEvent.Type.LayoutRequest:  # the words beside the slider are others
            self._share_width()
            return False
        is_window = watched is getattr(self, "_window", None)
        closes = event.type() == QEvent.Type.Close and not is_window
        leaves = event.type() == QEvent.Type.Hide and is_window and not event.spontaneous()
        if closes or leaves:
            self.close()
        if closes:
            # The viewer may live on, but its window must not for its sake.
            with suppress(ValueError):
                self._session.viewer.mouse_drag_callbacks.remove(self._drag)
            self._window.removeEventFilter(self)
            self._main.qt_viewer.removeEventFilter(self)
            self._main.let_go()
            del self._window
        return False

    def close(self) -> None:
        """Close the other views; the viewer's own stays."""
        self._side_pane = None
        self.closed.emit()
        self.solid.empty()
        if self._identity is not None:
            self._identity.deleteLater()
        for mirror in self.mirrors:
            mirror.close()
            mirror.deleteLater()
        for pane in self._others:
            self._fitting.forget(pane)
            reading_tools(self._session).detach(pane.view)
            pane.hide()
            pane.qt_viewer.close()
            pane.let_go()
            pane.deleteLater()
        self.mirrors, self._others, self._scan_views = [], [], []
        self._three = self._identity = None
        self._active = self._alone = self._main


class _SideViewer(QtViewer):  # type: ignore[misc]
    """A canvas that leaves the keys to the viewer's own. napari would bind all keys again for each canvas."""

    def _bind_shortcuts(self) -> None:
        pass


def _mirrored_in_slices(layer: Layer) -> Layer | None:
    """Mirrored layer for a slice view; boxes that lie in the planes of another view cannot be seen there."""
    return None if "through" in layer.metadata else mirrored_layer(layer)


_views: WeakKeyDictionary[ViewerModel, ref[Views]] = WeakKeyDictionary()


def views(viewer: Viewer) -> Views:
    """Get the views of a viewer that has a window; they are made when they are first asked for."""
    known = _views.get(viewer)
    found = known() if known is not None else None
    if found is None:
        # The viewer holds them, in the list of its mouse callbacks: here they would hold the viewer for ever.
        found = Views(viewer)
        _views[viewer] = ref(found)
    return found
