"""Winograd's convolutions are convolutions, whatever the size."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_lesion.detection.monai_bundles.winograd import WinogradConv3d, pays, use_winograd


@pytest.mark.parametrize("size", [(24, 24, 24), (5, 9, 1), (1, 1, 1), (4, 8, 61), (33, 6, 7)])
def test_the_same_as_the_convolution(size: tuple[int, int, int]) -> None:
    torch.manual_seed(1)
    layer = nn.Conv3d(128, 160, 3, padding=1)
    image = torch.randn(2, 128, *size).contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        expected, result = layer(image), WinogradConv3d(layer)(image)
    assert float((result - expected).abs().max()) < 1e-4 * float(expected.abs().max())


def test_only_layers_for_which_it_pays_are_replaced() -> None:
    network = nn.Sequential(
        nn.Conv3d(128, 128, 3, padding=1),
        nn.Conv3d(128, 64, 3, padding=1),
        nn.Conv3d(128, 128, 3, padding=1, stride=2),
        nn.Conv3d(128, 128, 1),
    )
    assert [pays(layer) for layer in network] == [True, False, False, False]
    use_winograd(network)
    assert [type(layer) for layer in network] == [WinogradConv3d, nn.Conv3d, nn.Conv3d, nn.Conv3d]
