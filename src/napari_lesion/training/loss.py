"""What the network is trained to minimise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from napari_lesion.training.data import Batch


@dataclass(frozen=True)
class Losses:
    """The parts of the loss, each a scalar."""

    heat: Tensor
    size: Tensor
    offset: Tensor

    @property
    def total(self) -> Tensor:
        """Weighted sum."""
        return self.heat + 0.3 * self.size + 0.1 * self.offset


def nodule_loss(output: Tensor, batch: Batch) -> Losses:
    """Focal loss on the heat, L1 on size and offset at the nodules; every nodule counts the same.

    Parameters
    ----------
    output : (b, 5, m, m, m)
        Of ``NoduleNet``.
    batch : Batch

    References
    ----------
    Zhou et al., "Objects as Points" (arXiv 1904.07850), eq. 1.
    """
    logit = output[:, 0].float()
    log_p, log_not_p = functional.logsigmoid(logit), functional.logsigmoid(-logit)
    p = logit.sigmoid()
    count = max(batch.nodules, 1)
    positive = -((1 - p) ** 2) * log_p * batch.weight
    negative = -((1 - batch.heat) ** 4) * p**2 * log_not_p * batch.valid * (batch.weight == 0)
    heat = (positive.sum() + negative.sum()) / count
    size = (functional.l1_loss(output[:, 1].float(), batch.size, reduction="none") * batch.weight).sum() / count
    apart = functional.l1_loss(output[:, 2:5].float(), batch.offset, reduction="none").sum(1)
    return Losses(heat, size, (apart * batch.weight).sum() / count)


def finite(losses: Losses) -> bool:
    """Tell whether a step may be taken."""
    return bool(torch.isfinite(losses.total))
