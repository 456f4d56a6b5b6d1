"""What a reader drew on a scan to measure it: where it lies in the patient, and what was measured there."""

from __future__ import annotations

import math
from typing import Literal, Self, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

Point = tuple[float, float, float]
Tool = Literal["ruler", "angle", "ellipse", "rectangle", "arrow", "pin"]
TOOLS: tuple[Tool, ...] = get_args(Tool)
Projection = Literal["max", "min", "mean"]

POINTS: dict[Tool, int] = {"ruler": 2, "angle": 3, "ellipse": 4, "rectangle": 4, "arrow": 2, "pin": 1}
"""How many points each has: both ends; the ends of two arms with the vertex between them; the ends of both diameters;
the corners in turn; the tip and the end with the text; the place itself."""
REGIONS: frozenset[Tool] = frozenset({"ellipse", "rectangle"})
"""Those with an area."""
READS_VALUES: frozenset[Tool] = REGIONS | {"pin"}
"""Those that read voxels."""
_SQUARE = 1e-3
"""Cosine up to which sides and diameters of a region are at right angles: coordinates are rounded in files."""


class Values(BaseModel):
    """What was measured; a number that this drawing does not have is None."""

    model_config = ConfigDict(frozen=True)

    length: float | None = None
    """Of a ruler, in `length_unit`."""
    angle_deg: float | None = None
    """At the vertex, 0 to 180 degrees."""
    area: float | None = None
    """Of the shape itself, in the square of `length_unit`."""
    length_unit: Literal["mm", "mm at the detector", "px"] = "mm"
    """mm of the patient, or at the detector, where a projection is larger; px where the headers name no size."""
    value: float | None = None
    """Of the voxel at a pin, in `unit`."""
    mean: float | None = None
    """Of the voxels of a region, in `unit`, as the three that follow."""
    sd: float | None = None
    """Standard deviation of these voxels (not an estimate of a larger population's)."""
    lowest: float | None = None
    highest: float | None = None
    voxels: int | None = None
    """How many have their centre in the region."""
    unit: str = ""
    """HU, another one that the headers name, or empty where values have none."""


class Slab(BaseModel):
    """Several slices shown as one."""

    model_config = ConfigDict(frozen=True)

    projection: Projection
    slices: int = Field(gt=1)
    """The one in the middle is the plane of the drawing."""


class Drawing(BaseModel):
    """A ruler, an angle, a region, an arrow or a pin, on one plane of a scan.

    Positions are LPS mm as (x, y, z).
    """

    model_config = ConfigDict(frozen=True)

    id: str
    number: int = Field(default=0, ge=0)
    """M1, M2, …: given once within the scan, never given to another. 0 where none was given yet."""
    tool: Tool
    points_mm: tuple[Point, ...]
    """As many as `POINTS`, in its order, all in one plane."""
    normal: Point
    """Unit normal of that plane, LPS."""
    slab: Slab | None = None
    """What was on the screen when it was drawn, where that was no single slice."""
    sop_instance_uid: str = ""
    """The acquired image closest to its middle."""
    frame: int | None = None
    """1-based frame number where that image is a multiframe object."""
    instance_number: int | None = None
    """InstanceNumber of that image."""
    on_image: bool = False
    """Whether it lies on that image; else on a plane that was made of several."""
    text: str = ""
    """The reader's words; an arrow points at what they say."""
    reader: str = ""
    """Who drew it, or changed it last."""
    time: str = ""
    """When, ISO 8601, UTC."""
    values: Values = Values()
    notes: tuple[str, ...] = ()
    """What to know before trusting the numbers, as sentences."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        points = np.asarray(self.points_mm, dtype=np.float64)
        if len(points) != POINTS[self.tool]:
            raise ValueError(f"{self.tool} has {POINTS[self.tool]} points, not {len(points)}")
        if not np.isfinite(points).all() or not math.isclose(float(np.linalg.norm(self.normal)), 1, abs_tol=1e-3):
            raise ValueError("its points must be finite, and its normal of length 1")
        if self.tool in REGIONS:
            one, other = sides_of(self.tool, self.points_mm)
            lengths = float(np.linalg.norm(one)), float(np.linalg.norm(other))
            if min(lengths) <= 0 or abs(float(one @ other)) > _SQUARE * lengths[0] * lengths[1]:
                raise ValueError(f"the sides of this {self.tool} must be at right angles, and longer than nothing")
        return self

    @property
    def name(self) -> str:
        """What it is called: M3."""
        return f"M{self.number}"

    @property
    def middle_mm(self) -> Point:
        """The middle of its points; of an arrow, its tip."""
        points = self.points_mm[:1] if self.tool == "arrow" else self.points_mm
        x, y, z = (float(value) for value in np.mean(points, axis=0))
        return x, y, z

    @property
    def plane(self) -> str:
        """The plane that it lies in, by the patient's axes: axial, coronal, sagittal, or oblique with the nearest."""
        name = ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(self.normal)))]
        return name if max(map(abs, self.normal)) > math.cos(math.radians(1)) else f"oblique {name}"


def sides_of(tool: Tool, points_mm: tuple[Point, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Both sides of a rectangle, or both diameters of an ellipse, as vectors (LPS mm)."""
    points = np.asarray(points_mm, dtype=np.float64)
    if tool == "rectangle":
        return points[1] - points[0], points[3] - points[0]
    return points[1] - points[0], points[3] - points[2]


def numbered_drawings(drawings: tuple[Drawing, ...], last: int = 0) -> tuple[tuple[Drawing, ...], int]:
    """Give a number to each drawing that has none, beyond all that were ever given; of two with one the second.

    Parameters
    ----------
    drawings : tuple of Drawing
    last : int
        The highest number that was ever given.

    Returns
    -------
    drawings, last
    """
    last = max((last, *(one.number for one in drawings)))
    made: list[Drawing] = []
    taken = {0}
    for one in drawings:
        if one.number in taken:
            last += 1
            one = one.model_copy(update={"number": last})
        taken.add(one.number)
        made.append(one)
    return tuple(made), last
