"""``security.yaml``: what is logged and where, and which models are trusted. Without the file nothing is asked for."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from napari_lesion.support.checked_yaml import read_checked
from napari_lesion.support.secrets import Secret

ENVIRONMENT = "NAPARI_LESION_SECURITY"
"""Names the file, where it is not at its usual place."""
AUDIT_ENVIRONMENT = "NAPARI_LESION_AUDIT"
"""Names the audit log; it goes before that of the file."""
FILE_NAME = "security.yaml"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Audit(_Model):
    """What is logged, and where.

    Attributes
    ----------
    log : Path, optional
        The audit log; without one nothing is logged.
    key : Secret, optional
        Seals the lines; by default a file of its own beside ``security.yaml``, made when it is first needed.
    anchor : Path, optional
        Where the head of the log is kept a second time: on another disk or machine, which who can cut the log cannot
        write to at will.
    name_patients : bool
        Write PatientIDs as they are, instead of their keyed hash.
    """

    log: Path | None = None
    key: Secret | None = None
    anchor: Path | None = None
    name_patients: bool = False


class Models(_Model):
    """Which models may be loaded.

    Attributes
    ----------
    require_signature : bool
        Refuse models that no trusted key has signed; those that come with the program are part of it, and always load.
    trusted : Path, optional
        Folder of the keys that are trusted; by default ``trusted-keys`` beside ``security.yaml``.
    """

    require_signature: bool = False
    trusted: Path | None = None


class Web(_Model):
    """Who may look at the pages that the program serves: of the listener, and of runs.

    Attributes
    ----------
    tokens : mapping
        A bearer token for each role (`roles.Role`); none: whoever reaches the address.
    """

    tokens: dict[Literal["reader", "researcher", "data manager", "admin"], Secret] = {}


class Settings(_Model):
    """All of the file."""

    audit: Audit = Audit()
    models: Models = Models()
    web: Web = Web()


def folder() -> Path:
    """Folder of the user's settings."""
    return settings_file().parent


def settings_file() -> Path:
    """Where the file is: as the environment says, else in the user's settings."""
    from platformdirs import user_config_path

    named = os.environ.get(ENVIRONMENT)
    return Path(named) if named else user_config_path("napari-lesion") / FILE_NAME


def load_settings() -> Settings:
    """Read the settings; where there is no file, nothing is asked for.

    Raises
    ------
    ConfigFileError
        If the file is wrong, or the environment names one that is not there.
    """
    path = settings_file()
    try:
        state = path.stat()
    except FileNotFoundError:
        found = Settings()
        if os.environ.get(ENVIRONMENT):
            found = read_checked(path, Settings, "file of the security settings")  # which says that it is not there
    else:
        found = _read(path, state.st_mtime_ns, state.st_size)
    if named := os.environ.get(AUDIT_ENVIRONMENT):
        found = found.model_copy(update={"audit": found.audit.model_copy(update={"log": Path(named)})})
    return found


@lru_cache(maxsize=4)
def _read(path: Path, _changed: int, _size: int) -> Settings:
    return read_checked(path, Settings, "file of the security settings")
