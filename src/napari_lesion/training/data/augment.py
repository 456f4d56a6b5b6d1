"""Augmentation as a configuration chooses it: MONAI's random intensity transforms, by name."""

from __future__ import annotations

from typing import Any

from monai.transforms.compose import Compose, OneOf
from monai.transforms.intensity import array as intensity
from monai.transforms.intensity.array import ScaleIntensityRange
from monai.transforms.transform import RandomizableTransform

from napari_lesion.imaging.preprocess import HU_WINDOW
from napari_lesion.support.errors import ConfigFileError
from napari_lesion.training.config.detector import AugmentationConfig, OneOfConfig, TransformConfig


def intensity_transform(options: AugmentationConfig) -> Compose | None:
    """Make the transforms of HU, with the network's intensity scale at the end; None where none were chosen.

    Raises
    ------
    ConfigFileError
        If MONAI knows no such random intensity transform, or not such arguments.
    """
    if options.intensity is None:
        return None
    chosen = [
        OneOf([_named(one) for one in part.one_of], weights=part.weights)
        if isinstance(part, OneOfConfig)
        else _named(part)
        for part in options.intensity
    ]
    return Compose([*chosen, ScaleIntensityRange(*HU_WINDOW, 0.0, 1.0, clip=True)])


def _named(part: TransformConfig) -> Any:
    kind = getattr(intensity, part.name, None)
    if not (isinstance(kind, type) and issubclass(kind, RandomizableTransform)):
        raise ConfigFileError(
            f"augmentation.intensity: MONAI has no random intensity transform {part.name!r}. Choose one that its "
            "documentation lists under Intensity and whose name starts with Rand, e.g. RandGaussianNoise."
        )
    try:
        return kind(**(part.model_extra or {}))
    except (TypeError, ValueError) as error:
        raise ConfigFileError(f"augmentation.intensity: {part.name}: {error}.") from error
