"""Other people's programs that check DICOM objects; scripts/setup test installs them all."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

DCMTK = ("dcmsend", "dsrdump", "echoscu", "findscu", "storescu")
"""Programs of DCMTK that tests call."""


def run(name: str, *arguments: str | Path) -> tuple[int, str]:
    """Exit status and output of a program; without it a test skips, but never in CI."""
    program = _dcmtk(name) if name in DCMTK else shutil.which(name)
    if program is None:
        message = f"{name} is not on PATH; scripts/setup test installs it"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, errors="replace", check=False
    )
    return done.returncode, done.stdout + done.stderr


def _dcmtk(name: str) -> str | None:
    """The first on PATH that is no script: pynetdicom brings programs of these names, with other options."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        found = shutil.which(name, path=folder)
        if found and Path(found).read_bytes()[:2] != b"#!":
            return found
    return None


def problems(path: Path) -> list[str]:
    """What dciodvfy, and for documents dsrdump (dcmtk), find wrong."""
    _, said = run("dciodvfy", "-new", path)
    found = [line for line in said.splitlines() if line.startswith("Error")]
    if "SR" in said or "KeyObject" in said:
        status, said = run("dsrdump", path)
        found += [line for line in said.splitlines() if line.startswith(("E:", "F:"))]
        found += [f"dsrdump: {status}"] if status else []
    return found
