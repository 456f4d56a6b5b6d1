"""Studies in which every attribute that may name a patient holds a canary, and how many of them are found in bytes."""

from __future__ import annotations

import copy
import csv
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import dicom_factory as factory
from dicom_findings import case_of
from pydicom import dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

from napari_lesion.deidentification.options import CLEAN, RETAIN, Options
from napari_lesion.dicom_objects.key_images import save_key_images
from napari_lesion.dicom_objects.segmentation import save_seg
from napari_lesion.dicom_objects.structured_report import save_sr

TABLE = Path(__file__).parents[2] / "src" / "napari_lesion" / "deidentification" / "tables" / "e1-1.csv"
#: Attributes without which a file is not the one that it is; their canaries are UIDs that others refer to.
PERSON, BORN = "CANARYPERSON", "16040229"
_PERSON = frozenset({0x00100010, 0x00100020, 0x00100030})
_BACKBONE = frozenset({0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00020003})
PLACES = ("top", "deep", "private")
Combination = tuple[tuple[str, ...], tuple[str, ...]]
"""What is retained and what is cleaned, as the command line has it."""


def combinations() -> list[Combination]:
    """Every combination of options."""
    every = itertools.product((False, True), repeat=len(RETAIN) + len(CLEAN))
    return [_named(one) for one in every]


def covering(strength: int) -> list[Combination]:
    """Some combinations, among which any few options are together in every way: none of them, some, all.

    Parameters
    ----------
    strength : int
        How many options that is.
    """
    every = list(itertools.product((False, True), repeat=len(RETAIN) + len(CLEAN)))
    numbers: dict[object, int] = {}
    has = []
    for one in every:  # as bits of a number: which few options it has in which way
        together = itertools.combinations(enumerate(one), strength)
        has.append(sum(1 << numbers.setdefault(few, len(numbers)) for few in together))
    missing = (1 << len(numbers)) - 1
    chosen = []
    while missing:
        best = max(range(len(every)), key=lambda n: (has[n] & missing).bit_count())
        missing &= ~has[best]
        chosen.append(_named(every[best]))
    return chosen


def _named(on: tuple[bool, ...]) -> Combination:
    retain, clean = on[: len(RETAIN)], on[len(RETAIN) :]
    return tuple(itertools.compress(RETAIN, retain)), tuple(itertools.compress(CLEAN, clean))


@dataclass(frozen=True)
class Canary:
    """A value that is nowhere else."""

    row: dict[str, str]
    place: str
    tag: int
    text: str

    @property
    def patterns(self) -> tuple[bytes, ...]:
        """As bytes, in the encodings that a file may have."""
        return tuple(self.text.encode(code) for code in ("utf-8", "utf-16-le"))

    def is_in(self, data: bytes) -> bool:
        """Whether it stands in bytes."""
        return any(pattern in data for pattern in self.patterns)

    def may_stay(self, options: Iterable[str]) -> bool:
        """Whether an option says that the value is kept as it is; of dates that move, times of day do."""
        asked = tuple(options)
        time = "retain_dates_shifted" in asked and self.vr == "TM" and self.row["retain_dates_shifted"] == "C"
        # UIDREF items refer to what has kept its UID; the table's column says nothing of them.
        reference = "retain_uids" in asked and self.tag == 0x0040A124
        return time or reference or any(self.row.get(option) == "K" for option in asked)

    @property
    def vr(self) -> str:
        """Its VR."""
        return _vr_of(self.row, Tag(self.tag))


@cache
def rows() -> tuple[dict[str, str], ...]:
    """Rows of the table with exact tags."""
    lines = TABLE.read_text("utf-8").splitlines()[1:]
    return tuple(row for row in csv.DictReader(lines) if len(row["tag"]) == 8 and "x" not in row["tag"])


def study(folder: Path) -> dict[str, Path]:
    """Write a CT of the phantom with a report, segmentation and key images of it."""
    case = case_of("axial", folder / "CT")
    paths = {"SEG": folder / "seg.dcm", "SR": folder / "sr.dcm", "KOS": folder / "kos.dcm"}
    saved = save_seg(case.report, case.volume, paths["SEG"], source=case.source)
    save_sr(case.report, case.volume, paths["SR"], source=case.source, segmentation=saved)
    save_key_images(case.report, case.volume, paths["KOS"], source=case.source)
    for path in (*paths.values(), *(folder / "CT").iterdir()):  # all of one person
        dataset = dcmread(path)
        for keyword in ("PatientName", "PatientID"):
            setattr(dataset, keyword, PERSON)
        dataset.PatientBirthDate = BORN
        if dataset.Modality == "CT":
            dataset.BurnedInAnnotation = "NO"
        dcmwrite(path, dataset, enforce_file_format=True)
    return paths | {"CT": min((folder / "CT").iterdir())}


@dataclass(frozen=True)
class Planted:
    """A slice of CT, a report, segmentation and key images, with canaries wherever one can be."""

    folder: Path
    canaries: tuple[Canary, ...]
    words: tuple[str, ...]
    """Around the attributes: preamble, file meta, overlays, curves, file names and the like."""

    def left(self, out: Path, options: Options) -> tuple[list[Canary], list[str]]:
        """Find what is left in the bytes and names of all files below a folder; first what is no word."""
        on = [name for name, value in vars(options).items() if value]
        data = _all_bytes(out)
        return (
            [one for one in self.canaries if one.is_in(data) and not one.may_stay(on)],
            [one for one in self.words if one.encode() in data],
        )


def planted(folder: Path, place: str) -> Planted:
    """Write a study with canaries in one of `PLACES`; no value is in two of its files, or in another place's."""
    canaries: list[Canary] = []
    words: list[str] = []
    paths = study(folder)
    for path in (folder / "CT").iterdir():
        if path != paths["CT"]:
            path.unlink()  # they hold no canary
    for letter, path in zip("JKVW", paths.values(), strict=True):
        letters = f"{'QXZ'[PLACES.index(place)]}{letter}W"
        canaries += plant(path, place, letters)
        words += plant_around(path, letters)[1]
    return Planted(folder, tuple(canaries), tuple(words))


def plant(path: Path, place: str, letters: str) -> list[Canary]:
    """Put a canary into each of the table's attributes of a file.

    Parameters
    ----------
    path : Path
        Of the file, which is changed.
    place : str
        "top", "deep" (three sequences deep), "private" (in a sequence of a private block).
    letters : str
        Three capital letters that no other call has.
    """
    dataset = dcmread(path)
    target = dataset
    if place == "deep":
        target = Dataset()
        inner = _in_sequence("PurposeOfReferenceCodeSequence", target)
        middle = _in_sequence("SourceImageSequence", inner)
        dataset.DerivationImageSequence = Sequence([middle])
        dataset.ReferencedImageSequence = Sequence([copy.deepcopy(inner)])
        dataset.RequestAttributesSequence = Sequence([copy.deepcopy(target)])
    if place == "private":
        target = Dataset()
        block = dataset.private_block(0x0099, "CANARY", create=True)
        block.add_new(0x01, "SQ", [_in_sequence("ReferencedImageSequence", target)])
        dataset.private_block(0x000B, "CANARY", create=True).add_new(0x02, "UN", letters.encode() * 4)
    planted = []
    for number, row in enumerate(rows()):
        tag = Tag(int(row["tag"], 16))
        if tag in _BACKBONE or (place == "top" and tag in dataset and dataset[tag].VR == "SQ"):
            continue
        if tag.group in (0x0000, 0x0002, 0x0004):
            continue
        if place == "top" and int(tag) in _PERSON:
            planted.append(Canary(row, place, int(tag), BORN if int(tag) == 0x00100030 else PERSON))
            continue
        made = _canary(number, _vr_of(row, tag), letters)
        if made is None:
            continue
        vr, value, text = made
        target[tag] = DataElement(tag, vr, value)
        planted.append(Canary(row, place, int(tag), text))
    if place == "deep":  # the same item in all three sequences
        target_copy = copy.deepcopy(target)
        dataset.DerivationImageSequence[0].SourceImageSequence[0].PurposeOfReferenceCodeSequence[0] = target
        dataset.ReferencedImageSequence[0].PurposeOfReferenceCodeSequence[0] = target_copy
        dataset.RequestAttributesSequence[0] = copy.deepcopy(target)
    dcmwrite(path, dataset, enforce_file_format=True)
    return planted


def plant_around(path: Path, letters: str) -> tuple[Path, list[str]]:
    """Put canaries into preamble, file meta, overlays, curves, behind the data set, and into the file's name."""
    dataset = dcmread(path)
    words = [
        f"{letters}{part}"
        for part in ("PREAMB", "SOURCEAE", "PRIVINFO", "OVERLAYC", "CURVEDAT", "TRAILING", "FILENAME")
    ]
    preamble, title, private, overlay, curve, behind, name = words
    dataset.preamble = preamble.encode().ljust(128, b"\0")
    dataset.file_meta.SourceApplicationEntityTitle = title
    dataset.file_meta.SendingApplicationEntityTitle = title
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4.5.987654321"
    dataset.file_meta.PrivateInformation = private.encode()
    dataset.add_new(0x60003000, "OB", overlay.encode() * 2)
    dataset.add_new(0x60020022, "LO", overlay)
    dataset.add_new(0x60004000, "LT", overlay)
    dataset.add_new(0x50003000, "OB", curve.encode() * 2)
    dataset.add_new(0xFFFCFFFC, "OB", behind.encode() * 2)
    renamed = path.with_name(f"{name}.dcm")
    dcmwrite(renamed, dataset, enforce_file_format=True)
    path.unlink()
    with renamed.open("ab") as file:
        file.write(behind.encode())
    return renamed, words


def found(place: Path, canaries: Iterable[Canary]) -> Iterator[Canary]:
    """Find canaries in the bytes and names of all files below a folder."""
    data = _all_bytes(place)
    yield from (canary for canary in canaries if canary.is_in(data))


def _all_bytes(place: Path) -> bytes:
    return b"\n".join(
        one.read_bytes() + str(one.relative_to(place)).encode() for one in place.rglob("*") if one.is_file()
    )


def with_dicomdir(folder: Path) -> Path:
    """Write slices of a patient with a DICOMDIR that names them."""
    slices = factory.ct_slices(factory.asymmetric_phantom(), "listed")[:3]
    for one in slices:
        one.PatientName, one.PatientID = "CANARYDIR^Listed", "CANARYDIR77"
    return factory.write_dicomdir([factory.encode(one, ExplicitVRLittleEndian) for one in slices], folder)


def _in_sequence(keyword: str, item: Dataset) -> Dataset:
    around = Dataset()
    setattr(around, keyword, Sequence([item]))
    return around


def _vr_of(row: dict[str, str], tag: Tag) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "SQ" if row["name"].endswith("Sequence") else "UI" if row["name"].endswith("UID") else "LO"


@cache
def _dates() -> tuple[int, ...]:
    """Numbers of the rows that are dates."""
    return tuple(n for n, row in enumerate(rows()) if _vr_of(row, Tag(int(row["tag"], 16))) == "DA")


def _canary(number: int, vr: str, letters: str) -> tuple[str, object, str] | None:
    """VR, value and text of a canary; None where the VR has no room for one."""
    vr = vr.split(" or ")[0]
    word = letters + "".join(chr(ord("A") + (number // 26**power) % 26) for power in range(5))
    salt = sum((ord(letter) - 64) * 27**power for power, letter in enumerate(letters)) % 9973
    if vr == "SQ":
        item = Dataset()
        item.PatientComments = word
        item.TextValue = word
        item.add_new(0x00081030, "LO", word)
        return vr, Sequence([item]), word
    if vr in ("OB", "OW", "UN", "OF", "OD", "OL", "OV"):
        return vr, word.encode() * 2, word + word
    if vr == "UI":
        text = f"1.9.{salt}.{number}.7777"
        return vr, text, text
    if vr in ("DS", "IS"):
        text = f"7{number:04d}{salt:04d}"
        return vr, text, text
    if vr == "DA":
        # All within a year, and others' 20 years away: none is where another one has been moved to.
        day = date(1700 + 20 * (salt % 10), 1, 1) + timedelta(days=_dates().index(number))
        text = day.strftime("%Y%m%d")
        return vr, text, text
    if vr == "TM":
        text = f"131313.{number:03d}{salt % 1000:03d}"
        return vr, text, text
    if vr == "DT":
        text = f"1766{1 + salt % 12:02d}{1 + number % 28:02d}131313.{number:03d}{salt % 1000:03d}"
        return vr, text, text
    if vr in ("AS", "US", "SS", "UL", "SL", "FL", "FD", "AT", "SV", "UV"):
        return None
    return vr, word, word
