"""Colours behind the words of a report that values were found in."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtGui import QColor, QTextCharFormat, QTextCursor
from qtpy.QtWidgets import QPlainTextEdit, QTextEdit

from napari_lesion.records.findings import Item

_COLOURS = {"nodule": "#7a5c00", "advice": "#0b4f6c", "patient": "#33581f", "report": "#5a2d68"}
"""Behind the words, under light letters."""
_CHOSEN = "#b5541c"


def mark_words(editor: QPlainTextEdit, items: Sequence[Item], chosen: int) -> None:
    """Colour the words of each value, those of the chosen one (-1: none) most, and show these."""
    marks = []
    order = [*(item for row, item in enumerate(items) if row != chosen), *items[chosen : chosen + 1]]
    for item in order if chosen >= 0 else items:
        mark = QTextEdit.ExtraSelection()
        colour = _CHOSEN if chosen >= 0 and item is items[chosen] else _COLOURS[item.about.split()[0]]
        style = QTextCharFormat()
        style.setBackground(QColor(colour))
        style.setForeground(QColor("white"))
        mark.format = style
        mark.cursor = QTextCursor(editor.document())
        mark.cursor.setPosition(_units(editor.toPlainText(), item.start))
        mark.cursor.setPosition(_units(editor.toPlainText(), item.end), QTextCursor.MoveMode.KeepAnchor)
        marks.append(mark)
    editor.setExtraSelections(marks)
    if 0 <= chosen < len(items):
        cursor = QTextCursor(editor.document())
        cursor.setPosition(_units(editor.toPlainText(), items[chosen].start))
        editor.setTextCursor(cursor)
        editor.ensureCursorVisible()


def _units(text: str, letter: int) -> int:
    """Count as Qt does, in units of UTF-16."""
    return len(text[:letter].encode("utf-16-le", "surrogatepass")) // 2
