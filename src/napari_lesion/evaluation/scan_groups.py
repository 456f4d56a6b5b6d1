"""For whom, and where, a detector finds how much: results by age, sex, scanner and site, each against the rest.

A group with few patients is shown, marked, and not tested: no claim is made from it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from napari_lesion.evaluation import froc
from napari_lesion.evaluation.froc import Mark, ScoredPoint
from napari_lesion.evaluation.resampling import drawn_scans, exchange_p, holm, interval, share
from napari_lesion.evaluation.scan_facts import ScanFacts

FEW = 10
"""Patients (and in groups, nodules) below which no claim is made."""
Interval = tuple[float, float]


@dataclass(frozen=True)
class Searched:
    """A scan as it is: whose it is, what is in it, and what was found."""

    facts: ScanFacts
    truth: tuple[Mark, ...]
    excluded: tuple[Mark, ...]
    points: tuple[ScoredPoint, ...]


@dataclass(frozen=True)
class GroupRow:
    """Scans that have one thing in common; intervals are of 95 %, by bootstrap over patients.

    Attributes
    ----------
    by : str
        ``age``, ``sex``, ``scanner`` or ``site``.
    group : str
        ``unknown`` is one of its own.
    scans, patients, nodules : int
    sensitivity, fp_per_scan : float
        At the model's default threshold.
    cpm : float
    sensitivity_rest, fp_per_scan_rest : float
        Of all other scans; NaN where there are none.
    p_sensitivity, p_fp : float
        Two-sided, of the difference to the rest: patients exchanged; NaN where nothing was tested.
    p_sensitivity_corrected, p_fp_corrected : float
        For the number of all such tests (Holm).
    few : bool
        Too few for any claim, here or in the rest.
    """

    by: str
    group: str
    scans: int
    patients: int
    nodules: int
    sensitivity: float
    sensitivity_interval: Interval
    cpm: float
    cpm_interval: Interval
    fp_per_scan: float
    fp_per_scan_interval: Interval
    sensitivity_rest: float
    fp_per_scan_rest: float
    few: bool
    p_sensitivity: float = math.nan
    p_sensitivity_corrected: float = math.nan
    p_fp: float = math.nan
    p_fp_corrected: float = math.nan


def group_rows(scans: Mapping[str, Searched], threshold: float, bootstraps: int = 1000) -> tuple[GroupRow, ...]:
    """Score every group, and compare it with the rest.

    Parameters
    ----------
    scans : mapping of str to Searched
        By series UID.
    threshold : float
        Of the findings that are reported.
    bootstraps : int
        Resamples of the patients.
    """
    rows: list[GroupRow] = []
    splits: list[frozenset[frozenset[str]]] = []
    every = frozenset(scans)
    for by in ScanFacts().groups():
        named = {uid: one.facts.groups()[by] for uid, one in scans.items()}
        for group in sorted(set(named.values())):
            inside = frozenset(uid for uid in scans if named[uid] == group)
            rows.append(_row(by, group, scans, inside, threshold, bootstraps))
            splits.append(frozenset((inside, every - inside)))
    return _tested(rows, splits, scans, threshold)


def _row(
    by: str, group: str, scans: Mapping[str, Searched], inside: frozenset[str], threshold: float, bootstraps: int
) -> GroupRow:
    here = {uid: scans[uid] for uid in sorted(inside)}
    rest = {uid: one for uid, one in scans.items() if uid not in inside}
    found, nodules, false = _counts(here, threshold)
    patients = [one.facts.patient or uid for uid, one in here.items()]
    drawn = drawn_scans(patients, bootstraps)
    cpm, cpm_interval = _cpm(here, bootstraps)
    found_rest, nodules_rest, false_rest = _counts(rest, threshold)
    people, others = set(patients), {one.facts.patient or uid for uid, one in rest.items()}
    enough = min(len(people - others), len(others - people)) >= FEW and min(nodules.sum(), nodules_rest.sum()) >= FEW
    return GroupRow(
        by=by,
        group=group,
        scans=len(here),
        patients=len(people),
        nodules=int(nodules.sum()),
        sensitivity=_ratio(found.sum(), nodules.sum()),
        sensitivity_interval=interval(share(found, nodules, drawn)),
        cpm=cpm,
        cpm_interval=cpm_interval,
        fp_per_scan=_ratio(false.sum(), len(here)),
        fp_per_scan_interval=interval(share(false, np.ones_like(false), drawn)),
        sensitivity_rest=_ratio(found_rest.sum(), nodules_rest.sum()),
        fp_per_scan_rest=_ratio(false_rest.sum(), len(rest)),
        few=not enough,
    )


def _counts(scans: Mapping[str, Searched], threshold: float) -> tuple[froc.Whole, froc.Whole, froc.Whole]:
    """Found nodules, nodules and false positives of each scan, in the order of the scans' sorted UIDs."""
    counts = froc.counts_at(
        threshold,
        [mark for one in scans.values() for mark in one.truth],
        {uid: one.points for uid, one in scans.items()},
        excluded=[mark for one in scans.values() for mark in one.excluded],
    )
    return counts.hits, counts.nodules, counts.false


def _cpm(scans: Mapping[str, Searched], bootstraps: int) -> tuple[float, Interval]:
    truth = [mark for one in scans.values() for mark in one.truth]
    if not truth:
        return math.nan, (math.nan, math.nan)
    curve = froc.evaluate(
        truth,
        {uid: one.points for uid, one in scans.items()},
        excluded=[mark for one in scans.values() for mark in one.excluded],
        bootstraps=bootstraps,
        patients={uid: one.facts.patient or uid for uid, one in scans.items()},
    ).overall
    return curve.cpm, curve.cpm_interval


def _tested(
    rows: list[GroupRow], splits: list[frozenset[frozenset[str]]], scans: Mapping[str, Searched], threshold: float
) -> tuple[GroupRow, ...]:
    """Compare each group that is large enough with the rest; two groups that are each other's rest are one test."""
    uids = sorted(scans)
    found, nodules, false = _counts(scans, threshold)
    names, of_scan = np.unique([scans[uid].facts.patient or uid for uid in uids], return_inverse=True)

    def by_patient(values: froc.Whole) -> froc.FloatArray:
        return np.bincount(of_scan, values, minlength=len(names)).astype(np.float64)

    tests: dict[frozenset[frozenset[str]], tuple[float, float]] = {}
    for row, split in zip(rows, splits, strict=True):
        if row.few or split in tests:
            continue
        inside = next(iter(sorted(split, key=sorted)))
        scans_in, scans_of = by_patient(np.array([uid in inside for uid in uids])), by_patient(np.ones_like(false))
        whole = (scans_in == 0) | (scans_in == scans_of)  # who has scans in both cannot be exchanged
        is_in = scans_in[whole] > 0
        tests[split] = (
            exchange_p(by_patient(found)[whole], by_patient(nodules)[whole], is_in),
            exchange_p(by_patient(false)[whole], scans_of[whole], is_in),
        )
    corrected = holm([p for pair in tests.values() for p in pair])
    both = {split: corrected[2 * n : 2 * n + 2] for n, split in enumerate(tests)}
    return tuple(
        row
        if split not in tests
        else replace(
            row,
            p_sensitivity=tests[split][0],
            p_sensitivity_corrected=both[split][0],
            p_fp=tests[split][1],
            p_fp_corrected=both[split][1],
        )
        for row, split in zip(rows, splits, strict=True)
    )


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan
