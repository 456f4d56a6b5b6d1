"""The overlay with all keys (F1), from the one table of actions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import groupby

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import option, store
from napari_lesion.plugin.texts import LANGUAGES, N_, tr
from napari_lesion.plugin.viewer.actions import Action, actions, key_of

_NAME = "napari-lesion help"
_COLUMNS = 3
_KEY_WIDTH = 84


#: Titles of the groups of actions.
TITLES = {
    "open": N_("Open"),
    "views": N_("Views"),
    "window": N_("Window"),
    "slab": N_("Slab"),
    "reading": N_("Reading"),
    "measuring": N_("Measuring"),
    "findings": N_("Findings"),
    "annotation": N_("Annotation"),
    "cases": N_("Cases"),
    "second reader": N_("Second reader"),
    "help": N_("Help"),
}
_MAC = {"Control": "⌘", "Ctrl": "⌘", "Alt": "⌥"}


def key_text(key: str, *, mac: bool = sys.platform == "darwin") -> str:
    """Write a key of the table as it is printed on the keyboard: ``Control-Shift-Z`` → Ctrl+Shift+Z."""
    names = {
        "Control": tr("Ctrl"),
        "Ctrl": tr("Ctrl"),
        "Shift": tr("Shift"),
        "Alt": tr("Alt"),
        "Space": tr("Space"),
        "PageUp": tr("Page up"),
        "PageDown": tr("Page down"),
        "Home": tr("Home"),
        "End": tr("End"),
        "Delete": tr("Del"),
        "Backspace": tr("Backspace"),
        "Enter": tr("Enter"),
        "Return": tr("Enter"),
        "Escape": tr("Esc"),
        "Up": "↑",
        "Down": "↓",
        "Left": "←",
        "Right": "→",
        **(_MAC if mac else {}),
    }
    # The minus key itself is written "-", and with modifiers "Control--".
    *modifiers, last = [part or "-" for part in key.removesuffix("-").split("-")] if key != "-" else ["-"]
    return "+".join(names.get(part, part) for part in (*modifiers, last))


def key_name(id_: str) -> str:
    """Write the key of an action as it is printed on the keyboard; a dash where it has none."""
    return key_text(key_of(id_)) or "–"


def group_title(group: str) -> str:
    """Name a group of actions."""
    return tr(TITLES.get(group, group.capitalize()))


def grouped(some: Iterable[Action] | None = None) -> list[tuple[str, list[Action]]]:
    """Actions by group, in the order of the table: all that have a key, or those that are given."""
    keyed = [action for action in actions() if action.key] if some is None else list(some)
    order = list(dict.fromkeys(action.group for action in keyed))
    keyed.sort(key=lambda action: order.index(action.group))
    return [(group, list(one)) for group, one in groupby(keyed, key=lambda action: action.group)]


class HelpDialog(QDialog):
    """All keys by group; F1 or Esc closes it.

    Parameters
    ----------
    parent : QWidget, optional
        The main window.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(_NAME)
        self.setWindowTitle(tr("Keys"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        columns = QHBoxLayout()
        columns.setSpacing(24)
        for groups in _balanced(grouped(), _COLUMNS):
            column = QVBoxLayout()
            column.setSpacing(14)
            for group, some in groups:
                column.addWidget(_section(group_title(group), some))
            column.addStretch(1)
            columns.addLayout(column, 1)
        sheet = QWidget()
        sheet.setLayout(columns)
        scroll = QScrollArea()
        scroll.setWidget(sheet)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setAccessibleName(tr("Keys"))

        foot = QHBoxLayout()
        note = QLabel(tr("{key} or Esc closes this page.", key=key_name("help.keys")) + " " + tr(RESEARCH_USE))
        note.setWordWrap(True)
        foot.addWidget(note, 1)
        label = QLabel(tr("Language (after a restart)"))
        self.language = QComboBox()
        self.language.addItem(tr("as the system"), "")
        for code, name in LANGUAGES.items():
            self.language.addItem(name, code)
        self.language.setCurrentIndex(max(self.language.findData(option("language")), 0))
        self.language.activated.connect(lambda: store("language", self.language.currentData()))
        label.setBuddy(self.language)
        foot.addWidget(label)
        foot.addWidget(self.language)

        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addLayout(foot)
        scroll.setFocus()
        if parent is not None:
            room = parent.size()
            self.resize(min(1180, int(room.width() * 0.94)), min(820, int(room.height() * 0.94)))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Close on the key that opened it; Esc is Qt's own."""
        if event.key() == Qt.Key.Key_F1:
            self.close()
        else:
            super().keyPressEvent(event)


def _section(title: str, some: Sequence[Action]) -> QWidget:
    section = QWidget()
    grid = QGridLayout(section)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setVerticalSpacing(3)
    grid.setHorizontalSpacing(10)
    grid.setColumnMinimumWidth(0, _KEY_WIDTH)
    grid.setColumnStretch(1, 1)
    grid.addWidget(QLabel(f"<b>{title}</b>"), 0, 0, 1, 2)
    for row, action in enumerate(some, 1):
        key = QLabel(key_text(action.key))
        key.setStyleSheet("border: 1px solid palette(mid); border-radius: 3px; padding: 1px 5px;")
        grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        what = QLabel(tr(action.text))
        what.setWordWrap(True)
        grid.addWidget(what, row, 1)
    return section


def _balanced(groups: list[tuple[str, list[Action]]], columns: int) -> list[list[tuple[str, list[Action]]]]:
    """Spread groups over columns of about the same length, in their order."""
    total = sum(len(some) + 2 for _, some in groups)
    spread: list[list[tuple[str, list[Action]]]] = [[] for _ in range(columns)]
    done = 0
    for group, some in groups:
        middle = done + (len(some) + 2) / 2
        spread[min(int(middle * columns / max(total, 1)), columns - 1)].append((group, some))
        done += len(some) + 2
    return spread


def toggle_help(session: Session) -> None:
    """Show the keys, or close them."""
    window = session.viewer.window._qt_window  # the only handle that napari gives to its main window
    there = window.findChild(HelpDialog, _NAME)
    if there is not None:
        there.close()
    else:
        HelpDialog(window).show()


ACTIONS = (Action("help.keys", "Show or close this page", "F1", toggle_help),)
