"""What a report advises: a CT in so many months, PET-CT, biopsy, or nothing; never what was done already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from napari_lesion.records.findings import Advice
from napari_lesion.records.sentences import Sentence
from napari_lesion.records.words import Language, Vocabulary, vocabulary

Kind = Literal["CT", "PET-CT", "biopsy", "surgery", "none"]


_NUMBER = {
    "one": 1,
    "einem": 1,
    "eine": 1,
    "einer": 1,
    "ein": 1,
    "一": 1,
    "two": 2,
    "zwei": 2,
    "两": 2,
    "二": 2,
    "three": 3,
    "drei": 3,
    "三": 3,
}
_NUMBER |= {
    "four": 4,
    "vier": 4,
    "四": 4,
    "six": 6,
    "sechs": 6,
    "六": 6,
    "nine": 9,
    "neun": 9,
    "九": 9,
    "twelve": 12,
    "zwölf": 12,
    "十二": 12,
    "eighteen": 18,
}
_AGO = re.compile(
    r"^\W*(?:ago\b|earlier\b|prior\b|previously\b|old\b|before\b|前|以前|of stability|stability|history)", re.IGNORECASE
)
_SINCE = re.compile(
    r"(?:\bvor\b|\bseit\b|\bover(?: the)?\b|\bfor(?: the last)?\b|\bwithin\b(?! )|\bstable (?:for"
    r"|over)\b|\blast\b|\bpast\b|\büber\b|\bsince\b|\bx\b|\buntil\b|\bup to\b|\bbis\b|史|年龄"
    r"|共)\W*(?:mehr als |more than |at least |mindestens )?$|(?<!建议)随访$",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?:随诊|随访|复查|观察)[。；]?$")
_JOINED = re.compile(r"[;；]|(?<=[a-z]), (?=then|dann)|\bthen\b|\bdann\b|，然后|再")
_AGE = re.compile(r"[\s-]*(?:old|jährige|alt|岁)", re.IGNORECASE)
_PER_YEAR = 12.0
_WEEKS_PER_MONTH = 52.18 / 12


def read_advice(sentences: Iterator[Sentence], language: Language) -> tuple[Advice, ...]:
    """Read what is advised."""
    words = vocabulary(language, "advice")
    found: list[Advice] = []
    for sentence in sentences:
        if sentence.section in ("technique", "history"):
            continue
        for advice in _of_sentence(sentence, words):
            if all((one.kind, one.months) != (advice.kind, advice.months) for one in found):
                found.append(advice)
    if any(one.kind == "CT" and one.months is not None for one in found):
        found = [one for one in found if one.kind != "CT" or one.months is not None]
    return tuple(found)


def _of_sentence(sentence: Sentence, words: Vocabulary) -> Iterator[Advice]:
    text = sentence.text
    nothing = words["nothing"].search(text)
    if nothing is not None:
        yield Advice(
            "none",
            None,
            _conditional(text, nothing.start(), words),
            sentence.start + nothing.start(),
            sentence.start + nothing.end(),
        )
        text = text[: nothing.start()] + " " * (nothing.end() - nothing.start()) + text[nothing.end() :]
    asked = [*words["advised"].finditer(text), *words["condition"].finditer(text)]
    if not asked:
        return
    start = sentence.start

    def made(kind: Kind, found: re.Match[str], months: tuple[float, float] | None = None) -> Advice:
        return Advice(
            kind, months, _conditional(text, found.start(), words), start + found.start(), start + found.end()
        )

    explicit = [one for one in asked if not words["control"].fullmatch(one[0])]
    for kind, expression in (("PET-CT", words["pet"]), ("biopsy", words["biopsy"]), ("surgery", words["surgery"])):
        for found in expression.finditer(text):
            near = explicit or sentence.section == "impression"
            if (
                near
                and not words["past"].search(text[: found.start()])
                and not re.match(
                    r"[- ]?(?:proven|gesichert|证实|提示|negativ|positiv)", text[found.end() :], re.IGNORECASE
                )
            ):
                yield made(kind, found)  # type: ignore[arg-type]
                break
    controls = [one for one in words["control"].finditer(text) if not _is_within(one, words["pet"].finditer(text))]
    if not controls:
        return
    timed = False
    for found in words["interval"].finditer(text):
        months = _months(found)
        if (
            _AGO.match(text[found.end() :])
            or _SINCE.search(text[: found.start()])
            or _AGE.match(text[found.end() :])
            or months is None
        ):
            continue
        yield Advice(
            "CT",
            months,
            _conditional(text, found.start(), words),
            start + min(controls[0].start(), found.start()),
            start + max(controls[0].end(), found.end()),
        )
        timed = True
    yearly = words["yearly"].search(text)
    if yearly is not None and not timed:
        yield made("CT", yearly, (_PER_YEAR, _PER_YEAR))
    elif not timed and (explicit or _ENDS.search(text)):
        control = next((one for one in controls if not words["past"].search(text[: one.start()])), None)
        if control is not None and re.search(
            r"follow|kontroll|f/?u|repeat|surveil|复查|随访|随诊|LDCT|imaging|verlauf", text, re.IGNORECASE
        ):
            yield made("CT", control)


def _months(found: re.Match[str]) -> tuple[float, float] | None:
    low = _number(found["low"])
    high = _number(found["high"]) if found["high"] else low
    if low is None or high is None:
        return None
    unit = found["unit"].lower()
    factor = (
        _PER_YEAR if unit[0] in "yj年" else 1 / _WEEKS_PER_MONTH if unit[0] == "w" or unit in ("周", "个星期") else 1.0
    )
    return round(low * factor, 1), round(high * factor, 1)


def _number(word: str) -> float | None:
    word = word.lower()
    return (
        0.5 if word == "半" else float(word) if word.isdecimal() else float(_NUMBER[word]) if word in _NUMBER else None
    )


def _conditional(text: str, at: int, words: Vocabulary) -> bool:
    """Whether what stands at a place depends on something that is said before it, or right behind."""
    clause = text[:at]
    cut = max((found.end() for found in _JOINED.finditer(clause)), default=0)
    behind = re.split(r"[,;，；.]", text[at:], maxsplit=1)[0]
    return bool(words["condition"].search(clause[cut:]) or words["condition"].search(behind))


def _is_within(one: re.Match[str], others: Iterator[re.Match[str]]) -> bool:
    return any(other.start() <= one.start() < other.end() for other in others)
