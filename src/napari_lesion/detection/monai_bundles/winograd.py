"""3×3×3 convolutions with an eighth of the multiplications, for float32 on a CPU.

Nearly all the work of a RetinaNet is in 3×3×3 convolutions of 256 channels. Winograd's minimal filtering makes 4×4×4
outputs from 6×6×6 inputs with 216 products of channels instead of 1,728. The result is the same up to rounding (about
1e-5 of the largest value), and no library that torch runs on a CPU does this in 3D.

References
----------
Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (arXiv 1509.09308).
"""

from __future__ import annotations

import functools
import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn
from torch.nn import functional

_OUT, _IN = 4, 6
"""Outputs and inputs of a tile along an axis."""
_LEAST_CHANNELS = 128
"""With fewer, moving the tiles costs more than the products save."""
_TILES = 192
"""Tiles worked on at a time: enough for the products to dwarf reading the weights, few enough for the caches."""

# Interpolation points 0, 1, -1, 2, -2 and infinity; the transforms of inputs and outputs are written out below.
_KERNEL = torch.tensor(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ],
    dtype=torch.float64,
)


def pays(layer: nn.Module) -> bool:
    """Whether a layer is a convolution that this makes faster."""
    return (
        isinstance(layer, nn.Conv3d)
        and layer.kernel_size == (3, 3, 3)
        and layer.stride == (1, 1, 1)
        and layer.padding == (1, 1, 1)
        and layer.dilation == (1, 1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and min(layer.in_channels, layer.out_channels) >= _LEAST_CHANNELS
    )


class WinogradConv3d(nn.Module):
    """A 3×3×3 convolution with stride 1 and padding 1, for inference.

    Parameters
    ----------
    layer : Conv3d
        One for which ``pays`` is true.
    """

    def __init__(self, layer: nn.Conv3d) -> None:
        super().__init__()
        weight = layer.weight.detach().double()
        kernel = torch.einsum("ap,bq,cr,oipqr->abcio", _KERNEL, _KERNEL, _KERNEL, weight)
        self.kernel = kernel.reshape(_IN**3, *kernel.shape[3:]).float().contiguous()
        self.bias = None if layer.bias is None else layer.bias.detach()

    def forward(self, x: Tensor) -> Tensor:
        """(b, c, d, h, w) float32 → (b, c', d, h, w)."""
        batch, _, *size = x.shape
        tiles = [-(-n // _OUT) for n in size]
        pads = [p for n, t in zip(reversed(size), reversed(tiles), strict=True) for p in (1, t * _OUT - n + 1)]
        # Channels last, with the border that the tiles need.
        padded = functional.pad(x.permute(0, 2, 3, 4, 1), (0, 0, *pads))
        out = x.new_empty((batch, *(t * _OUT for t in tiles), self.kernel.shape[2]))
        rows = min(max(1, _TILES // tiles[2]), tiles[1])
        layers = min(max(1, _TILES // (tiles[2] * rows)), tiles[0])

        def work(task: tuple[int, int, int]) -> None:
            b, i, j = task
            i_end, j_end = min(i + layers, tiles[0]), min(j + rows, tiles[1])
            part = padded[b, i * _OUT : i_end * _OUT + _IN - _OUT, j * _OUT : j_end * _OUT + _IN - _OUT]
            with torch.inference_mode():
                self._block(part, out[b, i * _OUT : i_end * _OUT, j * _OUT : j_end * _OUT])

        tasks = list(itertools.product(range(batch), range(0, tiles[0], layers), range(0, tiles[1], rows)))
        list(_workers().map(work, tasks))
        out = out[:, : size[0], : size[1], : size[2]]
        if self.bias is not None:
            out += self.bias
        return out.permute(0, 4, 1, 2, 3)

    def _block(self, part: Tensor, out: Tensor) -> None:
        """(4 d + 2, 4 h + 2, 4 w + 2, c) → (4 d, 4 h, 4 w, c'), in ``out``; d, h and w count tiles."""
        d, h, w = (n // _OUT for n in out.shape[:3])
        _, height, width, channels = part.shape
        one = part.new_empty((_IN, d, height, width, channels))
        _to_tile([part[q::_OUT][:d] for q in range(_IN)], list(one))
        two = part.new_empty((_IN, _IN, d, h, width, channels))
        _to_tile([one[:, :, q::_OUT][:, :, :h] for q in range(_IN)], list(two.unbind(1)))
        three = part.new_empty((_IN, _IN, _IN, d, h, w, channels))
        _to_tile([two[..., q::_OUT, :][..., :w, :] for q in range(_IN)], list(three.unbind(2)))
        del one, two
        products = torch.bmm(three.view(_IN**3, d * h * w, channels), self.kernel).view(_IN, _IN, _IN, d, h, w, -1)
        del three
        two = part.new_empty((_OUT, *products.shape[1:]))
        _from_tile(list(products), list(two))
        one = part.new_empty((_OUT, _OUT, *products.shape[2:]))
        _from_tile(list(two.unbind(1)), list(one.unbind(1)))
        place = out.unflatten(0, (d, _OUT)).unflatten(2, (h, _OUT)).unflatten(4, (w, _OUT))  # type: ignore[no-untyped-call]
        _from_tile(list(one.unbind(2)), [place[:, :, :, :, :, q].permute(1, 3, 0, 2, 4, 5) for q in range(_OUT)])


@functools.cache
def _workers() -> ThreadPoolExecutor:
    """Make a thread for each core, whose operations are not divided further: the work is, by slabs."""
    count = torch.get_num_threads()
    pool = ThreadPoolExecutor(count, "winograd", initializer=torch.set_num_threads, initargs=(1,))
    list(pool.map(lambda _: time.sleep(0.01), range(count)))  # so that all are there,
    torch.set_num_threads(count)  # because a thread that starts takes the number that was set last
    return pool


def _to_tile(d: list[Tensor], out: list[Tensor]) -> None:
    """Transform six inputs along one axis: into six values to be multiplied."""
    t = torch.sub(d[4], d[2], alpha=4)
    u = torch.sub(d[3], d[1], alpha=4)
    torch.add(t, u, out=out[1])
    torch.sub(t, u, out=out[2])
    torch.sub(d[4], d[2], out=t)
    torch.sub(d[3], d[1], out=u)
    torch.add(t, u, alpha=2, out=out[3])
    torch.sub(t, u, alpha=2, out=out[4])
    torch.sub(d[0], d[2], out=out[0])
    torch.add(t, out[0], alpha=4, out=out[0])
    torch.sub(d[5], d[3], out=t)
    torch.sub(t, u, alpha=4, out=out[5])


def _from_tile(m: list[Tensor], out: list[Tensor]) -> None:
    """Transform six products along one axis: into four outputs."""
    t, u = m[1] + m[2], m[3] + m[4]
    torch.add(t, u, alpha=4, out=out[2])
    t += u
    torch.add(t, m[0], out=out[0])
    torch.sub(m[1], m[2], out=t)
    torch.sub(m[3], m[4], out=u)
    torch.add(t, u, alpha=2, out=out[1])
    t.add_(u, alpha=8)
    torch.add(t, m[5], out=out[3])


def use_winograd(network: nn.Module) -> None:
    """Replace the convolutions of a network for which it pays, in place."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if pays(child):
                setattr(parent, name, WinogradConv3d(child))  # type: ignore[arg-type]
