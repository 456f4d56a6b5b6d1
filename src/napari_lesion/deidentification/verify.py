"""Search what was written for what was in the sources: the check of a de-identification, written apart from it.

It shares no code with what de-identifies (``tests/deidentification/test_run.py`` holds that), reads the sources
again, and looks at bytes, not at attributes: at every file below the output, at file names, in several encodings, and
without regard to case.

What is searched for: the values of all attributes that Table E.1-1 names (but those that an option keeps), of all
private attributes, person names, UIDs that are not the standard's, dates and times, free text, the preamble, and what
comes after the data set. What is not: texts of less than four characters and numbers of less than six, which are
found everywhere; values that attributes which may stay have, too; texts that consist of words of the list of
``tables/words.txt``; what dummies are made of.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

_DICOM = "1.2.840.10008."
_TEXT_LEAST, _NUMBER_LEAST, _BINARY_LEAST, _PIXEL_LEAST = 4, 6, 8, 6
_NUMERIC = re.compile(r"[0-9.]+")
_RUNS = re.compile(rb"[0-9][0-9.]{4,}[0-9]")
_PRINTABLE_RUNS = re.compile(rb"[\x20-\x7e]{6,}")
_LETTERS = re.compile(r"[^\W\d_]+")
_DATE_LENGTH, _DATETIME_LENGTH = 8, 14
_WORD_LEAST = 8
_SMALL = 3
"""Digits of numbers that name nobody."""
_DUMMIES = frozenset({"REMOVED", "Removed", "19000101", "000000", "19000101000000", "000Y", "removed"})
#: What all that is written says of how it was made; a folder or device may be called like a piece of it.
_OURS = (
    "napari_lesion napari-lesion deidentification deidentification.json edition ps3.15 2026c options option: retain "
    "clean dates-shifted patient-characteristics device institution safe-private uids descriptors graphics pixels "
    "structured-content basic application confidentiality profile clean pixel data option clean graphics option clean "
    "structured content option clean descriptors option retain longitudinal temporal information modified dates option "
    "retain patient characteristics option retain device identity option retain uids option retain safe private option "
    "retain institution identity option 99private removed modified codes files written masked quarantined left out "
    "patients notes"
)
_FREE = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "UR", "AE", "UN", "PN"})
_BULK = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
_KEEPS = {
    "retain patient-characteristics": "retain_patient_characteristics",
    "retain device": "retain_device",
    "retain institution": "retain_institution",
    "retain uids": "retain_uids",
}
#: Free text on technique, and codes, which name nobody: manufacturer, model, software, kernel, filter, units, codes.
_TECHNICAL = frozenset(
    {
        *("00080070", "00081090", "00181020", "00181210", "00181160", "00189320", "00181016", "00181018", "00181019"),
        *("00281054", "00281055", "00283003", "00283004", "00409210", "00541101", "00541103", "00541104", "00541105"),
        *("00080100", "00080102", "00080103", "00080104", "00080119", "00080120", "00209164", "00209421", "00660031"),
        "00020013",
    }
)
#: Of the program's own results.
_RESULT_TEXTS = frozenset(
    {
        *("patient_id", "patient_name", "patient_birth_date", "accession_number", "study_description"),
        *("series_description", "comment", "detail", "reader", "text", "notes", "warnings", "duplicates", "after_file"),
        *("time", "created", "unmeasured", "rescale", "content_sha256", "images_sha256", "files_state"),
    }
)
_NIFTI_HEADER = 352
_STUDY_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate")


@dataclass(frozen=True)
class Asked:
    """What the de-identification was asked to keep."""

    options: frozenset[str]
    """Such as "retain device"."""

    @property
    def shifted(self) -> bool:
        """Whether dates were to be moved, and times to stay."""
        return "retain dates-shifted" in self.options


@dataclass(frozen=True)
class Leak:
    """A value of a source that was found."""

    attribute: str
    source: Path
    file: str
    """Path below the output."""


@dataclass
class _Wanted:
    texts: dict[str, tuple[str, Path]] = field(default_factory=dict)
    """Text in lower case → attribute and source."""
    raw: dict[bytes, tuple[str, Path]] = field(default_factory=dict)
    """Bytes as the source has them."""
    numbers: dict[str, tuple[str, Path]] = field(default_factory=dict)
    """Numbers, dates, times and UIDs."""
    names: dict[str, tuple[str, Path]] = field(default_factory=dict)
    """Parts of names, in lower case: found as whole words."""
    allowed: set[str] = field(default_factory=set)
    kept_words: set[str] = field(default_factory=set)
    """Words of values that an option keeps, which may be names, too: a hospital's."""


def leaks(
    written: Sequence[tuple[Path, Path]], place: Path, asked: Asked, tell: Callable[[int, int], None]
) -> list[Leak]:
    """Find values of the sources in what was written.

    Parameters
    ----------
    written : sequence of (Path, Path)
        Source and output of each file.
    place : Path
        Folder of all that was written; other files in it are searched, too.
    asked : Asked
    tell : callable
        Called with how many files were looked at, and how many there are; may raise.
    """
    wanted = _Wanted()
    pixels: dict[Path, tuple[bytes, int]] = {}
    found: list[Leak] = []
    total = 2 * len(written)
    moves: dict[str, set[int]] = defaultdict(set)
    for number, (source, output) in enumerate(written):
        tell(number, total)
        if source.name.endswith((".json", ".nii", ".nii.gz")):
            _collect_result(source, wanted)
            pixels[output] = b"", 0
            continue
        dataset = pydicom.dcmread(source, force=True)
        _collect(dataset, source, wanted, asked)
        _collect_around(dataset, source, wanted)
        if asked.shifted:
            _compare_dates(dataset, output, place, source, moves, found)
        pixels[output] = _digest_of_pixels(dataset)
    _drop_allowed(wanted, moves)
    search = _Search(wanted)
    outputs = {output for _, output in written}
    for number, path in enumerate(sorted(one for one in place.rglob("*") if one.is_file())):
        tell(len(written) + min(number, len(written)), total)
        name = path.relative_to(place).as_posix()
        found += search.in_bytes(name.encode("utf-8", "surrogateescape"), name)
        data = path.read_bytes()
        if path not in outputs or path.suffix != ".dcm":
            found += search.in_bytes(gzip.decompress(data)[:_NIFTI_HEADER] if path.suffix == ".gz" else data, name)
            continue
        head, bulk = _apart(data, pixels[path])
        found += search.in_bytes(head, name)
        found += search.in_pixels(bulk, name)
    return found


class _Search:
    def __init__(self, wanted: _Wanted) -> None:
        self._numbers = wanted.numbers
        self._names = wanted.names
        patterns: dict[bytes, tuple[str, Path]] = {}
        for text, where in wanted.texts.items():
            for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
                try:
                    patterns[text.encode(encoding).lower()] = where
                except UnicodeEncodeError:
                    continue
        for raw, where in wanted.raw.items():
            patterns[raw.lower()] = where
        for text, where in wanted.numbers.items():
            if where[0] in ("PatientID", "OtherPatientIDs", "AccessionNumber"):
                patterns[text.encode("utf-16-le")] = where
        self._patterns = patterns
        self._word_patterns = {word.encode("utf-8"): word for word in wanted.names}
        self._long = [one for one in patterns if len(one) >= _PIXEL_LEAST]

    def in_bytes(self, data: bytes, name: str) -> Iterator[Leak]:
        """Search anything but pixels."""
        lowered = data.lower()
        for pattern, (attribute, source) in self._patterns.items():
            if pattern in lowered and (not _is_short(pattern) or _stands_alone(pattern, lowered)):
                yield Leak(attribute, source, name)
        for pattern, word in self._word_patterns.items():
            if pattern in lowered and _stands_alone(pattern, lowered):
                attribute, source = self._names[word]
                yield Leak(attribute, source, name)
        for run in _runs(data):
            if run in self._numbers:
                attribute, source = self._numbers[run]
                yield Leak(attribute, source, name)

    def in_pixels(self, data: bytes, name: str) -> Iterator[Leak]:
        """Search the bytes of pixels, in which short texts stand by chance."""
        if not data:
            return
        lowered = data.lower()
        for pattern in self._long:
            if pattern in lowered:
                attribute, source = self._patterns[pattern]
                yield Leak(f"{attribute} (in the bytes of pixels)", source, name)


def _runs(data: bytes) -> Iterator[str]:
    for found in _RUNS.finditer(data):
        text = found[0].decode("ascii")
        yield text
        if len(text) >= _DATETIME_LENGTH and text[:_DATETIME_LENGTH].isdigit():
            yield text[:_DATE_LENGTH]


def _is_short(pattern: bytes) -> bool:
    """Whether a word is so short that it is a piece of others by chance, as "normal" is of "abnormal"."""
    return len(pattern) < _WORD_LEAST and pattern.isalpha()


def _stands_alone(word: bytes, data: bytes) -> bool:
    return re.search(rb"(?<![a-z\x80-\xff])" + re.escape(word) + rb"(?![a-z\x80-\xff])", data) is not None


def _collect(dataset: Dataset, source: Path, wanted: _Wanted, asked: Asked) -> None:
    for tag in dataset.keys():  # noqa: SIM118
        try:
            element = dataset[tag]
        except Exception:
            raw = dataset.get_item(tag)
            value = getattr(raw, "value", None)
            if isinstance(value, bytes) and len(value) >= _BINARY_LEAST:
                wanted.raw[value.strip(b" \0")] = (str(tag), source)
            continue
        if element.VR == "SQ":
            for item in element.value or ():
                _collect(item, source, wanted, asked)
            continue
        if element.value is None or element.value == "" or int(tag) in (0x7FE00010, 0x7FE00008, 0x7FE00009):
            continue
        _one(element, source, wanted, asked)


def _one(element: Any, source: Path, wanted: _Wanted, asked: Asked) -> None:
    tag, vr = f"{int(element.tag):08x}", element.VR
    where = (element.keyword or str(element.tag), source)
    private = bool(int(element.tag) >> 16 & 1)
    if vr in _BULK or isinstance(element.value, bytes):
        if private or _row(tag) is not None:
            _want_bytes(element.value, where, wanted)
        return
    values = [_as_written(one) for one in _several(element.value)]
    for text in filter(None, (one.strip(" \0") for one in values)):
        if _may_stay(tag, vr, text, asked, private=private):
            wanted.allowed.add(text.lower())
            if vr in _FREE and _is_kept(_row(tag), asked) and not private:
                wanted.kept_words.update(word.lower() for word in _LETTERS.findall(text))
            continue
        if vr == "PN":
            _want_name(text, where, wanted)
        if _NUMERIC.fullmatch(text):
            if len(text) >= _NUMBER_LEAST:
                wanted.numbers.setdefault(text, where)
        elif len(text) >= _TEXT_LEAST:
            wanted.texts.setdefault(text.lower(), where)


def _is_kept(row: dict[str, str] | None, asked: Asked) -> bool:
    """Whether an option keeps an attribute as it is."""
    return row is not None and any(option in asked.options and row[column] == "K" for option, column in _KEEPS.items())


def _may_stay(tag: str, vr: str, text: str, asked: Asked, *, private: bool) -> bool:
    if text in _DUMMIES:
        return True
    if private:
        numeric = _NUMERIC.fullmatch(text) is not None
        return "retain safe-private" in asked.options and (numeric or vr == "LO")
    row = _row(tag)
    kept = _is_kept(row, asked)
    if vr == "UI" and not kept:
        # Of UIDREF items (0040,A124), which refer to the others, the option's column says nothing.
        kept = "retain uids" in asked.options and (row is None or tag == "0040a124")
        return kept or text.startswith((_DICOM, "2.16.840.1.113883.6."))
    if kept:
        return True
    if vr in ("TM", "DA", "DT"):
        return asked.shifted and vr == "TM"
    if row is not None:
        cleaned = (
            row["clean_descriptors"] or row["retain_device"] == "C" or row["retain_patient_characteristics"] == "C"
        )
        zone = tag == "00080201" and asked.shifted
        return zone or (bool(cleaned) and _names_nobody(text))
    if vr == "PN":
        return False
    if vr in _FREE:
        return tag in _TECHNICAL or _names_nobody(text)
    return True


def _want_name(text: str, where: tuple[str, Path], wanted: _Wanted) -> None:
    parts = [part.lower() for part in _LETTERS.findall(text) if len(part) >= _TEXT_LEAST]
    for part in parts:
        if part not in _words():
            wanted.names.setdefault(part, where)
    given = [part for part in re.split(r"[\^=]", text) if part.strip()]
    if len(given) > 1:
        for joined in (" ", ", ", "_", "-", "."):
            wanted.texts.setdefault(joined.join(given[:2]).lower(), where)
            wanted.texts.setdefault(joined.join(reversed(given[:2])).lower(), where)


def _want_bytes(value: bytes, where: tuple[str, Path], wanted: _Wanted) -> None:
    for run in _PRINTABLE_RUNS.findall(value):
        text = run.strip()
        if len(text) >= _BINARY_LEAST and not _names_nobody(text.decode("ascii")):
            wanted.raw.setdefault(text, where)
    core = value.strip(b"\0 ")
    if len(core) >= _BINARY_LEAST and len(set(core)) > 4:
        wanted.raw.setdefault(core[:4096], where)


def _collect_around(dataset: Dataset, source: Path, wanted: _Wanted) -> None:
    """Collect what is no attribute of the data set: preamble, file meta information, names of file and folder."""
    preamble = getattr(dataset, "preamble", None) or b""
    _want_bytes(bytes(preamble), ("the preamble", source), wanted)
    for element in getattr(dataset, "file_meta", None) or ():
        where = (element.keyword or str(element.tag), source)
        if isinstance(element.value, bytes):
            _want_bytes(element.value, where, wanted)
        elif element.VR in ("AE", "UR", "SH") and element.keyword != "ImplementationVersionName":
            text = str(element.value).strip()
            if len(text) >= _TEXT_LEAST and not _names_nobody(text):
                wanted.texts.setdefault(text.lower(), where)
        elif element.VR == "UI" and element.keyword == "MediaStorageSOPInstanceUID":
            wanted.numbers.setdefault(str(element.value), where)
    for part in {source.stem, source.parent.name}:
        if len(part) >= _NUMBER_LEAST and not _names_nobody(part):
            wanted.texts.setdefault(part.lower(), ("the file's name", source))


def _collect_result(source: Path, wanted: _Wanted) -> None:
    """Collect the texts of a result of this program: those of names, comments, sentences, UIDs and times."""
    if source.suffix != ".json":
        data = source.read_bytes()
        data = gzip.decompress(data) if source.suffix == ".gz" else data
        _want_bytes(data[:_NIFTI_HEADER], ("a NIfTI header", source), wanted)
        return
    for key, text in _leaves(json.loads(source.read_text(encoding="utf-8")), ""):
        where = (key, source)
        if key.endswith("_uid") and not text.startswith(_DICOM):
            wanted.numbers.setdefault(text, where)
        elif key == "patient_name":
            _want_name(text, where, wanted)
        elif key in _RESULT_TEXTS and len(text) >= _TEXT_LEAST and not _names_nobody(text):
            wanted.texts.setdefault(text.lower(), where)


def _leaves(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, key)
    elif isinstance(value, str) and value:
        yield key, value


def _drop_allowed(wanted: _Wanted, moves: dict[str, set[int]]) -> None:
    for text in [one for one in wanted.texts if one in _OURS]:
        del wanted.texts[text]
    stays = "\n".join(wanted.allowed)
    for text in [one for one in wanted.texts if one in stays]:
        del wanted.texts[text]
    for text in wanted.allowed:
        wanted.numbers.pop(text, None)
    for word in wanted.kept_words:
        wanted.names.pop(word, None)
    for days in {one for some in moves.values() for one in some}:
        for text in [one for one in wanted.numbers if len(one) == _DATE_LENGTH]:
            moved = _moved(text, days)
            if moved in wanted.numbers:
                del wanted.numbers[moved]  # another date of the patient has moved there


def _compare_dates(
    source: Dataset, output: Path, place: Path, path: Path, moves: dict[str, set[int]], found: list[Leak]
) -> None:
    """Dates have moved by the same days in all of a patient's files, and by more than none."""
    made = pydicom.dcmread(output, stop_before_pixels=True)
    name = output.relative_to(place).as_posix()
    patient = str(made.get("PatientID", ""))
    for keyword in _STUDY_DATES:
        before, after = _date(source.get(keyword)), _date(made.get(keyword))
        if before is None or after is None:
            continue
        days = (after - before).days
        if days == 0 or (moves[patient] and days not in moves[patient]):
            found.append(Leak(f"{keyword} (moved by other days than the rest)", path, name))
        else:
            moves[patient].add(days)


def _digest_of_pixels(dataset: Dataset) -> tuple[bytes, int]:
    value = dataset.PixelData if "PixelData" in dataset else b""
    native = not dataset.file_meta.get("TransferSyntaxUID", pydicom.uid.ImplicitVRLittleEndian).is_encapsulated
    if not value or not native:
        return b"", 0
    bits = int(dataset.get("BitsAllocated") or 0) * int(dataset.get("SamplesPerPixel") or 1)
    count = int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0) * int(dataset.get("NumberOfFrames") or 1)
    length = (bits * count + 7) // 8
    return bytes(value[:length]), length


def _apart(data: bytes, pixels: tuple[bytes, int]) -> tuple[bytes, bytes]:
    """Divide a file into what is searched wholly and the bytes of its pixels; none where they are the source's."""
    dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data))
    if dataset.file_meta.TransferSyntaxUID == pydicom.uid.DeflatedExplicitVRLittleEndian:
        start = 132 + 12 + int(dataset.file_meta.FileMetaInformationGroupLength)
        data = data[:start] + zlib.decompress(data[start:], -zlib.MAX_WBITS)
    value = bytes(dataset.PixelData) if "PixelData" in dataset else b""
    at = data.rfind(value) if value else -1
    if at < 0:
        return data, b""
    head = data[:at] + b"\n" + data[at + len(value) :]
    same = bool(pixels[1]) and value[: pixels[1]] == pixels[0] and len(value) <= pixels[1] + 1
    return head, b"" if same else value


def _as_written(value: Any) -> str:
    """Give a value's text; of numbers, the digits that the file has."""
    original = getattr(value, "original_string", None)
    return original if isinstance(original, str) and original else str(value)


def _several(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple | pydicom.multival.MultiValue) else (value,)


def _names_nobody(text: str) -> bool:
    """Whether a text consists of words of the public list and small numbers."""
    pieces = re.findall(r"[A-Za-z]+|[0-9]+|[^\x00-\x7f]+", text)
    return all(
        piece.lower() in _words() or (piece.isdigit() and len(piece) <= 3) or len(piece) == 1 for piece in pieces
    )


def _date(value: object) -> date | None:
    try:
        text = str(value or "")
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _moved(text: str, days: int) -> str:
    there = _date(text)
    try:
        return (there + timedelta(days=days)).strftime("%Y%m%d") if there else ""
    except OverflowError:
        return ""


@cache
def _words() -> frozenset[str]:
    return frozenset((files(__package__) / "tables" / "words.txt").read_text("utf-8").split())


@cache
def _rows() -> dict[str, dict[str, str]]:
    lines = (files(__package__) / "tables" / "e1-1.csv").read_text("utf-8").splitlines()
    return {row["tag"]: row for row in csv.DictReader(lines[1:])}


def _row(tag: str) -> dict[str, str] | None:
    if tag.startswith("50"):
        return _rows()["50xxxxxx"]
    if tag.startswith("60"):
        return _rows().get(f"60xx{tag[4:]}", _rows()["60xx3000"])
    return _rows().get(tag)
