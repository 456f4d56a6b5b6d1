"""Sentences of the core, which is English, in the language of the viewer.

The core raises errors as whole sentences with their values in them. `scripts/update_translations.py` reads them where
they are raised and keeps each as a template, with ``{1}``, ``{2}``, ... for its values, beside its translation in
``translations/core.de.json`` and so on. What the core says without raising it (notes of a certificate, reasons why
files were passed over, guidelines, measurements) is in ``translations/said.de.json``, written by hand. Here a sentence
is told by its template, whose translation gets the values.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache

from napari_lesion.plugin.texts import FOLDER, current_language

_PLACE = re.compile(r"\{(\d+)\}")
_UNIT, _VALUE = re.compile(r" (mm|%|°|days|months|years|HU)"), r"[^ ;,]*?"
"""What comes before a unit is a number, never half of a sentence."""
_DEEPEST = 6
"""Sentences within sentences: a message that quotes another one's reason, advice that has conditions."""
_JOINTS = tuple(map(re.compile, (r"(?<=[.!?]) (?=[A-ZΩ0-9])", "; ", ": ", ", | and ", " or ")))
"""Where what the core says is put together of sentences, and of parts of one, in the order in which it is taken apart.
"""


def in_language(sentence: str) -> str:
    """Phrase a sentence of the core in the user's language; one that is not known stays as it is."""
    return _translated(sentence, current_language(), 0)


@lru_cache(maxsize=4096)
def _translated(sentence: str, language: str, depth: int) -> str:
    templates = _patterns(language)
    if not templates or not sentence or depth >= _DEEPEST:
        return sentence
    best: tuple[int, str, re.Match[str]] | None = None
    for pattern, letters, said in templates:
        if (best is None or letters > best[0]) and (match := pattern.fullmatch(sentence)) is not None:
            best = letters, said, match
    if best is None:
        return _in_parts(sentence, language, depth + 1)
    _, said, match = best
    return _PLACE.sub(lambda place: _translated(match[f"v{place[1]}"], language, depth + 1), said)


def _in_parts(text: str, language: str, depth: int) -> str:
    """Phrase something that is put together of several: each sentence by itself; of one sentence all parts, or none."""
    full_stop = text.endswith(".") and text.count(". ") == 0
    if full_stop and (said := _translated(text[:-1], language, depth)) != text[:-1]:
        return said + (_whole(".", language) or ".")
    other_case = (text[:1].lower() if text[:1].isupper() else text[:1].upper()) + text[1:]
    if other_case != text and (said := _whole(other_case, language)):
        return (said[:1].upper() if text[:1].isupper() else said[:1].lower()) + said[1:]
    for joint in _JOINTS:
        parts = joint.split(text)
        if len(parts) == 1:
            continue
        said_parts = [_translated(part, language, depth) for part in parts]
        known = [said != part or " " not in part for said, part in zip(said_parts, parts, strict=True)]
        joints = [_whole(one, language) or one for one in joint.findall(text)]
        said_or = joint is _JOINTS[-1] and joints != joint.findall(text)  # of "2 or 4B" there is nothing else to say
        changed = said_or or any(said != part for said, part in zip(said_parts, parts, strict=True))
        if changed and (all(known) or joint is _JOINTS[0]):
            return "".join(part + one for part, one in zip(said_parts, [*joints, ""], strict=True))
    return text


def _whole(text: str, language: str) -> str:
    """Look up a text without values; "" where it is not known."""
    return next((said for pattern, _, said in _patterns(language) if pattern.pattern == re.escape(text)), "")


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], int, str], ...]:
    """For each template: what a sentence made of it looks like, its own letters, and what it is in a language."""
    files = [FOLDER / f"{kind}.{language}.json" for kind in ("core", "said")]
    known: dict[str, str] = {}
    for file in files:
        known |= json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found = []
    for template, said in known.items():
        parts = _PLACE.split(template)
        pattern = "".join(
            f"(?P<v{part}>{_VALUE if _UNIT.match(parts[place + 1]) else '.*?'})" if place % 2 else re.escape(part)
            for place, part in enumerate(parts)
        )
        if said:
            found.append((re.compile(pattern, re.DOTALL), sum(map(len, parts[::2])), said))
    return tuple(found)
