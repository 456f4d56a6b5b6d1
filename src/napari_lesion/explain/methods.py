"""The methods behind ``explain``, through captum: functions of a score, an image, and what stands for nothing there.

An image is (1, 1, d, h, w), a score takes (n, 1, d, h, w) and gives (n,). Steps, samples and windows are chosen so that
a finding takes a minute or two on two cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_lesion.explain.maps import AttributionMap
from napari_lesion.explain.view import ScoredCrop
from napari_lesion.imaging.preprocess import resample
from napari_lesion.model.volume import FloatArray, spacing_of
from napari_lesion.support.progress import Progress, silent

if TYPE_CHECKING:
    from napari_lesion.explain.view import Gradients

Score: TypeAlias = Callable[[Tensor], Tensor]
Map: TypeAlias = npt.NDArray[np.float32]

IG_STEPS = 24
SHAP_SAMPLES = 16
LIME_SAMPLES = 120
LIME_REGIONS = 40
_SHAP_NOISE = 0.01
"""Standard deviation of the noise on the image, in intensities: 14 HU for ``nodule-3d``."""
_OCCLUSION_POSITIONS = 5
_OCCLUSION_STEP_MM = (4.0, 10.0)
_LIME_RIM_MM = 12.0
_SLIC_COMPACTNESS = 0.05
_SEED = 7


def run(method: str, view: ScoredCrop, diameter_mm: float, *, progress: Progress = silent) -> AttributionMap:
    """Make one map of a view.

    Parameters
    ----------
    method : str
        A key of ``explain.METHODS``.
    view : ScoredCrop
        With gradients where the method needs them.
    diameter_mm : float
        Of the finding.
    progress : Progress
        Called before every pass of the network.
    """
    image = torch.from_numpy(view.image)[None, None].to(view.device)
    name = method.replace("-", " ")
    made: Map
    affine, note = view.affine, ""
    if method == "heatmap":
        return AttributionMap(method, view.heatmap.values, view.heatmap.affine, 0.0)
    if method == "grad-cam":
        gradients = _gradients(view)
        made = grad_cam(_counted(view.logit, 1, name, progress), gradients.layer, image)
        affine = _strided(view.affine, gradients.layer_stride)
    elif method == "integrated-gradients":
        counted = _counted(view.logit, IG_STEPS, name, progress)
        made = integrated_gradients(counted, image, view.replacement)
        nothing = torch.full_like(image, view.replacement)
        with torch.no_grad():
            difference = float(view.logit(image)[0] - view.logit(nothing)[0])
        note = f"the map sums to {made.sum(dtype=np.float64):.2f}; the logit rises by {difference:.2f} from plain"
    elif method == "shap":
        counted = _counted(view.logit, SHAP_SAMPLES, name, progress)
        made = gradient_shap(counted, image, view.replacement_spread)
    elif method == "occlusion":
        windows = occlusion_windows(view.image.shape, spacing_of(view.affine), view.center, diameter_mm)
        counted = _counted(view.logit, _OCCLUSION_POSITIONS**3, name, progress)
        made = occlusion(counted, image, view.replacement, *windows)
    else:
        regions = supervoxels(view.image, spacing_of(view.affine), view.center, diameter_mm)
        counted = _counted(view.logit, LIME_SAMPLES, name, progress)
        made = lime(counted, image, view.replacement, regions)
        note = f"{int(regions.max())} supervoxels"
    return AttributionMap(method, made, affine, 0.0, note=note)


def logits(view: ScoredCrop, images: Map) -> Map:
    """Logits at a view's target for images (n, d, h, w): (n,)."""
    with torch.no_grad():
        result: Map = view.logit(torch.from_numpy(images)[:, None].to(view.device)).cpu().numpy()
    return result


def on_grid(made: AttributionMap, view: ScoredCrop) -> Map:
    """Bring a map onto the grid of its view; 0 where it says nothing."""
    return resample(made.values, made.affine, view.affine, view.image.shape, outside=0.0)


def grad_cam(score: Score, layer: nn.Module, image: Tensor) -> Map:
    """Activations of a layer weighted by the score's mean gradient, what is negative cut off: (d', h', w').

    References
    ----------
    Selvaraju et al., "Grad-CAM" (ICCV 2017).
    """
    from captum.attr import LayerGradCam

    with torch.enable_grad():
        made = LayerGradCam(score, layer).attribute(image, relu_attributions=True)
    return _array(made)


def integrated_gradients(score: Score, image: Tensor, plain: float, steps: int = IG_STEPS) -> Map:
    """Mean gradient on the way from a plain image, times the difference from it: (d, h, w).

    It sums to the difference of the two scores (completeness), as well as the steps allow.

    References
    ----------
    Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks" (ICML 2017).
    """
    from captum.attr import IntegratedGradients

    with torch.enable_grad():
        made = IntegratedGradients(score).attribute(
            image, baselines=torch.full_like(image, plain), n_steps=steps, internal_batch_size=1
        )
    return _array(made)


def gradient_shap(score: Score, image: Tensor, plain: Sequence[float], samples: int = SHAP_SAMPLES) -> Map:
    """Average the gradient over plain images and places on the way from them, an estimate of SHAP values: (d, h, w).

    References
    ----------
    Lundberg, Lee, "A Unified Approach to Interpreting Model Predictions" (NeurIPS 2017); captum's ``GradientShap``.
    """
    from captum.attr import GradientShap

    baselines = torch.stack([torch.full_like(image[0], value) for value in plain])
    total = torch.zeros_like(image)
    with _seeded(), torch.enable_grad():
        for _ in range(samples):  # One at a time: captum would hold all of them in memory.
            total += GradientShap(score).attribute(image, baselines=baselines, n_samples=1, stdevs=_SHAP_NOISE).detach()
    return _array(total / samples)


def occlusion_windows(
    shape: tuple[int, ...], spacing: tuple[float, float, float], center: FloatArray, diameter_mm: float
) -> tuple[tuple[slice, ...], tuple[int, ...], tuple[int, ...]]:
    """Where a window is moved, its size and its step: as large as the finding, half overlapping."""
    step_mm = float(np.clip(diameter_mm / 2, *_OCCLUSION_STEP_MM))
    steps = [
        min(max(1, round(step_mm / s)), n // (_OCCLUSION_POSITIONS + 1)) for n, s in zip(shape, spacing, strict=True)
    ]
    where = []
    for middle, step, size in zip(center, steps, shape, strict=True):
        side = step * (_OCCLUSION_POSITIONS + 1)
        start = int(np.clip(round(float(middle) + 0.5 - side / 2), 0, size - side))
        where.append(slice(start, start + side))
    return tuple(where), tuple(2 * step for step in steps), tuple(steps)


def occlusion(
    score: Score,
    image: Tensor,
    plain: float,
    where: tuple[slice, ...],
    window: tuple[int, ...],
    step: tuple[int, ...],
) -> Map:
    """How far the score falls when a window covers a place, averaged over the windows that do: (d, h, w).

    Parameters
    ----------
    where : (z, y, x) slices
        The part of the image that the window is moved over; the map is 0 elsewhere.
    window, step : (z, y, x), voxels

    References
    ----------
    Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014).
    """
    from captum.attr import Occlusion

    inside = (slice(None), slice(None), *where)

    def inner(middle: Tensor) -> Tensor:
        full = image.expand(middle.shape[0], -1, -1, -1, -1).clone()
        full[inside] = middle
        return score(full)

    with torch.no_grad():
        made = Occlusion(inner).attribute(image[inside], (1, *window), strides=(1, *step), baselines=plain)
    result = np.zeros(image.shape[2:], np.float32)
    result[where] = _array(made)
    return result


def supervoxels(
    image: Map, spacing: tuple[float, float, float], center: FloatArray, diameter_mm: float
) -> npt.NDArray[np.intp]:
    """Cut the finding and its surroundings into pieces of similar intensity (SLIC): 1, 2, ...; 0 elsewhere."""
    from skimage.segmentation import slic

    offsets = [(np.arange(n) - c) * s for n, c, s in zip(image.shape, center, spacing, strict=True)]
    z, y, x = np.ix_(*offsets)
    ball = z**2 + y**2 + x**2 < (diameter_mm / 2 + _LIME_RIM_MM) ** 2
    low, high = float(image[ball].min()), float(image[ball].max())
    scaled = (image - low) / (high - low) if high > low else np.zeros_like(image)
    result: npt.NDArray[np.intp] = slic(
        scaled,
        n_segments=LIME_REGIONS,
        compactness=_SLIC_COMPACTNESS,
        spacing=spacing,
        mask=ball,
        start_label=1,
        channel_axis=None,
    )
    return result


def lime(score: Score, image: Tensor, plain: float, regions: npt.NDArray[np.intp], samples: int = LIME_SAMPLES) -> Map:
    """Weights of a linear model that predicts the score from which regions are there: (d, h, w), 0 outside of them.

    Parameters
    ----------
    regions : (d, h, w)
        1, 2, ...; what is 0 is never changed.

    References
    ----------
    Ribeiro, Singh, Guestrin, "'Why Should I Trust You?': Explaining the Predictions of Any Classifier" (KDD 2016).
    """
    from captum._utils.models.linear_model import SkLearnRidge
    from captum.attr import Lime

    mask = torch.from_numpy(np.asarray(regions)).to(image.device)[None, None]
    kept = mask == 0

    def inner(changed: Tensor) -> Tensor:
        return score(torch.where(kept, image, changed))

    with _seeded(), torch.no_grad():
        made = Lime(inner, interpretable_model=SkLearnRidge(alpha=1.0)).attribute(
            image, baselines=plain, feature_mask=mask, n_samples=samples
        )
        made = torch.where(kept, torch.zeros_like(made), made)
    return _array(made)


def _counted(score: Score, passes: int, name: str, progress: Progress) -> Score:
    """Report every pass, so that each can be the last one."""
    done = 0

    def inner(images: Tensor) -> Tensor:
        nonlocal done
        progress(min(done, passes), passes, name)
        done += 1
        return score(images)

    return inner


def _gradients(view: ScoredCrop) -> Gradients:
    if view.gradients is None:
        raise ValueError("This view has no gradients.")
    return view.gradients


def _strided(affine: FloatArray, stride: int) -> FloatArray:
    grid = np.diag([stride] * 3 + [1.0])
    grid[:3, 3] = (stride - 1) / 2
    result: FloatArray = affine @ grid
    return result


def _array(made: Tensor) -> Map:
    result: Map = made.detach()[0, 0].to("cpu", torch.float32).numpy()
    return result


@contextmanager
def _seeded() -> Iterator[None]:
    """Draw the same random numbers every time (captum uses both global generators), and later those as before."""
    state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        torch.manual_seed(_SEED)
        np.random.seed(_SEED)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
