"""Which versions of libraries a result was made with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


_LIBRARIES = ("napari-lesion", "torch", "monai", "numpy", "scipy", "pydicom", "SimpleITK", "nibabel")


def library_versions() -> dict[str, str]:
    """Versions of what made a result; a library that is not installed is left out."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
