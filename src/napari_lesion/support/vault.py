"""Projects that lie encrypted: which folders they are, with what keys they open, and how their files are read.

An encrypted folder holds `FILE`: its data keys, encrypted for each recipient (age) and, where there is one, by a
passphrase. What decides is `vault_of`, for all that is written below such a folder (`atomic.whole_file`,
`journal_file`), and the begin of a file for what is read: so a folder may be read while it is being encrypted. Keys are
held in the memory of this process alone.
"""

from __future__ import annotations

import base64
import io
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, BinaryIO

from napari_lesion.support import bounded, sealed
from napari_lesion.support.bounded import LARGEST, decoded, parse_json
from napari_lesion.support.errors import ConfigError, SecurityError
from napari_lesion.support.secrets import SERVICE, check_private, from_file, from_keyring

FILE = ".napari-lesion-vault.json"
IDENTITY_VARIABLE = "NAPARI_LESION_IDENTITY"
"""Names the file with the identity (the secret key) that opens projects; mode 0600."""
PASSPHRASE_VARIABLE = "NAPARI_LESION_PASSPHRASE_FILE"
"""Names a file with a passphrase that opens projects; mode 0600."""
IDENTITY, PASSPHRASE = "identity", "passphrase"
"""What the keyring calls them; the identity's file in the user's settings is called ``identity``, too."""
VERSION = 1
"""Of the file."""
_SCRYPT_N, _SCRYPT_R = 2**16, 8
_MEMORY_FOLDERS = (Path("/dev/shm"),)
"""Folders that are memory, not disk: what is not sealed yet is written there."""


@dataclass(frozen=True)
class Vault:
    """An encrypted folder that is open.

    Attributes
    ----------
    folder : Path
    recipients : tuple of str
        Who can open it: public keys of age.
    keys : mapping
        By number; the newest seals.
    wrapped : mapping
        The keys as the file has them.
    """

    folder: Path
    recipients: tuple[str, ...]
    keys: dict[int, bytes] = field(repr=False)
    wrapped: dict[str, str] = field(repr=False)

    def seal(self, content: bytes) -> bytes:
        """Seal the content of a file."""
        return sealed.seal(content, self.keys)

    def seal_line(self, line: bytes) -> bytes:
        """Seal a line of a journal."""
        return sealed.seal_line(line, self.keys)

    def unseal_line(self, line: bytes) -> bytes:
        """Open a line of a journal; one that was never sealed is given as it is."""
        return sealed.unseal_line(line, self.keys) if sealed.is_sealed_line(line) else line

    def database_keys(self) -> tuple[str, ...]:
        """Give the keys of SQLite files, in hexadecimal digits, the newest first."""
        return tuple(sealed.database_key(self.keys[number]) for number in sorted(self.keys, reverse=True))

    def with_new_key(self) -> Vault:
        """Add a key, which seals from now on."""
        return replace(self, keys={**self.keys, max(self.keys, default=0) + 1: os.urandom(sealed.KEY_BYTES)})


def folder_of(path: Path) -> Path | None:
    """Find the encrypted folder that a file is in; None where it is in none."""
    absolute = path.resolve()
    return next((one for one in (absolute, *absolute.parents) if (one / FILE).is_file()), None)


def vault_of(path: Path) -> Vault | None:
    """Open the encrypted folder that a file is in, or would be; None where it is in none.

    Raises
    ------
    SecurityError
        If none of the keys that there are opens it, or its file is damaged.
    """
    folder = folder_of(path)
    if folder is None:
        return None
    state = (folder / FILE).stat()
    return _opened(folder, state.st_mtime_ns, state.st_size, _key_places())


def read_bytes(path: Path) -> bytes:
    """Read a file, sealed or not.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    SecurityError
        If it is sealed, and does not open.
    """
    return opened(path.read_bytes(), path)


def open_file(path: Path) -> tuple[BinaryIO, int]:
    """Open a file to read, sealed or not, and tell how many bytes it has.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    SecurityError
        If it is sealed, and does not open.
    """
    file = path.open("rb")
    try:
        if sealed.is_sealed(file.read(len(sealed.MAGIC))):
            content = read_bytes(path)
            file.close()
            return io.BytesIO(content), len(content)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, size


def lies_sealed(path: Path) -> bool:
    """Whether a file is sealed, by its begin.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    """
    with path.open("rb") as file:
        return sealed.is_sealed(file.read(len(sealed.MAGIC)))


def read_text(path: Path, *, largest: int = LARGEST) -> str:
    """Read a UTF-8 text, sealed or not, if it is not too large.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    UnreadableError
        If it is too large, or no UTF-8.
    SecurityError
        If it is sealed, and does not open.
    """
    return decoded(opened(bounded.read_bytes(path, largest=largest), path))


def opened(content: bytes, path: Path) -> bytes:
    """Open the content of a file, if it is sealed.

    Raises
    ------
    SecurityError
        If it is sealed, and does not open.
    """
    if not sealed.is_sealed(content):
        return content
    vault = vault_of(path)
    if vault is None:
        raise SecurityError(
            f"{path} is encrypted, and there is no {FILE} in its folder or above, which has the keys. Put it back "
            "where it was."
        )
    try:
        return sealed.unseal(content, vault.keys)
    except sealed.UnsealError as error:
        raise SecurityError(f"{path} does not open: {error}. Take it from a backup.") from error


def recipient(text: str) -> Any:
    """Read a public key of age.

    Raises
    ------
    SecurityError
        If it is none.
    """
    pyrage = sealed.library("pyrage")
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        raise SecurityError(f"{text[:80]!r} is no recipient: a public key of age begins with age1.") from error


def read_identity(text: str, where: str) -> Any:
    """Read a secret key of age.

    Raises
    ------
    SecurityError
        If it is none.
    """
    pyrage = sealed.library("pyrage")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    try:
        return pyrage.x25519.Identity.from_str(lines[0] if lines else "")
    except pyrage.IdentityError as error:
        raise SecurityError(f"{where}: no secret key of age (AGE-SECRET-KEY-1...).") from error


def identity_file() -> Path:
    """Where the user's identity is: as the environment says, else in the user's settings."""
    from platformdirs import user_config_path

    named = os.environ.get(IDENTITY_VARIABLE)
    return Path(named) if named else user_config_path("napari-lesion") / IDENTITY


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for what is not sealed yet: in memory where this system has such a place, else the user's alone."""
    place = next((one for one in _MEMORY_FOLDERS if os.access(one, os.W_OK)), None)
    return tempfile.TemporaryDirectory(prefix="napari-lesion-", dir=place)


def temporary_file() -> IO[bytes]:
    """Open a file without a name for what is not sealed yet, in memory where this system has such a place."""
    place = next((one for one in _MEMORY_FOLDERS if os.access(one, os.W_OK)), None)
    return tempfile.TemporaryFile(dir=place)


def _key_places() -> tuple[str, ...]:
    """Name what the keys depend on, so that another identity is another vault."""
    return tuple(os.environ.get(name, "") for name in (IDENTITY_VARIABLE, PASSPHRASE_VARIABLE))


@lru_cache(maxsize=16)
def _opened(folder: Path, _changed: int, _size: int, _places: tuple[str, ...]) -> Vault:
    path = folder / FILE
    try:
        content = parse_json(path.read_bytes())
        if content["vault"] != VERSION:
            raise SecurityError(f"{path} was written by a later version of this program.")
        wrapped = {str(name): str(text) for name, text in content["keys"].items()}
        recipients = tuple(map(str, content["recipients"]))
        boxes = {name: base64.b64decode(text, validate=True) for name, text in wrapped.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SecurityError(f"{path}, which has the keys of this folder, is damaged. Take it from a backup.") from error
    plain = _unwrapped(boxes, path)
    try:
        keys = {int(number): base64.b64decode(key, validate=True) for number, key in parse_json(plain).items()}
    except (ValueError, AttributeError) as error:
        raise SecurityError(f"{path}, which has the keys of this folder, is damaged. Take it from a backup.") from error
    return Vault(folder, recipients, keys, wrapped)


def _unwrapped(boxes: dict[str, bytes], path: Path) -> bytes:
    """Open the keys of a folder with what this user has."""
    tried: Sequence[str] = []
    if "age" in boxes and (identity := own_identity_or_none()) is not None:
        pyrage = sealed.library("pyrage")
        try:
            return bytes(pyrage.decrypt(boxes["age"], [identity]))
        except pyrage.DecryptError:
            tried = [*tried, "your identity is not one of its recipients, or the file was changed"]
    if "passphrase" in boxes and (passphrase := own_passphrase()) is not None:
        salt, box = boxes["passphrase"][:16], boxes["passphrase"][16:]
        try:
            return sealed.unseal(box, {1: stretched(passphrase, salt)})
        except sealed.UnsealError:
            tried = [*tried, "your passphrase is another one, or the file was changed"]
    if not tried:
        tried = [
            f"there is no identity in {identity_file()}, none in the keyring, and no passphrase ({PASSPHRASE_VARIABLE})"
        ]
    raise SecurityError(f"{path.parent} is encrypted and does not open: {'; '.join(tried)}. Nothing was read.")


def own_identity() -> Any:
    """Fetch the identity (secret key) of the user.

    Raises
    ------
    SecurityError
        If there is none.
    """
    found = own_identity_or_none()
    if found is None:
        raise SecurityError(
            f"There is no identity in {identity_file()}, and none in the keyring. Make one: "
            "napari-lesion project identity"
        )
    return found


def own_identity_or_none() -> Any:
    """Fetch the identity (secret key) of the user, an age identity; None where there is none."""
    path = identity_file()
    if path.is_file():
        return read_identity(from_file(path), str(path))
    if os.environ.get(IDENTITY_VARIABLE):
        raise ConfigError(f"{path}, which {IDENTITY_VARIABLE} names, is not there.")
    text = from_keyring(IDENTITY)
    return read_identity(text, f"{IDENTITY} of {SERVICE} in the keyring") if text else None


def own_passphrase() -> str | None:
    """Fetch the passphrase that opens projects; None where there is none."""
    if named := os.environ.get(PASSPHRASE_VARIABLE):
        check_private(Path(named))
        return from_file(Path(named))
    return from_keyring(PASSPHRASE)


def stretched(passphrase: str, salt: bytes) -> bytes:
    """Make a key of a passphrase (scrypt)."""
    scrypt = sealed.library("cryptography.hazmat.primitives.kdf.scrypt").Scrypt
    found: bytes = scrypt(salt=salt, length=sealed.KEY_BYTES, n=_SCRYPT_N, r=_SCRYPT_R, p=1).derive(passphrase.encode())
    return found
