"""What is said of workitems: how they are asked for, scheduled, and what became of them (PS3.4, table CC.2.5-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydicom.dataset import Dataset

from napari_lesion.pacs.records import Instance, text
from napari_lesion.support.errors import PacsError
from napari_lesion.support.uids import is_uid

PRIORITIES = ("HIGH", "MEDIUM", "LOW")
_EMPTY_SEQUENCES = (
    "ScheduledProcessingParametersSequence",
    "ScheduledStationNameCodeSequence",
    "ScheduledStationClassCodeSequence",
    "ScheduledStationGeographicLocationCodeSequence",
    "ReferencedRequestSequence",
    "ProcedureStepProgressInformationSequence",
    "UnifiedProcedureStepPerformedProcedureSequence",
)
_EMPTY = (
    "TransactionUID",
    "PatientBirthDate",
    "PatientSex",
    "AdmissionID",
    "AdmittingDiagnosesDescription",
    "CommentsOnTheScheduledProcedureStep",
)


@dataclass(frozen=True)
class Workitem:
    """A unified procedure step; texts are as they came, to be shown by way of `support.plain`.

    Attributes
    ----------
    uid : str
    state : str
        SCHEDULED, IN PROGRESS, COMPLETED or CANCELED.
    priority : str
        HIGH, MEDIUM or LOW.
    start : str
        When it is scheduled for, as DICOM writes it.
    study_uids : tuple of str
        Studies that it is to be done with.
    """

    uid: str
    state: str
    label: str
    priority: str
    start: str
    patient_id: str
    patient_name: str
    study_uids: tuple[str, ...]


@dataclass(frozen=True)
class Scheduled:
    """Work to be scheduled: the studies of a patient, and what is to be done with them.

    Attributes
    ----------
    label : str
        Procedure Step Label: by which who does it knows it.
    priority : str
        Of `PRIORITIES`.
    """

    label: str
    study_uids: tuple[str, ...]
    patient_id: str
    patient_name: str = ""
    priority: str = "MEDIUM"

    def data_set(self) -> Dataset:
        """Give what a workitem is made of, all that the standard asks for."""
        one = Dataset()
        one.SpecificCharacterSet = "ISO_IR 192"
        for keyword in _EMPTY:
            setattr(one, keyword, "")
        for keyword in _EMPTY_SEQUENCES:
            setattr(one, keyword, [])
        one.PatientID, one.PatientName = self.patient_id, self.patient_name
        one.ProcedureStepState, one.ProcedureStepLabel = "SCHEDULED", self.label
        one.WorklistLabel = self.label
        one.ScheduledProcedureStepPriority = self.priority
        one.ScheduledProcedureStepStartDateTime = _now()
        one.ScheduledWorkitemCodeSequence = [code("110004", "DCM", "Computer Aided Detection")]
        one.InputReadinessState = "READY"
        one.InputInformationSequence = []
        for uid in self.study_uids:
            study = Dataset()
            study.TypeOfInstances, study.StudyInstanceUID = "DICOM", uid
            one.InputInformationSequence.append(study)
        return one


def query(label: str) -> Dataset:
    """Make the keys of a search for what is scheduled, with a label or any."""
    asked = Dataset()
    asked.SpecificCharacterSet = "ISO_IR 192"
    for keyword in (
        "SOPInstanceUID",
        "PatientID",
        "PatientName",
        "ScheduledProcedureStepPriority",
        "ScheduledProcedureStepStartDateTime",
    ):
        setattr(asked, keyword, "")
    asked.ProcedureStepState, asked.ProcedureStepLabel = "SCHEDULED", label
    asked.InputInformationSequence = [Dataset()]
    return asked


def workitem_of(answer: Dataset, where: str, asked_for: str = "") -> Workitem:
    """Read a workitem.

    Parameters
    ----------
    answer : Dataset
    where : str
        Name of the worklist, for the sentence if it is none.
    asked_for : str
        UID by which it was asked for; without that it must say its own.

    Raises
    ------
    PacsError
        If it does not say which one it is, or is another one.
    """
    uid = text(answer, "SOPInstanceUID") or asked_for
    if asked_for and uid != asked_for:
        raise PacsError(f"{where}: answered with another workitem than was asked for.")
    if not is_uid(uid):
        raise PacsError(f"{where}: lists a workitem without a SOPInstanceUID.")
    studies = [text(one, "StudyInstanceUID") for one in answer.get("InputInformationSequence") or ()]
    return Workitem(
        uid=uid,
        state=text(answer, "ProcedureStepState"),
        label=text(answer, "ProcedureStepLabel"),
        priority=text(answer, "ScheduledProcedureStepPriority"),
        start=text(answer, "ScheduledProcedureStepStartDateTime"),
        patient_id=text(answer, "PatientID"),
        patient_name=text(answer, "PatientName"),
        study_uids=tuple(dict.fromkeys(one for one in studies if is_uid(one))),
    )


def performed(station: str, results: Sequence[Instance]) -> Dataset:
    """Describe what was done (PS3.4, table CC.2.5-3: what a step that is completed must have)."""
    now = _now()
    done, update = Dataset(), Dataset()
    done.PerformedStationNameCodeSequence = [code(station, "99NAPARILESION", station)]
    done.PerformedWorkitemCodeSequence = [code("110004", "DCM", "Computer Aided Detection")]
    done.PerformedProcedureStepStartDateTime = done.PerformedProcedureStepEndDateTime = now
    done.OutputInformationSequence = []
    for study_uid, series_uid in dict.fromkeys((one.study_uid, one.series_uid) for one in results):
        item = Dataset()
        item.TypeOfInstances = "DICOM"
        item.StudyInstanceUID, item.SeriesInstanceUID = study_uid, series_uid
        item.ReferencedSOPSequence = [_reference(one) for one in results if one.series_uid == series_uid]
        done.OutputInformationSequence.append(item)
    update.UnifiedProcedureStepPerformedProcedureSequence = [done]
    return update


def _reference(one: Instance) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.sop_class_uid, one.sop_uid
    return item


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Make a coded entry."""
    one = Dataset()
    one.CodeValue, one.CodingSchemeDesignator, one.CodeMeaning = value, scheme, meaning
    return one


def _now() -> str:
    return f"{datetime.now(UTC):%Y%m%d%H%M%S}+0000"
