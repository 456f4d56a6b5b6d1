"""DICOM files as they leave: an empty preamble, file meta information of our own, the data set, nothing behind."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pydicom import DataElement, dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRBigEndian

from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.table import edition
from napari_lesion.support.errors import SecurityError
from napari_lesion.support.vault import lies_sealed, read_bytes

IMPLEMENTATION = UID("2.25.212184693571236174938106541830227843129")
VERSION = "NAPARI_LESION"
_METHOD = "napari-lesion"


class NotDicomError(Exception):
    """A file is no DICOM object."""


def read(path: Path, *, headers: bool = False) -> Dataset:
    """Read a DICOM file, with or without preamble and file meta information, also one that lies encrypted.

    Raises
    ------
    SecurityError
        If it lies encrypted, and does not open.
    NotDicomError
        If it is none.
    """
    try:
        source = io.BytesIO(read_bytes(path)) if lies_sealed(path) else path
        dataset = dcmread(source, force=True, stop_before_pixels=headers)
        if not dataset.get("SOPClassUID") and not dataset.file_meta.get("MediaStorageSOPClassUID"):
            raise NotDicomError("no DICOM object")
    except (NotDicomError, SecurityError):
        raise
    except Exception as error:  # pydicom raises many kinds on files that are something else
        raise NotDicomError("no DICOM object that can be read") from error
    return dataset


def syntax_of(dataset: Dataset) -> UID:
    """Transfer syntax of a data set that was read."""
    said = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if said:
        return UID(str(said))
    implicit, little = dataset.original_encoding
    return UID("1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2")


def encode(dataset: Dataset, syntax: UID) -> bytes:
    """Write a data set as the bytes of a file, the same each time."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION
    meta.ImplementationVersionName = VERSION
    dataset.file_meta = meta
    dataset.preamble = b"\0" * 128
    written = io.BytesIO()
    dcmwrite(written, dataset, enforce_file_format=True)
    return written.getvalue()


def mark(dataset: Dataset, options: Options) -> None:
    """Write into a data set that it is de-identified, how, and what became of its dates (PS3.15, E.1.1)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = [_METHOD, edition().split(" (")[0], *(f"option: {name}" for name in options.names)]
    done = replace(options, clean_faces=dataset.get("RecognizableVisualFeatures") == "NO")  # of this object
    dataset.DeidentificationMethodCodeSequence = Sequence([_code(value, meaning) for value, meaning in done.codes])
    dataset.LongitudinalTemporalInformationModified = "MODIFIED" if options.retain_dates_shifted else "REMOVED"


def set_charset(dataset: Dataset) -> None:
    """Name the character set that the text which stayed needs: none for ASCII, else UTF-8."""
    if "SpecificCharacterSet" in dataset:
        del dataset.SpecificCharacterSet
    if not all(map(str.isascii, _texts(dataset))):
        dataset.SpecificCharacterSet = "ISO_IR 192"


def uids(dataset: Dataset) -> Iterator[str]:
    """Give all UIDs in a data set, at any depth; what cannot be read has none."""
    for element in elements(dataset):
        if element.VR == "UI" and element.value:
            yield from [str(element.value)] if isinstance(element.value, str) else map(str, element.value)


def elements(dataset: Dataset) -> Iterator[DataElement]:
    """Give all elements of a data set that hold values, at any depth; what cannot be read is left out."""
    for tag in dataset.keys():  # noqa: SIM118
        try:
            element = dataset[tag]
        except Exception:
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from elements(item)
        else:
            yield element


def can_be_written(syntax: UID) -> bool:
    """Whether files of a transfer syntax are written as they were."""
    return syntax.is_transfer_syntax and not syntax.is_private and syntax != ExplicitVRBigEndian


def _texts(dataset: Dataset) -> Iterable[str]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _texts(item)
        elif element.VR not in ("OB", "OW", "OF", "OD", "OL", "OV", "UN"):
            yield str(element.value)


def _code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
    return item
