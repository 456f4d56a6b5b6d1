"""A run: what it learns from, what it leaves behind, and that a stopped one goes on as if it had not been."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training_scan import write_project

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.volume import apply_affine
from napari_lesion.models.networks import OUTPUT_STRIDE, NoduleNet
from napari_lesion.models.packages import find_package, load_network
from napari_lesion.support.errors import Cancelled, ConfigError
from napari_lesion.training.config.detector import Lesion, LossConfig, OptimiserConfig, read_config
from napari_lesion.training.data.background import Target, ball, make_background
from napari_lesion.training.data.crops import Batch, Sampler, target_maps
from napari_lesion.training.data.held_out import write_held_out
from napari_lesion.training.data.nodules import read_cubes, split_cubes
from napari_lesion.training.data.scans import load_backgrounds, read_background
from napari_lesion.training.engine.optimiser import learning_rate
from napari_lesion.training.recipes.detector import run
from napari_lesion.training.recipes.detector_loss import nodule_loss


@pytest.fixture(scope="module")
def config_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def sampler(config_path: Path) -> Sampler:
    config = read_config(config_path)
    cubes = read_cubes(config.data.nodules)
    backgrounds = load_backgrounds(config)
    return Sampler(backgrounds, cubes, crop=32, real_share=0.5, hard_share=0, cube_share=0, seed=1)


def test_a_cancelled_run_resumes_to_the_same_weights(config_path: Path, tmp_path: Path) -> None:
    whole = find_package(run(config_path, tmp_path / "whole"))

    def stop(done: int, total: int, what: str) -> None:
        if what.startswith("training") and done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(config_path, tmp_path / "parts", progress=stop)
    parts = find_package(run(config_path, tmp_path / "parts", resume=True))
    assert parts.metadata.sha256 == whole.metadata.sha256
    with (tmp_path / "parts" / "progress.csv").open() as file:
        assert [int(float(row["step"])) for row in csv.DictReader(file)] == [1, 2, 3, 4, 5, 6]
    load_network(whole)
    kept = {
        cube.name
        for part, cubes in split_cubes(read_cubes(config_path.parent / "nodules")).items()
        for cube in cubes
        if part != "train"
    }
    assert kept
    assert not any(name in case for case in whole.metadata.training_cases for name in kept)


def test_a_folder_with_a_run_is_not_overwritten(config_path: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").touch()
    with pytest.raises(ConfigError, match="already holds a run"):
        run(config_path, tmp_path)
    with pytest.raises(ConfigError, match="no run to go on with"):
        run(config_path, tmp_path / "new", resume=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stepz": 3}, "stepz"),
        ({"crop": 40}, "crop"),
        ({"data": {"nodules": "${NOT_SET_ANYWHERE}/x", "backgrounds": [{"path": "train"}]}}, "NOT_SET_ANYWHERE"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_config(write_project(tmp_path, **change))


@pytest.mark.parametrize("name", ["nodule-3d", "luna16", "lidc-full"])
def test_the_configurations_in_the_repository_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NAPARI_LESION_REAL_DATA", "NAPARI_LESION_OPEN_SCANS", "LUNA16", "LIDC"):
        monkeypatch.setenv(variable, "/data")
    config = read_config(Path(__file__).parents[2] / "configs" / f"{name}.yaml")
    assert config.data.backgrounds or config.data.annotated


def test_the_learning_rate_warms_up_and_falls_to_zero() -> None:
    options = OptimiserConfig(learning_rate=1.0, warmup_steps=10, decay_share=0.5)
    rates = [learning_rate(step, 100, options) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[30] == 1.0
    assert rates[100] == 0
    assert np.all(np.diff(rates[50:]) <= 0)


def test_targets_lie_at_the_nodule() -> None:
    target = Target((20.0, 30.0, 40.5), 10.0)
    heatmap, weight, size, offset, valid = target_maps([target], 64, np.ones((64, 64, 64), bool))
    index = np.argwhere(weight > 0)
    assert weight.sum() == pytest.approx(1)
    assert (heatmap[weight > 0] == 1).all()
    assert valid[weight > 0].all()
    position = index * OUTPUT_STRIDE + (OUTPUT_STRIDE - 1) / 2
    assert np.allclose(position + offset[:, weight > 0].T, target.center)
    assert np.allclose(np.exp(size[weight > 0]) * 8, 10)
    assert heatmap[0, 0, 0] == 0


@pytest.mark.parametrize("heat_loss", ["focal", "bce", "dice", "mse", "hinge"])
def test_the_loss_is_least_for_the_right_answer(heat_loss: str) -> None:
    maps = target_maps([Target((16.0, 15.0, 17.0), 8.0)], 32, np.ones((32, 32, 32), bool))
    heatmap, weight, size, offset, valid = (torch.from_numpy(m)[None] for m in maps)
    batch = Batch(torch.zeros(1, 1, 32, 32, 32), heatmap, weight, size, offset, valid, 1)
    right = torch.cat([torch.where(weight > 0, 8.0, -8.0)[:, None], size[:, None], offset], 1)
    moved = right.roll(4, dims=2)
    silent = right.clone()
    silent[:, 0] = -8.0
    options = LossConfig(heatmap=heat_loss)

    def loss(output: torch.Tensor) -> float:
        return float(nodule_loss(output, batch, options).heatmap)

    # Dice and cross-entropy compare all voxels with the heatmap's soft shape, so that even this answer costs something.
    factor = 10 if heat_loss in ("focal", "mse") else 1.2
    assert loss(moved) > factor * loss(right)
    assert loss(silent) > factor * loss(right)
    assert float(nodule_loss(right, batch, options).size) == 0
    if heat_loss == "focal":
        assert float(nodule_loss(right, batch, options).total) < 0.01


def test_crops_show_their_nodules_and_nothing_is_learned_at_real_lesions(sampler: Sampler) -> None:
    seen = 0
    for _ in range(30):
        image, targets, valid = sampler._background_crop()
        for target in targets:
            z, y, x = (round(c) for c in target.center)
            assert valid[z, y, x]
            seen += 1
        assert float(image.min()) >= 0
        assert float(image.max()) <= 1
    assert seen > 10
    lesion = np.argwhere(sampler.backgrounds[0].ignore)
    assert len(lesion) > 100


def test_a_real_lesion_is_learned_where_it_is(sampler: Sampler) -> None:
    background = replace(sampler.backgrounds[0], hu=np.full_like(sampler.backgrounds[0].hu, -850))
    place = np.array(background.hu.shape) // 2 + np.array([2, -3, 4])
    background.hu[ball(background.hu.shape, place, 5)] = 100
    lesion = Target((float(place[0]), float(place[1]), float(place[2])), 10.0)
    background = replace(background, real=(lesion,), ignore=ball(background.hu.shape, place, 9))
    learner = Sampler([background], [], crop=32, real_share=0, hard_share=0, cube_share=0, seed=3)
    seen = 0
    for _ in range(40):
        image, targets, valid = learner._background_crop()
        for target in (t for t in targets if 8 < t.diameter_mm < 12.5 and t == targets[0]):
            z, y, x = (round(c) for c in target.center)
            if image[z, y, x] > 0.7 and valid[z, y, x]:
                seen += 1
    assert seen >= 4


def test_a_cube_crop_has_its_target_at_the_nodule(config_path: Path) -> None:
    cubes = read_cubes(read_config(config_path).data.nodules)
    sampler = Sampler([], cubes, crop=48, real_share=1, hard_share=0, cube_share=1, seed=4)
    for _ in range(10):
        image, (target,), _ = sampler._cube_crop(48)
        bright = np.argwhere(image.numpy() > 0.5)
        assert np.linalg.norm(bright.mean(0) - target.center) < 1.5


def test_on_a_finer_grid_lengths_are_in_its_voxels(config_path: Path) -> None:
    volume = read_background(read_config(config_path).data.backgrounds[0])
    middle = tuple(n // 2 for n in volume.shape)
    lesion = Lesion(index=middle, radius_mm=8, diameter_mm=6)
    coarse, fine = (
        make_background(volume, [lesion], "chest", np.random.default_rng(0), pitch_mm=pitch) for pitch in (1.0, 0.8)
    )
    for one in (coarse, fine):
        assert apply_affine(one.affine, one.real[0].center) == pytest.approx(tuple(volume.to_patient(middle)), abs=1e-6)
    assert fine.real[0].diameter_mm == pytest.approx(6 / 0.8)
    assert fine.ignore.sum() * 0.8**3 == pytest.approx(coarse.ignore.sum(), rel=0.02)
    assert fine.depth.max() == pytest.approx(coarse.depth.max() / 0.8, abs=2)
    sampler = Sampler(
        [replace(fine, real=())], [], crop=32, real_share=0, hard_share=0, cube_share=0, seed=3, sizes=(1, 0, 0, 0)
    )
    found = [t.diameter_mm for _ in range(40) for t in sampler._background_crop()[1]]
    assert 3.5 / 0.8 <= min(found) < max(found) <= 6 / 0.8
    assert max(found) > 6


def test_held_out_scans_have_their_nodules_where_the_truth_says(config_path: Path, tmp_path: Path) -> None:
    config = read_config(config_path)
    table = write_held_out(config, tmp_path, 2)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["seriesuid"] for row in rows}) == 2
    with (tmp_path / "annotations_excluded.csv").open() as file:
        excluded = list(csv.DictReader(file))
    assert sum(row["type"] == "real" for row in excluded) == 2
    assert len(rows) + len(excluded) == 2 * 8 + 2  # those that are buried count neither way
    original = read_series(find_series(config.data.held_out[0].path)[0])
    for series in find_series(tmp_path):
        volume = read_series(series)
        changed = volume.voxels.astype(int) - original.voxels
        for row in (r for r in rows if r["seriesuid"] == series.identity.series_uid):
            k, j, i = np.round(volume.to_index([float(row[f"coord{a}"]) for a in "XYZ"])).astype(int)
            assert changed[k - 1 : k + 2, j - 2 : j + 3, i - 2 : i + 3].max() > 50
    real = {row["source"] for row in rows if not row["source"].startswith("synthetic")}
    assert real
    assert real <= {cube.name for cube in split_cubes(read_cubes(config.data.nodules))["test"]}


def test_the_network_says_the_same_wherever_it_looks() -> None:
    network = NoduleNet(width=4).eval()
    image = torch.rand(1, 1, 32, 32, 64)
    with torch.inference_mode():
        one, other = network(image), network(image.roll(16, dims=4))
    assert one.shape == (1, 5, 16, 16, 32)
    assert torch.isfinite(other).all()
