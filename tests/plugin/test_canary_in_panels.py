"""The canary patient is open in napari with every panel: what of them is on the screen, in titles and in settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from leak_canary import FOLDER, parts_in, write_scan
from leak_case import allowed, logged
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtWidgets import QAbstractItemView, QApplication, QDockWidget, QListView, QWidget

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.plugin.settings import store
from napari_lesion.plugin.viewer import layers

MANIFEST = yaml.safe_load((Path(__file__).resolve().parents[2] / "napari.yaml").read_text(encoding="utf-8"))
PANELS = [widget["display_name"] for widget in MANIFEST["contributions"]["widgets"]]
_TEXTS = ("windowTitle", "toolTip", "statusTip", "text", "title", "placeholderText", "accessibleName", "currentText")
_ROLES = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.EditRole)


def texts(top: QWidget) -> list[str]:
    """All that a widget and those in it say, to the eye and to a screen reader."""
    said: list[str] = []
    for widget in (top, *top.findChildren(QWidget)):
        for name in _TEXTS:
            value = getattr(widget, name, None)
            if callable(value):
                try:
                    said.append(str(value()))
                except TypeError:  # a text of one of its items
                    continue
        if isinstance(widget, QAbstractItemView) and widget.model() is not None:
            said += _items(widget, QModelIndex())
    return said


def _items(view: QAbstractItemView, parent: QModelIndex, depth: int = 0) -> list[str]:
    model, said = view.model(), []
    for row in range(model.rowCount(parent)):
        # PySide keeps the columns of a list's model to itself: there is one.
        for column in range(1 if isinstance(view, QListView) else model.columnCount(parent)):
            index = model.index(row, column, parent)
            said += [str(model.data(index, role)) for role in _ROLES]
        if depth < 4:
            said += _items(view, model.index(row, 0, parent), depth + 1)
    return said


def test_the_patient_is_on_the_screen_only_where_the_table_says(
    make_napari_viewer, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / FOLDER
    write_scan(folder / "ct")
    volume = read_series(find_series(folder / "ct")[0])
    store("tools/names_shown", False)
    QApplication.clipboard().setText("nothing")
    with logged() as logs:
        viewer = make_napari_viewer()
        data, attributes, _ = layers.scan_layer(volume)
        viewer.add_image(data, **attributes)
        made = {name: viewer.window.add_plugin_dock_widget("napari-lesion", name) for name in PANELS}
        devices = made["Detect lesions"][1]._devices_task
        qtbot.waitUntil(lambda: not devices.running, timeout=120_000)
        window = viewer.window._qt_window
        found = {name: parts_in(*texts(panel)) for name, (_, panel) in made.items()}
    found["titles of windows and docks"] = parts_in(
        window.windowTitle(), *(dock.windowTitle() for dock in window.findChildren(QDockWidget))
    )
    found["names of layers"] = parts_in(*(layer.name for layer in viewer.layers), *map(repr, viewer.layers))
    found["clipboard"] = parts_in(QApplication.clipboard().text())
    found["settings"] = parts_in(Path(os.environ["NAPARI_LESION_SETTINGS"]))
    lines = [line for line in logs.getvalue().splitlines() if parts_in(line)]
    assert lines == []
    table = allowed()
    wrong = {
        name: sorted(parts)
        for name, parts in found.items()
        if not parts - {"uid"} <= table.get(f"napari: {name}", frozenset())
    }
    assert wrong == {}


def test_every_panel_is_in_the_table_or_shows_nothing() -> None:
    rows = {place.partition(": ")[2] for place in allowed() if place.startswith("napari: ")}
    others = {"titles of windows and docks", "names of layers", "clipboard", "settings"}
    assert rows <= {*PANELS, *others}
