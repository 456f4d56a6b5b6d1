"""Where a model comes from: the data, the code and the machine of a run, in ``run.json``.

The card of a model is filled from this file and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from napari_lesion.support.atomic import whole_file
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.checksums import file_sha256
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.versions import library_versions

FILE_NAME = "run.json"


def sha256_of(path: Path) -> str:
    """Sha256 of a file; of a folder, of all its files with their names, whatever the folder itself is called."""
    if path.is_file():
        return file_sha256(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return sha256_of_parts({p.relative_to(path).as_posix(): sha256_of(p) for p in files})


def sha256_of_parts(parts: Mapping[str, str]) -> str:
    """One sha256 for several, by name; their order does not matter."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(parts.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def hashes(inputs: Iterable[Path]) -> dict[str, str]:
    """Sha256 of each input by its name; inputs of one name are told apart by a number."""
    result: dict[str, str] = {}
    for path in dict.fromkeys(inputs):
        name, number = path.name, 2
        while name in result:
            name, number = f"{path.name} ({number})", number + 1
        result[name] = sha256_of(path)
    return result


def software() -> dict[str, Any]:
    """Versions of the libraries, and the commit of the code where it lies in a git checkout."""
    return {"versions": library_versions(), "commit": _commit()}


def _commit() -> str | None:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        # A package in site-packages of someone else's checkout is no part of that checkout.
        if not git("ls-files", Path(__file__).name):
            return None
        return commit + (" with changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def hardware(device: torch.device, processes: int) -> dict[str, Any]:
    """Describe what a run computes on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {
        "device": device.type,
        "name": name,
        "system": platform.system(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "processes": processes,
    }


def read_record(folder: Path) -> dict[str, Any]:
    """Read a run's record; empty where there is none yet.

    Raises
    ------
    InputFileError
        If it is damaged.
    """
    path = folder / FILE_NAME
    try:
        record = parse_json(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise InputFileError(f"{path}: cannot be read ({error}). Train into a new folder.") from error
    if not isinstance(record, dict):
        raise InputFileError(f"{path}: no record of a run. Train into a new folder.")
    return record


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write a run's record, whole or not at all."""
    with whole_file(folder / FILE_NAME) as new:
        new.write_text(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
