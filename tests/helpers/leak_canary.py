"""A patient whose every identifying value is unmistakable, and a search for these in whatever is written or shown.

Each value begins with letters that stand nowhere else, so that one search finds it whatever became of the rest of it
(cut, escaped, with ``^`` or blanks, upper or lower case). What files pack is unpacked first.
"""

from __future__ import annotations

import base64
import gzip
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pydicom
from fake_scan import make_volume

from napari_lesion.dicom.writer import write_ct_series

SERIES_UID, STUDY_UID, FRAME_UID = "1.2.826.7707707.1", "1.2.826.7707707.2", "1.2.826.7707707.3"
#: What it is → how it begins, in each way that it may be written. Letters are searched in any case.
STEMS: dict[str, tuple[str, ...]] = {
    "name": ("Qznamefam", "Qznamegiv"),
    "id": ("Qzpatid",),
    "other id": ("Qzotherid",),
    "birth date": ("19440612", "1944-06-12", "12.06.1944", "12/06/1944", "1944/06/12", "06/12/1944"),
    "accession number": ("Qzaccnum",),
    "study id": ("Qzstudyid",),
    "referrer": ("Qzreferrer",),
    "institution": ("Qzinstitut",),
    "operator": ("Qzoperator",),
    "study description": ("Qzstudytext",),
    "series description": ("Qzseriestext",),
    "comment": ("Qzcomment",),
    "folder": ("Qzfolder",),
    "file": ("Qzfilename",),
    "uid": ("1.2.826.7707707",),
}
FOLDER, FILE = "Qzfolder Müller", "Qzfilename Müller"
#: What DICOM has of the patient beyond the pixels.
VALUES: dict[str, object] = {
    "SpecificCharacterSet": "ISO_IR 192",
    "PatientName": "Qznamefam-Müller^Qznamegiv",
    "PatientID": "Qzpatid/7701 x",
    "OtherPatientIDs": "Qzotherid77",
    "PatientBirthDate": "19440612",
    "AccessionNumber": "Qzaccnum7703",
    "StudyID": "Qzstudyid77",
    "ReferringPhysicianName": "Qzreferrer^Doc",
    "InstitutionName": "Qzinstitut Süd",
    "OperatorsName": "Qzoperator^Op",
    "StudyDescription": "CT of Qzstudytext",
    "SeriesDescription": "lung Qzseriestext",
    "PatientComments": "Qzcomment, private",
    "ImageComments": "Qzcomment <b>",
    "StudyDate": "20240229",
    "FrameOfReferenceUID": FRAME_UID,
    "BodyPartExamined": "CHEST",
    "BurnedInAnnotation": "NO",
    "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
}
PARTS = frozenset(STEMS)


def write_scan(folder: Path, uid: str = SERIES_UID, *, slices: int = 12, **changes: object) -> list[Path]:
    """Write a small CT of the patient, into files and a folder that are called after them."""
    volume = make_volume(shape=(slices, 100, 150), series_uid=uid)
    files = []
    for number, path in enumerate(write_ct_series(volume, folder, series_uid=uid, study_uid=STUDY_UID)):
        one = pydicom.dcmread(path)
        with pydicom.config.disable_value_validation():
            for keyword, value in {**VALUES, **changes}.items():
                setattr(one, keyword, value)
            block = one.private_block(0x0011, "Qzcomment creator", create=True)
            block.add_new(1, "LO", "Qzcomment of a maker")
            named = path.with_name(f"{FILE} {number:03d}.dcm")
            one.save_as(named)
        path.unlink()
        files.append(named)
    return files


# ------------------------------------------------------------------------------------------------------------ search


def parts_in(*what: object) -> set[str]:
    """Find what of the patient is in texts, bytes, files and folders; of folders, what is called so, too."""
    found: set[str] = set()
    for one in what:
        if isinstance(one, Path):
            for path in [one, *one.rglob("*")] if one.is_dir() else [one]:
                found |= _in_bytes(str(path.relative_to(one)).encode("utf-8", "surrogateescape"))
                if path.is_file() and not path.is_symlink():
                    found |= _in_packed(path.read_bytes())
        elif isinstance(one, bytes):
            found |= _in_packed(one)
        else:
            found |= _in_packed(str(one).encode("utf-8", "surrogateescape"))
    return found


@cache
def _needles() -> tuple[tuple[str, bytes, bool], ...]:
    """Everything to look for: what it is, bytes, and whether letters count in any case."""
    made: list[tuple[str, bytes, bool]] = []
    for part, stems in STEMS.items():
        for stem in stems:
            lower = stem.lower()
            made.append((part, lower.encode(), True))
            made += [(part, between.join(letter.encode() for letter in lower), True) for between in (b"\0", b"\0\0\0")]
            for text in {stem, lower, stem.upper()}:
                digits = text.encode().hex(" ")
                made.append((part, digits.replace(" ", "").encode(), True))
                made.append((part, f"%{digits.replace(' ', '%')}".encode(), True))
                made += [(part, needle, False) for needle in _in_base64(text.encode())]
    return tuple(made)


def _in_base64(text: bytes) -> Iterator[bytes]:
    """Give what base64 of anything with a text in it has for sure, for each of three places where it may begin."""
    for before in range(3):
        coded = base64.b64encode(bytes(before) + text)
        first = -(-before * 8 // 6)
        last = (before + len(text)) * 8 // 6
        yield coded[first:last]


def _in_bytes(content: bytes) -> set[str]:
    lower = content.lower()
    return {part for part, needle, any_case in _needles() if needle in (lower if any_case else content)}


def _in_packed(content: bytes, depth: int = 0) -> set[str]:
    found = _in_bytes(content)
    if depth < 4:
        for inner in _unpacked(content):
            found |= _in_packed(inner, depth + 1)
    return found


def _unpacked(content: bytes) -> Iterator[bytes]:
    """What is packed in a file: zip (npz, torch's), gzip, zlib (PDF, PNG), deflated DICOM, base64 in pages."""
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                yield entry.filename.encode() + b"\n" + entry.comment
                yield archive.read(entry)
    if content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content)
        return
    for start in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        for at in _places(content, start):
            yield from _inflated(content[at:], zlib.MAX_WBITS)
    if content[128:132] == b"DICM" and b"1.2.840.10008.1.2.1.99" in content[:1000]:
        (length,) = struct.unpack("<I", content[140:144])
        yield from _inflated(content[144 + length :], -zlib.MAX_WBITS)
    for coded in re.findall(rb"base64,([A-Za-z0-9+/]{40,}=*)", content):
        yield base64.b64decode(coded + b"=" * (-len(coded) % 4))


def _places(content: bytes, what: bytes) -> Iterable[int]:
    at = content.find(what)
    while at >= 0:
        yield at
        at = content.find(what, at + 1)


def _inflated(content: bytes, bits: int) -> Iterator[bytes]:
    try:
        inflated = zlib.decompressobj(bits).decompress(content, 10**7)
    except zlib.error:
        return
    if len(inflated) > 8:
        yield inflated
