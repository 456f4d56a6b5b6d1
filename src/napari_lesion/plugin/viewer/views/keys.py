"""Keys of the views."""

from __future__ import annotations

from collections.abc import Callable

from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.views.mpr import Views, views
from napari_lesion.plugin.viewer.views.pane import ZOOM_STEP

PAGE = 10
"""Slices that a page key goes on by."""


def _run(do: Callable[[Views], None]) -> Callable[[Session], None]:
    return lambda session: do(views(session.viewer))


def _scroll(slices: int) -> Callable[[Session], None]:
    return _run(lambda shown: shown.crosshair.scroll(shown.active, slices))


#: V and the space bar do the same, but while one paints, napari's layers keep the space bar for panning.
ACTIONS = (
    Action("views.four_up", "Four views, or the one under the mouse alone", "V", _run(Views.toggle)),
    Action("views.zoom_to_finding", "Zoom to the finding", "F", _run(lambda shown: shown.cameras.zoom_to_finding())),
    Action("views.reset", "Show all of the scan", "Home", _run(Views.reset)),
    Action("views.zoom_in", "Zoom in", "+", _run(lambda shown: shown.zoom_by(ZOOM_STEP))),
    Action("views.zoom_out", "Zoom out", "-", _run(lambda shown: shown.zoom_by(1 / ZOOM_STEP))),
    Action("views.next", "Next slice", "Down", _scroll(1)),
    Action("views.previous", "Previous slice", "Up", _scroll(-1)),
    Action("views.page_on", "Ten slices on", "PageDown", _scroll(PAGE)),
    Action("views.page_back", "Ten slices back", "PageUp", _scroll(-PAGE)),
    Action("views.link", "Zoom and pan all views together, or each for itself", "", _run(Views.toggle_link)),
    Action("views.crosshair", "Show or hide the crosshair", "", _run(lambda shown: shown.crosshair.toggle())),
)
