"""What a file says about its image planes, read without touching a pixel.

A file gives one `ImageFile` (how its pixels are stored) and one `Frame` for each plane in it (where the plane lies and
what its values mean). Values are taken from the raw elements, because a header with one odd value must not
cost a whole scan.
"""

from __future__ import annotations

import re
import warnings
import zlib
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from pathlib import Path
from struct import unpack
from typing import Any, BinaryIO

import pydicom
from pydicom import config
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from napari_lesion.dicom.charset import encodings_for
from napari_lesion.dicom.elements import Elements, Unreadable, UnreadableError, Values, binary_vr, tag_of
from napari_lesion.dicom.index.fast_header import FIRST_PIXEL_TAG, ShortError, UnusualError, scan
from napari_lesion.model.display import Window
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.support.uids import is_uid

Vector = tuple[float, float, float]

#: Tags that have one value in one volume: what was scanned, how it was reconstructed, which phase it is.
RECIPE_KEYWORDS = (
    "StackID",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "NominalPercentageOfCardiacPhase",
    "EchoNumbers",
    "EchoTime",
    "EffectiveEchoTime",
    "InversionTime",
    "DiffusionBValue",
    "KVP",
    "MultienergyCTAcquisitionSequence",
    "MultienergyCTProcessingSequence",
    "MultienergyCTCharacteristicsSequence",
    "MultienergyCTPathIndex",
    "MonoenergeticEnergyEquivalent",
    "EnergyWindowName",
    "EnergyWindowNumber",
    "FilterType",
    "ConvolutionKernel",
    "ReconstructionAlgorithm",
    "ContrastBolusAgent",
    "ImageType",
    "FrameType",
    "ComplexImageComponent",
    "ProtocolName",
    "SeriesNumber",
    "SeriesDescription",
)
#: Tags that may change from slice to slice of one volume, but tell volumes apart where their groups are whole ones.
COUNTING_KEYWORDS = (
    "AcquisitionNumber",
    "FrameAcquisitionNumber",
    "IrradiationEventUID",
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "TemporalPositionTimeOffset",
    "AcquisitionDateTime",
    "FrameAcquisitionDateTime",
    "FrameReferenceDateTime",
    "AcquisitionTime",
    "SeriesTime",
    "ContentTime",
    "ImageComments",
    "FrameComments",
    "FrameLabel",
)
#: What `Frame.phase` has the values of.
PHASE_KEYWORDS = (*RECIPE_KEYWORDS, *COUNTING_KEYWORDS, "SliceLocation")

_IDENTITY = {
    "series_uid": "SeriesInstanceUID",
    "study_uid": "StudyInstanceUID",
    "frame_of_reference_uid": "FrameOfReferenceUID",
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "patient_age": "PatientAge",
    "smoking_status": "SmokingStatus",
    "study_date": "StudyDate",
    "accession_number": "AccessionNumber",
    "modality": "Modality",
    "study_description": "StudyDescription",
    "series_description": "SeriesDescription",
    "series_number": "SeriesNumber",
    "manufacturer": "Manufacturer",
    "manufacturer_model": "ManufacturerModelName",
    "kernel": "ConvolutionKernel",
    "contrast": "ContrastBolusAgent",
    "body_part": "BodyPartExamined",
}

_OTHER = (
    "SpecificCharacterSet",
    "SOPClassUID",
    "SOPInstanceUID",
    "InstanceNumber",
    "PatientPosition",
    "PatientOrientation",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "SliceThickness",
    "GantryDetectorTilt",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "WindowCenter",
    "WindowWidth",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
)


_META = ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID")


_TAGS = {
    keyword: (tag_of(keyword), binary_vr(keyword))
    for keyword in (*_IDENTITY.values(), *_OTHER, *_META, *PHASE_KEYWORDS)
}
#: Texts in the file's own character set.
_TEXTS = [
    keyword
    for keyword in _IDENTITY.values()
    if dictionary_VR(_TAGS[keyword][0]) in ("LO", "LT", "PN", "SH", "ST", "UC", "UT")
]
#: PS3.3 C.7.6.3.1.2, and what it had before. Anything else may be a text that went astray.
_COLOURS = frozenset(
    {"RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT"}
    | {"XYB", "HSV", "ARGB", "CMYK"}
)
_READ = frozenset(tag for tag, _ in _TAGS.values())
_SORTED: list[Any] = sorted(_READ)
_PER_FRAME = tag_of("PerFrameFunctionalGroupsSequence")
_FUNCTIONAL_GROUPS = frozenset({tag_of("SharedFunctionalGroupsSequence"), _PER_FRAME})
#: Bytes of a file that are read at first and, where its header is longer, on top.
_FIRST_BYTES = 32 * 2**10
_MORE_BYTES = 2**20

#: Objects with pixels that are not scans: what is said of them where they are skipped.
_NOT_SCANS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation (SEG), not a scan",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation, not a scan",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map, not a scan",
    "1.2.840.10008.5.1.4.1.1.481.2": "a radiotherapy dose grid, not a scan",
    "1.2.840.10008.1.3.10": "a DICOMDIR, not a scan",
}
#: The transfer syntax stands within this many bytes.
_META_BYTES = 1024
#: Most bytes that a deflated file may expand to: in all, and for each of its own bytes (small files may exceed that).
_MAX_INFLATED = 2**31
_MAX_INFLATION = 50
_INFLATION_FROM_BYTES = 32 * 2**20
#: Pixels that are smaller or larger, mm, are a writer's mistake.
_LEAST_SPACING_MM, _LARGEST_SPACING_MM = 1e-4, 1e3
_MAX_FRAMES = 100_000
#: A file that says it has more frames than a few is refused at once where it has no room for this share of them.
_FEW_FRAMES, _LEAST_SHARE = 64, 4
#: Bytes of the head of an item, of which a compressed frame has at least one.
_ITEM_HEAD_BYTES = 8
#: (7FE0,0008) and (7FE0,0009): bits of a pixel.
_FLOATING = (32, 64)
_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
_DICOMDIR = "1.2.840.10008.1.3.10"


class NotAScanError(Exception):
    """A file that is no image plane; the message is the reason for skipping it."""

    def __init__(self, reason: str, *, dicomdir: bool = False, lost: bool = False) -> None:
        super().__init__(reason)
        self.dicomdir = dicomdir
        self.lost = lost
        """Whether it may be a scan all the same, that could not be read."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """How the pixels of one file are stored."""

    path: Path
    size: int
    """Bytes on disk."""
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax: UID
    rows: int
    columns: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    n_frames: int
    pixel_offset: int
    """Where the pixel data element begins in the file; in a deflated file, in its inflated data set."""
    implicit_vr: bool
    little_endian: bool
    floating: bool = False
    """Whether its pixels are floating point numbers (PS3.3 C.7.6.24), 32 or 64 bits each."""
    extended_offsets: tuple[bytes, bytes] = (b"", b"")
    """Where its compressed frames begin and how long they are, as it says (PS3.3 C.7.6.3.1.8)."""
    unreadable: tuple[Unreadable, ...] = ()
    """Values on how its pixels are stored that are there but cannot be read."""
    doubts: tuple[str, ...] = ()
    """Sentences on what its texts may be misread as."""

    @property
    def encapsulated(self) -> bool:
        """Whether the pixel data is compressed; an unknown transfer syntax counts as such."""
        return self.transfer_syntax not in _NATIVE

    @property
    def deflated(self) -> bool:
        """Whether the whole data set is deflated."""
        return self.transfer_syntax == DeflatedExplicitVRLittleEndian

    @property
    def frame_bytes(self) -> int:
        """Bytes of one uncompressed frame."""
        return self.rows * self.columns * self.bits_allocated // 8

    @property
    def name(self) -> str:
        """File name for messages."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Frame:
    """One image plane: where it lies and what its values mean."""

    file: ImageFile
    number: int | None
    """1-based frame number in a multiframe object, else None."""
    position: Vector | None
    """Centre of the first pixel, LPS mm."""
    orientation: tuple[float, ...] | None
    """Direction cosines of a row (3) and of a column (3), LPS."""
    pixel_spacing: tuple[float, float] | None
    """Distance between rows and between columns, mm."""
    spacing_source: str
    """Tag that the pixel spacing came from."""
    slope: float | None
    intercept: float | None
    rescale_type: str
    padding: tuple[int, int] | None
    """Lowest and highest stored value that marks pixels outside the image."""
    thickness: float | None
    instance_number: int | None
    phase: tuple[str, ...]
    """Values of `PHASE_KEYWORDS`."""
    image_type: tuple[str, ...]
    frame_of_reference: str
    patient_position: str
    patient_orientation: str
    windows: tuple[Window, ...] = ()
    """That the image asks to be shown with, in the unit of rescaled values."""
    unreadable: tuple[Unreadable, ...] = ()
    """Values that are there but cannot be read; they are None above, and not to be taken for absent."""

    @property
    def name(self) -> str:
        """File (and frame) for messages."""
        return self.file.name if self.number is None else f"{self.file.name} frame {self.number}"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose image a file is; '' where it doesn't say."""

    patient_id: str
    patient_name: str
    birth_date: str
    study_uid: str


@dataclass(frozen=True, slots=True)
class Header:
    """The planes of one file and the series they belong to."""

    series_uid: str
    owner: Owner
    frames: tuple[Frame, ...]
    source: _Source

    def identity(self) -> SeriesIdentity:
        """Who and what the series is."""
        dataset = self.source.dataset()
        values = {name: _decoded(dataset, keyword) for name, keyword in _IDENTITY.items()}
        values["series_uid"] = self.series_uid
        return SeriesIdentity(**values)


@dataclass(frozen=True, slots=True)
class _Source:
    """Raw elements of one file, as either parser found them."""

    meta: Elements
    elements: Elements
    offset: int
    """Where the pixel data element begins."""
    pixel_tag: int
    implicit: bool
    little: bool
    deflated: bool

    @property
    def values(self) -> Values:
        """The data set, by keyword."""
        return Values(self.elements, _TAGS)

    def encodings(self) -> tuple[list[str], str]:
        """Give the encodings of its texts, and a sentence where they are in doubt."""
        raw = (self.elements.get(_TAGS[keyword][0]) for keyword in _TEXTS)
        texts = [element.value for element in raw if element is not None and isinstance(element.value, bytes)]
        return encodings_for(self.values.text("SpecificCharacterSet"), texts)

    def dataset(self) -> Dataset:
        """Give the elements as pydicom's own type, which knows character sets."""
        dataset = Dataset({BaseTag(tag): element for tag, element in self.elements.items()})
        dataset.set_original_encoding(self.implicit, self.little, self.encodings()[0])
        return dataset


class _DamagedError(ValueError):
    """A header that is damaged, in words that quote nothing of it."""


def read_header(path: Path) -> Header:
    """Read the header of one file.

    Raises
    ------
    NotAScanError
        If the file holds no image plane; the message says what it is instead.
    """
    try:
        return _read_header(path)
    except (NotAScanError, KeyboardInterrupt):
        raise
    except OSError as error:
        raise NotAScanError(f"cannot be read ({error.strerror or error})", lost=True) from error
    except Exception as error:  # a damaged header can fail anywhere inside the parser
        # What the parser says quotes the value that it failed at, which may be a name.
        said = f"{type(error).__name__}: {error}" if isinstance(error, _DamagedError) else type(error).__name__
        reason = f"its header is damaged ({said})"
        raise NotAScanError(reason, lost=_is_marked(path)) from error


def _is_marked(path: Path) -> bool:
    """Whether a file says that it is DICOM (PS3.10 7.1)."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return True


def _read_header(path: Path) -> Header:
    size = path.stat().st_size
    if size == 0:
        raise NotAScanError("an empty file")
    with path.open("rb", buffering=0) as file:
        data = file.read(_FIRST_BYTES)
        for window in (_FIRST_BYTES, _MORE_BYTES):
            try:
                meta, elements, offset, tag = scan(data, _READ, _FUNCTIONAL_GROUPS)
            except ShortError:
                data += file.read(window)
            except UnusualError:
                break
            else:
                implicit = Values(meta, _TAGS).text("TransferSyntaxUID") == ImplicitVRLittleEndian
                return _interpret(path, size, _Source(meta, elements, offset, tag, implicit, True, False))
    return _interpret(path, size, _parse(path, size))


def _parse(path: Path, size: int) -> _Source:
    """Let pydicom read a header that is out of the ordinary."""
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        deflated = DeflatedExplicitVRLittleEndian.encode() in file.read(_META_BYTES)
        file.seek(0)
        source = inflate(file, size) if deflated else file
        try:
            dataset = pydicom.dcmread(source, stop_before_pixels=True, specific_tags=_SORTED, force=deflated)
        except InvalidDicomError:
            file.seek(0)
            dataset = _read_without_meta(file)
        implicit, little = (bool(flag) for flag in dataset.original_encoding)
        meta = getattr(dataset, "file_meta", None)
        offset = source.tell()
        tag = source.read(4)
        group, element = unpack("<HH" if little else ">HH", tag) if len(tag) == 4 else (0, 0)
        return _Source(
            meta={} if meta is None else _by_tag(meta),
            elements=_by_tag(dataset),
            offset=offset,
            pixel_tag=group << 16 | element,
            implicit=implicit,
            little=little,
            deflated=deflated,
        )


def _by_tag(dataset: Dataset) -> Elements:
    return {int(tag): dataset.get_item(tag) for tag in dataset.keys()}  # noqa: SIM118 - iterating would convert values


def inflate(file: BinaryIO, size: int) -> BinaryIO:
    """Inflate the data set of a deflated file, at most to the limit.

    Raises
    ------
    ValueError
        If the file is damaged, or expands beyond the limit.

    References
    ----------
    DICOM PS3.5 section A.5; the data set begins where the group length of the meta header (PS3.10 7.1) says.
    """
    file.seek(128)
    prefix, group, element, _, _, length = unpack("<4sHH2sHL", file.read(16))
    if prefix != b"DICM" or (group, element) != (2, 0):
        raise _DamagedError("its meta header is damaged")
    file.seek(144 + length)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    limit = min(_MAX_INFLATED, max(_INFLATION_FROM_BYTES, _MAX_INFLATION * size))
    inflated = inflater.decompress(file.read(size), limit)
    if inflater.unconsumed_tail:
        raise _DamagedError(f"it expands to more than {limit // 2**20} MiB")
    if not inflater.eof:
        raise _DamagedError("it ends inside its deflated data")
    return BytesIO(inflated)


def _read_without_meta(file: Any) -> FileDataset:
    """Parse a file without the DICM prefix, if it starts like a data set: group 0002 or 0008, little or big endian."""
    start = file.read(8)
    file.seek(0)
    if len(start) < 8 or start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x02", b"\x00\x08"):
        raise NotAScanError("not a DICOM file")
    return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_SORTED, force=True)


def _interpret(path: Path, size: int, source: _Source) -> Header:
    values, meta = source.values, Values(source.meta, _TAGS)
    sop_class = values.text("SOPClassUID") or meta.text("MediaStorageSOPClassUID")
    if sop_class in _NOT_SCANS:
        raise NotAScanError(_NOT_SCANS[sop_class], dicomdir=sop_class == _DICOMDIR)
    try:
        rows, columns, bits = (values.needed(keyword) for keyword in ("Rows", "Columns", "BitsAllocated"))
    except UnreadableError as error:
        raise NotAScanError(f"{error}, so its pixels are unknown", lost=True) from error
    if rows is None or columns is None:
        what = UID(sop_class, config.IGNORE).name if is_uid(sop_class) else "no DICOM object that is known"
        raise NotAScanError(f"not an image ({what})", lost="Image Storage" in what)
    named = meta.text("TransferSyntaxUID")
    syntax = UID(named or (ImplicitVRLittleEndian if source.implicit else ExplicitVRLittleEndian), config.IGNORE)
    if source.deflated:
        syntax = DeflatedExplicitVRLittleEndian
    if bits is None or rows <= 0 or columns <= 0:
        raise NotAScanError("not an image (its size or bit depth is missing)", lost=True)
    samples = _default(values.integer("SamplesPerPixel"), 1)
    photometric = values.text("PhotometricInterpretation")
    if samples != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2", ""):
        what = photometric if photometric in _COLOURS else f"{samples} samples a pixel"
        raise NotAScanError(f"a colour image ({what}), not a scan")
    if not source.deflated and source.offset + 8 > size:
        raise NotAScanError("it ends before its pixel data: the file is truncated, or holds no pixels", lost=True)
    series_uid = values.text("SeriesInstanceUID")
    if not series_uid:
        raise NotAScanError("its SeriesInstanceUID is missing, so it belongs to no series", lost=True)
    floating = FIRST_PIXEL_TAG <= source.pixel_tag < FIRST_PIXEL_TAG + len(_FLOATING)
    stored = bits if floating else _default(values.integer("BitsStored"), bits)
    high = None if floating else values.integer("HighBit")
    sign = values.integer("PixelRepresentation")
    if sign not in (None, 0, 1):
        values.unreadable.append(Unreadable("PixelRepresentation", f"{sign}"))
    doubt = source.encodings()[1]
    file = ImageFile(
        path=path,
        size=size,
        sop_instance_uid=values.text("SOPInstanceUID") or meta.text("MediaStorageSOPInstanceUID"),
        sop_class_uid=sop_class,
        transfer_syntax=syntax,
        rows=rows,
        columns=columns,
        bits_allocated=bits,
        bits_stored=stored,
        high_bit=stored - 1 if high is None else high,
        signed=sign == 1,
        photometric=photometric,
        n_frames=_default(values.integer("NumberOfFrames"), 1),
        pixel_offset=source.offset,
        implicit_vr=source.implicit,
        little_endian=source.little,
        floating=floating,
        extended_offsets=(_raw(source, "ExtendedOffsetTable"), _raw(source, "ExtendedOffsetTableLengths")),
        unreadable=tuple(values.unreadable),
        doubts=(doubt,) if doubt else (),
    )
    _refuse_frames(file)
    frames: tuple[Frame, ...]
    if _PER_FRAME in source.elements:
        frames = _multiframe(file, source)
    elif file.n_frames > 1:
        frame = _frame(file, source.values, 1)
        frames = tuple(replace(frame, number=number) for number in range(1, file.n_frames + 1))
    else:
        frames = (_frame(file, source.values, None),)
    return Header(series_uid, _owner(source), frames, source)


def _raw(source: _Source, keyword: str) -> bytes:
    """Bytes of an element; none where it is absent."""
    element = source.elements.get(_TAGS[keyword][0])
    return element.value if element is not None and isinstance(element.value, bytes) else b""


def _owner(source: _Source) -> Owner:
    """Who and which study; names as people compare them: without padding, case, or the charset they are written in."""
    values = source.values
    name = values.text("PatientName")
    if not name.isascii() or "\x1b" in name:
        name = _decoded(source.dataset(), "PatientName")
    return Owner(
        patient_id=values.text("PatientID"),
        patient_name=plain_name(name),
        birth_date=_date(values.text("PatientBirthDate")),
        study_uid=values.text("StudyInstanceUID"),
    )


def _date(text: str) -> str:
    """Make of a date what is compared, as DICOM writes it; what is no date tells nobody apart."""
    found = re.fullmatch(r"(\d{4})([-./]?)(\d\d)\2(\d\d)", text, re.ASCII)
    try:
        return date(int(found[1]), int(found[3]), int(found[4])).strftime("%Y%m%d") if found else ""
    except ValueError:
        return ""


def plain_name(name: str) -> str:
    """Make of a name what people compare: without padding, empty components and case."""
    return " ".join(name.replace("^", " ").replace("=", " ").split()).casefold()


def _default(value: int | None, absent: int) -> int:
    return absent if value is None else value


def _refuse_frames(file: ImageFile) -> None:
    """Refuse more frames than a file can hold, before anything is made for each of them."""
    if file.n_frames < 1 or file.n_frames > _MAX_FRAMES:
        raise NotAScanError(f"its NumberOfFrames is {file.n_frames}", lost=True)
    room = file.size - file.pixel_offset
    least = _ITEM_HEAD_BYTES if file.encapsulated else file.frame_bytes // _LEAST_SHARE
    if file.deflated:
        room, least = file.size * _MAX_INFLATION, file.frame_bytes // _LEAST_SHARE
    if file.n_frames > _FEW_FRAMES and file.n_frames * least > room:
        raise NotAScanError(
            f"its NumberOfFrames is {file.n_frames}, but the file is too small for so many ({file.size} bytes): it is "
            "truncated, or its header is damaged",
            lost=True,
        )


def _multiframe(file: ImageFile, source: _Source) -> tuple[Frame, ...]:
    """One `Frame` for each item of the functional groups (PS3.3 C.7.6.16); a frame's own group wins over the shared."""
    dataset = source.dataset()
    per_frame = dataset.PerFrameFunctionalGroupsSequence
    if len(per_frame) != file.n_frames:
        raise NotAScanError(f"it says {file.n_frames} frames, but describes {len(per_frame)}", lost=True)
    shared = dataset.get("SharedFunctionalGroupsSequence")
    common = {**source.elements, **(_flattened(shared[0]) if shared else {})}
    return tuple(
        _frame(file, Values({**common, **_flattened(item)}, _TAGS), n) for n, item in enumerate(per_frame, start=1)
    )


def _flattened(item: Dataset) -> Elements:
    """All elements of the macros in one functional group, by tag."""
    elements = {}
    for macro in item:
        if macro.VR == "SQ" and macro.value:
            elements.update({tag: element for tag, element in _by_tag(macro.value[0]).items() if tag in _READ})
    return elements


def _frame(file: ImageFile, values: Values, number: int | None) -> Frame:
    position = values.numbers("ImagePositionPatient", 3)
    orientation = values.numbers("ImageOrientationPatient", 6)
    spacing, source = _pixel_spacing(values)
    image_type = tuple(values.text("ImageType").split("\\"))
    frame_type = values.text("FrameType")
    frame = Frame(
        file=file,
        number=number,
        position=None if position is None else (position[0], position[1], position[2]),
        orientation=orientation,
        pixel_spacing=spacing,
        spacing_source=source,
        slope=values.number("RescaleSlope"),
        intercept=values.number("RescaleIntercept"),
        rescale_type=values.text("RescaleType"),
        padding=_padding(values, file),
        thickness=values.number("SliceThickness"),
        instance_number=values.integer("InstanceNumber"),
        phase=tuple(values.text(keyword) for keyword in PHASE_KEYWORDS),
        image_type=tuple(frame_type.split("\\")) if frame_type else image_type,
        frame_of_reference=values.text("FrameOfReferenceUID"),
        patient_position=values.text("PatientPosition"),
        patient_orientation=values.text("PatientOrientation"),
        windows=_windows(values),
    )
    return replace(frame, unreadable=tuple(values.unreadable)) if values.unreadable else frame


def _pixel_spacing(values: Values) -> tuple[tuple[float, float] | None, str]:
    """Distance between rows and between columns, mm, and the tag that it came from: the first that is there."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        known = len(values.unreadable)
        spacing = values.numbers(keyword, 2)
        if spacing is not None and min(spacing) >= _LEAST_SPACING_MM and max(spacing) <= _LARGEST_SPACING_MM:
            return (spacing[0], spacing[1]), keyword
        if spacing is not None or len(values.unreadable) > known:
            break  # another tag in place of one that is there but senseless would be a guess
    return None, ""


def _windows(values: Values) -> tuple[Window, ...]:
    """All windows (PS3.3 C.11.2.1.2), in their order; () where they make no sense."""
    levels, widths = values.numbers("WindowCenter") or (), values.numbers("WindowWidth") or ()
    windows = tuple(Window(level, width) for level, width in zip(levels, widths, strict=False))
    return windows if all(window.width > 0 for window in windows) else ()


def _padding(values: Values, file: ImageFile) -> tuple[int, int] | None:
    """Pixel padding value or range (PS3.3 C.7.5.1.1.2), signed as the pixels are, whatever VR the writer chose."""
    value = values.integer("PixelPaddingValue")
    if value is None:
        return None
    limit = values.integer("PixelPaddingRangeLimit")
    ends = [_resigned(v, file) for v in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _resigned(value: int, file: ImageFile) -> int:
    if file.bits_allocated > 16:
        return value
    value &= 0xFFFF
    return value - 0x10000 if file.signed and value >= 0x8000 else value


def _decoded(dataset: Dataset, keyword: str) -> str:
    """Value of an identity element in its character set; '' where it is absent or cannot be decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = dataset.get(keyword)
        except Exception:  # a value that breaks its own type says nothing
            return ""
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)
