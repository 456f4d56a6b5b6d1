"""Syslog over TLS (RFC 5425): where a hospital keeps its audit messages, out of reach of who could change them here."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from pathlib import Path

from napari_lesion.security.audit_message import framed
from napari_lesion.support.errors import AuditError, OptionError
from napari_lesion.support.secrets import check_private

PORT = 6514
_PATIENCE_S = 30.0


def send(
    messages: Iterable[bytes],
    host: str,
    port: int = PORT,
    *,
    authorities: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
) -> int:
    """Send messages to a server whose certificate is checked; returns how many.

    Parameters
    ----------
    messages : iterable of bytes
        As `audit_message.syslog_message` makes them.
    host : str
    port : int
    authorities : Path, optional
        Certificates that sign that of the server (PEM); by default those that the system trusts.
    certificate, key : Path, optional
        Ours (PEM).

    Raises
    ------
    AuditError
        If the server cannot be reached, is not the one that it should be, or hangs up. The protocol knows no
        acknowledgement: what was on its way then may be lost, so send all again.
    """
    count = 0
    try:
        context = ssl.create_default_context(cafile=authorities)
        # Not 1.3: there a server may refuse our certificate only after we believe to have sent, and nobody would know.
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None and key is not None:
            check_private(key)
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise OptionError(f"A certificate or key for syslog cannot be used ({error}).") from error
    try:
        with (
            socket.create_connection((host, port), timeout=_PATIENCE_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as connection,
        ):
            for message in framed(messages):
                connection.sendall(message)
                count += 1
            connection.unwrap()  # waits until the other side has read to the end
    except (OSError, ssl.SSLError) as error:
        raise AuditError(
            f"{host}:{port}: the audit messages were not sent, or not all of them ({error}); {count} were on their way."
        ) from error
    return count
