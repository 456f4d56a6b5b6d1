"""The expressions of a bundle's configuration, worked out without ``eval`` and within bounds.

Only what is harmless by construction is understood: literals, arithmetic, references, calls of what ``known`` finds.
Numbers, texts and lists cannot grow beyond bounds, however often they are multiplied or refer to each other.
"""

from __future__ import annotations

import ast
import builtins
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from napari_lesion.detection.monai_bundles.known import NotThere, NotUnderstood, find_target, is_known, require_module

REFERENCE = re.compile(r"@\w*(?:(?:::|#)\w*)*")  # as MONAI's ReferenceResolver; # is its older separator
LONGEST = 4_000
"""Letters of an expression at most; MONAI's longest has a tenth of it."""
LARGEST = 100_000
"""Letters of a text and parts of a list (with those inside of them) that an expression or a reference may stand for."""
_DEEPEST = 50
_MOST_BITS = 1_000
_USUAL_NAMES = ("monai", "torch", "np", "numpy")
"""What MONAI gives every expression, besides the configuration's own imports."""
_METHODS = {
    "Module": ("to", "eval", "float"),
    "RetinaNetDetector": (
        "set_target_keys",
        "set_box_selector_parameters",
        "set_sliding_window_inferer",
        "set_box_coder_weights",
    ),
}
"""Methods that may be called on what was built, by the name of a class that it is or inherits from."""


def _round(number: float, digits: int | None = None) -> float:
    """Round; Python takes hours for a thousand million digits before the point."""
    if digits is not None and abs(digits) > _MOST_BITS:
        raise NotThere("it rounds to more digits than there are")
    return round(number, digits)


def _sum(numbers: Sequence[float]) -> float:
    """Add numbers; lists could be multiplied by it."""
    return sum(numbers)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{f.__name__: f for f in (abs, all, any, bool, dict, float, int, len, list, max, min, tuple)},
    "round": _round,
    "sum": _sum,
    "math.log": math.log,
    "math.sqrt": math.sqrt,
}
_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


Call: TypeAlias = Callable[[Callable[..., Any], Sequence[Any], Mapping[str, Any]], Any]


def parse(text: str) -> tuple[str, ast.expr, dict[str, str]]:
    """Parse an expression: its code with names for its references, its tree, and which key each name stands for.

    Raises
    ------
    NotThere
        If it is no expression, or too long or too deep to be one that anybody wrote.
    """
    if len(text) > LONGEST:
        raise NotThere(f"it is longer than {LONGEST:,} letters")
    references: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        name = f"__reference_{len(references)}"
        references[name] = match.group()[1:]
        return name

    code = REFERENCE.sub(named, text).strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Python, on what strangers wrote
            tree = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError):
        raise NotThere("it is no expression of Python") from None
    except (RecursionError, MemoryError):
        raise NotThere("it is nested too deeply") from None
    level: list[ast.AST] = [tree]
    for _ in range(_DEEPEST):
        level = [inner for node in level for inner in ast.iter_child_nodes(node)]
        if not level:
            return code, tree, references
    raise NotThere(f"it is nested more than {_DEEPEST} levels deep")


def require_names(tree: ast.expr, references: Mapping[str, str], imports: Sequence[str], folder: Path) -> None:
    """Refuse an expression that names what is nowhere defined: trusting it would not make it work.

    Raises
    ------
    NotThere
    """
    defined = {*dir(builtins), *_USUAL_NAMES, *references}
    for statement in imports:
        try:
            body = ast.parse(statement).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise NotThere(f"the import {statement[:80]!r} is no statement of Python") from None
        for node in body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    require_module(alias.name, folder)
                    defined.add(alias.asname or alias.name.partition(".")[0])
            elif isinstance(node, ast.ImportFrom) and node.module and node.names[0].name != "*":
                require_module(node.module, folder)
                defined |= {alias.asname or alias.name for alias in node.names}
            else:
                return  # It may define anything.
    names = [part for part in ast.walk(tree) if isinstance(part, ast.Name)]
    defined |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    defined |= {part.arg for part in ast.walk(tree) if isinstance(part, ast.arg)}
    for name in names:
        if name.id not in defined:
            raise NotThere(f"it names {name.id}, which neither Python nor the configuration's imports define")


def bounded(value: Any) -> Any:
    """Give a value back, unless it is larger than anybody means, what it refers to more than once counted each time.

    Raises
    ------
    NotThere
    """
    if sum(1 for _ in zip(_parts(value), range(LARGEST + 1), strict=False)) > LARGEST:
        raise NotThere(f"it stands for more than {LARGEST:,} values")
    return value


def _parts(value: Any) -> Iterator[None]:
    todo = [value]
    while todo:
        part = todo.pop()
        yield None
        if isinstance(part, Mapping):
            todo.extend(part.values())
        elif isinstance(part, list | tuple):
            todo.extend(part)
        elif isinstance(part, str) and len(part) > LARGEST:
            raise NotThere(f"it stands for a text of more than {LARGEST:,} letters")
        elif isinstance(part, int) and part.bit_length() > _MOST_BITS:
            raise NotThere("it stands for a number that is beyond all bounds")


class Evaluator:
    """Works out harmless expressions.

    Parameters
    ----------
    value_of : callable
        Key → what it stands for.
    call : callable
        Calls what an expression calls: target, arguments, named arguments.
    folder : Path
        The bundle.
    """

    def __init__(self, value_of: Callable[[str], Any], call: Call, folder: Path) -> None:
        self._value_of, self._call, self._folder = value_of, call, folder

    def value(self, node: ast.expr, references: Mapping[str, str]) -> Any:
        """Work out an expression.

        Raises
        ------
        NotUnderstood
            If it is not harmless by construction.
        NotThere
            If it is too large, or names what does not exist.
        """
        return bounded(self._node(node, references, {}))

    def _node(self, node: ast.expr, references: Mapping[str, str], local: Mapping[str, Any]) -> Any:

        def value(part: ast.expr) -> Any:
            return self._node(part, references, local)

        match node:
            case ast.Constant():
                return node.value
            case ast.Name() if node.id in references:
                return self._value_of(references[node.id])
            case ast.Name() if node.id in local:
                return local[node.id]
            case ast.Name() | ast.Attribute():
                return _named(_dotted(node), self._folder)
            case ast.List():
                return [value(part) for part in node.elts]
            case ast.Tuple():
                return tuple(value(part) for part in node.elts)
            case ast.Dict() if all(key is not None for key in node.keys):
                return {value(k): value(v) for k, v in zip(node.keys, node.values, strict=True) if k is not None}
            case ast.BinOp() if type(node.op) in _BINARY:
                return _arithmetic(node.op, value(node.left), value(node.right))
            case ast.UnaryOp() if type(node.op) in _UNARY:
                return _UNARY[type(node.op)](value(node.operand))
            case ast.BoolOp():
                result = value(node.values[0])
                for part in node.values[1:]:
                    if bool(result) != isinstance(node.op, ast.And):
                        return result
                    result = value(part)
                return result
            case ast.Compare():
                left = value(node.left)
                for op, part in zip(node.ops, node.comparators, strict=True):
                    right = value(part)
                    if len(node.ops) == 1:  # Elementwise on tensors: no truth value is taken.
                        return _COMPARE[type(op)](left, right)
                    if not _COMPARE[type(op)](left, right):
                        return False
                    left = right
                return True
            case ast.IfExp():
                return value(node.body) if value(node.test) else value(node.orelse)
            case ast.Subscript(slice=ast.expr()) if not isinstance(node.slice, ast.Slice):
                container = value(node.value)
                if not isinstance(container, Mapping | list | tuple | str):
                    raise NotUnderstood("an index into an object")
                return container[value(node.slice)]
            case ast.Lambda(args=ast.arguments(args=names, defaults=[], kwonlyargs=[], vararg=None, kwarg=None)):
                words = [argument.arg for argument in names]
                return lambda *given: self._node(
                    node.body, references, {**local, **dict(zip(words, given, strict=True))}
                )
            case ast.Call():
                if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
                    raise NotUnderstood("a call with unpacked arguments")
                target = self._callee(node.func, references)
                arguments = [value(a) for a in node.args]
                named = {str(k.arg): value(k.value) for k in node.keywords}
                return self._call(target, arguments, named)
        raise NotUnderstood(f"{type(node).__name__} is not among what is safe")

    def _callee(self, node: ast.expr, references: Mapping[str, str]) -> Callable[..., Any]:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in references:
            owner = self._value_of(references[node.value.id])
            for ancestor in type(owner).__mro__:
                if node.attr in _METHODS.get(ancestor.__name__, ()) and is_known(ancestor):
                    method: Callable[..., Any] = getattr(owner, node.attr)
                    return method
            raise NotUnderstood(f"the method {node.attr} of a {type(owner).__name__}")
        name = _dotted(node)
        return FUNCTIONS[name] if name in FUNCTIONS else _function(name, self._folder)


def _arithmetic(operation: ast.operator, left: Any, right: Any) -> Any:
    """Work out ``left + right`` and the like, if the result stays within bounds."""
    if not all(isinstance(side, int | float | str | list | tuple) for side in (left, right)):
        raise NotUnderstood("arithmetic on objects")
    parts = [side for side in (left, right) if isinstance(side, str | list | tuple)]
    numbers = [side for side in (left, right) if isinstance(side, int)]
    if isinstance(operation, ast.Mod) and parts:
        raise NotUnderstood("a text that is filled in")
    size = sum(map(len, parts))
    if isinstance(operation, ast.Mult) and len(parts) == 1 and len(numbers) == 1:
        size *= max(0, numbers[0])
    if size > LARGEST or sum(number.bit_length() for number in numbers) > 2 * _MOST_BITS:
        raise NotThere(f"it stands for more than {LARGEST:,} values")
    return _BINARY[type(operation)](left, right)


def _dotted(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise NotUnderstood("an attribute of an object")
    return ".".join([node.id, *reversed(parts)])


def _named(name: str, folder: Path) -> Any:
    """Give a constant that an expression may name."""
    root, _, attribute = name.rpartition(".")
    if root == "torch":
        import torch

        found = getattr(torch, attribute, None)
        if isinstance(found, torch.dtype):
            return found
    if root == "math" and attribute in ("pi", "inf"):
        return getattr(math, attribute)
    return _target(name, folder)


def _function(name: str, folder: Path) -> Callable[..., Any]:
    """Give a function that an expression may call, by its dotted name."""
    if name in ("torch.device", "torch.cuda.is_available"):
        import torch

        return torch.device if name == "torch.device" else torch.cuda.is_available
    if name == "os.path.join":
        return lambda *parts: "/".join(map(str, parts))
    return _target(name, folder)


def _target(name: str, folder: Path) -> Callable[..., Any]:
    """Find what a name in an expression stands for; ``require_names`` looks at what is none of MONAI's or torch's."""
    root, _, rest = name.partition(".")
    if rest and root not in ("monai", "torch"):
        raise NotUnderstood(f"{name} is not among what is safe")
    try:
        return find_target(name, folder)
    except NotThere:
        if rest:
            raise
        raise NotUnderstood(f"{name} is not among what is safe") from None
