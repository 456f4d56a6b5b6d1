"""Cross-validation from the command's side: every fold a model with its FROC, started from weights that are there."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
import yaml
from training_scan import write_project

from napari_lesion.evaluation.froc import Mark, ScoredPoint, evaluate
from napari_lesion.imaging.preprocess import HU_WINDOW
from napari_lesion.models.networks import NoduleNet
from napari_lesion.models.package_metadata import Metadata, NoduleNetSpec, Preprocessing
from napari_lesion.models.packages import find_package, load_network, save_package
from napari_lesion.support.errors import ConfigError
from napari_lesion.training.recipes.detector import run
from napari_lesion.training.recipes.detector_export import _operating_points
from napari_lesion.training.recipes.folds import cross_validate


def write_weights(folder: Path, width: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    network = NoduleNet(width)
    metadata = Metadata(
        id="first",
        version="1.0",
        task="test",
        licence="Apache-2.0",
        threshold=0.5,
        network=NoduleNetSpec(width=width),
        preprocessing=Preprocessing(spacing_mm=1.0, window_hu=HU_WINDOW),
        training_cases=(),
    )
    save_package(folder, network.state_dict(), metadata, "# first\n")
    return network.state_dict()


def test_every_fold_is_trained_from_the_given_weights_and_measured_on_its_own_patients(tmp_path: Path) -> None:
    weights = write_weights(tmp_path / "first", 4)
    # Steps so small that the weights stay what they were.
    config = write_project(
        tmp_path / "project",
        steps=1,
        mine_every=0,
        start_from="../first",
        optimiser={"learning_rate": 1e-9, "weight_decay": 0},
        validation={"every": 1, "scans": 1},
        data={
            "nodules": "nodules",
            "insert_share": 0,
            "backgrounds": [{"path": "train", "lesions": [{"index": [24, 50, 40], "radius_mm": 10}]}],
            "validation": [{"path": "test"}],
        },
    )
    table = cross_validate(config, tmp_path / "out", 2)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["fold"] for row in rows] == ["0", "1", "mean", "sd"]
    division = json.loads((tmp_path / "out" / "folds.json").read_text())
    assert [fold["validation"]["series"] for fold in division] in ([["train"], ["test"]], [["test"], ["train"]])
    sha256 = find_package(tmp_path / "first").metadata.sha256
    for fold, row in enumerate(rows[:2]):
        folder = tmp_path / "out" / f"fold-{fold}"
        record = json.loads((folder / "run.json").read_text())
        assert record["split"] == division[fold]
        assert record["start_from"] == {"id": "first", "version": "1.0", "sha256": sha256}
        measured = record["result"]["validation"]
        assert measured["nodules"] == int(row["nodules"]) > 0
        assert measured["cpm"] == pytest.approx(float(row["cpm"]), abs=1e-4)
        froc = json.loads((folder / "validation" / "froc.json").read_text())
        assert froc["curves"][0]["cpm"] == pytest.approx(measured["cpm"])
        package = find_package(folder / "model")
        assert package.metadata.metrics[0].name == "CPM"
        trained = load_network(package).state_dict()
        for name, tensor in trained.items():
            if "running" not in name and "tracked" not in name:
                assert torch.allclose(tensor, weights[name], atol=1e-6), name
        card = (folder / "model" / "card.md").read_text()
        assert f"started from first 1.0 (sha256 {sha256})" in card
        assert record["data_sha256"] in card
        assert f"Fold {fold} of 2" in card
    done = (tmp_path / "out" / "fold-0" / "run.json").stat().st_mtime_ns
    cross_validate(config, tmp_path / "out", 2, resume=True)
    assert (tmp_path / "out" / "fold-0" / "run.json").stat().st_mtime_ns == done


def test_the_exported_model_knows_its_false_positives_a_scan() -> None:
    truth = [Mark("a", (0.0, 0.0, 0.0), 10.0)]
    false = {"a": [0.9, 0.6, 0.3], "b": [0.8, 0.5, 0.2, 0.1, 0.05]}
    points = {uid: [ScoredPoint((99.0 + n, 0.0, 0.0), s) for n, s in enumerate(one)] for uid, one in false.items()}
    points["a"].append(ScoredPoint((1.0, 0.0, 0.0), 0.7))
    measured = _operating_points(evaluate(truth, points, bootstraps=0).overall)
    assert measured[0] == (0.5, 0.9)  # one in two scans
    assert dict(measured)[1.0] == 0.8
    assert dict(measured)[2.0] == 0.5
    assert dict(measured)[4.0] == 0.05


def test_weights_of_another_network_and_a_validation_without_scans_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_weights(tmp_path / "first", 8)
    config = write_project(tmp_path / "project", start_from=str(tmp_path / "first"))
    with pytest.raises(ConfigError, match="belong to another network than the one of width 4"):
        run(config, tmp_path / "out")
    content = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**content, "validation": {"every": 1}}))
    with pytest.raises(ConfigError, match="no series to validate on"):
        run(config, tmp_path / "out")
    with pytest.raises(ConfigError, match="How many folds"):
        cross_validate(config, tmp_path / "out")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="one by one"):
        cross_validate(config, tmp_path / "out", 2)
