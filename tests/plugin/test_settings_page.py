"""The page of settings: all that there is to set, kept at once, and followed by what is on the screen."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QCheckBox, QComboBox, QDoubleSpinBox, QFileDialog, QLabel, QLineEdit

from napari_lesion.model.volume import Volume
from napari_lesion.plugin.key_choice import to_napari, to_qt
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import LPS, OPTIONS, option, reader_name, setting
from napari_lesion.plugin.settings_page import SettingsPage, show_settings
from napari_lesion.plugin.viewer import hanging, layers
from napari_lesion.plugin.viewer.actions import actions, bind, keys_at_start
from napari_lesion.plugin.viewer.help import HelpDialog, key_name, toggle_help
from napari_lesion.plugin.viewer.tools.cursor import place_text
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.views.mpr import views


@pytest.fixture
def page(viewer: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> SettingsPage:
    monkeypatch.setenv("NAPARI_LESION_MODELS", str(tmp_path / "home"))
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    found = viewer.window._qt_window.findChildren(SettingsPage)
    assert len(found) == 1, "Ctrl+, opens it"
    assert show_settings(session_of(viewer)) is found[0], "once"
    return found[0]


def test_every_option_is_there_and_shows_what_holds(page: SettingsPage) -> None:
    assert list(page.editors) == [one.name for one in OPTIONS]
    for one in OPTIONS:
        editor = page.editors[one.name]
        if isinstance(editor, QCheckBox):
            assert editor.isChecked() is option(one.name)
        elif isinstance(editor, QDoubleSpinBox):
            assert editor.value() == pytest.approx(option(one.name))
        elif isinstance(editor, QLineEdit):
            assert editor.text() == option(one.name)
        else:
            assert isinstance(editor, QComboBox)
            assert editor.currentIndex() >= 0
            assert editor.count() > 1
    shown = {id_: to_napari(edit.keySequence()) for id_, edit in page.keys.items()}
    every = {action.id: action.key for action in actions()}
    assert {id_: key.replace("Ctrl-", "Control-") for id_, key in every.items()} == shown, "and every key"


def test_what_is_changed_holds_at_once_and_next_time(
    page: SettingsPage, viewer: Any, scan: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    session = session_of(viewer)
    tools = reading_tools(session)
    for name in ("tools/names_shown", "tools/interpolated", "views/crosshair"):
        page.editors[name].toggle()
        assert setting(name, True) is False
    assert not tools.names
    assert str(session.scan.interpolation2d) == "nearest"
    assert not views(viewer).panes[0].marks.lines_shown
    page.editors["tools/cine_rate"].setValue(20)
    assert tools.cine.rate == 20
    assert setting("tools/cine_rate", 0) == 20

    name = page.editors["review/reader"]
    name.setText(" Dr. Curie ")
    name.editingFinished.emit()
    assert reader_name() == "Dr. Curie"

    places = page.editors["tools/places"]
    place = (-45.0, 12.3, -270.0)
    assert place_text(place, scan) == "R 45.0  P 12.3  F 270.0 mm"
    places.setCurrentIndex(places.findData(LPS))
    places.activated.emit(places.currentIndex())
    assert place_text(place, scan) == "LPS −45, 12.3, −270 mm"

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    page._choose_folder(next(one for one in OPTIONS if one.name == "report/folder"), page.editors["report/folder"])
    assert setting("report/folder", "") == str(tmp_path)

    hanging.remember(session.scan, window="bone")
    page.reset.click()
    assert hanging.hanging_of(session.scan) == hanging.Hanging()


def test_the_button_above_the_views_opens_it(viewer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("NAPARI_LESION_MODELS", str(tmp_path / "home"))
    (button,) = [one for one in views(viewer).bar.findChildren(QAbstractButton) if one.text() == "Settings"]
    button.click()
    assert len(viewer.window._qt_window.findChildren(SettingsPage)) == 1


def choose(page: SettingsPage, id_: str, key: str) -> None:
    """Press a key in the field of an action, and leave the field."""
    page.keys[id_].setKeySequence(to_qt(key))
    page.keys[id_].editingFinished.emit()


@pytest.fixture
def restart() -> Any:
    """What a start of the program does to the keys; after the test there are those of the table again."""
    yield keys_at_start.cache_clear
    keys_at_start.cache_clear()


def test_keys_that_the_user_chooses_hold_from_the_next_start_on_and_are_shown_everywhere(
    page: SettingsPage, make_napari_viewer: Any, scan: Volume, restart: Any, qtbot: Any
) -> None:
    choose(page, "window.invert", "Control-Shift-J")
    assert page.key_problem.isHidden()
    assert key_name("window.invert") == "I", "what is bound and what is said are of one time"
    restart()
    assert key_name("window.invert") == "Ctrl+Shift+J"
    other = make_napari_viewer(show=True)
    data, attributes, _ = layers.scan_layer(scan)
    layer = other.add_image(data, **attributes)
    tools = reading_tools(session_of(other))
    bind(other)
    canvas, before = other.window._qt_viewer.canvas.native, layer.colormap.name
    qtbot.keyClick(canvas, Qt.Key.Key_I)
    assert layer.colormap.name == before
    qtbot.keyClick(canvas, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert layer.colormap.name != before
    assert tools.scan is layer
    toggle_help(session_of(other))
    said = {label.text() for label in other.window._qt_window.findChild(HelpDialog).findChildren(QLabel)}
    assert "Ctrl+Shift+J" in said
    _, panel = other.window.add_plugin_dock_widget("napari-lesion", "Reading")
    assert "(Ctrl+Shift+J)" in panel.invert.toolTip()


@pytest.mark.parametrize(
    ("key", "why"), [("N", "N is taken by “Next finding”"), ("Control-O", "Ctrl+O is taken by napari's menu")]
)
def test_a_key_that_is_taken_is_refused_with_a_sentence(page: SettingsPage, key: str, why: str) -> None:
    choose(page, "window.invert", key)
    assert not page.key_problem.isHidden()
    assert why in page.key_problem.text()
    assert page.keys["window.invert"].keySequence() == to_qt("I"), "nothing was changed"
    choose(page, "findings.next", "")
    if key == "N":
        choose(page, "window.invert", "N")
        assert page.key_problem.isHidden(), "it is free now"
    page.reset_keys.click()
    assert page.keys["window.invert"].keySequence() == to_qt("I")
    assert page.keys["findings.next"].keySequence() == to_qt("N")


@pytest.mark.parametrize("key", ["A", "Shift-A", "Control-Shift-Z", "PageDown", "Delete", "+", "-", "[", "F5", "Enter"])
def test_a_key_is_the_same_after_its_way_through_the_field(key: str) -> None:
    assert to_napari(to_qt(key)) == key
