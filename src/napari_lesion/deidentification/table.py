"""The tables that decide: PS3.15 Table E.1-1, and which attributes the IODs of the standard have.

``tables/e1-1.csv`` and ``tables/iods.json`` are written by ``scripts/write_deidentification_tables.py``.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Literal, TypedDict

from napari_lesion.deidentification.options import Options

Action = Literal["keep", "remove", "empty", "dummy", "uid", "clean", "shift"]

_PRIVATE = "private"
#: Of several options that are on, the first in this order decides: what keeps less comes before what keeps more.
_ORDER = (
    *("clean_structured_content", "clean_graphics", "clean_descriptors", "retain_dates_shifted"),
    *("retain_patient_characteristics", "retain_device", "retain_institution", "retain_uids"),
)
_MEANS: dict[str, Action] = {"X": "remove", "Z": "empty", "D": "dummy", "U": "uid", "U*": "uid"}


class _Tables(TypedDict):
    names: dict[str, str]
    top: dict[str, dict[str, str]]
    inside: dict[str, dict[str, str]]


@dataclass(frozen=True)
class Rule:
    """A row of Table E.1-1."""

    name: str
    basic: str
    """As the table has it: X, Z, D, U, or several of them, of which the type of the attribute chooses."""
    options: dict[str, str]
    """K (keep) or C (clean) by the name of an option, as `Options` has it."""

    def action(self, options: Options, kind: str) -> Action:
        """Decide what is done with the attribute.

        Parameters
        ----------
        options : Options
        kind : str
            Type of the attribute in its IOD: 1, 1C, 2, 2C or 3.
        """
        for name in _ORDER:
            letter = self.options.get(name)
            if letter and getattr(options, name):
                if name == "retain_dates_shifted":
                    return "shift"
                return "keep" if letter == "K" else "clean"
        return self.without_options(kind)

    def without_options(self, kind: str) -> Action:
        """Decide by the basic profile alone."""
        letters = self.basic.split("/")
        if "U*" in letters:
            return "uid"
        if kind.startswith("1"):
            letter = next((one for one in ("D", "Z", "U", "X") if one in letters), "X")
        elif kind.startswith("2"):
            letter = next((one for one in ("Z", "D", "U", "X") if one in letters), "X")
        else:
            letter = next((one for one in ("X", "Z", "U", "D") if one in letters), "X")
        return _MEANS[letter]


@cache
def edition() -> str:
    """Name the edition of the standard that the rules are of."""
    return _lines()[0].removeprefix("# ")


@cache
def rules() -> dict[str, Rule]:
    """All rows by their tags: eight hexadecimal digits, with x where any digit may be; and ``private``."""
    known = {one.name for one in fields(Options)}
    found = {}
    for row in csv.DictReader(_lines()[1:]):
        letters = {name: letter for name, letter in row.items() if name in known and letter}
        found[row["tag"]] = Rule(row["name"], row["basic"], letters)
    return found


def rule_of(tag: int) -> Rule | None:
    """Find the row of an attribute; None where the table does not name it."""
    if (tag >> 16) & 1:
        return rules()[_PRIVATE]
    group = tag >> 16
    if group & 0xFF00 == 0x5000:
        return rules()["50xxxxxx"]
    name = f"{tag:08x}"
    if group & 0xFF00 == 0x6000:
        return rules().get(f"60xx{name[4:]}")
    return rules().get(name)


class Iod:
    """Which attributes an object of a SOP class may have, at its top and in its sequences."""

    def __init__(self, name: str, top: dict[str, str]) -> None:
        self.name = name
        self._top = top

    def kind(self, tag: int, parent: int | None) -> str | None:
        """Type of an attribute at the top of an object, or in a sequence; None where it may not be there."""
        place = self._top if parent is None else _inside().get(f"{parent:08x}", {})
        return place.get(f"{tag:08x}")


@cache
def iod_of(sop_class: str) -> Iod | None:
    """Look up what a SOP class allows; None where it is not one of those that can be de-identified."""
    tables = _iods()
    top = tables["top"].get(sop_class)
    return None if top is None else Iod(tables["names"][sop_class], top)


@cache
def _lines() -> list[str]:
    return (files(__package__) / "tables" / "e1-1.csv").read_text("utf-8").splitlines()


@cache
def _iods() -> _Tables:
    text = (files(__package__) / "tables" / "iods.json").read_text("utf-8")
    loaded: _Tables = json.loads(text)
    return loaded


def _inside() -> dict[str, dict[str, str]]:
    return _iods()["inside"]
