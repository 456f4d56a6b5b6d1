"""Sentences of the core, which is English, in the language of the viewer.

The core raises errors as whole sentences with their values in them. `scripts/update_translations.py` reads them where
they are raised and keeps each as a template, with ``{1}``, ``{2}``, ... for its values, beside its translation in
``translations/core.de.json`` and so on. Here a sentence is told by its template, whose translation gets the values.
"""

from __future__ import annotations

import json
import re
from functools import cache

from napari_lesion.plugin.texts import FOLDER, current_language

_PLACE = re.compile(r"\{(\d+)\}")
_DEEPEST = 3
"""Sentences within sentences: a message that quotes another one's reason."""


def in_language(sentence: str, _depth: int = 0) -> str:
    """Say a sentence of the core in the user's language; one that is not known stays as it is."""
    best: tuple[int, str, re.Match[str]] | None = None
    for pattern, letters, said in _patterns(current_language()) if _depth < _DEEPEST else ():
        if (best is None or letters > best[0]) and (match := pattern.fullmatch(sentence)) is not None:
            best = letters, said, match
    if best is None:
        return sentence
    _, said, match = best
    return _PLACE.sub(lambda place: in_language(match[f"v{place[1]}"], _depth + 1), said)


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], int, str], ...]:
    """For each template: what a sentence made of it looks like, its own letters, and what it is in a language."""
    file = FOLDER / f"core.{language}.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    found = []
    for template, said in known.items():
        parts = _PLACE.split(template)
        pattern = "".join(f"(?P<v{part}>.*?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
        if said:
            found.append((re.compile(pattern, re.DOTALL), sum(map(len, parts[::2])), said))
    return tuple(found)
