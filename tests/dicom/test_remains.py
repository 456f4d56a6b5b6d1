"""What is left of two scans that were mixed is never interpolated into one, with allow_gaps neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from interlocked_scans import Case, Slice, base, check

#: Slices that are there, of the first scan and of the second; where that begins, in steps; the tag that tells them
#: apart; how InstanceNumbers run; slices with the other scan's value.
REMAINS: dict[str, tuple[tuple[int, ...], tuple[int, ...], float, str, str, tuple[tuple[int, int], ...]]] = {
    "in turns, whole together": ((0, 1, 4, 5), (0, 1, 4), 2.0, "AcquisitionNumber", "by position", ()),
    "in turns, with a gap": ((0, 1, 4), (0, 1, 4), 2.0, "AcquisitionNumber", "by position", ()),
    "a slice among the others": ((0, 1, 4, 5), (0, 4, 5), 2.0, "AcquisitionTime", "all the same", ()),
    "told by nothing but numbers": ((0, 2, 3, 5), (0, 2, 3, 5), 0.5, "", "one after the other", ()),
    "a wrong tag": ((2, 3, 4, 5, 6), (1, 2, 3, 4), 0.5, "FilterType", "by position", ((0, 4),)),
    "a wrong tag, few slices": ((2, 3, 4), (2, 3, 4), 0.5, "FilterType", "by position", ((0, 4),)),
    "a wrong tag, far apart": ((2, 3, 4), (0, 3, 4), 0.5, "FilterType", "by position", ((0, 4),)),
}


@pytest.mark.parametrize("name", REMAINS)
@pytest.mark.parametrize("direction", [1, -1])
def test_the_remains_of_two_scans_are_never_mixed(name: str, direction: int, tmp_path: Path) -> None:
    first, second, shift, keyword, numbers, relabelled = REMAINS[name]
    values = {"AcquisitionNumber": "12", "FilterType": ("BODY", "SHARP"), "AcquisitionTime": ("101010", "101040")}
    case = Case(
        [Slice(scan, k, base(scan, k, shift, direction)) for scan, ks in enumerate((first, second)) for k in ks]
    )
    case.slices.sort(key=lambda one: float(one.tags["ImagePositionPatient"][2]))  # type: ignore[index]
    for n, one in enumerate(case.slices):
        if numbers != "one after the other":
            one.tags["InstanceNumber"] = str(n + 1) if numbers == "by position" else "1"
        else:
            one.tags["InstanceNumber"] = str(one.k + 1 + 7 * one.scan)
        if keyword:
            one.relabelled = (one.scan, one.k) in relabelled
            one.tags[keyword] = values[keyword][one.scan ^ one.relabelled]
    assert "refused" in check(case, tmp_path)


def test_a_volume_that_was_acquired_in_blocks_is_one(tmp_path: Path) -> None:
    """Step and shoot: each rotation has a number of its own, and slices may be lost."""
    slices = [Slice(0, k, base(0, k, 0.0, 1)) for k in (0, 1, 2, 3, 4, 6, 7, 8, 9)]
    for one in slices:
        one.tags["AcquisitionNumber"] = str(1 + one.k // 4)
    assert check(Case(slices), tmp_path) == "gap"
