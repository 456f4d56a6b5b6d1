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

        def work(task: tuple[int, int, int]) -> None:
            b, i, j = task
            last = min(j + rows, tiles[1])
            part = padded[b, i * _OUT : i * _OUT + _IN, j * _OUT : last * _OUT + _IN - _OUT]
            place = out[b, i * _OUT : (i + 1) * _OUT, j * _OUT : last * _OUT]
            with torch.inference_mode():
                self._slab(part, last - j, tiles[2], place)

        tasks = list(itertools.product(range(batch), range(tiles[0]), range(0, tiles[1], rows)))
        list(_workers().map(work, tasks))
        out = out[:, : size[0], : size[1], : size[2]]
        if self.bias is not None:
            out += self.bias
        return out.permute(0, 4, 1, 2, 3)

    def _slab(self, part: Tensor, rows: int, columns: int, out: Tensor) -> None:
        """(6, 4 rows + 2, 4 columns + 2, c) → (4, 4 rows, 4 columns, c'), in ``out``."""
        _, height, width, channels = part.shape
        first = part.new_empty((_IN, height, width, channels))
        _to_tile([part[q] for q in range(_IN)], [first[q] for q in range(_IN)])
        second = part.new_empty((_IN, _IN, rows, width, channels))
        _to_tile(
            [first[:, q : q + _OUT * rows : _OUT][:, :rows] for q in range(_IN)], [second[:, q] for q in range(_IN)]
        )
        third = part.new_empty((_IN, _IN, _IN, rows, columns, channels))
        _to_tile(
            [second[:, :, :, q : q + _OUT * columns : _OUT][:, :, :, :columns] for q in range(_IN)],
            [third[:, :, q] for q in range(_IN)],
        )
        products = torch.bmm(third.view(_IN**3, rows * columns, channels), self.kernel)
        products = products.view(_IN, _IN, _IN, rows, columns, -1)
        third = part.new_empty((_OUT, *products.shape[1:]))
        _from_tile([products[q] for q in range(_IN)], [third[q] for q in range(_OUT)])
        second = part.new_empty((_OUT, _OUT, *products.shape[2:]))
        _from_tile([third[:, q] for q in range(_IN)], [second[:, q] for q in range(_OUT)])
        place = out.view(_OUT, rows, _OUT, columns, _OUT, -1).permute(0, 2, 4, 1, 3, 5)
        _from_tile([second[:, :, q] for q in range(_IN)], [place[:, :, q] for q in range(_OUT)])


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
