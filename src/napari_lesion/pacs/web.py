"""What the listener answers by HTTP: instances that are stored (STOW-RS), how it is, and figures for Prometheus."""

from __future__ import annotations

import hmac
import json
import logging
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import SecretStr

from napari_lesion.pacs.nodes import Tls
from napari_lesion.pacs.storage import describe
from napari_lesion.pacs.stow import Outcome, boundary_of, parts, response_of
from napari_lesion.security.roles import May
from napari_lesion.security.web import OK, Guard
from napari_lesion.support.errors import ConfigError, PacsError
from napari_lesion.support.nameless import trace

_LOG = logging.getLogger(__name__)
_STUDIES = re.compile(r"(?:/[\w.-]+)*?/studies(?:/([0-9.]{1,64}))?/?")
_OUT_OF_RESOURCES, _CANNOT_UNDERSTAND, _OTHER_STUDY = 0xA700, 0xC000, 0xA900
_STOP_S = 10.0
_POLL_S = 0.05
_MOST_LINE = 1024
_BLOCK, _MOST_READ_AWAY = 2**18, 2**26
_TEXT = "text/plain; charset=utf-8"

Keep = Callable[[bytes, str], object]


@dataclass(frozen=True)
class Storing:
    """What STOW-RS does with an instance.

    Attributes
    ----------
    keep : callable
        Is called with it and ``sender``; what it returns for is on the disk.
    sender : str
        Stands for an AE title in rules.
    token : SecretStr, optional
        That who sends must have.
    instance_bytes : int
        At most.
    """

    keep: Keep
    sender: str
    token: SecretStr | None
    instance_bytes: int


@dataclass(frozen=True)
class Pages:
    """What is answered.

    Attributes
    ----------
    texts : mapping
        By path, what makes an answer: status, content type, text.
    storing : Storing, optional
    """

    texts: Mapping[str, Callable[[], tuple[int, str, str]]] = field(default_factory=dict)
    storing: Storing | None = None
    needs: Mapping[str, May | None] = field(default_factory=dict)
    """By path, what the role of who asks must allow, where the settings have tokens; other paths need none."""
    guard: Guard | None = None


class WebServer(ThreadingHTTPServer):
    """An HTTP server with bounds, on threads of its own.

    Parameters
    ----------
    address : str
    port : int
    pages : Pages
    timeout_s : float
        A connection without a sign of life is ended after this.
    connections : int
        At a time; more are turned away.
    tls : Tls, optional

    Raises
    ------
    ConfigError
        If the address cannot be used, or a certificate not.
    """

    def __init__(
        self, address: str, port: int, pages: Pages, *, timeout_s: float, connections: int, tls: Tls | None = None
    ) -> None:
        self.pages, self.timeout_s = pages, timeout_s
        self._context: ssl.SSLContext | None = tls.server_context() if tls else None
        self._places = threading.BoundedSemaphore(connections)
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        try:
            super().__init__((address, port), _Handler)
        except OSError as error:
            raise ConfigError(f"{address}:{port}: cannot listen there ({error.strerror or error}).") from error
        self._thread = threading.Thread(target=self.serve_forever, name="web", daemon=True)

    def __enter__(self) -> WebServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Accept nobody any more; what is on its way has a while, then is cut off. Nothing is kept after it."""
        self.shutdown()
        self.server_close()
        self._thread.join()
        until = time.monotonic() + _STOP_S
        while self._open and time.monotonic() < until:
            time.sleep(_POLL_S)
        with self._lock:
            left = dict(self._open)
        for connection in left.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in left:
            thread.join(_STOP_S)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; a handshake is made on its own thread, so that nobody waits for who says nothing."""
        connection, address = super().get_request()
        connection.settimeout(self.timeout_s)
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection on a thread of its own, where there is a place."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                del self._open[threading.current_thread()]
            self._places.release()

    def handle_error(self, *_: object) -> None:
        """Log no more than that a connection ended: what it said may name a patient."""
        if (error := sys.exception()) is not None:
            _LOG.debug("a connection ended\n%s", trace(error))


class _Handler(BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"  # so that who asks whether to go on is told
    server_version, sys_version = "napari-lesion", ""
    _read: Callable[[int], bytes] | None = None

    def do_GET(self) -> None:
        make = self.server.pages.texts.get(self.path.split("?", 1)[0])
        if make is None:
            self._answer(404, _TEXT, b"There is nothing here.\n")
            return
        pages, path = self.server.pages, self.path.split("?", 1)[0]
        if pages.guard is not None and path in pages.needs:
            allowed = pages.guard.status(self.headers.get("Authorization", ""), pages.needs[path])
            if allowed != OK:
                self._answer(allowed, _TEXT, b"This needs a token of a role that may see it.\n")
                return
        status, kind, text = make()
        self._answer(status, kind, text.encode())

    def do_POST(self) -> None:
        answer = self._stored()
        self._read_away()
        self._answer(*answer)

    def _stored(self) -> tuple[int, str, bytes]:
        storing = self.server.pages.storing
        path = _STUDIES.fullmatch(self.path.split("?", 1)[0])
        if storing is None or path is None:
            return 404, _TEXT, b"There is nothing here.\n"
        if not self._may_store(storing):
            return 401, _TEXT, b"Say who you are.\n"
        outcomes: list[Outcome] = []
        try:
            boundary = boundary_of(self.headers.get("Content-Type", ""))
        except PacsError as error:
            return 415, _TEXT, f"{error}\n".encode()
        try:
            for content in parts(self._reader(), boundary, storing.instance_bytes):
                outcomes.append(_store(storing, content, path[1]))
        except PacsError as error:  # what came before it is on the disk; the rest cannot be divided into parts
            _LOG.warning("STOW: a request was not read to its end: %s", error)
            outcomes.append(Outcome(failure=_CANNOT_UNDERSTAND))
        status, body = response_of(outcomes)
        return status, "application/dicom+json", body

    def _may_store(self, storing: Storing) -> bool:
        if storing.token is None:
            return True
        said = self.headers.get("Authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(said, f"Bearer {storing.token.get_secret_value()}".encode())

    def _reader(self) -> Callable[[int], bytes]:
        """Give what reads on in the body."""
        if self._read is None:
            self._read = self._body()
        return self._read

    def _body(self) -> Callable[[int], bytes]:
        """Read the body by its length, or in chunks; `PacsError` where it says neither."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").casefold():
            return _Chunks(self.rfile).read
        said = self.headers.get("Content-Length", "")
        if not said.isascii() or not said.isdigit():
            raise PacsError("what is sent does not say how long it is")
        left = int(said)

        def read(count: int) -> bytes:
            nonlocal left
            some = self.rfile.read1(min(count, left)) if left else b""
            left -= len(some)
            return bytes(some)

        return read

    def _read_away(self) -> None:
        """Read what nobody wants: who still sends when we hang up would not get our answer."""
        with suppress(PacsError):
            read, left = self._reader(), _MOST_READ_AWAY
            while left > 0 and (some := read(_BLOCK)):
                left -= len(some)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep what is asked for out of the log."""


class _Chunks:
    """A body in chunks (RFC 9112, 7.1)."""

    def __init__(self, source: Any) -> None:
        self._source, self._left, self._ended = source, 0, False

    def read(self, count: int) -> bytes:
        """Give up to so many bytes; none at the end."""
        if self._ended:
            return b""
        if not self._left:
            said = self._source.readline(_MOST_LINE).split(b";")[0].strip()
            try:
                self._left = int(said, 16)
            except ValueError as error:
                raise PacsError("a chunk of what is sent does not say how long it is") from error
            if self._left <= 0:
                self._ended = True
                return b""
        some: bytes = self._source.read1(min(count, self._left))
        self._left -= len(some)
        if some and not self._left:
            self._source.readline(_MOST_LINE)
        return some


def _store(storing: Storing, content: bytes, study_uid: str | None) -> Outcome:
    try:
        instance = describe(content)
    except PacsError as error:
        _LOG.warning("STOW: refused what came: %s", error)
        return Outcome(failure=_CANNOT_UNDERSTAND)
    named = instance.sop_class_uid, instance.sop_uid
    if study_uid is not None and instance.study_uid != study_uid:
        return Outcome(*named, _OTHER_STUDY)
    try:
        storing.keep(content, storing.sender)
    except PacsError as error:
        _LOG.warning("STOW: refused what came: %s", error)
        return Outcome(*named, _CANNOT_UNDERSTAND)
    except OSError as error:
        _LOG.error("STOW: what came could not be written (%s)", error)
        return Outcome(*named, _OUT_OF_RESOURCES)
    except Exception as error:  # never a success that is none, and never the end of the service
        _LOG.error("STOW: what came could not be kept\n%s", trace(error))
        return Outcome(*named, _CANNOT_UNDERSTAND)
    return Outcome(*named)


def as_json(status: int, content: Mapping[str, object]) -> tuple[int, str, str]:
    """Make an answer of values."""
    return status, "application/json", json.dumps(content)
