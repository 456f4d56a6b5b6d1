"""What the plugin remembers from one session to the next, in a file of the user's that Qt keeps."""

from __future__ import annotations

import getpass
import json
import os
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

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
    name = str(option("review/reader")).strip()
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "reader"


@dataclass(frozen=True)
class Option:
    """A setting that the user may change on the page of settings, which is made of these.

    Attributes
    ----------
    name : str
        As `setting` has it.
    section : str
    text, help : str
        In English; shown through `texts.tr`.
    default
        Holds as long as nothing is chosen.
    choices : tuple of (value, text)
        What there is to choose from; others are listed by the page (languages, models).
    kind : {"switch", "number", "text", "folder", "choice"}
    low, high, step : float
        Of a number.
    unit : str
    none : str
        What the lowest number, or an empty text, means.
    restart : bool
        Whether it holds only from the next start on.
    """

    name: str
    section: str
    text: str
    default: Any
    kind: Literal["switch", "number", "text", "folder", "choice"]
    help: str = ""
    choices: tuple[tuple[Any, str], ...] = ()
    low: float = 0.0
    high: float = 100.0
    step: float = 1.0
    unit: str = ""
    none: str = ""
    restart: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is shown of it."""
        own = (self.section, self.text, self.help, self.unit, self.none)
        return tuple(filter(None, (*own, *(text for _, text in self.choices))))


SIDES, LPS = "sides", "lps"
READER, PICTURE, DEFAULTS, FOLDERS = "Reader", "Picture", "How scans open and are searched", "Folders"

OPTIONS: tuple[Option, ...] = (
    Option(
        "review/reader", READER, "Reader's name", "", "text", "Changes are written down with it", none="of the login"
    ),
    Option("language", READER, "Language", "", "choice", restart=True),
    Option(
        "tools/places",
        PICTURE,
        "Places under the mouse",
        SIDES,
        "choice",
        "In the corner; the status bar always has both",
        choices=((SIDES, "by sides: R 45.0  A 12.3  F 270.0 mm"), (LPS, "as LPS: −45.0, −12.3, −270.0 mm")),
    ),
    Option("tools/names_shown", PICTURE, "Patient's name in the corners", True, "switch"),
    Option("tools/interpolated", PICTURE, "Smooth between the voxels", True, "switch"),
    Option("views/crosshair", PICTURE, "Crosshair", True, "switch"),
    Option("tools/cine_rate", PICTURE, "Cine", 10, "number", low=2, high=30, unit="slices a second"),
    Option(
        "hanging/window",
        DEFAULTS,
        "Window of scans of a new kind",
        "",
        "choice",
        "Scans of a kind that you have read open as you last read one",
        choices=(("", "as the scan asks"),),
    ),
    Option("views/four_up", DEFAULTS, "Four views", False, "switch"),
    Option("models/default", DEFAULTS, "Model that searches", "", "choice", "Of the command line, too", restart=True),
    Option(
        "findings/threshold",
        DEFAULTS,
        "Findings from the score",
        0.0,
        "number",
        "Each search starts with it; the slider changes it for one scan",
        high=0.99,
        step=0.01,
        none="as the model says",
    ),
    Option(
        "session/memory_gib", DEFAULTS, "Memory of open scans", 4.0, "number", low=0.5, high=256, step=0.5, unit="GiB"
    ),
    Option("report/folder", FOLDERS, "Reports", "", "folder", none="where you choose"),
    Option("annotation/folder", FOLDERS, "Annotations", "", "folder", none="the program's own", restart=True),
    Option("reading/folder", FOLDERS, "Blind readings", "", "folder", none="in your documents", restart=True),
    Option("cases/folder", FOLDERS, "Cases", "", "folder", none="none yet", restart=True),
    Option("worklist/file", FOLDERS, "File of the worklist", "", "text", none="the user's own"),
    Option("worklist/rule", FOLDERS, "File of its rule", "", "text", none="as it comes"),
)
"""Of the page of settings, in its order."""


def option(name: str) -> Any:
    """Read a setting that is one of `OPTIONS`: what the user chose, or its default."""
    return setting(name, next(one.default for one in OPTIONS if one.name == name))
