"""What everything downstream of detection reads and writes: findings and the report around them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from napari_lesion.model.assessed import Appearance, Judgement, Patient
from napari_lesion.model.compared import Comparison, Lesion
from napari_lesion.model.drawn import Drawing, numbered_drawings
from napari_lesion.model.mask import Mask
from napari_lesion.model.measured import Measurement
from napari_lesion.model.volume import FloatArray, GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.support import notebook

SCHEMA_VERSION = "1.5"
NOBODY = "none"
"""Id of the model where none has searched."""
RESEARCH_USE = "For research use only. Not a medical device; not for diagnosis."

_LESIONS = uuid.uuid5(uuid.NAMESPACE_DNS, "lesions.napari-lesion")

Point = tuple[float, float, float]
Status = Literal["candidate", "accepted", "rejected", "edited", "added"]
Action = Literal[
    "accepted", "rejected", "reopened", "moved", "resized", "merged", "added", "commented", "outlined", "described"
]


class HistoryEntry(BaseModel):
    """What a reader did to a finding."""

    model_config = ConfigDict(frozen=True)

    time: str
    """ISO 8601, UTC."""
    reader: str
    what: Action
    detail: str = ""
    """From what to what, in words."""


class Finding(BaseModel):
    """One suspicious place.

    Positions are LPS mm as (x, y, z): x grows to the patient's left, y to the back, z to the head.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    number: int = Field(default=0, ge=0)
    """F1, F2, …: given once within the scan, kept whatever happens to the finding, never given to another. 0 where none
    was given yet (see `numbered`)."""
    center_mm: Point
    diameter_mm: float = Field(gt=0)
    """As the model estimates or a reader set it; `size_mm` is the size to show."""
    box_mm: tuple[Point, Point]
    """Lower and upper corner of the axis-aligned box around the finding."""
    score: float = Field(ge=0, le=1)
    sop_instance_uid: str = ""
    """The acquired image closest to the centre."""
    frame: int | None = None
    """1-based frame number where that image is a multiframe object."""
    instance_number: int | None = None
    """InstanceNumber of that image."""
    status: Status = "candidate"
    comment: str = ""
    """The reader's words."""
    history: tuple[HistoryEntry, ...] = ()
    """What readers did to it, the first action first."""
    tracking_uid: str = ""
    """DICOM UID of the lesion itself: the same in each scan in which it was recognised."""
    mask: Mask | None = None
    """Its voxels in the scan's own grid."""
    measurement: Measurement | None = None
    """Of that mask."""
    unmeasured: str = ""
    """Why there is no measurement, as a sentence."""
    appearance: Appearance = Appearance()
    """What a reader says of how it looks, where guidelines ask."""

    @property
    def lesion_uid(self) -> str:
        """DICOM UID of the lesion: ``tracking_uid``, or where there is none yet, always the same one for this id."""
        return self.tracking_uid or f"2.25.{uuid.uuid5(_LESIONS, self.id).int}"

    @property
    def name(self) -> str:
        """What the finding is called: F3."""
        return f"F{self.number}"

    @property
    def size_mm(self) -> float:
        """*The* diameter, mm: the mean of both axes once measured, until then what model or reader set."""
        return self.measurement.mean_diameter_mm if self.measurement is not None else self.diameter_mm

    @property
    def size(self) -> str:
        """`size_mm` in words, without the unit: to 0.1 mm, or "about" and whole mm where it is an estimate."""
        return f"about {self.size_mm:.0f}" if self.is_estimated else f"{self.size_mm:.1f}"

    def __repr__(self) -> str:
        x, y, z = self.center_mm
        name = f"{self.name}, " if self.number else ""
        return f"Finding({name}{self.size} mm at ({x:.0f}, {y:.0f}, {z:.0f}) mm, score {self.score:.2f}, {self.status})"

    __str__ = __repr__

    @property
    def is_estimated(self) -> bool:
        """Whether `size_mm` is only an estimate: neither measured nor set by a reader."""
        return self.measurement is None and not any(entry.what in ("added", "resized") for entry in self.history)


class ModelReference(BaseModel):
    """Which model made a result."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: str
    sha256: str
    threshold: float
    """Score below which a candidate was not reported."""
    false_positives_per_scan: float | None = None
    """To expect at this threshold, as on the model's validation scans; None where the model does not say."""


class Inputs(BaseModel):
    """What exactly a result was made from: another run knows by it whether it would be the same again."""

    model_config = ConfigDict(frozen=True)

    images: int
    """Number of planes."""
    images_sha256: str
    """Of the UIDs and frame numbers of the planes, in any order."""
    content_sha256: str
    """Of the files of the planes, headers and pixels, in any order and wherever they lie."""
    files_state: str = ""
    """Of names, sizes and times of the files: while it is the same, nobody reads them again to compare them."""
    settings: dict[str, str] = {}
    """What the run was told besides the model and its threshold."""


class Report(BaseModel):
    """The result for one series; ``findings.json`` is this, serialised."""

    model_config = ConfigDict(frozen=True)

    schema_version: str = SCHEMA_VERSION
    series_uid: str
    series: SeriesIdentity
    findings: tuple[Finding, ...]
    """Sorted by score, falling."""
    certificate: GeometryCertificate
    model: ModelReference
    device: str
    versions: dict[str, str]
    timings_s: dict[str, float]
    warnings: tuple[str, ...] = ()
    created: str
    """ISO 8601, UTC."""
    inputs: Inputs | None = None
    """What it was made from; None where that is not known (earlier versions; scans analysed in the viewer)."""
    intended_use: str = RESEARCH_USE
    patient: Patient = Patient()
    """What guidelines and models of risk ask about the patient."""
    judgement: Judgement | None = None
    comparisons: tuple[Comparison, ...] = ()
    """With priors, the latest first."""
    lesions: tuple[Lesion, ...] = ()
    """Targets and non-targets that a reader chose, by RECIST 1.1."""
    last_number: int = Field(default=0, ge=0)
    """The highest number that a finding of this scan was ever given, also one that is gone."""
    drawings: tuple[Drawing, ...] = ()
    """Rulers, angles, regions, arrows and pins of readers, in the order of their numbers."""
    last_drawing: int = Field(default=0, ge=0)
    """The highest number that a drawing of this scan was ever given, also one that is gone."""

    @property
    def is_searched(self) -> bool:
        """Whether a model has searched, or a reader marked anything; a scan that was only measured in has no result."""
        return self.model.id != NOBODY or bool(self.findings)

    def __repr__(self) -> str:
        model = f"{self.model.id} {self.model.version}".strip()
        return f"Report(series {self.series_uid}: {len(self.findings)} findings by {model})"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """Show where the findings lie, and what they are, in a notebook."""
        active = self.active
        if not active:
            return notebook.page(repr(self))
        shown = notebook.map_of_places(
            [one.center_mm for one in active], [one.size_mm for one in active], [one.name for one in active]
        )
        rows = [
            (one.name, f"{one.score:.2f}", f"{one.size} mm", ", ".join(f"{mm:.0f}" for mm in one.center_mm), one.status)
            for one in active
        ]
        header = ("finding", "score", "diameter", "x, y, z (LPS mm)", "status")
        return notebook.page(repr(self), shown, notebook.table(header, rows), RESEARCH_USE)

    @property
    def active(self) -> tuple[Finding, ...]:
        """The findings that no reader rejected."""
        return tuple(finding for finding in self.findings if finding.status != "rejected")


def numbered(report: Report) -> Report:
    """Give a number to each finding and drawing of a report that has none, in their order, beyond all ever given.

    Of two with one number the second gets another.
    """
    last = max((report.last_number, *(finding.number for finding in report.findings)))
    findings: list[Finding] = []
    taken = {0}
    for finding in report.findings:
        if finding.number in taken:
            last += 1
            finding = finding.model_copy(update={"number": last})
        taken.add(finding.number)
        findings.append(finding)
    drawings, last_drawing = numbered_drawings(report.drawings, report.last_drawing)
    update = {"findings": tuple(findings), "last_number": last, "drawings": drawings, "last_drawing": last_drawing}
    return report.model_copy(update=update)


def image_name(series: SeriesIdentity, instance_number: int | None, frame: int | None = None) -> str:
    """Name an image as a PACS does: "Se 3, Im 71", and its frame where it has several; empty if unknown."""
    if instance_number is None and frame is None:
        return ""
    parts = (
        f"Se {series.series_number}" if series.series_number else "",
        f"Im {instance_number}" if instance_number is not None else "",
        f"frame {frame}" if frame is not None else "",
    )
    return ", ".join(filter(None, parts))


def image_at(volume: Volume, center_mm: Point) -> dict[str, Any]:
    """Fields of a finding that name the acquired image closest to a place (LPS mm)."""
    instance = volume.nearest_instance(center_mm)
    return {
        "sop_instance_uid": instance.sop_instance_uid if instance else "",
        "frame": instance.frame if instance else None,
        "instance_number": instance.number if instance else None,
    }


def box_around(center_mm: Point, diameter_mm: float) -> tuple[Point, Point]:
    """Lower and upper corner (LPS mm) of the cube around a centre (LPS mm)."""
    x, y, z = center_mm
    radius = diameter_mm / 2
    return (x - radius, y - radius, z - radius), (x + radius, y + radius, z + radius)


@dataclass(frozen=True)
class Heatmap:
    """Suspicion in [0, 1] on a grid of its own, usually coarser than the scan and only around the lungs.

    Attributes
    ----------
    values : (z, y, x) float32
    affine : (4, 4)
        Index (k, j, i) → LPS mm. Its axes are parallel to those of the scan.
    """

    values: npt.NDArray[np.float32] = field(repr=False)
    affine: FloatArray = field(repr=False)

    def __repr__(self) -> str:
        size = " × ".join(map(str, self.values.shape))
        return f"Heatmap({size} places, highest {self.values.max() if self.values.size else 0:.2f})"


@dataclass(frozen=True)
class Candidate:
    """A local maximum of the heatmap, before it becomes a finding."""

    center_mm: Point
    """LPS mm."""
    diameter_mm: float
    score: float


@dataclass(frozen=True)
class Detection:
    """What a detector returns."""

    heatmap: Heatmap
    candidates: tuple[Candidate, ...]
    """All local maxima over a low floor, sorted by score, falling."""
    device: str
    timings_s: dict[str, float]
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Detection({len(self.candidates)} candidates on {self.device})"


@dataclass(frozen=True)
class Analysis:
    """One analysed series: the report, and the arrays that are shown and saved with it."""

    report: Report
    volume: Volume
    heatmap: Heatmap
    candidates: tuple[Candidate, ...]
    """Also those under the reporting threshold, for panels that filter without running again."""
    lowest_score: float = 0.0
    """Score down to which the model knows how many false positives it makes; 0 where it knows of none."""

    def __repr__(self) -> str:
        found = f"{len(self.report.findings)} findings, {len(self.candidates)} candidates"
        return f"Analysis(series {self.report.series_uid}: {found} by {self.report.model.id})"

    def _repr_html_(self) -> str:
        """Show the scan and its report in a notebook."""
        return self.volume._repr_html_() + self.report._repr_html_()


def may_be_of(report: Report, volume: Volume) -> bool:
    """Whether a report, which does not say of which stack of a series it is, may be of a volume of that series.

    Its grid has to be that of the volume, and the images that its findings name have to be the volume's.
    """
    certificate = volume.certificate
    mine = (certificate.shape, certificate.axes, tuple(round(mm, 3) for mm in certificate.spacing_mm))
    said = report.certificate
    if (said.shape, said.axes, tuple(round(mm, 3) for mm in said.spacing_mm)) != mine:
        return False
    return not names_other_images(report, volume)


def names_other_images(report: Report, volume: Volume) -> bool:
    """Whether findings of a report name images that a volume was not made from."""
    planes = {(instance.sop_instance_uid, instance.frame) for instance in volume.instances}
    named = {(one.sop_instance_uid, one.frame) for one in report.findings if one.sop_instance_uid}
    return bool(planes) and not named <= planes
