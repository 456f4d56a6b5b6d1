"""What a log, a crash and a report of a bug may say: where in the code, of which series by a short hash, and no value.

An error of a library quotes what it could not read (``could not convert string to float: 'Doe^John'``), a traceback
with variables shows them, a warning repeats a header. None of that leaves this module: errors become their kinds and
the lines of code that they came through.
"""

from __future__ import annotations

import hashlib
import linecache
import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TextIO

VARIABLE = "NAPARI_LESION_TRACES"
"""``full``: errors are shown as Python shows them, with all that they quote. For developers, with data of nobody."""
LEFT_OUT = "its text is left out, since it may quote a header"
_DIGITS = 12
_MOST_FRAMES = 40
#: Libraries that only see numbers. What others say may quote texts of files.
_ONLY_NUMBERS = ("torch", "monai", "numpy", "scipy", "openvino", "nncf", "onnx", "numba")
#: Their records quote requests, headers, texts of pictures and names of files, at DEBUG most of all.
_TALKATIVE = (
    *("pydicom", "highdicom", "pynetdicom", "dicomweb_client", "urllib3", "requests", "httpx", "httpcore"),
    *("filelock", "PIL", "fsspec", "nibabel", "asyncio", "distributed", "tifffile", "websockets"),
)


def short_hash(uid: str) -> str:
    """Name a series or study in a log: the first 12 hexadecimal digits of the SHA-256 of its UID.

    Who has the scan finds it by that (``napari-lesion series --json``); who has only the log finds nothing.
    """
    return hashlib.sha256(uid.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def are_traces_full() -> bool:
    """Whether the user asked for errors as Python shows them."""
    return os.environ.get(VARIABLE) == "full"


def place_of(error: BaseException) -> str:
    """Name an error by its kind and the line of code that raised it: ``ValueError at dicom/read/geometry.py:88``."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _is_ours(frame.filename)]
    last = (ours or frames)[-1:]
    return _kind(error) + "".join(f" at {_short_path(frame.filename)}:{frame.lineno}" for frame in last)


def trace(error: BaseException) -> str:
    """Show the way of an error through the code, and that of those which led to it: without texts and values."""
    if are_traces_full():
        return "".join(traceback.format_exception(error)).rstrip()
    parts = ["Traceback, without what the errors say:"]
    for number, one in enumerate(reversed([*_chain(error)])):
        if number:
            parts.append("which led to:")
        frames = traceback.extract_tb(one.__traceback__)
        cut = len(frames) - _MOST_FRAMES
        if cut > 0:
            parts.append(f"  ({cut} calls before)")
        for frame in frames[-_MOST_FRAMES:]:
            parts.append(f"  {_short_path(frame.filename)}:{frame.lineno} in {frame.name}")
            if line := linecache.getline(frame.filename, frame.lineno or 0).strip():
                parts.append(f"    {line}")
        parts.append(f"{_kind(one)} ({LEFT_OUT})")
    return "\n".join(parts)


class NamelessFormatter(logging.Formatter):
    """Records of this program with traces that name nobody; of others only that there was one."""

    def formatException(  # noqa: N802 - logging's name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        """Show an error by its way through the code."""
        return trace(ei[1]) if ei[1] is not None else ""

    def format(self, record: logging.LogRecord) -> str:
        """Put a record into words."""
        root = record.name.partition(".")[0]
        if are_traces_full() or root == "napari_lesion" or root in _ONLY_NUMBERS:
            # What another formatter made of the trace has the values in it.
            return super().format(_without_text_of_trace(record))
        return f"{root} wrote a line ({record.levelname.lower()}); {LEFT_OUT}."


def quieten_libraries() -> None:
    """Let no library that sees headers write to a log, whatever level the log has."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def install(write: Callable[[str], None]) -> None:
    """Let all that nobody catches in this process, on any thread, and all warnings be said without texts and values."""

    def on_error(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt) or are_traces_full():
            sys.__excepthook__(kind, error, at)
        else:
            write(trace(error))

    def on_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and args.exc_type is not SystemExit:
            on_error(args.exc_type, args.exc_value, args.exc_traceback)

    def on_unraisable(args: sys.UnraisableHookArgs) -> None:
        if args.exc_value is not None:
            on_error(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook, threading.excepthook, sys.unraisablehook = on_error, on_thread, on_unraisable
    quieten_warnings(write)
    quieten_libraries()


def quieten_warnings(write: Callable[[str], None]) -> None:
    """Let warnings be said without what they quote, but those of libraries that only see numbers."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,  # noqa: ARG001 - as `warnings` calls it
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        text = str(message) if are_traces_full() or only_sees_numbers(filename) else f"a warning; {LEFT_OUT}"
        write(f"{_short_path(filename)}:{lineno}: {category.__name__}: {text}")

    warnings.showwarning = show


def only_sees_numbers(filename: str) -> bool:
    """Whether a file of code is of a library that no header reaches."""
    return _short_path(filename).partition("/")[0] in _ONLY_NUMBERS


def passed_through(error: BaseException, *packages: str) -> bool:
    """Whether an error, or one that led to it, came through code of one of these packages."""
    return any(
        _short_path(frame.filename).partition("/")[0] in packages
        for one in _chain(error)
        for frame in traceback.extract_tb(one.__traceback__)
    )


def _without_text_of_trace(record: logging.LogRecord) -> logging.LogRecord:
    if record.exc_text is None:
        return record
    copy = logging.makeLogRecord(record.__dict__)
    copy.exc_text = None
    return copy


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and, one after the other, those that led to it."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _is_ours(filename: str) -> bool:
    return _short_path(filename).startswith("napari_lesion/")


def _short_path(filename: str) -> str:
    """Shorten a file of code to what follows the folder of packages: home folders are called after people."""
    path = Path(filename)
    parts = path.parts
    for folder in ("site-packages", "dist-packages", "src"):
        if folder in parts:
            at = len(parts) - 1 - parts[::-1].index(folder)
            return "/".join(parts[at + 1 :])
    return path.name
