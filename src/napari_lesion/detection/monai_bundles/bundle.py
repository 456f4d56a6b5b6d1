"""MONAI bundles: what is in the folder, which kind of model it is, and where its weights are.

A bundle is a folder with ``configs/metadata.json``, ``configs/inference.json`` (or YAML) and ``models/model.pt``. The
weights are read with ``weights_only=True`` (or as safetensors), the configuration without running it; see ``config``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from napari_lesion.detection.monai_bundles.config import BundleConfig, trust_scripts
from napari_lesion.detection.monai_bundles.config_file import read_config
from napari_lesion.detection.monai_bundles.metadata import BundleMetadata, read_metadata
from napari_lesion.models.card import Card, Metric
from napari_lesion.security.signing import model_file_sha256
from napari_lesion.support.errors import Cancelled, LesionError, ModelError

if TYPE_CHECKING:
    from torch.nn import Module

BundleKind: TypeAlias = Literal["detection", "segmentation"]

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
_SCRIPTED = (".ts", ".onnx", ".trt", ".engine", ".plan")
"""Endings of networks that were compiled for another runtime: their weights lie inside of a program."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bundle:
    """A bundle whose configuration has been read; no network was built and no weights were opened.

    Attributes
    ----------
    folder : Path
    kind : ``detection`` (a RetinaNet's boxes) or ``segmentation`` (classes of voxels)
    card : Card
        Filled from the metadata; ``sha256`` is that of the weights' file as it is now.
    metadata : BundleMetadata
        ``configs/metadata.json``.
    config : BundleConfig
        Its inference configuration, to be worked out piece by piece.
    weights : Path
    """

    folder: Path
    kind: BundleKind
    card: Card
    metadata: BundleMetadata = field(repr=False)
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
    metadata, everything = read_metadata(_own(folder, folder / METADATA))
    configs = [folder / "configs" / name for name in CONFIGS]
    found = next((_own(folder, config) for config in configs if config.is_file()), None)
    if found is None:
        raise ModelError(
            f"{folder} cannot be run: it holds none of {', '.join(f'configs/{name}' for name in CONFIGS)}. "
            "Download the whole bundle."
        )
    extra = {"bundle_root": str(folder), "device": "$torch.device('cpu')", "_meta_": everything}
    config = read_config(found, trust_code=trust_code, extra=extra)
    if trust_code:
        trust_scripts(folder)
    kind = _kind(metadata, config, folder)
    weights = _weights(folder, config)
    with as_model_error(f"{folder}: its description cannot be used"):
        card = _card(folder, kind, metadata, config, weights)
    return Bundle(folder, kind, card, metadata, config, weights)


@contextmanager
def as_model_error(what: str) -> Iterator[None]:
    """Turn what escapes while a stranger's configuration is used into a sentence.

    A configuration may give any value for any argument; MONAI's classes answer with whatever comes of it.

    Parameters
    ----------
    what : str
        Begins the sentence.

    Raises
    ------
    ModelError
    """
    try:
        yield
    except (LesionError, Cancelled):
        raise
    except Exception as error:
        _LOG.debug("%s", what, exc_info=True)
        raise ModelError(f"{what}: {type(error).__name__}: {_first_line(error)[:300]}. Use another bundle.") from error


def _own(folder: Path, path: Path) -> Path:
    """Refuse a file of the bundle that is a link to elsewhere."""
    if not path.resolve().is_relative_to(folder):
        raise ModelError(
            f"{path} is a link that leads out of the bundle's folder, where nothing is read. Copy the bundle with its "
            "links followed (`cp -rL`), or download it again."
        )
    return path


def load_weights(bundle: Bundle, network: Module) -> None:
    """Put a bundle's weights into the network that its configuration describes, ready for inference.

    Raises
    ------
    ModelError
        If the file cannot be read without running code, has changed since the bundle was read, or does not fit.
    """
    import torch

    where = f"model {bundle.card.id}: its weights {bundle.weights}"
    if model_file_sha256(bundle.weights) != bundle.card.sha256:
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


def _kind(metadata: BundleMetadata, config: BundleConfig, folder: Path) -> BundleKind:
    targets = {str(piece["_target_"]).rpartition(".")[2] for piece in config.pieces()}
    if "RetinaNetDetector" in targets or any("RetinaNetDetector(" in text for text in config.expressions()):
        return "detection"
    kinds = [output.format for output in metadata.network_data_format.outputs.values()]
    if "segmentation" in kinds or "segmentation" in metadata.task.lower():
        return "segmentation"
    raise ModelError(
        f"{folder} is a bundle for {metadata.task or 'an unknown task'}; only RetinaNet detection and "
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
    scripted = [path for path in candidates if path.suffix in _SCRIPTED and path.is_file()]
    scripted += [path for path in sorted((folder / "models").glob("*")) if path.suffix in _SCRIPTED and path.is_file()]
    if scripted:
        raise ModelError(
            f"{folder} holds its weights only as {scripted[0].name}, a program for another runtime, which is not run "
            f"here. The weights by themselves are needed: {' or '.join(f'models/{name}' for name in WEIGHTS)}. "
            "Download them from where the bundle comes from."
        )
    raise ModelError(
        f"{folder} holds no weights: there is no {' or '.join(f'models/{name}' for name in WEIGHTS)}. Large files are "
        "often left out of a clone; download the bundle from where its large_files.yml says."
    )


def _card(folder: Path, kind: BundleKind, metadata: BundleMetadata, config: BundleConfig, weights: Path) -> Card:
    modalities = [given.modality.upper() for given in metadata.network_data_format.inputs.values()]
    threshold = _SEGMENTATION_THRESHOLD
    if kind == "detection":
        given = config.arguments_of("set_box_selector_parameters")
        threshold = float(given.get("score_thresh", _MONAI_SCORE_THRESHOLD))
    return Card(
        id=re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-") or "bundle",
        version=metadata.version or "unknown",
        task=metadata.task or kind,
        licence=_licence(folder, metadata),
        sha256=model_file_sha256(weights),
        threshold=threshold,
        summary=metadata.description,
        modalities=tuple(dict.fromkeys(_MODALITIES[m] for m in modalities if m in _MODALITIES)) or ("CT",),
        intended_use=metadata.intended_use,
        metrics=tuple(
            Metric(name=str(name), value=float(value), data="as the bundle states")
            for name, value in metadata.eval_metrics.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        ),
    )


def _licence(folder: Path, metadata: BundleMetadata) -> str:
    if given := metadata.license or metadata.licence:
        return given
    for name in ("LICENSE", "LICENSE.txt", "docs/license.txt", "docs/LICENSE"):
        if (folder / name).is_file():
            with _own(folder, folder / name).open(encoding="utf-8", errors="replace") as file:
                lines = file.read(_CHUNK).splitlines()
            first = next((line.strip() for line in lines if line.strip()), "")
            return f"{first[:80]} (see {name})"
    return "not stated"


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
