"""Header values that are there but written oddly: read as the dictionary says, or refused by name; never a default."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from dicom_factory import Phantom, Stored, asymmetric_phantom, ct_slices, encode, enhanced, write
from dicom_fuzz import elements
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.precheck import precheck
from napari_lesion.dicom.read.progressive import ProgressiveLoading, obstacle
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import LesionError

SHAPE = (5, 24, 20)
PHANTOM = asymmetric_phantom(shape=SHAPE)
SIGNED = Stored(bits_stored=12, signed=True, intercept=0.0)
LONG = {"OB", "OD", "OF", "OW", "UN", "UT", "UC"}


def put(path: Path, keyword: str, vr: str, value: bytes) -> None:
    """Write the bytes of a value, whatever they are, into an Explicit VR Little Endian file."""
    data = path.read_bytes()
    tag = tag_for_keyword(keyword)
    value += b"\0" * (len(value) % 2)
    length = struct.pack("<HL", 0, len(value)) if vr in LONG else struct.pack("<H", len(value))
    element = next(e for e in elements(data) if e.tag == tag)
    whole = data[element.start : element.start + 4] + vr.encode() + length + value
    path.write_bytes(data[: element.start] + whole + data[element.value_at + element.length :])


def series_with(folder: Path, keyword: str, vr: str, value: bytes, which: slice, stored: Stored | None = None) -> Path:
    for path in write(ct_slices(PHANTOM, "odd", stored), folder)[which]:
        put(path, keyword, vr, value)
    return folder


def read(folder: Path) -> Volume:
    (series,) = find_series(folder)
    return read_series(series)


ALL, ONE = slice(None), slice(2, 3)

READ = {
    "decimal comma": ("RescaleIntercept", "DS", b"-1024,0"),
    "decimal comma in LO": ("RescaleIntercept", "LO", b"-1024,0"),
    "two equal values": ("RescaleIntercept", "DS", b"-1024\\-1024"),
    "NULs behind": ("RescaleIntercept", "DS", b"-1024\0\0\0\0\0"),
    "tabs and a line end": ("RescaleIntercept", "DS", b"\t-1024\r\n"),
    "text in US": ("RescaleIntercept", "US", b"-1024 "),
    "text in UN": ("RescaleIntercept", "UN", b"-1024"),
    "binary SS": ("RescaleIntercept", "SS", struct.pack("<h", -1024)),
    "binary FD": ("RescaleIntercept", "FD", struct.pack("<d", -1024)),
    "a separator behind": ("RescaleSlope", "DS", b"1\\"),
    "commas in the spacing": ("PixelSpacing", "DS", b"2,25\\1,75"),
    "thousandths in the spacing": ("PixelSpacing", "DS", b"2,250\\1,750"),
    "UN rows": ("Rows", "UN", struct.pack("<H", SHAPE[1])),
    "rows as text": ("Rows", "IS", b"24"),
    "rows as long text in US": ("Rows", "US", b"24  "),
    "binary rows in a text VR": ("Rows", "SH", struct.pack("<H", SHAPE[1])),
    "UN bits": ("BitsStored", "UN", struct.pack("<H", 12)),
    "UN high bit": ("HighBit", "UN", struct.pack("<H", 11)),
    "UN sign": ("PixelRepresentation", "UN", struct.pack("<H", 0)),
    "UL sign": ("PixelRepresentation", "UL", struct.pack("<L", 0)),
}


@pytest.mark.parametrize("which", [ALL, ONE], ids=["all slices", "one slice"])
@pytest.mark.parametrize("case", READ)
def test_an_odd_spelling_is_read_as_the_dictionary_says(tmp_path: Path, case: str, which: slice) -> None:
    volume = read(series_with(tmp_path, *READ[case], which))
    assert np.array_equal(volume.voxels, PHANTOM.hu)
    assert np.allclose(volume.affine, PHANTOM.affine)
    assert volume.certificate.unit == "HU"


@pytest.mark.parametrize("keyword", ["PixelRepresentation", "BitsStored", "HighBit"])
def test_a_known_tag_of_unknown_vr_keeps_signed_values(tmp_path: Path, keyword: str) -> None:
    value = {"PixelRepresentation": 1, "BitsStored": 12, "HighBit": 11}[keyword]
    folder = series_with(tmp_path, keyword, "UN", struct.pack("<H", value), ALL, SIGNED)
    assert np.array_equal(read(folder).voxels, PHANTOM.hu)


REFUSED = {
    "words": ("RescaleIntercept", "DS", b"unknown"),
    "two different values": ("RescaleIntercept", "DS", b"-1024\\0"),
    "thousands or thousandths": ("RescaleIntercept", "DS", b"-1,024"),
    "no number": ("RescaleSlope", "DS", b"nan"),
    "Python's own spelling": ("RescaleIntercept", "DS", b"-1_024"),
    "a NUL inside": ("RescaleIntercept", "DS", b"-10\x0024"),
    "slope 0": ("RescaleSlope", "DS", b"0"),
    "slope 0.0E0": ("RescaleSlope", "DS", b"0.0E0"),
    "one spacing": ("PixelSpacing", "DS", b"0.7"),
    "spacing in words": ("PixelSpacing", "DS", b"0.7 mm\\0.7 mm"),
    "a position of two": ("ImagePositionPatient", "DS", b"1\\2"),
    "half an orientation": ("ImageOrientationPatient", "DS", b"1\\0\\0"),
    "sign 2": ("PixelRepresentation", "US", struct.pack("<H", 2)),
    "sign as a short text": ("PixelRepresentation", "US", b"0 "),
    "two signs": ("PixelRepresentation", "UN", b"\1\0\0\0"),
    "bits in words": ("BitsStored", "LO", b"twelve"),
    "half a bit": ("HighBit", "DS", b"11.5"),
    "samples in words": ("SamplesPerPixel", "LO", b"one"),
    "frames in words": ("NumberOfFrames", "LO", b"some"),
}


@pytest.mark.parametrize("which", [ALL, ONE], ids=["all slices", "one slice"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(tmp_path: Path, case: str, which: slice) -> None:
    keyword, vr, value = REFUSED[case]
    datasets = ct_slices(PHANTOM, "odd")
    if keyword == "NumberOfFrames":
        for ds in datasets:
            ds.NumberOfFrames = 1
    for path in write(datasets, tmp_path)[which]:
        put(path, keyword, vr, value)
    (series,) = find_series(tmp_path)
    with pytest.raises(LesionError, match=keyword) as caught:
        read_series(series)
    assert "IM000" in str(caught.value)
    assert precheck(series).outlook == "refused"
    if not obstacle(series):
        with pytest.raises(LesionError, match=keyword):
            ProgressiveLoading(series).finish()


@pytest.mark.parametrize(("keyword", "value"), [("Rows", b"many"), ("BitsAllocated", b"\1\2\3")])
def test_a_file_whose_size_cannot_be_read_says_so(tmp_path: Path, keyword: str, value: bytes) -> None:
    index = find_series(series_with(tmp_path, keyword, "LO", value, ONE))
    ((path, reason),) = index.skipped
    assert path.name == "IM0003.dcm"
    assert keyword in reason


def test_a_rescale_of_some_slices_only_is_refused(tmp_path: Path) -> None:
    datasets = ct_slices(PHANTOM, "odd")
    del datasets[3].RescaleIntercept
    write(datasets, tmp_path)
    with pytest.raises(LesionError, match=r"IM0004\.dcm: its RescaleSlope or RescaleIntercept is missing"):
        read(tmp_path)


def test_a_value_of_less_weight_is_named_in_the_certificate(tmp_path: Path) -> None:
    volume = read(series_with(tmp_path, "SliceThickness", "DS", b"thin", ONE))
    assert any("SliceThickness holds '****'" in note for note in volume.certificate.notes)
    assert np.array_equal(volume.voxels, PHANTOM.hu)


def test_a_known_tag_of_unknown_vr_in_a_big_endian_file_is_refused(tmp_path: Path) -> None:
    """Whoever made it UN may have left its bytes as they were, or not (PS3.5 6.2.2)."""
    known, unknown = b"\0\x28\1\1US\0\2\0\x0c", b"\0\x28\1\1UN\0\0\0\0\0\2\0\x0c"
    for path in write([encode(ds, ExplicitVRBigEndian) for ds in ct_slices(PHANTOM, "odd")], tmp_path):
        assert known in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(known, unknown))
    with pytest.raises(LesionError, match="BitsStored"):
        read(tmp_path)


def test_an_unreadable_rescale_of_one_frame_is_refused(tmp_path: Path) -> None:
    ds = enhanced(PHANTOM, stored=Stored(intercept=[-1024.0, -1024.0, -1000.0, -1024.0, -1024.0]))
    bad = ds.PerFrameFunctionalGroupsSequence[1].PixelValueTransformationSequence[0]
    bad[0x00281052] = DataElement(0x00281052, "LO", "about -1024")
    write([ds], tmp_path)
    with pytest.raises(LesionError, match=r"RescaleIntercept holds '[*]{11}'"):
        read(tmp_path)


# ------------------------------------------------------------------------------------------------- texts


def named(folder: Path, charset: bytes, name: bytes) -> Volume:
    for path in write(ct_slices(PHANTOM, "names"), folder):
        put(path, "PatientName", "PN", name)
        put(path, "SpecificCharacterSet", "CS", charset)
    return read(folder)


@pytest.mark.parametrize(
    "charset",
    [b"ISO_IR 100", b"ISO_IR 100\0\0", b"iso_ir 100", b"ISO-IR 100", b"ISO IR 100", b"ISO_IR100", b"ISO 2022 IR 100"],
)
def test_a_character_set_is_known_by_its_odd_spellings(tmp_path: Path, charset: bytes) -> None:
    volume = named(tmp_path, charset, "Müller^Jürgen".encode("latin-1"))
    assert volume.series.patient_name == "Müller^Jürgen"
    assert volume.certificate.notes == ()


@pytest.mark.parametrize(
    ("charset", "name", "read_as"),
    [
        (b"KLINGON 5", "Müller".encode(), "Müller"),
        (b"KLINGON 5", "Müller".encode("latin-1"), "Müller"),
        (b"", "Müller".encode(), "Müller"),
        (b"ISO_IR 192", "Müller".encode("latin-1"), "Müller"),
        (b"HEX", "Müller".encode(), "Müller"),
    ],
)
def test_texts_in_doubt_are_said_to_be(tmp_path: Path, charset: bytes, name: bytes, read_as: str) -> None:
    volume = named(tmp_path, charset, name)
    assert volume.series.patient_name == read_as
    assert any("may be misspelt" in note for note in volume.certificate.notes)


def test_plain_ascii_needs_no_character_set(tmp_path: Path) -> None:
    assert named(tmp_path, b"KLINGON 5", b"Mueller").certificate.notes == ()


# ------------------------------------------------------------------------------------------------- is it HU?


def with_type(folder: Path, kind: str | list[str], phantom=PHANTOM, **changes: object) -> Path:
    datasets = ct_slices(phantom, "type")
    for ds in datasets:
        ds.RescaleType = kind
        for keyword, value in changes.items():
            setattr(ds, keyword, value)
    write(datasets, folder)
    return folder


def chest() -> np.ndarray:
    """HU with air, lung and soft tissue in the shares of a chest."""
    hu = np.full((6, 40, 40), -1000, dtype=np.int16)
    hu[:, 8:32, 6:34] = 40
    hu[:, 12:28, 9:18] = hu[:, 12:28, 22:31] = -850
    hu[:, 30:32, 18:22] = 600
    return hu + np.random.default_rng(3).integers(-15, 16, hu.shape).astype(np.int16)


@pytest.mark.parametrize("kind", ["hu", ["HU", "HU"], "Houndsfield Unit", "HOUNSFIELD UNITS", "Hounsfield"])
def test_hu_is_known_by_its_names(tmp_path: Path, kind: str | list[str]) -> None:
    certificate = read(with_type(tmp_path, kind)).certificate
    assert certificate.unit == "HU"
    assert any("taken as HU" in note for note in certificate.notes)


@pytest.mark.parametrize("kind", ["US", "UNSPECIFIED", "normalized"])
def test_an_odd_type_is_hu_where_rescale_and_histogram_are(tmp_path: Path, kind: str) -> None:
    folder = with_type(tmp_path, kind, Phantom(chest(), PHANTOM.affine))
    (series,) = find_series(folder)
    assert "HU" in obstacle(series)
    volume = read_series(series)
    assert volume.certificate.unit == "HU"
    assert any(f"RescaleType is {kind}, not HU, but" in note for note in volume.certificate.notes)


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("US", {}, "only 0.0% of the voxels are in the range of air or lung"),
        ("US", {"RescaleIntercept": "24"}, "intercept of 24"),
        ("MGML", {}, "RescaleType is MGML, not HU"),
        ("HU_MOD", {}, "RescaleType is HU_MOD, not HU"),
    ],
)
def test_other_units_are_not_hu_until_the_user_says_so(
    tmp_path: Path, kind: str, changes: dict[str, str], why: str
) -> None:
    flat = Phantom(np.clip(PHANTOM.hu, -300, 900), PHANTOM.affine)
    (series,) = find_series(with_type(tmp_path, kind, flat, **changes))
    certificate = read_series(series).certificate
    assert certificate.unit != "HU"
    assert any(why in note for note in certificate.notes)
    assumed = read_series(series, assume_hu=True).certificate
    assert assumed.unit == "HU"
    assert any("taken as HU because that was asked for" in note for note in assumed.notes)


# ------------------------------------------------------------------------------------------- floating point pixels


def floats(kind: str = "f4", syntax: str = "<", **changes: object) -> list[Dataset]:
    phantom = Phantom(chest(), PHANTOM.affine)
    datasets = ct_slices(phantom, "floats")
    for k, ds in enumerate(datasets):
        del ds.PixelData
        values = (chest()[k] + 0.25).astype(syntax + kind).tobytes()
        ds.add_new(*((0x7FE00008, "OF", values) if kind == "f4" else (0x7FE00009, "OD", values)))
        ds.BitsAllocated = 8 * int(kind[1])
        for keyword in ("BitsStored", "HighBit", "PixelRepresentation", "RescaleSlope", "RescaleIntercept"):
            delattr(ds, keyword)
        del ds.RescaleType
        for keyword, value in changes.items():
            setattr(ds, keyword, value)
    return datasets


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("implicit", [False, True])
def test_floating_point_pixels_are_read(tmp_path: Path, kind: str, implicit: bool) -> None:
    datasets = floats(kind)
    for ds in datasets:
        if implicit:
            ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    write(datasets, tmp_path)
    volume = read(tmp_path)
    assert np.array_equal(volume.voxels, chest() + np.float32(0.25))
    assert volume.certificate.unit == "HU"
    assert any("floating point" in note for note in volume.certificate.notes)


def test_floating_point_pixels_of_another_scale_are_not_hu(tmp_path: Path) -> None:
    datasets = floats()
    for ds in datasets:
        ds.FloatPixelData = (np.frombuffer(ds.FloatPixelData, "<f4") / 1000).tobytes()
    write(datasets, tmp_path)
    assert read(tmp_path).certificate.unit == ""


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused(tmp_path: Path, bad: float) -> None:
    datasets = floats()
    values = np.frombuffer(datasets[4].FloatPixelData, "<f4").copy()
    values[77] = bad
    datasets[4].FloatPixelData = values.tobytes()
    write(datasets, tmp_path)
    with pytest.raises(LesionError, match=r"IM0005\.dcm: some of its pixels are no finite numbers"):
        read(tmp_path)
