"""Files that may hold images, and a zip expanded into them."""

from __future__ import annotations

import bz2
import lzma
import shutil
import stat
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from struct import error as struct_error
from struct import unpack
from typing import cast

from filelock import FileLock, Timeout

from napari_lesion.support.errors import SeriesError
from napari_lesion.support.progress import Progress

#: Most entries that a zip may hold.
MAX_ZIP_FILES = 200_000
#: Most bytes that a zip may expand to.
MAX_ZIP_BYTES = 64 * 2**30
#: Most bytes that a zip may expand to for each byte it has; small zips may exceed it.
MAX_ZIP_RATIO = 200
_RATIO_FROM_BYTES = 256 * 2**20
_CHUNK = 2**20
_PREFIX, _LOCK = "napari-lesion-unpacked-", ".in-use"
#: Compressed bytes of LZMA that are expanded at once: to 7,000 times as many at most.
_SMALL_CHUNK = 1024

#: What expanding a damaged entry ends in.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, struct_error)

Skipped = tuple[Path, str]


def _remove_what_the_dead_left() -> None:
    """Remove folders that processes of this user left when they were killed: scans of patients are in them.

    Who is alive holds the lock of its folder, in another container, too.
    """
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = path / _LOCK
        if path.is_symlink() or not lock.is_file():
            continue
        with suppress(OSError, Timeout), FileLock(lock, blocking=False):
            shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path, lock: FileLock) -> None:
    lock.release()  # Windows removes no file that is open
    shutil.rmtree(path, ignore_errors=True)


class TemporaryFolder:
    """A folder that vanishes with the last object that refers to it, at the latest when Python ends.

    Where Python is killed, the next one that makes such a folder removes it.
    """

    def __init__(self) -> None:
        _remove_what_the_dead_left()
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            lock = FileLock(self.path / _LOCK, blocking=False, thread_local=False)
            with suppress(OSError, Timeout):  # another one took it for left behind
                lock.acquire()
                break
        self._finalizer = weakref.finalize(self, _remove, self.path, lock)

    def remove(self) -> None:
        """Remove the folder now."""
        self._finalizer()


@dataclass
class Files:
    """Files to look at, and those already known to be of no use."""

    paths: Iterable[Path]
    """Those of a zip are expanded as they are asked for, once."""
    total: int
    """How many there are, at most."""
    skipped: list[Skipped] = field(default_factory=list)
    left_out: list[Skipped] = field(default_factory=list)
    """Those among them that may hold scans."""
    folder: TemporaryFolder | None = None
    """Keeps the expanded files of a zip."""
    shown: dict[Path, Path] = field(default_factory=dict)
    """What to call an expanded file in messages."""
    doing: str = "Reading headers"
    """What a search says while it goes through them."""

    def leave_out(self, path: Path, reason: str) -> None:
        """Name what could not be looked into and may hold scans."""
        self.skipped.append((path, reason))
        self.left_out.append((path, reason))

    def name(self, path: Path) -> Path:
        """Path for messages."""
        return self.shown.get(path, path)


def is_zip(path: Path) -> bool:
    """Whether a file begins like a zip and is one."""
    try:
        with path.open("rb") as file:
            return file.read(2) == b"PK" and zipfile.is_zipfile(path)
    except OSError:
        return False


def expand(archive: Path, progress: Progress) -> Files:
    """Expand a zip into a temporary folder, file by file as its paths are asked for.

    No entry gets out of that folder: entries with absolute or upward paths, links and encrypted entries are skipped
    and reported. Zips in the zip stay zips.

    Raises
    ------
    SeriesError
        If the zip is damaged, or would expand beyond the limits: at once, or when that shows on the way. Then what was
        expanded is gone.
    """
    folder = TemporaryFolder()
    with _sentences(archive, folder):
        source = zipfile.ZipFile(archive)
        entries = [entry for entry in source.infolist() if not entry.is_dir()]
        if len(entries) > MAX_ZIP_FILES:
            raise SeriesError(
                f"{archive}: the zip has {len(entries)} entries, more than {MAX_ZIP_FILES}. Unpack it yourself "
                "and open the folder."
            )
    files = Files((), len(entries), folder=folder, doing=f"Unpacking {archive.name}")
    files.paths = _expanded(archive, source, entries, folder, files, progress)
    return files


def _expanded(
    archive: Path,
    source: zipfile.ZipFile,
    entries: Sequence[zipfile.ZipInfo],
    folder: TemporaryFolder,
    files: Files,
    progress: Progress,
) -> Iterator[Path]:
    with _sentences(archive, folder), source:
        budget = _Budget(archive)
        for done, entry in enumerate(entries):
            progress(done, len(entries), files.doing)
            path = _expand_entry(source, entry, archive, folder.path, files, budget)
            if path is not None:
                yield path


@contextmanager
def _sentences(archive: Path, folder: TemporaryFolder) -> Iterator[None]:
    """Describe what is wrong with a zip; what was expanded goes then, but stays where a search is only stopped."""
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        folder.remove()
        raise SeriesError(f"{archive}: the zip is damaged ({error}). Copy or download it again.") from error
    except OSError as error:
        folder.remove()
        raise SeriesError(f"{archive}: the zip cannot be unpacked ({error}).") from error
    except SeriesError:
        folder.remove()
        raise


class _Budget:
    """What a zip may still expand to. Counted while it expands, because a zip's own table can lie."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive
        size = archive.stat().st_size
        self.limit = min(MAX_ZIP_BYTES, max(_RATIO_FROM_BYTES, MAX_ZIP_RATIO * size))
        self.used = 0

    def spend(self, count: int) -> None:
        self.used += count
        if self.used > self.limit:
            raise SeriesError(
                f"{self.archive}: the zip expands to more than {self.limit // 2**20} MiB, which no scan of that size "
                "does. If you trust it, unpack it yourself and open the folder."
            )


def _pieces(source: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Expand an entry in pieces of bounded size; Python bounds them for deflate alone.

    References
    ----------
    PKWARE's APPNOTE 4.3.7 (local header), 4.4.5 (methods).
    """
    with source.open(entry) as packed:
        if entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield from iter(lambda: packed.read(_CHUNK), b"")
            return
        if entry.compress_type != zipfile.ZIP_BZIP2:
            bounded = cast("zipfile.ZipExtFile", packed)
            bounded.MIN_READ_SIZE = _SMALL_CHUNK
            yield from iter(lambda: bounded.read1(_SMALL_CHUNK), b"")
            return
    assert source.fp is not None
    source.fp.seek(entry.header_offset + 26)
    name, extra = unpack("<HH", source.fp.read(4))
    at, end = entry.header_offset + 30 + name + extra, entry.header_offset + 30 + name + extra + entry.compress_size
    expander, crc = bz2.BZ2Decompressor(), 0
    while not expander.eof:
        data = b""
        if expander.needs_input:
            source.fp.seek(at)
            data = source.fp.read(min(_CHUNK, end - at))
            at += len(data)
            if not data:
                raise EOFError("it ends early")
        try:
            piece = expander.decompress(data, _CHUNK)
        except OSError as error:  # how bz2 says that its data are damaged
            raise zipfile.BadZipFile(str(error)) from error
        crc = zlib.crc32(piece, crc)
        yield piece
    if crc != entry.CRC:
        raise zipfile.BadZipFile("its checksum is another one")


def _expand_entry(
    source: zipfile.ZipFile, entry: zipfile.ZipInfo, archive: Path, folder: Path, files: Files, budget: _Budget
) -> Path | None:
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    shown = archive.joinpath(*[part for part in parts if part != "/"])
    if not parts or parts[0] == "/" or any(part == ".." or ":" in part or "\0" in part for part in parts):
        files.leave_out(archive / entry.filename.replace("\0", "?").strip("/"), "its path leads out of the zip")
        return None
    if stat.S_ISLNK(entry.external_attr >> 16):
        files.leave_out(shown, "a link inside the zip")
        return None
    if entry.flag_bits & 0x1:
        files.leave_out(shown, "encrypted; unpack it with its password and open the folder")
        return None
    target = folder.joinpath(*parts)
    if target.exists():  # a zip may hold the same name twice
        target = target.with_name(f"{target.name}~{len(files.shown)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            for chunk in _pieces(source, entry):
                budget.spend(len(chunk))
                out.write(chunk)
    except _DAMAGED as error:
        target.unlink(missing_ok=True)
        files.leave_out(shown, f"damaged inside the zip ({error})")
        return None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        files.leave_out(shown, "its name is also that of a folder in the zip")
        return None
    files.shown[target] = shown
    return target
