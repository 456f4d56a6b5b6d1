"""What is known of the patient: from the scan's header, from a file, or typed; part of the review."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_lesion.assessment.patient.clinical import load_clinical, merged_patient, patient_of
from napari_lesion.assessment.patient.fields import PATIENT_FIELDS
from napari_lesion.model.assessed import Patient, SourcedValue
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import reader_name
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.fields import FieldsForm
from napari_lesion.plugin.widgets.messages import show_info, show_warning
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.review import edits
from napari_lesion.support.errors import ConfigError, LesionError


class PatientForm(QWidget):
    """Shows and changes what is known of the patient whose scan is read."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.form = FieldsForm(PATIENT_FIELDS)
        self.file_button = QPushButton(tr("From a file…"))
        self.file_button.setToolTip(tr("Take what a table (CSV) or FHIR resources (JSON) say of this patient"))
        self.header_button = QPushButton(tr("From the header"))
        self.header_button.setToolTip(tr("Take age and sex from the header of the scan, where they are unknown"))
        buttons = QHBoxLayout()
        buttons.addWidget(self.file_button)
        buttons.addWidget(self.header_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.form)
        layout.addLayout(buttons)
        self.form.given.connect(self._on_given)
        self.file_button.clicked.connect(self._choose_file)
        self.header_button.clicked.connect(self._take_header)
        session.review_changed.connect(self.follow)
        session.scan_changed.connect(self.follow)
        # What is being typed is taken while its scan is still on the screen.
        session.open_scans.leaving.connect(self._on_leaving)
        self.follow()

    def _on_leaving(self, _scan: object) -> None:
        self.form.finish()

    def follow(self, _changed: object = None) -> None:
        """Show what is known now."""
        volume = self._session.volume
        self.setEnabled(volume is not None)
        patient = self.patient
        self.form.show_values({name: getattr(patient, name) for name in Patient.model_fields})
        said = patient_of(volume.series) if volume is not None else Patient()
        self.header_button.setEnabled(merged_patient(patient, said) != patient)

    @property
    def patient(self) -> Patient:
        """What is known now; before anything is in the review, what the header of the scan says."""
        review, volume = self._session.review, self._session.volume
        if review is not None:
            return review.patient
        return patient_of(volume.series) if volume is not None else Patient()

    def _on_given(self, name: str, value: object) -> None:
        detail = f"typed by {reader_name()}"
        given = None if value is None else SourcedValue(value=value, source="entered", detail=detail)
        # Through the model, which makes of it what the field is.
        self._write(Patient.model_validate({**self.patient.model_dump(), name: given.model_dump() if given else None}))

    def _take_header(self) -> None:
        volume = self._session.volume
        if volume is not None:
            self._write(merged_patient(self.patient, patient_of(volume.series)))

    def _choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, tr("Clinical data"), "", tr("Tables and FHIR") + " (*.csv *.json *.ndjson)"
        )
        if path:
            self.load(Path(path))

    def load(self, path: Path) -> None:
        """Take what a file says of the patient; what is in it, or why nothing was taken, is said."""
        volume = self._session.volume
        if volume is None:
            return
        series = volume.series
        try:
            clinical = load_clinical(path)
            said = clinical.of(series.patient_id, series.study_date)
            if said is None:
                raise ConfigError(
                    f"{path}: says nothing of the patient whose scan this is. Is the identifier "
                    "there written as in the scan's header?"
                )
        except LesionError as error:
            show_warning(sentence(error))
            return
        known = sum(getattr(said, name) is not None for name in Patient.model_fields)
        self._write(merged_patient(said, self.patient))
        text = tr("{count} entries were taken from {file}.", count=known, file=path.name)
        show_info("\n".join((text, *clinical.problems_of(series.patient_id))))

    def _write(self, patient: Patient) -> None:
        try:
            self._session.change(lambda review, by: edits.describe(review, patient, by))
        except LesionError as error:
            show_warning(sentence(error))
        self.follow()
