"""What an untrusted bundle may make the program do while its parts are built: no network, no foreign file, no giants.

Classes that a configuration may name were chosen because they are harmless. This is the second wall: should one
of them want to fetch weights or open a file after all (``EfficientNetBN`` fetched by default), Python's audit events
stop it, whatever its argument is called. Sizes are stopped before memory is touched.
"""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.overrides import TorchFunctionMode

from napari_lesion.support.errors import ModelError, UntrustedCodeError

MOST_VALUES = 2**28
"""Values in one tensor, and of all parameters together: 1 GB of float32. The largest of MONAI's networks has 0.9 GB."""
MOST_MODULES = 50_000

_FORBIDDEN = frozenset(
    [
        "os.system",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.kill",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.truncate",
        "os.chmod",
        "os.chown",
        "os.utime",
        "os.putenv",
    ]
)
_FORBIDDEN_ROOTS = ("socket", "subprocess", "urllib", "http", "ftplib", "smtplib", "shutil", "tempfile", "webbrowser")
_FACTORIES = frozenset("empty zeros ones full rand randn randint normal empty_strided".split())  # noqa: SIM905
_SYSTEM = ("/proc/", "/sys/", "/dev/")
_state = threading.local()


@contextmanager
def guarded(where: str, advice: str) -> Iterator[None]:
    """Build a part of an untrusted bundle.

    Parameters
    ----------
    where : str
        File and key, for the sentences.
    advice : str
        Ends the sentence where trust would help.

    Raises
    ------
    UntrustedCodeError
        If it opens a file that is no part of an installed package, or the network.
    ModelError
        If it grows beyond ``MOST_VALUES`` or ``MOST_MODULES``.
    """
    _install()
    before = getattr(_state, "where", None)
    limits = _Limits(where)
    with ExitStack() as stack:
        stack.enter_context(limits)
        for register in (
            torch_module.register_module_parameter_registration_hook,
            torch_module.register_module_buffer_registration_hook,
            torch_module.register_module_module_registration_hook,
        ):
            stack.callback(register(limits.count).remove)
        _state.where = (where, advice)
        try:
            yield
        finally:
            _state.where = before


class _Limits(TorchFunctionMode):
    """Stops a tensor that is too large before it is filled, and a network while it is put together."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where, self._thread = where, threading.get_ident()
        self._values = self._modules = 0

    def count(self, _module: nn.Module, _name: str, part: Any) -> None:
        """Count a parameter, buffer or module that is put into another; torch calls it, on any thread."""
        if threading.get_ident() != self._thread:
            return
        if isinstance(part, Tensor):
            self._values += part.numel()
        else:
            self._modules += 1
        if self._values > MOST_VALUES or self._modules > MOST_MODULES:
            raise ModelError(
                f"{self._where}: the network has more than {MOST_VALUES:,} weights or {MOST_MODULES:,} layers, which "
                "none of MONAI's has. It was not built."
            )

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Look at the size of what an operation would make, then let it."""
        if _values_of(func, args) > MOST_VALUES:
            raise ModelError(
                f"{self._where}: it asks for an array of more than {MOST_VALUES:,} values. It was not made."
            )
        return func(*args, **(kwargs or {}))


def _values_of(func: Any, args: Any) -> float:
    """Values that a function of torch is about to make, at least."""
    name = getattr(func, "__name__", "")
    tensors = [part for part in args if isinstance(part, Tensor)]
    lists = [part for part in args if isinstance(part, list | tuple) and all(isinstance(n, int) for n in part)]
    lists = lists or [[n for n in args if isinstance(n, int)]]
    if name in ("arange", "linspace", "eye", "tril_indices", "triu_indices"):
        return max((abs(float(n)) for n in args if isinstance(n, int | float)), default=0)
    if not tensors:
        return float(max(math.prod(part) for part in lists)) if name in _FACTORIES else 0
    if name in ("repeat", "tile"):
        return float(tensors[0].numel() * math.prod(lists[0]))
    if len(tensors) > 1:
        try:
            shape = torch.broadcast_shapes(*(part.shape for part in tensors))  # type: ignore[no-untyped-call]
            return float(math.prod(shape))
        except RuntimeError:
            return 0
    return 0


@cache
def _install() -> None:
    """Begin to listen, once in a process: a listener cannot be taken away again."""
    sys.addaudithook(_listen)


def _listen(event: str, args: tuple[Any, ...]) -> None:
    found = getattr(_state, "where", None)
    if found is None:
        return
    if event == "open":
        path, mode, flags = args
        if not isinstance(path, str | bytes):
            return  # a descriptor that is open already
        name = os.fsdecode(path)
        wanted = f"to open {name}"
        allowed = _is_code(name, writes=_writes(mode, flags))
    elif event in _FORBIDDEN:
        wanted = f"{event} {' '.join(str(part) for part in args[:1])}"
        allowed = "__pycache__" in wanted
    else:
        wanted = event
        allowed = event.partition(".")[0] not in _FORBIDDEN_ROOTS
    if not allowed:
        where, advice = found
        _state.where = None  # the sentence below may look for a file itself
        try:
            raise UntrustedCodeError(
                f"{where}: building it wants {wanted}, but a bundle that is not trusted may open no file and no "
                f"connection. {advice}"
            )
        finally:
            _state.where = found


def _writes(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC))


def _is_code(name: str, *, writes: bool) -> bool:
    """Whether a file belongs to an installed package or to the system's description of itself."""
    if writes:
        return "__pycache__" in name or name == os.devnull
    return name.startswith(_SYSTEM) or any(Path(name).absolute().is_relative_to(home) for home in _package_folders())


@cache
def _package_folders() -> tuple[Path, ...]:
    given = (Path(folder).absolute() for folder in (*sys.path, sys.prefix, sys.base_prefix) if folder)
    return tuple(sorted({*given, Path(__file__).resolve().parents[3]} - {Path.cwd()}))
