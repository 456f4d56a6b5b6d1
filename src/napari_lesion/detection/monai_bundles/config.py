"""The configuration of a MONAI bundle, worked out without running any of its code.

A bundle's configuration is a small program: references (``@id``), objects (``_target_``), Python expressions (``$``).
MONAI evaluates the expressions with ``eval`` and imports whatever a ``_target_`` names. Here an expression is parsed,
and only what is harmless by construction is worked out (``expressions``): literals, arithmetic, references, and calls
of MONAI's own networks, transforms and inferers (``known``), which may open nothing while they are built (``guard``).
Everything else is refused, unless the user trusts the bundle.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from napari_lesion.detection.monai_bundles.expressions import (
    FUNCTIONS,
    REFERENCE,
    Evaluator,
    bounded,
    parse,
    require_names,
)
from napari_lesion.detection.monai_bundles.known import NotThere, NotUnderstood, find_target
from napari_lesion.support.errors import LesionError, ModelError, UntrustedCodeError

Raw: TypeAlias = Any
"""What a configuration file holds: mappings, lists, strings, numbers, booleans, None."""

TRUST = (
    "It may run code that came with the bundle; if you trust where the bundle comes from, let it (--trust-bundle-code, "
    "trust_code=True)."
)
_OPTIONS = ("_target_", "_disabled_", "_requires_", "_desc_", "_mode_")
_LIMITS: Mapping[str, tuple[float, float]] = {
    "pixdim": (0.05, 100),
    "zoom": (0.01, 20),
    "radius": (0, 20),
    "sigma": (0, 100),
    "k": (1, 1024),
    "spatial_border": (0, 1024),
    "size_divisible": (1, 1024),
    "sw_batch_size": (1, 256),
    "spatial_size": (-1, 2048),
    "roi_size": (-1, 2048),
}
"""Arguments of transforms and inferers that decide how much memory a scan takes → what they may be. 0 and null keep."""
_MOST_VOXELS = 2**28
"""Of one window: 1 GB of float32."""


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
        self.folder = path.parent.parent if path.parent.name == "configs" else path.parent
        self.trust_code = trust_code
        self._values: dict[str, Any] = {}
        self._open: list[str] = []
        self._globals: dict[str, Any] | None = None
        self._evaluator = Evaluator(
            self.value, lambda t, a, n: self._call(t, a, n, self._open[-1] if self._open else ""), self.folder
        )

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
                self._values[key] = bounded(self.build(self.raw(key), key))
            except NotThere as refused:
                raise ModelError(f"{self.path}: {key}: {refused}.") from None
            except RecursionError:
                raise ModelError(
                    f"{self.path}: {self._open[0]!r} refers to others that refer to others, without end."
                ) from None
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
            target = find_target(str(name), self.folder)
        except NotThere as refused:
            raise ModelError(f"{self.path}: {where}: {refused}.") from None
        except NotUnderstood as refused:
            if not self.trust_code:
                raise UntrustedCodeError(f"{self.path}: {where}: {refused}. {TRUST}") from None
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
            try:
                _, tree, references = parse(text)
                for call in ast.walk(tree):
                    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == method:
                        return {str(k.arg): self._evaluator.value(k.value, references) for k in call.keywords}
            except (NotThere, NotUnderstood, *_FAILURES) as refused:
                raise ModelError(
                    f"{self.path}: the arguments of {method} cannot be read ({_reason(refused)})."
                ) from None
        return {}

    def _text(self, text: str, where: str) -> Any:
        if text.startswith("$"):
            return self._expression(text[1:], where)
        if REFERENCE.fullmatch(text) and len(text) > 1:
            return self.value(text[1:])
        return text

    def _expression(self, text: str, where: str) -> Any:
        shown = f"the expression ${' '.join(text.split())[:200]}"
        try:
            code, tree, references = parse(text)
            try:
                return self._evaluator.value(tree, references)
            except NotUnderstood as refused:
                require_names(tree, references, self._imports(), self.folder)
                if not self.trust_code:
                    raise UntrustedCodeError(
                        f"{self.path}: {where}: {shown} is not evaluated ({refused}). {TRUST}"
                    ) from None
        except NotThere as refused:
            raise ModelError(f"{self.path}: {where}: {shown} cannot be worked out: {refused}.") from None
        except _FAILURES as error:
            raise ModelError(f"{self.path}: {where}: {shown} fails: {_reason(error)}.") from error
        return self._run(code, references, where)

    def _imports(self) -> list[str]:
        given = self._raw.get("imports", [])
        return (
            [s[1:].strip() for s in given if isinstance(s, str) and s.startswith("$")]
            if isinstance(given, list)
            else []
        )

    def _call(self, target: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any], where: str) -> Any:
        name = getattr(target, "__name__", str(target))
        place = f"{self.path}: {where}"
        try:
            if self.trust_code or target in FUNCTIONS.values():
                return target(*arguments, **named)
            bounded([*arguments, named])
            from napari_lesion.detection.monai_bundles.guard import guarded

            named = _without_downloads(target, arguments, named, place)
            with guarded(place, TRUST):
                return target(*arguments, **named)
        except (LesionError, NotThere):
            raise
        except Exception as error:  # whatever a class of MONAI says of arguments that it was not made for
            raise ModelError(f"{place}: {name} cannot be built from this configuration: {_reason(error)}.") from error

    # -- only for bundles that the user trusts ------------------------------------------------------------------------

    def _any_target(self, name: str, where: str) -> Callable[..., Any]:
        module, _, attribute = name.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), attribute) if module else None
            if not module:
                from monai.bundle.config_item import ComponentLocator

                homes = ComponentLocator().get_component_module_name(name)
                home = homes[0] if isinstance(homes, list) else homes
                found = getattr(importlib.import_module(str(home)), name)
        except Exception as error:  # of the bundle's own module, which the user trusts
            raise ModelError(f"{self.path}: {where}: {name} cannot be imported: {_reason(error)}.") from error
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
            statements += self._imports()
            for statement in statements:
                try:
                    exec(statement, self._globals)
                except Exception as error:
                    raise ModelError(f"{self.path}: imports: {statement} fails: {error}.") from error
        return self._globals


_FAILURES = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What an expression of numbers, texts and lists can fail with."""


def _reason(error: BaseException) -> str:
    """First line of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")[:300]


def _without_downloads(
    target: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any], where: str
) -> Mapping[str, Any]:
    """Arguments with which a class neither reads files nor fetches weights, by their names, nor takes all memory.

    Some networks fetch pretrained weights unless they are told not to. They are told: the bundle's own weights
    replace each of them.
    """
    try:
        call = inspect.signature(target).bind(*arguments, **named)
    except (TypeError, ValueError):
        return named  # The call itself will say what is wrong.
    given = dict(call.arguments)
    call.apply_defaults()
    for name, value in {**call.arguments, **call.arguments.get("kwargs", {})}.items():
        if name == "pretrained" and value is True and name not in given:
            named = {**named, name: False}
        elif re.search(r"pretrain|url|path|file|repo|weights", name) and isinstance(value, str | bool | Path) and value:
            raise UntrustedCodeError(
                f"{where}: {getattr(target, '__name__', target)} is asked for {name}={value!r}, but a configuration "
                f"may name no file and no download. {TRUST}"
            )
        elif name in _LIMITS and name in given:
            require_limits(name, value, f"{where}: {getattr(target, '__name__', target)}")
    return named


def require_limits(name: str, value: Any, where: str) -> None:
    """Refuse an argument with which a scan would take more memory than there is.

    Raises
    ------
    ModelError
    """
    low, high = _LIMITS[name]
    values = value if isinstance(value, list | tuple) else [value]
    numbers = [float(n) for n in values if isinstance(n, int | float) and not isinstance(n, bool)]
    if any(not (low <= abs(n) <= high or n in (0, -1)) for n in numbers):
        raise ModelError(f"{where} is asked for {name}={value!r}; from {low:g} to {high:g} is possible.")
    if name in ("spatial_size", "roi_size") and math.prod(max(1.0, n) for n in numbers) > _MOST_VOXELS:
        raise ModelError(f"{where} is asked for {name}={value!r}, which is more than {_MOST_VOXELS:,} voxels.")


def trust_scripts(folder: Path) -> None:
    """Let Python find the ``scripts`` of a bundle that the user trusts, and not those of another one before it."""
    for name, module in list(sys.modules.items()):
        if name == "scripts" or name.startswith("scripts."):
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            if not any(place and Path(place).is_relative_to(folder) for place in places):
                del sys.modules[name]
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
