"""Work that is scheduled for us: unified procedure steps, by DIMSE or DICOMweb (UPS, PS3.4 CC; IHE AI Workflow).

A workitem goes from SCHEDULED to IN PROGRESS by who claims it, with a transaction UID that only they know, and ends as
COMPLETED, with what it gave, or CANCELED.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydicom import uid as uids
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from napari_lesion.pacs import engines
from napari_lesion.pacs.association import Offer, answers_of, associated, checked, failure
from napari_lesion.pacs.dicomweb import WebArchive
from napari_lesion.pacs.nodes import Local, Node
from napari_lesion.pacs.records import Instance, text
from napari_lesion.support.errors import ConfigError, PacsError
from napari_lesion.support.uids import is_uid

_PUSH, _PULL = "1.2.840.10008.5.1.4.34.6.1", "1.2.840.10008.5.1.4.34.6.3"
_CHANGE_STATE = 1
_PLAIN = (str(uids.ExplicitVRLittleEndian), str(uids.ImplicitVRLittleEndian))
MOST_ITEMS = 500

State = Literal["IN PROGRESS", "COMPLETED", "CANCELED"]


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


class Workitems:
    """The worklist of a node.

    Parameters
    ----------
    name : str
        For sentences.
    node : Node
    local : Local
    way : {"dimse", "dicomweb"}, optional
        By default as the node prefers.

    Raises
    ------
    ConfigError
        If it is not reached so.
    """

    def __init__(self, name: str, node: Node, local: Local, way: str | None = None) -> None:
        self.name, self._node, self._local = name, node, local
        self._web = (way or node.way) == "dicomweb"
        if (self._web and node.dicomweb is None) or (not self._web and node.host is None):
            raise ConfigError(f"The node {name!r} is not reached by {'DICOMweb' if self._web else 'DIMSE'}.")

    def scheduled(self, label: str = "") -> list[Workitem]:
        """List what nobody has claimed yet, what is urgent first.

        Parameters
        ----------
        label : str
            Of the procedure step; empty: any.
        """
        answers = self._search(_asked(label))
        found = [_workitem(answer, self.name) for answer in answers]
        ranks = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}
        kept = [one for one in found if one.state == "SCHEDULED" and label in ("", one.label)]
        return sorted(kept, key=lambda one: (ranks.get(one.priority, 1), one.start, one.uid))

    def claim(self, uid: str) -> str:
        """Take a workitem; give the transaction UID, by which it can be ended.

        Raises
        ------
        PacsError
            If somebody else has it, or it is refused.
        """
        transaction = str(generate_uid(prefix=None))
        self._change(uid, "IN PROGRESS", transaction)
        return transaction

    def complete(self, uid: str, transaction: str, results: Sequence[Instance]) -> None:
        """End a workitem that was claimed, with what it gave.

        Parameters
        ----------
        uid, transaction : str
        results : sequence of Instance
            That an archive has confirmed.
        """
        self._update(uid, transaction, _performed(self._local.ae_title, results))
        self._change(uid, "COMPLETED", transaction)

    def cancel(self, uid: str, transaction: str, reason: str) -> None:
        """End a workitem that was claimed and could not be done."""
        progress = Dataset()
        progress.ProcedureStepDiscontinuationReasonCodeSequence = [
            _code("110513", "DCM", "Discontinued for unspecified reason")
        ]
        progress.ReasonForCancellation = reason[:1024]
        update = Dataset()
        update.ProcedureStepProgressInformationSequence = [progress]
        self._update(uid, transaction, update)
        self._change(uid, "CANCELED", transaction)

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _search(self, asked: Dataset) -> list[Dataset]:
        if not self._web:
            with self._associated() as association:
                return answers_of(association, asked, _PULL, where=self.name, most=MOST_ITEMS)
        keys = {"ProcedureStepState": "SCHEDULED", "includefield": "all", "limit": str(MOST_ITEMS)}
        if asked.ProcedureStepLabel:
            keys["ProcedureStepLabel"] = asked.ProcedureStepLabel
        answer = self._ask("GET", "/workitems", "searching workitems", keys=keys)
        if answer.status_code == 204:
            return []
        try:
            return [Dataset.from_json(one) for one in answer.json()]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PacsError(f"{self.name}: answered something that is no list of workitems.") from error

    def _change(self, uid: str, state: State, transaction: str) -> None:
        _check(uid, transaction)
        change = Dataset()
        change.ProcedureStepState, change.TransactionUID = state, transaction
        doing = f"changing workitem {uid} to {state}"
        if self._web:
            self._ask("PUT", f"/workitems/{uid}/state", doing, change)
            return
        with self._associated() as association:
            status, _ = association.send_n_action(change, _CHANGE_STATE, _PUSH, uid, meta_uid=_PULL)
        self._judge(status, doing)

    def _update(self, uid: str, transaction: str, update: Dataset) -> None:
        _check(uid, transaction)
        doing = f"entering what became of workitem {uid}"
        if self._web:
            self._ask("POST", f"/workitems/{uid}?{transaction}", doing, update)
            return
        update.TransactionUID = transaction
        with self._associated() as association:
            status, _ = association.send_n_set(update, _PUSH, uid, meta_uid=_PULL)
        self._judge(status, doing)

    def _associated(self) -> Any:
        engines.pynetdicom()
        return associated(self._local, self._node, [Offer(_PULL, _PLAIN)], where=self.name)

    def _judge(self, status: Dataset, doing: str) -> None:
        said = checked(status, doing, self.name)
        if said in _WHY:
            raise PacsError(f"{self.name}: {_WHY[said]} (while {doing}).")
        if said != 0 and not 0xB300 <= said <= 0xB3FF:  # done, with a warning
            raise failure(status, doing, self.name)

    def _ask(
        self, method: str, path: str, doing: str, content: Dataset | None = None, keys: dict[str, str] | None = None
    ) -> Any:
        body = None if content is None else [content.to_json_dict()]
        return WebArchive(self.name, self._node).request(method, path, doing, json=body, params=keys)


_WHY = {
    0xC300: "it has ended already",
    0xC301: "the transaction is not the one of who claimed it",
    0xC302: "somebody else has claimed it",
    0xC303: "only what is scheduled can be claimed",
    0xC304: "something is missing that it needs to end",
    0xC307: "there is no such workitem",
    0xC310: "nobody has claimed it",
}


def _check(uid: str, transaction: str) -> None:
    for one in (uid, transaction):
        if not is_uid(one):
            raise ConfigError(f"{one!r} is no UID.")


def _asked(label: str) -> Dataset:
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


def _workitem(answer: Dataset, where: str) -> Workitem:
    uid = text(answer, "SOPInstanceUID")
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


def _performed(station: str, results: Sequence[Instance]) -> Dataset:
    """Say what was done (PS3.4, table CC.2.5-3: what a step that is completed must have)."""
    now = f"{datetime.now(UTC):%Y%m%d%H%M%S}+0000"
    done, update = Dataset(), Dataset()
    done.PerformedStationNameCodeSequence = [_code(station, "99NAPARILESION", station)]
    done.PerformedWorkitemCodeSequence = [_code("110004", "DCM", "Computer Aided Detection")]
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


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
