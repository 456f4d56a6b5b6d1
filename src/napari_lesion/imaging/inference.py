"""Running a network over a lung box: on which device, in how many pieces, and what happens when memory runs out."""

from __future__ import annotations

import copy
import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import psutil
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from napari_lesion.imaging.windows import Shape, coarse, cropped, halved, padded, padded_part, windows
from napari_lesion.models.card import Precision
from napari_lesion.models.networks import OUTPUT_STRIDE
from napari_lesion.support.errors import LesionError, ModelError, OptionError
from napari_lesion.support.progress import Progress, silent

_OUTPUTS = 5
_MEMORY_SHARE = 0.8
"""Share of the free memory that a pass may plan with."""
_CGROUP = Path("/sys/fs/cgroup")
_GPU = threading.Lock()
"""cuDNN's switches are global, so one prediction at a time sets them, runs and sets them back."""


@dataclass(frozen=True)
class Prediction:
    """What a network said about a box, at every output voxel, and how it was run.

    Output voxel k has its centre at input index 2k + 0.5 along each axis.

    Attributes
    ----------
    probability : (d', h', w') float32
        Probability-like score in [0, 1]; 0 outside the mask. d' is d/2, rounded up.
    log_diameter : (d', h', w') float32
        ln(diameter / 8 mm).
    offsets : (3, d', h', w') float32
        From the output voxel's centre to the lesion's along (z, y, x), mm.
    device : str
        ``cpu``, ``cuda`` or ``mps``: where it ran in the end.
    how : str
        Number type and division, e.g. ``float32, one pass``.
    """

    probability: npt.NDArray[np.float32] = field(repr=False)
    log_diameter: npt.NDArray[np.float32] = field(repr=False)
    offsets: npt.NDArray[np.float32] = field(repr=False)
    device: str
    how: str
    warnings: tuple[str, ...] = ()


class Compiled(Protocol):
    """A network like ``NoduleNet`` that another runtime compiled for the CPU."""

    how: str
    """Number type and runtime."""
    width: int
    """Channels of the first stage, by which the memory of a pass is estimated."""

    def __call__(self, image: Tensor, waiting: Callable[[], None]) -> Tensor:
        """(1, 1, d, h, w) float32 → (1, 5, d/2, h/2, w/2); ``waiting`` is called meanwhile, and may raise to stop."""
        ...


def choose_device(name: str = "auto", compiled: Compiled | None = None) -> torch.device:
    """Where to run: ``auto`` takes CUDA, else MPS, else the CPU; what was compiled runs on the CPU.

    Raises
    ------
    OptionError
        If the device is unknown, or is not there: an explicit wish is never replaced silently.
    """
    if compiled is not None:
        if name not in ("auto", "cpu"):
            raise OptionError(f"{compiled.how} runs on the CPU, not on {name!r}; use torch, or the device cpu.")
        return torch.device("cpu")
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda", "mps"):
        raise OptionError(f"There is no device {name!r}; choose auto, cpu, cuda or mps.")
    present = {"cpu": True, "cuda": cuda and (device.index or 0) < torch.cuda.device_count(), "mps": mps}
    if not present[device.type]:
        raise OptionError(f"The device {name!r} is not available on this machine; choose auto or cpu.")
    return device


def number_type(device: torch.device, precision: Precision = "auto") -> torch.dtype:
    """Choose the number type that a network computes in.

    Parameters
    ----------
    device : torch.device
    precision : Precision
        ``auto`` is float16 on CUDA and float32 elsewhere: the newest CPUs would be quicker with bfloat16, but then what
        is found would depend on the make of the CPU, wherever a score lies near the threshold.

    Raises
    ------
    OptionError
        If the device does not compute in bfloat16.
    """
    if precision == "float32" or (precision == "auto" and device.type != "cuda"):
        return torch.float32
    if precision == "auto":
        return torch.float16
    able = (
        torch.cuda.is_bf16_supported(including_emulation=False)
        if device.type == "cuda"
        else device.type == "cpu" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )
    if not able:
        raise OptionError(f"This {device.type} does not compute in bfloat16; choose the precision float32 or auto.")
    return torch.bfloat16


def predict(
    network: nn.Module | Compiled,
    image: Tensor,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    mask: npt.NDArray[np.bool_] | None = None,
    progress: Progress = silent,
) -> Prediction:
    """Run a network like ``NoduleNet`` over a box: in one pass where memory allows, else in windows.

    Windows overlap by the whole receptive field and lie on the network's coarsest grid, so their cores equal the one
    pass. When memory runs out the window is halved along its longest side; when it cannot get smaller, the CPU takes
    over. Both are said in ``warnings``. Neither ``network`` nor any global setting of torch is changed.

    Parameters
    ----------
    network : nn.Module or Compiled
        (1, 1, d, h, w) → (1, 5, d/2, h/2, w/2), as ``NoduleNet`` documents; each side a multiple of 16.
    image : (1, 1, d, h, w) float32
        Any size: the far ends are padded with 0, which is what the network's own padding continues with.
    device : str
        ``auto``, ``cpu``, ``cuda`` (``cuda:1``) or ``mps``.
    precision : Precision
        See ``number_type``. A compiled network has its own.
    mask : (d, h, w) bool, optional
        Where to search. Windows without any of it are skipped, and the probability is 0 outside.
    progress : Progress
        Called after every layer.

    Raises
    ------
    OptionError
        If the device is not there, does not compute in that precision, or is not the CPU where the network was compiled
        for it.
    ModelError
        If the network returns values that are not numbers.
    LesionError
        If the memory does not suffice for the smallest window on the CPU.
    Cancelled
        If ``progress`` raised it.
    """
    inside = coarse(torch.ones(image.shape[2:], dtype=torch.bool) if mask is None else torch.from_numpy(mask))
    target = choose_device(device, None if isinstance(network, nn.Module) else network)
    warnings: list[str] = []
    window = _fitting_window(padded(image.shape[2:]), network, target)
    while True:
        error = ""
        try:
            output, how = _run(network, image, inside, window, target, precision, progress)
        except (MemoryError, RuntimeError) as raised:
            if not is_out_of_memory(raised):
                raise
            error = str(raised).splitlines()[0] if str(raised) else "no memory"
        if not error:
            break
        # Out here nothing holds the failed attempt any more: the exception is gone, and with it the frames and their
        # tensors. Only now can the memory really be given back.
        _give_back_memory(target)
        smaller = halved(window)
        if smaller is not None:
            warnings.append(f"Out of memory on {target} with a window of {_text(window)} voxels; halved it.")
            window = smaller
        elif target.type != "cpu":
            warnings.append(f"Out of memory on {target} even with a window of {_text(window)} voxels; used the CPU.")
            target = torch.device("cpu")
            window = _fitting_window(padded(image.shape[2:]), network, target)
        else:
            raise LesionError(
                f"The memory does not suffice for a window of {_text(window)} voxels ({error}). "
                "Close other programs, or use a machine with more memory."
            )
    if not bool(torch.isfinite(output).all()):
        raise ModelError(
            f"The network returned values that are not numbers on {target} ({how}). Its weights may be damaged; "
            "run it on the CPU (--device cpu) to see whether the device is the cause."
        )
    output[0].sigmoid_().mul_(inside)
    array: npt.NDArray[np.float32] = output.numpy()
    return Prediction(array[0], array[1], array[2:5], target.type, how, tuple(warnings))


def fold_batch_norm(network: nn.Module) -> nn.Module:
    """Return a copy for inference whose batch norms are folded into the convolutions before them.

    A batch norm belongs to the convolution that its parent module registers right before it, as in a ``Sequential``.
    """
    folded = copy.deepcopy(network).eval()
    for parent in list(folded.modules()):
        children = list(parent.named_children())
        for (name, convolution), (norm_name, norm) in itertools.pairwise(children):
            if isinstance(convolution, nn.Conv3d) and isinstance(norm, nn.BatchNorm3d):
                setattr(parent, name, fuse_conv_bn_eval(convolution, norm))
                setattr(parent, norm_name, nn.Identity())
    return folded


def _run(
    network: nn.Module | Compiled,
    image: Tensor,
    inside: Tensor,
    window: Shape,
    device: torch.device,
    precision: Precision,
    progress: Progress,
) -> tuple[Tensor, str]:
    """One attempt: (5, d', h', w') float32 on the CPU, and how it ran."""
    shape = padded(image.shape[2:])
    todo = [
        (outer, core)
        for outer, core in windows(shape, window)
        if bool(inside[cropped(core, tuple(inside.shape))].any())
    ]
    output = torch.zeros((_OUTPUTS, *inside.shape))
    with torch.inference_mode(), _deterministic(device):
        if isinstance(network, nn.Module):
            run, how = _torch(network, device, number_type(device, precision), len(todo), progress)
        else:
            run, how = _compiled(network, device, len(todo), progress)
        for outer, core in todo:
            result = run(padded_part(image, outer))[0]
            inner = tuple(slice((c.start - o.start) // 2, None) for c, o in zip(core, outer, strict=True))
            place = cropped(core, tuple(inside.shape))
            size = [s.stop - s.start for s in place]
            result = result[(slice(None), *inner)][:, : size[0], : size[1], : size[2]]
            output[(slice(None), *place)] = result.cpu()
            del result
    return output, f"{how}, " + ("one pass" if window == shape else f"{len(todo)} windows")


def _torch(
    network: nn.Module, device: torch.device, kind: torch.dtype, passes: int, progress: Progress
) -> tuple[Callable[[Tensor], Tensor], str]:
    """Give what runs one window, and the number type."""
    # MPS knows no channels_last_3d.
    layout = torch.contiguous_format if device.type == "mps" else torch.channels_last_3d
    folded = fold_batch_norm(network).to(device=device, dtype=kind)
    folded.to(memory_format=layout)  # type: ignore[call-overload]
    _report_layers(folded, passes, f"network on {device.type}", progress)

    def run(image: Tensor) -> Tensor:
        result: Tensor = folded(image.to(device=device, dtype=kind, memory_format=layout)).float()
        return result

    return run, str(kind).removeprefix("torch.")


def _compiled(
    network: Compiled, device: torch.device, passes: int, progress: Progress
) -> tuple[Callable[[Tensor], Tensor], str]:
    """Give what runs one window, and the number type and runtime."""
    what, done = f"network on {device.type}", 0

    def run(image: Tensor) -> Tensor:
        nonlocal done
        progress(done, passes, what)
        result = network(image, lambda: progress(done, passes, what))
        done += 1
        progress(done, passes, what)
        return result

    return run, network.how


def _report_layers(network: nn.Module, passes: int, what: str, progress: Progress) -> None:
    """Call ``progress`` after every convolution, so that even one long pass moves on and can be cancelled."""
    layers = [module for module in network.modules() if isinstance(module, nn.Conv3d)]
    total, done = passes * len(layers), 0

    def step(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001
        nonlocal done
        done += 1
        progress(done, total, what)

    progress(0, total, what)
    for layer in layers:
        layer.register_forward_hook(step)


@contextmanager
def _deterministic(device: torch.device) -> Iterator[None]:
    if device.type != "cuda":
        yield
        return
    with _GPU, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        yield


def _fitting_window(shape: Shape, network: nn.Module | Compiled, device: torch.device) -> Shape:
    """Take the whole box, halved until its pass should fit into the free memory."""
    window, free = shape, _free_bytes(device)
    while free is not None and np.prod(window) * _bytes_per_voxel(network) > _MEMORY_SHARE * free:
        smaller = halved(window)
        if smaller is None:
            break
        window = smaller
    return window


def _bytes_per_voxel(network: nn.Module | Compiled) -> float:
    """Memory that a pass takes per input voxel: four maps of the first stage (in float32) live at the same time.

    Measured on the CPU for a width of 24: 43.5 to 48 bytes, where this says 48.
    """
    if isinstance(network, nn.Module):
        width = next((m.out_channels for m in network.modules() if isinstance(m, nn.Conv3d)), 1)
    else:
        width = network.width
    return 4 * width * 4 / OUTPUT_STRIDE**3


def _free_bytes(device: torch.device) -> int | None:
    """Memory that may still be taken on a device; None where nothing can tell."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    free = int(psutil.virtual_memory().available)
    try:  # A container may allow less than the machine has.
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        fields = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        return min(free, limit - used + int(fields["inactive_file"]))  # The file cache gives way.
    except (OSError, ValueError, KeyError):
        return free


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that memory ran out, of the GPU or of the machine."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return any(sign in text for sign in ("DefaultCPUAllocator", "out of memory", "_ALLOC_FAILED"))


def _give_back_memory(device: torch.device) -> None:
    # A thread beside a window must not collect: what is left of closed windows is freed by the window's thread alone.
    if threading.current_thread() is threading.main_thread():
        gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _text(window: Shape) -> str:
    return "×".join(map(str, window))
