"""Small parts that panels are put together from, and what shows that something runs."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QToolButton,
    QWidget,
)

from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.task import step_text


def push_button(text: str, tip: str = "", clicked: Callable[..., object] | None = None) -> QPushButton:
    """Make a button."""
    button = QPushButton(text)
    button.setToolTip(tip)
    if clicked is not None:
        button.clicked.connect(clicked)
    return button


def tool_button(text: str, tip: str, clicked: Callable[..., object] | None = None) -> QToolButton:
    """Make a small button, whose text may be a sign."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    if clicked is not None:
        button.clicked.connect(clicked)
    return button


def check_box(text: str, tip: str = "") -> QCheckBox:
    """Make a box to tick."""
    box = QCheckBox(text)
    box.setToolTip(tip)
    return box


def combo_box(tip: str) -> QComboBox:
    """Make a list to choose from."""
    combo = QComboBox()
    narrow(combo, tip)
    return combo


def narrow(combo: QComboBox, tip: str) -> None:
    """Let a list to choose from be narrower than its longest entry, and say what it is."""
    combo.setToolTip(tip)
    combo.setAccessibleName(tip)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)


def text_label(text: str = "") -> QLabel:
    """Make a label for a text of several lines that can be copied."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def remark(text: str) -> QLabel:
    """Make a label for a remark, which stands back."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setEnabled(False)
    return label


def show_text(label: QLabel, text: str) -> None:
    """Show a text, or hide its label where there is none."""
    label.setText(text)
    label.setVisible(bool(text))


def form_of(*rows: tuple[str, QWidget | QLayout]) -> QFormLayout:
    """Lay out fields, each with its name before it, as wide as there is room."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for name, field in rows:
        form.addRow(name, field)
    return form


def in_a_row(*widgets: QWidget, first: int = 0) -> QHBoxLayout:
    """Lay out widgets in one row: they share its width, or the first one takes what the others leave (``first=1``)."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    for number, widget in enumerate(widgets):
        row.addWidget(widget, first if number == 0 else 0)
    return row


def thin_bar(name: str) -> QProgressBar:
    """Make a bar that shows how far something is, without words."""
    bar = QProgressBar()
    bar.setTextVisible(False)
    bar.setFixedHeight(8)
    bar.setAccessibleName(name)
    return bar


def is_sure(parent: QWidget | None, title: str, question: str, *, enter: bool = False) -> bool:
    """Ask what is answered by Yes or No; who only presses Enter says No, or Yes where ``enter`` is true."""
    box = QMessageBox.StandardButton
    answer = QMessageBox.question(parent, title, question, box.Yes | box.No, box.Yes if enter else box.No)
    return bool(answer == box.Yes)


class RunControls:
    """What shows that something runs on a thread, and stops it: whoever has these lays them out.

    Parameters
    ----------
    name : str
        What the bar shows, for screen readers.
    cancel : callable
        Asks what runs to stop at its next step.
    tip : str
        What the button stops.

    Attributes
    ----------
    cancel_button, bar
        They are there while something runs.
    status : QLabel
        Is there while it says something.
    """

    def __init__(self, name: str, cancel: Callable[..., object], tip: str = "") -> None:
        self.cancel_button = push_button(tr("Cancel"), tip, cancel)
        self.bar = thin_bar(name)
        self.status = text_label()
        for widget in (self.cancel_button, self.bar, self.status):
            widget.hide()

    def show_running(self, running: bool) -> None:
        """Show whether something runs."""
        self.cancel_button.setVisible(running)
        self.bar.setVisible(running)

    def begin(self, text: str) -> None:
        """Show that something has begun, and that nobody knows yet how long it takes."""
        self.bar.setRange(0, 0)
        self.show_status(text)

    def advance(self, done: int, total: int) -> None:
        """Show how far it is."""
        self.bar.setRange(0, total)
        self.bar.setValue(done)

    def show_status(self, text: str) -> None:
        """Show something, or nothing any more."""
        show_text(self.status, text)

    def show_step(self, what: str) -> None:
        """Show which step it is at, unless it is stopping."""
        if not self.stopping:
            step = step_text(what)
            self.show_status(f"{step[:1].upper()}{step[1:]}…")

    @property
    def stopping(self) -> bool:
        """Whether it has been asked to stop, and has not yet."""
        return not self.cancel_button.isEnabled()

    def stop(self) -> None:
        """Show that it stops after the step that it is at."""
        self.cancel_button.setEnabled(False)
        self.show_status(tr("Stopping after this step…"))

    def end(self, text: str) -> None:
        """Show what became of it; the next run can be stopped again."""
        self.cancel_button.setEnabled(True)
        self.show_status(text)
