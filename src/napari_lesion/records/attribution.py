"""Which size, place and type in a sentence belong to which nodule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from napari_lesion.records.findings import Value
from napari_lesion.records.marks import Mark, Marked
from napari_lesion.records.places import Place
from napari_lesion.records.sizes import Size
from napari_lesion.records.words import Language

_STRONG = re.compile(
    r";|；|\band\b|\bund\b|\bsowie\b|\bas well as\b|以及|另|\bother than\b|\bexcept\b|\baußer\b"
    r"|\bbis auf\b|\bbut\b|\baber\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(r"(?:\bfrom\b|\bvon\b|由|从|自原?)\W{0,2}(?:\w+ ){0,2}$", re.IGNORECASE)
_TOWARDS = re.compile(r"^\W*(?:\w+ ){0,3}(?:to|auf|至|到|增至|增大至|增大到|长至|缩小至|缩至|变为|now)", re.IGNORECASE)
_DATED = re.compile(
    r"^\W{0,3}(?:on|in|am|vom|at|\()?\s*(?:the )?\(?(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"
    r"|\d{4}-\d{2}-\d{2}|\d{1,2}/\d{4}|(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_DAY = re.compile(r"\d{4}年|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{2}-\d{2}|\b(?:19|20)\d\d\b")
_DATE_BEFORE = re.compile(
    r"(?:\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\b\d{4}-\d{2}(?:-\d{2})?|\b\d{1,2}/\d{4}|\b(?:19"
    r"|20)\d\d)年?\s?[:：]\s*(?:约|ca\.)?\s*$"
)
_BECAME = re.compile(r"(?:\bto|\bauf|至|到)\s*(?:about|ca\.|约)?\s*$", re.IGNORECASE)
_BACK = 40
"""A word that says that a size is an earlier one stands at most so many letters before it."""
_THIN_PRIOR = {"from", "von", "由", "从", "to", "较", "vs", "versus", "对比"}


@dataclass
class Anchor:
    """The words that a description is built around: a head, a size, or both."""

    start: int
    end: int
    head: Mark | None = None
    size: Size | None = None


@dataclass(frozen=True)
class Region:
    """A part of a sentence that describes one nodule."""

    anchor: Anchor
    start: int
    end: int


def earlier_sizes(sentence: Marked, language: Language) -> tuple[Size, ...]:
    """Find which of the lengths in a sentence are those of an earlier scan."""
    found = [one for one in sentence.sizes if one.role == "now"]
    earlier = [one for one in sentence.sizes if one.role == "earlier"]
    for number, size in enumerate(found):
        before = sentence.text[: size.start]
        after = sentence.text[size.end :]
        since = found[number - 1].end if number else 0
        priors = sentence.of("prior", max(since, size.start - _BACK), size.start)
        nows = sentence.of("now", since, size.start)
        last = max((one.start for one in nows), default=-1)
        told = [one for one in priors if one.start > last and not _crosses(sentence.text[one.end : size.start])]
        strong = [
            one
            for one in told
            if sentence.text[one.start : one.end].lower().rstrip(".") not in _THIN_PRIOR
            or (number > 0 and _DAY.search(sentence.text[one.end : size.start]))
        ]
        if number > 0 and _BECAME.search(before) and _is_changed(sentence, since, size.start):
            earlier.append(found[number - 1])
        moved = _CHANGED.search(before) and _TOWARDS.match(after) and number + 1 < len(found)
        grown_from = any(
            one.value in ("grown", "shrunk")
            and re.fullmatch(
                r"\W*(?:in \w+ |slightly |大)?(?:from|gegenüber|从|由|较)\s*",
                sentence.text[one.end : size.start],
                re.IGNORECASE,
            )
            for one in sentence.of("change", since, size.start)
        )
        dated_before = len(found) > 1 and _DATE_BEFORE.search(before)
        compared = (
            [one for one in told if one not in strong]
            and number > 0
            and _compares(sentence, found[number - 1], size, language)
        )
        dated = number > 0 and _DATED.match(after) and "(" in sentence.text[since : size.start]
        behind = re.match(
            r"\s*(?:previously|before|earlier|prior\b|vorher|zuvor|on (?:the )?prior"
            r"|in (?:der )?voruntersuchung|in VU)\b",
            after,
            re.IGNORECASE,
        )
        if (
            (strong and (number > 0 or len(found) > 1 or _only_earlier(strong, sentence, size)))
            or moved
            or grown_from
            or dated_before
            or compared
            or dated
            or (behind and len(found) > 1)
        ):
            earlier.append(size)
    return tuple(earlier)


def _is_changed(sentence: Marked, start: int, end: int) -> bool:
    return any(one.value in ("grown", "shrunk") for one in sentence.of("change", start, end))


def _crosses(between: str) -> bool:
    """Whether a new thought begins between a word and a size."""
    return bool(re.search(r"[;；。]|\bnow\b|\bjetzt\b|现|目前", between)) or len(re.findall(r"[,，]", between)) > 1


def _compares(sentence: Marked, first: Size, size: Size, language: Language) -> bool:
    """Whether "8 mm vs 5 mm" and the like stand right beside each other."""
    between = sentence.text[first.end : size.start]
    return len(between) < (14 if language == "zh" else 25) and not re.search(r"\band\b|\bund\b|;", between)


def _only_earlier(strong: Sequence[Mark], sentence: Marked, size: Size) -> bool:
    """Whether the only size is an earlier one: "previously 5 mm", but not "the previously seen 5 mm nodule"."""
    between = sentence.text[max(one.end for one in strong) : size.start]
    return (
        re.fullmatch(
            r"\s*(?:ct|size|exam|study|scan|measur\w*|it|diameter|größe|大小|直径|径|为|约|片"
            r"|检查)?[\s:(=]*(?:measur\w*|was|of|mit|at|ca\.?|about|约为?|为)?\s*",
            between,
            re.IGNORECASE,
        )
        is not None
    )


def anchors(sentence: Marked, sizes: Sequence[Size]) -> list[Anchor]:
    """Pair heads and present sizes of a sentence that belong together."""
    single: list[Anchor] = [Anchor(one.start, one.end, head=one) for one in sentence.of("head")]
    single += [Anchor(one.start, one.end, size=one) for one in sizes]
    single.sort(key=lambda one: one.start)
    made: list[Anchor] = []
    for one in single:
        last = made[-1] if made else None
        if last is not None and _fits(last, one, sentence):
            made[-1] = Anchor(last.start, max(one.end, last.end), last.head or one.head, last.size or one.size)
        else:
            made.append(one)
    return made


def _fits(last: Anchor, one: Anchor, sentence: Marked) -> bool:
    between = sentence.text[last.end : one.start]
    if one.head is not None and last.head is not None:
        # "opacity, likely a granuloma": two words for one thing
        return (
            last.size is None
            and one.size is None
            and len(between) < 30
            and not _STRONG.search(between)
            and not any(last.end <= place.start < one.start for place in sentence.places)
        )
    if one.size is not None and last.size is not None:
        return False
    if last.head is not None and one.size is not None:
        far = [place for place in sentence.places if last.end <= place.start < one.start]
        if _STRONG.search(between) and not re.search(
            r"\b(?:largest|größte\w*|larger|up to|bis)\b|最大|较大", between, re.IGNORECASE
        ):
            return last.head.value == "many" and bool(far)
        return True
    return (not re.search(r"[,;，；]", between) and not re.search(r"\band\b|\bund\b", between)) or (
        bool(re.fullmatch(r"\W*(?:\w+[- ,]+){0,3}", between)) and not re.search(r"[;；]|\band\b|\bund\b", between)
    )


def regions(sentence: Marked, found: Sequence[Anchor], earlier: Sequence[Size]) -> list[Region]:
    """Divide a sentence between its nodules: each gets one place, where there is one for each."""
    bounds = [0]
    for number, (one, other) in enumerate(pairwise(found)):
        after = found[number + 2].start if number + 2 < len(found) else len(sentence.text)
        bounds.append(_bound(sentence, bounds[-1], one, other, after, earlier))
    bounds.append(len(sentence.text))
    return [Region(one, bounds[n], bounds[n + 1]) for n, one in enumerate(found)]


def _bound(sentence: Marked, start: int, one: Anchor, other: Anchor, after: int, earlier: Sequence[Size]) -> int:
    cuts = {at for at in sentence.separators if one.end <= at <= other.start}
    cuts |= {place.start for place in sentence.places if one.end <= place.start < other.start}
    cuts = {at for at in cuts if not any(size.start <= at < size.end for size in (*sentence.sizes, *earlier))}
    if not cuts:
        return other.start

    def cost(at: int) -> tuple[int, bool, int]:
        left = {p.words for p in sentence.places if start <= p.start < at and p.lobe}
        right = {p.words for p in sentence.places if at <= p.start < after and p.lobe}
        off = abs(len(left) - 1) + max(0, 1 - len(right))
        cut_earlier = any(at <= size.start < other.start for size in earlier)
        return off, cut_earlier, -at

    return min(cuts, key=cost)


def place_value(places: Sequence[Place], at: int) -> Value | None:
    """Join the places of a nodule: the most exact one; several lobes stand beside each other."""
    if not places:
        return None
    lobes = [one for one in places if one.lobe]
    if lobes:
        distinct: dict[str, Place] = {}
        for one in lobes:
            key = f"{one.side} {one.lobe}"
            if key not in distinct or one.segment is not None:
                distinct[key] = one
        chosen = list(distinct.values())
    else:
        chosen = [min(places, key=lambda one: abs(one.start - at))]
    segment = next((one for one in places if one.segment is not None), None)
    if len(chosen) == 1 and chosen[0].segment is None and segment is not None and segment.side == chosen[0].side:
        words = f"{chosen[0].words} S{segment.segment}"
    else:
        words = ", ".join(one.words for one in chosen)
    return Value(words, min(one.start for one in chosen), max(one.end for one in chosen))
