"""Where in the lungs something is said to be, in English, German and Chinese: side, lobe, segment.

An abbreviation that means two things is no lobe: RUL is the right upper lobe in English and the right lower lobe
(rechter Unterlappen) in German, so in a German report only its side is taken, with a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from napari_lesion.records.words import Language

UPPER, MIDDLE, LOWER = "upper", "middle", "lower"
_SIDES = {"right": "right", "rt": "right", "r": "right", "left": "left", "lt": "left", "l": "left"}
_SIDES |= {"右": "right", "左": "left"}
_LOBES = {"upper": UPPER, "middle": MIDDLE, "lower": LOWER, "上": UPPER, "中": MIDDLE, "下": LOWER, "mid": MIDDLE}
_LOBES |= {"oberlappen": UPPER, "ol": UPPER, "mittellappen": MIDDLE, "ml": MIDDLE, "unterlappen": LOWER, "ul": LOWER}
AMBIGUOUS = "{word} is the right or left upper lobe in English, and the lower lobe in German: only the side was taken."


@dataclass(frozen=True)
class Place:
    """A place in the lungs.

    Attributes
    ----------
    side : str
        ``right``, ``left``, ``both`` or "".
    lobe : str
        ``upper``, ``middle``, ``lower`` or "".
    segment : int, optional
        1 to 10, where a number is said.
    """

    side: str
    lobe: str
    segment: int | None
    start: int
    end: int
    note: str = ""

    @property
    def words(self) -> str:
        """As a table has it: ``right upper``, ``left lower S6``, ``right``."""
        segment = f"S{self.segment}" if self.segment is not None else ""
        return " ".join(part for part in (self.side, self.lobe, segment) if part)


_EN_SIDE, _EN_LOBE = r"(?P<side>right|left|rt\.?|lt\.?|\br|\bl)", r"(?P<lobe>upper|middle|mid|lower)"
_NOT_LUNG = r"(?![- ]+(?:pole|quadrant|extremity|abdom\w+|paratracheal|outer|inner|thyroid|eyelid|lip|kidney))"
_EN_SEGMENT = r"(?:segment|seg\.?|S)\s?(?P<segment>10|[1-9])\b"
_DE_SIDE = r"(?P<side>rechte[rnms]?|linke[rnms]?|rechts\w*|links\w*|\bre\b\.?|\bli\b\.?|\br\b\.?|\bl\b\.?)"
_DE_LOBE = r"(?P<lobe>oberlappen|mittellappen|unterlappen|\bOL|\bML|\bUL)(?:s|segment\w*|spitze\w*|-\w+)?"
_DE_BETWEEN = (
    r"(?:[\s,-]+(?:apik\w*|api[ck]al\w*|dors\w*|post\w*|ant\w*|ventr\w*|bas\w*|lateral\w*|medial\w*"
    r"|peripher\w*|zentral\w*|hil\w*|subpleural\w*|superior\w*|segment\w*|S\d+|gelegen\w*|im|in|der"
    r"|des|den|vom)){0,3}[\s,-]+"
)
_EXPRESSIONS: Mapping[Language, tuple[str, ...]] = {
    "en": (
        rf"\b{_EN_SIDE}[- ]+{_EN_LOBE}\s*(?:and|&|/)\s*(?P<lobe2>upper|middle|lower)[- ]+lobes?",
        rf"\b{_EN_SIDE}[- ]+{_EN_LOBE}\b{_NOT_LUNG}(?:[- ]+(?:lobes?|lobar|lung|zone))?(?:[ ,(]+{_EN_SEGMENT})?",
        rf"\b{_EN_LOBE}[- ]+(?:lobes?|lung zone|lung)[ ,(]*(?:(?:of"
        rf"|on)[ ]+)?(?:the[ ]+)?{_EN_SIDE}\b(?:[- ]+(?:lung|side))?",
        r"\b(?P<abbreviation>RUL|RML|RLL|LUL|LLL)\b(?:[ ,(]+(?:segment|seg\.?|S)\s?(?P<segment>10|[1-9])\b)?",
        r"\b(?P<lingula>lingul\w+)",
        r"\b(?P<middle>middle[- ]lobe)\b",
        rf"\b{_EN_SIDE}[- ]+(?:lung\W+)?{_EN_SEGMENT}",
        rf"{_EN_SEGMENT}(?: of)?(?: the)? {_EN_SIDE}(?: lung)?\b",
        r"\b(?P<both>both lungs|bilateral(?:ly)?|both (?:upper|lower) lobes)\b",
        r"\b(?P<side>right|left)(?:[- ]sided)?[- ]+(?:lung|hemithorax|apex|apical|base|basal|basilar"
        r"|perihilar|hilar)\b",
        r"\b(?:on|in) the (?P<side>right|left)\b(?! (?:kidney|adrenal|thyroid|lobe of|hepatic|breast"
        r"|liver|rib|axilla))|\b(?P<side3>right|left)-sided\b",
    ),
    "de": (
        rf"{_DE_LOBE}{_DE_BETWEEN}{_DE_SIDE}(?!\w)",
        rf"(?<!\w){_DE_SIDE}{_DE_BETWEEN}{_DE_LOBE}\b",
        r"\b(?P<abbreviation>ROL|LOL|RML|RUL|LUL|RLL|LLL)\b",
        r"\b(?P<lingula>lingula\w*)",
        r"\b(?P<middle>mittellappen\w*|ML)\b",
        rf"(?:segment|seg\.?|S)\s?(?P<segment>10|[1-9])(?:/\d)?\b[\s,(]*(?:der |des |im )?{_DE_SIDE}(?!\w)",
        rf"(?<!\w){_DE_SIDE}[\s,(]*(?:im |in |lunge )?(?:segment|seg\.?|S)\s?(?P<segment>10|[1-9])\b",
        r"\b(?P<both>beidseits|beidseitig\w*|bds\b\.?|bipulmonal\w*|beide[rn]? lungen\w*|bilateral\w*)",
        r"(?<!\w)(?P<side>rechte[rnms]?|linke[rnms]?)\s+(?:lunge\w*|lungenflügel\w*|thorax\w*)"
        r"|(?<!\w)(?P<side3>rechts|links|rechtsseitig\w*|linksseitig\w*|rechtspulmonal\w*"
        r"|linkspulmonal\w*)(?!\w)",
    ),
    "zh": (
        r"(?P<side>[左右])肺?(?P<lobe>[上中下])叶?[、及和与](?P<lobe2>[上中下])叶",
        r"(?P<side>[左右])肺?(?P<lobe>[上中下])(?:肺)?叶(?:[^，。；、]{0,6}?S(?P<segment>10|[1-9]))?",
        r"(?P<side>[左右])(?P<lobe>[上中下])肺",
        r"(?P<lingula>左?肺?(?:上叶)?舌[叶段])",
        r"(?P<middle>中叶)",
        r"(?P<side>[左右])肺(?:[^，。；、]{0,3}?)S(?P<segment>10|[1-9])",
        r"(?P<both>双肺|两肺|双侧肺|双侧)",
        r"(?P<side>[左右])(?:侧)?肺",
    ),
}
_COMPILED: Mapping[Language, tuple[re.Pattern[str], ...]] = {
    language: tuple(re.compile(one, re.IGNORECASE) for one in some) for language, some in _EXPRESSIONS.items()
}
_ABBREVIATIONS = {"RUL": ("right", UPPER), "RML": ("right", MIDDLE), "RLL": ("right", LOWER)}
_ABBREVIATIONS |= {"LUL": ("left", UPPER), "LLL": ("left", LOWER), "ROL": ("right", UPPER), "LOL": ("left", UPPER)}


def lobe_of_segment(side: str, segment: int) -> str:
    """Determine the lobe of a bronchopulmonary segment."""
    if segment >= 6:
        return LOWER
    return MIDDLE if side == "right" and segment in (4, 5) else UPPER


def find_places(text: str, language: Language) -> Iterator[Place]:
    """Find the places in a sentence; of those that overlap the most exact one."""
    taken: list[tuple[int, int]] = []
    for expression in _COMPILED[language]:
        for found in expression.finditer(text):
            if any(found.start() < end and start < found.end() for start, end in taken):
                continue
            made = list(_places(found, language))
            if made:
                taken.append(found.span())
                yield from made


def _places(found: re.Match[str], language: Language) -> Iterator[Place]:
    said = {name: value for name, value in found.groupdict().items() if value}
    span = found.span()
    if "lingula" in said:
        yield Place("left", UPPER, None, *span)
    elif "middle" in said:
        yield Place("right", MIDDLE, None, *span)
    elif "both" in said:
        yield Place("both", "", None, *span)
    elif "abbreviation" in said:
        word = said["abbreviation"].upper()
        side, lobe = _ABBREVIATIONS[word]
        segment = int(said["segment"]) if "segment" in said else None
        if language == "de" and word in ("RUL", "LUL"):
            yield Place(side, "", segment, *span, AMBIGUOUS.format(word=word))
        else:
            yield Place(side, lobe, segment, *span)
    else:
        side = _side(said.get("side") or said.get("side3", ""))
        segment = int(said["segment"]) if "segment" in said else None
        lobe = _LOBES.get(said.get("lobe", "").lower(), "")
        if not lobe and segment is not None:
            lobe = lobe_of_segment(side, segment)
        if side == "left" and lobe == MIDDLE:  # there is none: one of the words is wrong
            yield Place(side, "", segment, *span, "The left lung has no middle lobe: only the side was taken.")
            return
        yield Place(side, lobe, segment, *span)
        if "lobe2" in said:
            yield Place(side, _LOBES[said["lobe2"].lower()], None, *span)


def _side(word: str) -> str:
    word = word.lower().rstrip(".")
    if word in _SIDES:
        return _SIDES[word]
    return "right" if word.startswith("r") else "left"
