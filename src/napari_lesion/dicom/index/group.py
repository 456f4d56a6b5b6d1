"""All planes of one SeriesInstanceUID: whose they are, which stacks they make, and what kind each is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from napari_lesion.dicom.index import stacks
from napari_lesion.dicom.index.frames import Frame, Header, NotAScanError, Owner
from napari_lesion.dicom.index.header import read_header
from napari_lesion.dicom.index.owners import by_owner
from napari_lesion.dicom.index.stack import Stack, is_localizer
from napari_lesion.dicom.index.stack_notes import one_volume
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.support.uids import name_of

SeriesKind = Literal["volume", "image", "localizer", "time series"]
Skipped = tuple[Path, str]

#: Modalities whose images belong to a volume; the images of all others stand alone where they have no position.
_VOLUMETRIC = ("CT", "MR", "PT", "NM")


@dataclass(frozen=True)
class Part:
    """A stack of a series: its kind, what its headers say of it, and its name among those of the SeriesInstanceUID."""

    kind: SeriesKind
    stack: Stack
    identity: SeriesIdentity
    key: str


class Group:
    """All planes with one SeriesInstanceUID, by whose they are."""

    def __init__(self) -> None:
        self._frames: dict[Owner, list[Frame]] = {}
        self._first: dict[Owner, Header] = {}
        self.size = 0

    def add(self, header: Header) -> None:
        """Add the planes of a file."""
        self._frames.setdefault(header.owner, []).extend(header.frames)
        self._first.setdefault(header.owner, header)
        self.size += len(header.frames)

    def instances(self) -> Iterator[str]:
        """SOPInstanceUIDs."""
        return (frame.file.sop_instance_uid for frames in self._frames.values() for frame in frames)

    def owners(self) -> dict[Path, Owner]:
        """Whose each file is."""
        return {frame.file.path: owner for owner, frames in self._frames.items() for frame in frames}

    def unsorted(self) -> tuple[Part, ...]:
        """Give one part for each owner, with all planes so far."""
        found = []
        for number, owners in enumerate(by_owner(self._frames), start=1):
            frames = [frame for owner in owners for frame in self._frames[owner]]
            identity = self._first[owners[0]].identity()
            kind: SeriesKind = "volume" if len(frames) > 1 else "image"
            if is_localizer(frames[0]):
                kind = "localizer"
            found.append(Part(kind, Stack(tuple(frames)), identity, _key(identity, number)))
        return tuple(found)

    def sorted_out(self) -> tuple[list[Part], list[Skipped]]:
        """Give all stacks, volumes first and the largest first, and the files that are none."""
        parts: list[tuple[SeriesKind, Stack, SeriesIdentity]] = []
        skipped: list[Skipped] = []
        several = by_owner(self._frames)
        note: tuple[str, ...] = ()
        if len(several) > 1:
            note = (_shared(several),)
            everything = [frame for frames in self._frames.values() for frame in frames]
            if one_volume(everything):
                why = (
                    f"its {len(everything)} slices follow each other as those of one volume, but their headers name "
                    f"{_what(several)}. Export the series again, with one patient and study in all of its slices."
                )
                several = [[owner for owners in several for owner in owners]]
                parts.append(("volume", Stack(tuple(everything), refusal=why), self._first[several[0][0]].identity()))
                several = []
        for owners in several:
            frames = [frame for owner in owners for frame in self._frames[owner]]
            identity = self._first[owners[0]].identity()
            for kind, stack in _kinds(stacks.split(frames, identity.modality), identity.modality, skipped):
                parts.append((kind, replace(stack, notes=(*note, *stack.notes)), identity))
        kinds = ("volume", "time series", "image", "localizer")
        parts.sort(key=lambda part: (kinds.index(part[0]), -len(part[1].frames)))
        return [
            Part(
                kind,
                stack,
                _own_identity(identity, stack) if len(parts) > 1 else _in_one_frame(identity, stack.frames),
                _key(identity, number),
            )
            for number, (kind, stack, identity) in enumerate(parts, start=1)
        ], skipped


def _shared(several: Sequence[Sequence[Owner]]) -> str:
    return f"{_what(several).capitalize()} share this SeriesInstanceUID; these slices are of one of them."


def _what(several: Sequence[Sequence[Owner]]) -> str:
    """Describe what the owners of the planes differ in, without naming anyone."""
    firsts = [owners[0] for owners in several]
    if len({(one.patient_id, one.patient_name, one.birth_date) for one in firsts}) > 1:
        return f"{len(firsts)} patients"
    return f"{len(firsts)} studies"


def _kinds(found: list[Stack], modality: str, skipped: list[Skipped]) -> Iterator[tuple[SeriesKind, Stack]]:
    """Describe what each stack is; files that are none are added to those that were skipped."""
    for stack in found:
        if stack.localizer:
            yield "localizer", stack
        elif len(stack.frames) == 1:
            yield "image", stack
        elif stack.moving:
            yield "time series", stack
        elif modality in _VOLUMETRIC or (not stack.refusal and any(f.position is not None for f in stack.frames)):
            yield "volume", stack
        else:
            for frame in stack.frames:
                if frame.number is None:
                    yield "image", Stack((frame,), duplicates=stack.duplicates)
                elif frame.number == 1:
                    reason = f"a moving image of {frame.file.n_frames} frames without positions, not a scan"
                    skipped.append((frame.file.path, reason))


def _own_identity(identity: SeriesIdentity, stack: Stack) -> SeriesIdentity:
    """Read what a series says of itself from the planes of one of its stacks."""
    try:
        own = read_header(stack.frames[0].file.path).identity()
    except NotAScanError:
        own = identity
    return _in_one_frame(own, stack.frames)


def _in_one_frame(identity: SeriesIdentity, frames: Sequence[Frame]) -> SeriesIdentity:
    """Take the commonest frame of reference, where planes name several or some name none."""
    references = Counter(frame.frame_of_reference for frame in frames if frame.frame_of_reference)
    if not references or (identity.frame_of_reference_uid in ("", *references) and len(references) == 1):
        common = next(iter(references), identity.frame_of_reference_uid)
    else:
        common = max(sorted(references), key=lambda uid: references[uid])
    if common == identity.frame_of_reference_uid:
        return identity
    return identity.model_copy(update={"frame_of_reference_uid": common})


def _key(identity: SeriesIdentity, number: int) -> str:
    return name_of(identity.series_uid) + (f"_{number}" if number > 1 else "")
