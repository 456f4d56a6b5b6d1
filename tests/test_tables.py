"""Text out of files as it is shown, and tables as this program and spreadsheets write them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lesion.report.summary import SeriesOutcome, cells, load_summary, save_skipped, save_summary
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.plain import cell, from_cell, lines, one_line, path_of
from napari_lesion.support.tables import read_table, write_table

UNDECODABLE = os.fsdecode(b"M\xfcller")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Thorax 3.0 B30f", "Thorax 3.0 B30f"),
        ("胸部 CT, Müller", "胸部 CT, Müller"),
        ("Thorax\ndone     1.2.3 (CT): 0 findings", "Thorax done     1.2.3 (CT): 0 findings"),
        ("a\u2028b\x85c\r\nd", "a b c d"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        (UNDECODABLE, "M\\xfcller"),
        ("\ud800", "\\ud800"),
    ],
)
def test_text_of_a_file_is_shown_on_one_line_and_runs_nothing(text, shown):
    assert one_line(text) == shown
    assert one_line(text).encode()


@given(st.text(st.characters(exclude_categories=[])))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_written_on_one_line_and_in_a_cell(text):
    assert len(one_line(text).encode().splitlines()) <= 1
    assert from_cell(cell(text)) == one_line(text) or ";" in text
    assert cell(from_cell(cell(text))) == cell(text)


def test_lines_stay_lines():
    assert lines("# Card\n\x1b[31mred") == "# Card\n\\x1b[31mred"


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://x")', "+cmd|' /C calc'!A0", "-1+1", "@SUM(1)", " =1", "＝1", "\t=1"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_text(text, tmp_path):
    assert cell(text).startswith("'")
    write_table(("comment",), [{"comment": text}], tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["comment"].startswith("'")


def test_a_cell_that_semicolons_would_divide_runs_nothing():
    assert cell("Thorax;=1+1; -cmd") == "Thorax;'=1+1; '-cmd"


@pytest.mark.parametrize("text", ["-3.5", "+2", "1e-05", "1.2.840.1", "Thorax -C", "a=b"])
def test_numbers_and_ordinary_text_stay(text):
    assert cell(text) == text


def test_a_summary_comes_back_as_it_was(tmp_path):
    row = cells(SeriesOutcome("1.2", "failed", reason="-x", source=UNDECODABLE, series_description="'=1\nfailed"))
    for _ in range(2):
        save_summary([row], tmp_path / "summary.csv")
        (row,) = load_summary(tmp_path / "summary.csv")
    assert (row["reason"], row["source"], row["series_description"]) == ("-x", "M\\xfcller", "'=1 failed")
    save_skipped([(tmp_path / UNDECODABLE, "not a DICOM file")], tmp_path / "skipped.csv")
    assert "M\\xfcller,not a DICOM file" in (tmp_path / "skipped.csv").read_text(encoding="utf-8")


def test_a_path_is_found_again_by_what_was_shown_of_it(tmp_path):
    folder = tmp_path / UNDECODABLE
    folder.mkdir()
    assert path_of(one_line(folder)) == folder
    assert path_of(str(tmp_path)) == tmp_path


PLAIN = "seriesuid,coordX,note\n1.2,-3.5,a\n1.3,4,\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.replace(",", ";").replace("\n", "\r\n").encode(),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace(",", ", ").encode(),
        b"sep=;\r\n" + PLAIN.replace(",", ";").encode(),
        b'\xef\xbb\xbf"sep=;"\n' + PLAIN.replace(",", ";").encode(),
        PLAIN.replace("\n", "\r").encode(),
        b"\n\n" + PLAIN.replace("\n", "\n\n").encode(),
        PLAIN.replace(",", ";").replace(".5", ",5").encode(),
        b'"seriesuid" , "coordX" , "note"\n"1.2" , "-3.5" , "a"\n1.3,4\n',
    ],
)
def test_a_table_is_read_as_spreadsheets_write_it(content, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    table = read_table(tmp_path / "t.csv", ("seriesuid", "coordX"))
    rows = [row for _, row in table.rows()]
    assert [(row["seriesuid"], table.number(row, "coordX"), row["note"]) for row in rows] == [
        ("1.2", -3.5, "a"),
        ("1.3", 4.0, ""),
    ]


def test_a_decimal_comma_beside_points_is_not_guessed(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n1,5;\n2.5;\n")
    table = read_table(tmp_path / "t.csv")
    (number, row), _ = table.rows()
    assert number == 2
    with pytest.raises(ValueError, match="could not convert"):
        table.number(row, "a")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"sep=;", "is empty"),
        (b"\xff\xfeabc", "CSV UTF-8"),
        ("seriesuid;patient\nMüller;1".encode("latin-1"), "CSV UTF-8"),
        (b"series;patient\n1;2\n", "no column seriesuid.*names series, patient"),
        (b"seriesuid,seriesuid\n1,2\n", "twice"),
        (b"seriesuid\n" + b"x" * 200_000, "cannot be read as a CSV"),
    ],
)
def test_what_is_no_table_is_refused_in_words(content, words, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        read_table(tmp_path / "t.csv", ("seriesuid",))


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1", "utf-8"])
def test_any_name_is_printed_on_any_terminal(encoding):
    script = (
        "import logging, os\n"
        "from napari_lesion.cli.console import use_plain_text, print_error, print_line, show_table\n"
        "use_plain_text()\n"
        "name = os.fsdecode(b'M\\xfcller') + '胸部\\x1b[2J\\ndone 1.2: 0 findings'\n"
        "print_line(name); print_error(name); show_table(['series'], [[name]])\n"
        "logging.getLogger('napari_lesion.x').error(name)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert run.stdout.count(b"M\\xfcller") == run.stderr.count(b"M\\xfcller") == 2
    assert b"\x1b" not in run.stdout + run.stderr
    # The line of the log may be several, those of commands may not.
    assert not [line for line in run.stdout.splitlines() if line.startswith(b"done")]
