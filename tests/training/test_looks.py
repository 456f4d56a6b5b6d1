"""A configuration trains a network for the look of nodules into a package, whose probabilities are those of readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from training_scan import write_lidc_packs, write_project

from napari_lesion.assessment.measure.nodule_looks import Looker, Slice
from napari_lesion.detection.registry import list_models, load_detector
from napari_lesion.models.networks import RATED, LooksNet
from napari_lesion.models.packages import read_package
from napari_lesion.support.errors import ConfigError, ModelError
from napari_lesion.training.config.looks import read_looks_config
from napari_lesion.training.data.lidc import read_store, split_store
from napari_lesion.training.data.looks import RatedBatches, labels_of, rated
from napari_lesion.training.recipes.looks import calibrate, looks_loss, run_looks

TEXT = "network: LooksNet\nid: looks\nversion: '1'\nsteps: {}\nbatch_size: 4\nwidth: 4\nnodules: nodules\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("looks")
    write_project(folder)
    write_lidc_packs(folder / "nodules")
    return folder


def test_a_run_leaves_a_package_that_tells_looks_and_is_no_detector(project: Path, tmp_path: Path) -> None:
    config = project / "looks.yaml"
    config.write_text(TEXT.format(2), encoding="utf-8")
    run_looks(config, tmp_path / "run")
    with pytest.raises(ConfigError, match="already holds a run"):
        run_looks(config, tmp_path / "run")
    config.write_text(TEXT.format(3), encoding="utf-8")
    package = read_package(run_looks(config, tmp_path / "run", resume=True))
    inside = np.hypot(*np.mgrid[-15:15, -15:15]) < 6
    one = Slice(np.where(inside, 30, -850).astype(np.float32), inside, (0.7, 0.7), 8.0)
    (said,) = Looker(package)([[one, one]])
    assert {name: len(value) for name, value in said.items()} == RATED
    assert all(value.sum() == pytest.approx(1) for value in said.values())
    parts = split_store(read_store(project / "nodules"))
    assert set(package.metadata.training_cases) == {crop.patient for crop in parts["train"].crops}
    with pytest.raises(ModelError, match="it tells how a finding looks"):
        load_detector(str(package.folder))
    assert "nodule-looks" not in [card.id for card in list_models()]


def test_a_batch_shows_the_nodule_under_its_mask_with_what_was_said_of_it(project: Path) -> None:
    config = project / "draw.yaml"
    config.write_text(TEXT.format(2), encoding="utf-8")
    nodules = rated(read_store(project / "nodules"))
    images, sizes, labels = RatedBatches(read_looks_config(config), nodules).draw()
    assert images.shape[1:] == (4, 56, 56)
    assert sizes.shape == (4, 2)
    assert labels.shape == (4, len(RATED))
    for lung, _, _, mask in images:
        assert lung[mask > 0.5].mean() > lung[mask < 0.5].mean()


def test_ratings_become_numbers_from_0_and_what_nobody_said_is_not_learned() -> None:
    labels = labels_of({"texture": 5, "spiculation": 1, "lobulation": 2, "margin": 3, "calcification": 6})
    assert labels == {
        "texture": 4, "spiculation": 0, "lobulation": 1, "margin": 2, "malignancy": -1, "calcification": 0,
    }  # fmt: skip
    assert labels_of({"calcification": 3})["calcification"] == 1
    logits = torch.zeros(1, sum(RATED.values()))
    nothing_of_malignancy = torch.tensor([list(labels.values())])
    logits[0, 20:25] = torch.tensor([9.0, -9, 9, -9, 9])
    assert looks_loss(logits, nothing_of_malignancy) == pytest.approx(float((4 * np.log(5) + np.log(2)) / 5), rel=1e-4)


def test_calibrating_brings_the_share_of_what_is_rare_back() -> None:
    torch.manual_seed(0)
    network = LooksNet(4)
    image, sizes = torch.rand(400, 4, 56, 56)[:, :, :8, :8], torch.zeros(400, 2)
    network.eval()
    labels = torch.zeros(400, len(RATED), dtype=torch.long)
    labels[:20, 5] = 1
    with torch.no_grad():
        network.head.bias[25:27] = torch.tensor([0.0, 3.0])
        before = network(image, sizes)
    calibrate(network, before, labels)
    with torch.no_grad():
        calcified = network(image, sizes)[:, 25:27].softmax(1)[:, 1]
    assert before[:, 25:27].softmax(1)[:, 1].mean() > 0.8
    assert calcified.mean() == pytest.approx(0.05, abs=0.02)
