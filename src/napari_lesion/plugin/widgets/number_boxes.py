"""Boxes of numbers that are wide enough for what they say."""

from __future__ import annotations

from qtpy.QtWidgets import QAbstractSpinBox

_BUTTONS = 66
"""Width of both buttons of a box, pixels."""


def make_room(box: QAbstractSpinBox, words: str) -> None:
    """Make a box as wide as the longest words that it says, beside its buttons."""
    needed = box.fontMetrics().horizontalAdvance(words) + _BUTTONS
    # A style of its own: napari's gives all boxes one least width, and a widget's minimum width yields to it.
    box.setStyleSheet(f"min-width: {needed}px")
