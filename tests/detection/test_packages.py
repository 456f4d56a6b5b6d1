"""A model package is what its description says, or it is not opened."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from napari_lesion.detection import registry
from napari_lesion.models import package_metadata, packages
from napari_lesion.models.networks import NoduleNet
from napari_lesion.support.errors import ModelError

METADATA = package_metadata.Metadata(
    id="test-net",
    version="0.1",
    task="nothing",
    licence="Apache-2.0",
    threshold=0.4,
    summary="Random weights for a test.",
    network=package_metadata.NoduleNetSpec(width=4),
    preprocessing=package_metadata.Preprocessing(spacing_mm=1.0, window_hu=(-1000, 400)),
    training_cases=("none",),
)


@pytest.fixture
def network() -> NoduleNet:
    torch.manual_seed(0)
    return NoduleNet(width=4).eval()


@pytest.fixture
def folder(tmp_path: Path, network: NoduleNet) -> Path:
    packages.save_package(tmp_path / "package", network.state_dict(), METADATA, "# A card\n")
    return tmp_path / "package"


def describe(folder: Path, **changes: object) -> None:
    path = folder / packages.DESCRIPTION
    content = yaml.safe_load(path.read_text()) | changes
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))


def test_a_saved_package_loads_with_the_same_weights(folder, network):
    package = packages.read_package(folder)
    loaded = packages.load_network(package)
    x = torch.rand(1, 1, 16, 16, 16)
    assert torch.equal(loaded(x), network(x))
    assert not loaded.training
    assert package.metadata.model_copy(update={"sha256": ""}) == METADATA
    assert package.metadata.sha256 == hashlib.sha256((folder / packages.WEIGHTS).read_bytes()).hexdigest()
    assert (folder / packages.CARD).read_text() == "# A card\n"


def test_saving_replaces_the_old_package(folder):
    torch.manual_seed(1)
    other = NoduleNet(width=4).eval()
    packages.save_package(folder, other.state_dict(), METADATA.model_copy(update={"version": "0.2"}), "new")
    package = packages.read_package(folder)
    assert package.metadata.version == "0.2"
    assert torch.equal(packages.load_network(package).head.weight, other.head.weight)


def test_a_save_that_fails_leaves_the_old_package(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(AttributeError):
        packages.save_package(folder, {"head.weight": None}, METADATA, "new")  # type: ignore[dict-item]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["package"]


def test_tampered_weights_are_not_opened(folder, monkeypatch):
    weights = folder / packages.WEIGHTS
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    def opened(*args):
        raise AssertionError("the weights were opened")

    monkeypatch.setattr("safetensors.torch.load", opened)
    with pytest.raises(ModelError, match=r"test-net: its weights .* are damaged or have been changed: sha256"):
        packages.load_network(packages.read_package(folder))


def test_truncated_weights_are_refused(folder):
    weights = folder / packages.WEIGHTS
    os.truncate(weights, weights.stat().st_size // 2)
    with pytest.raises(ModelError, match="damaged or have been changed"):
        packages.verify(packages.read_package(folder))


def test_missing_weights_are_a_sentence(folder):
    (folder / packages.WEIGHTS).unlink()
    with pytest.raises(
        ModelError, match=r"weights\.safetensors cannot be read \(No such file.*Install the model again"
    ):
        packages.verify(packages.read_package(folder))


def test_weights_that_are_no_safetensors_are_a_sentence(folder):
    rubbish = b"not weights at all"
    (folder / packages.WEIGHTS).write_bytes(rubbish)
    describe(folder, sha256=hashlib.sha256(rubbish).hexdigest())
    with pytest.raises(ModelError, match="do not fit the network"):
        packages.load_network(packages.read_package(folder))


def test_weights_of_another_network_are_a_sentence(folder):
    describe(folder, network={"name": "NoduleNet", "width": 8})
    with pytest.raises(ModelError, match=r"test-net.*do not fit the network"):
        packages.load_network(packages.read_package(folder))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threshold": "high"}, "threshold"),
        ({"licence": None}, "licence"),
        ({"network": {"name": "Other", "width": 4}}, "network: Input tag 'Other'"),
        ({"tresholds": 0.1}, "tresholds"),
        ({"sha256": None}, "no sha256"),
        ({"calibration": {"points": [[0, 0], [0.5, 0.9], [1, 0.8]]}}, "rise strictly"),
        ({"calibration": {"points": [[0.1, 0], [1, 1]]}}, "run from"),
    ],
)
def test_a_wrong_description_names_what_is_wrong(folder, changes, words):
    describe(folder, **changes)
    with pytest.raises(ModelError, match=words) as caught:
        packages.read_package(folder)
    assert str(folder) in str(caught.value)


def test_a_description_that_is_no_yaml_is_a_sentence(folder):
    (folder / packages.DESCRIPTION).write_text("id: [")
    with pytest.raises(ModelError, match=r"model\.yaml cannot be read"):
        packages.read_package(folder)


def test_a_folder_without_a_package_is_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="is no model package"):
        packages.find_package(str(tmp_path))


def test_a_calibration_maps_heat_to_scores():
    curve = package_metadata.Calibration(points=((0, 0), (0.5, 0.9), (1, 1)))
    assert curve(torch.tensor([0, 0.25, 0.5, 0.75, 1]).numpy()) == pytest.approx([0, 0.45, 0.9, 0.95, 1])


def test_models_are_found_by_id_and_by_folder(folder, monkeypatch):
    monkeypatch.setattr(packages, "SHIPPED", folder.parent)
    assert packages.find_package("package") == packages.find_package(folder) == packages.find_package(str(folder))
    assert [card.id for card in registry.list_models()] == ["test-net"]


def test_an_unknown_model_names_the_known_ones(folder, monkeypatch):
    monkeypatch.setattr(packages, "SHIPPED", folder.parent)
    with pytest.raises(ModelError, match=r"There is no model 'nodule-4d'.*\(package\)"):
        registry.load_detector("nodule-4d")


def test_listing_models_needs_no_torch():
    code = (
        "import sys; from napari_lesion.detection import registry; registry.list_models();"
        "sys.exit(bool({'torch', 'monai', 'safetensors'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
