"""The whole workstation in one step: ``napari-lesion-viewer [PATH]``, or "Workstation" in napari's menus."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer

from napari_lesion.plugin.texts import later, tr

if TYPE_CHECKING:
    from napari.viewer import Viewer

PLUGIN = "napari-lesion"
#: Panels by their names in the manifest: left of the picture from the top down, and right of it.
LEFT = (later("Series browser"), later("Reading"))
RIGHT = (later("Detect lesions"), later("Finding"), later("Follow-up"))
_WIDTHS = (300, 420)
_HEIGHTS = (600, 190)


def arrange(viewer: Viewer) -> None:
    """Open the panels of a reader around a viewer; those that are open already are moved.

    The series browser comes to the left, over napari's layers (as tabs) and windowing; findings and the card of the
    chosen one to the right, as tabs.
    """
    window = viewer.window
    main = window._qt_window  # napari's only handle to its window: docks are moved and tabbed there
    docks = {name: window.add_plugin_dock_widget(PLUGIN, name)[0] for name in (*LEFT, *RIGHT)}
    for name, dock in docks.items():
        # napari adds the name of the plugin, and tabs have no room for it.
        dock.setWindowTitle(tr(name))
    for name in LEFT:
        main.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks[name])
    browser = docks[LEFT[0]]
    own = main._qt_viewer
    for dock in (own.dockLayerControls, own.dockLayerList):
        main.tabifyDockWidget(browser, dock)
    for name in RIGHT[1:]:
        main.tabifyDockWidget(docks[RIGHT[0]], docks[name])
    main.resizeDocks([browser, docks[RIGHT[0]]], list(_WIDTHS), Qt.Orientation.Horizontal)
    # Whatever windowing does not need is for the series.
    main.resizeDocks([docks[name] for name in LEFT], list(_HEIGHTS), Qt.Orientation.Vertical)
    # The tab that was added last is in front once the window is laid out.
    for first in (browser, docks[RIGHT[0]]):
        QTimer.singleShot(0, first, first.raise_)


def main() -> None:
    """Start napari as a workstation, with the scans of a path in the browser where one is given."""
    import napari

    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        sys.exit(tr("usage: napari-lesion-viewer [FOLDER, ZIP OR FILE]"))
    if len(sys.argv) == 2 and not Path(sys.argv[1]).exists():
        sys.exit(tr("{path} does not exist.", path=sys.argv[1]))
    viewer = napari.Viewer(title="napari-lesion")
    arrange(viewer)
    if len(sys.argv) == 2:
        viewer.open(sys.argv[1], plugin=PLUGIN)
    napari.run()
