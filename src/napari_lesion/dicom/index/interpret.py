"""From the elements of a header to frames, with a reason where it is no scan."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

from pydicom import config
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from napari_lesion.dicom.elements import Elements, Unreadable, UnreadableError, Values, tag_of
from napari_lesion.dicom.index.fast_header import FIRST_PIXEL_TAG
from napari_lesion.dicom.index.frames import Frame, Header, ImageFile, NotAScanError, Owner, RawHeader, decoded
from napari_lesion.dicom.index.keywords import PHASE_KEYWORDS, READ, TAGS
from napari_lesion.model.display import Window
from napari_lesion.support.uids import is_uid

#: PS3.3 C.7.6.3.1.2, and what it had before. Anything else may be a text that went astray.
_COLOURS = frozenset(
    {"RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT"}
    | {"XYB", "HSV", "ARGB", "CMYK"}
)
_PER_FRAME = tag_of("PerFrameFunctionalGroupsSequence")


#: Objects with pixels that are not scans: what is said of them where they are skipped.
_NOT_SCANS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation (SEG), not a scan",
    "1.2.840.10008.5.1.4.1.1.66.7": "a label map segmentation, not a scan",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map, not a scan",
    "1.2.840.10008.5.1.4.1.1.481.2": "a radiotherapy dose grid, not a scan",
    "1.2.840.10008.1.3.10": "a DICOMDIR, not a scan",
}


MAX_INFLATION = 50


#: Pixels that are smaller or larger, mm, are a writer's mistake.
_LEAST_SPACING_MM, _LARGEST_SPACING_MM = 1e-4, 1e3


_MAX_FRAMES = 100_000


#: A file that says it has more frames than a few is refused at once where it has no room for this share of them.
_FEW_FRAMES, _LEAST_SHARE = 64, 4


#: Bytes of the head of an item, of which a compressed frame has at least one.
_ITEM_HEAD_BYTES = 8


#: (7FE0,0008) and (7FE0,0009): bits of a pixel.
_FLOATING = (32, 64)


_DICOMDIR = "1.2.840.10008.1.3.10"


def by_tag(dataset: Dataset) -> Elements:
    """Get the elements of a dataset by their tags, not converted."""
    return {int(tag): dataset.get_item(tag) for tag in dataset.keys()}  # noqa: SIM118 - iterating would convert values


def interpret(path: Path, size: int, source: RawHeader) -> Header:
    """Make the frames of a file out of its elements, or refuse what is no scan."""
    values, meta = source.values, Values(source.meta, TAGS)
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
    return Header(series_uid, _owner(source), _frames(file, source), source)


def _frames(file: ImageFile, source: RawHeader) -> tuple[Frame, ...]:
    if _PER_FRAME in source.elements:
        return _multiframe(file, source)
    if file.n_frames > 1:
        frame = _frame(file, source.values, 1)
        return tuple(replace(frame, number=number) for number in range(1, file.n_frames + 1))
    return (_frame(file, source.values, None),)


def _raw(source: RawHeader, keyword: str) -> bytes:
    """Bytes of an element; none where it is absent."""
    element = source.elements.get(TAGS[keyword][0])
    return element.value if element is not None and isinstance(element.value, bytes) else b""


def _owner(source: RawHeader) -> Owner:
    """Who and which study; names as people compare them: without padding, case, or the charset they are written in."""
    values = source.values
    name = values.text("PatientName")
    if not name.isascii() or "\x1b" in name:
        name = decoded(source.dataset(), "PatientName")
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
        room, least = file.size * MAX_INFLATION, file.frame_bytes // _LEAST_SHARE
    if file.n_frames > _FEW_FRAMES and file.n_frames * least > room:
        raise NotAScanError(
            f"its NumberOfFrames is {file.n_frames}, but the file is too small for so many ({file.size} bytes): it is "
            "truncated, or its header is damaged",
            lost=True,
        )


def _multiframe(file: ImageFile, source: RawHeader) -> tuple[Frame, ...]:
    """One `Frame` for each item of the functional groups (PS3.3 C.7.6.16); a frame's own group wins over the shared."""
    dataset = source.dataset()
    per_frame = dataset.PerFrameFunctionalGroupsSequence
    if len(per_frame) != file.n_frames:
        raise NotAScanError(f"it says {file.n_frames} frames, but describes {len(per_frame)}", lost=True)
    shared = dataset.get("SharedFunctionalGroupsSequence")
    common = {**source.elements, **(_flattened(shared[0]) if shared else {})}
    return tuple(
        _frame(file, Values({**common, **_flattened(item)}, TAGS), n) for n, item in enumerate(per_frame, start=1)
    )


def _flattened(item: Dataset) -> Elements:
    """All elements of the macros in one functional group, by tag."""
    elements = {}
    for macro in item:
        if macro.VR == "SQ" and macro.value:
            elements.update({tag: element for tag, element in by_tag(macro.value[0]).items() if tag in READ})
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
