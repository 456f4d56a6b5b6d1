"""Archives among the files of a folder: which of them may hold scans that nobody reads."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_UNREADABLE = (
    OSError, EOFError, ValueError, RuntimeError, NotImplementedError, LookupError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError,
)  # fmt: skip
#: Looked at in an archive at most; one that holds more may hold scans.
_MOST_ENTRIES = 5000
_MOST_BYTES = 256 * 2**20
_HEAD = 132
#: Zips by another name.
_NO_SCANS = (".apk", ".docx", ".epub", ".jar", ".odt", ".pptx", ".war", ".whl", ".xlsx")
_CLOSED = {b"7z\xbc\xaf'\x1c": "7z", b"Rar!": "RAR", b"(\xb5/\xfd": "Zstandard"}
_COMPRESSED: dict[bytes, tuple[str, Callable[[Path], Any]]] = {
    b"\x1f\x8b": ("gzip", gzip.GzipFile),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
}


def scans_inside(path: Path) -> str | None:
    """Why a file that is no image may hold scans: it is an archive, or compressed.

    Returns
    -------
    str or None
        The end of a sentence; None where it is no archive, or one that was looked into and holds no DICOM file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError:
        return None
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip(path)
    if _is_tar(head):
        return _tar(lambda: path.open("rb"), "a tar archive")
    for mark, name in _CLOSED.items():
        if head.startswith(mark):
            return f"a {name} archive, which is not looked into; unpack it and open its folder"
    for mark, (name, unpack) in _COMPRESSED.items():
        if head.startswith(mark):
            return _compressed(path, name, unpack)
    return None


def _zip(path: Path) -> str | None:
    with _damaged("zip") as damage, zipfile.ZipFile(path) as source:
        left = _MOST_BYTES
        for number, entry in enumerate(source.infolist()):
            if entry.is_dir():
                continue
            if entry.flag_bits & 0x1:
                return "a zip archive with a password; unpack it and open its folder"
            left -= min(entry.file_size, 2**16)
            if number >= _MOST_ENTRIES or left < 0:
                return "a zip archive with so many files that it was not looked through; open it by itself"
            with source.open(entry) as file:
                if _holds(file.read(512), entry.filename):
                    return "a zip archive that holds DICOM files; open it by itself"
    return damage.text


def _tar(unpack: Callable[[], Any], what: str) -> str | None:
    with _damaged("tar") as damage, unpack() as stream:
        bounded: Any = _Bounded(stream)
        with tarfile.open(fileobj=bounded, mode="r|") as source:
            for number, entry in enumerate(source):
                file = source.extractfile(entry) if entry.isreg() else None
                if number >= _MOST_ENTRIES:
                    return f"{what} with so many files that it was not looked through; unpack it and open its folder"
                if file is not None and _holds(file.read(512), entry.name):
                    return f"{what} that holds DICOM files; unpack it and open its folder"
    return damage.text


def _compressed(path: Path, name: str, unpack: Callable[[Path], Any]) -> str | None:
    with _damaged(name) as damage:
        with unpack(path) as stream:
            head = stream.read(512)
        if _is_tar(head):
            return _tar(lambda: unpack(path), f"a tar archive ({name})")
        if _holds(head):
            return f"a DICOM file compressed by {name}; unpack it"
    return damage.text


class _Damage:
    text: str | None = None


@contextmanager
def _damaged(kind: str) -> Iterator[_Damage]:
    damage = _Damage()
    try:
        yield damage
    except _UNREADABLE as error:
        damage.text = f"a damaged {kind} archive ({error}); copy it again, or unpack it and open its folder"


class _Bounded:
    """A stream that ends with an error where an archive expands without an end."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._left = stream, _MOST_BYTES

    def read(self, size: int = -1) -> Any:
        """Read some bytes."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise OSError("it is too large to be looked through")
        return data


def _holds(head: bytes, name: str = "") -> bool:
    """Whether a file that begins so may hold scans: DICOM, or another archive but a document or a program."""
    if name.lower().endswith(_NO_SCANS):
        return False
    inner = (b"PK\x03\x04", *_CLOSED, *_COMPRESSED)
    return head[128:_HEAD] == b"DICM" or head.startswith(inner) or _is_tar(head)


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"
