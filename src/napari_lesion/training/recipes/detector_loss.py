"""What the network is trained to minimise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor
from torch.nn import functional

from napari_lesion.training.config.detector import LossConfig
from napari_lesion.training.data.crops import Batch

_SMOOTH = 1.0


@dataclass(frozen=True)
class Losses:
    """The parts of the loss, each a scalar."""

    heatmap: Tensor
    size: Tensor
    offset: Tensor
    total: Tensor
    """Their weighted sum."""


def nodule_loss(output: Tensor, batch: Batch, options: LossConfig | None = None) -> Losses:
    """Loss on the heatmap, L1 on size and offset at the nodules; every nodule counts the same.

    Parameters
    ----------
    output : (b, 5, m, m, m)
        Of ``NoduleNet``.
    batch : Batch
    options : LossConfig, optional
        Focal by default.

    References
    ----------
    Zhou et al., "Objects as Points" (arXiv 1904.07850), eq. 1.
    """
    options = options or LossConfig()
    logit = output[:, 0].float()
    count = max(batch.nodules, 1)
    if options.heatmap == "dice":
        heatmap = _dice(logit.sigmoid() * batch.valid, batch.heatmap * batch.valid)
    else:
        positive, negative = costs(options.heatmap, logit, options.gamma)
        near = (1 - batch.heatmap) ** options.near_power
        healthy = negative * near * batch.valid * (batch.weight == 0)
        heatmap = (options.positive_weight * (positive * batch.weight).sum() + healthy.sum()) / count
    size = (functional.l1_loss(output[:, 1].float(), batch.size, reduction="none") * batch.weight).sum() / count
    apart = functional.l1_loss(output[:, 2:5].float(), batch.offset, reduction="none").sum(1)
    offset = (apart * batch.weight).sum() / count
    return Losses(heatmap, size, offset, heatmap + options.size_weight * size + options.offset_weight * offset)


def costs(kind: Literal["focal", "bce", "mse", "hinge"], logit: Tensor, gamma: float = 2.0) -> tuple[Tensor, Tensor]:
    """Give what each logit costs if the truth is yes, and if it is no; shapes as ``logit``.

    References
    ----------
    Lin et al., "Focal Loss for Dense Object Detection" (arXiv 1708.02002).
    """
    p = logit.sigmoid()
    match kind:
        case "focal":
            return -((1 - p) ** gamma) * functional.logsigmoid(logit), -(p**gamma) * functional.logsigmoid(-logit)
        case "bce":
            return -functional.logsigmoid(logit), -functional.logsigmoid(-logit)
        case "mse":
            return (1 - p) ** 2, p**2
        case "hinge":
            return (1 - logit).relu(), (1 + logit).relu()


def _dice(p: Tensor, heatmap: Tensor) -> Tensor:
    """One minus the overlap with the heatmap, over the whole batch: crops without a nodule have none of their own.

    References
    ----------
    Milletari et al., "V-Net" (arXiv 1606.04797).
    """
    return 1 - (2 * (p * heatmap).sum() + _SMOOTH) / ((p**2).sum() + (heatmap**2).sum() + _SMOOTH)
