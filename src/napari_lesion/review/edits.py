"""What a reader can do to findings. Each function takes a review and returns a new one; nothing is changed in place.

Something that would change nothing (accepting what is accepted) returns the same review.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from napari_lesion.model.assessed import Appearance, Patient
from napari_lesion.model.compared import Comparison, Lesion
from napari_lesion.model.findings import Action, Finding, HistoryEntry, Point, Status, box_around, image_at
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume, apply_affine
from napari_lesion.report.plane import is_outside_body
from napari_lesion.review.review import Provenance, Review, ReviewChange, with_comparison
from napari_lesion.support.errors import ReviewError

MOVED_MM = 0.01
"""A shorter move is rounding: coordinates were converted forth and back."""
APART_MM = 10.0
"""Findings farther apart than this, from edge to edge, are merged only where the reader insists."""
_GEOMETRY: tuple[Action, ...] = ("moved", "resized", "merged", "outlined")
_UNMEASURED: dict[str, Any] = {"mask": None, "measurement": None, "unmeasured": ""}
"""Of a finding whose place or size is another: mask and numbers do not fit any more."""


def accept(review: Review, ids: Sequence[str], by: Provenance) -> Review:
    """Confirm findings as lesions; one that the reader added is ``added`` and stays so."""
    return _set_status(review, ids, by, "accepted", lambda f: "added" if is_added(f) else "accepted")


def reject(review: Review, ids: Sequence[str], by: Provenance) -> Review:
    """Call findings false; they stay in the review, with that status."""
    return _set_status(review, ids, by, "rejected", lambda _: "rejected")


def reopen(review: Review, ids: Sequence[str], by: Provenance) -> Review:
    """Take the judgement of findings back; what was moved or added stays that."""
    return _set_status(review, ids, by, "reopened", _unjudged)


def move(review: Review, id_: str, center_mm: Sequence[float], by: Provenance, scan: Volume) -> Review:
    """Put the centre of a finding elsewhere, with its box; its mask and measurement end.

    Parameters
    ----------
    review : Review
    id_ : str
    center_mm : (3,)
        LPS mm.
    by : Provenance
    scan : Volume
        In which the acquired image closest to the new place is looked up.

    Raises
    ------
    ReviewError
        If the place is outside of the patient.
    """
    finding = review.finding(id_)
    x, y, z = _in_patient(scan, center_mm)
    shift = np.subtract((x, y, z), finding.center_mm)
    if np.abs(shift).max() <= MOVED_MM:
        return review
    lower, upper = (tuple(float(v) for v in np.add(corner, shift)) for corner in finding.box_mm)
    moved = _with(
        finding,
        by,
        "moved",
        f"by {np.linalg.norm(shift):.1f} mm from {_place(finding.center_mm)}",
        center_mm=(x, y, z),
        box_mm=(lower, upper),
        status=_edited(finding),
        **image_at(scan, (x, y, z)),
        **_UNMEASURED,
    )
    return _done(review, "move", by, (finding,), (moved,))


def resize(review: Review, id_: str, diameter_mm: float, by: Provenance) -> Review:
    """Give a finding another diameter (mm); its box becomes the cube around it, its mask and measurement end.

    Raises
    ------
    ReviewError
        If the diameter is not more than 0.
    """
    finding = review.finding(id_)
    if not 0 < diameter_mm < float("inf"):
        raise ReviewError(f"A diameter of {diameter_mm} mm makes no sense: it must be more than 0.")
    diameter = float(diameter_mm)
    if abs(diameter - finding.diameter_mm) < MOVED_MM:
        return review
    resized = _with(
        finding,
        by,
        "resized",
        f"from {finding.diameter_mm:.1f} to {diameter:.1f} mm",
        diameter_mm=diameter,
        box_mm=box_around(finding.center_mm, diameter),
        status=_edited(finding),
        **_UNMEASURED,
    )
    return _done(review, "resize", by, (finding,), (resized,))


def merge(review: Review, ids: Sequence[str], by: Provenance, scan: Volume, *, insist: bool = False) -> Review:
    """Make one finding out of several that are one lesion.

    It keeps the id and the score of the one with the highest score, and reaches as far as all of them: its centre is
    that of the box around their boxes, its diameter the longest side of that box. Comments and histories are joined;
    masks and measurements end.

    Raises
    ------
    ReviewError
        If there are fewer than two, or they are `apart` and nobody insists.
    """
    chosen = _chosen(review, ids)
    if len(chosen) < 2:
        raise ReviewError("Choose at least two findings to merge.")
    if not insist and (why := apart(chosen)):
        raise ReviewError(f"{why} They were not merged.")
    first = max(chosen, key=lambda finding: finding.score)
    lower = np.min([finding.box_mm[0] for finding in chosen], axis=0)
    upper = np.max([finding.box_mm[1] for finding in chosen], axis=0)
    x, y, z = ((lower + upper) / 2).tolist()
    diameter = float((upper - lower).max())
    history = sorted((entry for finding in chosen for entry in finding.history), key=lambda entry: entry.time)
    comments = dict.fromkeys(finding.comment for finding in chosen if finding.comment)
    merged = _with(
        first.model_copy(update={"history": tuple(history)}),
        by,
        "merged",
        f"from {len(chosen)} at " + "; ".join(_place(finding.center_mm) for finding in chosen),
        center_mm=(x, y, z),
        diameter_mm=diameter,
        box_mm=box_around((x, y, z), diameter),
        status=_edited(first),
        comment="\n".join(comments),
        **image_at(scan, (x, y, z)),
        **_UNMEASURED,
    )
    return _done(review, "merge", by, chosen, (merged,))


def apart(findings: Sequence[Finding]) -> str:
    """Why findings can hardly be one lesion, as a sentence; empty where they can.

    They can where each reaches another within their radii and `APART_MM`, and no two were measured in different lungs.
    """
    sides = {f.measurement.side for f in findings if f.measurement is not None} - {"unknown"}
    names = ", ".join(finding.name for finding in findings)
    if len(sides) > 1:
        return f"{names} lie in different lungs, so they are not one lesion."
    together, left = [findings[0]], list(findings[1:])
    while left:
        near = [f for f in left if any(_gap_mm(f, other) <= APART_MM for other in together)]
        if not near:
            gap = min(_gap_mm(f, other) for f in left for other in together)
            return f"{names} are {gap:.0f} mm apart from edge to edge, so they are hardly one lesion."
        together += near
        left = [f for f in left if f not in near]
    return ""


def _gap_mm(one: Finding, other: Finding) -> float:
    """Distance from edge to edge, mm."""
    return math.dist(one.center_mm, other.center_mm) - (one.size_mm + other.size_mm) / 2


def add(
    review: Review, center_mm: Sequence[float], diameter_mm: float, by: Provenance, scan: Volume, detail: str = ""
) -> Review:
    """Add a finding of the reader's own; its score is 1, since a person is sure.

    Parameters
    ----------
    review : Review
    center_mm : (3,)
        LPS mm.
    diameter_mm : float
    by : Provenance
    scan : Volume
    detail : str
        How the diameter came about, for the history.

    Raises
    ------
    ReviewError
        If the diameter is not more than 0, or the place is outside of the patient.
    """
    if not 0 < diameter_mm < float("inf"):
        raise ReviewError(f"A diameter of {diameter_mm} mm makes no sense: it must be more than 0.")
    x, y, z = _in_patient(scan, center_mm)
    diameter = float(diameter_mm)
    new = uuid.uuid4()
    added = Finding(
        id=str(new),
        number=review.last_number + 1,
        tracking_uid=f"2.25.{new.int}",
        center_mm=(x, y, z),
        diameter_mm=diameter,
        box_mm=box_around((x, y, z), diameter),
        score=1.0,
        status="added",
        history=(HistoryEntry(time=by.time, reader=by.reader, what="added", detail=detail),),
        **image_at(scan, (x, y, z)),
    )
    return _done(review, "add", by, (), (added,))


def outline(review: Review, id_: str, mask: Mask | None, by: Provenance, scan: Volume) -> Review:
    """Give a finding the mask that a reader drew; centre, diameter and box become those of the mask.

    It is to be measured anew.

    Parameters
    ----------
    review : Review
    id_ : str
    mask : Mask or None
        On the grid of the scan; None where nothing is left of it, and it is to be looked for again.
    by : Provenance
    scan : Volume
    """
    finding = review.finding(id_)
    if mask is None:
        return measure_again(review, id_, by)
    if mask == finding.mask:
        return review
    corners = np.array(np.meshgrid(*np.transpose([mask.offset, np.add(mask.offset, mask.shape)]), indexing="ij"))
    ends = apply_affine(scan.affine, corners.reshape(3, -1).T - 0.5)
    x, y, z = mask.center_mm(scan.affine).tolist()
    diameter = mask.diameter_mm(scan.affine)
    lower, upper = (tuple(float(value) for value in end) for end in (ends.min(axis=0), ends.max(axis=0)))
    outlined = _with(
        finding,
        by,
        "outlined",
        f"{mask.count} voxels",
        center_mm=(x, y, z),
        diameter_mm=diameter,
        box_mm=(lower, upper),
        status=_edited(finding),
        **image_at(scan, (x, y, z)),
        **{**_UNMEASURED, "mask": mask},
    )
    return _done(review, "outline", by, (finding,), (outlined,))


def measure_again(review: Review, id_: str, by: Provenance) -> Review:
    """Let go of the mask and the numbers of a finding, so that the program looks for its outline again."""
    finding = review.finding(id_)
    unmeasured = finding.model_copy(update=_UNMEASURED)
    return review if unmeasured == finding else _done(review, "measure again", by, (finding,), (unmeasured,))


def appear(review: Review, id_: str, appearance: Appearance, by: Provenance) -> Review:
    """Write down what a reader says of how a finding looks, all of it."""
    finding = review.finding(id_)
    if appearance == finding.appearance:
        return review
    said = {name: getattr(appearance, name) for name in Appearance.model_fields}
    news = {name: given for name, given in said.items() if given != getattr(finding.appearance, name)}
    words = (f"{name.replace('_', ' ')}: {_in_words(given.value if given else None)}" for name, given in news.items())
    described = _with(finding, by, "described", ", ".join(words), appearance=appearance)
    return _done(review, "describe", by, (finding,), (described,))


def describe(review: Review, patient: Patient, by: Provenance) -> Review:
    """Write down what is known of the patient, all of it."""
    if patient == review.patient:
        return review
    return review.done(ReviewChange(what="patient", time=by.time, reader=by.reader, patient=patient))


def follow(review: Review, lesions: tuple[Lesion, ...], by: Provenance) -> Review:
    """Choose the targets and non-targets of RECIST, all of them."""
    if lesions == review.lesions:
        return review
    return review.done(ReviewChange(what="follow", time=by.time, reader=by.reader, lesions=lesions))


def remove(review: Review, ids: Sequence[str], by: Provenance) -> Review:
    """Take findings away: those that the reader added are gone, those that the model found are rejected.

    A report must say what the model said, so nothing of the model's can vanish from it.
    """
    chosen = _chosen(review, ids)
    gone = tuple(finding for finding in chosen if is_added(finding))
    false = tuple(finding for finding in chosen if not is_added(finding) and finding.status != "rejected")
    if not gone and not false:
        return review
    after = tuple(_with(finding, by, "rejected", status="rejected") for finding in false)
    return _done(review, "delete", by, (*gone, *false), after)


def comment(review: Review, id_: str, text: str, by: Provenance) -> Review:
    """Write the comment of a finding; an empty text takes it away."""
    finding, text = review.finding(id_), text.strip()
    if text == finding.comment:
        return review
    detail = f"before: {finding.comment}" if finding.comment else ""
    return _done(review, "comment", by, (finding,), (_with(finding, by, "commented", detail, comment=text),))


def compared(review: Review, comparison: Comparison, tracking_uids: Mapping[str, str], by: Provenance) -> Review:
    """Put a comparison with a prior into the review; an earlier one with the same prior goes.

    Parameters
    ----------
    review : Review
    comparison : Comparison
    tracking_uids : mapping
        UID of the lesion by id of the finding, for findings that were recognised; the others keep theirs.
    by : Provenance
    """
    others = (one for one in review.comparisons if one.prior_series_uid != comparison.prior_series_uid)
    all_ = tuple(sorted((comparison, *others), key=lambda one: one.prior_study_date, reverse=True))
    before = tuple(f for f in review.findings if tracking_uids.get(f.id, f.tracking_uid) != f.tracking_uid)
    if not before and all_ == review.comparisons:
        return review
    after = tuple(finding.model_copy(update={"tracking_uid": tracking_uids[finding.id]}) for finding in before)
    change = ReviewChange(what="compare", time=by.time, reader=by.reader, before=before, after=after, comparisons=all_)
    return with_comparison(review.done(change), comparison)


def _set_status(
    review: Review, ids: Sequence[str], by: Provenance, action: Action, status_of: Callable[[Finding], Status]
) -> Review:
    before = tuple(finding for finding in _chosen(review, ids) if finding.status != status_of(finding))
    after = tuple(_with(finding, by, action, status=status_of(finding)) for finding in before)
    what = {"accepted": "accept", "rejected": "reject"}.get(action, "reopen")
    return _done(review, what, by, before, after) if before else review


def _chosen(review: Review, ids: Sequence[str]) -> tuple[Finding, ...]:
    return tuple(review.finding(id_) for id_ in dict.fromkeys(ids))


def _done(review: Review, what: str, by: Provenance, before: tuple[Finding, ...], after: tuple[Finding, ...]) -> Review:
    return review.done(ReviewChange(what=what, time=by.time, reader=by.reader, before=before, after=after))


def _with(finding: Finding, by: Provenance, what: Action, detail: str = "", **fields: Any) -> Finding:
    entry = HistoryEntry(time=by.time, reader=by.reader, what=what, detail=detail)
    return finding.model_copy(update={"history": (*finding.history, entry), **fields})


def is_added(finding: Finding) -> bool:
    """Whether a reader put it there, not a model."""
    return finding.status == "added" or any(entry.what == "added" for entry in finding.history)


def _edited(finding: Finding) -> Status:
    """Status of a finding whose place or size a reader has set, which says that it is a lesion."""
    return "added" if is_added(finding) else "edited"


def _unjudged(finding: Finding) -> Status:
    if is_added(finding):
        return "added"
    return "edited" if any(entry.what in _GEOMETRY for entry in finding.history) else "candidate"


def _in_patient(scan: Volume, center_mm: Sequence[float]) -> Point:
    """Get a place (LPS mm) as a point of the patient; refuse one that is surely outside."""
    x, y, z = (float(value) for value in center_mm)
    if is_outside_body(scan, (x, y, z)):
        raise ReviewError(f"{_place((x, y, z))} mm is outside of the patient's body: no finding can be there.")
    return x, y, z


def _in_words(value: bool | str | None) -> str:
    return value if isinstance(value, str) else {True: "yes", False: "no", None: "unknown"}[value]


def _place(center_mm: Point) -> str:
    return "({:.1f}, {:.1f}, {:.1f})".format(*center_mm)
