"""What a report of a fault holds: versions, the computer, settings that are switches and numbers, and the last faults.

Nothing here may name a patient, and so nothing is taken that could: no path, no text of a file, no name.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    *("napari-lesion", "napari", "numpy", "scipy", "torch", "monai", "pydicom", "highdicom", "pynetdicom"),
    *("dicomweb-client", "imagecodecs", "qtpy", "PySide6", "PyQt6", "PyQt5", "vispy", "typer", "pydantic", "openvino"),
)
#: Those whose values are a word of a known few; of others it is only said that they are set.
_WORDS = {"NAPARI_LESION_TRACES": ("full",), "NAPARI_LESION_LANGUAGE": ("en", "de", "zh")}
FAULTS = "faults.log"
_MOST_BYTES = 64 * 1024
_SHOWN = 10
_BETWEEN = "\n\f\n"


def faults_file(folder: Path | None = None) -> Path:
    """Where faults are kept."""
    if folder is None:
        override = os.environ.get("NAPARI_LESION_STATE")
        if override:
            folder = Path(override)
        else:
            from platformdirs import user_state_path

            folder = user_state_path("napari-lesion", appauthor=False)
    return folder / FAULTS


def remember(trace: str) -> None:
    """Keep the trace of a fault (as `nameless.trace` makes it) for a report; the oldest ones give way.

    Never a reason for another fault: where it cannot be written, it is not.
    """
    path = faults_file()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else b""
        said = f"{time.strftime('%Y-%m-%d %H:%M')}\n{trace}{_BETWEEN}".encode("utf-8", "backslashreplace")
        kept = (before + said)[-_MOST_BYTES:]
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(kept)


def last_faults() -> list[str]:
    """Give the traces that are kept, the last one first."""
    try:
        text = faults_file().read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [one.strip() for one in text.split(_BETWEEN) if one.strip()][-_SHOWN:][::-1]


def collected() -> dict[str, Any]:
    """Collect all of it."""
    return {
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processors": os.cpu_count(),
        "gpu": _gpu(),
        "environment": {
            name: value if value in _WORDS.get(name, ()) else "is set"
            for name, value in sorted(os.environ.items())
            if re.fullmatch(r"(NAPARI|QT|PYTORCH|CUDA|OMP)_[A-Z_]{1,40}", name)
        },
        "settings": _settings(),
        "faults": last_faults(),
    }


def in_words(known: dict[str, Any]) -> str:
    """Write it for people."""
    lines = [
        *(f"{name} {number}" for name, number in known["versions"].items()),
        f"Python {known['python']}, {known['system']}, {known['processors']} processors",
        f"GPU: {known['gpu']}",
    ]
    for title in ("environment", "settings"):
        lines += ["", f"{title}:", *(f"  {name}: {value}" for name, value in known[title].items())]
    faults: Sequence[str] = known["faults"]
    lines += ["", f"the last {len(faults)} faults:" if faults else "no faults are known.", *faults]
    return "\n".join(lines)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _gpu() -> str:
    """Name the GPU, where torch has been loaded already or is quick to say."""
    torch = sys.modules.get("torch")
    if torch is None:
        return "not asked"
    return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else "none that torch knows"


def _settings() -> dict[str, str]:
    """Give the settings of the viewer that are switches or numbers; of texts only that there is one."""
    override = os.environ.get("NAPARI_LESION_SETTINGS")
    if override:
        path = Path(override)
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
        path = Path(base) / "napari-lesion" / "napari-lesion.ini"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    found: dict[str, str] = {}
    section = ""
    for line in text.splitlines():
        if named := re.fullmatch(r"\[([A-Za-z]{1,20})\]", line):
            section = named[1]
        elif (one := re.fullmatch(r"([A-Za-z_]{1,30})=(.*)", line)) and section:
            plain = re.fullmatch(r"true|false|-?\d{1,5}(\.\d{1,4})?", one[2])
            found[f"{section}/{one[1]}"] = one[2] if plain else "is set"
    return found
