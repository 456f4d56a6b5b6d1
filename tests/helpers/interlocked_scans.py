"""Two known volumes under one SeriesInstanceUID, interleaved, shuffled, cut, doubled and relabelled at random.

Each slice's pixels tell which scan it is of, and which slice of it; `check` looks at what is made of them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from dicom_factory import uid
from hypothesis import reject
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR, tag_for_keyword

from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.dicom.read.precheck import precheck
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import GeometryError

STEP_MM = 2.5
ROWS = COLUMNS = 2

# ------------------------------------------------------------------------------------------------- files, written fast


def element(keyword: str, value: object) -> bytes:
    """One element in Explicit VR Little Endian."""
    tag = tag_for_keyword(keyword)
    assert tag is not None
    vr = "OW" if keyword == "PixelData" else dictionary_VR(tag).split(" ")[0]
    if isinstance(value, bytes):
        data = value
    elif vr == "US":
        data = struct.pack("<H", value)
    elif vr == "FD":
        data = struct.pack("<d", value)
    else:
        data = "\\".join(map(str, value if isinstance(value, list | tuple) else [value])).encode()
    data += (b"\0" if vr in ("UI", "OW") else b" ") * (len(data) % 2)
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return head + (struct.pack("<HL", 0, len(data)) if vr == "OW" else struct.pack("<H", len(data))) + data


def save(tags: dict[str, object], path: Path) -> None:
    """Write one CT image."""
    meta = b"".join(
        element(keyword, value)
        for keyword, value in (
            ("MediaStorageSOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
            ("MediaStorageSOPInstanceUID", tags["SOPInstanceUID"]),
            ("TransferSyntaxUID", "1.2.840.10008.1.2.1"),
        )
    )
    head = struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(meta))
    body = b"".join(element(k, v) for k, v in sorted(tags.items(), key=lambda item: tag_for_keyword(item[0]) or 0))
    path.write_bytes(b"\0" * 128 + b"DICM" + head + meta + body)


# ------------------------------------------------------------------------------------------------------- what is mixed


@dataclass
class Slice:
    """One file to be."""

    scan: int
    k: int
    tags: dict[str, object]
    relabelled: bool = False

    def __repr__(self) -> str:
        shown = ("InstanceNumber", *RECIPE, *COUNTING)
        z = self.tags["ImagePositionPatient"][2]  # type: ignore[index]
        said = " ".join(f"{keyword}={self.tags[keyword]}" for keyword in shown if keyword in self.tags)
        return (
            f"<{'AB'[self.scan]}{self.k} z={z} {said} …{str(self.tags['SOPInstanceUID'])[-3:]}{'!' * self.relabelled}>"
        )


@dataclass
class Case:
    """Files of two scans, and what is known of them."""

    slices: list[Slice] = field(default_factory=list)
    copies: int = 0

    def present(self, scan: int) -> set[int]:
        return {one.k for one in self.slices if one.scan == scan}

    def trusted(self, scan: int) -> set[int]:
        return {one.k for one in self.slices if one.scan == scan} - {
            one.k for one in self.slices if one.scan == scan and one.relabelled
        }


RECIPE: dict[str, tuple[object, object]] = {
    "KVP": ("80", "140"),
    "FilterType": ("BODY", "SHARP"),
    "ConvolutionKernel": ("B30f", "B70f"),
    "ContrastBolusAgent": ("none", "Iohexol"),
    "ImageType": (["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL", "VMI"]),
    "SeriesDescription": ("Thorax", "Lung"),
    "TemporalPositionIdentifier": ("1", "2"),
    "MonoenergeticEnergyEquivalent": (40.0, 70.0),
}
COUNTING: dict[str, tuple[object, object]] = {
    "AcquisitionNumber": ("1", "2"),
    "AcquisitionTime": ("101010", "101040"),
    "ContentTime": ("101010", "101040.5"),
    "ImageComments": ("arterial", "venous"),
}
#: Where the second scan begins, in steps.
SHIFTS = (0.0, 0.5, 1 / 3, 0.12, 2.0, -1.0)


def base(scan: int, k: int, shift: float, direction: int) -> dict[str, object]:
    return {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "SOPInstanceUID": uid("interlock", scan, k),
        "SeriesInstanceUID": uid("interlock series"),
        "StudyInstanceUID": uid("interlock study"),
        "FrameOfReferenceUID": uid("interlock frame"),
        "PatientID": "P1",
        "PatientName": "Test^One",
        "Modality": "CT",
        "InstanceNumber": str(k + 1),
        "ImagePositionPatient": ["-10", "20", f"{-50 + direction * STEP_MM * (k + shift * scan):.6f}"],
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "PixelSpacing": ["0.7", "0.7"],
        "SliceThickness": str(STEP_MM),
        "Rows": ROWS,
        "Columns": COLUMNS,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "RescaleSlope": "1",
        "RescaleIntercept": "0",
        "PixelData": np.full((ROWS, COLUMNS), 100 * scan + k, "<u2").tobytes(),
    }


@st.composite
def cases(draw: st.DrawFn) -> Case:
    counts = draw(st.integers(5, 9)), draw(st.integers(5, 9))
    shift, direction = draw(st.sampled_from(SHIFTS)), draw(st.sampled_from((1, -1)))
    case = Case()
    for scan, count in enumerate(counts):
        case.slices += [Slice(scan, k, base(scan, k, shift, direction)) for k in range(count)]
    telling = draw(st.lists(st.sampled_from([*RECIPE, *COUNTING]), unique=True, max_size=3))
    values = {**RECIPE, **COUNTING}
    for one in case.slices:
        one.tags.update({keyword: values[keyword][one.scan] for keyword in telling})
    interlocked = shift in (0.5, 1 / 3)
    schemes = ["equal", "one after the other"]
    if telling or not interlocked:  # else these numbers make them what one volume is, slice by slice
        schemes += ["by position", "shuffled", "none", "all the same"]
    _number(draw, case, draw(st.sampled_from(schemes)), counts[0])
    if draw(st.booleans()):
        for one in case.slices:
            one.tags["FrameOfReferenceUID"] = uid("interlock frame", one.scan)
    if telling:
        _relabel(draw, case, telling, values)
    _drop(draw, case, counts)
    if interlocked and not telling and min(len(case.present(scan)) for scan in (0, 1)) < 4:
        reject()  # too few to tell by their numbers alone
    if len(telling) == 1 and any(_unknowable(case, one) for one in case.slices if one.relabelled):
        reject()
    places = {str(one.tags["ImagePositionPatient"]) for one in case.slices}
    if shift in (2.0, -1.0) and not telling and len(places) == len(case.slices):
        reject()  # what is left lies as one volume does, and nothing but pixels tells that it is none
    _double(draw, case)
    case.slices = draw(st.permutations(case.slices))
    return case


def _unknowable(case: Case, relabelled: Slice) -> bool:
    """Whether a slice lies where the scan that its only label names could well have it."""

    def z(one: Slice) -> float:
        return float(one.tags["ImagePositionPatient"][2])  # type: ignore[index]

    return min(abs(z(one) - z(relabelled)) for one in case.slices if one.scan != relabelled.scan) > 0.55 * STEP_MM


def _number(draw: st.DrawFn, case: Case, scheme: str, first: int) -> None:
    ordered = sorted(case.slices, key=lambda one: float(one.tags["ImagePositionPatient"][2]))  # type: ignore[index]
    if scheme == "shuffled":
        ordered = draw(st.permutations(ordered))
    for n, one in enumerate(ordered):
        if scheme == "one after the other":
            one.tags["InstanceNumber"] = str(one.k + 1 + first * one.scan)
        elif scheme in ("by position", "shuffled"):
            one.tags["InstanceNumber"] = str(n + 1)
        elif scheme == "none":
            del one.tags["InstanceNumber"]
        elif scheme == "all the same":
            one.tags["InstanceNumber"] = "1"


def _relabel(draw: st.DrawFn, case: Case, telling: Sequence[str], values: dict[str, tuple[object, object]]) -> None:
    """Give a slice a tag of the other scan, or none; where another tag tells still, exchange one tag of two slices."""
    how = draw(st.sampled_from(("not", "not", "other", "none", "exchange")))
    keyword = draw(st.sampled_from(telling))
    if how in ("other", "none"):
        one = draw(st.sampled_from(case.slices))
        if how == "other":
            one.tags[keyword] = values[keyword][1 - one.scan]
        else:
            del one.tags[keyword]
        one.relabelled = True
    elif how == "exchange" and len(telling) > 1:
        k = draw(st.integers(0, 4))
        for one in case.slices:
            if one.k == k:
                one.tags[keyword] = values[keyword][1 - one.scan]
                one.relabelled = True


def _drop(draw: st.DrawFn, case: Case, counts: tuple[int, int]) -> None:
    for scan, count in enumerate(counts):
        gone = draw(st.sets(st.integers(0, count - 1), max_size=2))
        case.slices = [one for one in case.slices if one.scan != scan or one.k not in gone]


def _double(draw: st.DrawFn, case: Case) -> None:
    """Send some slices again: as copies, or as new instances."""
    for one in draw(st.lists(st.sampled_from(case.slices), max_size=3)):
        tags = dict(one.tags)
        if draw(st.booleans()):
            tags["SOPInstanceUID"] = uid("interlock again", case.copies)
        case.copies += 1
        case.slices.append(Slice(one.scan, one.k, tags, one.relabelled))


# ------------------------------------------------------------------------------------------------------------ the proof


def check(case: Case, folder: Path) -> str:
    """Look at all that is made of a case; say what it was."""
    names = {}
    for n, one in enumerate(case.slices):
        save(one.tags, folder / f"{n}.dcm")
        names[folder / f"{n}.dcm"] = one
    index = find_series(folder)
    assert not index.skipped
    held = sum(series.n_slices + len(series.duplicates) for series in index)
    assert held == len(case.slices), "each slice is in a series, or named as a repeat"
    outcomes = []
    for series in index:
        whose = {(names[frame.file.path].scan, names[frame.file.path].k) for frame in series.frames}
        outcomes.append(_outcome(case, series, {scan for scan, _ in whose}))
    return " + ".join(sorted(outcomes))


def _read(series: Series, *, allow_gaps: bool = False) -> tuple[Volume | None, str]:
    try:
        return read_series(series, allow_gaps=allow_gaps), ""
    except GeometryError as error:
        return None, str(error)


def _outcome(case: Case, series: Series, scans: set[int]) -> str:
    if series.kind == "image":
        return "image"
    volume, why = _read(series)
    if volume is None:
        assert precheck(series).outlook == "refused"
        if _read(series, allow_gaps=True)[0] is None:
            return "refused"
        assert len(scans) == 1, f"interpolated between two scans: {why}"
        return "gap"
    assert len(scans) == 1, "slices of two scans in one volume"
    (scan,) = scans
    values = [int(v) for v in volume.voxels[:, 0, 0]]
    ks = [value - 100 * scan for value in values]
    assert len(set(np.diff(ks))) == 1, f"out of order: {ks}"
    for place, k in enumerate(ks):
        (one,) = {str(s.tags["ImagePositionPatient"]): s for s in case.slices if (s.scan, s.k) == (scan, k)}.values()
        expected = [float(x) for x in one.tags["ImagePositionPatient"]]  # type: ignore[attr-defined]
        assert np.abs(volume.to_patient((place, 0, 0)) - expected).max() < 0.01
    assert set(ks) >= case.trusted(scan), "half of a volume"
    assert volume.certificate.verdict == "as acquired"
    return "whole"
