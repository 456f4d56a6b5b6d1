"""Buttons of the measuring tools, in the row above the views."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

from napari_lesion.model.drawn import TOOLS, Tool
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.tools.measuring import MeasuringTools, measuring_tools
from napari_lesion.plugin.viewer.tools.measuring_keys import ACTIONS
from napari_lesion.plugin.viewer.tools.shapes import NAMES
from napari_lesion.plugin.viewer.views.bar import Switch
from napari_lesion.plugin.viewer.views.mpr import views

if TYPE_CHECKING:
    from napari.viewer import Viewer

_COLOR = QColor("#8f99a5")
"""Seen on napari's dark ground and on its light one."""
_SIDE = 20
_RATIO = 3
"""Pixels of the picture to one of the button: sharp on any screen."""


def add_to_bar(viewer: Viewer) -> MeasuringTools:
    """Give a viewer the measuring tools, and their buttons."""
    tools, bar = measuring_tools(session_of(viewer)), views(viewer).bar
    by_name = {action.id.partition(".")[2]: action for action in ACTIONS}
    for tool in TOOLS:
        action = by_name[tool]
        hint = f"{tr(action.text)} ({key_name(action.id)})"
        bar.add(Switch(tr(NAMES[tool]), hint, partial(tools.toggle, tool), _is_used(tools, tool), icon(tool)))
    tools.tool_changed.connect(bar.refresh)
    return tools


def _is_used(tools: MeasuringTools, tool: Tool) -> Callable[[], bool]:
    return lambda: tools.tool == tool


def icon(tool: Tool) -> QIcon:
    """Draw the picture of a tool."""
    picture = QPixmap(QSize(_SIDE, _SIDE) * _RATIO)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(_RATIO, _RATIO)
    painter.setPen(QPen(_COLOR, 1.8))
    painter.drawPath(_path(tool))
    painter.end()
    picture.setDevicePixelRatio(_RATIO)
    return QIcon(picture)


def _path(tool: Tool) -> QPainterPath:
    path = QPainterPath()
    if tool == "ellipse":
        path.addEllipse(QRectF(2, 5, 16, 10))
    elif tool == "rectangle":
        path.addRect(QRectF(3, 5, 14, 10))
    else:
        for line in _LINES[tool]:
            path.moveTo(QPointF(*line[0]))
            for point in line[1:]:
                path.lineTo(QPointF(*point))
    if tool == "pin":
        path.addEllipse(QPointF(10, 10), 3.5, 3.5)
    return path


_LINES: dict[Tool, tuple[tuple[tuple[float, float], ...], ...]] = {
    "ruler": (((3, 17), (17, 3)), ((1, 15), (5, 19)), ((15, 1), (19, 5))),
    "angle": (((16, 3), (3, 16), (18, 16)),),
    "arrow": (((17, 3), (4, 16)), ((4, 9), (4, 16), (11, 16))),
    "pin": (((10, 1), (10, 19)), ((1, 10), (19, 10))),
}
