"""The panel "Finding": the card of the finding that the reader is at, the patient, and the reports of the scan."""

from __future__ import annotations

import napari.viewer
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QLabel

from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.plugin.findings.exports import Exports
from napari_lesion.plugin.findings.finding_card import FindingCard
from napari_lesion.plugin.findings.patient_form import PatientForm
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.docks import entitle, share_place
from napari_lesion.plugin.widgets.sections import Section


class FindingPanel(FindingCard):
    """Dock widget; one a viewer."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer)
        share_place(self)
        entitle(self, tr("Finding"))
        self.setMinimumWidth(390)

    def _build(self) -> None:
        super()._build()
        self.patient = PatientForm(self._station)
        self.patient_section = Section("patient", tr("Patient"), open_=False)
        self.patient_section.rows.addWidget(self.patient)
        self.exports = Exports(self._station)
        self.report_section = Section("report", tr("Report of the scan"))
        self.report_section.rows.addWidget(self.exports)
        use = QLabel(tr(RESEARCH_USE))
        use.setWordWrap(True)
        use.setEnabled(False)
        stretch = self.column.count() - 1
        for place, widget in enumerate((self.patient_section, self.report_section, use), stretch):
            self.column.insertWidget(place, widget)

    def event(self, event: QEvent) -> bool:
        """Stop writing reports when napari takes the panel out of its window; hiding it does not."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.exports.cancel()
        return super().event(event)
