"""Words with one wrong letter, set right before a report is read; each letter keeps the place that it had."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from napari_lesion.records.words import Language, spelling_words

_LEAST = 5
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")


@dataclass(frozen=True)
class Spelled:
    """A text whose misspelt words are set right.

    Attributes
    ----------
    text : str
    origin : tuple of int
        For each letter of it, and one behind the last, where it stands in the text as it was written.
    """

    text: str
    origin: tuple[int, ...]


def spelled(text: str, language: Language) -> Spelled:
    """Set words right that differ from one of the words of reports by one letter that is wrong, missing, or swapped."""
    parts, origin, done = [], [], 0
    for start, end, right in _wrong(text, *spelling_words(language)):
        parts += [text[done:start], right]
        origin += [*range(done, start), *(min(start + n, end - 1) for n in range(len(right)))]
        done = end
    return Spelled("".join((*parts, text[done:])), (*origin, *range(done, len(text) + 1)))


def _wrong(text: str, keys: frozenset[str], right: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    for found in _WORD.finditer(text) if keys else ():
        word = found[0].lower()
        if len(word) < _LEAST or word in keys or word in right:
            continue
        near = [key for key in keys if _is_one_off(word, key)]
        if len(near) == 1:
            yield found.start(), found.end(), near[0]


def _is_one_off(word: str, key: str) -> bool:
    """Whether one letter is wrong, missing, too much, or swapped; the first letter is always right."""
    if word[0] != key[0] or abs(len(word) - len(key)) > 1 or len(key) < _LEAST:
        return False
    same = next((n for n, (a, b) in enumerate(zip(word, key, strict=False)) if a != b), min(len(word), len(key)))
    rest, key_rest = word[same:], key[same:]
    if len(word) == len(key):
        return rest[1:] == key_rest[1:] or (rest[2:] == key_rest[2:] and rest[:2] == key_rest[1::-1])
    return rest[1:] == key_rest if len(word) > len(key) else rest == key_rest[1:]
