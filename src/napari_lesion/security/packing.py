"""Pack files and folders for others into one encrypted file, and unpack what others packed."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from napari_lesion.security.audit import Action, record
from napari_lesion.security.projects import content_of, files_of
from napari_lesion.security.roles import May, require
from napari_lesion.support import sealed, vault
from napari_lesion.support.atomic import PRIVATE_FILE, whole_file, whole_folder
from napari_lesion.support.errors import ConfigError, OptionError, SecurityError


def pack(paths: Sequence[Path], out: Path, recipients: Sequence[str]) -> int:
    """Pack files and folders for others into one file of age (``age -d | tar -x`` opens it); returns how many files.

    What lies encrypted here is opened on the way, in memory; nothing unencrypted comes to the disk.

    Raises
    ------
    SecurityError
        If a recipient is none, or a file does not open.
    ConfigError
        If ``out`` exists.
    """
    if out.exists():
        raise ConfigError(f"{out} exists. Choose another name, nothing is overwritten.")
    if not recipients:
        raise OptionError("Say who can open it: a recipient (age1...).")
    known = [vault.recipient(one) for one in recipients]
    for path in paths:
        require(May.EXPORT, path)
    record(Action.EXPORT, objects=tuple(path.name for path in paths), detail="packed with age")
    count = 0
    with (
        whole_file(out, private=True, as_it_is=True) as temporary,
        temporary.open("wb") as target,
        _piped(lambda source: sealed.library("pyrage").encrypt_io(source, target, known)) as pipe,
        tarfile.open(fileobj=pipe, mode="w|") as archive,
    ):
        for top in paths:
            for path in [top] if top.is_file() else files_of(top):
                content = content_of(path)
                member = tarfile.TarInfo(path.absolute().relative_to(top.absolute().parent).as_posix())
                member.size, member.mode = len(content), PRIVATE_FILE
                archive.addfile(member, io.BytesIO(content))
                count += 1
    return count


def unpack(path: Path, out: Path) -> int:
    """Unpack what `pack` made into a new folder, all or nothing; returns how many files.

    Raises
    ------
    SecurityError
        If it does not open: it is for others, or was changed or cut off.
    ConfigError
        If ``out`` exists.
    """
    if out.exists():
        raise ConfigError(f"{out} exists. Choose another name, nothing is overwritten.")
    identity = vault.own_identity()
    pyrage = sealed.library("pyrage")
    record(Action.KEY_USE, objects=(path.name,), detail="unpack")
    try:
        with vault.temporary_folder() as hidden, path.open("rb") as source:
            plain = Path(hidden) / "packed.tar"
            with plain.open("wb") as target:
                pyrage.decrypt_io(source, target, [identity])  # to its end first: nothing of a changed file is unpacked
            with whole_folder(out, private=True) as folder, tarfile.open(plain, "r:") as archive:
                archive.extractall(folder, filter="data")
                return sum(1 for member in archive if member.isfile())
    except (pyrage.DecryptError, tarfile.TarError) as error:
        raise SecurityError(
            f"{path} does not open ({error}): it is for others, or was changed or cut off. Nothing was unpacked."
        ) from error
    except OSError as error:
        raise SecurityError(f"{path} cannot be unpacked ({error}). Nothing was unpacked.") from error


@contextmanager
def _piped(consume: Callable[[IO[bytes]], object]) -> Iterator[IO[bytes]]:
    """Give what writes into a pipe, from whose other end a function reads on a thread of its own."""
    end, begin = os.pipe()
    failed: list[BaseException] = []

    def run() -> None:
        with os.fdopen(end, "rb") as source:
            try:
                consume(source)
            except BaseException as error:  # raised by the thread that waits for it
                failed.append(error)

    thread = threading.Thread(target=run, name="packing")
    thread.start()
    try:
        with os.fdopen(begin, "wb") as pipe:
            yield pipe
    except BrokenPipeError:
        pass  # the other end says why
    finally:
        thread.join()
    with suppress(IndexError):
        raise failed[0]
