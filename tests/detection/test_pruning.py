"""Pruning takes the smallest weights and nothing else."""

import torch
from project_scripts import script
from torch import nn

from napari_lesion.imaging.inference import predict
from napari_lesion.models.networks import NoduleNet

pruning = script("pruning", "benchmarks")
prune_channels, prune_weights = pruning.prune_channels, pruning.prune_weights


def network() -> NoduleNet:
    torch.manual_seed(0)
    return NoduleNet(width=16).eval()


def convolutions(net: nn.Module) -> list[nn.Conv3d]:
    return [module for module in net.modules() if isinstance(module, nn.Conv3d)]


def test_the_smallest_weights_become_zero_and_the_others_stay():
    before, after = network(), prune_weights(network(), 0.4)
    old = torch.cat([c.weight.flatten() for c in convolutions(before)[:-1]])
    new = torch.cat([c.weight.flatten() for c in convolutions(after)[:-1]])
    gone = new == 0
    assert abs(gone.float().mean() - 0.4) < 1e-3
    assert old[gone].abs().max() <= old[~gone].abs().min()
    assert torch.equal(old[~gone], new[~gone])
    assert torch.equal(convolutions(before)[-1].weight, convolutions(after)[-1].weight)


def test_channels_that_do_nothing_go_without_a_trace():
    net = network()
    with torch.no_grad():
        for block in (net.stage1[1], net.stage2[1], net.stage3[1], net.stage4[1]):
            half = block.first[0].out_channels // 2
            block.first[0].weight[:half] = 0
            block.first[1].bias[:half] = 0
    pruned = prune_channels(net, 0.5)
    assert pruned.stage1[1].first[0].out_channels == 8
    assert pruned.stage4[1].second.in_channels == 32
    image = torch.rand((1, 1, 32, 16, 48))
    ours, theirs = predict(net, image), predict(pruned, image)
    assert abs(ours.probability - theirs.probability).max() < 1e-5
    assert abs(ours.log_diameter - theirs.log_diameter).max() < 1e-4


def test_channels_left_are_a_multiple_of_eight():
    pruned = prune_channels(NoduleNet(width=24), 1 / 3)
    assert [c.out_channels for c in convolutions(pruned.stage1)] == [24, 16, 24]
