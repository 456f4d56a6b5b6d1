"""How well two readers agree: which findings both marked, how far apart, how alike in shape, and by the same name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from napari_lesion.annotation.annotations import Annotation, AnnotationSet
from napari_lesion.model.mask import dice, in_common, surface_distance_mm
from napari_lesion.support.errors import AnnotationError
from napari_lesion.support.tables import write_table

#: Larger than any distance within a scan, mm: stands for "not the same finding" in the pairing.
_NEVER = 1e6


@dataclass(frozen=True)
class Pair:
    """A finding that both readers marked."""

    series_uid: str
    a: Annotation
    b: Annotation
    distance_mm: float
    """Between the centres."""
    dice: float | None
    """None where one of them drew no mask."""
    surface_mm: float | None
    """Mean distance of the surfaces; None where one of them drew no mask."""


@dataclass(frozen=True)
class Agreement:
    """Two readers, over all series that both have read."""

    readers: tuple[str, str]
    series: tuple[str, ...]
    """UIDs of the series that both read."""
    pairs: tuple[Pair, ...] = field(repr=False)
    only_a: tuple[tuple[str, Annotation], ...] = field(repr=False)
    """Series and finding that the second reader did not mark."""
    only_b: tuple[tuple[str, Annotation], ...] = field(repr=False)

    @property
    def detection(self) -> float | None:
        """Share of marks that the other reader has, too: 2 × both / (all of one + all of the other)."""
        marks = 2 * len(self.pairs) + len(self.only_a) + len(self.only_b)
        return 2 * len(self.pairs) / marks if marks else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa of the labels of the findings that both marked.

        None where it is not defined: fewer than two such findings, or one label for all.
        """
        labels = ([pair.a.label for pair in self.pairs], [pair.b.label for pair in self.pairs])
        if len(self.pairs) < 2 or len({*labels[0], *labels[1]}) < 2:
            return None
        from sklearn.metrics import cohen_kappa_score

        return float(cohen_kappa_score(*labels))

    @property
    def same_label(self) -> float | None:
        """Share of the findings that both marked which have the same label."""
        return fmean(pair.a.label == pair.b.label for pair in self.pairs) if self.pairs else None

    def summary(self) -> dict[str, Any]:
        """All of it in numbers, for JSON; distances in mm."""
        shaped = [pair for pair in self.pairs if pair.dice is not None]
        distances = [pair.distance_mm for pair in self.pairs]
        return {
            "readers": list(self.readers),
            "series": len(self.series),
            "both": len(self.pairs),
            "only_first": len(self.only_a),
            "only_second": len(self.only_b),
            "detection_agreement": self.detection,
            "distance_mm_median": median(distances) if distances else None,
            "distance_mm_max": max(distances, default=None),
            "with_two_masks": len(shaped),
            "dice_mean": fmean(pair.dice or 0.0 for pair in shaped) if shaped else None,
            "dice_min": min((pair.dice or 0.0 for pair in shaped), default=None),
            "surface_mm_mean": fmean(pair.surface_mm or 0.0 for pair in shaped) if shaped else None,
            "same_label": self.same_label,
            "kappa": self.kappa,
        }


def agreement(a: Iterable[AnnotationSet], b: Iterable[AnnotationSet]) -> Agreement:
    """Compare two readers on the series that both have read.

    Two marks are of the same finding if their masks overlap, or the centre of one lies within the other (closer than
    the larger radius). Where several fit, the pairing with the smallest sum of distances is taken.

    Parameters
    ----------
    a, b : iterable of AnnotationSet
        Of one reader each.

    Raises
    ------
    AnnotationError
        If there is no series in common, or both drew on different voxels of it.
    """
    a, b = (sorted(sets, key=lambda found: (found.series_uid, found.stack)) for sets in (a, b))
    both = [(first, second) for first in a if (second := _same_scan(first, b)) is not None]
    if not both and (apart := next(((x, y) for x in a for y in b if x.series_uid == y.series_uid), None)):
        raise AnnotationError(
            f"series {apart[0].series_uid}: {apart[0].reader!r} and {apart[1].reader!r} drew on different voxels of "
            "it, so they cannot be compared. They read two of its stacks, or one of them with slices missing."
        )
    if not both:
        raise AnnotationError("The two readers have no series in common.")
    pairs: list[Pair] = []
    only: tuple[list[tuple[str, Annotation]], list[tuple[str, Annotation]]] = ([], [])
    for first, second in both:
        uid = first.series_uid
        if not first.grid.same(second.grid):
            raise AnnotationError(
                f"series {uid}: {first.reader!r} and {second.reader!r} drew on different voxels of it, so their "
                "annotations cannot be compared. One of them opened it with slices missing."
            )
        matched = match(first.annotations, second.annotations)
        for row, column in matched:
            pairs.append(_pair(uid, first.annotations[row], second.annotations[column], first))
        for place, (found, side) in enumerate(((first, 0), (second, 1))):
            taken = {indices[side] for indices in matched}
            only[place].extend((uid, mark) for n, mark in enumerate(found.annotations) if n not in taken)
    readers = (both[0][0].reader, both[0][1].reader)
    uids = tuple(first.series_uid for first, _ in both)
    return Agreement(readers, uids, tuple(pairs), tuple(only[0]), tuple(only[1]))


def _same_scan(found: AnnotationSet, others: Iterable[AnnotationSet]) -> AnnotationSet | None:
    """Find the annotations of the same scan; first those that say that they are of the same stack."""
    return next(iter(sorted(filter(found.same_scan, others), key=lambda other: other.stack != found.stack)), None)


def match(a: Sequence[Annotation], b: Sequence[Annotation]) -> list[tuple[int, int]]:
    """Pair the marks of the same findings: indices into both, each used once at most."""
    if not a or not b:
        return []
    cost = np.full((len(a), len(b)), _NEVER)
    for row, one in enumerate(a):
        for column, other in enumerate(b):
            distance = float(np.linalg.norm(np.subtract(one.center_mm, other.center_mm)))
            if distance < max(one.diameter_mm, other.diameter_mm) / 2 or _overlap(one, other):
                cost[row, column] = distance
    rows, columns = linear_sum_assignment(cost)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if cost[r, c] < _NEVER]


def _overlap(a: Annotation, b: Annotation) -> bool:
    if a.mask is None or b.mask is None:
        return False
    apart = any(
        o + n <= p or p + m <= o
        for o, n, p, m in zip(a.mask.offset, a.mask.shape, b.mask.offset, b.mask.shape, strict=True)
    )
    if apart:
        return False
    one, other = in_common(a.mask, b.mask)
    return bool((one & other).any())


def _pair(uid: str, a: Annotation, b: Annotation, found: AnnotationSet) -> Pair:
    shaped = a.mask is not None and b.mask is not None
    return Pair(
        series_uid=uid,
        a=a,
        b=b,
        distance_mm=float(np.linalg.norm(np.subtract(a.center_mm, b.center_mm))),
        dice=dice(a.mask, b.mask) if a.mask and b.mask else None,
        surface_mm=surface_distance_mm(a.mask, b.mask, found.grid.matrix) if shaped and a.mask and b.mask else None,
    )


def save_table(result: Agreement, path: Path) -> None:
    """Write a row for each finding that one or both marked (CSV)."""
    columns = (
        *("seriesuid", "marked_by", "distance_mm", "dice", "surface_mm"),
        *(f"{what}_{side}" for side in ("a", "b") for what in ("label", "coordX", "coordY", "coordZ", "diameter_mm")),
    )
    rows: list[dict[str, object]] = []
    for pair in result.pairs:
        row = {"seriesuid": pair.series_uid, "marked_by": "both", "distance_mm": f"{pair.distance_mm:.2f}"}
        row["dice"] = "" if pair.dice is None else f"{pair.dice:.3f}"
        row["surface_mm"] = "" if pair.surface_mm is None else f"{pair.surface_mm:.2f}"
        rows.append({**row, **_cells(pair.a, "a"), **_cells(pair.b, "b")})
    for side, reader, only in zip("ab", result.readers, (result.only_a, result.only_b), strict=True):
        rows += [{"seriesuid": uid, "marked_by": reader, **_cells(mark, side)} for uid, mark in only]
    write_table(columns, rows, path)


def _cells(mark: Annotation, side: str) -> dict[str, str]:
    x, y, z = mark.center_mm
    return {
        f"label_{side}": mark.label,
        f"coordX_{side}": f"{x:.3f}",
        f"coordY_{side}": f"{y:.3f}",
        f"coordZ_{side}": f"{z:.3f}",
        f"diameter_mm_{side}": f"{mark.diameter_mm:.2f}",
    }
