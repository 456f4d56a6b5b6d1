"""Something that is so while it lasts, as when the program changes what a reader could change, too."""

from __future__ import annotations


class Flag:
    """Is true within its ``with`` statements, of which one may stand in another."""

    def __init__(self) -> None:
        self._depth = 0

    def __bool__(self) -> bool:
        return self._depth > 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
