"""JSON and YAML of strangers: bounded in size, depth and repetition, with one kind of error for all that is wrong.

``json`` and ``yaml`` answer what is nested too deeply, repeated too often or merely odd (``!!int ""``) with a dozen
kinds of exceptions, or not within an hour. Here it is ``UnreadableError``, a ``ValueError`` like ``JSONDecodeError``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

DEEPEST = 100
"""Lists and mappings inside each other at most."""
LARGEST = 64 * 2**20
"""Bytes of a file at most, where the caller names no other limit."""
MOST_NODES = 1_000_000
"""Values in a YAML file at most, where one that is repeated by an alias counts each time."""


class UnreadableError(ValueError):
    """A text is not what it should be; the message says why, without a full stop, to end a sentence with."""


def read_text(path: Path, *, largest: int = LARGEST) -> str:
    """Read a UTF-8 text, with or without a byte order mark, if it is not too large.

    Parameters
    ----------
    path : Path
    largest : int
        Bytes at most.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    UnreadableError
        If it is too large, or no UTF-8.
    """
    return decoded(read_bytes(path, largest=largest))


def read_bytes(path: Path, *, largest: int = LARGEST) -> bytes:
    """Read a file, if it is not too large.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    UnreadableError
        If it is too large.
    """
    with path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise UnreadableError(f"it has more than {largest:,} bytes")
    return content


def decoded(content: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark.

    Raises
    ------
    UnreadableError
        If it is something else.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is no UTF-8 text (byte {error.start})") from error


def parse_json(text: str | bytes) -> Any:
    """Parse JSON of at most ``DEEPEST`` levels.

    Raises
    ------
    UnreadableError
        If it is no JSON, too deep, or a number in it is not finite.
    """
    text = decoded(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    try:
        content = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise UnreadableError(_TOO_DEEP) from None
    except ValueError as error:  # JSONDecodeError, and numbers of thousands of digits
        raise UnreadableError(_one_line(error)) from error
    if _is_deep(content):
        raise UnreadableError(_TOO_DEEP)
    return content


def is_finite(content: Any) -> bool:
    """Whether all numbers of a value of JSON are finite, as they need to be to be written."""
    todo = [content]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            todo += one.values()
        elif isinstance(one, list | tuple):
            todo += one
        elif isinstance(one, float) and not math.isfinite(one):
            return False
    return True


def _finite(text: str) -> float:
    """Read a number; JSON has no word for what is none, or has no end, though Python's reader takes it."""
    number = float(text)
    if not math.isfinite(number):
        raise UnreadableError(f"{text[:20]} is no finite number")
    return number


def parse_yaml(text: str | bytes) -> Any:
    """Parse YAML of plain values, of at most ``DEEPEST`` levels and ``MOST_NODES`` values.

    Raises
    ------
    UnreadableError
        If it is no such YAML, asks for objects, or an alias stands for something that it is part of.
    """
    text = decoded(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    try:
        return yaml.load(text, _BoundedLoader)
    except UnreadableError:
        raise
    except RecursionError:
        raise UnreadableError(_TOO_DEEP) from None
    # PyYAML lets the errors of int(), float(), date() and its own tables through.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
        raise UnreadableError(_one_line(error)) from error


class _BoundedLoader(yaml.SafeLoader):
    """A SafeLoader that stops where a document is deep, large, or large once its aliases are followed.

    The size of each node is known before anything is made of it, so neither aliases of aliases nor merges of merges
    (``<<``), which copy, can grow beyond the bound.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._heights: dict[int, tuple[int, int]] = {}
        """id of a finished node → its values and its levels, aliases followed"""

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        if self._depth > DEEPEST + 1:
            raise UnreadableError(_TOO_DEEP)
        is_alias = self.check_event(yaml.AliasEvent)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and id(node) not in self._heights:
            raise UnreadableError("an alias stands for something that it is part of")
        if id(node) not in self._heights:
            self._heights[id(node)] = self._measure(node)
        return node

    def _measure(self, node: Any) -> tuple[int, int]:
        parts: Iterable[Any] = ()
        if isinstance(node, yaml.SequenceNode):
            parts = node.value
        elif isinstance(node, yaml.MappingNode):
            parts = (part for pair in node.value for part in pair)
        size, levels = 1, 0
        for part in parts:
            inner, below = self._heights[id(part)]
            size, levels = size + inner, max(levels, below + 1)
        if size > MOST_NODES:
            raise UnreadableError(f"its aliases stand for more than {MOST_NODES:,} values")
        if levels > DEEPEST:
            raise UnreadableError(_TOO_DEEP)
        return size, levels


_TOO_DEEP = f"it is nested more than {DEEPEST} levels deep"


def _is_deep(content: Any) -> bool:
    level: list[Any] = [content]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for part in level:
            if isinstance(part, Mapping):
                inner += [value for value in part.values() if isinstance(value, dict | list)]
            elif isinstance(part, list):
                inner += [value for value in part if isinstance(value, dict | list)]
        if not inner:
            return False
        level = inner
    return True


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
