"""The secret of a de-identification, and what is derived from it: pseudonyms, UIDs, and by how many days dates move.

The same key gives the same again; without it nobody can tell which patient a pseudonym stands for. A key file is
encrypted with a passphrase (scrypt, AES-256-GCM).

Its form is not that of `support.sealed`: a file that begins like those is opened with the keys of the project whose
folder it lies in, and a key, or what it seals, has to open without them, wherever it is taken.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May, require
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.errors import InputFileError, OptionError
from napari_lesion.support.vault import read_text

_BYTES = 32
_FORMAT = "napari-lesion de-identification key 1"
_SCRYPT = {"n": 2**15, "r": 8, "p": 1}
_LEAST_DAYS, _MOST_DAYS = 366, 3653
_LEAST_PASSPHRASE = 8


@dataclass(frozen=True)
class Key:
    """The secret."""

    secret: bytes = field(repr=False)

    @staticmethod
    def new() -> Key:
        """Make one by chance."""
        return Key(secrets.token_bytes(_BYTES))

    def uid(self, uid: str) -> str:
        """Make the UID that takes the place of another: 2.25 and a UUID of version 8 (PS3.5 B.2, RFC 9562)."""
        number = int.from_bytes(self._mac("uid", uid)[:16], "big")
        number = number & ~(0xF << 76) | (8 << 76)
        number = number & ~(0x3 << 62) | (2 << 62)
        return f"2.25.{number}"

    def pseudonym(self, patient: str) -> str:
        """Name a patient, of whom ``patient`` is what tells them from others, in 13 letters and digits."""
        return "P" + base64.b32encode(self._mac("patient", patient)).decode()[:12]

    def token(self, kind: str, text: str) -> str:
        """Make eight letters and digits that take the place of a text, the same for the same text."""
        return base64.b32encode(self._mac(kind, text)).decode()[:8]

    def days(self, patient: str) -> int:
        """By how many days a patient's dates move; into the past, by more than a year and at most ten."""
        number = int.from_bytes(self._mac("days", patient)[:8], "big")
        return -(_LEAST_DAYS + number % (_MOST_DAYS - _LEAST_DAYS + 1))

    def derived(self, purpose: str) -> bytes:
        """32 bytes for another purpose, from which the secret cannot be told."""
        return self._mac("key", purpose)

    def _mac(self, kind: str, text: str) -> bytes:
        return hmac.new(self.secret, f"{kind}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def write_key(path: Path, key: Key, passphrase: str) -> None:
    """Write a key to a file that only its passphrase opens, and only its user may read.

    Raises
    ------
    OptionError
        If the passphrase is too short, or the file is there already.
    NotAllowedError
        If the user may not de-identify there.
    """
    refuse_weak(passphrase)
    if path.exists():
        raise OptionError(f"{path} is there already; a key is never written over.")
    require(May.DE_IDENTIFY, path)
    record(Action.KEY_USE, detail="a new key of de-identifications")
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_stretched(passphrase, salt)).encrypt(nonce, key.secret, _FORMAT.encode())
    text = {"format": _FORMAT, "scrypt": _SCRYPT, "salt": salt.hex(), "nonce": nonce.hex(), "key": sealed.hex()}
    with whole_file(path, private=True) as temporary:
        temporary.write_text(json.dumps(text) + "\n", encoding="utf-8")


def refuse_weak(passphrase: str) -> None:
    """Refuse a passphrase that protects nothing.

    Raises
    ------
    OptionError
        If it is too short.
    """
    if len(passphrase) < _LEAST_PASSPHRASE:
        raise OptionError(f"The passphrase of a key needs at least {_LEAST_PASSPHRASE} characters.")


def read_key(path: Path, passphrase: str) -> Key:
    """Open a key file, also one that lies in an encrypted folder.

    Raises
    ------
    NotAllowedError
        If the user may not de-identify there.
    InputFileError
        If it is no key file, damaged, or its passphrase is another.
    """
    require(May.DE_IDENTIFY, path)
    try:
        text = parse_json(read_text(path))
        if text["format"] != _FORMAT:
            raise KeyError("format")
        if text["scrypt"] != _SCRYPT:
            raise ValueError("scrypt")
        salt, nonce, sealed = (bytes.fromhex(text[name]) for name in ("salt", "nonce", "key"))
    except OSError as error:
        raise InputFileError(f"The key {path} cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputFileError(f"{path} is no key of a de-identification, or it is damaged.") from error
    try:
        secret = AESGCM(_stretched(passphrase, salt)).decrypt(nonce, sealed, _FORMAT.encode())
    except InvalidTag as error:
        record(Action.KEY_USE, detail="the key of de-identifications did not open", failed=True)
        raise InputFileError(f"The passphrase does not open {path}, or the file is damaged.") from error
    record(Action.KEY_USE, detail="the key of de-identifications")
    return Key(secret)


def seal(key: Key, purpose: str, value: Any) -> bytes:
    """Encrypt a value that JSON can hold (AES-256-GCM)."""
    nonce = os.urandom(12)
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return nonce + AESGCM(key.derived(purpose)).encrypt(nonce, text, purpose.encode())


def unseal(key: Key, purpose: str, sealed: bytes, where: Path) -> Any:
    """Decrypt what `seal` made.

    Raises
    ------
    InputFileError
        If another key sealed it, or it was changed.
    """
    try:
        text = AESGCM(key.derived(purpose)).decrypt(sealed[:12], sealed[12:], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise InputFileError(f"{where} was sealed with another key, or it is damaged.") from error
    return json.loads(text.decode("utf-8", "surrogatepass"))


def _stretched(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=_BYTES, **_SCRYPT).derive(passphrase.encode("utf-8"))
