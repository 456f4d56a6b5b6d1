r"""Text out of files as it may be shown and written: on one line, without what a terminal or a spreadsheet would run.

Names of files, descriptions and comments come from anywhere. A line break in one forges a line of a log, an escape
sequence clears a screen or writes into a title, ``=HYPERLINK(…)`` in a table runs, and a name of bytes that are no
UTF-8 cannot be written at all. What is taken out is shown as Python writes it (``\x1b``), so that nothing is lost.
"""

from __future__ import annotations

import re
from pathlib import Path

#: Line and column ends of all kinds: they become one blank.
_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
#: Control characters; what turns the direction of all text behind it; halves of pairs, by which Python names bytes of
#: a file's name that it cannot decode (PEP 383), and the two characters that are none.
_UNSHOWN = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
#: With what spreadsheets begin a formula, in their full width, too; blanks before it do not help.
_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]")
#: Where lists are divided by semicolons, a cell goes to pieces there, each of which may begin a formula.
_INNER_FORMULA = re.compile(r"(;\s*)(?=[=+\-@＝＋－＠])")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def one_line(text: object) -> str:
    """Show text on one line, as it is but for what cannot be shown.

    Parameters
    ----------
    text : object
        Whatever has a text: a string, a path, an error.
    """
    return _UNSHOWN.sub(_escaped, _BREAKS.sub(" ", str(text)))


def lines(text: object) -> str:
    """Show text of several lines, each as `one_line` does."""
    return "\n".join(one_line(line) for line in str(text).splitlines())


def cell(text: object) -> str:
    """Make a table's cell that no spreadsheet runs: behind an apostrophe where it would be a formula.

    Numbers stay as they are. `from_cell` takes it back.
    """
    shown = one_line(text)
    if _NUMBER.fullmatch(shown):
        return shown
    shown = _INNER_FORMULA.sub(r"\1'", shown)
    return f"'{shown}" if _FORMULA.match(shown) else shown


def from_cell(text: str) -> str:
    """Take off the apostrophe before what would be a formula."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def path_of(text: str) -> Path:
    """Find the path that `one_line` showed: by its bytes where no such file is there as it stands."""
    path = Path(text)
    by_bytes = re.sub(r"\\x([89a-f][0-9a-f])", lambda found: chr(0xDC00 + int(found[1], 16)), text)
    return path if by_bytes == text or path.exists() else Path(by_bytes)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # a byte that could not be decoded
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
