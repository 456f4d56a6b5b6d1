"""What a radiologist would dictate: a sentence a finding, and an impression of a few lines."""

from __future__ import annotations

from napari_lesion.model.compared import Change
from napari_lesion.model.findings import Finding, Report, image_name
from napari_lesion.model.judged import Advice
from napari_lesion.model.measured import Measurement
from napari_lesion.model.volume import readable_date

MOST_LINES = 6
_UNKNOWN = "unknown"


def finding_sentence(report: Report, finding: Finding) -> str:
    """Describe one finding in a sentence: size, type, place, image, what guidelines say, what became of it.

    E.g. "6.3 × 4.6 mm part-solid nodule, right upper zone, Se 3, Im 29; Lung-RADS v2022: 3; grown since 2024-02-29."
    What is not known is left out, not guessed; a guideline that needs more to be known says so.
    """
    measured = finding.measurement
    if measured is None:
        size = f"{finding.size} mm"
    else:
        size = f"{measured.long_axis.length_mm:.1f} × {measured.short_axis.length_mm:.1f} mm"
    nodule = " ".join(filter(None, (size, _type(finding), "nodule")))
    image = image_name(report.series, finding.instance_number, finding.frame)
    parts = [", ".join(filter(None, (nodule, _place(finding, measured), image)))]
    judged = report.judgement.of(finding.id) if report.judgement is not None else None
    if judged is not None and (words := _category(judged.lung_rads)):
        parts.append(words)
    for comparison in report.comparisons[:1]:
        if (change := comparison.of(finding.id)) is not None:
            parts.append(_change(change, readable_date(comparison.prior_study_date)))
    if finding.status == "rejected":
        parts.append("rejected by the reader")
    elif finding.status == "candidate":
        parts.append("not yet confirmed by a reader")
    return "; ".join(parts) + "."


def impression(report: Report) -> tuple[str, ...]:
    """Put a report into at most `MOST_LINES` lines: the findings that matter most, then what follows for the exam.

    Those that a reader confirmed come first, then the largest. Rejected ones are not in it.
    """
    standing = report.standing
    exam = _exam(report)
    if not standing:
        return ("No finding.", *exam)
    ranked = sorted(standing, key=lambda one: (one.status == "candidate", -one.size_mm))
    room = MOST_LINES - len(exam)
    shown = ranked if len(ranked) <= room else ranked[: room - 1]
    lines = [f"{finding.name}: {finding_sentence(report, finding)}" for finding in shown]
    if rest := len(ranked) - len(shown):
        largest = max(ranked[len(shown) :], key=lambda one: one.size_mm)
        lines.append(f"{rest} further finding{'' if rest == 1 else 's'}, the largest {largest.size} mm.")
    return (*lines, *exam)


def _exam(report: Report) -> tuple[str, ...]:
    """Say what guidelines come to for the exam, a line each; one that is not for this patient is left out."""
    judgement = report.judgement
    if judgement is None:
        return ()
    lines = []
    for advice in (judgement.lung_rads, judgement.fleischner):
        if advice.applies:
            category = f" {advice.category}" if advice.category else ""
            lines.append(f"{advice.guideline}{category}: {advice.advice}".rstrip(": "))
        elif advice.would_be:
            lines.append(f"{advice.guideline}: not known whether it applies; if it does, {advice.would_be}.")
    return tuple(lines)


def _category(advice: Advice) -> str:
    if advice.applies and advice.category:
        return f"{advice.guideline}: {advice.category}"
    return f"{advice.guideline}, if it applies: {advice.would_be}" if advice.would_be else ""


def _type(finding: Finding) -> str:
    if finding.appearance.type is not None:
        return finding.appearance.type.value
    measured = finding.measurement
    return measured.type if measured is not None and measured.type != _UNKNOWN else ""


def _place(finding: Finding, measured: Measurement | None) -> str:
    if finding.appearance.lobe is not None:
        return f"{finding.appearance.lobe.value} lobe"
    if measured is None:
        return ""
    if measured.lobe:
        return measured.lobe
    side = "" if measured.side == _UNKNOWN else measured.side
    return " ".join(filter(None, (side, "" if measured.zone == _UNKNOWN else f"{measured.zone} zone")))


def _change(change: Change, date: str) -> str:
    grown = (
        "" if change.volume_change is None else f" ({100 * change.volume_change:+.0f} % in volume)".replace("-", "−")
    )
    return f"{change.fate} since {date}{grown}"
