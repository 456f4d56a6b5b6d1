"""One association with an archive: opened within limits, and said why where it is not (PS3.8)."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from napari_lesion.pacs import engines
from napari_lesion.pacs.nodes import Local, Node
from napari_lesion.support.errors import PacsError

_LOG = logging.getLogger(__name__)

VERIFICATION = "1.2.840.10008.1.1"
COMMITMENT = "1.2.840.10008.1.20.1"
"""SOP classes of C-ECHO and of storage commitment."""
CONNECT_S = 10.0
"""Waited for a connection."""
PDU_BYTES = 256 * 1024
"""Longest PDU that we take; archives choose their own for what we send."""
_LARGEST_PDU = 4 * 2**20
"""Taken at most, though `PDU_BYTES` was agreed upon: associations are requested before anything is."""
_READ_BYTES = 2**18
_PENDING = (0xFF00, 0xFF01)
_CANCELLED = 0xFE00
MOST_CONTEXTS = 128
"""In one association (PS3.8, 9.3.2.2: odd numbers up to 255)."""


@dataclass(frozen=True)
class Offer:
    """A presentation context that is proposed.

    Attributes
    ----------
    sop_class : str
    syntaxes : tuple of str
        Transfer syntaxes, the best first.
    receive : bool
        We want to be sent such, as the provider of the service (C-GET).
    """

    sop_class: str
    syntaxes: tuple[str, ...]
    receive: bool = False


@contextmanager
def associated(
    local: Local, node: Node, offers: Sequence[Offer], handlers: Sequence[Any] = (), *, where: str
) -> Iterator[Any]:
    """Open an association, and release it at the end, or abort it where something went wrong.

    Parameters
    ----------
    local : Local
    node : Node
        Reached by DIMSE.
    offers : sequence of Offer
        `MOST_CONTEXTS` at most.
    handlers : sequence
        Of pynetdicom's events.
    where : str
        The archive's name, for the sentence when it does not work.

    Raises
    ------
    PacsError
        If there is no association, or it accepts nothing of what was offered.
    ConfigError
        If a certificate cannot be used.
    """
    pynetdicom = engines.pynetdicom()
    host, port = _address(node)
    entity = pynetdicom.AE(ae_title=local.ae_title)
    entity.connection_timeout = CONNECT_S
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = node.timeout_s
    contexts: list[Any] = []
    roles: list[Any] = []
    for offer in offers:
        contexts.append(pynetdicom.build_context(offer.sop_class, list(offer.syntaxes)))
        if offer.receive:
            roles.append(pynetdicom.build_role(offer.sop_class, scp_role=True))
    tls = (node.tls.client_context(), host) if node.tls else None
    # pynetdicom forgets a rejection that comes before it has looked whether there is a connection: it is kept here.
    rejections: list[Any] = []
    association = entity.associate(
        host,
        port,
        contexts=contexts,
        ae_title=node.ae_title,
        max_pdu=PDU_BYTES,
        ext_neg=roles or None,
        evt_handlers=[
            (pynetdicom.evt.EVT_CONN_OPEN, mended, [node.timeout_s]),
            (pynetdicom.evt.EVT_PDU_RECV, _keep_rejection, [rejections]),
            *handlers,
        ],
        tls_args=tls,
    )
    if not association.is_established:
        raise PacsError(f"{where}: {_why_not(association, rejections, local, node)}")
    try:
        yield association
    except BaseException:
        association.abort()
        raise
    if association.is_established:
        association.release()


def _keep_rejection(event: Any, rejections: list[Any]) -> None:
    if isinstance(event.pdu, engines.pynetdicom().pdu.A_ASSOCIATE_RJ):
        rejections.append(event.pdu)


def _why_not(association: Any, rejections: Sequence[Any], local: Local, node: Node) -> str:
    address = f"{node.host}:{node.port}"
    answer = association.acceptor.primitive
    if rejections:
        said = str(rejections[0].reason_str)
        if "Called AE" in said:
            return f"{address} is not called {node.ae_title}. Correct the ae_title of the node ({said})."
        if "Calling AE" in said:
            return f"{address} does not know {local.ae_title}. Enter us there, or correct local.ae_title ({said})."
        return f"{address} rejected the association ({said})."
    if answer is not None and getattr(answer, "result", None) == 0:
        return f"{address} offers nothing of what was asked for."
    return _connection(node) or f"{address} ended the association without a reason; its log may say more."


def _connection(node: Node) -> str:
    """Describe what keeps a connection from being made; empty where it can be made."""
    host, port = _address(node)
    address = f"{host}:{port}"
    try:
        with socket.create_connection((host, port), timeout=CONNECT_S) as plain:
            if node.tls is None:
                return ""
            with node.tls.client_context().wrap_socket(plain, server_hostname=host) as secure:
                # TLS 1.3 refuses a client's certificate only after the handshake.
                secure.settimeout(1.0)
                try:
                    secure.recv(1)
                except TimeoutError:
                    return ""
                return ""
    except ssl.SSLError as error:
        return f"{address}: TLS failed ({error.reason or error}). Look at ca, certificate and key of the node."
    except OSError as error:
        return f"{address} cannot be reached ({error.strerror or error})."


def _address(node: Node) -> tuple[str, int]:
    assert node.host is not None
    assert node.port is not None
    return node.host, node.port


def checked(status: Any, doing: str, where: str) -> int:
    """Give the status of an answer; an empty one is none.

    Raises
    ------
    PacsError
        If the association ended instead of an answer.
    """
    if "Status" not in status:
        raise PacsError(f"{where}: no answer while {doing}: the connection ended, or it took too long.")
    return int(status.Status)


def failure(status: Any, doing: str, where: str) -> PacsError:
    """Note that an archive refused."""
    comment = f" ({status.ErrorComment})" if "ErrorComment" in status and status.ErrorComment else ""
    return PacsError(f"{where}: refused while {doing}, with status 0x{int(status.Status):04X}{comment}.")


def answers_of(
    association: Any, identifier: Dataset, model: str, *, where: str, most: int | None = None
) -> list[Dataset]:
    """Search (C-FIND): all answers, or the first ``most``.

    Raises
    ------
    PacsError
        If it is refused, or the list may be cut off.
    """
    answers: list[Dataset] = []
    level = identifier.get("QueryRetrieveLevel", "")
    doing = f"searching at level {level}" if level else "searching"
    said, enough = None, False
    for status, answer in association.send_c_find(identifier, model, msg_id=1):
        said = checked(status, doing, where)
        if said in _PENDING:
            if answer is None:
                raise PacsError(f"{where}: an answer while {doing} cannot be read.")
            if most is None or len(answers) < most:
                answers.append(answer)
            elif not enough:
                enough = True
                association.send_c_cancel(1, query_model=model)
        elif said not in (0, _CANCELLED):
            raise failure(status, doing, where)
    if said is None or said in _PENDING:
        raise PacsError(f"{where}: no last answer while {doing}; the list may be cut off.")
    return answers


class Reading:
    """Reads what an association sends, within bounds: pynetdicom would wait for a PDU of 4 GB, in memory and for ever.

    It takes the place of the ``recv`` of pynetdicom's sockets, which ends the connection where this raises `OSError`.
    So does a PDU that comes out of turn (PS3.8, table 9-10): pynetdicom's thread would end over it, and nobody close.

    Parameters
    ----------
    association : Association
        Of pynetdicom, whose connection was just opened.
    timeout_s : float
        Waited for the next bytes.
    most : int, optional
        Bytes until somebody sets ``count`` to 0.
    """

    def __init__(self, association: Any, timeout_s: float, most: int | None = None) -> None:
        wire = association.dul.socket
        self._connection, self._most = wire.socket, most
        self.count = 0
        self._connection.settimeout(timeout_s)
        wire.recv = self._read
        self._association, machine = association, association.dul.state_machine
        self._act, machine.do_action = machine.do_action, self._acted

    def _acted(self, event: str) -> None:
        """Do what an event asks for, or end the connection."""
        try:
            self._act(event)
        except Exception as error:  # pynetdicom's own kinds, of whatever was sent
            _LOG.warning("an association was ended: %s", error)
            provider = self._association.dul
            if provider.socket is not None:
                provider.socket.close()
            self._association.is_aborted, self._association.is_established = True, False
            provider.to_user_queue.put(None)  # whoever waits for a request shall not do so until the timeout
            provider.kill_dul()

    def _read(self, count: int) -> bytearray:
        self.count += count
        if count > _LARGEST_PDU or (self._most is not None and self.count > self._most):
            raise OSError("more than is taken")
        content = bytearray()
        while len(content) < count:
            some = self._connection.recv(min(count - len(content), _READ_BYTES))
            if not some:
                break
            content += some
        return content


class _Checkpoint:
    """Where pynetdicom's thread waits while we ask and wait for an answer; takes the place of its event.

    The thread says that it waits here, is let on, and says only then that it does not wait any more. Whoever asks in
    between believes that it waits, while it takes the answer away and forgets it: on a busy computer some answers never
    came. Here it says so before it is let on, and nobody closes the checkpoint in between.
    """

    def __init__(self, association: Any) -> None:
        self._association, self._open, self._changed = association, True, threading.Condition()

    def set(self) -> None:
        """Let the thread on."""
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Let it wait when it comes by next."""
        with self._changed:
            self._open = False

    def wait(self) -> None:
        """Come by."""
        with self._changed:
            self._changed.wait_for(lambda: self._open)
            self._association._is_paused = False


def mended(event: Any, timeout_s: float) -> None:
    """Bound what is read of a connection that pynetdicom has just opened to a server, and keep its answers."""
    Reading(event.assoc, timeout_s)
    event.assoc._reactor_checkpoint = _Checkpoint(event.assoc)
