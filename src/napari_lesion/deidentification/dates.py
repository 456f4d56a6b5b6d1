"""Dates and times in the form of DICOM (PS3.5, 6.2), moved by whole days."""

from __future__ import annotations

import re
from datetime import date, timedelta

DUMMY_DATE, DUMMY_TIME, DUMMY_DATETIME = "19000101", "000000", "19000101000000"

_DATE = re.compile(r"(\d{4})[.\-]?(\d{2})[.\-]?(\d{2})")
_TIME = re.compile(r"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?")
_DATETIME = re.compile(r"(\d{4})(\d{2})?(\d{2})?((?:\d{2}){0,3}(?:\.\d{1,6})?)([+\-]\d{4})?")
_ZONE = re.compile(r"[+\-]\d{4}")


def shifted_date(text: str, days: int) -> str | None:
    """Move a DA by days; None where it is no date."""
    found = _DATE.fullmatch(text.strip())
    moved = found and _moved(int(found[1]), int(found[2]), int(found[3]), days)
    return moved.strftime("%Y%m%d").rjust(8, "0") if moved else None


def shifted_datetime(text: str, days: int) -> str | None:
    """Move a DT by days; None where it is none.

    Of a DT that has only year and month, the first day is moved, and the day is left out again.
    """
    found = _DATETIME.fullmatch(text.strip())
    if found is None or (found[4] and not found[3]):
        return None
    moved = _moved(int(found[1]), int(found[2] or 1), int(found[3] or 1), days)
    if moved is None:
        return None
    length = 4 + 2 * (found[2] is not None) + 2 * (found[3] is not None)
    return moved.strftime("%Y%m%d").rjust(8, "0")[:length] + found[4] + (found[5] or "")


def is_time(text: str) -> bool:
    """Whether a text is a TM."""
    return _TIME.fullmatch(text.strip()) is not None


def is_zone(text: str) -> bool:
    """Whether a text is an offset from UTC."""
    return _ZONE.fullmatch(text.strip()) is not None


def _moved(year: int, month: int, day: int, days: int) -> date | None:
    try:
        return date(year, month, day) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
