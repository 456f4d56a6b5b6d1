"""The keys of a reading."""

from __future__ import annotations

from collections.abc import Callable

from napari_lesion.plugin.reading_study.reading_session import reading_session
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import LesionError


def _rate(confidence: int) -> Callable[[Session], None]:
    """Rate the place of the crosshair; 0 takes away."""

    def run(session: Session) -> None:
        reading = reading_session(session)
        try:
            if confidence:
                reading.rate(confidence)
            else:
                reading.take_away()
        except LesionError as error:
            reading.status_changed.emit(f"⚠ {sentence(error)}")

    return run


ACTIONS = (
    Action("second reader.1", "Mark or accept here: 1, hardly", "Control-1", _rate(1)),
    Action("second reader.2", "Mark or accept here: 2, doubtful", "Control-2", _rate(2)),
    Action("second reader.3", "Mark or accept here: 3, possible", "Control-3", _rate(3)),
    Action("second reader.4", "Mark or accept here: 4, probable", "Control-4", _rate(4)),
    Action("second reader.5", "Mark or accept here: 5, certain", "Control-5", _rate(5)),
    Action("second reader.0", "Take the mark away, or reject the finding, here", "Control-0", _rate(0)),
)
