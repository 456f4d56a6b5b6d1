"""Whether the values of a CT are HU: what RescaleType says, and what speaks for it where that says something odd."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.dicom.read.pixels import intercept_of, slope_of
from napari_lesion.model.volume import Volume

#: Defined terms of other units (PS3.3 C.11.1.1.2): what has one is not in HU.
_OTHER_UNITS = frozenset({"OD", "MGML", "Z_EFF", "ED", "EDW", "HU_MOD", "PCT"})
#: Terms that say nothing.
_NO_UNIT = frozenset({"US", "UNSPECIFIED"})
#: HU of air and lung, of soft tissue, and of all but padding; the least share of each among the voxels.
_AIR, _TISSUE, _ALL = (-1100, -700), (-200, 300), (-1100, 3100)
_LEAST_AIR, _LEAST_TISSUE, _LEAST_ALL = 0.02, 0.02, 0.98
_SAMPLES = 1_000_000
#: Note of a certificate.
ASSUMED = "The values were taken as HU because that was asked for, not because the headers say so."


def unit_in_doubt(frames: Sequence[Frame]) -> bool:
    """Whether only the voxels tell if a CT is in HU."""
    odd = _odd_types(frames)
    if odd:
        return not any(kind.upper() in _OTHER_UNITS for kind in odd)
    return all(frame.file.floating and frame.slope is None and frame.intercept is None for frame in frames)


def unit_of_ct(frames: Sequence[Frame], voxels: npt.NDArray[np.generic]) -> tuple[str, list[str]]:
    """Name the unit of a CT's voxels.

    Parameters
    ----------
    frames : sequence of Frame
    voxels : (z, y, x)
        Rescaled. Looked at only where the headers leave the unit in doubt.

    Returns
    -------
    unit : str
        ``HU``, another one, or '' where it is unknown.
    notes : list of str
        A sentence for each thing that is out of the ordinary.
    """
    absent = sorted(
        {"RescaleSlope" for f in frames if f.slope is None}
        | {"RescaleIntercept" for f in frames if f.intercept is None}
    )
    odd = _odd_types(frames)
    said = f"RescaleType is {'/'.join(odd)}, not HU"
    if unit_in_doubt(frames):
        why_not = _why_not_hu(frames, voxels)
        if not odd:
            said = "The pixels are floating point numbers without a rescale"
        if not why_not:
            return "HU", [f"{said}, but slope, intercept and histogram are those of HU: the values were taken as HU."]
        unit = "/".join(kind for kind in odd if kind.upper() not in _NO_UNIT)
        return unit, [f"{said}, and {why_not}: the values may not be HU."]
    if odd:
        return "/".join(odd), [f"{said}."]
    if absent:
        missing = f"{' and '.join(absent)} {'are' if len(absent) > 1 else 'is'} missing"
        return "", [f"{missing}: values are as stored and may not be HU."]
    spelt = sorted({frame.rescale_type for frame in frames} - {"", "HU"})
    return "HU", [f"RescaleType is {', '.join(spelt)}: taken as HU."] if spelt else []


def may_not_be_hu(volume: Volume) -> bool:
    """Whether a scan is a CT whose values are not known to be HU, so that a person may say that they are."""
    return volume.series.modality == "CT" and volume.certificate.unit != "HU"


def taken_as_hu(volume: Volume) -> Volume:
    """Take the values of a CT as HU because a person says that they are; its certificate says so from then on."""
    if not may_not_be_hu(volume):
        return volume
    certificate = volume.certificate.model_copy(update={"unit": "HU", "notes": (*volume.certificate.notes, ASSUMED)})
    return replace(volume, certificate=certificate)


def _odd_types(frames: Sequence[Frame]) -> list[str]:
    """Give the values of RescaleType that do not mean HU."""
    return sorted(kind for kind in {frame.rescale_type for frame in frames} - {""} if not _means_hu(kind))


def _means_hu(kind: str) -> bool:
    words = [re.sub("[^a-z]", "", part.lower()) for part in kind.split("\\")]
    # Hounsfield, Houndsfield, Hounsfeld: with unit, units or without
    return all(word == "hu" or re.fullmatch("hu?oun[a-z]*f[a-z]*ld(unit|units)?", word) for word in words)


def _why_not_hu(frames: Sequence[Frame], voxels: npt.NDArray[np.generic]) -> str:
    """Describe what speaks against HU; empty where rescale and histogram are those of a CT with air and soft tissue."""
    slopes, intercepts = {slope_of(f) for f in frames}, {intercept_of(f) for f in frames}
    if min(slopes) <= 0 or max(intercepts) > 0:
        return f"a slope of {min(slopes):g} and an intercept of {max(intercepts):g} are not those of HU"
    step = max(1, round((voxels.size / _SAMPLES) ** (1 / 3)))
    sample = voxels[step // 2 :: step, ::step, ::step].ravel().astype(np.float32)
    lowest = sample.min()
    if lowest < _ALL[0]:
        sample = sample[sample != lowest]  # what fills up the round field of view
    if not len(sample):
        return "all voxels are alike"
    shares = [float(np.mean((sample >= low) & (sample <= high))) for low, high in (_AIR, _TISSUE, _ALL)]
    for share, least, what in zip(
        shares,
        (_LEAST_AIR, _LEAST_TISSUE, _LEAST_ALL),
        ("air or lung", "soft tissue", "air to bone and metal"),
        strict=True,
    ):
        if share < least:
            return f"only {share:.1%} of the voxels are in the range of {what}"
    return ""
