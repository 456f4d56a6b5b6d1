"""RetinaNet detection bundles, such as MONAI's ``lung_nodule_ct_detection``.

The bundle's configuration decides anchors, orientation, spacing, intensity, windows and thresholds. What its own
pipeline gets wrong for scans that were not prepared beforehand is put right here: the scan is always resampled to the
spacing that the network needs (the official configuration switches this off and checks nothing), the geometry is that
of the volume (no switch between LPS and RAS to be set), and boxes keep their size on oblique scans (MONAI transforms
two corners only).

Box coordinates follow MONAI: index of a voxel's centre on the network's grid, (x, y, z), as its affine maps to mm.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.apps.detection.networks.retinanet_network import RetinaNet
from monai.apps.detection.utils.detector_utils import pad_images
from monai.data.box_utils import batched_nms, clip_boxes_to_image
from monai.data.meta_tensor import MetaTensor
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers.inferer import SlidingWindowInferer
from monai.inferers.utils import _get_scan_interval
from monai.transforms.compose import Compose
from monai.transforms.spatial.dictionary import Orientationd
from torch import Tensor, nn
from torch.nn import functional

from napari_lesion.detection.monai_bundles.bundle import Bundle, as_model_error, load_weights
from napari_lesion.detection.monai_bundles.config import BundleConfig, Raw, require_limits
from napari_lesion.detection.monai_bundles.winograd import WinogradConv3d, use_winograd
from napari_lesion.imaging import monai_transforms, preprocess
from napari_lesion.imaging.inference import choose_device, fold_batch_norm, is_out_of_memory, number_type
from napari_lesion.model.findings import Candidate, Detection, Heatmap
from napari_lesion.model.volume import FloatArray, Volume, apply_affine, spacing_of
from napari_lesion.models.card import Card, Precision
from napari_lesion.support.errors import LesionError, ModelError
from napari_lesion.support.progress import Progress, part, silent

_SCALE = 1000
_PREPARED, _SEARCHED = 60, 980
"""Where the steps end on the progress scale, about as they share the time."""
_LUNG = re.compile(r"lung|pulmon|thora|chest", re.IGNORECASE)
_SPACING_TEXT = re.compile(r"([\d.]+)\s*[x×*,]\s*([\d.]+)\s*[x×*,]\s*([\d.]+)\s*mm")
_LOADERS = ("LoadImage", "EnsureChannelFirst", "AddChannel")
"""Steps that a volume in memory has behind it."""


@dataclass(frozen=True)
class AnchorGrid:
    """The scan as the network sees it.

    Attributes
    ----------
    image : (1, x, y, z) float32
    affine : (4, 4)
        Index (x, y, z) → LPS mm.
    """

    image: Tensor = field(repr=False)
    affine: FloatArray
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Boxes:
    """What a detector found on the network's grid, best first.

    Attributes
    ----------
    corners : (n, 6) float32
        Lower and upper corner, index (x, y, z).
    scores : (n,) float32
    labels : (n,) int64
        Number of the class, from 0.
    heatmap : (x', y', z') float32
        The best score of the classes and anchors at each place of the finest level; 0 where nothing was searched.
    heatmap_affine : (4, 4)
        Index of ``heatmap`` → index of the grid.
    """

    corners: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    heatmap: npt.NDArray[np.float32] = field(repr=False)
    heatmap_affine: FloatArray
    how: str = ""


class RetinaNetBundle:
    """Finds lesions with the RetinaNet of a detection bundle.

    A lung model's scan is searched in the windows that hold lung, and findings outside the lungs (widened by 8 mm) are
    left out; other models search everywhere. Boxes and scores are those that MONAI's own detector finds there.

    Parameters
    ----------
    bundle : Bundle
    everywhere : bool
        Search a lung model's scan everywhere, too.
    precision : Precision
        See ``inference.number_type``.

    Raises
    ------
    ModelError
        If the bundle would have to run its own code, or its configuration or weights do not fit.
    """

    def __init__(self, bundle: Bundle, *, everywhere: bool = False, precision: Precision = "auto") -> None:
        self._card = bundle.card
        self._steps = _Preparation(bundle)
        self._detector = build_detector(bundle)
        self._precision = precision
        self._fast: tuple[torch.device, nn.Module] | None = None
        self._force_windows = "force_sliding_window" in bundle.config and bundle.config.value("force_sliding_window")
        about = (bundle.metadata.name, bundle.metadata.task, bundle.metadata.description)
        self._in_lungs = not everywhere and _LUNG.search(" ".join(about)) is not None

    @property
    def card(self) -> Card:
        """Identity, licence and threshold of the model."""
        return self._card

    def detect(self, volume: Volume, *, device: str = "auto", progress: Progress = silent) -> Detection:
        """Search a volume for lesions.

        Raises
        ------
        LungsNotFoundError
            If it is a lung model and no lung is in view.
        ModelError
            If the network returns values that are not numbers.
        ConfigError
            If the device is not there, or does not compute in that precision.
        """
        target = choose_device(device)
        number_type(target, self._precision)
        with as_model_error(f"model {self._card.id} cannot search this scan as its configuration says"):
            return self._detect(volume, target, progress)

    def _detect(self, volume: Volume, target: torch.device, progress: Progress) -> Detection:
        started = time.perf_counter()
        progress(0, _SCALE, "preparing the scan for the model")
        region = preprocess.find_search_region(volume) if self._in_lungs else None
        grid = self._steps.prepare(volume)
        prepared = time.perf_counter()
        report = part(progress, _PREPARED, _SEARCHED, _SCALE)
        wanted = None if region is None else places(region, grid.affine)
        warnings = [*grid.warnings, *(region.warnings if region else ())]
        try:
            boxes = self.search(grid.image, places=wanted, device=target, progress=report)
        except RuntimeError as error:
            if target.type == "cpu" or not is_out_of_memory(error):
                raise
            boxes = None
        if boxes is None:  # Out here the failed attempt's tensors are gone.
            warnings.append(f"Out of memory on {target} with the bundle's own windows; used the CPU.")
            target = torch.device("cpu")
            boxes = self.search(grid.image, places=wanted, device=target, progress=report)
        searched = time.perf_counter()
        progress(_SEARCHED, _SCALE, "collecting the candidates")
        candidates = to_candidates(boxes, grid.affine)
        if region is not None:
            candidates = tuple(c for c in candidates if inside(region, c.center_mm))
        heatmap = to_heatmap(boxes, grid.affine, volume)
        collected = time.perf_counter()
        progress(_SCALE, _SCALE, f"{len(candidates)} candidates")
        return Detection(
            heatmap=heatmap,
            candidates=candidates,
            device=f"{target.type} ({boxes.how})",
            timings_s={
                "prepare": prepared - started,
                "network": searched - prepared,
                "candidates": collected - searched,
            },
            warnings=tuple(warnings),
        )

    def prepare(self, volume: Volume) -> AnchorGrid:
        """Bring a scan into the form that the network was trained on."""
        return self._steps.prepare(volume)

    def search(
        self,
        image: Tensor,
        *,
        places: FloatArray | None = None,
        device: torch.device | None = None,
        progress: Progress = silent,
    ) -> Boxes:
        """Run the network over an image and select boxes, as ``RetinaNetDetector`` and the bundle's inferer do.

        Parameters
        ----------
        image : (1, x, y, z) float32
        places : (n, 3), optional
            Indices (x, y, z) to be searched; windows without any are skipped. Everywhere by default.
        device : torch.device, optional
            The CPU by default.
        """
        target = device or torch.device("cpu")
        kind = number_type(target, self._precision)
        if self._fast is None or self._fast[0] != target:
            self._fast = target, fast_network(self._detector.network, target, kind)
        try:
            return _search(self._detector, self._fast[1], image, self._force_windows, places, target, kind, progress)
        except RuntimeError as error:
            if target.type != "cpu" or not is_out_of_memory(error):
                raise
            raise LesionError(
                "The memory does not suffice for the windows that the bundle asks for. Close other programs, use a "
                "machine with more memory, or make the window in the bundle's configuration smaller."
            ) from error


def build_detector(bundle: Bundle) -> RetinaNetDetector:
    """Build the detector of a bundle, with its weights and its parameters for inference.

    Raises
    ------
    ModelError
        If the configuration does not describe one, or it does not fit.
    """
    config = bundle.config
    detector = config.value("detector")
    if not isinstance(detector, RetinaNetDetector):
        raise ModelError(f"{config.path}: detector is {type(detector).__name__}, not a RetinaNetDetector.")
    if "detector_ops" in config:
        config.value("detector_ops")
    if detector.spatial_dims != 3:
        raise ModelError(f"{config.path}: its network is for {detector.spatial_dims}D images; only 3D is supported.")
    load_weights(bundle, detector.network)
    detector.eval()
    return detector


class _Preparation:
    """The bundle's preprocessing, from a volume in memory, always with the spacing that the network needs."""

    def __init__(self, bundle: Bundle) -> None:
        config = bundle.config
        key = next((k for k in ("preprocessing", "pre_transforms", "infer_transforms") if k in config), "preprocessing")
        piece = config.raw(key)
        steps = piece.get("transforms", []) if isinstance(piece, Mapping) else piece
        if isinstance(steps, str):
            steps = config.raw(steps.removeprefix("@"))
        self.warnings: list[str] = []
        transforms: list[Callable[[Any], Any]] = []
        self.key = "image"
        spaced = oriented = False
        for number, step in enumerate(steps):
            if not isinstance(step, Mapping) or "_target_" not in step:
                raise ModelError(
                    f"{config.path}: {key}: step {number} is no transform with a name, so it cannot be used."
                )
            name = re.sub(r"(d|D|Dict)$", "", str(step["_target_"]).rpartition(".")[2])
            where = f"{key}::transforms::{number}"
            if name in _LOADERS:
                self.key = _first(config.build(step.get("keys", self.key), where))
                continue
            if name != "Spacing" and not config.active(step, where):
                continue  # Spacing is switched off for scans that were resampled beforehand; ours never were.
            if name == "Spacing":
                if spaced:
                    continue
                spaced = True
            oriented |= name == "Orientation"
            transforms.append(_transform(config, name, step, where))
        self.key = _first(self.key)
        if not oriented:
            transforms.insert(0, Orientationd(self.key, axcodes="RAS", labels=monai_transforms.RAS_LABELS))
            self.warnings.append("The bundle does not say in which orientation its network sees a scan; RAS was used.")
        if not spaced:
            transforms.insert(1, self._stated_spacing(bundle))
        self._compose = Compose(transforms)
        self._where = config.path

    def _stated_spacing(self, bundle: Bundle) -> Callable[[Any], Any]:
        """Spacing that the metadata states in words, where the configuration has none."""
        if found := _SPACING_TEXT.search(bundle.metadata.image_classes):
            x, y, z = (float(number) for number in found.groups())
            return monai_transforms.FastSpacingd(self.key, (x, y, z))
        self.warnings.append(
            "The bundle does not say which spacing its network needs, so the scan was searched at its own; lesions of "
            "sizes that the network never saw may be missed."
        )
        return _unchanged

    def prepare(self, volume: Volume) -> AnchorGrid:
        """Volume → the network's input, with its affine."""
        tensor = monai_transforms.to_metatensor(volume.voxels, volume.affine)
        result = self._compose({self.key: tensor})[self.key]
        if not isinstance(result, MetaTensor) or result.ndim != 4 or result.shape[0] != 1:
            raise ModelError(
                f"{self._where}: its preprocessing gives an array of the shape {tuple(getattr(result, 'shape', ()))}, "
                "where one channel of a volume is expected."
            )
        return AnchorGrid(result.as_tensor().float(), monai_transforms.lps_affine(result), tuple(self.warnings))


def _transform(config: BundleConfig, name: str, step: Mapping[str, Raw], where: str) -> Callable[[Any], Any]:
    """Build one step of the preprocessing; the costly ones are replaced by ours, which give the same."""
    given = {k: config.build(v, f"{where}::{k}") for k, v in step.items() if not k.startswith("_")}
    if name == "Spacing":
        require_limits("pixdim", given.get("pixdim"), f"{config.path}: {where}: Spacing")
    if name == "Spacing" and set(given) <= {"keys", "pixdim", "mode"} and given.get("mode", "bilinear") == "bilinear":
        x, y, z = (float(pitch) for pitch in given["pixdim"])
        return monai_transforms.FastSpacingd(given["keys"], (x, y, z))
    limits = [given.get(name) for name in ("a_min", "a_max", "b_min", "b_max")]
    if name == "ScaleIntensityRange" and given.get("clip") and None not in limits and len(given) == 6:
        a_min, a_max, b_min, b_max = (float(limit) for limit in limits)  # type: ignore[arg-type]
        return monai_transforms.FastScaleIntensityRanged(given["keys"], a_min, a_max, b_min, b_max)
    if name == "Orientation":
        given.setdefault("labels", monai_transforms.RAS_LABELS)
        return Orientationd(**given)
    if name == "EnsureType" and not given.get("dtype") and given.get("data_type", "tensor") == "tensor":
        return _unchanged  # It is a tensor already, and the device is chosen later.
    built: Callable[[Any], Any] = config.build({k: v for k, v in step.items() if k != "_disabled_"}, where)
    return built


def _unchanged(data: Any) -> Any:
    return data


def _first(keys: Any) -> str:
    return str(keys if isinstance(keys, str) else keys[0])


# -- search -----------------------------------------------------------------------------------------------------------


def _search(
    detector: RetinaNetDetector,
    network: nn.Module,
    image: Tensor,
    force_windows: bool,
    places: FloatArray | None,
    device: torch.device,
    kind: torch.dtype,
    progress: Progress,
) -> Boxes:
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
        return _select(detector, cropped, tuple(divisible.shape[2:]), size, how)


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


def _select(
    detector: RetinaNetDetector,
    levels: list[tuple[Tensor, Tensor, Tensor]],
    padded: tuple[int, ...],
    size: tuple[int, ...],
    how: str,
) -> Boxes:
    """Average the windows and select boxes as ``BoxSelector`` does; only those that score are decoded."""
    anchors, selector = detector.num_anchors_per_loc, detector.box_selector
    corners, scores, labels = [torch.zeros((0, 6))], [torch.zeros(0)], [torch.zeros(0, dtype=torch.int64)]
    heatmap, heatmap_affine = np.zeros((1, 1, 1), dtype=np.float32), np.eye(4)
    for number, (logit_sum, code_sum, shares) in enumerate(levels):
        logits = logit_sum / shares
        logits[:, shares == 0] = -torch.inf
        if bool(torch.isnan(logits).any()):
            raise ModelError(
                "The network returned values that are not numbers. Its weights may be damaged; run it on the CPU "
                "(--device cpu) to see whether the device is the cause."
            )
        shape = tuple(logits.shape[1:])
        by_anchor = logits.reshape(anchors, -1, *shape)
        flat = by_anchor.permute(2, 3, 4, 0, 1).reshape(-1, by_anchor.shape[1])
        chosen, level_scores, level_labels = selector.select_top_score_idx_per_level(flat)
        place, anchor = torch.div(chosen, anchors, rounding_mode="floor"), chosen % anchors
        index = torch.stack(torch.unravel_index(place, shape), dim=1)
        step = torch.tensor([n // m for n, m in zip(padded, shape, strict=True)])
        centers = index * step + torch.div(step, 2, rounding_mode="floor")
        if getattr(detector.anchor_generator, "indexing", "ij") == "xy":
            centers = centers[:, [1, 0, 2]]
        reference = torch.cat([centers, centers], dim=1) + detector.anchor_generator.cell_anchors[number][anchor].cpu()
        x, y, z = index.unbind(1)
        regressed = code_sum.reshape(anchors, -1, *shape)[anchor, :, x, y, z] / shares[x, y, z, None]
        decoded = detector.box_coder.decode_single(regressed, reference)
        clipped, keep = clip_boxes_to_image(decoded, size, remove_empty=True)
        corners.append(torch.as_tensor(clipped))
        scores.append(level_scores[keep])
        labels.append(level_labels[keep])
        best = (logits.amax(0).sigmoid() if selector.apply_sigmoid else logits.amax(0).clamp_(0, 1)).numpy()
        if number == 0:
            heatmap, steps = best, step.numpy()
            heatmap_affine = np.diag([*steps.astype(float), 1.0])
            heatmap_affine[:3, 3] = steps // 2
        else:
            heatmap = np.maximum(heatmap, _enlarged(best, heatmap.shape))
    all_corners, all_scores, all_labels = torch.cat(corners), torch.cat(scores), torch.cat(labels)
    kept = batched_nms(
        all_corners,
        all_scores,
        all_labels,
        selector.nms_thresh,
        box_overlap_metric=selector.box_overlap_metric,
        max_proposals=selector.detections_per_img,
    )
    crop = tuple(
        slice(0, max(1, int(np.ceil((n - heatmap_affine[a, 3]) / heatmap_affine[a, a])))) for a, n in enumerate(size)
    )
    return Boxes(
        corners=all_corners[kept].numpy(),
        scores=all_scores[kept].numpy(),
        labels=all_labels[kept].numpy(),
        heatmap=np.ascontiguousarray(heatmap[crop]),
        heatmap_affine=heatmap_affine,
        how=how,
    )


def _enlarged(values: npt.NDArray[np.float32], shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Repeat the values of a coarser level to the shape of the finest."""
    for axis, n in enumerate(shape):
        index = np.arange(n) * values.shape[axis] // n
        values = values.take(index, axis=axis)
    return values


def to_candidates(boxes: Boxes, affine: FloatArray) -> tuple[Candidate, ...]:
    """Bring boxes into the patient: centre and mean side of each, whatever way the scan is turned.

    Parameters
    ----------
    boxes : Boxes
    affine : (4, 4)
        Index (x, y, z) of the grid → LPS mm.
    """
    low, high = np.split(boxes.corners.astype(np.float64), 2, axis=1)
    centers = apply_affine(affine, (low + high) / 2)
    sides = (high - low) * np.asarray(spacing_of(affine))
    candidates = [
        Candidate((float(x), float(y), float(z)), float(side), float(min(max(score, 0.0), 1.0)))
        for (x, y, z), side, score in zip(centers, sides.mean(axis=1), boxes.scores, strict=True)
    ]
    return tuple(sorted(candidates, key=lambda c: (-c.score, c.center_mm)))


def to_heatmap(boxes: Boxes, affine: FloatArray, volume: Volume) -> Heatmap:
    """Bring the scores of all places into the canonical orientation: (z, y, x)."""
    scores = replace(volume, voxels=boxes.heatmap, affine=affine @ boxes.heatmap_affine, instances=())
    upright = preprocess.canonical(scores)
    return Heatmap(np.ascontiguousarray(upright.voxels, dtype=np.float32), upright.affine)


def places(region: preprocess.SearchRegion, affine: FloatArray) -> FloatArray:
    """Index on the network's grid of every voxel that is to be searched."""
    relative: FloatArray = np.linalg.solve(affine, region.affine).astype(np.float64)
    return apply_affine(relative, np.argwhere(region.search))


def inside(region: preprocess.SearchRegion, center_mm: npt.ArrayLike) -> bool:
    """Whether a point (LPS mm) lies in the region that is searched."""
    index = np.rint(apply_affine(np.linalg.inv(region.affine).astype(np.float64), center_mm)).astype(int)
    if (index < 0).any() or (index >= region.search.shape).any():
        return False
    return bool(region.search[tuple(index)])
