"""One process or many: what ``torchrun`` has started, and how the processes agree."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Ranks:
    """One process among those that train together."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and reports."""
        return self.rank == 0

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Make a network whose gradients are averaged over the processes; alone, it stays what it is."""
        if self.size == 1:
            return network
        return DistributedDataParallel(network, device_ids=[device] if device.type == "cuda" else None)

    def all(self, here: Tensor) -> bool:
        """Whether a condition (a scalar) holds in every process."""
        if self.size > 1:
            here = here.int()
            distributed.all_reduce(here, distributed.ReduceOp.MIN)
        return bool(here)

    def gathered(self, value: Result) -> list[Result]:
        """Give every process the values of all, by rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value)
        return values

    def shared(self, items: Sequence[Item], work: Callable[[Item], Result]) -> list[Result]:
        """Do work on items, each in one of the processes; every process gets all results, in the order of the items."""
        parts = self.gathered([work(item) for item in items[self.rank :: self.size]])
        return [parts[n % self.size][n // self.size] for n in range(len(items))]

    def agree(self, network: nn.Module) -> None:
        """Give every process the first one's weights and statistics of a network."""
        if self.size > 1:
            for tensor in network.state_dict().values():
                distributed.broadcast(tensor, src=0)

    def wait(self) -> None:
        """Wait until every process has come here."""
        if self.size > 1:
            distributed.barrier()


ALONE = Ranks()


def processes() -> int:
    """Give the number of processes that ``torchrun`` has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that ``torchrun`` has started, by gloo on the CPU and by NCCL on CUDA; else stay alone."""
    size = processes()
    if size == 1:
        yield ALONE
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()


def local_device(device: torch.device) -> torch.device:
    """Give each process of a machine its own CUDA device."""
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    return device
