"""Where instances lie that came over a network: one file each, on the disk before anybody is told so."""

from __future__ import annotations

import hashlib
import os
import struct
import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from napari_lesion.pacs.records import Instance
from napari_lesion.support.atomic import PRIVATE_FILE, PRIVATE_FOLDER, put_right, scratch_folder
from napari_lesion.support.errors import OutputError, PacsError
from napari_lesion.support.uids import is_uid, name_of
from napari_lesion.support.vault import open_file, read_bytes, vault_of

ENDING = ".dcm"
_TAGS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientID",
    "Modality",
)
#: What pydicom raises over content that is damaged.
DAMAGED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    InvalidDicomError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)


def describe(content: bytes | Path) -> Instance:
    """Read what an instance says of itself.

    Parameters
    ----------
    content : bytes or Path
        A file after PS3.10.

    Raises
    ------
    PacsError
        If it is none, or does not say which instance it is.
    """
    path = content if isinstance(content, Path) else Path()
    what = f"{path}" if isinstance(content, Path) else "what came"
    try:
        with open_file(content)[0] if isinstance(content, Path) else BytesIO(content) as source:
            found = pydicom.dcmread(source, stop_before_pixels=True, specific_tags=list(_TAGS))
        values = {tag: str(found.get(tag) or "").strip(" \0") for tag in _TAGS}
        syntax = str(found.file_meta.TransferSyntaxUID)
        media = str(found.file_meta.get("MediaStorageSOPInstanceUID", values["SOPInstanceUID"]))
    except OSError as error:
        raise PacsError(f"{what} cannot be read ({error.strerror}).") from error
    except DAMAGED as error:
        raise PacsError(f"{what} is no DICOM file, or a damaged one ({type(error).__name__}).") from error
    for name in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not is_uid(values[name]):
            raise PacsError(f"{what} has no {name}.")
    if media != values["SOPInstanceUID"]:
        raise PacsError(f"{what} contradicts itself: its file header names another SOPInstanceUID.")
    return Instance(
        path=path,
        sop_class_uid=values["SOPClassUID"],
        sop_uid=values["SOPInstanceUID"],
        transfer_syntax=syntax,
        study_uid=values["StudyInstanceUID"],
        series_uid=values["SeriesInstanceUID"],
        patient_id=values["PatientID"],
        modality=values["Modality"],
    )


def private_folder(folder: Path) -> Path:
    """Make a folder for its owner alone, unless it is there.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made ({error.strerror}). The user that this program runs as must be allowed to write "
            "into the folder above it."
        ) from error
    return folder


class Storage:
    """A folder of studies: ``<study>/<series>/<instance>.dcm``.

    In an encrypted folder each is sealed before it comes to the disk.

    An instance that comes again with the same content is there already. One that comes with other content is kept, too,
    under a name of its own: neither may get lost, and which one is right is not for us to guess.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = private_folder(folder)
        self._lock = threading.Lock()
        self._scratch: Path | None = None

    def keep(self, content: bytes) -> tuple[Instance, bool]:
        """Put an instance on the disk; it is there, name and all, when this returns.

        Returns
        -------
        instance : Instance
        new : bool
            Whether it was not there yet.

        Raises
        ------
        PacsError
            If it does not say which instance it is.
        OSError
            If it cannot be written.
        SecurityError
            If the folder is encrypted, and does not open.
        """
        instance = describe(content)
        folder = self.series_folder(instance.study_uid, instance.series_uid)
        vault = vault_of(self.folder)
        with self._lock:
            self._make(folder)
            if self._scratch is None or not self._scratch.is_dir():
                self._scratch = _scratch_of(self)
            partial = self._scratch / f"{threading.get_ident()}"
        name = name_of(instance.sop_uid)
        path = folder / f"{name}{ENDING}"
        other = folder / f"{name}_{hashlib.sha256(content).hexdigest()[:12]}{ENDING}"
        for one in (path, other):
            if one.exists() and _same(one, content):
                return _at(instance, one), False
        try:
            with open(partial, "wb", opener=lambda name, flags: os.open(name, flags, PRIVATE_FILE)) as file:
                file.write(content if vault is None else vault.seal(content))
                file.flush()
                os.fsync(file.fileno())
            if not _named(partial, path):
                if _same(path, content):  # by another thread or program, just now
                    return _at(instance, path), False
                path = other
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(folder)
        return _at(instance, path), True

    def series_folder(self, study_uid: str, series_uid: str) -> Path:
        """Where a series lies."""
        return self.study_folder(study_uid) / name_of(series_uid)

    def study_folder(self, study_uid: str) -> Path:
        """Where a study lies."""
        return self.folder / name_of(study_uid)

    def sop_uids(self, study_uid: str, series_uid: str) -> set[str]:
        """Which instances of a series are there, whole."""
        folder = self.series_folder(study_uid, series_uid)
        return {path.name.removesuffix(ENDING) for path in _files(folder)}

    def clear_away(self) -> None:
        """Remove what a process that was killed had not written to its end; nobody was told that it was there.

        What another program that writes into the same folder has not written to its end stays.
        """
        put_right(self.folder)

    def _make(self, folder: Path) -> None:
        if folder.is_dir():
            return
        for one in (folder.parent, folder):
            if not one.is_dir():
                one.mkdir(mode=PRIVATE_FOLDER)
                _sync_folder(one.parent)


def instances_below(paths: list[Path]) -> list[Instance]:
    """Describe all instances in files and below folders, in the order of their names.

    Raises
    ------
    PacsError
        If a file that is named is none, or there is none below a folder.
    """
    found: list[Instance] = []
    for path in paths:
        if path.is_dir():
            files = sorted(one for one in path.rglob(f"*{ENDING}") if one.is_file() and not one.name.startswith("."))
            if not files:
                raise PacsError(f"{path}: there is no file with the ending {ENDING} below it, so nothing to send.")
            found += [describe(one) for one in files]
        else:
            found.append(describe(path))
    return found


def _scratch_of(storage: Storage) -> Path:
    """Make a folder for what a storage has not written to its end: its own, and gone with it."""
    held = ExitStack()
    scratch = held.enter_context(scratch_folder(storage.folder))
    weakref.finalize(storage, held.close)
    return scratch


def _named(partial: Path, path: Path) -> bool:
    """Give a file its name, unless there is one of that name already."""
    try:
        os.link(partial, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if path.exists():
            return False
        partial.replace(path)
    return True


def _at(instance: Instance, path: Path) -> Instance:
    from dataclasses import replace

    return replace(instance, path=path)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.suffix == ENDING and not path.name.startswith("."))


def _same(path: Path, content: bytes) -> bool:
    """Whether a file holds the same instance: its data set, whatever the program that wrote the file's header."""
    stored = read_bytes(path)
    return stored == content or _data_set(stored) == _data_set(content)


def _data_set(content: bytes) -> bytes:
    """Give what is behind the file header (PS3.10, 7.1), by its length."""
    length = int.from_bytes(content[140:144], "little") if content[132:138] == b"\x02\0\0\0UL" else -1
    return content[144 + length :] if length >= 0 else content


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
