"""Networks in the files of other runtimes: ONNX and OpenVINO, compared with torch before they are written.

Both take a lung box of any size and return what the network returns. The number type is pinned: OpenVINO would choose
bf16 by itself where the processor has it. Quantisation to 8-bit integers is OpenVINO's (NNCF).
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from napari_lesion.detection.quantise import INFO, MULTIPLE, Image, quantised, required_package
from napari_lesion.models.package_metadata import NoduleNetSpec
from napari_lesion.models.packages import ModelPackage, find_package, load_network
from napari_lesion.support.atomic import whole_file, whole_folder
from napari_lesion.support.errors import ModelError, OptionError
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from napari_lesion.models.card import Detector

Format: TypeAlias = Literal["onnx", "openvino"]
ExportPrecision: TypeAlias = Literal["f32", "bf16"]

TOLERANCE = 1e-4
"""Largest difference from torch, in any output, that an export may have: what the order of sums explains, and room."""
MODEL_FILE = {"onnx": "model.onnx", "openvino": "model.xml"}
"""The file to open in an exported folder; OpenVINO keeps its numbers in ``model.bin`` beside it."""

_CHECKED_SHAPES = ((32, 48, 64), (64, 32, 48), (80, 80, 80))
"""Boxes on which an export is compared; that they differ shows that any shape may come."""
_INPUT, _OUTPUT = "image", "maps"
_POLL_MS = 100


@dataclass(frozen=True)
class Exported:
    """A model in the file of another runtime."""

    path: Path
    """The file to open: ``.onnx``, or OpenVINO's ``.xml`` with a ``.bin`` beside it."""
    largest_difference: float
    """From torch, in any output on the boxes that were compared."""


class OpenVinoNetwork:
    """A network compiled by OpenVINO for this processor, to be given to ``inference.predict``.

    Parameters
    ----------
    model : openvino.Model
    precision : {"f32", "bf16"}
        What it computes in.

    Raises
    ------
    OptionError
        If the processor cannot compute in ``precision``.
    """

    def __init__(self, model: Any, precision: ExportPrecision = "f32") -> None:
        import openvino
        import torch

        core = openvino.Core()
        capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "bf16" and "BF16" not in capabilities:
            raise OptionError(f"This processor does not compute in bf16, only in {', '.join(capabilities)}. Use f32.")
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        }
        self._compiled = core.compile_model(model, "CPU", settings)
        weights = _info(model, "weights")
        self.how = f"{'float32' if precision == 'f32' else 'bfloat16'}{', int8 weights' if weights == 'int8' else ''}"
        self.how += f", OpenVINO {openvino.get_version().split('-')[0]}"
        first = next(op for op in model.get_ordered_ops() if op.get_type_name() == "Convolution")
        self.width = int(first.get_output_partial_shape(0)[1].get_length())

    def __call__(self, image: Tensor, waiting: Callable[[], None]) -> Tensor:
        """(1, 1, d, h, w) float32 on the CPU → (1, 5, d/2, h/2, w/2); ``waiting`` is called as long as it takes.

        What ``waiting`` raises stops the pass.
        """
        import torch

        request = self._compiled.create_infer_request()
        request.start_async({0: np.ascontiguousarray(image.numpy())})
        try:
            while not request.wait_for(_POLL_MS):
                waiting()
        except BaseException:
            request.cancel()
            raise
        return torch.from_numpy(request.get_output_tensor(0).data.copy())


def export(
    package: ModelPackage,
    out: Path,
    to: Format,
    *,
    calibration: Sequence[Image] = (),
    progress: Progress = silent,
) -> Exported:
    """Write a model package's network for another runtime: a folder with the network, ``model.yaml`` and ``card.md``.

    Input ``image`` is (1, 1, d, h, w) float32, a box at the package's voxel pitch scaled from its HU window to [0, 1],
    each side a multiple of 16. Output ``maps`` is (1, 5, d/2, h/2, w/2) as ``networks.NoduleNet`` documents.

    Parameters
    ----------
    package : ModelPackage
    out : Path
        The folder; one that is there already is replaced, once all is well.
    to : {"onnx", "openvino"}
    calibration : sequence of (1, 1, d, h, w)
        Boxes from which the ranges of 8-bit integers are taken; with none the numbers stay float32. OpenVINO only.

    Raises
    ------
    ModelError
        If the weights are damaged, the network is of a kind that cannot be exported, or the exported network does not
        give what torch gives.
    OptionError
        If the packages for it are not installed, or int8 is asked for in ONNX.
    """
    if to == "onnx" and len(calibration):
        raise OptionError("int8 is made for OpenVINO only. Export with --to openvino.")
    progress(0, 3, "reading the model")
    network = _network(package)
    progress(1, 3, f"converting to {to}")
    with whole_folder(out) as new:
        path = new / MODEL_FILE[to]
        if to == "onnx":
            _write_onnx(network, package, path)
            run = _onnx_runner(path)
        else:
            model = to_openvino(network, package)
            if len(calibration):
                model = quantised(model, calibration)
            _save_openvino(model, path)
            run = _openvino_runner(path)
        progress(2, 3, "comparing with torch")
        difference = largest_difference(network, run)
        if not difference <= TOLERANCE and not len(calibration):
            raise ModelError(
                f"model {package.metadata.id}: in {to} it gives values that differ by {difference:.1e} from torch's, "
                f"where {TOLERANCE:.0e} is allowed. Nothing was written; use it with torch, or another version of {to}."
            )
        for file in package.folder.glob("*"):
            if file.suffix in (".yaml", ".md"):
                (new / file.name).write_bytes(file.read_bytes())
    progress(3, 3, "written")
    return Exported(out / MODEL_FILE[to], difference)


def to_openvino(network: nn.Module, package: ModelPackage) -> Any:
    """Convert a network to an ``openvino.Model`` that takes boxes of any size and knows which package it is of.

    Raises
    ------
    OptionError
        If OpenVINO is not installed.
    """
    openvino = required_package("openvino")
    import torch
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    from napari_lesion.imaging.inference import fold_batch_norm

    # What openvino.convert_model does, without the report on its use that it sends to its makers.
    frontend = openvino.frontend.FrontEndManager().load_by_framework("pytorch")
    with _quiet(), torch.no_grad():
        example = torch.zeros((1, 1, *_CHECKED_SHAPES[0]))
        decoder = TorchScriptPythonDecoder(fold_batch_norm(network), example_input=example)
        model = frontend.convert(frontend.load(decoder))
    model.reshape([1, 1, -1, -1, -1])
    model.inputs[0].set_names({_INPUT})
    model.outputs[0].set_names({_OUTPUT})
    for name, value in {**_identity(package), "weights": "f32"}.items():
        model.set_rt_info(value, [INFO, name])
    return model


def compile_package(package: ModelPackage, precision: ExportPrecision = "f32") -> OpenVinoNetwork:
    """Compile a package's network by OpenVINO, in memory.

    Raises
    ------
    OptionError
        If OpenVINO is not installed, or the processor cannot compute in ``precision``.
    ModelError
        If the weights are damaged, or the network is of a kind that cannot be exported.
    """
    required_package("openvino")
    return OpenVinoNetwork(to_openvino(_network(package), package), precision)


def load_exported(path: Path, package: ModelPackage, precision: ExportPrecision = "f32") -> OpenVinoNetwork:
    """Compile an exported OpenVINO file, if it was made from this package.

    Raises
    ------
    OptionError
        If OpenVINO is not installed, or the processor cannot compute in ``precision``.
    ModelError
        If the file cannot be read, or was made from something else.
    """
    openvino = required_package("openvino")
    try:
        model = openvino.Core().read_model(path)
    except RuntimeError as error:
        raise ModelError(f"{path} is no OpenVINO model that can be read. Export it again.") from error
    wanted = _identity(package)
    found = {name: _info(model, name) for name in wanted}
    if found != wanted:
        raise ModelError(
            f"{path} was not exported from {package.metadata.id} {package.metadata.version} (its sha256 is "
            f"{found['sha256'] or 'not given'}, that of the model is {wanted['sha256']}). Export it again."
        )
    return OpenVinoNetwork(model, precision)


def load_detector(name: str | Path, runtime: str) -> Detector:
    """Load a detector whose network another runtime runs.

    Parameters
    ----------
    name : str or Path
        The id of a model that is installed, or the folder of a model package.
    runtime : str
        ``openvino`` converts the network now, which takes seconds; else the path of the ``model.xml`` of an export.

    Raises
    ------
    OptionError
        If OpenVINO is not installed.
    ModelError
        If there is no such model, it is damaged or cannot be exported, or the export is of another model.
    """
    from napari_lesion.detection.nodule3d import NoduleDetector

    package = find_package(name)
    if runtime == "openvino":
        return NoduleDetector(package, compile_package(package))
    if not Path(runtime).is_file():
        raise OptionError(f"There is no runtime {runtime!r}; give torch, openvino, or the model.xml of an export.")
    return NoduleDetector(package, load_exported(Path(runtime), package))


def largest_difference(network: nn.Module, run: Callable[[Image], Image]) -> float:
    """Compare with torch in any output, on boxes of several shapes whose values are spread over [0, 1]."""
    import torch

    random = np.random.default_rng(0)
    worst = 0.0
    for shape in _CHECKED_SHAPES:
        image = random.random((1, 1, *shape), dtype=np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(image)).numpy()
        found = run(image)
        if found.shape != expected.shape:
            return float("inf")
        worst = max(worst, float(np.abs(found - expected).max()))
    return worst


def _network(package: ModelPackage) -> nn.Module:
    spec = package.metadata.network
    if not isinstance(spec, NoduleNetSpec):
        raise ModelError(
            f"model {package.metadata.id}: a network of the kind {spec.name} cannot be exported, only one of NoduleNet."
        )
    return load_network(package)


def _identity(package: ModelPackage) -> dict[str, str]:
    return {"id": package.metadata.id, "version": package.metadata.version, "sha256": package.metadata.sha256}


def _write_onnx(network: nn.Module, package: ModelPackage, path: Path) -> None:
    onnx = required_package("onnx")
    required_package("onnxscript")
    import torch

    from napari_lesion.imaging.inference import fold_batch_norm

    sides = {axis: MULTIPLE * torch.export.Dim(name) for axis, name in ((2, "d"), (3, "h"), (4, "w"))}
    with _quiet():
        program = torch.onnx.export(
            fold_batch_norm(network),
            (torch.zeros((1, 1, *_CHECKED_SHAPES[0])),),
            dynamo=True,
            dynamic_shapes=(sides,),
            input_names=[_INPUT],
            output_names=[_OUTPUT],
            verbose=False,
        )
    assert program is not None  # it is None only where torch writes the file itself
    model = program.model_proto
    onnx.helper.set_model_props(model, {f"{INFO}.{name}": value for name, value in _identity(package).items()})
    onnx.checker.check_model(model)
    with whole_file(path) as temporary:
        onnx.save_model(model, temporary)


def _onnx_runner(path: Path) -> Callable[[Image], Image]:
    onnxruntime = required_package("onnxruntime")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda image: session.run(None, {_INPUT: image})[0]


def _save_openvino(model: Any, path: Path) -> None:
    import openvino

    openvino.save_model(model, path, compress_to_fp16=False)


def _openvino_runner(path: Path) -> Callable[[Image], Image]:
    import openvino
    import torch

    network = OpenVinoNetwork(openvino.Core().read_model(path))
    return lambda image: network(torch.from_numpy(image), lambda: None).numpy()


def _info(model: Any, name: str) -> str:
    path = [INFO, name]
    return str(model.get_rt_info(path).value) if model.has_rt_info(path) else ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the converters' remarks on what is not the user's business."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
