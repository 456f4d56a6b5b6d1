"""The structure that docs/architecture.md promises: one direction, no circles, lazy imports for speed only."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

from import_graph import PACKAGE, SLOW, SOURCE, Import, circles, imports, slow_libraries_of

ROOT = Path(__file__).parents[1]
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]

MODULE_LINES, FUNCTION_LINES, PARAMETERS = 420, 65, 8
"""What a module, and a function without its docstring, may have: about 400 lines, about 60, and eight."""
#: Modules that are longer, with the lines that they may have: to be split, not to grow.
LONG_MODULES = {
    # Made lately, and not gone through yet.
}
#: Functions that are longer: options of a command and what is done with them; widgets, made one after the other; a loop
#: over an archive; steps that share all that was found before them.
LONG_FUNCTIONS = {
    "batch/run.py: analyse_folder": 95,
    "cli/analyse.py: analyse": 95,
}
#: Functions with more parameters (besides the options of commands): each is one choice of the user's.
MANY_PARAMETERS = {
    "batch/results.py: renew_reports",
    "batch/run.py: analyse_folder",
    "dicom/writer.py: write_ct_series",
    "dicom_objects/segmentation.py: _write",
    "evaluation/robustness.py: measure",
    "phantom/nodules.py: paint",
    "phantom/scan.py: make_scan",
    "pipeline.py: analyse",
    "training/data/crops.py: __init__",
    "training/data/insertion.py: insert",
}


def functions() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """All functions, by module and name."""
    return [
        (f"{path.relative_to(SOURCE).as_posix()}: {node.name}", node)
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    described = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - described


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count what a caller may give."""
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_modules_are_short() -> None:
    long = {
        path.relative_to(SOURCE).as_posix(): count
        for path in SOURCE.rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    }
    assert {name: count for name, count in long.items() if count > LONG_MODULES.get(name, MODULE_LINES)} == {}
    assert sorted(LONG_MODULES.keys() - long.keys()) == [], "these are short enough now: take them off the list"


def test_functions_are_short_and_take_few_parameters() -> None:
    found = functions()
    long = {name: lines(node) for name, node in found if lines(node) > FUNCTION_LINES}
    assert {name: count for name, count in long.items() if count > LONG_FUNCTIONS.get(name, FUNCTION_LINES)} == {}
    assert sorted(LONG_FUNCTIONS.keys() - long.keys()) == [], "these are short enough now: take them off the list"
    many = {name for name, node in found if parameters(node) > PARAMETERS and not name.startswith("cli/")}
    assert many == MANY_PARAMETERS


def test_no_modules_import_each_other_in_a_circle_not_even_inside_of_functions() -> None:
    assert circles() == []


def is_needed(one: Import) -> bool:
    """Whether an import inside of a function saves the time of a slow library to who imports the module."""
    if one.importer == PACKAGE or one.importer.startswith(f"{PACKAGE}.cli"):
        return True  # `--help` and `import napari_lesion` have to be instant
    if one.importer.startswith(f"{PACKAGE}.plugin.layout."):
        return True  # a page comes when it is turned to; the first picture waits for none
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


ANSWERS = MAP.split("## Where is it?")[1].split("\n## ")[0]


def test_the_answers_name_files_that_there_are() -> None:
    places = re.findall(r"`([\w/.{},-]+)`", ANSWERS)
    assert len(re.findall(r"^\| \d+ \|", ANSWERS, re.MULTILINE)) >= 40
    assert [
        place for place in places if "/" in place and not any((root / place).exists() for root in (SOURCE, ROOT))
    ] == []


def test_what_the_answers_name_is_defined_in_the_file_before_it() -> None:
    named = [
        (place, name)
        for place, names in re.findall(r"`([\w/]+\.py)`(?: \(|, )((?:`\w+`(?:, )?)+)\)", ANSWERS)
        for name in re.findall(r"\w+", names)
    ]
    assert len(named) > 60
    assert [(place, name) for place, name in named if name not in _defined(SOURCE / place)] == []


def _defined(path: Path) -> set[str]:
    """Functions and classes of a module."""
    kinds = ast.FunctionDef | ast.ClassDef
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, kinds)}
