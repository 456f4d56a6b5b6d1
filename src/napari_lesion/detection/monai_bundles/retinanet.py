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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from monai.transforms.spatial.dictionary import Orientationd
from torch import Tensor, nn

from napari_lesion.detection.monai_bundles.box_search import fast_network, search
from napari_lesion.detection.monai_bundles.boxes import Boxes, inside, places, to_candidates, to_heatmap
from napari_lesion.detection.monai_bundles.bundle import Bundle, as_model_error, load_weights
from napari_lesion.detection.monai_bundles.config import BundleConfig, Raw, require_limits
from napari_lesion.detection.package_detector import Steps
from napari_lesion.imaging import monai_transforms, preprocess
from napari_lesion.imaging.inference import choose_device, is_out_of_memory, number_type
from napari_lesion.model.findings import Detection
from napari_lesion.model.volume import FloatArray, Volume
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
        steps = Steps()
        progress(0, _SCALE, "preparing the scan for the model")
        region = preprocess.find_search_region(volume) if self._in_lungs else None
        grid = self._steps.prepare(volume)
        steps.ended("prepare")
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
        steps.ended("network")
        progress(_SEARCHED, _SCALE, "collecting the candidates")
        candidates = to_candidates(boxes, grid.affine)
        if region is not None:
            candidates = tuple(c for c in candidates if inside(region, c.center_mm))
        heatmap = to_heatmap(boxes, grid.affine, volume)
        steps.ended("candidates")
        progress(_SCALE, _SCALE, f"{len(candidates)} candidates")
        return Detection(
            heatmap=heatmap,
            candidates=candidates,
            device=f"{target.type} ({boxes.how})",
            timings_s=steps.seconds,
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
            return search(self._detector, self._fast[1], image, self._force_windows, places, target, kind, progress)
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
