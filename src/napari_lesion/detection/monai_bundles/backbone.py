"""MONAI's ResNet-FPN feature extractor, without the two helpers that MONAI borrows from torchvision."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.blocks.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn

_CHANNELS = 256


class LayerGetter(nn.ModuleDict):
    """The layers of a backbone up to the last that is asked for, run in their order.

    Names of layers and of parameters are those of torchvision's ``IntermediateLayerGetter``, so weights fit.

    Parameters
    ----------
    backbone : Module
        Its children are run one after the other.
    wanted : mapping
        Name of a child → name of its output.
    """

    def __init__(self, backbone: nn.Module, wanted: dict[str, str]) -> None:
        children = dict(backbone.named_children())
        if absent := [name for name in wanted if name not in children]:
            raise ValueError(f"the backbone has no {absent[0]}")
        names = list(children)
        last = max(names.index(name) for name in wanted)
        super().__init__({name: children[name] for name in names[: last + 1]})
        self._wanted = wanted

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Image (b, c, ...) → the output of each layer that is asked for."""
        outputs = {}
        for name, layer in self.items():
            x = layer(x)
            if name in self._wanted:
                outputs[self._wanted[name]] = x
        return outputs


class BackboneWithFPN(nn.Module):
    """A backbone's layers with a feature pyramid on top, finest level first."""

    def __init__(self, body: LayerGetter, channels: list[int], spatial_dims: int) -> None:
        super().__init__()
        self.body = body
        self.fpn = FeaturePyramidNetwork(
            spatial_dims=spatial_dims,
            in_channels_list=channels,
            out_channels=_CHANNELS,
            extra_blocks=LastLevelMaxPool(spatial_dims),
        )
        self.out_channels = _CHANNELS

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Image (b, c, ...) → name of the level → (b, 256, ...)."""
        return self.fpn(self.body(x))  # type: ignore[no-any-return]


def resnet_fpn_feature_extractor(
    backbone: ResNet,
    spatial_dims: int,
    pretrained_backbone: bool = False,
    returned_layers: Sequence[int] = (1, 2, 3),
    trainable_backbone_layers: int | None = None,  # noqa: ARG001 - matters for training only
) -> BackboneWithFPN:
    """Build what ``monai.apps.detection.networks.retinanet_network.resnet_fpn_feature_extractor`` builds.

    Parameters
    ----------
    backbone : ResNet
    spatial_dims : int
    pretrained_backbone : bool
        Must be False: weights come from the bundle.
    returned_layers : sequence of int
        Which of the ResNet's four stages feed the pyramid.
    trainable_backbone_layers : int, optional
        Not used.
    """
    if pretrained_backbone:
        raise ValueError("a pretrained backbone would have to be downloaded; the weights come from the bundle")
    if not returned_layers or min(returned_layers) < 1 or max(returned_layers) > 4:
        raise ValueError(f"returned_layers must lie between 1 and 4, not {list(returned_layers)}")
    width = backbone.in_planes // 8
    channels = [width * 2 ** (n - 1) for n in returned_layers]
    wanted = {f"layer{n}": str(place) for place, n in enumerate(returned_layers)}
    return BackboneWithFPN(LayerGetter(backbone, wanted), channels, spatial_dims)
