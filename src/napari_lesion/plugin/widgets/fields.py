"""A form of things to say of a patient or of a finding: each may be unknown, and shows where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QSizePolicy, QWidget

from napari_lesion.assessment.patient.fields import Field, Value
from napari_lesion.model.assessed import SourcedValue
from napari_lesion.plugin.texts import N_, tr

SOURCES = {
    "measured": N_("measured"),
    "estimated": N_("estimated"),
    "entered": N_("entered"),
    "DICOM": N_("DICOM"),
    "assumed": N_("assumed"),
}
"""Where values come from, in words."""


_ARROW = 54
"""Pixels of an editor that its words cannot have: an arrow, and the margins."""


class FieldsForm(QWidget):
    """One row a field: its label, what is said, and the source.

    Parameters
    ----------
    fields : sequence of Field
    """

    given = Signal(str, object)
    """Name of a field, and the value that was entered: None where it is unknown."""

    def __init__(self, fields: Sequence[Field], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editors: dict[str, _Number | _Choice] = {}
        self.sources: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(3)
        grid.setColumnStretch(1, 1)
        for row, field in enumerate(fields):
            label, editor, source = QLabel(tr(field.label)), _editor(field), QLabel()
            label.setWordWrap(True)
            label.setToolTip(tr(field.help))
            label.setBuddy(editor)
            editor.setToolTip(tr(field.help))
            editor.setAccessibleName(tr(field.label))
            editor.entered.connect(partial(self.given.emit, field.name))
            source.setStyleSheet("font-size: 11px;")  # a remark beside the value, in a narrow panel
            source.ensurePolished()
            source.setMinimumWidth(source.fontMetrics().horizontalAdvance(tr("DICOM")) + 2)
            # Less than Qt asks for: a panel may be narrow.
            editor.setMinimumWidth(editor.fontMetrics().horizontalAdvance(tr("unknown")) + _ARROW)
            grid.addWidget(label, row, 0)
            grid.addWidget(editor, row, 1)
            grid.addWidget(source, row, 2)
            self.editors[field.name], self.sources[field.name] = editor, source

    def show_values(self, values: Mapping[str, SourcedValue[Any] | None]) -> None:
        """Show what is known, with its sources; nothing is emitted."""
        for name, editor in self.editors.items():
            given, source = values.get(name), self.sources[name]
            with QSignalBlocker(editor):
                editor.show_value(given.value if given is not None else None)
            source.setText(tr(SOURCES[given.source]) if given is not None else "")
            source.setToolTip(given.detail if given is not None else "")

    def finish(self) -> None:
        """Take what is being typed, as if the reader had left the field."""
        for editor in self.editors.values():
            if isinstance(editor, _Number) and editor.hasFocus():
                editor.interpretText()
                editor.clearFocus()


class _Number(QDoubleSpinBox):
    entered = Signal(object)

    def __init__(self, field: Field) -> None:
        super().__init__()
        self._unknown = field.low - 1
        self.setDecimals(1)
        self.setRange(self._unknown, field.high)
        self.setSpecialValueText(tr("unknown"))
        self.setSuffix(f" {tr(field.unit)}" if field.unit else "")
        # Typed, never stepped through; what napari's style keeps for two buttons is room for the words.
        self.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.setStyleSheet(f"padding: 1px 4px; min-width: {self.fontMetrics().horizontalAdvance(tr('unknown'))}px")
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_value(None)
        self.valueChanged.connect(lambda value: self.entered.emit(None if value < field.low else value))

    def show_value(self, value: Value | None) -> None:
        self.setValue(self._unknown if value is None else float(value))

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's
        """Write whole numbers without a decimal."""
        return f"{value:.1f}".removesuffix(".0")

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's
        """Let the panel scroll: nobody changes a patient's age by passing over it."""
        event.ignore()


class _Choice(QComboBox):
    entered = Signal(object)

    def __init__(self, values: Sequence[tuple[Value, str]]) -> None:
        super().__init__()
        self.addItem(tr("unknown"), None)
        for value, text in values:
            self.addItem(text, value)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.activated.connect(lambda _index: self.entered.emit(self.currentData()))

    def show_value(self, value: Value | None) -> None:
        self.setCurrentIndex(max(self.findData(value), 0))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's
        """Let the panel scroll."""
        event.ignore()


def _editor(field: Field) -> _Number | _Choice:
    if field.kind == "number":
        return _Number(field)
    if field.kind == "choice":
        return _Choice([(value, tr(label)) for value, label in field.values])
    return _Choice([(True, tr("yes")), (False, tr("no"))])
