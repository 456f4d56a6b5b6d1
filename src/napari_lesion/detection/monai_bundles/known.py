"""Which classes a bundle's configuration may name, and what to say of those that it may not.

What is refused is refused for one of two reasons, and the sentences must not mix them up: code that would run if the
user trusted the bundle, and what is not there at all, where trusting would change nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ROOTS = (
    "monai.transforms",
    "monai.networks.nets",
    "monai.networks.blocks",
    "monai.networks.layers",
    "monai.inferers",
    "monai.apps.detection.networks",
    "monai.apps.detection.utils",
    "torch.nn.modules",
)
"""Where the classes come from that a configuration may name."""
_SHORT_NAMES = (
    "monai.transforms",
    "monai.networks.nets",
    "monai.networks.blocks",
    "monai.inferers",
    "monai.apps.detection.networks.retinanet_network",
    "monai.apps.detection.networks.retinanet_detector",
    "monai.apps.detection.utils.anchor_utils",
)
"""Where a name without a module is looked for."""
TRANSFORMS = frozenset(
    """
    Compose EnsureChannelFirst EnsureType CastToType Identity ToTensor SelectItems DeleteItems ConcatItems CopyItems
    Orientation Spacing SpatialResample Resize Zoom Flip Rotate90 Transpose SpatialPad BorderPad DivisiblePad
    CenterSpatialCrop SpatialCrop CropForeground ResizeWithPadOrCrop
    ScaleIntensity ScaleIntensityRange ScaleIntensityRangePercentiles NormalizeIntensity ThresholdIntensity
    ShiftIntensity AdjustContrast ClipIntensityPercentiles HistogramNormalize MedianSmooth GaussianSmooth
    Activations AsDiscrete KeepLargestConnectedComponent RemoveSmallObjects FillHoles LabelFilter MapLabelValue Invert
    SqueezeDim SplitDim ClipBoxToImage AffineBoxToWorldCoordinate AffineBoxToImageCoordinate ConvertBoxMode
    """.split()  # noqa: SIM905 - a list of words reads better
)
"""Transforms that a configuration may name, without the ``d`` of their dictionary form: none reads or writes a file."""
_RENAMED = {
    "AddChannel": "EnsureChannelFirst",
    "AsChannelFirst": "EnsureChannelFirst",
    "SplitChannel": "SplitDim",
    "ToNumpy": "EnsureType",
}
"""Transforms that MONAI removed → what took their place."""


class NotUnderstood(Exception):  # noqa: N818 - not an error by itself: trust may still help
    """An expression or a target that is not harmless by construction."""


class NotThere(Exception):  # noqa: N818 - as above; no trust helps
    """Something that does not exist, or that nobody can work out."""


def find_target(name: str, folder: Path | None = None) -> Callable[..., Any]:
    """Find a class (or one of the few functions) that a configuration may name, with or without its module.

    Parameters
    ----------
    name : str
    folder : Path, optional
        The bundle, whose own modules may be meant.

    Raises
    ------
    NotUnderstood
        If it is none of those that are known to be harmless.
    NotThere
        If there is no such class, neither in what is installed nor in the bundle.
    """
    if name.rpartition(".")[2] == "resnet_fpn_feature_extractor":
        from napari_lesion.detection.monai_bundles.backbone import resnet_fpn_feature_extractor

        return resnet_fpn_feature_extractor
    module, _, attribute = name.rpartition(".")
    homes = [home for home in (*_ROOTS, "torch.nn") if _below(module, home)]
    for home in (module,) if homes else () if module else _SHORT_NAMES:
        found = _attribute(home, attribute)
        if found is not None and is_known(found):
            return found  # type: ignore[no-any-return]
    require_there(name, folder)
    raise NotUnderstood(f"{name} is none of the classes of MONAI that are known to be harmless")


def require_there(name: str, folder: Path | None = None) -> None:
    """Refuse a class or function that does not exist; nothing outside MONAI and torch is imported to find out.

    Raises
    ------
    NotThere
    """
    module, _, attribute = name.rpartition(".")
    if not attribute.isidentifier():
        raise NotThere(f"{name!r} is no name of a class")
    if not module:
        if any(_attribute(home, attribute) is not None for home in _SHORT_NAMES) or _located(attribute):
            return
    elif module.partition(".")[0] in ("monai", "torch"):
        if _attribute(module, attribute) is not None:
            return
    else:
        require_module(module, folder)
        return
    import monai

    stem, ending = re.fullmatch(r"(.*?)(d|D|Dict)?", attribute).groups()  # type: ignore[union-attr]
    new = _RENAMED.get(stem)
    instead = f"; {new}{'d' if ending else ''} took its place" if new else ""
    library = "torch" if module.startswith("torch") else f"MONAI {monai.__version__}"
    raise NotThere(
        f"{library} has no {name}{instead}. The bundle was made for another version: get a newer one of the bundle"
    )


def require_module(module: str, folder: Path | None = None) -> None:
    """Refuse a module that is neither installed nor part of the bundle.

    Raises
    ------
    NotThere
    """
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        raise NotThere(f"{module!r} is no name of a module")
    if folder is not None:
        own = folder.joinpath(*parts)
        if own.with_suffix(".py").is_file() or own.is_dir():
            return
        if (folder / parts[0]).is_dir() or parts[0] == "scripts":
            raise NotThere(f"{'/'.join(parts)}.py is missing in the bundle. Download the whole bundle")
    try:
        found = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise NotThere(f"it needs the Python package {parts[0]}, which is not installed")


def _attribute(module: str, name: str) -> Any:
    """Give what a dotted name stands for, None where there is no such thing; only MONAI and torch are asked."""
    try:
        return getattr(importlib.import_module(module), name, None)
    except (ImportError, ValueError):
        pass
    parts = module.split(".")
    found: Any = _attribute(".".join(parts[:-1]), parts[-1]) if len(parts) > 1 else None
    return getattr(found, name, None)


def _located(name: str) -> bool:
    """Whether MONAI finds a class of this name anywhere in itself; looking takes seconds."""
    from monai.bundle.config_item import ComponentLocator

    return ComponentLocator().get_component_module_name(name) is not None


def is_known(found: Any) -> bool:
    """Whether a class or function may be called: it was defined where it should be, and touches no files."""
    home = getattr(found, "__module__", "") or ""
    if inspect.isfunction(found):
        return home == "monai.networks.nets.resnet" and re.fullmatch(r"resnet\d+", found.__name__) is not None
    if not inspect.isclass(found) or not any(_below(home, root) for root in _ROOTS):
        return False
    if _below(home, "monai.transforms") or _below(home, "monai.apps.detection.transforms"):
        name = found.__name__
        return name in TRANSFORMS or re.sub(r"(d|D|Dict)$", "", name) in TRANSFORMS
    from torch import nn

    return issubclass(found, nn.Module) or (_below(home, "monai.inferers") and found.__name__.endswith("Inferer"))


def _below(module: str, root: str) -> bool:
    return module == root or module.startswith(f"{root}.")
