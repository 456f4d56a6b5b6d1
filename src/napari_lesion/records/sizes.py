"""Lengths in a report: one, two or three diameters, ranges, lists, and what is no size of a nodule at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from napari_lesion.records.words import Language, vocabulary

Role = Literal["now", "earlier", "solid part"]

_NUMBER = r"\d{1,3}(?:[.,]\d{1,2})?"
_UNIT = r"(?:mm|cm|㎜|㎝|millimet(?:er|re)s?|centimet(?:er|re)s?|zentimetern?|millimetern|毫米|厘米|公分)"
_BY = r"\s*(?:x|×|\*|by|mal|乘)\s*"
_THROUGH = r"\s*(?:-|–|—|to|bis|～|~|至|到)\s*"
_AND = r"\s*(?:/|,|、|&|and|und|及|和|, and|resp\.|bzw\.)\s*"
_END = r"(?![a-zäöüß²³]|\s*\^|[23]\b)"
_SIZE = re.compile(
    rf"(?<![A-Za-z\d])(?<!\d[.,/])(?P<first>{_NUMBER})(?:[\s-]*(?P<unit1>{_UNIT}))?(?:"
    rf"{_BY}(?P<second>{_NUMBER})(?:[\s-]*(?P<unit2>{_UNIT}))?(?:{_BY}(?P<third>{_NUMBER})(?:[\s-]*(?P<unit3>{_UNIT}))?)?"
    rf"|{_THROUGH}(?P<upper>{_NUMBER})(?:[\s-]*(?P<unit4>{_UNIT}))?"
    rf"|(?P<list>(?:{_AND}{_NUMBER})+)(?:[\s-]*(?P<unit5>{_UNIT}))?"
    rf")?{_END}",
    re.IGNORECASE,
)
_ARROW = re.compile(
    rf"(?<![\d.,x×*])(?P<first>{_NUMBER})\s*(?P<unit1>{_UNIT})?\s*(?:-{{1,3}}>|→|⇒"
    rf"|=>)\s*(?P<second>{_NUMBER})[\s-]*(?P<unit2>{_UNIT}){_END}",
    re.IGNORECASE,
)
_MOVED = re.compile(
    rf"(?:\bfrom|\bvon|由|从|自)\s*(?:约|ca\.|原来?的?|about)?\s*(?P<first>{_NUMBER})\s*(?P<unit1>{_UNIT})?"
    rf"\s*(?:to|auf|至|到|增至|增大[至到]|长[至到]|缩小?[至到])\s*(?:约|ca\."
    rf"|now)?\s*(?P<second>{_NUMBER})[\s-]*(?P<unit2>{_UNIT}){_END}",
    re.IGNORECASE,
)
_VOLUME = re.compile(
    r"(?<![\d.,/])(?P<number>\d{1,6}(?:[.,]\d{1,2})?)\s*(?P<unit>mm|cm|cmm|ml|立方毫米|µl|μl)\s*(?:\^?3|³)?(?![\w])",
    re.IGNORECASE,
)
_CUBED = re.compile(r"(?:mm|cm)\s*(?:\^?3|³)|ml|立方毫米|[µμ]l", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:image|img|im|series|ser?|bild|serie|seg(?:ment)?|slice|schicht|no|nr|level|node|station"
    r"|nodule|rundherd|herd|#|\d[/:])[.:#]?\s*$",
    re.IGNORECASE,
)
"""Before a number that counts something."""
SUBCENTIMETRE_MM = 10.0
LARGEST_MM = 150.0
"""What is longer is no nodule, but a mistake or something else."""


@dataclass(frozen=True)
class Size:
    """A length, or several, as they stand in a text; mm.

    Attributes
    ----------
    diameters_mm : tuple of float
        One, two or three; of a range its lower and upper end.
    kind : str
        ``exact``, ``range``, or ``at most``.
    start, end : int
        In the text.
    """

    diameters_mm: tuple[float, ...]
    kind: Literal["exact", "range", "at most"]
    start: int
    end: int
    role: Role = "now"
    is_vague: bool = False
    """It is a word, "subcentimetre", and no number."""

    @property
    def words(self) -> str:
        """In mm, as a table has it: ``8 x 6``, ``4-6``, ``<10``."""
        joined = {"exact": " x ", "range": "-", "at most": " x "}[self.kind].join(
            f"{one:g}" for one in self.diameters_mm
        )
        return f"<={joined}" if self.kind == "at most" else joined


def find_sizes(text: str, language: Language) -> Iterator[Size]:
    """Find lengths in a sentence that may be those of a nodule; slice thicknesses, distances and volumes are none."""
    lexicon = vocabulary(language, "sizes")
    for found in vocabulary(language, "marks")["subcm"].finditer(text):
        yield Size((SUBCENTIMETRE_MM,), "at most", *found.span(), is_vague=True)
    moved = [*_MOVED.finditer(text), *_ARROW.finditer(text)]
    for found in moved:
        first = _mm(found["first"], _factor(found["unit1"] or found["unit2"]))
        second = _mm(found["second"], _factor(found["unit2"]))
        yield Size((first,), "exact", found.start("first"), found.end("first"), "earlier")
        yield Size((second,), "exact", found.start("second"), found.end())
    for found in _SIZE.finditer(text):
        named = [name for name in ("unit1", "unit2", "unit3", "unit4", "unit5") if found[name]]
        if not named or any(one.start() < found.end() and found.start() < one.end() for one in moved):
            continue
        unit = found[named[-1]]
        if (found["list"] and not found["unit5"]) or _CUBED.match(text, found.start(named[-1])):
            continue
        before, after = text[: found.start()], text[found.end() :]
        if lexicon["after_skip"].match(after) or lexicon["before_skip"].search(before):
            continue
        solid = lexicon["solidpart_before"].search(before) or lexicon["solidpart_after"].match(after)
        role: Role = "solid part" if solid else "now"
        if found["list"]:
            yield from _listed(found, role)
            continue
        parts = (("first", "unit1"), ("second", "unit2"), ("third", "unit3"), ("upper", "unit4"))
        numbers = [_mm(found[name], _factor(found[own] or unit)) for name, own in parts if found[name]]
        if not all(map(_plausible, numbers)):
            continue
        kind: Literal["exact", "range", "at most"] = "range" if found["upper"] else "exact"
        if kind == "exact" and lexicon["upto"].search(before):
            kind = "at most"
        yield Size(tuple(numbers), kind, found.start(), found.end(), role)


def _listed(found: re.Match[str], role: Role) -> Iterator[Size]:
    """Yield the sizes of a list: each its own, the last one with the unit."""
    factor = _factor(found["unit5"])
    spans = [found.span("first")]
    spans += [
        (found.start("list") + one.start(), found.start("list") + one.end())
        for one in re.finditer(_NUMBER, found["list"])
    ]
    spans[-1] = (spans[-1][0], found.end())
    numbers = [found["first"], *re.findall(_NUMBER, found["list"])]
    if _LABEL.search(found.string[: found.start()]):  # "image 45, 5 mm"
        spans, numbers = spans[-1:], numbers[-1:]
    for (start, end), number in zip(spans, numbers, strict=True):
        if _plausible(one := _mm(number, factor)):
            yield Size((one,), "exact", start, end, role)


def _factor(unit: str) -> float:
    return 1.0 if unit.lower()[0] == "m" or unit in ("㎜", "毫米") else 10.0


def find_volumes(text: str) -> Iterator[tuple[float, int, int]]:
    """Find volumes: mm³, and where each stands."""
    for found in _VOLUME.finditer(text):
        if _CUBED.match(text, found.start("unit")):
            factor = 1000.0 if found["unit"].lower() in ("cm", "ml") else 1.0
            yield float(found["number"].replace(",", ".")) * factor, found.start(), found.end()


def _mm(number: str, factor: float) -> float:
    return round(float(number.replace(",", ".")) * factor, 2)


def _plausible(mm: float) -> bool:
    return 0 < mm <= LARGEST_MM
