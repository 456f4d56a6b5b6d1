"""Codes in what is de-identified: standard ones stay, with the meaning that the standard gives them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import cast

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.text import Identity, cleaned
from napari_lesion.dicom_objects import concepts

_Tables = dict[str, dict[str, dict[str, tuple[str, object]]]]
#: Designators of schemes that anybody can look up (PS3.16, table 8-1), and our own.
_PUBLIC = frozenset(
    {
        "DCM",
        "SCT",
        "SRT",
        "SNM3",
        "UCUM",
        "LN",
        "RADLEX",
        "NCIt",
        "FMA",
        "MDC",
        "IBSI",
        "UMLS",
        "ICDO3",
        "I10",
        "RFC5646",
    }
)
_VALUE = re.compile(r"[A-Za-z0-9\-\[\]{}'./%*^_+]{1,16}")
_PRIVATE = "99PRIVATE"
_NO_MEANING = "code"


def clean_code(item: Dataset, key: Key, identity: Identity) -> None:
    """Clean the code of a code sequence's item, in place.

    Values of private schemes, which may be numbers of a patient or a hospital's own, become what only the key's holder
    can tell; meanings that no table gives keep the words that descriptions may keep.
    """
    for keyword in ("LongCodeValue", "URNCodeValue"):
        if keyword in item:
            item.CodeValue, item.CodingSchemeDesignator = key.token("code", str(item[keyword].value)), _PRIVATE
            del item[keyword]
    if "CodeValue" not in item:
        if "CodeMeaning" in item:
            item.CodeMeaning = cleaned(str(item.CodeMeaning), identity)[:64] or _NO_MEANING
        return
    scheme, value = str(item.get("CodingSchemeDesignator", "")), str(item.CodeValue)
    meanings = _known().get((scheme, value))
    if meanings:
        said = str(item.get("CodeMeaning", ""))
        item.CodeMeaning = said if said in meanings else meanings[0][:64]
        return
    public = (scheme in _PUBLIC or scheme == concepts.SCHEME) and _VALUE.fullmatch(value) and not identity.is_in(value)
    if not public:
        item.CodeValue = key.token("code", f"{scheme}\0{value}")
        item.CodingSchemeDesignator = _PRIVATE
    item.CodeMeaning = cleaned(str(item.get("CodeMeaning", "")), identity)[:64] or _NO_MEANING
    if "CodingSchemeVersion" in item and not public:
        del item.CodingSchemeVersion


def dummy_code() -> Dataset:
    """Make the item of a code sequence that says nothing."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "0", _PRIVATE, "removed"
    return item


@cache
def _known() -> dict[tuple[str, str], list[str]]:
    """Meanings that our own tables and pydicom's give to codes."""
    from pydicom.sr._concepts_dict import concepts as tables

    known: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code in _codes_in(vars(concepts)):
        known[code.scheme_designator, code.value].append(code.meaning)
    for scheme, keywords in cast("_Tables", tables).items():
        for values in keywords.values():
            for value, entry in values.items():
                known[scheme, value].append(entry[0])
    return dict(known)


def _codes_in(value: object) -> Iterator[Code]:
    if isinstance(value, Code):
        yield value
    elif isinstance(value, concepts.Quantity):
        yield from filter(None, (value.name, value.unit, value.derivation))
    elif isinstance(value, dict):
        for one in value.values():
            yield from _codes_in(one)
