"""``napari-lesion-viewer [PATH]``: what takes long is begun before napari is imported, beside it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_AT_ONCE = 2
"""Decoders: the first slice and the first small picture are read at the same time."""
_HEADER = 4096
"""Bytes of a file in which the meta information says how its pixels are stored."""
_SYNTAX = re.compile(rb"\x02\x00\x10\x00UI..([0-9.]+)", re.DOTALL)
_NATIVE = (b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99")


def main() -> None:
    """Start the viewer."""
    if len(sys.argv) == 2:
        begin(Path(sys.argv[1]))
    from napari_lesion.plugin.viewer.layout import main as open_window

    open_window()


def begin(path: Path) -> None:
    """Start decoders where they will be needed."""
    if looks_compressed(path):
        from napari_lesion.dicom.read.decode import prepare

        prepare(_AT_ONCE)


def looks_compressed(path: Path) -> bool:
    """Whether the first file at a path says that its pixels are compressed. A guess: nothing but speed hangs on it."""
    try:
        file = path if path.is_file() else next(one for one in path.rglob("*") if one.is_file())
        with file.open("rb") as stream:
            said = _SYNTAX.search(stream.read(_HEADER))
    except (OSError, StopIteration):
        return False
    return said is not None and said[1] not in _NATIVE
