"""How findings look, estimated: what LIDC's readers would probably say of them, by the network ``nodule-looks``.

Nothing of it is measured, and a reader's word goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_lesion.assessment.measure.upright import upright
from napari_lesion.model.mask import Mask
from napari_lesion.model.measured import Likely, Looks
from napari_lesion.model.volume import Volume, spacing_of

if TYPE_CHECKING:
    from napari_lesion.assessment.measure.nodule_looks import Looker, Probabilities

PART_SOLID = 0.08
"""Probability from which a finding may be part-solid, whatever it is more probably: few are, readers seldom agree on
them, and one that is missed counts more than one too many. Chosen on the validation patients (docs/measurement.md)."""
_AROUND_MM = 17.0
_MARKED, _SUSPICIOUS, _ILL_DEFINED = 3, 4, 2
"""Ratings from which, or up to which, a sign is there."""


def looks_of(volume: Volume, masks: Sequence[Mask], *, looker: Looker | None = None) -> list[Looks]:
    """Estimate how findings look.

    Parameters
    ----------
    volume : Volume
        CT, HU, any orientation: it is looked at in the planes nearest to axial.
    masks : sequence of Mask
        On its grid; none is empty.
    looker : Looker, optional
        By default the network that comes with the package.

    Raises
    ------
    ModelError
        If the network is damaged.
    """
    from napari_lesion.assessment.measure import nodule_looks  # brings torch along

    if not masks:
        return []
    network = nodule_looks.shipped() if looker is None else looker
    voxel_mm3 = float(np.prod(volume.spacing))
    slices = []
    for mask in masks:
        part = upright(volume, mask, _AROUND_MM)
        pitch = spacing_of(part.affine)
        diameter = float((6 / np.pi * part.inside.sum() * voxel_mm3) ** (1 / 3))
        slices.append(nodule_looks.slices_of(part.hu, part.inside, (pitch[1], pitch[2]), diameter))
    method = f"{network.id} {network.version}"
    return [in_words(one, method) for one in network(slices)]


def in_words(probabilities: Probabilities, method: str) -> Looks:
    """Describe what probabilities of ratings mean."""
    texture = probabilities["texture"]
    solid, part_solid, non_solid = float(texture[3:].sum()), float(texture[2]), float(texture[:2].sum())
    kinds: Mapping[Literal["solid", "part-solid", "non-solid"], float] = {
        "solid": solid,
        "part-solid": part_solid,
        "non-solid": non_solid,
    }
    kind = max(kinds, key=lambda name: kinds[name])
    malignancy = probabilities["malignancy"]
    return Looks(
        method=method,
        type=kind,
        type_certainty=_share(kinds[kind]),
        solid=_share(solid),
        part_solid=_share(part_solid),
        non_solid=_share(non_solid),
        spiculated=_likely(probabilities["spiculation"][_MARKED - 1 :].sum()),
        lobulated=_likely(probabilities["lobulation"][_MARKED - 1 :].sum()),
        ill_defined=_likely(probabilities["margin"][:_ILL_DEFINED].sum()),
        calcified=_likely(probabilities["calcification"][1]),
        suspicion=round(float((malignancy * np.arange(1, 6)).sum() / malignancy.sum()), 2),
        suspicious=_likely(malignancy[_SUSPICIOUS - 1 :].sum()),
    )


def _likely(probability: float) -> Likely:
    so = bool(probability >= 0.5)
    return Likely(value=so, certainty=_share(probability if so else 1 - probability))


def _share(value: float) -> float:
    return round(min(max(float(value), 0.0), 1.0), 3)
