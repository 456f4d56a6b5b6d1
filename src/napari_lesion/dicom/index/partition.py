"""Proposals of which planes belong together, and whether a proposal explains how they lie."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from napari_lesion.dicom.index.header import COUNTING_KEYWORDS, PHASE_KEYWORDS, RECIPE_KEYWORDS, Frame
from napari_lesion.dicom.read import geometry
from napari_lesion.dicom.read.geometry import SAME_POSITION_MM, Axes, Spread
from napari_lesion.model.volume import FloatArray

#: Largest share of the slices of a part that may be missing while it still counts as one.
_MISSING = 0.25
#: Fewest slices of a part where their InstanceNumbers alone tell it from others: at the same places, and in between.
_FEWEST_NUMBERED, _FEWEST_NUMBERED_BETWEEN = 5, 4
#: Fewest slices of a part that interlocks with others.
_FEWEST_INTERLOCKED = 3
#: Slice thicknesses that differ by no more than this factor are rounded.
_ROUNDED = 1.1
#: Fewest changes of a tag from slice to slice, a slice, and most values of it, where it takes turns.
_TURNS, _MOST_VALUES = 0.5, 4
#: Share of the slices that may lie among those with another value of a tag, by a writer's mistake.
_ASTRAY = 0.1
#: Share of the usual distance from which slices lie too near each other.
_TOO_NEAR = 0.55
#: So often may the distance of slices change: a lost slice, or a moved one, changes it twice or thrice.
_CHANGES = 4
_INDEX = {keyword: index for index, keyword in enumerate(PHASE_KEYWORDS)}

Groups = tuple[tuple[Frame, ...], ...]


@dataclass(frozen=True)
class Lie:
    """How some planes of one orientation lie.

    Attributes
    ----------
    frames : tuple of Frame
        Along the normal.
    places : Spread
    straight : bool
        Whether their first pixels lie on a straight line.
    """

    frames: tuple[Frame, ...]
    places: Spread
    straight: bool

    @property
    def clash(self) -> bool:
        """Whether two lie at the same position."""
        return bool(self.places.same)

    @property
    def missing(self) -> int:
        """Number of slices missing between the others."""
        return int(self.places.missing.sum())

    @property
    def even(self) -> bool:
        """Whether they lie at even steps along the normal, one at a place; some may be missing."""
        return self.places.even and not self.clash and self.places.step_mm > 0

    @property
    def lattice(self) -> bool:
        """Whether they lie at even steps, one at a place, none aside; some may be missing."""
        return self.straight and self.even

    @property
    def whole(self) -> bool:
        """Whether they lie at even steps, one at each place."""
        return self.lattice and not self.missing

    @property
    def nearly_whole(self) -> bool:
        """Whether a few slices at most are missing."""
        return self.lattice and self.missing <= _MISSING * (len(self.frames) + self.missing)

    @property
    def one_place(self) -> bool:
        """Whether all lie at the same position."""
        return len(self.frames) > 1 and self.places.step_mm == 0

    def overlaps(self, other: Lie) -> bool:
        """Whether two lie beside each other for the greater part, not one behind the other."""
        a, b = self.places.depth, other.places.depth
        common = min(a[-1], b[-1]) - max(a[0], b[0])
        return bool(common > 0.5 * min(a[-1] - a[0], b[-1] - b[0]))


@dataclass(frozen=True)
class Partition:
    """A proposal: planes with the same value of a tag are one volume.

    Attributes
    ----------
    keyword : str
        The tag, as it is called in messages.
    weak : bool
        Whether the tag may well differ within one volume, by a writer's mistake or by rounding.
    groups : tuple of tuple of Frame
    lies : tuple of Lie
    """

    keyword: str
    weak: bool
    groups: Groups
    lies: tuple[Lie, ...]

    @property
    def whole(self) -> bool:
        """Whether each part is."""
        return all(part.whole for part in self.lies)

    @property
    def nearly_whole(self) -> bool:
        """Whether each part is, but for a few slices."""
        return all(part.nearly_whole for part in self.lies)

    @property
    def on_lattices(self) -> bool:
        """Whether each part lies at even steps, more than two planes of it; some may be missing."""
        return all(part.lattice and len(part.frames) > 2 for part in self.lies)

    @property
    def interlocks(self) -> bool:
        """Whether the parts lie beside each other, each at even steps: two volumes, or one that was torn apart."""
        return self.nearly_whole and self.side_by_side

    @property
    def side_by_side(self) -> bool:
        """Whether the parts lie beside each other, be they whole or not."""
        return min(map(len, self.groups)) >= _FEWEST_INTERLOCKED and all(
            self.lies[0].overlaps(part) for part in self.lies[1:]
        )

    def agrees(self, finer: Partition) -> bool:
        """Whether another proposal only splits further."""
        of = {id(frame): n for n, group in enumerate(self.groups) for frame in group}
        return all(len({of[id(frame)] for frame in group}) == 1 for group in finer.groups)


def lie(frames: Sequence[Frame], axes: Axes) -> Lie:
    """Look how planes lie along the normal; each has a position."""
    positions = np.array([frame.position for frame in frames], dtype=np.float64)
    if len(frames) == 1:
        depth = positions @ axes.normal
        none = np.zeros(0, dtype=np.intp)
        return Lie(tuple(frames), Spread(np.zeros(1, dtype=np.intp), depth, 1.0, none, True, ()), True)
    places = geometry.spread(positions, axes.normal)
    straight = True
    if places.step_mm > 0:
        _, residual = geometry.shear(positions[places.order], places.depth, axes)
        straight = bool(residual.max() <= max(geometry.DRIFT_MM, geometry.UNEVEN * places.step_mm))
    return Lie(tuple(frames[i] for i in places.order), places, straight)


def phase_of(frame: Frame, keyword: str) -> str:
    """Value of a telling tag, as it was written; '' where it is absent."""
    return frame.phase[_INDEX[keyword]] if keyword in _INDEX else ""


def value_of(frame: Frame, keyword: str) -> str:
    """Value of a telling tag, in a form in which equal values are equal: 80, 80.0 and 8e1 are."""
    return "\\".join(map(_plain, frame.phase[_INDEX[keyword]].split("\\")))


def _plain(text: str) -> str:
    try:
        return f"{float(text):.7g}"
    except ValueError:
        return " ".join(text.split()).casefold()


def recipe_of(frames: Sequence[Frame]) -> tuple[str, ...]:
    """Tags that have one value in one volume, but several here.

    A tag that is absent on some planes and has one value on the others says nothing of that kind, and neither does
    one that differs from plane to plane.
    """
    most = max(2, len(frames) // 2, crowd(frames))
    found = []
    for keyword in RECIPE_KEYWORDS:
        index = _INDEX[keyword]
        if len({frame.phase[index] for frame in frames} - {""}) > 1:  # quick, and nearly always false
            values = {value_of(frame, keyword) for frame in frames}
            if len(values - {""}) > 1 and len(values) <= most:
                found.append(keyword)
    return tuple(found)


def grouped(frames: Iterable[Frame], label: Callable[[Frame], Hashable]) -> Groups:
    """Sort frames by a label, in the order of its values: 80 comes before 140."""
    groups: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[label(frame)].append(frame)
    return tuple(tuple(groups[label]) for label in sorted(groups, key=_natural))


def _natural(label: object) -> tuple[object, ...]:
    if isinstance(label, tuple):
        return tuple(map(_natural, label))
    try:
        return 0, float(label), ""  # type: ignore[arg-type] # what is no number is caught
    except (TypeError, ValueError):
        return 1, 0.0, "" if label is None else str(label)


def proposals(frames: Sequence[Frame], axes: Axes) -> list[Partition]:
    """All ways in which a single tag splits planes of one recipe into groups that may be volumes."""
    labels: list[tuple[str, bool, Callable[[Frame], Hashable]]] = [
        (keyword, False, lambda frame, keyword=keyword: value_of(frame, keyword))  # type: ignore[misc]
        for keyword in COUNTING_KEYWORDS
        if len({frame.phase[_INDEX[keyword]] for frame in frames}) > 1
    ]
    known = [frame.thickness for frame in frames if frame.thickness]
    if known and max(known) > _ROUNDED * min(known):
        labels.append(("SliceThickness", False, lambda frame: frame.thickness and round(frame.thickness, 2)))
    labels.append(("ImagePositionPatient", True, lambda frame: _sideways(frame, axes)))
    labels += [
        (keyword, True, lambda frame, keyword=keyword: value_of(frame, keyword))  # type: ignore[misc]
        for keyword in RECIPE_KEYWORDS
        if len({frame.phase[_INDEX[keyword]] for frame in frames}) == 2
    ]
    labels.append(("PixelSpacing", True, lambda frame: _rounded(frame.pixel_spacing)))
    labels.append(("ImageOrientationPatient", True, lambda frame: _rounded(frame.orientation)))
    labels.append(("FrameOfReferenceUID", True, lambda frame: frame.frame_of_reference))
    found = []
    for keyword, weak, label in labels:
        groups = grouped(frames, label)
        if len(groups) > 1 and min(map(len, groups)) > 1:
            found.append(Partition(keyword, weak, groups, tuple(lie(group, axes) for group in groups)))
    if runs := _runs(frames, axes):
        numbered = Partition("InstanceNumber", False, runs, tuple(lie(run, axes) for run in runs))
        if numbered.side_by_side:  # one behind the other, numbers that go on tell nothing
            found.append(numbered)
    return found


def _rounded(values: Sequence[float] | None) -> Hashable:
    return values and tuple(round(value, 6) for value in values)


def _sideways(frame: Frame, axes: Axes) -> Hashable:
    """Where a plane begins, without how far along the normal."""
    position = np.array(frame.position)
    return tuple(np.rint([position @ axes.row / 0.1, position @ axes.column / 0.1]).astype(int).tolist())


def ordinal(frame: Frame) -> tuple[int, int] | None:
    """Give the number of a plane in its series, as it was written."""
    if frame.number is not None:
        return frame.instance_number or 0, frame.number
    return None if frame.instance_number is None else (frame.instance_number, 0)


def _runs(frames: Sequence[Frame], axes: Axes) -> Groups:
    """Planes in the order of their numbers, cut where they turn back; () where the numbers tell nothing."""
    numbers = {ordinal(frame) for frame in frames}
    if None in numbers or len(numbers) < len(frames):
        return ()
    ordered = sorted(frames, key=ordinal)  # type: ignore[arg-type] # none is None
    depth = np.array([frame.position for frame in ordered]) @ axes.normal
    runs = _sweeps(ordered, depth)
    for run, following in pairwise(runs):
        without = run[:-1]
        if len(run) > _FEWEST_INTERLOCKED and not lie(run, axes).lattice and lie(without, axes).lattice:
            following.insert(0, run.pop())  # where the numbers turn, the last slice of one run begins the next
    fewest = _FEWEST_NUMBERED if crowd(frames) > 1 else _FEWEST_NUMBERED_BETWEEN
    if len(runs) < 2 or min(map(len, runs)) < fewest:
        return ()
    return tuple(map(tuple, runs))


def _sweeps(ordered: Sequence[Frame], depth: FloatArray) -> list[list[Frame]]:
    """Cut planes in the order of their numbers where their places turn back."""
    runs: list[list[Frame]] = [[ordered[0]]]
    direction = 0.0
    for step, frame in zip(np.diff(depth), ordered[1:], strict=True):
        if abs(step) <= SAME_POSITION_MM or direction * step < 0:
            runs.append([frame])
            direction = 0.0
        else:
            runs[-1].append(frame)
            direction = float(step)
    return runs


def coarsest(valid: Sequence[Partition], found: Sequence[Partition]) -> Partition | None:
    """Choose the valid proposal with the fewest parts; None where another one contradicts it.

    One whose parts lack slices contradicts, too; one that splits no further says nothing.
    """
    best = min(valid, key=lambda partition: (len(partition.groups), partition.weak))
    others = [one for one in found if one.on_lattices and not one.weak]
    return best if all(best.agrees(one) or one.agrees(best) for one in (*valid, *others)) else None


def same_place(a: Frame, b: Frame) -> bool:
    """Whether two planes begin at the same point."""
    assert a.position is not None
    assert b.position is not None
    return max(abs(x - y) for x, y in zip(a.position, b.position, strict=True)) <= SAME_POSITION_MM


def clashes(lying: Lie) -> list[tuple[Frame, ...]]:
    """Planes that lie at the same position, together."""
    together: list[list[Frame]] = []
    last = -1
    for a, b in lying.places.same:
        if a == last:
            together[-1].append(lying.frames[b])
        else:
            together.append([lying.frames[a], lying.frames[b]])
        last = b
    return list(map(tuple, together))


def crowd(frames: Sequence[Frame]) -> int:
    """Most planes at one place."""
    counts: dict[Hashable, int] = defaultdict(int)
    for frame in frames:
        counts[frame.position and tuple(round(x / SAME_POSITION_MM) for x in frame.position)] += 1
    return max(counts.values())


# ------------------------------------------------------------------------------------- one volume, torn apart, or more


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
    if None in counts or len(counts) < _FEWEST_INTERLOCKED:
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
            if 0 < stray <= max(1, _MISSING * often) and often > stray:
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
    runs = _sweeps([lying.frames[n] for n in order], lying.places.depth[order])
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
    """Say that slices lie as those of one volume can't, lost and moved slices aside; '' where they may."""
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
    if len(depth) < 2 * _FEWEST_INTERLOCKED:
        return False
    steps = [np.diff(depth[start::2]) for start in (0, 1)]
    return all(bool(np.ptp(step) <= max(geometry.ROUNDING_MM, geometry.UNEVEN * step.mean())) for step in steps)
