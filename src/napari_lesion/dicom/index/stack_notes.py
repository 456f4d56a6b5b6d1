"""What the stacks of one series have to do with each other, and what is told of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.keywords import PHASE_KEYWORDS, RECIPE_KEYWORDS
from napari_lesion.dicom.index.partition import Lie, lie, phase_of, recipe_of, value_of
from napari_lesion.dicom.index.partition_evidence import evidence
from napari_lesion.dicom.index.stack import Stack, apart_mm, named, representative
from napari_lesion.dicom.read import geometry
from napari_lesion.dicom.read.geometry import axes_of

#: Longest value that is told.
_SHORT = 40
#: Whoever scans types these in; names are in them. They are named, but what they say is not repeated.
_FREE_TEXTS = frozenset(
    {"SeriesDescription", "ProtocolName", "ImageComments", "FrameComments", "FrameLabel", "ContrastBolusAgent"}
)
#: A stack that lacks slices must have so many for each plane of another kind that lies on its grid. With fewer, the tag
#: that tells them apart may be wrong on some, and what would be interpolated a mixture.
_SLICES_A_STRANGER = 8
#: Cosine of the angle up to which the normals of two stacks count as parallel.
_PARALLEL = 0.999


def cross_checked(stacks: list[Stack]) -> list[Stack]:
    """Look whether stacks of one series fill each other's gaps, or were one.

    A plane of another size, spacing or kind that lies where a stack lacks one is told there: it is not missing. Two
    stacks of different sizes or spacings that interlock as the slices of one volume do are refused together. A stack
    that lacks slices is refused where many planes of other kinds lie on its grid as if they were of it.
    """
    stacks = list(stacks)
    for n, stack in enumerate(stacks):
        near = 0
        for other in stacks:
            if other is not stack and (said := _stranger(stack, other)):
                near += said[2]
                stack = stacks[n] = replace(
                    stack, strangers=(*stack.strangers, *said[0]), notes=(*stack.notes, *said[1])
                )
        if near * _SLICES_A_STRANGER > len(stack.frames):
            stacks[n] = replace(
                stack,
                refusal=f"some of its {len(stack.frames)} slices are missing, and {near} of another kind "
                f"{'lies' if near == 1 else 'lie'} on its grid"
                + "".join(f" ({text})" for text, _ in stack.strangers)
                + ": it is unknown which slices belong together. Export each volume as a series of its own.",
            )
    for a, b in combinations(range(len(stacks)), 2):
        if _torn_apart(stacks[a], stacks[b]):
            one, other = stacks[a], stacks[b]
            frames = (*one.frames, *other.frames)
            why = (
                f"its {len(frames)} slices lie at even steps, but {named(other.frames)} "
                f"{_differs(other.frames, one.frames[0])}: "
                "one volume whose headers contradict each other, or two that interlock. Export the series again."
            )
            rest = [stack for n, stack in enumerate(stacks) if n not in (a, b)]
            return cross_checked([*rest, Stack(frames, refusal=why, duplicates=(*one.duplicates, *other.duplicates))])
    return stacks


def _lying(frames: Sequence[Frame], like: Stack) -> Lie | None:
    """How planes lie along the normal of a stack; None where they are not parallel to it, or nowhere."""
    axes = axes_of(like.frames[0].orientation or ())
    if axes is None:
        return None
    if any(frame.position is None for frame in frames):
        return None
    for orientation in {frame.orientation for frame in frames}:
        own = axes_of(orientation or ())
        if own is None or own.normal @ axes.normal < _PARALLEL:
            return None
    return lie(frames, axes)


def _stranger(stack: Stack, other: Stack) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...], int] | None:
    """Which planes of another stack lie in the gaps of a stack, and which go on where it ends.

    Returns
    -------
    strangers, notes
        See `Stack`.
    near : int
        How many planes lie on the grid of a stack that lacks slices.
    """
    if stack.refusal or stack.localizer or other.localizer or len(stack.frames) < 2:
        return None
    own, both = _lying(stack.frames, stack), _lying((*stack.frames, *other.frames), stack)
    if own is None or both is None or not own.lattice or not both.even:
        return None
    step = own.places.step_mm
    if abs(both.places.step_mm - step) > geometry.UNEVEN * step:
        return None
    mine = {id(frame) for frame in stack.frames}
    strange = [frame for frame in both.frames if id(frame) not in mine]
    first, last = (own.places.depth[end] for end in (0, -1))
    depth = dict(zip(map(id, both.frames), both.places.depth, strict=True))
    inside = [frame for frame in strange if first < depth[id(frame)] < last]
    next_to = min(first - both.places.depth[0], both.places.depth[-1] - last) if len(strange) > len(inside) else np.inf
    differs = _differs(strange, stack.frames[0])
    if inside:
        verb = "lies" if len(inside) == 1 else "lie"
        return ((f"{named(inside)} {verb} there, but {differs}", len(inside)),), (), len(inside)
    outside = [min(abs(depth[id(frame)] - end) for end in (first, last)) for frame in strange]
    if outside and min(outside) <= (1 + geometry.UNEVEN) * step and next_to is not np.inf:
        return (
            (),
            (f"{named(strange)} would go on where this stack ends, but {differs}; left out of it.",),
            int(own.missing > 0),
        )
    return None


def _differs(strange: Sequence[Frame], usual: Frame) -> str:
    """In what planes differ from a stack that they could belong to: a verb, and what follows."""
    one, many = strange[0], len(strange) > 1
    has = "have" if many else "has"
    if (one.file.rows, one.file.columns) != (usual.file.rows, usual.file.columns):
        sizes = [f"{frame.file.rows} × {frame.file.columns}" for frame in (one, usual)]
        return f"{has} {sizes[0]} pixels where the others have {sizes[1]}"
    keywords = [keyword for keyword in RECIPE_KEYWORDS if value_of(one, keyword) != value_of(usual, keyword)]
    if keywords:
        return f"{'differ' if many else 'differs'} in {' and '.join(keywords)} from the others"
    if one.pixel_spacing != usual.pixel_spacing:
        spacings = [" × ".join(f"{value:.5g}" for value in frame.pixel_spacing or ()) for frame in (one, usual)]
        return f"{has} a PixelSpacing of {spacings[0]} mm where the others have {spacings[1]} mm"
    if one.orientation != usual.orientation:
        return f"{has} another ImageOrientationPatient than the others"
    return f"{'differ' if many else 'differs'} from the others in what tells volumes apart"


def _torn_apart(one: Stack, other: Stack) -> bool:
    """Whether two stacks of different sizes or spacings interlock as the slices of one volume do."""
    if any(s.refusal or s.localizer or len(s.frames) < 2 for s in (one, other)):
        return False
    if recipe_of((*one.frames, *other.frames)) or one.divided_by or other.divided_by:
        return False
    both, parts = _lying((*one.frames, *other.frames), one), [_lying(s.frames, one) for s in (one, other)]
    if both is None or parts[0] is None or parts[1] is None or not both.even or not parts[0].overlaps(parts[1]):
        return False
    found = evidence(both, [part for part in parts if part is not None])
    return found.counted == "one" or (found.counted != "several" and found.thick == "one")


def one_volume(frames: Sequence[Frame]) -> bool:
    """Whether planes lie, and are numbered, as the slices of one volume, whoever they are said to be of."""
    if (
        len(frames) < 3
        or any(frame.position is None or frame.orientation is None for frame in frames)
        or recipe_of(frames)
    ):
        return False
    first = frames[0]
    if any(
        (f.file.rows, f.file.columns, f.pixel_spacing) != (first.file.rows, first.file.columns, first.pixel_spacing)
        for f in frames
    ):
        return False
    lying = _lying(frames, Stack(tuple(frames)))
    return lying is not None and lying.whole and evidence(lying, [lying]).counted == "one"


def distinguishing_tags(stack: Stack) -> tuple[str, ...]:
    """Which tags told a stack from others of its series, and what they are in it."""
    if not stack.divided_by:
        return ()
    said = []
    for keyword in dict.fromkeys(stack.divided_by):
        value = phase_of(stack.frames[0], keyword).strip()
        plain = (
            value.isascii()
            and value.isprintable()
            and len(value) <= _SHORT
            and not keyword.endswith(("UID", "Sequence"))
            and keyword not in _FREE_TEXTS
        )
        one = len({phase_of(frame, keyword) for frame in stack.frames}) == 1
        said.append(f"{keyword} (here {value or 'absent'})" if plain and one and keyword in PHASE_KEYWORDS else keyword)
    return (f"Several volumes in one series were told apart by {' and '.join(said)}.",)


def differing(stack: Stack) -> tuple[str, ...]:
    """Describe what differs between the planes of a stack, though it should not."""
    frames = [f for f in stack.frames if f.orientation is not None and f.pixel_spacing is not None]
    if len(frames) < 2 or stack.refusal or stack.localizer:
        return ()
    said = []
    references = {frame.frame_of_reference for frame in frames}
    if len(references) > 1:
        absent = sum(not frame.frame_of_reference for frame in frames)
        what = (
            f"is missing on {absent} of {len(frames)} slices" if absent else f"has {len(references)} different values"
        )
        said.append(f"FrameOfReferenceUID {what}; by their positions the slices are one volume.")
    for name, values in (
        ("PixelSpacing", {frame.pixel_spacing for frame in frames}),
        ("ImageOrientationPatient", {frame.orientation for frame in frames}),
    ):
        if len(values) > 1:
            reference = representative(frames)
            farthest = max(apart_mm(reference, frame) for frame in frames)
            said.append(
                f"{name} differs a little between slices ({len(values)} values, as by rounding); one was used for all, "
                f"which moves no pixel by more than {farthest:.2f} mm."
            )
    for keyword in RECIPE_KEYWORDS:
        values_of = {phase_of(frame, keyword) for frame in frames}
        if "" in values_of and len(values_of) > 1 and not keyword.endswith("Sequence"):
            absent = sum(not phase_of(frame, keyword) for frame in frames)
            said.append(f"{keyword} is missing on {absent} of {len(frames)} slices.")
    return tuple(said)
