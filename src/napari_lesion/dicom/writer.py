"""Write a volume as a series of CT images, one file a slice."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, JPEGLSLossless, generate_uid
from pydicom.valuerep import DSfloat

from napari_lesion.model.volume import FloatArray, Volume
from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import GeometryError, SeriesError
from napari_lesion.support.progress import Progress, silent

#: Root of all UIDs that are derived from a name (RFC 4122 version 5; DICOM PS3.5 B.2 puts them below 2.25).
_NAMESPACE = uuid.UUID("6c0f6a3c-6a0e-5d0b-9f0e-6e61706c6573")

_SYNTAXES: dict[str, UID] = {"explicit": ExplicitVRLittleEndian, "jpeg-ls": JPEGLSLossless}

#: Water is 0 HU and air −1000: the intercept that scanners use, lowered only where the voxels need it.
_USUAL_INTERCEPT = -1024

#: Optional in the standard: there an absent tag says "unknown" better than an empty one.
_OPTIONAL = (
    "ManufacturerModelName",
    "StudyDescription",
    "SeriesDescription",
    "BodyPartExamined",
    "ContrastBolusAgent",
    "ConvolutionKernel",
)


def named_uid(*parts: str | int) -> str:
    """Make the same UID for the same name on every machine.

    Parameters
    ----------
    *parts : str or int
        The name, e.g. ``("phantom", 7, "baseline")``.

    Returns
    -------
    str
        A UID below 2.25 (DICOM PS3.5 B.2).
    """
    return f"2.25.{uuid.uuid5(_NAMESPACE, '/'.join(str(p) for p in parts)).int}"


def write_ct_series(
    volume: Volume,
    folder: Path | str,
    *,
    transfer_syntax: Literal["explicit", "jpeg-ls"] = "explicit",
    series_uid: str | None = None,
    study_uid: str | None = None,
    description: str | None = None,
    slice_thickness_mm: float | None = None,
    attributes: Dataset | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Write a volume as CT images (CT Image Storage), one file a slice, losslessly.

    The folder appears only when all files are complete.

    Parameters
    ----------
    volume : Volume
        Voxels (z, y, x) in HU. Fractions are rounded to whole HU, the precision of a CT image. Any affine whose
        rows and columns are perpendicular: axial, coronal, oblique, reversed, or sheared as by a gantry tilt.
    folder : path
        Must not exist, or be empty. Its parents are made.
    transfer_syntax : {"explicit", "jpeg-ls"}
        Explicit VR little endian, or JPEG-LS lossless.
    series_uid : str, optional
        Default: a new one. The SOP instance UIDs follow from it, so the same ``series_uid`` gives the same files.
    study_uid : str, optional
        Default: the volume's own study, or a new one where it has none.
    description : str, optional
        Series Description. Default: the volume's own.
    slice_thickness_mm : float, optional
        Default: the distance of neighbouring slices.
    attributes : Dataset, optional
        Further attributes for every image; they replace what is written by default.
    progress : callable
        ``progress(done, total, what)``, once a slice.

    Returns
    -------
    list of Path
        The files ``IM0001.dcm``… in the order of k.

    Raises
    ------
    GeometryError
        If rows and columns are not perpendicular, or the voxels have no extent.
    SeriesError
        If the folder holds something already, or the voxels do not fit 16 bits.

    References
    ----------
    DICOM PS3.3 A.3 (CT Image IOD), C.7.6.2 (Image Plane), C.8.2.1 (CT Image).
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SeriesError(f"{folder} exists already and is not empty. Name a new folder.")
    series_uid = series_uid or generate_uid(prefix=None)
    identity = volume.series
    common = _common(
        volume,
        series_uid=series_uid,
        study_uid=study_uid or identity.study_uid or generate_uid(prefix=None),
        frame_uid=identity.frame_of_reference_uid or named_uid(series_uid, "frame of reference"),
        description=identity.series_description if description is None else description,
        thickness=slice_thickness_mm,
    )
    hu, intercept, bits = _stored_values(volume)
    common.BitsStored, common.HighBit, common.RescaleIntercept = bits, bits - 1, intercept
    if attributes is not None:
        common.update(attributes)

    total = len(hu)
    names = [f"IM{k + 1:04d}.dcm" for k in range(total)]
    with whole_folder(folder) as partial:
        for k, name in enumerate(names):
            progress(k, total, f"Writing {name}")
            image = _image(common, volume.affine, k, named_uid(series_uid, k))
            image.PixelData = (hu[k].astype(np.int32) - intercept).astype("<u2").tobytes()
            if transfer_syntax == "jpeg-ls":
                image.compress(JPEGLSLossless, encoding_plugin="pyjpegls", generate_instance_uid=False)
            image.save_as(partial / name, enforce_file_format=True)
        progress(total, total, f"Wrote {total} images")
    return [folder / name for name in names]


def _stored_values(volume: Volume) -> tuple[npt.NDArray[np.generic], int, int]:
    """Whole HU, the rescale intercept that makes them unsigned, and the bits that they then need (12 to 16)."""
    hu = volume.voxels
    if hu.size == 0:
        raise GeometryError(f"series {volume.series.series_uid}: the volume {volume.shape} has no voxels to write.")
    if not np.issubdtype(hu.dtype, np.integer):
        if not np.isfinite(hu).all():
            raise SeriesError(
                f"series {volume.series.series_uid}: some voxels are not numbers; CT images cannot hold them."
            )
        hu = np.rint(hu)
    low, high = int(hu.min()), int(hu.max())
    intercept = min(low, _USUAL_INTERCEPT)
    bits = max(12, (high - intercept).bit_length())
    if bits > 16:
        raise SeriesError(
            f"series {volume.series.series_uid}: voxels from {low} to {high} HU do not fit the 16 bits of a CT image. "
            "Clip them first."
        )
    return hu, intercept, bits


def _directions(affine: FloatArray, series_uid: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Give the unit vectors along a row (i grows), down a column (j grows) and across the plane."""
    columns, rows = affine[:3, 1], affine[:3, 2]
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or lengths.min() <= 0:
        raise GeometryError(f"series {series_uid}: the affine gives a voxel no size: {lengths.tolist()} mm.")
    along, down = rows / lengths[2], columns / lengths[1]
    if abs(float(along @ down)) > 1e-4:
        raise GeometryError(
            f"series {series_uid}: rows and columns are not perpendicular, which a CT image cannot express. "
            "Resample the volume first."
        )
    return along, down, np.cross(along, down)


def _common(
    volume: Volume, *, series_uid: str, study_uid: str, frame_uid: str, description: str, thickness: float | None
) -> Dataset:
    """All that the images of the series share."""
    along, down, normal = _directions(volume.affine, series_uid)
    identity = volume.series
    _, dj, di = volume.spacing
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    ds.SOPClassUID = CTImageStorage
    ds.StudyDate = identity.study_date
    ds.StudyTime = ""
    ds.AccessionNumber = identity.accession_number
    ds.Modality = "CT"
    ds.Manufacturer = identity.manufacturer
    ds.ManufacturerModelName = identity.manufacturer_model
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = identity.study_description
    ds.SeriesDescription = description
    ds.PatientName = identity.patient_name
    ds.PatientID = identity.patient_id
    ds.PatientBirthDate = identity.patient_birth_date
    ds.PatientSex = identity.patient_sex
    ds.BodyPartExamined = identity.body_part
    ds.ContrastBolusAgent = identity.contrast
    ds.ConvolutionKernel = identity.kernel
    ds.KVP = None
    ds.StudyID = ""
    ds.AcquisitionNumber = None
    ds.SeriesNumber = identity.series_number or None
    ds.PatientPosition = volume.certificate.patient_position
    ds.StudyInstanceUID = study_uid
    ds.SeriesInstanceUID = series_uid
    ds.FrameOfReferenceUID = frame_uid
    ds.PositionReferenceIndicator = ""
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = volume.shape[1:]
    ds.PixelSpacing = [_decimal(dj), _decimal(di)]
    ds.SliceThickness = _decimal(abs(float(volume.affine[:3, 0] @ normal)) if thickness is None else thickness)
    ds.ImageOrientationPatient = [_decimal(x) for x in (*along, *down)]
    ds.BitsAllocated = 16
    ds.PixelRepresentation = 0
    ds.RescaleSlope = 1
    ds.RescaleType = "HU"
    if not identity.body_part:
        ds.Laterality = ""  # type 2C: an unknown body part may be one of a pair
    for keyword in _OPTIONAL:
        if not ds.get(keyword):
            delattr(ds, keyword)
    return ds


def _image(common: Dataset, affine: FloatArray, k: int, sop_uid: str) -> Dataset:
    """One image without its pixels."""
    ds = Dataset()
    ds.update(common)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    position = affine[:3, 3] + k * affine[:3, 0]
    normal = np.cross(affine[:3, 2], affine[:3, 1])
    ds.SOPInstanceUID = sop_uid
    ds.InstanceNumber = k + 1
    ds.ImagePositionPatient = [_decimal(x) for x in position]
    ds.SliceLocation = _decimal(float(position @ normal / np.linalg.norm(normal)))
    return ds


def _decimal(value: float) -> DSfloat:
    """Make a decimal string of at most 16 characters."""
    return DSfloat(float(value) + 0.0, auto_format=True)  # + 0.0: no negative zero
