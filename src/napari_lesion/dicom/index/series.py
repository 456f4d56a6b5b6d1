"""Find the image series below a path. Only headers are read."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

import numpy as np

from napari_lesion.dicom.index import archive
from napari_lesion.dicom.index.dicomdir import Directory, contradictions, read_dicomdir
from napari_lesion.dicom.index.frames import Frame, NotAScanError, Owner
from napari_lesion.dicom.index.group import Group, Part, SeriesKind, Skipped
from napari_lesion.dicom.index.header import read_header
from napari_lesion.dicom.index.packed import scans_inside
from napari_lesion.dicom.index.preview import preview
from napari_lesion.dicom.index.scattered import scattered
from napari_lesion.dicom.index.tree import look_through
from napari_lesion.dicom.read.geometry import axes_of, spread
from napari_lesion.model.volume import SeriesIdentity, stack_of
from napari_lesion.support import notebook
from napari_lesion.support.errors import SeriesError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.uids import name_of

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
    kind : {"volume", "image", "localizer", "time series"}
    key : str
        Unique and usable as a folder name: the SeriesInstanceUID (``uids.name_of`` it), with ``_2``, ``_3``, ... for
        further stacks of the same series: no UID has an underscore.
    duplicates : tuple of str
        A sentence for each plane that was there twice.
    notes : tuple of str
        What was found while the planes were sorted, a sentence each.
    refusal : str
        Why these planes make no volume, though nothing is wrong with any of them: a sentence, and what to do. '' where
        they may make one; whether they do, `plan_stack` tells.
    strangers : tuple of (str, int)
        What is said of planes that lie in gaps of this stack, but are of another kind; how many they are.
    """

    identity: SeriesIdentity
    frames: tuple[Frame, ...] = field(repr=False)
    kind: SeriesKind
    key: str
    duplicates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str = ""
    strangers: tuple[tuple[str, int], ...] = ()
    _folder: archive.TemporaryFolder | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        what = f"{self.identity.modality or 'no modality'} {self.kind}"
        images = " × ".join(map(str, (self.n_slices, *self.size))) if self.frames else "no images"
        return f"Series({self.key}: {what}, {images})"

    def _repr_html_(self) -> str:
        """Show the middle plane in a notebook."""
        shown = preview(self)
        return notebook.page(repr(self), notebook.picture(shown.grey, shown.aspect))

    @property
    def stack(self) -> int:
        """Number of this stack among those of its SeriesInstanceUID, from 1."""
        number = self.key.removeprefix(name_of(self.identity.series_uid)).removeprefix("_")
        return int(number) if number.isdecimal() else 1

    @property
    def stack_id(self) -> str:
        """Which of the stacks of its SeriesInstanceUID it is, as the `Volume.stack` that it is read to."""
        placed = [f for f in self.frames if f.position is not None and f.orientation is not None]
        return stack_of((f.file.sop_instance_uid, f.number) for f in placed or self.frames)

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
        if self.kind in ("localizer", "time series"):
            parts.append(self.kind)
        if self.stack > 1:
            parts.append(f"stack {self.stack}")
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

    def __repr__(self) -> str:
        return f"SeriesIndex({len(self.series)} series, {len(self.skipped)} files left out)"

    def _repr_html_(self) -> str:
        """Show all series in a notebook."""
        rows = [(str(n), one.key, one.identity.modality, one.kind, str(one.n_slices)) for n, one in enumerate(self)]
        return notebook.page(repr(self), notebook.table(("", "series", "modality", "kind", "images"), rows))

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
        directory = read_dicomdir(root)
        files = archive.Files(directory.found, len(directory.found), [*directory.missing], [*directory.missing])
        yield from _grow(files, every_s, progress, opened=(root, directory))
        return
    try:
        siblings = sorted(entry for entry in root.parent.iterdir() if entry.is_file())
    except OSError:  # a file may be read in a folder that may not
        siblings = [root]
    for index in _grow(archive.Files(siblings, len(siblings)), every_s, progress, header.series_uid):
        yield SeriesIndex(index.series, complete=index.complete)


def _grow(
    files: archive.Files,
    every_s: float,
    progress: Progress,
    only: str = "",
    opened: tuple[Path, Directory] | None = None,
) -> Iterator[SeriesIndex]:
    """Read all headers (or those of one SeriesInstanceUID) and sort them into series.

    Parameters
    ----------
    opened : (Path, Directory), optional
        The DICOMDIR that named the files, and what it says of them.
    """
    groups: dict[str, Group] = {}
    known: dict[str, tuple[Series, ...]] = {}
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
        if only and header.series_uid != only:
            continue
        groups.setdefault(header.series_uid, Group()).add(header)
        if (started := time.monotonic()) >= due:
            for uid, group in groups.items():
                if uid not in known or sum(one.n_slices for one in known[uid]) != group.size:
                    known[uid] = tuple(_series_of(part, files.folder) for part in group.unsorted())
            found = tuple(one for several in known.values() for one in several)
            yield SeriesIndex(found, (*files.skipped, *skipped), tuple(files.left_out), complete=False)
            now = time.monotonic()
            due = now + max(every_s, _REST * (now - started))
    progress(files.total, files.total, files.doing)
    found_uids = {uid for group in groups.values() for uid in group.instances()}
    directories = [opened] if opened else []
    for path in dicomdirs:
        directory = read_dicomdir(path, found_uids)
        directories.append((path, directory))
        missing = [file for file, _ in directory.missing if file != path]
        said = f"; {len(missing)} images that it names are not there" if missing else ""
        skipped.append((files.name(path), f"a DICOMDIR, not a scan{said}"))
    series: list[Series] = []
    for group in groups.values():
        parts, moving = group.sorted_out()
        for part in parts:
            one = _series_of(part, files.folder)
            series.append(_with_contradictions(one, directories, group.owners()))
        skipped += [(files.name(path), reason) for path, reason in moving]
    yield SeriesIndex(_in_order(series), (*files.skipped, *skipped), tuple(files.left_out))


def _with_contradictions(
    series: Series, directories: Sequence[tuple[Path, Directory]], owners: Mapping[Path, Owner]
) -> Series:
    """Describe what DICOMDIRs say of the files of a series otherwise than these do themselves; the files count."""
    notes = []
    for path, directory in directories:
        wrong: dict[str, list[Path]] = {}
        for file in dict.fromkeys(frame.file for frame in series.frames):
            if stated := directory.stated.get(file.path):
                series_uid = series.identity.series_uid
                for keyword in contradictions(stated, owners[file.path], series_uid, file.sop_instance_uid):
                    wrong.setdefault(keyword, []).append(file.path)
        notes += [
            f"{path.name} gives {_such_as(members)} another {keyword} than "
            f"{'it has itself' if len(members) == 1 else 'they have themselves'}; what the files say counts."
            for keyword, members in wrong.items()
        ]
    return replace(series, notes=(*series.notes, *notes)) if notes else series


def _such_as(files: Sequence[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files, such as {files[0].name},"


def sorted_out(index: SeriesIndex) -> SeriesIndex:
    """Split what was found before a search was stopped into stacks; the index stays incomplete."""
    if index.complete:
        return index
    groups: dict[str, Group] = {}
    skipped = list(index.skipped)
    for one in index:
        for path in dict.fromkeys(frame.file.path for frame in one.frames):
            groups.setdefault(one.identity.series_uid, Group()).add(read_header(path))
    series: list[Series] = []
    folders = {one.identity.series_uid: one._folder for one in index}
    for uid, group in groups.items():
        parts, moving = group.sorted_out()
        series += [_series_of(part, folders[uid]) for part in parts]
        skipped += moving
    return SeriesIndex(_in_order(series), tuple(skipped), index.left_out, complete=False)


def _series_of(part: Part, folder: archive.TemporaryFolder | None) -> Series:
    stack = part.stack
    return Series(
        identity=part.identity,
        frames=stack.frames,
        kind=part.kind,
        key=part.key,
        duplicates=stack.duplicates,
        notes=stack.notes,
        refusal=stack.refusal,
        strangers=stack.strangers,
        _folder=folder,
    )


def _in_order(series: list[Series]) -> tuple[Series, ...]:
    """Volumes first; and single images that are the slices of one volume, each a series of its own, together."""
    result = [one for one in series if one.kind != "image"]
    single = {id(one.frames[0]): one for one in series if one.kind == "image"}
    for images, why in scattered([(one.identity, one.frames) for one in single.values()]):
        own = [single[id(frame)] for frame in images]
        if not why:
            result += own
            continue
        frames = tuple(frame for one in own for frame in one.frames)
        result.append(replace(own[0], frames=frames, kind="volume", refusal=why))
    result.sort(key=lambda s: s.kind != "volume")
    return tuple(result)
