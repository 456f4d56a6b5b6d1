"""What one reader marked in one series."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.support.errors import AnnotationError

SCHEMA_VERSION = "1.1"
#: Affines that differ by less than this at the scan's corners (mm) are the same: rounding in headers.
_SAME_PLACE_MM = 0.01

Point = tuple[float, float, float]
MarkShape = Literal["point", "box", "mask"]


class Annotation(BaseModel):
    """One marked finding: a point with a diameter, a box, or a mask. It is replaced, never changed.

    Positions are LPS mm as (x, y, z).
    """

    model_config = ConfigDict(frozen=True)

    id: str
    label: str
    center_mm: Point
    """Of a mask: its centre of mass."""
    diameter_mm: float = Field(gt=0)
    """Of a mask or a box: that of the ball of the same volume."""
    box_size_mm: Point | None = None
    """Of a box around the centre: its extent along the scan's own axes k, j, i, mm."""
    mask: Mask | None = None
    reader: str
    time: str
    """Of its last change; ISO 8601, UTC."""
    comment: str = ""

    @property
    def shape(self) -> MarkShape:
        """What it was drawn as."""
        if self.mask is not None:
            return "mask"
        return "box" if self.box_size_mm is not None else "point"


class AnnotationGrid(BaseModel):
    """The voxels of the scan that masks refer to."""

    model_config = ConfigDict(frozen=True)

    shape: tuple[int, int, int]
    """Voxels along (k, j, i)."""
    affine: tuple[tuple[float, float, float, float], ...]
    """Index (k, j, i) → LPS mm, by rows."""

    @classmethod
    def of(cls, volume: Volume) -> AnnotationGrid:
        """Take the grid of a scan."""
        return cls.model_validate({"shape": volume.shape, "affine": volume.affine.tolist()})

    @property
    def matrix(self) -> FloatArray:
        """The affine as an array (4, 4)."""
        return np.array(self.affine, dtype=np.float64)

    def same(self, other: AnnotationGrid) -> bool:
        """Whether both describe the same voxels."""
        if self.shape != other.shape:
            return False
        corners = np.array([[k, j, i, 1] for k in (0, 1) for j in (0, 1) for i in (0, 1)], dtype=np.float64)
        corners[:, :3] *= np.array(self.shape) - 1
        apart = np.linalg.norm((corners @ (self.matrix - other.matrix).T)[:, :3], axis=1)
        return bool(apart.max() < _SAME_PLACE_MM)


class AnnotationSet(BaseModel):
    """Everything that one reader marked in one series; a file holds one of these."""

    model_config = ConfigDict(frozen=True)

    schema_version: str = SCHEMA_VERSION
    series_uid: str
    stack: str = ""
    """Which of the stacks of the series was marked (``Volume.stack``); empty where an earlier version wrote it."""
    patient_id: str = Field(default="", repr=False)
    reader: str
    label_set: str
    """Name of the label set that the labels are from."""
    grid: AnnotationGrid
    done: bool = False
    """The reader has finished the series: that nothing else is marked means that nothing else is there."""
    revision: int = 0
    """Counts the times that it was saved."""
    annotations: tuple[Annotation, ...] = ()

    @classmethod
    def empty(cls, volume: Volume, reader: str, label_set: str) -> AnnotationSet:
        """Start with a scan."""
        return cls(
            series_uid=volume.series.series_uid,
            stack=volume.stack,
            patient_id=volume.series.patient_id,
            reader=reader,
            label_set=label_set,
            grid=AnnotationGrid.of(volume),
        )

    def same_scan(self, other: AnnotationSet) -> bool:
        """Whether both are of one scan, as far as they say."""
        unknown = not self.stack or not other.stack
        return self.series_uid == other.series_uid and (unknown or self.stack == other.stack)

    def __getitem__(self, id_: str) -> Annotation:
        for annotation in self.annotations:
            if annotation.id == id_:
                return annotation
        raise KeyError(id_)

    def __contains__(self, id_: object) -> bool:
        return any(annotation.id == id_ for annotation in self.annotations)

    # Further annotations end the state "done": what was finished is being worked on again.

    def put(self, annotation: Annotation) -> AnnotationSet:
        """Add an annotation, or replace the one with its id (which keeps its place)."""
        if annotation.id in self:
            kept: Iterable[Annotation] = (annotation if a.id == annotation.id else a for a in self.annotations)
        else:
            kept = (*self.annotations, annotation)
        return self.model_copy(update={"annotations": tuple(kept), "done": False})

    def without(self, id_: str) -> AnnotationSet:
        """Take an annotation out."""
        kept = tuple(a for a in self.annotations if a.id != id_)
        return self.model_copy(update={"annotations": kept, "done": False})

    def finished(self, done: bool = True) -> AnnotationSet:
        """Whether the series is finished."""
        return self.model_copy(update={"done": done})


def refuse_several_stacks(sets: Iterable[AnnotationSet]) -> None:
    """Refuse annotations of several stacks of one series, for forms that know a scan by its series alone.

    Raises
    ------
    AnnotationError
    """
    stacks: dict[str, str] = {}
    for one in sets:
        if one.stack and stacks.setdefault(one.series_uid, one.stack) != one.stack:
            raise AnnotationError(
                f"series {one.series_uid}: two of its stacks are annotated, and this form knows a scan by its series "
                "alone. Keep the annotations of one of them in another folder."
            )


def new_annotation(
    volume: Volume,
    *,
    label: str,
    reader: str,
    center_mm: Iterable[float] | None = None,
    diameter_mm: float | None = None,
    box_size_mm: Iterable[float] | None = None,
    mask: Mask | None = None,
) -> Annotation:
    """Mark a finding in a scan: a point (centre, diameter), a box (centre, size) or a mask.

    Raises
    ------
    AnnotationError
        If it lies outside the scan, or a point comes without a diameter.
    """
    blank = Annotation(
        id=str(uuid.uuid4()), label=label, reader=reader, time=now(), center_mm=(0.0, 0.0, 0.0), diameter_mm=1.0
    )
    if mask is not None:
        return with_mask(blank, mask, volume)
    if center_mm is None or (diameter_mm is None and box_size_mm is None):
        raise AnnotationError("A finding without a mask needs a centre, and a diameter or the size of a box.")
    x, y, z = (float(v) for v in center_mm)
    _check_inside((x, y, z), volume)
    if box_size_mm is not None:
        k, j, i = (float(v) for v in box_size_mm)
        ball = float((6 * k * j * i / np.pi) ** (1 / 3))
        size = {"box_size_mm": (k, j, i), "diameter_mm": ball}
    else:
        size = {"diameter_mm": float(diameter_mm or 0)}
    return Annotation.model_validate({**blank.model_dump(), "center_mm": (x, y, z), **size})


def with_mask(annotation: Annotation, mask: Mask, volume: Volume) -> Annotation:
    """Give an annotation another mask; centre and diameter follow from it.

    Raises
    ------
    AnnotationError
        If the mask reaches out of the scan.
    """
    if not mask.fits(volume.shape):
        raise AnnotationError(f"The mask reaches out of the scan ({volume.shape} voxels).")
    x, y, z = map(float, mask.center_mm(volume.affine))
    diameter = mask.diameter_mm(volume.affine)
    return annotation.model_copy(
        update={"mask": mask, "box_size_mm": None, "center_mm": (x, y, z), "diameter_mm": diameter, "time": now()}
    )


def changed(annotation: Annotation, *, label: str | None = None, comment: str | None = None) -> Annotation:
    """Give an annotation another label or comment."""
    update = {"label": label, "comment": comment}
    return annotation.model_copy(update={k: v for k, v in update.items() if v is not None} | {"time": now()})


def moved(annotation: Annotation, center_mm: Iterable[float], volume: Volume) -> Annotation:
    """Put a point or a box elsewhere.

    Raises
    ------
    AnnotationError
        If that is outside the scan, or the annotation has a mask: that is painted, not moved.
    """
    if annotation.mask is not None:
        raise AnnotationError("A mask is not moved: paint or erase it.")
    x, y, z = (float(v) for v in center_mm)
    _check_inside((x, y, z), volume)
    return annotation.model_copy(update={"center_mm": (x, y, z), "time": now()})


def now() -> str:
    """Time in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _check_inside(center_mm: Point, volume: Volume) -> None:
    index = volume.to_index(center_mm)
    if not all(-0.5 <= n <= size - 0.5 for n, size in zip(index, volume.shape, strict=True)):
        raise AnnotationError("That place is outside the scan.")
