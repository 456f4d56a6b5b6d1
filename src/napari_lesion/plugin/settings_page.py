"""The page of settings, made from `settings.OPTIONS` and the table of keys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.detection.default import default_model, make_default
from napari_lesion.detection.registry import list_models
from napari_lesion.plugin.session.workstation import Workstation
from napari_lesion.plugin.settings import OPTIONS, Option, option, store
from napari_lesion.plugin.texts import LANGUAGES, tr
from napari_lesion.plugin.viewer import hanging
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.help import group_title, grouped, key_text
from napari_lesion.plugin.viewer.tools.presets import PRESETS
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.plugin.widgets.messages import show_info, show_warning
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import LesionError

_NAME = "napari-lesion settings"
_WIDTH, _HEIGHT = 640, 620
_MODEL = "models/default"


def _listed(name: str) -> list[tuple[Any, str]]:
    """List what there is to choose from, where that is not written in the option."""
    if name == "language":
        return [("", tr("as the system")), *LANGUAGES.items()]
    if name == "hanging/window":
        return [(preset.id, tr(preset.text)) for preset in PRESETS]
    if name == _MODEL:
        return [(card.id, f"{card.id} {card.version}") for card in list_models()]
    return []


def _value(one: Option) -> Any:
    return default_model() if one.name == _MODEL else option(one.name)


def _at_once(station: Workstation) -> dict[str, Callable[[Any], None]]:
    """Tell for which settings what is on the screen follows at once, and how."""
    tools = reading_tools(station)
    return {
        "tools/names_shown": tools.set_names,
        "tools/interpolated": tools.set_interpolated,
        "tools/cine_rate": lambda rate: tools.set_rate(int(rate)),
        "views/crosshair": lambda shown: views(station.viewer).show_crosshair(shown),
    }


class SettingsPage(QDialog):
    """Settings by section, each kept as soon as it is changed.

    Parameters
    ----------
    station : Workstation
    parent : QWidget, optional
        The main window.
    """

    def __init__(self, station: Workstation, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._at_once = _at_once(station)
        self.editors: dict[str, QWidget] = {}
        """By the names of the options."""
        self.setObjectName(_NAME)
        self.setWindowTitle(tr("Settings"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        tabs = QTabWidget()
        tabs.addTab(_scrolled(self._options()), tr("Settings"))
        tabs.addTab(_scrolled(_keys()), tr("Keys"))
        layout = QVBoxLayout(self)
        layout.addWidget(tabs)
        room = parent.size() if parent is not None else None
        width, height = (room.width(), room.height()) if room is not None else (_WIDTH, _HEIGHT)
        self.resize(min(_WIDTH, int(width * 0.94)), min(_HEIGHT, int(height * 0.94)))

    def _options(self) -> QWidget:
        page = QWidget()
        form = QFormLayout(page)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        for section, options in groupby(OPTIONS, key=lambda one: one.section):
            form.addRow(QLabel(f"<b>{tr(section)}</b>"))
            for one in options:
                text, hint = tr(one.text), tr(one.help) if one.help else ""
                if one.restart:
                    text = tr("{option} (after a restart)", option=text)
                editor, field = self._editor(one)
                editor.setToolTip(hint)
                editor.setAccessibleName(text)
                self.editors[one.name] = editor
                form.addRow(text, field)
        self.reset = QPushButton(tr("Forget how I read scans of each kind"))
        self.reset.setToolTip(tr("Window, four views and prior of all kinds of scans are as at the beginning again"))
        self.reset.clicked.connect(self._forget)
        form.addRow("", self.reset)
        return page

    def _editor(self, one: Option) -> tuple[QWidget, QWidget]:
        """Make what a setting is changed with, and what goes into its row."""
        make = {
            "switch": self._switch,
            "number": self._number,
            "text": self._text,
            "folder": self._text,
            "choice": self._choice,
        }
        editor = make[one.kind](one)
        if one.kind != "folder" or not isinstance(editor, QLineEdit):
            return editor, editor
        button = QToolButton()
        button.setText("…")
        button.setToolTip(tr("Choose a folder"))
        button.clicked.connect(lambda: self._ask(one, editor))
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(editor, 1)
        layout.addWidget(button)
        return editor, row

    def _switch(self, one: Option) -> QWidget:
        box = QCheckBox()
        box.setChecked(_value(one))
        box.toggled.connect(lambda on: self.keep(one, on))
        return box

    def _number(self, one: Option) -> QWidget:
        box = QDoubleSpinBox()
        box.setDecimals(0 if isinstance(one.default, int) else 2)
        box.setRange(one.low, one.high)
        box.setSingleStep(one.step)
        box.setSuffix(f" {tr(one.unit)}" if one.unit else "")
        box.setSpecialValueText(tr(one.none) if one.none else "")
        box.setKeyboardTracking(False)
        box.setValue(_value(one))
        box.valueChanged.connect(lambda value: self.keep(one, type(one.default)(value)))
        return box

    def _text(self, one: Option) -> QWidget:
        line = QLineEdit(_value(one))
        line.setPlaceholderText(tr(one.none) if one.none else "")
        line.editingFinished.connect(lambda: self.keep(one, line.text().strip()))
        return line

    def _choice(self, one: Option) -> QWidget:
        box = QComboBox()
        try:
            for value, text in (*((value, tr(text)) for value, text in one.choices), *_listed(one.name)):
                box.addItem(text, value)
            box.setCurrentIndex(box.findData(_value(one)))
        except LesionError as error:  # a model that is gone, say
            box.setPlaceholderText(sentence(error))
            box.setCurrentIndex(-1)
        box.activated.connect(lambda: self.keep(one, box.currentData()))
        return box

    def _ask(self, one: Option, line: QLineEdit) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr(one.text), line.text())
        if folder:
            line.setText(folder)
            self.keep(one, folder)

    def keep(self, one: Option, value: Any) -> None:
        """Keep what was chosen; what is on the screen follows where it can."""
        if one.name == _MODEL:
            try:
                make_default(value)
            except LesionError as error:
                show_warning(sentence(error))
            return
        if value != option(one.name):
            store(one.name, value)
            self._at_once.get(one.name, lambda _value: None)(value)

    def _forget(self) -> None:
        hanging.forget()
        show_info(tr("Scans open as they ask themselves again."))


def _scrolled(page: QWidget) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setWidget(page)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    return scroll


def _keys() -> QWidget:
    page = QWidget()
    form = QFormLayout(page)
    for group, actions in grouped():
        form.addRow(QLabel(f"<b>{group_title(group)}</b>"))
        for action in actions:
            what = QLabel(tr(action.text))
            what.setWordWrap(True)
            form.addRow(key_text(action.key), what)
    return page


def show_settings(station: Workstation) -> SettingsPage:
    """Show the settings; where they are shown already, bring them to the front."""
    window = station.viewer.window._qt_window  # the only handle that napari gives to its main window
    there = window.findChild(SettingsPage, _NAME)
    page: SettingsPage = there if there is not None else SettingsPage(station, window)
    page.show()
    page.raise_()
    return page


def _open(station: Workstation) -> None:
    show_settings(station)


ACTIONS = (Action("help.settings", "Settings", "Control-,", _open),)
