"""The documents as a site: built without warnings, with every public name on the API page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import napari_lesion as nl

ROOT = Path(__file__).parents[1]


def test_the_api_page_has_every_public_name() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert re.findall(r"^::: napari_lesion\.(\w+)$", page, re.MULTILINE) == nl.__all__


def test_the_site_is_built_without_warnings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    said = done.stdout + done.stderr  # with --quiet, mkdocs would not count its warnings
    assert (done.returncode, [line for line in said.splitlines() if "WARNING" in line]) == (0, []), said
    page = (tmp_path / "api" / "index.html").read_text(encoding="utf-8")
    assert "Read a series, find the lesions in it" in page, "the docstring of analyse is not on the page"
    assert (tmp_path / "search" / "search_index.json").exists()
    assert "the one chest CT in there" in (tmp_path / "examples" / "index.html").read_text(encoding="utf-8")
