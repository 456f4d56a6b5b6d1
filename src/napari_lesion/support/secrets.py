"""Passwords and tokens: out of the keyring, or a file that only the user may read; never in a log or a repr."""

from __future__ import annotations

import os
import stat
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from napari_lesion.support.bounded import UnreadableError, read_text
from napari_lesion.support.errors import ConfigError

SERVICE = "napari-lesion"
"""Under which the keyring keeps secrets of ours."""
_LARGEST = 64 * 1024


class Secret(BaseModel):
    """Where a secret is kept; what it is, only `reveal` says.

    Attributes
    ----------
    keyring : str, optional
        Name under which the keyring holds it (service `SERVICE`).
    file : Path, optional
        A file with nothing else in it, which only its owner may read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    keyring: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_a_place(cls, value: object) -> object:
        if not isinstance(value, dict):
            # Without the value: pydantic's own sentence would print it.
            raise ValueError("a secret does not stand here; say where it is: {keyring: NAME} or {file: PATH}")
        return value

    @model_validator(mode="after")
    def _is_one_place(self) -> Secret:
        if (self.keyring is None) == (self.file is None):
            raise ValueError("say where it is by one of keyring and file")
        return self

    def reveal(self) -> SecretStr:
        """Fetch the secret.

        Raises
        ------
        ConfigError
            If it is not there, or others may read its file.
        """
        if self.file is not None:
            return SecretStr(from_file(self.file.expanduser()))
        found = _keyring_entry(self.keyring or "")
        if not found:
            raise ConfigError(
                f"The keyring has no secret {self.keyring!r} of {SERVICE}. Put it there: keyring set {SERVICE} "
                f"{self.keyring}"
            )
        return SecretStr(found)


def from_keyring(name: str) -> str | None:
    """Fetch a secret from the keyring; None where there is no keyring, or it has none of that name."""
    try:
        return _keyring_entry(name)
    except ConfigError:
        return None


def check_private(path: Path) -> None:
    """Refuse a file with a secret that others than its owner may read.

    Raises
    ------
    ConfigError
        If they may, or it is not there.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{path}: the file with a secret cannot be read ({error.strerror}).") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{path}: others may read this file with a secret. Take that away: chmod 600 {path}")


def from_file(path: Path) -> str:
    """Read a secret from a file that only its owner may read.

    Raises
    ------
    ConfigError
        If it is not there, empty, or others may read it.
    """
    check_private(path)
    try:
        secret = read_text(path, largest=_LARGEST).strip()
    except (OSError, UnreadableError) as error:
        raise ConfigError(f"{path}: the file with a secret cannot be read.") from error
    if not secret:
        raise ConfigError(f"{path}: the file with a secret is empty.")
    return secret


def _keyring_entry(name: str) -> str | None:
    try:
        engine: Any = import_module("keyring")
    except ImportError as error:
        raise ConfigError(
            "A secret in the keyring needs the package keyring: pip install 'napari-lesion[security]'."
        ) from error
    try:
        found: str | None = engine.get_password(SERVICE, name)
    except Exception as error:  # each backend has errors of its own
        raise ConfigError(
            f"The keyring does not open ({type(error).__name__}). Where there is none, as on a server, keep the "
            "secret in a file with mode 0600 and name that: {file: PATH}."
        ) from error
    return found
