"""Four views of one viewer: axial, coronal, sagittal and 3D, in step. Get them with `views`."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, ref

from napari.components import ViewerModel
from napari.layers import Layer
from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import option, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.hanging import hanging_of, remember
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.tools.dragging import WindowDrag
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.viewer.tools.reading import attach, reading_tools
from napari_lesion.plugin.viewer.view import PLANES, ScanView
from napari_lesion.plugin.viewer.views.bar import Bar, Switch
from napari_lesion.plugin.viewer.views.cameras import Cameras, Look
from napari_lesion.plugin.viewer.views.crosshair import Crosshair
from napari_lesion.plugin.viewer.views.grid import Grid
from napari_lesion.plugin.viewer.views.identity import Identity
from napari_lesion.plugin.viewer.views.mirror import Mirror, mirrored_layer
from napari_lesion.plugin.viewer.views.pane import Pane
from napari_lesion.plugin.viewer.views.view_3d import View3D, look_from_the_front

if TYPE_CHECKING:
    from napari.viewer import Viewer


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
        self._main = Pane(viewer.window._qt_viewer, parent=self._window.centralWidget())
        self._others: list[Pane] = []
        self.mirrors: list[Mirror] = []
        """Of the other views, in the order of `panes`."""
        self._scan_views: list[ScanView] = []
        self._three: Pane | None = None
        self._identity: Identity | None = None
        """What says in the 3D view whose scan it is."""
        self.solid = View3D(self._session, self)
        self._active = self._main
        self._alone: Pane | None = self._main
        self._fresh = False
        """The scan on the screen has come for the first time."""
        self._order: tuple[int, ...] | None = None
        """Plane that the viewer's own view goes back to when all views are shown again."""
        self.crosshair = Crosshair(self._session, self)
        self.cameras = Cameras(self._session, self)
        self._lay_out()
        self._take(self._main)
        viewer.mouse_drag_callbacks.append(self.crosshair.drag)
        viewer.dims.events.order.connect(self._on_order)
        self._session.position_changed.connect(self.crosshair.follow)
        self._session.scan_changed.connect(self._on_scan)
        overlays(self._session).changed.connect(self.crosshair.refresh)
        self._session.open_scans.keep("cameras", self._save_cameras, self._restore_cameras)
        viewer.window._qt_viewer.installEventFilter(self)
        self._window.installEventFilter(self)
        self.crosshair.refresh()

    def _lay_out(self) -> None:
        """Put the viewer's canvas into a grid. In another window meanwhile it would lose its OpenGL context."""
        centre = self._window.centralWidget()
        area = QWidget(centre)
        self.bar = Bar(self._switches(), area)
        self._grid = Grid(area)
        self._grid.add(self._main)
        column = QVBoxLayout(area)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._grid, 1)
        self.column = column
        """The bar, the views, and what is put below them."""
        centre.layout().insertWidget(0, area, 1)

    def _switches(self) -> tuple[Switch, ...]:
        return (
            Switch(
                tr("Four views"),
                tr("Four views, or one alone ({key}, or a double click in a view)", key=key_name("views.four_up")),
                self.toggle,
                lambda: self.is_mpr,
            ),
            Switch(
                tr("Crosshair"),
                tr("Show or hide the crosshair"),
                self.crosshair.toggle,
                lambda: self.crosshair.shown,
            ),
            Switch(tr("Linked"), tr("Zoom and pan all views together"), self.toggle_link, lambda: self.cameras.linked),
            Switch(
                tr("To the finding"),
                tr("Zoom to the finding, or else the crosshair ({key})", key=key_name("views.zoom_to_finding")),
                self.cameras.zoom_to_finding,
            ),
            Switch(tr("Whole scan"), tr("Show all of the scan ({key})", key=key_name("views.reset")), self.reset),
            Switch(
                tr("Settings"),
                tr("Reader, language, defaults, folders, keys ({key})", key=key_name("help.settings")),
                self.settings_asked.emit,
            ),
        )

    # -- what is shown ------------------------------------------------------------------------------------------------

    @property
    def panes(self) -> list[Pane]:
        """The viewer's own view, and the others as far as they were opened."""
        return [self._main, *self._others]

    @property
    def planes(self) -> list[Pane]:
        """The views that show slices and can be seen."""
        return [pane for pane in self.seen if pane.is_plane]

    @property
    def seen(self) -> list[Pane]:
        """The views that can be seen."""
        return [pane for pane in self.panes if self._is_shown(pane)]

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
            pane.heading.setVisible(self.is_mpr or self._grid.side is not None)
        self.bar.refresh()
        for pane, mirror in zip(self._others, self.mirrors, strict=True):
            mirror.set_active(self._is_shown(pane))
        self._grid.share(self._alone)
        self.crosshair.follow()
        self._grid.settle()

    def _open(self) -> None:
        """Make the other three views."""
        if self._others:
            return
        viewer = self._session.viewer
        for number in range(3):
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
            self._grid.add(pane)
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
        self.crosshair.refresh()

    def make_pane(self, view: ViewerModel) -> Pane:
        """Make the canvas of a further view; keys that are pressed in it are the viewer's."""
        qt_viewer = _SideViewer(view)
        qt_viewer.setAcceptDrops(False)
        qt_viewer.dims.hide()
        return Pane(qt_viewer, self._main.canvas, self._grid)

    def put_at_side(self, pane: Pane | None) -> None:
        """Show a pane to the right of whatever is shown, as wide as that; or nothing any more."""
        self._grid.put_at_side(pane)
        self._arrange()

    def _share_mouse(self) -> None:
        """Let what is bound to dragging in the viewer work in its other planes."""
        own = self._session.viewer.mouse_drag_callbacks
        for pane in self._others[:2]:
            there = pane.view.mouse_drag_callbacks
            there.extend(one for one in own if one not in there and not isinstance(one, WindowDrag))

    def _take(self, pane: Pane) -> None:
        self.cameras.watch(pane)
        pane.reads_scan = lambda: self._session.scan is not None
        pane.entered.connect(self._on_entered)
        pane.scrolled.connect(self.crosshair.scroll)
        pane.view.dims.events.ndisplay.connect(self.crosshair.refresh)
        pane.double_clicked.connect(self._on_double_click)

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
        self.crosshair.follow()

    # -- the cameras --------------------------------------------------------------------------------------------------

    def zoom_by(self, factor: float) -> None:
        """Zoom the active view, and the others with it if they are linked."""
        self._active.zoom_by(factor)

    def reset(self) -> None:
        """Show all of the scan in every view; 3D is seen from the front."""
        self.cameras.fit()
        if self._three is not None and self._is_shown(self._three):
            look_from_the_front(self._three.view)

    def toggle_link(self) -> None:
        """Let the planes zoom and pan together, or each for itself."""
        self.cameras.toggle_link()
        self.bar.refresh()

    def _save_cameras(self, _scan: OpenScan) -> list[Look]:
        """Where each view looks; that of the viewer itself is kept with it."""
        return self.cameras.looks(self._others)

    def _restore_cameras(self, _scan: OpenScan, kept: list[Look] | None) -> None:
        self._on_order()
        self._fresh = kept is None
        if kept is None:
            self.reset()
        else:
            self.cameras.restore(self._others, kept)

    # -- the scan -----------------------------------------------------------------------------------------------------

    def _on_scan(self, _scan: object = None) -> None:
        """Show another scan: four views if there were four the last time; its coarse volume is made meanwhile."""
        scan = self._session.scan
        self.crosshair.refresh()
        self.crosshair.follow()
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
            self._grid.share_width()
            return False
        is_window = watched is getattr(self, "_window", None)
        closes = event.type() == QEvent.Type.Close and not is_window
        leaves = event.type() == QEvent.Type.Hide and is_window and not event.spontaneous()
        if closes or leaves:
            self.close()
        if closes:
            # The viewer may live on, but its window must not for its sake.
            with suppress(ValueError):
                self._session.viewer.mouse_drag_callbacks.remove(self.crosshair.drag)
            self._window.removeEventFilter(self)
            self._main.qt_viewer.removeEventFilter(self)
            self._main.let_go()
            del self._window
        return False

    def close(self) -> None:
        """Close the other views; the viewer's own stays."""
        self._grid.keep_first()
        self.closed.emit()
        self.solid.empty()
        if self._identity is not None:
            self._identity.deleteLater()
        for mirror in self.mirrors:
            mirror.close()
            mirror.deleteLater()
        for pane in self._others:
            self.cameras.forget(pane)
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
