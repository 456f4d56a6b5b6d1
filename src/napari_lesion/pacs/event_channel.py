"""What a worklist that is reached by DICOMweb reports by itself: its event channel, a WebSocket (PS3.18, 8.10, 11.13).

IHE AI Workflow calls it Open Event Channel and Notify (RAD-109, RAD-87).
"""

from __future__ import annotations

import json
import logging
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from napari_lesion.pacs import engines
from napari_lesion.pacs.association import CONNECT_S
from napari_lesion.pacs.nodes import Node
from napari_lesion.support.errors import PacsError
from napari_lesion.support.uids import is_uid

_LOG = logging.getLogger(__name__)
_MOST_BYTES = 2**20
"""Of one report: it names a workitem and its state."""
_EVENT, _WORKITEM = "00001002", "00001000"
"""Event Type ID, and Affected SOP Instance UID."""

NoteEvent = Callable[[str, int, Any], None]


class EventChannel:
    """An open channel; a thread of its own hands on what comes, until it is closed by either side.

    Parameters
    ----------
    name : str
        Of the worklist, for sentences.
    node : Node
    ae_title : str
        That has subscribed.
    note : callable
        Gets the UID of a workitem, the kind of event (PS3.4, table CC.2.4-1), and what else was said.
    offered : str
        Where the worklist says that the channel is; taken only if that is on the host of ``node``, no less safe.

    Raises
    ------
    PacsError
        If it cannot be opened.
    """

    def __init__(self, name: str, node: Node, ae_title: str, note: NoteEvent, offered: str = "") -> None:
        self._name, self._note = name, note
        self._held = ExitStack()
        self._connection = _connected(self._held, name, node, address_of(node, ae_title, offered))
        self._open = threading.Event()
        self._open.set()
        self._thread = threading.Thread(target=self._listen, name=f"events of {name}", daemon=True)
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Whether more may come."""
        return self._open.is_set()

    def close(self) -> None:
        """End it."""
        with suppress(Exception):  # the other side may be gone
            self._connection.close()
        self._thread.join()

    def _listen(self) -> None:
        try:
            for message in self._connection:
                if (report := _report(message)) is None:
                    _LOG.warning("%s: reported something that is no event of a workitem", self._name)
                    continue
                self._note(*report)
        except Exception as error:  # however it ends, the worklist is looked at now and then, and asked for a new one
            _LOG.warning("%s: the event channel ended (%s)", self._name, type(error).__name__)
        finally:
            self._open.clear()
            with suppress(Exception):
                self._held.close()


def address_of(node: Node, ae_title: str, offered: str = "") -> str:
    """Where the channel of a subscriber is: as PS3.18 says, or elsewhere on the same host where that is offered."""
    own = urlsplit(str(node.dicomweb))
    scheme = {"https": "wss"}.get(own.scheme, "ws")
    said = urlsplit(offered)
    if said.scheme == scheme and said.hostname == own.hostname:
        return offered
    return urlunsplit((scheme, own.netloc, f"{own.path.rstrip('/')}/subscribers/{quote(ae_title)}", "", ""))


def _connected(held: ExitStack, name: str, node: Node, address: str) -> Any:
    client = engines.websockets()
    headers: dict[str, str] = {}
    if node.token is not None:
        headers["Authorization"] = f"Bearer {node.token.reveal().get_secret_value()}"
    elif node.user is not None and node.password is not None:
        secret = f"{node.user}:{node.password.reveal().get_secret_value()}"
        headers["Authorization"] = f"Basic {b64encode(secret.encode()).decode()}"
    context = node.tls.client_context() if node.tls is not None and address.startswith("wss:") else None
    try:
        connecting = client.connect(
            address,
            additional_headers=headers,
            ssl=context,
            proxy=None,  # what stands in the environment would go before what the node says
            open_timeout=CONNECT_S,
            ping_timeout=node.timeout_s,
            max_size=_MOST_BYTES,
        )
        return held.enter_context(connecting)
    except Exception as error:  # the library's own, those of sockets and of TLS
        raise PacsError(f"{name}: its event channel cannot be opened ({type(error).__name__}: {error}).") from error


def _report(message: str | bytes) -> tuple[str, int, Mapping[str, Any]] | None:
    """Read a report; None where it is none."""
    try:
        said = json.loads(message)
        one = said[0] if isinstance(said, list) else said
        uid, kind = one[_WORKITEM]["Value"][0], int(one[_EVENT]["Value"][0])
    except (ValueError, LookupError, TypeError):
        return None
    return (uid, kind, one) if isinstance(uid, str) and is_uid(uid) else None
