"""Work that is scheduled for us: unified procedure steps, by DIMSE or DICOMweb (UPS, PS3.4 CC; IHE AI Workflow).

A workitem goes from SCHEDULED to IN PROGRESS by who claims it, with a transaction UID that only they know, and ends as
COMPLETED, with what it gave, or CANCELED.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

from pydicom import uid as uids
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from napari_lesion.pacs import engines
from napari_lesion.pacs.association import Offer, answers_of, associated, checked, failure
from napari_lesion.pacs.dicomweb import WebArchive
from napari_lesion.pacs.event_channel import EventChannel, NoteEvent
from napari_lesion.pacs.nodes import Local, Node
from napari_lesion.pacs.records import Instance
from napari_lesion.pacs.workitem_messages import PRIORITIES, Scheduled, Workitem, code, performed, query, workitem_of
from napari_lesion.support.errors import ConfigError, PacsError
from napari_lesion.support.uids import is_uid

_PUSH, _PULL = "1.2.840.10008.5.1.4.34.6.1", "1.2.840.10008.5.1.4.34.6.3"
_WATCH = "1.2.840.10008.5.1.4.34.6.2"
_ALL = "1.2.840.10008.5.1.4.34.5"
"""All workitems, in a subscription."""
_CHANGE_STATE, _REQUEST_CANCEL, _SUBSCRIBE, _UNSUBSCRIBE = 1, 2, 3, 4
_PLAIN = (str(uids.ExplicitVRLittleEndian), str(uids.ImplicitVRLittleEndian))
MOST_ITEMS = 500

State = Literal["IN PROGRESS", "COMPLETED", "CANCELED"]


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
        answers = self._search(query(label))
        found = [workitem_of(answer, self.name) for answer in answers]
        ranks = {priority: rank for rank, priority in enumerate(PRIORITIES)}
        kept = [one for one in found if one.state == "SCHEDULED" and label in ("", one.label)]
        return sorted(kept, key=lambda one: (ranks.get(one.priority, 1), one.start, one.uid))

    def get(self, uid: str) -> Workitem:
        """How it is with a workitem, whoever has it.

        Raises
        ------
        RefusedError
            If there is none.
        """
        _check(uid)
        doing = f"asking for workitem {uid}"
        if self._web:
            return workitem_of(self._data_set(self._request("GET", f"/workitems/{uid}", doing)), self.name, uid)
        with self._associated() as association:
            status, answer = association.send_n_get([], _PUSH, uid, meta_uid=_PULL)
        self._raise_unless_done(status, doing)
        return workitem_of(answer or Dataset(), self.name, uid)

    def create(self, scheduled: Scheduled) -> str:
        """Schedule work for who takes work of its label; give its UID.

        Raises
        ------
        RefusedError
            If the worklist does not take it.
        """
        uid = str(generate_uid(prefix=None))
        _check(*scheduled.study_uids)
        doing = f"scheduling workitem {uid}"
        if self._web:
            self._request("POST", f"/workitems?{uid}", doing, scheduled.data_set())
            return uid
        with self._associated(_PUSH) as association:
            status, _ = association.send_n_create(scheduled.data_set(), _PUSH, uid)
        self._raise_unless_done(status, doing)
        return uid

    def request_cancel(self, uid: str, reason: str) -> None:
        """Ask whoever has claimed a workitem to give it up; one that nobody has claimed is cancelled by that.

        Raises
        ------
        RefusedError
            If there is none, or it has ended.
        """
        _check(uid)
        request = Dataset()
        request.ReasonForCancellation = reason[:1024]
        doing = f"asking for the cancellation of workitem {uid}"
        if self._web:
            self._request("POST", f"/workitems/{uid}/cancelrequest", doing, request)
            return
        with self._associated(_PUSH) as association:
            status, _ = association.send_n_action(request, _REQUEST_CANCEL, _PUSH, uid)
        self._raise_unless_done(status, doing)

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
        """Note how far a workitem is that was claimed.

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

    def subscribe(self, ae_title: str, note: NoteEvent) -> EventChannel | None:
        """Have all that happens on the worklist reported to an AE title, which it must know (UPS Watch).

        By DICOMweb the reports come over a channel that we open, to ``note``; by DIMSE the worklist connects to who has
        the AE title, and there is no channel.

        Raises
        ------
        RefusedError
            If it does not.
        PacsError
            If the channel cannot be opened.
        """
        if not self._web:
            self._watch(_SUBSCRIBE, ae_title, "subscribing to the worklist")
            return None
        path = f"/workitems/{_ALL}/subscribers/{quote(ae_title)}"
        answer = self._request("POST", f"{path}?deletionlock=false", "subscribing to the worklist")
        return EventChannel(self.name, self._node, ae_title, note, answer.headers.get("Content-Location", ""))

    def unsubscribe(self, ae_title: str) -> None:
        """Have nothing reported any more."""
        doing = "unsubscribing from the worklist"
        if self._web:
            self._request("DELETE", f"/workitems/{_ALL}/subscribers/{quote(ae_title)}", doing)
            return
        self._watch(_UNSUBSCRIBE, ae_title, doing)

    def complete(self, uid: str, transaction: str, results: Sequence[Instance]) -> None:
        """End a workitem that was claimed, with what it gave.

        Parameters
        ----------
        uid, transaction : str
        results : sequence of Instance
            That an archive has confirmed.
        """
        self._update(uid, transaction, performed(self._local.ae_title, results))
        self._change(uid, "COMPLETED", transaction)

    def cancel(self, uid: str, transaction: str, reason: str) -> None:
        """End a workitem that was claimed and could not be done."""
        progress = Dataset()
        progress.ProcedureStepDiscontinuationReasonCodeSequence = [
            code("110513", "DCM", "Discontinued for unspecified reason")
        ]
        progress.ReasonForCancellation = reason[:1024]
        update = Dataset()
        update.ProcedureStepProgressInformationSequence = [progress]
        self._update(uid, transaction, update)
        self._change(uid, "CANCELED", transaction)

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _search(self, keys: Dataset) -> list[Dataset]:
        if not self._web:
            with self._associated() as association:
                return answers_of(association, keys, _PULL, where=self.name, most=MOST_ITEMS)
        asked = {"ProcedureStepState": "SCHEDULED", "includefield": "all", "limit": str(MOST_ITEMS)}
        if keys.ProcedureStepLabel:
            asked["ProcedureStepLabel"] = keys.ProcedureStepLabel
        return self._data_sets(self._request("GET", "/workitems", "searching workitems", keys=asked))

    def _data_sets(self, answer: Any) -> list[Dataset]:
        if answer.status_code == 204:
            return []
        try:
            said = answer.json()
            return [Dataset.from_json(one) for one in (said if isinstance(said, list) else [said])]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PacsError(f"{self.name}: answered something that is no list of workitems.") from error

    def _data_set(self, answer: Any) -> Dataset:
        return next(iter(self._data_sets(answer)), Dataset())

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
        self._raise_unless_done(status, doing)

    def _update(self, uid: str, transaction: str, update: Dataset) -> None:
        _check(uid, transaction)
        doing = f"entering what became of workitem {uid}"
        if self._web:
            self._request("POST", f"/workitems/{uid}?{transaction}", doing, update)
            return
        update.TransactionUID = transaction
        with self._associated() as association:
            status, _ = association.send_n_set(update, _PUSH, uid, meta_uid=_PULL)
        self._raise_unless_done(status, doing)

    def _watch(self, kind: int, ae_title: str, doing: str) -> None:
        request = Dataset()
        request.ReceivingAE = ae_title
        if kind == _SUBSCRIBE:
            request.DeletionLock = "FALSE"
        with self._associated(_WATCH) as association:
            status, _ = association.send_n_action(request, kind, _PUSH, _ALL, meta_uid=_WATCH)
        self._raise_unless_done(status, doing)

    def _associated(self, model: str = _PULL) -> Any:
        engines.pynetdicom()
        return associated(self._local, self._node, [Offer(model, _PLAIN)], where=self.name)

    def _raise_unless_done(self, status: Dataset, doing: str) -> None:
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


def _check(*uids: str) -> None:
    for one in uids:
        if not is_uid(one):
            raise ConfigError(f"{one!r} is no UID.")
