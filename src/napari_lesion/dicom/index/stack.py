"""Planes that may make one volume, and what they have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.index.partition import lie
from napari_lesion.dicom.read.geometry import axes_of
from napari_lesion.model.volume import FloatArray

#: Planes whose pixels lie within this of where one common orientation and pixel spacing puts them are of one volume,
#: mm; the farthest pixel counts. Headers round both: 0.001 in a cosine is 0.4 mm at the edge of a chest.
SAME_PLANE_MM = 1.5
#: An orientation or pixel spacing that at least one plane in so many has may stand for all.
_COMMON = 4


@dataclass(frozen=True)
class Stack:
    """Planes that make one volume, and what was found while they were sorted out.

    Attributes
    ----------
    frames : tuple of Frame
    localizer : bool
    duplicates : tuple of str
        A sentence for each plane that repeats another one.
    notes : tuple of str
    refusal : str
        Why these planes make no volume, as a sentence that ends with what to do; '' where they may.
    moving : bool
        Whether they show one place at several times.
    strangers : tuple of (str, int)
        What is said of planes that lie where some of this stack are missing, but are of another kind; how many.
    divided_by : tuple of str
        Tags that told this stack from the others.
    repeated : tuple of Frame
        Planes that were left out as repeats of one of these.
    """

    frames: tuple[Frame, ...]
    localizer: bool = False
    duplicates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str = ""
    moving: bool = False
    strangers: tuple[tuple[str, int], ...] = ()
    divided_by: tuple[str, ...] = field(default=(), repr=False)
    repeated: tuple[Frame, ...] = field(default=(), repr=False)


def is_localizer(frame: Frame) -> bool:
    """Whether a plane is a scout that the scan was planned on."""
    return "LOCALIZER" in frame.image_type


def identity(frame: Frame) -> tuple[object, ...]:
    """Order of planes that depends on what they are, not on where they were found; paths break ties only."""
    return (
        frame.instance_number is None,
        frame.instance_number or 0,
        frame.file.sop_instance_uid,
        frame.number or 0,
        str(frame.file.path),
    )


def called(frame: Frame, *others: Frame) -> str:
    """Name of a plane, with its folder where another one has the same name."""
    if sum(frame.name == other.name for other in others) > 1:
        return f"{frame.file.path.parent.name}/{frame.name}"
    return frame.name


def named(frames: Sequence[Frame]) -> str:
    """Name some planes in a message."""
    said = [frame.name for frame in frames]
    return ", ".join(said) if len(said) <= 3 else f"{', '.join(said[:3])} and {len(said) - 3} more"


def apart_mm(a: Frame, b: Frame) -> float:
    """How far the farthest pixel moves where a plane gets the orientation and pixel spacing of another one, mm."""
    assert a.orientation is not None
    assert b.orientation is not None
    assert a.pixel_spacing is not None
    assert b.pixel_spacing is not None

    def edges(frame: Frame) -> tuple[FloatArray, FloatArray]:
        cosines, (rows, columns) = np.array(frame.orientation), frame.pixel_spacing or (0.0, 0.0)
        return cosines[:3] * columns * (a.file.columns - 1), cosines[3:] * rows * (a.file.rows - 1)

    (right, down), (other_right, other_down) = edges(a), edges(b)
    moved = right - other_right, down - other_down
    return float(max(np.linalg.norm(corner) for corner in (*moved, moved[0] + moved[1])))


def representative(frames: Sequence[Frame]) -> Frame:
    """Plane whose orientation and pixel spacing stand for all: common, and upright to the way the slices advance."""
    counts: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        counts[frame.orientation, frame.pixel_spacing].append(frame)
    if len(counts) == 1:
        return frames[0]
    common = [members[0] for members in counts.values() if len(members) * _COMMON >= len(frames)]

    def leaning(frame: Frame) -> float:
        axes = axes_of(frame.orientation or ())
        if axes is None:
            return float("inf")
        lying = lie(frames, axes)
        travel = np.array(lying.frames[-1].position) - np.array(lying.frames[0].position)
        return round(float(np.linalg.norm(travel - (travel @ axes.normal) * axes.normal)), 3)

    largest = max(counts.values(), key=len)[0]
    return min(
        common or [largest], key=lambda frame: (leaning(frame), -len(counts[frame.orientation, frame.pixel_spacing]))
    )
