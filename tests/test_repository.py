"""The promises of the repository itself: its rules bite, its documents are true, its licences are clean."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from packaging.requirements import Requirement

import napari_lesion
from napari_lesion.report.json import report_schema
from napari_lesion.report.summary import COLUMNS

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("sample_dicoms/*.md")])
SLOW_TO_IMPORT = {"torch", "monai", "napari", "qtpy", "PySide6", "vispy"}


# -- the rules on imports ---------------------------------------------------------------------------------------------


def banned(code: str, path: str) -> list[str]:
    """Codes of the import rules that a line of code breaks in a file of that path."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID", "--output-format", "json", "--quiet"]
    command += ["--stdin-filename", path, "-"]
    done = subprocess.run(command, cwd=REPOSITORY, input=code, capture_output=True, text=True, check=False)
    return [found["code"] for found in json.loads(done.stdout)]


@pytest.mark.parametrize(
    ("code", "path", "expected"),
    [
        ("from napari.layers import Image\n", "src/napari_lesion/report/html.py", ["TID251"]),
        ("def f():\n    import napari\n", "src/napari_lesion/cli/view.py", ["TID251"]),
        ("from qtpy.QtWidgets import QWidget\n", "src/napari_lesion/pipeline.py", ["TID251"]),
        ("from napari.layers import Image\n", "src/napari_lesion/plugin/viewer/layers.py", []),
        ("import torch\n", "src/napari_lesion/dicom/read/pixels.py", ["TID253"]),
        ("import torch\n", "src/napari_lesion/plugin/viewer/layers.py", ["TID253"]),
        ("from monai.transforms import Compose\n", "src/napari_lesion/imaging/lungs.py", ["TID253"]),
        ("import torch\n", "src/napari_lesion/models/networks.py", []),
        ("def f():\n    import torch\n", "src/napari_lesion/dicom/read/pixels.py", []),
        ("from . import volume\n", "src/napari_lesion/model/findings.py", ["TID252"]),
    ],
)
def test_a_forbidden_import_is_refused(code: str, path: str, expected: list[str]) -> None:
    assert banned(code, path) == expected


def light_modules() -> Iterator[str]:
    """All modules but the plugin's and those that pyproject.toml allows to import torch."""
    rules = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    allowed = [p for p, codes in rules["per-file-ignores"].items() if "TID253" in codes and p.startswith("src/")]
    heavy = {module_of(path) for pattern in allowed for path in expanded(pattern)} | {"napari_lesion.plugin"}
    for module in pkgutil.walk_packages(napari_lesion.__path__, "napari_lesion."):
        if not any(module.name == name or module.name.startswith(f"{name}.") for name in heavy):
            yield module.name


def expanded(pattern: str) -> list[str]:
    """The paths that a pattern of ruff's stands for: ``a/{b,c}.py`` is two, ``a/**`` the folder."""
    before, brace, rest = pattern.removesuffix("/**").partition("{")
    inside, _, after = rest.partition("}")
    return [f"{before}{part}{after}" for part in inside.split(",")] if brace else [before]


def module_of(path: str) -> str:
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".")


def in_a_fresh_process(code: str) -> str:
    """What a piece of Python prints in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_core_brings_neither_qt_nor_napari_nor_torch() -> None:
    imports = "\n".join(f"import {name}" for name in light_modules())
    loaded = in_a_fresh_process(f"{imports}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})")
    assert "napari_lesion" in loaded.split()
    assert not SLOW_TO_IMPORT & set(loaded.split())


def test_help_needs_nothing_slow() -> None:
    code = """
import runpy, sys
sys.argv = ["napari-lesion", "--help"]
try:
    from napari_lesion.cli.main import main
    main()
except SystemExit as end:
    assert not end.code
print("LOADED", *{name.partition(".")[0] for name in sys.modules})
"""
    loaded = in_a_fresh_process(code).rpartition("LOADED")[2].split()
    assert "typer" in loaded
    assert not (SLOW_TO_IMPORT | {"numpy", "pydicom", "SimpleITK", "matplotlib", "pydantic"}) & set(loaded)


@pytest.mark.parametrize("name", napari_lesion.__all__)
def test_every_name_of_the_public_api_is_there(name: str) -> None:
    assert getattr(napari_lesion, name).__name__ == name


# -- the documents ----------------------------------------------------------------------------------------------------


def check_command(words: list[str], where: str) -> None:
    """Check that the words behind ``napari-lesion`` name a command and only options that it has."""
    command = typer.main.get_command(importlib.import_module("napari_lesion.cli.main").app)
    while names := getattr(command, "commands", None):
        if not words:
            return
        assert words[0] in names, f"{where} has no such command: {words[0]}"
        command, words = names[words[0]], words[1:]
    options = {flag for p in command.params for flag in [*p.opts, *p.secondary_opts]} | {"--help"}
    assert {w for w in words if re.fullmatch(r"--?[a-z][a-z-]*", w)} <= options, f"{where} has an option too many"


def quoted(document: Path) -> str:
    """What a document sets in code: blocks and spans, with continued lines joined."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*blocks, *spans]).replace("\\\n", " ")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.relative_to(REPOSITORY).as_posix())
def test_commands_and_options_in_a_document_exist(document: Path) -> None:
    for line in re.findall(r"napari-lesion +([a-z][^\n]*)", quoted(document)):
        check_command(re.split(r"[\s=]+", line.partition("#")[0].strip()), f"{document.name}: napari-lesion {line}")


def test_the_check_of_documents_knows_a_command_that_is_not_there() -> None:
    check_command(["models", "list"], "")
    check_command(["analyse", "PATH", "-o", "OUT", "--allow-gaps"], "")
    for words in (["analyze"], ["models", "lists"], ["analyse", "--allow-caps"]):
        with pytest.raises(AssertionError, match=r"no such command|option too many"):
            check_command(words, "")


def headings(document: Path) -> set[str]:
    """The anchors that a document's headings get."""
    titles = re.findall(r"^#+ +(.+?) *$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.relative_to(REPOSITORY).as_posix())
def test_links_and_pictures_of_a_document_resolve(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        assert linked.is_relative_to(REPOSITORY), f"{document.name} links to {target}, outside the repository"
        assert linked.exists(), f"{document.name} links to {target}, which is not there"
        assert not anchor or anchor in headings(linked), f"{document.name} links to {target}, which has no such heading"


def test_the_map_names_modules_that_are_there() -> None:
    package = REPOSITORY / "src" / "napari_lesion"
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = re.findall(r"`((?:[a-z0-9_]+/)*[a-z0-9_]+(?:\.py|/))`", text)
    folders = [package, *(p for p in package.rglob("*") if p.is_dir()), REPOSITORY, REPOSITORY / "tests"]
    assert len(names) > 20
    assert [name for name in names if not any((folder / name).exists() for folder in folders)] == []


def test_the_card_of_every_model_that_comes_along_is_linked() -> None:
    cards = {p.relative_to(REPOSITORY).as_posix() for p in REPOSITORY.glob("src/*/detection/weights/*/card.md")}
    page = (REPOSITORY / "docs" / "model-cards.md").read_text(encoding="utf-8")
    assert cards
    assert set(re.findall(r"\]\(\.\./(src/[^)]+/card\.md)\)", page)) == cards


def test_every_field_of_the_results_is_described() -> None:
    described = set(
        re.findall(r"`([a-z0-9_]+)`", (REPOSITORY / "docs" / "file-formats.md").read_text(encoding="utf-8"))
    )
    schema = report_schema()
    fields = {name for part in (schema, *schema["$defs"].values()) for name in part["properties"]}
    assert fields - described == set()
    assert set(COLUMNS) - described == set()


@pytest.mark.parametrize("command", ["scripts/demo", "scripts/test"])
def test_the_readme_names_the_two_commands_and_they_can_be_run(command: str) -> None:
    assert command in quoted(REPOSITORY / "README.md").split()
    assert os.access(REPOSITORY / command, os.X_OK)


def test_ci_runs_what_the_readme_tells_a_newcomer_to_run() -> None:
    lines = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "exec scripts/test"


# -- licences and versions --------------------------------------------------------------------------------------------

#: Qt for Python may be used under the LGPL; nothing else may be under any GPL.
QT = {"pyside6-essentials", "shiboken6"}


def requirements(name: str, extras: frozenset[str] = frozenset()) -> Iterator[Requirement]:
    """What an installed distribution needs on this machine."""
    for line in importlib.metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield requirement


def runtime() -> dict[str, str]:
    """Every distribution that a user gets with ``napari-lesion[gui]``: normalised name → version."""
    found: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    todo = [("napari-lesion", frozenset({"gui"}))]
    while todo:
        item = todo.pop()
        if item in seen:
            continue
        seen.add(item)
        found[normal(item[0])] = importlib.metadata.version(item[0])
        todo += [(r.name, frozenset(r.extras)) for r in requirements(*item)]
    return found


def normal(name: str) -> str:
    """A distribution's name as the package index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(name: str) -> str:
    """What a distribution says of its licence."""
    metadata = importlib.metadata.metadata(name)
    classifiers = [c for c in metadata.get_all("Classifier") or () if c.startswith("License ::")]
    stated = metadata.get("License-Expression") or "; ".join(classifiers) or (metadata.get("License") or "")[:200]
    return "" if stated.strip().lower() in {"", "unknown", "license :: osi approved"} else stated.strip()


def is_gpl(stated: str) -> bool:
    """Whether a licence text says GPL (or AGPL) with no alternative that is not."""
    alternatives = re.split(r"\bOR\b", stated)
    return all(re.search(r"(?<!L)GPL|(?<!LESSER )GENERAL PUBLIC", a.upper()) for a in alternatives)


def test_no_dependency_is_under_the_gpl() -> None:
    packages = set(runtime()) - {"napari-lesion"}
    assert {"numpy", "torch", "napari", "pydicom"} <= packages
    stated = {name: licence(name) for name in packages}
    assert not [name for name, text in stated.items() if not text]
    assert {name for name, text in stated.items() if is_gpl(text)} == set()
    assert {name for name, text in stated.items() if "LGPL" in text.upper() or "LESSER" in text.upper()} <= QT


def test_the_gpl_check_knows_the_gpl() -> None:
    assert is_gpl("GPL-3.0-or-later")
    assert is_gpl("License :: OSI Approved :: GNU General Public License v3 (GPLv3)")
    assert is_gpl("AGPL-3.0-only OR GPL-2.0-only")
    assert not is_gpl("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only")
    assert not is_gpl("Apache-2.0 OR GPL-2.0-only")


def test_the_tested_version_of_every_dependency_is_pinned() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines if "==" in line}
    assert set(runtime()) - {"napari-lesion"} <= pinned
