"""What the classifiers of candidates share, of one plane and of three: batches, sizes, how nodules separate, export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from napari_lesion.imaging.preprocess import HU_WINDOW
from napari_lesion.models.package_metadata import Metadata, Preprocessing
from napari_lesion.models.packages import save_package
from napari_lesion.training.config.patches import PatchTrainingConfig
from napari_lesion.training.config.planes import PlanesTrainingConfig
from napari_lesion.training.data.patches import PIXEL_MM
from napari_lesion.training.engine.card import card
from napari_lesion.training.engine.recipe import Recipe

Result = TypeVar("Result")
_SIZE_WEIGHT = 0.3


class ClassifierRecipe(Recipe[tuple[Tensor, Tensor, Tensor], Result]):
    """How a classifier of candidates is trained: on images, whether they show nodules, and how large these are."""

    measure = "average_precision"
    config: PatchTrainingConfig | PlanesTrainingConfig

    def moved(self, batch: tuple[Tensor, Tensor, Tensor], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Bring a batch to a device."""
        image, nodule, size = batch
        return image.to(device), nodule.to(device), size.to(device)

    def _save(
        self,
        weights: Mapping[str, Tensor],
        record: Mapping[str, Any],
        out: Path,
        *,
        batch_of: str,
        data: str,
        **about: Any,
    ) -> Path:
        """Write the package; ``about`` is what its metadata say besides."""
        config = self.config
        metadata = Metadata(
            id=config.id,
            version=config.version,
            licence="Apache-2.0",
            preprocessing=Preprocessing(spacing_mm=PIXEL_MM, window_hu=HU_WINDOW),
            **about,
        )
        text = card(record, f"{config.batch_size} {batch_of}", data, "Not evaluated yet.")
        return save_package(out / "model", weights, metadata, text).folder


def size_loss(answered: Tensor, size: Tensor) -> Tensor:
    """Weighted error of the size where it is known; both (n,), ln(diameter / 8 mm)."""
    known = ~size.isnan()
    if not known.any():
        return answered.new_zeros(())
    return _SIZE_WEIGHT * functional.smooth_l1_loss(answered[known], size[known])


def separation(nodule: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]) -> dict[str, float]:
    """Measure how well scores tell nodules from others."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "average_precision": float(average_precision_score(nodule, score)),
        "roc_auc": float(roc_auc_score(nodule, score)),
    }


def best_f1_threshold(nodule: npt.NDArray[np.bool_], score: npt.NDArray[np.float64]) -> float:
    """Give the score that separates with the best F1."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, threshold = precision_recall_curve(nodule, score)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    return float(threshold[min(int(f1.argmax()), len(threshold) - 1)])
