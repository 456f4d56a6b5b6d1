"""A scan in space: voxels, where they lie in the patient, and what was checked before anyone trusts that."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from napari_lesion.model.display import Display
from napari_lesion.support import notebook
from napari_lesion.support.errors import GeometryError, LesionError, SeriesError
from napari_lesion.support.progress import Progress, silent

_LOOK_EVERY_S = 0.1
_LUNG_LIMITS = (-1350.0, 150.0)
"""HU that are black and white where the headers ask for no window."""

FloatArray = npt.NDArray[np.float64]

#: Cosine of the angle, a tenth of a degree, within which two planes are parallel.
_PARALLEL = float(np.cos(np.radians(0.1)))
#: A plane is an acquired image where it lies as near to it as the reader lets slices be uneven: mm, and share of the
#: spacing.
_SAME_PLANE_MM = 0.03
_SAME_PLANE = 0.06


class SeriesIdentity(BaseModel):
    """Who and what a series is, as its headers say; an absent tag is an empty string.

    Printed, it names nobody: tracebacks and logs show the values of variables.
    """

    model_config = ConfigDict(frozen=True)

    series_uid: str
    study_uid: str = Field(default="", repr=False)
    frame_of_reference_uid: str = Field(default="", repr=False)
    patient_id: str = Field(default="", repr=False)
    patient_name: str = Field(default="", repr=False)
    patient_birth_date: str = Field(default="", repr=False)
    patient_sex: str = Field(default="", repr=False)
    patient_age: str = Field(default="", repr=False)
    """At the study, as DICOM has it: 045Y."""
    smoking_status: str = Field(default="", repr=False)
    """YES, NO or UNKNOWN."""
    study_date: str = Field(default="", repr=False)
    accession_number: str = Field(default="", repr=False)
    modality: str = ""
    study_description: str = ""
    series_description: str = ""
    series_number: str = ""
    manufacturer: str = ""
    manufacturer_model: str = ""
    kernel: str = ""
    contrast: str = ""
    body_part: str = ""

    def __repr__(self) -> str:
        return f"SeriesIdentity(series {self.series_uid}: {self.modality or 'no modality'})"

    __str__ = __repr__


class Gap(BaseModel):
    """Where slices are missing."""

    model_config = ConfigDict(frozen=True)

    after_file: str
    distance_mm: float
    missing_slices: int


class GeometryCertificate(BaseModel):
    """What was checked and found while a series became a volume. Stored with every result."""

    model_config = ConfigDict(frozen=True)

    verdict: Literal["as acquired", "corrected"] = "as acquired"
    shape: tuple[int, int, int]
    """Voxels along (k, j, i)."""
    spacing_mm: tuple[float, float, float]
    """Voxel pitch along (k, j, i), mm."""
    orientation: Literal["axial", "coronal", "sagittal", "oblique", "unknown"]
    axes: str
    """Patient direction in which k, j and i grow, e.g. ``HPL`` (head, posterior, left)."""
    patient_position: str = ""
    slice_order: str = ""
    """How the slices were ordered, in words."""
    spacing_range_mm: tuple[float, float] | None = None
    """Smallest and largest distance between neighbouring slices as acquired."""
    slice_thickness_mm: float | None = None
    """Largest SliceThickness of the headers; overlapping slices are thicker than their spacing. None if not stated."""
    gaps: tuple[Gap, ...] = ()
    interpolated_slices: tuple[int, ...] = ()
    """Indices k of slices that were interpolated (``--allow-gaps``), not acquired."""
    duplicates: tuple[str, ...] = ()
    """A sentence for each duplicate that was resolved."""
    tilt_deg: float = 0.0
    """Gantry tilt as found from the positions (0 where there is none)."""
    rescale: str = ""
    """How stored values became HU (or why they did not)."""
    unit: str = "HU"
    missing_tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Corrections and doubts, one sentence each; these are shown on the screen."""

    def __repr__(self) -> str:
        size = " × ".join(map(str, self.shape))
        return f"GeometryCertificate({self.verdict}: {size} voxels, {self.orientation}, {len(self.notes)} notes)"

    __str__ = __repr__


@dataclass(frozen=True)
class Instance:
    """One acquired image plane: what a finding refers back to."""

    sop_instance_uid: str
    origin_mm: tuple[float, float, float]
    """Centre of the first pixel, LPS mm."""
    normal: tuple[float, float, float]
    """Unit normal of the plane, LPS."""
    frame: int | None = None
    """1-based frame number in a multiframe object."""
    sop_class_uid: str = ""
    number: int | None = None
    """InstanceNumber; None where it has none."""


class LoadState:
    """How far a volume has come whose slices are still being read. One thread writes it, any may look.

    Attributes
    ----------
    present : (k,) bool
        Slices that are there. All others hold no values of the patient.
    focus : int
        Slice that is wanted next; whoever shows the volume may set it.
    limits : (float, float)
        Lowest and highest value so far.
    """

    def __init__(self, slices: int) -> None:
        self.present = np.zeros(slices, dtype=bool)
        self.focus = slices // 2
        self.limits = (float("inf"), float("-inf"))
        self._ended = threading.Event()
        self._error: BaseException | None = None

    @property
    def done(self) -> int:
        """Number of slices that are there."""
        return int(self.present.sum())

    @property
    def total(self) -> int:
        """Number of slices in all."""
        return len(self.present)

    @property
    def complete(self) -> bool:
        """Whether all slices are there."""
        return self._ended.is_set() and self._error is None

    def add(self, k: int, low: float, high: float) -> None:
        """Note that a slice is there, with values from low to high."""
        self.limits = (min(self.limits[0], low), max(self.limits[1], high))
        self.present[k] = True

    def end(self, error: BaseException | None = None) -> None:
        """Note that no more slices come: all are there, or an error says why not."""
        if error is None and not self.present.all():
            raise ValueError(f"{self.total - self.done} slices are not there")
        self._error = error
        self._ended.set()

    def wait(self, where: str, progress: Progress) -> None:
        """Wait until all slices are there.

        Raises
        ------
        SeriesError
            If they don't come.
        """
        while not self._ended.wait(_LOOK_EVERY_S):
            progress(self.done, self.total, "waiting until all slices are read")
        if self._error is not None:
            why = str(self._error) if isinstance(self._error, LesionError) else "reading was cancelled"
            raise SeriesError(f"{where}: only {self.done} of {self.total} slices are there ({why}). Open it again.")

    def __deepcopy__(self, memo: dict[int, object]) -> LoadState:
        # A copy of the voxels made now would never be filled.
        if not self.complete:
            raise SeriesError("The scan is still being read; copy it when all slices are there.")
        return self


@dataclass(frozen=True)
class Volume:
    """A scan in space.

    Attributes
    ----------
    voxels : (z, y, x)
        HU for CT; int16 where the rescale allows it, else float32.
    affine : (4, 4)
        Index (k, j, i) → patient position, LPS mm.
    instances : tuple of Instance
        The acquired planes (not those interpolated or resampled).
    load_state : LoadState, optional
        How far reading has come, of a volume that is shown while it is read (`dicom.read.progressive`). Everything
        about its geometry is final; whoever needs all voxels calls `wait` first.
    display : Display
        How the headers ask for it to be shown.
    """

    voxels: npt.NDArray[np.generic] = field(repr=False)
    affine: FloatArray
    series: SeriesIdentity
    certificate: GeometryCertificate
    instances: tuple[Instance, ...] = field(default=(), repr=False)
    load_state: LoadState | None = field(default=None, repr=False, compare=False)
    display: Display = field(default=Display(), repr=False)

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3:
            raise GeometryError(f"series {self.series.series_uid}: a volume has 3 axes, not {self.voxels.ndim}.")
        if self.affine.shape != (4, 4):
            raise GeometryError(f"series {self.series.series_uid}: the affine must be 4×4, not {self.affine.shape}.")

    def __repr__(self) -> str:
        size = " × ".join(map(str, self.shape))
        pitch = " × ".join(f"{mm:.3g}" for mm in self.spacing)
        return f"Volume(series {self.series.series_uid}: {self.series.modality}, {size} voxels of {pitch} mm)"

    def _repr_html_(self) -> str:
        """Show the middle slice in a notebook, in the window of the headers or of lungs."""
        middle = self.voxels[self.shape[0] // 2]
        if self.display.windows:
            low, high = self.display.windows[0].limits
        elif self.certificate.unit == "HU":
            low, high = _LUNG_LIMITS
        else:
            low, high = (float(value) for value in np.percentile(middle, (1, 99.5)))
        shown = notebook.greys(middle, low, high)
        return notebook.page(repr(self), notebook.picture(shown, self.spacing[1] / self.spacing[2]))

    @cached_property
    def stack(self) -> str:
        """Which of the stacks of its series it is, as `stack_of` says; where planes have no name, by the middle one."""
        planes = [(instance.sop_instance_uid, instance.frame) for instance in self.instances]
        if planes and all(uid for uid, _ in planes):
            return stack_of(planes)
        middle = np.ascontiguousarray(self.voxels[len(self.voxels) // 2])  # the first one that is read
        return hashlib.sha256(f"{self.shape}{self.affine.tolist()}".encode() + middle.tobytes()).hexdigest()[:12]

    @property
    def complete(self) -> bool:
        """Whether all voxels are there."""
        return self.load_state is None or self.load_state.complete

    def wait(self, progress: Progress = silent) -> None:
        """Wait until all voxels are there.

        Raises
        ------
        SeriesError
            If reading fails or is cancelled meanwhile.
        """
        if self.load_state is not None:
            self.load_state.wait(f"series {self.series.series_uid}", progress)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (k, j, i)."""
        k, j, i = self.voxels.shape
        return k, j, i

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel pitch along (k, j, i), mm."""
        return spacing_of(self.affine)

    def to_patient(self, index: npt.ArrayLike) -> FloatArray:
        """Index (..., 3) as (k, j, i), fractions allowed → LPS mm (..., 3) as (x, y, z)."""
        return apply_affine(self.affine, index)

    def to_index(self, mm: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) as (x, y, z) → fractional index (..., 3) as (k, j, i)."""
        return apply_affine(np.linalg.inv(self.affine).astype(np.float64), mm)

    def nearest_instance(self, center_mm: Sequence[float]) -> Instance | None:
        """Find the acquired plane closest to a point (LPS mm), or None where no instance is known."""
        if not self.instances:
            return None
        point = np.asarray(center_mm, dtype=np.float64)
        origins = np.array([i.origin_mm for i in self.instances])
        normals = np.array([i.normal for i in self.instances])
        distance = np.abs(np.einsum("ij,ij->i", point - origins, normals))
        return self.instances[int(distance.argmin())]

    def acquired_at(self, point_mm: Sequence[float], normal: npt.ArrayLike) -> Instance | None:
        """Find the acquired image that a plane is, or None: reformatted planes, and slices in between, are none.

        Parameters
        ----------
        point_mm : (3,)
            Of the plane, LPS mm.
        normal : (3,)
            Unit vector along which one looks at it, LPS, in either direction.
        """
        nearest = self.nearest_instance(point_mm)
        if nearest is None:
            return None
        acquired = np.asarray(nearest.normal, dtype=np.float64)
        apart = abs(float((np.asarray(point_mm) - nearest.origin_mm) @ acquired))
        along = abs(float(acquired @ np.asarray(normal, dtype=np.float64)))
        return nearest if along > _PARALLEL and apart < max(_SAME_PLANE_MM, _SAME_PLANE * self.spacing[0]) else None


def stack_of(planes: Iterable[tuple[str, int | None]]) -> str:
    """Name a stack among those of its series by its planes: SOPInstanceUID, and frame where there are several.

    No two stacks have a plane in common, so the first plane tells them apart, in whatever order they are given.
    """
    names = (uid if frame is None else f"{uid}/{frame}" for uid, frame in planes)
    return hashlib.sha256(min(names, default="").encode()).hexdigest()[:12]


def apply_affine(affine: FloatArray, points: npt.ArrayLike) -> FloatArray:
    """Apply a 4×4 affine to points (..., 3)."""
    array = np.asarray(points, dtype=np.float64)
    result: FloatArray = array @ affine[:3, :3].T + affine[:3, 3]
    return result


def spacing_of(affine: FloatArray) -> tuple[float, float, float]:
    """Length of the three index steps of an affine, mm."""
    k, j, i = np.linalg.norm(affine[:3, :3], axis=0)
    return float(k), float(j), float(i)


def readable_date(dicom: str) -> str:
    """Write a DICOM date as 2026-01-31; anything else stays as it is."""
    return f"{dicom[:4]}-{dicom[4:6]}-{dicom[6:]}" if len(dicom) == 8 and dicom.isdigit() else dicom
