"""Agreement between readers: who marked what, how far apart, and by which name."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from annotated_scan import annotate, mark_mask, nodule, phantom_volume, renamed
from dicom_factory import MARKS

from napari_lesion.annotation.agreement import agreement, save_table
from napari_lesion.annotation.consensus import consensus
from napari_lesion.support.errors import AnnotationError

VOLUME = phantom_volume()


def shifted(mark, mm: float):
    return {"center_mm": np.add(mark.center_mm, (mm, 0, 0)), "diameter_mm": 10}


def test_pairs_distances_dice_and_what_only_one_marked(tmp_path: Path) -> None:
    left, front, head, back = MARKS
    a = annotate(
        VOLUME,
        "ann",
        nodule(VOLUME, left, mask=mark_mask(VOLUME, left)),
        nodule(VOLUME, front),
        nodule(VOLUME, head, label="lymph node"),
    )
    b = annotate(
        VOLUME,
        "ben",
        nodule(VOLUME, back, "ben"),
        nodule(VOLUME, front, "ben", **shifted(front, 3)),
        nodule(VOLUME, left, "ben", mask=mark_mask(VOLUME, left, shift_mm=1.75)),
        nodule(VOLUME, head, "ben", label="lymph node", **shifted(head, -1)),
    )
    result = agreement([a], [b])
    assert result.readers == ("ann", "ben")
    assert [pair.a.center_mm for pair in result.pairs] == [mark.center_mm for mark in a.annotations]
    assert [pair.distance_mm for pair in result.pairs] == pytest.approx([1.75, 3, 1], abs=0.01)
    one, other = (np.zeros(VOLUME.shape, bool) for _ in range(2))
    mark_mask(VOLUME, left).put(one)
    mark_mask(VOLUME, left, shift_mm=1.75).put(other)
    assert result.pairs[0].dice == pytest.approx(2 * (one & other).sum() / (one.sum() + other.sum()))
    assert 0 < result.pairs[0].surface_mm < 1.75
    assert result.pairs[1].dice is None
    assert not result.only_a
    assert [mark.center_mm for _, mark in result.only_b] == [back.center_mm]
    assert result.detection == pytest.approx(6 / 7)
    assert result.kappa == 1
    summary = result.summary()
    assert (summary["both"], summary["only_first"], summary["only_second"]) == (3, 0, 1)
    assert summary["distance_mm_median"] == pytest.approx(1.75, abs=0.01)
    save_table(result, tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert [row["marked_by"] for row in rows] == ["both"] * 3 + ["ben"]
    assert float(rows[3]["coordX_b"]) == back.center_mm[0]


def test_kappa_is_that_of_the_textbook_and_none_where_it_is_not_defined() -> None:
    # Ten findings, one a series: 4 × yes/yes, 3 × no/no, 2 × yes/no, 1 × no/yes: observed 0.7, by chance 0.5.
    names = [("nodule", "nodule")] * 4 + [("non-nodule",) * 2] * 3 + [("nodule", "non-nodule")] * 2
    names += [("non-nodule", "nodule")]
    scans = [renamed(VOLUME, f"1.{n}") for n in range(10)]
    sets = [
        [
            annotate(scan, reader, nodule(scan, MARKS[0], reader, label=labels[side]))
            for scan, labels in zip(scans, names, strict=True)
        ]
        for side, reader in enumerate(("ann", "ben"))
    ]
    result = agreement(*sets)
    assert result.kappa == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert result.same_label == pytest.approx(0.7)
    assert agreement(sets[0][:4], sets[1][:4]).kappa is None, "all are called nodule"
    nothing = agreement([annotate(VOLUME, "ann")], [annotate(VOLUME, "ben")])
    assert nothing.detection is None
    assert nothing.summary()["kappa"] is None


def test_close_findings_are_paired_with_the_smallest_sum_of_distances() -> None:
    left = MARKS[0]
    a = annotate(VOLUME, "ann", nodule(VOLUME, left, **shifted(left, 0)), nodule(VOLUME, left, **shifted(left, 4)))
    b = annotate(VOLUME, "ben", nodule(VOLUME, left, **shifted(left, 3)), nodule(VOLUME, left, **shifted(left, -4)))
    assert [pair.distance_mm for pair in agreement([a], [b]).pairs] == pytest.approx([4, 1])


def test_readers_without_common_series_or_voxels_are_not_compared() -> None:
    with pytest.raises(AnnotationError, match="no series in common"):
        agreement([annotate(VOLUME, "ann")], [annotate(renamed(VOLUME, "9"), "ben")])
    with pytest.raises(AnnotationError, match="different voxels"):
        agreement([annotate(VOLUME, "ann")], [annotate(phantom_volume("coronal"), "ben")])


def test_a_consensus_has_what_enough_readers_marked() -> None:
    left, front, head, _ = MARKS
    sets = [
        annotate(VOLUME, "a", nodule(VOLUME, left, mask=mark_mask(VOLUME, left)), nodule(VOLUME, front)),
        annotate(VOLUME, "b", nodule(VOLUME, left, "b", mask=mark_mask(VOLUME, left, 1.75), label="mass")),
        annotate(
            VOLUME, "c", nodule(VOLUME, head), nodule(VOLUME, front, "c", **shifted(front, 2)), nodule(VOLUME, left)
        ),
    ]
    both = consensus(sets, 2)
    assert [mark.label for mark in both.annotations] == ["nodule", "nodule"]
    either = np.zeros(VOLUME.shape, bool)
    mark_mask(VOLUME, left).put(either)
    mark_mask(VOLUME, left, 1.75).put(either)
    assert both.annotations[0].mask.count == either.sum(), "half of two masks is either of them"
    assert both.annotations[1].center_mm == pytest.approx(np.add(front.center_mm, (1, 0, 0)))
    assert len(consensus(sets, 1).annotations) == 3
    assert len(consensus(sets, 3).annotations) == 1
    assert consensus(sets, 2) == consensus(sets, 2)
    with pytest.raises(AnnotationError, match="no finding can have 4"):
        consensus(sets, 4)
