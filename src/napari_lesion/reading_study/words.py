"""What the page of a reading study says, in the language of its readers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

VARIABLE = "NAPARI_LESION_LANGUAGE"
"""Environment variable that has the language: en, de or zh."""


def words(text: str, language: str, **values: object) -> str:
    """Phrase a text in a language.

    Parameters
    ----------
    text : str
        In English, with ``{name}`` for values.
    language : str
        Its code; what is not translated is said in English.
    **values
        What is filled in.
    """
    said = known_words(language).get(text, text)
    return said.format(**values) if values else said


@cache
def known_words(language: str) -> dict[str, str]:
    """Read the translations to a language, by the English text; none for English."""
    file = Path(__file__).with_name(f"words.{language}.json")
    if not file.is_file():
        return {}
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return known
