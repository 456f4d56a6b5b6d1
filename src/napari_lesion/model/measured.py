"""What is measured in a finding, and where each number comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Point = tuple[float, float, float]
Side = Literal["left", "right", "unknown"]
Zone = Literal["upper", "middle", "lower", "unknown"]
MeasuredNoduleType = Literal["solid", "part-solid", "non-solid", "unknown"]
Calcification = Literal["none", "partial", "complete", "unknown"]


class Axis(BaseModel):
    """A straight line across a finding."""

    model_config = ConfigDict(frozen=True)

    length_mm: float
    """To 0.1 mm, as guidelines ask."""
    start_mm: Point
    """LPS mm (x, y, z)."""
    end_mm: Point
    """LPS mm (x, y, z)."""


class HounsfieldUnits(BaseModel):
    """How dense the voxels of a finding are, HU."""

    model_config = ConfigDict(frozen=True)

    mean: float
    sd: float
    p05: float
    median: float
    p95: float


class Likely(BaseModel):
    """Whether something is so, as a network estimates it."""

    model_config = ConfigDict(frozen=True)

    value: bool
    certainty: float = Field(ge=0, le=1)
    """How probable it is that a reader would say the same."""


class Looks(BaseModel):
    """How a finding looks, estimated by a network that learned from readers; nothing here is measured.

    Each certainty is the probability that one of LIDC's readers would say the same, as on validation patients.
    """

    model_config = ConfigDict(frozen=True)

    method: str
    """The model's id and version."""
    type: Literal["solid", "part-solid", "non-solid"]
    type_certainty: float = Field(ge=0, le=1)
    solid: float = Field(ge=0, le=1)
    part_solid: float = Field(ge=0, le=1)
    non_solid: float = Field(ge=0, le=1)
    """Probabilities of the types; their sum is 1."""
    spiculated: Likely
    """Rated 3 or more of 5."""
    lobulated: Likely
    """Rated 3 or more of 5."""
    ill_defined: Likely
    """Margin rated 1 or 2 of 5."""
    calcified: Likely
    """With any calcification."""
    suspicion: float = Field(ge=1, le=5)
    """The mean of the ratings of malignancy to be expected: 1 highly unlikely, 3 indeterminate, 5 highly suspicious."""
    suspicious: Likely
    """Malignancy rated 4 or 5."""


class Measurement(BaseModel):
    """The numbers of one finding, from its mask.

    All are measured in the scan's own voxels. A number that can't be told is None, and a note says why.
    """

    model_config = ConfigDict(frozen=True)

    method: str
    """What made the mask: a model's id and version, or "outlined by READER"."""
    long_axis: Axis
    """The longest line within the mask on the axial slice where the mask's area is largest."""
    short_axis: Axis
    """The longest one at right angles to it on that slice."""
    mean_diameter_mm: float
    """Mean of both axes, to 0.1 mm: the diameter of Lung-RADS and Fleischner."""
    sop_instance_uid: str = ""
    """The acquired image closest to that slice."""
    frame: int | None = None
    """1-based frame number where that image is a multiframe object."""
    diameter_3d_mm: float
    """Largest distance of two points of the surface."""
    volume_mm3: float
    volume_sd_mm3: float | None = None
    """One standard deviation of the volume: from the voxel size and from how much it changes when segmented again,
    and no less than what nodules of its type differ by from scan to scan."""
    hu: HounsfieldUnits
    mass_mg: float
    """Volume times (mean HU + 1000) / 1000, taking 0 HU as 1 mg/mm³."""
    type: MeasuredNoduleType = "unknown"
    type_rule: str = ""
    """The rule by which the type was told, with its numbers, as a sentence."""
    solid_mean_diameter_mm: float | None = None
    """Of the solid part on its largest axial slice, as `mean_diameter_mm`; 0 where there is none."""
    solid_volume_mm3: float | None = None
    calcification: Calcification = "unknown"
    calcified_fraction: float | None = None
    """Share of the volume over the threshold of calcium."""
    pleura_distance_mm: float | None = None
    """From the mask's surface to the nearest point outside of the lungs; 0 where it touches."""
    side: Side = "unknown"
    """The patient's."""
    zone: Zone = "unknown"
    """Third of the lung's height."""
    lobe: str = ""
    """Only where a lobe mask was given."""
    looks: Looks | None = None
    """How it looks, estimated; None where nobody asked the network."""
    notes: tuple[str, ...] = ()
    """What to know before trusting the numbers, as sentences."""
