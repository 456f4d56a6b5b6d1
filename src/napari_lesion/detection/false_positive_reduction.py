"""A second look at candidates: a 2D network classifies the three planes through each (false-positive reduction).

Setio et al., "Pulmonary nodule detection in CT images: false positive reduction using multi-view convolutional
networks" (IEEE TMI 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_lesion.imaging import preprocess
from napari_lesion.imaging.inference import choose_device
from napari_lesion.imaging.planes import PLANES, orthogonal_patches
from napari_lesion.model.findings import Candidate
from napari_lesion.model.volume import Volume
from napari_lesion.models.networks import PATCH_SIZE, PlanesNet
from napari_lesion.models.package_metadata import FalsePositiveReduction
from napari_lesion.models.packages import find_package, load_network
from napari_lesion.support.errors import ModelError

_BATCH = 192
_SURE = 1e-6


class PlaneClassifier:
    """Classifies points of a scan by the planes through them, with the network of a patch classifier.

    Parameters
    ----------
    network : nn.Module
        ``PlanesNet``, which sees the three planes together, or one like ``PatchNet``, which sees them one by one.
    pixel_mm : float
        Side of its pixels.
    """

    def __init__(self, network: nn.Module, pixel_mm: float) -> None:
        self.network = network
        self.pixel_mm = pixel_mm

    def __call__(
        self, volume: Volume, points_mm: npt.ArrayLike, device: str = "auto"
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Classify points (n, 3), LPS mm.

        Returns
        -------
        logits, log_diameters : (n, k)
            How likely it goes through a nodule, and ln(diameter / 8 mm): by plane (``PLANES``), or one answer for all.
        """
        points = np.asarray(points_mm, dtype=np.float64).reshape(-1, 3)
        answers = 1 if isinstance(self.network, PlanesNet) else len(PLANES)
        if not len(points):
            return np.zeros((0, answers)), np.zeros((0, answers))
        scan = preprocess.canonical(volume)
        low, _ = preprocess.HU_WINDOW
        planes = orthogonal_patches(
            scan.voxels,
            scan.to_index(points),
            size=PATCH_SIZE,
            pixel=self.pixel_mm / np.asarray(scan.spacing),
            outside=low,
        )
        if isinstance(self.network, PlanesNet):
            both = predict_planes(self.network, scaled(planes), device).double().numpy()
            return both[:, :1], both[:, 1:]
        one_by_one = predict_patches(self.network, scaled(planes.reshape(-1, 1, PATCH_SIZE, PATCH_SIZE)), device)
        logits, sizes = one_by_one[:, :, 0, 0].double().numpy().reshape(len(points), len(PLANES), 2).transpose(2, 0, 1)
        return logits, sizes


def load_classifier(name: str) -> PlaneClassifier:
    """Load a patch classifier by its id.

    Raises
    ------
    ModelError
        If there is no such model, it is damaged, or it is no patch classifier.
    """
    package = find_package(name)
    if package.metadata.network.name not in ("PatchNet", "PlanesNet"):
        raise ModelError(
            f"model {package.metadata.id} classifies no patches, so it cannot be a false-positive reduction."
        )
    return PlaneClassifier(load_network(package), package.metadata.preprocessing.spacing_mm)


def scaled(planes: npt.NDArray[np.float32]) -> Tensor:
    """HU → the network's intensity; any shape."""
    low, high = preprocess.HU_WINDOW
    return torch.from_numpy(planes).sub_(low).div_(high - low).clamp_(0, 1)


@torch.no_grad()
def predict_patches(network: nn.Module, planes: Tensor, device: str = "auto") -> Tensor:
    """Run a network like ``PatchNet`` over planes (n, 1, h, w); (n, 2, n_h, n_w) on the CPU."""
    target = choose_device(device)
    network = network.to(target)
    return torch.cat([network(part.to(target)).float().cpu() for part in torch.split(planes, _BATCH)])


@torch.no_grad()
def predict_planes(network: PlanesNet, planes: Tensor, device: str = "auto") -> Tensor:
    """Run a ``PlanesNet`` over the three planes of points (n, 3, 48, 48); (n, 2) on the CPU.

    It is the mean over the four ways to mirror the planes: what is left and what is right is the same to a nodule.
    """
    target = choose_device(device)
    network = network.to(target)
    mirrored = [planes, planes.flip(3), planes.flip(2), planes.flip(2, 3)]
    answers = [
        torch.cat([network(part.to(target)).float().cpu() for part in torch.split(way, _BATCH // 3)])
        for way in mirrored
    ]
    return torch.stack(answers).mean(0)


def rescore(
    candidates: Sequence[Candidate],
    volume: Volume,
    classifier: PlaneClassifier,
    stage: FalsePositiveReduction,
    device: str = "auto",
) -> tuple[Candidate, ...]:
    """Give candidates the score of both stages together (``join``), and sort them by it, falling."""
    if not candidates:
        return ()
    logits, _ = classifier(volume, [c.center_mm for c in candidates], device)
    scores = join(stage, np.array([c.score for c in candidates]), logits.mean(axis=1))
    order = np.argsort(-scores, kind="stable")
    return tuple(replace(candidates[n], score=float(scores[n])) for n in order)


def join(
    stage: FalsePositiveReduction, first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Join the scores of a detector and the mean logits of a classifier's planes: (n,) each, score in [0, 1].

    It is the logistic function of ``stage.intercept + stage.first × logit + stage.second × mean plane's logit``.
    """
    sure = np.clip(first, _SURE, 1 - _SURE)
    result: npt.NDArray[np.float64] = 1 / (
        1 + np.exp(-(stage.intercept + stage.first * np.log(sure / (1 - sure)) + stage.second * second))
    )
    return result


def fit_stage(
    model: str,
    first: npt.NDArray[np.float64],
    second: npt.NDArray[np.float64],
    hit: npt.NDArray[np.bool_],
) -> FalsePositiveReduction:
    """Fit how the scores are joined, on candidates of validation scans.

    Parameters
    ----------
    model : str
        Id of the patch classifier.
    first : (n,)
        Scores of the detector alone, from 0 to 1.
    second : (n,)
        Mean logits of the classifier over the planes.
    hit : (n,) bool
        Which candidates are lesions.

    Raises
    ------
    ModelError
        If none or all of them are, or if the better candidates of a stage are the worse ones together with the other.
    """
    from sklearn.linear_model import LogisticRegression

    if hit.all() or not hit.any():
        raise ModelError(
            "A false-positive reduction is fitted on candidates of which some are lesions and some are not."
        )
    sure = np.clip(first, _SURE, 1 - _SURE)
    logits = np.stack([np.log(sure / (1 - sure)), second], axis=1)
    fitted = LogisticRegression(C=1e3).fit(logits, hit)
    one, two = (float(value) for value in fitted.coef_[0])
    if one < 0 or two < 0:
        raise ModelError(
            f"The false-positive reduction {model} does not fit these candidates: its factors are {one:g} and {two:g}."
        )
    return FalsePositiveReduction(model=model, intercept=float(fitted.intercept_[0]), first=one, second=two)
