"""Tables: CSV as this program writes it, and as spreadsheets do."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.plain import cell
from napari_lesion.support.vault import read_bytes

_DELIMITERS = ",;\t"
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
#: What Excel writes above a table to say how it is divided.
_SEP = re.compile(r'"?sep=(.)"?;*,*', re.IGNORECASE)
_COMMA_NUMBER = re.compile(r"[+-]?\d+,\d+")
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+")


@dataclass(frozen=True)
class Table:
    """A table as it was read: cells without the blanks around them.

    Attributes
    ----------
    columns : tuple of str
        As the first line names them.
    lines : tuple of (int, tuple of str)
        Number of the line in the file, and its cells; empty lines are left out.
    decimal_comma : frozenset of str
        Columns whose numbers are written with a decimal comma: only where no comma divides cells, and no number in the
        column is written with a point.
    """

    columns: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]
    decimal_comma: frozenset[str] = frozenset()

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield the number of each line, and its cells by column; those that a short line lacks are empty."""
        for number, cells in self.lines:
            yield number, {name: cells[n] if n < len(cells) else "" for n, name in enumerate(self.columns)}

    def number(self, row: Mapping[str, str], name: str) -> float:
        """Read the number in a column.

        Raises
        ------
        ValueError
            If it is none.
        """
        text = row[name]
        if name in self.decimal_comma and _COMMA_NUMBER.fullmatch(text):
            text = text.replace(",", ".")
        return float(text)


def read_table(path: Path, needed: Sequence[str] = (), *, strict: bool = False) -> Table:
    """Read a table with a first line that names its columns, divided by commas, semicolons or tabs.

    All that spreadsheets write is understood: UTF-8 with or without a mark, UTF-16 with one, a line ``sep=;``, blanks
    around cells, quotes, line ends of any kind.

    Parameters
    ----------
    path : Path
    needed : sequence of str
        Columns that must be there.
    strict : bool
        Refuse quotes that do not match.

    Raises
    ------
    InputFileError
        If the file cannot be read, is empty, lacks a column, or has one of them twice.
    """
    try:
        content = read_bytes(path)
        text = content.decode(next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8"))
    except (OSError, UnicodeError) as error:
        raise InputFileError(
            f"{path}: cannot be read as a CSV in UTF-8 ({error}). In a spreadsheet, save it as “CSV UTF-8”."
        ) from error
    source = list(io.StringIO(text, newline=""))
    start = next((n for n, line in enumerate(source) if line.strip()), 0)
    delimiter = ""
    if source and (said := _SEP.fullmatch(source[start].strip())):
        delimiter, start = said[1], start + 1
    heading = source[start] if start < len(source) else ""
    delimiter = delimiter or max(_DELIMITERS, key=heading.count)
    try:
        reader = csv.reader(source[start:], delimiter=delimiter, skipinitialspace=True, strict=strict)
        lines = [(start + reader.line_num, tuple(one.strip() for one in cells)) for cells in reader]
    except (csv.Error, TypeError, ValueError) as error:
        raise InputFileError(f"{path}: cannot be read as a CSV in UTF-8 ({error}).") from error
    lines = [line for line in lines if any(line[1])]
    if not lines:
        raise InputFileError(f"{path}: is empty. Its first line must name the columns{_names(needed)}.")
    columns = lines[0][1]
    absent = [name for name in needed if name not in columns]
    if absent:
        raise InputFileError(
            f"{path}: no column {', '.join(absent)}; needed are {','.join(needed)}. Its first line names "
            f"{', '.join(filter(None, columns)) or 'none'}."
        )
    if twice := next((name for name in needed if columns.count(name) > 1), ""):
        raise InputFileError(f"{path}: the column {twice} is there twice. Leave one.")
    comma = _decimal_commas(columns, [cells for _, cells in lines[1:]]) if delimiter != "," else ()
    return Table(columns, tuple(lines[1:]), frozenset(comma))


def _decimal_commas(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for n, name in enumerate(columns):
        cells = [row[n] for row in rows if n < len(row)]
        if any(map(_COMMA_NUMBER.fullmatch, cells)) and not any(map(_POINT_NUMBER.fullmatch, cells)):
            yield name


def _names(needed: Sequence[str]) -> str:
    return f" ({','.join(needed)})" if needed else ""


def write_table(
    columns: Sequence[str], rows: Iterable[Mapping[str, object]], path: Path, *, private: bool = False
) -> None:
    """Write a table, whole or not at all; a column that a row does not have stays empty.

    Text is written as `plain.cell` makes it, so that no spreadsheet runs it.

    Parameters
    ----------
    columns : sequence of str
    rows : iterable of mapping
    path : Path
    private : bool
        It names a patient: only the user may read it.
    """
    with whole_file(path, private=private) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, columns).writeheader()
        _write_rows(columns, rows, file)


def table_lines(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Make the lines that rows have in a table as `write_table` writes it; each row is one line."""
    text = io.StringIO(newline="")
    _write_rows(columns, rows, text)
    return text.getvalue()


def _write_rows(columns: Sequence[str], rows: Iterable[Mapping[str, object]], file: TextIO) -> None:
    writer = csv.DictWriter(file, columns)
    for row in rows:
        writer.writerow({name: cell(value) if isinstance(value, str) else value for name, value in row.items()})
