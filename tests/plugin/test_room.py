"""The whole workstation in one step."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget

from napari_lesion.plugin.findings.detect_panel import DetectPanel
from napari_lesion.plugin.texts import use_language
from napari_lesion.plugin.viewer import layout as room


def test_the_browser_is_left_and_the_findings_are_right_of_the_picture(make_napari_viewer, qtbot) -> None:
    viewer = make_napari_viewer(show=True)
    main = viewer.window._qt_window
    room.arrange(viewer)
    docks = {dock.windowTitle() or dock.name: dock for dock in main.findChildren(type(main._qt_viewer.dockLayerList))}
    place = {
        name: main.dockWidgetArea(next(dock for title, dock in docks.items() if title.startswith(name)))
        for name in (*room.LEFT, *room.RIGHT)
    }
    assert place == {
        "Series browser": Qt.DockWidgetArea.LeftDockWidgetArea,
        "Reading": Qt.DockWidgetArea.LeftDockWidgetArea,
        "Detect lesions": Qt.DockWidgetArea.RightDockWidgetArea,
        "Finding": Qt.DockWidgetArea.RightDockWidgetArea,
        "Follow-up": Qt.DockWidgetArea.RightDockWidgetArea,
    }
    detect, card, _ = (next(dock for title, dock in docks.items() if title.startswith(name)) for name in room.RIGHT)
    qtbot.waitUntil(lambda: card in main.tabifiedDockWidgets(detect) and not detect.visibleRegion().isEmpty())
    browser = next(dock for title, dock in docks.items() if title.startswith("Series browser"))
    qtbot.waitUntil(lambda: not browser.visibleRegion().isEmpty(), timeout=3000)
    room.arrange(viewer)
    (panel,) = main.findChildren(DetectPanel)
    qtbot.waitUntil(lambda: not panel._devices_task.running, timeout=60_000)
    assert len(main.findChildren(type(browser))) == len(docks), "a second time nothing is doubled"


def test_tabs_are_named_in_the_language_of_the_user(make_napari_viewer) -> None:
    viewer = make_napari_viewer()
    use_language("de")
    try:
        room.arrange(viewer)
    finally:
        use_language("en")
    titles = {dock.windowTitle() for dock in viewer.window._qt_window.findChildren(QDockWidget)}
    assert {"Serienbrowser", "Befundung", "Läsionen suchen", "Befund", "Verlauf"} <= titles


def test_a_path_that_is_not_there_is_said_before_a_window_opens(monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["napari-lesion-viewer", "/no/such/folder"])
    with pytest.raises(SystemExit, match="/no/such/folder does not exist"):
        room.main()
