"""Valid DICOM made from an asymmetric phantom, for every test that needs files whose content is known.

The phantom is a function of patient space (LPS mm), so any grid, orientation or encoding of it shows the same
patient: a linear ramp, which survives linear interpolation unchanged, and four marks that no mirror image or rotation
can exchange. Three kinds of functions: grids and arrays of the phantom, datasets made from them, files made from the
datasets. Everything is deterministic, UIDs included.
"""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.fileset import FileSet
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    generate_uid,
)
from pydicom.valuerep import DSfloat

Array = npt.NDArray[np.generic]
FloatArray = npt.NDArray[np.float64]

# --------------------------------------------------------------------------------------------------- the phantom

#: Middle of every grid, LPS mm; off the origin, and different along each axis, so that a lost sign shows.
CENTER_MM = (-37.5, 211.25, -1033.0)
#: HU a mm along x (left), y (posterior), z (head): the ramp.
RAMP_HU = (2.0, 3.0, 5.0)
MARK_RADIUS_MM = 5.0
SHAPE = (18, 40, 32)
SPACING_MM = (3.0, 2.25, 1.75)


@dataclass(frozen=True)
class Mark:
    """A ball of one HU value at a known place in the patient (LPS mm)."""

    name: str
    center_mm: tuple[float, float, float]
    hu: int


def _mark(name: str, x: float, y: float, z: float, hu: int) -> Mark:
    return Mark(name, (CENTER_MM[0] + x, CENTER_MM[1] + y, CENTER_MM[2] + z), hu)


#: One mark to the patient's left, one in front, one toward the head, one right-behind-below.
MARKS = (
    _mark("left", 16, 0, 0, 904),
    _mark("front", 0, -16, 0, 704),
    _mark("head", 0, 0, 16, 504),
    _mark("right-back-feet", -11, 12, -13, -800),
)


def hu_at(points_mm: npt.ArrayLike) -> FloatArray:
    """HU of the phantom at points (..., 3), LPS mm, not rounded."""
    points = np.asarray(points_mm, dtype=np.float64)
    hu: FloatArray = (points - CENTER_MM) @ RAMP_HU
    for mark in MARKS:
        hu[((points - mark.center_mm) ** 2).sum(-1) <= MARK_RADIUS_MM**2] = mark.hu
    return hu


def distance_to_marks(points_mm: npt.ArrayLike) -> FloatArray:
    """Distance (mm) from points (..., 3) to the nearest mark's surface; where it is large there is only the ramp."""
    points = np.asarray(points_mm, dtype=np.float64)
    distances = [np.abs(np.linalg.norm(points - mark.center_mm, axis=-1) - MARK_RADIUS_MM) for mark in MARKS]
    nearest: FloatArray = np.min(distances, axis=0)
    return nearest


#: Orientation → direction of the rows (increasing column index), of the columns, of the slices (LPS), and
#: Patient Position (PS3.3 C.7.3.1.1.2).
ORIENTATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], str]] = {
    "axial": ((1, 0, 0), (0, 1, 0), (0, 0, 1), "HFS"),
    "axial-descending": ((1, 0, 0), (0, 1, 0), (0, 0, -1), "HFS"),
    "prone": ((-1, 0, 0), (0, -1, 0), (0, 0, 1), "HFP"),
    "feet-first": ((-1, 0, 0), (0, 1, 0), (0, 0, -1), "FFS"),
    "feet-first-prone": ((1, 0, 0), (0, -1, 0), (0, 0, -1), "FFP"),
    "decubitus": ((0, -1, 0), (1, 0, 0), (0, 0, 1), "HFDL"),
    "coronal": ((1, 0, 0), (0, 0, -1), (0, 1, 0), "HFS"),
    "coronal-front-last": ((1, 0, 0), (0, 0, -1), (0, -1, 0), "HFS"),
    "sagittal": ((0, 1, 0), (0, 0, -1), (-1, 0, 0), "HFS"),
    "sagittal-left-last": ((0, 1, 0), (0, 0, -1), (1, 0, 0), "HFS"),
}


def rotation(x_deg: float, y_deg: float, z_deg: float) -> FloatArray:
    """Rotation about x, then y, then z."""
    (sx, cx), (sy, cy), (sz, cz) = [(np.sin(a), np.cos(a)) for a in np.deg2rad([x_deg, y_deg, z_deg])]
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    matrix: FloatArray = about_z @ about_y @ about_x
    return matrix


def grid(
    orientation: str = "axial",
    shape: tuple[int, int, int] = SHAPE,
    spacing_mm: tuple[float, float, float] = SPACING_MM,
    turn: FloatArray | None = None,
    tilt_deg: float = 0.0,
) -> FloatArray:
    """Affine (k, j, i) → LPS mm of a grid around the phantom's middle.

    ``turn`` rotates the whole grid (oblique). ``tilt_deg`` tips the image planes about their row axis while the table
    still moves along the slice direction: a gantry tilt, so the slices are sheared.
    """
    row, column, slices, _ = ORIENTATIONS[orientation]
    directions = np.array([slices, column, row], dtype=np.float64).T
    if tilt_deg:
        angle = np.deg2rad(tilt_deg)
        directions[:, 1] = np.cos(angle) * directions[:, 1] + np.sin(angle) * directions[:, 0]
    if turn is not None:
        directions = turn @ directions
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing_mm
    affine[:3, 3] = CENTER_MM - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def positions(affine: FloatArray, shape: tuple[int, int, int]) -> FloatArray:
    """LPS mm (k, j, i, 3) of every voxel."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    points: FloatArray = index @ affine[:3, :3].T + affine[:3, 3]
    return points


@dataclass(frozen=True)
class Phantom:
    """The patient on a grid: HU (k, j, i) int16, its affine (LPS mm), and where the marks are."""

    hu: npt.NDArray[np.int16]
    affine: FloatArray
    marks: tuple[Mark, ...] = MARKS
    position: str = "HFS"


def asymmetric_phantom(
    orientation: str = "axial",
    shape: tuple[int, int, int] = SHAPE,
    spacing_mm: tuple[float, float, float] = SPACING_MM,
    turn: FloatArray | None = None,
    tilt_deg: float = 0.0,
    noise_hu: int = 0,
) -> Phantom:
    """The phantom sampled on a grid. ``noise_hu``: uniform ± noise, for encoders to have something to do."""
    affine = grid(orientation, shape, spacing_mm, turn, tilt_deg)
    hu = hu_at(positions(affine, shape))
    if noise_hu:
        hu = hu + np.random.default_rng(7).integers(-noise_hu, noise_hu + 1, shape)
    return Phantom(np.rint(hu).astype(np.int16), affine, MARKS, ORIENTATIONS[orientation][3])


# ---------------------------------------------------------------------------------------------------- datasets


@dataclass(frozen=True)
class Stored:
    """How HU are stored (PS3.3 C.7.6.3 and C.11.1). ``slope`` and ``intercept``: one for all, or one a slice."""

    bits_allocated: int = 16
    bits_stored: int = 12
    signed: bool = False
    slope: float | Sequence[float] = 1.0
    intercept: float | Sequence[float] = -1024.0
    photometric: str = "MONOCHROME2"

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Type of a stored value in memory."""
        return np.dtype(f"{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

    def rescale(self, slices: int) -> tuple[FloatArray, FloatArray]:
        """Slope and intercept of every slice, (k, 1, 1)."""
        slope = np.broadcast_to(np.asarray(self.slope, float), (slices,))[:, None, None]
        intercept = np.broadcast_to(np.asarray(self.intercept, float), (slices,))[:, None, None]
        return slope, intercept

    def to_stored(self, hu: Array) -> Array:
        """HU (k, j, i) → stored values; clipped to what the bits hold."""
        slope, intercept = self.rescale(len(hu))
        low = -(1 << (self.bits_stored - 1)) if self.signed else 0
        stored = np.clip(np.rint((hu - intercept) / slope), low, low + (1 << self.bits_stored) - 1)
        return stored.astype(self.dtype)

    def to_hu(self, stored: Array) -> FloatArray:
        """Stored values (k, j, i) → HU."""
        slope, intercept = self.rescale(len(stored))
        hu: FloatArray = stored.astype(np.float64) * slope + intercept
        return hu


def uid(*what: object) -> UID:
    """Return the UID of something; the same each time."""
    return generate_uid(entropy_srcs=["napari-lesion test", *map(str, what)])


def _decimals(values: Iterable[float]) -> list[DSfloat]:
    return [DSfloat(float(value), auto_format=True) for value in values]


def _orientation(affine: FloatArray) -> list[DSfloat]:
    j, i = affine[:3, 1], affine[:3, 2]
    return _decimals([*(i / np.linalg.norm(i)), *(j / np.linalg.norm(j))])


def _base(name: str, modality: str, sop_class: UID) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = uid(name, "instance")
    ds.PatientName = "Phantom^Asymmetric"
    ds.PatientID = "ASYM-1"
    ds.PatientBirthDate = "19600131"
    ds.PatientSex = "O"
    ds.StudyInstanceUID = uid("study")
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = "20240229"
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101112"
    ds.StudyID = "1"
    ds.AccessionNumber = "A1"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = "Phantom"
    ds.Modality = modality
    ds.SeriesInstanceUID = uid(name, "series")
    ds.SeriesNumber = 3
    ds.SeriesDescription = name
    ds.FrameOfReferenceUID = uid("frame of reference")
    ds.PositionReferenceIndicator = ""
    ds.Manufacturer = "napari-lesion"
    ds.ManufacturerModelName = "phantom"
    ds.DeviceSerialNumber = "1"
    ds.SoftwareVersions = "1"
    return ds


def _image(ds: Dataset, stored: Stored, pixels: Array) -> None:
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = stored.photometric
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.BitsAllocated = stored.bits_allocated
    ds.BitsStored = stored.bits_stored
    ds.HighBit = stored.bits_stored - 1
    ds.PixelRepresentation = int(stored.signed)
    ds.PixelData = pixels.astype(stored.dtype.newbyteorder("<")).tobytes()
    ds["PixelData"].VR = "OB" if stored.bits_allocated == 8 else "OW"


def _with_meta(ds: Dataset) -> Dataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ds.SOPClassUID
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid("implementation")
    ds.file_meta = meta
    return ds


def ct_slices(phantom: Phantom, name: str = "ct", stored: Stored | None = None) -> list[Dataset]:
    """CT images (PS3.3 A.3), one a slice, Explicit VR Little Endian, in the order of k."""
    stored = stored or Stored()
    affine = phantom.affine
    pixels = stored.to_stored(phantom.hu)
    slope, intercept = stored.rescale(len(pixels))
    normal = np.cross(affine[:3, 2], affine[:3, 1])
    normal /= np.linalg.norm(normal)
    datasets = []
    for k, plane in enumerate(pixels):
        ds = _base(name, "CT", CTImageStorage)
        ds.SOPInstanceUID = uid(name, "instance", k)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.InstanceNumber = k + 1
        ds.AcquisitionNumber = 1
        ds.PatientPosition = phantom.position
        ds.KVP = 120
        ds.ConvolutionKernel = "B50f"
        ds.BodyPartExamined = "CHEST"
        origin = affine[:3, 3] + k * affine[:3, 0]
        ds.ImagePositionPatient = _decimals(origin)
        ds.ImageOrientationPatient = _orientation(affine)
        ds.PixelSpacing = _decimals([np.linalg.norm(affine[:3, 1]), np.linalg.norm(affine[:3, 2])])
        ds.SliceThickness = DSfloat(abs(float(affine[:3, 0] @ normal)), auto_format=True)
        ds.SliceLocation = DSfloat(float(origin @ normal), auto_format=True)
        ds.RescaleIntercept = DSfloat(float(intercept[k, 0, 0]), auto_format=True)
        ds.RescaleSlope = DSfloat(float(slope[k, 0, 0]), auto_format=True)
        ds.RescaleType = "HU"
        _image(ds, stored, plane)
        datasets.append(_with_meta(ds))
    return datasets


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def enhanced(
    phantom: Phantom,
    name: str = "enhanced",
    modality: str = "CT",
    stored: Stored | None = None,
    order: Sequence[int] | None = None,
) -> Dataset:
    """Enhanced CT or MR (PS3.3 A.38, A.36): all slices as frames of one object, in ``order`` of k.

    The position is in the per-frame groups, spacing and orientation in the shared group; the rescale is shared where
    all slices have the same, else a frame's own. The macros that describe how a scanner acquired (exposure, coils, ...)
    are left out: no part of the image or its place is in them.
    """
    stored = stored or Stored()
    affine = phantom.affine
    order = range(len(phantom.hu)) if order is None else order
    pixels = stored.to_stored(phantom.hu)
    slope, intercept = stored.rescale(len(pixels))
    ds = _base(name, modality, EnhancedCTImageStorage if modality == "CT" else EnhancedMRImageStorage)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    ds.InstanceNumber = 1
    ds.AcquisitionNumber = 1
    ds.AcquisitionDateTime = "20240229101112"
    ds.AcquisitionDuration = 1.0
    ds.PatientPosition = phantom.position
    ds.PixelPresentation = "MONOCHROME"
    ds.VolumetricProperties = "VOLUME"
    ds.VolumeBasedCalculationTechnique = "NONE"
    ds.ContentQualification = "RESEARCH"
    ds.BurnedInAnnotation = "NO"
    ds.LossyImageCompression = "00"
    ds.PresentationLUTShape = "IDENTITY"
    ds.NumberOfFrames = len(pixels)
    if modality == "MR":
        ds.ComplexImageComponent = "MAGNITUDE"
        ds.AcquisitionContrast = "T1"
    dimension = uid(name, "dimension")
    ds.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=dimension)]
    ds.DimensionIndexSequence = [
        _item(DimensionOrganizationUID=dimension, DimensionIndexPointer=pointer, FunctionalGroupPointer=0x00209111)
        for pointer in (0x00209056, 0x00209057)
    ]

    def transformation(k: int) -> list[Dataset]:
        return [
            _item(
                RescaleIntercept=DSfloat(float(intercept[k, 0, 0]), auto_format=True),
                RescaleSlope=DSfloat(float(slope[k, 0, 0]), auto_format=True),
                RescaleType="HU" if modality == "CT" else "US",
            )
        ]

    same = len(np.unique(slope)) == 1 and len(np.unique(intercept)) == 1
    shared = Dataset()
    shared.PixelMeasuresSequence = [
        _item(
            PixelSpacing=_decimals([np.linalg.norm(affine[:3, 1]), np.linalg.norm(affine[:3, 2])]),
            SliceThickness=DSfloat(float(np.linalg.norm(affine[:3, 0])), auto_format=True),
            SpacingBetweenSlices=DSfloat(float(np.linalg.norm(affine[:3, 0])), auto_format=True),
        )
    ]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=_orientation(affine))]
    shared.FrameAnatomySequence = [
        _item(
            FrameLaterality="U",
            AnatomicRegionSequence=[
                _item(CodeValue="51185008", CodingSchemeDesignator="SCT", CodeMeaning="Thorax"),
            ],
        )
    ]
    if same:
        shared.PixelValueTransformationSequence = [*transformation(0)]
    ds.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for k in order:
        frame = Dataset()
        frame.FrameContentSequence = [
            _item(
                StackID="1",
                InStackPositionNumber=k + 1,
                DimensionIndexValues=[1, k + 1],
                FrameAcquisitionNumber=1,
                FrameReferenceDateTime="20240229101112",
                FrameAcquisitionDateTime="20240229101112",
                FrameAcquisitionDuration=1.0,
            )
        ]
        frame.PlanePositionSequence = [_item(ImagePositionPatient=_decimals(affine[:3, 3] + k * affine[:3, 0]))]
        if not same:
            frame.PixelValueTransformationSequence = transformation(k)
        frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = frames
    _image(ds, stored, pixels[list(order)])
    return _with_meta(ds)


def localizer(phantom: Phantom, name: str = "ct") -> Dataset:
    """A scout: one coronal CT image in the same series, frame of reference and study."""
    scout = asymmetric_phantom("coronal", (1, 64, 48), (3.0, 1.5, 1.5))
    ds = ct_slices(replace(scout, position=phantom.position), name)[0]
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    ds.InstanceNumber = 0
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid(name, "localizer")
    return ds


# ---------------------------------------------------------------------------------------------------- encoding

#: Transfer syntaxes that store values as they are.
NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


def _jpeg(**options: object) -> Callable[[Array, Dataset], bytes]:
    """JPEG as libjpeg-turbo writes it; signed values go in as their two's complement in 16 bits."""

    def encode_frame(frame: Array, ds: Dataset) -> bytes:
        extra = dict(options)
        if extra.get("lossless"):
            extra["bitspersample"] = 16 if ds.PixelRepresentation else ds.BitsStored
        return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(frame).view(f"u{frame.itemsize}"), **extra))

    return encode_frame


def _htj2k(**options: object) -> Callable[[Array, Dataset], bytes]:
    return lambda frame, ds: bytes(imagecodecs.htj2k_encode(np.ascontiguousarray(frame), **options))


#: The syntaxes that pydicom's encoders lack. OpenJPH's progression order is RPCL, as .203 demands (PS3.5 A.4.7).
_ENCODERS: Mapping[UID, Callable[[Array, Dataset], bytes]] = {
    JPEGBaseline8Bit: _jpeg(level=95),
    JPEGExtended12Bit: _jpeg(level=95, bitspersample=12),
    JPEGLossless: _jpeg(lossless=True, predictor=6),
    JPEGLosslessSV1: _jpeg(lossless=True, predictor=1),
    HTJ2KLossless: _htj2k(reversible=True),
    HTJ2KLosslessRPCL: _htj2k(reversible=True, tlm=True),
    HTJ2K: _htj2k(reversible=False, level=1e-4),
}
#: The rest, and what their encoders need to know.
_PYDICOM_OPTIONS: Mapping[UID, Mapping[str, object]] = {
    RLELossless: {"encoding_plugin": "pylibjpeg"},
    JPEGLSLossless: {"encoding_plugin": "pyjpegls"},
    JPEGLSNearLossless: {"encoding_plugin": "pyjpegls", "jls_error": 3},
    JPEG2000Lossless: {"encoding_plugin": "pylibjpeg"},
    JPEG2000: {"encoding_plugin": "pylibjpeg", "j2k_psnr": [75]},
}
LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000, HTJ2K)
#: Every transfer syntax that the factory writes.
SYNTAXES: Mapping[str, UID] = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg-baseline": JPEGBaseline8Bit,
    "jpeg-extended": JPEGExtended12Bit,
    "jpeg-lossless": JPEGLossless,
    "jpeg-lossless-sv1": JPEGLosslessSV1,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-ls-near": JPEGLSNearLossless,
    "jpeg-2000-lossless": JPEG2000Lossless,
    "jpeg-2000": JPEG2000,
    "htj2k-lossless": HTJ2KLossless,
    "htj2k-lossless-rpcl": HTJ2KLosslessRPCL,
    "htj2k": HTJ2K,
}


def encode(ds: Dataset, syntax: UID, *, fragments: int = 1, offset_table: bool = True) -> Dataset:
    """A copy of an Explicit VR Little Endian dataset in another transfer syntax."""
    ds = copy.deepcopy(ds)
    frames = int(ds.get("NumberOfFrames", 1))
    kind = Stored(ds.BitsAllocated, ds.BitsStored, bool(ds.PixelRepresentation)).dtype
    pixels = np.frombuffer(ds.PixelData, kind.newbyteorder("<")).reshape(frames, ds.Rows, ds.Columns)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = pixels.astype(kind.newbyteorder(">")).tobytes()
    elif syntax in _PYDICOM_OPTIONS and fragments == 1 and offset_table:
        ds.compress(syntax, generate_instance_uid=False, **_PYDICOM_OPTIONS[syntax])
    elif syntax in _ENCODERS:
        streams = [_ENCODERS[syntax](frame, ds) for frame in pixels.astype(kind)]
        ds.PixelData = encapsulate(streams, fragments_per_frame=fragments, has_bot=offset_table)
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
    elif syntax not in NATIVE:
        raise ValueError(f"no encoder for {syntax.name} with {fragments} fragments and offset_table={offset_table}")
    if syntax in LOSSY:
        ds.LossyImageCompression = "01"
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


# ------------------------------------------------------------------------------------------------------- files


def write(datasets: Iterable[Dataset], folder: Path, pattern: str = "IM{:04d}.dcm") -> list[Path]:
    """Write datasets as DICOM files (PS3.10) in the given order, numbered from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, ds in enumerate(datasets, 1):
        path = folder / pattern.format(number)
        syntax = ds.file_meta.TransferSyntaxUID
        dcmwrite(
            path,
            ds,
            enforce_file_format=True,
            implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=syntax != ExplicitVRBigEndian,
        )
        paths.append(path)
    return paths


def write_phantom(folder: Path, orientation: str = "axial", syntax: UID = ExplicitVRLittleEndian) -> Phantom:
    """Write the phantom as a CT series into a folder; the usual starting point for tests of other parts."""
    phantom = asymmetric_phantom(orientation)
    write([encode(ds, syntax) for ds in ct_slices(phantom, f"{orientation} phantom")], folder)
    return phantom


def write_without_meta(ds: Dataset, path: Path) -> Path:
    """A bare dataset: no preamble, no meta header, Implicit VR Little Endian (the default of PS3.5 section 10)."""
    bare = Dataset(copy.deepcopy(dict(ds)))
    dcmwrite(path, bare, enforce_file_format=False, implicit_vr=True, little_endian=True)
    return path


def write_dicomdir(datasets: Sequence[Dataset], folder: Path) -> Path:
    """A DICOMDIR with its file-set (names without extension, in subfolders); returns its path."""
    file_set = FileSet()
    file_set.UID = generate_uid(entropy_srcs=[ds.SOPInstanceUID for ds in datasets])  # the same in each run
    for ds in datasets:
        file_set.add(ds)
    file_set.write(folder)
    return folder / "DICOMDIR"


def write_zip(folder: Path, path: Path) -> Path:
    """Everything below a folder in a zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix())  # not dated: the same bytes in each run
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return path


# ------------------------------------------------------------------------------------ series with a known truth


@dataclass(frozen=True)
class Truth:
    """What a reader must find: HU and affine (k, j, i) → LPS mm; ``tolerance_hu`` > 0 only for lossy encodings."""

    hu: FloatArray = field(repr=False)
    affine: FloatArray = field(repr=False)
    tolerance_hu: float = 0.0


def shuffled(datasets: Sequence[Dataset], seed: int = 3) -> list[Dataset]:
    """The datasets in another order, with instance numbers that say nothing about it."""
    order = np.random.default_rng(seed).permutation(len(datasets))
    result = [datasets[n] for n in order]
    for number, ds in enumerate(result, 1):
        ds.InstanceNumber = number
    return result


def _ct(
    phantom: Phantom,
    stored: Stored | None = None,
    syntax: UID = ExplicitVRLittleEndian,
    tolerance_hu: float = 0.0,
    **encoding: int,
) -> Callable[[Path], Truth]:
    stored = stored or Stored()

    def build(folder: Path) -> Truth:
        slices = shuffled(ct_slices(phantom, folder.name, stored))
        write([encode(ds, syntax, **encoding) for ds in slices], folder)
        return Truth(stored.to_hu(stored.to_stored(phantom.hu)), phantom.affine, tolerance_hu)

    return build


def _enhanced(
    phantom: Phantom,
    modality: str,
    stored: Stored | None = None,
    syntax: UID = ExplicitVRLittleEndian,
    order: Sequence[int] | None = None,
) -> Callable[[Path], Truth]:
    stored = stored or Stored()

    def build(folder: Path) -> Truth:
        write([encode(enhanced(phantom, folder.name, modality, stored, order), syntax)], folder)
        return Truth(stored.to_hu(stored.to_stored(phantom.hu)), phantom.affine)

    return build


_NOISY = asymmetric_phantom(noise_hu=60)
_SIGNED = Stored(bits_stored=16, signed=True, intercept=0.0)
_BYTE = Stored(bits_allocated=8, bits_stored=8, slope=8.0)
_SLICES = SHAPE[0]
_PER_SLICE = Stored(bits_stored=16, slope=[0.5 + 0.25 * (k % 4) for k in range(_SLICES)], intercept=-1024.0)
_ORDER = [int(n) for n in np.random.default_rng(5).permutation(_SLICES)]
_TOLERANCE_HU = {"jpeg-baseline": 80.0, "jpeg-extended": 16.0, "jpeg-ls-near": 3.0, "jpeg-2000": 8.0, "htj2k": 16.0}

#: Series with one upright volume each: name → function that writes it into a folder and returns the truth.
SERIES: Mapping[str, Callable[[Path], Truth]] = {
    **{f"orientation-{name}": _ct(asymmetric_phantom(name)) for name in ORIENTATIONS},
    "orientation-oblique": _ct(asymmetric_phantom(turn=rotation(20, -15, 35))),
    "orientation-oblique-sagittal": _ct(asymmetric_phantom("sagittal", turn=rotation(-10, 8, 25))),
    "orientation-nearly-axial": _ct(asymmetric_phantom(turn=rotation(0.4, -0.3, 1.0))),
    **{
        f"syntax-{name}": _ct(
            _NOISY, _BYTE if syntax == JPEGBaseline8Bit else None, syntax, _TOLERANCE_HU.get(name, 0.0)
        )
        for name, syntax in SYNTAXES.items()
    },
    **{f"signed-{name}": _ct(_NOISY, _SIGNED, syntax) for name, syntax in SYNTAXES.items() if syntax not in LOSSY},
    "fragmented-jpeg-lossless": _ct(_NOISY, None, JPEGLosslessSV1, fragments=3),
    "no-offset-table-jpeg-lossless": _ct(_NOISY, None, JPEGLosslessSV1, offset_table=False),
    "pixels-8-bit": _ct(_NOISY, _BYTE),
    "pixels-16-bit-unsigned": _ct(_NOISY, Stored(bits_stored=16, intercept=-32768.0)),
    "pixels-12-bit-signed": _ct(_NOISY, Stored(signed=True, intercept=0.0)),
    "pixels-monochrome1": _ct(_NOISY, Stored(photometric="MONOCHROME1")),
    "rescale-fractional": _ct(_NOISY, Stored(bits_stored=16, slope=0.125, intercept=-1024.5)),
    "rescale-per-slice": _ct(_NOISY, _PER_SLICE),
    "enhanced-ct": _enhanced(_NOISY, "CT"),
    "enhanced-ct-shuffled-frames": _enhanced(_NOISY, "CT", order=_ORDER),
    "enhanced-ct-jpeg-ls": _enhanced(_NOISY, "CT", None, JPEGLSLossless, _ORDER),
    "enhanced-ct-jpeg-lossless": _enhanced(_NOISY, "CT", None, JPEGLosslessSV1),
    "enhanced-ct-rle": _enhanced(_NOISY, "CT", None, RLELossless),
    "enhanced-ct-sagittal": _enhanced(asymmetric_phantom("sagittal"), "CT"),
    "enhanced-ct-feet-first": _enhanced(asymmetric_phantom("feet-first"), "CT", order=_ORDER),
    "enhanced-mr": _enhanced(_NOISY, "MR", Stored(intercept=-1024.0)),
    "enhanced-mr-coronal": _enhanced(asymmetric_phantom("coronal"), "MR"),
    "enhanced-mr-rescale-per-frame": _enhanced(_NOISY, "MR", _PER_SLICE, order=_ORDER),
}
