"""What the words of a sentence mark: nodules, sizes, places, types, changes, and what turns their meaning round."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from napari_lesion.records.places import Place, find_places
from napari_lesion.records.sizes import Size, find_sizes, find_volumes
from napari_lesion.records.words import Language, vocabulary

_NUMBERS: dict[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "single solitary ein einzelner solitärer solitär einzelne 单发 一枚 1枚 单个 一个 孤立",
            "two zwei 两枚 二枚 2枚 两个 2个 couple",
            "three drei 三枚 3枚 三个 3个",
            "four vier 四枚 4枚 四个 4个",
            "five fünf 五枚 5枚 五个 5个",
            "six sechs 六枚 6枚",
            "seven sieben 七枚 7枚",
            "eight acht 八枚 8枚",
        ),
        start=1,
    )
    for word in words.split()
}
_MANY = (
    r"multiple|several|numerous|scattered|few|innumerable|multiple[rsn]?|mehrere[rn]?|zahlreiche[rn]?"
    r"|einige[n]?|vereinzelte[rn]?|disseminierte[rn]?"
    r"|多发|多个|多枚|数个|数枚|散在|若干"
)
_WEAK_ONE = {"ein"}
_COUNT = re.compile(
    rf"(?<!\w)(?:(?P<many>{_MANY})|(?P<word>{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
    rf"|(?P<digit>[2-9]|1\d)(?=\s+(?!(?:x|by|mal|to|bis|mm|cm)\b)(?:\w+[- ]+){{0,3}}(?:nod|rundherd"
    rf"|herde|noduli|mass|lesion|ground|GGN)))(?!\w*-|[ -]?mm)",
    re.IGNORECASE,
)
_CHINESE_COUNT = re.compile(
    r"(?P<many>多发|多个|多枚|数个|数枚|散在|若干)"
    rf"|(?P<word>{'|'.join(word for word in _NUMBERS if not word.isascii())})(?!月)"
)
_SEPARATOR = re.compile(
    r"[,;，；、]|\band\b|\bund\b|\bsowie\b|\bas well as\b|\bplus\b|\bwith (?=an?other)|以及|另|及|和"
    r"|\balong with\b|\bother than\b|\bexcept\b|\baußer\b|\bbis auf\b|\bbut\b|\baber\b|\bthe larger\b",
    re.IGNORECASE,
)
_CATEGORY = re.compile(
    r"lung[- ]?rads\W{0,3}(?:version|v)?\s?(?:2022|1\.1)?\W{0,3}(?:category|cat\.?|kategorie|score|分类"
    r"|类别?)?\W{0,3}(?P<category>[0-3]|4[ABX])(?:\s?S)?\s?类?(?!\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mark:
    """A word, or several, that say something.

    Attributes
    ----------
    kind, value : str
        As ``change`` and ``grown``.
    start, end : int
        In the sentence.
    """

    kind: str
    value: str
    start: int
    end: int


@dataclass(frozen=True)
class Marked:
    """A sentence with all that is marked in it; places in it are counted from its own start."""

    text: str
    marks: tuple[Mark, ...]
    sizes: tuple[Size, ...]
    places: tuple[Place, ...]
    volumes: tuple[tuple[float, int, int], ...]

    def of(self, kind: str, start: int = 0, end: int | None = None) -> list[Mark]:
        """List the marks of a kind that begin in a part of the sentence."""
        end = len(self.text) if end is None else end
        return [one for one in self.marks if one.kind == kind and start <= one.start < end]

    @cached_property
    def separators(self) -> tuple[int, ...]:
        """Where one nodule's description may end and another's begin."""
        return tuple(
            found.start() for found in _SEPARATOR.finditer(self.text) if not _in_number(self.text, found.start())
        )


def mark(text: str, language: Language) -> Marked:
    """Mark a sentence."""
    cancers = [found.span() for found in vocabulary(language, "cancer")["name"].finditer(text)]
    sizes = _without_vague(tuple(find_sizes(text, language)))
    found = [
        Mark(*kind.partition(":")[::2], one.start(), one.end())
        for kind, expression in vocabulary(language, "marks").items()
        for one in expression.finditer(text)
    ]
    found += [_count(one) for one in (_CHINESE_COUNT if language == "zh" else _COUNT).finditer(text)]
    found += [Mark("category", one["category"].upper(), one.start(), one.end()) for one in _CATEGORY.finditer(text)]
    marks = [one for one in found if one.kind != "organ" or not _inside(one, cancers)]
    places = tuple(sorted(find_places(text, language), key=lambda one: one.start))
    return Marked(
        text,
        tuple(sorted(_settled(marks), key=lambda one: (one.start, -one.end))),
        sizes,
        places,
        tuple(find_volumes(text)),
    )


def _without_vague(sizes: tuple[Size, ...]) -> tuple[Size, ...]:
    """Leave "subcentimetre" out where a number is said."""
    vague = [one for one in sizes if one.is_vague]
    return tuple(one for one in sizes if not one.is_vague) if len(vague) < len(sizes) else sizes


def _settled(marks: Sequence[Mark]) -> Iterable[Mark]:
    """Leave out what a longer mark has swallowed: the "no" of "no change", the "glass" of a mixed nodule."""
    for one in marks:
        rivals = [
            other
            for other in marks
            if other is not one
            and other.start <= one.start
            and one.end <= other.end
            and (other.end - other.start) > (one.end - one.start)
        ]
        if any(_swallows(other, one) for other in rivals):
            continue
        if (
            one.kind == "type"
            and one.value == "solid"
            and any(o.kind == "type" and o.start < one.end and one.start < o.end and o is not one for o in marks)
        ):
            continue
        yield one


def _swallows(long: Mark, short: Mark) -> bool:
    if long.kind == short.kind and long.kind not in ("head",):
        return True
    if short.kind == "head":
        return long.kind == "head"
    return long.kind in ("change", "calc", "category", "type") and short.kind in (
        "neg",
        "prior",
        "others",
        "change",
        "now",
        "same",
    )


def _inside(mark: Mark, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= mark.start and mark.end <= end for start, end in spans)


def _count(found: re.Match[str]) -> Mark:
    if found["many"]:
        return Mark("count", "multiple", *found.span())
    word = found["word"]
    number = _NUMBERS[word.lower()] if word else int(found["digit"])
    weak = word and word.lower() in _WEAK_ONE
    return Mark("article" if weak else "count", str(number), *found.span())


def _in_number(text: str, at: int) -> bool:
    return text[at] in ".,，" and text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()
