"""The nodules of a report, out of its sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from napari_lesion.records.attribution import Region, anchors, earlier_sizes, place_value, regions
from napari_lesion.records.denial import denies_in_lung, is_of_lung, negation
from napari_lesion.records.findings import ReportedNodule, Standing, Value
from napari_lesion.records.marks import Mark, Marked, mark
from napari_lesion.records.sentences import Section, Sentence
from napari_lesion.records.sizes import Size
from napari_lesion.records.words import Language

_IF = re.compile(r"(?:\bbei\b|\bif\b|\bin case of\b|\bfalls\b|\bunless\b|如有?|若)[^,.;，。；]{0,25}$", re.IGNORECASE)
"""Before what is only said to be possible."""
_NEAR = 45
"""A word of doubt counts within so many letters of what it doubts."""


@dataclass
class _Draft:
    """A nodule while its report is being read."""

    values: dict[str, Value]
    start: int
    end: int
    section: Section
    many: bool
    uncertain: bool = False
    standing: Standing = "now"

    def get(self, name: str) -> str:
        return self.values[name].value if name in self.values else ""

    def fill(self, more: dict[str, Value]) -> None:
        """Add what is not said yet; a more exact place of the same lobe goes before."""
        for name, value in more.items():
            if name not in self.values or (name == "place" and _is_finer(value.value, self.values[name].value)):
                self.values[name] = value


@dataclass
class _Reading:
    """What has been read so far."""

    language: Language
    drafts: list[_Draft] = field(default_factory=list)
    no_nodules: list[Value] = field(default_factory=list)
    no_new: list[Value] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    current: _Draft | None = None
    """What "it" means, and what a sentence without a nodule's name goes on about."""
    list_open: bool = False


@dataclass(frozen=True)
class ReadNodules:
    """Nodules, and what was said of there being none."""

    nodules: tuple[ReportedNodule, ...]
    no_nodules: tuple[Value, ...]
    no_new: tuple[Value, ...]
    notes: tuple[str, ...]


def read_nodules(sentences: Iterable[Sentence], language: Language) -> ReadNodules:
    """Read the nodules of a report."""
    reading = _Reading(language)
    section: Section = "findings"
    for sentence in sentences:
        if sentence.section != section:
            reading.current, reading.list_open, section = None, False, sentence.section
        if section in ("technique", "organ"):
            reading.current = None
            continue
        _read(reading, sentence, mark(sentence.text, language))
    drafts = _merged(reading.drafts)
    nodules = tuple(ReportedNodule(dict(one.values), one.start, one.end, one.uncertain, one.standing) for one in drafts)
    return ReadNodules(nodules, tuple(reading.no_nodules), tuple(reading.no_new), tuple(dict.fromkeys(reading.notes)))


def _read(reading: _Reading, sentence: Sentence, marked: Marked) -> None:
    earlier = earlier_sizes(marked, reading.language)
    now = [one for one in marked.sizes if one.role == "now" and one not in earlier]
    reading.notes += [place.note for place in marked.places if place.note]
    heads = marked.of("head")
    if not heads:
        _go_on(reading, sentence, marked, now, earlier)
        return
    found = anchors(marked, now)
    if all(one.head is None for one in found):
        return
    parts = regions(marked, found, earlier)
    zipped = _respectively(marked, now, heads)
    made: list[_Draft] = []
    elsewhere = False
    for part in parts:
        if part.anchor.head is not None:
            elsewhere = not is_of_lung(marked, part)
        elif elsewhere and not any(part.start <= one.start < part.end and one.lobe for one in marked.places):
            continue  # "adrenal nodules: right 12 mm, left 15 mm"
        negated = negation(marked, part)
        words = Value("yes", sentence.start + part.start, sentence.start + part.end)
        if negated == "none":
            if sentence.section != "history" and denies_in_lung(marked, part):
                reading.no_nodules.append(words)
        elif negated == "no new":
            reading.no_new.append(words)
        elif is_of_lung(marked, part):
            draft = _draft(sentence, marked, part, earlier)
            place = zipped.get(part.anchor.size) if part.anchor.size is not None else None
            if place is not None:
                draft.values["place"] = Value(place.value, sentence.start + place.start, sentence.start + place.end)
            made += _one_each(draft)
    _inherit(made, marked)
    for draft in made:
        _add(reading, draft, marked)
    if not made and any(one.kind == "organ" for one in marked.marks):
        reading.current = None
    reading.list_open = any(one.many for one in made) or (reading.list_open and not made)


def _go_on(reading: _Reading, sentence: Sentence, marked: Marked, now: Sequence[Size], earlier: Sequence[Size]) -> None:
    """Read a sentence that names no nodule: it goes on about the last one, or is a line of a list."""
    if (
        any(place.lobe for place in marked.places)
        and now
        and (reading.list_open or sentence.section == "findings")
        and reading.drafts
    ):
        last = reading.current
        if (
            last is not None
            and (last.get("size_mm") or (last.get("place") and reading.list_open))
            and not marked.of("organ")
        ):
            found = anchors(marked, now)
            for part in regions(marked, found, earlier):
                reading.drafts.append(_draft(sentence, marked, part, earlier))
                reading.current = reading.drafts[-1]
            return
    if marked.of("organ") and not any(place.lobe for place in marked.places):
        reading.current = None
        return
    last = reading.current
    if last is None or marked.of("neg") or (_is_item(marked) and not now):
        return
    whole = _values(sentence, marked, 0, len(marked.text), now[:1], earlier)
    if marked.of("all") and "change" in whole and not now:
        for one in reading.drafts:
            one.fill({"change": whole["change"]})
        return
    if (
        whole.get("place") is not None
        and last.get("place")
        and not _is_compatible(whole["place"].value, last.get("place"))
    ):
        return
    last.fill(whole)


def _draft(sentence: Sentence, marked: Marked, part: Region, earlier: Sequence[Size]) -> _Draft:
    sizes = [part.anchor.size] if part.anchor.size is not None else []
    values = _values(sentence, marked, part.start, part.end, sizes, earlier)
    head = part.anchor.head
    many = (head is not None and head.value == "many") or "count" in values
    at = part.anchor
    unsure = [
        one
        for one in marked.of("unsure", part.start, part.end)
        if (0 <= at.start - one.end <= _NEAR // 2 or 0 <= one.start - at.end <= _NEAR) and not _doubts_else(marked, one)
    ]
    history = [one for one in marked.of("history") if one.start < at.start or one.start - at.end < 12]
    standing: Standing = "history" if sentence.section == "history" or history else "now"
    return _Draft(
        values, sentence.start + at.start, sentence.start + at.end, sentence.section, many, bool(unsure), standing
    )


def _values(
    sentence: Sentence, marked: Marked, start: int, end: int, sizes: Sequence[Size], earlier: Sequence[Size]
) -> dict[str, Value]:
    """Collect what a part of a sentence says of its nodule."""

    def value(words: str, begin: int, stop: int) -> Value:
        return Value(words, sentence.start + begin, sentence.start + stop)

    found: dict[str, Value] = {}
    for size in sizes:
        found["size_mm"] = value(size.words, size.start, size.end)
    before = [one for one in earlier if start <= one.start < end]
    if before:
        found["earlier_size_mm"] = value(before[0].words, before[0].start, before[0].end)
    solid = [one for one in marked.sizes if one.role == "solid part" and start <= one.start < end]
    if solid:
        found["solid_part_mm"] = value(solid[0].words, solid[0].start, solid[0].end)
    volume = [one for one in marked.volumes if start <= one[1] < end]
    if volume:
        found["volume_mm3"] = value(f"{volume[0][0]:g}", volume[0][1], volume[0][2])
    at = sizes[0].start if sizes else start
    place = place_value([one for one in marked.places if start <= one.start < end], at)
    if place is not None:
        found["place"] = value(place.value, place.start, place.end)
    for name, kind in (("type", "type"), ("calcified", "calc"), ("change", "change")):
        said = [one for one in marked.of(kind, start, end) if not _IF.search(marked.text[: one.start])]
        if kind == "type":
            said = [one for one in said if not _is_of_solid_part(marked, one)] if len(said) > 1 else said
            if solid and said and all(one.value == "solid" for one in said):
                said = []
        if said:
            one = _most_specific(kind, said)
            found[name] = value({"yes": "yes", "no": "no"}.get(one.value, one.value), one.start, one.end)
    if solid and found.get("type") is not None and found["type"].value == "non-solid":
        found["type"] = replace(found["type"], value="part-solid")  # ground glass with a solid part is that
    counted = marked.of("count", start, end)
    if counted:
        found["count"] = value(counted[0].value, counted[0].start, counted[0].end)
    return found


def _most_specific(kind: str, said: Sequence[Mark]) -> Mark:
    if kind == "type":
        values = {one.value for one in said}
        if {"solid", "non-solid"} <= values or "part-solid" in values:
            return next((one for one in said if one.value == "part-solid"), said[0])
        return said[0]
    if kind == "change":
        order = ("resolved", "new", "grown", "shrunk", "stable")
        return min(said, key=lambda one: order.index(one.value)) if said[0].value != "stable" else said[0]
    return said[0]


def _is_of_solid_part(marked: Marked, one: Mark) -> bool:
    return bool(
        re.match(
            r"\s*(?:component|portion|part|core|anteil|komponente|kern|成分|部分)",
            marked.text[one.end :],
            re.IGNORECASE,
        )
    )


def _doubts_else(marked: Marked, one: Mark) -> bool:
    """Whether a word of doubt is about what a nodule is, not whether there is one."""
    rest = marked.text[one.end : one.end + 30]
    return bool(
        re.match(
            r"[\s\w]{0,12}(?:benign|malig|granulom|metast|hamart|infect|inflam|intrapulm|lymph|cancer|carcin"
            r"|post|scar|gutart|bösart|entz|narb|postinfl|恶性|良性|炎|癌|转移|陈旧|肉芽)",
            rest,
            re.IGNORECASE,
        )
    )


def _one_each(draft: _Draft) -> list[_Draft]:
    """Make a nodule for each of the lobes that several alike are said to lie in."""
    places = draft.get("place").split(", ")
    if len(places) < 2 or not draft.many or draft.get("count") not in ("", str(len(places))):
        return [draft]
    values = {name: value for name, value in draft.values.items() if name != "count"}
    return [replace(draft, values={**values, "place": replace(values["place"], value=one)}) for one in places]


def _respectively(marked: Marked, now: Sequence[Size], heads: Sequence[Mark]) -> dict[Size, Value]:
    """Pair sizes and places that a sentence lists apart from each other: "in RUL and LLL, 5 and 6 mm"."""
    lobes = [one for one in marked.places if one.lobe]
    if len(now) < 2 or len(lobes) != len(now) or not any(one.value == "many" for one in heads):
        return {}
    apart = lobes[-1].end <= now[0].start or now[-1].end <= lobes[0].start
    if not apart:
        return {}
    return {size: Value(place.words, place.start, place.end) for size, place in zip(now, lobes, strict=True)}


def _inherit(made: Sequence[_Draft], marked: Marked) -> None:
    """Give nodules of one sentence what is said of all of them: "two solid nodules in the RUL of 4 and 5 mm"."""
    if len(made) < 2 or not (made[0].many or marked.of("all")):
        return
    for name in ("place", "type", "calcified", "change", "count"):
        holders = [one for one in made if name in one.values]
        if len(holders) == 1:
            only = holders[0]
            if name == "count":
                if only.values[name].value == str(len(made)):
                    del only.values[name]
            elif name == "place" or only is made[0] or only is made[-1]:
                for one in made:
                    one.values.setdefault(name, only.values[name])


def _add(reading: _Reading, draft: _Draft, marked: Marked) -> None:
    """Add a nodule, or fill the one that it is told of once more."""
    last = reading.current
    bare = not draft.get("size_mm") and not draft.get("place")
    if (
        last is not None
        and last.standing == draft.standing
        and (marked.of("same") or bare or _is_plain_repeat(draft, last))
    ):
        agrees = (
            not draft.get("place") or not last.get("place") or _is_compatible(draft.get("place"), last.get("place"))
        )
        sized = draft.get("size_mm") and last.get("size_mm") and draft.get("size_mm") != last.get("size_mm")
        fresh = draft.get("change") == "new" or draft.get("count")
        if (
            agrees
            and not sized
            and not (fresh and not marked.of("same"))
            and (marked.of("same") or not _is_labelled(marked))
        ):
            last.fill(draft.values)
            return
    if bare and draft.get("change") and draft.many and len(reading.drafts) > 0 and not draft.get("count"):
        for one in reading.drafts:
            one.fill({"change": draft.values["change"]})
        return
    reading.drafts.append(draft)
    reading.current = draft


def _is_plain_repeat(draft: _Draft, last: _Draft) -> bool:
    """Whether a nodule of the same section is named again with its size only: what was still missing."""
    return bool(draft.get("size_mm")) and not draft.get("place") and not last.get("size_mm") and not draft.many


def _is_item(marked: Marked) -> bool:
    """Whether it is an item of a numbered list."""
    return bool(re.match(r"\(?\d{1,2}[.)]\s", marked.text))


def _is_labelled(marked: Marked) -> bool:
    """Whether it begins with a number of its own: "Nodule 2:", "#2", "2."."""
    return bool(
        re.match(
            r"\W*(?:(?:nod\w+|rundherd\w*|herd|结节|病灶|lesion|finding|befund)\s*(?:nr\.?|no\.?"
            r"|#)?\s*\d+\s*(?:[:：.)(-]|$)|#\s*\d|\(?\d{1,2}[.)]\s)",
            marked.text,
            re.IGNORECASE,
        )
    )


def _is_finer(one: str, other: str) -> bool:
    return one != other and one.startswith(other)


def _is_compatible(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _merged(drafts: Sequence[_Draft]) -> list[_Draft]:
    """Join what the findings and the impression both tell."""
    made: list[_Draft] = []
    for draft in drafts:
        again = draft.section in ("impression", "history")
        same = [one for one in made if again and _is_same(one, draft)]
        bare = not draft.get("size_mm") and not draft.get("place")
        if len(same) == 1:
            same[0].fill(draft.values)
            same[0].uncertain = same[0].uncertain and draft.uncertain
        elif draft.section == "impression" and bare and (made_now := [one for one in made if one.standing == "now"]):
            if len(made_now) == 1 or draft.many:
                for one in made_now:
                    one.fill(
                        {
                            name: value
                            for name, value in draft.values.items()
                            if name == "change" or (len(made_now) == 1 and name != "count")
                        }
                    )
        elif draft.section == "impression" and len(same) > 1:
            continue
        else:
            made.append(draft)
    return made


def _is_same(one: _Draft, other: _Draft) -> bool:
    if one.standing != other.standing:
        return False
    here, there = one.get("size_mm"), other.get("size_mm")
    place, place_there = one.get("place"), other.get("place")
    if here and there:
        return _largest(here) == _largest(there) and (
            not place or not place_there or _is_compatible(place, place_there)
        )
    return bool(place and place_there) and _is_compatible(place, place_there)


def _largest(words: str) -> float:
    return max((float(one) for one in re.findall(r"\d+(?:\.\d+)?", words)), default=0.0)
