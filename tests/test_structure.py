"""The structure that docs/architecture.md promises: one direction, no circles, lazy imports for speed only."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from import_graph import PACKAGE, SLOW, SOURCE, Import, circles, imports, slow_libraries_of

ROOT = Path(__file__).parents[1]
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]


def test_no_modules_import_each_other_in_a_circle_not_even_inside_of_functions() -> None:
    assert circles() == []


def is_needed(one: Import) -> bool:
    """Whether an import inside of a function saves the time of a slow library to who imports the module."""
    if one.importer == PACKAGE or one.importer.startswith(f"{PACKAGE}.cli"):
        return True  # `--help` and `import napari_lesion` have to be instant
    if one.importer.startswith(f"{PACKAGE}.plugin.layout."):
        return True  # pages come when they are turned to: tests/plugin/test_start.py holds the first picture to that
    return bool(slow_libraries_of(one.imported) - slow_libraries_of(one.importer))


def test_imports_inside_of_functions_buy_start_up_time() -> None:
    ours = [one for one in imports() if one.lazy and one.imported.startswith(PACKAGE)]
    assert any(map(is_needed, ours))
    assert [f"{one.importer}, line {one.line}: {one.imported}" for one in ours if not is_needed(one)] == []


def test_the_graph_sees_what_is_lazy() -> None:
    """So that the two tests above can fail."""
    analyse = [one for one in imports() if one.importer == f"{PACKAGE}.pipeline" and "reader" in one.imported]
    assert [one.lazy for one in analyse] == [True]
    assert "torch" in slow_libraries_of(f"{PACKAGE}.imaging.inference")
    assert "torch" not in slow_libraries_of(f"{PACKAGE}.detection.registry")
    assert {"torch", "monai"} <= SLOW


def test_the_table_of_layers_is_the_contract() -> None:
    assert ":" not in "".join(LAYERS["layers"]), "a layer whose parts import each other is none"
    table = re.findall(r"^\| (`[a-z_`, ]+`) \|", MAP, re.MULTILINE)
    assert [" | ".join(re.findall(r"\w+", row)) for row in table] == LAYERS["layers"]


def test_the_answers_name_files_that_there_are() -> None:
    answers = MAP.split("## Where is it?")[1].split("\n## ")[0]
    places = re.findall(r"`([\w/.{},-]+)`", answers)
    questions = re.findall(r"^\| \d+ \|", answers, re.MULTILINE)
    assert len(questions) >= 20
    missing = [place for place in places if "/" in place and not _exists(place)]
    assert missing == []


def _exists(place: str) -> bool:
    return any((root / place).exists() for root in (SOURCE, ROOT))
