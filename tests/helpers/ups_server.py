"""A small worklist of unified procedure steps: its rules, and two doors to them, DIMSE and DICOMweb."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from ports import free_port
from pydicom.dataset import Dataset

from napari_lesion.pacs import engines

PUSH = "1.2.840.10008.5.1.4.34.6.1"
PULL = "1.2.840.10008.5.1.4.34.6.3"
WATCH, EVENT = "1.2.840.10008.5.1.4.34.6.2", "1.2.840.10008.5.1.4.34.6.4"
ALL = "1.2.840.10008.5.1.4.34.5"
REQUEST_CANCEL, SUBSCRIBE, UNSUBSCRIBE = 2, 3, 4
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
#: Of one that is scheduled (the same table): what must be there, also empty.
NEEDED_TO_BEGIN = (
    "ScheduledProcedureStepPriority",
    "ProcedureStepLabel",
    "WorklistLabel",
    "ScheduledProcessingParametersSequence",
    "ScheduledStationNameCodeSequence",
    "ScheduledStationClassCodeSequence",
    "ScheduledStationGeographicLocationCodeSequence",
    "ScheduledProcedureStepStartDateTime",
    "ScheduledWorkitemCodeSequence",
    "CommentsOnTheScheduledProcedureStep",
    "InputReadinessState",
    "InputInformationSequence",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AdmissionID",
    "AdmittingDiagnosesDescription",
    "ReferencedRequestSequence",
    "ProcedureStepState",
    "ProcedureStepProgressInformationSequence",
    "UnifiedProcedureStepPerformedProcedureSequence",
)
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Worklist:
    """Steps by UID, and what PS3.4 CC.2.1 says may happen to them: statuses of DIMSE."""

    def __init__(self) -> None:
        self.items: dict[str, Dataset] = {}
        self.transactions: dict[str, str] = {}
        self.subscribers: list[str] = []
        self.cancel_asked: dict[str, str] = {}
        self.channels: dict[str, socket.socket] = {}

    def schedule(self, uid: str, label: str, priority: str, study_uid: str, patient_id: str = "P1") -> None:
        one, study = Dataset(), Dataset()
        one.SpecificCharacterSet = "ISO_IR 192"
        one.SOPInstanceUID, one.ProcedureStepState, one.ProcedureStepLabel = uid, "SCHEDULED", label
        one.ScheduledProcedureStepPriority, one.ScheduledProcedureStepStartDateTime = priority, "20260131090000"
        one.PatientID, one.PatientName = patient_id, "Größe^P1"
        study.StudyInstanceUID = study_uid
        one.InputInformationSequence = [study]
        self.items[uid] = one

    def create(self, uid: str, one: Dataset) -> int:
        if uid in self.items:
            return 0x0111
        assert one.TransactionUID in ("", None)
        missing = [keyword for keyword in NEEDED_TO_BEGIN if keyword not in one]
        if missing or one.ProcedureStepState != "SCHEDULED":
            return 0xC309 if one.ProcedureStepState != "SCHEDULED" else 0x0120
        one.SOPInstanceUID = uid
        self.items[uid] = one
        return 0

    def ask_to_cancel(self, uid: str, reason: str) -> int:
        if uid not in self.items:
            return 0xC307
        state = self.state(uid)
        if state in ("COMPLETED", "CANCELED"):
            return {"COMPLETED": 0xC311, "CANCELED": 0xB304}[state]
        self.cancel_asked[uid] = reason
        if state == "SCHEDULED":
            self.items[uid].ProcedureStepState = "CANCELED"
        return 0

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

    def push(self, called: str, uid: str, kind: int) -> None:
        """Report to a subscriber over its channel: a text frame of RFC 6455, made by hand."""
        report = {
            "00000002": {"vr": "UI", "Value": [EVENT]},
            "00001000": {"vr": "UI", "Value": [uid]},
            "00001002": {"vr": "US", "Value": [kind]},
            "00741000": {"vr": "CS", "Value": [self.state(uid)]},
        }
        self.say(called, json.dumps(report).encode())

    def say(self, called: str, text: bytes) -> None:
        """Send any text over a channel."""
        assert len(text) < 2**16
        head = b"\x81" + (bytes([len(text)]) if len(text) < 126 else b"\x7e" + len(text).to_bytes(2))
        self.channels[called].sendall(head + text)

    def hang_up(self, called: str) -> None:
        """End a channel without a word."""
        self.channels.pop(called).shutdown(socket.SHUT_RDWR)

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

        def _is_known(self) -> bool:
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                return True
            self._answer(401)
            return False

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            if not self._is_known():
                return
            if channel := re.fullmatch(r"/subscribers/(\w+)", path):
                self._open(channel[1])
                return
            if asked := re.fullmatch(r"/workitems/([\d.]+)", path):
                one = worklist.items.get(asked[1])
                self._answer(404 if one is None else 200, one and [one.to_json_dict()])
                return
            keys = parse_qs(urlsplit(self.path).query)
            assert path == "/workitems"
            found = [
                one.to_json_dict()
                for one in worklist.items.values()
                if [one.ProcedureStepState] == keys["ProcedureStepState"]
                and [one.ProcedureStepLabel] == keys.get("ProcedureStepLabel", [one.ProcedureStepLabel])
            ]
            self._answer(200 if found else 204, found or None)

        def _open(self, called: str) -> None:
            """Make the connection a WebSocket (RFC 6455, 4.2.2), for who has subscribed."""
            if called not in worklist.subscribers:
                self._answer(404)
                return
            key = hashlib.sha1(self.headers["Sec-WebSocket-Key"].encode() + _MAGIC).digest()
            self.protocol_version = "HTTP/1.1"
            self.send_response(101)
            for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade")):
                self.send_header(name, value)
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(key).decode())
            self.end_headers()
            worklist.channels[called] = self.connection
            with suppress(OSError):
                while self.connection.recv(1000):
                    pass
            self.close_connection = True

        def do_PUT(self) -> None:
            path = re.fullmatch(r"/workitems/([\d.]+)/state", self.path)
            self._done(worklist.change(path[1], self._body()))

        def do_POST(self) -> None:
            if not self._is_known():
                return
            if path := re.fullmatch(rf"/workitems/{re.escape(ALL)}/subscribers/(\w+)\?deletionlock=false", self.path):
                worklist.subscribers.append(path[1])
                self._answer(201)
            elif path := re.fullmatch(r"/workitems\?([\d.]+)", self.path):
                self._answer({0: 201}.get(worklist.create(path[1], self._body()), 409))
            elif path := re.fullmatch(r"/workitems/([\d.]+)/cancelrequest", self.path):
                status = worklist.ask_to_cancel(path[1], self._body().ReasonForCancellation)
                self._answer({0: 202, 0xC307: 404}.get(status, 409))
            else:
                path = re.fullmatch(r"/workitems/([\d.]+)\?([\d.]+)", self.path)
                self._done(worklist.update(path[1], path[2], self._body()))

        def do_DELETE(self) -> None:
            path = re.fullmatch(rf"/workitems/{re.escape(ALL)}/subscribers/(\w+)", self.path)
            worklist.subscribers.remove(path[1])
            self._answer(200)

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

    def create(event):
        return worklist.create(event.request.AffectedSOPInstanceUID, event.attribute_list), None

    def get(event):
        uid = event.request.RequestedSOPInstanceUID
        return (0, worklist.items[uid]) if uid in worklist.items else (0xC307, None)

    def action(event):
        if event.action_type == REQUEST_CANCEL:
            asked = event.action_information.ReasonForCancellation
            return worklist.ask_to_cancel(event.request.RequestedSOPInstanceUID, asked), None
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
    entity.add_supported_context(PUSH)
    entity.add_supported_context(WATCH)
    handlers = [
        (pynetdicom.evt.EVT_C_FIND, find),
        (pynetdicom.evt.EVT_N_ACTION, action),
        (pynetdicom.evt.EVT_N_SET, update),
        (pynetdicom.evt.EVT_N_CREATE, create),
        (pynetdicom.evt.EVT_N_GET, get),
    ]
    port = free_port()
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    try:
        yield port
    finally:
        server.shutdown()
