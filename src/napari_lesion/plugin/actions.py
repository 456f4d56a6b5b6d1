"""Everything that a key does, in one table: what is bound, what the help shows, and what the docs list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING
from weakref import WeakSet

from napari_lesion.plugin.workstation import Workstation, workstation

if TYPE_CHECKING:
    from napari.components import ViewerModel

#: Modules with a tuple ``ACTIONS``, in the order of the help.
MODULES: tuple[str, ...] = ()


@dataclass(frozen=True)
class Action:
    """Something that the reader does with a key.

    Attributes
    ----------
    id : str
        ``window.lung``: a group and a name.
    text : str
        What it does, in English; shown through `texts.tr`.
    key : str
        In napari's form: ``"A"``, ``"Shift-A"``, ``"F5"``; "" if none.
    run : callable
    """

    id: str
    text: str
    key: str
    run: Callable[[Workstation], None]

    @property
    def group(self) -> str:
        """First part of the id."""
        return self.id.partition(".")[0]


def actions() -> Iterable[Action]:
    """All actions, module by module."""
    for module in MODULES:
        yield from import_module(module).ACTIONS


_bound: WeakSet[ViewerModel] = WeakSet()


def bind(viewer: ViewerModel) -> None:
    """Bind the keys to a viewer (once). They go before napari's own."""
    if viewer in _bound:
        return
    _bound.add(viewer)
    station = workstation(viewer)
    for action in actions():
        if action.key:
            viewer.bind_key(action.key, lambda _viewer, act=action: act.run(station), overwrite=True)
