"""Who did what, and when: `record` is the one function through which the whole program writes the audit log.

Nothing is logged where no log is configured (`settings`). Where one is and it cannot be written, what would stand in it
is not done. Patients stand in it by a keyed hash, so that all lines of one can be found by who has the key and the
PatientID, and by nobody else.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import os
import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from napari_lesion.security import settings
from napari_lesion.security.audit_log import AuditLog
from napari_lesion.security.who import login
from napari_lesion.support.atomic import PRIVATE_FILE
from napari_lesion.support.errors import AuditError, ConfigError
from napari_lesion.support.secrets import Secret

KEY_FILE = "audit.key"
_KEY_BYTES = 32
_HASH_LENGTH = 32
"""Hexadecimal digits of the hash of a patient."""


class Action(StrEnum):
    """What is logged."""

    OPEN = "open"
    SEARCH = "search"
    CHANGE = "change"
    EXPORT = "export"
    SEND = "send"
    RECEIVE = "receive"
    QUERY = "query"
    DE_IDENTIFY = "de-identify"
    KEY_USE = "key use"
    REFUSE = "refuse"
    """Somebody was not let do something."""


def record(
    action: Action,
    *,
    patient_id: str = "",
    study_uid: str = "",
    objects: Iterable[str] = (),
    detail: str = "",
    failed: bool = False,
    reader: str = "",
) -> None:
    """Write a line to the audit log, if there is one.

    Parameters
    ----------
    action : Action
    patient_id : str
        Written as its keyed hash, unless the settings say otherwise.
    study_uid : str
    objects : iterable of str
        UIDs of series or instances; ids of what else it is about.
    detail : str
        What exactly, in a few words: a kind of report, an archive, a model. Nothing that names a patient.
    failed : bool
    reader : str
        Name under which the program knows the user, beside that of the login.

    Raises
    ------
    AuditError
        If the line cannot be written. What it says must not be done then.
    """
    audit = settings.load_settings().audit
    if audit.log is None:
        return
    key = audit_key(audit)
    patient = patient_id if audit.name_patients else hashed(patient_id, key)
    fields = {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "who": login(),
        "reader": reader,
        "what": action.value,
        "outcome": "failed" if failed else "done",
        "patient": patient,
        "study": study_uid,
        "objects": list(objects),
        "detail": detail,
        "host": socket.gethostname(),
        "process": os.getpid(),
    }
    AuditLog(audit.log, key, audit.anchor).append({name: value for name, value in fields.items() if value})


def open_log() -> AuditLog:
    """Open the log that is configured, to look at it.

    Raises
    ------
    ConfigError
        If none is.
    """
    audit = settings.load_settings().audit
    if audit.log is None:
        raise ConfigError(
            f"No audit log is configured: {settings.settings_file()} has no audit.log, and "
            f"{settings.AUDIT_ENVIRONMENT} is not set. docs/security.md says how."
        )
    return AuditLog(audit.log, audit_key(audit), audit.anchor)


def hashed(patient_id: str, key: bytes) -> str:
    """Stand-in for a patient: the same for the same PatientID and key, empty for none."""
    if not patient_id.strip():
        return ""
    own = hmac.digest(key, b"patients", "sha256")
    return hmac.new(own, patient_id.strip().encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:_HASH_LENGTH]


def audit_key(audit: settings.Audit) -> bytes:
    """Fetch the key that seals the log; the first time, one is made.

    Raises
    ------
    AuditError
        If the key is gone and there is a log that it sealed.
    ConfigError
        If it cannot be fetched, or others may read its file.
    """
    if audit.key is not None:
        return audit.key.reveal().get_secret_value().encode()
    path = settings.folder() / KEY_FILE
    if not path.exists():
        if audit.log is not None and audit.log.exists():
            raise AuditError(
                f"{path}: the key of the audit log {audit.log} is gone. Put it back, or move the log away to begin a "
                "new one: without its key nobody can tell whether its lines are as they were written."
            )
        _make_key(path)
    return _kept(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _kept(path: Path, _changed: int) -> bytes:
    return Secret(file=path).reveal().get_secret_value().encode()


def _make_key(path: Path) -> None:
    """Write a new key that only the user may read; where another program was quicker, its key stays."""
    beside = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(beside)
        beside.unlink()
    except OSError as error:
        raise AuditError(f"{path}: the key of the audit log cannot be written ({error.strerror}).") from error
