"""The same preprocessing as MONAI transforms, for a bundle's pipeline or one's own: ``Compose`` and its inverse.

``preprocess.prepare`` calls the functions below these transforms directly, because importing MONAI takes seconds.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms.compose import Compose
from monai.transforms.inverse import InvertibleTransform
from monai.transforms.spatial.dictionary import Orientationd
from monai.transforms.transform import MapTransform
from monai.utils.enums import MetaKeys, SpaceKeys, TraceKeys

from napari_lesion.imaging.preprocess import HU_WINDOW, SPACING_MM, resample, respaced_grid, scaled
from napari_lesion.model.volume import FloatArray, Volume

AXCODES = "SPL"
"""Canonical orientation in MONAI's (RAS) letters: the axes grow to the head, to the back and to the left."""
RAS_LABELS = (("L", "R"), ("P", "A"), ("I", "S"))

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def pipeline(key: str = "image", spacing_mm: float = SPACING_MM) -> Compose:
    """Canonical orientation, voxel pitch and HU window of the 3D networks, as MONAI transforms of one key."""
    return Compose(
        [
            Orientationd(key, axcodes=AXCODES, labels=RAS_LABELS),
            FastSpacingd(key, (spacing_mm,) * 3),
            FastScaleIntensityRanged(key, *HU_WINDOW, 0.0, 1.0),
        ]
    )


def to_metatensor(voxels: npt.NDArray[np.generic], affine: FloatArray) -> MetaTensor:
    """(z, y, x) with its LPS affine → MONAI's (1, z, y, x) with its RAS affine. Here alone it is made RAS."""
    tensor = torch.from_numpy(np.ascontiguousarray(voxels))[None]
    return MetaTensor(tensor, affine=torch.from_numpy(_LPS_TO_RAS @ affine))


def to_image(volume: Volume) -> MetaTensor:
    """Make of a volume what MONAI's ``LoadImage`` makes of its NIfTI file.

    (z, y, x) with an affine to LPS becomes (i, j, k) with an affine to RAS, without a channel.
    """
    voxels = np.ascontiguousarray(volume.voxels.transpose(2, 1, 0), dtype=np.float32)
    affine = torch.from_numpy(_LPS_TO_RAS @ volume.affine[:, [2, 1, 0, 3]])
    meta: dict[str, Any] = {
        "original_channel_dim": "no_channel",
        "original_affine": affine,
        "spatial_shape": np.array(voxels.shape),
    }
    meta[MetaKeys.SPACE] = SpaceKeys.RAS
    return MetaTensor(torch.from_numpy(voxels), affine=affine, meta=meta)


def lps_affine(tensor: MetaTensor) -> FloatArray:
    """Its indices → LPS mm of a MetaTensor. Here alone its RAS becomes LPS."""
    result: FloatArray = _LPS_TO_RAS @ tensor.affine.cpu().numpy().astype(np.float64)
    return result


class FastSpacingd(MapTransform, InvertibleTransform):
    """Resample to another voxel pitch: MONAI's ``Spacingd`` (bilinear, border) for the price of one pass per axis.

    The first voxel's centre stays where it is and the last one's is reached as nearly as the pitch allows, exactly
    as ``Spacingd`` places its grid.

    Parameters
    ----------
    keys
        Keys of (c, z, y, x) MetaTensors.
    pixdim : (z, y, x), mm
    """

    def __init__(self, keys: Any, pixdim: tuple[float, float, float], allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.pixdim = pixdim

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Resample every key to ``pixdim``."""
        result = dict(data)
        for key in self.key_iterator(result):
            image: MetaTensor = result[key]
            affine = image.affine.numpy().astype(np.float64)
            shape, target = respaced_grid(tuple(image.shape[1:]), affine, self.pixdim)
            out = _resampled(image, affine, target, shape)
            self.push_transform(  # type: ignore[no-untyped-call]
                out, orig_size=tuple(image.shape[1:]), extra_info={"affine": affine, "dtype": str(image.dtype)}
            )
            result[key] = out
        return result

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Resample every key back onto the grid that it came from."""
        result = dict(data)
        for key in self.key_iterator(result):
            image: MetaTensor = result[key]
            record = self.pop_transform(image)
            target = np.asarray(record[TraceKeys.EXTRA_INFO]["affine"])
            shape = record[TraceKeys.ORIG_SIZE]
            affine = image.affine.numpy().astype(np.float64)
            result[key] = _resampled(image, affine, target, shape)
        return result


def _resampled(image: MetaTensor, affine: FloatArray, target: FloatArray, shape: tuple[int, ...]) -> MetaTensor:
    channels = [resample(channel, affine, target, shape) for channel in image.as_tensor().cpu().numpy()]
    out = MetaTensor(torch.from_numpy(channels[0][None] if len(channels) == 1 else np.stack(channels)))
    out.copy_meta_from(image)  # type: ignore[no-untyped-call]
    out.affine = torch.from_numpy(target)
    return out


class FastScaleIntensityRanged(MapTransform):
    """MONAI's ``ScaleIntensityRanged`` with ``clip=True`` and float32 output, with one new array instead of several.

    Parameters
    ----------
    keys
        Keys of tensors.
    a_min, a_max
        Values that become ``b_min`` and ``b_max``; what lies beyond is clipped.
    b_min, b_max
    """

    def __init__(
        self, keys: Any, a_min: float, a_max: float, b_min: float, b_max: float, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.range = (a_min, a_max)
        self.bounds = (b_min, b_max)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Scale and clip every key."""
        result = dict(data)
        for key in self.key_iterator(result):
            image = result[key]
            values = image.as_tensor() if isinstance(image, MetaTensor) else image
            out = scaled(values, self.range, self.bounds)
            if isinstance(image, MetaTensor):
                out = MetaTensor(out).copy_meta_from(image)  # type: ignore[no-untyped-call]
            result[key] = out
        return result
