"""A radiology report in words, read by rules: nodules, advice, and what it says of the patient.

Each value keeps the words that it comes from. What may mean two things is left out, with a note; nothing here is a
measurement, and nothing goes anywhere before a reader takes it over.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeVar

from napari_lesion.records.advice import read_advice
from napari_lesion.records.findings import Advice, ReadReport, ReportedNodule, Said, Value
from napari_lesion.records.marks import mark
from napari_lesion.records.nodules import read_nodules
from napari_lesion.records.patient_words import heading, read_patient
from napari_lesion.records.sentences import sentences
from napari_lesion.records.spelling import spelled
from napari_lesion.records.words import Language, language_of

_ENDLESS = re.compile(r"[^\W\d_\u4e00-\u9fff]{60,}")
"""What is no word of any language, and would take long to look through."""
_Part = TypeVar("_Part", Value, Advice, Said)


def read_report(text: str, language: Language | None = None) -> ReadReport:
    """Read a report.

    Parameters
    ----------
    text : str
        In English, German or Chinese.
    language : str, optional
        ``en``, ``de`` or ``zh``; told from its words where it is not given.
    """
    language = language or language_of(text)
    right = spelled(_ENDLESS.sub(lambda found: " " * len(found[0]), text), language)
    parts = list(sentences(right.text, language))
    nodules = read_nodules(parts, language)
    category = [
        Value(one.value, part.start + one.start, part.start + one.end)
        for part in parts
        if part.section not in ("history", "technique")
        for one in mark(part.text, language).of("category")
    ]
    read = ReadReport(
        text,
        language,
        nodules.nodules,
        () if any(one.standing == "now" for one in nodules.nodules) else nodules.no_nodules,
        nodules.no_new,
        tuple({one.value: one for one in reversed(category)}.values())[::-1],
        read_advice(iter(parts), language),
        read_patient(iter(parts), language),
        (*nodules.notes, *heading(text, language).notes),
    )
    return _as_written(read, right.origin)


def _as_written(read: ReadReport, origin: tuple[int, ...]) -> ReadReport:
    """Turn places in the text that was set right into places in the text as it was written."""

    def moved(one: _Part) -> _Part:
        return replace(one, start=origin[one.start], end=origin[one.end - 1] + 1)

    nodules = tuple(
        replace(
            one,
            start=origin[one.start],
            end=origin[one.end - 1] + 1,
            values={name: moved(value) for name, value in one.values.items()},
        )
        for one in read.nodules
    )
    made: tuple[ReportedNodule, ...] = nodules
    return replace(
        read,
        nodules=made,
        no_nodules=tuple(map(moved, read.no_nodules)),
        no_new=tuple(map(moved, read.no_new)),
        category=tuple(map(moved, read.category)),
        advice=tuple(map(moved, read.advice)),
        patient=tuple(map(moved, read.patient)),
    )
