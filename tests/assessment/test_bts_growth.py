from __future__ import annotations

import pytest
from judged_nodules import change, new, nodule, since

from napari_lesion.assessment.guidelines.bts import growth

SOLID = nodule(10.0)


def grown(days: float | None, low: float | None = None, high: float | None = None, **values):
    known = {"doubling_days": days, "doubling_low_days": low, "doubling_high_days": high}
    return (since(200, change(10.0, 8.0, "grown", **known, **values)),)


@pytest.mark.parametrize(
    ("percent", "category"),
    [
        (0.25, "Growth of 25 % or more; doubling time under 400 days"),
        (0.249, "No growth: volume changed by less than 25 %"),
        (-0.249, "No growth: volume changed by less than 25 %"),
        (-0.25, "Smaller by 25 % or more"),
    ],
)
def test_a_quarter_of_the_volume_is_growth(percent, category):
    known = {"volume_change": percent, "doubling_days": 300.0, "doubling_low_days": 250.0, "doubling_high_days": 350.0}
    told = growth(SOLID, (since(200, change(10.0, 9.0, "grown", **known)),))

    assert told.applies
    assert told.category == category
    assert f"{percent:+.0%}" in told.trace[0].says


@pytest.mark.parametrize(
    ("days", "low", "high", "classes", "advice"),
    [
        (399.9, 390.0, 399.9, "under 400 days", "Further investigation: biopsy, imaging or resection."),
        (400.0, 400.0, 600.0, "400 to 600 days", "Yearly surveillance or biopsy, as the patient prefers."),
        (601.0, 600.1, None, "over 600 days", "Discharge or yearly surveillance, as the patient prefers."),
        (300.0, 200.0, 500.0, "under 400 days or 400 to 600 days", None),
        (300.0, None, None, "under 400 days, 400 to 600 days or over 600 days", None),
        (None, None, None, "under 400 days, 400 to 600 days or over 600 days", None),
    ],
)
def test_every_class_that_the_interval_reaches_into_is_told(days, low, high, classes, advice):
    told = growth(SOLID, grown(days, low, high))

    assert told.category == f"Growth of 25 % or more; doubling time {classes}"
    assert told.advice == advice if advice else told.advice.startswith("Under 400 days: further investigation")


def test_classes_of_doubling_time_are_for_solid_nodules():
    told = growth(nodule(10.0, type="non-solid"), grown(300.0, 250.0, 350.0))

    assert (told.applies, told.category, told.advice) == (True, "Growth of 25 % or more", "")
    assert growth(nodule(10.0, type="unknown"), grown(300.0, 250.0, 350.0)).missing == ("Type",)


@pytest.mark.parametrize(
    ("comparisons", "why"),
    [
        ((), "No earlier scan was compared with."),
        ((since(200, accepted=False),), "could not be compared with: The lungs overlap by 0.31 only."),
        ((since(200, new()),), "Growth is told from two measurements of one nodule. Nothing was there."),
        ((since(200),), "What became of it since the earlier scan is not known."),
        ((since(200, change(10.0, 9.0, volume_change=None)),), "Its volume is not known in both scans."),
        ((since(200, change(10.0, 8.0, "unclear", why="Within measurement noise.")),), "Within measurement noise."),
    ],
)
def test_where_growth_cannot_be_told_it_says_why(comparisons, why):
    told = growth(SOLID, comparisons)

    assert not told.applies
    assert why in told.why_not
    assert told.category == ""


def test_the_latest_prior_that_could_be_compared_with_counts():
    lost, useful = since(50, accepted=False), grown(300.0, 250.0, 350.0)[0]

    assert growth(SOLID, (lost, useful, since(900, change(10.0, 10.0)))).category.endswith("under 400 days")
