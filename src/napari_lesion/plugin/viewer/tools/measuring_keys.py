"""Keys of the measuring tools."""

from __future__ import annotations

from collections.abc import Callable

from napari_lesion.model.drawn import Tool
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.tools.measuring import measuring_tools


def _use(tool: Tool) -> Callable[[Session], None]:
    return lambda session: measuring_tools(session).toggle(tool)


def put_down(session: Session) -> None:
    """Put every tool down, whoever's it is."""
    session.open_scans.take_mouse("")


ACTIONS = (
    Action("measuring.ruler", "Ruler: drag, or click both ends", "Shift-R", _use("ruler")),
    Action("measuring.angle", "Angle: click an end, the vertex, the other end", "Shift-A", _use("angle")),
    Action("measuring.ellipse", "Ellipse: mean, SD, min, max and area", "Shift-C", _use("ellipse")),
    Action("measuring.rectangle", "Rectangle: mean, SD, min, max and area", "Shift-B", _use("rectangle")),
    Action("measuring.arrow", "Arrow with text: from the tip", "Shift-T", _use("arrow")),
    Action("measuring.pin", "Pin that says the value", "Shift-P", _use("pin")),
    Action("measuring.down", "Put the tool down", "Escape", put_down),
)
