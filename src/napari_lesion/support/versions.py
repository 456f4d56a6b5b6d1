"""Which versions of libraries a result was made with."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_LIBRARIES = ("napari-lesion", "torch", "monai", "numpy", "scipy", "pydicom", "SimpleITK", "nibabel")


def library_versions() -> dict[str, str]:
    """Versions of what made a result; a library that is not installed is left out."""
    return dict(_versions())


@cache  # reading them was a fifth of the work for a series of four small slices
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
