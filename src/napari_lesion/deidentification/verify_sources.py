"""What the sources say that must not be in what was written: the one half of the check, `verify` is the other.

What is looked for: the values of all attributes that Table E.1-1 names (but those that an option keeps), of all private
attributes, person names and their parts, UIDs that are not the standard's, dates and times, free text, the preamble,
what comes after the data set, and names of files and folders. **What is not, and why** (docs/privacy.md has the same
list, and ``tests/deidentification/test_verifier.py`` a canary for each rule):

1. Texts of less than four characters, numbers of less than six, binary values of less than eight bytes: they stand
   everywhere by chance.
2. Values that attributes which may stay have, too (codes, technique, numbers of the image): where they stand, nobody
   can tell them apart. A part of a person's name is looked for all the same.
3. Free text of nothing but words of the public list (``tables/words.txt``) and small numbers. A part of a person's
   name is looked for, whether or not it is such a word: in free text it is a leak, elsewhere it is reported.
4. Dummies that the standard or this program puts in place of values.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

DICOM_ROOT = "1.2.840.10008."
TEXT_LEAST, NUMBER_LEAST, BINARY_LEAST = 4, 6, 8
NUMERIC = re.compile(r"[0-9.]+")
LETTERS = re.compile(r"[^\W\d_]+")
NIFTI_HEADER = 352
DUMMIES = frozenset({"REMOVED", "Removed", "19000101", "000000", "19000101000000", "000Y", "removed"})
FREE = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "UR", "AE", "UN", "PN"})
#: Free text on technique, and codes, which name nobody: manufacturer, model, software, kernel, filter, units, codes.
TECHNICAL = frozenset(
    {
        *("00080070", "00081090", "00181020", "00181210", "00181160", "00189320", "00181016", "00181018", "00181019"),
        *("00281054", "00281055", "00283003", "00283004", "00409210", "00541101", "00541103", "00541104", "00541105"),
        *("00080100", "00080102", "00080103", "00080104", "00080119", "00080120", "00209164", "00209421", "00660031"),
        "00020013",
    }
)
#: Of the program's own results.
RESULT_TEXTS = frozenset(
    {
        *("patient_id", "patient_name", "patient_birth_date", "accession_number", "study_description"),
        *("series_description", "comment", "detail", "reader", "text", "notes", "warnings", "duplicates", "after_file"),
        *("time", "created", "unmeasured", "rescale", "content_sha256", "images_sha256", "files_state"),
    }
)
_PRINTABLE_RUNS = re.compile(rb"[\x20-\x7e]{6,}")
_BULK = frozenset({"OB", "OW", "OF", "OD", "OL", "OV"})
_PIXELS = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})
_KEEPS = {
    "retain patient-characteristics": "retain_patient_characteristics",
    "retain device": "retain_device",
    "retain institution": "retain_institution",
    "retain uids": "retain_uids",
}

Where = tuple[str, Path]
"""Attribute and source."""


#: What results say of model, program and methods, and where the program's own DICOM objects say the same.
_PROGRAM = frozenset({"model.id", "model.version", "model.sha256", "method", "intended_use"})
_OF_PROGRAM = frozenset({"AlgorithmName", "TextValue", "ContentDescription", "DeviceSerialNumber"})


@dataclass(frozen=True)
class CheckOptions:
    """What the de-identification was asked to keep."""

    names: frozenset[str]
    """Such as "retain device"."""

    @property
    def shifted(self) -> bool:
        """Whether dates were to be moved, and times to stay."""
        return "retain dates-shifted" in self.names


@dataclass
class Wanted:
    """What to look for."""

    texts: dict[str, Where] = field(default_factory=dict)
    """Text in lower case → attribute and source."""
    raw: dict[bytes, Where] = field(default_factory=dict)
    """Bytes as the source has them."""
    numbers: dict[str, Where] = field(default_factory=dict)
    """Numbers, dates, times and UIDs."""
    names: dict[str, Where] = field(default_factory=dict)
    """Parts of names of people, in lower case: found as whole words."""
    allowed: set[str] = field(default_factory=set)
    kept_words: set[str] = field(default_factory=set)
    """Words of values that an option keeps, which may be names, too: a hospital's."""
    models: set[str] = field(default_factory=set)
    """What results say of models and methods that made them, which stays."""
    seen: set[tuple[str, str, str]] = field(default_factory=set, repr=False)
    """Values that were gone through: tag, VR and text."""

    def join(self, other: Wanted) -> None:
        """Take in what others have found; what was known first stays."""
        self.texts = other.texts | self.texts
        self.raw = other.raw | self.raw
        self.numbers = other.numbers | self.numbers
        self.names = other.names | self.names
        self.allowed |= other.allowed
        self.kept_words |= other.kept_words
        self.models |= other.models


@dataclass(frozen=True)
class Pixels:
    """What the pixels of a source are: where they came through unchanged, they need not be searched."""

    sha256: bytes = b""
    length: int = 0


Dates = tuple[str, ...]
"""Values of `STUDY_DATES`."""
STUDY_DATES = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate")


Read = Callable[[Path], bytes]
"""Reads a source, which may lie encrypted."""


@dataclass(frozen=True)
class Source:
    """What the check knows of one source."""

    pixels: Pixels = Pixels()
    dates: Dates = ()


def collect(how: tuple[CheckOptions, Read], sources: Sequence[Path]) -> tuple[Wanted, list[Source]]:
    """Read sources: what to look for of all of them, and pixels and dates of each."""
    options, read = how
    wanted = Wanted()
    known: list[Source] = []
    for path in sources:
        if path.name.endswith((".json", ".jsonl", ".nii", ".nii.gz")):
            _collect_result(path, read(path), wanted)
            known.append(Source())
            continue
        dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(read(path)), force=True)
        _collect(dataset, path, wanted, options)
        _collect_around(dataset, path, wanted)
        dates = tuple(str(dataset.get(keyword) or "") for keyword in STUDY_DATES) if options.shifted else ()
        known.append(Source(_pixels_of(dataset), dates))
    wanted.seen.clear()
    return wanted, known


def _collect(dataset: Dataset, source: Path, wanted: Wanted, options: CheckOptions) -> None:
    for tag in dataset.keys():  # noqa: SIM118
        if int(tag) in _PIXELS:
            continue
        try:
            element = dataset[tag]
        except Exception:
            raw = dataset.get_item(tag)
            value = getattr(raw, "value", None)
            if isinstance(value, bytes) and len(value) >= BINARY_LEAST:
                wanted.raw.setdefault(value.strip(b" \0"), (str(tag), source))
            continue
        if element.VR == "SQ":
            for item in element.value or ():
                _collect(item, source, wanted, options)
        elif element.value is not None and element.value != "":
            _one(element, source, wanted, options)


def _one(element: Any, source: Path, wanted: Wanted, options: CheckOptions) -> None:
    tag, vr = f"{int(element.tag):08x}", element.VR
    private = bool(int(element.tag) >> 16 & 1)
    if vr in _BULK or isinstance(element.value, bytes):
        if private or _row(tag) is not None:
            _want_bytes(element.value, (element.keyword or str(element.tag), source), wanted)
        return
    for text in filter(None, (_as_written(one).strip(" \0") for one in _several(element.value))):
        if (tag, vr, text) in wanted.seen:
            continue
        wanted.seen.add((tag, vr, text))
        where = (element.keyword or str(element.tag), source)
        if _may_stay(tag, vr, text, options, private=private):
            wanted.allowed.add(text.lower())
            if vr in FREE and _is_kept(_row(tag), options) and not private:
                wanted.kept_words.update(word.lower() for word in LETTERS.findall(text))
            continue
        if vr == "PN":
            _want_name(text, where, wanted)
        _want_text(text, where, wanted)


def _want_text(text: str, where: Where, wanted: Wanted) -> None:
    if NUMERIC.fullmatch(text):
        if len(text) >= NUMBER_LEAST:
            wanted.numbers.setdefault(text, where)
    elif len(text) >= TEXT_LEAST:
        wanted.texts.setdefault(text.lower(), where)


def _is_kept(row: dict[str, str] | None, options: CheckOptions) -> bool:
    """Whether an option keeps an attribute as it is."""
    return row is not None and any(option in options.names and row[column] == "K" for option, column in _KEEPS.items())


def _may_stay(tag: str, vr: str, text: str, options: CheckOptions, *, private: bool) -> bool:
    if text in DUMMIES:
        return True
    if private:
        numeric = NUMERIC.fullmatch(text) is not None
        return "retain safe-private" in options.names and (numeric or vr == "LO")
    row = _row(tag)
    kept = _is_kept(row, options)
    if vr == "UI" and not kept:
        # UIDREF items (0040,A124) refer to UIDs that were kept; the option's column forgets them (docs/privacy.md).
        kept = "retain uids" in options.names and (row is None or tag == "0040a124")
        return kept or text.startswith((DICOM_ROOT, "2.16.840.1.113883.6."))
    if kept:
        return True
    if vr in ("TM", "DA", "DT"):
        return options.shifted and vr == "TM"
    if row is not None:
        cleaned = (
            row["clean_descriptors"] or row["retain_device"] == "C" or row["retain_patient_characteristics"] == "C"
        )
        zone = tag == "00080201" and options.shifted
        return zone or (bool(cleaned) and names_nobody(text))
    if vr == "PN":
        return False
    if vr in FREE:
        return tag in TECHNICAL or names_nobody(text)
    return True


def _want_name(text: str, where: Where, wanted: Wanted) -> None:
    for part in LETTERS.findall(text):
        if len(part) >= TEXT_LEAST:
            wanted.names.setdefault(part.lower(), where)
    given = [part for part in re.split(r"[\^=]", text) if part.strip()]
    if len(given) > 1:
        for joined in (" ", ", ", "_", "-", "."):
            wanted.texts.setdefault(joined.join(given[:2]).lower(), where)
            wanted.texts.setdefault(joined.join(reversed(given[:2])).lower(), where)


def _want_bytes(value: bytes, where: Where, wanted: Wanted) -> None:
    for run in _PRINTABLE_RUNS.findall(value):
        text = run.strip()
        if len(text) >= BINARY_LEAST and not names_nobody(text.decode("ascii")):
            wanted.raw.setdefault(text, where)
    core = value.strip(b"\0 ")
    if len(core) >= BINARY_LEAST and len(set(core)) > 4:
        wanted.raw.setdefault(core[:4096], where)


def _collect_around(dataset: Dataset, source: Path, wanted: Wanted) -> None:
    """Collect what is no attribute of the data set: preamble, file meta information, names of file and folder."""
    preamble = getattr(dataset, "preamble", None) or b""
    _want_bytes(bytes(preamble), ("the preamble", source), wanted)
    for element in getattr(dataset, "file_meta", None) or ():
        where = (element.keyword or str(element.tag), source)
        if isinstance(element.value, bytes):
            _want_bytes(element.value, where, wanted)
        elif element.VR in ("AE", "UR", "SH") and element.keyword != "ImplementationVersionName":
            text = str(element.value).strip()
            if not names_nobody(text):
                _want_text(text, where, wanted)
        elif element.VR == "UI" and element.keyword == "MediaStorageSOPInstanceUID":
            wanted.numbers.setdefault(str(element.value), where)
    for part in {source.stem, source.parent.name}:
        if len(part) >= NUMBER_LEAST and not names_nobody(part):
            # A number is looked for as a whole one: six digits stand in any UID by chance.
            _want_text(part, ("the file's name", source), wanted)


def drop_models(wanted: Wanted) -> None:
    """Look for no text of our own DICOM objects that says what results say of model and methods, and nothing else."""
    known = sorted((*wanted.models, "sha256"), key=len, reverse=True)
    for text, (attribute, _) in list(wanted.texts.items()):
        if attribute in _OF_PROGRAM:
            left = text
            for one in known:
                left = left.replace(one, " ")
            if names_nobody(left) or any(one.startswith(text) for one in known):  # a checksum that was cut off
                del wanted.texts[text]


def _collect_result(source: Path, data: bytes, wanted: Wanted) -> None:
    """Collect the texts of a result of this program: those of names, comments, sentences, UIDs and times."""
    if not source.suffix.startswith(".json"):
        data = gzip.decompress(data) if source.suffix == ".gz" else data
        _want_bytes(data[:NIFTI_HEADER], ("a NIfTI header", source), wanted)
        return
    for key, text in leaves(_parsed(data, lines=source.suffix == ".jsonl"), ""):
        where = (key, source)
        if key in _PROGRAM:
            wanted.models.add(text.lower())
        elif key.endswith("_uid") and not text.startswith(DICOM_ROOT):
            wanted.numbers.setdefault(text, where)
        elif key == "patient_name":
            _want_name(text, where, wanted)
        elif key in RESULT_TEXTS and len(text) >= TEXT_LEAST and not names_nobody(text):
            wanted.texts.setdefault(text.lower(), where)


def _parsed(data: bytes, *, lines: bool) -> Any:
    """Parse JSON; of lines those that are whole, since nothing is made of what is damaged."""
    found = []
    for line in data.splitlines() if lines else [data]:
        with suppress(ValueError):
            found.append(json.loads(line))
    return found


def leaves(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Give the texts of a JSON value, each with the key that it stands at."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, f"model.{name}" if key == "model" else name)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, key)
    elif isinstance(value, str) and value:
        yield key, value


def _pixels_of(dataset: Dataset) -> Pixels:
    value = dataset.PixelData if "PixelData" in dataset else b""
    native = not dataset.file_meta.get("TransferSyntaxUID", pydicom.uid.ImplicitVRLittleEndian).is_encapsulated
    if not value or not native:
        return Pixels()
    bits = int(dataset.get("BitsAllocated") or 0) * int(dataset.get("SamplesPerPixel") or 1)
    count = int(dataset.get("Rows") or 0) * int(dataset.get("Columns") or 0) * int(dataset.get("NumberOfFrames") or 1)
    length = (bits * count + 7) // 8
    return Pixels(hashlib.sha256(memoryview(value)[:length]).digest(), length)


def _as_written(value: Any) -> str:
    """Give a value's text; of numbers, the digits that the file has."""
    original = getattr(value, "original_string", None)
    return original if isinstance(original, str) and original else str(value)


def _several(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple | pydicom.multival.MultiValue) else (value,)


def names_nobody(text: str) -> bool:
    """Whether a text consists of words of the public list and small numbers."""
    pieces = re.findall(r"[A-Za-z]+|[0-9]+|[^\x00-\x7f]+", text)
    return all(piece.lower() in words() or (piece.isdigit() and len(piece) <= 3) or len(piece) == 1 for piece in pieces)


@cache
def words() -> frozenset[str]:
    """Words of the public list."""
    return frozenset((files(__package__) / "tables" / "words.txt").read_text("utf-8").split())


@cache
def _rows() -> dict[str, dict[str, str]]:
    lines = (files(__package__) / "tables" / "e1-1.csv").read_text("utf-8").splitlines()
    return {row["tag"]: row for row in csv.DictReader(lines[1:])}


@cache
def _row(tag: str) -> dict[str, str] | None:
    if tag.startswith("50"):
        return _rows()["50xxxxxx"]
    if tag.startswith("60"):
        return _rows().get(f"60xx{tag[4:]}", _rows()["60xx3000"])
    return _rows().get(tag)
