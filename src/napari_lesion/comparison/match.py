"""Which finding of a scan is which of its prior, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from napari_lesion.compared import Change
from napari_lesion.comparison.register import Aligned
from napari_lesion.findings import Finding, Report

REACH_MM = 5.0
"""How far beyond the larger radius the centre of the same lesion may lie after alignment."""
_NEVER = 1e6


def changes(report: Report, prior_report: Report, aligned: Aligned) -> tuple[Change, ...]:
    """Say what became of each finding that no reader rejected."""
    now, before = report.standing, prior_report.standing
    return tuple(
        Change(finding_id=now[n].id, prior_finding_id=before[m].id, fate="unclear", why="", apart_mm=round(apart, 2))
        for n, m, apart in matched(now, before, aligned)
    )


def matched(now: Sequence[Finding], before: Sequence[Finding], aligned: Aligned) -> list[tuple[int, int, float]]:
    """Pair findings: indices into both, each used once at most, and the distance of their centres, mm.

    Two are of one lesion if their centres lie, after alignment, no further apart than the larger radius and 5 mm. Of
    all such pairings that with the most pairs is taken, and of these the one with the least sum of distance (in terms
    of that reach) and of difference in size (the logarithm of the ratio of diameters).
    """
    if not now or not before:
        return []
    there = aligned.to_prior([finding.center_mm for finding in now])
    apart = np.linalg.norm(there[:, None] - np.array([finding.center_mm for finding in before]), axis=-1)
    sizes = [np.array([finding.diameter_mm for finding in findings]) for findings in (now, before)]
    reach = np.maximum(sizes[0][:, None], sizes[1]) / 2 + REACH_MM
    cost = apart / reach + np.abs(np.log(sizes[0][:, None] / sizes[1]))
    cost[apart > reach] = _NEVER
    rows, columns = linear_sum_assignment(cost)
    return [(int(n), int(m), float(apart[n, m])) for n, m in zip(rows, columns, strict=True) if cost[n, m] < _NEVER]
