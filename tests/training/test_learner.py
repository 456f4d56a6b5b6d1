"""The parts that every training shares: optimisers, schedules, precision, average, early stopping, losses, records."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from napari_lesion.support.errors import ConfigError
from napari_lesion.training.config.options import OptimiserConfig
from napari_lesion.training.engine import checkpoint
from napari_lesion.training.engine.early_stopping import EarlyStopping
from napari_lesion.training.engine.log import Log, TensorBoardLogger, draw_curves
from napari_lesion.training.engine.optimiser import learning_rate, make_optimiser
from napari_lesion.training.engine.provenance import hashes, sha256_of
from napari_lesion.training.engine.trainer_state import make_trainer
from napari_lesion.training.recipes.detector_loss import costs


def line() -> tuple[nn.Module, Tensor, Tensor]:
    """A network that can learn to double its input."""
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, 16)[:, None]
    return nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1)), x, 2 * x


def test_schedules_have_their_shapes() -> None:
    def rates(**options: object) -> list[float]:
        config = OptimiserConfig(learning_rate=1.0, warmup_steps=10, decay_share=0.5, **options)
        return [learning_rate(step, 100, config) for step in range(101)]

    assert rates(schedule="constant")[9:] == [1.0] * 92
    cosine = rates(schedule="cosine")
    assert cosine[50] == 1.0
    assert cosine[75] == pytest.approx(0.5)
    assert cosine[100] == pytest.approx(0)
    stepped = rates(schedule="step", step_every=40, factor=0.1)
    assert [stepped[n] for n in (39, 40, 80)] == pytest.approx([1, 0.1, 0.01])
    plateau = OptimiserConfig(learning_rate=1.0, warmup_steps=0, schedule="plateau", factor=0.5)
    assert learning_rate(70, 100, plateau, cuts=2) == 0.25
    for schedule in ("linear", "cosine", "step", "plateau", "constant"):
        assert rates(schedule=schedule)[0] == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["sgd", "momentum", "adam", "adamw"])
def test_every_optimiser_learns(name: str) -> None:
    network, x, y = line()
    learner = make_trainer(network, OptimiserConfig(name=name, ema=0.5))
    before = float((network(x) - y).square().mean())
    for _ in range(60):
        assert learner.learn(lambda called: (called(x) - y).square().mean(), 0.05)
    assert float((network(x) - y).square().mean()) < 0.3 * before
    assert float((learner.average(x) - y).square().mean()) < 0.3 * before


def test_weight_decay_is_a_penalty_in_sgd_and_decoupled_in_adamw() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    for name, expected in (("sgd", 2.0 - 0.1 * 0.5 * 2.0), ("adamw", 2.0 * (1 - 0.1 * 0.5))):
        weight.data.fill_(2.0)
        optimiser = make_optimiser([weight], OptimiserConfig(name=name, learning_rate=0.1, weight_decay=0.5))
        weight.grad = torch.zeros(1)
        optimiser.step()
        assert float(weight) == pytest.approx(expected)
    weight.data.fill_(2.0)
    adam = make_optimiser([weight], OptimiserConfig(name="adam", learning_rate=0.1, weight_decay=0.5))
    adam.step()
    assert float(weight) == pytest.approx(1.9, abs=1e-4)  # Adam normalises the penalty's gradient away


def test_l1_pulls_weights_that_do_not_matter_to_zero_and_leaves_biases() -> None:
    network = nn.Linear(2, 1)
    network.weight.data.fill_(0.5)
    network.bias.data.fill_(0.5)
    learner = make_trainer(network, OptimiserConfig(name="sgd", l1=1.0, weight_decay=0))
    for _ in range(30):
        learner.learn(lambda called: 0 * called(torch.ones(1, 2)).sum(), 0.02)
    assert network.weight.abs().max() < 0.03
    assert float(network.bias) == 0.5


def test_long_gradients_are_shortened() -> None:
    network = nn.Linear(1, 1, bias=False)
    before = network.weight.detach().clone()
    learner = make_trainer(network, OptimiserConfig(name="sgd", weight_decay=0, gradient_norm=0.5))
    learner.learn(lambda called: 1000 * called(torch.ones(1, 1)).sum(), 1.0)
    assert float(before - network.weight) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns_and_the_weights_stay_whole(precision: str) -> None:
    network, x, y = line()
    kinds = []
    learner = make_trainer(network, OptimiserConfig(name="momentum"), precision=precision)
    network[0].register_forward_hook(lambda module, inputs, output: kinds.append(output.dtype))
    assert learner.scaler.is_enabled() == (precision == "fp16")
    losses = []

    def loss(called: nn.Module) -> Tensor:
        value = (called(x).float() - y).square().mean()
        losses.append(float(value))
        return value

    for _ in range(60):
        learner.learn(loss, 0.02)
    assert set(kinds) == {torch.bfloat16 if precision == "bf16" else torch.float16}
    assert losses[-1] < 0.3 * losses[0]
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_gradients_too_large_for_fp16_skip_the_step_and_lower_the_scale() -> None:
    network = nn.Linear(1, 1, bias=False)
    before = network.weight.detach().clone()
    learner = make_trainer(network, OptimiserConfig(), precision="fp16")
    scale = learner.scaler.get_scale()
    learner.learn(lambda called: called(torch.full((1, 1), 3e4)).float().sum(), 0.1)
    assert torch.equal(network.weight, before)
    assert learner.scaler.get_scale() < scale
    again = make_trainer(nn.Linear(1, 1, bias=False), OptimiserConfig(), precision="fp16")
    again.restore(copy.deepcopy(learner.state()))
    assert again.scaler.get_scale() == learner.scaler.get_scale()


def test_a_loss_that_is_no_number_changes_nothing() -> None:
    network, x, _ = line()
    learner = make_trainer(network, OptimiserConfig())
    before = copy.deepcopy(network.state_dict())
    assert not learner.learn(lambda called: called(x).sum() * math.nan, 0.1)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_the_average_trails_the_weights() -> None:
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(0.0)
    learner = make_trainer(network, OptimiserConfig(ema=0.9))
    learner.step = 1000
    learner.learn(lambda called: -called(torch.ones(1, 1)).sum(), 1.0)
    assert float(learner.average.weight) == pytest.approx(0.1 * float(network.weight), rel=1e-4)


def test_early_stopping_keeps_the_best_and_a_plateau_cuts_the_rate() -> None:
    network = nn.Linear(1, 1)
    stopping = EarlyStopping(patience=3, plateau_patience=2)
    best = None
    for step, value in enumerate([0.1, 0.4, 0.4, math.nan, 0.3]):
        assert not stopping.stops
        if stopping.update(value, step, network):
            best = network.weight.detach().clone()
        network.weight.data += 1
    assert stopping.stops
    assert (stopping.value, stopping.step, stopping.cuts) == (0.4, 1, 1)
    assert stopping.weights is not None
    assert torch.equal(stopping.weights["weight"], best)
    again = EarlyStopping(patience=3, plateau_patience=2)
    again.restore(stopping.state())
    assert again == stopping


@pytest.mark.parametrize("kind", ["focal", "bce", "mse", "hinge"])
def test_a_confident_right_answer_costs_least(kind: str) -> None:
    yes, no = costs(kind, torch.tensor([-6.0, 0.0, 6.0]))
    assert yes[0] > yes[1] > yes[2]
    assert no[0] < no[1] < no[2]
    assert min(float(yes[2]), float(no[0])) < 0.01
    assert yes[0] == pytest.approx(float(no[2]))


def test_a_focal_loss_without_gamma_is_cross_entropy() -> None:
    logit = torch.tensor([-2.0, 0.5, 3.0])
    for one, other in zip(costs("focal", logit, 0.0), costs("bce", logit), strict=True):
        assert torch.allclose(one, other)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    checkpoint.save(path, {"a": torch.ones(3)})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ConfigError, match=r"checkpoint\.pt cannot be read"):
        checkpoint.load(path)


def test_a_log_goes_on_from_a_step(tmp_path: Path) -> None:
    log = Log(tmp_path / "progress.csv")
    for step in range(1, 6):
        log.add({"step": step, "loss": 1 / step, "learning_rate": 0.1})
    log.write()
    assert Log(tmp_path / "progress.csv", until=3).rows == log.rows[:3]
    draw_curves(tmp_path / "progress.png", log.rows, [{"step": 3, "cpm": 0.5}], "cpm")
    assert (tmp_path / "progress.png").read_bytes().startswith(b"\x89PNG")


def test_tensorboard_gets_the_curves(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = TensorBoardLogger(tmp_path, 0)
    board.add("progress", {"step": 3, "loss": 0.25})
    board.close()
    read = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in read.Scalars("progress/loss")] == [(3, 0.25)]


def test_the_hash_of_the_data_tells_what_was_changed(tmp_path: Path) -> None:
    for name in ("scan", "copy"):
        (tmp_path / name / "deep").mkdir(parents=True)
        (tmp_path / name / "deep" / "1.dcm").write_bytes(b"voxels")
        (tmp_path / name / "2.dcm").write_bytes(b"more")
    assert sha256_of(tmp_path / "scan") == sha256_of(tmp_path / "copy")
    (tmp_path / "copy" / "2.dcm").rename(tmp_path / "copy" / "3.dcm")
    assert sha256_of(tmp_path / "scan") != sha256_of(tmp_path / "copy")
    (tmp_path / "other" / "scan").mkdir(parents=True)
    found = hashes([tmp_path / "scan", tmp_path / "other" / "scan", tmp_path / "scan"])
    assert list(found) == ["scan", "scan (2)"]
    assert json.dumps(found)
