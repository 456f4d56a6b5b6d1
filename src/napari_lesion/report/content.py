"""What a report for people says, in words and with the source of each number; HTML and PDF lay it out."""

from __future__ import annotations

from typing import Any

from napari_lesion.assessment.measure.nodule import percent
from napari_lesion.assessment.patient.fields import FINDING_FIELDS, PATIENT_FIELDS
from napari_lesion.detection.operating_points import in_words
from napari_lesion.model.assessed import Appearance, Patient, SourcedValue
from napari_lesion.model.findings import Finding, Report, image_name
from napari_lesion.model.measured import Looks, Measurement
from napari_lesion.model.volume import Volume, readable_date
from napari_lesion.report import measurements
from napari_lesion.report.impression import impression
from napari_lesion.report.parts import Content, Fact, FindingEntry, Group
from napari_lesion.report.pictures import Picture, pictures_of
from napari_lesion.report.wording import (
    UNKNOWN,
    category,
    image_in_words,
    moment_in_words,
    percentage,
    place_in_words,
    reason_of_type,
    since_in_words,
    value_in_words,
    volume_in_words,
)
from napari_lesion.support.progress import Progress, silent

TOP = 8
"""Findings in the summary, at most."""

COLUMNS = (
    "No.",
    "Image",
    "Diameter, mm",
    "Volume, mm³",
    "Type",
    "Place",
    "Since the prior",
    "Lung-RADS",
    "Brock",
    "Score",
    "Status",
)
"""Of the table of findings."""


def content_of(report: Report, volume: Volume | None = None, *, progress: Progress = silent) -> Content:
    """Put a report into words.

    Parameters
    ----------
    report : Report
    volume : Volume, optional
        The scan, for pictures.
    progress : Progress
        A step a finding.
    """
    active = report.active
    entries: list[FindingEntry] = []
    for finding in active:
        progress(len(entries), max(len(active), 1), f"picture of {finding.name}")
        entries.append(_entry(report, finding, pictures_of(volume, finding) if volume else ()))
    series = report.series
    return Content(
        title=" · ".join(filter(None, ("CT findings", series.patient_id, readable_date(series.study_date)))),
        intended_use=report.intended_use,
        created=moment_in_words(report.created),
        result=_result(report),
        impression=impression(report),
        scan=_scan(report),
        patient=_patient(report.patient),
        model=_model(report),
        certificate=_certificate(report),
        made_by=tuple(Fact(name, version) for name, version in report.versions.items()),
        warnings=report.warnings,
        exam=(report.judgement.lung_rads, report.judgement.fleischner) if report.judgement else (),
        entries=tuple(entries),
        top=_top(report, entries),
        rejected=tuple(
            f"{finding.name} (score {finding.score:.2f}, {finding.size} mm): {_last_action(finding)}"
            for finding in report.findings
            if finding.status == "rejected"
        ),
        comparisons=report.comparisons,
        gone=tuple(
            (readable_date(comparison.prior_study_date), change)
            for comparison in report.comparisons
            for change in comparison.changes
            if change.finding_id is None
        ),
        measured=tuple(measurements.cells(report, drawing) for drawing in report.drawings),
        measured_notes=measurements.notes(report),
        without_pictures="" if volume else "The scan was not at hand when this report was made.",
    )


def _top(report: Report, entries: list[FindingEntry]) -> tuple[FindingEntry, ...]:
    """Choose what readers confirmed, then the largest; in the order of their numbers."""
    by_id = {finding.id: finding for finding in report.active}

    def rank(entry: FindingEntry) -> tuple[bool, float]:
        finding = by_id[entry.id]
        return finding.status == "candidate", -finding.size_mm

    return tuple(sorted(sorted(entries, key=rank)[:TOP], key=lambda entry: entry.number))


def known_facts(values: Patient | Appearance, *, also_unknown: bool) -> tuple[Fact, ...]:
    """Describe what is known of a patient or of how a finding looks, each with its source."""
    facts = []
    for asked in PATIENT_FIELDS if isinstance(values, Patient) else FINDING_FIELDS:
        given: SourcedValue[Any] | None = getattr(values, asked.name)
        if given is not None:
            source = f"{given.source}: {given.detail}" if given.detail else given.source
            facts.append(Fact(asked.label, value_in_words(given.value, asked.unit), source))
        elif also_unknown:
            facts.append(Fact(asked.label, UNKNOWN))
    return tuple(facts)


def _patient(patient: Patient) -> tuple[Fact, ...]:
    """Describe what is known, a source that all of it shares only once, and in one line what is not known."""
    asked = known_facts(patient, also_unknown=True)
    known = tuple(fact for fact in asked if fact.source)
    sources = {fact.source for fact in known}
    if len(known) > 1 and len(sources) == 1:
        known = (*(Fact(fact.name, fact.value) for fact in known), Fact("Source of all", *sources))
    unknown = ", ".join(fact.name[0].lower() + fact.name[1:] for fact in asked if not fact.source)
    return (*known, Fact("Not known", unknown)) if unknown else known


def _result(report: Report) -> str:
    active = report.active
    count = len(active)
    if not report.is_searched:
        return "Nobody searched this scan for findings."
    text = f"{count or 'No'} finding{'' if count == 1 else 's'}"
    measured = sum(finding.measurement is not None for finding in active)
    if count:
        text += f", {measured} of them measured"
    if rejected := len(report.findings) - count:
        text += f"; {rejected} more rejected by a reader"
    unseen = sum(finding.status == "candidate" for finding in active)
    if count:
        text += (
            f". {unseen if unseen < count else 'All'} not yet reviewed by a reader"
            if unseen
            else ". All reviewed by a reader"
        )
    return text + "."


def _scan(report: Report) -> tuple[Fact, ...]:
    series = report.series
    scanner = " ".join(filter(None, (series.manufacturer, series.manufacturer_model)))
    said = (
        ("Patient ID", series.patient_id),
        ("Name", series.patient_name.replace("^", " ").strip()),
        ("Born", readable_date(series.patient_birth_date)),
        ("Study", " ".join(filter(None, (readable_date(series.study_date), series.study_description)))),
        ("Series", " ".join(filter(None, (series.series_number, series.series_description)))),
        ("Accession number", series.accession_number),
        ("Scanner", scanner),
        ("Kernel", series.kernel),
        ("Contrast", series.contrast),
    )
    return tuple(Fact(name, value) for name, value in said if value)


def _model(report: Report) -> tuple[Fact, ...]:
    model = report.model
    if not model.sha256:
        return (Fact("Model", "none; a reader searched" if report.is_searched else "none"),)
    threshold = f"score ≥ {model.threshold:.2f}"
    if model.false_positives_per_scan is not None:
        threshold += f" (expect {in_words(model.false_positives_per_scan)})"
    return (
        Fact("Model", f"{model.id} {model.version}"),
        Fact("Card", f"napari-lesion models show {model.id}"),
        Fact("Weights", f"sha256 {model.sha256[:12]}…"),
        Fact("Reported from", threshold),
        Fact("Ran on", report.device),
        Fact("Took", f"{report.timings_s['total']:.0f} s" if "total" in report.timings_s else UNKNOWN),
    )


def _certificate(report: Report) -> tuple[Fact, ...]:
    certificate = report.certificate
    spacing = " × ".join(f"{s:.2f}" for s in certificate.spacing_mm)
    lines = [
        Fact("Voxels", f"{' × '.join(map(str, certificate.shape))} of {spacing} mm (slices, rows, columns)"),
        Fact("Orientation", f"{certificate.orientation} ({certificate.axes})"),
        Fact("Slice order", certificate.slice_order),
        Fact(
            "Slice thickness", f"{certificate.slice_thickness_mm:g} mm" if certificate.slice_thickness_mm else UNKNOWN
        ),
        Fact("Rescale", certificate.rescale),
        Fact("Tilt", f"{certificate.tilt_deg:.1f}°" if certificate.tilt_deg else ""),
        Fact("Gaps", "; ".join(f"{gap.missing_slices} slices after {gap.after_file}" for gap in certificate.gaps)),
        Fact("Interpolated", f"{len(certificate.interpolated_slices) or ''}"),
        Fact("Duplicates", " ".join(certificate.duplicates)),
        Fact("Missing tags", ", ".join(certificate.missing_tags)),
        Fact("Notes", " ".join(certificate.notes)),
    ]
    return (Fact("Verdict", certificate.verdict), *(line for line in lines if line.value))


def _entry(report: Report, finding: Finding, pictures: tuple[Picture, ...]) -> FindingEntry:
    judged = report.judgement.of(finding.id) if report.judgement else None
    changes = tuple(
        (readable_date(comparison.prior_study_date), change)
        for comparison in report.comparisons
        if (change := comparison.of(finding.id)) is not None
    )
    measured = finding.measurement
    notes = measured.notes if measured else (finding.unmeasured or "It was not measured.",)
    image = image_name(report.series, finding.instance_number, finding.frame)
    kind = measured.type if measured and measured.type != UNKNOWN else ""
    place = place_in_words(measured)
    return FindingEntry(
        number=finding.number,
        id=finding.id,
        heading=f"{finding.name}: " + ", ".join(filter(None, (f"{finding.size} mm", kind, place, image))),
        names=f"{finding.name}: lesion {finding.lesion_uid}, image {image_in_words(finding)}",
        cells=(
            finding.name,
            image or "–",
            finding.size,
            volume_in_words(measured) if measured else "–",
            kind or "–",
            place or "–",
            since_in_words(changes),
            category(judged.lung_rads) if judged else "–",
            percentage(judged.brock) if judged else "–",
            f"{finding.score:.2f}" if finding.status != "added" else "–",
            finding.status,
        ),
        groups=_groups(finding),
        reason=reason_of_type(measured) if measured else "",
        notes=notes,
        changes=changes,
        brock=judged.brock if judged else None,
        advice=(judged.lung_rads, *((judged.growth,) if changes else ())) if judged else (),
        history=tuple(
            f"{moment_in_words(action.time)} {action.reader}: {action.what}"
            + (f" ({action.detail})" if action.detail else "")
            for action in finding.history
        )
        + ((f"Comment: {finding.comment}",) if finding.comment else ()),
        pictures=pictures,
    )


def _groups(finding: Finding) -> tuple[Group, ...]:
    groups = []
    if finding.measurement is not None:
        groups.append(Group(f"Measured in the mask of {finding.measurement.method}", _measured(finding.measurement)))
        if (looks := finding.measurement.looks) is not None:
            groups.append(Group(f"Estimated by {looks.method}, as readers would rate it", _looks(looks)))
    by_reader = finding.status in ("added", "edited")
    place = ", ".join(f"{value:.1f}" for value in finding.center_mm).replace("-", "−")
    found = (
        Fact("Centre (LPS)", f"{place} mm"),
        *(() if finding.measurement else (Fact("Diameter", f"{finding.size} mm"),)),
        *((Fact("Score", f"{finding.score:.2f}"),) if finding.status != "added" else ()),
    )
    groups.append(Group("Marked by a reader" if by_reader else "Estimated by the model", found))
    if seen := known_facts(finding.appearance, also_unknown=False):
        groups.append(Group("What a reader says of it", seen))
    return tuple(groups)


def _measured(m: Measurement) -> tuple[Fact, ...]:
    axes = f"long axis {m.long_axis.length_mm:.1f}, short {m.short_axis.length_mm:.1f}"
    hu = f"{m.hu.mean:.0f} ± {m.hu.sd:.0f} HU (median {m.hu.median:.0f}; 90 % from {m.hu.p05:.0f} to {m.hu.p95:.0f})"
    solid: tuple[Fact, ...] = ()
    if m.type == "part-solid" and m.solid_mean_diameter_mm is not None:
        volume = "" if m.solid_volume_mm3 is None else f", {m.solid_volume_mm3:.0f} mm³"
        solid = (Fact("Solid part", f"{m.solid_mean_diameter_mm:.1f} mm{volume}"),)
    calcium = "" if m.calcified_fraction is None else f" ({100 * m.calcified_fraction:.0f} % of the volume)"
    return (
        Fact("Mean diameter", f"{m.mean_diameter_mm:.1f} mm ({axes})"),
        Fact("Diameter in 3D", f"{m.diameter_3d_mm:.1f} mm"),
        Fact("Volume", f"{volume_in_words(m)} mm³" + (" (± one SD)" if m.volume_sd_mm3 is not None else "")),
        *solid,
        Fact("Density", hu.replace("-", "−")),
        Fact("Mass", f"{m.mass_mg:.0f} mg"),
        Fact("Type", m.type),
        Fact("Calcification", m.calcification + calcium),
        Fact("From the pleura", UNKNOWN if m.pleura_distance_mm is None else f"{m.pleura_distance_mm:.1f} mm"),
        Fact("Place", place_in_words(m) or UNKNOWN),
    )


def _looks(looks: Looks) -> tuple[Fact, ...]:
    """How it looks, each with its certainty."""
    signs = (
        ("Spiculated", looks.spiculated),
        ("Lobulated", looks.lobulated),
        ("Ill-defined margin", looks.ill_defined),
        ("Calcified", looks.calcified),
    )
    return (
        Fact("Type", f"{looks.type}, {percent(looks.type_certainty)} certain"),
        *(Fact(name, f"{'yes' if sign.value else 'no'}, {percent(sign.certainty)} certain") for name, sign in signs),
        Fact("Readers' suspicion", f"{looks.suspicion:.1f} of 5"),
    )


def _last_action(finding: Finding) -> str:
    actions = [action for action in finding.history if action.what == "rejected"]
    who = f"rejected by {actions[-1].reader}, {moment_in_words(actions[-1].time)}" if actions else "rejected"
    return f"{who}. {finding.comment}".strip()
