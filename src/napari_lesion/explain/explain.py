"""Why a finding: maps of what the model looked at, each with a measure of how far it can be believed.

``explain`` gets a ``ScoredCrop`` of one finding from a detector (a crop, and the score at the finding as a function of
it), and makes maps from that: the model's own heatmap, Grad-CAM, occlusion, integrated gradients, SHAP and LIME. A
deletion test then says how faithful each map is. A detector without gradients still gets those maps that need none.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_lesion.explain.deletion import deletion_test
from napari_lesion.explain.maps import METHODS, NEED_GRADIENTS, AttributionMap, Explanation
from napari_lesion.explain.view import Explainable, ScoredCrop
from napari_lesion.model.findings import Finding, Heatmap
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import GeometryError, LesionError, OptionError
from napari_lesion.support.progress import Progress, part, silent

if TYPE_CHECKING:
    from napari_lesion.models.card import Detector

SCORE_TOLERANCE = 0.05
"""A score in the crop further from that in the scan is said in the warnings."""
_RANDOM_ORDERS = 3
_COSTS = {"heatmap": 1, "grad-cam": 4, "occlusion": 125, "integrated-gradients": 72, "shap": 48, "lime": 120}
"""About how many passes of the network a method takes; for the progress scale only."""
_DELETION_COST = 10


def check_methods(methods: Sequence[str]) -> tuple[str, ...]:
    """Order methods as in ``METHODS``; ``all`` stands for all.

    Raises
    ------
    OptionError
        If there is no such method, or none is given.
    """
    if "all" in methods:
        return tuple(METHODS)
    if unknown := [method for method in methods if method not in METHODS]:
        raise OptionError(f"There is no method {unknown[0]!r}; choose among {', '.join(METHODS)}, or all.")
    if not methods:
        raise OptionError(f"Choose a method: {', '.join(METHODS)}, or all.")
    return tuple(method for method in METHODS if method in methods)


def explain(
    detector: Detector,
    volume: Volume,
    finding: Finding,
    methods: Sequence[str] = ("all",),
    *,
    device: str = "auto",
    heatmap: Heatmap | None = None,
    progress: Progress = silent,
) -> Explanation:
    """Make maps of what a model looked at for one finding.

    Parameters
    ----------
    detector : Detector
        The one that made the finding. One that is ``Explainable`` gets all methods; any other is run on a small part of
        the scan, which gives the methods that need no gradients where the detector works there, else its own heatmap.
    volume : Volume
        The scan that was searched.
    finding : Finding
    methods : sequence of str
        Keys of ``METHODS``, or ``all``.
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    heatmap : Heatmap, optional
        The detector's own of this scan, if it is known already; needed only where it is not ``Explainable``.
    progress : Progress

    Raises
    ------
    OptionError
        If there is no such method, captum is not installed, or the device is not there.
    GeometryError
        If the finding lies where the model does not search.
    Cancelled
        If ``progress`` raised it.
    """
    wanted = check_methods(methods)
    if any(method != "heatmap" for method in wanted):
        _need_captum()
    costs = [_COSTS[method] + _DELETION_COST for method in wanted]
    begin, random_cost = 30, _DELETION_COST * _RANDOM_ORDERS
    total = begin + random_cost + sum(costs)
    opening = part(progress, 0, begin, total)
    try:
        view = _view(detector, volume, finding, device, heatmap, opening)
    except _OnlyHeatmap as refused:
        return _heatmap_only(finding, wanted, refused)

    from napari_lesion.explain.methods import logits, run

    whole = float(logits(view, view.image[None])[0])
    progress(begin, total, "removing parts at random")
    random = deletion_test(
        view, None, orders=_RANDOM_ORDERS, progress=part(progress, begin, begin + random_cost, total)
    )
    maps, left_out = [], {}
    done = begin + random_cost
    for method, cost in zip(wanted, costs, strict=True):
        middle, end = done + cost - _DELETION_COST, done + cost
        if view.gradients is None and method in NEED_GRADIENTS:
            left_out[method] = f"{METHODS[method]} needs gradients, which {detector.card.id} does not give."
        else:
            started = time.perf_counter()
            made = run(method, view, finding.diameter_mm, progress=part(progress, done, middle, total))
            made = replace(made, seconds=time.perf_counter() - started)
            tested = deletion_test(view, made, against=random, progress=part(progress, middle, end, total))
            maps.append(replace(made, deletion=tested))
        done = end
    score = view.score(whole)
    warnings = list(view.notes)
    if abs(score - finding.score) > SCORE_TOLERANCE:
        warnings.append(
            f"In the part of the scan that is explained the model gives a score of {score:.2f}, not "
            f"{finding.score:.2f} as in the whole scan: the maps explain the former."
        )
    spacing = np.linalg.norm(view.affine[:3, :3], axis=0)
    size = tuple(float(n * s) for n, s in zip(view.image.shape, spacing, strict=True))
    progress(total, total, "explained")
    return Explanation(
        finding=finding,
        maps=tuple(maps),
        target_mm=view.target_mm,
        logit=whole,
        score=score,
        crop_mm=(size[0], size[1], size[2]),
        replaced_by=view.replaced_by,
        left_out=left_out,
        warnings=tuple(warnings),
    )


class _OnlyHeatmap(Exception):  # noqa: N818 - no error: what is left when a detector cannot be asked again
    def __init__(self, heatmap: Heatmap, why: str) -> None:
        super().__init__(why)
        self.heatmap = heatmap


def _view(
    detector: Detector,
    volume: Volume,
    finding: Finding,
    device: str,
    heatmap: Heatmap | None,
    progress: Progress,
) -> ScoredCrop:
    if isinstance(detector, Explainable):
        return detector.view(volume, finding, device=device, progress=progress)
    if heatmap is None:
        heatmap = detector.detect(volume, device=device, progress=progress).heatmap
    from napari_lesion.explain.inputs import black_box_view

    try:
        return black_box_view(detector, volume, finding, heatmap, device)
    except GeometryError:
        raise
    except LesionError as error:
        raise _OnlyHeatmap(
            heatmap, f"{detector.card.id} gives no gradients and cannot be run on a part of the scan ({error})"
        ) from error


def _heatmap_only(finding: Finding, wanted: Sequence[str], refused: _OnlyHeatmap) -> Explanation:
    heatmap = refused.heatmap
    maps = (AttributionMap("heatmap", heatmap.values, heatmap.affine, 0.0, note="not tested: see the warnings"),)
    why = f"{refused}, so only its own heatmap is shown, and how faithful that is was not tested."
    return Explanation(
        finding=finding,
        maps=maps if "heatmap" in wanted else (),
        left_out={method: str(refused) + "." for method in wanted if method != "heatmap"},
        warnings=(why,),
    )


def _need_captum() -> None:
    from importlib.util import find_spec

    missing = [
        name for name, module in (("captum", "captum"), ("scikit-image", "skimage")) if find_spec(module) is None
    ]
    if missing:
        raise OptionError(
            f"Explanations need {' and '.join(missing)}: pip install 'napari-lesion[explain]'. The model's own heatmap "
            "works without."
        )
