"""A bundle's configuration is understood without running its code, and refused where it cannot be."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from detection_bundle import METADATA, inference_config, write_bundle

from napari_lesion.detection.monai_bundles.bundle import load_weights, read_bundle
from napari_lesion.detection.monai_bundles.config import BundleConfig
from napari_lesion.detection.monai_bundles.config_file import read_config
from napari_lesion.support.errors import ModelError


def config(raw: dict[str, Any], *, trust_code: bool = False) -> BundleConfig:
    return BundleConfig(raw, Path("inference.json"), trust_code=trust_code)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$1 + 2 * 3 - 4 // 3", 6),
        ("$not @flag", False),
        ("$@folder + '/models'", "here/models"),
        ("$@sizes[1] if @flag and len(@sizes) == 2 else 0", 8),
        ("@nested::a::1", "b"),
        ("@nested#a#1", "b"),
        ("$[n for n in (1, 2)]", None),
        ("$tuple(2 * @sizes)", (4, 8, 4, 8)),
        ("plain text", "plain text"),
    ],
)
def test_harmless_expressions_are_worked_out(expression: str, expected: object) -> None:
    raw = {"flag": True, "folder": "here", "sizes": [4, 8], "nested": {"a": [1, "b"]}, "asked": expression}
    if expected is None:
        with pytest.raises(ModelError, match="not evaluated"):
            config(raw).value("asked")
    else:
        assert config(raw).value("asked") == expected


@pytest.mark.parametrize(
    "danger",
    [
        "$open('ran', 'w')",
        "$__import__('os').system('touch ran')",
        "$().__class__.__base__.__subclasses__()",
        "$monai.networks.nets.resnet.torch.save([], 'ran')",
        "$monai.networks.nets.resnet.torch.hub.load('a', 'b')",
        "$@module.load_state_dict({})",
        "$@module.forward.__globals__",
        "$exec('1')",
        {"_target_": "os.system", "command": "touch ran"},
        {"_target_": "subprocess.call", "args": "touch ran"},
        {"_target_": "builtins.eval", "source": "1"},
        {"_target_": "SaveImaged", "keys": "image"},
        {"_target_": "Lambdad", "keys": "image", "func": "$print"},
        {"_target_": "monai.bundle.download", "name": "x"},
        {"_target_": "monai.networks.nets.resnet.resnet10", "pretrained": True},
        {"_target_": "monai.networks.nets.resnet.resnet10", "pretrained": "ran"},
    ],
    ids=str,
)
def test_what_could_run_code_or_touch_files_is_refused(
    danger: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    raw = {"module": {"_target_": "torch.nn.ReLU"}, "asked": danger}
    with pytest.raises(ModelError, match="trust-bundle-code"):
        config(raw).value("asked")
    assert not list(tmp_path.iterdir())


def test_code_is_run_only_for_those_who_trust_it(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    raw = {"imports": ["$import pathlib"], "asked": f"$pathlib.Path({str(marker)!r}).write_text('x')"}
    with pytest.raises(ModelError, match="trust-bundle-code"):
        config(raw).value("asked")
    assert not marker.exists()
    assert config(raw, trust_code=True).value("asked") == 1
    assert marker.exists()


def test_disabled_pieces_are_left_out() -> None:
    relu = {"_target_": "torch.nn.ReLU"}
    raw = {"off": "$not False", "steps": [relu, {**relu, "_disabled_": "@off"}, {**relu, "_disabled_": "false"}]}
    assert len(config(raw).value("steps")) == 2


def test_a_reference_to_itself_is_an_error() -> None:
    with pytest.raises(ModelError, match="refers to itself"):
        config({"a": "@b", "b": "$@a + 1"}).value("a")


def test_yaml_cannot_make_objects(tmp_path: Path) -> None:
    path = tmp_path / "inference.yaml"
    path.write_text("a: !!python/object/apply:os.system ['touch ran']\n")
    with pytest.raises(ModelError, match="cannot be read"):
        read_config(path)


def test_an_official_bundle_describes_itself(tmp_path: Path) -> None:
    bundle = read_bundle(write_bundle(tmp_path / "lung_nodule_ct_detection", inference_config(), {}))
    assert bundle.kind == "detection"
    assert bundle.weights.name == "model.pt"
    card = bundle.card
    assert (card.id, card.version, card.threshold) == ("lung_nodule_ct_detection", "0.6.8", 0.02)
    assert card.licence == "Apache License (see LICENSE)"
    assert card.modalities == ("CT",)
    assert card.metrics[0].value == 0.852


@pytest.mark.parametrize(
    ("missing", "message"), [("configs/metadata.json", "no MONAI bundle"), ("models/model.pt", "no weights")]
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, message: str) -> None:
    folder = write_bundle(tmp_path / "bundle", inference_config(), {})
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=message):
        read_bundle(folder)


def test_a_bundle_for_something_else_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle", {"network": "$1"}, {})
    (folder / "configs" / "metadata.json").write_text(json.dumps({**METADATA, "task": "Image generation"}))
    with pytest.raises(ModelError, match="Image generation"):
        read_bundle(folder)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('the pickle ran')",)


def test_a_pickle_that_runs_code_is_not_opened(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle", inference_config(), {})
    (folder / "models" / "model.pt").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="more than tensors"):
        load_weights(read_bundle(folder), torch.nn.Linear(1, 1))


def test_weights_that_do_not_fit_or_changed_are_refused(tmp_path: Path) -> None:
    layer = torch.nn.Linear(2, 1)
    folder = write_bundle(tmp_path / "bundle", inference_config(), {"model": layer.state_dict()})
    bundle = read_bundle(folder)
    load_weights(bundle, layer)
    with pytest.raises(ModelError, match="do not fit"):
        load_weights(bundle, torch.nn.Linear(3, 1))
    torch.save({}, folder / "models" / "model.pt")
    with pytest.raises(ModelError, match="have changed"):
        load_weights(bundle, layer)
