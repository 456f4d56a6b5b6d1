"""Proposals of which planes belong together, and whether a proposal explains how they lie."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.keywords import COUNTING_KEYWORDS, PHASE_KEYWORDS, RECIPE_KEYWORDS
from napari_lesion.dicom.read import geometry
from napari_lesion.dicom.read.geometry import SAME_POSITION_MM, Axes, Spread
from napari_lesion.model.volume import FloatArray

#: Largest share of the slices of a part that may be missing while it still counts as one.
MISSING = 0.25
#: Fewest slices of a part where their InstanceNumbers alone tell it from others: at the same places, and in between.
_FEWEST_NUMBERED, _FEWEST_NUMBERED_BETWEEN = 5, 4
#: Fewest slices of a part that interlocks with others.
FEWEST_INTERLOCKED = 3
#: Slice thicknesses that differ by no more than this factor are rounded.
_ROUNDED = 1.1
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
        return self.lattice and self.missing <= MISSING * (len(self.frames) + self.missing)

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
        return min(map(len, self.groups)) >= FEWEST_INTERLOCKED and all(
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
    runs = sweeps(ordered, depth)
    for run, following in pairwise(runs):
        without = run[:-1]
        if len(run) > FEWEST_INTERLOCKED and not lie(run, axes).lattice and lie(without, axes).lattice:
            following.insert(0, run.pop())  # where the numbers turn, the last slice of one run begins the next
    fewest = _FEWEST_NUMBERED if crowd(frames) > 1 else _FEWEST_NUMBERED_BETWEEN
    if len(runs) < 2 or min(map(len, runs)) < fewest:
        return ()
    return tuple(map(tuple, runs))


def sweeps(ordered: Sequence[Frame], depth: FloatArray) -> list[list[Frame]]:
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
