"""What a report says of the patient: smoking, emphysema, known cancer, and whose report it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from napari_lesion.records.findings import Said
from napari_lesion.records.sentences import Sentence
from napari_lesion.records.words import Language, vocabulary

_NOT_KNOWN = re.compile(
    r"\bno (?:known |personal |prior )?(?:history|malig\w*|cancer)|\bfamily\b|\bfather\b|\bmother\b"
    r"|\bbrother\b|\bsister\b|\bscreening\b|\brule out\b|\br/o\b|\bsuspi\w+|\?|\bkeine?\b|\bfamili\w+"
    r"|\bausschluss\b|\bverdacht\b|\bV\. ?a\.|"
    r"früherkennung|\bwithout\b|\bvater\b|\bmutter\b|筛查|家族|否认|无|排除|待排|可能|\bdenies\b|\bnot? \w+ for\b"
    r"|\bconcern\w*|\bconsistent with\b",
    re.IGNORECASE,
)
_NOT_THE_LUNG = re.compile(
    r"\b(?:subcutaneous|surgical|mediastinal|pneumo)[- ]?emphysem|haut-?emphysem|weichteil-?emphysem|皮下气肿",
    re.IGNORECASE,
)
_AMBIGUOUS_DATE = "The date {text} may be two days: nothing was taken of it."


@dataclass(frozen=True)
class Heading:
    """Whose report it is, and of which day; "" and None where it does not say.

    Attributes
    ----------
    patient_id : str
    born, exam : date, optional
    notes : tuple of str
    """

    patient_id: str = ""
    born: date | None = None
    exam: date | None = None
    notes: tuple[str, ...] = ()


_ID = re.compile(
    r"(?:\bpatient(?:en)?[- ]?(?:id|number|nr\.?|nummer)|\bMRN|\bPID|\bpat\.?-?(?:nr\.?|id)|病历号|患者ID"
    r"|病人ID|影像号|患者编号|登记号)\s*[:：#]?\s*(?P<id>[A-Za-z0-9][\w./-]{1,63})",
    re.IGNORECASE,
)
_DAY = (
    r"(?P<day>\d{4}[-./年]\d{1,2}[-./月]\d{1,2}日?|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{8}|\d{1,2}(?:st|nd"
    r"|rd|th)? [A-Za-zä]{3,9}\.?,? \d{4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})"
)
_BORN = re.compile(
    r"(?:\bDOB|\bdate of birth|\bbirth ?date|\bgeb(?:oren|\.)?(?: am)?|\bgeburtsdatum|出生日期|生日)"
    rf"\s*[:：]?\s*{_DAY}",
    re.IGNORECASE,
)
_EXAM = re.compile(
    rf"(?:\b(?:date of (?:exam(?:ination)?|study|service|scan)|exam(?:ination)? date|study date|date)"
    rf"|\bCT (?:chest |thorax )?(?:of|from|vom)|\buntersuchung(?:sdatum|stag)?(?: vom)?|\bdatum"
    rf"|\bCT (?:thorax )?vom|检查日期|检查时间|报告日期)\s*[:：]?\s*{_DAY}",
    re.IGNORECASE,
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januar january",
            "feb februar february",
            "mar march mär märz",
            "apr april",
            "may mai",
            "jun june juni",
            "jul july juli",
            "aug august",
            "sep sept september",
            "oct okt october oktober",
            "nov november",
            "dec dez december dezember",
        ),
        start=1,
    )
    for name in names.split()
}


def read_patient(sentences: Iterator[Sentence], language: Language) -> tuple[Said, ...]:
    """Read what is said of the patient; of one matter what is said first."""
    found: dict[str, Said] = {}
    for sentence in sentences:
        for said in _of_sentence(sentence, language):
            before = found.get(said.about)
            if before is None or (said.about == "smoking" and before.value == "current" and said.value == "former"):
                found[said.about] = said
    return tuple(found.values())


def _of_sentence(sentence: Sentence, language: Language) -> Iterator[Said]:
    text, start = sentence.text, sentence.start
    negations = list(vocabulary(language, "marks")["neg"].finditer(text))
    for name, expression in vocabulary(language, "patient").items():
        about, _, value = name.partition(":")
        for found in expression.finditer(text):
            if value:
                said = value
            else:
                numbers = [number for slot, number in found.groupdict().items() if slot.startswith("number") and number]
                said = numbers[0].replace(",", ".") if numbers else ""
            if about in ("emphysema", "family_history", "immunosuppression"):
                if _NOT_THE_LUNG.search(text[max(0, found.start() - 15) : found.end()]):
                    continue
                denied = [
                    one
                    for one in negations
                    if one.end() <= found.start()
                    and not re.search(
                        r"[;；，]|\bbut\b|\baber\b|[,] (?:mild|moderate|severe|leichtes|deutliches)",
                        text[one.end() : found.start()],
                    )
                ]
                said = (
                    "no"
                    if denied or re.match(r"\W{0,3}(?:none|nein|无)\b", text[found.end() :], re.IGNORECASE)
                    else "yes"
                )
            if said:
                yield Said(about, said, start + found.start(), start + found.end())
    for found in vocabulary(language, "cancer")["name"].finditer(text):
        around = text[max(0, found.start() - 40) : found.start()]
        behind = text[found.end() : found.end() + 12]
        known = vocabulary(language, "cancer")["known"]
        sure = (
            known.search(around)
            or (language == "zh" and known.search(behind))
            or (
                sentence.section == "history"
                and re.search(
                    r"\b(?:resect|lobectom|OP\b|operiert|20\d\d|19\d\d)"
                    r"\b(?:resect|lobectom|OP\b|operiert|20\d\d|19\d\d)",
                    text[found.end() :],
                    re.IGNORECASE,
                )
            )
        )
        if sure and not _NOT_KNOWN.search(around + found[0] + behind):
            yield Said("prior_cancer", "yes", start + found.start(), start + found.end())
            break


def heading(text: str, language: Language) -> Heading:
    """Read whose report it is and when the examination was, where a label says so."""
    identifier, notes = _ID.search(text), []
    days: dict[str, date | None] = {}
    for name, expression in (("born", _BORN), ("exam", _EXAM)):
        days[name] = None
        for found in expression.finditer(text):
            if name == "exam" and re.search(
                r"(?:birth|geburts|出生)\W*(?:of\W*)?$", text[: found.start()], re.IGNORECASE
            ):
                continue
            days[name] = read_day(found["day"], language)
            if days[name] is None:
                notes.append(_AMBIGUOUS_DATE.format(text=found["day"]))
            break
    return Heading(identifier["id"].rstrip(".") if identifier else "", days["born"], days["exam"], tuple(notes))


def read_day(text: str, language: Language) -> date | None:
    """Read a date as people write it; None where it is none, or may be two (03/04/2023 in English)."""
    text = text.strip()
    try:
        if found := re.fullmatch(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?", text):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if re.fullmatch(r"\d{8}", text):
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        if found := re.fullmatch(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})", text):
            first, second, year = int(found[1]), int(found[3]), int(found[4])
            if language == "de" or found[2] == ".":
                return date(year, second, first)
            if first == second or first > 12:
                return date(year, second, first)
            return date(year, first, second) if second > 12 else None
        words = re.findall(r"[A-Za-zä]+|\d+", re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", text))
        if len(words) == 3:
            month = next((_MONTHS[word.lower()] for word in words if word.lower() in _MONTHS), 0)
            numbers = [int(word) for word in words if word.isdecimal()]
            if month and len(numbers) == 2:
                return date(numbers[1], month, numbers[0])
    except ValueError:
        return None
    return None
