"""Which planes of one series belong together: orientation, size, spacing, phases; and which are there twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_lesion.dicom.geometry import SAME_POSITION_MM, axes_of, spread
from napari_lesion.dicom.header import COUNTING_KEYWORDS, RECIPE_KEYWORDS, Frame

#: Direction cosines and pixel spacings (relative) that differ by less are the same, written with fewer digits.
SAME = 1e-3
_KEYWORDS = (*RECIPE_KEYWORDS, *COUNTING_KEYWORDS)
#: Phase keys that a second transfer of a slice does not change.
_CONTENT_KEYS = [i for i, keyword in enumerate(_KEYWORDS) if keyword not in ("SeriesTime", "ContentTime")]


@dataclass(frozen=True)
class Stack:
    """Planes that make one volume, and what was found while they were sorted out."""

    frames: tuple[Frame, ...]
    localizer: bool
    duplicates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def split(frames: Iterable[Frame]) -> list[Stack]:
    """Sort the planes of one SeriesInstanceUID into stacks."""
    kept, duplicates = _drop_same_instances(list(frames))
    stacks = []
    for group in _by_shape(kept):
        localizer = is_localizer(group[0])
        once, resent = _drop_resent(group)
        names = {frame.file.path for frame in group}
        reports = (*(text for path, text in duplicates if path in names), *resent)
        parts, note = _phases(once)
        for part in parts:
            stacks.append(Stack(tuple(part), localizer, reports, (note,) if note and len(parts) > 1 else ()))
    return stacks


def is_localizer(frame: Frame) -> bool:
    """Whether a plane is a scout that the scan was planned on."""
    return "LOCALIZER" in frame.image_type


def _drop_same_instances(frames: list[Frame]) -> tuple[list[Frame], list[tuple[Path, str]]]:
    """Drop copies of a file. One SOPInstanceUID on different planes is a writer's mistake, not a copy."""
    seen: dict[Hashable, Frame] = {}
    kept, reports = [], []
    for frame in frames:
        uid = frame.file.sop_instance_uid
        key = (uid, frame.number, frame.position, frame.orientation, frame.instance_number)
        first = seen.setdefault(key, frame) if uid else frame
        if first is frame:
            kept.append(frame)
        elif frame.number in (None, 1):
            text = (
                f"{frame.file.name} is the same instance as {first.file.name} (same SOPInstanceUID) and was left out."
            )
            reports.append((first.file.path, text))
    return kept, reports


def _by_shape(frames: list[Frame]) -> list[list[Frame]]:
    """Split by kind, frame of reference, size, orientation and pixel spacing.

    A plane that lacks a position, orientation or spacing goes with the largest group of its size, so that the reader
    names it instead of losing it.
    """
    groups: list[tuple[Hashable, Frame, list[Frame]]] = []
    incomplete = []
    for frame in frames:
        if frame.orientation is None or frame.pixel_spacing is None or frame.position is None:
            incomplete.append(frame)
            continue
        key = _exact_key(frame)
        for known, example, members in groups:
            if known == key and _same_plane(example, frame):
                members.append(frame)
                break
        else:
            groups.append((key, frame, [frame]))
    for frame in incomplete:
        candidates = [g for g in groups if g[0][:3] == _exact_key(frame)[:3]]  # type: ignore[index]
        if candidates:
            max(candidates, key=lambda g: len(g[2]))[2].append(frame)
        else:
            groups.append((_exact_key(frame), frame, [frame]))
    return [members for _, _, members in groups]


def _exact_key(frame: Frame) -> tuple[Hashable, ...]:
    return is_localizer(frame), frame.file.rows, frame.file.columns, frame.frame_of_reference


def _same_plane(a: Frame, b: Frame) -> bool:
    if a.orientation is None or b.orientation is None or a.pixel_spacing is None or b.pixel_spacing is None:
        return False
    turned = max(abs(x - y) for x, y in zip(a.orientation, b.orientation, strict=True))
    scaled = max(abs(x / y - 1) for x, y in zip(a.pixel_spacing, b.pixel_spacing, strict=True))
    return turned <= SAME and scaled <= SAME


def _drop_resent(frames: list[Frame]) -> tuple[list[Frame], list[str]]:
    """Drop slices that were sent again under another UID: same place, same number, same acquisition."""
    seen: dict[Hashable, Frame] = {}
    kept, reports = [], []
    for frame in frames:
        if frame.position is None or frame.instance_number is None or frame.number is not None:
            kept.append(frame)
            continue
        place = tuple(round(x / SAME_POSITION_MM) for x in frame.position)
        key = (place, frame.instance_number, tuple(frame.phase[i] for i in _CONTENT_KEYS))
        first = seen.setdefault(key, frame)
        if first is frame:
            kept.append(frame)
        else:
            reports.append(
                f"{frame.file.name} repeats {first.file.name} (same position, InstanceNumber and acquisition, another "
                "SOPInstanceUID) and was left out."
            )
    return kept, reports


def _phases(frames: list[Frame]) -> tuple[list[list[Frame]], str]:
    """Split planes that lie at the same positions, or unevenly, by the first tags that put them in order."""
    if len(frames) < 2 or any(f.position is None for f in frames) or _regular(frames):
        return [frames], ""
    for index, keyword in enumerate(_KEYWORDS):
        groups = _grouped(frames, lambda frame, i=index: frame.phase[i])  # type: ignore[misc]
        if _plausible(groups, frames) and all(_regular(group) for group in groups):
            return groups, f"Several stacks in one series were told apart by {keyword}."
    crowd = _crowding(frames)
    if crowd == 1:
        return [frames], ""
    for index, keyword in enumerate(_KEYWORDS):
        groups = _grouped(frames, lambda frame, i=index: frame.phase[i])  # type: ignore[misc]
        if _plausible(groups, frames) and all(_crowding(group) < crowd for group in groups):
            parts = [part for group in groups for part in _phases(group)[0]]
            return parts, f"Several stacks in one series were told apart by {keyword} (and other tags)."
    counts = set(_places(frames).values())
    if len(counts) == 1:
        ordered = sorted(frames, key=lambda f: (f.instance_number is None, f.instance_number or 0))
        occurrence: Counter[Hashable] = Counter()
        stacks: dict[int, list[Frame]] = defaultdict(list)
        for frame in ordered:
            place = _place(frame)
            stacks[occurrence[place]].append(frame)
            occurrence[place] += 1
        return list(stacks.values()), "Several stacks in one series could be told apart only by their InstanceNumber."
    return [frames], ""


def _grouped(frames: list[Frame], key: Callable[[Frame], str]) -> list[list[Frame]]:
    groups: dict[str, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[key(frame)].append(frame)
    return list(groups.values())


def _plausible(groups: list[list[Frame]], frames: list[Frame]) -> bool:
    """Whether a tag separates phases rather than single slices."""
    return 1 < len(groups) <= max(len(frames) // 3, _crowding(frames)) and min(map(len, groups)) > 1


def _regular(frames: list[Frame]) -> bool:
    axes = None if frames[0].orientation is None else axes_of(frames[0].orientation)
    if axes is None or len(frames) < 2:
        return True
    return spread(np.array([f.position for f in frames]), axes.normal).regular


def _place(frame: Frame) -> Hashable:
    return frame.position and tuple(round(x / SAME_POSITION_MM) for x in frame.position)


def _places(frames: list[Frame]) -> Counter[Hashable]:
    return Counter(map(_place, frames))


def _crowding(frames: list[Frame]) -> int:
    """Most planes at one place."""
    return max(_places(frames).values())
