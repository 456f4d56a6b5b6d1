"""Drawing the next batch while the network learns from the present one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch

from napari_lesion.training.data import Batch, Sampler


class Ahead:
    """Draws batches in a thread, one ahead, without losing the exact state for a checkpoint.

    Nothing but this may draw from the sampler.
    """

    def __init__(self, sampler: Sampler, size: int) -> None:
        self.sampler = sampler
        self._size = size
        # One thread of its own; torch's other threads stay with the network.
        self._pool = ThreadPoolExecutor(1, initializer=lambda: torch.set_num_threads(1))
        self._next: Future[Batch] | None = None
        self._state: dict[str, Any] = self._generator.state

    def take(self, *, further: bool) -> Batch:
        """Give the next batch, and start on the one after it if that may be drawn from the sampler as it is now."""
        batch = (self._next or self._submit()).result()
        self._state = self._generator.state
        self._next = self._submit() if further else None
        return batch

    @property
    def state(self) -> dict[str, Any]:
        """State of the randomness that the next ``take`` starts from."""
        return self._state

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state; nothing may have been drawn ahead."""
        self._generator.state = state
        self._state = state

    def close(self) -> None:
        """Stop drawing."""
        self._pool.shutdown(cancel_futures=True)

    @property
    def _generator(self) -> Any:
        return self.sampler.rng.bit_generator

    def _submit(self) -> Future[Batch]:
        return self._pool.submit(self.sampler.batch, self._size)
