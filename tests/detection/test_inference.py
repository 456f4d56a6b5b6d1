"""Inference gives one answer, however it has to be divided and wherever it runs."""

import weakref

import numpy as np
import pytest
import torch
from torch import nn

from napari_lesion.imaging import inference
from napari_lesion.imaging.inference import predict
from napari_lesion.imaging.windows import HALO_ABOVE, HALO_BELOW, windows
from napari_lesion.models.networks import INPUT_MULTIPLE, NoduleNet
from napari_lesion.support.errors import Cancelled, ConfigError, LesionError, ModelError

SHAPE = (32, 40, 240)


def lively(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give every layer weights and statistics that matter, so that a mistake anywhere changes the answer."""
    random = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, generator=random)
        if isinstance(module, nn.BatchNorm3d):
            for tensor, low, high in (
                (module.weight, 0.5, 1.5),
                (module.bias, -0.3, 0.3),
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
            ):
                tensor.data.uniform_(low, high, generator=random)
    return network.eval()


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return lively(NoduleNet(width=4))


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.rand((1, 1, *SHAPE), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def small_windows(monkeypatch):
    """As if there were memory for nothing but the smallest window."""
    monkeypatch.setattr(inference, "_free_bytes", lambda device: 1)


def reference(network: nn.Module, image: torch.Tensor) -> np.ndarray:
    """The network as it is, on the image padded with zeros to multiples of 16."""
    d, h, w = image.shape[2:]
    padding = [-n % INPUT_MULTIPLE for n in (w, h, d)]
    with torch.no_grad():
        out = network(nn.functional.pad(image, (0, padding[0], 0, padding[1], 0, padding[2])))[0]
    out = out[:, : -(-d // 2), : -(-h // 2), : -(-w // 2)].clone()
    out[0] = torch.sigmoid(out[0])
    return out.numpy()


def stacked(prediction: inference.Prediction) -> np.ndarray:
    return np.concatenate([[prediction.probability, prediction.log_diameter], prediction.offsets])


class OutOfMemory(nn.Module):
    """A network that runs out of memory on windows longer than it can bear, and remembers what it held then."""

    calls: list[tuple[int, ...]]
    held: list[weakref.ref]

    def __init__(self, inner: nn.Module, longest: int, error: Exception | None = None):
        super().__init__()
        self.inner, self.longest = inner, longest
        self.error = error or RuntimeError("DefaultCPUAllocator: can't allocate memory")
        OutOfMemory.calls, OutOfMemory.held = [], []

    def forward(self, x):
        assert all(reference() is None for reference in OutOfMemory.held), "memory of the failed attempt is still held"
        OutOfMemory.calls.append(tuple(x.shape[2:]))
        if max(x.shape[2:]) > self.longest:
            activation = x * 2
            OutOfMemory.held += [weakref.ref(x), weakref.ref(activation)]
            raise self.error
        return self.inner(x)


def test_equals_the_plain_network(network, image):
    result = predict(network, image, device="cpu")
    np.testing.assert_allclose(stacked(result), reference(network, image), atol=1e-4)
    assert result.device == "cpu"
    assert result.how.endswith("one pass")
    assert result.warnings == ()


@pytest.mark.parametrize("shape", [(17, 31, 45), (1, 16, 33), (48, 16, 16)])
def test_any_size_gives_one_output_voxel_for_two(network, shape):
    image = torch.rand((1, 1, *shape), generator=torch.Generator().manual_seed(2))
    result = predict(network, image, device="cpu")
    assert result.probability.shape == tuple(-(-n // 2) for n in shape)
    np.testing.assert_allclose(stacked(result), reference(network, image), atol=1e-4)


def test_batch_norm_folds_without_a_trace(network, image):
    folded = inference.fold_batch_norm(network)
    assert not any(isinstance(m, nn.BatchNorm3d) for m in folded.modules())
    assert any(isinstance(m, nn.BatchNorm3d) for m in network.modules())
    with torch.no_grad():
        np.testing.assert_allclose(folded(image[..., :32, :]), network(image[..., :32, :]), atol=1e-4)


def test_the_halo_is_the_true_receptive_field(network):
    """With weights that are all positive, an output voxel is positive exactly where it can see a lit input voxel."""
    positive = NoduleNet(width=2).double().eval()
    for name, parameter in positive.named_parameters():
        parameter.data.fill_(0.0 if name.endswith("bias") else 1.0)
    length = 2 * (HALO_BELOW + HALO_ABOVE)
    edge = length // 2 // INPUT_MULTIPLE * INPUT_MULTIPLE
    image = torch.zeros((1, 1, 16, 16, length), dtype=torch.float64)
    image[..., :edge] = 1
    with torch.no_grad():
        reached = np.flatnonzero(positive(image)[0, 0, 4, 4].numpy() > 0)[-1]
        below = (reached // 8 + 1) * 16 - edge
        reached = np.flatnonzero(positive(image.flip(-1))[0, 0, 4, 4].numpy() > 0)[0]
        above = (length - edge) - reached // 8 * 16
    assert (below, above) == (HALO_BELOW, HALO_ABOVE)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_windows_equal_the_one_pass(network, small_windows, axis):
    shape = [16, 16, 16]
    shape[axis] = 304
    image = torch.rand((1, 1, *shape), generator=torch.Generator().manual_seed(3))
    result = predict(network, image, device="cpu")
    assert result.how.endswith("8 windows")
    np.testing.assert_allclose(stacked(result), reference(network, image), atol=1e-4)


def test_window_cores_tile_the_box_and_stay_in_it():
    shape, window = (400, 208, 64), (208, 192, 64)
    seen = np.zeros(shape, dtype=int)
    for outer, core in windows(shape, window):
        seen[core] += 1
        for whole, kept, n, limit in zip(outer, core, shape, window, strict=True):
            assert whole.stop - whole.start <= limit
            assert whole.start % INPUT_MULTIPLE == whole.stop % INPUT_MULTIPLE == 0
            assert whole.start == 0 or kept.start - whole.start >= HALO_BELOW
            assert whole.stop == n or whole.stop - kept.stop >= HALO_ABOVE
    assert (seen == 1).all()


def test_heat_is_zero_outside_the_mask(network, image):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[10:21, 5:30, 100:111] = True
    result = predict(network, image, device="cpu", mask=mask)
    coarse = np.zeros(result.probability.shape, dtype=bool)
    coarse[5:11, 2:15, 50:56] = True
    assert (result.probability[~coarse] == 0).all()
    np.testing.assert_allclose(result.probability[coarse], reference(network, image)[0][coarse], atol=1e-4)


def test_windows_without_any_mask_are_skipped(network, image, small_windows):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[3, 3, 3] = True
    counted = OutOfMemory(network, longest=1000)
    result = predict(counted, image, device="cpu", mask=mask)
    assert OutOfMemory.calls == [(32, 48, 192)]
    assert result.probability[1, 1, 1] == pytest.approx(reference(network, image)[0, 1, 1, 1], abs=1e-4)
    assert np.count_nonzero(result.probability) == 1


def test_out_of_memory_halves_the_window_and_says_so(network):
    image = torch.rand((1, 1, 16, 16, 416), generator=torch.Generator().manual_seed(4))
    result = predict(OutOfMemory(network, longest=300), image, device="cpu")
    assert OutOfMemory.calls[0] == (16, 16, 416)
    assert {c[2] for c in OutOfMemory.calls[1:]} <= {192, 208}
    assert len(result.warnings) == 1
    assert "Out of memory on cpu" in result.warnings[0]
    assert "16×16×416" in result.warnings[0]
    np.testing.assert_allclose(stacked(result), reference(network, image), atol=1e-4)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        MemoryError(),
    ],
)
def test_every_kind_of_out_of_memory_is_recognised(network, error):
    image = torch.zeros((1, 1, 16, 16, 240))
    assert predict(OutOfMemory(network, longest=200, error=error), image, device="cpu").warnings


def test_gives_the_work_to_the_cpu_when_the_device_has_no_memory(network, image, monkeypatch):
    """The device is feigned: torch's ``meta`` device stands for one whose memory never suffices."""
    monkeypatch.setattr(inference, "choose_device", lambda name, _: torch.device("cpu" if name == "cpu" else "meta"))
    seen = []

    class NoMemoryThere(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = network

        def forward(self, x):
            seen.append(x.device.type)
            if x.device.type != "cpu":
                raise torch.OutOfMemoryError("out of memory")
            return self.inner(x)

    result = predict(NoMemoryThere(), image, device="auto")
    assert seen == ["meta", "meta", "cpu"]
    assert result.device == "cpu"
    assert "halved" in result.warnings[0]
    assert "used the CPU" in result.warnings[1]
    np.testing.assert_allclose(stacked(result), reference(network, image), atol=1e-4)


def test_too_little_memory_for_anything_is_a_sentence(network, image):
    with pytest.raises(LesionError, match=r"The memory does not suffice .*Close other programs"):
        predict(OutOfMemory(network, longest=0), image, device="cpu")


def test_other_errors_of_a_network_are_not_taken_for_lack_of_memory(image):
    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        predict(Broken(), image, device="cpu")


def test_the_same_result_every_time_to_the_last_bit(network, image):
    first, second = (stacked(predict(network, image, device="cpu")) for _ in range(2))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("has_bfloat16", [False, True])
def test_a_cpu_computes_in_float32_whatever_its_make_unless_told_otherwise(monkeypatch, has_bfloat16):
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: has_bfloat16)
    cpu, gpu, mps = (torch.device(name) for name in ("cpu", "cuda", "mps"))
    kinds = [inference.number_type(device) for device in (cpu, gpu, mps)]
    assert kinds == [torch.float32, torch.float16, torch.float32]
    assert {inference.number_type(device, "float32") for device in (cpu, gpu, mps)} == {torch.float32}
    if has_bfloat16:
        assert inference.number_type(cpu, "bfloat16") == torch.bfloat16
    else:
        with pytest.raises(ConfigError, match="This cpu does not compute in bfloat16; choose"):
            inference.number_type(cpu, "bfloat16")
    with pytest.raises(ConfigError, match="This mps does not compute in bfloat16; choose"):
        inference.number_type(mps, "bfloat16")


def test_half_precision_gives_about_the_same_scores(network, image, monkeypatch):
    """As on a CPU with bfloat16 units; this one may have none, but can compute it."""
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    result = predict(network, image, device="cpu", precision="bfloat16")
    assert result.how == "bfloat16, one pass"
    assert result.probability.dtype == np.float32
    np.testing.assert_allclose(result.probability, reference(network, image)[0], atol=0.05)


def test_leaves_the_network_and_torch_as_they_were(network, image):
    def switches():
        return (
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.get_num_threads(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
        )

    before, state = switches(), {k: v.clone() for k, v in network.state_dict().items()}
    predict(network, image, device="cpu")
    assert switches() == before
    assert all(torch.equal(v, state[k]) for k, v in network.state_dict().items())
    assert not any(m._forward_hooks for m in network.modules())


def test_cudnn_is_deterministic_during_a_prediction_and_as_before_after_it():
    before = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    with inference._deterministic(torch.device("cuda")):
        assert (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic) == (False, True)
    assert (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic) == before


def test_one_pass_reports_progress_to_the_end(network, image):
    reports = []
    predict(network, image, device="cpu", progress=lambda done, total, what: reports.append((done, total)))
    dones, totals = zip(*reports, strict=True)
    assert len(set(totals)) == 1
    assert list(dones) == list(range(totals[0] + 1))


def test_one_pass_can_be_cancelled_before_it_ends(network, image):
    reports = []

    def stop(done: int, total: int, what: str) -> None:
        reports.append(done)
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        predict(network, image, device="cpu", progress=stop)
    assert reports == [0, 1, 2, 3]


def test_a_network_that_returns_no_numbers_is_an_error(network, image):
    broken = lively(NoduleNet(width=4))
    broken.head.bias.data[0] = torch.nan
    with pytest.raises(ModelError, match="not numbers"):
        predict(broken, image, device="cpu")


@pytest.mark.parametrize("name", ["gpu", "cpu:x", "meta", "xla"])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(ConfigError, match="choose auto, cpu, cuda or mps"):
        inference.choose_device(name)


def test_a_wished_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name in ("cuda", "mps"):
        with pytest.raises(ConfigError, match=f"{name}.*is not available"):
            inference.choose_device(name)
    assert inference.choose_device("auto") == torch.device("cpu")


def test_auto_takes_the_fastest_device(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert inference.choose_device("auto").type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert inference.choose_device("auto").type == "cuda"


def test_a_container_limits_the_free_memory(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 300\n")
    monkeypatch.setattr(inference, "_CGROUP", tmp_path)
    assert inference._free_bytes(torch.device("cpu")) == 400
    (tmp_path / "memory.max").write_text("max\n")
    assert inference._free_bytes(torch.device("cpu")) > 1_000_000
