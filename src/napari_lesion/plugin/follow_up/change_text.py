"""What became of lesions between two scans, in words."""

from __future__ import annotations

from napari_lesion.comparison.priors import is_same_patient
from napari_lesion.model.compared import Change, Comparison
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import SeriesIdentity, readable_date
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.review.review import is_searched

#: A sign and a word each: nothing is said by colour alone.
_STATUSES = {
    "grown": ("▲", N_("grown")),
    "stable": ("=", N_("stable")),
    "shrunk": ("▼", N_("shrunk")),
    "new": ("+", N_("new")),
    "resolved": ("−", N_("resolved")),
    "not in view": ("□", N_("not in view")),
    "unclear": ("?", N_("unclear")),
}
_UNKNOWN = "–"


def change_cells(change: Change, name: str) -> tuple[str, ...]:
    """Write a row of the table: the lesion, what became of it, its sizes, and the doubling time in days."""
    sign, word = _STATUSES[change.fate]
    percent = f"{100 * change.volume_change:+z.0f}" if change.volume_change is not None else ""
    doubling = ""
    if change.volume_mm3 is not None and change.prior_volume_mm3 is not None:
        doubling = tr("noise") if change.doubling_days is None else f"{change.doubling_days:.0f}"
    return (
        name,
        f"{sign} {tr(word)}",
        _from_to(change.prior_diameter_mm, change.diameter_mm, 1),
        _from_to(change.prior_volume_mm3, change.volume_mm3, 0),
        percent,
        doubling,
    )


def _from_to(before: float | None, now: float | None, digits: int) -> str:
    """Write a number before and now; a dash stands for what is not there."""
    if before is None and now is None:
        return ""
    return " → ".join(_UNKNOWN if value is None else f"{value:.{digits}f}" for value in (before, now))


def change_reason(change: Change) -> str:
    """Why a lesion is judged as it is, and its doubling time with the interval."""
    return " ".join(part for part in (in_language(change.why), _doubling_sentence(change)) if part)


def _doubling_sentence(change: Change) -> str:
    if change.volume_mm3 is None or change.prior_volume_mm3 is None:
        return ""
    if change.doubling_days is None:
        return tr("The doubling time cannot be told from measurement noise.")
    low, high = change.doubling_low_days, change.doubling_high_days
    return tr(
        "Volume doubling time: {days} days (95 % interval {low} to {high}).",
        days=f"{change.doubling_days:.0f}",
        low=f"{low:.0f}" if low is not None else tr("open"),
        high=f"{high:.0f}" if high is not None else tr("open"),
    )


def prior_text(comparison: Comparison, *, dates: bool = True) -> str:
    """Name a prior in the list of those that were compared."""
    parts = [readable_date(comparison.prior_study_date) if dates else tr("Date hidden")]
    if comparison.days is not None:
        parts.append(tr("{days} days before", days=comparison.days))
    if not comparison.alignment.accepted:
        parts.append("⚠ " + tr("refused"))
    return " · ".join(part for part in parts if part)


def alignment_text(
    comparison: Comparison, report: Report | None, scan: SeriesIdentity | None, prior: SeriesIdentity | None
) -> str:
    """How well two scans are aligned, and what to mind when they are compared.

    Parameters
    ----------
    comparison : Comparison
    report : Report, optional
        Of the scan that is read.
    scan, prior : SeriesIdentity, optional
        The prior is missing where it was compared in an earlier session.
    """
    alignment = comparison.alignment
    lines = [f"{'✓' if alignment.accepted else '⚠'} {in_language(alignment.says)}"]
    if alignment.accepted and report is not None and not is_searched(report):
        lines.append("⚠ " + tr("No model has searched this scan: a lesion that is missing may only be unmarked."))
    if prior is None:
        lines.append(
            "⚠ "
            + tr(
                "Compared in an earlier session. To see the prior, and for numbers that follow your changes, "
                "compare again."
            )
        )
    elif scan is not None and not is_same_patient(prior, scan):
        lines.insert(0, "⚠ " + tr("OTHER PATIENT in the headers; you said that both are one."))
    return "\n".join(lines)


def person_text(identity: SeriesIdentity) -> str:
    """Whose a series is, by its headers."""
    parts = (
        identity.patient_id,
        identity.patient_name.replace("^", " ").strip(),
        readable_date(identity.patient_birth_date),
        identity.patient_sex,
    )
    return ", ".join(part for part in parts if part) or tr("no name")
