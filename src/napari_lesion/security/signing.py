"""Signatures of model packages: Ed25519 over the SHA-256 of each of their files, in ``signature.json`` beside them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from napari_lesion.security import settings
from napari_lesion.support.atomic import PRIVATE_FILE, whole_file
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.checksums import file_sha256
from napari_lesion.support.errors import ConfigError, ModelError
from napari_lesion.support.secrets import check_private

SIGNATURE = "signature.json"
PUBLIC = ".pub"
"""What names of files with public keys end with."""
TRUSTED = "trusted-keys"
_PURPOSE = b"napari-lesion model package, signature 1\n"
"""Stands before what is signed, so that no signature made for something else fits."""
_NOT_OPENED = "It was not opened."


@dataclass(frozen=True)
class Signed:
    """Who signed a model.

    Attributes
    ----------
    key : str
        Begin of the SHA-256 of the public key, 16 digits.
    name : str
        Of the trusted key; empty where no trusted key has signed it.
    """

    key: str
    name: str = ""


def make_key(path: Path) -> Path:
    """Make a key to sign with, for its user alone, and beside it the public one, whose path is returned.

    Raises
    ------
    ConfigError
        If there is a file already, or it cannot be written.
    """
    ed25519, serialization = _ed25519(), _serialization()
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    beside = path.with_suffix(PUBLIC)
    for one in (path, beside):
        if one.exists():
            raise ConfigError(f"{one} exists. No key is overwritten: choose another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private)
        with whole_file(beside) as temporary:
            temporary.write_bytes(public)
    except OSError as error:
        raise ConfigError(f"{path}: the key cannot be written ({error.strerror}).") from error
    return beside


def trust(path: Path) -> Path:
    """Copy a public key into the folder of those that are trusted, whose path is returned.

    Raises
    ------
    ConfigError
        If it is none, or another key has this name.
    """
    content = _read(path)
    _public_key(content, path)
    place = trusted_folder() / f"{path.stem}{PUBLIC}"
    if place.exists() and place.read_bytes() != content:
        raise ConfigError(f"{place} exists and is another key. Give this one another name.")
    try:
        with whole_file(place) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"{place}: cannot be written ({error.strerror}).") from error
    return place


def trusted_folder() -> Path:
    """Folder of the keys that are trusted, files that end in ``.pub``; it need not exist."""
    return settings.load_settings().models.trusted or settings.folder() / TRUSTED


def sign(folder: Path, files: Iterable[str], key: Path) -> Path:
    """Sign the files of a model; returns the file with the signature.

    Parameters
    ----------
    folder : Path
    files : iterable of str
        Below it, with slashes.
    key : Path
        As `make_key` makes them (PEM).

    Raises
    ------
    ConfigError
        If the key cannot be used, or others may read it.
    ModelError
        If a file cannot be read, or the signature not be written.
    """
    private = _private_key(key)
    manifest = {file: model_file_sha256(folder / file) for file in sorted(files)}
    public = private.public_key().public_bytes_raw()
    content = {
        "signature": base64.b64encode(private.sign(_signed(manifest))).decode(),
        "key": _id(public),
        "files": manifest,
    }
    place = folder / SIGNATURE
    try:
        with whole_file(place) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ModelError(f"{place} cannot be written ({error.strerror}).") from error
    return place


def sign_text(text: str, key: Path) -> tuple[str, str]:
    """Sign a text that says what it is for; returns the id of the key, and the signature (base64).

    Raises
    ------
    ConfigError
        If the key cannot be used, or others may read it.
    """
    private = _private_key(key)
    return _id(private.public_key().public_bytes_raw()), base64.b64encode(private.sign(text.encode())).decode()


def is_signed(text: str, key: str, signature: str) -> bool:
    """Whether a trusted key has signed a text."""
    trusted = _trusted()
    if key not in trusted:
        return False
    try:
        trusted[key][1].verify(base64.b64decode(signature, validate=True), text.encode())
    except (ValueError, _library("cryptography.exceptions").InvalidSignature):
        return False
    return True


def check(folder: Path, files: Iterable[str], name: str = "") -> Signed | None:
    """Check the signature of a model; None where it has none and needs none.

    A signature by a trusted key that does not fit is refused whatever the settings say; without one, or with that of
    another key, a model is refused where they say so.

    Parameters
    ----------
    folder : Path
    files : iterable of str
        All that belongs to the model.
    name : str
        Of the model, in sentences; by default that of the folder.

    Raises
    ------
    ModelError
        If the model is refused.
    """
    model = f"model {name or folder.name}"
    required = settings.load_settings().models.require_signature
    place = folder / SIGNATURE
    if not place.exists():
        if required:
            raise ModelError(
                f"{model}: it is not signed, and the settings ask for a signature. {_NOT_OPENED} Have it "
                "signed by somebody you trust, or sign it yourself: napari-lesion models sign"
            )
        return None
    manifest, said, signature = _parsed(place)
    trusted = _trusted()
    if said not in trusted:
        if required:
            known = ", ".join(name for name, _ in trusted.values()) or "none yet"
            raise ModelError(
                f"{model}: it is signed by the key {said}, which is not trusted (trusted are: {known}). "
                f"{_NOT_OPENED} If you know whose key that is, add it to {trusted_folder()}: "
                "napari-lesion models trust"
            )
        return Signed(said)
    signer, public = trusted[said]
    try:
        public.verify(signature, _signed(manifest))
    except import_module("cryptography.exceptions").InvalidSignature:
        raise ModelError(
            f"{model}: the signature in {place} is not one of the key {signer} ({said}) for what it "
            f"names: it was changed or forged. {_NOT_OPENED} Get the model again."
        ) from None
    there = set(files)
    if more := sorted(there - manifest.keys()):
        raise ModelError(f"{model}: {more[0]} was added after {signer} had signed it. {_NOT_OPENED}")
    for file, sha256 in manifest.items():
        if file not in there:
            raise ModelError(f"{model}: {file}, which {signer} has signed, is missing. {_NOT_OPENED}")
        if model_file_sha256(folder / file) != sha256:
            raise ModelError(
                f"{model}: {file} was changed after {signer} had signed it. {_NOT_OPENED} Get the model again."
            )
    return Signed(said, signer)


def _parsed(place: Path) -> tuple[Mapping[str, str], str, bytes]:
    try:
        content = parse_json(place.read_bytes())
        manifest = {str(file): str(sha256) for file, sha256 in content["files"].items()}
        return manifest, str(content["key"]), base64.b64decode(content["signature"], validate=True)
    except OSError as error:
        raise ModelError(f"{place} cannot be read ({error.strerror}). {_NOT_OPENED}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{place}: the signature of the model is damaged. {_NOT_OPENED} Get it again.") from error


def _trusted() -> dict[str, tuple[str, Any]]:
    """Keys that are trusted: id → name, key."""
    found = {}
    for path in sorted(trusted_folder().glob(f"*{PUBLIC}")):
        key = _public_key(_read(path), path)
        found[_id(key.public_bytes_raw())] = (path.stem, key)
    return found


def _signed(manifest: Mapping[str, str]) -> bytes:
    text = json.dumps(dict(manifest), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return _PURPOSE + text.encode()


def _id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]


def model_file_sha256(path: Path) -> str:
    """SHA-256 of a file of a model.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    try:
        return file_sha256(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}). {_NOT_OPENED}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: the key cannot be read ({error.strerror}).") from error


def _private_key(path: Path) -> Any:
    check_private(path)
    try:
        key = _serialization().load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: no key to sign with, or one with a passphrase, which cannot be used.") from error
    if not isinstance(key, _ed25519().Ed25519PrivateKey):
        raise ConfigError(f"{path}: no Ed25519 key. Make one: napari-lesion models sign --make-key")
    return key


def _public_key(content: bytes, path: Path) -> Any:
    try:
        key = _serialization().load_pem_public_key(content)
    except ValueError as error:
        raise ConfigError(f"{path}: no public key (PEM).") from error
    if not isinstance(key, _ed25519().Ed25519PublicKey):
        raise ConfigError(f"{path}: no Ed25519 key.")
    return key


def _ed25519() -> Any:
    return _library("cryptography.hazmat.primitives.asymmetric.ed25519")


def _serialization() -> Any:
    return _library("cryptography.hazmat.primitives.serialization")


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ConfigError("Signatures need the package cryptography: pip install 'napari-lesion[security]'.") from error
