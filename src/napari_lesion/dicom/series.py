"""Find the image series below a path. Only headers are read."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, overload

import numpy as np

from napari_lesion.dicom import archive, stacks
from napari_lesion.dicom.dicomdir import dicomdir_files
from napari_lesion.dicom.geometry import axes_of, spread
from napari_lesion.dicom.header import Frame, Header, NotAScanError, read_header
from napari_lesion.dicom.packed import scans_inside
from napari_lesion.dicom.tree import look_through
from napari_lesion.errors import SeriesError
from napari_lesion.progress import Progress, silent
from napari_lesion.volume import SeriesIdentity

Kind = Literal["volume", "image", "localizer"]
Skipped = tuple[Path, str]

#: Modalities whose images belong to a volume; the images of all others stand alone where they have no position.
_VOLUMETRIC = ("CT", "MR", "PT", "NM")
_REPORT_EVERY = 50
#: Between two tellings passes at least so many times what a telling takes.
_REST = 4.0


@dataclass(frozen=True)
class Series:
    """Image planes that make one volume (or one image), as their headers describe them.

    Attributes
    ----------
    identity : SeriesIdentity
    frames : tuple of Frame
        In no particular order; `read_series` orders them by position.
    kind : {"volume", "image", "localizer"}
    key : str
        Unique in its index and usable as a folder name: the SeriesInstanceUID, with ``.2``, ``.3``, ... for further
        stacks of the same series.
    duplicates : tuple of str
        A sentence for each plane that was there twice.
    notes : tuple of str
        What was found while the planes were sorted, a sentence each.
    """

    identity: SeriesIdentity
    frames: tuple[Frame, ...] = field(repr=False)
    kind: Kind
    key: str
    duplicates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    _folder: archive.TemporaryFolder | None = field(default=None, repr=False, compare=False)

    @property
    def n_slices(self) -> int:
        """Number of planes."""
        return len(self.frames)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.frames[0].file.rows, self.frames[0].file.columns

    @property
    def spacing(self) -> tuple[float, float, float] | None:
        """Distance of slices, rows and columns, mm, as the headers have it; None where they don't say.

        The distance of slices is 0 for a single plane.
        """
        first = self.frames[0]
        axes = None if first.orientation is None else axes_of(first.orientation)
        positions = [f.position for f in self.frames if f.position is not None]
        if first.pixel_spacing is None or axes is None or not positions:
            return None
        step = spread(np.array(positions), axes.normal).step_mm if len(positions) > 1 else 0.0
        return (step, *first.pixel_spacing)

    @property
    def label(self) -> str:
        """One line for people: number, description, modality, slices, spacing."""
        identity, spacing = self.identity, self.spacing
        parts = [
            f"{identity.series_number}: {identity.series_description or 'no description'}"
            if identity.series_number
            else identity.series_description or "no description",
            identity.modality or "no modality",
            f"{self.n_slices} × {self.size[0]}×{self.size[1]}",
        ]
        if spacing is not None and spacing[0] > 0:
            parts.append(f"{spacing[0]:.3g} mm")
        if self.kind == "localizer":
            parts.append("localizer")
        suffix = self.key.removeprefix(identity.series_uid).removeprefix(".")
        if suffix:
            parts.append(f"stack {suffix}")
        return " · ".join(parts)


@dataclass(frozen=True)
class SeriesIndex(Sequence[Series]):
    """The series found, volumes first, and every file that was left out with the reason."""

    series: tuple[Series, ...]
    skipped: tuple[Skipped, ...] = ()
    left_out: tuple[Skipped, ...] = ()
    """Those among them that could not be looked into and may hold scans."""
    complete: bool = True
    """Whether all files were looked at. While they are not, a series may grow, and is not yet split into stacks."""

    def __len__(self) -> int:
        return len(self.series)

    def __iter__(self) -> Iterator[Series]:
        return iter(self.series)

    @overload
    def __getitem__(self, index: int) -> Series: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Series, ...]: ...
    def __getitem__(self, index: int | slice) -> Series | tuple[Series, ...]:
        return self.series[index]


def find_series(path: str | os.PathLike[str], *, progress: Progress = silent) -> SeriesIndex:
    """Find every image series below a path.

    Parameters
    ----------
    path : path
        A folder (searched through), a DICOMDIR (the images it lists), a zip (expanded into a temporary folder
        that lives as long as the series found in it), or one image file: then the whole series that it belongs to is
        looked for in its own folder.
    progress : callable
        ``progress(done, total, what)``; may raise `Cancelled`.

    Returns
    -------
    SeriesIndex
        Empty where there is no image; `skipped` then says why.

    Raises
    ------
    SeriesError
        If the path does not exist, or a zip is damaged or expands beyond its limits.
    """
    *_, index = watch_series(path, every_s=math.inf, progress=progress)
    return index


def watch_series(
    path: str | os.PathLike[str], *, every_s: float = 0.3, progress: Progress = silent
) -> Iterator[SeriesIndex]:
    """Find every image series below a path, and tell meanwhile what was found so far.

    Parameters
    ----------
    path, progress
        As for `find_series`.
    every_s : float
        Seconds between two tellings; more where sorting out takes longer.

    Yields
    ------
    SeriesIndex
        The last one is `complete`, and the only one whose series are split into stacks. A series that did not grow is
        the same object as in the index before.

    Raises
    ------
    SeriesError
        As `find_series` does.
    """
    root = Path(path).absolute()
    if root.is_dir():
        progress(0, 0, f"Looking through {root.name}")
        tree = look_through(root, lambda count: progress(0, 0, f"Looking through {root.name}: {count} files"))
        skipped = [*tree.skipped, *tree.left_out]
        yield from _grow(archive.Files(tree.paths, len(tree.paths), skipped, tree.left_out), every_s, progress)
        return
    if not root.is_file():
        raise SeriesError(f"{root}: there is no such file or folder. Check the path.")
    if archive.is_zip(root):
        yield from _grow(archive.expand(root, progress), every_s, progress)
        return
    try:
        header = read_header(root)
    except NotAScanError as error:
        if not error.dicomdir:
            inside = scans_inside(root)
            one = ((root, inside or str(error)),)
            yield SeriesIndex((), one, one if inside or error.lost else ())
            return
        found, missing = dicomdir_files(root)
        yield from _grow(archive.Files(found, len(found), missing, list(missing)), every_s, progress)
        return
    try:
        siblings = sorted(entry for entry in root.parent.iterdir() if entry.is_file())
    except OSError:  # a file may be read in a folder that may not
        siblings = [root]
    for index in _grow(archive.Files(siblings, len(siblings)), every_s, progress):
        own = tuple(s for s in index if s.identity.series_uid == header.series_uid)
        yield SeriesIndex(own, complete=index.complete)


def _grow(files: archive.Files, every_s: float, progress: Progress) -> Iterator[SeriesIndex]:
    """Read all headers and sort them into series."""
    groups: dict[str, list[Frame]] = {}
    first: dict[str, Header] = {}
    known: dict[str, Series] = {}
    skipped: list[Skipped] = []
    dicomdirs = []
    due = time.monotonic() + every_s
    for done, path in enumerate(files.paths):
        if done % _REPORT_EVERY == 0:
            progress(done, files.total, files.doing)
        try:
            header = read_header(path)
        except NotAScanError as error:
            if error.dicomdir:
                dicomdirs.append(path)
                continue
            inside = None if error.lost else scans_inside(path)
            if inside or error.lost:
                files.leave_out(files.name(path), inside or str(error))
            else:
                skipped.append((files.name(path), str(error)))
            continue
        groups.setdefault(header.series_uid, []).extend(header.frames)
        first.setdefault(header.series_uid, header)
        if (started := time.monotonic()) >= due:
            for uid, frames in groups.items():
                if uid not in known or known[uid].n_slices != len(frames):
                    known[uid] = _unsorted(first[uid].identity(), frames, files.folder)
            told = (*files.skipped, *skipped)
            yield SeriesIndex(tuple(known.values()), told, tuple(files.left_out), complete=False)
            now = time.monotonic()
            due = now + max(every_s, _REST * (now - started))
    progress(files.total, files.total, files.doing)
    found_uids = {frame.file.sop_instance_uid for frames in groups.values() for frame in frames}
    for path in dicomdirs:
        missing = [file for file, _ in dicomdir_files(path, found_uids)[1] if file != path]
        said = f"; {len(missing)} images that it names are not there" if missing else ""
        skipped.append((files.name(path), f"a DICOMDIR, not a scan{said}"))
    series: list[Series] = []
    for uid, frames in groups.items():
        header = first[uid]
        found, moving = _series_of(header.identity(), frames, files.folder)
        series += found
        skipped += [(files.name(path), reason) for path, reason in moving]
    series.sort(key=lambda s: s.kind != "volume")
    yield SeriesIndex(tuple(series), (*files.skipped, *skipped), tuple(files.left_out))


def sorted_out(index: SeriesIndex) -> SeriesIndex:
    """Split what was found before a search was stopped into stacks; the index stays incomplete."""
    if index.complete:
        return index
    series: list[Series] = []
    skipped = list(index.skipped)
    for one in index:
        found, moving = _series_of(one.identity, list(one.frames), one._folder)
        series += found
        skipped += moving
    series.sort(key=lambda s: s.kind != "volume")
    return SeriesIndex(tuple(series), tuple(skipped), index.left_out, complete=False)


def _unsorted(identity: SeriesIdentity, frames: list[Frame], folder: archive.TemporaryFolder | None) -> Series:
    """All planes of one SeriesInstanceUID so far."""
    kind: Kind = "volume" if len(frames) > 1 else "image"
    if stacks.is_localizer(frames[0]):
        kind = "localizer"
    return Series(identity, tuple(frames), kind, _safe(identity.series_uid), _folder=folder)


def _series_of(
    identity: SeriesIdentity, frames: list[Frame], folder: archive.TemporaryFolder | None
) -> tuple[list[Series], list[Skipped]]:
    """All stacks of one SeriesInstanceUID, volumes first and the largest first."""
    parts: list[tuple[Kind, stacks.Stack]] = []
    skipped: list[Skipped] = []
    for stack in stacks.split(frames):
        placed = any(frame.position is not None for frame in stack.frames)
        if placed or len(stack.frames) == 1 or identity.modality in _VOLUMETRIC:
            single: Kind = "image" if len(stack.frames) == 1 else "volume"
            parts.append(("localizer" if stack.localizer else single, stack))
            continue
        for frame in stack.frames:
            if frame.number is None:
                parts.append(("image", stacks.Stack((frame,), False, stack.duplicates)))
            elif frame.number == 1:
                reason = f"a moving image of {frame.file.n_frames} frames without positions, not a scan"
                skipped.append((frame.file.path, reason))
    kinds = ("volume", "image", "localizer")
    parts.sort(key=lambda part: (kinds.index(part[0]), -len(part[1].frames)))
    return [
        Series(
            identity=identity,
            frames=stack.frames,
            kind=kind,
            key=_safe(identity.series_uid) + (f".{number}" if number > 1 else ""),
            duplicates=stack.duplicates,
            notes=stack.notes,
            _folder=folder,
        )
        for number, (kind, stack) in enumerate(parts, start=1)
    ], skipped


def _safe(uid: str) -> str:
    """Make a UID usable as a folder name, whatever stands in the tag."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in ".-_") else "_" for c in uid)[:128]
    return safe if safe.strip(".") else "_" * max(len(safe), 1)
