"""Everything that a key does, in one table: what is bound, what the help shows, and what the docs list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from napari_lesion.plugin.session.session import ANNOTATION, READING, SECOND_READER, Session, session_of
from napari_lesion.plugin.settings import setting
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.view import unwrapped
from napari_lesion.plugin.widgets.messages import show_info

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

#: Modules with a tuple ``ACTIONS``, in the order of the help.
MODULES: tuple[str, ...] = (
    "napari_lesion.plugin.viewer.browser_keys",
    "napari_lesion.plugin.viewer.views.keys",
    "napari_lesion.plugin.viewer.views.side_by_side",
    "napari_lesion.plugin.viewer.tools.keys",
    "napari_lesion.plugin.viewer.tools.measuring_keys",
    "napari_lesion.plugin.findings.review_keys",
    "napari_lesion.plugin.annotate.annotate_keys",
    "napari_lesion.plugin.annotate.case_list",
    "napari_lesion.plugin.reading_study.reading_keys",
    "napari_lesion.plugin.settings_page",
    "napari_lesion.plugin.viewer.help",
)


OWN_KEYS = "keys/own"
"""Setting: keys that the user has chosen, by the ids of their actions."""


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
    run: Callable[[Session], None]

    @property
    def group(self) -> str:
        """First part of the id."""
        return self.id.partition(".")[0]


def actions() -> Iterable[Action]:
    """All actions, module by module, each with the key that holds: the user's own, or else that of the table."""
    own = keys_at_start()
    for action in defaults():
        yield replace(action, key=own[action.id]) if action.id in own else action


def defaults() -> Iterable[Action]:
    """All actions with the keys of the table."""
    for module in MODULES:
        yield from import_module(module).ACTIONS


def own_keys() -> dict[str, str]:
    """Read the keys that the user has chosen, by the ids of their actions; they hold from the next start on."""
    stored: dict[str, Any] = setting(OWN_KEYS, {})
    return {id_: key for id_, key in stored.items() if isinstance(key, str)}


@cache
def keys_at_start() -> dict[str, str]:
    """Read `own_keys` once: what is bound, and every text that names a key, are of one and the same time."""
    return own_keys()


def key_of(id_: str) -> str:
    """Get the key of an action, in napari's form; "" if it has none."""
    return next(action.key for action in actions() if action.id == id_)


_bound: WeakSet[ViewerModel] = WeakSet()


def bind(viewer: ViewerModel, session: Session | None = None) -> None:
    """Bind the keys to a viewer (once), before napari's own.

    Parameters
    ----------
    viewer : ViewerModel
    session : Session, optional
        What the keys act on; the viewer's own where none is given (further views have that of the window's viewer).
    """
    viewer = unwrapped(viewer)
    if viewer in _bound:
        return
    _bound.add(viewer)
    session = session_of(viewer) if session is None else session
    keys = {action.key: _bound_to(action, session) for action in actions() if action.key}

    def bind_to(target: ViewerModel | Layer) -> None:
        for key, run in keys.items():
            target.bind_key(key, run, overwrite=True)

    bind_to(viewer)
    # napari asks the selected layer first, and its own keys of layers (1 to 7, A, ...) would win over the viewer's.
    for layer in viewer.layers:
        bind_to(layer)
    viewer.layers.events.inserted.connect(lambda event: bind_to(event.value))


def _bound_to(action: Action, session: Session) -> Callable[[object], None]:
    def run(_target: object) -> None:  # napari asks for a name, which a partial does not have
        if why := obstacle(action, session):
            show_info(why)
        else:
            action.run(session)

    return run


#: Groups of actions that belong to one mode of the workstation, and what to do first.
_MODES = {
    "annotation": (ANNOTATION, N_("This key belongs to annotation: press “Annotate…” first.")),
    "cases": (ANNOTATION, N_("This key belongs to annotation: press “Annotate…” first.")),
    "second reader": (SECOND_READER, N_("This key belongs to the second reader: press “Second reader…” first.")),
    "findings": (READING, N_("This key belongs to the findings: leave this mode first.")),
}


def obstacle(action: Action, session: Session) -> str:
    """Why a key does nothing now: it belongs to another mode than the one that the reader is in; "" if it acts."""
    mode, why = _MODES.get(action.group, ("", ""))
    return tr(why) if mode and session.mode and session.mode != mode else ""
