"""Load torch beside a window without blocking it."""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from napari_lesion.plugin.widgets.garbage import untouched


def load_torch() -> None:
    """Import torch; call it on a thread before anything else does.

    An import on a thread still blocks the window twice over: the dynamic linker takes a third of a second for torch's
    libraries, with Python's lock held; and a hundred thousand new objects set off the garbage collector, which looks
    through all of napari with the lock held. So the libraries are loaded first through ctypes, which lets go of the
    lock, and the collector leaves the new objects alone.
    """
    if "torch" in sys.modules:
        return
    _load_libraries()
    with untouched():
        import_module("torch")


def _load_libraries() -> None:
    """Load the shared libraries; where that can't be done (Windows, another layout) the import does it."""
    spec = find_spec("torch") if os.name == "posix" else None
    folders = spec.submodule_search_locations if spec is not None else None
    if not folders:
        return
    opener = ctypes.CDLL(None).dlopen
    opener.argtypes, opener.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
    suffix = "dylib" if sys.platform == "darwin" else "so"
    for name in ("libtorch_cpu", "libtorch_python"):
        library = Path(folders[0]) / "lib" / f"{name}.{suffix}"
        if library.exists():
            opener(os.fsencode(library), os.RTLD_NOW | os.RTLD_LOCAL)
