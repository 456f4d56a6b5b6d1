"""Words of radiology reports in English, German and Chinese: what each of them marks.

They are in ``words.en.yaml``, ``words.de.yaml`` and ``words.zh.yaml``: regular expressions, one alternative a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from napari_lesion.support.bounded import parse_yaml, read_text

Language = Literal["en", "de", "zh"]
Vocabulary = Mapping[str, re.Pattern[str]]

_NUMBER = r"\d{1,3}(?:[.,]\d)?"
_COUNT = (
    r"\d{1,2}|one|two|three|four|six|nine|twelve|eighteen|einem?|zwei|drei|vier|sechs|neun|zwölf"
    r"|半|一|两|二|三|四|六|九|十二"
)
_SLOTS = {"{number}": f"(?P<number>{_NUMBER})", "{number2}": f"(?P<number2>{_NUMBER})", "{count}": _COUNT}
_GERMAN_SIGNS = re.compile(
    r"\b(?:der|die|das|und|im|kein(?:e[rns]?)?|rechts?|links?|rundherd\w*|ohne|mit|bei|eine?[rsnm]?"
    r"|nach|lappen|zur|vom"
    r"|re\.|li\.|herd\w*|unverändert|monate[n]?|kontrolle|solide[rs]?|OL|UL|ML|größe|befund|beurteilung)\b|[äöüß]",
    re.IGNORECASE,
)
_ENGLISH_SIGNS = re.compile(
    r"\b(?:the|and|of|in|no|with|is|are|right|left|nodules?|lobe|months?|stable|unchanged|for|previously|findings"
    r"|impression|follow-?up|new|size|there)\b",
    re.IGNORECASE,
)


@cache
def vocabulary(language: Language, part: Literal["marks", "sizes", "advice", "patient", "cancer"]) -> Vocabulary:
    """Get the expressions of a language: by kind, or by kind and value (``type:solid``)."""
    said = {name: "|".join(alternatives) for name, alternatives in _file(language)[part].items()}
    return {name: re.compile(_filled(expression), re.IGNORECASE) for name, expression in said.items()}


@cache
def spelling_words(language: Language) -> tuple[frozenset[str], frozenset[str]]:
    """Get the words that are set right where one letter is off, and those beside them that are right as they are."""
    words = _file(language).get("spelling", {})
    return frozenset(words.get("keys", ())), frozenset(words.get("right", ()))


@cache
def _file(language: Language) -> Mapping[str, Mapping[str, list[str]]]:
    made: Mapping[str, Mapping[str, list[str]]] = parse_yaml(
        read_text(Path(__file__).with_name(f"words.{language}.yaml"))
    )
    return made


def _filled(expression: str) -> str:
    for slot, what in _SLOTS.items():
        expression = expression.replace(slot, what)
    return expression


def language_of(text: str) -> Language:
    """Determine in which of the three languages a report is; what says nothing is taken for English."""
    chinese = len(re.findall(r"[\u4e00-\u9fff]", text))
    if chinese >= max(2, len(re.findall(r"[A-Za-z]{2,}", text)) // 2):
        return "zh"
    return "de" if len(_GERMAN_SIGNS.findall(text)) > len(_ENGLISH_SIGNS.findall(text)) else "en"
