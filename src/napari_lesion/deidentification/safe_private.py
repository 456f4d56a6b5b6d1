"""Private attributes that PS3.15, E.3.10 names as safe, of CT and PET, as far as they hold numbers."""

from __future__ import annotations

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

#: By private creator and group, the last two digits of elements: table speed, pitch, dose, times, SUV factors.
_SAFE = {
    ("GEMS_ACQU_01", 0x0019): {0x23: "DS", 0x24: "DS", 0x27: "DS"},
    ("GEMS_SERS_01", 0x0025): {0x07: "SL"},
    ("GEMS_PARM_01", 0x0043): {0x27: "SH"},
    ("GEMS_HELIOS_01", 0x0045): {0x01: "SS", 0x02: "FL", 0x03: "SS", 0x04: "FL"},
    ("ELSCINT1", 0x00E1): {0x21: "DS", 0x50: "DS"},
    ("ELSCINT1", 0x01F1): {0x07: "DS", 0x26: "DS", 0x27: "DS"},
    ("Philips PET Private Group", 0x7053): {0x00: "DS", 0x09: "DS"},
}
_NUMBER_CHARACTERS = frozenset("0123456789+-.eE:\\ ")
_LONGEST = 16


def is_creator(source: Dataset, tag: int) -> bool:
    """Whether an element reserves a block from which something is kept."""
    if not 0x10 <= tag & 0xFFFF <= 0xFF:
        return False
    creator, group = _text(source, tag), tag >> 16
    safe = _SAFE.get((creator, group), {})
    block = (tag & 0xFF) << 8
    return any(_safe_value(source, group << 16 | block | low, vr) is not None for low, vr in safe.items())


def keep(source: Dataset, tag: int, made: Dataset) -> bool:
    """Keep a safe element that holds numbers; say whether it was one."""
    group, block, low = tag >> 16, (tag & 0xFF00) >> 8, tag & 0xFF
    if block < 0x10:
        return False
    creator = _text(source, group << 16 | block)
    vr = _SAFE.get((creator, group), {}).get(low)
    value = _safe_value(source, tag, vr) if vr else None
    if value is None:
        return False
    made.add(value)
    return True


def _safe_value(source: Dataset, tag: int, vr: str) -> DataElement | None:
    if Tag(tag) not in source:
        return None
    element = source[Tag(tag)]
    if vr not in ("DS", "SH"):
        return element if vr == element.VR and isinstance(element.value, int | float) else None
    value = element.value
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    text = text.strip(" \0")
    if not text or len(text) > _LONGEST or not set(text) <= _NUMBER_CHARACTERS:
        return None
    return DataElement(Tag(tag), vr, text)


def _text(source: Dataset, tag: int) -> str:
    if Tag(tag) not in source:
        return ""
    value = source[Tag(tag)].value
    return (value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)).strip(" \0")
