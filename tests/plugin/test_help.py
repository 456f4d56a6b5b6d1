"""The help: every key of the table, on the screen and in the documents."""

from __future__ import annotations

import pytest
from project_scripts import script
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_lesion.plugin.settings import setting
from napari_lesion.plugin.viewer.actions import actions, bind
from napari_lesion.plugin.viewer.help import TITLES, HelpDialog, key_text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("A", "A"),
        ("Control-Shift-Z", "Ctrl+Shift+Z"),
        ("-", "-"),
        ("Control--", "Ctrl+-"),
        ("PageDown", "Page down"),
        ("[", "["),
        ("Alt-1", "Alt+1"),
    ],
)
def test_keys_are_written_as_on_the_keyboard(qapp, key: str, text: str) -> None:
    assert key_text(key, mac=False) == text


def test_f1_shows_every_key_and_what_it_does_and_f1_or_esc_closes_it(make_napari_viewer, qtbot) -> None:
    viewer = make_napari_viewer(show=True)
    bind(viewer)
    window = viewer.window._qt_window
    canvas = viewer.window._qt_viewer.canvas.native

    def shown() -> HelpDialog | None:
        return window.findChild(HelpDialog)

    for closes in (Qt.Key.Key_F1, Qt.Key.Key_Escape):
        qtbot.keyClick(canvas, Qt.Key.Key_F1)
        qtbot.waitUntil(lambda: shown() is not None)
        dialog = shown()
        assert dialog.size().height() <= window.size().height()
        texts = [label.text() for label in dialog.findChildren(QLabel)]
        for action in actions():
            if action.key:
                assert key_text(action.key) in texts
                assert action.text in texts
        qtbot.keyClick(dialog, closes)
        qtbot.waitUntil(lambda: shown() is None)


def test_the_language_is_chosen_in_the_help_and_kept(qtbot) -> None:
    dialog = HelpDialog()
    qtbot.addWidget(dialog)
    assert dialog.language.currentData() == ""
    dialog.language.setCurrentIndex(dialog.language.findData("de"))
    dialog.language.activated.emit(dialog.language.currentIndex())
    assert setting("language", "") == "de"


def test_every_group_of_keys_has_a_title() -> None:
    assert {action.group for action in actions()} <= set(TITLES)


def test_the_page_of_keys_is_up_to_date(qapp) -> None:
    page = script("write_keys")
    assert page.PAGE.read_text(encoding="utf-8") == page.keys_page(), "run scripts/write_keys.py"
