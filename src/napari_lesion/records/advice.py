"""What a report advises: a CT in so many months, PET-CT, biopsy, or nothing; never what was done already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from napari_lesion.records.findings import Advice
from napari_lesion.records.sentences import Sentence
from napari_lesion.records.words import Language

Kind = Literal["CT", "PET-CT", "biopsy", "surgery", "none"]


@dataclass(frozen=True)
class _Words:
    """Expressions of one language."""

    advised: re.Pattern[str]
    """That something is to be done."""
    control: re.Pattern[str]
    """A control, a CT."""
    pet: re.Pattern[str]
    biopsy: re.Pattern[str]
    surgery: re.Pattern[str]
    nothing: re.Pattern[str]
    past: re.Pattern[str]
    """What was done, and what is not to be done."""
    condition: re.Pattern[str]
    yearly: re.Pattern[str]
    interval: re.Pattern[str]


def _compiled(**expressions: str) -> _Words:
    return _Words(**{name: re.compile(expression, re.IGNORECASE) for name, expression in expressions.items()})


_N = r"\d{1,2}|one|two|three|four|six|nine|twelve|eighteen|einem?|zwei|drei|vier|sechs|neun|zwölf|半|一|两|二|三|四|六|九|十二"
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
_WORDS: Mapping[Language, _Words] = {
    "en": _compiled(
        advised=r"\brecommend\w*|\badvis\w+|\bsuggest\w*|\bconsider\w*|\bshould\b|\bwarrant\w*|\bneeds?\b|\brequires?\b|\bplan\b|\brepeat\b|\breturn\b|\bcontinue\b|\brec\b|\bf/?u\b|\bfollow[- ]?up\b"
        r"|\bsurveillance\b|\bannual\b|\bnext\b|\bcould be obtained\b|\bmay be (?:obtained|considered)\b|\bto be (?:performed|repeated)\b",
        control=r"\b(?:LD)?CTs?\b|\bfollow[- ]?up\b|\bf/?u\b|\bimaging\b|\bsurveillance\b|\bscreening\b|\breassess\w*|\bre-?evaluat\w+|\bscan\b|\brepeat\b|\bsurveil\w+",
        pet=r"\b(?:FDG[- ])?PET(?:[-/ ]?CT)?\b",
        biopsy=r"\bbiops\w+|\btissue (?:sampling|diagnosis)|\bhistolog\w+|\bFNA\b|\bsampling\b",
        surgery=r"\bresection\b|\bsurgical (?:consult\w*|evaluation|referral|opinion)|\bthoracic surgery\b|\bwedge\b|\bVATS\b",
        nothing=r"\bno (?:further |routine |additional |specific |dedicated |imaging )*(?:follow[- ]?up|imaging|surveillance|work-?up|action)\b(?! (?:CT )?(?:is |was |are )?(?:available|performed|done))"
        r"|\b(?:does|do) not (?:need|require) (?:further |any |routine )*(?:follow[- ]?up|imaging)|\bfollow[- ]?up (?:is )?not (?:needed|required|necessary|recommended)",
        past=r"\b(?:after|post|prior|previous|recent|following|since|s/p|status post|negative|performed|underwent|undergone|had|was|were|showed|demonstrated|from|comparison|compared|versus|refused|declined|deferred|dated|done)\b[^.;]{0,40}$",
        condition=r"\bif\b|\bunless\b|\bin (?:case|high[- ]risk)\b|\bwhen\b|\bdepending\b|\bfor high[- ]risk\b|\bin the event\b|\boptional\w*",
        yearly=r"\bannual(?:ly)?\b|\byearly\b|\bevery year\b",
        interval=rf"(?P<low>{_N})(?:\s*(?:-|–|to|or)\s*(?P<high>{_N}))?[\s-]*(?P<unit>months?|mos?\b|mths?\b|years?|yrs?\b|weeks?|wks?\b)",
    ),
    "de": _compiled(
        advised=r"\bempf\w*|\bempfehl\w*|\banzuraten\b|\bangeraten\b|\bratsam\b|\bsollte\w*|\banzustreben\b|\berwäg\w*|\bangezeigt\b|\bindiziert\b|\berforderlich\b|\bbitte\b|\bvorschlag\b|\bkontroll\w*|\w*verlaufskontrolle\w*"
        r"|\bCT-kontrolle\w*|\bweitere abklärung\b|\bergänzend\w*|\bwiedervorstellung\b|\bnotwendig\b|\bjährlich\w*|\bCT-verlauf\b|\bzu erwägen\b|\bwir raten\b|\bgeboten\b|\bnächste[rsn]?\b",
        control=r"\w*kontroll\w*|\bverlauf\w*|\b(?:LD|HR)?-?CT\b|\b\w*-CT\b(?<!PET-CT)|\bscreening\w*|\bwiedervorstellung\b|\bNiedrigdosis\w*|\bfollow[- ]?up\b",
        pet=r"\b(?:FDG-)?PET(?:[-/ ]?CT)?\b",
        biopsy=r"\w*biops\w+|\bhistolog\w+|\w*punktion\w*|\bgewebe\w+",
        surgery=r"\bresektion\b|\bthoraxchirurg\w*|\boperative (?:abklärung|sanierung)|\bVATS\b|\bkeilresektion\b",
        nothing=r"\bkeine (?:weitere[n]? |routinemäßige[n]? |regelmäßige[n]? )*\w*(?:kontrolle[n]?|verlaufskontrolle[n]?|nachsorge|abklärung|bildgebung|maßnahmen)\b|\b\w*kontrolle[n]? (?:ist |sind )?nicht (?:erforderlich|notwendig|nötig)|\bnicht kontrollbedürftig\b|\bohne kontrollbedarf\b|\bkein kontrollbedarf\b",
        past=r"(?:\bnach\b|\bz\. ?n\.|\bzustand nach\b|\bvoraufnahme\b|\bvor-?\b|\bstattgehabte\w*|\berfolgte\w*|\bzeigte\b|\bim\b(?= PET)|\bvergleich\w*|\bvom\b|\bzur\b|\babgelehnt\w*|\bletzte[rn]?\b|\bvorangegangen\w*)[^.;]{0,40}$",
        condition=r"\bfalls\b|\bbei (?:hohem risiko|risiko\w*|persist\w*|größen\w*|progred\w*|wachstum|zunahme|bedarf|hochrisiko\w*)|\bwenn\b|\bggf\b|\bgegebenenfalls\b|\boptional\b|\bje nach\b|\bsofern\b",
        yearly=r"\bjährlich\w*|\bjahreskontrolle\b|\beinmal im jahr\b",
        interval=rf"(?P<low>{_N})(?:\s*(?:-|–|bis|oder)\s*(?P<high>{_N}))?[\s-]*(?P<unit>monat\w*|mon\b|mo\b|mte\b|jahr\w*|wochen?|wo\b)",
    ),
    "zh": _compiled(
        advised=r"建议|推荐|请|需|宜|应|随诊|随访|复查|可考虑|可行|必要时",
        control=r"复查|随访|随诊|观察|CT|筛查|复诊",
        pet=r"PET[-/ ]?CT|PET",
        biopsy=r"活检|穿刺|病理|组织学",
        surgery=r"手术|外科(?:就诊|会诊|评估)|切除(?!术后)",
        nothing=r"(?:无需|不需要?|无须|不必)(?:进一步|常规|特殊)?(?:随访|复查|随诊|处理|检查)",
        past=r"(?:术后|后|曾|已行|已于|既往|示|提示|本次|前次|拒绝|此次)[^，。；]{0,3}$",
        condition=r"必要时|如|若|高危",
        yearly=r"每年|年度|逐年|一年一次",
        interval=rf"(?P<low>{_N})(?:\s*(?:-|–|～|~|到|至)\s*(?P<high>{_N}))?\s*(?P<unit>个?月|年|周|个星期)",
    ),
}
_AGO = re.compile(
    r"^\W*(?:ago\b|earlier\b|prior\b|previously\b|old\b|before\b|前|以前|of stability|stability|history)", re.IGNORECASE
)
_SINCE = re.compile(
    r"(?:\bvor\b|\bseit\b|\bover(?: the)?\b|\bfor(?: the last)?\b|\bwithin\b(?! )|\bstable (?:for|over)\b|\blast\b|\bpast\b|\büber\b|\bsince\b|\bx\b|\buntil\b|\bup to\b|\bbis\b|史|年龄|共)\W*(?:mehr als |more than |at least |mindestens )?$|(?<!建议)随访$",
    re.IGNORECASE,
)
_JOINED = re.compile(r"[;；]|(?<=[a-z]), (?=then|dann)|\bthen\b|\bdann\b|，然后|再")
_AGE = re.compile(r"[\s-]*(?:old|jährige|alt|岁)", re.IGNORECASE)
_PER_YEAR = 12.0
_WEEKS_PER_MONTH = 52.18 / 12


def read_advice(sentences: Iterator[Sentence], language: Language) -> tuple[Advice, ...]:
    """Read what is advised."""
    words = _WORDS[language]
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


def _of_sentence(sentence: Sentence, words: _Words) -> Iterator[Advice]:
    text = sentence.text
    nothing = words.nothing.search(text)
    if nothing is not None:
        yield Advice(
            "none",
            None,
            _conditional(text, nothing.start(), words),
            sentence.start + nothing.start(),
            sentence.start + nothing.end(),
        )
        text = text[: nothing.start()] + " " * (nothing.end() - nothing.start()) + text[nothing.end() :]
    asked = [*words.advised.finditer(text), *words.condition.finditer(text)]
    if not asked:
        return
    start = sentence.start

    def made(kind: Kind, found: re.Match[str], months: tuple[float, float] | None = None) -> Advice:
        return Advice(
            kind, months, _conditional(text, found.start(), words), start + found.start(), start + found.end()
        )

    explicit = [one for one in asked if not words.control.fullmatch(one[0])]
    for kind, expression in (("PET-CT", words.pet), ("biopsy", words.biopsy), ("surgery", words.surgery)):
        for found in expression.finditer(text):
            near = explicit or sentence.section == "impression"
            if (
                near
                and not words.past.search(text[: found.start()])
                and not re.match(
                    r"[- ]?(?:proven|gesichert|证实|提示|negativ|positiv)", text[found.end() :], re.IGNORECASE
                )
            ):
                yield made(kind, found)  # type: ignore[arg-type]
                break
    controls = [one for one in words.control.finditer(text) if not _is_within(one, words.pet.finditer(text))]
    if not controls:
        return
    timed = False
    for found in words.interval.finditer(text):
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
    yearly = words.yearly.search(text)
    if yearly is not None and not timed:
        yield made("CT", yearly, (_PER_YEAR, _PER_YEAR))
    elif not timed and explicit:
        control = next((one for one in controls if not words.past.search(text[: one.start()])), None)
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


def _conditional(text: str, at: int, words: _Words) -> bool:
    """Whether what stands at a place depends on something that is said before it, or right behind."""
    clause = text[:at]
    cut = max((found.end() for found in _JOINED.finditer(clause)), default=0)
    behind = re.split(r"[,;，；.]", text[at:], maxsplit=1)[0]
    return bool(words.condition.search(clause[cut:]) or words.condition.search(behind))


def _is_within(one: re.Match[str], others: Iterator[re.Match[str]]) -> bool:
    return any(other.start() <= one.start() < other.end() for other in others)
