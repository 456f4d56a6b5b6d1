"""What speaks for and against a partition of a series: order, numbers, strays, interlocked lattices."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.keywords import COUNTING_KEYWORDS
from napari_lesion.dicom.index.partition import FEWEST_INTERLOCKED, MISSING, Groups, Lie, ordinal, sweeps, value_of
from napari_lesion.dicom.read import geometry
from napari_lesion.model.volume import FloatArray

#: Fewest changes of a tag from slice to slice, a slice, and most values of it, where it takes turns.
_TURNS, _MOST_VALUES = 0.5, 4


#: Share of the slices that may lie among those with another value of a tag, by a writer's mistake.
_ASTRAY = 0.1


#: Share of the usual distance from which slices lie too near each other.
_TOO_NEAR = 0.55


#: So often may the distance of slices change: a lost slice, or a moved one, changes it twice or thrice.
_CHANGES = 4


@dataclass(frozen=True)
class Evidence:
    """What speaks for one volume where parts interlock, and what for several.

    Attributes
    ----------
    counted : {"one", "several", ""}
        What the InstanceNumbers say: they run through the whole, or through each part alone.
    thick : {"one", "several", ""}
        What SliceThickness says: slices touch in the whole, or in each part alone.
    """

    counted: str
    thick: str


def evidence(together: Lie, parts: Sequence[Lie]) -> Evidence:
    """Look whether parts that interlock are one volume."""
    counted = ""
    if _in_order(together.frames):
        counted = "one"
    elif all(_in_order(part.frames) for part in parts):
        counted = "several"
    thick = ""
    known = [frame.thickness for frame in together.frames if frame.thickness]
    if known:
        thickness = statistics.median(known)
        if thickness <= 1.2 * together.places.step_mm:
            thick = "one"
        elif thickness >= 0.8 * min(part.places.step_mm for part in parts):
            thick = "several"
    return Evidence(counted, thick)


def _in_order(frames: Sequence[Frame]) -> bool:
    """Whether the numbers rise, or fall, from slice to slice."""
    numbers = [ordinal(frame) for frame in frames]
    if None in numbers:
        return False
    steps = list(pairwise(numbers))
    return all(a < b for a, b in steps) or all(a > b for a, b in steps)  # type: ignore[operator]


def sharing_numbers(lying: Lie) -> int:
    """Count the slices whose InstanceNumber another one has, too, unless they come pass after pass."""
    numbers = [ordinal(frame) for frame in lying.frames]
    counts = Counter(numbers)
    if None in counts or len(counts) < FEWEST_INTERLOCKED:
        return 0
    shared = sum(count for count in counts.values() if count > 1)
    rises = sum(b >= a for a, b in pairwise(numbers))  # type: ignore[operator]
    falls = sum(b <= a for a, b in pairwise(numbers))  # type: ignore[operator]
    return shared if shared >= max(4, len(numbers) // 3) and min(rises, falls) > 1 else 0


def strays(groups: Groups) -> str:
    """Name a tag whose value is usual in one group, but strays into another one; '' where there is none.

    Then the tag that made the groups is wrong on these planes, or this one is.
    """
    for keyword in COUNTING_KEYWORDS:
        counts = [Counter(v for _, v in {(frame.position, value_of(frame, keyword)) for frame in g}) for g in groups]
        counts = [count for count in counts if count.total() > 1]
        usual = [count.most_common(1)[0] for count in counts]
        if len({value for value, _ in usual}) < len(usual) or len(usual) < 2:
            continue
        others = {value for value, _ in usual}
        for (value, often), count in zip(usual, counts, strict=True):
            stray = sum(count[other] for other in others - {value})
            if 0 < stray <= max(1, MISSING * often) and often > stray:
                return keyword
    return ""


def takes_turns(lying: Lie) -> str:
    """Name a tag that changes to and fro between a few values where the slices of one volume have it in blocks.

    A few slices astray are a writer's mistake where nothing is missing; where slices are, each one must be explained.
    '' where there is no such tag.
    """
    whole = lying.whole
    most = max(1 if whole else 0, _ASTRAY * len(lying.frames))
    for keyword in COUNTING_KEYWORDS:
        values = [value_of(frame, keyword) for frame in lying.frames]
        if values.count("") == 1:
            values.remove("")  # one that does not say
        counts = Counter(values)
        if 1 < len(counts) <= _MOST_VALUES:
            changes = sum(a != b for a, b in pairwise(values))
            often = changes >= max(_TURNS * (len(values) - 1), 2 * len(counts))
            if often or (not (whole and min(counts.values()) == 1) and _astray(values) > most):
                return keyword
    return "InstanceNumber" if not whole and _turns_back(lying) else ""


def _astray(values: Sequence[str]) -> float:
    """Count the slices that lie among those with another value."""
    places: dict[str, list[int]] = defaultdict(list)
    for n, value in enumerate(values):
        places[value].append(n)
    in_blocks = [v for v in sorted(places, key=lambda v: statistics.median(places[v])) for _ in places[v]]
    return sum(a != b for a, b in zip(values, in_blocks, strict=True)) / 2


def _turns_back(lying: Lie) -> bool:
    """Whether the numbers run through the slices more than once, each time through some of them."""
    numbers = [ordinal(frame) for frame in lying.frames]
    if None in numbers or len(set(numbers)) < len(numbers):
        return False
    order = sorted(range(len(numbers)), key=lambda n: numbers[n])  # type: ignore[arg-type,return-value] # none is None
    runs = sweeps([lying.frames[n] for n in order], lying.places.depth[order])
    return 1 < len(runs) <= _MOST_VALUES and min(map(len, runs)) > 1 and len(runs) * 2 < len(numbers)


def intruders(lying: Lie) -> tuple[Frame, ...]:
    """Planes that lie between slices which are whole without them; () where there is no such whole."""
    depth, step = lying.places.depth, lying.places.step_mm
    if step <= 0:
        return ()
    tolerance = max(geometry.ROUNDING_MM, geometry.UNEVEN * step)
    gaps = np.diff(depth)
    step = float(np.median(gaps[gaps >= np.percentile(gaps, 60)])) if len(gaps) else step
    off = [np.abs(np.remainder(depth - start + step / 2, step) - step / 2) > tolerance for start in depth]
    outside = min(off, key=lambda each: int(each.sum()))
    rest = np.diff(depth[~outside])
    if not 0 < outside.sum() < len(depth) / 2 or len(rest) < 2 or np.abs(rest - step).max() > 2 * tolerance:
        return ()
    return tuple(frame for frame, out in zip(lying.frames, outside, strict=True) if out)


def disorder(depth: FloatArray) -> str:
    """Note that slices lie as those of one volume can't, lost and moved slices aside; '' where they may."""
    steps = np.diff(depth)
    usual = float(np.sort(steps)[int(0.75 * (len(steps) - 1))])  # most are no larger; a few gaps are
    nearest = float(steps.min())
    if nearest < _TOO_NEAR * usual:
        return f"slices lie only {nearest:.3g} mm apart where most are {usual:.3g} mm apart, as in a mixture."
    tolerance = max(geometry.ROUNDING_MM, geometry.UNEVEN * usual)
    changes = int((np.abs(np.diff(steps)) > 2 * tolerance).sum())
    if changes > max(_CHANGES, len(steps) // 2):
        return f"the distance of its {len(depth)} slices changes {changes} times, as in a mixture of several volumes."
    return ""


def two_lattices(depth: FloatArray) -> bool:
    """Whether every other plane lies at even steps, but not all together."""
    if len(depth) < 2 * FEWEST_INTERLOCKED:
        return False
    steps = [np.diff(depth[start::2]) for start in (0, 1)]
    return all(bool(np.ptp(step) <= max(geometry.ROUNDING_MM, geometry.UNEVEN * step.mean())) for step in steps)
