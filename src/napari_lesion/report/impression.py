"""What a radiologist would dictate: a sentence a finding, and an impression of a few lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from napari_lesion.model.assessed import Advice
from napari_lesion.model.compared import Change
from napari_lesion.model.findings import Finding, Report, image_name
from napari_lesion.model.measured import Measurement
from napari_lesion.model.volume import readable_date

MOST_LINES = 6
_UNKNOWN = "unknown"

_NODULES = {
    "": "{size} mm nodule",
    "solid": "{size} mm solid nodule",
    "part-solid": "{size} mm part-solid nodule",
    "non-solid": "{size} mm non-solid nodule",
}
"""By the type, "" where it is not known."""
_PLACES = {
    "right upper": "right upper lobe",
    "right middle": "right middle lobe",
    "right lower": "right lower lobe",
    "left upper": "left upper lobe",
    "left lower": "left lower lobe",
}
"""By the lobe."""
_ZONES = {
    ("right", "upper"): "right upper zone",
    ("right", "middle"): "right middle zone",
    ("right", "lower"): "right lower zone",
    ("left", "upper"): "left upper zone",
    ("left", "middle"): "left middle zone",
    ("left", "lower"): "left lower zone",
    ("right", ""): "right",
    ("left", ""): "left",
    ("", "upper"): "upper zone",
    ("", "middle"): "middle zone",
    ("", "lower"): "lower zone",
    ("", ""): "",
}
"""By side and zone: thirds of the lungs, where no lobe is known."""
_CHANGES = {
    "grown": "grown since {date}",
    "stable": "stable since {date}",
    "shrunk": "shrunk since {date}",
    "new": "new since {date}",
    "resolved": "resolved since {date}",
    "not in view": "not in view on {date}",
    "unclear": "unclear whether it changed since {date}",
}
_ABOUT = "about {mm}"
_REJECTED = "rejected by the reader"
_UNCONFIRMED = "not yet confirmed by a reader"
_NONE = "No finding."
_UNSEARCHED = "Not searched for findings."
_FURTHER_ONE = "1 further finding, {size} mm."
_FURTHER = "{count} further findings, the largest {size} mm."
_IF_IT_APPLIES = "{guideline}, if it applies: {category}"
_NOT_KNOWN_WHETHER = "{guideline}: not known whether it applies; if it does, {category}."
_NOT_KNOWN = "{guideline}: not known. {why}"
_IN_VOLUME = "{percent} % in volume"

TEXTS: tuple[str, ...] = (
    *(text for words in (_NODULES, _PLACES, _CHANGES) for text in words.values()),
    *filter(None, _ZONES.values()),
    *(_ABOUT, _REJECTED, _UNCONFIRMED, _NONE, _UNSEARCHED, _FURTHER_ONE, _FURTHER),
    *(_IF_IT_APPLIES, _NOT_KNOWN_WHETHER, _NOT_KNOWN, _IN_VOLUME),
)
"""All texts that are said in another language where one is asked for; those of guidelines are quoted: see `Quote`."""


class Phrase(Protocol):
    """Says one of `TEXTS` in a language, with its values filled in."""

    def __call__(self, text: str, **values: object) -> str:
        """Phrase a text, in which ``{name}`` stands for a value."""


Quote = Callable[[str], str]
"""Says in a language what a guideline advises, or calls a category."""


def in_english(text: str, **values: object) -> str:
    """Phrase a text as it is."""
    return text.format(**values)


def finding_sentence(report: Report, finding: Finding, phrase: Phrase = in_english, quote: Quote = str) -> str:
    """Describe one finding in a sentence: size, type, place, image, what guidelines say, what became of it.

    E.g. "6.3 × 4.6 mm part-solid nodule, right upper zone, Se 3, Im 29; Lung-RADS v2022: 3; grown since 2024-02-29."
    What is not known is left out, not guessed; a guideline that needs more to be known says so.

    Parameters
    ----------
    report : Report
    finding : Finding
        One of the report's.
    phrase : callable
        Says the words in the reader's language.
    quote : callable
        Says those of guidelines in it.
    """
    measured = finding.measurement
    if measured is not None:
        size = f"{measured.long_axis.length_mm:.1f} × {measured.short_axis.length_mm:.1f}"
    elif finding.is_estimated:
        size = phrase(_ABOUT, mm=f"{finding.size_mm:.0f}")
    else:
        size = f"{finding.size_mm:.1f}"
    nodule = phrase(_NODULES[_type(finding)], size=size)
    image = image_name(report.series, finding.instance_number, finding.frame)
    parts = [", ".join(filter(None, (nodule, _place(finding, measured, phrase), image)))]
    judged = report.judgement.of(finding.id) if report.judgement is not None else None
    if judged is not None and (words := _category(judged.lung_rads, phrase, quote)):
        parts.append(words)
    for comparison in report.comparisons[:1]:
        if (change := comparison.of(finding.id)) is not None:
            parts.append(_change(change, readable_date(comparison.prior_study_date), phrase))
    if finding.status == "rejected":
        parts.append(phrase(_REJECTED))
    elif finding.status == "candidate":
        parts.append(phrase(_UNCONFIRMED))
    return "; ".join(parts) + "."


def impression(report: Report, phrase: Phrase = in_english, quote: Quote = str) -> tuple[str, ...]:
    """Put a report into at most `MOST_LINES` lines: the findings that matter most, then what follows for the exam.

    Those that a reader confirmed come first, then the largest. Rejected ones are not in it.
    """
    active = report.active
    exam = _exam(report, phrase, quote)
    if not report.is_searched:
        return (phrase(_UNSEARCHED),)
    if not active:
        return (phrase(_NONE), *exam)
    ranked = sorted(active, key=lambda one: (one.status == "candidate", -one.size_mm))
    room = MOST_LINES - len(exam)
    shown = ranked if len(ranked) <= room else ranked[: room - 1]
    lines = [f"{finding.name}: {finding_sentence(report, finding, phrase, quote)}" for finding in shown]
    if rest := len(ranked) - len(shown):
        largest = max(ranked[len(shown) :], key=lambda one: one.size_mm)
        size = phrase(_ABOUT, mm=f"{largest.size_mm:.0f}") if largest.is_estimated else f"{largest.size_mm:.1f}"
        lines.append(phrase(_FURTHER_ONE if rest == 1 else _FURTHER, count=rest, size=size))
    return (*lines, *exam)


def _exam(report: Report, phrase: Phrase, quote: Quote) -> tuple[str, ...]:
    """Describe what guidelines come to for the exam, a line each; one that is not for this patient is left out."""
    judgement = report.judgement
    if judgement is None:
        return ()
    lines = []
    for advice in (judgement.lung_rads, judgement.fleischner):
        if advice.applies:
            category = f" {quote(advice.category)}" if advice.category else ""
            lines.append(f"{advice.guideline}{category}: {quote(advice.advice)}".rstrip(": "))
        elif advice.would_be:
            lines.append(phrase(_NOT_KNOWN_WHETHER, guideline=advice.guideline, category=quote(advice.would_be)))
        elif advice.is_unknown and report.active:
            lines.append(phrase(_NOT_KNOWN, guideline=advice.guideline, why=quote(advice.why_not)).strip())
    return tuple(lines)


def _category(advice: Advice, phrase: Phrase, quote: Quote) -> str:
    if advice.applies and advice.category:
        return f"{advice.guideline}: {quote(advice.category)}"
    if advice.would_be:
        return phrase(_IF_IT_APPLIES, guideline=advice.guideline, category=quote(advice.would_be))
    return ""


def _type(finding: Finding) -> str:
    if finding.appearance.type is not None:
        return finding.appearance.type.value
    measured = finding.measurement
    return measured.type if measured is not None and measured.type != _UNKNOWN else ""


def _place(finding: Finding, measured: Measurement | None, phrase: Phrase) -> str:
    if finding.appearance.lobe is not None:
        return phrase(_PLACES[finding.appearance.lobe.value])
    if measured is None:
        return ""
    if measured.lobe:  # as a mask of lobes names it
        return measured.lobe
    side, zone = ("" if one == _UNKNOWN else one for one in (measured.side, measured.zone))
    text = _ZONES[side, zone]
    return phrase(text) if text else ""


def _change(change: Change, date: str, phrase: Phrase) -> str:
    said = phrase(_CHANGES[change.fate], date=date)
    if change.volume_change is None:
        return said
    percent = f"{100 * change.volume_change:+.0f}".replace("-", "−")
    return f"{said} ({phrase(_IN_VOLUME, percent=percent)})"
