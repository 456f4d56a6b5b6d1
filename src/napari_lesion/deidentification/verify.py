"""Search what was written for what was in the sources: the check of a de-identification, written apart from it.

It shares no code with what de-identifies (``tests/deidentification/test_verifier.py`` holds that), reads the sources
again (`verify_sources`, which says what is looked for and what is not), and looks at bytes, not at attributes: at every
file below the output, at file names, in several encodings, and without regard to case.

What all that is written says of how it was made (`_OURS`) is cut out of the bytes first, in the form in which it stands
there and nowhere else: so nothing that a source says is left out of the search for being called alike.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from napari_lesion.deidentification.verify_sources import (
    DUMMIES,
    FREE,
    NIFTI_HEADER,
    RESULT_TEXTS,
    STUDY_DATES,
    TECHNICAL,
    CheckOptions,
    Pixels,
    Read,
    Source,
    Wanted,
    Where,
    collect,
    drop_models,
    leaves,
    words,
)

_PIXEL_LEAST = 6
_RUNS = re.compile(rb"[0-9][0-9.]{4,}[0-9]")
_DATE_LENGTH, _DATETIME_LENGTH = 8, 14
_WORD_LEAST = 8
_BATCH = 8
_PDF_STREAMS = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
#: What is written of how it was made: in DICOM its method, codes and implementation, with what stands between values;
#: in the record its keys.
_OURS = re.compile(
    rb"napari[-_]lesion(?=[\\ \0\"\x02]|$)|ps3\.15 \d{4}[a-z]|option: (?:retain|clean) [a-z-]+|99private"
    rb"|basic application confidentiality profile"
    rb"|(?:clean (?:pixel data|graphics|structured content|descriptors|recognizable visual features)"
    rb"|retain (?:longitudinal temporal information modified dates|patient characteristics|device identity|uids"
    rb"|safe private|institution identity)) option"
    rb'|"(?:edition|profile|options|codes|files|patients|notes|written|masked|quarantined|left out)":'
    rb'|"(?:basic|(?:retain|clean) [a-z-]+)"|deidentification\.json',
)

Map = Callable[[Callable[[Any, Any], Any], Any, Sequence[Any]], Iterator[Any]]
"""Calls a function with what is shared and each item, and gives what it gives: `map`, or one with many processes."""


@dataclass(frozen=True)
class Leak:
    """A value of a source that was found."""

    attribute: str
    source: Path
    file: str
    """Path below the output."""


@dataclass(frozen=True)
class Found:
    """What the search found."""

    leaks: tuple[Leak, ...] = ()
    doubtful: tuple[Leak, ...] = ()
    """Parts of names that are common words, where codes and technique have such words, too."""


def _here(function: Callable[[Any, Any], Any], shared: Any, items: Sequence[Any]) -> Iterator[Any]:
    """Call a function for each item in this process."""
    return (function(shared, item) for item in items)


def search(
    written: Sequence[tuple[Path, Path]],
    place: Path,
    options: CheckOptions,
    progress: Callable[[int, int], None],
    *,
    mapped: Map | None = None,
    read: Read = Path.read_bytes,
) -> Found:
    """Find values of the sources in what was written.

    Parameters
    ----------
    written : sequence of (Path, Path)
        Source and output of each file.
    place : Path
        Folder of all that was written; other files in it are searched, too.
    options : CheckOptions
    progress : callable
        Called with how many files were looked at, and how many there are; may raise.
    mapped : Map, optional
        One that uses more processors.
    read : Read
    """
    mapped = mapped or _here
    total = 2 * len(written)
    batches = _in_batches(written)
    wanted, known = Wanted(), dict[Path, Source]()
    collected = mapped(collect, (options, read), [[source for source, _ in some] for some in batches])
    for some, (more, sources) in zip(batches, collected, strict=True):
        wanted.join(more)
        known.update(zip((output for _, output in some), sources, strict=True))
        progress(len(known), total)
    leaks: list[Leak] = []
    doubtful: list[Leak] = []
    moves = _compare_dates(written, known, place, leaks) if options.shifted else {}
    _drop_allowed(wanted, moves)
    paths = sorted(one for one in place.rglob("*") if one.is_file())
    looked = _in_batches([(path, known[path].pixels if path in known else None) for path in paths])
    for number, found in enumerate(mapped(_search_files, (wanted, place), looked)):
        leaks += found.leaks
        doubtful += found.doubtful
        progress(min(len(written) + number * _BATCH, total), total)
    return Found(tuple(leaks), tuple(doubtful))


def _in_batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[at : at + _BATCH] for at in range(0, len(items), _BATCH)]


def _search_files(shared: tuple[Wanted, Path], ones: Sequence[tuple[Path, Pixels | None]]) -> Found:
    global _last
    wanted, place = shared
    if _last is None or _last[0] is not wanted:
        _last = wanted, _Search(wanted)
    by = _last[1]
    leaks: list[Leak] = []
    doubtful: list[Leak] = []
    for path, pixels in ones:
        name = path.relative_to(place).as_posix()
        leaks += by.in_bytes(_cut(name.encode("utf-8", "surrogateescape").lower()), name)
        data = path.read_bytes()
        if pixels is not None and path.suffix == ".dcm":
            head, bulk = _apart(data, pixels)
            leaks += by.in_pixels(bulk, name)
        else:
            head = _readable(data, path.suffix)
        lowered = _cut(head.lower())
        leaks += by.in_bytes(lowered, name)
        for certain, leak in by.names_in(lowered, data, name):
            (leaks if certain else doubtful).append(leak)
    return Found(tuple(leaks), tuple(doubtful))


def _readable(data: bytes, suffix: str) -> bytes:
    """Give what is to be searched of a file that is no DICOM: of NIfTI the header, of PDF what is packed in it, too."""
    if suffix == ".gz":
        return gzip.decompress(data)[:NIFTI_HEADER]
    packed = _PDF_STREAMS.findall(data) if suffix == ".pdf" else ()
    return b"\n".join((data, *map(_unpacked, packed)))


def _unpacked(stream: bytes) -> bytes:
    """Unpack a stream of a PDF; what is packed in another way stays as it is."""
    with suppress(ValueError):
        stream = base64.a85decode(stream.strip().removesuffix(b"~>"))
    with suppress(zlib.error):
        stream = zlib.decompress(stream)
    return stream


_last: tuple[Wanted, _Search] | None = None
"""The last search that was prepared in this process: its patterns take as long as some files."""


def _cut(lowered: bytes) -> bytes:
    """Cut out what we wrote of how it was made."""
    return _OURS.sub(b"\n", lowered)


class _Search:
    def __init__(self, wanted: Wanted) -> None:
        self._numbers = wanted.numbers
        self._names = {word.encode("utf-8"): (word, where) for word, where in wanted.names.items()}
        patterns: dict[bytes, Where] = {}
        for text, where in wanted.texts.items():
            for encoding in _ENCODINGS:
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
        self._long = [one for one in patterns if len(one) >= _PIXEL_LEAST]

    def in_bytes(self, lowered: bytes, name: str) -> Iterator[Leak]:
        """Search anything but pixels for all but parts of names."""
        for pattern, (attribute, source) in self._patterns.items():
            if pattern in lowered and (not _is_short(pattern) or _stands_alone(pattern, lowered)):
                yield Leak(attribute, source, name)
        for run in _runs(lowered):
            if run in self._numbers:
                attribute, source = self._numbers[run]
                yield Leak(attribute, source, name)

    def names_in(self, lowered: bytes, data: bytes, name: str) -> Iterator[tuple[bool, Leak]]:
        """Search for parts of names; of common words, whether they stand where somebody wrote them."""
        for pattern, (word, (attribute, source)) in self._names.items():
            if pattern in lowered and _stands_alone(pattern, lowered):
                common = word in words() or word in map(str.lower, DUMMIES)
                yield not common or _is_in_free_text(pattern, data, name), Leak(attribute, source, name)

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


def _is_in_free_text(word: bytes, data: bytes, name: str) -> bool:
    """Whether a common word stands in text that somebody wrote, and not in codes, technique and dummies."""
    if name.endswith(".dcm"):
        texts = _free_texts(pydicom.dcmread(pydicom.filebase.DicomBytesIO(data), stop_before_pixels=True))
    elif name.endswith(".json") and "/" in name:
        texts = (text for key, text in leaves(json.loads(data), "") if key in RESULT_TEXTS)
    else:
        return "/" in name  # not in the record of the run, which has no text of anybody
    return any(_stands_alone(word, text.encode().lower()) for text in texts if text not in DUMMIES)


def _free_texts(dataset: Dataset) -> Iterator[str]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _free_texts(item)
        elif element.VR in FREE and f"{int(element.tag):08x}" not in TECHNICAL | {"00120063"}:
            yield from map(str, element.value if element.VM > 1 else [element.value])


def _drop_allowed(wanted: Wanted, moves: dict[str, set[int]]) -> None:
    drop_models(wanted)
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
    written: Sequence[tuple[Path, Path]], known: Mapping[Path, Source], place: Path, found: list[Leak]
) -> dict[str, set[int]]:
    """Dates have moved by the same days in all of a patient's files, and by more than none."""
    moves: dict[str, set[int]] = defaultdict(set)
    for path, output in written:
        were = known[output].dates
        if not any(were):
            continue
        made = pydicom.dcmread(output, stop_before_pixels=True, specific_tags=["PatientID", *STUDY_DATES])
        patient = str(made.get("PatientID", ""))
        for keyword, text in zip(STUDY_DATES, were, strict=True):
            before, after = _date(text), _date(made.get(keyword))
            if before is None or after is None:
                continue
            days = (after - before).days
            if days == 0 or (moves[patient] and days not in moves[patient]):
                name = output.relative_to(place).as_posix()
                found.append(Leak(f"{keyword} (moved by other days than the rest)", path, name))
            else:
                moves[patient].add(days)
    return moves


def _apart(data: bytes, pixels: Pixels) -> tuple[bytes, bytes]:
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
    same = (
        bool(pixels.length)
        and len(value) <= pixels.length + 1
        and hashlib.sha256(memoryview(value)[: pixels.length]).digest() == pixels.sha256
    )
    return head, b"" if same else value


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
