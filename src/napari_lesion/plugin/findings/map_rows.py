"""Which maps are shown, and how they look, by mouse."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QSlider, QWidget

from napari_lesion.plugin.findings.map_layers import MapLayers
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.widgets.parts import check_box

_PERCENT = 100


class MapRows(QWidget):
    """Shows what the maps of a viewer are set to, and sets them."""

    def __init__(self, maps: MapLayers) -> None:
        super().__init__()
        self._maps = maps
        self.heatmap = check_box(
            tr("Heatmap ({key})", key=key_name("findings.heatmap")), tr("Where the model is suspicious")
        )
        self.explanation = check_box(
            tr("Explanation ({key})", key=key_name("findings.explanation")),
            tr("What the model looked at: ask with the button Why?"),
        )
        self.opacity, self.cut = QSlider(Qt.Orientation.Horizontal), QSlider(Qt.Orientation.Horizontal)
        for slider, value, tip in (
            (self.opacity, maps.opacity, tr("Opacity of the maps")),
            (self.cut, maps.threshold, tr("Below this share of its range a map is transparent")),
        ):
            slider.setRange(0, _PERCENT)
            slider.setValue(round(value * _PERCENT))
            slider.setToolTip(tip)
            slider.setAccessibleName(tip)
            slider.valueChanged.connect(self.take_look)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.addWidget(self.heatmap, 0, 0)
        grid.addWidget(QLabel(tr("Opacity")), 0, 1)
        grid.addWidget(self.opacity, 0, 2)
        grid.addWidget(self.explanation, 1, 0)
        grid.addWidget(QLabel(tr("From")), 1, 1)
        grid.addWidget(self.cut, 1, 2)
        grid.setColumnStretch(2, 1)
        self.heatmap.clicked.connect(maps.toggle_heatmap)
        self.explanation.clicked.connect(maps.toggle_explanations)

    def refresh(self, _event: object = None) -> None:
        """Show which maps there are, and which can be seen."""
        heatmap, made = self._maps.heatmap, self._maps.of_kind("explanation")
        for box, layers in ((self.heatmap, [heatmap] if heatmap is not None else []), (self.explanation, made)):
            box.setEnabled(bool(layers))
            box.setChecked(any(layer.visible for layer in layers))

    def take_look(self, _value: int = 0) -> None:
        """Let the maps look as is set."""
        self._maps.set_look(self.opacity.value() / _PERCENT, self.cut.value() / _PERCENT)
