"""Where annotations are kept: one file for each series and reader, whole or not at all, and never the wrong one.

A file carries a checksum for each annotation and one for the rest; one without any, of an earlier version, is read as
it is.
"""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from pydantic import ValidationError

from napari_lesion.annotation.annotations import SCHEMA_VERSION, AnnotationGrid, AnnotationSet
from napari_lesion.annotation.labels import LUNG_NODULES, LabelSet, read_labels
from napari_lesion.annotation.salvage import salvaged
from napari_lesion.model.volume import Volume
from napari_lesion.security.audit import Action, record
from napari_lesion.security.roles import May, own_name, require, require_own
from napari_lesion.support.atomic import keep_beside, whole_file
from napari_lesion.support.bounded import is_finite, parse_json
from napari_lesion.support.checksums import CHECKSUMS, checksums_of, damage
from napari_lesion.support.errors import AnnotationError, ConfigError, InputFileError
from napari_lesion.support.uids import digest, is_uid, name_of
from napari_lesion.support.vault import read_bytes

ENDING = ".annotations.json"
LABELS = "labels.yaml"
_LONGEST, _SHOWN = 120, 60
"""Characters of a reader's name in the name of a file, at most, and of one that is longer."""
_RESERVED = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9])(\..*)?", re.IGNORECASE)


class DamagedAnnotationsError(ConfigError):
    """Some annotations in a file are not as they were written.

    Attributes
    ----------
    intact : AnnotationSet
        Those that are.
    """

    def __init__(self, message: str, intact: AnnotationSet) -> None:
        super().__init__(message)
        self.intact = intact


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except OSError:  # a name that is too long for a folder
        return False


def name_of_reader(reader: str) -> str:
    """Make a reader's name fit for a file: as in a web address, so that another name makes another one."""
    name = quote(reader, safe=" ")
    if len(name) <= _LONGEST and not _RESERVED.fullmatch(name):
        return name
    return re.sub(r"%[0-9A-F]?$", "", name[:_SHOWN]) + f"~{digest(reader)}"


@dataclass(frozen=True)
class Store:
    """A folder of annotations: ``<series UID>_<stack>/<reader>.annotations.json``, ``labels.yaml`` if it has its own.

    A stack is one of those of a series (``Volume.stack``). Earlier versions kept the annotations of all in one folder
    ``<series UID>``; where there is none of a stack, those count that may be of it: no method but `save` tells which.
    """

    folder: Path

    def labels(self) -> LabelSet:
        """Read the label set of the folder; by default that for lung nodules.

        Raises
        ------
        ConfigError
            If ``labels.yaml`` is wrong.
        """
        path = self.folder / LABELS
        return read_labels(path) if path.exists() else LUNG_NODULES

    def path(self, series_uid: str, stack: str, reader: str) -> Path:
        """Where the annotations of a stack of a series by a reader are, or would be.

        Raises
        ------
        AnnotationError
            If the reader has no name.
        """
        if not reader.strip():
            raise AnnotationError("Say who is reading first: annotations are kept by the reader's name.")
        return self._folder(series_uid, stack) / f"{name_of_reader(reader)}{ENDING}"

    def readers(self, series_uid: str, stack: str) -> tuple[str, ...]:
        """Names of those who have annotated a stack of a series, or may have, sorted.

        Raises
        ------
        ConfigError
            If a file that must be read for the name is damaged; only those of very long names are.
        """
        names = set()
        own = own_name(self.folder)
        mine = None if own is None else f"{name_of_reader(own)}{ENDING}"
        for path in self._files(series_uid, stack):
            if mine not in (None, path.name):
                continue
            name = path.name.removesuffix(ENDING)
            shortened = re.fullmatch(r".*~[0-9a-f]{12}", name)
            names.add(load_file(path).reader if shortened else unquote(name))
        return tuple(sorted(names))

    def _folder(self, series_uid: str, stack: str) -> Path:
        if stack:
            return self.folder / f"{name_of(series_uid)}_{stack}"
        earlier = quote(series_uid, safe="")  # as earlier versions named what is no UID
        if is_uid(series_uid) or (earlier.strip(".") and _is_there(self.folder / earlier)):
            return self.folder / earlier
        return self.folder / name_of(series_uid)

    def _files(self, series_uid: str, stack: str) -> list[Path]:
        """Files of a stack, and those of its series of which it is not known."""
        own = {path.name: path for path in self._folder(series_uid, stack).glob(f"*{ENDING}")}
        return [*({path.name: path for path in self._folder(series_uid, "").glob(f"*{ENDING}")} | own).values()]

    def _place(self, series_uid: str, stack: str, reader: str) -> Path:
        """Find the file of a reader: that of the stack, else the one of its series of which it is not known."""
        own, earlier = self.path(series_uid, stack, reader), self.path(series_uid, "", reader)
        return earlier if earlier.exists() and not own.exists() else own

    def of_other_stacks(self, series_uid: str, stack: str, reader: str) -> list[Path]:
        """Name the files of a reader for other stacks of a series."""
        own = self.path(series_uid, stack, reader)
        return sorted(set(self.folder.glob(f"{name_of(series_uid)}_*/{glob.escape(own.name)}")) - {own})

    def load(self, series_uid: str, stack: str, reader: str) -> AnnotationSet | None:
        """Read the annotations of a stack of a series by a reader; None where there are none.

        Raises
        ------
        ConfigError
            If the file is damaged, of a later version, or of somebody else.
        """
        path = self._place(series_uid, stack, reader)
        require_own(reader, path)
        if not path.exists():
            return None
        try:
            found = load_file(path)
        except DamagedAnnotationsError as error:
            _check_owner(error.intact, path, series_uid, stack, reader)
            raise
        _check_owner(found, path, series_uid, stack, reader)
        return found

    def load_scan(self, series_uid: str, stack: str) -> tuple[AnnotationSet, ...]:
        """Read what all readers annotated in a stack of a series, or may have, ordered by name; who may see all."""
        found = self._seen(self._files(series_uid, stack))
        return tuple(sorted(found, key=lambda one: one.reader))

    def load_all(self) -> tuple[AnnotationSet, ...]:
        """Read everything in the folder, ordered by series and reader.

        Raises
        ------
        ConfigError
            If a file is damaged or of a later version.
        """
        found = self._seen(self.folder.glob(f"*/*{ENDING}"))
        return tuple(sorted(found, key=lambda one: (one.series_uid, one.stack, one.reader)))

    def _seen(self, files: Iterable[Path]) -> list[AnnotationSet]:
        """Read those files whose reader the user may see: in a shared folder, a blind reader sees their own."""
        own = own_name(self.folder)
        mine = None if own is None else f"{name_of_reader(own)}{ENDING}"
        found = [load_file(path) for path in files if mine is None or path.name == mine]
        return [one for one in found if own is None or one.reader == own]

    def save(self, annotations: AnnotationSet) -> AnnotationSet:
        """Write annotations to the disk, and return them as they are there (the revision is one higher).

        What an earlier version kept by the series alone is the stack's from then on.

        Raises
        ------
        AnnotationError
            If the file was changed since it was read (another window of the same reader), or cannot be written.
        """
        key = annotations.series_uid, annotations.stack, annotations.reader
        path, earlier = self.path(*key), self._place(*key)
        there = self.load(*key)
        if (there.revision if there else 0) != annotations.revision:
            raise AnnotationError(
                f"{path} was changed elsewhere, by another window or computer of the reader {annotations.reader!r}. "
                "Nothing was overwritten: open the scan again to go on from there."
            )
        saved = _write(annotations, path)
        if earlier != path:
            with suppress(OSError):
                earlier.unlink()
        return saved

    def go_on_from(self, intact: AnnotationSet) -> tuple[AnnotationSet, Path]:
        """Write what is intact of a damaged file in its place, and keep the damaged one beside it.

        Returns
        -------
        AnnotationSet
            As it is on the disk.
        Path
            The damaged file.

        Raises
        ------
        AnnotationError
            If that cannot be written.
        """
        path = self._place(intact.series_uid, intact.stack, intact.reader)
        try:
            aside = keep_beside(path)
        except OSError as error:
            raise AnnotationError(f"{path} is damaged and cannot be written ({error.strerror}).") from error
        return _write(intact.model_copy(update={"done": False}), path), aside


def _check_owner(found: AnnotationSet, path: Path, series_uid: str, stack: str, reader: str) -> None:
    if (found.series_uid, found.stack or stack, found.reader) != (series_uid, stack or found.stack, reader):
        raise InputFileError(
            f"{path} is of the series {found.series_uid} and the reader {found.reader!r}. Move it away."
        )


def _write(annotations: AnnotationSet, path: Path) -> AnnotationSet:
    """Write annotations with the next revision, and return them as they are on the disk."""
    saved = annotations.model_copy(update={"revision": annotations.revision + 1})
    content = saved.model_dump(mode="json")
    content = {CHECKSUMS: checksums_of(content, "annotations"), **content}  # first: what is cut off, is at the end
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    require(May.ANNOTATE, path)
    require_own(saved.reader, path)
    record(
        Action.CHANGE,
        patient_id=saved.patient_id,
        objects=(saved.series_uid,),
        detail=f"annotations, revision {saved.revision}",
        reader=saved.reader,
    )
    try:
        with whole_file(path, private=True) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise AnnotationError(f"{path} cannot be written ({error.strerror}). Choose another folder.") from error
    return saved


def open_set(
    store: Store, volume: Volume, reader: str, label_set: str, warn: Callable[[str], None] | None = None
) -> AnnotationSet:
    """Read a reader's annotations of a scan, or start with none.

    Parameters
    ----------
    store : Store
    volume : Volume
    reader, label_set : str
    warn : callable, optional
        Where it is given, annotations come back without those that are damaged, the damaged file is kept beside, and
        this is called with a sentence that says so.

    Raises
    ------
    AnnotationError
        If they were drawn on other voxels: the scan was read otherwise then (slices missing or interpolated).
    ConfigError
        If the file is damaged.
    """
    try:
        found = store.load(volume.series.series_uid, volume.stack, reader)
    except DamagedAnnotationsError as error:
        if warn is None:
            raise
        check_grid(error.intact, volume)
        found, aside = store.go_on_from(error.intact)
        warn(f"{error} The {len(found.annotations)} others are back; the damaged file is kept as {aside.name}.")
    if found is None:
        others = store.of_other_stacks(volume.series.series_uid, volume.stack, reader)
        if others and warn is not None:
            warn(
                f"{reader!r} has annotated other images of this series ({', '.join(map(str, others))}): another of its "
                "stacks or, if slices were added or are missing since, this one as it was then."
            )
        return AnnotationSet.empty(volume, reader, label_set)
    check_grid(found, volume)
    return found.model_copy(update={"stack": volume.stack})


def check_grid(annotations: AnnotationSet, volume: Volume) -> None:
    """Refuse annotations that were drawn on other voxels than those of a scan, or in another patient.

    Raises
    ------
    AnnotationError
    """
    if annotations.patient_id and volume.series.patient_id not in ("", annotations.patient_id):
        raise AnnotationError(
            f"The annotations of {annotations.reader!r} are of another patient, whose series has the same UID. Keep "
            "those of this scan in another folder."
        )
    if not annotations.grid.same(AnnotationGrid.of(volume)):
        raise AnnotationError(
            f"The annotations of {annotations.reader!r} were drawn on {annotations.grid.shape} voxels, and this scan "
            f"has {volume.shape} or lies elsewhere: it is not the series as it was then (slices added or missing?). "
            "Open the same files as then."
        )


def load_file(path: Path) -> AnnotationSet:
    """Read one file of annotations.

    Raises
    ------
    ConfigError
        If it is none, damaged, or of a later version.
    """
    try:
        text = read_bytes(path).decode("utf-8", "replace")
        content: Any = parse_json(text)
    except OSError as error:
        raise InputFileError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise _damaged(path, text, error) from error
    version = str(content.get("schema_version", "")) if isinstance(content, dict) else ""
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise InputFileError(f"{path}: schema version {version or 'missing'}, and this program reads {SCHEMA_VERSION}.")
    wrong = damage(content, "annotations")
    try:
        if wrong is None:
            found = AnnotationSet.model_validate(content)
            if not is_finite(found.model_dump()):
                raise InputFileError(f"{path}: no annotations of this program (a number in it is not finite).")
            return found
        if not wrong.records:
            found = AnnotationSet.model_validate(content)
            raise InputFileError(
                f"{path}: {wrong.problem}, so it was damaged or edited after it was written (it names the series "
                f"{found.series_uid} and the reader {found.reader!r}). Move it away."
            )
        good = [one for n, one in enumerate(content["annotations"]) if n not in wrong.records]
        intact = AnnotationSet.model_validate({**content, "annotations": good})
        message = f"{path}: {wrong.problem}, so it was damaged or edited{_in_brackets(content)}."
        raise DamagedAnnotationsError(message, intact)
    except ValidationError as error:
        raise InputFileError(f"{path}: no annotations of this program ({_first_problem(error)}).") from error


def _damaged(path: Path, text: str, error: ValueError) -> ConfigError:
    """Make the error of a file that is no JSON, with what is whole of it, if that is something."""
    message = f"{path}: not JSON ({error})"
    if (found := salvaged(text)) is None:
        return InputFileError(f"{message}.")
    content, sure = found
    try:
        intact = AnnotationSet.model_validate(content)
    except ValidationError:
        return InputFileError(f"{message}.")
    doubt = "" if sure else " Its checksums are gone, so the others are only known to be written to their end."
    return DamagedAnnotationsError(f"{message}, so it was damaged or cut off.{doubt}", intact)


def _in_brackets(content: Any) -> str:
    """Which field of damaged annotations cannot be read, if one cannot."""
    try:
        AnnotationSet.model_validate(content)
    except ValidationError as error:
        return f" ({_first_problem(error)})"
    return ""


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
