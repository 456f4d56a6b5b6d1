"""Keys that the user chooses: how Qt and napari write them, which are taken, and what is kept."""

from __future__ import annotations

from napari._app_model import get_app_model
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtGui import QKeySequence

from napari_lesion.plugin.settings import store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import OWN_KEYS, Action, defaults, own_keys
from napari_lesion.plugin.viewer.help import key_text

_NAMES = {"PageUp": "PgUp", "PageDown": "PgDown", "Delete": "Del", "Escape": "Esc", "Enter": "Return"}
"""Keys that Qt writes otherwise than napari."""
_MODIFIERS = {"Control": "Ctrl"}


def to_qt(key: str) -> QKeySequence:
    """Give a key of the table to Qt: ``Control-Shift-Z`` → Ctrl+Shift+Z."""
    *modifiers, last = _parts(key, "-")
    return QKeySequence("+".join([*(_MODIFIERS.get(one, one) for one in modifiers), _NAMES.get(last, last)]))


def to_napari(sequence: QKeySequence) -> str:
    """Write what the user pressed as the table does; "" for nothing."""
    text = sequence.toString(QKeySequence.SequenceFormat.PortableText).partition(", ")[0]
    if not text:
        return ""
    *modifiers, last = _parts(text, "+")
    back = {qt: own for own, qt in (*_NAMES.items(), *_MODIFIERS.items())}
    return "-".join(back.get(one, one) for one in (*modifiers, last))


def _parts(key: str, between: str) -> list[str]:
    """Split a key at its joints; the last one may be the sign of the joint itself."""
    if not key or key == between:
        return [key]
    last = between if key.endswith(between * 2) else key.rpartition(between)[2]
    return [*filter(None, key[: -len(last)].split(between)), last]


def _same(one: str, other: str) -> bool:
    return bool(one and other and coerce_keybinding(one) == coerce_keybinding(other))


def keys_from_next_start() -> dict[str, str]:
    """Key of every action, by its id, as it will be when the program starts again."""
    own = own_keys()
    return {action.id: own.get(action.id, action.key) for action in defaults()}


def choose_key(action: Action, key: str) -> str:
    """Keep a key for an action, from the next start on.

    Parameters
    ----------
    action : Action
    key : str
        As the table writes it; "" for none.

    Returns
    -------
    str
        Why it was not kept, as a sentence; "" where it was.
    """
    why = _obstacle(action, key)
    if why:
        return why
    table = {one.id: one.key for one in defaults()}
    own = {**own_keys(), action.id: key}
    store(OWN_KEYS, {id_: chosen for id_, chosen in own.items() if id_ in table and chosen != table[id_]})
    return ""


def _obstacle(action: Action, key: str) -> str:
    """Why an action cannot have a key; "" if it can."""
    if not key:
        return ""
    try:
        coerce_keybinding(key)
    except (ValueError, KeyError):
        return tr("{key} cannot be used: choose a letter, a digit or a key with a name.", key=key_text(key))
    now = keys_from_next_start()
    taken = next((one for one in defaults() if one.id != action.id and _same(now[one.id], key)), None)
    if taken is not None:
        return tr(
            "{key} is taken by “{action}”: nothing was changed. Choose another key, or give that one another first.",
            key=key_text(key),
            action=tr(taken.text),
        )
    menus, pressed = get_app_model(), coerce_keybinding(key)
    for entry in menus.keybindings:
        if entry.keybinding == pressed:
            return tr(
                "{key} is taken by napari's menu “{action}”: nothing was changed. Choose another key.",
                key=key_text(key),
                action=menus.commands[entry.command_id].title,
            )
    return ""
