"""Which earlier scans of a patient a scan is compared with, by their headers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from napari_lesion.dicom.index.series import Series
from napari_lesion.model.compared import days_between
from napari_lesion.model.volume import SeriesIdentity

MOST = 3
"""Priors that a scan is compared with: the latest ones."""
_CHEST = ("chest", "thorax", "lung", "pulmon")
_COVERS_MM = 200.0
"""A chest is about this high, at least."""
_THIN_MM = 3.0


@dataclass(frozen=True)
class Chosen:
    """Priors, and what there is to say of the choice.

    Attributes
    ----------
    priors : tuple of Series
        One for each earlier date, the latest first.
    notes : tuple of str
        Which were chosen of several, which were left out, or why there is none, as sentences.
    """

    priors: tuple[Series, ...]
    notes: tuple[str, ...] = ()


def is_same_patient(one: SeriesIdentity, other: SeriesIdentity) -> bool:
    """Whether the headers name one patient: by the number, and what both say of birth date and sex.

    Without a number nobody knows: that is no.
    """
    if not one.patient_id.strip():
        return False
    said = ((one.patient_birth_date, other.patient_birth_date), (one.patient_sex, other.patient_sex))
    return one.patient_id == other.patient_id and all(not a or not b or a == b for a, b in said)


def choose_priors(scan: Series, candidates: Iterable[Series], *, most: int = MOST) -> Chosen:
    """Choose the CT volumes of the same patient from before a scan, one for each date.

    Of several on one date, that is the one that names the chest, else covers 200 mm, else has slices of at most 3 mm,
    else the same kernel, else the most slices.

    Parameters
    ----------
    scan : Series
    candidates : iterable of Series
        Of any patients and dates; the scan may be among them.
    most : int
        So many of the latest dates.
    """
    identity = scan.identity
    if not identity.patient_id.strip():
        return Chosen((), ("No prior: the scan has no patient ID, by which priors are found.",))
    if days_between(identity.study_date, identity.study_date) is None:
        return Chosen((), ("No prior: the scan has no study date, so nothing can be told to be earlier.",))
    own = [
        one
        for one in candidates
        if one.identity.patient_id.strip() == identity.patient_id.strip()
        and one.identity.series_uid != identity.series_uid
    ]
    by_date: dict[str, list[Series]] = {}
    for one in own:
        days = days_between(one.identity.study_date, identity.study_date)
        if one.identity.modality == "CT" and one.kind == "volume" and days is not None and days > 0:
            by_date.setdefault(one.identity.study_date, []).append(one)
    if not by_date:
        seen = f"none of the {len(own)} other series of the patient is" if own else "there is no other series that is"
        return Chosen((), (f"No prior: {seen} an earlier CT volume of this patient.",))
    dates = sorted(by_date, reverse=True)
    chosen, notes = [], []
    for when in dates[:most]:
        best = max(by_date[when], key=lambda one: (_suits(one, scan), one.key))
        chosen.append(best)
        if len(by_date[when]) > 1:
            notes.append(f"Prior of {when}: series {best.key} was chosen of {len(by_date[when])} ({best.label}).")
    if dates[most:]:
        notes.append(f"Not compared with older priors, of {', '.join(dates[most:])}.")
    return Chosen(tuple(chosen), tuple(notes))


def _suits(one: Series, scan: Series) -> tuple[bool, bool, bool, bool, int]:
    """How well a series suits as a prior of a scan; the largest is best."""
    identity = one.identity
    words = f"{identity.body_part} {identity.series_description} {identity.study_description}".lower()
    step = one.spacing[0] if one.spacing else 0.0
    return (
        any(word in words for word in _CHEST),
        step * one.n_slices >= _COVERS_MM,
        0 < step <= _THIN_MM,
        identity.kernel == scan.identity.kernel,
        one.n_slices,
    )
