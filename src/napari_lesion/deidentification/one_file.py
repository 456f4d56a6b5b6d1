"""One file, de-identified: what becomes of it, and what is to be known of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydicom.dataset import Dataset
from pydicom.uid import UID

from napari_lesion.deidentification import burned_in, defacing, faces, files, pixels
from napari_lesion.deidentification.engine import Change, Deidentifier
from napari_lesion.deidentification.table import iod_of

What = Literal["written", "masked", "quarantined", "left out"]


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file."""

    source: Path
    what: What
    why: str = ""
    """Empty where it was simply written."""
    written: str = ""
    """Its path below the output, where there is one."""


@dataclass(frozen=True)
class Done:
    """One file, done."""

    file: FileOutcome
    changes: frozenset[tuple[str, str]] = frozenset()
    """Path and what was done of each attribute that did not stay."""
    uids: dict[str, str] = field(default_factory=dict, repr=False)
    """New UIDs to those that they stand for."""
    notes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Work:
    """What is the same for all files of a run."""

    people: tuple[Deidentifier, ...]
    place: Path | None
    """Where to write to; None: only find out what would be done."""
    cuts: Mapping[str, defacing.Cut | str] = field(default_factory=dict)
    """Where faces are cut off, or why not, by SeriesInstanceUID."""


Batch = tuple[tuple[int, Path], ...]
"""Files, each with the number of its patient; those of one SOPInstanceUID are in one batch."""


def deidentify_files(work: Work, batch: Batch) -> list[Done]:
    """De-identify some files, one after the other."""
    names: set[str] = set()
    return [_one(path, work.people[person], work, names) for person, path in batch]


def _one(path: Path, by: Deidentifier, work: Work, names: set[str]) -> Done:
    try:
        source = files.read(path)
    except files.NotDicomError as error:
        return Done(FileOutcome(path, "left out", str(error)))
    iod = iod_of(str(source.get("SOPClassUID", "")))
    syntax = files.syntax_of(source)
    if iod is None or not source.get("SOPInstanceUID"):
        return Done(FileOutcome(path, "left out", "it has no SOPInstanceUID"))
    if not files.can_be_written(syntax):
        return Done(FileOutcome(path, "quarantined", f"files of its transfer syntax are not written ({syntax.name})"))
    seen: set[tuple[str, str]] = set()

    def on_change(change: Change) -> None:
        seen.add((change.path, change.what))

    what: What = "written"
    notes: set[str] = set()
    try:
        made = by.dataset(source, iod, on_change)
        pixels.only_pixels(made, source, syntax)
        syntax = _without_face(made, source, syntax, by, work)
        text = pixels.text_search_of(source)
        if text.extent is not pixels.Extent.NOTHING:
            masked = burned_in.without_text(
                made,
                source,
                syntax,
                mask=by.options.clean_pixels,
                look_first=text.extent is pixels.Extent.LOOK_FIRST,
            )
            if masked is not None:
                syntax, what = masked, "masked"
            made.BurnedInAnnotation = "NO"
        if (note := faces.note_of(source)) is not None and made.get("RecognizableVisualFeatures") != "NO":
            notes.add(note)
    except (pixels.PixelError, burned_in.TextFoundError) as error:
        return Done(FileOutcome(path, "quarantined", str(error)))
    files.mark(made, by.options)
    files.set_charset(made)
    name = "/".join((by.pseudonym, made.StudyInstanceUID, made.SeriesInstanceUID, f"{made.SOPInstanceUID}.dcm"))
    if name in names:
        return Done(FileOutcome(path, "left out", "another file with its SOPInstanceUID was written"))
    names.add(name)
    if work.place is not None:
        target = work.place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files.encode(made, syntax))
    why = "text was masked" if what == "masked" else ""
    file = FileOutcome(path, what, why, name if work.place is not None else "")
    return Done(file, frozenset(seen), _uids(source, by), frozenset(notes))


def _without_face(made: Dataset, source: Dataset, syntax: UID, by: Deidentifier, work: Work) -> UID:
    """Take the face away, if that is asked for and there may be one; refuse what may have one and cannot be cleaned."""
    if not by.options.clean_faces or faces.note_of(source) is None or not pixels.is_image(source):
        return syntax
    cut = work.cuts.get(str(source.get("SeriesInstanceUID", "")), defacing.NOT_CT)
    if isinstance(cut, str):
        raise pixels.PixelError(cut)
    return defacing.without_face(made, source, cut, syntax)


def _uids(source: Dataset, by: Deidentifier) -> dict[str, str]:
    return {new: uid for uid in files.uids(source) if (new := by.uid(uid)) != uid}


def batches(ones: Iterable[tuple[int, Path, str]], size: int) -> list[Batch]:
    """Divide files (number of the patient, path, SOPInstanceUID) into batches, those of one instance into the same."""
    together: dict[tuple[int, str], list[tuple[int, Path]]] = {}
    for person, path, instance in ones:
        together.setdefault((person, instance or str(path)), []).append((person, path))
    made: list[Batch] = []
    some: list[tuple[int, Path]] = []
    for group in together.values():
        some += group
        if len(some) >= size:
            made.append(tuple(some))
            some = []
    return [*made, tuple(some)] if some else made
