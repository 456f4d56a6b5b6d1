"""The panel "Reading": window, slab and cine by mouse, for who does not know the keys yet."""

from __future__ import annotations

import napari.viewer
import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_lesion.model.display import Window
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.docks import entitle
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.cine import RATES
from napari_lesion.plugin.viewer.tools.keys import reset
from napari_lesion.plugin.viewer.tools.presets import PRESETS
from napari_lesion.plugin.viewer.tools.reading import attach
from napari_lesion.plugin.viewer.tools.slab import MODE_TEXTS, THICKNESSES_MM, Mode, Slab
from napari_lesion.plugin.viewer.tools.windows import in_hu, is_inverted, preset_of, set_window, window_of
from napari_lesion.plugin.viewer.view import unwrapped
from napari_lesion.plugin.widgets.number_boxes import make_room
from napari_lesion.plugin.widgets.parts import check_box, form_of, push_button

_AUTO, _OPENING = "auto", "opening"


class ReadingPanel(QWidget):
    """Shows what the tools of reading are set to, and sets them. It keeps nothing itself."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        entitle(self, tr("Reading"))
        viewer = unwrapped(napari_viewer)
        scan_view(viewer)
        bind(viewer)
        self.tools = tools = attach(viewer)

        form = form_of(
            (tr("Window"), self._window_row()),
            (tr("Width, level"), self._number_row()),
            (tr("Slab"), self._slab_row()),
            (tr("Cine"), self._cine_row()),
            ("", self._last_row()),
        )
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)  # where the panel is narrow
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addStretch(1)

        tools.window_changed.connect(self._show_window)
        tools.slab_changed.connect(self._show_slab)
        tools.names_changed.connect(self._show_names)
        tools.cine.playing_changed.connect(self._show_playing)
        self._show_window()
        self._show_slab()
        self._show_names()
        self._show_playing()

    # -- construction -------------------------------------------------------------------------------------------------

    def _window_row(self) -> QHBoxLayout:
        self.window_box = QComboBox()
        for preset in PRESETS:
            self.window_box.addItem(f"{tr(preset.text)}  ({key_name(f'window.{preset.id}')})", preset.id)
        self.window_box.addItem(tr("Chosen for the slice") + f"  ({key_name('window.auto')})", _AUTO)
        self.window_box.addItem(tr("As it was opened"), _OPENING)
        self.window_box.setPlaceholderText(tr("Own window"))
        self.window_box.setToolTip(
            tr("Window; or drag with the right mouse button: across for width, up and down for level")
        )
        self.window_box.activated.connect(self._on_window_chosen)
        self.invert = push_button(
            tr("Invert"), tr("Swap black and white ({key})", key=key_name("window.invert")), self.tools.invert
        )
        self.invert.setCheckable(True)
        return _row(self.window_box, self.invert)

    def _number_row(self) -> QHBoxLayout:
        self.width_box, self.level_box = _value_box(tr("Width of the window")), _value_box(tr("Level of the window"))
        self.width_box.valueChanged.connect(self._on_numbers)
        self.level_box.valueChanged.connect(self._on_numbers)
        return _row(self.width_box, self.level_box)

    def _slab_row(self) -> QHBoxLayout:
        self.mode_box = QComboBox()
        for mode, text in MODE_TEXTS.items():
            self.mode_box.addItem(tr(text), mode.value)
        self.mode_box.setToolTip(
            tr("Show several slices as one: their maximum, minimum or mean ({key})", key=key_name("slab.mode"))
        )
        self.mode_box.activated.connect(self._on_slab)
        self.thickness_box = _value_box(tr("Thickness of the slab"))
        self.thickness_box.setDecimals(1)
        self.thickness_box.setRange(THICKNESSES_MM[0], THICKNESSES_MM[-1])
        self.thickness_box.setSuffix(" mm")
        make_room(self.thickness_box, f"{THICKNESSES_MM[-1]:.1f} mm")
        self.thickness_box.setToolTip(tr("Thickness of the slab, to the nearest odd number of slices ([ and ])"))
        self.thickness_box.valueChanged.connect(self._on_slab)
        return _row(self.mode_box, self.thickness_box)

    def _cine_row(self) -> QHBoxLayout:
        self.play = QToolButton()
        self.play.setCheckable(True)
        self.play.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.play.setToolTip(
            tr("Run through the slices, round and round, until you scroll ({key})", key=key_name("reading.cine"))
        )
        self.play.clicked.connect(self.tools.cine.toggle)
        self.rate_box = QSpinBox()
        self.rate_box.setAccessibleName(tr("Slices a second"))
        self.rate_box.setRange(*RATES)
        self.rate_box.setSuffix(tr(" slices/s"))
        self.rate_box.setValue(self.tools.cine.rate)
        make_room(self.rate_box, f"{RATES[1]}{self.rate_box.suffix()}")
        self.rate_box.setToolTip(tr("Slices a second; fewer where the computer is too slow for it"))
        self.rate_box.valueChanged.connect(self.tools.set_rate)
        return _row(self.play, self.rate_box)

    def _last_row(self) -> QHBoxLayout:
        self.names = check_box(
            tr("Patient's name"),
            tr(
                "Name, number and day of the study in the corners; hide them for teaching ({key})",
                key=key_name("reading.names"),
            ),
        )
        self.names.toggled.connect(self.tools.set_names)
        self.reset = push_button(
            tr("Reset"),
            tr("Window, slab and zoom as at the beginning ({key})", key=key_name("reading.reset")),
            lambda: reset(self.tools.session),
        )
        return _row(self.names, self.reset)

    # -- what is set --------------------------------------------------------------------------------------------------

    def _on_window_chosen(self) -> None:
        chosen = self.window_box.currentData()
        if chosen == _AUTO:
            self.tools.auto_window()
        elif chosen == _OPENING:
            self.tools.opening_window()
        else:
            self.tools.set_preset(next(preset for preset in PRESETS if preset.id == chosen))
        self._show_window()

    def _on_numbers(self) -> None:
        if self.tools.scan is not None:
            set_window(self.tools.scan, Window(self.level_box.value(), self.width_box.value()))

    def _on_slab(self) -> None:
        mode = Mode(self.mode_box.currentData())
        slab = self.tools.slab
        self.tools.set_slab(Slab(slab.mode, self.thickness_box.value(), slab.last).with_mode(mode))

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _show_window(self) -> None:
        scan = self.tools.scan
        grey = scan is not None and not scan.rgb
        for widget in (
            self.window_box,
            self.invert,
            self.width_box,
            self.level_box,
            self.mode_box,
            self.play,
            self.reset,
        ):
            widget.setEnabled(grey)
        self.thickness_box.setEnabled(grey and self.tools.slab.mode is not Mode.OFF)
        if scan is None or not grey:
            return
        model = self.window_box.model()
        for row in range(len(PRESETS)):
            item = model.item(row)  # type: ignore[attr-defined]
            item.setEnabled(in_hu(scan))
        preset, window = preset_of(scan), window_of(scan)
        with QSignalBlocker(self.window_box):
            self.window_box.setCurrentIndex(-1 if preset is None else self.window_box.findData(preset.id))
        with QSignalBlocker(self.invert):
            self.invert.setChecked(is_inverted(scan))
        whole = np.issubdtype(scan.dtype, np.integer)
        reach = max(map(abs, (*scan.contrast_limits_range, *scan.contrast_limits)))
        least = 1.0 if whole else max(reach, 1e-6) / 1e4
        for box, value in ((self.width_box, window.width), (self.level_box, window.level)):
            with QSignalBlocker(box):
                box.setDecimals(0 if whole and float(value).is_integer() else max(1, int(np.ceil(-np.log10(least)))))
                box.setRange(least if box is self.width_box else -4 * reach, 4 * reach)
                box.setSingleStep(10 if whole else window.width / 20)
                box.setValue(value)

    def _show_slab(self) -> None:
        slab = self.tools.slab
        with QSignalBlocker(self.mode_box), QSignalBlocker(self.thickness_box):
            self.mode_box.setCurrentIndex(self.mode_box.findData(slab.mode.value))
            self.thickness_box.setValue(slab.thickness_mm)
        self.thickness_box.setEnabled(slab.mode is not Mode.OFF)

    def _show_names(self) -> None:
        with QSignalBlocker(self.names):
            self.names.setChecked(self.tools.names)

    def _show_playing(self) -> None:
        playing = self.tools.cine.playing
        with QSignalBlocker(self.play):
            self.play.setChecked(playing)
        self.play.setText(tr("■ Stop") if playing else tr("▶ Play"))


def _value_box(name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setKeyboardTracking(False)
    box.setAccessibleName(name)
    box.setToolTip(name)
    return box


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        row.addWidget(widget, 1)
    return row
