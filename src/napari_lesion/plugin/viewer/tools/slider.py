"""What is written beside napari's slider: the image that a scan's slice is, in the place of napari's own index."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from napari._qt.widgets.qt_dims_slider import QtDimSliderWidget
from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QFrame, QLabel

from napari_lesion.plugin.viewer.tools.corners import slice_text

if TYPE_CHECKING:
    from napari._qt.widgets.qt_dims import QtDims

    from napari_lesion.plugin.viewer.tools.reading import ReadingTools

LABEL = "lesion_image"
_MARGIN_PX = 6


class SliderText(QObject):
    """The words beside the sliders of one window, with which it is destroyed.

    napari counts all slices from 0 and from the feet, which is nobody's numbering of images; of two numbers on the
    screen a reader tells a colleague the wrong one. Without a scan napari's own are there.

    Parameters
    ----------
    qt_dims : QtDims
    tools : ReadingTools
        Of the same viewer.
    """

    def __init__(self, qt_dims: QtDims, tools: ReadingTools) -> None:
        super().__init__(qt_dims)
        self._qt_dims, self._tools = qt_dims, ref(tools)
        dims = qt_dims.dims
        # When napari has made the sliders of another number of axes.
        for event in (dims.events.ndim, dims.events.ndisplay, dims.events.order, dims.events.current_step):
            event.connect(self.write, position="last")
        tools.window_changed.connect(self.write)  # also when another scan is read
        self.write()

    @property
    def text(self) -> str:
        """What is to be written; "" where there is no scan."""
        tools = self._tools()
        model = tools.session.viewer if tools is not None else None
        found = tools.scan_in(model) if tools is not None and model is not None else None
        if model is None or found is None or model.dims.ndim != 3:
            return ""
        return slice_text(model, *found, small=True)

    def write(self, _event: object = None) -> None:
        """Write what the slice is."""
        self._hide_replaced()
        text = self.text
        for widget in self._qt_dims.slider_widgets:
            label = widget.findChild(QLabel, LABEL) or _new_label(widget)
            for own in (widget.curslice_label, widget.totslice_label, widget.findChild(QFrame, "slice_label_sep")):
                own.setVisible(not text)
            label.setVisible(bool(text))
            label.setText(text)
            # Wider, never narrower: the slider must not move under the hand while the numbers do.
            label.setMinimumWidth(max(label.minimumWidth(), label.sizeHint().width()) if text else 0)
            widget.slider.setAccessibleName(text)

    def _hide_replaced(self) -> None:
        """Hide the sliders that napari has taken out of its layout, with the words beside them.

        It lets Qt delete them later, which is after a dialog that is open has closed. As long as they are there they
        are painted, and nothing that comes in their place covers them, for its background is transparent.
        """
        direct = Qt.FindChildOption.FindDirectChildrenOnly
        for widget in self._qt_dims.findChildren(QtDimSliderWidget, options=direct):
            if widget not in self._qt_dims.slider_widgets:
                widget.hide()


def _new_label(widget: QtDimSliderWidget) -> QLabel:
    label = QLabel(widget)
    label.setObjectName(LABEL)
    label.setContentsMargins(_MARGIN_PX, 0, _MARGIN_PX, 0)
    layout = widget.layout()
    assert layout is not None  # napari's sliders have one
    layout.addWidget(label)
    return label
