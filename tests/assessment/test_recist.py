"""RECIST 1.1 against cases worked by hand from the paper's rules and tables."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from napari_lesion.assessment.guidelines.recist import TOO_SMALL_MM, Assessed, Lesion, State, Visit, assess, save_table
from napari_lesion.support.errors import ConfigError

LUNG = Lesion(uid="lung", organ="lung", role="target")
LIVER = Lesion(uid="liver", organ="liver", role="target")
NODE = Lesion(uid="node", organ="node", role="target", node=True)
BONE = Lesion(uid="bone", organ="bone", role="non-target")


def visits(*sizes: dict[str, float | None], states: tuple[State, ...] = (), new: int | None = None) -> list[Visit]:
    return [
        Visit(
            date=f"2024{number + 1:02d}01",
            sizes_mm=size,
            states={"bone": states[number]} if states else {},
            new_lesions=("liver segment 4",) if number == new else (),
        )
        for number, size in enumerate(sizes)
    ]


def sums(*totals: float | None) -> list[Visit]:
    """Two targets that share each sum."""
    return visits(*(dict.fromkeys(("lung", "liver"), None if t is None else t / 2) for t in totals))


def responses(found: tuple[Assessed, ...]) -> list[str]:
    return [one.response for one in found]


@pytest.mark.parametrize(
    ("totals", "expected"),
    [
        ((100, 70), "PR"),  # 30 % exactly
        ((100, 71), "SD"),
        ((100, 120), "PD"),  # 20 % exactly, and 20 mm
        ((100, 119), "SD"),
        ((100, 50, 60), "PD"),  # against the nadir, not the baseline: still 40 % under it
        ((100, 50, 59), "PR"),  # 18 % over the nadir, 41 % under the baseline
        ((100, 20, 24.5), "PR"),  # 22 % over the nadir, but 4.5 mm only
        ((100, 20, 25), "PD"),  # 5 mm
        ((100, 110, 119), "SD"),  # the baseline is the nadir
        ((100, 0), "CR"),
        ((100, None), "NE"),
    ],
)
def test_sums_are_compared_with_baseline_and_nadir(totals: tuple[float | None, ...], expected: str) -> None:
    found = assess([LUNG, LIVER], sums(*totals))
    assert found[-1].response == expected
    assert found[0].response == "baseline"
    assert found[-1].why


def test_the_numbers_of_a_visit_are_those_of_the_course() -> None:
    last = assess([LUNG, LIVER], sums(100, 50, 60))[-1]
    assert (last.sum_mm, last.nadir_mm) == (60, 50)
    assert last.from_baseline == pytest.approx(-0.4)
    assert last.from_nadir == pytest.approx(0.2)
    assert "10 mm (20 %) over the nadir of 50 mm" in last.why


def test_a_normal_node_is_gone_though_the_sum_is_not_zero() -> None:
    course = visits({"lung": 20, "node": 18}, {"lung": 0, "node": 9.9}, {"lung": 0, "node": 10})
    found = assess([LUNG, NODE], course)
    assert responses(found) == ["baseline", "CR", "PR"]
    assert found[1].sum_mm == 9.9


def test_what_comes_back_after_a_complete_response_is_progression() -> None:
    course = visits({"lung": 20}, {"lung": 0}, {"lung": 4})
    assert responses(assess([LUNG], course)) == ["baseline", "CR", "PD"]


def test_what_is_too_small_to_measure_counts_5_mm() -> None:
    found = assess([LUNG], visits({"lung": 20}, {"lung": TOO_SMALL_MM}))
    assert (found[1].response, found[1].sum_mm) == ("PR", 5)


def test_progression_is_certain_even_where_another_target_was_not_evaluated() -> None:
    course = visits({"lung": 20, "liver": 20}, {"lung": 60, "liver": None})
    found = assess([LUNG, LIVER], course)
    assert (found[1].response, found[1].sum_mm) == ("PD", None)


@pytest.mark.parametrize(
    ("size", "state", "new", "expected"),
    [  # table 1 of the paper, row by row
        (0, "absent", None, "CR"),
        (0, "present", None, "PR"),
        (0, "not evaluated", None, "PR"),
        (12, "present", None, "PR"),
        (12, "not evaluated", None, "PR"),
        (20, "present", None, "SD"),
        (20, "not evaluated", None, "SD"),
        (None, "present", None, "NE"),
        (30, "absent", None, "PD"),
        (12, "progressed", None, "PD"),
        (0, "absent", 1, "PD"),
        (None, "not evaluated", 1, "PD"),
    ],
)
def test_targets_non_targets_and_new_lesions_make_the_response(
    size: float | None, state: State, new: int | None, expected: str
) -> None:
    course = visits({"lung": 20}, {"lung": size}, states=("present", state), new=new)
    assert assess([LUNG, BONE], course)[1].response == expected


@pytest.mark.parametrize(
    ("state", "new", "expected"),
    [  # table 2: non-targets only
        ("absent", None, "CR"),
        ("present", None, "non-CR/non-PD"),
        ("not evaluated", None, "NE"),
        ("progressed", None, "PD"),
        ("absent", 1, "PD"),
    ],
)
def test_without_targets_the_non_targets_make_the_response(state: State, new: int | None, expected: str) -> None:
    assert assess([BONE], visits({}, {}, states=("present", state), new=new))[1].response == expected


def test_targets_that_recist_does_not_allow_are_refused() -> None:
    many = [Lesion(uid=str(n), organ="lung", role="target") for n in range(3)]
    with pytest.raises(ConfigError, match=r"3 targets in one organ \(lung\)"):
        assess(many, visits({str(n): 20 for n in range(3)}))
    with pytest.raises(ConfigError, match="Target lung is 9 mm"):
        assess([LUNG], visits({"lung": 9}))
    with pytest.raises(ConfigError, match="15 mm short axis"):
        assess([NODE], visits({"node": 14}))
    with pytest.raises(ConfigError, match="order of their dates"):
        assess([LUNG], sums(20)[:0] + visits({"lung": 20}, {"lung": 20})[::-1])
    with pytest.raises(ConfigError, match="not followed since the baseline"):
        assess([LUNG], visits({"lung": 20}, {"lungs": 20}))


def test_the_table_has_each_lesion_at_each_visit(tmp_path: Path) -> None:
    course = visits({"lung": 20.04}, {"lung": 12}, states=("present", "present"))
    save_table([LUNG, BONE], course, tmp_path / "recist.csv")
    rows = list(csv.DictReader((tmp_path / "recist.csv").open(encoding="utf-8")))
    assert [(row["date"], row["lesion"], row["size_mm"], row["state"]) for row in rows] == [
        ("20240101", "lung", "20.0", ""),
        ("20240101", "bone", "", "present"),
        ("20240201", "lung", "12.0", ""),
        ("20240201", "bone", "", "present"),
    ]
    assert (rows[2]["response"], rows[2]["from_baseline_percent"], rows[3]["response"]) == ("PR", "-40.1", "")
