"""A network in another runtime's file gives what torch gives, whatever the size of the box."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_scan import AXIAL, make_volume
from torch import nn
from typer.testing import CliRunner

from napari_lesion.cli import models
from napari_lesion.detection import export_runtime
from napari_lesion.detection.export_runtime import OpenVinoNetwork, compile_package, export, load_exported
from napari_lesion.detection.nodule3d import NoduleDetector
from napari_lesion.detection.quantise import quantised
from napari_lesion.imaging.inference import predict
from napari_lesion.models import package_metadata, packages
from napari_lesion.models.networks import NoduleNet
from napari_lesion.support.errors import Cancelled, ConfigError, ModelError

openvino = pytest.importorskip("openvino", reason="the extra openvino is not installed")
BOX = (40, 32, 50)
METADATA = package_metadata.Metadata(
    id="test-net",
    version="0.1",
    task="nothing",
    licence="Apache-2.0",
    threshold=0.4,
    network=package_metadata.NoduleNetSpec(width=8),
    preprocessing=package_metadata.Preprocessing(spacing_mm=1.0, window_hu=(-1000, 400)),
    training_cases=("none",),
)


def lively_state() -> dict[str, torch.Tensor]:
    """Weights and statistics that matter in every layer, so that a mistake anywhere changes the answer."""
    torch.manual_seed(0)
    network = NoduleNet(width=8)
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
    return network.state_dict()


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> packages.ModelPackage:
    return packages.save_package(tmp_path_factory.mktemp("package") / "net", lively_state(), METADATA, "# A card\n")


@pytest.fixture(scope="module")
def other_package(tmp_path_factory) -> packages.ModelPackage:
    torch.manual_seed(1)
    return packages.save_package(
        tmp_path_factory.mktemp("package") / "other", NoduleNet(width=8).state_dict(), METADATA, ""
    )


@pytest.fixture(scope="module")
def exported(package, tmp_path_factory) -> export_runtime.Exported:
    return export(package, tmp_path_factory.mktemp("out") / "net", "openvino")


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand((1, 1, *BOX), generator=torch.Generator().manual_seed(1))


def maps(prediction) -> np.ndarray:
    return np.concatenate([[prediction.probability, prediction.log_diameter], prediction.offsets])


def test_onnx_runs_boxes_of_other_sizes_as_torch_does(package, tmp_path):
    result = export(package, tmp_path / "net", "onnx")
    assert result.largest_difference < 1e-4
    session = importlib.import_module("onnxruntime").InferenceSession(result.path)
    network = packages.load_network(package)
    for shape in ((16, 48, 32), (96, 16, 16)):
        box = torch.rand((1, 1, *shape))
        with torch.no_grad():
            np.testing.assert_allclose(session.run(None, {"image": box.numpy()})[0], network(box), atol=1e-4)
    assert session.get_modelmeta().custom_metadata_map["napari_lesion.sha256"] == package.metadata.sha256
    assert sorted(p.name for p in result.path.parent.iterdir()) == ["card.md", "model.onnx", "model.yaml"]


def test_openvino_predicts_as_torch_does(package, exported, image):
    assert exported.largest_difference < 1e-4
    ours = predict(packages.load_network(package), image)
    theirs = predict(load_exported(exported.path, package), image)
    np.testing.assert_allclose(maps(theirs), maps(ours), atol=1e-4)
    assert theirs.device == "cpu"
    assert theirs.how.startswith("float32, OpenVINO")
    assert theirs.how.endswith("one pass")


def test_openvino_computes_in_float32_even_where_the_processor_has_bf16(exported):
    compiled = OpenVinoNetwork(openvino.Core().read_model(exported.path))._compiled
    assert compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.f32


def test_bf16_is_computed_where_the_processor_can_and_refused_elsewhere(package, exported, image):
    model = openvino.Core().read_model(exported.path)
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(ConfigError, match="bf16"):
            OpenVinoNetwork(model, "bf16")
        return
    theirs = predict(OpenVinoNetwork(model, "bf16"), image)
    assert theirs.how.startswith("bfloat16, OpenVINO")
    ours = predict(packages.load_network(package), image)
    assert 0 < np.abs(theirs.probability - ours.probability).max() < 0.05


def test_an_export_of_another_model_is_refused(exported, other_package):
    with pytest.raises(ModelError, match="was not exported from test-net"):
        load_exported(exported.path, other_package)


def test_a_file_that_is_no_model_is_refused(package, tmp_path):
    (tmp_path / "broken.xml").write_text("<net>")
    with pytest.raises(ModelError, match="no OpenVINO model"):
        load_exported(tmp_path / "broken.xml", package)


def test_an_export_that_differs_from_torch_is_not_written(package, tmp_path, monkeypatch):
    """As when a runtime chose another number type, or a converter got a layer wrong."""
    other = NoduleNet(width=8).eval()
    honest = export_runtime.to_openvino
    monkeypatch.setattr(export_runtime, "to_openvino", lambda network, package: honest(other, package))
    with pytest.raises(ModelError, match="differ"):
        export(package, tmp_path / "net", "openvino")
    assert not list(tmp_path.iterdir())


def test_int8_stays_near_torch_and_says_what_it_is(package, image):
    pytest.importorskip("nncf")
    network = packages.load_network(package)
    model = quantised(export_runtime.to_openvino(network, package), [image[..., :32, :32, :48].numpy()])
    assert any(op.get_type_name() == "FakeQuantize" for op in model.get_ordered_ops())
    ours, theirs = predict(network, image), predict(OpenVinoNetwork(model), image)
    assert "int8" in theirs.how
    assert 0 < np.abs(theirs.probability - ours.probability).mean() < 0.1
    assert np.corrcoef(theirs.probability.ravel(), ours.probability.ravel())[0, 1] > 0.9


def test_nothing_is_reported_to_the_makers_of_openvino(package, tmp_path, monkeypatch):
    main = pytest.importorskip("openvino_telemetry.main")
    sent = []
    for name in ("__init__", "start_session", "send_event"):
        monkeypatch.setattr(main.Telemetry, name, lambda self, *args, **kwargs: sent.append(args))
    export(package, tmp_path / "net", "openvino")
    assert not sent


def test_openvino_stops_when_cancelled(exported, package, image):
    def cancel(done: int, total: int, what: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        predict(load_exported(exported.path, package), image, progress=cancel)


def test_openvino_refuses_another_device(exported, package, image):
    with pytest.raises(ConfigError, match="CPU"):
        predict(load_exported(exported.path, package), image, device="cuda")


def test_openvino_in_windows_equals_its_one_pass(package, monkeypatch):
    long = torch.rand((1, 1, 16, 16, 304), generator=torch.Generator().manual_seed(3))
    compiled = compile_package(package)
    whole = predict(compiled, long)
    monkeypatch.setattr("napari_lesion.imaging.inference._free_bytes", lambda device: 1)
    parts = predict(compiled, long)
    assert parts.how.endswith("8 windows")
    np.testing.assert_allclose(maps(parts), maps(whole), atol=1e-4)


def test_without_openvino_it_says_what_to_install(package, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(ConfigError, match=r"napari-lesion\[openvino\]"):
        export(package, tmp_path / "net", "openvino")


def test_the_command_writes_the_folder_and_says_the_difference(package, tmp_path):
    out = tmp_path / "net"
    result = CliRunner().invoke(models.app, ["export", str(package.folder), "--to", "openvino", "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert "difference from torch" in result.output
    assert {path.name for path in Path(out).iterdir()} == {"model.xml", "model.bin", "model.yaml", "card.md"}


def test_a_detector_finds_the_same_with_an_export_and_says_who_ran_it(package, exported):
    volume = make_volume(AXIAL, (40, 100, 150), nodules=(((-40.0, -33.0, -255.0), 14.0),))
    ours = NoduleDetector(package).detect(volume)
    theirs = export_runtime.load_detector(package.folder, str(exported.path)).detect(volume)
    np.testing.assert_allclose(theirs.heatmap.values, ours.heatmap.values, atol=1e-4)
    assert len(theirs.candidates) == len(ours.candidates)
    assert "OpenVINO" in theirs.device


def test_an_unknown_runtime_is_refused(package):
    with pytest.raises(ConfigError, match="no runtime 'tensorrt'"):
        export_runtime.load_detector(package.folder, "tensorrt")
