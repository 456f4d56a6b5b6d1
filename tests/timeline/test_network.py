"""The network over visits: risk never falls when a lesion grows faster; calibrated; told after each visit."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_lesion.support.errors import ModelError
from napari_lesion.timeline import metrics
from napari_lesion.timeline.cohort import Settings, simulate
from napari_lesion.timeline.course import Course, Prefix, Visit, cancer_after, prefixes
from napari_lesion.timeline.explain import explained, save_risks
from napari_lesion.timeline.model import WEIGHTS, Description, TimelineModel, load_model
from napari_lesion.timeline.network import TimelineNet, calibrate, risks, timeline_loss
from napari_lesion.timeline.recipe import TimelineConfig, divided, train_timeline
from napari_lesion.timeline.sequences import BINS, GROWING, sequences_of
from napari_lesion.timeline.tables import save_cohort

SMALL = Settings(persons=400, seed=3)


@pytest.fixture(scope="module")
def courses() -> tuple[Course, ...]:
    return simulate(SMALL)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    settings = SMALL.model_copy(update={"seed": 9})
    save_cohort(simulate(settings), folder / "learn", settings)
    return train_timeline(folder / "learn", folder / "run", TimelineConfig(steps=150, batch_size=64, width=8))


def random_network(seed: int, size: float = 1.5) -> TimelineNet:
    torch.manual_seed(seed)
    network = TimelineNet(6)
    with torch.no_grad():
        for one in network.parameters():
            one.add_(torch.randn_like(one) * size)
    return network.eval()


def model_of(network: TimelineNet) -> TimelineModel:
    return TimelineModel(Description(id="any", version="1", width=6, simulated=True, persons=()), network)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_weights_more_growth_never_lowers_the_risk_of_cancer(
    seed: int, courses: tuple[Course, ...]
) -> None:
    network, made = random_network(seed), sequences_of(courses[:150])
    growing, context = torch.from_numpy(made.growing), torch.from_numpy(made.context)
    more = growing + torch.rand_like(growing) * (torch.rand_like(growing) < 0.3)
    before, after = risks(network, growing, context)[:, :, 0], risks(network, more, context)[:, :, 0]
    assert float((after - before).min()) >= -1e-6
    assert float((after - before).max()) > 1e-3  # it does look at what grows


@pytest.mark.parametrize("seed", range(4))
def test_of_two_lesions_seen_on_the_same_days_the_faster_one_has_no_lower_risk(
    seed: int, courses: tuple[Course, ...]
) -> None:
    """Volumes, whatever they were, are multiplied by a factor that rises from visit to visit."""
    rng, model = np.random.default_rng(seed), model_of(random_network(seed, 0.5))
    some = [one for one in courses if len(one.visits) > 2][:100]
    faster = []
    for one in some:
        factors = np.exp(np.cumsum([0, *rng.exponential(0.3, len(one.visits) - 1)]))
        visits = tuple(
            replace(visit, volume_mm3=math.exp(visit.log_volume) * factor)
            for visit, factor in zip(one.visits, factors, strict=True)
        )
        faster.append(replace(one, visits=visits))
    assert (model.courses_risk(tuple(faster)) - model.courses_risk(tuple(some))).min() >= -1e-6


def test_after_a_visit_nothing_of_later_ones_is_known(courses: tuple[Course, ...]) -> None:
    model = model_of(random_network(1))
    course = next(one for one in courses if len(one.visits) == 4)
    later = replace(course, visits=(*course.visits[:2], replace(course.visits[2], volume_mm3=9e3), course.visits[3]))
    a, b = model.courses_risk((course,))[0], model.courses_risk((later,))[0]
    assert a[:2] == pytest.approx(b[:2])
    assert a[2] != pytest.approx(b[2])
    assert (np.diff(a, axis=1) >= 0).all()
    both = model.risk((Prefix(course, 1), Prefix(later, 3), Prefix(course, 4)))
    assert both == pytest.approx(np.stack([a[0], b[2], a[3]]))


def test_nothing_that_is_missing_is_a_number() -> None:
    bare = Course("L", simulate(Settings(persons=1))[0].person, (Visit(0), Visit(40, None, 6.0), Visit(41)))
    made = sequences_of((bare,))
    assert np.isfinite(made.growing).all()
    assert np.isfinite(made.context).all()
    assert not made.at_risk.any()  # no end is known
    assert np.isfinite(model_of(random_network(0)).courses_risk((bare,))).all()


def test_half_years_are_those_in_which_it_happened_or_is_known_not_to_have() -> None:
    (course,) = [one for one in simulate(SMALL) if one.lesion == "S3-00000-1"]
    made = sequences_of((course,))
    known = prefixes((course,))
    outcome = cancer_after(known)
    for n in range(len(known)):
        whole = min(int(outcome.years[n] / 0.5), BINS) if not outcome.never[n] else BINS
        happened = bool(outcome.event[n]) and outcome.years[n] <= BINS * 0.5
        assert made.at_risk[0, n, 0].sum() == whole + happened
        assert made.event[0, n, 0].sum() == happened


def test_calibrating_makes_the_likelihood_better_and_keeps_the_promise() -> None:
    rng = np.random.default_rng(0)
    logits = torch.from_numpy(rng.normal(-2, 2, (400, 3, 2, BINS)).astype(np.float32))
    event = (torch.rand(logits.shape) < torch.sigmoid(0.4 * logits - 0.7)).float()
    network, at_risk = TimelineNet(4), torch.ones_like(logits)
    calibrate(network, logits, event, at_risk)
    assert network.scale.tolist() == pytest.approx([0.4, 0.4], abs=0.05)
    assert network.shift.tolist() == pytest.approx([-0.7, -0.7], abs=0.1)
    better = logits * network.scale[:, None] + network.shift[:, None]
    assert timeline_loss(better, event, at_risk) < timeline_loss(logits, event, at_risk)


def test_a_trained_model_knows_more_than_the_size_and_is_right_on_average(
    trained: Path, courses: tuple[Course, ...]
) -> None:
    model = load_model(trained)
    known = prefixes(courses, 2)
    outcome, risk = cancer_after(known), model.risk(known)
    size = np.array([one.course.visits[1].log_volume for one in known])
    assert metrics.auc(outcome, risk[:, 1], 2.0) > metrics.auc(outcome, np.nan_to_num(size), 2.0)
    assert risk[:, 1].mean() == pytest.approx(metrics.observed(outcome, 2.0), rel=0.5)


def test_the_card_says_that_it_is_simulated_and_persons_are_named(trained: Path) -> None:
    said = (trained / "card.md").read_text()
    assert "SIMULATED" in said
    assert "No claim is made about people" in said
    model = load_model(trained, "growth")
    assert model.description.simulated
    assert len(model.description.persons) == 400
    assert (trained / WEIGHTS).stat().st_size < 40_000


def test_a_model_that_was_changed_is_not_opened(trained: Path, tmp_path: Path) -> None:
    for name in ("model.yaml", "card.md"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    content = bytearray((trained / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(ModelError, match="damaged or was changed"):
        load_model(tmp_path)
    with pytest.raises(ModelError, match="is no model"):
        load_model(tmp_path / "nothing")


def test_persons_are_never_parted(courses: tuple[Course, ...]) -> None:
    train, tuning = divided(courses, 1)
    assert {one.person.id for one in train} & {one.person.id for one in tuning} == set()
    assert len(train) + len(tuning) == len(courses)


def test_what_visits_add_sums_to_the_risk(courses: tuple[Course, ...], tmp_path: Path) -> None:
    course = next(one for one in courses if len(one.visits) == 4)
    told = explained(model_of(random_network(2)), [(course, ("20200101", "20210101", "20220101", "20230101"))])
    added = sum(one.added for one in told if one.added is not None)
    assert told[0].risk[1] + added == pytest.approx(told[-1].risk[1])
    save_risks(told, tmp_path / "risk.csv", simulated=True)
    rows = list(csv.DictReader((tmp_path / "risk.csv").open(encoding="utf-8")))
    assert [row["date"] for row in rows] == ["20200101", "20210101", "20220101", "20230101"]
    assert all("not on people" in row["note"] for row in rows)
    assert GROWING == 3
