"""What is said of a series before it is opened, of its geometry, and of files that are no images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom.read.precheck import Outlook, Precheck
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, readable_date
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.texts import tr


def mark_of(outlook: Outlook) -> str:
    """Describe what will come of a series, by a sign and a word."""
    return {
        "fine": "✓ " + tr("fine"),
        "corrected": "⚠ " + tr("corrected"),
        "refused": "✗ " + tr("refused"),
        "unplaced": "– " + tr("no position"),
    }[outlook]


def explained(precheck: Precheck) -> str:
    """Why, in a longer text."""
    what = {
        "fine": tr("Geometry, from the headers: the slices make a volume as acquired."),
        "corrected": tr("Geometry, from the headers: the slices make a volume only when they are resampled."),
        "refused": tr("The headers say that this cannot be read as it is."),
        "unplaced": tr("This image can be shown, but not placed in the patient."),
    }[precheck.outlook]
    more = [f"• {in_language(reason)}" for reason in precheck.reasons]
    if precheck.can_interpolate:
        more.append(tr("Opening it asks whether the missing slices shall be interpolated."))
    if precheck.outlook in ("fine", "corrected"):
        more.append(tr("Whether the pixel data is whole is known only when it is read."))
    return "\n".join([what, *more])


def certified(certificate: GeometryCertificate) -> tuple[str, str]:
    """Phrase the certificate of a volume that was read: the mark and a longer text."""
    if certificate.verdict == "corrected":
        mark, what = "⚠ " + tr("corrected"), tr("Geometry, as read: corrected.")
    else:
        mark, what = "✓ " + tr("fine"), tr("Geometry, as read: as acquired.")
    return mark, "\n".join(
        [what, *(f"• {in_language(note)}" for note in (*certificate.notes, *certificate.duplicates))]
    )


def description(series: Series, precheck: Precheck | None) -> str:
    """Describe a series in three lines: what it is called, what it is, its voxels."""
    identity = series.identity
    name = identity.series_description or tr("no description")
    first = f"{identity.series_number}: {name}" if identity.series_number else name
    kind = identity.modality or tr("unknown")
    if series.kind == "localizer":
        kind += " " + tr("localizer")
    elif series.kind == "time series":
        kind += " " + tr("time series")
    rows, columns = series.size
    slices = tr("{count} slices", count=series.n_slices) if series.n_slices != 1 else tr("1 image")
    parts = [kind, slices]
    spacing = precheck.spacing_mm if precheck is not None else None
    last = f"{rows} × {columns}"
    if spacing is not None:
        every = f"{spacing[0]:.3g} × " if spacing[0] > 0 else ""
        last = f"{every}{spacing[1]:.2f} × {spacing[2]:.2f} mm"
    if series.stack > 1:
        parts.append(tr("stack {number}", number=series.stack))
    return f"{first}\n{' · '.join(parts)}\n{last}"


def study_text(identity: SeriesIdentity, *, names: bool) -> str:
    """Phrase in two lines whose a study is, unless names are hidden, and what it is."""
    who = dict.fromkeys(part for part in (identity.patient_name.replace("^", " ").strip(), identity.patient_id) if part)
    first = (" · ".join(who) or tr("no name")) if names else tr("Names hidden")
    second = (readable_date(identity.study_date) if names else "", identity.study_description)
    return "\n".join(part for part in (first, " · ".join(part for part in second if part)) if part)


def details(series: Series) -> str:
    """Phrase more of a series, a line each: where it was made, and where it lies."""
    identity = series.identity
    parts = (
        identity.study_description,
        f"{identity.manufacturer} {identity.manufacturer_model}".strip(),
        identity.kernel.replace("\\", " "),
        tr("{rows} × {columns} pixels", rows=series.size[0], columns=series.size[1]),
        str(series.frames[0].file.path.parent),
    )
    return "\n".join(part for part in parts if part)


def reasons(passed: Mapping[Path, Sequence[tuple[Path, str]]]) -> list[str]:
    """Name files and say why they are no images of a series, by what was looked through."""
    return [f"{_below(root, path)}: {in_language(reason)}" for root, files in passed.items() for path, reason in files]


def _below(root: Path, path: Path) -> str:
    """Name a file by its way from the folder that is looked through."""
    return str(path.relative_to(root)) if path != root and path.is_relative_to(root) else path.name
