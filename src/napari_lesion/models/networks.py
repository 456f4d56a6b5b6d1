"""The networks. Each is fully convolutional and translation equivariant, so any box size gives the same answer."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

OUTPUT_STRIDE = 2
"""Input voxels per output voxel; output voxel k has its centre at input index 2k + 0.5."""
INPUT_MULTIPLE = 16
"""Input sizes must be multiples of this (the deepest stride)."""


def conv_block(cin: int, cout: int, stride: int = 1) -> nn.Sequential:
    """3×3×3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv3d(cin, cout, 3, stride=stride, padding=1, bias=False), nn.BatchNorm3d(cout), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two 3×3×3 convolutions with a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = conv_block(channels, channels)
        self.second = nn.Conv3d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, d, h, w) → the same shape."""
        return functional.relu(x + self.norm(self.second(self.first(x))))


def space_to_depth(x: Tensor) -> Tensor:
    """(b, c, d, h, w) → (b, 8c, d/2, h/2, w/2): each 2×2×2 block becomes 8 channels, the first channel's come first."""
    b, c, d, h, w = x.shape
    x = x.reshape(b, c, d // 2, 2, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return x.reshape(b, 8 * c, d // 2, h // 2, w // 2)


def depth_to_space(x: Tensor) -> Tensor:
    """(b, 8c, d, h, w) → (b, c, 2d, 2h, 2w): the way back."""
    b, c, d, h, w = x.shape
    x = x.reshape(b, c // 8, 2, 2, 2, d, h, w).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return x.reshape(b, c // 8, 2 * d, 2 * h, 2 * w)


class Pyramid(nn.Module):
    """A small feature pyramid with one output level of stride 2: what finds nodules, and what outlines them.

    References
    ----------
    Lin et al., "Feature Pyramid Networks" (CVPR 2017).
    """

    def __init__(self, channels: int, width: int, dropout: float) -> None:
        super().__init__()
        c1, c2, c3 = width, 2 * width, 4 * width
        self.stage1 = nn.Sequential(conv_block(8 * channels, c1), Residual(c1))
        self.stage2 = nn.Sequential(conv_block(c1, c2, stride=2), Residual(c2))
        self.stage3 = nn.Sequential(conv_block(c2, c3, stride=2), Residual(c3))
        self.stage4 = nn.Sequential(conv_block(c3, c3, stride=2), Residual(c3), nn.Dropout3d(dropout))
        self.lateral3 = nn.Conv3d(c3, c2, 1)
        self.lateral4 = nn.Conv3d(c3, c2, 1)
        self.merge2 = conv_block(c2, c2)
        self.reduce2 = nn.Conv3d(c2, c1, 1)
        self.merge1 = conv_block(c1, c1)

    def features(self, x: Tensor) -> Tensor:
        """(b, channels, d, h, w) → (b, width, d/2, h/2, w/2)."""
        s1 = self.stage1(space_to_depth(x))
        s2 = self.stage2(s1)
        s3 = self.stage3(s2)
        s4 = self._deepest(s3)
        p3 = self.lateral3(s3) + _double(self.lateral4(s4))
        p2 = self.merge2(s2 + _double(p3))
        return self.merge1(s1 + _double(self.reduce2(p2)))  # type: ignore[no-any-return]

    def _deepest(self, s3: Tensor) -> Tensor:
        # On a CPU, the gradients of torch's convolutions in bfloat16 are wrong, or no numbers, where they see no more
        # than 2×2×2 voxels, as here in crops of 32.
        if s3.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return self.stage4(s3.float())  # type: ignore[no-any-return]
        return self.stage4(s3)  # type: ignore[no-any-return]


class NoduleNet(Pyramid):
    """Centre heatmap and size of nodules: a pyramid, and what it says at each place.

    Input is (b, 1, d, h, w): HU at 1 mm, canonical orientation (z to the head, y to the back, x to the left),
    scaled by ``preprocess``; each side a multiple of 16. Output is (b, 5, d/2, h/2, w/2):

    ====  ==========================================================
    0     logit that a nodule's centre lies here
    1     ln(diameter / 8 mm)
    2-4   offset (z, y, x) from the output voxel's centre to the nodule's, mm
    ====  ==========================================================

    References
    ----------
    Zhou et al., "Objects as Points" (arXiv 1904.07850).
    """

    def __init__(self, width: int = 24, dropout: float = 0.0) -> None:
        super().__init__(1, width, dropout)
        self.head = nn.Conv3d(width, 5, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.head.bias[0] = math.log(0.01 / 0.99)  # type: ignore[index]  # a rare class: start near its prior

    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, d, h, w) → (b, 5, d/2, h/2, w/2)."""
        return self.head(self.features(x))  # type: ignore[no-any-return]


class SegmentNet(Pyramid):
    """Outlines the nodule that is pointed at: the detector's pyramid, whose every place answers for its 2×2×2 voxels.

    Input is (b, 2, d, h, w): a crop as for ``NoduleNet``, and beside it where the nodule is said to be and how large:
    exp(-2 (r/d)²) at the distance r from the centre, for the diameter d. Output is (b, 1, d, h, w): the logit that a
    voxel belongs to the nodule.
    """

    def __init__(self, width: int = 24, dropout: float = 0.0) -> None:
        super().__init__(2, width, dropout)
        self.refine = Residual(width)
        self.head = nn.Conv3d(width, 8, 1)
        with torch.no_grad():
            self.head.bias.fill_(math.log(0.02 / 0.98))  # type: ignore[union-attr]  # most voxels are no nodule

    def train(self, mode: bool = True) -> SegmentNet:
        """Learn all but the statistics of batch norms: crops of small and of large nodules differ too much in them."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm3d):
                module.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(b, 2, d, h, w) → (b, 1, d, h, w)."""
        return depth_to_space(self.head(self.refine(self.features(x))))


def _double(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")


PATCH_SIZE = 48
"""Side of the patch that one output of ``PatchNet`` sees, pixels."""
PATCH_STRIDE = 4
"""Pixels between two outputs of ``PatchNet``; output k looks at pixels 4k to 4k + 47."""


_TOGETHER_DROPOUT = 0.3


class PatchNet(nn.Module):
    """Small 2D classifier of a patch around a candidate, without padding.

    Input is (b, 1, h, w), each side 48 + 4n: a plane of CT, scaled as for ``NoduleNet``. Output is
    (b, 2, n_h + 1, n_w + 1): for a single patch of 48 pixels one answer, and over a larger plane exactly the answers
    that its patches would get, every 4 pixels.

    ====  ==========================================================
    0     logit that the patch's centre lies on a nodule
    1     ln(diameter / 8 mm)
    ====  ==========================================================

    References
    ----------
    Long et al., "Fully Convolutional Networks for Semantic Segmentation" (CVPR 2015), for classifiers that slide.
    """

    def __init__(self, width: int = 16, dropout: float = 0.0) -> None:
        super().__init__()
        c1, c2, c3 = width, 2 * width, 4 * width
        # A stem of stride 2 keeps as many numbers as there are pixels, at a third of the work of two layers before it.
        self.features = nn.Sequential(
            *_valid_block(1, c1, 5, stride=2),
            *_valid_block(c1, c2), *_valid_block(c2, c2), nn.MaxPool2d(2),
            *_valid_block(c2, c3), *_valid_block(c3, c3),
            *_valid_block(c3, c3, 5), nn.Dropout2d(dropout),
        )  # fmt: skip
        self.head = nn.Conv2d(c3, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(b, 1, 48 + 4n, 48 + 4m) → (b, 2, n + 1, m + 1)."""
        return self.head(self.features(x))  # type: ignore[no-any-return]


def _valid_block(cin: int, cout: int, size: int = 3, stride: int = 1) -> tuple[nn.Module, ...]:
    return nn.Conv2d(cin, cout, size, stride=stride, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True)


class PlanesNet(nn.Module):
    """Classifier of the three planes through a candidate together.

    What is a dot in one plane and a line in another is a vessel: the mean over planes that were classified one by one
    cannot tell. Input is (b, 3, 48, 48), axial, coronal and sagittal, scaled as for ``PatchNet``; output is (b, 2), as
    that of ``PatchNet`` for a patch.

    References
    ----------
    Setio et al., "Pulmonary nodule detection in CT images: false positive reduction using multi-view convolutional
    networks" (IEEE TMI 2016), whose late fusion this is.
    """

    def __init__(self, width: int = 16, dropout: float = 0.0) -> None:
        super().__init__()
        self.planes = PatchNet(width, dropout)
        """Sees each plane by itself."""
        last = nn.Linear(96, 1)
        # At first the answer is the mean over the planes.
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.together = nn.Sequential(
            nn.Dropout(_TOGETHER_DROPOUT), nn.Linear(5 * 4 * width, 96), nn.ReLU(), nn.Dropout(_TOGETHER_DROPOUT), last
        )

    def forward(self, x: Tensor) -> Tensor:
        """(b, 3, 48, 48) → (b, 2)."""
        together, one_by_one = self.logits(x)
        return torch.stack([together, one_by_one[:, 1]], dim=1)

    def logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(b, 3, 48, 48) → (b,), the logit of all planes together, and (b, 2), the means over the planes one by one."""
        count = len(x)
        features = self.planes.features(x.reshape(3 * count, 1, PATCH_SIZE, PATCH_SIZE))
        one_by_one = self.planes.head(features).reshape(count, 3, 2).mean(1)
        axial, coronal, sagittal = features.reshape(count, 3, -1).unbind(1)
        # Left, right, front and back are alike to a nodule, so the order of the two upright planes must not matter.
        upright = torch.maximum(coronal, sagittal)
        joined = torch.cat(
            [
                axial,
                (coronal + sagittal) / 2,
                upright,
                torch.maximum(axial, upright),
                torch.minimum(axial, torch.minimum(coronal, sagittal)),
            ],
            dim=1,
        )
        return one_by_one[:, 0] + self.together(joined)[:, 0], one_by_one


LOOKS_SIDE = 56
"""Side of the slice that ``LooksNet`` sees, pixels."""
LOOKS_CHANNELS = 4
"""Three windows of HU, and the mask."""
RATED: dict[str, int] = {
    "texture": 5,
    "spiculation": 5,
    "lobulation": 5,
    "margin": 5,
    "malignancy": 5,
    "calcification": 2,
}
"""What ``LooksNet`` tells of a nodule, and how many values each may have: LIDC's ratings 1 to 5; calcified or not."""


class LooksNet(nn.Module):
    """How readers rate the look of a nodule, from an axial slice through it.

    Input is (b, 4, 56, 56), windows of HU and the mask, and (b, 2): ln(diameter / 8 mm), ln(pixel / 0.6 mm). Output is
    (b, 27): for each of ``RATED``, one after the other, a logit for each of its values.
    """

    def __init__(self, width: int = 16, dropout: float = 0.0) -> None:
        super().__init__()
        c1, c2, c3 = width, 2 * width, 4 * width
        self.features = nn.Sequential(
            *_padded_block(LOOKS_CHANNELS, c1, 5, stride=2), *_padded_block(c1, c1), *_padded_block(c1, c2),
            nn.MaxPool2d(2), *_padded_block(c2, c3), *_padded_block(c3, c3),
        )  # fmt: skip
        self.join = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * c3 + 2, c3), nn.ReLU(inplace=True))
        self.head = nn.Linear(c3, sum(RATED.values()))

    def forward(self, image: Tensor, sizes: Tensor) -> Tensor:
        """(b, 4, 56, 56) and (b, 2) → (b, 27)."""
        x = self.features(image)
        return self.head(self.join(torch.cat([x.mean((2, 3)), x.amax((2, 3)), sizes], 1)))  # type: ignore[no-any-return]


def _padded_block(cin: int, cout: int, size: int = 3, stride: int = 1) -> tuple[nn.Module, ...]:
    conv = nn.Conv2d(cin, cout, size, stride=stride, padding=size // 2, bias=False)
    return conv, nn.BatchNorm2d(cout), nn.ReLU(inplace=True)
