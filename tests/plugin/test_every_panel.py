"""What holds for every panel: small enough for a laptop, and usable without a mouse, by ear and without colours."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from qtpy.QtCore import Qt
from qtpy.QtGui import QAccessible
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QWidget,
)

from napari_lesion.plugin.viewer import layers

MANIFEST = yaml.safe_load((Path(__file__).resolve().parents[2] / "napari.yaml").read_text(encoding="utf-8"))
PANELS = [widget["display_name"] for widget in MANIFEST["contributions"]["widgets"]]
#: Height of the dock area on a screen of 768 lines, below menu and title and above the status bar.
LAPTOP_HEIGHT = 680
LAPTOP_WIDTH = 420
_INPUTS = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)

_BUILT = (QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit)


def spoken_name(widget) -> str:
    """What a screen reader says for a widget."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface is not None else ""


def inputs(panel: QWidget) -> list[QWidget]:
    """Widgets that take input, without those that Qt builds others from."""

    def is_part(widget: QWidget) -> bool:
        parent = widget.parent()
        while parent is not None and parent is not panel:
            if isinstance(parent, _BUILT):
                return True
            parent = parent.parent()
        return False

    found = [widget for widget in panel.findChildren(QWidget) if isinstance(widget, _INPUTS) and not is_part(widget)]
    return [widget for widget in found if not isinstance(widget, QScrollBar)]


@pytest.fixture
def panels(make_napari_viewer, scan, qtbot) -> dict[str, QWidget]:
    viewer = make_napari_viewer()
    data, attributes, _ = layers.scan_layer(scan)
    viewer.add_image(data, **attributes)
    made = {name: viewer.window.add_plugin_dock_widget("napari-lesion", name)[1] for name in PANELS}
    devices = made["Detect lesions"]._devices_task
    qtbot.waitUntil(lambda: not devices.running, timeout=120_000)
    return made


def test_panels_that_need_much_room_share_one_place(make_napari_viewer, qtbot) -> None:
    viewer = make_napari_viewer(show=True)
    docks = [viewer.window.add_plugin_dock_widget("napari-lesion", name)[0] for name in ("Annotate", "Second reader")]
    main = viewer.window._qt_window
    qtbot.waitUntil(lambda: docks[0] in main.tabifiedDockWidgets(docks[1]))


def test_panels_fit_a_laptop_and_can_be_used_by_keyboard_and_by_ear(panels: dict[str, QWidget]) -> None:
    problems = []
    for name, panel in panels.items():
        least = panel.minimumSizeHint().expandedTo(panel.minimumSize())
        if least.height() > LAPTOP_HEIGHT or least.width() > LAPTOP_WIDTH:
            problems.append(f"{name}: needs {least.width()} × {least.height()} pixels at least")
        found = inputs(panel)
        assert found
        for widget in found:
            what = f"{name}: {type(widget).__name__} {spoken_name(widget)!r} {widget.toolTip()!r}"
            if not spoken_name(widget).strip("… "):
                problems.append(f"{what} has no name that a screen reader can say")
            if widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
                problems.append(f"{what} is not reached by the keyboard")
    assert not problems, "\n".join(problems)
