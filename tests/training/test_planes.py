"""The training of a classifier of three planes: what is a dot in one plane only is no nodule."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from training_scan import write_project

from napari_lesion.detection.false_positive_reduction import load_classifier
from napari_lesion.models.networks import PATCH_SIZE, PatchNet, PlanesNet
from napari_lesion.models.package_metadata import Metadata, PatchNetSpec, Preprocessing
from napari_lesion.models.packages import find_package, save_package
from napari_lesion.support.errors import Cancelled, ConfigError
from napari_lesion.training.config.options import network_of
from napari_lesion.training.config.planes import read_planes_config
from napari_lesion.training.data.patches import STORED
from napari_lesion.training.recipes.planes import LEARNED, VALIDATED, load_data
from napari_lesion.training.train import train


def write_planes(path: Path, seed: int, count: int = 90) -> None:
    """Balls are nodules: a disc in each plane. Tubes are none: a disc in one plane, a bar in the others."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((STORED, STORED)) - (STORED - 1) / 2
    disc, bar = np.hypot(y, x) < 4, np.abs(y) < 3
    nodule = np.arange(count) % 3 == 0
    image = rng.normal(25, 6, (count, 3, STORED, STORED))
    for n in range(count):
        along = int(rng.integers(3))
        for plane in range(3):
            image[n, plane] += 160 * (disc if nodule[n] or plane == along else bar)
    labels = np.repeat(nodule, 3)
    path.parent.mkdir(exist_ok=True)
    np.savez(
        path,
        image=image.clip(0, 255).astype(np.uint8).reshape(-1, STORED, STORED),
        nodule=labels,
        diameter_mm=np.where(labels, 5.6, 0).astype(np.float32),
        row=np.full(3 * count, -1, dtype=np.int64),
    )


def write_classifier(folder: Path, width: int) -> str:
    metadata = Metadata(
        id="single", version="1", task="t", licence="Apache-2.0", sha256="", threshold=0.5,
        network=PatchNetSpec(width=width), preprocessing=Preprocessing(spacing_mm=0.7, window_hu=(-1000, 400)),
        training_cases=("a case of before",),
    )  # fmt: skip
    torch.manual_seed(1)
    return str(save_package(folder, PatchNet(width).state_dict(), metadata, "# card").folder)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    detector = write_project(tmp_path)
    path = tmp_path / "planes.yaml"
    content = {
        "network": "PlanesNet", "id": "tiny", "version": "1", "steps": 20, "batch_size": 12, "width": 4,
        "device": "cpu", "checkpoint_every": 5, "validation": {"every": 10},
        "start_from": write_classifier(tmp_path / "single", 4),
        "optimiser": {"learning_rate": 0.01, "warmup_steps": 2, "ema": 0.8},
        "data": {"scans": detector.name, "detector": "nodule-3d"},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def run(config: Path, out: Path, **options: object) -> Path:
    """Train on planes that are there already."""
    if not out.exists():
        write_planes(out / LEARNED, 1)
        write_planes(out / VALIDATED, 2)
    return train(config, out, **options)


def test_it_becomes_a_package_that_a_detector_can_use(config: Path, tmp_path: Path) -> None:
    package = run(config, tmp_path / "run")
    metadata = find_package(package).metadata
    assert (metadata.network.name, metadata.reduces_false_positives) == ("PlanesNet", True)
    assert "a case of before" in metadata.training_cases
    assert isinstance(load_classifier(str(package)).network, PlanesNet)
    assert network_of(config) == "PlanesNet"
    rows = (tmp_path / "run" / "validation.csv").read_text().splitlines()
    assert len(rows) == 3
    assert float(rows[-1].split(",")[1]) > 0.6  # a third are nodules


def test_a_stopped_run_goes_on_to_the_same_weights(config: Path, tmp_path: Path) -> None:
    whole = run(config, tmp_path / "whole")

    def stop(done: int, total: int, what: str) -> None:
        if done == 13 and what.startswith("training"):
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run(config, tmp_path / "stopped", progress=stop)
    resumed = run(config, tmp_path / "stopped", resume=True)
    assert find_package(resumed).metadata.sha256 == find_package(whole).metadata.sha256


def test_it_starts_as_the_mean_of_the_classifier_of_single_planes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    single = PatchNet(4).eval()
    network = PlanesNet(4).eval()
    network.planes.load_state_dict(single.state_dict())
    planes = torch.rand(5, 3, PATCH_SIZE, PATCH_SIZE)
    one_by_one = single(planes.reshape(15, 1, PATCH_SIZE, PATCH_SIZE)).reshape(5, 3, 2).mean(1)
    torch.testing.assert_close(network(planes), one_by_one)


def test_the_upright_planes_may_change_places_and_the_axial_one_may_not() -> None:
    torch.manual_seed(0)
    network = PlanesNet(4).eval()
    torch.nn.init.normal_(network.together[-1].weight)
    planes = torch.rand(4, 3, PATCH_SIZE, PATCH_SIZE)
    torch.testing.assert_close(network(planes), network(planes[:, [0, 2, 1]]))
    assert not torch.allclose(network(planes)[:, 0], network(planes[:, [1, 0, 2]])[:, 0])


def test_a_classifier_of_another_width_is_refused(config: Path, tmp_path: Path) -> None:
    content = yaml.safe_load(config.read_text())
    content["start_from"] = write_classifier(tmp_path / "wide", 8)
    config.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="no patch classifier of width 4"):
        run(config, tmp_path / "run")


def test_a_classifier_of_planes_has_no_folds(config: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it has no folds"):
        train(config, tmp_path / "run", fold=0, folds=2)


def test_the_planes_of_candidates_are_made_once_and_kept(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def candidates(network: object, series: object, nodules: list[object], scans: int, **options: object) -> object:
        asked.append((len(nodules), scans))
        write_planes(tmp_path / "made" / "planes.npz", len(asked), 6)
        from napari_lesion.training.data.patches import Patches

        with np.load(tmp_path / "made" / "planes.npz") as made:
            return Patches(**made)

    monkeypatch.setattr("napari_lesion.training.recipes.planes.candidate_patches", candidates)
    made = load_data(read_planes_config(config), tmp_path / "run")
    again = load_data(read_planes_config(config), tmp_path / "run")
    assert [scans for _, scans in asked] == [5, 1]
    assert asked[0][0] > asked[1][0]
    assert (made.train.image == again.train.image).all()
    assert (made.validation.image == again.validation.image).all()
    assert len(made.train) == 18
