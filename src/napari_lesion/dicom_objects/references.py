"""What an object made from a scan refers back to: its images, its study, and where they lie."""

from __future__ import annotations

import hashlib
import re
import struct
import uuid
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException
from pydicom.uid import UID, CTImageStorage

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.writer import named_uid
from napari_lesion.dicom_objects.study import check_uid, study_of
from napari_lesion.model.drawn import Drawing
from napari_lesion.model.findings import Finding, Report
from napari_lesion.model.volume import FloatArray, Instance, Volume
from napari_lesion.support.errors import SeriesError

#: What pydicom and numpy raise over files that are damaged, sooner or later.
DAMAGED = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

MANUFACTURER = "napari-lesion"
#: Objects that one scan gives go into series of their own, with these numbers behind the scanner's.
SERIES_NUMBERS = {"SR": 9101, "SEG": 9102, "heatmap": 9103, "KO": 9104}

#: Farther than any patient: where frames are put that don't belong to the volume, so that nothing matches them.
_NOWHERE_MM = 1e6


@dataclass(frozen=True)
class Plane:
    """One acquired image in space.

    Attributes
    ----------
    origin : (3,)
        Centre of its first pixel, LPS mm.
    row, column : (3,)
        Unit directions along a row and down a column.
    pitch : (float, float)
        Distance between rows and between columns, mm.
    """

    instance: Instance
    origin: FloatArray
    row: FloatArray
    column: FloatArray
    pitch: tuple[float, float]

    def to_pixels(self, mm: npt.ArrayLike) -> FloatArray:
        """Points (n, 3), LPS mm → (n, 2) as (column, row), dropped onto the plane.

        Counted from the upper left corner of the first pixel, whose centre is (0.5, 0.5) (PS3.3 C.18.6.1.1).
        """
        offset = np.atleast_2d(np.asarray(mm, dtype=np.float64)) - self.origin
        result: FloatArray = np.column_stack([offset @ self.row / self.pitch[1], offset @ self.column / self.pitch[0]])
        return result + 0.5

    def to_mm(self, pixels: npt.ArrayLike) -> FloatArray:
        """Go back: (n, 2) as (column, row) → (n, 3), LPS mm."""
        inside = np.atleast_2d(np.asarray(pixels, dtype=np.float64)) - 0.5
        result: FloatArray = self.origin + inside * [self.pitch[1], self.pitch[0]] @ np.stack([self.row, self.column])
        return result

    def depth_mm(self, mm: npt.ArrayLike) -> FloatArray:
        """Signed distance of points (n, 3), LPS mm, from the plane."""
        result: FloatArray = (np.atleast_2d(np.asarray(mm, dtype=np.float64)) - self.origin) @ self.instance.normal
        return result


def plane_of(volume: Volume, instance: Instance) -> Plane:
    """Where an acquired image lies.

    Rows run along the volume's i axis as seen in the image's own plane; the volume of a tilted gantry lies
    at an angle to its images, but only around that axis.
    """
    normal = np.asarray(instance.normal, dtype=np.float64)
    row = volume.affine[:3, 2] - (volume.affine[:3, 2] @ normal) * normal
    row /= np.linalg.norm(row)
    _, between_rows, between_columns = volume.spacing
    return Plane(instance, np.asarray(instance.origin_mm), row, np.cross(normal, row), (between_rows, between_columns))


def check_referable(volume: Volume) -> None:
    """Refuse a scan that no DICOM object can point into.

    Raises
    ------
    SeriesError
        If its images have no place, study or frame of reference, or a UID is none.
    """
    identity = volume.series
    missing = [
        name
        for name, value in (
            ("image positions", volume.instances),
            ("StudyInstanceUID", identity.study_uid),
            ("FrameOfReferenceUID", identity.frame_of_reference_uid),
        )
        if not value
    ]
    if missing:
        raise SeriesError(
            f"series {identity.series_uid}: it has no {' and no '.join(missing)}, so no DICOM object can say where its "
            "findings lie. Save them as findings.json instead."
        )
    try:
        check_uid("StudyInstanceUID", identity.study_uid)
        check_uid("SeriesInstanceUID", identity.series_uid)
        check_uid("FrameOfReferenceUID", identity.frame_of_reference_uid)
        for instance in volume.instances:
            check_uid("SOPInstanceUID", instance.sop_instance_uid)
            check_uid("SOPClassUID", instance.sop_class_uid or CTImageStorage)
    except SeriesError as error:
        raise SeriesError(f"series {identity.series_uid}: {error}") from error


def source_images(volume: Volume, source: Series | None = None) -> list[Dataset]:
    """Describe the images of a scan as far as objects made from it need them, one data set a file.

    Parameters
    ----------
    volume : Volume
    source : Series, optional
        Where the volume was read from: for what the volume does not know of the study. Without it that is left empty.
    """
    check_referable(volume)
    study, _ = study_of(volume.series, source)
    sizes = {frame.file.sop_instance_uid: frame.file for frame in source.frames} if source is not None else {}
    by_file: dict[str, list[Instance]] = defaultdict(list)
    for instance in volume.instances:
        by_file[instance.sop_instance_uid].append(instance)
    images = []
    for uid, instances in by_file.items():
        image = Dataset()
        image.update(study)
        image.SOPClassUID = instances[0].sop_class_uid or CTImageStorage
        image.SOPInstanceUID = uid
        image.SeriesInstanceUID = volume.series.series_uid
        image.FrameOfReferenceUID = volume.series.frame_of_reference_uid
        image.Rows, image.Columns = (sizes[uid].rows, sizes[uid].columns) if uid in sizes else volume.shape[1:]
        planes = [plane_of(volume, instance) for instance in instances]
        if instances[0].frame is None:
            image.update(_orientation(planes[0]))
            image.update(_measures(planes[0], volume))
            image.ImagePositionPatient = planes[0].origin.tolist()
        else:
            last = max(instance.frame or 1 for instance in instances)
            _add_frames(image, planes, sizes[uid].n_frames if uid in sizes else last, volume)
        images.append(image)
    return images


def _orientation(plane: Plane) -> Dataset:
    item = Dataset()
    item.ImageOrientationPatient = [*plane.row.tolist(), *plane.column.tolist()]
    return item


def _measures(plane: Plane, volume: Volume) -> Dataset:
    item = Dataset()
    item.PixelSpacing = list(plane.pitch)
    item.SpacingBetweenSlices = volume.spacing[0]
    item.SliceThickness = volume.certificate.slice_thickness_mm or volume.spacing[0]
    return item


def _add_frames(image: Dataset, planes: Sequence[Plane], count: int, volume: Volume) -> None:
    """Describe the frames of a multiframe image."""
    image.NumberOfFrames = count
    shared = Dataset()
    shared.PlaneOrientationSequence = [_orientation(planes[0])]
    shared.PixelMeasuresSequence = [_measures(planes[0], volume)]
    image.SharedFunctionalGroupsSequence = [shared]
    positions = {plane.instance.frame: plane.origin.tolist() for plane in planes}
    groups = []
    for number in range(1, count + 1):
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = positions.get(number, [_NOWHERE_MM] * 3)
        group.PlanePositionSequence = [position]
        groups.append(group)
    image.PerFrameFunctionalGroupsSequence = groups


def program_version() -> str:
    """Version of this program."""
    return version("napari-lesion")


def equipment(kind: str, description: str, report: Report, *others: str) -> dict[str, Any]:
    """Describe what every object of ours says of itself, as highdicom's constructors take it.

    Its UIDs are made of what it says, not of when it was made: an archive takes what is made and sent again for the
    same object, and what says something else for another one.

    Parameters
    ----------
    kind : str
        A key of `SERIES_NUMBERS`.
    description : str
        Of the series, at most 64 characters.
    report : Report
        What it is made of.
    *others : str
        What else it says, as UIDs of objects that it refers to.
    """
    said = report.model_dump_json(exclude={"created", "timings_s", "device"})
    name = hashlib.sha256("/".join([program_version(), *others, said]).encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "series_instance_uid": named_uid("series of", kind, name),
        "series_number": SERIES_NUMBERS[kind],
        "sop_instance_uid": named_uid("object", kind, name),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MANUFACTURER,
        "software_versions": program_version(),
        "device_serial_number": "none",
        "series_description": description,
        "specific_character_set": "ISO_IR 192",
    }


def finding_uid(finding: Finding) -> UID:
    """UID of a finding in one report: its id, where that is a UUID (PS3.5 B.2)."""
    return _uid_of(finding.id, "finding")


def drawing_uid(drawing: Drawing) -> UID:
    """UID of a drawing: its id, where that is a UUID."""
    return _uid_of(drawing.id, "drawing")


def _uid_of(id_: str, what: str) -> UID:
    try:
        return UID(f"2.25.{uuid.UUID(id_).int}")
    except ValueError:
        return UID(named_uid(what, id_))


def finding_id(uid: str) -> str:
    """Id of a finding or a drawing by its UID."""
    root, _, number = uid.rpartition(".")
    if root == "2.25" and number.isdigit() and int(number) < 2**128:
        return str(uuid.UUID(int=int(number)))
    return str(uuid.uuid5(uuid.NAMESPACE_OID, uid))


def short_names(findings: Sequence[Finding]) -> dict[str, str]:
    """Short readable names by id, at most 64 characters: "F1, left upper zone"; `finding_number` reads them."""
    names = {}
    for finding in findings:
        name = finding.name
        measured = finding.measurement
        if measured is not None:
            side = "" if measured.side == "unknown" else measured.side
            zone = "" if measured.zone == "unknown" else f"{measured.zone} zone"
            place = f"{side} {zone}".strip()
            name += f", {place}" if place else ""
        if finding.status == "rejected":
            name = f"Rejected: {name}"
        names[finding.id] = name
    return names


def finding_number(name: str) -> int:
    """Get the number of a finding from its short name, also as of earlier versions ("Nodule 1"); 0 without one."""
    found = re.match(r"(?:Rejected: )?(?:F|Nodule )(\d{1,6})(?!\d)", name)
    return int(found[1]) if found else 0


def drawing_number(name: str) -> int:
    """Get the number of a drawing from its name; 0 without one."""
    found = re.match(r"M(\d{1,6})(?!\d)", name)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class Refers:
    """To which scan an object belongs, as it says itself."""

    name: str
    """Of its file, for messages."""
    patient_id: str = field(repr=False)
    series_uids: tuple[str, ...]
    """Of the images that it was made from, the most telling one first."""
    sop_instance_uids: frozenset[str]
    """Of those images, as far as it names them."""
    frames_of_reference: tuple[str, ...]

    def to(self, volume: Volume) -> bool:
        """Whether it names a scan, or an image of it."""
        if volume.series.series_uid in self.series_uids:
            return True
        return any(instance.sop_instance_uid in self.sop_instance_uids for instance in volume.instances)

    @property
    def whose(self) -> str:
        """In words, what it is of; no patient, since such a sentence is shown where names are hidden, too."""
        return f"series {' or '.join(self.series_uids)}" if self.series_uids else "a series that it does not name"

    def check(self, volume: Volume) -> list[str]:
        """Check that it belongs on a scan: it names it, or shares its frame of reference.

        Returns
        -------
        list of str
            What to know before trusting the placement, a sentence each.

        Raises
        ------
        SeriesError
            If it does not.
        """
        scan = volume.series
        own_patient = not self.patient_id or not scan.patient_id or self.patient_id == scan.patient_id
        if self.to(volume):
            if own_patient:
                return []
            return [f"{self.name} names another patient id than the scan."]
        if own_patient and scan.frame_of_reference_uid and scan.frame_of_reference_uid in self.frames_of_reference:
            return [
                f"{self.name} was made from {self.whose}, not from this scan; both share one frame of reference, so it "
                "was placed by position. It is wrong where the patient moved between the two."
            ]
        if not own_patient:
            raise SeriesError(
                f"{self.name} does not belong to this scan (series {scan.series_uid}): it is of {self.whose}, and "
                "names another patient id. Open that series first."
            )
        raise SeriesError(
            f"{self.name} does not belong to this scan (series {scan.series_uid}): it is of {self.whose}, and has no "
            "frame of reference in common with it. Open that series first."
        )
