"""A RetinaNet over a whole scan: window by window, its pyramid assembled, boxes reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.apps.detection.networks.retinanet_network import RetinaNet
from monai.apps.detection.utils.detector_utils import pad_images
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers.inferer import SlidingWindowInferer
from monai.inferers.utils import _get_scan_interval
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.detection.monai_bundles.boxes import Boxes, select
from napari_lesion.detection.monai_bundles.winograd import WinogradConv3d, use_winograd
from napari_lesion.imaging.inference import fold_batch_norm
from napari_lesion.model.volume import FloatArray
from napari_lesion.support.progress import Progress


def search(
    detector: RetinaNetDetector,
    network: nn.Module,
    image: Tensor,
    force_windows: bool,
    places: FloatArray | None,
    device: torch.device,
    kind: torch.dtype,
    progress: Progress,
) -> Boxes:
    """Find boxes in a whole scan, window by window as far as memory needs it."""
    size = tuple(image.shape[1:])
    divisible, _ = pad_images(image[None], 3, detector.size_divisible)
    windows, before, padded = _windows(detector.inferer, image, divisible, force_windows)
    whole = tuple(padded.shape[2:])
    wanted = [w for w in windows if places is None or _holds(w, places + before)]
    weight = torch.ones((1, 1, 1, 1, 1))
    if len(windows) > 1 and detector.inferer is not None:
        shape = tuple(s.stop - s.start for s in windows[0])
        weight = compute_importance_map(
            shape, mode=detector.inferer.mode, sigma_scale=detector.inferer.sigma_scale, dtype=torch.float32
        )[None, None]
    run = _Run(detector, network, device, padded, weight)
    autocast = nullcontext() if kind == torch.float32 else torch.autocast(device.type, dtype=kind)
    with torch.inference_mode(), autocast, _reported(network, len(wanted), progress) as start_window:
        for number, window in enumerate(wanted):
            start_window(number)
            run.search(window)
        run.complete()
        cropped = [_cropped(level, whole, before, tuple(divisible.shape[2:])) for level in run.levels]
        parts = "one pass" if len(windows) == 1 else f"{len(wanted)} of {len(windows)} windows"
        how = f"{str(kind).removeprefix('torch.')}, {parts}"
        return select(detector, cropped, tuple(divisible.shape[2:]), size, how)


@contextmanager
def _reported(network: nn.Module, windows: int, progress: Progress) -> Iterator[Callable[[int], None]]:
    """Call ``progress`` after every convolution: a window takes minutes, and must be cancelled in the middle, too."""
    layers = [module for module in network.modules() if isinstance(module, nn.Conv3d | WinogradConv3d)]
    steps, number, done = 2 * len(layers), 0, 0  # The heads' layers run once a level.

    def start(window: int) -> None:
        nonlocal number, done
        number, done = window, 0

    def step(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG001
        nonlocal done
        done = min(done + 1, steps)
        progress(number * steps + done, windows * steps, f"searching {windows} windows")

    progress(0, windows * steps, f"searching {windows} windows")
    hooks = [layer.register_forward_hook(step) for layer in layers]
    try:
        yield start
    finally:
        for hook in hooks:
            hook.remove()


@dataclass
class _Level:
    """What the windows said so far about one level of the pyramid: weighted sums, and the weights."""

    logits: Tensor
    codes: Tensor
    shares: Tensor
    without_codes: list[tuple[slice, ...]] = field(default_factory=list)
    """Windows in which nothing scored, so that no boxes were regressed."""


@dataclass
class _Run:
    """One search: windows are added to the levels, one after the other.

    Half of a RetinaNet's work is to regress boxes, which nobody needs where nothing scores. So boxes are regressed only
    in windows that score somewhere, and later in those whose neighbours lift them over the threshold.
    """

    detector: RetinaNetDetector
    network: nn.Module
    device: torch.device
    image: Tensor
    weight: Tensor
    levels: list[_Level] = field(default_factory=list)

    def search(self, window: tuple[slice, ...]) -> None:
        """Run the network over a window."""
        for number, (logits, features) in enumerate(self._maps(window)):
            if len(self.levels) <= number:
                self._start_level(logits, window)
            level = self.levels[number]
            place, share = self._place(level, window)
            level.logits[(slice(None), *place)] += logits.float().cpu() * share
            level.shares[place] += share[0]
            if bool(self._scores(logits.max())):
                self._add_codes(level, place, share, features)
            else:
                level.without_codes.append(window)

    def complete(self) -> None:
        """Regress the boxes that were left out and turn out to be needed."""
        missing: dict[tuple[tuple[int, int], ...], list[int]] = {}
        for number, level in enumerate(self.levels):
            scoring = self._scores(level.logits.amax(0) / level.shares)
            for window in level.without_codes:
                if bool(scoring[self._place(level, window)[0]].any()):
                    missing.setdefault(tuple((s.start, s.stop) for s in window), []).append(number)
        for bounds, numbers in missing.items():
            window = tuple(slice(a, b) for a, b in bounds)
            for number, (_, features) in enumerate(self._maps(window)):
                if number in numbers:
                    level = self.levels[number]
                    self._add_codes(level, *self._place(level, window), features)

    def _maps(self, window: tuple[slice, ...]) -> Iterator[tuple[Tensor, Callable[[], Tensor]]]:
        """Class logits of each level (channels, x, y, z), and what gives its box codes."""
        x, y, z = window
        piece = self.image[..., x, y, z].to(self.device)
        if self.device.type != "mps":  # MPS knows no channels_last_3d.
            piece = piece.contiguous(memory_format=torch.channels_last_3d)
        if isinstance(self.network, RetinaNet):
            features = self.network.feature_extractor(piece)
            for level in _listed(features):
                yield (
                    self.network.classification_head([level])[0][0],
                    lambda level=level: self.network.regression_head([level])[0][0],  # type: ignore[misc]
                )
            return
        outputs = self.network(piece)
        if isinstance(outputs, Mapping):
            classes, codes = _listed(outputs[self.detector.cls_key]), _listed(outputs[self.detector.box_reg_key])
        else:
            classes, codes = list(outputs[: len(outputs) // 2]), list(outputs[len(outputs) // 2 :])
        for logits, code in zip(classes, codes, strict=True):
            yield logits[0], lambda code=code: code[0]  # type: ignore[misc]

    def _start_level(self, logits: Tensor, window: tuple[slice, ...]) -> None:
        here = zip(logits.shape[1:], window, self.image.shape[2:], strict=True)
        full = [int(side * (n / (w.stop - w.start))) for n, w, side in here]
        codes = 6 * self.detector.num_anchors_per_loc
        self.levels.append(
            _Level(torch.zeros((logits.shape[0], *full)), torch.zeros((codes, *full)), torch.zeros(full))
        )

    def _place(self, level: _Level, window: tuple[slice, ...]) -> tuple[tuple[slice, ...], Tensor]:
        """Where a window lies on a level, and the weight of each place in it, (1, x, y, z)."""
        zoom = [n / side for n, side in zip(level.shares.shape, self.image.shape[2:], strict=True)]
        place = tuple(slice(int(w.start * z), int(w.stop * z)) for w, z in zip(window, zoom, strict=True))
        shape = [s.stop - s.start for s in place]
        share = self.weight if self.weight.numel() > 1 else self.weight.expand(1, 1, *shape)
        return place, functional.interpolate(share, shape, mode="nearest-exact")[0]

    def _add_codes(self, level: _Level, place: tuple[slice, ...], share: Tensor, codes: Callable[[], Tensor]) -> None:
        level.codes[(slice(None), *place)] += codes().float().cpu() * share

    def _scores(self, logits: Tensor) -> Tensor:
        selector = self.detector.box_selector
        return (logits.float().sigmoid() if selector.apply_sigmoid else logits) > selector.score_thresh


def _cropped(
    level: _Level, whole: tuple[int, ...], before: npt.NDArray[np.int64], size: tuple[int, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    """Take away what windows larger than the image added around it."""
    zoom = [n / d for n, d in zip(level.shares.shape, whole, strict=True)]
    crop = tuple(slice(round(int(b) * z), round((int(b) + n) * z)) for b, n, z in zip(before, size, zoom, strict=True))
    return level.logits[(slice(None), *crop)], level.codes[(slice(None), *crop)], level.shares[crop]


def _windows(
    inferer: SlidingWindowInferer | None, image: Tensor, padded: Tensor, force: bool
) -> tuple[list[tuple[slice, ...]], npt.NDArray[np.int64], Tensor]:
    """Divide an image as ``sliding_window_inference`` does: windows, voxels padded before it, the padded image."""
    nothing = np.zeros(3, dtype=np.int64)
    shape = tuple(padded.shape[2:])
    if inferer is None:
        return [tuple(slice(0, n) for n in shape)], nothing, padded
    roi = inferer.roi_size if isinstance(inferer.roi_size, Sequence) else [inferer.roi_size] * 3
    roi = [n if r is None or r <= 0 else int(r) for r, n in zip(roi, shape, strict=True)]
    # The zoo's inferer runs one pass over images with fewer voxels than a window.
    if not force and image[0].numel() < np.prod(roi):
        return [tuple(slice(0, n) for n in shape)], nothing, padded
    missing = [max(r - n, 0) for r, n in zip(roi, shape, strict=True)]
    before = np.array([m // 2 for m in missing])
    if any(missing):
        pads = [p for m in reversed(missing) for p in (m // 2, m - m // 2)]
        padded = functional.pad(padded, pads, mode=str(inferer.padding_mode), value=inferer.cval)
    shape = tuple(padded.shape[2:])
    overlap = inferer.overlap if isinstance(inferer.overlap, Sequence) else [inferer.overlap] * 3
    interval = _get_scan_interval(shape, roi, 3, overlap)
    return list(dense_patch_slices(shape, roi, interval)), before, padded


def _holds(window: tuple[slice, ...], places: FloatArray) -> bool:
    low = np.array([s.start for s in window]) - 0.5
    high = np.array([s.stop for s in window]) - 0.5
    return bool(((places >= low) & (places < high)).all(axis=1).any())


def fast_network(network: nn.Module, device: torch.device, kind: torch.dtype) -> nn.Module:
    """Return a copy of a network for inference on a device: batch norms folded, channels last, Winograd's products."""
    folded = fold_batch_norm(network).to(device)
    if device.type == "cpu" and kind == torch.float32:
        use_winograd(folded)
    if device.type != "mps":  # MPS knows no channels_last_3d.
        folded.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return folded


def _listed(maps: Any) -> list[Tensor]:
    if isinstance(maps, Mapping):
        return list(maps.values())
    return [maps] if isinstance(maps, Tensor) else list(maps)
