"""The configuration of a MONAI bundle, read without running any of its code.

A bundle's configuration is a small program: references (``@id``), objects (``_target_``), Python expressions (``$``).
MONAI evaluates the expressions with ``eval`` and imports whatever a ``_target_`` names. Here an expression is parsed,
and only what is harmless by construction is worked out: literals, arithmetic, references, and calls of MONAI's own
networks, transforms and inferers. Everything else is refused, unless the user trusts the bundle.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import operator
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from napari_lesion.errors import ModelError, UntrustedCodeError

Raw: TypeAlias = Any
"""What a configuration file holds: mappings, lists, strings, numbers, booleans, None."""

_REFERENCE = re.compile(r"@\w*(?:(?:::|#)\w*)*")  # as MONAI's ReferenceResolver; # is its older separator
_OPTIONS = ("_target_", "_disabled_", "_requires_", "_desc_", "_mode_")
_ROOTS = (
    "monai.transforms",
    "monai.networks.nets",
    "monai.networks.blocks",
    "monai.networks.layers",
    "monai.inferers",
    "monai.apps.detection.networks",
    "monai.apps.detection.utils",
    "torch.nn.modules",
)
"""Where the classes come from that a configuration may name."""
_SHORT_NAMES = (
    "monai.transforms",
    "monai.networks.nets",
    "monai.networks.blocks",
    "monai.inferers",
    "monai.apps.detection.networks.retinanet_network",
    "monai.apps.detection.networks.retinanet_detector",
    "monai.apps.detection.utils.anchor_utils",
)
"""Where a name without a module is looked for."""
TRANSFORMS = frozenset(
    """
    Compose EnsureChannelFirst EnsureType CastToType Identity ToTensor SelectItems DeleteItems ConcatItems CopyItems
    Orientation Spacing SpatialResample Resize Zoom Flip Rotate90 Transpose SpatialPad BorderPad DivisiblePad
    CenterSpatialCrop SpatialCrop CropForeground ResizeWithPadOrCrop
    ScaleIntensity ScaleIntensityRange ScaleIntensityRangePercentiles NormalizeIntensity ThresholdIntensity
    ShiftIntensity AdjustContrast ClipIntensityPercentiles HistogramNormalize MedianSmooth GaussianSmooth
    Activations AsDiscrete KeepLargestConnectedComponent RemoveSmallObjects FillHoles LabelFilter MapLabelValue Invert
    SqueezeDim SplitDim ClipBoxToImage AffineBoxToWorldCoordinate AffineBoxToImageCoordinate ConvertBoxMode
    """.split()  # noqa: SIM905 - a list of words reads better
)
"""Transforms that a configuration may name, without the ``d`` of their dictionary form: none reads or writes a file."""
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
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{f.__name__: f for f in (abs, all, any, bool, dict, float, int, len, list, max, min, round, sum, tuple)},
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


class _NotUnderstood(Exception):  # noqa: N818 - not an error by itself: trust may still help
    """An expression or a target that is not harmless by construction."""


class BundleConfig:
    """A bundle's configuration, worked out piece by piece and only where it is asked for.

    Parameters
    ----------
    raw : mapping
        As read from the files, with macros and relative references resolved.
    path : Path
        The file, for the sentences.
    trust_code : bool
        Run what is not understood: expressions by ``eval``, classes from anywhere, as MONAI does.
    """

    def __init__(self, raw: Mapping[str, Raw], path: Path, *, trust_code: bool = False) -> None:
        self._raw = raw
        self.path = path
        self.trust_code = trust_code
        self._values: dict[str, Any] = {}
        self._open: list[str] = []
        self._globals: dict[str, Any] | None = None

    def __contains__(self, key: str) -> bool:
        try:
            self.raw(key)
        except ModelError:
            return False
        return True

    def raw(self, key: str) -> Raw:
        """Give what is written under a key such as ``preprocessing::transforms::0``.

        Raises
        ------
        ModelError
            If there is no such key.
        """
        piece: Raw = self._raw
        for name in key.replace("#", "::").split("::"):
            try:
                piece = piece[int(name)] if isinstance(piece, list) else piece[name]
            except (KeyError, IndexError, ValueError, TypeError):
                raise ModelError(f"{self.path} has no {key!r}, which this kind of bundle needs.") from None
        return piece

    def value(self, key: str) -> Any:
        """Work out what a key stands for; the same object each time.

        Raises
        ------
        ModelError
            If there is no such key, it refers to itself, or it needs code of the bundle to be run.
        """
        key = key.replace("#", "::")
        if key not in self._values:
            if key in self._open:
                raise ModelError(f"{self.path}: {key!r} refers to itself ({' → '.join([*self._open, key])}).")
            self._open.append(key)
            try:
                self._values[key] = self.build(self.raw(key), key)
            finally:
                self._open.pop()
        return self._values[key]

    def build(self, piece: Raw, where: str = "") -> Any:
        """Work out a piece of configuration: references, expressions, and objects where it holds a ``_target_``.

        Parameters
        ----------
        piece
            Part of the configuration; parts of it that are disabled are left out.
        where : str
            Its key, for the sentences.

        Raises
        ------
        ModelError
            If it cannot be worked out without running code of the bundle, or the class refuses its arguments.
        """
        if isinstance(piece, str):
            return self._text(piece, where)
        if isinstance(piece, list):
            return [self.build(part, f"{where}::{n}") for n, part in enumerate(piece) if self.active(part, where)]
        if not isinstance(piece, Mapping):
            return piece
        if "_target_" not in piece:
            return {k: self.build(v, f"{where}::{k}") for k, v in piece.items() if self.active(v, where)}
        if not self.active(piece, where):
            return None
        self.build(piece.get("_requires_"), where)
        arguments = {
            k: self.build(v, f"{where}::{k}")
            for k, v in piece.items()
            if k not in _OPTIONS and self.active(v, f"{where}::{k}")
        }
        name = piece["_target_"]
        try:
            target = find_target(str(name))
        except _NotUnderstood as refused:
            if not self.trust_code:
                raise UntrustedCodeError(f"{self.path}: {where}: {refused}. {_TRUST}") from None
            target = self._any_target(str(name), where)
        mode = piece.get("_mode_", "default")
        if mode not in ("default", "callable"):
            raise ModelError(f"{self.path}: {where}: the mode {mode!r} of {name} is not supported.")
        return partial(target, **arguments) if mode == "callable" else self._call(target, (), arguments, where)

    def active(self, piece: Raw, where: str = "") -> bool:
        """Whether a piece is not switched off by ``_disabled_``."""
        if not isinstance(piece, Mapping) or "_disabled_" not in piece:
            return True
        disabled = self.build(piece["_disabled_"], where)
        return not (disabled.strip().lower() == "true" if isinstance(disabled, str) else disabled)

    def pieces(self, piece: Raw = None) -> Iterator[Mapping[str, Raw]]:
        """All pieces that name a ``_target_``, at any depth, disabled ones too."""
        piece = self._raw if piece is None else piece
        if isinstance(piece, Mapping):
            if "_target_" in piece:
                yield piece
            for part in piece.values():
                yield from () if part is None else self.pieces(part)
        elif isinstance(piece, list):
            for part in piece:
                yield from () if part is None else self.pieces(part)

    def expressions(self) -> Iterator[str]:
        """All expressions, at any depth, without the ``$``."""
        todo: list[Raw] = [self._raw]
        while todo:
            piece = todo.pop()
            if isinstance(piece, Mapping):
                todo.extend(piece.values())
            elif isinstance(piece, list):
                todo.extend(piece)
            elif isinstance(piece, str) and piece.startswith("$"):
                yield piece[1:]

    def arguments_of(self, method: str) -> dict[str, Any]:
        """Keyword arguments of the first call of a method in an expression; none where there is no such call.

        Raises
        ------
        ModelError
            If they cannot be worked out without running code of the bundle.
        """
        for text in self.expressions():
            if f"{method}(" not in text:
                continue
            code, references = _parsed(text)
            try:
                calls = [node for node in ast.walk(ast.parse(code, mode="eval")) if isinstance(node, ast.Call)]
                for call in calls:
                    if isinstance(call.func, ast.Attribute) and call.func.attr == method:
                        return {str(k.arg): self._node(k.value, references, {}, method) for k in call.keywords}
            except (_NotUnderstood, SyntaxError) as refused:
                raise ModelError(f"{self.path}: the arguments of {method} cannot be read ({refused}).") from None
        return {}

    def _text(self, text: str, where: str) -> Any:
        if text.startswith("$"):
            return self._expression(text[1:], where)
        if _REFERENCE.fullmatch(text) and len(text) > 1:
            return self.value(text[1:])
        return text

    def _expression(self, text: str, where: str) -> Any:
        code, references = _parsed(text)
        try:
            tree = ast.parse(code, mode="eval")
            return self._node(tree.body, references, {}, where)
        except (_NotUnderstood, SyntaxError) as refused:
            if not self.trust_code:
                why = refused if isinstance(refused, _NotUnderstood) else "it is no expression"
                raise UntrustedCodeError(
                    f"{self.path}: {where}: the expression ${text.strip()} is not evaluated ({why}). {_TRUST}"
                ) from None
        except (ArithmeticError, TypeError, ValueError, KeyError, IndexError, RuntimeError) as error:
            raise ModelError(f"{self.path}: {where}: the expression ${text.strip()} fails: {error}.") from error
        return self._run(code, references, where)

    def _node(self, node: ast.expr, references: Mapping[str, str], local: Mapping[str, Any], where: str) -> Any:
        """Value of a harmless expression."""

        def value(part: ast.expr) -> Any:
            return self._node(part, references, local, where)

        match node:
            case ast.Constant():
                return node.value
            case ast.Name() if node.id in references:
                return self.value(references[node.id])
            case ast.Name() if node.id in local:
                return local[node.id]
            case ast.Name() | ast.Attribute():
                return _named(_dotted(node))
            case ast.List():
                return [value(part) for part in node.elts]
            case ast.Tuple():
                return tuple(value(part) for part in node.elts)
            case ast.Dict() if all(key is not None for key in node.keys):
                return {value(k): value(v) for k, v in zip(node.keys, node.values, strict=True) if k is not None}
            case ast.BinOp() if type(node.op) in _BINARY:
                left, right = value(node.left), value(node.right)
                if not all(isinstance(side, int | float | str | list | tuple) for side in (left, right)):
                    raise _NotUnderstood("arithmetic on objects")
                return _BINARY[type(node.op)](left, right)
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
                    raise _NotUnderstood("an index into an object")
                return container[value(node.slice)]
            case ast.Lambda(args=ast.arguments(args=names, defaults=[], kwonlyargs=[], vararg=None, kwarg=None)):
                words = [argument.arg for argument in names]
                return lambda *given: self._node(
                    node.body, references, {**local, **dict(zip(words, given, strict=True))}, where
                )
            case ast.Call():
                if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
                    raise _NotUnderstood("a call with unpacked arguments")
                target = self._callee(node.func, references)
                arguments = [value(a) for a in node.args]
                named = {str(k.arg): value(k.value) for k in node.keywords}
                return self._call(target, arguments, named, where)
        raise _NotUnderstood(f"{type(node).__name__} is not among what is safe")

    def _callee(self, node: ast.expr, references: Mapping[str, str]) -> Callable[..., Any]:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in references:
            owner = self.value(references[node.value.id])
            for ancestor in type(owner).__mro__:
                if node.attr in _METHODS.get(ancestor.__name__, ()) and _is_known(ancestor):
                    method: Callable[..., Any] = getattr(owner, node.attr)
                    return method
            raise _NotUnderstood(f"the method {node.attr} of a {type(owner).__name__}")
        name = _dotted(node)
        return _FUNCTIONS[name] if name in _FUNCTIONS else _function(name)

    def _call(self, target: Callable[..., Any], arguments: Any, named: Mapping[str, Any], where: str) -> Any:
        name = getattr(target, "__name__", str(target))
        if not self.trust_code and target not in _FUNCTIONS.values():
            _refuse_downloads(target, arguments, named, f"{self.path}: {where}")
        try:
            return target(*arguments, **named)
        except (TypeError, ValueError, AttributeError, KeyError, RuntimeError, ImportError) as error:
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise ModelError(
                f"{self.path}: {where}: {name} cannot be built from this configuration: {first}."
            ) from error

    # -- only for bundles that the user trusts ------------------------------------------------------------------------

    def _any_target(self, name: str, where: str) -> Callable[..., Any]:
        module, _, attribute = name.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), attribute) if module else None
        except (ImportError, AttributeError) as error:
            raise ModelError(f"{self.path}: {where}: {name} cannot be imported: {error}.") from error
        if found is None:
            from monai.bundle.config_item import ComponentLocator

            found = importlib.import_module(str(ComponentLocator().get_component_module_name(name)))
            found = getattr(found, name)
        if not callable(found):
            raise ModelError(f"{self.path}: {where}: {name} is not a class or function.")
        return found  # type: ignore[no-any-return]

    def _run(self, code: str, references: Mapping[str, str], where: str) -> Any:
        values = {name: self.value(key) for name, key in references.items()}
        try:
            return eval(code, {**self._names(), **values})  # the user said --trust-bundle-code
        except Exception as error:
            raise ModelError(f"{self.path}: {where}: the expression ${code} fails: {error}.") from error

    def _names(self) -> dict[str, Any]:
        """Collect what expressions may name: MONAI's usual modules, and the configuration's imports."""
        if self._globals is None:
            self._globals = {}
            statements = ["import monai", "import torch", "import numpy as np", "import numpy"]
            given = self._raw.get("imports", [])
            statements += [s[1:] for s in given if isinstance(s, str) and s.startswith("$")]
            for statement in statements:
                try:
                    exec(statement, self._globals)
                except Exception as error:
                    raise ModelError(f"{self.path}: imports: {statement} fails: {error}.") from error
        return self._globals


_TRUST = (
    "It may run code that came with the bundle; if you trust where the bundle comes from, pass --trust-bundle-code "
    "(trust_code=True)."
)


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    """Replace the references of an expression by names: the code, and which key each name stands for."""
    references: dict[str, str] = {}

    def named(match: re.Match[str]) -> str:
        name = f"__reference_{len(references)}"
        references[name] = match.group()[1:]
        return name

    return _REFERENCE.sub(named, text).strip(), references


def find_target(name: str) -> Callable[..., Any]:
    """Find a class (or one of the few functions) that a configuration may name, with or without its module.

    Raises
    ------
    _NotUnderstood
        If it is none of those that are known to be harmless.
    """
    if name.rpartition(".")[2] == "resnet_fpn_feature_extractor":
        from napari_lesion.detection.bundles.backbone import resnet_fpn_feature_extractor

        return resnet_fpn_feature_extractor
    if "." not in name:
        for module in _SHORT_NAMES:
            found = getattr(importlib.import_module(module), name, None)
            if found is not None and _is_known(found):
                return found  # type: ignore[no-any-return]
        raise _NotUnderstood(f"{name} is none of the classes of MONAI that are known to be harmless")
    module, _, attribute = name.rpartition(".")
    if any(_below(module, root) for root in (*_ROOTS, "torch.nn")):
        try:
            found = getattr(importlib.import_module(module), attribute, None)
        except ImportError:
            found = None
        if found is not None and _is_known(found):
            return found  # type: ignore[no-any-return]
    raise _NotUnderstood(f"{name} is none of the classes of MONAI that are known to be harmless")


def _is_known(found: Any) -> bool:
    """Whether a class or function may be called: it was defined where it should be, and touches no files."""
    home = getattr(found, "__module__", "") or ""
    if inspect.isfunction(found):
        return home == "monai.networks.nets.resnet" and re.fullmatch(r"resnet\d+", found.__name__) is not None
    if not inspect.isclass(found) or not any(_below(home, root) for root in _ROOTS):
        return False
    if _below(home, "monai.transforms") or _below(home, "monai.apps.detection.transforms"):
        name = found.__name__
        return name in TRANSFORMS or re.sub(r"(d|D|Dict)$", "", name) in TRANSFORMS
    from torch import nn

    return issubclass(found, nn.Module) or (_below(home, "monai.inferers") and found.__name__.endswith("Inferer"))


def _below(module: str, root: str) -> bool:
    return module == root or module.startswith(f"{root}.")


def _dotted(node: ast.expr) -> str:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _NotUnderstood("an attribute of an object")
    return ".".join([node.id, *reversed(parts)])


def _named(name: str) -> Any:
    """Give a constant that an expression may name."""
    root, _, attribute = name.rpartition(".")
    if root == "torch":
        import torch

        found = getattr(torch, attribute, None)
        if isinstance(found, torch.dtype):
            return found
    if root == "math" and attribute in ("pi", "inf"):
        return getattr(math, attribute)
    return find_target(name)


def _function(name: str) -> Callable[..., Any]:
    """Give a function that an expression may call, by its dotted name."""
    if name in ("torch.device", "torch.cuda.is_available"):
        import torch

        return torch.device if name == "torch.device" else torch.cuda.is_available
    if name == "os.path.join":
        return lambda *parts: "/".join(map(str, parts))
    return find_target(name)


def _refuse_downloads(target: Callable[..., Any], arguments: Any, named: Mapping[str, Any], where: str) -> None:
    """Refuse what makes some networks read files or fetch weights from the internet."""
    try:
        bound = inspect.signature(target).bind(*arguments, **named).arguments
    except (TypeError, ValueError):
        return  # The call itself will say what is wrong.
    for name, value in {**bound, **bound.get("kwargs", {})}.items():
        if re.search(r"pretrain|url|path|file", name) and isinstance(value, str | bool | Path) and value:
            raise UntrustedCodeError(
                f"{where}: {getattr(target, '__name__', target)} is asked for {name}={value!r}, but a configuration "
                f"may name no file and no download. {_TRUST}"
            )


def read_config(path: Path, *, trust_code: bool = False, extra: Mapping[str, Raw] | None = None) -> BundleConfig:
    """Read a configuration file (JSON or YAML), without running anything in it.

    Parameters
    ----------
    path : Path
    trust_code : bool
        See ``BundleConfig``.
    extra : mapping, optional
        Values that replace those of the file, e.g. ``bundle_root``.

    Raises
    ------
    ModelError
        If it cannot be read.
    """
    from monai.bundle.config_parser import ConfigParser

    parser = ConfigParser()
    try:
        parser.read_config(str(path))
        for key, value in (extra or {}).items():
            parser.set(value, key)
        parser.resolve_macro_and_relative_ids()  # type: ignore[no-untyped-call]
    except Exception as error:  # json's, yaml's and MONAI's own
        raise ModelError(f"{path} cannot be read: {' '.join(str(error).split())}.") from error
    return BundleConfig(parser.get(), path, trust_code=trust_code)


def trust_scripts(folder: Path) -> None:
    """Let Python find the ``scripts`` of a bundle that the user trusts."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
