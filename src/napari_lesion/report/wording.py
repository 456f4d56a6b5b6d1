"""Numbers, places and changes of a report in words."""

from __future__ import annotations

import re
from datetime import datetime

from napari_lesion.model.assessed import Advice, Probability
from napari_lesion.model.compared import Change
from napari_lesion.model.findings import Finding
from napari_lesion.model.measured import Measurement

UNKNOWN = "unknown"


def doubling(change: Change) -> str:
    """Volume doubling time with its interval, in words; empty where it can't be told."""
    if change.doubling_days is None:
        return ""
    what = "doubles" if change.doubling_days > 0 else "halves"
    low, high = change.doubling_low_days, change.doubling_high_days
    interval = "" if low is None and high is None else f", 95 % {_days(low)} to {_days(high)}"
    return f"{what} in {abs(change.doubling_days):.0f} days{interval}"


def percentage(probability: Probability) -> str:
    """Write a probability or a range of it as per cent."""
    if not probability.applies or probability.low is None or probability.high is None:
        return "–"
    low, high = (f"{100 * value:.1f}" for value in (probability.low, probability.high))
    return f"{low} %" if low == high else f"{low} to {high} %"


def outcome(judged: Advice | Probability) -> str:
    """In a word, what a guideline or a model comes to; "not known" where only too little is known to tell."""
    if judged.applies:
        return percentage(judged) if isinstance(judged, Probability) else judged.category or "no category"
    return "not known" if judged.is_unknown else "does not apply"


def category(advice: Advice) -> str:
    """Give a category; in brackets what it would be if the guideline applied, else a dash where it does not."""
    if advice.applies:
        return advice.category or "–"
    return f"({advice.would_be})" if advice.would_be else "–"


def volume_in_words(measured: Measurement) -> str:
    """Volume and its standard deviation, mm³."""
    text = f"{measured.volume_mm3:.0f}"
    return text if measured.volume_sd_mm3 is None else f"{text} ± {measured.volume_sd_mm3:.0f}"


def value_in_words(value: object, unit: str) -> str:
    """Write a value with its unit; yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g} {unit}".strip() if isinstance(value, int | float) else str(value)


def reason_of_type(measured: Measurement) -> str:
    """Why a nodule is of its type."""
    rule = re.sub(r"(?<!\S)(\(?)-(?=\d)", r"\1−", measured.type_rule)
    return f"Why {measured.type}: {rule}" if rule and measured.type != UNKNOWN else rule


def image_in_words(finding: Finding) -> str:
    """Name the image that a finding is on."""
    if not finding.sop_instance_uid:
        return UNKNOWN
    return finding.sop_instance_uid + (f", frame {finding.frame}" if finding.frame else "")


def place_in_words(measured: Measurement | None) -> str:
    """Where a nodule is: side, and lobe or third of the lung."""
    if measured is None:
        return ""
    side = "" if measured.side == UNKNOWN else measured.side
    zone = "" if measured.zone == UNKNOWN else f"{measured.zone} third"
    return " ".join(filter(None, (side, measured.lobe or zone)))


def since_in_words(changes: tuple[tuple[str, Change], ...]) -> str:
    """How a finding changed since the latest prior."""
    if not changes:
        return "–"
    change = changes[0][1]
    grown = "" if change.volume_change is None else f" {100 * change.volume_change:+z.0f} %".replace("-", "−")
    return change.fate + grown


def moment_in_words(iso: str) -> str:
    """Write a moment (ISO 8601, UTC) to the minute."""
    try:
        return datetime.fromisoformat(iso).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return iso


def _days(value: float | None) -> str:
    return "∞" if value is None else f"{value:.0f}".replace("-", "−")
