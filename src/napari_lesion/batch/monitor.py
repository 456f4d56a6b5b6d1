"""A page in a browser that shows how far a run is: on this computer alone, unless somebody says otherwise."""

from __future__ import annotations

import ipaddress
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

from napari_lesion.batch.schedule import Status
from napari_lesion.report.summary import SeriesOutcome
from napari_lesion.security.roles import May
from napari_lesion.security.web import OK, Guard
from napari_lesion.support.errors import OptionError

LOOPBACK = "127.0.0.1"
_MOST_FAILURES = 100
_PATIENCE_S = 10.0
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


class Monitor:
    """Serves the page until it is closed. It takes no orders: all that one can do with it is look.

    Parameters
    ----------
    host : str
        Address that it listens on.
    port : int
        0: any that is free.

    Raises
    ------
    OptionError
        If it cannot listen there.
    ConfigError
        If a token of the settings cannot be fetched.
    """

    def __init__(self, host: str, port: int) -> None:
        self._guard = Guard()
        self._status = Status(0)
        self._failures: list[dict[str, str]] = []
        self._failed = 0
        monitor = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _PATIENCE_S

            def do_GET(self) -> None:
                """Answer with the page or what is on it."""
                monitor._answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Log nothing: the terminal is for the run."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except (OSError, OverflowError) as error:
            raise OptionError(f"The monitor cannot listen on {host}:{port} ({error}). Choose another port.") from error
        self._server.daemon_threads = True
        self._is_local = _is_loopback(host)
        threading.Thread(target=self._server.serve_forever, name="napari-lesion monitor", daemon=True).start()

    @property
    def address(self) -> str:
        """Of the page."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    def show(self, status: Status) -> None:
        """Show how far the run is from now on."""
        self._status = status

    def add(self, outcome: SeriesOutcome) -> None:
        """Show a series that failed. Its reason may name files, often called after patients: it stays here."""
        if outcome.status == "failed":
            self._failed += 1
            reason = outcome.reason if self._is_local else "The summary of the run says why."
            self._failures = [{"series": outcome.series_uid, "reason": reason}, *self._failures[: _MOST_FAILURES - 1]]

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path, _, query = request.path.partition("?")
        if self._is_local and not _is_loopback(request.headers.get("Host", "").rsplit(":", 1)[0].strip("[]")):
            request.send_error(403, "This page is for the computer that it is on.")
        elif path == "/":
            page = files("napari_lesion.batch").joinpath("monitor.html").read_bytes()
            _send(request, "text/html; charset=utf-8", page)
        elif path == "/status.json":
            token = parse_qs(query).get("token", [""])[0]
            status = self._guard.status(request.headers.get("Authorization", ""), May.SEE_RUNS, token)
            if status != OK:
                request.send_error(status, "This needs a token of a role that may see runs.")
                return
            _send(request, "application/json", json.dumps(self._state()).encode())
        else:
            request.send_error(404)

    def _state(self) -> dict[str, Any]:
        status = self._status
        names = ("worker", "series", "seconds", "what")
        running = [dict(zip(names, one, strict=True)) for one in status.running]
        values = {**vars(status), "ended": status.ended, "running": running}
        return {**values, "failures": self._failures, "failures_in_all": self._failed}


def _send(request: BaseHTTPRequestHandler, kind: str, content: bytes) -> None:
    request.send_response(200)
    for name, value in (
        ("Content-Type", kind),
        ("Content-Length", str(len(content))),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", _POLICY),
        ("X-Content-Type-Options", "nosniff"),
    ):
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)


def _is_loopback(host: str) -> bool:
    """Whether a name or address is this computer's own: a page elsewhere could have another name point here."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
