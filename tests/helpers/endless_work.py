"""Work for a task that never ends by itself."""

from __future__ import annotations

import threading
import time

from napari_lesion.support.errors import Cancelled
from napari_lesion.support.progress import Progress


class EndlessWork:
    """Goes on until it is cancelled, and says when it has begun and when it was stopped."""

    def __init__(self) -> None:
        self.begun, self.stopped = threading.Event(), threading.Event()

    def __call__(self, progress: Progress) -> None:
        """What a task runs."""
        self.begun.set()
        try:
            while True:
                progress(0, 1, "")
                time.sleep(0.001)
        except Cancelled:
            self.stopped.set()
            raise
