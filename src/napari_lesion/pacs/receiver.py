"""What other programs reach us by: instances that they store (C-STORE), and what they say of a storage commitment.

Used for as long as a C-MOVE or a commitment takes, and by the listener for as long as it runs.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from napari_lesion.pacs import engines
from napari_lesion.pacs.association import COMMITMENT, PDU_BYTES, VERIFICATION, Reading
from napari_lesion.pacs.nodes import Local
from napari_lesion.support.errors import ConfigError, PacsError
from napari_lesion.support.nameless import trace

_LOG = logging.getLogger(__name__)

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
_WORKITEM_EVENTS = "1.2.840.10008.5.1.4.34.6.4"
_PREFERRED = "1.2.840.10008.1.2.1"
"""Explicit VR Little Endian: with it, private attributes keep their types."""
_STOP_S = 10.0
"""At the end, waited for instances that are on their way."""
_POLL_S = 0.02


@dataclass(frozen=True)
class Limits:
    """What a stranger may do to us.

    Attributes
    ----------
    associations : int
        At a time.
    instance_bytes : int
        Of one instance; the connection that sends more is ended.
    timeout_s : float
        An association without a sign of life is ended after this.
    """

    associations: int = 20
    instance_bytes: int = 2 * 2**30
    timeout_s: float = 60.0


class _LaterHandshake:
    """A TLS context whose handshakes are made on the thread of the association.

    pynetdicom makes them on the thread that accepts connections, where one client that says nothing would keep all
    others waiting.
    """

    def __init__(self, context: ssl.SSLContext, timeout_s: float) -> None:
        self._context, self._timeout_s = context, timeout_s

    def wrap_socket(self, plain: socket.socket, server_side: bool) -> ssl.SSLSocket:
        """Wrap a connection, as `ssl.SSLContext` does."""
        plain.settimeout(self._timeout_s)
        return self._context.wrap_socket(plain, server_side=server_side, do_handshake_on_connect=False)


class Receiver:
    """A server for C-ECHO, C-STORE and storage commitment reports.

    Parameters
    ----------
    local : Local
        Its AE title must be the one that is called.
    callers : iterable of str
        AE titles that may call; none: everybody.
    keep : callable
        Is called with an instance (PS3.10) and the caller's AE title, on a thread of the association. What it returns
        for is on the disk: only then the sender hears of success.
    reported : callable, optional
        Is called with the data set of a storage commitment's report.
    on_event : callable, optional
        Is called with what a worklist reports of a workitem: its UID, the kind of event (PS3.4 CC.2.4), the data set.
    limits : Limits
    """

    def __init__(
        self,
        local: Local,
        callers: Iterable[str],
        keep: Callable[[bytes, str], object],
        reported: Callable[[Any], None] | None = None,
        on_event: Callable[[str, int, Any], None] | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self._local, self._keep, self._reported, self._on_event, self._limits = local, keep, reported, on_event, limits
        self._callers = sorted(callers)
        self._server: Any = None
        self._reading: dict[Any, Reading] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to listen; associations are served on threads of their own.

        Raises
        ------
        ConfigError
            If the address cannot be used, or a certificate not.
        """
        pynetdicom = engines.pynetdicom()
        entity = pynetdicom.AE(ae_title=self._local.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = self._callers
        entity.maximum_associations = self._limits.associations
        entity.maximum_pdu_size = PDU_BYTES
        entity.acse_timeout = min(30.0, self._limits.timeout_s)
        entity.dimse_timeout = entity.network_timeout = self._limits.timeout_s
        # Of several that a sender proposes at once, pynetdicom takes the first of ours: not the one that says least.
        syntaxes = [_PREFERRED, *(one for one in pynetdicom.ALL_TRANSFER_SYNTAXES if one != _PREFERRED)]
        for context in pynetdicom.AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, syntaxes)
        entity.add_supported_context(VERIFICATION)
        if self._reported is not None:
            entity.add_supported_context(COMMITMENT, scu_role=True, scp_role=True)
        if self._on_event is not None:
            entity.add_supported_context(_WORKITEM_EVENTS, scu_role=True, scp_role=True)
        handlers = [
            (pynetdicom.evt.EVT_C_STORE, self._on_store),
            (pynetdicom.evt.EVT_N_EVENT_REPORT, self._on_report),
            (pynetdicom.evt.EVT_CONN_OPEN, self._on_open),
            (pynetdicom.evt.EVT_ESTABLISHED, self._on_established),
            (pynetdicom.evt.EVT_CONN_CLOSE, self._on_close),
        ]
        tls = _LaterHandshake(self._local.tls.server_context(), self._limits.timeout_s) if self._local.tls else None
        address = f"{self._local.address}:{self._local.port}"
        try:
            self._server = entity.start_server(
                (self._local.address, self._local.port), block=False, ssl_context=tls, evt_handlers=handlers
            )
        except OSError as error:
            raise ConfigError(
                f"{address}: cannot listen there ({error.strerror or error}). Is `napari-lesion listen` or another "
                "program running there? Choose another port, and tell the archive."
            ) from error

    def stop(self) -> None:
        """Accept nobody any more, let what is on its way come to its end for a while, and close.

        After it nothing is kept any more.
        """
        if self._server is None:
            return
        self._server.shutdown()
        until = time.monotonic() + _STOP_S
        while self._is_receiving() and time.monotonic() < until:
            time.sleep(_POLL_S)
        active = list(self._server.active_associations)
        for association in active:
            with suppress(Exception):  # it may end at this very moment
                if association.is_established:
                    association.abort()
                else:  # nothing was agreed upon that could be aborted
                    association.dul.socket.socket.shutdown(socket.SHUT_RDWR)
        for association in active:  # one may be writing what it got
            association.join(_STOP_S)
        self._server = None

    def _is_receiving(self) -> bool:
        """Whether an instance is on its way; archives keep connections open long after the last one."""
        with self._lock:
            return any(one.count for association, one in self._reading.items() if association.is_alive())

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _on_open(self, event: Any) -> None:
        reading = Reading(event.assoc, self._limits.timeout_s, self._limits.instance_bytes)
        with self._lock:
            self._reading = {one: read for one, read in self._reading.items() if one.is_alive()}
            self._reading[event.assoc] = reading

    def _on_established(self, event: Any) -> None:
        self._begin_anew(event.assoc)

    def _on_close(self, event: Any) -> None:
        with self._lock:
            self._reading.pop(event.assoc, None)
        if not event.assoc.is_established:
            # Else pynetdicom's thread waits for a request until its timeout, though nobody is there any more: whoever
            # connects and goes (a port that is probed) would take the place of an association for so long.
            event.assoc.dul.to_user_queue.put(None)

    def _begin_anew(self, association: Any) -> None:
        """Count the bytes of the next instance."""
        with self._lock:
            if association in self._reading:
                self._reading[association].count = 0

    def _on_store(self, event: Any) -> int:
        caller = str(event.assoc.requestor.ae_title).strip()
        self._begin_anew(event.assoc)
        try:
            self._keep(event.encoded_dataset(), caller)
        except PacsError as error:
            _LOG.warning("%s: refused what came: %s", caller, error)
            return CANNOT_UNDERSTAND
        except OSError as error:
            _LOG.error("%s: what came could not be written (%s)", caller, error)
            return OUT_OF_RESOURCES
        except Exception as error:  # never a success that is none, and never the end of the service
            _LOG.error("%s: what came could not be kept\n%s", caller, trace(error))
            return CANNOT_UNDERSTAND
        return SUCCESS

    def _on_report(self, event: Any) -> tuple[int, None]:
        if event.context.abstract_syntax == _WORKITEM_EVENTS:
            if self._on_event is not None:
                self._on_event(
                    str(event.request.AffectedSOPInstanceUID), int(event.event_type), event.event_information
                )
        elif self._reported is not None:
            self._reported(event.event_information)
        return SUCCESS, None
