"""What the headers of a file say: the file, its frames, whose they are."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
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
from napari_lesion.dicom.elements import Elements, Unreadable, Values
from napari_lesion.dicom.index.keywords import IDENTITY, TAGS, TEXTS
from napari_lesion.model.display import Window
from napari_lesion.model.volume import SeriesIdentity

Vector = tuple[float, float, float]


_NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


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
    source: RawHeader

    def identity(self) -> SeriesIdentity:
        """Who and what the series is."""
        dataset = self.source.dataset()
        values = {name: decoded(dataset, keyword) for name, keyword in IDENTITY.items()}
        values["series_uid"] = self.series_uid
        return SeriesIdentity(**values)


@dataclass(frozen=True, slots=True)
class RawHeader:
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
        return Values(self.elements, TAGS)

    def encodings(self) -> tuple[list[str], str]:
        """Give the encodings of its texts, and a sentence where they are in doubt."""
        raw = (self.elements.get(TAGS[keyword][0]) for keyword in TEXTS)
        texts = [element.value for element in raw if element is not None and isinstance(element.value, bytes)]
        return encodings_for(self.values.text("SpecificCharacterSet"), texts)

    def dataset(self) -> Dataset:
        """Give the elements as pydicom's own type, which knows character sets."""
        dataset = Dataset({BaseTag(tag): element for tag, element in self.elements.items()})
        dataset.set_original_encoding(self.implicit, self.little, self.encodings()[0])
        return dataset


def decoded(dataset: Dataset, keyword: str) -> str:
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
