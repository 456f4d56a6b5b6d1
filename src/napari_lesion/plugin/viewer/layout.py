"""The whole workstation in one step: ``napari-lesion-viewer [PATH]``, or "Workstation" in napari's menus."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject, QRect, QSize, Qt, QTimer
from qtpy.QtWidgets import QDialog, QDockWidget, QLabel, QToolButton, QVBoxLayout, QWidget

from napari_lesion.plugin.layout.rail import Rail
from napari_lesion.plugin.layout.side_panel import DEIDENTIFY, PACS, WORKLIST, SidePanel
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import setting, store
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.browser_panel import PLUGIN, BrowserPanel
from napari_lesion.plugin.viewer.help import key_name, toggle_help
from napari_lesion.plugin.viewer.reader import worth
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.view import unwrapped
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.plugin.widgets.messages import MessageLine, show_warning, use_line
from napari_lesion.report.folders import is_results

if TYPE_CHECKING:
    from napari.viewer import Viewer

    from napari_lesion.dicom.index.series import Series

RAIL, WORK = N_("Thumbnails"), N_("Steps")
"""Names of the docks left and right of the picture."""
SIDE_WIDTH = 336
"""Of the panel right of the picture, pixels: at 1600 pixels the picture has more than 70 % of the width beside it."""
_WIDTH, _GEOMETRY, _ADVANCED = "layout/side_width", "layout/window", "layout/advanced"


class Layout(QObject):
    """The workstation in one window. Get it with `arrange`."""

    def __init__(self, viewer: Viewer) -> None:
        self._window = viewer.window._qt_window  # napari's only handle to its window: docks are moved there
        super().__init__(self._window)
        self._viewer = viewer
        scan_view(viewer)
        self._views = views(viewer)
        self._session = session_of(viewer)
        self.browser = BrowserPanel(viewer)
        self.browser_dialog = _dialog(self.browser, self._window)
        self.rail = Rail(self._session, self.browser)
        self.side = SidePanel(viewer)
        self._sources = {WORKLIST: self.rail.worklist, PACS: self.rail.pacs, DEIDENTIFY: self.rail.deidentify}
        self.line = MessageLine()
        self.advanced_button, self.keys_button = _flat(tr("Advanced")), _flat(tr("Keys"))
        self._hide_docks()
        self._add_line()
        self.rail_dock = self._add_dock(self.rail, RAIL, "left")
        self.side_dock = self._add_dock(self.side, WORK, "right")
        own = viewer.window._qt_viewer
        # The rail stays where it is when napari's docks come beside it.
        self._window.splitDockWidget(self.rail_dock, own.dockLayerControls, Qt.Orientation.Horizontal)
        self._window.splitDockWidget(own.dockLayerControls, own.dockLayerList, Qt.Orientation.Vertical)
        self.side.setMinimumWidth(SIDE_WIDTH - 16)
        self._invite()
        self._connect()
        self.set_advanced(setting(_ADVANCED, False))
        width = setting(_WIDTH, SIDE_WIDTH)
        self._window.resizeDocks([self.side_dock], [width], Qt.Orientation.Horizontal)
        self._opens = self._filled = False
        """Whether a scan is on its way to the screen, and whether the panel right of it has its first step."""
        own.canvas.events.draw.connect(self._on_drawn, position="last")
        own.installEventFilter(self)

    # -- construction -------------------------------------------------------------------------------------------------

    def _hide_docks(self) -> None:
        """Put single panels away that were opened before: the workstation has what is in them."""
        for dock in self._window.findChildren(QDockWidget):
            inner = dock.widget()
            if inner is not None and type(inner).__module__.startswith("napari_lesion.plugin."):
                dock.hide()

    def _add_dock(self, widget: QWidget, name: str, area: str) -> QDockWidget:
        dock: QDockWidget = self._viewer.window.add_dock_widget(
            widget, name=tr(name), area=area, allowed_areas=[area], add_vertical_stretch=False
        )
        dock.setTitleBarWidget(QWidget(dock))  # a title would only repeat what is seen
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        return dock

    def _add_line(self) -> None:
        self.advanced_button.setCheckable(True)
        self.advanced_button.setToolTip(tr("Show napari's layers, controls, console and messages, or hide them"))
        self.keys_button.setToolTip(tr("All keys ({key})", key=key_name("help.keys")))
        for button in (self.keys_button, self.advanced_button):
            self.line.row.addWidget(button)
        self._views.column.addWidget(self.line)
        use_line(unwrapped(self._viewer), self.line)

    def _invite(self) -> None:
        canvas = self._viewer.window._qt_viewer.canvas.native
        self._viewer.window._qt_viewer.show_welcome_screen = False  # it speaks of napari's own keys
        self.invitation = QLabel(
            tr("Drop a folder, a zip or a DICOMDIR here,\nor press Browse… to look for studies."), canvas
        )
        self.invitation.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.invitation.setWordWrap(True)
        self.invitation.setStyleSheet("color: #c8d2dc; background: transparent; font-size: 15px;")
        self.invitation.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._canvas: QWidget | None = canvas
        canvas.installEventFilter(self)
        self._viewer.canvas.background_color_override = "black"
        self._show_invitation()

    def _connect(self) -> None:
        self.rail.browse.clicked.connect(self.browse)
        for page, button in self._sources.items():
            button.clicked.connect(lambda on, one=page: self.side.enter(one) if on else self.side.leave())
        self.side.turned.connect(self._mark_source)
        self.browser.raised.connect(self.browser_dialog.hide)
        self.browser.status_changed.connect(self.line.state)
        self.advanced_button.clicked.connect(self.set_advanced)
        self.keys_button.clicked.connect(lambda: toggle_help(self._session))
        self._viewer.layers.events.inserted.connect(self._show_invitation)
        self._viewer.layers.events.removed.connect(self._show_invitation)

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _on_drawn(self, _event: object) -> None:
        """Go on when the picture is on the screen, or the screen without one where none is on its way."""
        if not self._filled and (self._viewer.layers or not self._opens):
            QTimer.singleShot(0, self, self._fill)

    def _fill(self) -> None:
        """Make the first step of the panel. With it comes all that searches, and torch on a thread."""
        self._filled = True
        if not self.side.steps.step:
            self.side.steps.go_to("find")

    def _mark_source(self, page: str) -> None:
        for one, button in self._sources.items():
            button.setChecked(one == page)

    def _show_invitation(self, _event: object = None) -> None:
        if self._canvas is not None:
            self.invitation.resize(self._canvas.size())
            self.invitation.setVisible(not self._viewer.layers)

    def set_advanced(self, advanced: bool) -> None:
        """Show what is napari's own, or hide it; remembered."""
        own = self._viewer.window._qt_viewer
        self.advanced_button.setChecked(advanced)
        self.line.advanced = advanced
        for dock in (own.dockLayerControls, own.dockLayerList):
            dock.setVisible(advanced)
        if not advanced:
            own.dockConsole.hide()
        self._window.statusBar().setVisible(advanced)
        store(_ADVANCED, advanced)

    def browse(self) -> None:
        """Show the table of all studies and series."""
        room = self._window.size()
        self.browser_dialog.resize(QSize(720, 640).boundedTo(room * 0.9))
        self.browser_dialog.show()
        self.browser_dialog.raise_()

    # -- opening ------------------------------------------------------------------------------------------------------

    def expect_scan(self) -> None:
        """Have the panel right of the picture wait for the picture of a scan that is about to be opened."""
        self._opens = True

    def open(self, path: Path) -> None:
        """Look through a path, and open the largest CT volume in it; results and objects open on their scan."""
        if is_results(path) or _is_object(path):
            self._opens = False
            self._viewer.open(path, plugin=PLUGIN)
            return
        self.expect_scan()
        self.browser.searched.connect(self._open_best)
        self.browser.look_through([path])

    def _open_best(self) -> None:
        self.browser.searched.disconnect(self._open_best)
        found: tuple[Series, ...] = self.browser.series
        try:
            if found:
                self.browser.open_series(max(found, key=worth))
            elif self.browser.status.text():
                show_warning(self.browser.status.text())
        finally:
            self._opens = False
            self._viewer.window._qt_viewer.canvas.native.update()

    # -- the window ---------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Show the window as it was left, or else maximised; also where no window manager does that."""
        window = self._window
        room = window.screen().availableGeometry()
        left: list[int] = setting(_GEOMETRY, [])
        rect = QRect(*left) if len(left) == 4 and all(isinstance(value, int) for value in left) else None
        self._viewer.window.show()
        if rect is not None and room.intersects(rect):
            window.setGeometry(rect)
        else:
            window.setGeometry(room)
            window.setWindowState(Qt.WindowState.WindowMaximized)
        self._window.resizeDocks([self.side_dock], [setting(_WIDTH, SIDE_WIDTH)], Qt.Orientation.Horizontal)

    def remember(self) -> None:
        """Keep the layout for the next start."""
        window, room = self._window, self._window.screen().availableGeometry()
        whole = window.isMaximized() or window.isFullScreen() or window.size() == room.size()
        rect = window.geometry()
        store(_GEOMETRY, [] if whole else [rect.x(), rect.y(), rect.width(), rect.height()])
        if self.side_dock.isVisible():
            store(_WIDTH, self.side_dock.width())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Remember the layout when the window closes; keep the invitation in the middle."""
        if event.type() == QEvent.Type.Resize and watched is self._canvas:
            self._show_invitation()
        elif event.type() == QEvent.Type.Close and watched is not self._canvas:
            self.remember()
            self._let_go(watched)
        return False

    def _let_go(self, own: QObject) -> None:
        """Hold nothing of the window, which closes: whoever still holds the layout must not hold it."""
        self._viewer.window._qt_viewer.canvas.events.draw.disconnect(self._on_drawn)
        self.browser.close_search()
        own.removeEventFilter(self)
        if self._canvas is not None:
            self._canvas.removeEventFilter(self)
        self._canvas = None
        del self._window


def _dialog(browser: BrowserPanel, parent: QWidget) -> QDialog:
    dialog = QDialog(parent)
    dialog.setWindowTitle(tr("Series browser"))
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(6, 6, 6, 6)
    layout.addWidget(browser)
    return dialog


def _flat(text: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _is_object(path: Path) -> bool:
    """Whether a file is a DICOM object that opens on its scan."""
    if not path.is_file():
        return False
    from napari_lesion.plugin.viewer.dicom_objects import is_object  # with the codes of DICOM: half a second

    return is_object(path)


def arrange(viewer: Viewer) -> Layout:
    """Lay a viewer out as a workstation (once)."""
    viewer = unwrapped(viewer)
    there: Layout | None = viewer.window._qt_window.findChild(Layout)
    return there if there is not None else Layout(viewer)


def main() -> None:
    """Start napari as a workstation, with the scans of a path in it where one is given."""
    import napari

    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        sys.exit(tr("usage: napari-lesion-viewer [FOLDER, ZIP OR FILE]"))
    if len(sys.argv) == 2 and not Path(sys.argv[1]).exists():
        sys.exit(tr("{path} does not exist.", path=sys.argv[1]))
    viewer = napari.Viewer(title="napari-lesion", show=False, show_welcome_screen=False)
    layout = arrange(viewer)
    if len(sys.argv) == 2:
        layout.expect_scan()
    layout.show()
    if len(sys.argv) == 2:
        path = Path(sys.argv[1])
        QTimer.singleShot(0, layout, lambda: layout.open(path))
    napari.run()
