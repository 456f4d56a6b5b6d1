"""Which planes are there twice. Only those that show the same, value by value, are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import replace

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.partition import Lie, clashes, same_place
from napari_lesion.dicom.index.stack import Stack, called, identity
from napari_lesion.dicom.read.stored import fingerprint, same_bytes
from napari_lesion.support.errors import DecodeError

#: Planes that were kept, what repeats each, and a sentence on it.
Repeats = list[tuple[Frame, Frame, str]]


def drop_copies(frames: list[Frame]) -> tuple[list[Frame], Repeats]:
    """Drop copies of a file: the same SOPInstanceUID and the same bytes, or the same pixels at the same places.

    One SOPInstanceUID on different planes is a writer's mistake, not a copy.
    """
    files: dict[object, list[Frame]] = defaultdict(list)
    for frame in frames:
        files[frame.file.path].append(frame)
    seen: dict[str, list[list[Frame]]] = defaultdict(list)
    kept: list[Frame] = []
    reports: Repeats = []
    for planes in files.values():
        uid = planes[0].file.sop_instance_uid
        original = next((other for other in seen[uid] if _copy(planes, other)), None) if uid else None
        if original is None:
            seen[uid].append(planes)
            kept += planes
        else:
            one, other = (called(each[0], planes[0], original[0]) for each in (planes, original))
            text = f"{one} is the same instance as {other} (same SOPInstanceUID, same pixels) and was left out."
            reports.append((original[0], planes[0], text))
    return kept, reports


def _copy(planes: list[Frame], other: list[Frame]) -> bool:
    def place(frame: Frame) -> Hashable:
        return frame.position, frame.orientation, frame.instance_number, frame.file.rows, frame.file.columns

    if len(planes) != len(other) or any(place(a) != place(b) for a, b in zip(planes, other, strict=True)):
        return False
    if same_bytes(planes[0].file, other[0].file):
        return True
    if len({frame.phase for frame in (*planes, *other)}) > len({frame.phase for frame in planes}):
        return False  # tags tell them apart
    return all(_shows(a) == _shows(b) for a, b in zip(planes, other, strict=True))


def _shows(frame: Frame) -> object:
    """Give what a plane shows, to compare; one that can't be read equals no other."""
    try:
        return fingerprint(frame)
    except (DecodeError, OSError, MemoryError):
        return object()


def without_repeats(lying: Lie) -> tuple[list[Frame], Repeats, list[Frame]]:
    """Leave out planes that show what another one at their place shows.

    Returns
    -------
    once : list of Frame
    repeats : list of (Frame, Frame, str)
        The plane that was kept, its repeat, and a sentence.
    unread : list of Frame
        Planes that could not be compared.
    """
    dropped: set[int] = set()
    repeats: Repeats = []
    unread: list[Frame] = []
    for crossing in clashes(lying):
        seen: list[tuple[Frame, object]] = []
        for frame in sorted(crossing, key=identity):
            shows = _shows(frame)
            first = next((one for one, shown in seen if shown == shows and same_place(one, frame)), None)
            if first is None:
                seen.append((frame, shows))
                if not isinstance(shows, bytes):
                    unread.append(frame)
            else:
                dropped.add(id(frame))
                one, other = (called(each, first, frame) for each in (frame, first))
                repeats.append((first, frame, f"{one} repeats {other} (same position, same pixels) and was left out."))
    return [frame for frame in lying.frames if id(frame) not in dropped], repeats, unread


def with_repeats(stacks: list[Stack], repeats: Repeats) -> list[Stack]:
    """Note for each stack which of its planes were there twice."""
    result = []
    for stack in stacks:
        holds = {id(frame) for frame in (*stack.frames, *stack.repeated)}
        own = [(dropped, text) for kept, dropped, text in repeats if id(kept) in holds]
        result.append(
            replace(
                stack,
                duplicates=(*stack.duplicates, *(text for _, text in own)),
                repeated=(*stack.repeated, *(dropped for dropped, _ in own)),
            )
        )
    return result


def once(stacks: list[Stack]) -> list[Stack]:
    """Leave out parts that repeat another one, plane by plane: a series, or a piece of it, that was sent again."""
    kept: list[Stack] = []
    for stack in sorted(stacks, key=lambda stack: (-len(stack.frames), identity(stack.frames[0]))):
        for n, other in enumerate(kept):
            pairs = [
                (f, o)
                for f in stack.frames
                for o in other.frames
                if f.instance_number == o.instance_number and same_place(f, o)
            ]
            middle = pairs[len(pairs) // 2 :][:1]
            if len(pairs) == len(stack.frames) and all(_shows(f) == _shows(o) for f, o in (*middle, *pairs)):
                texts = [
                    f"{called(f, f, o)} repeats {called(o, f, o)} (same position, same pixels) and was left out."
                    for f, o in pairs
                ]
                repeated = (*other.repeated, *stack.repeated, *(f for f, _ in pairs))
                duplicates = (*other.duplicates, *stack.duplicates, *texts)
                kept[n] = replace(other, duplicates=duplicates, repeated=repeated)
                break
        else:
            kept.append(stack)
    return [replace(kept[0], divided_by=())] if len(kept) == 1 else kept
