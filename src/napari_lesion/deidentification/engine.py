"""A data set without what names a patient: what neither Table E.1-1 nor the IOD allows is removed, at any depth.

An attribute passes if the IOD has it in its place, the table's action (with the options) keeps it, and its value has
the form of its VR. Free text that the table does not name stays only in attributes that describe the technique, or as
words of a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID

from napari_lesion.deidentification import safe_private
from napari_lesion.deidentification.codes import clean_code, dummy_code
from napari_lesion.deidentification.content import clean_content_item, tracking_identifier
from napari_lesion.deidentification.dates import (
    DUMMY_DATE,
    DUMMY_DATETIME,
    DUMMY_TIME,
    is_time,
    is_zone,
    shifted_date,
    shifted_datetime,
)
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.table import Action, Iod, rule_of
from napari_lesion.deidentification.text import Identity, cleaned, is_plain

_DICOM_ROOT = "1.2.840.10008."
_CODING_SCHEME_UID, _CODE_MEANING = 0x0008010C, 0x00080104
_CONTENT, _GRAPHICS, _OBSERVERS = 0x0040A730, 0x00700001, 0x0040A073
_TIMEZONE, _AGE, _TRACKING_ID = 0x00080201, 0x00101010, 0x00620020
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
#: Bulk values besides pixels that hold numbers: palettes.
_LUTS = frozenset({0x00281201, 0x00281202, 0x00281203, 0x00281221, 0x00281222, 0x00281223, 0x00283006})
#: Free text that the table does not name, and that says how an image was made. Codes are looked after in `codes`.
_TECHNICAL = frozenset(
    {
        *(0x00080070, 0x00081090, 0x00181020, 0x00181210, 0x00181160, 0x00189320, 0x00181016, 0x00181018, 0x00181019),
        *(0x00281054, 0x00281055, 0x00283003, 0x00283004, 0x00409210, 0x00541101, 0x00541103, 0x00541105, 0x00541104),
        *(0x00080100, 0x00080102, 0x00080103, 0x00080104, 0x00080119, 0x00080120, 0x00209164, 0x00209421, 0x00660031),
    }
)
_AGE_FORM = re.compile(r"(\d{3})([DWMY])")
_OLDEST = 89
_CS = re.compile(r"[A-Z0-9 _]{0,16}")
_NUMBER = re.compile(r"[+\-]?(\d+\.?\d*|\.\d+)([eE][+\-]?\d+)?")
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_FREE = frozenset({"LO", "SH", "LT", "ST", "UT", "UC", "PN", "AE", "UR"})
_BINARY = frozenset({"US", "SS", "UL", "SL", "FL", "FD", "AT", "SV", "UV"})
_BULK = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN"})
_DUMMIES: dict[str, Any] = {
    **dict.fromkeys(("LO", "SH", "LT", "ST", "UT", "UC", "AE", "CS"), "REMOVED"),
    **{"PN": "Removed", "DA": DUMMY_DATE, "TM": DUMMY_TIME, "DT": DUMMY_DATETIME, "AS": "000Y", "DS": "0", "IS": "0"},
    **dict.fromkeys(("US", "SS", "UL", "SL", "SV", "UV"), 0),
    **{"FL": 0.0, "FD": 0.0, "OB": b"\0\0", "OW": b"\0\0", "OF": b"\0\0\0\0", "UR": "urn:removed"},
}


@dataclass(frozen=True)
class Change:
    """What became of one attribute."""

    path: str
    """Names of the sequences that it is in, and its own, with points between."""
    what: str
    """removed, emptied, dummy, replaced, moved or cleaned."""


@dataclass(frozen=True)
class Deidentifier:
    """What is the same for all objects of one patient."""

    options: Options
    key: Key
    identity: Identity
    pseudonym: str
    days: int
    """By which dates move."""

    def dataset(self, source: Dataset, iod: Iod, on_change: Callable[[Change], None] | None = None) -> Dataset:
        """Make the de-identified copy of a data set; bulk values are not copied.

        Parameters
        ----------
        source : Dataset
            Without its file meta information.
        iod : Iod
        on_change : callable, optional
            Called for each attribute that does not stay as it is.
        """
        walk = _Walk(self, iod, on_change or (lambda _: None))
        made = walk.level(source, None, "")
        made.PatientName = self.pseudonym
        made.PatientID = self.pseudonym
        return made

    def uid(self, uid: str) -> str:
        """Make the UID that stands for another; those of the standard stay."""
        if self.options.retain_uids or uid.startswith(_DICOM_ROOT) or not uid:
            return uid
        return self.key.uid(uid)


class _Walk:
    def __init__(self, by: Deidentifier, iod: Iod, on_change: Callable[[Change], None]) -> None:
        self._by = by
        self._options = by.options
        self._iod = iod
        self._on_change = on_change

    def level(self, source: Dataset, parent: int | None, path: str) -> Dataset:
        made = Dataset()
        for tag in source.keys():  # noqa: SIM118 - a data set's items are no pairs of what is needed here
            number = int(tag)
            if tag.is_private:
                self._private(source, number, made, path)
                continue
            kind = self._iod.kind(number, parent)
            rule = rule_of(number)
            if kind is None or number & 0xFFFF == 0:
                self._on_change(Change(f"{path}{_name(number)}", "removed"))
                continue
            try:
                element = source[tag]
            except Exception:
                self._on_change(Change(f"{path}{_name(number)}", "removed"))
                continue
            action: Action = "keep" if rule is None else rule.action(self._options, kind)
            dummy_needed = kind.startswith("1")
            kept = self._done(element, action, f"{path}{element.keyword or _name(number)}.", listed=rule is not None)
            if kept is None and (dummy_needed or (action == "dummy")):
                kept = self._dummy(element)
            if kept is None and kind.startswith("2"):
                kept = DataElement(element.tag, element.VR, [] if element.VR == "SQ" else None)
            self._note_change(element, kept, action, f"{path}{element.keyword or _name(number)}")
            if kept is not None:
                made.add(kept)
        if "CodeMeaning" in made or "CodeValue" in made or "LongCodeValue" in made or "URNCodeValue" in made:
            clean_code(made, self._by.key, self._by.identity)
        return made

    def _note_change(self, element: DataElement, kept: DataElement | None, action: Action, path: str) -> None:
        if kept is None:
            self._on_change(Change(path, "removed"))
        elif element.VR != "SQ" and kept is not element:
            what = {"uid": "replaced", "shift": "moved", "clean": "cleaned", "keep": "cleaned", "dummy": "dummy"}
            emptied = kept.value is None or kept.value == ""
            self._on_change(Change(path, "emptied" if emptied else what.get(action, "dummy")))

    def _private(self, source: Dataset, tag: int, made: Dataset, path: str) -> None:
        if self._options.retain_safe_private and safe_private.is_creator(source, tag):
            made.add(source[tag])
        elif not (self._options.retain_safe_private and safe_private.keep(source, tag, made)):
            self._on_change(Change(f"{path}{_name(tag)}", "removed"))

    def _done(self, element: DataElement, action: Action, path: str, *, listed: bool) -> DataElement | None:
        """Find what stays of an element; None where nothing does."""
        if action in ("remove", "empty"):
            return None
        if element.VR == "SQ":
            return self._sequence(element, action, path)
        if element.VR == "UI":
            return self._uids(element, keep=action == "keep" and listed)
        if element.VR in ("DA", "DT", "TM"):
            if action == "dummy":
                return None
            keep = action == "keep" and listed  # as a device's option keeps the date of its calibration
            return (
                self._dated(element) if action == "shift" or (not keep and self._shifts) else self._as_is(element, keep)
            )
        if action == "dummy":
            return None
        if int(element.tag) == _TIMEZONE:
            return element if is_zone(str(element.value)) else None
        if int(element.tag) == _AGE:
            return self._age(element)
        if element.VR in _FREE:
            if action == "keep" and listed:
                return element if element.value else None
            return self._text(element)
        if element.VR in _BULK:
            return element if int(element.tag) in _LUTS | _PIXELS else None
        return element if self._has_its_form(element) else None

    @property
    def _shifts(self) -> bool:
        return self._options.retain_dates_shifted

    def _as_is(self, element: DataElement, keep: bool) -> DataElement | None:
        return element if keep else None

    def _sequence(self, element: DataElement, action: Action, path: str) -> DataElement | None:
        tag = int(element.tag)
        if action == "dummy" and tag not in (_CONTENT, _GRAPHICS, _OBSERVERS):
            return None
        items = []
        for item in element.value or ():
            made = self.level(item, tag, path)
            if tag == _CONTENT:
                clean_content_item(made, item, self._by.options, self._by.key, self._by.identity)
            if tag == _GRAPHICS:
                self._clean_graphics(made, keep=action == "clean")
            if len(made) or not len(item):
                items.append(made)
        if element.value and not items:
            return None
        return DataElement(element.tag, "SQ", Sequence(items))

    def _clean_graphics(self, annotation: Dataset, *, keep: bool) -> None:
        for keyword in ("TextObjectSequence", "CompoundGraphicSequence"):
            if keyword in annotation:
                delattr(annotation, keyword)
        if not keep and "GraphicObjectSequence" in annotation:
            del annotation.GraphicObjectSequence

    def _uids(self, element: DataElement, *, keep: bool) -> DataElement | None:
        values = _values(element)
        if not all(_UID.fullmatch(str(one)) and len(str(one)) <= 64 for one in values):
            return self._hashed(element, values)
        if keep:
            return element
        if int(element.tag) == _CODING_SCHEME_UID:
            return (
                element if all(str(one).startswith((_DICOM_ROOT, "2.16.840.1.113883.6.")) for one in values) else None
            )
        made = [UID(self._by.uid(str(one))) for one in values]
        if made == values:
            return element
        return DataElement(element.tag, "UI", made if len(made) > 1 else (made[0] if made else None))

    def _hashed(self, element: DataElement, values: list[Any]) -> DataElement:
        """Replace UIDs that have not the form of UIDs, whatever the options say: they may be anything."""
        made = [UID(self._by.key.uid(str(one))) for one in values if str(one)]
        return DataElement(element.tag, "UI", made if len(made) > 1 else (made[0] if made else None))

    def _dated(self, element: DataElement) -> DataElement | None:
        moved: list[str] = []
        for one in _values(element):
            text = str(one)
            if element.VR == "TM":
                if not is_time(text):
                    return None
                moved.append(text.strip())
                continue
            change = shifted_date if element.VR == "DA" else shifted_datetime
            made = change(text, self._by.days)
            if made is None:
                return None
            moved.append(made)
        if not moved:
            return element
        return DataElement(element.tag, element.VR, moved if len(moved) > 1 else moved[0])

    def _age(self, element: DataElement) -> DataElement | None:
        found = _AGE_FORM.fullmatch(str(element.value or ""))
        if found is None:
            return None
        if found[2] == "Y" and int(found[1]) > _OLDEST:
            return DataElement(element.tag, "AS", f"{_OLDEST + 1:03d}Y")
        return element

    def _text(self, element: DataElement) -> DataElement | None:
        """Keep the free text of technique that names nobody; of other text the words of the list."""
        tag = int(element.tag)
        values = [str(one) for one in _values(element)]
        if not any(values):
            return element
        identity = self._by.identity
        if tag in _TECHNICAL and element.VR != "PN":
            fits = all(is_plain(one) and not identity.is_in(one) for one in values)
            return element if fits or tag == _CODE_MEANING else None
        if tag == _TRACKING_ID:
            return DataElement(element.tag, element.VR, tracking_identifier(values[0], self._by.key, identity))
        kept = [] if element.VR in ("PN", "AE", "UR") else [cleaned(one, identity) for one in values]
        if kept == values:
            return element
        made = [one for one in kept if one]
        longest = 16 if element.VR == "SH" else 64
        made = [one if element.VR in ("LT", "ST", "UT", "UC") else one[:longest].strip() for one in made]
        if not made:
            return None
        return DataElement(element.tag, element.VR, made if len(made) > 1 else made[0])

    def _has_its_form(self, element: DataElement) -> bool:
        """Whether a code, number or age is one, and says nothing of the patient."""
        if element.VR in _BINARY:
            return True
        texts = [str(getattr(one, "original_string", None) or one).strip() for one in _values(element)]
        if element.VR == "CS":
            return all(_CS.fullmatch(one) and not self._by.identity.is_in(one) for one in texts)
        if element.VR in ("DS", "IS"):
            return all(not one or _NUMBER.fullmatch(one) for one in texts)
        if element.VR == "AS":
            return all(_AGE_FORM.fullmatch(one) for one in texts)
        return False

    def _dummy(self, element: DataElement) -> DataElement | None:
        if element.VR == "SQ":
            parent = int(element.tag)
            codes = self._iod.kind(_CODE_MEANING, parent) is not None
            return DataElement(element.tag, "SQ", Sequence([dummy_code()] if codes else []))
        if element.VR == "UI":
            return self._hashed(element, _values(element))
        value = _DUMMIES.get(element.VR)
        return None if value is None else DataElement(element.tag, element.VR, value)


def _values(element: DataElement) -> list[Any]:
    value = element.value
    if value is None or value == "":
        return []
    if isinstance(value, MultiValue | list | tuple):
        return list(cast("list[Any]", value))
    return [value]


def _name(tag: int) -> str:
    return str(Tag(tag))
