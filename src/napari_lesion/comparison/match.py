"""Which finding of a scan is which of its prior, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from napari_lesion.assessment.guidelines.bts import GROWTH
from napari_lesion.assessment.guidelines.growth import growth
from napari_lesion.comparison.aligned import Aligned
from napari_lesion.model.compared import Change, ChangeStatus, days_between
from napari_lesion.model.findings import Finding, Report
from napari_lesion.model.measured import Measurement
from napari_lesion.model.volume import FloatArray, Volume

REACH_MM = 5.0
"""How far beyond the larger radius the centre of the same lesion may lie after alignment."""
LOOK_MM = 2.0
"""How far around the aligned place a lesion is looked for in the voxels of the other scan."""
ABSENT = 0.4
"""A place less dense than this, between its lung (0) and the lesion (1), holds no such lesion."""
DIAMETER_MM = 1.5
"""A change of the mean diameter that counts where no volumes are known (Lung-RADS v2022)."""
THICKER = 1.5
"""Slices that are so many times as thick make other volumes (docs/measurement.md)."""
_CORE_BEFORE = 0.5
"""Of a lesion's radius: what is looked for in the prior, where it may have been half as wide."""
_CORE_AFTER = 1.0
"""The same in this scan for a lesion of the prior: all of it, or the vessel that it sat on would be taken for it."""
_LEAST_CONTRAST_HU = 100.0
_NEVER = 1e6


def changes(report: Report, prior_report: Report, aligned: Aligned) -> tuple[Change, ...]:
    """Describe what became of each finding that no reader rejected.

    Those with a measured volume in both scans are grown or shrunk by 25 % of it (BTS), or where only diameters were
    measured by 1.5 mm. One that the prior does not report is new only if its place was in view there, and held lung by
    its voxels; one of the prior that this scan does not report is resolved only if the same holds here. Findings that a
    reader rejected are not listed, nor is a finding of the prior at whose place a reader rejected one in this scan.

    Parameters
    ----------
    report, prior_report : Report
    aligned : Aligned
        From the one scan to the other, with the voxels of both.
    """
    now, before = report.active, prior_report.active
    days = days_between(prior_report.series.study_date, report.series.study_date)
    pairs = matched(now, before, aligned)
    found = {n: _matched_pair(now[n], before[m], apart, days, aligned) for n, m, apart in pairs}
    seen = {m for _, m, _ in pairs}
    listed = [found.get(n) or _unmatched(finding, aligned, earlier=False) for n, finding in enumerate(now)]
    gone = [finding for m, finding in enumerate(before) if m not in seen]
    rejected = [finding for finding in report.findings if finding.status == "rejected"]
    taken = {m for _, m, _ in matched(rejected, gone, aligned)}
    listed += [_unmatched(finding, aligned, earlier=True) for m, finding in enumerate(gone) if m not in taken]
    judged = {
        one.finding_id: one.lung_rads.category or one.lung_rads.would_be
        for one in (prior_report.judgement.findings if prior_report.judgement else ())
    }
    return tuple(
        change.model_copy(update={"prior_lung_rads": judged[change.prior_finding_id]})
        if change.prior_finding_id in judged
        else change
        for change in listed
    )


def matched(now: Sequence[Finding], before: Sequence[Finding], aligned: Aligned) -> list[tuple[int, int, float]]:
    """Pair findings: indices into both, each used once at most, and the distance of their centres, mm.

    Two may be of one lesion if their centres lie, after alignment, no further apart than the larger radius and 5 mm. Of
    all such pairings that with the most pairs is taken, and of these the one with the least sum of distance (in terms
    of that reach) and of difference in size (the logarithm of the ratio of diameters).
    """
    if not now or not before:
        return []
    there = aligned.to_prior([finding.center_mm for finding in now])
    apart = np.linalg.norm(there[:, None] - np.array([finding.center_mm for finding in before]), axis=-1)
    sizes = [np.array([finding.size_mm for finding in findings]) for findings in (now, before)]
    reach = np.maximum(sizes[0][:, None], sizes[1]) / 2 + REACH_MM
    cost = apart / reach + np.abs(np.log(sizes[0][:, None] / sizes[1]))
    cost[apart > reach] = _NEVER
    rows, columns = linear_sum_assignment(cost)
    return [(int(n), int(m), float(apart[n, m])) for n, m in zip(rows, columns, strict=True) if cost[n, m] < _NEVER]


def _matched_pair(now: Finding, before: Finding, apart_mm: float, days: int | None, aligned: Aligned) -> Change:
    """Compare the sizes of a lesion that both scans have."""
    one, other = now.measurement, before.measurement
    same = Change(
        finding_id=now.id,
        prior_finding_id=before.id,
        fate="unclear",
        why="",
        apart_mm=round(apart_mm, 2),
        diameter_mm=one.mean_diameter_mm if one else None,
        prior_diameter_mm=other.mean_diameter_mm if other else None,
        volume_mm3=one.volume_mm3 if one else None,
        prior_volume_mm3=other.volume_mm3 if other else None,
    )
    if one is None or other is None:
        which = (
            "in neither scan"
            if one is None and other is None
            else f"not in {'this scan' if one is None else 'the prior'}"
        )
        return same.model_copy(update={"why": f"Its size can't be compared: it was measured {which}."})
    if one.volume_mm3 <= 0 or other.volume_mm3 <= 0:
        return _by_diameter(same, one, other)
    change = _by_volume(same, one, other, days)
    return change.model_copy(update={"why": " ".join((change.why, *_unlike(one, other, aligned)))})


def _unlike(one: Measurement, other: Measurement, aligned: Aligned) -> Iterator[str]:
    """Describe what makes two volumes hard to compare that no interval of either holds."""
    now, before = max(aligned.current.spacing), max(aligned.prior.spacing)
    if max(now, before) > THICKER * min(now, before):
        yield (
            f"The slices are {now:.3g} mm apart now and were {before:.3g} mm: the same lesion looks larger in thicker "
            "slices."
        )
    if _drawn(one) != _drawn(other):
        yield "One was outlined by a reader, the other by the program: that alone may be a difference."


def _drawn(measurement: Measurement) -> bool:
    return measurement.method.startswith("outlined by ")


def _by_volume(same: Change, one: Measurement, other: Measurement, days: int | None) -> Change:
    change = growth(
        other.volume_mm3, one.volume_mm3, days, before_sd_mm3=other.volume_sd_mm3, now_sd_mm3=one.volume_sd_mm3
    )
    share_of_change = round(change.change, 4)  # what is kept: whoever writes it again says the same per cent
    why = f"Volume {other.volume_mm3:.0f} to {one.volume_mm3:.0f} mm³ ({_signed(100 * share_of_change)} %)"
    share = f"{100 * GROWTH:.0f} %"
    status: ChangeStatus
    if not (change.grown or change.shrunk):
        status, why = "stable", f"{why}: less than {share} is stable (BTS)."
    elif change.exceeds_noise is False:
        status, why = "unclear", f"{why}: {share} or more, but it cannot be told from measurement noise."
    else:
        status = "grown" if change.grown else "shrunk"
        noise = (
            " More than measurement noise (95 %)."
            if change.exceeds_noise
            else " How exact the volumes are is not known."
        )
        why = f"{why}: {share} or more (BTS).{noise}"
    times = {
        name: None if value is None else round(value, 1)
        for name, value in (
            ("doubling_days", change.doubling_days),
            ("doubling_low_days", change.low_days),
            ("doubling_high_days", change.high_days),
        )
    }
    return same.model_copy(update={"fate": status, "why": why, "volume_change": share_of_change, **times})


def _by_diameter(same: Change, one: Measurement, other: Measurement) -> Change:
    by = round(one.mean_diameter_mm - other.mean_diameter_mm, 1)
    status: ChangeStatus = "stable" if abs(by) <= DIAMETER_MM else "grown" if by > 0 else "shrunk"
    why = (
        f"Mean diameter {other.mean_diameter_mm:.1f} to {one.mean_diameter_mm:.1f} mm ({_signed(by, 1)} mm): "
        f"{'up to' if status == 'stable' else 'more than'} {DIAMETER_MM} mm; no volumes are known."
    )
    return same.model_copy(update={"fate": status, "why": why})


def _unmatched(finding: Finding, aligned: Aligned, *, earlier: bool) -> Change:
    """Describe what a finding is that the other scan does not report: ``earlier`` where the finding is of the prior."""
    own, other = (aligned.prior, aligned.current) if earlier else (aligned.current, aligned.prior)
    place = aligned.to_current(finding.center_mm) if earlier else aligned.to_prior(finding.center_mm)
    name = "this scan" if earlier else "the prior"
    status: ChangeStatus
    if not in_view(other, place):
        status, why = "not in view", f"Its place is not in view of {name}."
    else:
        left = presence(finding, own, other, place, _CORE_AFTER if earlier else _CORE_BEFORE)
        if left is None:
            status = "unclear"
            why = f"Not reported in {name}; it is too faint to see by its voxels whether it is there."
        elif left < ABSENT:
            status = "resolved" if earlier else "new"
            why = (
                f"Not reported in {name}, and its place there, which is in view, holds lung: "
                f"{100 * max(left, 0.0):.0f} % of its density within {LOOK_MM:g} mm (less than {100 * ABSENT:.0f} %)."
            )
        else:
            status = "unclear"
            why = (
                f"Not reported in {name}, but something as dense lies at its place there ({100 * min(left, 1.0):.0f} % "
                f"of its density within {LOOK_MM:g} mm). Look there: if it is the lesion, add it to the findings of "
                f"{name}."
            )
    measurement = finding.measurement
    size = (measurement.mean_diameter_mm, measurement.volume_mm3) if measurement else (None, None)
    if earlier:
        return Change(
            finding_id=None,
            prior_finding_id=finding.id,
            fate=status,
            why=why,
            prior_diameter_mm=size[0],
            prior_volume_mm3=size[1],
        )
    return Change(
        finding_id=finding.id, prior_finding_id=None, fate=status, why=why, diameter_mm=size[0], volume_mm3=size[1]
    )


def in_view(volume: Volume, mm: FloatArray) -> bool:
    """Whether a place (LPS mm) lies within a scan, `LOOK_MM` or more from its faces."""
    index = volume.to_index(mm)
    margin = LOOK_MM / np.array(volume.spacing) - 0.5
    return bool(np.all(index >= margin) and np.all(index <= np.array(volume.shape) - 1 - margin))


def presence(finding: Finding, own: Volume, other: Volume, mm: FloatArray, core: float) -> float | None:
    """How much of a lesion is at a place of another scan, by its density: 0 is lung, 1 the lesion.

    Parameters
    ----------
    finding : Finding
    own, other : Volume
        The scan that it was found in, and the one that is looked at.
    mm : (3,)
        Its place in the other scan, LPS mm. The densest place within `LOOK_MM` counts, for alignments err.
    core : float
        Share of the lesion's radius that is looked at.

    Returns
    -------
    float or None
        None where the lesion hardly stands out of its lung.
    """
    radius = finding.size_mm / 2
    ball = _ball(max(core * radius, 1.0))
    around = _ball(2 * radius + 4.0)
    around = around[np.linalg.norm(around, axis=-1) > radius + 2.0]
    lung = float(np.percentile(_values(own, around + finding.center_mm), 20))
    inside = float(_values(own, ball + finding.center_mm).mean())
    if inside - lung < _LEAST_CONTRAST_HU:
        return None
    places = _ball(LOOK_MM)[:, None] + ball + mm
    return float((_values(other, places).mean(axis=-1).max() - lung) / (inside - lung))


def _ball(radius_mm: float) -> FloatArray:
    """Points (n, 3) within a radius, about 4 steps from the middle to the surface."""
    steps = np.linspace(-radius_mm, radius_mm, 9)
    points = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    result: FloatArray = points[np.linalg.norm(points, axis=-1) <= radius_mm + 1e-6]
    return result


def _values(volume: Volume, mm: FloatArray) -> FloatArray:
    """Interpolate a scan at places (..., 3), LPS mm."""
    index = volume.to_index(mm).reshape(-1, 3)
    low = np.clip(np.floor(index.min(axis=0)).astype(int) - 1, 0, np.array(volume.shape) - 1)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 2, 1, volume.shape)
    crop = volume.voxels[tuple(slice(int(a), int(max(b, a + 1))) for a, b in zip(low, high, strict=True))]
    values = ndimage.map_coordinates(crop, (index - low).T, np.float64, order=1, mode="nearest")
    result: FloatArray = values.reshape(mm.shape[:-1])
    return result


def _signed(value: float, digits: int = 0) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")
