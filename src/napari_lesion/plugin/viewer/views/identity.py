"""Whose scan a view shows that has no tools of reading: the one of 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_lesion.plugin.session.workstation import Workstation
from napari_lesion.plugin.viewer.tools.corners import CornerTexts, patient_text, study_text
from napari_lesion.plugin.viewer.tools.reading import reading_tools

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Identity(QObject):
    """Writes patient and study into the upper corners of a view, as the other views of the scan do.

    Parameters
    ----------
    model : ViewerModel
        Has a canvas already.
    station : Workstation
        Whose scan the view shows.
    parent : QObject
    """

    def __init__(self, model: ViewerModel, station: Workstation, parent: QObject) -> None:
        super().__init__(parent)
        self._station, self._tools = station, reading_tools(station)
        self.corners = CornerTexts(model)
        self._tools.names_changed.connect(self.say)
        station.scan_changed.connect(self.say)
        model.canvas.events.size.connect(self.say, position="last")  # when the corners know it
        self.say()

    def say(self, _changed: object = None) -> None:
        """Write it anew."""
        volume, names, small = self._station.volume, self._tools.names, self.corners.small
        if volume is None:
            self.corners.say_who("", "")
        else:
            self.corners.say_who(patient_text(volume.series, names, small), study_text(volume, names, small))
