"""Magnitude pruning of a trained network, without training it further."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

_BLOCK = 8
"""Kernels of processors work on channels in blocks of this many: other numbers save nothing."""


def prune_weights(network: nn.Module, share: float) -> nn.Module:
    """Return a copy whose smallest convolution weights are zero, over all layers but the head.

    This makes nothing faster, because dense kernels multiply zeros too; the file gets smaller once it is compressed.

    Parameters
    ----------
    network : nn.Module
    share : float
        Of the weights, in [0, 1).

    References
    ----------
    ``torch.nn.utils.prune.global_unstructured`` with ``L1Unstructured``.
    """
    from torch import nn
    from torch.nn.utils import prune

    pruned = copy.deepcopy(network).eval()
    convolutions = [module for module in pruned.modules() if isinstance(module, nn.Conv3d)][:-1]
    prune.global_unstructured(
        [(module, "weight") for module in convolutions], pruning_method=prune.L1Unstructured, amount=share
    )
    for module in convolutions:
        prune.remove(module, "weight")  # type: ignore[no-untyped-call]
    return pruned


def prune_channels(network: nn.Module, share: float) -> nn.Module:
    """Return a copy for inference whose residual blocks are narrower inside: channels are gone, not zero.

    Only the channels between the two convolutions of a block can go without changing what its neighbours see. Those
    with the smallest sum of weights, batch norm included, go; what stays is a multiple of 8.

    Parameters
    ----------
    network : nn.Module
        Made of ``networks.Residual``.
    share : float
        Of the channels inside each block, in [0, 1).
    """
    import torch
    from torch import nn

    from napari_lesion.imaging.inference import fold_batch_norm
    from napari_lesion.models.networks import Residual

    pruned = fold_batch_norm(network)
    for block in pruned.modules():
        if not isinstance(block, Residual):
            continue
        first, second = block.first[0], block.second
        assert isinstance(first, nn.Conv3d)
        assert first.bias is not None  # of the batch norm
        count = max(_BLOCK, round((1 - share) * first.out_channels / _BLOCK) * _BLOCK)
        size = first.weight.detach().abs().sum(dim=(1, 2, 3, 4))
        kept = size.topk(min(count, first.out_channels)).indices.sort().values
        with torch.no_grad():
            narrow = nn.Conv3d(first.in_channels, len(kept), 3, padding=1)
            narrow.weight.copy_(first.weight[kept])
            narrow.bias.copy_(first.bias[kept])  # type: ignore[union-attr]
            after = nn.Conv3d(len(kept), second.out_channels, 3, padding=1)
            after.weight.copy_(second.weight[:, kept])
            after.bias.copy_(second.bias)  # type: ignore[union-attr, arg-type]
        block.first[0], block.second = narrow, after
    return pruned.eval()
