"""Objects of which each viewer has one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

from napari_lesion.plugin.session.session import Session

T = TypeVar("T")


def one_each(make: Callable[[Session], T]) -> Callable[[Session], T]:
    """Make a function that gets the object of a viewer's session; the object is made when it is first asked for.

    It must not hold the session but weakly, or neither would ever go.
    """
    made: WeakKeyDictionary[Session, T] = WeakKeyDictionary()

    def get(session: Session) -> T:
        if session not in made:
            made[session] = make(session)
        return made[session]

    return get
