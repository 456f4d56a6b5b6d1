"""The training of a patch classifier, from files to a model that tells bright discs from lines."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from napari_lesion.detection.registry import load_detector
from napari_lesion.models.packages import find_package, load_network
from napari_lesion.support.errors import Cancelled, ConfigError
from napari_lesion.training.config.options import network_of
from napari_lesion.training.config.patches import read_patch_config
from napari_lesion.training.data.background import Background, Target
from napari_lesion.training.data.patches import STORED, inserted_patches, read_patches, turned
from napari_lesion.training.recipes.classifier import best_f1_threshold
from napari_lesion.training.recipes.patches import load_data, patch_scores, run_patches, tuning_part


def write_patches(folder: Path) -> None:
    """Discs of 8 pixels are nodules, lines are none."""
    rng = np.random.default_rng(0)
    y, x = np.indices((STORED, STORED)) - (STORED - 1) / 2
    for part, count in (("train", 240), ("val", 60)):
        label = np.arange(count) % 3 == 0
        image = rng.normal(25, 6, (count, STORED, STORED))
        image[label] += 160 * (np.hypot(y, x) < 4)
        image[~label] += 160 * (np.abs(y) < 2)
        path = folder / f"luna16_patches2d_{part}.npz"
        np.savez(path, image=image.clip(0, 255).astype(np.uint8), label=label, candidate_row=np.arange(count) * 7)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_patches(tmp_path)
    path = tmp_path / "config.yaml"
    content = {
        "network": "PatchNet", "id": "tiny", "version": "1", "steps": 12, "batch_size": 16, "width": 4, "dropout": 0.1,
        "device": "cpu", "checkpoint_every": 4, "validation": {"every": 6},
        "optimiser": {"learning_rate": 0.01, "warmup_steps": 2},
        "data": {"patches": ".", "leave_out": [0, 21]},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_learns_to_tell_nodules_from_lines(config: Path, tmp_path: Path) -> None:
    package = run_patches(config, tmp_path / "run")
    validation = read_patches(tmp_path / "luna16_patches2d_val.npz")
    score = patch_scores(load_network(find_package(package)), validation.image)
    assert score[validation.nodule].mean() > score[~validation.nodule].mean()
    assert load_detector(package).card.id == "tiny"
    rows = (tmp_path / "run" / "scores.csv").read_text().splitlines()
    assert len(rows) == 61


def test_a_stopped_run_goes_on_to_the_same_weights(config: Path, tmp_path: Path) -> None:
    whole = run_patches(config, tmp_path / "whole")

    def stop(done: int, total: int, what: str) -> None:
        if done == 7 and what.startswith("training"):
            raise Cancelled

    with pytest.raises(Cancelled):
        run_patches(config, tmp_path / "parts", progress=stop)
    with pytest.raises(ConfigError, match="--resume"):
        run_patches(config, tmp_path / "parts")
    parts = run_patches(config, tmp_path / "parts", resume=True)
    assert find_package(parts).metadata.sha256 == find_package(whole).metadata.sha256


def test_what_is_left_out_is_not_learned_and_no_part_shares_a_patch(config: Path, tmp_path: Path) -> None:
    data = load_data(read_patch_config(config), tmp_path)
    learned, tuned = set(data.luna.row.tolist()), set(data.tuning.row.tolist())
    assert not learned & tuned
    assert len(learned) + len(tuned) == 238
    assert not {0, 21} & (learned | tuned)


def test_the_tuning_part_is_a_tenth_in_whole_stretches() -> None:
    row = np.random.default_rng(0).permutation(4000)
    chosen = tuning_part(row)
    assert chosen.mean() == pytest.approx(0.1, abs=0.01)
    in_order = chosen[np.argsort(row)]
    assert np.abs(np.diff(in_order.astype(int))).sum() <= 2 * 40


def test_patches_of_another_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "patches.npz"
    np.savez(path, image=np.zeros((2, 40, 40), np.uint8), label=[0, 1], candidate_row=[1, 2])
    with pytest.raises(ConfigError, match="50 × 50"):
        read_patches(path)


def test_planes_hold_a_nodule_in_their_middle_where_they_say_so() -> None:
    shape = (90, 90, 90)
    rng = np.random.default_rng(1)
    index = np.argwhere(np.ones((10, 10, 10), bool)) + 40
    ignore = np.zeros(shape, bool)
    ignore[:12] = True
    background = Background(
        name="box",
        hu=rng.normal(-860, 15, shape).astype(np.int16),
        depth=np.full(shape, 30, np.int8),
        search=np.ones(shape, bool),
        ignore=ignore,
        beside_gas=np.zeros(shape, bool),
        noise_hu=15.0,
        affine=np.eye(4),
        inside=index.astype(np.int32),
        surface=index.astype(np.int32),
        real=(Target((6.0, 45.0, 45.0), 5.0),),
    )
    hard = {"box": np.array([[60.0, 45, 45], [8.0, 45, 45]])}
    patches = inserted_patches([background], [], 4, rng, hard=hard)
    middle = patches.image[:, 23:27, 23:27].astype(float).mean(axis=(1, 2))
    inserted = patches.nodule & (patches.diameter_mm != 5.0)
    assert inserted.sum() in (6, 9, 12)  # one that is hardly visible is not learned
    assert middle[inserted].min() > middle[~patches.nodule].max()
    assert (patches.diameter_mm[patches.nodule] >= 4).all()
    # Three planes of each healthy place and of each look at the hard one; the one on a real lesion is left out.
    assert (~patches.nodule).sum() == 3 * (4 + 3)


def test_turned_patches_keep_their_middle() -> None:
    image = np.zeros((40, STORED, STORED), np.uint8)
    image[:, 21:29, 21:29] = 255
    out, zoom = turned(image, np.random.default_rng(0), zoom=(0.8, 1.25), shift=0.0)
    assert out.shape == (40, 1, 48, 48)
    assert out[:, 0, 22:26, 22:26].min() > 0.99
    np.testing.assert_allclose(out.sum(dim=(1, 2, 3)).numpy(), 64 * zoom**2, rtol=0.06)


def test_the_best_f1_separates_what_can_be_separated() -> None:
    nodule = np.array([False, False, True, False, True, True])
    threshold = best_f1_threshold(nodule, np.array([0.1, 0.2, 0.25, 0.3, 0.7, 0.8]))
    assert threshold == 0.25


def test_knows_a_configuration_of_its_own(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("id: x\n", encoding="utf-8")
    assert network_of(config) == "PatchNet"
    assert not network_of(other)
