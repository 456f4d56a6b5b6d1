"""What the plugin remembers from one session to the next, in a file of the user's that Qt keeps."""

from __future__ import annotations

import getpass
import json
import os
from typing import TypeVar

from qtpy.QtCore import QSettings

from napari_lesion.support.bounded import parse_json

ENVIRONMENT = "NAPARI_LESION_SETTINGS"
"""Names another file: for tests, and for several set-ups on one machine."""

T = TypeVar("T")


def _file() -> QSettings:
    path = os.environ.get(ENVIRONMENT)
    if path:
        return QSettings(path, QSettings.Format.IniFormat)
    return QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "napari-lesion", "napari-lesion")


def setting(name: str, default: T) -> T:
    """Read a setting.

    Parameters
    ----------
    name : str
        ``tools/invert``: a part of the program and a name.
    default
        Holds where nothing, or something of another type, is stored. JSON has no tuples: a setting of a tuple is a
        list.
    """
    text = _file().value(name)
    try:
        value = parse_json(text) if isinstance(text, str) else default
    except ValueError:
        return default
    if isinstance(default, float) and type(value) is int:
        value = float(value)
    return value if default is None or type(value) is type(default) else default


def store(name: str, value: object) -> None:
    """Remember a setting: anything that JSON can say."""
    file = _file()
    file.setValue(name, json.dumps(value))
    file.sync()


def reader_name() -> str:
    """Name under which changes are written down: as the user set it, else that of the login."""
    name = setting("review/reader", "").strip()
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "reader"
