"""Which planes of one series make one volume.

A split, and that there is none, is a proposal which must explain every plane: each part lies at even steps, one plane
at a place, and no tag that a volume has once differs in it (`partition`). Where two proposals explain the planes
equally well, or none does, the planes are refused together, with a sentence. File names and the order of files decide
nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.keywords import RECIPE_KEYWORDS
from napari_lesion.dicom.index.partition import (
    Lie,
    Partition,
    clashes,
    coarsest,
    crowd,
    grouped,
    lie,
    proposals,
    recipe_of,
    value_of,
)
from napari_lesion.dicom.index.partition_evidence import (
    Evidence,
    disorder,
    evidence,
    intruders,
    sharing_numbers,
    strays,
    takes_turns,
    two_lattices,
)
from napari_lesion.dicom.index.private import alternating, differing_tags
from napari_lesion.dicom.index.repeats import drop_copies, once, with_repeats, without_repeats
from napari_lesion.dicom.index.stack import SAME_PLANE_MM, Stack, apart_mm, called, identity, is_localizer, named
from napari_lesion.dicom.index.stack_notes import cross_checked, differing, distinguishing_tags
from napari_lesion.dicom.read.geometry import Axes, axes_of

#: Missing slices up to which a gap is one, and not the space between two volumes: so many, or this share.
_GAP_SLICES, _GAP_SHARE = 2, 0.1
#: Tags that another transfer of the same image changes.
_NOT_ACQUIRED = ("SeriesTime", "ContentTime", "ImageComments", "FrameComments", "FrameLabel", "FrameOfReferenceUID")
_EXPORT = "Export each volume as a series of its own."
_TIMES = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "TemporalPositionTimeOffset",
    "TriggerTime",
    "AcquisitionDateTime",
    "FrameAcquisitionDateTime",
    "FrameReferenceDateTime",
    "AcquisitionTime",
)


def split(frames: Iterable[Frame], modality: str = "CT") -> list[Stack]:
    """Sort the planes of one series of one patient into stacks.

    Parameters
    ----------
    frames : iterable of Frame
    modality : str
        Outside CT, a volume may well be acquired in several interleaved passes.
    """
    kept, copies = drop_copies(sorted(frames, key=identity))
    stacks = []
    for group in _by_shape(kept):
        for part in _solved(group, modality):
            stacks.append(replace(part, notes=(*distinguishing_tags(part), *differing(part))))
    return with_repeats(cross_checked(stacks), copies)


def _by_shape(frames: list[Frame]) -> list[list[Frame]]:
    """Split by kind, size, and, but for rounding, orientation and pixel spacing.

    A plane that lacks a position, orientation or spacing goes with the largest group of its size, so that the reader
    names it instead of losing it.
    """
    exact = grouped(
        (f for f in frames if f.position is not None and f.orientation is not None and f.pixel_spacing is not None),
        lambda f: (is_localizer(f), f.file.rows, f.file.columns, f.orientation, f.pixel_spacing),
    )
    groups: list[list[Frame]] = []
    for members in sorted(exact, key=lambda group: (-len(group), identity(group[0]))):
        near = next((group for group in groups if _same_plane(group[0], members[0])), None)
        if near is None:
            groups.append(list(members))
        else:
            near += members
    for frame in frames:
        if frame.position is None or frame.orientation is None or frame.pixel_spacing is None:
            alike = [group for group in groups if _kind(group[0]) == _kind(frame)]
            if alike:
                max(alike, key=len).append(frame)
            else:
                groups.append([frame])
    return groups


def _kind(frame: Frame) -> Hashable:
    return is_localizer(frame), frame.file.rows, frame.file.columns


def _same_plane(a: Frame, b: Frame) -> bool:
    return _kind(a) == _kind(b) and apart_mm(a, b) <= SAME_PLANE_MM


# ------------------------------------------------------------------------------------------------ planes of one shape


def _solved(group: list[Frame], modality: str) -> list[Stack]:
    """Sort planes of one shape into stacks."""
    placed = [f for f in group if f.position is not None and f.orientation is not None and f.pixel_spacing is not None]
    axes = axes_of(placed[0].orientation or ()) if placed else None
    if axes is None or len(group) < 2:
        return [Stack(tuple(group), is_localizer(group[0]))]
    if is_localizer(group[0]):
        if len(placed) == len(group) and lie(placed, axes).whole:
            return [Stack(tuple(group), True)]
        return [Stack((frame,), True) for frame in group]
    stacks = _by_recipe(placed, axes, modality)
    for frame in group:
        if frame.position is None or frame.orientation is None or frame.pixel_spacing is None:
            place = max(range(len(stacks)), key=lambda n: (_agreement(frame, stacks[n]), len(stacks[n].frames)))
            stacks[place] = replace(stacks[place], frames=(*stacks[place].frames, frame))
    return stacks


def _agreement(frame: Frame, stack: Stack) -> int:
    """Count the tags in which a plane without a place agrees with a stack."""
    return sum(a == b for a, b in zip(frame.phase, stack.frames[0].phase, strict=True))


def _by_recipe(frames: Sequence[Frame], axes: Axes, modality: str) -> list[Stack]:
    """Split by all tags that a volume has once, and each part by what else tells it apart."""
    keywords = recipe_of(frames)
    if not keywords or lie(frames, axes).one_place:
        return _of_one_recipe(frames, axes, modality)
    groups = grouped(frames, lambda frame: tuple(value_of(frame, keyword) for keyword in keywords))
    split = Partition("", False, groups, tuple(lie(group, axes) for group in groups))
    others = [one for one in proposals(frames, axes) if one.on_lattices and not one.weak]
    if split.whole and (against := [one for one in others if not (split.agrees(one) or one.agrees(split))]):
        return [
            _refused(
                frames,
                _contradiction((*keywords, against[0].keyword), len(frames)),
            )
        ]
    if stray := strays(groups):
        return [_refused(frames, _contradiction((*keywords, stray), len(frames)))]
    stacks = [stack for group in groups for stack in _of_one_recipe(group, axes, modality)]
    telling = [
        keyword
        for keyword in RECIPE_KEYWORDS
        if len({value_of(frame, keyword) for frame in frames}) > 1
        and all(len({value_of(frame, keyword) for frame in group}) == 1 for group in groups)
    ]
    return [replace(stack, divided_by=(*telling, *stack.divided_by)) for stack in stacks]


def _of_one_recipe(frames: Sequence[Frame], axes: Axes, modality: str) -> list[Stack]:
    """Split planes that no tag of `RECIPE_KEYWORDS` tells apart."""
    if len(frames) == 1:
        return [Stack(tuple(frames))]
    lying = lie(frames, axes)
    if lying.one_place:
        return [_at_one_place(lying)]
    found = proposals(frames, axes)
    if lying.lattice:
        return _on_a_lattice(lying, found, modality)
    whole = [one for one in found if one.whole]
    if whole:
        return _chosen(lying, whole, found)
    unread: list[Frame] = []
    if lying.clash:
        once, repeats, unread = without_repeats(lying)
        if repeats:
            return with_repeats(_of_one_recipe(once, axes, modality), repeats)
    if parts := _in_two_steps(lying, found, axes, modality):
        return parts
    nearly = [one for one in found if one.nearly_whole]
    if nearly:
        return _chosen(lying, nearly, found)
    if lying.clash:
        return [_refused(lying.frames, _crossing(lying, unread))]
    if not lying.places.even and two_lattices(lying.places.depth):
        return [
            _refused(
                lying.frames,
                f"its {len(frames)} slices lie like those of two volumes pushed into each other, and no tag tells "
                f"which slice belongs to which. {_EXPORT}",
            )
        ]
    if not lying.places.even and (between := intruders(lying)):
        return [
            _refused(
                lying.frames,
                f"{named(between)} {'lies' if len(between) == 1 else 'lie'} between slices that are whole without: of "
                "another acquisition, or in the wrong place. Remove what does not belong, or export the series again.",
            )
        ]
    if modality == "CT" and any(one.keyword == "InstanceNumber" and one.side_by_side for one in found):
        return [_refused(lying.frames, _turns(lying, "InstanceNumber"))]
    return [_single(lying, modality)]


def _single(lying: Lie, modality: str) -> Stack:
    """Take planes for one volume, if no more is wrong with them than a lost or moved slice."""
    if modality == "CT" and (keyword := takes_turns(lying)):
        return _refused(lying.frames, _turns(lying, keyword))
    if modality == "CT" and lying.whole and (tag := alternating(lying.frames)):
        return _refused(lying.frames, _turns(lying, tag))
    why = "" if lying.lattice and lying.missing <= len(lying.frames) // 2 else disorder(lying.places.depth)
    return _refused(lying.frames, f"{why} {_EXPORT}") if why else Stack(lying.frames)


def _on_a_lattice(lying: Lie, found: Sequence[Partition], modality: str) -> list[Stack]:
    """Decide whether planes at even steps, one at a place, are one volume."""
    interlocked = [one for one in found if one.interlocks]
    if interlocked:
        best = coarsest(interlocked, found)
        if best is None:
            return [_refused(lying.frames, _contradiction([one.keyword for one in interlocked], len(lying.frames)))]
        count = _one_or_several(evidence(lying, best.lies), best, modality)
        if count == "several":
            return _parts(best)
        if count == "open":
            return [_refused(lying.frames, _turns(lying, best.keyword))]
    if modality == "CT" and (keyword := takes_turns(lying)):
        return [_refused(lying.frames, _turns(lying, keyword))]
    if lying.missing > max(_GAP_SLICES, _GAP_SHARE * len(lying.frames)):
        whole = [one for one in found if one.whole and not one.weak]
        if whole and (best := coarsest(whole, found)):
            return _parts(best)
    if modality == "CT" and any(one.keyword == "InstanceNumber" and one.side_by_side for one in found):
        return [_refused(lying.frames, _turns(lying, "InstanceNumber"))]
    if shared := sharing_numbers(lying):
        return [
            _refused(
                lying.frames,
                f"{shared} of its {len(lying.frames)} slices share their InstanceNumber with another one, so they are "
                f"several volumes that interlock, and no tag tells them apart. {_EXPORT}",
            )
        ]
    return [_single(lying, modality)]


def _turns(lying: Lie, keyword: str) -> str:
    return (
        f"its {len(lying.frames)} slices lie {lying.places.step_mm:.3g} mm apart, but {keyword} takes turns: it is "
        f"unknown whether they are one volume, or several that interlock. {_EXPORT}"
    )


def _one_or_several(found: Evidence, best: Partition, modality: str) -> str:
    """Decide what interlocking parts are: 'one' volume, 'several', or 'open'.

    Numbers that run through each part alone tell volumes apart. Otherwise a tag that may be written wrongly does not
    split what touches as a whole. In CT, a count or time that takes turns is another acquisition, unless slices are so
    thin that the parts would have gaps; elsewhere, a volume may be acquired in passes.
    """
    if best.keyword == "InstanceNumber":
        if modality != "CT":
            return "one"
        return "open" if found.thick == "one" else "several"
    if found.counted == "several":
        return "several"
    if (best.weak and best.keyword not in RECIPE_KEYWORDS) or (not best.weak and modality != "CT"):
        return "one" if "one" in (found.counted, found.thick) else "open"
    if found.thick == "several" or (not found.thick and not found.counted):
        return "several"
    return "open"


def _chosen(lying: Lie, valid: Sequence[Partition], found: Sequence[Partition]) -> list[Stack]:
    best = coarsest(valid, found)
    if best is None:
        return [
            _refused(
                lying.frames,
                _contradiction([one.keyword for one in found if one in valid or not one.weak], len(lying.frames)),
            )
        ]
    return once(_parts(best)) if best.keyword in _NOT_ACQUIRED else _parts(best)


def _contradiction(keywords: Sequence[str], slices: int) -> str:
    return (
        f"{' and '.join(dict.fromkeys(keywords))} each split its {slices} slices into volumes, but not into the same "
        f"ones, so that it is unknown which slices belong together. {_EXPORT}"
    )


def _parts(partition: Partition) -> list[Stack]:
    return [Stack(part.frames, divided_by=(partition.keyword,)) for part in partition.lies]


def _in_two_steps(lying: Lie, found: Sequence[Partition], axes: Axes, modality: str) -> list[Stack]:
    """Split by two tags, where none does alone."""
    for one in found:
        if one.weak or any(crowd(group) >= crowd(lying.frames) for group in one.groups):
            continue
        parts = [stack for group in one.groups for stack in _of_one_recipe(group, axes, modality)]
        if all(lie(stack.frames, axes).whole and not stack.refusal for stack in parts):
            return [replace(stack, divided_by=(one.keyword, *stack.divided_by)) for stack in parts]
    return []


def _refused(frames: Sequence[Frame], why: str) -> Stack:
    return Stack(tuple(frames), refusal=why)


def _at_one_place(lying: Lie) -> Stack:
    """Divide planes that all lie at one position."""
    once, repeats, _ = without_repeats(lying)
    texts, repeated = tuple(text for *_, text in repeats), tuple(frame for _, frame, _ in repeats)
    if len(once) == 1:
        return Stack(tuple(once), duplicates=texts, repeated=repeated)
    locations = {value_of(frame, "SliceLocation") for frame in once}
    fixed = once[0].number is not None or (len(locations) == 1 and locations != {""})
    moving = fixed and any(len({value_of(frame, keyword) for frame in once}) == len(once) for keyword in _TIMES)
    if moving:
        why = f"its {len(once)} images show one place at {len(once)} times: a time series, not a volume."
    else:
        but = ", though SliceLocation differs" if len(locations) > 1 else ""
        how_many = "both" if len(once) == 2 else f"all {len(once)}"
        why = (
            f"{how_many} slices lie at the same position{but} ({named(once)}), so they make no volume. Export the "
            "series again; to look at one of them, copy it into a folder of its own."
        )
    return Stack(tuple(once), duplicates=texts, refusal=why, moving=moving, repeated=repeated)


def _crossing(lying: Lie, unread: Sequence[Frame]) -> str:
    """Note that different images lie at the same place."""
    together = clashes(lying)
    a, b = sorted(together[0], key=identity)[:2]
    if unread:
        return (
            f"{called(a, a, b)} and {called(b, a, b)} lie at the same position, and {named(unread)} cannot be read, so "
            "that it is unknown whether they show the same. Remove the damaged file, or export the series again."
        )
    private = differing_tags(together)
    tag = f"only {private}" if private else "no tag"
    if len(together) <= _GAP_SLICES:
        return (
            f"{called(a, a, b)} and {called(b, a, b)} lie at the same position but show different images, and {tag} "
            "tells which belongs to the series. Remove one of them, or export the series again."
        )
    return (
        f"{sum(map(len, together))} of its {len(lying.frames)} slices lie at a position with others, such as "
        f"{called(a, a, b)} with {called(b, a, b)}, but show different images: several volumes, and {tag} tells which "
        f"slices belong together. {_EXPORT}"
    )
