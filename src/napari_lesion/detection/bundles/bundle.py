"""MONAI bundles: what is in the folder, which kind of model it is, and where its weights are.

A bundle is a folder with ``configs/metadata.json``, ``configs/inference.json`` (or YAML) and ``models/model.pt``. The
weights are read with ``weights_only=True`` (or as safetensors), the configuration without running it; see ``config``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari_lesion.detection.bundles.config import BundleConfig, read_config, trust_scripts
from napari_lesion.detection.detector import Card, Detector, Metric, Precision, require_float32
from napari_lesion.errors import ModelError

if TYPE_CHECKING:
    from torch.nn import Module

Kind: TypeAlias = Literal["detection", "segmentation"]

METADATA = Path("configs") / "metadata.json"
CONFIGS = tuple(f"{name}.{ending}" for name in ("inference", "evaluate") for ending in ("json", "yaml", "yml"))
"""Configurations that say how to run the network, by preference."""
WEIGHTS = ("model.safetensors", "model.pt")

_MODALITIES = {"CT": "CT", "MR": "MR", "MRI": "MR", "PET": "PT", "PT": "PT"}
_STATE_KEYS = ("state_dict", "model", "network", "net", "model_state_dict")
"""Under which of these a checkpoint keeps the network's weights, where it holds more than them."""
_SEGMENTATION_THRESHOLD = 0.5
_MONAI_SCORE_THRESHOLD = 0.05
"""What a ``RetinaNetDetector`` has where its configuration says nothing."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Bundle:
    """A bundle whose configuration has been read; no network was built and no weights were opened.

    Attributes
    ----------
    folder : Path
    kind : ``detection`` (a RetinaNet's boxes) or ``segmentation`` (classes of voxels)
    card : Card
        Filled from the metadata; ``sha256`` is that of the weights' file as it is now.
    metadata : mapping
        ``configs/metadata.json``.
    config : BundleConfig
        Its inference configuration, to be worked out piece by piece.
    weights : Path
    """

    folder: Path
    kind: Kind
    card: Card
    metadata: Mapping[str, Any] = field(repr=False)
    config: BundleConfig = field(repr=False)
    weights: Path


def is_bundle(folder: Path) -> bool:
    """Whether a folder is a MONAI bundle."""
    return (folder / METADATA).is_file()


def read_bundle(path: str | Path, trust_code: bool = False) -> Bundle:
    """Read what a bundle says about itself; nothing of it is run.

    Parameters
    ----------
    path : str or Path
        The bundle's folder.
    trust_code : bool
        Let the configuration run code later, where what it says cannot be worked out otherwise: expressions, classes
        from outside MONAI and the bundle's ``scripts``.

    Raises
    ------
    ModelError
        If it is no bundle, it is damaged, or its kind is not supported.
    """
    folder = Path(path).resolve()
    metadata = _metadata(folder / METADATA)
    configs = [folder / "configs" / name for name in CONFIGS]
    found = next((config for config in configs if config.is_file()), None)
    if found is None:
        raise ModelError(
            f"{folder} cannot be run: it holds none of {', '.join(f'configs/{name}' for name in CONFIGS)}. "
            "Download the whole bundle."
        )
    extra = {"bundle_root": str(folder), "device": "$torch.device('cpu')", "_meta_": metadata}
    config = read_config(found, trust_code=trust_code, extra=extra)
    if trust_code:
        trust_scripts(folder)
    kind = _kind(metadata, config, folder)
    weights = _weights(folder, config)
    return Bundle(folder, kind, _card(folder, kind, metadata, config, weights), metadata, config, weights)


def load_bundle(
    path: str | Path, trust_code: bool = False, classes: Sequence[str] = (), precision: Precision = "auto"
) -> Detector:
    """Load a bundle as a detector.

    Parameters
    ----------
    path : str or Path
        The bundle's folder.
    trust_code : bool
        See ``read_bundle``.
    classes : sequence of str
        Names or numbers of the classes of a segmentation bundle that become findings; by default its lesions.
    precision : Precision
        The numbers that a detection bundle computes in; a segmentation bundle always does in float32.

    Raises
    ------
    ModelError
        If it is no bundle, is damaged, is of a kind that is not supported, would have to run its own code, or has no
        such classes.
    ConfigError
        If bfloat16 is asked for and it is a segmentation bundle.
    """
    bundle = read_bundle(path, trust_code)
    if bundle.kind == "detection":
        if classes:
            raise ModelError(f"model {bundle.card.id} finds boxes, not classes: no classes can be chosen.")
        from napari_lesion.detection.bundles.retinanet import RetinaNetBundle

        return RetinaNetBundle(bundle, precision=precision)
    from napari_lesion.detection.bundles.segmentation import SegmentationBundle

    require_float32(bundle.card.id, precision)
    return SegmentationBundle(bundle, classes)


def load_weights(bundle: Bundle, network: Module) -> None:
    """Put a bundle's weights into the network that its configuration describes, ready for inference.

    Raises
    ------
    ModelError
        If the file cannot be read without running code, has changed since the bundle was read, or does not fit.
    """
    import torch

    where = f"model {bundle.card.id}: its weights {bundle.weights}"
    if _sha256(bundle.weights) != bundle.card.sha256:
        raise ModelError(f"{where} have changed since the bundle was read. Load it again.")
    try:
        if bundle.weights.suffix == ".safetensors":
            from safetensors.torch import load_file

            content: Any = load_file(bundle.weights)
        else:
            content = torch.load(bundle.weights, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's, torch's and safetensors' own
        raise ModelError(
            f"{where} cannot be read: {_first_line(error)}. They are damaged, or hold more than tensors; only a "
            "network's state_dict is opened, never a pickled object. Download the bundle again."
        ) from error
    state = content
    for key in _STATE_KEYS:
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
            break
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ModelError(f"{where} are not a network's state_dict, so they cannot be used.")
    try:
        network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise ModelError(
            f"{where} do not fit the network in {bundle.config.path} ({' '.join(lines[:2])[:300]}). Use the "
            "configuration and the weights of the same version."
        ) from error
    network.eval()


def _metadata(path: Path) -> Mapping[str, Any]:
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path.parent.parent} is no MONAI bundle: it holds no {METADATA.as_posix()}.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {_first_line(error)}. Download the bundle again.") from error
    if not isinstance(metadata, Mapping):
        raise ModelError(f"{path} does not hold a bundle's metadata. Download the bundle again.")
    return metadata


def _kind(metadata: Mapping[str, Any], config: BundleConfig, folder: Path) -> Kind:
    targets = {str(piece["_target_"]).rpartition(".")[2] for piece in config.pieces()}
    if "RetinaNetDetector" in targets or any("RetinaNetDetector(" in text for text in config.expressions()):
        return "detection"
    outputs = metadata.get("network_data_format", {}).get("outputs", {})
    kinds = [str(output.get("format", "")) for output in outputs.values() if isinstance(output, Mapping)]
    if "segmentation" in kinds or ("segmentation" in str(metadata.get("task", "")).lower()):
        return "segmentation"
    raise ModelError(
        f"{folder} is a bundle for {metadata.get('task') or 'an unknown task'}; only RetinaNet detection and "
        "segmentation bundles find lesions here."
    )


def _weights(folder: Path, config: BundleConfig) -> Path:
    """Find the weights: where the configuration loads them from, else where bundles keep them."""
    candidates = []
    for piece in config.pieces():
        if str(piece["_target_"]).endswith("CheckpointLoader") and "load_path" in piece:
            try:
                candidates.append(folder / str(config.build(piece["load_path"], "load_path")))
            except ModelError:
                continue  # A path that only code can tell; the usual place will do.
    candidates += [folder / "models" / name for name in WEIGHTS]
    candidates += sorted((folder / "models").glob("*.pt"))
    for path in candidates:
        if path.is_file() and path.suffix in (".pt", ".pth", ".safetensors") and path.resolve().is_relative_to(folder):
            return path
    raise ModelError(
        f"{folder} holds no weights: there is no {' or '.join(f'models/{name}' for name in WEIGHTS)}. Large files are "
        "often left out of a clone; download the bundle from where its large_files.yml says."
    )


def _card(folder: Path, kind: Kind, metadata: Mapping[str, Any], config: BundleConfig, weights: Path) -> Card:
    inputs = metadata.get("network_data_format", {}).get("inputs", {})
    modalities = [str(i.get("modality", "")).upper() for i in inputs.values() if isinstance(i, Mapping)]
    threshold = _SEGMENTATION_THRESHOLD
    if kind == "detection":
        given = config.arguments_of("set_box_selector_parameters")
        threshold = float(given.get("score_thresh", _MONAI_SCORE_THRESHOLD))
    metrics = metadata.get("eval_metrics") or {}
    return Card(
        id=re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-") or "bundle",
        version=str(metadata.get("version", "unknown")),
        task=str(metadata.get("task", kind)),
        licence=_licence(folder, metadata),
        sha256=_sha256(weights),
        threshold=threshold,
        summary=str(metadata.get("description", "")),
        modalities=tuple(dict.fromkeys(_MODALITIES[m] for m in modalities if m in _MODALITIES)) or ("CT",),
        intended_use=str(metadata.get("intended_use", "")),
        metrics=tuple(
            Metric(name=str(name), value=float(value), data="as the bundle states")
            for name, value in metrics.items()
            if isinstance(value, int | float)
        ),
    )


def _licence(folder: Path, metadata: Mapping[str, Any]) -> str:
    if given := metadata.get("license") or metadata.get("licence"):
        return str(given)
    for name in ("LICENSE", "LICENSE.txt", "docs/license.txt", "docs/LICENSE"):
        if (folder / name).is_file():
            lines = (folder / name).read_text(encoding="utf-8", errors="replace").splitlines()
            first = next((line.strip() for line in lines if line.strip()), "")
            return f"{first[:80]} (see {name})"
    return "not stated"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}).") from error
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
