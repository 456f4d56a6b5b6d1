"""The page of settings, made from `settings.OPTIONS` and the table of keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QKeySequenceEdit,
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
from napari_lesion.plugin.key_choice import choose_key, keys_from_next_start, to_napari, to_qt
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import OPTIONS, Option, option, store
from napari_lesion.plugin.texts import LANGUAGES, tr
from napari_lesion.plugin.viewer import hanging
from napari_lesion.plugin.viewer.actions import OWN_KEYS, Action, defaults
from napari_lesion.plugin.viewer.help import group_title, grouped
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


def _at_once(session: Session) -> dict[str, Callable[[Any], None]]:
    """For which settings what is on the screen follows at once, and how."""
    tools = reading_tools(session)
    return {
        "tools/names_shown": tools.set_names,
        "tools/interpolated": tools.set_interpolated,
        "tools/cine_rate": lambda rate: tools.set_rate(int(rate)),
        "views/crosshair": lambda shown: views(session.viewer).crosshair.show(shown),
    }


class SettingsPage(QDialog):
    """Settings by section, each kept as soon as it is changed.

    Parameters
    ----------
    session : Session
    parent : QWidget, optional
        The main window.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._at_once = _at_once(session)
        self.editors: dict[str, QWidget] = {}
        """By the names of the options."""
        self.setObjectName(_NAME)
        self.setWindowTitle(tr("Settings"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        tabs = QTabWidget()
        tabs.addTab(_scrolled(self._options()), tr("Settings"))
        tabs.addTab(self._keys(), tr("Keys"))
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
        button.clicked.connect(lambda: self._choose_folder(one, editor))
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

    def _choose_folder(self, one: Option, line: QLineEdit) -> None:
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

    # -- keys ---------------------------------------------------------------------------------------------------------

    def _keys(self) -> QWidget:
        """Make the page of keys: every action, by group, with its key from the next start on."""
        self.keys: dict[str, QKeySequenceEdit] = {}
        """By the ids of the actions."""
        self._actions = {action.id: action for action in defaults()}
        rows = QWidget()
        form = QFormLayout(rows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(note := QLabel(tr("Click into a field and press the key. It holds after a restart.")))
        note.setWordWrap(True)
        for group, actions in grouped(self._actions.values()):
            form.addRow(QLabel(f"<b>{group_title(group)}</b>"))
            for action in actions:
                self.keys[action.id] = edit = QKeySequenceEdit()
                edit.setMaximumSequenceLength(1)
                edit.setClearButtonEnabled(True)
                edit.setAccessibleName(tr(action.text))
                edit.editingFinished.connect(partial(self._choose_key, action))
                form.addRow(what := QLabel(tr(action.text)), edit)
                what.setWordWrap(True)
        self.key_problem = QLabel()
        self.key_problem.setWordWrap(True)
        self.key_problem.hide()
        self.reset_keys = QPushButton(tr("All keys as at the beginning"))
        self.reset_keys.clicked.connect(self._forget_keys)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(_scrolled(rows), 1)
        column.addWidget(self.key_problem)
        column.addWidget(self.reset_keys)
        self._show_keys()
        return page

    def _show_keys(self) -> None:
        for id_, key in keys_from_next_start().items():
            with QSignalBlocker(self.keys[id_]):
                self.keys[id_].setKeySequence(to_qt(key))

    def _choose_key(self, action: Action) -> None:
        """Keep the key that was pressed, or say why it is not kept."""
        why = choose_key(action, to_napari(self.keys[action.id].keySequence()))
        self.key_problem.setText(f"⚠ {why}" if why else "")
        self.key_problem.setVisible(bool(why))
        self._show_keys()

    def _forget_keys(self) -> None:
        store(OWN_KEYS, {})
        self.key_problem.hide()
        self._show_keys()


def _scrolled(page: QWidget) -> QScrollArea:
    scroll = QScrollArea()
    scroll.setWidget(page)
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    return scroll


def show_settings(session: Session) -> SettingsPage:
    """Show the settings; where they are shown already, bring them to the front."""
    window = session.viewer.window._qt_window  # the only handle that napari gives to its main window
    there = window.findChild(SettingsPage, _NAME)
    page: SettingsPage = there if there is not None else SettingsPage(session, window)
    page.show()
    page.raise_()
    return page


def _open(session: Session) -> None:
    show_settings(session)


ACTIONS = (Action("help.settings", "Settings", "Control-,", _open),)
