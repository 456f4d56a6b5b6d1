"""The content of a structured report as a tree that is quick to search; any program's, however odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from napari_lesion.dicom_objects import concepts
from napari_lesion.dicom_objects.concepts import NO_CODE, code_of
from napari_lesion.model.volume import FloatArray


@dataclass(frozen=True, eq=False)
class Item:
    """One content item (PS3.3 C.17.3): a name, a value of some kind, and what belongs to it."""

    name: Code
    kind: str
    """Value type: CONTAINER, TEXT, CODE, NUM, SCOORD3D, ..."""
    dataset: Dataset = field(repr=False)
    children: tuple[Item, ...] = field(repr=False)

    def all(self) -> Iterator[Item]:
        """Yield everything below."""
        for child in self.children:
            yield child
            yield from child.all()

    def named(self, *names: Code) -> Iterator[Item]:
        """Yield the children of some names."""
        return (child for child in self.children if child.name in names)

    def of_kind(self, kind: str) -> Iterator[Item]:
        """Yield the children of a value type."""
        return (child for child in self.children if child.kind == kind)

    def first(self, *names: Code) -> Item:
        """Give the first child of some names; an empty item where there is none."""
        return next(self.named(*names), NOTHING)

    def texts(self, name: Code) -> list[str]:
        """List the texts of a name."""
        return [child.words for child in self.named(name) if child.kind == "TEXT"]

    def text(self, name: Code) -> str:
        """Give the first text of a name; empty where there is none."""
        return next(iter(self.texts(name)), "")

    def coded(self, name: Code) -> Code:
        """Give the coded value of a name; an empty code where there is none."""
        return self.first(name).code

    @property
    def words(self) -> str:
        """Text, or a person's name without carets behind it."""
        if self.kind == "PNAME":
            return str(self.dataset.get("PersonName", "")).rstrip("^")
        return str(self.dataset.get("TextValue", ""))

    @property
    def uid(self) -> str:
        """Of a UIDREF."""
        return str(self.dataset.get("UID", ""))

    @property
    def code(self) -> Code:
        """Value of a CODE."""
        return code_of(self.dataset, "ConceptCodeSequence")

    @property
    def value(self) -> float | None:
        """Value of a NUM, as exactly as it is there; None where it has none, or none that is a finite number."""
        measured = self.dataset.get("MeasuredValueSequence")
        if self.kind != "NUM" or not measured:
            return None
        for keyword in ("FloatingPointValue", "NumericValue"):
            value = measured[0].get(keyword)
            if value is not None and value != "":
                number = float(np.atleast_1d(value)[0])
                return number if np.isfinite(number) else None
        return None

    @property
    def unit(self) -> Code:
        """Of a NUM."""
        measured = self.dataset.get("MeasuredValueSequence")
        return code_of(measured[0], "MeasurementUnitsCodeSequence") if measured else concepts.NO_UNIT

    @property
    def frame_of_reference(self) -> str:
        """Of a SCOORD3D."""
        return str(self.dataset.get("ReferencedFrameOfReferenceUID", ""))

    @property
    def points(self) -> FloatArray:
        """Coordinates: (n, 3), LPS mm, of a SCOORD3D; (n, 2), column and row, of a SCOORD."""
        return np.asarray(self.dataset.GraphicData, dtype=np.float64).reshape(-1, 3 if self.kind == "SCOORD3D" else 2)

    @property
    def image(self) -> tuple[str, int | None]:
        """SOP instance UID and frame number of an IMAGE."""
        reference = self.dataset.ReferencedSOPSequence[0]
        frame = reference.get("ReferencedFrameNumber")
        return str(reference.ReferencedSOPInstanceUID), int(np.atleast_1d(frame)[0]) if frame is not None else None


NOTHING = Item(NO_CODE, "", Dataset(), ())


#: Content items inside each other; a report of ours has 5.
_DEEPEST = 50


def parse(dataset: Dataset, *, _depth: int = 0) -> Item:
    """Make a tree of a content item, or of a whole report.

    Raises
    ------
    ValueError
        If it is nested deeper than any report.
    """
    if _depth > _DEEPEST:
        raise ValueError(f"its content is nested more than {_DEEPEST} levels deep")
    children = tuple(parse(child, _depth=_depth + 1) for child in dataset.get("ContentSequence") or ())
    return Item(code_of(dataset), str(dataset.get("ValueType", "")), dataset, children)
