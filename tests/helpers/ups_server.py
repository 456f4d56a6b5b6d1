"""A small worklist of unified procedure steps: its rules, and two doors to them, DIMSE and DICOMweb."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from ports import free_port
from pydicom.dataset import Dataset

from napari_lesion.pacs import engines

PULL = "1.2.840.10008.5.1.4.34.6.3"
WATCH, EVENT = "1.2.840.10008.5.1.4.34.6.2", "1.2.840.10008.5.1.4.34.6.4"
ALL = "1.2.840.10008.5.1.4.34.5"
SUBSCRIBE, UNSUBSCRIBE = 3, 4
STATE_REPORT, CANCEL_ASKED = 1, 2
TOKEN = "of-the-worklist"
#: Of a step that ends as COMPLETED (PS3.4, table CC.2.5-3).
NEEDED = (
    "PerformedStationNameCodeSequence",
    "PerformedProcedureStepStartDateTime",
    "PerformedWorkitemCodeSequence",
    "PerformedProcedureStepEndDateTime",
    "OutputInformationSequence",
)


class Worklist:
    """Steps by UID, and what PS3.4 CC.2.1 says may happen to them: statuses of DIMSE."""

    def __init__(self) -> None:
        self.items: dict[str, Dataset] = {}
        self.transactions: dict[str, str] = {}
        self.subscribers: list[str] = []

    def schedule(self, uid: str, label: str, priority: str, study_uid: str, patient_id: str = "P1") -> None:
        one, study = Dataset(), Dataset()
        one.SpecificCharacterSet = "ISO_IR 192"
        one.SOPInstanceUID, one.ProcedureStepState, one.ProcedureStepLabel = uid, "SCHEDULED", label
        one.ScheduledProcedureStepPriority, one.ScheduledProcedureStepStartDateTime = priority, "20260131090000"
        one.PatientID, one.PatientName = patient_id, "Größe^P1"
        study.StudyInstanceUID = study_uid
        one.InputInformationSequence = [study]
        self.items[uid] = one

    def change(self, uid: str, change: Dataset) -> int:
        if uid not in self.items:
            return 0xC307
        one, state, transaction = self.items[uid], change.ProcedureStepState, change.TransactionUID
        now = one.ProcedureStepState
        if now in ("COMPLETED", "CANCELED"):
            return 0xC300
        if state == "IN PROGRESS":
            if now != "SCHEDULED":
                return 0xC302
            self.transactions[uid] = transaction
        else:
            if now != "IN PROGRESS":
                return 0xC310
            if self.transactions[uid] != transaction:
                return 0xC301
            if state == "COMPLETED" and not self._has_all(one):
                return 0xC304
        one.ProcedureStepState = state
        return 0

    def update(self, uid: str, transaction: str, update: Dataset) -> int:
        if uid not in self.items:
            return 0xC307
        if self.items[uid].ProcedureStepState != "IN PROGRESS":
            return 0xC310
        if self.transactions[uid] != transaction:
            return 0xC301
        self.items[uid].update(update)
        return 0

    def state(self, uid: str) -> str:
        return self.items[uid].ProcedureStepState

    def reason(self, uid: str) -> str:
        return self.items[uid].ProcedureStepProgressInformationSequence[0].ReasonForCancellation

    def tell(self, port: int, called: str, uid: str, kind: int) -> int:
        """Report to a subscriber, as the provider of the events; the status of the answer."""
        pynetdicom = engines.pynetdicom()
        content = Dataset()
        content.ProcedureStepState = self.state(uid)
        entity = pynetdicom.AE(ae_title="RIS")
        role = pynetdicom.build_role(EVENT, scp_role=True)
        contexts = [pynetdicom.build_context(EVENT)]
        association = entity.associate("127.0.0.1", port, contexts=contexts, ae_title=called, ext_neg=[role])
        assert association.is_established
        status, _ = association.send_n_event_report(content, kind, EVENT, uid)
        association.release()
        return status.Status

    @staticmethod
    def _has_all(one: Dataset) -> bool:
        done = one.get("UnifiedProcedureStepPerformedProcedureSequence")
        return bool(done) and all(keyword in done[0] for keyword in NEEDED)


@contextmanager
def by_dicomweb(worklist: Worklist) -> Iterator[str]:
    """Its URL."""

    class Door(BaseHTTPRequestHandler):
        def _answer(self, status: int, content: object = None) -> None:
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _done(self, status: int) -> None:
            self._answer({0: 200, 0xC307: 404}.get(status, 409))

        def _body(self) -> Dataset:
            [one] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return Dataset.from_json(one)

        def do_GET(self) -> None:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._answer(401)
                return
            keys = parse_qs(urlsplit(self.path).query)
            assert urlsplit(self.path).path == "/workitems"
            found = [
                one.to_json_dict()
                for one in worklist.items.values()
                if [one.ProcedureStepState] == keys["ProcedureStepState"]
                and [one.ProcedureStepLabel] == keys.get("ProcedureStepLabel", [one.ProcedureStepLabel])
            ]
            self._answer(200 if found else 204, found or None)

        def do_PUT(self) -> None:
            path = re.fullmatch(r"/workitems/([\d.]+)/state", self.path)
            self._done(worklist.change(path[1], self._body()))

        def do_POST(self) -> None:
            path = re.fullmatch(r"/workitems/([\d.]+)\?([\d.]+)", self.path)
            self._done(worklist.update(path[1], path[2], self._body()))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def by_dimse(worklist: Worklist) -> Iterator[int]:
    """Its port."""
    pynetdicom = engines.pynetdicom()

    def find(event):
        for one in list(worklist.items.values()):
            label = event.identifier.ProcedureStepLabel
            if one.ProcedureStepState == "SCHEDULED" and label in (None, "", one.ProcedureStepLabel):
                yield 0xFF00, one

    def action(event):
        if event.action_type in (SUBSCRIBE, UNSUBSCRIBE):
            assert event.request.RequestedSOPInstanceUID == ALL
            change = worklist.subscribers.append if event.action_type == SUBSCRIBE else worklist.subscribers.remove
            change(event.action_information.ReceivingAE)
            return 0, None
        return worklist.change(event.request.RequestedSOPInstanceUID, event.action_information), None

    def update(event):
        changes = event.modification_list
        transaction = changes.TransactionUID
        del changes.TransactionUID
        return worklist.update(event.request.RequestedSOPInstanceUID, transaction, changes), None

    entity = pynetdicom.AE(ae_title="RIS")
    entity.add_supported_context(PULL)
    entity.add_supported_context(WATCH)
    handlers = [
        (pynetdicom.evt.EVT_C_FIND, find),
        (pynetdicom.evt.EVT_N_ACTION, action),
        (pynetdicom.evt.EVT_N_SET, update),
    ]
    port = free_port()
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    try:
        yield port
    finally:
        server.shutdown()
