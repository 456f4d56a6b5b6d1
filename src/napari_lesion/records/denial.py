"""Whether a part of a sentence tells of a nodule in the lungs, denies one, or tells of another organ."""

from __future__ import annotations

import re

from napari_lesion.records.attribution import Region
from napari_lesion.records.marks import Marked
from napari_lesion.records.sizes import Size


def negation(marked: Marked, part: Region) -> str:
    """Whether a part denies nodules: ``none``, ``no new``, or "" where it tells of one."""
    head = part.anchor.head
    if head is None:
        return ""
    size = part.anchor.size
    before = marked.of("neg", part.start, head.start)
    after = [one for one in marked.of("neg", head.end, part.end) if one.start - head.end < 25 and size is None]
    if before:
        neg = before[-1]
        between = marked.text[neg.end : head.start]
        if any(neg.end <= one.start < head.start for one in marked.of("ender")):
            return ""
        comma = max(between.rfind(","), between.rfind("，"), between.rfind(";"))
        if comma >= 0 and ((size is not None and not _is_threshold(marked, size)) or re.search(r"[，]", between)):
            return ""
        if comma >= 0 and re.search(
            r"\b(?:there (?:is|are)|shows?|seen is|zeigt|einzelne[rn]?|a|an|ein|eine)\b|见|可见|示",
            between[comma:],
            re.IGNORECASE,
        ):
            return ""
        if (
            any(neg.end <= one.start <= head.start for one in marked.of("change"))
            and size is not None
            and not _is_threshold(marked, size)
        ):
            return ""
        others = [one for one in (*marked.of("others"), *marked.of("change")) if neg.start <= one.start < head.end]
        if any(one.value in ("grown", "new", "") for one in others):
            return "no new"
        return "none"
    if after and re.search(
        r"\b(?:not|nicht)\s+(?:\w+\s+)?(?:seen|visible|identified|present|detected|found|nachweisbar"
        r"|abgrenzbar|erkennbar|darstellbar)|^\W*(?:none|negative|keine?|nein|无|未见)\b",
        marked.text[head.end : part.end],
        re.IGNORECASE,
    ):
        return "none"
    return ""


def _is_threshold(marked: Marked, size: Size) -> bool:
    return (
        any(0 <= size.start - one.end <= 4 for one in marked.of("threshold"))
        or bool(
            re.search(
                r"(?:>|≥|＞)\s*$|(?:larger|greater|bigger) than\s*$|größer als\s*$|über\s*$|ab\s*$",
                marked.text[: size.start],
                re.IGNORECASE,
            )
        )
        or bool(
            re.match(
                r"\s*(?:or (?:larger|greater|more)|oder größer|以上|及以上)", marked.text[size.end :], re.IGNORECASE
            )
        )
    )


def denies_in_lung(marked: Marked, part: Region) -> bool:
    """Whether the nodules that are denied are those of the lungs: what else a list denies does not matter."""
    start = max(marked.text.rfind(one, 0, part.anchor.start) for one in ",;，；")
    ends = [at for one in ",;，；" if (at := marked.text.find(one, part.anchor.end)) >= 0]
    within = Region(part.anchor, max(part.start, start + 1), min([part.end, *ends]))
    return is_of_lung(marked, within)


def is_of_lung(marked: Marked, part: Region) -> bool:
    """Whether what is told of lies in the lungs: a lobe says yes, the name of another organ no."""
    if any(part.start <= one.start < part.end and one.lobe for one in marked.places):
        return True
    organs = marked.of("organ", part.start, part.end)
    if not organs:
        return True
    at = part.anchor.start
    lungs = marked.of("lung", part.start, part.end)
    nearest = min(abs(one.start - at) for one in organs)
    return bool(lungs) and min(abs(one.start - at) for one in lungs) < nearest
