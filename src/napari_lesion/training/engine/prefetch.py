"""Drawing the next batch while the network learns from the present one."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic

import torch

from napari_lesion.training.engine.recipe import Batch, Batches


class Prefetcher(Generic[Batch]):
    """Draws batches in a thread, one ahead, without losing the exact state for a checkpoint.

    Nothing but this may draw from the batches.
    """

    def __init__(self, batches: Batches[Batch]) -> None:
        self._batches = batches
        # One thread of its own; torch's other threads stay with the network.
        self._pool = ThreadPoolExecutor(1, initializer=lambda: torch.set_num_threads(1))
        self._next: Future[Batch] | None = None
        self._state = batches.state

    def take(self, *, further: bool) -> Batch:
        """Give the next batch, and start on the one after it if that may be drawn from the data as they are now."""
        batch = (self._next or self._submit()).result()
        self._state = self._batches.state
        self._next = self._submit() if further else None
        return batch

    @property
    def state(self) -> dict[str, Any]:
        """State that the next ``take`` starts from."""
        return self._state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state; nothing may have been drawn ahead."""
        self._batches.restore(state)
        self._state = self._batches.state

    def close(self) -> None:
        """Stop drawing."""
        self._pool.shutdown(cancel_futures=True)

    def _submit(self) -> Future[Batch]:
        return self._pool.submit(self._batches.draw)
