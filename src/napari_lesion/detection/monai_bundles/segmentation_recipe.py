"""What a segmentation bundle does to an image before and after its network, read from its configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monai.inferers.inferer import SimpleInferer, SlidingWindowInferer
from monai.transforms.compose import Compose
from monai.transforms.utility.dictionary import EnsureChannelFirstd

from napari_lesion.detection.monai_bundles.bundle import Bundle
from napari_lesion.detection.monai_bundles.config import BundleConfig, Raw
from napari_lesion.detection.monai_bundles.metadata import ImageFormat
from napari_lesion.support.errors import ModelError

LESION_WORDS = ("tumor", "tumour", "lesion", "nodule", "cancer", "carcinoma", "metasta", "cyst", "hemorrhage", "stroke")
"""A class whose name holds one of them is a lesion; in a bundle without any, every class but the background counts."""


_NEUTRAL = ("Invert", "SaveImage", "EnsureType", "ToTensor", "CastToType", "CopyItems", "DeleteItems", "SelectItems")
"""Steps of a postprocessing that change nothing, or that are done here in their own way."""


@dataclass(frozen=True)
class SegmentationRecipe:
    """What a bundle's configuration says, besides the network."""

    transforms: Compose
    """From the image as it was loaded, (i, j, k), to the network's input, (1, x, y, z)."""
    key: str
    """Name of the image in them."""
    inferer: SlidingWindowInferer | SimpleInferer
    exclusive: bool
    """A voxel has one class (softmax and argmax), not any number of them (sigmoid and a threshold)."""
    cut: float
    """Probability from which on a voxel has a class, where classes do not exclude each other."""
    classes: Mapping[int, str]
    """Channel of the network's output → its name."""
    chosen: tuple[int, ...]
    """Channels whose parts become findings."""
    warnings: tuple[str, ...] = ()


def read_recipe(bundle: Bundle, classes: Sequence[str] = ()) -> SegmentationRecipe:
    """Read from a bundle's configuration how its network is run.

    Raises
    ------
    ModelError
        If the configuration has no such part, or working it out would run the bundle's code.
    """
    config, where = bundle.config, f"model {bundle.card.id}"
    inputs = bundle.metadata.network_data_format.inputs
    if len(inputs) > 1 or any(given.num_channels not in (None, 1) for given in inputs.values()):
        raise ModelError(f"{where}: it needs several images of the same place (or colours); one CT or MR is read here.")
    transforms, key = _preprocessing(config)
    exclusive, cut, ignored = _postprocessing(config)
    names = _class_names(bundle)
    warnings = []
    if ignored:
        warnings.append(
            f"The bundle's own postprocessing also has {', '.join(ignored)}; heatmap and findings are without it."
        )
    return SegmentationRecipe(
        transforms=transforms,
        key=key,
        inferer=_inferer(config),
        exclusive=exclusive,
        cut=cut,
        classes=names,
        chosen=choose_classes(names, classes),
        warnings=tuple(warnings),
    )


def _preprocessing(config: BundleConfig) -> tuple[Compose, str]:
    """Build the transforms but those that load a file; returns also the name of the image in them."""
    steps = _steps(config, "preprocessing")
    key, built = "image", []
    for where, step in steps:
        if _is(step, "LoadImage"):
            keys = config.build(step.get("keys", key), where)
            names = [keys] if isinstance(keys, str) else list(keys)
            if len(names) != 1:
                raise ModelError(f"{config.path}: {where} loads {len(names)} images; one CT or MR is read here.")
            key = names[0]
            if config.build(step.get("ensure_channel_first", False), where):
                built.append(EnsureChannelFirstd(key))
        elif config.active(step, where):
            built.append(config.build(step, where))
    return Compose(built), key


def _postprocessing(config: BundleConfig) -> tuple[bool, float, list[str]]:
    """Whether classes exclude each other, from which probability on a voxel has one, and the steps not applied."""
    exclusive: bool | None = None
    cut, ignored = 0.5, []
    for where, step in _steps(config, "postprocessing"):
        if not config.active(step, where):
            continue
        options = {name: step[name] for name in ("softmax", "sigmoid", "argmax", "threshold") if name in step}
        given = {name: _plain(config.build(value, f"{where}::{name}")) for name, value in options.items()}
        if _is(step, "Activations"):
            if given.get("softmax") or given.get("sigmoid"):
                exclusive = bool(given.get("softmax"))
        elif _is(step, "AsDiscrete"):
            exclusive = exclusive or bool(given.get("argmax"))
            if given.get("threshold") is not None and not isinstance(given["threshold"], bool):
                cut = float(given["threshold"])
        elif not any(_is(step, name) for name in _NEUTRAL):
            ignored.append(str(step["_target_"]).rpartition(".")[2])
    if exclusive is None:
        raise ModelError(
            f"{config.path}: its postprocessing says neither softmax, sigmoid nor argmax, so what the network's output "
            "means is not known. Use another bundle."
        )
    return exclusive, cut, ignored


def _inferer(config: BundleConfig) -> SlidingWindowInferer | SimpleInferer:
    if "inferer" not in config:
        return SimpleInferer()
    raw = _resolved(config, "inferer")
    if isinstance(raw, Mapping):  # the device is chosen here
        raw = {name: value for name, value in raw.items() if name not in ("device", "sw_device", "progress")}
    inferer = config.build(raw, "inferer")
    if not isinstance(inferer, SlidingWindowInferer | SimpleInferer):
        raise ModelError(f"{config.path}: the inferer {type(inferer).__name__} is not supported. Use another bundle.")
    return inferer


def _class_names(bundle: Bundle) -> dict[int, str]:
    output = next(iter(bundle.metadata.network_data_format.outputs.values()), ImageFormat())
    named = output.channel_def
    count = max([output.num_channels or 0, *(n + 1 for n in named)])
    if count < 1:
        raise ModelError(f"model {bundle.card.id}: its metadata does not say what the network's channels are.")
    unnamed = ("background" if n == 0 and count > 1 else f"class {n}" for n in range(count))
    return {n: named.get(n, default) for n, default in enumerate(unnamed)}


def _steps(config: BundleConfig, key: str) -> list[tuple[str, Mapping[str, Raw]]]:
    """Keys and contents of the steps of a ``Compose``."""
    raw = _resolved(config, key)
    steps = raw.get("transforms") if isinstance(raw, Mapping) else raw
    if not isinstance(steps, list) or not all(isinstance(step, Mapping) and "_target_" in step for step in steps):
        raise ModelError(f"{config.path}: {key!r} is no list of transforms, so it is not known what to do.")
    return [(f"{key}::transforms::{n}", step) for n, step in enumerate(steps)]


def _resolved(config: BundleConfig, key: str) -> Raw:
    """Follow a key that only points to another."""
    seen = [key]
    while isinstance(raw := config.raw(seen[-1]), str) and raw.startswith("@") and raw[1:] not in seen:
        seen.append(raw[1:])
    return raw


def _is(step: Mapping[str, Raw], name: str) -> bool:
    return re.sub(r"(d|D|Dict)$", "", str(step["_target_"]).rpartition(".")[2]) == name


def _plain(value: Any) -> Any:
    """Take the one value of a list, and a truth value from its word: MONAI knows both forms."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def choose_classes(classes: Mapping[int, str], wanted: Sequence[str] = ()) -> tuple[int, ...]:
    """Choose the channels whose parts become findings.

    Parameters
    ----------
    classes : mapping
        Channel → name, as the bundle's metadata has it.
    wanted : sequence of str
        Names or numbers of channels; by default the lesions (``LESION_WORDS``), or all classes where there are none.

    Raises
    ------
    ModelError
        If there is no such class.
    """
    foreground = [n for n, name in classes.items() if not re.match(r"background|everything else|unknown", name.lower())]
    if not wanted:
        lesions = [n for n in foreground if any(word in classes[n].lower() for word in LESION_WORDS)]
        return tuple(lesions or foreground)
    by_name = {name.lower(): n for n, name in classes.items()} | {str(n): n for n in classes}
    if absent := [name for name in wanted if name.lower() not in by_name]:
        known = ", ".join(f"{n} {name}" for n, name in classes.items())
        raise ModelError(f"The model has no class {' and no '.join(map(repr, absent))}. It has: {known}.")
    return tuple(sorted({by_name[name.lower()] for name in wanted}))
