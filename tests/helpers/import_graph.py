"""Who imports whom in the package, at the top of modules and inside of functions; what only types need is left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp

PACKAGE = "napari_lesion"
SOURCE = Path(__file__).parents[2] / "src" / PACKAGE
#: Libraries whose import takes a tenth of a second or more.
SLOW = frozenset(
    {
        "SimpleITK",
        "captum",
        "highdicom",
        "huggingface_hub",
        "imagecodecs",
        "matplotlib",
        "monai",
        "napari",
        "onnx",
        "openvino",
        "nibabel",
        "pandas",
        "pydicom",
        "reportlab",
        "scipy",
        "skimage",
        "sklearn",
        "torch",
    }
)


@dataclass(frozen=True)
class Import:
    """One import statement."""

    importer: str
    imported: str
    line: int
    lazy: bool
    """Inside of a function."""


def circles() -> list[list[str]]:
    """Modules that import each other, however far round, lazily or not; each circle once."""
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    following = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)}
    return [sorted(part) for part in _strong_parts(following) if len(part) > 1]


def _strong_parts(following: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Tarjan's algorithm, without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    waiting: list[str] = []
    for start in following:
        if start in index:
            continue
        path = [(start, iter(following[start]))]
        index[start] = low[start] = len(index)
        waiting.append(start)
        while path:
            module, rest = path[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    waiting.append(other)
                    path.append((other, iter(following[other])))
                    break
                if other in waiting:
                    low[module] = min(low[module], index[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[module])
                if low[module] == index[module]:
                    at = waiting.index(module)
                    yield waiting[at:]
                    del waiting[at:]


@cache
def imports() -> tuple[Import, ...]:
    """All imports of the package."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = (PACKAGE, *path.relative_to(SOURCE).with_suffix("").parts)
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found += _imports_in(ast.parse(path.read_text(encoding="utf-8")), module, lazy=False)
    return tuple(found)


def _imports_in(tree: ast.AST, module: str, *, lazy: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield Import(module, full if _is_module(full) else node.module, node.lineno, lazy)
        else:
            inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports_in(node, module, lazy=inside)


def _is_module(name: str) -> bool:
    if not name.startswith(f"{PACKAGE}."):
        return False
    path = SOURCE.joinpath(*name.split(".")[1:])
    return path.is_dir() or path.with_suffix(".py").is_file()


@cache
def _directly() -> dict[str, set[str]]:
    result: dict[str, set[str]] = {}
    for one in imports():
        if not one.lazy:
            result.setdefault(one.importer, set()).add(one.imported)
    return result


@cache
def slow_libraries_of(module: str) -> frozenset[str]:
    """Slow libraries that come along when a module of the package is imported."""
    seen, waiting, slow = set(), [module], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name == PACKAGE or name.startswith(f"{PACKAGE}."):
            waiting += _directly().get(name, ())
        elif name.split(".")[0] in SLOW:
            slow.add(name.split(".")[0])
    return frozenset(slow)
