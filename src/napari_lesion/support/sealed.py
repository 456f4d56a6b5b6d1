"""What lies encrypted: files in chunks of AES-256-GCM, and single lines of journals.

A file is a header (the form, the number of the key, a salt) and chunks of 64 KiB, each encrypted and authenticated
together with the header, its number and whether it is the last one (the STREAM construction): chunks that were changed,
moved, left out or cut off are noticed. Each file has a key of its own, derived from the key and the salt, so no nonce
occurs twice under one key. A line of a journal has a random nonce. What is decrypted comes back whole, or not at all.
"""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from napari_lesion.support.errors import ConfigError, SecurityError

MAGIC = b"napari-lesion sealed file 1\n"
KEY_BYTES = 32
_CHUNK, _TAG, _SALT, _NONCE = 64 * 1024, 16, 16, 12
_HEADER = struct.Struct(f">{len(MAGIC)}sI{_SALT}s")
_LINE = b"~"
"""How sealed lines begin; JSON cannot."""
_NUMBER = struct.Struct(">I")

Keys = Mapping[int, bytes]
"""By their number, the keys of a project: after a rotation, what was sealed before it has the earlier one."""


class UnsealError(SecurityError):
    """What is sealed cannot be opened: it was changed, or the key is another one."""


def is_sealed(content: bytes) -> bool:
    """Whether the content of a file is sealed, by its begin."""
    return content.startswith(MAGIC)


def is_sealed_line(line: bytes) -> bool:
    """Whether a line of a journal is sealed."""
    return line.startswith(_LINE)


def key_number(content: bytes) -> int:
    """Determine the number of the key with which a file was sealed; 0 where that cannot be told."""
    return int(_HEADER.unpack_from(content)[1]) if is_sealed(content) and len(content) >= _HEADER.size else 0


def line_key_number(line: bytes) -> int:
    """Determine the number of the key with which a line was sealed; 0 where that cannot be told."""
    try:
        return int(_NUMBER.unpack_from(base64.b64decode(line[1:9]))[0])
    except (ValueError, struct.error):
        return 0


def seal(content: bytes, keys: Keys) -> bytes:
    """Seal the content of a file with the newest key."""
    number = max(keys)
    header = _HEADER.pack(MAGIC, number, os.urandom(_SALT))
    cipher = _cipher(_derived(keys[number], b"file", header))
    count = max(1, -(-len(content) // _CHUNK))
    view = memoryview(content)
    parts = [
        cipher.encrypt(_nonce(n, n == count - 1), view[n * _CHUNK : (n + 1) * _CHUNK], header) for n in range(count)
    ]
    return b"".join((header, *parts))


def unseal(content: bytes, keys: Keys) -> bytes:
    """Open the content of a file that `seal` made.

    Raises
    ------
    UnsealError
        If it was changed or cut off, or no key fits; nothing of it is given then.
    """
    if not is_sealed(content) or len(content) < _HEADER.size + _TAG:
        raise UnsealError("it is no sealed file, or its begin is cut off")
    header, view = content[: _HEADER.size], memoryview(content)[_HEADER.size :]
    cipher = _cipher(_derived(_key(keys, key_number(content)), b"file", header))
    whole = _CHUNK + _TAG
    count = -(-len(view) // whole)
    try:
        return b"".join(
            cipher.decrypt(_nonce(n, n == count - 1), view[n * whole : (n + 1) * whole], header) for n in range(count)
        )
    except _invalid() as error:
        raise UnsealError("it was changed or cut off, or sealed with another key") from error


def seal_line(line: bytes, keys: Keys) -> bytes:
    """Seal a line of a journal, without its end, with the newest key."""
    number = max(keys)
    head, nonce = _NUMBER.pack(number), os.urandom(_NONCE)
    return _LINE + base64.b64encode(head + nonce + _line_cipher(keys[number]).encrypt(nonce, line, head))


def unseal_line(line: bytes, keys: Keys) -> bytes:
    """Open a line that `seal_line` made.

    Raises
    ------
    UnsealError
        If it was changed, or no key fits.
    """
    try:
        content = base64.b64decode(line[1:], validate=True)
    except ValueError as error:
        raise UnsealError("it was changed") from error
    head, nonce, rest = content[:4], content[4 : 4 + _NONCE], content[4 + _NONCE :]
    # Of the characters only the last ones can be others and mean the same bytes.
    last = (len(content) - 1) // 3 * 3
    if len(rest) < _TAG or base64.b64encode(content[last:]) != line[-4:]:
        raise UnsealError("it was cut off")
    try:
        found: bytes = _line_cipher(_key(keys, _NUMBER.unpack(head)[0])).decrypt(nonce, rest, head)
    except _invalid() as error:
        raise UnsealError("it was changed, or sealed with another key") from error
    return found


def database_key(key: bytes) -> str:
    """Derive the key of SQLite files from one of a project, in hexadecimal digits."""
    return _derived(key, b"databases", b"").hex()


def _key(keys: Keys, number: int) -> bytes:
    try:
        return keys[number]
    except KeyError:
        raise UnsealError(f"it was sealed with key number {number}, which is not among those of the project") from None


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(_NONCE - 1, "big") + (b"\1" if last else b"\0")


def _derived(key: bytes, purpose: bytes, salt: bytes) -> bytes:
    hkdf = library("cryptography.hazmat.primitives.kdf.hkdf").HKDF
    sha256 = library("cryptography.hazmat.primitives.hashes").SHA256
    found: bytes = hkdf(algorithm=sha256(), length=KEY_BYTES, salt=salt, info=b"napari-lesion " + purpose).derive(key)
    return found


@lru_cache(maxsize=8)
def _line_cipher(key: bytes) -> Any:
    return _cipher(_derived(key, b"lines", b""))


def _cipher(key: bytes) -> Any:
    return library("cryptography.hazmat.primitives.ciphers.aead").AESGCM(key)


def _invalid() -> Any:
    return library("cryptography.exceptions").InvalidTag


def library(name: str) -> Any:
    """Import a module of the libraries that know how to encrypt.

    Raises
    ------
    ConfigError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"Encryption and signatures need the package {name.partition('.')[0]}: pip install "
            "'napari-lesion[security]'."
        ) from error
