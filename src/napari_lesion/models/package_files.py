"""The files of a package or bundle in a folder or an archive, copied within limits."""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TypeAlias

from napari_lesion.models import packages
from napari_lesion.security.signing import SIGNATURE
from napari_lesion.support.errors import ModelError

_BUNDLE_PARTS = ("configs/", "docs/", "models/", "scripts/", "LICENSE", "README")


LARGEST = 8 * 2**30
"""Bytes of a model at most; more is a mistake, or a zip that is made to fill the disk."""


_LARGEST_TEXT = 2**20


CHUNK = 2**20


_Files: TypeAlias = Mapping[str, Callable[[], IO[bytes]]]
"""Relative path with slashes → what opens the file."""


def is_part(file: str) -> bool:
    """Whether a file belongs to a MONAI bundle, by its path below the bundle's folder, or to a package."""
    return file in (*packages.FILES, SIGNATURE) or file.startswith(_BUNDLE_PARTS)


@contextmanager
def files_of(source: Path) -> Iterator[tuple[str, _Files]]:
    """Give the name and the files of a folder or zip; one folder around everything in a zip is its name."""
    if source.is_dir():
        paths = [path for path in sorted(source.rglob("*")) if path.is_file()]
        home = source.resolve()
        for file in paths:
            if is_part(file.relative_to(source).as_posix()) and not file.resolve().is_relative_to(home):
                raise ModelError(
                    f"{file} is a link that leads out of {source}, where nothing is read. Copy the model with its "
                    "links followed (`cp -rL`), and add the copy."
                )
        yield source.absolute().name, {path.relative_to(source).as_posix(): _opener(path) for path in paths}
        return
    try:
        archive = zipfile.ZipFile(source)
    except OSError as error:
        raise ModelError(f"{source} cannot be read ({error.strerror}).") from error
    except zipfile.BadZipFile as error:
        raise ModelError(f"{source} is neither a folder nor a zip, or the zip is damaged. Get it again.") from error
    with archive:
        members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            path = _plain(member, source)
            if member.is_dir() or path.parts[0] == "__MACOSX" or any(part.startswith(".") for part in path.parts):
                continue  # what file managers leave behind
            if str(path) in members:
                raise ModelError(f"{source}: {member.filename!r} is in it twice. It was not unpacked.")
            members[str(path)] = member
        tops = {PurePosixPath(path).parts[0] for path in members}
        inner = len(tops) == 1 and all("/" in path for path in members)
        name = tops.pop() if inner else source.stem
        yield name, {path.partition("/")[2] if inner else path: _member(archive, m) for path, m in members.items()}


def _plain(member: zipfile.ZipInfo, source: Path) -> PurePosixPath:
    """Refuse a member that would land outside its folder, or that is no file."""
    path = PurePosixPath(member.filename)
    strange = "\\" in member.filename or ":" in member.filename or "\0" in member.orig_filename
    if path.is_absolute() or ".." in path.parts or strange or not path.parts:
        raise ModelError(f"{source}: the path {member.orig_filename!r} leads out of its folder. It was not unpacked.")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise ModelError(f"{source}: {member.filename!r} is a link or a device, not a file. It was not unpacked.")
    if member.flag_bits & 0x1:
        raise ModelError(f"{source} is encrypted. Unpack it first, and add the folder.")
    return path


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(member)


def text_of(opener: Callable[[], IO[bytes]], name: str, source: Path) -> bytes:
    """Read a small file of a package; refuse one that is larger than any text."""
    with _readable(name, source), opener() as file:
        content = file.read(_LARGEST_TEXT + 1)
    if len(content) > _LARGEST_TEXT:
        raise ModelError(f"{source}: {name} is too long to be a description.")
    return content


def copy_of(opener: Callable[[], IO[bytes]], target: Path, limit: int, source: Path) -> tuple[str, int]:
    """Copy one file; returns its sha256 and size."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with _readable(target.name, source), opener() as file, target.open("wb") as out:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise ModelError(f"{source} holds more than {LARGEST // 2**30} GB. It was not unpacked.")
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest(), size


@contextmanager
def _readable(name: str, source: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        raise ModelError(f"{source}: {name} cannot be read ({error}). Nothing was added; get it again.") from error
