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
_WATCH = "1.2.840.10008.5.1.4.34.6.2"
_ALL = "1.2.840.10008.5.1.4.34.5"
"""All workitems, in a subscription."""
_CHANGE_STATE, _SUBSCRIBE, _UNSUBSCRIBE = 1, 3, 4
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


class RefusedError(PacsError):
    """The worklist says no: asked again, it would say so again."""


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
        answers = self._search(_query(label))
        found = [_workitem(answer, self.name) for answer in answers]
        ranks = {"HIGH": 0, "MEDIUM": 1, "LOW": 2}
        kept = [one for one in found if one.state == "SCHEDULED" and label in ("", one.label)]
        return sorted(kept, key=lambda one: (ranks.get(one.priority, 1), one.start, one.uid))

    def claim(self, uid: str, transaction: str | None = None) -> str:
        """Take a workitem; give the transaction UID, by which it can be ended.

        Parameters
        ----------
        uid : str
        transaction : str, optional
            A UID that was made before, so that it is known whatever becomes of us meanwhile.

        Raises
        ------
        RefusedError
            If somebody else has it, or it is refused.
        PacsError
            If the worklist cannot be asked.
        """
        transaction = transaction or new_transaction()
        self._change(uid, "IN PROGRESS", transaction)
        return transaction

    def report(self, uid: str, transaction: str, percent: int, doing: str) -> None:
        """Say how far a workitem is that was claimed.

        Raises
        ------
        RefusedError
            If it was not claimed by this transaction, or has ended.
        """
        progress = Dataset()
        progress.ProcedureStepProgress = str(percent)
        progress.ProcedureStepProgressDescription = doing[:64]
        update = Dataset()
        update.ProcedureStepProgressInformationSequence = [progress]
        self._update(uid, transaction, update)

    def subscribe(self, ae_title: str) -> None:
        """Have all that happens on the worklist reported to an AE title, which it must know (UPS Watch, DIMSE).

        Raises
        ------
        RefusedError
            If it does not.
        """
        self._watch(_SUBSCRIBE, ae_title, "subscribing to the worklist")

    def unsubscribe(self, ae_title: str) -> None:
        """Have nothing reported any more."""
        self._watch(_UNSUBSCRIBE, ae_title, "unsubscribing from the worklist")

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
        answer = self._request("GET", "/workitems", "searching workitems", keys=keys)
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
            self._request("PUT", f"/workitems/{uid}/state", doing, change)
            return
        with self._associated() as association:
            status, _ = association.send_n_action(change, _CHANGE_STATE, _PUSH, uid, meta_uid=_PULL)
        self._judge(status, doing)

    def _update(self, uid: str, transaction: str, update: Dataset) -> None:
        _check(uid, transaction)
        doing = f"entering what became of workitem {uid}"
        if self._web:
            self._request("POST", f"/workitems/{uid}?{transaction}", doing, update)
            return
        update.TransactionUID = transaction
        with self._associated() as association:
            status, _ = association.send_n_set(update, _PUSH, uid, meta_uid=_PULL)
        self._judge(status, doing)

    def _watch(self, kind: int, ae_title: str, doing: str) -> None:
        asked = Dataset()
        asked.ReceivingAE = ae_title
        if kind == _SUBSCRIBE:
            asked.DeletionLock = "FALSE"
        with self._associated(_WATCH) as association:
            status, _ = association.send_n_action(asked, kind, _PUSH, _ALL, meta_uid=_WATCH)
        self._judge(status, doing)

    def _associated(self, model: str = _PULL) -> Any:
        engines.pynetdicom()
        return associated(self._local, self._node, [Offer(model, _PLAIN)], where=self.name)

    def _judge(self, status: Dataset, doing: str) -> None:
        said = checked(status, doing, self.name)
        if said in _WHY:
            raise RefusedError(f"{self.name}: {_WHY[said]} (while {doing}).")
        if said not in _DONE:
            raise RefusedError(str(failure(status, doing, self.name)))

    def _request(
        self, method: str, path: str, doing: str, content: Dataset | None = None, keys: dict[str, str] | None = None
    ) -> Any:
        body = None if content is None else [content.to_json_dict()]
        try:
            return WebArchive(self.name, self._node).request(method, path, doing, json=body, params=keys)
        except PacsError as error:
            answer = getattr(error.__cause__, "response", None)
            if answer is not None and answer.status_code in (400, 404, 409, 410):
                raise RefusedError(str(error)) from error
            raise


_DONE = (0x0000, 0x0001, *range(0xB300, 0xB400))
"""Statuses of what was done, also with a warning, or with other values than were asked for (0x0001)."""
_WHY = {
    0xC300: "it has ended already",
    0xC301: "the transaction is not the one of who claimed it",
    0xC302: "somebody else has claimed it",
    0xC303: "only what is scheduled can be claimed",
    0xC304: "something is missing that it needs to end",
    0xC307: "there is no such workitem",
    0xC308: "it does not know us by this AE title",
    0xC310: "nobody has claimed it",
}


def new_transaction() -> str:
    """Make a transaction UID."""
    return str(generate_uid(prefix=None))


def _check(uid: str, transaction: str) -> None:
    for one in (uid, transaction):
        if not is_uid(one):
            raise ConfigError(f"{one!r} is no UID.")


def _query(label: str) -> Dataset:
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
