"""What the guidelines ask of the patient, in one line that folds out to the whole form."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

from napari_lesion.plugin.findings.patient_form import PatientForm
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.sections import Section

_FORM_HEIGHT = 220


class PatientLine(Section):
    """Age, smoking, and whether it is screening, as a title; the form with all fields below it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("", "", open_=False, parent=parent)
        self._session = session
        self.form = PatientForm(session)
        scroll = QScrollArea()
        scroll.setWidget(self.form)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedHeight(_FORM_HEIGHT)
        self.rows.setContentsMargins(0, 0, 0, 4)  # three columns, and words as long as German has them
        self.rows.addWidget(scroll)
        self.button.setToolTip(tr("What the guidelines ask of the patient; click to see and change it"))
        session.review_changed.connect(self.follow)
        session.scan_changed.connect(self.follow)
        self.follow()

    def follow(self, _changed: object = None) -> None:
        """Show what is known now."""
        self.setEnabled(self._session.volume is not None)
        self.set_title(self.text())

    def text(self) -> str:
        """Describe what is known, and what is not, in a few words."""
        if self._session.volume is None:
            return tr("Patient")
        patient = self.form.patient
        age, smoking, context = patient.age_years, patient.smoking, patient.context
        smokes = {"never": tr("never smoked"), "former": tr("former smoker"), "current": tr("smoker")}
        why = {"screening": tr("screening"), "incidental": tr("not screening")}
        parts = (
            tr("{age} years", age=f"{age.value:.0f}") if age is not None else tr("age ?"),
            smokes[smoking.value] if smoking is not None else tr("smoking ?"),
            why[context.value] if context is not None else tr("screening ?"),
        )
        sign = "⚠ " if None in (age, smoking, context) else ""
        return sign + " · ".join(parts)
