"""Whose scan a view shows that has no tools of reading: the one of 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_lesion.plugin.session.session import Session
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
    session : Session
        Whose scan the view shows.
    parent : QObject
    """

    def __init__(self, model: ViewerModel, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._tools = session, reading_tools(session)
        self.corners = CornerTexts(model)
        self._tools.names_changed.connect(self.update_text)
        session.scan_changed.connect(self.update_text)
        model.canvas.events.size.connect(self.update_text, position="last")  # when the corners know it
        self.update_text()

    def update_text(self, _changed: object = None) -> None:
        """Write it anew."""
        volume, names, small = self._session.volume, self._tools.names, self.corners.small
        if volume is None:
            self.corners.show_identity("", "")
        else:
            self.corners.show_identity(patient_text(volume.series, names, small), study_text(volume, names, small))
