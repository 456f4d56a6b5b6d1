"""What is scheduled: the modality worklist of a RIS or PACS (C-FIND, PS3.4 K)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pydicom import uid as uids
from pydicom.dataset import Dataset

from napari_lesion.pacs.association import Offer, answers_of, associated
from napari_lesion.pacs.nodes import Local, Node
from napari_lesion.pacs.records import is_date, text
from napari_lesion.security.audit import Action, record
from napari_lesion.support.errors import ConfigError, PacsError

_FIND = "1.2.840.10008.5.1.4.31"
MOST_STEPS = 500
_PLAIN = (str(uids.ExplicitVRLittleEndian), str(uids.ImplicitVRLittleEndian))
_KEYS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyInstanceUID",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "RequestedProcedurePriority",
)
_STEP_KEYS = (
    "ScheduledStationAETitle",
    "ScheduledProcedureStepStartDate",
    "ScheduledProcedureStepStartTime",
    "Modality",
    "ScheduledProcedureStepDescription",
    "ScheduledProcedureStepID",
)


@dataclass(frozen=True)
class Scheduled:
    """A procedure step that is scheduled; texts are as they came, to be shown by way of `support.plain`.

    Attributes
    ----------
    study_uid : str
        That the images will have; empty where none is given yet.
    date, time : str
        YYYYMMDD, HHMMSS.
    station : str
        AE title of the scanner.
    priority : str
        Of the requested procedure: STAT, HIGH, ROUTINE, MEDIUM, LOW, or empty.
    """

    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    accession: str
    study_uid: str
    date: str
    time: str
    modality: str
    station: str
    description: str
    priority: str


def scheduled(
    name: str,
    node: Node,
    local: Local,
    *,
    day: str = "",
    modality: str = "",
    station: str = "",
    patient_id: str = "",
    most: int = MOST_STEPS,
) -> list[Scheduled]:
    """List what is scheduled, the earliest first; one more than ``most`` where there are more.

    Parameters
    ----------
    name : str
        Of the node, for sentences.
    node : Node
        Reached by DIMSE.
    local : Local
    day : str
        YYYYMMDD; by default today.
    modality, station, patient_id : str
        Empty: any.

    Raises
    ------
    PacsError
        If it cannot be asked, or refuses.
    ConfigError
        If the day is none, or it is not reached by DIMSE.
    """
    record(Action.QUERY, patient_id=patient_id, detail=f"{name}: modality worklist")
    if node.host is None:
        raise ConfigError(f"The archive {name!r} has no ae_title, host and port, which a modality worklist needs.")
    day = day or f"{date.today():%Y%m%d}"
    if not is_date(day):
        raise ConfigError(f"{day!r} is no date; dates are written as 20260131.")
    with associated(local, node, [Offer(_FIND, _PLAIN)], where=name) as association:
        found = answers_of(association, _query(day, modality, station, patient_id), _FIND, where=name, most=most + 1)
    steps = [_scheduled(answer) for answer in found]
    kept = [
        # Once more: some servers leave keys out of account that they do not know.
        one
        for one in steps
        if one.date in ("", day)
        and modality in ("", one.modality)
        and station in ("", one.station)
        and patient_id in ("", one.patient_id)
    ]
    return sorted(kept, key=lambda one: (one.date, one.time, one.accession))


def _query(day: str, modality: str, station: str, patient_id: str) -> Dataset:
    asked, step = Dataset(), Dataset()
    asked.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _KEYS:
        setattr(asked, keyword, "")
    for keyword in _STEP_KEYS:
        setattr(step, keyword, "")
    asked.PatientID = patient_id
    step.ScheduledProcedureStepStartDate, step.Modality, step.ScheduledStationAETitle = day, modality, station
    asked.ScheduledProcedureStepSequence = [step]
    return asked


def _scheduled(answer: Dataset) -> Scheduled:
    steps = answer.get("ScheduledProcedureStepSequence")
    if not steps:
        raise PacsError("The worklist lists something without a scheduled procedure step.")
    step = steps[0]
    return Scheduled(
        patient_id=text(answer, "PatientID"),
        patient_name=text(answer, "PatientName"),
        birth_date=text(answer, "PatientBirthDate"),
        sex=text(answer, "PatientSex"),
        accession=text(answer, "AccessionNumber"),
        study_uid=text(answer, "StudyInstanceUID"),
        date=text(step, "ScheduledProcedureStepStartDate"),
        time=text(step, "ScheduledProcedureStepStartTime"),
        modality=text(step, "Modality"),
        station=text(step, "ScheduledStationAETitle"),
        description=text(answer, "RequestedProcedureDescription") or text(step, "ScheduledProcedureStepDescription"),
        priority=text(answer, "RequestedProcedurePriority"),
    )
