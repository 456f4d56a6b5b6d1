"""What is said of a scan that is to be searched, and of what was found in it."""

from __future__ import annotations

from napari_lesion.model.volume import Volume
from napari_lesion.plugin.core_texts import in_language
from napari_lesion.plugin.findings.findings_view import FindingsView
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.review.review import Review, is_searched

_PLANES = {
    "axial": N_("axial"),
    "coronal": N_("coronal"),
    "sagittal": N_("sagittal"),
    "oblique": N_("oblique"),
    "unknown": N_("unknown"),
}


def certificate_line(volume: Volume) -> tuple[str, str]:
    """Put the geometry certificate in one line, and its details in a longer text."""
    certificate = volume.certificate
    slices, spacing = certificate.shape[0], certificate.spacing_mm
    as_acquired = certificate.verdict == "as acquired"
    line = tr(
        "{slices} {plane} slices every {mm} mm, {verdict}",
        slices=slices,
        plane=tr(_PLANES.get(certificate.orientation, certificate.orientation)),
        mm=f"{spacing[0]:.4g}",
        verdict=tr("as acquired") if as_acquired else tr("corrected"),
    )
    line = f"{'✓' if as_acquired else '⚠'} {line}"
    remarks = len(certificate.notes) + len(certificate.duplicates)
    if remarks:
        line += " " + (tr("(1 remark)") if remarks == 1 else tr("({count} remarks)", count=remarks))
    details = [
        tr(
            "Voxels {z} × {y} × {x} mm, {rescale}",
            z=f"{spacing[0]:.4g}",
            y=f"{spacing[1]:.4g}",
            x=f"{spacing[2]:.4g}",
            rescale=in_language(certificate.rescale) or tr("no rescale"),
        ),
        tr("Slice order: {order}", order=in_language(certificate.slice_order) or tr("not stated")),
        *map(in_language, (*certificate.notes, *certificate.duplicates)),
    ]
    if certificate.tilt_deg:
        details.append(tr("Gantry tilt {angle}°", angle=f"{certificate.tilt_deg:.1f}"))
    if certificate.interpolated_slices:
        count = len(certificate.interpolated_slices)
        details.append(tr("{count} slices are interpolated, not acquired", count=count))
    if certificate.missing_tags:
        details.append(tr("Missing in the headers: {tags}", tags=", ".join(certificate.missing_tags)))
    return line, "\n".join(details)


def search_summary(view: FindingsView, *, brief: bool) -> str:
    """How many findings there are, and what the search warned of; "" where nobody searched.

    Parameters
    ----------
    view : FindingsView
    brief : bool
        Only count the warnings.
    """
    review = view.review
    if review is None or (not is_searched(review.start) and not view.findings):
        return ""  # nobody searched, also where something was measured
    shown = view.shown
    rejected = sum(f.status == "rejected" for f in view.findings)
    hidden = len(view.findings) - rejected - len(shown)
    if not view.findings:
        text = tr("Nothing was found.")
    elif len(shown) == 1:
        text = tr("1 finding shown, {hidden} with a lower score hidden.", hidden=hidden)
    else:
        text = tr("{shown} findings shown, {hidden} with a lower score hidden.", shown=len(shown), hidden=hidden)
    if rejected:
        text += " " + tr("{count} rejected.", count=rejected)
    seconds = review.start.timings_s.get("total")
    if seconds is not None:
        text += " " + tr("Searched in {seconds} s.", seconds=f"{seconds:.0f}")
    warnings = review.start.warnings
    if warnings and brief:
        return text + "\n" + tr("⚠ {count} warnings, which “Search for lesions” shows.", count=len(warnings))
    return "\n".join((text, *(f"⚠ {in_language(warning)}" for warning in warnings)))


def why_none(review: Review | None) -> str:
    """Why a scan has no finding at all: it was searched and has none, or nobody has looked yet."""
    if review is not None and is_searched(review.start):
        return tr("Nothing was found.")
    return tr(
        "There are no findings yet. Search the scan, or point at a lesion and press {key}.",
        key=key_name("findings.add"),
    )
