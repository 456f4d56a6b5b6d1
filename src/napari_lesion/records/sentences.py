"""A report as sentences, each with the section that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from napari_lesion.records.words import Language, vocabulary

Section = Literal["findings", "history", "technique", "organ", "impression"]

_BREAK = re.compile(r"(?<=[.!?])(?=\s)|(?<=[。！;；])|\n")
_ABBREVIATIONS = re.compile(
    r"(?:\b(?:re|li|ca|bzw|ggf|approx|vs|dr|nr|max|min|seg|im|img|ser|se|bl|abb|evtl|incl|inkl|vgl|z"
    r"|n|v|a|e|b|d|h|u|i|st|p|s|no|rt|lt|bds|prev|prof|diam"
    r"|dd|zn|va|ax|cor|pulm|empf|v\.a|z\.n|z\.b|a\.e|o\.g|o\.b|ltd|vorm|resp|dist|lat|post|ant|apik"
    r"|sup|inf|kontr|mon|unver))\.$",
    re.IGNORECASE,
)
_HARD = re.compile(r"\s*(?:$|[-•*–>#·]|\(?\d{1,2}[.):]\s|[A-ZÄÖÜ][\wäöüß /-]{1,30}:|[\u4e00-\u9fff]{2,8}[:：])")
_LOOK = 20
_LONGEST = 1200
"""Letters of a sentence at most: what goes on longer is cut, so that no text takes for ever."""
_WRAPPED = 50
"""A line of as many letters without a full stop goes on in the next one."""
_HEADER = re.compile(
    r"^\W*([^\W\d_][\w/&,-]{0,40}(?: [^\W\d_][\w/&,-]{0,40}){0,4}|[\u4e00-\u9fff、/]{2,10})\s*[:：]"
    r"|^\W*([A-ZÄÖÜ][A-ZÄÖÜ /&]{3,40})$"
)
_SECTIONS: tuple[tuple[Section, re.Pattern[str]], ...] = (
    (
        "impression",
        re.compile(
            r"^(?:impressions?|conclusions?|summary|opinion|assessment|recommendations?|beurteilung"
            r"|zusammenfassung|empfehlung|fazit|印象|诊断|结论|诊断意见|影像诊断|诊断印象|检查结论|建议|意见)",
            re.IGNORECASE,
        ),
    ),
    (
        "history",
        re.compile(
            r"^(?:clinical|indication|history|reason|hx|anamnese|klinische?|fragestellung|indikation"
            r"|rechtfertigende|vorgeschichte|angaben"
            r"|comparisons?|compared|prior (?:study|studies|exams?)|vergleich|voruntersuchung(?:en)?"
            r"|vorbefunde?|病史|临床|主诉|既往史|检查目的|申请|对比|比较)",
            re.IGNORECASE,
        ),
    ),
    (
        "technique",
        re.compile(
            r"^(?:technique|protocol|procedure|technik|methode|untersuchungstechnik|检查方法|扫描|检查技术|检查部位|dose|dosis)",
            re.IGNORECASE,
        ),
    ),
    (
        "findings",
        re.compile(
            r"^(?:findings?|lungs?|pulmonary|chest|thorax|airways|nodules?|parenchyma|report|befund|lunge"
            r"|lungen\w*|rundherde?|pulmo|所见|影像所见|检查所见|影像表现|影像学表现|胸部|肺|双肺|肺部|结节)",
            re.IGNORECASE,
        ),
    ),
    (
        "organ",
        re.compile(
            r"^(?:upper abdom\w+|abdom\w+|mediastin\w+|heart|cardi\w+|oberbauch\w*|mitabgebildet\w*|herz\w*"
            r"|soft tissues?|weichteil\w*|bones?|skelet\w*|thoraxskelett|"
            r"other|incidental|nebenbefund\w*|neck|hals|上腹部|腹部|纵隔|心脏|骨骼|颈部|其他)",
            re.IGNORECASE,
        ),
    ),
)


@dataclass(frozen=True)
class Sentence:
    """A sentence, or a line of a list.

    Attributes
    ----------
    text : str
    start : int
        Where it begins in the report.
    section : str
        What the header before it says; ``findings`` where there is none.
    """

    text: str
    start: int
    section: Section

    @property
    def end(self) -> int:
        """Behind its last letter."""
        return self.start + len(self.text)


def sentences(text: str, language: Language) -> Iterator[Sentence]:
    """Divide a report into sentences."""
    section: Section = "findings"
    for start, end in _pieces(text):
        piece = text[start:end]
        found = _HEADER.match(piece)
        whole_line = (
            start == 0
            or "\n" in text[max(0, start - 3) : start + 1]
            or not text[max(0, start - _LONGEST) : start].strip()
        )
        if found is not None and whole_line:
            section = _section((found[1] or found[2]).strip(), section, language)
        yield Sentence(piece, start, section)


def _section(header: str, before: Section, language: Language) -> Section:
    for section, expression in _SECTIONS:
        if expression.match(header):
            return section
    if vocabulary(language, "marks")["organ"].search(header):
        return "organ"
    return before


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence begins and ends, without the blanks around it."""
    start = 0
    for found in _BREAK.finditer(text):
        at = found.start()
        if text[at : at + 1] == "\n":
            line = text[text.rfind("\n", 0, at) + 1 : at]
            rest = text[at + 1 : at + 1 + _LONGEST]
            soft = len(line.rstrip()) >= _WRAPPED and line.rstrip()[-1:] not in ".:;。；：!?"
            if soft and not _HARD.match(rest.split("\n", 1)[0]):
                continue
        elif text[at - 1] == "." and _is_abbreviation(text[max(start, at - _LOOK) : at], text[at : at + _LOOK]):
            continue
        yield from _trimmed(text, start, found.end())
        start = found.end()
    yield from _trimmed(text, start, len(text))


def _is_abbreviation(before: str, after: str) -> bool:
    if re.search(r"(?:^|\n)\s*\(?\d{1,2}\.$", before):
        return True  # the number of a line in a list
    if re.search(r"\d\.$", before) and re.match(r"\s+\d", after):
        return False
    return bool(_ABBREVIATIONS.search(before)) and not re.match(r"\s*\n\s*\n", after)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    inside = piece.strip()
    if not inside:
        return
    start += piece.index(inside)
    end = start + len(inside)
    while end - start > _LONGEST:
        cut = next(
            (at for one in (" ", ",", "，", "、") if (at := text.rfind(one, start + 1, start + _LONGEST)) > 0), 0
        )
        cut = cut or start + _LONGEST
        yield start, cut
        start = cut
    yield start, end
