"""Which column of a table has what: guessed by its name, and taken only once somebody has said that it is so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_lesion.support.errors import InputFileError

REPORT_COLUMNS: Mapping[str, str] = {
    "text": r"text|report(?:[ _]?text)?|findings|befund(?:text)?|bericht|报告(?:内容)?|所见|检查所见|影像所见",
    "patient_id": r"patient[ _]?id|mrn|pid|pat(?:ienten)?[ _-]?(?:nr|nummer|id)|病历号|患者id|患者编号",
    "birth_date": r"birth[ _]?date|dob|date[ _]of[ _]birth|geburtsdatum|geb\.?(?:datum)?|出生日期",
    "date": r"(?:study|exam|report)?[ _]?date|datum|untersuchungsdatum|befunddatum|检查日期|报告日期|日期",
}
"""Of a table of reports; only the text must be there."""
LABORATORY_COLUMNS: Mapping[str, str] = {
    "patient_id": REPORT_COLUMNS["patient_id"],
    "birth_date": REPORT_COLUMNS["birth_date"],
    "date": (
        r"(?:sample|collection|result|observation|lab)?[ _]?date|datum|abnahme(?:datum)?|entnahme(?:datum)?"
        r"|日期|采样(?:时间|日期)|检验日期"
    ),
    "name": r"(?:test|analyte|parameter|name|item|code|observation)|laborwert|messgröße|analyt|检验项目|项目(?:名称)?",
    "value": r"value|result|wert|ergebnis|messwert|结果|数值|检测值",
    "unit": r"units?|einheit|单位",
}
"""Of a table of laboratory values or records, one a line; unit and date of birth may lack."""
_MUST = {"text", "patient_id", "date", "name", "value"}


def guessed_columns(columns: Sequence[str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Guess by their names which columns are meant; one that two columns could be is left out."""
    found: dict[str, str] = {}
    for name, expression in wanted.items():
        fits = [one for one in columns if re.fullmatch(expression, one.strip(), re.IGNORECASE)]
        if len(fits) == 1 and fits[0] not in found.values():
            found[name] = fits[0]
    return found


def chosen_columns(
    file: Path, columns: Sequence[str], wanted: Mapping[str, str], said: Mapping[str, str] | None
) -> Mapping[str, str]:
    """Check the columns that somebody said, or ask for them with what is guessed.

    Raises
    ------
    InputFileError
        If nobody said them (with the guess, and how to say that it is right), or they are not there.
    """
    must = [name for name in wanted if name in _MUST and not (name in ("patient_id", "date") and "text" in wanted)]
    if said is None:
        guess = guessed_columns(columns, wanted)
        words = ",".join(f"{name}={column}" for name, column in guess.items())
        lacking = [name for name in must if name not in guess]
        hint = f" Not found: {', '.join(lacking)}." if lacking else ""
        raise InputFileError(
            f"{file}: which column is what is only guessed: {words or 'nothing fits'}.{hint} If that is right, say so "
            f"(--columns {words or 'NAME=COLUMN,...'}); else name the right ones. The table has {', '.join(columns)}."
        )
    if unknown := sorted(set(said) - set(wanted)):
        raise InputFileError(f"{file}: there is no {unknown[0]} to choose a column for, only {', '.join(wanted)}.")
    if absent := [column for column in said.values() if column not in columns]:
        raise InputFileError(f"{file}: has no column {absent[0]!r}. It has {', '.join(columns)}.")
    if lacking := [name for name in must if name not in said]:
        raise InputFileError(f"{file}: nobody said which column is {lacking[0]}. It has {', '.join(columns)}.")
    return said


def columns_of(words: str) -> dict[str, str]:
    """Read ``NAME=COLUMN,NAME=COLUMN``.

    Raises
    ------
    InputFileError
        If it is something else.
    """
    pairs = [part.partition("=") for part in words.split(",") if part.strip()]
    if not all(name.strip() and sign and column.strip() for name, sign, column in pairs):
        raise InputFileError(f"--columns {words}: is not NAME=COLUMN,NAME=COLUMN.")
    return {name.strip(): column.strip() for name, _, column in pairs}
