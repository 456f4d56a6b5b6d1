"""The scripts and benchmarks of the project, as modules."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

_ROOT = Path(__file__).resolve().parents[2]


def script(name: str, folder: str = "scripts") -> ModuleType:
    """One of ``scripts/NAME.py``, or of another folder."""
    spec = importlib.util.spec_from_file_location(name, _ROOT / folder / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
